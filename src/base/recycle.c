/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that a thread keeps for the next call. */
#include "base/recycle.h"

#include <stdlib.h>
#include "base/alloc.h"
#include "base/apart.h"
#include "base/thread_end.h"

typedef struct piece {
	struct piece *next;
} piece;

typedef struct kept {
	piece *first;
	unsigned count;
} kept;

static _Thread_local kept here[PYR__RECYCLED_KINDS];

static void give_back(void)
{
	for (int kind = 0; kind < PYR__RECYCLED_KINDS; kind++) {
		for (piece *next; here[kind].first; here[kind].first = next) {
			next = here[kind].first->next;
			free(here[kind].first);
		}
		here[kind].count = 0;
	}
}

static _Thread_local pyr__thread_end thread_end = {.run = give_back};

void *pyr__recycle_alloc(pyr__recycled kind, size_t size)
{
	kept *k = &here[kind];
	piece *first = k->first;
	if (!first)
		return pyr__alloc(size);
	k->first = first->next;
	k->count--;
	return first;
}

static void keep(kept *k, piece *first)
{
	first->next = k->first;
	k->first = first;
	k->count++;
}

PYR__APART static void free_or_begin(kept *k, void *memory)
{
	if (PYR__KEEPS_MEMORY && k->count < PYR__RECYCLED_MAX && pyr__thread_end_watch(&thread_end))
		keep(k, memory);
	else
		free(memory);
}

void pyr__recycle_free(pyr__recycled kind, void *memory)
{
	kept *k = &here[kind];
	if (PYR__KEEPS_MEMORY && k->count < PYR__RECYCLED_MAX && thread_end.watched)
		keep(k, memory);
	else
		free_or_begin(k, memory);
}
