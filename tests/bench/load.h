/* SPDX-License-Identifier: Apache-2.0 */
/* What the measuring programs that use Pyrite have in common. */
#ifndef TESTS_BENCH_LOAD_H
#define TESTS_BENCH_LOAD_H

#include <pyrite/pyrite.h>
#include "load.pyr.h"
#include "meter.h"

/* Ends the process with the error's text unless status is PYR_OK. */
void load_check(pyr_status status, const pyr_error *err);

/* A context whose callbacks run on base, or, with NULL, on a thread of it. */
pyr_context *load_context(struct event_base *base);

/* "pyr:OBJECT@ENDPOINT", "grpc:..." if that begins the endpoint. A name stays as it is. */
void load_reference(const char *object, const char *endpoint, char reference[PYR_REFERENCE_MAX]);

/* The object `load` there. */
load_load *load_open(pyr_context *context, const char *endpoint);

/* The first `size` bytes of the meter's payload, which it borrows. */
Load__Payload load_payload(meter *m, size_t size);

#endif
