/* SPDX-License-Identifier: Apache-2.0 */
/* Counting while the process has one thread, and after it has had two: Criterion has more. */
#include "base/refs.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(what)                                                                                \
	do {                                                                                       \
		if (!(what)) {                                                                     \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what);         \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

static void check_refs(void)
{
	atomic_uint refs;
	atomic_init(&refs, 1);
	CHECK(!pyr__refs_drop_if_shared(&refs));
	pyr__refs_take(&refs);
	CHECK(pyr__refs_take_if_used(&refs) && atomic_load(&refs) == 3);
	CHECK(pyr__refs_drop_if_shared(&refs) && atomic_load(&refs) == 2);
	CHECK(!pyr__refs_drop(&refs) && atomic_load(&refs) == 1);
	CHECK(pyr__refs_drop(&refs) && atomic_load(&refs) == 0);
	CHECK(!pyr__refs_take_if_used(&refs) && atomic_load(&refs) == 0);
}

static void check_counts(void)
{
	atomic_uint_fast64_t count;
	atomic_bool flag;
	atomic_init(&count, UINT64_C(1) << 32);
	atomic_init(&flag, false);
	pyr__count_add(&count, 5);
	CHECK(pyr__count_drop(&count, 4) == (UINT64_C(1) << 32) + 5);
	CHECK(atomic_load(&count) == (UINT64_C(1) << 32) + 1);
	CHECK(pyr__flag_set(&flag) && atomic_load(&flag));
	CHECK(!pyr__flag_set(&flag) && atomic_load(&flag));
}

static void *check_in_thread(void *arg)
{
	CHECK(!pyr__has_one_thread());
	check_refs();
	check_counts();
	return arg;
}

int main(void)
{
	pthread_t thread;
#ifdef PYR__KNOWS_THREADS
	CHECK(pyr__has_one_thread());
#endif
	check_refs();
	check_counts();
	CHECK(pthread_create(&thread, NULL, check_in_thread, NULL) == 0);
	pthread_join(thread, NULL);
	return 0;
}
