/* SPDX-License-Identifier: Apache-2.0 */
/* Receive buffers, and running out of memory for them. */
#include "base/block.h"

#include <criterion/criterion.h>
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
