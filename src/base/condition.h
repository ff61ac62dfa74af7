/* SPDX-License-Identifier: Apache-2.0 */
/* Condition variables for the mutexes of base/mutex.h. */
#ifndef PYR_BASE_CONDITION_H
#define PYR_BASE_CONDITION_H

#include <stdint.h>
#include "base/mutex.h"

/* All zeros is one that nobody waits for. It need not be destroyed. */
typedef struct pyr__condition {
	atomic_uint changes;
	unsigned waiting; /* guarded by the mutex */
} pyr__condition;

/*
 * The mutex is held, and given up meanwhile. Returns when somebody has told, at the time, of
 * CLOCK_MONOTONIC in us, INT64_MAX for never, or for no reason: look again.
 */
void pyr__condition_wait(pyr__condition *condition, pyr__mutex *mutex, int64_t until_us);

/* Wakes all who wait; the mutex is held. */
void pyr__condition_tell(pyr__condition *condition);

#endif
