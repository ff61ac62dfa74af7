/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that came compressed: inflated by zlib, and never further than allowed. */
#include "grpc/unpack.h"

#include <string.h>
#include <zlib.h>

#define ROOM_FIRST  4096u /* bytes; doubled as long as they do not suffice */
#define WINDOW_BITS 15    /* zlib's words for the formats: RFC 1950, and with GZIP RFC 1952 */
#define GZIP        16

/* What is being made of it. */
typedef struct unpacking {
	z_stream z;
	pyr__block *block;
	size_t max;
} unpacking;

/* One more byte than is allowed, so that too much is seen to be. */
static bool make_room(unpacking *u, size_t used)
{
	size_t room = u->block ? 2 * (size_t)u->block->size : ROOM_FIRST;
	pyr__block *larger = pyr__block_new(room > u->max ? u->max + 1 : room);
	if (!larger)
		return false;
	if (u->block)
		memcpy(larger->data, u->block->data, used);
	pyr__block_unref(u->block);
	u->block = larger;
	u->z.next_out = larger->data + used;
	u->z.avail_out = (uInt)(larger->size - used);
	return true;
}

static pyr_status too_long(const unpacking *u, pyr_error *err)
{
	return pyr_error_set(err, PYR_RESOURCE_EXHAUSTED,
		"a compressed message has more than %zu bytes, the limit", u->max);
}

static pyr_status no_memory(pyr_error *err)
{
	return pyr_error_set(err, PYR_RESOURCE_EXHAUSTED, "no memory for a compressed message");
}

/* One slice of it; *ret_done at the end of what was packed. */
static pyr_status inflate_slice(
	unpacking *u, const grpc_slice *slice, bool *ret_done, pyr_error *err)
{
	u->z.next_in = (Bytef *)GRPC_SLICE_START_PTR(*slice);
	u->z.avail_in = (uInt)GRPC_SLICE_LENGTH(*slice);
	while (u->z.avail_in > 0 || u->z.avail_out == 0) {
		if (u->z.avail_out == 0 && u->z.total_out > u->max)
			return too_long(u, err);
		if (u->z.avail_out == 0 && !make_room(u, u->z.total_out))
			return no_memory(err);
		int result = inflate(&u->z, Z_NO_FLUSH);
		if (result == Z_STREAM_END && u->z.avail_in == 0) {
			*ret_done = true;
			return PYR_OK;
		}
		if (result == Z_MEM_ERROR)
			return no_memory(err);
		if (result == Z_BUF_ERROR && u->z.avail_in == 0)
			break; /* all of the slice is used, and exactly fits */
		if (result != Z_OK)
			return pyr_error_set(err, PYR_INTERNAL,
				"a compressed message cannot be unpacked: %s",
				u->z.msg ? u->z.msg : "it goes on behind its end");
	}
	return PYR_OK;
}

static pyr_status inflate_all(unpacking *u, grpc_byte_buffer *buffer, pyr_error *err)
{
	grpc_slice_buffer *slices = &buffer->data.raw.slice_buffer;
	bool done = false;
	for (size_t i = 0; i < slices->count; i++) {
		pyr_status status = inflate_slice(u, &slices->slices[i], &done, err);
		if (status)
			return status;
	}
	if (!done)
		return pyr_error_set(err, PYR_INTERNAL, "a compressed message ends too early");
	return u->z.total_out > u->max ? too_long(u, err) : PYR_OK;
}

pyr_status pyr__unpack(
	grpc_byte_buffer *buffer, size_t max, pyr__payload *ret_payload, pyr_error *err)
{
	unpacking u = {.max = max < UINT32_MAX ? max : UINT32_MAX - 1}; /* a block's limit */
	bool gzip = buffer->data.raw.compression == GRPC_COMPRESS_GZIP;
	if (inflateInit2(&u.z, WINDOW_BITS + (gzip ? GZIP : 0)) != Z_OK)
		return no_memory(err);
	pyr_status status = make_room(&u, 0) ? inflate_all(&u, buffer, err) : no_memory(err);
	if (status == PYR_OK)
		*ret_payload = (pyr__payload){u.block->data, u.z.total_out, u.block};
	else
		pyr__block_unref(u.block);
	inflateEnd(&u.z);
	return status;
}
