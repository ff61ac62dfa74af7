/* SPDX-License-Identifier: Apache-2.0 */
/* Deflating and inflating by zlib, in one go: a message is in memory as a whole at either end. */
#include "native/deflate.h"

#include <stdlib.h>
#include <zlib.h>
#include "base/alloc.h"

/*
 * Level 6 takes three times as long for text, and makes it a seventh shorter than level 1 does.
 * What is sent before the stream, its message's size, has to be saved as well.
 */
#define LEVEL           1
#define SIZE_BYTES      4u
#define WINDOW_BITS_MIN 9
#define MEMORY_MAX      8

static voidpf allocate(voidpf opaque, uInt items, uInt size)
{
	(void)opaque;
	return pyr__try_alloc((size_t)items * size);
}

static void release(voidpf opaque, voidpf memory)
{
	(void)opaque;
	free(memory);
}

/* With no more tables than a message of that size has use for: a short one is done sooner. */
static bool begin_deflating(z_stream *z, size_t size)
{
	int bits = WINDOW_BITS_MIN;
	while (bits < MAX_WBITS && (size_t)1 << bits < size)
		bits++;
	int memory = bits - 6 < MEMORY_MAX ? bits - 6 : MEMORY_MAX;
	*z = (z_stream){.zalloc = allocate, .zfree = release};
	return deflateInit2(z, LEVEL, Z_DEFLATED, bits, memory, Z_DEFAULT_STRATEGY) == Z_OK;
}

/* The size of the stream, or 0 if it is longer than room. */
static size_t deflate_all(const uint8_t *data, size_t size, uint8_t *to, size_t room)
{
	z_stream z;
	if (!begin_deflating(&z, size))
		return 0;
	z.next_in = (Bytef *)data;
	z.avail_in = (uInt)size;
	z.next_out = to;
	z.avail_out = (uInt)room;
	size_t done = deflate(&z, Z_FINISH) == Z_STREAM_END ? z.total_out : 0;
	deflateEnd(&z);
	return done;
}

bool pyr__deflate(const pyr__body *body, pyr__deflated *ret_deflated)
{
	size_t size = body->size;
	if (size <= SIZE_BYTES + 1 || size > UINT32_MAX)
		return false;
	size_t room = size - SIZE_BYTES - 1;
	uint8_t *memory = pyr__try_alloc(room + (body->raw ? 0 : size));
	if (!memory)
		return false;
	if (!body->raw)
		pyr__body_write(body, memory + room);
	size_t deflated = deflate_all(body->raw ? body->raw : memory + room, size, memory, room);
	if (!deflated) {
		free(memory);
		return false;
	}
	ret_deflated->body =
		(pyr__body){.raw = memory, .size = deflated, .inflated_size = (uint32_t)size};
	ret_deflated->memory = memory;
	return true;
}

pyr__inflated pyr__inflate(const uint8_t *data, size_t size, uint8_t *to, size_t to_size)
{
	z_stream z = {.zalloc = allocate, .zfree = release};
	if (inflateInit(&z) != Z_OK)
		return PYR__INFLATED_NO_MEMORY;
	z.next_in = (Bytef *)data;
	z.avail_in = (uInt)size;
	z.next_out = to;
	z.avail_out = (uInt)to_size;
	int result = inflate(&z, Z_FINISH);
	bool whole = result == Z_STREAM_END && z.avail_in == 0 && z.avail_out == 0;
	inflateEnd(&z);
	if (result == Z_MEM_ERROR)
		return PYR__INFLATED_NO_MEMORY;
	return whole ? PYR__INFLATED : PYR__INFLATED_MALFORMED;
}
