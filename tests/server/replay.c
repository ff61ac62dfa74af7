/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of a stream: nothing that may be needed is dropped, nothing else is kept. */
#include "server/replay.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "base/random.h"
#include "leaks.h"

#define COST_MIN 64u

static void put(pyr__replay *replay, uint64_t number, size_t size)
{
	uint8_t data[256] = {0};
	memcpy(data, &number, sizeof number);
	pyr__body body = {.raw = data, .size = size};
	cr_assert(pyr__replay_put(replay, &body));
}

static uint64_t number_of(const pyr__replay_item *item)
{
	uint64_t number;
	memcpy(&number, item->data, sizeof number);
	return number;
}

static unsigned send_all(pyr__replay *replay)
{
	unsigned count = 0;
	for (; replay->unsent; count++)
		pyr__replay_advance(replay);
	return count;
}

/* Ten items of 100 bytes, sent. */
static void fill(pyr__replay *replay)
{
	for (uint64_t i = 0; i < 10; i++)
		put(replay, i, 100);
	cr_assert_eq(send_all(replay), 10);
}

Test(replay, keeps_what_is_sent_until_it_has_been_used_up)
{
	pyr__replay replay;
	pyr__replay_init(&replay);
	fill(&replay);
	cr_assert_eq(replay.cost, 1000);
	cr_assert_eq(replay.bytes, 10 * pyr__replay_memory(100));
	pyr__replay_consumed(&replay, 299);
	cr_assert_eq(number_of(replay.first), 2);
	pyr__replay_consumed(&replay, 300);
	cr_assert_eq(number_of(replay.first), 3);
	pyr__replay_consumed(&replay, 100); /* it is no more than before */
	cr_assert_eq(number_of(replay.first), 3);
	pyr__replay_consumed(&replay, 5000); /* nor can it be */
	cr_assert_null(replay.first);
	cr_assert_eq(replay.bytes, 0);
	cr_assert_eq(replay.cost, 0);
	CHECK_LEAKS();
}

Test(replay, never_drops_what_has_not_been_sent)
{
	pyr__replay replay;
	pyr__replay_init(&replay);
	fill(&replay);
	put(&replay, 10, 100);
	put(&replay, 11, 100);
	pyr__replay_consumed(&replay, 5000);
	cr_assert_eq(number_of(replay.first), 10);
	cr_assert_eq(replay.first, replay.unsent);
	pyr__replay_clear(&replay);
	CHECK_LEAKS();
}

Test(replay, short_items_cost_as_much_as_a_window_takes_for_them)
{
	pyr__replay replay;
	pyr__replay_init(&replay);
	put(&replay, 0, 8);
	put(&replay, 1, 8);
	send_all(&replay);
	cr_assert_eq(replay.cost, 2 * COST_MIN);
	pyr__replay_consumed(&replay, COST_MIN - 1);
	cr_assert_eq(number_of(replay.first), 0);
	pyr__replay_consumed(&replay, COST_MIN);
	cr_assert_eq(number_of(replay.first), 1);
	pyr__replay_clear(&replay);
	CHECK_LEAKS();
}

Test(replay, goes_back_to_what_was_not_taken)
{
	pyr__replay replay;
	pyr__replay_init(&replay);
	fill(&replay);
	pyr__replay_consumed(&replay, 300);
	cr_assert_not(pyr__replay_rewind(&replay, 2), "that is not there any more");
	cr_assert_not(pyr__replay_rewind(&replay, 11), "so many there never were");
	cr_assert(pyr__replay_rewind(&replay, 3));
	cr_assert_eq(number_of(replay.unsent), 3);
	cr_assert_eq(send_all(&replay), 7);
	cr_assert(pyr__replay_rewind(&replay, 9));
	cr_assert_eq(number_of(replay.unsent), 9);
	pyr__replay_advance(&replay);
	pyr__replay_consumed(&replay, 100); /* of this caller's window */
	cr_assert_null(replay.first);
	cr_assert(pyr__replay_rewind(&replay, 10), "it has all");
	cr_assert_null(replay.unsent);
	CHECK_LEAKS();
}

Test(replay, believes_nobody_who_has_more_than_was_sent)
{
	pyr__replay replay;
	pyr__replay_init(&replay);
	for (uint64_t i = 0; i < 10; i++)
		put(&replay, i, 100);
	for (int i = 0; i < 4; i++)
		pyr__replay_advance(&replay);
	cr_assert_not(pyr__replay_rewind(&replay, 5));
	cr_assert(pyr__replay_rewind(&replay, 0));
	cr_assert(pyr__replay_rewind(&replay, 4), "though it is not sent to this one");
	cr_assert_eq(number_of(replay.unsent), 4);
	pyr__replay_cut(&replay);
	cr_assert_null(replay.first);
	cr_assert_eq(replay.bytes, 0);
	put(&replay, 4, 100);
	cr_assert_eq(number_of(replay.unsent), 4);
	pyr__replay_clear(&replay);
	CHECK_LEAKS();
}

/* A caller that breaks off at random, as a window lets it be behind. */
Test(replay, gives_each_item_once_to_a_caller_that_comes_back)
{
	enum { ITEMS = 5000 };
	pyr__replay replay;
	pyr__replay_init(&replay);
	uint64_t taken = 0, put_so_far = 0, cost = 0, came = 0;
	while (taken < ITEMS) {
		uint32_t random;
		pyr__random_bytes(&random, sizeof random);
		if (random % 10 < 5 && put_so_far < ITEMS) {
			put(&replay, put_so_far++, 8 + random % 200);
		} else if (random % 10 < 9 && replay.unsent) {
			cr_assert_eq(number_of(replay.unsent), came++, "out of order");
			uint64_t size = replay.unsent->size;
			pyr__replay_advance(&replay);
			taken++;
			if (random % 3)
				continue; /* taken, but not given back yet */
			cost += size < COST_MIN ? COST_MIN : size;
			pyr__replay_consumed(&replay, cost);
		} else if (random % 20 == 19) {
			taken -= taken > replay.dropped ? random % (taken - replay.dropped) : 0;
			came = taken;
			cost = 0;
			cr_assert(pyr__replay_rewind(&replay, taken));
		}
	}
	cr_assert_leq(replay.dropped, ITEMS);
	pyr__replay_clear(&replay);
	CHECK_LEAKS();
}
