/* SPDX-License-Identifier: Apache-2.0 */
/* Flags that threads wait for. */
#include "base/latch.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include "base/clock.h"

Test(latch, does_not_wait_for_what_is_set)
{
	pyr__latch latch;
	pyr__latch_init(&latch);
	pyr__latch_set(&latch);
	cr_assert(pyr__latch_wait(&latch, 0));
	cr_assert(pyr__latch_wait(&latch, INT64_MAX));
}

Test(latch, waits_until_the_time_and_no_longer)
{
	pyr__latch latch;
	pyr__latch_init(&latch);
	int64_t until_us = pyr__now_us() + 20000;
	cr_assert(!pyr__latch_wait(&latch, until_us));
	cr_assert_geq(pyr__now_us(), until_us);
	cr_assert(!pyr__latch_wait(&latch, pyr__now_us() - 1000));
}

typedef struct game {
	pyr__latch there, back;
	int ball;
} game;

static void *play(void *arg)
{
	game *games = arg;
	for (int i = 0; i < 20000; i++) {
		pyr__latch_wait(&games[i].there, INT64_MAX);
		games[i].ball++;
		pyr__latch_set(&games[i].back);
	}
	return NULL;
}

/* Each time the one may or may not sleep yet when the other comes. */
Test(latch, wakes_whoever_waits)
{
	static game games[20000];
	pthread_t thread;
	for (int i = 0; i < 20000; i++) {
		pyr__latch_init(&games[i].there);
		pyr__latch_init(&games[i].back);
	}
	cr_assert_eq(pthread_create(&thread, NULL, play, games), 0);
	int64_t until_us = pyr__now_us() + 60000000;
	for (int i = 0; i < 20000; i++) {
		games[i].ball = i;
		pyr__latch_set(&games[i].there);
		cr_assert(pyr__latch_wait(&games[i].back, until_us));
		cr_assert_eq(games[i].ball, i + 1);
	}
	pthread_join(thread, NULL);
}
