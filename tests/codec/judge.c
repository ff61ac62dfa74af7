/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing the decoder with protobuf-c's unpacker, for any input. */
#include "codec/judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "codec/encode.h"
#include "codec/messages.h"
#include "codec/wire.h"

#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);            \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* What there is in an encoding of which the decoder takes it, and protobuf-c does not agree. */
enum {
	ODD_REFUSED = 1, /* groups and wrong wire types: not for protobuf-c */
	ODD_MERGED = 2,  /* it loses fields when it merges, and wants each part to be whole */
	ODD_BOOL = 4,    /* of any wire type it takes one for a bool, and packed ones as they are */
};

static uint64_t varint(const uint8_t **at)
{
	uint64_t value = 0;
	for (unsigned shift = 0;; shift += 7) {
		value |= (uint64_t)(**at & 0x7f) << shift;
		if (*(*at)++ < 0x80)
			return value;
	}
}

static bool odd_bools(const uint8_t *at, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (at[i] > 1)
			return true;
	return false;
}

static unsigned oddities(
	const ProtobufCMessageDescriptor *descriptor, const uint8_t *at, const uint8_t *end);

static unsigned odd_field(const ProtobufCFieldDescriptor *field, uint32_t wire, bool again,
	const uint8_t *at, size_t size)
{
	bool sized = wire == PYR__WIRE_BYTES;
	bool repeated = field->label == PROTOBUF_C_LABEL_REPEATED;
	if (wire != pyr__wire_of(field) && !(sized && repeated))
		return field->type == PROTOBUF_C_TYPE_BOOL ? ODD_BOOL : ODD_REFUSED;
	if (sized && repeated && field->type == PROTOBUF_C_TYPE_BOOL)
		return odd_bools(at, size) ? ODD_BOOL : 0;
	if (field->type != PROTOBUF_C_TYPE_MESSAGE)
		return 0;
	return oddities(field->descriptor, at, at + size) | (again && !repeated ? ODD_MERGED : 0);
}

/* Only of what the decoder takes. */
static unsigned oddities(
	const ProtobufCMessageDescriptor *descriptor, const uint8_t *at, const uint8_t *end)
{
	unsigned odd = 0;
	bool *seen = calloc(descriptor->n_fields + 1, sizeof *seen);
	MUST(seen);
	while (at < end) {
		uint64_t tag = varint(&at);
		unsigned wire = tag & 7;
		if (wire == PYR__WIRE_GROUP) {
			odd |= ODD_REFUSED;
			break;
		}
		size_t size = wire == PYR__WIRE_64 ? 8 : wire == PYR__WIRE_32 ? 4 : 0;
		if (wire == PYR__WIRE_BYTES)
			size = varint(&at);
		const ProtobufCFieldDescriptor *field =
			protobuf_c_message_descriptor_get_field(descriptor, (unsigned)(tag >> 3));
		if (field) {
			bool *once = &seen[field - descriptor->fields];
			odd |= odd_field(field, wire, *once, at, size);
			*once = true;
		}
		if (wire == PYR__WIRE_VARINT)
			varint(&at);
		at += size;
	}
	free(seen);
	return odd;
}

static bool is_about(const pyr_error *err, const char *what)
{
	return strncmp(err->message, what, strlen(what)) == 0;
}

/* What only we refuse. */
static bool is_stricter(const pyr_error *err)
{
	return err->status == PYR_RESOURCE_EXHAUSTED || is_about(err, "a string") ||
	       is_about(err, "messages are nested") || is_about(err, "a field number") ||
	       is_about(err, "a required field") || is_about(err, "a length is too long");
}

static void compare(const ProtobufCMessageDescriptor *descriptor, const uint8_t *data, size_t size,
	const ProtobufCMessage *ours, const pyr_error *err)
{
	if (!ours && is_stricter(err))
		return;
	unsigned odd = ours ? oddities(descriptor, data, data + size) : 0;
	ProtobufCMessage *theirs = protobuf_c_message_unpack(descriptor, NULL, size, data);
	if (!ours)
		MUST(!theirs);
	else if (odd & ODD_REFUSED)
		MUST(!theirs);
	else if (!(odd & (ODD_MERGED | ODD_BOOL)))
		MUST(theirs);
	if (theirs && !odd) {
		settle_maps_naively(theirs);
		MUST(same_message(ours, theirs));
	}
	protobuf_c_message_free_unpacked(theirs, NULL);
}

static void round_trip(const ProtobufCMessage *message)
{
	pyr__decode_options options = {0};
	ProtobufCMessage *again;
	size_t size;
	MUST(pyr__encoded_size(message, &size, NULL) == PYR_OK);
	uint8_t *bytes = malloc(size + 1);
	MUST(bytes && pyr__encode(message, bytes, size) == bytes + size);
	uint8_t space[256];
	size_t flat_size;
	const uint8_t *flat = pyr__encode_flat(message, space, sizeof space, &flat_size);
	MUST(!flat || (flat_size == size && memcmp(flat, bytes, size) == 0));
	MUST(pyr__decode(message->descriptor, bytes, size, &options, &again, NULL) == PYR_OK);
	MUST(same_message(message, again));
	if (protobuf_c_message_get_packed_size(message) == size) { /* it is less with -0.0 */
		uint8_t *packed = malloc(size + 1);
		MUST(packed && protobuf_c_message_pack(message, packed) == size);
		MUST(memcmp(packed, bytes, size) == 0);
		free(packed);
	}
	protobuf_c_message_free_unpacked(again, NULL);
	free(bytes);
}

#define BYTES_MAX (64 << 20)

/* room: bytes of the arena's first chunk; what is short is decoded there by another way. */
static void in_arena(const ProtobufCMessageDescriptor *descriptor, const uint8_t *data, size_t size,
	size_t room, bool alias, const ProtobufCMessage *expected, const pyr_error *expected_err)
{
	pyr__arena arena;
	uint8_t *space = room ? malloc(room) : NULL;
	MUST(space || !room);
	pyr__arena_init(&arena, space, room);
	pyr__decode_options options = {.arena = &arena, .alias = alias, .bytes_max = BYTES_MAX};
	ProtobufCMessage *message;
	pyr_error err;
	if (pyr__decode(descriptor, data, size, &options, &message, &err) == PYR_OK)
		MUST(expected && same_message(message, expected));
	else if (err.status != PYR_RESOURCE_EXHAUSTED)
		MUST(!expected && strcmp(err.message, expected_err->message) == 0);
	pyr__arena_reset(&arena);
	free(space);
}

pyr_status judge(const ProtobufCMessageDescriptor *descriptor, const uint8_t *data, size_t size)
{
	const size_t rooms[] = {64, 500, 4096, descriptor->sizeof_message};
	pyr__decode_options options = {.bytes_max = BYTES_MAX};
	ProtobufCMessage *message = NULL;
	pyr_error err;
	pyr_status status = pyr__decode(descriptor, data, size, &options, &message, &err);
	MUST((status == PYR_OK) == (message != NULL));
	compare(descriptor, data, size, message, &err);
	if (status != PYR_RESOURCE_EXHAUSTED) {
		in_arena(descriptor, data, size, 0, false, message, &err);
		in_arena(descriptor, data, size, 0, true, message, &err);
		for (size_t i = 0; i < sizeof rooms / sizeof rooms[0]; i++)
			in_arena(descriptor, data, size, rooms[i], true, message, &err);
	}
	if (message)
		round_trip(message);
	protobuf_c_message_free_unpacked(message, NULL);
	return status;
}
