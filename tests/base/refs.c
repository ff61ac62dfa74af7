/* SPDX-License-Identifier: Apache-2.0 */
/* Counting comes out right, and the last is told once. For a process with one thread: refs_alone.c.
 */
#include "base/refs.h"

#include <criterion/criterion.h>
#include <pthread.h>

#define THREADS 4
#define ROUNDS  100000u

typedef struct shared {
	atomic_uint refs;
	atomic_uint_fast64_t counted;
	atomic_bool flag;
	atomic_uint firsts, lasts;
} shared;

static void use(shared *s, unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++) {
		pyr__refs_take(&s->refs);
		cr_assert(pyr__refs_take_if_used(&s->refs));
		cr_assert(pyr__refs_drop_if_shared(&s->refs));
		cr_assert_not(pyr__refs_drop(&s->refs));
		pyr__count_add(&s->counted, 3);
		cr_assert_geq(pyr__count_drop(&s->counted, 1), 3);
	}
	if (pyr__flag_set(&s->flag))
		atomic_fetch_add(&s->firsts, 1);
}

/* Has a reference of its own. */
static void *use_and_drop(void *arg)
{
	shared *s = arg;
	use(s, ROUNDS);
	if (pyr__refs_drop(&s->refs))
		atomic_fetch_add(&s->lasts, 1);
	return NULL;
}

static shared begin(unsigned refs)
{
	shared s;
	atomic_init(&s.refs, refs);
	atomic_init(&s.counted, 0);
	atomic_init(&s.flag, false);
	atomic_init(&s.firsts, 0);
	atomic_init(&s.lasts, 0);
	return s;
}

static void check_ends(shared *s)
{
	cr_assert_not(pyr__refs_drop_if_shared(&s->refs));
	cr_assert_eq(atomic_load(&s->refs), 1);
	cr_assert(pyr__refs_drop(&s->refs));
	cr_assert_not(pyr__refs_take_if_used(&s->refs));
	cr_assert_not(pyr__flag_set(&s->flag));
	cr_assert_eq(atomic_load(&s->firsts), 1);
}

Test(refs, are_counted)
{
	shared s = begin(1);
	use(&s, 10);
	cr_assert_eq(atomic_load(&s.counted), 20);
	check_ends(&s);
}

Test(refs, are_counted_by_many_threads)
{
	pthread_t threads[THREADS];
	shared s = begin(1 + THREADS);
	for (unsigned i = 0; i < THREADS; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, use_and_drop, &s), 0);
	cr_assert_not(pyr__has_one_thread());
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	cr_assert_eq(atomic_load(&s.counted), 2ull * THREADS * ROUNDS);
	cr_assert_eq(atomic_load(&s.lasts), 0);
	check_ends(&s);
}

Test(refs, tell_the_last_of_many_threads)
{
	pthread_t threads[THREADS];
	shared s = begin(THREADS);
	for (unsigned i = 0; i < THREADS; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, use_and_drop, &s), 0);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	cr_assert_eq(atomic_load(&s.refs), 0);
	cr_assert_eq(atomic_load(&s.lasts), 1);
}
