/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The types of google.protobuf that have a JSON form of their own. Anybody can send a file that
 * defines such a name, so the fields must be the right ones as well: who writes JSON relies on it.
 */
#include <string.h>
#include "dynamic/pool.h"

#define FIELDS_MAX 6

/* Fields are numbered from 1. '*' behind a letter: repeated; '?': in the oneof. */
static const struct {
	const char *name;
	pyr__known known;
	const char *fields; /* s string, b bytes, l int64, i int32, d double, t bool, e enum, m
			       message */
} known_types[] = {
	{"Any", PYR__KNOWN_ANY, "sb"},
	{"Duration", PYR__KNOWN_DURATION, "li"},
	{"FieldMask", PYR__KNOWN_FIELD_MASK, "s*"},
	{"ListValue", PYR__KNOWN_LIST, "m*"},
	{"Struct", PYR__KNOWN_STRUCT, "m*"},
	{"Timestamp", PYR__KNOWN_TIMESTAMP, "li"},
	{"Value", PYR__KNOWN_VALUE, "e?d?s?t?m?m?"},
	{"BoolValue", PYR__KNOWN_WRAPPER, "t"},
	{"BytesValue", PYR__KNOWN_WRAPPER, "b"},
	{"DoubleValue", PYR__KNOWN_WRAPPER, "d"},
	{"FloatValue", PYR__KNOWN_WRAPPER, "f"},
	{"Int32Value", PYR__KNOWN_WRAPPER, "i"},
	{"Int64Value", PYR__KNOWN_WRAPPER, "l"},
	{"StringValue", PYR__KNOWN_WRAPPER, "s"},
	{"UInt32Value", PYR__KNOWN_WRAPPER, "u"},
	{"UInt64Value", PYR__KNOWN_WRAPPER, "v"},
};

static char letter_of(ProtobufCType type)
{
	switch (type) {
	case PROTOBUF_C_TYPE_STRING:
		return 's';
	case PROTOBUF_C_TYPE_BYTES:
		return 'b';
	case PROTOBUF_C_TYPE_INT64:
		return 'l';
	case PROTOBUF_C_TYPE_INT32:
		return 'i';
	case PROTOBUF_C_TYPE_UINT64:
		return 'v';
	case PROTOBUF_C_TYPE_UINT32:
		return 'u';
	case PROTOBUF_C_TYPE_DOUBLE:
		return 'd';
	case PROTOBUF_C_TYPE_FLOAT:
		return 'f';
	case PROTOBUF_C_TYPE_BOOL:
		return 't';
	case PROTOBUF_C_TYPE_ENUM:
		return 'e';
	case PROTOBUF_C_TYPE_MESSAGE:
		return 'm';
	default:
		return 'x';
	}
}

/* False for what does not look like any of the above. */
static bool describe(const ProtobufCMessageDescriptor *descriptor, char text[2 * FIELDS_MAX + 1])
{
	if (descriptor->n_fields > FIELDS_MAX)
		return false;
	for (unsigned i = 0; i < descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
		if (field->id != i + 1)
			return false;
		*text++ = letter_of(field->type);
		if (field->label == PROTOBUF_C_LABEL_REPEATED)
			*text++ = '*';
		else if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
			*text++ = '?';
		else if (field->label != PROTOBUF_C_LABEL_NONE)
			return false;
		/* all of one oneof share its case */
		if (field->quantifier_offset != descriptor->fields[0].quantifier_offset)
			return false;
	}
	*text = '\0';
	return true;
}

pyr__known pyr__pool_known(const ProtobufCMessageDescriptor *descriptor)
{
	static const char package[] = "google.protobuf.";
	char fields[2 * FIELDS_MAX + 1];
	size_t size = sizeof package - 1;
	if (strncmp(descriptor->name, package, size) != 0 || !describe(descriptor, fields))
		return PYR__KNOWN_NOT;
	for (size_t i = 0; i < sizeof known_types / sizeof known_types[0]; i++)
		if (strcmp(known_types[i].name, descriptor->name + size) == 0 &&
			strcmp(known_types[i].fields, fields) == 0)
			return known_types[i].known;
	return PYR__KNOWN_NOT;
}
