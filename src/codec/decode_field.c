/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding the value of one field, and what it does to a value that was there before. */
#include "base/utf8.h"
#include "codec/decoder.h"

static void *member_of(ProtobufCMessage *message, size_t offset)
{
	return (uint8_t *)message + offset;
}

/* Of what a member points to, only what was decoded is ours: not a default value. */
static void drop_string(pyr__decoder *d, const ProtobufCFieldDescriptor *field, char *text)
{
	if (!d->arena && text && text != (const char *)field->default_value &&
		text != protobuf_c_empty_string)
		pyr__decoder_release(d, text, strlen(text) + 1);
}

static void drop_bytes(
	pyr__decoder *d, const ProtobufCFieldDescriptor *field, ProtobufCBinaryData bytes)
{
	const ProtobufCBinaryData *initial = field->default_value;
	if (!initial || initial->data != bytes.data)
		pyr__decoder_release(d, bytes.data, bytes.len);
}

/* What a message took stays counted: to know it would take a walk. */
static void drop_message(pyr__decoder *d, ProtobufCMessage *message)
{
	if (!d->arena)
		protobuf_c_message_free_unpacked(message, NULL);
}

static bool read_string(pyr__decoder *d, const ProtobufCFieldDescriptor *field, const uint8_t *data,
	size_t size, char **member)
{
	size_t valid = pyr__utf8_valid_bytes((const char *)data, size);
	if (valid < size)
		return pyr__decoder_malformed(d, data + valid, "a string is not UTF-8");
	const uint8_t *nul = memchr(data, '\0', size);
	if (nul)
		return pyr__decoder_malformed(d, nul, "a string has a NUL in it");
	char *copy = pyr__decoder_alloc(d, size + 1, 1);
	if (!copy)
		return false;
	memcpy(copy, data, size);
	copy[size] = '\0';
	drop_string(d, field, *member);
	*member = copy;
	return true;
}

static bool read_bytes(pyr__decoder *d, const ProtobufCFieldDescriptor *field, const uint8_t *data,
	size_t size, ProtobufCBinaryData *member)
{
	uint8_t *copy = NULL;
	if (size && d->alias) {
		copy = (uint8_t *)data;
	} else if (size) {
		copy = pyr__decoder_alloc(d, size, 1);
		if (!copy)
			return false;
		memcpy(copy, data, size);
	}
	drop_bytes(d, field, *member);
	*member = (ProtobufCBinaryData){size, copy};
	return true;
}

/* One that comes again is merged into what is there: each byte is looked at once. */
static bool read_message(pyr__decoder *d, const ProtobufCFieldDescriptor *field,
	const uint8_t *data, size_t size, ProtobufCMessage **member, unsigned depth)
{
	if (depth >= d->depth_max)
		return pyr__decoder_malformed(d, data, "messages are nested too deep");
	bool fresh = !*member;
	if (fresh)
		*member = pyr__decoder_new_message(d, field->descriptor);
	return *member && pyr__decoder_message(d, *member, data, data + size, depth + 1, fresh);
}

static bool read_sized(pyr__decoder *d, const ProtobufCFieldDescriptor *field, const uint8_t **at,
	const uint8_t *end, void *member, unsigned depth)
{
	size_t size;
	if (!pyr__decoder_length(d, at, end, &size))
		return false;
	const uint8_t *data = *at;
	*at += size;
	if (field->type == PROTOBUF_C_TYPE_STRING)
		return read_string(d, field, data, size, member);
	if (field->type == PROTOBUF_C_TYPE_BYTES)
		return read_bytes(d, field, data, size, member);
	return read_message(d, field, data, size, member, depth);
}

static bool read_fixed(
	pyr__decoder *d, size_t size, const uint8_t **at, const uint8_t *end, void *member)
{
	if ((size_t)(end - *at) < size)
		return pyr__decoder_malformed(d, *at, "a value is cut short");
	pyr__load_fixed(*at, size, member);
	*at += size;
	return true;
}

bool pyr__decoder_value(pyr__decoder *d, const ProtobufCFieldDescriptor *field, const uint8_t **at,
	const uint8_t *end, void *member, unsigned depth)
{
	uint64_t value;
	switch (pyr__wire_of(field)) {
	case PYR__WIRE_BYTES:
		return read_sized(d, field, at, end, member, depth);
	case PYR__WIRE_64:
		return read_fixed(d, 8, at, end, member);
	case PYR__WIRE_32:
		return read_fixed(d, 4, at, end, member);
	default:
		if (!pyr__decoder_varint(d, at, end, &value))
			return false;
		pyr__varint_store(field->type, value, member);
		return true;
	}
}

/* Another member of the same oneof gives way. */
static void select_oneof(
	pyr__decoder *d, const ProtobufCFieldDescriptor *field, ProtobufCMessage *message)
{
	uint32_t *which = member_of(message, field->quantifier_offset);
	void *member = member_of(message, field->offset);
	if (*which == field->id)
		return;
	const ProtobufCFieldDescriptor *old =
		*which ? protobuf_c_message_descriptor_get_field(message->descriptor, *which)
		       : NULL;
	if (old && old->type == PROTOBUF_C_TYPE_STRING)
		drop_string(d, old, *(char **)member);
	else if (old && old->type == PROTOBUF_C_TYPE_BYTES)
		drop_bytes(d, old, *(ProtobufCBinaryData *)member);
	else if (old && old->type == PROTOBUF_C_TYPE_MESSAGE)
		drop_message(d, *(ProtobufCMessage **)member);
	memset(member, 0, pyr__wire_size_of(field));
	*which = field->id;
}

bool pyr__decoder_field(pyr__decoder *d, const ProtobufCFieldDescriptor *field, uint32_t tag,
	const uint8_t **at, const uint8_t *end, ProtobufCMessage *message, unsigned depth)
{
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return pyr__decoder_repeated(d, field, tag, at, end, message, depth);
	bool oneof = pyr__wire_is_oneof(field);
	if (oneof)
		select_oneof(d, field, message);
	if (!pyr__decoder_value(d, field, at, end, member_of(message, field->offset), depth))
		return false;
	if (field->label == PROTOBUF_C_LABEL_OPTIONAL && !oneof && !pyr__wire_is_pointer(field))
		*(protobuf_c_boolean *)member_of(message, field->quantifier_offset) = 1;
	return true;
}
