/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoding in one pass over protobuf-c's descriptors. Everything is bounded: nesting by depth_max,
 * memory by bytes_max. Strings are checked for UTF-8 in proto2 as well: a C program takes them for
 * text either way.
 */
#include "codec/decode.h"

#include <stdlib.h>
#include <string.h>
#include "base/utf8.h"

typedef struct decoder {
	const uint8_t *begin;
	const pyr__decode_options *options;
	size_t bytes_left;
	unsigned depth_max;
	pyr_status status;
	const ProtobufCMessageDescriptor *where;
	const ProtobufCFieldDescriptor *field;
	const uint8_t *at;
	const char *what;
} decoder;

enum {
	WIRE_VARINT = 0,
	WIRE_64 = 1,
	WIRE_BYTES = 2,
	WIRE_GROUP = 3,
	WIRE_GROUP_END = 4,
	WIRE_32 = 5,
};

static bool fail(decoder *d, pyr_status status, const uint8_t *at, const char *what)
{
	if (!d->status) {
		d->status = status;
		d->at = at;
		d->what = what;
	}
	return false;
}

static bool malformed(decoder *d, const uint8_t *at, const char *what)
{
	return fail(d, PYR_INVALID_ARGUMENT, at, what);
}

static void *allocate(decoder *d, size_t size)
{
	if (size > d->bytes_left) {
		fail(d, PYR_RESOURCE_EXHAUSTED, d->begin,
			"decoding takes more memory than allowed");
		return NULL;
	}
	d->bytes_left -= size;
	void *memory = d->options->arena ? pyr__arena_alloc(d->options->arena, size)
					 : malloc(size ? size : 1);
	if (!memory)
		fail(d, PYR_RESOURCE_EXHAUSTED, d->begin, "out of memory");
	return memory;
}

static void release(decoder *d, void *memory)
{
	if (!d->options->arena)
		free(memory);
}

static bool read_varint(decoder *d, const uint8_t **at, const uint8_t *end, uint64_t *ret_value)
{
	const uint8_t *p = *at;
	uint64_t value = 0;
	for (unsigned shift = 0; p < end && shift < 70; shift += 7) {
		uint8_t byte = *p++;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80) {
			*at = p;
			*ret_value = value;
			return true;
		}
	}
	return malformed(d, *at, p == end ? "a number is cut short" : "a number is too long");
}

