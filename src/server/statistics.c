/* SPDX-License-Identifier: Apache-2.0 */
/* Counts of calls. */
#include "server/statistics.h"

#include "base/clock.h"
#include "base/refs.h"

/* 0 us: 0; 1 us: 1; 2 and 3 us: 2; and so on. */
static unsigned slot_of(uint64_t us)
{
	unsigned slot = us ? 64 - (unsigned)__builtin_clzll(us) : 0;
	return slot < PYR__LATENCY_SLOTS ? slot : PYR__LATENCY_SLOTS - 1;
}

static void end(pyr__statistics *statistics, pyr_status status, int64_t took_us, uint32_t count)
{
	uint64_t us = took_us > 0 ? (uint64_t)took_us : 0;
	unsigned code = (unsigned)status < PYR__STATUSES ? (unsigned)status : PYR_UNKNOWN;
	pyr__count_add(&statistics->ended[code], count);
	pyr__count_add(&statistics->total_us, us * count);
	pyr__count_add(&statistics->latency[slot_of(us)], count);
}

void pyr__statistics_end(pyr__statistics *statistics, pyr_status status, int64_t took_us)
{
	end(statistics, status, took_us, 1);
}

void pyr__endings_count(pyr__endings *endings)
{
	if (!endings->used)
		return;
	int64_t now_us = pyr__now_us();
	for (unsigned i = 0; i < endings->used; i++) {
		const struct pyr__ending *e = &endings->list[i];
		end(e->statistics, e->status, now_us - e->began_us, e->count);
	}
	endings->used = 0;
}

void pyr__endings_add(
	pyr__endings *endings, pyr__statistics *statistics, pyr_status status, int64_t began_us)
{
	struct pyr__ending *last = endings->used ? &endings->list[endings->used - 1] : NULL;
	if (last && last->statistics == statistics && last->status == status &&
		last->began_us == began_us && last->count < UINT32_MAX) {
		last->count++;
		return;
	}
	if (endings->used == PYR__ENDINGS_MAX)
		pyr__endings_count(endings);
	endings->list[endings->used++] = (struct pyr__ending){statistics, began_us, status, 1};
}
