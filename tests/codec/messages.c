/* SPDX-License-Identifier: Apache-2.0 */
/* Random messages, and comparing messages, by descriptor. */
#include "codec/messages.h"

#include <stdlib.h>
#include <string.h>
#include "codec/wire.h"

uint64_t dice_roll(roller *dice, uint64_t sides)
{
	dice->state ^= dice->state << 13;
	dice->state ^= dice->state >> 7;
	dice->state ^= dice->state << 17;
	return dice->state % sides;
}

static void *allocate(size_t size)
{
	void *memory = calloc(1, size ? size : 1);
	if (!memory)
		abort();
	return memory;
}

static uint8_t *at(const ProtobufCMessage *message, size_t offset)
{
	return (uint8_t *)message + offset;
}

static char *random_text(roller *dice)
{
	static const char *const pieces[] = {"a", "Z", " ", "\xc3\xa9", "\xe2\x82\xac",
		"\xf0\x9f\x8e\xb2", "\x01", "\x7f", "0123456789abcdef"};
	size_t count = dice_roll(dice, 6);
	char *text = allocate(count * 16 + 1);
	for (size_t i = 0; i < count; i++)
		strcat(text, pieces[dice_roll(dice, sizeof pieces / sizeof pieces[0])]);
	return text;
}

/* Small and large ones, of both signs. */
static uint64_t random_number(roller *dice)
{
	uint64_t value = dice_roll(dice, UINT64_MAX) >> dice_roll(dice, 64);
	return dice_roll(dice, 3) ? value : 0 - value;
}

static void random_scalar(roller *dice, const ProtobufCFieldDescriptor *field, void *member)
{
	const ProtobufCEnumDescriptor *values = field->descriptor;
	uint64_t number = random_number(dice);
	float narrow = (float)(int64_t)(number % 2000000) / 8 - 1000;
	double wide = (double)narrow * 1e20 + 1;
	uint32_t low = (uint32_t)number;
	if (field->type == PROTOBUF_C_TYPE_ENUM)
		low = (uint32_t)values->values[dice_roll(dice, values->n_values)].value;
	if (field->type == PROTOBUF_C_TYPE_BOOL)
		low &= 1;
	if (field->type == PROTOBUF_C_TYPE_DOUBLE)
		memcpy(member, &wide, 8);
	else if (field->type == PROTOBUF_C_TYPE_FLOAT)
		memcpy(member, &narrow, 4);
	else if (pyr__wire_size_of(field) == 8)
		memcpy(member, &number, 8);
	else
		memcpy(member, &low, 4);
}

static void random_value(
	roller *dice, const ProtobufCFieldDescriptor *field, void *member, unsigned depth)
{
	ProtobufCBinaryData *bytes = member;
	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		*(char **)member = random_text(dice);
		break;
	case PROTOBUF_C_TYPE_BYTES:
		bytes->len = dice_roll(dice, 20);
		bytes->data = bytes->len ? allocate(bytes->len) : NULL;
		for (size_t i = 0; i < bytes->len; i++)
			bytes->data[i] = (uint8_t)dice_roll(dice, 256);
		break;
	case PROTOBUF_C_TYPE_MESSAGE:
		*(ProtobufCMessage **)member =
			random_message(dice, field->descriptor, depth ? depth - 1 : 0);
		break;
	default:
		random_scalar(dice, field, member);
	}
}

static void random_repeated(roller *dice, const ProtobufCFieldDescriptor *field,
	ProtobufCMessage *message, unsigned depth)
{
	bool is_message = field->type == PROTOBUF_C_TYPE_MESSAGE;
	size_t count = is_message ? dice_roll(dice, 3) : dice_roll(dice, 5);
	if (!is_message && dice_roll(dice, 10) == 0)
		count = 50 + dice_roll(dice, 100);
	if (!count)
		return;
	uint8_t *array = allocate(count * pyr__wire_size_of(field));
	for (size_t i = 0; i < count; i++)
		random_value(dice, field, array + i * pyr__wire_size_of(field), depth);
	*(size_t *)at(message, field->quantifier_offset) = count;
	*(void **)at(message, field->offset) = array;
}

static void random_field(roller *dice, const ProtobufCFieldDescriptor *field,
	ProtobufCMessage *message, unsigned depth)
{
	bool needed = field->label == PROTOBUF_C_LABEL_REQUIRED;
	if (!needed &&
		(dice_roll(dice, 3) == 0 || (field->type == PROTOBUF_C_TYPE_MESSAGE && depth == 0)))
		return;
	if (field->label == PROTOBUF_C_LABEL_REPEATED) {
		random_repeated(dice, field, message, depth);
		return;
	}
	if (pyr__wire_is_oneof(field)) {
		uint32_t *which = (uint32_t *)at(message, field->quantifier_offset);
		if (*which || dice_roll(dice, 3))
			return;
		*which = field->id;
	} else if (field->label == PROTOBUF_C_LABEL_OPTIONAL && !pyr__wire_is_pointer(field)) {
		*(protobuf_c_boolean *)at(message, field->quantifier_offset) = 1;
	}
	random_value(dice, field, at(message, field->offset), depth);
}

