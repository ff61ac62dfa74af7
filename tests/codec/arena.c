/* SPDX-License-Identifier: Apache-2.0 */
/* The arena: alignment, the caller's space, chunks, and no memory. */
#include "codec/arena.h"

#include <criterion/criterion.h>
#include <string.h>
#include "failing_alloc.h"
#include "leaks.h"

Test(arena, uses_the_callers_space_first)
{
	uint64_t space[16];
	pyr__arena arena;
	pyr__arena_init(&arena, space, sizeof space);
	failing_alloc_at(1);
	cr_assert(pyr__arena_alloc(&arena, 64) == space);
	cr_assert(pyr__arena_alloc(&arena, 64) == space + 8);
	cr_assert(failing_alloc_count() == 0);
	cr_assert(pyr__arena_alloc(&arena, 1) == NULL);
	cr_assert(failing_alloc_count() == 1);
	pyr__arena_reset(&arena);
	cr_assert(pyr__arena_alloc(&arena, 128) == space);
	failing_alloc_at(0);
	CHECK_LEAKS();
}

Test(arena, gives_aligned_memory_that_does_not_overlap)
{
	uint8_t space[100], *parts[300];
	pyr__arena arena;
	pyr__arena_init(&arena, space + 1, sizeof space - 1);
	for (unsigned i = 0; i < 300; i++) {
		size_t align = (size_t)1 << i % 5;
		parts[i] = pyr__arena_alloc_aligned(&arena, i, align);
		cr_assert(parts[i] && (uintptr_t)parts[i] % align == 0);
		memset(parts[i], (int)(i & 0xff), i);
	}
	for (unsigned i = 0; i < 300; i++)
		for (unsigned k = 0; k < i; k++)
			cr_assert(parts[i][k] == (i & 0xff));
	pyr__arena_reset(&arena);
	CHECK_LEAKS();
}

Test(arena, needs_few_chunks_and_gives_what_is_large_its_own)
{
	pyr__arena arena;
	pyr__arena_init(&arena, NULL, 0);
	failing_alloc_at(0);
	for (unsigned i = 0; i < 10000; i++)
		cr_assert(pyr__arena_alloc(&arena, 100));
	cr_assert(failing_alloc_count() < 30);
	unsigned before = failing_alloc_count();
	uint8_t *small = pyr__arena_alloc(&arena, 8);
	memset(pyr__arena_alloc(&arena, 1 << 20), 1, 1 << 20);
	cr_assert((uint8_t *)pyr__arena_alloc(&arena, 8) == small + 8);
	cr_assert(failing_alloc_count() <= before + 2);
	pyr__arena_reset(&arena);
	CHECK_LEAKS();
}

Test(arena, gives_nothing_when_there_is_no_memory_or_the_size_is_absurd)
{
	pyr__arena arena;
	pyr__arena_init(&arena, NULL, 0);
	failing_alloc_at(1);
	cr_assert(pyr__arena_alloc(&arena, 8) == NULL);
	failing_alloc_at(0);
	cr_assert(pyr__arena_alloc(&arena, SIZE_MAX) == NULL);
	cr_assert(pyr__arena_alloc(&arena, SIZE_MAX - 8) == NULL);
	cr_assert(pyr__arena_alloc(&arena, 8));
	pyr__arena_reset(&arena);
	CHECK_LEAKS();
}
