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
	/*
	 * Memory that the decoded message may take, malloc's own included; 0: no limit. What is
	 * given up on the way counts too if it is in an arena, as is what a oneof gave up.
	 */
	size_t bytes_max;
	unsigned depth_max; /* nesting, the outermost message being 1; 0: PYR__DECODE_DEPTH_MAX */
	/*
	 * `bytes` and unknown fields point into data, which must outlive the message and is not
	 * written to. Only with an arena.
	 */
	bool alias;
} pyr__decode_options;

/*
 * What protobuf says, with these decisions where it or C leaves one:
 * - a string is valid UTF-8 without a NUL in it, in proto2 as in proto3; it ends with a NUL;
 * - an unknown field is kept, within bytes_max; an unknown group is skipped;
 * - a field of another wire type than its own is unknown; any number is a value of an enum;
 * - a submessage that comes again is merged, in linear time; a required field has to be in its
 *   first part, as for protobuf-c it has to be in each;
 * - a tag or a length takes at most 5 bytes, a number 10.
 *
 * INVALID_ARGUMENT for what is no valid encoding, with the byte, counted from 1, and the way to the
 * field in the message; RESOURCE_EXHAUSTED past bytes_max or when there is no memory. Nothing is
 * left to free on failure but the arena.
 */
pyr_status pyr__decode(const ProtobufCMessageDescriptor *descriptor, const uint8_t *data,
	size_t size, const pyr__decode_options *options, ProtobufCMessage **ret_message,
	pyr_error *err);

#endif
