/* SPDX-License-Identifier: Apache-2.0 */
/* How often a method was called, how that ended, and how long it took. Any thread. */
#ifndef PYR_SERVER_STATISTICS_H
#define PYR_SERVER_STATISTICS_H

#include <stdatomic.h>
#include <stdint.h>
#include <pyrite/status.h>
#include "base/refs.h"

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
	pyr__count_add(&statistics->began, 1);
}

void pyr__statistics_end(pyr__statistics *statistics, pyr_status status, int64_t took_us);

/*
 * Calls that have ended in this turn of a loop, by its thread alone: they are counted together, and
 * before anything of them is sent. They took until then, so that the clock is read once for all.
 */
#define PYR__ENDINGS_MAX 16u

typedef struct pyr__endings {
	unsigned used;
	struct pyr__ending {
		pyr__statistics *statistics;
		int64_t began_us;
		pyr_status status;
		uint32_t count; /* of calls that are alike in all this */
	} list[PYR__ENDINGS_MAX];
} pyr__endings;

void pyr__endings_add(
	pyr__endings *endings, pyr__statistics *statistics, pyr_status status, int64_t began_us);
void pyr__endings_count(pyr__endings *endings);

#endif
