/* SPDX-License-Identifier: Apache-2.0 */
/* Copy-on-write arrays. */
#include "base/cow_array.h"

#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"

void pyr__cow_append(pyr__cow_head *head, size_t item_size, const void *item, size_t given_size)
{
	pyr__cow_array *shorter = atomic_load_explicit(head, memory_order_relaxed);
	size_t before = shorter ? shorter->count * item_size : 0;
	pyr__cow_array *longer = pyr__zalloc(sizeof *longer + before + item_size);
	longer->shorter = shorter;
	longer->count = shorter ? shorter->count + 1 : 1;
	if (shorter)
		memcpy(longer->items, shorter->items, before);
	memcpy(longer->items + before, item, given_size < item_size ? given_size : item_size);
	atomic_store_explicit(head, longer, memory_order_release);
}

void pyr__cow_done(pyr__cow_head *head)
{
	pyr__cow_array *array = atomic_exchange_explicit(head, NULL, memory_order_acquire);
	while (array) {
		pyr__cow_array *shorter = array->shorter;
		free(array);
		array = shorter;
	}
}
