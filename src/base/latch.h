/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A flag that one thread waits for and another sets, each once. Without a mutex, so that who is
 * woken has nobody to wait for; and without a system call where the thread does not sleep yet.
 */
#ifndef PYR_BASE_LATCH_H
#define PYR_BASE_LATCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct pyr__latch {
	atomic_uint state;
} pyr__latch;

void pyr__latch_init(pyr__latch *latch);

/*
 * What this thread did before is seen by who waits. The latch, and all that lies around it, may be
 * gone before this returns.
 */
void pyr__latch_set(pyr__latch *latch);

/* Until it is set or the time, of CLOCK_MONOTONIC in us, INT64_MAX for never; true: it is set. */
bool pyr__latch_wait(pyr__latch *latch, int64_t until_us);

#endif
