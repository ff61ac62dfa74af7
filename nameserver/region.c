/* SPDX-License-Identifier: Apache-2.0 */
/* A chain of blocks that memory is taken from. */
#include "region.h"

#include <stdlib.h>
#include "alloc.h"

#define BLOCK_BYTES 16384

typedef struct ns_region_block {
	struct ns_region_block *next;
	size_t room;
	_Alignas(max_align_t) char bytes[];
} block;

static void add_block(ns_region *region, size_t room)
{
	block *b = ns_alloc(sizeof *b + room);
	b->next = region->blocks;
	b->room = room;
	region->blocks = b;
	region->used = 0;
}

void *ns_region_take(ns_region *region, size_t size)
{
	const size_t align = _Alignof(max_align_t);
	size = (size + align - 1) / align * align;
	if (!region->blocks || region->blocks->room - region->used < size)
		add_block(region, size > BLOCK_BYTES ? size : BLOCK_BYTES);
	void *piece = region->blocks->bytes + region->used;
	region->used += size;
	return piece;
}

void ns_region_reset(ns_region *region)
{
	region->used = 0;
	if (!region->blocks)
		return;
	while (region->blocks->next || region->blocks->room > BLOCK_BYTES) {
		block *next = region->blocks->next;
		free(region->blocks);
		region->blocks = next;
		if (!next)
			return;
	}
}

void ns_region_done(ns_region *region)
{
	ns_region_reset(region);
	free(region->blocks);
	region->blocks = NULL;
}
