/* SPDX-License-Identifier: Apache-2.0 */
/* Counts of calls. */
#include "server/statistics.h"

static void add(atomic_uint_fast64_t *to, uint64_t count)
{
	atomic_fetch_add_explicit(to, count, memory_order_relaxed);
}

/* 0 us: 0; 1 us: 1; 2 and 3 us: 2; and so on. */
static unsigned slot_of(uint64_t us)
{
	unsigned slot = us ? 64 - (unsigned)__builtin_clzll(us) : 0;
	return slot < PYR__LATENCY_SLOTS ? slot : PYR__LATENCY_SLOTS - 1;
}

void pyr__statistics_end(pyr__statistics *statistics, pyr_status status, int64_t took_us)
{
	uint64_t us = took_us > 0 ? (uint64_t)took_us : 0;
	unsigned code = (unsigned)status < PYR__STATUSES ? (unsigned)status : PYR_UNKNOWN;
	add(&statistics->ended[code], 1);
	add(&statistics->total_us, us);
	add(&statistics->latency[slot_of(us)], 1);
}
