/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What measuring and writing a message have in common: which of its fields are sent, and as what.
 */
#ifndef PYR_CODEC_ENCODER_H
#define PYR_CODEC_ENCODER_H

#include "codec/encode.h"
#include "codec/wire.h"

static inline const void *pyr__encoder_member(
	const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	return (const uint8_t *)message + field->offset;
}

static inline const void *pyr__encoder_pointer(const void *member)
{
	return *(const void *const *)member;
}

static inline size_t pyr__encoder_count(
	const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	return *(const size_t *)((const uint8_t *)message + field->quantifier_offset);
}

static inline bool pyr__encoder_is_packed(const ProtobufCFieldDescriptor *field)
{
	return (field->flags & PROTOBUF_C_FIELD_FLAG_PACKED) != 0;
}

/* Without presence of its own a field is sent unless all its bits are 0: -0.0 is sent. */
static inline bool pyr__encoder_is_zero(const ProtobufCFieldDescriptor *field, const void *member)
{
	const char *text;
	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		text = pyr__encoder_pointer(member);
		return !text || !*text;
	case PROTOBUF_C_TYPE_MESSAGE:
		return !pyr__encoder_pointer(member);
	case PROTOBUF_C_TYPE_BYTES:
		return ((const ProtobufCBinaryData *)member)->len == 0;
	default:
		return pyr__wire_size_of(field) == 8 ? *(const uint64_t *)member == 0
						     : *(const uint32_t *)member == 0;
	}
}

/* Whether a field that is not repeated is sent. */
static inline bool pyr__encoder_is_sent(
	const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	const uint8_t *quantifier = (const uint8_t *)message + field->quantifier_offset;
	const void *member = pyr__encoder_member(message, field);
	if (field->label == PROTOBUF_C_LABEL_REQUIRED)
		return true;
	if (pyr__wire_is_oneof(field))
		return *(const uint32_t *)quantifier == field->id &&
		       (!pyr__wire_is_pointer(field) || pyr__encoder_pointer(member));
	if (field->label == PROTOBUF_C_LABEL_NONE)
		return !pyr__encoder_is_zero(field, member);
	if (pyr__wire_is_pointer(field))
		return pyr__encoder_pointer(member) &&
		       pyr__encoder_pointer(member) != field->default_value;
	return *(const protobuf_c_boolean *)quantifier != 0;
}

/*
 * Writing from the last byte to the first: each takes the place behind what it writes, and returns
 * where that begins.
 */

static inline uint8_t *pyr__encoder_put_varint(uint8_t *end, uint64_t value)
{
	if (value < 0x80) {
		*--end = (uint8_t)value;
		return end;
	}
	uint8_t *begin = end - pyr__varint_size(value), *at = begin;
	for (; value >= 0x80; value >>= 7)
		*at++ = (uint8_t)(value | 0x80);
	*at = (uint8_t)value;
	return begin;
}

static inline uint8_t *pyr__encoder_put_tag(uint8_t *end, uint32_t number, unsigned wire)
{
	return pyr__encoder_put_varint(end, (uint64_t)number << 3 | wire);
}

static inline uint8_t *pyr__encoder_put_raw(uint8_t *end, const void *data, size_t size)
{
	end -= size;
	if (size)
		memcpy(end, data, size);
	return end;
}

static inline uint8_t *pyr__encoder_put_sized(uint8_t *end, const void *data, size_t size)
{
	return pyr__encoder_put_varint(pyr__encoder_put_raw(end, data, size), size);
}

/* A number, or what is of a fixed size. */
static inline uint8_t *pyr__encoder_put_plain(
	uint8_t *end, const ProtobufCFieldDescriptor *field, const void *member)
{
	switch (pyr__wire_of(field)) {
	case PYR__WIRE_VARINT:
		return pyr__encoder_put_varint(end, pyr__varint_of(field->type, member));
	case PYR__WIRE_64:
		pyr__store_u64(end -= 8, *(const uint64_t *)member);
		return end;
	default:
		pyr__store_u32(end -= 4, *(const uint32_t *)member);
		return end;
	}
}

#endif
