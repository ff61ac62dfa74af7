/* SPDX-License-Identifier: Apache-2.0 */
/* Encoding a message that the program itself made. */
#ifndef PYR_CODEC_ENCODE_H
#define PYR_CODEC_ENCODE_H

#include <protobuf-c/protobuf-c.h>
#include <pyrite/status.h>

/*
 * The encoded size, and whether the message can be encoded at all: INVALID_ARGUMENT, naming the
 * field, for a required or repeated pointer that is NULL, bytes or unknown fields without data, a
 * string that is not UTF-8, an unknown descriptor or another one than the field's, nesting deeper
 * than PYR__DECODE_DEPTH_MAX (a cycle included), or more than 2 GiB, protobuf's own limit.
 */
pyr_status pyr__encoded_size(const ProtobufCMessage *message, size_t *ret_size, pyr_error *err);

/*
 * Writes exactly size bytes, which is what pyr__encoded_size() said of the message, unchanged
 * since. Returns the byte behind the last.
 * The bytes are protobuf_c_message_pack()'s, but that -0.0 is sent where 0 would not be, and so is
 * a string of a oneof that is the very default value.
 */
uint8_t *pyr__encode(const ProtobufCMessage *message, uint8_t *to, size_t size);

/*
 * The message's own field, of bytes or a string, that is the longest of those that are sent, if it
 * has at least `least` bytes; NULL: there is none. Of a message that has been measured.
 */
const ProtobufCFieldDescriptor *pyr__encode_longest(
	const ProtobufCMessage *message, size_t least, const uint8_t **ret_data, size_t *ret_size);

/*
 * As pyr__encode(), without the longest_size bytes of that field: size is less by so many. Returns
 * where they are missing.
 */
uint8_t *pyr__encode_around(const ProtobufCMessage *message,
	const ProtobufCFieldDescriptor *longest, size_t longest_size, uint8_t *to, size_t size);

/*
 * Both at once, into the end of the space, for a short message without others and without arrays:
 * returns where it begins. NULL: it is not such a one, or cannot be encoded.
 */
const uint8_t *pyr__encode_flat(
	const ProtobufCMessage *message, uint8_t *space, size_t room, size_t *ret_size);

#endif
