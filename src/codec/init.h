/* SPDX-License-Identifier: Apache-2.0 */
/* A message that has just begun: every field has its default value. */
#ifndef PYR_CODEC_INIT_H
#define PYR_CODEC_INIT_H

#include <protobuf-c/protobuf-c.h>

/*
 * Initialises descriptor->sizeof_message bytes. protobuf_c_message_init() does the same, but only
 * with generated code: it calls descriptor->message_init, which descriptors made at run time cannot
 * have, since it is not told of which message.
 */
void pyr__message_init(const ProtobufCMessageDescriptor *descriptor, ProtobufCMessage *message);

#endif
