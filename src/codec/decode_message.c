/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding a message: its fields one by one, in the order in which they come. */
#include "codec/decoder.h"
#include "codec/init.h"

ProtobufCMessage *pyr__decoder_new_message(
	pyr__decoder *d, const ProtobufCMessageDescriptor *descriptor)
{
	ProtobufCMessage *message = pyr__decoder_alloc(d, descriptor->sizeof_message, 8);
	if (message)
		pyr__message_init(descriptor, message);
	return message;
}

/* The required fields that have come, a bit each by their index in the descriptor. */
typedef struct required_seen {
	uint64_t few;
	uint64_t *many; /* instead, where there are more than 64 fields; NULL until needed */
} required_seen;

static void note(required_seen *seen, const ProtobufCMessageDescriptor *descriptor, size_t index)
{
	uint64_t bit = (uint64_t)1 << index % 64;
	if (descriptor->n_fields <= 64) {
		seen->few |= bit;
		return;
	}
	if (!seen->many)
		seen->many = pyr__zalloc((descriptor->n_fields + 63) / 64 * sizeof *seen->many);
	seen->many[index / 64] |= bit;
}

static bool was_noted(
	const required_seen *seen, const ProtobufCMessageDescriptor *descriptor, size_t index)
{
	if (descriptor->n_fields <= 64)
		return seen->few >> index & 1;
	return seen->many && seen->many[index / 64] >> index % 64 & 1;
}

static bool check_required(pyr__decoder *d, const ProtobufCMessageDescriptor *descriptor,
	const required_seen *seen, const uint8_t *end)
{
	for (unsigned i = 0; i < descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
		if (field->label != PROTOBUF_C_LABEL_REQUIRED || was_noted(seen, descriptor, i))
			continue;
		pyr__decoder_malformed(d, end, "a required field is missing");
		pyr__decoder_name(d, field);
		return false;
	}
	return true;
}

/* Fields mostly come in the order of their numbers: *next is where to look first. */
static const ProtobufCFieldDescriptor *find_field(
	const ProtobufCMessageDescriptor *descriptor, uint32_t number, unsigned *next)
{
	if (*next < descriptor->n_fields && descriptor->fields[*next].id == number)
		return &descriptor->fields[(*next)++];
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field(descriptor, number);
	if (field)
		*next = (unsigned)(field - descriptor->fields) + 1;
	return field;
}

/* A field of another wire type than it should have counts as unknown. */
static bool fits(const ProtobufCFieldDescriptor *field, unsigned wire)
{
	return wire == pyr__wire_of(field) ||
	       (wire == PYR__WIRE_BYTES && field->label == PROTOBUF_C_LABEL_REPEATED);
}

static bool read_fields(pyr__decoder *d, ProtobufCMessage *message, const uint8_t *at,
	const uint8_t *end, unsigned depth, required_seen *seen)
{
	const ProtobufCMessageDescriptor *descriptor = message->descriptor;
	unsigned next = 0;
	while (at < end) {
		uint32_t tag;
		if (!pyr__decoder_tag(d, &at, end, &tag))
			return false;
		const ProtobufCFieldDescriptor *field = find_field(descriptor, tag >> 3, &next);
		if (!field || !fits(field, tag & 7)) {
			if (!pyr__decoder_unknown(d, tag, &at, end, message, depth))
				return false;
			continue;
		}
		if (!pyr__decoder_field(d, field, tag, &at, end, message, depth)) {
			pyr__decoder_name(d, field);
			return false;
		}
		if (field->label == PROTOBUF_C_LABEL_REQUIRED)
			note(seen, descriptor, (size_t)(field - descriptor->fields));
	}
	return true;
}

bool pyr__decoder_message(pyr__decoder *d, ProtobufCMessage *message, const uint8_t *at,
	const uint8_t *end, unsigned depth, bool fresh)
{
	required_seen seen = {0, NULL};
	bool good = read_fields(d, message, at, end, depth, &seen) &&
		    (!fresh || check_required(d, message->descriptor, &seen, end));
	if (seen.many)
		free(seen.many);
	return good;
}
