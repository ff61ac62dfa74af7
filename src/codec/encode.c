/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encoding, from the last byte to the first: what stands behind a length is written by then, so
 * that no length is computed twice and nothing is moved. Every function takes the place behind what
 * it writes, and returns where that begins.
 */
#include "codec/encode.h"

#include <assert.h>
#include "codec/encoder.h"

static uint8_t *put_varint(uint8_t *end, uint64_t value)
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

static uint8_t *put_tag(uint8_t *end, uint32_t number, unsigned wire)
{
	return put_varint(end, (uint64_t)number << 3 | wire);
}

static uint8_t *put_raw(uint8_t *end, const void *data, size_t size)
{
	end -= size;
	if (size)
		memcpy(end, data, size);
	return end;
}

static uint8_t *put_sized(uint8_t *end, const void *data, size_t size)
{
	return put_varint(put_raw(end, data, size), size);
}

static uint8_t *put_message(uint8_t *end, const ProtobufCMessage *message);

static uint8_t *put_submessage(uint8_t *end, const ProtobufCMessage *message)
{
	uint8_t *begin = put_message(end, message);
	return put_varint(begin, (size_t)(end - begin));
}

static uint8_t *put_fixed(uint8_t *end, size_t size, const void *member)
{
	end -= size;
	if (size == 8)
		pyr__store_u64(end, *(const uint64_t *)member);
	else
		pyr__store_u32(end, *(const uint32_t *)member);
	return end;
}

static uint8_t *put_value(uint8_t *end, const ProtobufCFieldDescriptor *field, const void *member)
{
	const ProtobufCBinaryData *bytes = member;
	const char *text;
	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		text = pyr__encoder_pointer(member);
		return put_sized(end, text, strlen(text));
	case PROTOBUF_C_TYPE_BYTES:
		return put_sized(end, bytes->data, bytes->len);
	case PROTOBUF_C_TYPE_MESSAGE:
		return put_submessage(end, pyr__encoder_pointer(member));
	default:
		return pyr__wire_of(field) == PYR__WIRE_VARINT
			       ? put_varint(end, pyr__varint_of(field->type, member))
			       : put_fixed(end, pyr__wire_size_of(field), member);
	}
}

static uint8_t *put_repeated(
	uint8_t *end, const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	const uint8_t *array = pyr__encoder_pointer(pyr__encoder_member(message, field));
	size_t count = pyr__encoder_count(message, field), element = pyr__wire_size_of(field);
	bool packed = pyr__encoder_is_packed(field);
	uint8_t *at = end;
	for (size_t i = count; i > 0; i--) {
		at = put_value(at, field, array + (i - 1) * element);
		if (!packed)
			at = put_tag(at, field->id, pyr__wire_of(field));
	}
	if (!packed || !count)
		return at;
	return put_tag(put_varint(at, (size_t)(end - at)), field->id, PYR__WIRE_BYTES);
}

static uint8_t *put_field(
	uint8_t *end, const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return put_repeated(end, message, field);
	if (!pyr__encoder_is_sent(message, field))
		return end;
	end = put_value(end, field, pyr__encoder_member(message, field));
	return put_tag(end, field->id, pyr__wire_of(field));
}

static uint8_t *put_message(uint8_t *end, const ProtobufCMessage *message)
{
	const ProtobufCMessageDescriptor *descriptor = message->descriptor;
	for (unsigned i = message->n_unknown_fields; i > 0; i--) {
		const ProtobufCMessageUnknownField *field = &message->unknown_fields[i - 1];
		end = put_raw(end, field->data, field->len);
		end = put_tag(end, field->tag, field->wire_type);
	}
	for (unsigned i = descriptor->n_fields; i > 0; i--)
		end = put_field(end, message, &descriptor->fields[i - 1]);
	return end;
}

uint8_t *pyr__encode(const ProtobufCMessage *message, uint8_t *to, size_t size)
{
	uint8_t *begin = put_message(to + size, message);
	assert(begin == to);
	(void)begin;
	return to + size;
}
