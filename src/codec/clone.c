/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copying a message field by field: which fields are sent is the encoder's word, what memory that
 * takes the decoder's.
 */
#include "codec/clone.h"

#include "base/apart.h"
#include "codec/decoder.h"
#include "codec/encoder.h"

static ProtobufCMessage *clone_message(pyr__decoder *d, const ProtobufCMessage *message);

static bool copy_string(pyr__decoder *d, const char *text, char **to)
{
	size_t size = strlen(text) + 1;
	char *copy = pyr__decoder_alloc(d, size, 1);
	if (copy)
		memcpy(copy, text, size);
	*to = copy;
	return copy != NULL;
}

/* The decoder's limit is not for bytes that it leaves where they are. */
static bool copy_bytes(pyr__decoder *d, const ProtobufCBinaryData *bytes, ProtobufCBinaryData *to)
{
	size_t size = bytes->len;
	uint8_t *copy = NULL;
	if (size && d->alias)
		copy = pyr__arena_alloc_aligned(d->arena, size, 1);
	else if (size)
		copy = pyr__decoder_alloc(d, size, 1);
	if (size && !copy)
		return false;
	if (size)
		memcpy(copy, bytes->data, size);
	*to = (ProtobufCBinaryData){size, copy};
	return true;
}

static bool copy_value(
	pyr__decoder *d, const ProtobufCFieldDescriptor *field, const void *member, void *to)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		return copy_string(d, pyr__encoder_pointer(member), to);
	case PROTOBUF_C_TYPE_BYTES:
		return copy_bytes(d, member, to);
	case PROTOBUF_C_TYPE_MESSAGE:
		*(ProtobufCMessage **)to = clone_message(d, pyr__encoder_pointer(member));
		return *(ProtobufCMessage **)to != NULL;
	case PROTOBUF_C_TYPE_BOOL:
		*(protobuf_c_boolean *)to = *(const protobuf_c_boolean *)member != 0;
		return true;
	default:
		memcpy(to, member, pyr__wire_size_of(field));
		return true;
	}
}

/* Whether elements are the same in memory, wherever they come from. */
static bool is_plain(const ProtobufCFieldDescriptor *field)
{
	return pyr__wire_of(field) != PYR__WIRE_BYTES && field->type != PROTOBUF_C_TYPE_BOOL;
}

static bool copy_repeated(pyr__decoder *d, const ProtobufCFieldDescriptor *field,
	const ProtobufCMessage *message, ProtobufCMessage *to)
{
	size_t count = pyr__encoder_count(message, field), element = pyr__wire_size_of(field);
	size_t *copied = (size_t *)((uint8_t *)to + field->quantifier_offset);
	void **array = (void **)((uint8_t *)to + field->offset);
	const uint8_t *from = pyr__encoder_pointer(pyr__encoder_member(message, field));
	bool is_map = field->type == PROTOBUF_C_TYPE_MESSAGE &&
		      pyr__decoder_is_map_entry(field->descriptor);
	if (count == 0)
		return true;
	if ((is_map && count > 1) || !pyr__decoder_reserve(d, array, 0, count, element))
		return false;
	if (is_plain(field)) {
		memcpy(*array, from, count * element);
		*copied = count;
		return true;
	}
	uint8_t *at = *array;
	for (; *copied < count; ++*copied, from += element, at += element)
		if (!copy_value(d, field, from, at))
			return false;
	return true;
}

static bool copy_field(pyr__decoder *d, const ProtobufCFieldDescriptor *field,
	const ProtobufCMessage *message, ProtobufCMessage *to)
{
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return copy_repeated(d, field, message, to);
	if (!pyr__encoder_is_sent(message, field))
		return true;
	uint8_t *quantifier = (uint8_t *)to + field->quantifier_offset;
	if (pyr__wire_is_oneof(field))
		*(uint32_t *)quantifier = field->id;
	else if (field->label == PROTOBUF_C_LABEL_OPTIONAL && !pyr__wire_is_pointer(field))
		*(protobuf_c_boolean *)quantifier = 1;
	return copy_value(
		d, field, pyr__encoder_member(message, field), (uint8_t *)to + field->offset);
}

/* On failure it has freed what it had. A field that failed is NULL, or has its default value. */
static ProtobufCMessage *clone_message(pyr__decoder *d, const ProtobufCMessage *message)
{
	const ProtobufCMessageDescriptor *descriptor = message->descriptor;
	if (message->n_unknown_fields)
		return NULL;
	ProtobufCMessage *copy = pyr__decoder_new_message(d, descriptor);
	bool good = copy != NULL;
	for (unsigned i = 0; good && i < descriptor->n_fields; i++)
		good = copy_field(d, &descriptor->fields[i], message, copy);
	if (good)
		return copy;
	if (copy && !d->arena)
		protobuf_c_message_free_unpacked(copy, NULL);
	return NULL;
}

PYR__APART ProtobufCMessage *pyr__clone(const ProtobufCMessage *message,
	const ProtobufCMessageDescriptor *descriptor, const pyr__decode_options *options)
{
	pyr__decoder_failure failure;
	pyr__decoder d = {
		.arena = options->arena,
		.alias = options->alias && options->arena,
		.bytes_left = options->bytes_max ? options->bytes_max : SIZE_MAX,
		.failure = &failure,
	};
	return message->descriptor == descriptor ? clone_message(&d, message) : NULL;
}
