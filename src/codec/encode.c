/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encoding, from the last byte to the first: what stands behind a length is written by then, so
 * that no length is computed twice and nothing is moved. As in encoder.h every function takes the
 * place behind what it writes, and returns where that begins.
 */
#include "codec/encode.h"

#include <assert.h>
#include "codec/encoder.h"

static uint8_t *put_message(uint8_t *end, const ProtobufCMessage *message);

static uint8_t *put_submessage(uint8_t *end, const ProtobufCMessage *message)
{
	uint8_t *begin = put_message(end, message);
	return pyr__encoder_put_varint(begin, (size_t)(end - begin));
}

static uint8_t *put_value(uint8_t *end, const ProtobufCFieldDescriptor *field, const void *member)
{
	const ProtobufCBinaryData *bytes = member;
	const char *text;
	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		text = pyr__encoder_pointer(member);
		return pyr__encoder_put_sized(end, text, strlen(text));
	case PROTOBUF_C_TYPE_BYTES:
		return pyr__encoder_put_sized(end, bytes->data, bytes->len);
	case PROTOBUF_C_TYPE_MESSAGE:
		return put_submessage(end, pyr__encoder_pointer(member));
	default:
		return pyr__encoder_put_plain(end, field, member);
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
			at = pyr__encoder_put_tag(at, field->id, pyr__wire_of(field));
	}
	if (!packed || !count)
		return at;
	return pyr__encoder_put_tag(
		pyr__encoder_put_varint(at, (size_t)(end - at)), field->id, PYR__WIRE_BYTES);
}

static uint8_t *put_field(
	uint8_t *end, const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return put_repeated(end, message, field);
	if (!pyr__encoder_is_sent(message, field))
		return end;
	end = put_value(end, field, pyr__encoder_member(message, field));
	return pyr__encoder_put_tag(end, field->id, pyr__wire_of(field));
}

static uint8_t *put_unknown(uint8_t *end, const ProtobufCMessage *message)
{
	for (unsigned i = message->n_unknown_fields; i > 0; i--) {
		const ProtobufCMessageUnknownField *field = &message->unknown_fields[i - 1];
		end = pyr__encoder_put_raw(end, field->data, field->len);
		end = pyr__encoder_put_tag(end, field->tag, field->wire_type);
	}
	return end;
}

static uint8_t *put_message(uint8_t *end, const ProtobufCMessage *message)
{
	const ProtobufCMessageDescriptor *descriptor = message->descriptor;
	end = put_unknown(end, message);
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

/* Around a long field */

/* The bytes of a field of bytes or a string; 0 of any other, and of one that is not sent. */
static size_t bytes_of(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
	const uint8_t **ret_data)
{
	const void *member = pyr__encoder_member(message, field);
	bool is_bytes = field->type == PROTOBUF_C_TYPE_BYTES;
	if (field->label == PROTOBUF_C_LABEL_REPEATED ||
		(!is_bytes && field->type != PROTOBUF_C_TYPE_STRING) ||
		!pyr__encoder_is_sent(message, field))
		return 0;
	*ret_data = is_bytes ? ((const ProtobufCBinaryData *)member)->data
			     : pyr__encoder_pointer(member);
	return is_bytes ? ((const ProtobufCBinaryData *)member)->len
			: strlen((const char *)*ret_data);
}

const ProtobufCFieldDescriptor *pyr__encode_longest(
	const ProtobufCMessage *message, size_t least, const uint8_t **ret_data, size_t *ret_size)
{
	const ProtobufCMessageDescriptor *descriptor = message->descriptor;
	const ProtobufCFieldDescriptor *longest = NULL;
	for (unsigned i = 0; i < descriptor->n_fields; i++) {
		const uint8_t *data = NULL;
		size_t size = bytes_of(message, &descriptor->fields[i], &data);
		if (size < least)
			continue;
		longest = &descriptor->fields[i];
		*ret_data = data;
		*ret_size = size;
		least = size + 1;
	}
	return longest;
}

uint8_t *pyr__encode_around(const ProtobufCMessage *message,
	const ProtobufCFieldDescriptor *longest, size_t longest_size, uint8_t *to, size_t size)
{
	const ProtobufCMessageDescriptor *descriptor = message->descriptor;
	uint8_t *at = put_unknown(to + size, message), *missing = at;
	for (unsigned i = descriptor->n_fields; i > 0; i--) {
		const ProtobufCFieldDescriptor *field = &descriptor->fields[i - 1];
		if (field != longest) {
			at = put_field(at, message, field);
			continue;
		}
		missing = at;
		at = pyr__encoder_put_varint(at, longest_size);
		at = pyr__encoder_put_tag(at, field->id, pyr__wire_of(field));
	}
	assert(at == to);
	return missing;
}
