/* SPDX-License-Identifier: Apache-2.0 */
/* How often a method was called, how that ended, and how long it took. Any thread. */
#ifndef PYR_SERVER_STATISTICS_H
#define PYR_SERVER_STATISTICS_H

#include <stdatomic.h>
#include <stdint.h>
#include <pyrite/status.h>

#define PYR__STATUSES      17 /* PYR_OK to PYR_UNAUTHENTICATED */
#define PYR__LATENCY_SLOTS 28 /* the longest but one ends at 2^26 us, 67 s */

/* Of one method. What is read while calls go on may be of slightly different moments. */
typedef struct pyr__statistics {
	atomic_uint_fast64_t began;
	atomic_uint_fast64_t ended[PYR__STATUSES];
	atomic_uint_fast64_t total_us;
	/* [i]: calls that took less than 2^i us, but not less than half of that; the last: others
	 */
	atomic_uint_fast64_t latency[PYR__LATENCY_SLOTS];
} pyr__statistics;

static inline void pyr__statistics_begin(pyr__statistics *statistics)
{
	atomic_fetch_add_explicit(&statistics->began, 1, memory_order_relaxed);
}

void pyr__statistics_end(pyr__statistics *statistics, pyr_status status, int64_t took_us);

#endif
