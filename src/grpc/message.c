/* SPDX-License-Identifier: Apache-2.0 */
/* Messages as core has them: buffers of slices. */
#include "grpc/message.h"

#include <string.h>
#include "base/block.h"
#include "codec/encode.h"

grpc_byte_buffer *pyr__message_encode(const pyr__body *body)
{
	grpc_slice slice = grpc_slice_malloc(body->size);
	if (body->raw && body->size)
		memcpy(GRPC_SLICE_START_PTR(slice), body->raw, body->size);
	else if (body->message)
		pyr__encode(body->message, GRPC_SLICE_START_PTR(slice), body->size);
	grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
	grpc_slice_unref(slice);
	return buffer;
}

static void gather(grpc_byte_buffer_reader *reader, uint8_t *to, size_t room)
{
	grpc_slice *slice;
	while (room > 0 && grpc_byte_buffer_reader_peek(reader, &slice)) {
		size_t size = GRPC_SLICE_LENGTH(*slice);
		if (size > room)
			size = room;
		memcpy(to, GRPC_SLICE_START_PTR(*slice), size);
		to += size;
		room -= size;
	}
}

static bool keep(grpc_byte_buffer_reader *reader, size_t size, pyr__inbox *inbox, uint32_t cost)
{
	uint8_t small[PYR__INBOX_INLINE_BYTES];
	if (size <= sizeof small) {
		gather(reader, small, size);
		pyr__inbox_put(inbox, &(pyr__payload){small, size, NULL}, cost);
		return true;
	}
	pyr__block *block = pyr__block_new(size);
	if (!block)
		return false;
	gather(reader, block->data, size);
	pyr__inbox_put(inbox, &(pyr__payload){block->data, size, block}, cost);
	pyr__block_unref(block);
	return true;
}

bool pyr__message_keep(grpc_byte_buffer *buffer, pyr__inbox *inbox, uint32_t cost)
{
	/* a compressed message is unpacked here, so only the reader knows its size */
	grpc_byte_buffer_reader reader;
	bool kept = grpc_byte_buffer_reader_init(&reader, buffer) != 0;
	if (kept) {
		kept = keep(&reader, grpc_byte_buffer_length(reader.buffer_out), inbox, cost);
		grpc_byte_buffer_reader_destroy(&reader);
	}
	grpc_byte_buffer_destroy(buffer);
	return kept;
}
