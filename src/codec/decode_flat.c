/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoding, in one short loop, messages that have no other messages and no arrays in them, whose
 * fields come in the order of their numbers, and for which there is room in the arena's current
 * chunk if they are not malloc'ed: most requests and replies are like that. Whatever is out of the
 * ordinary is left to decode_message.c, which begins anew and can say what is wrong with it.
 */
#include "base/apart.h"
#include "base/utf8.h"
#include "codec/decoder.h"
#include "codec/init.h"

/* There are two of the loop, with and without an arena, and in neither anything of the other. */
#define ALWAYS_INLINE static inline __attribute__((always_inline))

static bool read_fixed(const uint8_t **at, const uint8_t *end, size_t size, void *member)
{
	if ((size_t)(end - *at) < size)
		return false;
	pyr__load_fixed(*at, size, member);
	*at += size;
	return true;
}

ALWAYS_INLINE void *take(pyr__arena *arena, size_t size, size_t align)
{
	return arena ? pyr__arena_take(arena, size, align) : pyr__try_alloc(size);
}

ALWAYS_INLINE bool read_string(pyr__arena *arena, const uint8_t *data, size_t size, char **member)
{
	if (pyr__utf8_valid_bytes((const char *)data, size) < size || memchr(data, '\0', size))
		return false;
	char *copy = take(arena, size + 1, 1);
	if (!copy)
		return false;
	memcpy(copy, data, size);
	copy[size] = '\0';
	*member = copy;
	return true;
}

PYR__APART static bool copy_bytes(const uint8_t *data, size_t size, ProtobufCBinaryData *member)
{
	uint8_t *copy = pyr__try_alloc(size);
	if (!copy)
		return false;
	memcpy(copy, data, size);
	*member = (ProtobufCBinaryData){.len = size, .data = copy};
	return true;
}

/* An arena's message points to where they have come. */
ALWAYS_INLINE bool read_bytes(
	pyr__arena *arena, const uint8_t *data, size_t size, ProtobufCBinaryData *member)
{
	if (!arena && size)
		return copy_bytes(data, size, member);
	*member = (ProtobufCBinaryData){.len = size, .data = size ? (uint8_t *)data : NULL};
	return true;
}

ALWAYS_INLINE bool read_sized(pyr__arena *arena, const ProtobufCFieldDescriptor *field,
	const uint8_t **at, const uint8_t *end, void *member)
{
	uint64_t size;
	if (!pyr__load_varint(at, end, 5, &size) || size > (uint64_t)(end - *at))
		return false;
	const uint8_t *data = *at;
	*at += size;
	if (field->type == PROTOBUF_C_TYPE_STRING)
		return read_string(arena, data, (size_t)size, member);
	if (field->type != PROTOBUF_C_TYPE_BYTES)
		return false; /* a message, of which the member is a pointer */
	return read_bytes(arena, data, (size_t)size, member);
}

ALWAYS_INLINE bool read_value(pyr__arena *arena, const ProtobufCFieldDescriptor *field,
	const uint8_t **at, const uint8_t *end, void *member)
{
	uint64_t value;
	switch (pyr__wire_of(field)) {
	case PYR__WIRE_BYTES:
		return read_sized(arena, field, at, end, member);
	case PYR__WIRE_64:
		return read_fixed(at, end, 8, member);
	case PYR__WIRE_32:
		return read_fixed(at, end, 4, member);
	default:
		if (!pyr__load_varint(at, end, 9, &value))
			return false;
		pyr__varint_store(field->type, value, member);
		return true;
	}
}

ALWAYS_INLINE bool read_field(pyr__arena *arena, const ProtobufCFieldDescriptor *field,
	const uint8_t **at, const uint8_t *end, ProtobufCMessage *message)
{
	if (field->label == PROTOBUF_C_LABEL_REPEATED || pyr__wire_is_oneof(field) ||
		!read_value(arena, field, at, end, (uint8_t *)message + field->offset))
		return false;
	if (field->label == PROTOBUF_C_LABEL_OPTIONAL && !pyr__wire_is_pointer(field))
		*(protobuf_c_boolean *)((uint8_t *)message + field->quantifier_offset) = 1;
	return true;
}

/* One with a one-byte tag; *field is the first that it can be. */
ALWAYS_INLINE bool read_next(pyr__arena *arena, const ProtobufCFieldDescriptor **field,
	const ProtobufCFieldDescriptor *fields_end, const uint8_t **at, const uint8_t *end,
	ProtobufCMessage *message)
{
	const ProtobufCFieldDescriptor *f = *field;
	unsigned tag = *(*at)++;
	for (; f < fields_end && f->id < tag >> 3; f++)
		if (f->label == PROTOBUF_C_LABEL_REQUIRED)
			return false;
	*field = f + 1;
	return f < fields_end && tag < 0x80 && (f->id << 3 | pyr__wire_of(f)) == tag &&
	       read_field(arena, f, at, end, message);
}

ALWAYS_INLINE bool read_all(pyr__arena *arena, const uint8_t *at, const uint8_t *end,
	const ProtobufCMessageDescriptor *descriptor, ProtobufCMessage *message)
{
	const ProtobufCFieldDescriptor *field = descriptor->fields;
	const ProtobufCFieldDescriptor *fields_end = field + descriptor->n_fields;
	while (at < end)
		if (!read_next(arena, &field, fields_end, &at, end, message))
			return false;
	for (; field < fields_end; field++)
		if (field->label == PROTOBUF_C_LABEL_REQUIRED)
			return false;
	return true;
}

ProtobufCMessage *pyr__decode_flat(const ProtobufCMessageDescriptor *descriptor,
	const uint8_t *data, size_t size, pyr__arena *arena)
{
	uint8_t *begin = arena->at;
	ProtobufCMessage *message = pyr__arena_take(arena, descriptor->sizeof_message, 8);
	if (!message)
		return NULL;
	pyr__message_init(descriptor, message);
	if (read_all(arena, data, data + size, descriptor, message))
		return message;
	arena->at = begin;
	return NULL;
}

ProtobufCMessage *pyr__decode_flat_malloc(
	const ProtobufCMessageDescriptor *descriptor, const uint8_t *data, size_t size)
{
	ProtobufCMessage *message = pyr__try_alloc(descriptor->sizeof_message);
	if (!message)
		return NULL;
	pyr__message_init(descriptor, message);
	if (read_all(NULL, data, data + size, descriptor, message))
		return message;
	protobuf_c_message_free_unpacked(message, NULL);
	return NULL;
}
