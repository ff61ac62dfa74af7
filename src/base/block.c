/* SPDX-License-Identifier: Apache-2.0 */
/* Counts who still uses a receive buffer. */
#include "base/block.h"

#include <stdlib.h>
#include "base/alloc.h"

pyr__block *pyr__block_new(size_t size)
{
	pyr__block *block = pyr__try_alloc(sizeof *block + size);
	if (!block)
		return NULL;
	atomic_init(&block->refs, 1);
	block->size = (uint32_t)size;
	return block;
}

pyr__block *pyr__block_ref(pyr__block *block)
{
	atomic_fetch_add_explicit(&block->refs, 1, memory_order_relaxed);
	return block;
}

void pyr__block_unref(pyr__block *block)
{
	if (block && atomic_fetch_sub_explicit(&block->refs, 1, memory_order_acq_rel) == 1)
		free(block);
}
