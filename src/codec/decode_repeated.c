/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoding repeated fields. Elements are counted before their array grows, so that one array is
 * enough for a field that comes in one piece.
 */
#include "codec/decoder.h"

static size_t *count_of(const ProtobufCFieldDescriptor *field, ProtobufCMessage *message)
{
	return (size_t *)((uint8_t *)message + field->quantifier_offset);
}

static void **array_of(const ProtobufCFieldDescriptor *field, ProtobufCMessage *message)
{
	return (void **)((uint8_t *)message + field->offset);
}

/* The end of the value at `at`; NULL if it is not whole. */
static const uint8_t *skip(unsigned wire, const uint8_t *at, const uint8_t *end)
{
	uint64_t value = 0;
	size_t fixed = wire == PYR__WIRE_64 ? 8 : 4;
	if (wire == PYR__WIRE_64 || wire == PYR__WIRE_32)
		return (size_t)(end - at) < fixed ? NULL : at + fixed;
	for (unsigned shift = 0; shift < 70; shift += 7) {
		if (at == end)
			return NULL;
		value |= (uint64_t)(*at & 0x7f) << shift;
		if (*at++ < 0x80)
			break;
	}
	if (wire == PYR__WIRE_VARINT)
		return at;
	return value > (uint64_t)(end - at) ? NULL : at + value;
}

/* How many values follow each other from `at`, each but the first with the same tag before it. */
static size_t count_run(uint32_t tag, const uint8_t *at, const uint8_t *end, size_t *ret_tag_size)
{
	uint8_t bytes[5], size = 0;
	for (uint32_t rest = tag; size == 0 || rest; rest >>= 7)
		bytes[size++] = (uint8_t)((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
	*ret_tag_size = size;
	for (size_t count = 1;; count++) {
		at = skip(tag & 7, at, end);
		if (!at || end - at < size || memcmp(at, bytes, size) != 0)
			return count;
		at += size;
	}
}

static bool read_element(pyr__decoder *d, const ProtobufCFieldDescriptor *field, const uint8_t **at,
	const uint8_t *end, ProtobufCMessage *message, unsigned depth)
{
	size_t *count = count_of(field, message);
	size_t element = pyr__wire_size_of(field);
	void *slot = (uint8_t *)*array_of(field, message) + *count * element;
	memset(slot, 0, element);
	/* a message that fails half-way is freed with the rest: it is counted before it is read */
	bool counted = field->type == PROTOBUF_C_TYPE_MESSAGE;
	*count += counted;
	if (!pyr__decoder_value(d, field, at, end, slot, depth))
		return false;
	*count += !counted;
	return true;
}

static bool read_run(pyr__decoder *d, const ProtobufCFieldDescriptor *field, uint32_t tag,
	const uint8_t **at, const uint8_t *end, ProtobufCMessage *message, unsigned depth)
{
	size_t tag_size, run = count_run(tag, *at, end, &tag_size);
	if (!pyr__decoder_reserve(d, array_of(field, message), *count_of(field, message), run,
		    pyr__wire_size_of(field)))
		return false;
	for (size_t i = 0; i < run; i++) {
		*at += i ? tag_size : 0;
		if (!read_element(d, field, at, end, message, depth))
			return false;
	}
	if (field->type == PROTOBUF_C_TYPE_MESSAGE && *count_of(field, message) > 1 &&
		pyr__decoder_is_map_entry(field->descriptor))
		d->maps = true;
	return true;
}

static void load_fixed(size_t size, const uint8_t *from, size_t count, uint8_t *to)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t wide = size == 8 ? pyr__load_u64(from + i * 8) : 0;
		uint32_t narrow = size == 4 ? pyr__load_u32(from + i * 4) : 0;
		memcpy(to + i * size, size == 8 ? (void *)&wide : (void *)&narrow, size);
	}
}

static bool read_packed_fixed(pyr__decoder *d, const ProtobufCFieldDescriptor *field,
	const uint8_t *data, size_t bytes, ProtobufCMessage *message)
{
	size_t *count = count_of(field, message);
	size_t element = pyr__wire_size_of(field), more = bytes / element;
	if (bytes % element)
		return pyr__decoder_malformed(
			d, data, "a packed field is no whole number of values");
	if (!pyr__decoder_reserve(d, array_of(field, message), *count, more, element))
		return false;
	if (more)
		load_fixed(element, data, more,
			(uint8_t *)*array_of(field, message) + *count * element);
	*count += more;
	return true;
}

static bool read_packed_varints(pyr__decoder *d, const ProtobufCFieldDescriptor *field,
	const uint8_t *data, size_t bytes, ProtobufCMessage *message)
{
	size_t *count = count_of(field, message);
	size_t element = pyr__wire_size_of(field), more = 0;
	const uint8_t *end = data + bytes;
	for (size_t i = 0; i < bytes; i++)
		more += data[i] < 0x80;
	if (!pyr__decoder_reserve(d, array_of(field, message), *count, more, element))
		return false;
	uint8_t *to = *array_of(field, message);
	while (data < end) {
		uint64_t value;
		if (!pyr__decoder_varint(d, &data, end, &value))
			return false;
		pyr__varint_store(field->type, value, to + (*count)++ * element);
	}
	return true;
}

bool pyr__decoder_repeated(pyr__decoder *d, const ProtobufCFieldDescriptor *field, uint32_t tag,
	const uint8_t **at, const uint8_t *end, ProtobufCMessage *message, unsigned depth)
{
	size_t size;
	if ((tag & 7) == pyr__wire_of(field))
		return read_run(d, field, tag, at, end, message, depth);
	if (!pyr__decoder_length(d, at, end, &size))
		return false;
	const uint8_t *data = *at;
	*at += size;
	return pyr__wire_of(field) == PYR__WIRE_VARINT
		       ? read_packed_varints(d, field, data, size, message)
		       : read_packed_fixed(d, field, data, size, message);
}
