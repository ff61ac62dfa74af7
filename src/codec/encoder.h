/* SPDX-License-Identifier: Apache-2.0 */
/* What measuring and writing a message have in common: which of its fields are sent. */
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

#endif
