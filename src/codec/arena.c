/* SPDX-License-Identifier: Apache-2.0 */
/* The chunks behind an arena. */
#include "codec/arena.h"

#include <assert.h>
#include <stdlib.h>
#include "base/alloc.h"

/* Chunks double from the one to the other, so that small arenas stay small. */
#define CHUNK_BYTES_MIN 1024
#define CHUNK_BYTES_MAX 65536

typedef struct pyr__arena_chunk {
	struct pyr__arena_chunk *next;
	_Alignas(16) uint8_t data[];
} chunk;

void pyr__arena_init(pyr__arena *arena, void *space, size_t size)
{
	*arena = (pyr__arena){
		.at = space,
		.end = space ? (uint8_t *)space + size : NULL,
		.first = space,
		.first_size = size,
		.chunk_bytes = CHUNK_BYTES_MIN,
	};
}

static chunk *add_chunk(pyr__arena *arena, size_t size)
{
	if (size > SIZE_MAX - sizeof(chunk))
		return NULL;
	chunk *added = pyr__try_alloc(sizeof(chunk) + size);
	if (!added)
		return NULL;
	added->next = arena->chunks;
	arena->chunks = added;
	return added;
}

/* What is large gets a chunk of its own, and leaves the room in the current one to the small. */
void *pyr__arena_alloc_slow(pyr__arena *arena, size_t size, size_t align)
{
	assert(align <= 16 && (align & (align - 1)) == 0);
	(void)align; /* a chunk's data is aligned to 16 */
	if (size > arena->chunk_bytes / 4) {
		chunk *own = add_chunk(arena, size);
		return own ? own->data : NULL;
	}
	chunk *added = add_chunk(arena, arena->chunk_bytes);
	if (!added)
		return NULL;
	arena->at = added->data + size;
	arena->end = added->data + arena->chunk_bytes;
	if (arena->chunk_bytes < CHUNK_BYTES_MAX)
		arena->chunk_bytes *= 2;
	return added->data;
}

void pyr__arena_reset(pyr__arena *arena)
{
	for (chunk *old = arena->chunks, *next; old; old = next) {
		next = old->next;
		free(old);
	}
	pyr__arena_init(arena, arena->first, arena->first_size);
}
