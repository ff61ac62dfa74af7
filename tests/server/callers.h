/* SPDX-License-Identifier: Apache-2.0 */
/* A daemon with several loops, and callers of its object "called" with a connection each. */
#ifndef TESTS_SERVER_CALLERS_H
#define TESTS_SERVER_CALLERS_H

#include "transport/suite.h"

#define LOOPS   3
#define CALLERS 6

typedef struct caller {
	pyr_context *context; /* which has a connection of its own */
	suite_suite *proxy;
} caller;

typedef struct rig {
	suite *s;
	char reference[PYR_REFERENCE_MAX];
	caller callers[CALLERS]; /* connected by their first call, to one loop after the other */
} rig;

/* self is the servant's; any_thread is its object's option. */
void rig_begin(rig *r, const suite_suite_ops *ops, void *self, bool any_thread, uint32_t workers);
void rig_end(rig *r);

/* Another object of the daemon; its reference goes to PYR_REFERENCE_MAX bytes. */
void rig_serve(const rig *r, const char *object, const suite_suite_ops *ops, void *self,
	bool any_thread, char *ret_reference);

/* The same, and a proxy of it in the suite's context. */
suite_suite *rig_open(
	const rig *r, const char *object, const suite_suite_ops *ops, void *self, bool any_thread);

caller new_caller(const rig *r);
void end_caller(caller *c);

/* Calls Count, and waits for the answer. */
void call_count(const caller *c);

#endif
