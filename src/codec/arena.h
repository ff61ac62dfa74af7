/* SPDX-License-Identifier: Apache-2.0 */
/* Bump allocation for everything that one message, or one call, needs; freed all at once. */
#ifndef PYR_CODEC_ARENA_H
#define PYR_CODEC_ARENA_H

#include <stddef.h>
#include <stdint.h>

struct pyr__arena_chunk;

typedef struct pyr__arena {
	uint8_t *at;                     /* next free byte */
	uint8_t *end;                    /* of the current chunk */
	struct pyr__arena_chunk *chunks; /* allocated ones, newest first */
	uint8_t *first;                  /* the caller's own space, used before any chunk */
	size_t first_size;
	size_t chunk_bytes; /* of the next chunk */
} pyr__arena;

/* space, which may be NULL, is the caller's and outlives the arena. No allocation happens here. */
void pyr__arena_init(pyr__arena *arena, void *space, size_t size);

/* For what does not fit into the current chunk. */
void *pyr__arena_alloc_slow(pyr__arena *arena, size_t size, size_t align);

/* Like pyr__arena_alloc_aligned(), but only of the current chunk: NULL if it is not in there. */
static inline void *pyr__arena_take(pyr__arena *arena, size_t size, size_t align)
{
	size_t pad = -(uintptr_t)arena->at & (align - 1);
	size_t room = (size_t)(arena->end - arena->at);
	if (pad > room || size > room - pad || !arena->at)
		return NULL;
	uint8_t *memory = arena->at + pad;
	arena->at = memory + size;
	return memory;
}

/*
 * Aligned to `align`, a power of two not above 16, and not cleared; NULL when there is no memory.
 * size may be 0.
 */
static inline void *pyr__arena_alloc_aligned(pyr__arena *arena, size_t size, size_t align)
{
	void *memory = pyr__arena_take(arena, size, align);
	return memory ? memory : pyr__arena_alloc_slow(arena, size, align);
}

/* The same, aligned to 8 bytes. */
static inline void *pyr__arena_alloc(pyr__arena *arena, size_t size)
{
	return pyr__arena_alloc_aligned(arena, size, 8);
}

/* Frees the chunks; the arena is as after init. */
void pyr__arena_reset(pyr__arena *arena);

#endif
