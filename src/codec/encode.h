/* SPDX-License-Identifier: Apache-2.0 */
/* Encoding a message that the program itself made. */
#ifndef PYR_CODEC_ENCODE_H
#define PYR_CODEC_ENCODE_H

#include <protobuf-c/protobuf-c.h>
#include <pyrite/status.h>

/*
 * The encoded size, and whether the message can be encoded at all: INVALID_ARGUMENT, naming the
 * field, for a required or repeated pointer that is NULL, a string that is not UTF-8, an unknown
 * descriptor, or nesting deeper than PYR__DECODE_DEPTH_MAX (a cycle included).
 */
pyr_status pyr__encoded_size(const ProtobufCMessage *message, size_t *ret_size, pyr_error *err);

/*
 * Writes exactly as many bytes as pyr__encoded_size() said, the message not having changed since.
 * Returns the byte behind the last.
 */
uint8_t *pyr__encode(const ProtobufCMessage *message, uint8_t *to);

#endif
