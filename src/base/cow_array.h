/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copy-on-write arrays: read by any thread without a lock, and made longer now and then. What was
 * read once stays as it is until all is freed, so that whoever goes by it needs no reference.
 */
#ifndef PYR_BASE_COW_ARRAY_H
#define PYR_BASE_COW_ARRAY_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

typedef struct pyr__cow_array {
	struct pyr__cow_array *shorter; /* the one before it */
	uint32_t count;
	alignas(max_align_t) unsigned char items[];
} pyr__cow_array;

/* NULL: empty. */
typedef _Atomic(pyr__cow_array *) pyr__cow_head;

/*
 * Appends an item of item_size bytes, the first given_size of them from item and the others zero.
 * The caller's lock keeps two from doing this at once.
 */
void pyr__cow_append(pyr__cow_head *head, size_t item_size, const void *item, size_t given_size);

static inline const pyr__cow_array *pyr__cow_read(pyr__cow_head *head)
{
	return atomic_load_explicit(head, memory_order_acquire);
}

/* Nobody reads any more. */
void pyr__cow_done(pyr__cow_head *head);

#endif
