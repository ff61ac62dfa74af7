/* SPDX-License-Identifier: Apache-2.0 */
/* Messages as core has them: buffers of slices. */
#include "grpc/message.h"

#include <string.h>
#include "base/block.h"
#include "grpc/unpack.h"

grpc_byte_buffer *pyr__message_encode(const pyr__body *body)
{
	grpc_slice slice = grpc_slice_malloc(body->size);
	pyr__body_write(body, GRPC_SLICE_START_PTR(slice));
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

static pyr_status keep(grpc_byte_buffer *buffer, pyr__inbox *inbox, uint32_t cost, pyr_error *err)
{
	uint8_t small[PYR__INBOX_INLINE_BYTES];
	size_t size = grpc_byte_buffer_length(buffer);
	pyr__block *block = NULL;
	if (size > sizeof small && !(block = pyr__block_new(size)))
		return pyr_error_set(err, PYR_RESOURCE_EXHAUSTED, "no memory for a message");
	uint8_t *data = block ? block->data : small;
	grpc_byte_buffer_reader reader;
	grpc_byte_buffer_reader_init(&reader, buffer); /* which cannot fail */
	gather(&reader, data, size);
	grpc_byte_buffer_reader_destroy(&reader);
	pyr__inbox_put(inbox, &(pyr__payload){data, size, block}, cost);
	pyr__block_unref(block);
	return PYR_OK;
}

pyr_status pyr__message_keep(
	grpc_byte_buffer *buffer, pyr__inbox *inbox, uint32_t max, uint64_t *held, pyr_error *err)
{
	pyr__payload payload = {.size = grpc_byte_buffer_length(buffer)};
	bool packed = pyr__is_packed(buffer);
	pyr_status status = packed ? pyr__unpack(buffer, max, &payload, err) : PYR_OK;
	uint32_t cost = held ? pyr__message_cost(payload.size) : 0;
	if (status == PYR_OK && packed)
		pyr__inbox_put(inbox, &payload, cost);
	else if (status == PYR_OK)
		status = keep(buffer, inbox, cost, err);
	if (status == PYR_OK && held)
		*held += cost;
	pyr__block_unref(payload.block);
	grpc_byte_buffer_destroy(buffer);
	return status;
}
