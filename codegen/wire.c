/* SPDX-License-Identifier: Apache-2.0 */
/* Reading protobuf's encoding by hand, where protobuf-c's unpacker cannot be trusted or used. */
#include "wire.h"

#define WIRE_GROUP_END 4

static bool read_varint(gen_wire *wire, uint64_t *ret_value)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64 && wire->at < wire->end; shift += 7) {
		uint8_t byte = *wire->at++;

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*ret_value = value;
			return true;
		}
	}
	return false;
}

static bool read_bytes(gen_wire *wire, uint64_t size, gen_wire_field *field)
{
	if (size > (uint64_t)(wire->end - wire->at))
		return false;
	field->data = wire->at;
	field->size = (size_t)size;
	wire->at += size;
	return true;
}

/*
 * Skips to the end tag of the group whose start tag was just read. Counts instead of recursing, so
 * that no nesting is too deep.
 */
static bool read_group(gen_wire *wire, gen_wire_field *field)
{
	unsigned depth = 1;

	field->data = wire->at;
	while (depth > 0) {
		gen_wire_field skipped;
		uint64_t tag, size = 0;
		const uint8_t *start = wire->at;

		if (!read_varint(wire, &tag))
			return false;
		switch (tag & 7) {
		case GEN_WIRE_VARINT:
			if (!read_varint(wire, &size))
				return false;
			continue;
		case GEN_WIRE_GROUP:
			depth++;
			continue;
		case WIRE_GROUP_END:
			depth--;
			field->size = (size_t)(start - field->data);
			continue;
		case GEN_WIRE_FIXED64:
			size = 8;
			break;
		case GEN_WIRE_FIXED32:
			size = 4;
			break;
		case GEN_WIRE_BYTES:
			if (!read_varint(wire, &size))
				return false;
			break;
		default:
			return false;
		}
		if (!read_bytes(wire, size, &skipped))
			return false;
	}
	return true;
}

static bool read_value(gen_wire *wire, gen_wire_field *field)
{
	uint64_t size;

	switch (field->type) {
	case GEN_WIRE_VARINT:
		return read_varint(wire, &field->value);
	case GEN_WIRE_FIXED64:
		return read_bytes(wire, 8, field);
	case GEN_WIRE_FIXED32:
		return read_bytes(wire, 4, field);
	case GEN_WIRE_BYTES:
		return read_varint(wire, &size) && read_bytes(wire, size, field);
	case GEN_WIRE_GROUP:
		return read_group(wire, field);
	}
	return false;
}

bool gen_wire_value(gen_wire *wire, gen_wire_type type, gen_wire_field *ret_field)
{
	gen_wire_field field = {.type = type};

	if (!read_value(wire, &field))
		return false;
	*ret_field = field;
	return true;
}

bool gen_wire_next(gen_wire *wire, gen_wire_field *ret_field, bool *ret_bad)
{
	gen_wire_field field = {.start = wire->at};
	uint64_t tag;

	if (wire->at == wire->end)
		return false;
	if (!read_varint(wire, &tag) || tag >> 3 == 0 || tag >> 3 > 536870911) {
		*ret_bad = true;
		return false;
	}
	field.number = (uint32_t)(tag >> 3);
	field.type = (gen_wire_type)(tag & 7);
	if (!read_value(wire, &field)) {
		*ret_bad = true;
		return false;
	}
	*ret_field = field;
	return true;
}

static void add_varint(gen_text *out, uint64_t value)
{
	uint8_t bytes[10];
	size_t size = 0;

	do {
		bytes[size++] = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
		value >>= 7;
	} while (value);
	gen_text_add(out, bytes, size);
}

static bool clean(const ProtobufCMessageDescriptor *descriptor, const uint8_t *data, size_t size,
	unsigned depth, gen_text *out);

static bool clean_submessage(const ProtobufCMessageDescriptor *descriptor,
	const gen_wire_field *field, unsigned depth, gen_text *out)
{
	gen_text inner = {NULL, 0, 0};
	bool good = clean(descriptor, field->data, field->size, depth, &inner);

	if (good) {
		add_varint(out, (uint64_t)field->number << 3 | GEN_WIRE_BYTES);
		add_varint(out, inner.size);
		gen_text_add(out, inner.data, inner.size);
	}
	gen_text_done(&inner);
	return good;
}

static bool clean(const ProtobufCMessageDescriptor *descriptor, const uint8_t *data, size_t size,
	unsigned depth, gen_text *out)
{
	gen_wire wire = {data, data + size};
	gen_wire_field field;
	bool bad = false;

	if (depth > GEN_WIRE_DEPTH_MAX)
		return false;
	while (gen_wire_next(&wire, &field, &bad)) {
		const ProtobufCFieldDescriptor *known =
			protobuf_c_message_descriptor_get_field(descriptor, field.number);

		if (field.type == GEN_WIRE_GROUP)
			continue;
		if (!known || known->type != PROTOBUF_C_TYPE_MESSAGE ||
			field.type != GEN_WIRE_BYTES) {
			gen_text_add(out, field.start, (size_t)(wire.at - field.start));
			continue;
		}
		if (!clean_submessage(known->descriptor, &field, depth + 1, out))
			return false;
	}
	return !bad;
}

bool gen_wire_clean(const ProtobufCMessageDescriptor *descriptor, const uint8_t *data, size_t size,
	gen_text *out)
{
	return clean(descriptor, data, size, 1, out);
}

void gen_wire_without(const uint8_t *data, size_t size, uint32_t number, gen_text *out)
{
	gen_wire wire = {data, data + size};
	gen_wire_field field;
	bool bad = false;

	while (gen_wire_next(&wire, &field, &bad)) {
		if (field.number != number)
			gen_text_add(out, field.start, (size_t)(wire.at - field.start));
	}
}
