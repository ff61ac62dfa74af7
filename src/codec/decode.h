/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding a protobuf message that a peer sent, in one pass over protobuf-c's descriptors. */
#ifndef PYR_CODEC_DECODE_H
#define PYR_CODEC_DECODE_H

#include <protobuf-c/protobuf-c.h>
#include <pyrite/status.h>
#include "codec/arena.h"

#define PYR__DECODE_DEPTH_MAX 100

typedef struct pyr__decode_options {
	/*
	 * Where the message lives. NULL: each part is malloc'ed, so that
	 * protobuf_c_message_free_unpacked(message, NULL) frees it all.
	 */
	pyr__arena *arena;
	size_t bytes_max;   /* memory that the decoded message may take; 0: no limit */
	unsigned depth_max; /* nesting, the outermost message being 1; 0: PYR__DECODE_DEPTH_MAX */
	/* `bytes` fields point into data, which must outlive the message. Only with an arena. */
	bool alias;
} pyr__decode_options;

/*
 * INVALID_ARGUMENT for what is not a valid encoding (truncated, bad UTF-8 in a string of a proto3
 * file, a required field missing, too deep), with the byte and the field in the message;
 * RESOURCE_EXHAUSTED past bytes_max. Nothing is left to free on failure but the arena.
 */
pyr_status pyr__decode(const ProtobufCMessageDescriptor *descriptor, const uint8_t *data,
	size_t size, const pyr__decode_options *options, ProtobufCMessage **ret_message,
	pyr_error *err);

#endif
