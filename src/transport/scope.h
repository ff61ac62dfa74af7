/* SPDX-License-Identifier: Apache-2.0 */
/* What a thread is doing for whom: calls made inside a servant's function inherit from it. */
#ifndef PYR_TRANSPORT_SCOPE_H
#define PYR_TRANSPORT_SCOPE_H

#include <stdint.h>

struct pyr_call;

typedef struct pyr__scope {
	int64_t deadline_us; /* absolute, of the call that the thread serves */
	struct pyr_call *call;
	const char *(*correlation)(struct pyr_call *call); /* its id, made if need be */
} pyr__scope;

/* The thread's scope; NULL outside of a servant's function. */
extern _Thread_local const pyr__scope *pyr__scope_current;

#endif
