/* SPDX-License-Identifier: Apache-2.0 */
/* Receive buffers, those that are kept, and running out of memory for them. */
#include "base/block.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "failing_alloc.h"
#include "leaks.h"

Test(block, lives_until_the_last_reference_is_gone)
{
	pyr__block *block = pyr__block_new(1000);
	cr_assert(block && block->size == 1000);
	cr_assert(pyr__block_ref(block) == block);
	memset(block->data, 1, 1000);
	pyr__block_unref(block);
	cr_assert(block->data[999] == 1); /* a sanitizer would see it gone */
	pyr__block_unref(block);
	pyr__block_unref(NULL);
	CHECK_LEAKS();
}

Test(block, is_null_when_there_is_no_memory)
{
	failing_alloc_at(2);
	pyr__block *block = pyr__block_new(10);
	cr_assert(block);
	cr_assert(pyr__block_new(10) == NULL);
	cr_assert(failing_alloc_count() == 2);
	failing_alloc_at(0);
	pyr__block_unref(block);
	CHECK_LEAKS();
}

#ifndef __SANITIZE_ADDRESS__ /* which is to see a block that is used when it is gone */

#define MEGABYTE (1u << 20)

/* How many blocks of the size can be had without malloc; it leaves none. */
static unsigned count_spares(size_t size)
{
	unsigned count = 0;
	pyr__block *block;
	while ((block = pyr__block_spare(size)) != NULL) {
		cr_assert(block->size >= size && atomic_load(&block->refs) == 1);
		free(block);
		count++;
	}
	return count;
}

static void make_and_drop(unsigned count, size_t size)
{
	pyr__block *blocks[64];
	for (unsigned i = 0; i < count; i++)
		cr_assert(blocks[i] = pyr__block_new(size));
	for (unsigned i = 0; i < count; i++)
		pyr__block_unref(blocks[i]);
}

Test(block, a_large_one_is_kept_for_the_next)
{
	pyr__block *block = pyr__block_new(MEGABYTE);
	pyr__block_unref(block);
	failing_alloc_at(1);
	cr_assert(pyr__block_new(MEGABYTE - 100) == block);
	cr_assert(block->size == MEGABYTE);
	cr_assert(pyr__block_new(MEGABYTE) == NULL, "there was one alone");
	failing_alloc_at(0);
	pyr__block_unref(pyr__block_ref(block));
	cr_assert(count_spares(MEGABYTE) == 0, "somebody has it still");
	pyr__block_unref(block);
	cr_assert(count_spares(MEGABYTE) == 1);
	CHECK_LEAKS();
}

Test(block, eight_megabytes_are_kept_at_most_and_the_latest)
{
	make_and_drop(4, 2 * MEGABYTE);
	make_and_drop(20, MEGABYTE);
	cr_assert(count_spares(2 * MEGABYTE) == 0);
	cr_assert(count_spares(MEGABYTE) == 8);
	make_and_drop(60, 64u << 10);
	cr_assert(count_spares(64u << 10) == 32);
	CHECK_LEAKS();
}

Test(block, neither_small_nor_huge_ones_are_kept)
{
	make_and_drop(1, (4u << 10) - 1);
	make_and_drop(1, 6 * MEGABYTE);
	cr_assert(count_spares((4u << 10) - 1) == 0);
	cr_assert(count_spares(6 * MEGABYTE) == 0);
	CHECK_LEAKS();
}

static void *make_and_drop_one(void *arg)
{
	make_and_drop(1, *(size_t *)arg);
	return NULL;
}

Test(block, a_thread_keeps_one_that_is_neither_small_nor_large)
{
	size_t size = 16u << 10;
	pthread_t thread;
	make_and_drop(3, size);
	cr_assert(count_spares(size) == 1);
	make_and_drop(3, size);
	cr_assert(count_spares(size) == 1);
	cr_assert_eq(pthread_create(&thread, NULL, make_and_drop_one, &size), 0);
	cr_assert_eq(pthread_join(thread, NULL), 0);
	cr_assert(count_spares(size) == 0, "it went with its thread");
	CHECK_LEAKS();
}

Test(block, one_that_is_more_than_twice_as_large_is_left_alone)
{
	make_and_drop(1, MEGABYTE);
	cr_assert(pyr__block_spare(MEGABYTE / 2 - 1) == NULL);
	cr_assert(count_spares(MEGABYTE / 2) == 1);
	CHECK_LEAKS();
}

#endif
