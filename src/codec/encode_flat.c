/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measuring, checking and encoding in one walk, for messages that are short and have no other
 * messages and no arrays in them: most requests and replies are like that. As in encode.c the last
 * byte is written first. Whatever is out of the ordinary is left to the two walks that can say what
 * is wrong with it.
 */
#include "base/utf8.h"
#include "codec/encoder.h"

#define NUMBER_MAX 10u /* bytes of a varint */

typedef struct writer {
	uint8_t *at;    /* what has been written begins here */
	uint8_t *begin; /* of the space */
} writer;

/* Whether there is room for so many bytes with a number and a tag before them. */
static bool has_room(const writer *w, size_t size)
{
	size_t left = (size_t)(w->at - w->begin);
	return left >= 2 * NUMBER_MAX && size <= left - 2 * NUMBER_MAX;
}

static bool put_sized(writer *w, const void *data, size_t size)
{
	if (!has_room(w, size))
		return false;
	w->at = pyr__encoder_put_sized(w->at, data, size);
	return true;
}

static bool put_string(writer *w, const char *text)
{
	size_t size = text ? strlen(text) : 0;
	return text && pyr__utf8_valid_bytes(text, size) == size && put_sized(w, text, size);
}

static bool put_bytes(writer *w, const ProtobufCBinaryData *bytes)
{
	return (bytes->data || !bytes->len) && put_sized(w, bytes->data, bytes->len);
}

static bool put_plain(writer *w, const ProtobufCFieldDescriptor *field, const void *member)
{
	if (!has_room(w, 0))
		return false;
	w->at = pyr__encoder_put_plain(w->at, field, member);
	return true;
}

static bool put_field(
	writer *w, const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return pyr__encoder_count(message, field) == 0;
	if (!pyr__encoder_is_sent(message, field))
		return true;
	const void *member = pyr__encoder_member(message, field);
	bool put;
	if (field->type == PROTOBUF_C_TYPE_BYTES)
		put = put_bytes(w, member);
	else if (field->type == PROTOBUF_C_TYPE_STRING)
		put = put_string(w, pyr__encoder_pointer(member));
	else
		put = field->type != PROTOBUF_C_TYPE_MESSAGE && put_plain(w, field, member);
	if (put)
		w->at = pyr__encoder_put_tag(w->at, field->id, pyr__wire_of(field));
	return put;
}

const uint8_t *pyr__encode_flat(
	const ProtobufCMessage *message, uint8_t *space, size_t room, size_t *ret_size)
{
	const ProtobufCMessageDescriptor *descriptor = message ? message->descriptor : NULL;
	if (!descriptor || descriptor->magic != PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC ||
		message->n_unknown_fields)
		return NULL;
	writer w = {space + room, space};
	for (unsigned i = descriptor->n_fields; i > 0; i--)
		if (!put_field(&w, message, &descriptor->fields[i - 1]))
			return NULL;
	*ret_size = (size_t)(space + room - w.at);
	return w.at;
}
