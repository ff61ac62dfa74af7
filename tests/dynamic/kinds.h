/* SPDX-License-Identifier: Apache-2.0 */
/* A servant of kinds.proto that is made at run time, and whose daemon may have workers. */
#ifndef TESTS_DYNAMIC_KINDS_H
#define TESTS_DYNAMIC_KINDS_H

#include <pyrite/dynamic.h>

/* The file as protoc compiled it; ends the process if it cannot be read. */
pyr_pool *kinds_pool(const char *set_path);

/* Registers the servant under the id "kinds". The daemon needs at least one worker. */
pyr_status kinds_serve(pyr_daemon *daemon, const pyr_pool *pool, pyr_error *err);

/* A new message kinds.Number, and what is in one. */
ProtobufCMessage *kinds_number(const pyr_pool *pool, int64_t value);
int64_t kinds_value(const ProtobufCMessage *message);

#endif