ProtobufCMessage *random_message(
	roller *dice, const ProtobufCMessageDescriptor *descriptor, unsigned depth)
{
	ProtobufCMessage *message = allocate(descriptor->sizeof_message);
	protobuf_c_message_init(descriptor, message);
	for (unsigned i = 0; i < descriptor->n_fields; i++)
		random_field(dice, &descriptor->fields[i], message, depth);
	settle_maps_naively(message);
	return message;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_value(const ProtobufCFieldDescriptor *field, const void *a, const void *b)
{
	const ProtobufCBinaryData *left = a, *right = b;
	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		return same_text(*(char *const *)a, *(char *const *)b);
	case PROTOBUF_C_TYPE_MESSAGE:
		return same_message(*(ProtobufCMessage *const *)a, *(ProtobufCMessage *const *)b);
	case PROTOBUF_C_TYPE_BYTES:
		return left->len == right->len &&
		       (left->len == 0 || memcmp(left->data, right->data, left->len) == 0);
	default:
		return memcmp(a, b, pyr__wire_size_of(field)) == 0;
	}
}

static bool same_field(
	const ProtobufCFieldDescriptor *field, const ProtobufCMessage *a, const ProtobufCMessage *b)
{
	const uint8_t *left = at(a, field->offset), *right = at(b, field->offset);
	const uint8_t *left_q = at(a, field->quantifier_offset);
	const uint8_t *right_q = at(b, field->quantifier_offset);
	size_t count = 1;
	if (field->label == PROTOBUF_C_LABEL_REPEATED) {
		count = *(const size_t *)left_q;
		if (count != *(const size_t *)right_q)
			return false;
		left = *(uint8_t *const *)left;
		right = *(uint8_t *const *)right;
	} else if (pyr__wire_is_oneof(field)) {
		if (*(const uint32_t *)left_q != *(const uint32_t *)right_q)
			return false;
		count = *(const uint32_t *)left_q == field->id;
	} else if (field->label == PROTOBUF_C_LABEL_OPTIONAL && pyr__wire_is_pointer(field)) {
		const void *initial = field->default_value;
		if ((*(void *const *)left == initial) != (*(void *const *)right == initial))
			return false;
	} else if (field->label == PROTOBUF_C_LABEL_OPTIONAL) {
		if (!*(const protobuf_c_boolean *)left_q != !*(const protobuf_c_boolean *)right_q)
			return false;
		count = *(const protobuf_c_boolean *)left_q != 0;
	}
	for (size_t i = 0, size = pyr__wire_size_of(field); i < count; i++)
		if (!same_value(field, left + i * size, right + i * size))
			return false;
	return true;
}

static bool same_unknown(const ProtobufCMessage *a, const ProtobufCMessage *b)
{
	if (a->n_unknown_fields != b->n_unknown_fields)
		return false;
	for (unsigned i = 0; i < a->n_unknown_fields; i++) {
		const ProtobufCMessageUnknownField *left = &a->unknown_fields[i];
		const ProtobufCMessageUnknownField *right = &b->unknown_fields[i];
		if (left->tag != right->tag || left->wire_type != right->wire_type ||
			left->len != right->len || memcmp(left->data, right->data, left->len) != 0)
			return false;
	}
	return true;
}

bool same_message(const ProtobufCMessage *a, const ProtobufCMessage *b)
{
	if (!a || !b)
		return a == b;
	if (a->descriptor != b->descriptor)
		return false;
	for (unsigned i = 0; i < a->descriptor->n_fields; i++)
		if (!same_field(&a->descriptor->fields[i], a, b))
			return false;
	return same_unknown(a, b);
}

/* Written in a string, which in a map of proto2 may be NULL, the key is "". */
static bool same_key(const ProtobufCMessage *a, const ProtobufCMessage *b)
{
	const ProtobufCFieldDescriptor *key = &a->descriptor->fields[0];
	const uint8_t *left = at(a, key->offset), *right = at(b, key->offset);
	if (key->type != PROTOBUF_C_TYPE_STRING)
		return memcmp(left, right, pyr__wire_size_of(key)) == 0;
	const char *l = *(char *const *)left, *r = *(char *const *)right;
	return strcmp(l ? l : "", r ? r : "") == 0;
}

static void settle_map(ProtobufCMessage **entries, size_t *count)
{
	size_t kept = 0;
	for (size_t i = 0; i < *count; i++) {
		bool again = false;
		for (size_t k = i + 1; k < *count && !again; k++)
			again = same_key(entries[i], entries[k]);
		if (again)
			protobuf_c_message_free_unpacked(entries[i], NULL);
		else
			entries[kept++] = entries[i];
	}
	*count = kept;
}

void settle_maps_naively(ProtobufCMessage *message)
{
	for (unsigned i = 0; message && i < message->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
		if (field->type != PROTOBUF_C_TYPE_MESSAGE)
			continue;
		ProtobufCMessage **entries = (ProtobufCMessage **)at(message, field->offset);
		size_t single = 1, *count = &single;
		const ProtobufCMessageDescriptor *type = field->descriptor;
		if (field->label == PROTOBUF_C_LABEL_REPEATED) {
			count = (size_t *)at(message, field->quantifier_offset);
			entries = *(ProtobufCMessage ***)entries;
		} else if (pyr__wire_is_oneof(field)) {
			single = *(uint32_t *)at(message, field->quantifier_offset) == field->id;
		}
		/* the .proto files of the tests have no other messages whose names end so */
		size_t name = strlen(type->short_name);
		bool entry = name > 5 && strcmp(type->short_name + name - 5, "Entry") == 0;
		if (entry && strcmp(type->short_name, "LikeEntry") != 0)
			settle_map(entries, count);
		for (size_t k = 0; k < *count; k++)
			settle_maps_naively(entries[k]);
	}
}
