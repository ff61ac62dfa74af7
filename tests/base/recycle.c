/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that threads keep for the next call. */
#include <criterion/criterion.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "base/recycle.h"

#define SIZE 1200

/* Sanitizers see to it that nothing is kept. */
#ifdef __SANITIZE_ADDRESS__
#define KEEPS 0
#else
#define KEEPS 1
#endif

Test(recycle, gives_what_was_freed_last)
{
	void *first = pyr__recycle_alloc(PYR__RECYCLED_CALL, SIZE);
	void *second = pyr__recycle_alloc(PYR__RECYCLED_CALL, SIZE);
	cr_assert_neq(first, second);
	pyr__recycle_free(PYR__RECYCLED_CALL, first);
	pyr__recycle_free(PYR__RECYCLED_CALL, second);
	void *again = pyr__recycle_alloc(PYR__RECYCLED_CALL, SIZE);
	if (KEEPS)
		cr_assert_eq(again, second);
	free(again);
	free(pyr__recycle_alloc(PYR__RECYCLED_CALL, SIZE));
}

Test(recycle, tells_kinds_apart)
{
	void *call = pyr__recycle_alloc(PYR__RECYCLED_CALL, SIZE);
	pyr__recycle_free(PYR__RECYCLED_CALL, call);
	void *pending = pyr__recycle_alloc(PYR__RECYCLED_PENDING, SIZE / 2);
	if (KEEPS)
		cr_assert_neq(pending, call);
	free(pending);
	free(pyr__recycle_alloc(PYR__RECYCLED_CALL, SIZE));
}

/* The rest goes back to malloc: the program would fail under a leak checker otherwise. */
Test(recycle, keeps_so_many_and_no_more)
{
	void *pieces[PYR__RECYCLED_MAX + 10];
	for (unsigned i = 0; i < PYR__RECYCLED_MAX + 10; i++) {
		pieces[i] = pyr__recycle_alloc(PYR__RECYCLED_CALL, SIZE);
		memset(pieces[i], 0x5a, SIZE);
	}
	for (unsigned i = 0; i < PYR__RECYCLED_MAX + 10; i++)
		pyr__recycle_free(PYR__RECYCLED_CALL, pieces[i]);
	for (unsigned i = PYR__RECYCLED_MAX; KEEPS && i > 0; i--) {
		void *again = pyr__recycle_alloc(PYR__RECYCLED_CALL, SIZE);
		cr_assert_eq(again, pieces[i - 1]);
		free(again);
	}
}

static void *free_all(void *arg)
{
	void **pieces = arg;
	for (unsigned i = 0; i < 10; i++)
		pyr__recycle_free(PYR__RECYCLED_PENDING, pieces[i]);
	return NULL;
}

static void *do_nothing(void *arg)
{
	return arg;
}

/* Another thread may free them; it keeps them, and gives them back when it ends. */
Test(recycle, ends_with_its_thread)
{
	void *pieces[10];
	pthread_t thread;
	cr_assert_eq(pthread_create(&thread, NULL, do_nothing, NULL), 0);
	pthread_join(thread, NULL); /* what the library keeps of a thread is there now */
	for (unsigned i = 0; i < 10; i++)
		pieces[i] = pyr__recycle_alloc(PYR__RECYCLED_PENDING, SIZE);
	size_t before = mallinfo2().uordblks;
	bool made = pthread_create(&thread, NULL, free_all, pieces) == 0;
	if (made)
		pthread_join(thread, NULL);
	size_t after = mallinfo2().uordblks;
	cr_assert(made);
	if (KEEPS) /* a sanitizer's malloc tells nothing */
		/* the C library keeps a little of a thread */
		cr_assert_leq(after, before - 8 * SIZE, "%zu bytes, then %zu", before, after);
}
