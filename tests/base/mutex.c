/* SPDX-License-Identifier: Apache-2.0 */
/* Mutexes, and the conditions that go with them. */
#include "base/mutex.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include "base/clock.h"
#include "base/condition.h"

#define THREADS 4
#define ROUNDS  50000u

Test(mutex, is_taken_once)
{
	pyr__mutex mutex;
	pyr__mutex_init(&mutex);
	cr_assert(pyr__mutex_trylock(&mutex));
	cr_assert(!pyr__mutex_trylock(&mutex));
	pyr__mutex_unlock(&mutex);
	pyr__mutex_lock(&mutex);
	cr_assert(!pyr__mutex_trylock(&mutex));
	pyr__mutex_unlock(&mutex);
	cr_assert(pyr__mutex_trylock(&mutex));
}

typedef struct table {
	pyr__mutex mutex;
	pyr__condition changed;
	unsigned count;
	bool open;
} table;

static void *count_up(void *arg)
{
	table *t = arg;
	for (unsigned i = 0; i < ROUNDS; i++) {
		if (i % 2 || !pyr__mutex_trylock(&t->mutex))
			pyr__mutex_lock(&t->mutex);
		t->count++;
		pyr__mutex_unlock(&t->mutex);
	}
	return NULL;
}

static void start(pthread_t *threads, unsigned count, void *(*run)(void *arg), table *t)
{
	for (unsigned i = 0; i < count; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, run, t), 0);
}

static void join(const pthread_t *threads, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
}

Test(mutex, is_one_threads_at_a_time)
{
	table t = {0};
	pthread_t threads[THREADS];
	start(threads, THREADS, count_up, &t);
	join(threads, THREADS);
	cr_assert_eq(t.count, THREADS * ROUNDS);
	cr_assert(pyr__mutex_trylock(&t.mutex), "it has not been given back");
}

static void *open_it(void *arg)
{
	table *t = arg;
	pyr__mutex_lock(&t->mutex);
	t->open = true;
	pyr__condition_tell(&t->changed);
	pyr__mutex_unlock(&t->mutex);
	return NULL;
}

/* Taken while there was one thread perhaps, and awaited by one that was made meanwhile. */
Test(mutex, taken_before_there_was_a_second_thread)
{
	table t = {0};
	pthread_t thread;
	pyr__mutex_lock(&t.mutex);
	start(&thread, 1, open_it, &t);
	while (!t.open)
		pyr__condition_wait(&t.changed, &t.mutex, INT64_MAX);
	pyr__mutex_unlock(&t.mutex);
	join(&thread, 1);
	cr_assert(pyr__mutex_trylock(&t.mutex));
}

Test(condition, waits_until_the_time_and_no_longer)
{
	table t = {0};
	pyr__mutex_lock(&t.mutex);
	int64_t until_us = pyr__now_us() + 20000;
	while (pyr__now_us() < until_us)
		pyr__condition_wait(&t.changed, &t.mutex, until_us);
	pyr__condition_wait(&t.changed, &t.mutex, pyr__now_us() - 1000);
	cr_assert_eq(t.changed.waiting, 0);
	cr_assert(!pyr__mutex_trylock(&t.mutex), "it was not taken again");
}

static void *wait_for_it(void *arg)
{
	table *t = arg;
	pyr__mutex_lock(&t->mutex);
	while (!t->open)
		pyr__condition_wait(&t->changed, &t->mutex, INT64_MAX);
	t->count++;
	pyr__mutex_unlock(&t->mutex);
	return NULL;
}

Test(condition, wakes_all_who_wait)
{
	for (int i = 0; i < 200; i++) {
		table t = {0};
		pthread_t threads[THREADS];
		start(threads, THREADS, wait_for_it, &t);
		open_it(&t);
		join(threads, THREADS);
		cr_assert_eq(t.count, THREADS);
	}
}