static uint32_t load32(const uint8_t *at)
{
	return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint64_t load64(const uint8_t *at)
{
	return load32(at) | (uint64_t)load32(at + 4) << 32;
}

/* Skips the value behind a tag; *ret_begin .. *at is what it was. */
static bool skip_value(decoder *d, const uint8_t **at, const uint8_t *end, uint32_t number,
	unsigned wire, unsigned depth)
{
	uint64_t value;
	switch (wire) {
	case WIRE_VARINT:
		return read_varint(d, at, end, &value);
	case WIRE_64:
	case WIRE_32:
		value = wire == WIRE_64 ? 8 : 4;
		break;
	case WIRE_BYTES:
		if (!read_varint(d, at, end, &value))
			return false;
		break;
	case WIRE_GROUP:
		if (depth >= d->depth_max)
			return malformed(d, *at, "groups are nested too deep");
		for (;;) {
			const uint8_t *tag_at = *at;
			uint64_t tag;
			if (!read_varint(d, at, end, &tag))
				return false;
			if (tag > UINT32_MAX || tag >> 3 == 0)
				return malformed(d, tag_at, "a field number is not valid");
			if ((tag & 7) == WIRE_GROUP_END)
				return tag >> 3 == number ||
				       malformed(d, tag_at, "a group ends that did not begin");
			if (!skip_value(d, at, end, (uint32_t)(tag >> 3), tag & 7, depth + 1))
				return false;
		}
	default:
		return malformed(d, *at, "a wire type is not valid");
	}
	if (value > (uint64_t)(end - *at))
		return malformed(d, *at, "a value is cut short");
	*at += value;
	return true;
}

static size_t size_of(ProtobufCType type)
{
	switch (type) {
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return 8;
	case PROTOBUF_C_TYPE_BOOL:
		return sizeof(protobuf_c_boolean);
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_MESSAGE:
		return sizeof(void *);
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	default:
		return 4;
	}
}

static unsigned wire_of(ProtobufCType type)
{
	switch (type) {
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return WIRE_64;
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_SFIXED32:
	case PROTOBUF_C_TYPE_FLOAT:
		return WIRE_32;
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_BYTES:
	case PROTOBUF_C_TYPE_MESSAGE:
		return WIRE_BYTES;
	default:
		return WIRE_VARINT;
	}
}

static void store_varint(ProtobufCType type, uint64_t value, void *to)
{
	uint32_t low = (uint32_t)value;
	protobuf_c_boolean truth = value != 0;
	switch (type) {
	case PROTOBUF_C_TYPE_BOOL:
		memcpy(to, &truth, sizeof truth);
		return;
	case PROTOBUF_C_TYPE_SINT32:
		low = (low >> 1) ^ (0u - (low & 1));
		memcpy(to, &low, 4);
		return;
	case PROTOBUF_C_TYPE_SINT64:
		value = (value >> 1) ^ (0u - (value & 1));
		memcpy(to, &value, 8);
		return;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_UINT64:
		memcpy(to, &value, 8);
		return;
	default:
		memcpy(to, &low, 4);
	}
}

static bool read_scalar(
	decoder *d, ProtobufCType type, const uint8_t **at, const uint8_t *end, void *to)
{
	unsigned wire = wire_of(type);
	uint64_t value;
	if (wire == WIRE_VARINT) {
		if (!read_varint(d, at, end, &value))
			return false;
		store_varint(type, value, to);
		return true;
	}
	size_t size = wire == WIRE_64 ? 8 : 4;
	if ((size_t)(end - *at) < size)
		return malformed(d, *at, "a value is cut short");
	uint64_t wide = size == 8 ? load64(*at) : 0;
	uint32_t narrow = size == 4 ? load32(*at) : 0;
	memcpy(to, size == 8 ? (void *)&wide : (void *)&narrow, size);
	*at += size;
	return true;
}

static bool decode_into(decoder *d, ProtobufCMessage *message, const uint8_t *at,
	const uint8_t *end, unsigned depth);

static ProtobufCMessage *new_message(decoder *d, const ProtobufCMessageDescriptor *descriptor)
{
	ProtobufCMessage *message = allocate(d, descriptor->sizeof_message);
	if (message)
		protobuf_c_message_init(descriptor, message);
	return message;
}

/* A string or bytes: what was there before is given back. */
static bool read_string(decoder *d, const ProtobufCFieldDescriptor *field, const uint8_t *data,
	size_t size, char **member)
{
	size_t valid = pyr__utf8_valid_bytes((const char *)data, size);
	if (valid < size)
		return malformed(d, data + valid, "a string is not UTF-8");
	char *copy = allocate(d, size + 1);
	if (!copy)
		return false;
	if (size)
		memcpy(copy, data, size);
	copy[size] = '\0';
	if (*member && *member != (const char *)field->default_value &&
		*member != protobuf_c_empty_string)
		release(d, *member);
	*member = copy;
	return true;
}

static bool read_bytes(decoder *d, const ProtobufCFieldDescriptor *field, const uint8_t *data,
	size_t size, ProtobufCBinaryData *member)
{
	const ProtobufCBinaryData *initial = field->default_value;
	uint8_t *copy = (uint8_t *)data;
	if (!d->options->alias || !d->options->arena) {
		copy = size ? allocate(d, size) : NULL;
		if (size && !copy)
			return false;
		if (size)
			memcpy(copy, data, size);
	}
	if (member->data && !(initial && initial->data == member->data))
		release(d, member->data);
	member->data = size ? copy : NULL;
	member->len = size;
	return true;
}

static bool read_submessage(decoder *d, const ProtobufCFieldDescriptor *field, const uint8_t *data,
	size_t size, ProtobufCMessage **member, unsigned depth)
{
	if (depth >= d->depth_max)
		return malformed(d, data, "messages are nested too deep");
	/* one that comes again is merged into what is there: each byte is looked at once */
	if (!*member || *member == field->default_value) {
		*member = NULL;
		*member = new_message(d, field->descriptor);
	}
	return *member && decode_into(d, *member, data, data + size, depth + 1);
}

static bool read_single(decoder *d, const ProtobufCFieldDescriptor *field, const uint8_t **at,
	const uint8_t *end, void *member, unsigned depth)
{
	uint64_t size;
	if (wire_of(field->type) != WIRE_BYTES)
		return read_scalar(d, field->type, at, end, member);
	if (!read_varint(d, at, end, &size))
		return false;
	if (size > (uint64_t)(end - *at))
		return malformed(d, *at, "a value is cut short");
	const uint8_t *data = *at;
	*at += size;
	if (field->type == PROTOBUF_C_TYPE_STRING)
		return read_string(d, field, data, (size_t)size, member);
	if (field->type == PROTOBUF_C_TYPE_BYTES)
		return read_bytes(d, field, data, (size_t)size, member);
	return read_submessage(d, field, data, (size_t)size, member, depth);
}

/* Room for one more element; arrays grow to powers of two, so their size tells their room. */
static void *grow(decoder *d, const ProtobufCFieldDescriptor *field, ProtobufCMessage *message)
{
	size_t *count = (size_t *)((uint8_t *)message + field->quantifier_offset);
	void **array = (void **)((uint8_t *)message + field->offset);
	size_t element = size_of(field->type);
	if ((*count & (*count - 1)) == 0) {
		size_t room = *count ? *count * 2 : 1;
		void *grown = allocate(d, room * element);
		if (!grown)
			return NULL;
		if (*count)
			memcpy(grown, *array, *count * element);
		release(d, *array);
		*array = grown;
	}
	void *slot = (uint8_t *)*array + *count * element;
	memset(slot, 0, element);
	return slot;
}

static bool read_repeated(decoder *d, const ProtobufCFieldDescriptor *field, const uint8_t **at,
	const uint8_t *end, ProtobufCMessage *message, unsigned depth)
{
	size_t *count = (size_t *)((uint8_t *)message + field->quantifier_offset);
	void *slot = grow(d, field, message);
	if (!slot)
		return false;
	bool pointer = field->type == PROTOBUF_C_TYPE_MESSAGE;
	ProtobufCMessage **member = slot;
	if (pointer) {
		/* counted before it is filled, so that a failure half-way frees it too */
		*member = new_message(d, field->descriptor);
		if (!*member)
			return false;
		++*count;
	}
	if (!read_single(d, field, at, end, slot, depth))
		return false;
	if (!pointer)
		++*count;
	return true;
}

static bool read_packed(decoder *d, const ProtobufCFieldDescriptor *field, const uint8_t **at,
	const uint8_t *end, ProtobufCMessage *message, unsigned depth)
{
	uint64_t size;
	if (!read_varint(d, at, end, &size))
		return false;
	if (size > (uint64_t)(end - *at))
		return malformed(d, *at, "a value is cut short");
	const uint8_t *last = *at + size;
	while (*at < last)
		if (!read_repeated(d, field, at, last, message, depth))
			return false;
	return true;
}

/* Another member of the same oneof is dropped. */
static void clear_oneof(
	decoder *d, const ProtobufCFieldDescriptor *field, ProtobufCMessage *message)
{
	uint32_t *which = (uint32_t *)((uint8_t *)message + field->quantifier_offset);
	if (*which == field->id)
		return;
	const ProtobufCFieldDescriptor *old =
		*which ? protobuf_c_message_descriptor_get_field(message->descriptor, *which)
		       : NULL;
	void *member = (uint8_t *)message + field->offset;
	if (old && old->type == PROTOBUF_C_TYPE_MESSAGE && !d->options->arena) {
		ProtobufCMessage *sub = *(ProtobufCMessage **)member;
		if (sub)
			protobuf_c_message_free_unpacked(sub, NULL);
	} else if (old && old->type == PROTOBUF_C_TYPE_STRING) {
		char *text = *(char **)member;
		if (text && text != (const char *)old->default_value &&
			text != protobuf_c_empty_string)
			release(d, text);
	} else if (old && old->type == PROTOBUF_C_TYPE_BYTES) {
		const ProtobufCBinaryData *initial = old->default_value;
		ProtobufCBinaryData *bytes = member;
		if (bytes->data && !(initial && initial->data == bytes->data))
			release(d, bytes->data);
	}
	memset(member, 0, size_of(field->type));
	if (old && size_of(old->type) > size_of(field->type))
		memset(member, 0, size_of(old->type));
	*which = field->id;
}

static bool read_field(decoder *d, const ProtobufCFieldDescriptor *field, unsigned wire,
	const uint8_t **at, const uint8_t *end, ProtobufCMessage *message, unsigned depth)
{
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return wire == WIRE_BYTES && wire_of(field->type) != WIRE_BYTES
			       ? read_packed(d, field, at, end, message, depth)
			       : read_repeated(d, field, at, end, message, depth);
	if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
		clear_oneof(d, field, message);
	if (!read_single(d, field, at, end, (uint8_t *)message + field->offset, depth))
		return false;
	bool has_flag = field->label == PROTOBUF_C_LABEL_OPTIONAL &&
			!(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) &&
			field->type != PROTOBUF_C_TYPE_STRING &&
			field->type != PROTOBUF_C_TYPE_MESSAGE;
	if (has_flag)
		*(protobuf_c_boolean *)((uint8_t *)message + field->quantifier_offset) = 1;
	return true;
}

/* Kept as protobuf-c keeps them; groups, which it cannot keep, are skipped. */
static bool read_unknown(decoder *d, ProtobufCMessage *message, uint32_t number, unsigned wire,
	const uint8_t **at, const uint8_t *end, unsigned depth)
{
	const uint8_t *begin = *at;
	if (!skip_value(d, at, end, number, wire, depth))
		return false;
	if (wire == WIRE_GROUP)
		return true;
	unsigned count = message->n_unknown_fields;
	if ((count & (count - 1)) == 0) {
		size_t room = count ? count * 2u : 1;
		ProtobufCMessageUnknownField *grown =
			allocate(d, room * sizeof *message->unknown_fields);
		if (!grown)
			return false;
		if (count)
			memcpy(grown, message->unknown_fields, count * sizeof *grown);
		release(d, message->unknown_fields);
		message->unknown_fields = grown;
	}
	ProtobufCMessageUnknownField *field = &message->unknown_fields[count];
	field->tag = number;
	field->wire_type = (ProtobufCWireType)wire;
	field->len = (size_t)(*at - begin);
	field->data = allocate(d, field->len);
	if (!field->data)
		return false;
	memcpy(field->data, begin, field->len);
	message->n_unknown_fields++;
	return true;
}

static const ProtobufCFieldDescriptor *find_field(
	const ProtobufCMessageDescriptor *descriptor, uint32_t number, unsigned *hint)
{
	if (*hint < descriptor->n_fields && descriptor->fields[*hint].id == number)
		return &descriptor->fields[(*hint)++];
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field(descriptor, number);
	if (field)
		*hint = (unsigned)(field - descriptor->fields) + 1;
	return field;
}

static bool fits(const ProtobufCFieldDescriptor *field, unsigned wire)
{
	unsigned own = wire_of(field->type);
	return wire == own || (wire == WIRE_BYTES && own != WIRE_BYTES &&
				      field->label == PROTOBUF_C_LABEL_REPEATED);
}

static bool check_required(decoder *d, const ProtobufCMessage *message, const uint8_t *end)
{
	const ProtobufCMessageDescriptor *descriptor = message->descriptor;
	for (unsigned i = 0; i < descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
		bool pointer = field->type == PROTOBUF_C_TYPE_STRING ||
			       field->type == PROTOBUF_C_TYPE_MESSAGE;
		if (field->label != PROTOBUF_C_LABEL_REQUIRED || !pointer)
			continue;
		const void *member = *(void *const *)((const uint8_t *)message + field->offset);
		if (!member || (member == field->default_value && field->default_value)) {
			d->where = descriptor;
			d->field = field;
			return malformed(d, end, "a required field is missing");
		}
	}
	return true;
}

static bool decode_into(decoder *d, ProtobufCMessage *message, const uint8_t *at,
	const uint8_t *end, unsigned depth)
{
	const ProtobufCMessageDescriptor *descriptor = message->descriptor;
	unsigned hint = 0;
	while (at < end) {
		const uint8_t *tag_at = at;
		uint64_t tag;
		if (!read_varint(d, &at, end, &tag))
			return false;
		if (tag > UINT32_MAX || tag >> 3 == 0)
			return malformed(d, tag_at, "a field number is not valid");
		uint32_t number = (uint32_t)(tag >> 3);
		unsigned wire = tag & 7;
		const ProtobufCFieldDescriptor *field = find_field(descriptor, number, &hint);
		bool ok = field && fits(field, wire)
				  ? read_field(d, field, wire, &at, end, message, depth)
				  : read_unknown(d, message, number, wire, &at, end, depth);
		if (!ok) {
			if (!d->where) {
				d->where = descriptor;
				d->field = field;
			}
			return false;
		}
	}
	return check_required(d, message, end);
}

pyr_status pyr__decode(const ProtobufCMessageDescriptor *descriptor, const uint8_t *data,
	size_t size, const pyr__decode_options *options, ProtobufCMessage **ret_message,
	pyr_error *err)
{
	static const uint8_t nothing[1];
	decoder d = {
		.begin = data ? data : nothing,
		.options = options,
		.bytes_left = options->bytes_max ? options->bytes_max : SIZE_MAX,
		.depth_max = options->depth_max ? options->depth_max : PYR__DECODE_DEPTH_MAX,
	};
	ProtobufCMessage *message = new_message(&d, descriptor);
	if (message && decode_into(&d, message, d.begin, d.begin + size, 1)) {
		*ret_message = message;
		return PYR_OK;
	}
	if (message && !options->arena)
		protobuf_c_message_free_unpacked(message, NULL);
	return pyr_error_set(err, d.status, "%s at byte %zu (%s%s%s)", d.what,
		(size_t)(d.at - d.begin) + 1, d.where ? d.where->name : descriptor->name,
		d.field ? "." : "", d.field ? d.field->name : "");
}
