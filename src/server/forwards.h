/* SPDX-License-Identifier: Apache-2.0 */
/* Objects that have moved: where each of them is now. */
#ifndef PYR_SERVER_FORWARDS_H
#define PYR_SERVER_FORWARDS_H

#include <pthread.h>
#include <pyrite/call.h>
#include <pyrite/reference.h>
#include <stdatomic.h>
#include "base/map.h"
#include "base/text.h"

typedef struct pyr__forwards {
	atomic_uint count; /* of by_id: mostly there are none */
	pthread_mutex_t lock;
	pyr__map by_id;
} pyr__forwards;

void pyr__forwards_init(pyr__forwards *forwards);
void pyr__forwards_done(pyr__forwards *forwards);

static inline bool pyr__forwards_any(const pyr__forwards *forwards)
{
	return atomic_load_explicit(&forwards->count, memory_order_relaxed) > 0;
}

/* INVALID_ARGUMENT for a reference that is no place. */
pyr_status pyr__forwards_set(
	pyr__forwards *forwards, const char *id, const char *reference, pyr_error *err);
bool pyr__forwards_remove(pyr__forwards *forwards, const char *id);

/* False if the object has not moved. */
bool pyr__forwards_find(
	pyr__forwards *forwards, pyr__text id, char ret_reference[PYR_REFERENCE_MAX]);

/* The same for a call, which may be about the daemon, and not its object. */
bool pyr__forward_of(const pyr_call *call, char ret_reference[PYR_REFERENCE_MAX]);

/* Answers the call with where its object is, or sends a oneway one there. */
void pyr__forward_call(pyr_call *call, const char *reference);

#endif
