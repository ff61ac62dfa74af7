/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding what the descriptor does not know: kept as protobuf-c keeps it, groups skipped. */
#include "codec/decoder.h"

static bool skip_value(
	pyr__decoder *d, uint32_t tag, const uint8_t **at, const uint8_t *end, unsigned depth);

/* Up to the end of the group with this number. */
static bool skip_group(
	pyr__decoder *d, uint32_t number, const uint8_t **at, const uint8_t *end, unsigned depth)
{
	if (depth >= d->depth_max)
		return pyr__decoder_malformed(d, *at, "groups are nested too deep");
	for (;;) {
		const uint8_t *tag_at = *at;
		uint32_t tag;
		if (!pyr__decoder_tag(d, at, end, &tag))
			return false;
		if ((tag & 7) == PYR__WIRE_GROUP_END)
			return tag >> 3 == number ||
			       pyr__decoder_malformed(d, tag_at, "a group ends that did not begin");
		if (!skip_value(d, tag, at, end, depth + 1))
			return false;
	}
}

static bool skip_value(
	pyr__decoder *d, uint32_t tag, const uint8_t **at, const uint8_t *end, unsigned depth)
{
	size_t size;
	uint64_t number;
	switch (tag & 7) {
	case PYR__WIRE_VARINT:
		return pyr__decoder_varint(d, at, end, &number);
	case PYR__WIRE_BYTES:
		if (!pyr__decoder_length(d, at, end, &size))
			return false;
		break;
	case PYR__WIRE_GROUP:
		return skip_group(d, tag >> 3, at, end, depth);
	case PYR__WIRE_GROUP_END:
		return pyr__decoder_malformed(d, *at, "a group ends that did not begin");
	case PYR__WIRE_64:
	case PYR__WIRE_32:
		size = (tag & 7) == PYR__WIRE_64 ? 8 : 4;
		if ((size_t)(end - *at) < size)
			return pyr__decoder_malformed(d, *at, "a value is cut short");
		break;
	default:
		return pyr__decoder_malformed(d, *at, "a wire type is not valid");
	}
	*at += size;
	return true;
}

static uint8_t *keep(pyr__decoder *d, const uint8_t *data, size_t size)
{
	if (d->alias)
		return (uint8_t *)data;
	uint8_t *copy = pyr__decoder_alloc(d, size, 1);
	if (copy)
		memcpy(copy, data, size);
	return copy;
}

bool pyr__decoder_unknown(pyr__decoder *d, uint32_t tag, const uint8_t **at, const uint8_t *end,
	ProtobufCMessage *message, unsigned depth)
{
	const uint8_t *begin = *at;
	if (!skip_value(d, tag, at, end, depth))
		return false;
	if ((tag & 7) == PYR__WIRE_GROUP)
		return true;
	void *array = message->unknown_fields;
	if (!pyr__decoder_reserve(
		    d, &array, message->n_unknown_fields, 1, sizeof *message->unknown_fields))
		return false;
	message->unknown_fields = array;
	ProtobufCMessageUnknownField field = {
		.tag = tag >> 3,
		.wire_type = (ProtobufCWireType)(tag & 7),
		.len = (size_t)(*at - begin),
	};
	field.data = keep(d, begin, field.len);
	if (!field.data)
		return false;
	message->unknown_fields[message->n_unknown_fields++] = field;
	return true;
}
