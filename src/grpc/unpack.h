/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages that came compressed. Core would unpack them as well, but into as much memory as they
 * need, and look at their size afterwards: a thousandth of that would do to send.
 */
#ifndef PYR_GRPC_UNPACK_H
#define PYR_GRPC_UNPACK_H

#include "base/block.h"
#include "grpc/core.h"

static inline bool pyr__is_packed(const grpc_byte_buffer *buffer)
{
	return buffer->data.raw.compression != GRPC_COMPRESS_NONE;
}

/*
 * What a packed message holds, in a block of its own. RESOURCE_EXHAUSTED for more than max bytes,
 * or without memory; INTERNAL for what cannot be unpacked.
 */
pyr_status pyr__unpack(
	grpc_byte_buffer *buffer, size_t max, pyr__payload *ret_payload, pyr_error *err);

#endif
