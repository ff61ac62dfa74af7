/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts who still uses a receive buffer, and keeps some large ones for the next large messages:
 * malloc takes such memory from the system and gives it back each time, and the faults of its fresh
 * pages cost more than all that is done with the message.
 */
#include "base/block.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/apart.h"
#include "base/refs.h"
#include "base/thread_end.h"

/*
 * What the process keeps at most. It is for those who pass large messages all the time: what they
 * have under way at once, beyond what they use. Who never had a large message keeps nothing.
 */
#define SPARES_BYTES_MAX (8u << 20)
#define SPARES_MAX       32u
#define SPARE_MIN_BYTES  (64u << 10) /* malloc keeps smaller ones by itself */
#define SPARE_MAX_BYTES  (5u << 20)  /* the default limit of a message, and more */

/*
 * The spares, those that were given last at the end. The lock is only ever tried: who finds it
 * taken goes to malloc, which also is what a child does that was forked while somebody had it.
 */
static struct {
	pthread_mutex_t lock;
	pyr__block *blocks[SPARES_MAX];
	unsigned count;
	size_t bytes;
} spares = {.lock = PTHREAD_MUTEX_INITIALIZER};

/*
 * Each thread keeps one of those that are usual for receiving, so that a connection needs to have
 * none while nothing is half received, and one that is busy has it back at no cost.
 */
#define OWN_MIN_BYTES (4u << 10)

static _Thread_local pyr__block *own;

static void free_own(void)
{
	free(own);
	own = NULL;
}

static _Thread_local pyr__thread_end own_end = {.run = free_own};

static bool may_be_own(size_t size)
{
	return PYR__KEEPS_MEMORY && size >= OWN_MIN_BYTES && size < SPARE_MIN_BYTES;
}

static pyr__block *take_own(size_t size)
{
	pyr__block *block = own;
	if (!block || block->size < size || block->size / 2 > size)
		return NULL;
	own = NULL;
	return block;
}

/* The latest stays: one of a size that is not wanted any more would be in the way for ever. */
static bool give_own(pyr__block *block)
{
	if (!pyr__thread_end_watch(&own_end))
		return false;
	free(own);
	own = block;
	return true;
}

static bool may_be_spare(size_t size)
{
	return PYR__KEEPS_MEMORY && size >= SPARE_MIN_BYTES && size <= SPARE_MAX_BYTES;
}

PYR__APART static pyr__block *remove_spare(unsigned at)
{
	pyr__block *block = spares.blocks[at];
	spares.count--;
	spares.bytes -= block->size;
	memmove(spares.blocks + at, spares.blocks + at + 1,
		(spares.count - at) * sizeof *spares.blocks);
	return block;
}

/* The latest that fits, and is not so large that much of it would be wasted. */
PYR__APART static pyr__block *find_spare(size_t size)
{
	for (unsigned i = spares.count; i-- > 0;)
		if (spares.blocks[i]->size >= size && spares.blocks[i]->size / 2 <= size)
			return remove_spare(i);
	return NULL;
}

static pyr__block *take_spare(size_t size)
{
	if (pthread_mutex_trylock(&spares.lock) != 0)
		return NULL;
	pyr__block *block = find_spare(size);
	pthread_mutex_unlock(&spares.lock);
	return block;
}

pyr__block *pyr__block_spare(size_t size)
{
	pyr__block *block = may_be_own(size)     ? take_own(size)
			    : may_be_spare(size) ? take_spare(size)
						 : NULL;
	if (block)
		atomic_init(&block->refs, 1);
	return block;
}

/* Nobody uses the block any more: it is kept, and the oldest are freed for it. */
static void give_up(pyr__block *block)
{
	pyr__block *old[SPARES_MAX];
	unsigned old_count = 0;
	if (may_be_own(block->size) && give_own(block))
		return;
	if (!may_be_spare(block->size) || pthread_mutex_trylock(&spares.lock) != 0) {
		free(block);
		return;
	}
	while (spares.count == SPARES_MAX || spares.bytes + block->size > SPARES_BYTES_MAX)
		old[old_count++] = remove_spare(0);
	spares.blocks[spares.count++] = block;
	spares.bytes += block->size;
	pthread_mutex_unlock(&spares.lock);
	while (old_count > 0)
		free(old[--old_count]);
}

pyr__block *pyr__block_new(size_t size)
{
	pyr__block *block = pyr__block_spare(size);
	if (block)
		return block;
	block = pyr__try_alloc(sizeof *block + size);
	if (!block)
		return NULL;
	atomic_init(&block->refs, 1);
	block->size = (uint32_t)size;
	return block;
}

pyr__block *pyr__block_ref(pyr__block *block)
{
	pyr__refs_take(&block->refs);
	return block;
}

void pyr__block_unref(pyr__block *block)
{
	/* the only one who has it needs not take turns with anybody */
	if (block && (atomic_load_explicit(&block->refs, memory_order_acquire) == 1 ||
			     pyr__refs_drop(&block->refs)))
		give_up(block);
}
