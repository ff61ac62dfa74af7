/* SPDX-License-Identifier: Apache-2.0 */
/* How a message lies in its frames: as it is or deflated, in one frame or in parts. */
#include <string.h>
#include "native/deflate.h"
#include "native/session_private.h"

/* A deflated message's size goes before it, and before the bytes it has in parts. */
static bool read_deflated(pyr__arrival *a, const uint8_t *data, size_t size)
{
	size_t sizes = a->more ? 8 : 4;
	if (size < sizes || (a->more && size > sizes))
		return false;
	a->bytes = a->more ? pyr__load32(data) : (uint32_t)(size - sizes);
	a->size = pyr__load32(data + sizes - 4);
	a->data = data + sizes;
	return a->bytes > 0 && a->bytes < a->size;
}

bool pyr__arrival_read(pyr__arrival *a, uint8_t flags, const uint8_t *data, size_t size)
{
	*a = (pyr__arrival){
		.more = (flags & PYR__MORE) != 0,
		.deflated = (flags & PYR__DEFLATED) != 0,
		.data = data,
		.bytes = (uint32_t)size,
		.size = (uint32_t)size,
	};
	if (!(flags & PYR__MSG))
		return size == 0 && !a->more && !a->deflated;
	if (a->deflated)
		return read_deflated(a, data, size);
	if (a->more && size != 4)
		return false;
	if (a->more)
		a->bytes = a->size = pyr__load32(data);
	return true;
}

pyr__unpacked pyr__session_unpack(pyr__session *s, uint32_t stream, const uint8_t *data,
	size_t bytes, size_t size, pyr__payload *ret_payload)
{
	pyr__block *block = pyr__block_new(size);
	if (!block)
		return PYR__UNPACKED_NO_MEMORY;
	pyr__inflated inflated = pyr__inflate(data, bytes, block->data, size);
	if (inflated != PYR__INFLATED) {
		pyr__block_unref(block);
		if (inflated == PYR__INFLATED_NO_MEMORY)
			return PYR__UNPACKED_NO_MEMORY;
		pyr__session_violation(s,
			"a deflated message on the stream %08x does not inflate to %zu bytes",
			stream, size);
		return PYR__UNPACKED_VIOLATION;
	}
	s->inflated = block;
	*ret_payload = (pyr__payload){block->data, size, block};
	return PYR__UNPACKED;
}
