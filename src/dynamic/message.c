/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The second pass: a message's fields, and the C struct that they make. It is laid out like one of
 * protoc-gen-c, but that an optional field of proto3 has a has_ flag instead of a oneof of one.
 */
#include <stdlib.h>
#include <string.h>
#include "base/owner.h"
#include "dynamic/pool.h"

typedef Google__Protobuf__FieldDescriptorProto field_proto;
typedef Google__Protobuf__DescriptorProto message_proto;

#define TYPE(name) GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_##name

/* By descriptor.proto's number, 1 to 18; group is the odd one out. */
static const ProtobufCType types[] = {
	[TYPE(DOUBLE)] = PROTOBUF_C_TYPE_DOUBLE,
	[TYPE(FLOAT)] = PROTOBUF_C_TYPE_FLOAT,
	[TYPE(INT64)] = PROTOBUF_C_TYPE_INT64,
	[TYPE(UINT64)] = PROTOBUF_C_TYPE_UINT64,
	[TYPE(INT32)] = PROTOBUF_C_TYPE_INT32,
	[TYPE(FIXED64)] = PROTOBUF_C_TYPE_FIXED64,
	[TYPE(FIXED32)] = PROTOBUF_C_TYPE_FIXED32,
	[TYPE(BOOL)] = PROTOBUF_C_TYPE_BOOL,
	[TYPE(STRING)] = PROTOBUF_C_TYPE_STRING,
	[TYPE(GROUP)] = PROTOBUF_C_TYPE_MESSAGE,
	[TYPE(MESSAGE)] = PROTOBUF_C_TYPE_MESSAGE,
	[TYPE(BYTES)] = PROTOBUF_C_TYPE_BYTES,
	[TYPE(UINT32)] = PROTOBUF_C_TYPE_UINT32,
	[TYPE(ENUM)] = PROTOBUF_C_TYPE_ENUM,
	[TYPE(SFIXED32)] = PROTOBUF_C_TYPE_SFIXED32,
	[TYPE(SFIXED64)] = PROTOBUF_C_TYPE_SFIXED64,
	[TYPE(SINT32)] = PROTOBUF_C_TYPE_SINT32,
	[TYPE(SINT64)] = PROTOBUF_C_TYPE_SINT64,
};

/* A message that is being built. */
typedef struct building {
	const pyr__adding *adding;
	pyr__pool_message *message;
	const message_proto *proto;
	const field_proto **sorted; /* by number, without groups */
	size_t count;
	ProtobufCFieldDescriptor *fields;
	size_t size;             /* of the C struct, up to now */
	unsigned *oneof_case;    /* by number of the oneof: the offset of its case, or 0 */
	unsigned *oneof_members; /* and of its union */
} building;

const ProtobufCIntRange *pyr__pool_ranges(pyr__pool_file *file, size_t count,
	int (*number)(const void *array, size_t index), const void *array, unsigned *ret_count)
{
	unsigned used = 0;
	for (size_t i = 0; i < count; i++)
		used += i == 0 || (int64_t)number(array, i) != (int64_t)number(array, i - 1) + 1;
	ProtobufCIntRange *ranges = pyr__pool_take(file, (used + 1) * sizeof *ranges);
	unsigned at = 0;
	for (size_t i = 0; i < count; i++)
		if (i == 0 || (int64_t)number(array, i) != (int64_t)number(array, i - 1) + 1)
			ranges[at++] = (ProtobufCIntRange){number(array, i), (unsigned)i};
	ranges[at] = (ProtobufCIntRange){0, (unsigned)count};
	*ret_count = used;
	return ranges;
}

static int number_at(const void *array, size_t index)
{
	return (int)((const ProtobufCFieldDescriptor *)array)[index].id;
}

static int by_number(const void *a, const void *b)
{
	int32_t x = (*(const field_proto *const *)a)->number;
	int32_t y = (*(const field_proto *const *)b)->number;
	return x < y ? -1 : x > y;
}

static pyr_status bad_field(const building *b, const field_proto *proto, const char *what)
{
	return pyr__pool_bad(b->adding, "%s.%s %s", b->message->symbol.name, proto->name, what);
}

static pyr_status sort_fields(building *b)
{
	b->sorted = pyr__pool_take(b->adding->file, (b->proto->n_field + 1) * sizeof *b->sorted);
	for (size_t i = 0; i < b->proto->n_field; i++) {
		const field_proto *proto = b->proto->field[i];
		if (!proto->has_number || proto->number < 1 || proto->number > PYR__FIELD_ID_MAX)
			return bad_field(b, proto, "has a number that is none");
		if (proto->has_type && proto->type == TYPE(GROUP))
			continue;
		b->sorted[b->count++] = proto;
	}
	qsort(b->sorted, b->count, sizeof *b->sorted, by_number);
	for (size_t i = 1; i < b->count; i++)
		if (b->sorted[i]->number == b->sorted[i - 1]->number)
			return bad_field(b, b->sorted[i], "has the number of another field");
	return PYR_OK;
}

/* Types */

static pyr_status set_referenced_type(
	building *b, const field_proto *proto, ProtobufCFieldDescriptor *field)
{
	char what[2 * PYR__NAME_MAX + 2];
	strcpy(what, b->message->symbol.name);
	strcat(what, ".");
	strcat(what, proto->name);
	pyr__symbol *symbol = pyr__pool_resolve(
		b->adding, b->message->symbol.name, proto->type_name, what, b->adding->err);
	if (!symbol)
		return PYR_INVALID_ARGUMENT;
	if (symbol->kind == PYR__SYMBOL_INTERFACE)
		return bad_field(b, proto, "is of a type that is a service");
	bool is_enum = symbol->kind == PYR__SYMBOL_ENUM;
	if (proto->has_type && (proto->type == TYPE(ENUM)) != is_enum)
		return bad_field(b, proto, "says enum of a message, or the other way round");
	field->type = is_enum ? PROTOBUF_C_TYPE_ENUM : PROTOBUF_C_TYPE_MESSAGE;
	if (is_enum)
		field->descriptor = &PYR__OWNER(symbol, pyr__pool_enum, symbol)->descriptor;
	else
		field->descriptor = &PYR__OWNER(symbol, pyr__pool_message, symbol)->descriptor;
	return PYR_OK;
}

static pyr_status set_type(building *b, const field_proto *proto, ProtobufCFieldDescriptor *field)
{
	bool refers = !proto->has_type || proto->type == TYPE(MESSAGE) || proto->type == TYPE(ENUM);
	if (refers)
		return set_referenced_type(b, proto, field);
	if (proto->type < 1 || (size_t)proto->type >= sizeof types / sizeof types[0])
		return bad_field(b, proto, "is of an unknown type");
	field->type = types[proto->type];
	return PYR_OK;
}

static bool is_pointer(ProtobufCType type)
{
	return type == PROTOBUF_C_TYPE_STRING || type == PROTOBUF_C_TYPE_MESSAGE;
}

static pyr_status set_label(building *b, const field_proto *proto, ProtobufCFieldDescriptor *field)
{
	bool proto3 = b->adding->file->proto3;
	bool packable = field->type != PROTOBUF_C_TYPE_BYTES && !is_pointer(field->type);
	bool packed =
		proto->options && proto->options->has_packed ? proto->options->packed : proto3;
	switch (proto->has_label ? (int)proto->label : 1) {
	case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_REPEATED:
		field->label = PROTOBUF_C_LABEL_REPEATED;
		if (packable && packed)
			field->flags |= PROTOBUF_C_FIELD_FLAG_PACKED;
		return PYR_OK;
	case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_REQUIRED:
		if (proto3)
			return bad_field(b, proto, "is required, which proto3 has not");
		field->label = PROTOBUF_C_LABEL_REQUIRED;
		return PYR_OK;
	case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_OPTIONAL:
		field->label =
			!proto3 || proto->proto3_optional || field->type == PROTOBUF_C_TYPE_MESSAGE
				? PROTOBUF_C_LABEL_OPTIONAL
				: PROTOBUF_C_LABEL_NONE;
		return PYR_OK;
	default:
		return bad_field(b, proto, "has a label that is none");
	}
}

/* Layout */

static unsigned place(building *b, size_t size, size_t align)
{
	b->size = (b->size + align - 1) & ~(align - 1);
	unsigned offset = (unsigned)b->size;
	b->size += size;
	return offset;
}

static size_t size_of(ProtobufCType type)
{
	switch (type) {
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_MESSAGE:
		return sizeof(void *);
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return 8;
	default:
		return 4;
	}
}

static pyr_status place_in_oneof(
	building *b, const field_proto *proto, ProtobufCFieldDescriptor *field)
{
	int32_t oneof = proto->oneof_index;
	if (oneof < 0 || (size_t)oneof >= b->proto->n_oneof_decl)
		return bad_field(b, proto, "is in a oneof that is none");
	if (field->label == PROTOBUF_C_LABEL_REPEATED || field->label == PROTOBUF_C_LABEL_REQUIRED)
		return bad_field(b, proto, "is in a oneof, but repeated or required");
	if (!b->oneof_case[oneof]) {
		b->oneof_case[oneof] = place(b, sizeof(uint32_t), sizeof(uint32_t));
		b->oneof_members[oneof] = place(b, sizeof(ProtobufCBinaryData), sizeof(void *));
	}
	field->flags |= PROTOBUF_C_FIELD_FLAG_ONEOF;
	field->label = PROTOBUF_C_LABEL_OPTIONAL;
	field->quantifier_offset = b->oneof_case[oneof];
	field->offset = b->oneof_members[oneof];
	return PYR_OK;
}

static pyr_status place_field(
	building *b, const field_proto *proto, ProtobufCFieldDescriptor *field)
{
	if (proto->has_oneof_index && !proto->proto3_optional)
		return place_in_oneof(b, proto, field);
	if (field->label == PROTOBUF_C_LABEL_REPEATED) {
		field->quantifier_offset = place(b, sizeof(size_t), sizeof(size_t));
		field->offset = place(b, sizeof(void *), sizeof(void *));
		return PYR_OK;
	}
	if (field->label == PROTOBUF_C_LABEL_OPTIONAL && !is_pointer(field->type))
		field->quantifier_offset =
			place(b, sizeof(protobuf_c_boolean), sizeof(protobuf_c_boolean));
	size_t size = size_of(field->type);
	field->offset = place(b, size, size > 8 ? 8 : size);
	return PYR_OK;
}

static pyr_status set_default(
	building *b, const field_proto *proto, ProtobufCFieldDescriptor *field)
{
	if (field->label == PROTOBUF_C_LABEL_NONE && field->type == PROTOBUF_C_TYPE_STRING)
		field->default_value = protobuf_c_empty_string;
	if (b->adding->file->proto3 || field->label == PROTOBUF_C_LABEL_REPEATED ||
		(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF))
		return PYR_OK;
	if (field->type == PROTOBUF_C_TYPE_MESSAGE ||
		(!proto->default_value && field->type != PROTOBUF_C_TYPE_ENUM))
		return PYR_OK;
	char what[2 * PYR__NAME_MAX + 2];
	strcpy(what, b->message->symbol.name);
	strcat(what, ".");
	strcat(what, proto->name);
	return pyr__pool_default(
		b->adding, proto->default_value, what, field, &field->default_value);
}

static pyr_status build_field(
	building *b, const field_proto *proto, ProtobufCFieldDescriptor *field)
{
	field->name = pyr__pool_text(b->adding->file, proto->name);
	field->id = (uint32_t)proto->number;
	if (proto->options && proto->options->deprecated)
		field->flags |= PROTOBUF_C_FIELD_FLAG_DEPRECATED;
	pyr_status status = set_type(b, proto, field);
	if (status == PYR_OK)
		status = set_label(b, proto, field);
	if (status == PYR_OK)
		status = place_field(b, proto, field);
	if (status == PYR_OK)
		status = set_default(b, proto, field);
	return status;
}

static pyr_status build_fields(building *b)
{
	pyr__pool_file *file = b->adding->file;
	b->fields = pyr__pool_take(file, (b->count + 1) * sizeof *b->fields);
	b->oneof_case = pyr__pool_take(file, (b->proto->n_oneof_decl + 1) * sizeof(unsigned));
	b->oneof_members = pyr__pool_take(file, (b->proto->n_oneof_decl + 1) * sizeof(unsigned));
	b->size = sizeof(ProtobufCMessage);
	pyr_status status = PYR_OK;
	for (size_t i = 0; i < b->count && !status; i++)
		status = build_field(b, b->sorted[i], &b->fields[i]);
	place(b, 0, sizeof(void *));
	return status;
}

/* Names */

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const pyr__json_name *)a)->name, ((const pyr__json_name *)b)->name);
}

/* my_field -> myField */
static const char *camel_case(pyr__pool_file *file, const char *name)
{
	char *camel = pyr__pool_text(file, name), *to = camel;
	bool upper = false;
	for (const char *from = name; *from; from++) {
		bool lower = *from >= 'a' && *from <= 'z';
		if (*from != '_')
			*to++ = upper && lower ? (char)(*from - 'a' + 'A') : *from;
		upper = *from == '_';
	}
	*to = '\0';
	return camel;
}

static pyr_status name_fields(building *b)
{
	pyr__pool_file *file = b->adding->file;
	pyr__json_name *names = pyr__pool_take(file, (b->count + 1) * sizeof *names);
	unsigned *sorted = pyr__pool_take(file, (b->count + 1) * sizeof *sorted);
	for (unsigned i = 0; i < b->count; i++)
		names[i] = (pyr__json_name){b->fields[i].name, i};
	qsort(names, b->count, sizeof *names, compare_names);
	for (unsigned i = 0; i < b->count; i++) {
		sorted[i] = names[i].index;
		if (i > 0 && strcmp(names[i].name, names[i - 1].name) == 0)
			return pyr__pool_bad(b->adding, "%s has two fields %s",
				b->message->symbol.name, names[i].name);
	}
	b->message->descriptor.fields_sorted_by_name = sorted;
	b->message->json_names = pyr__pool_take(file, (b->count + 1) * sizeof(char *));
	for (unsigned i = 0; i < b->count; i++) {
		const char *given = b->sorted[i]->json_name;
		const char *name = given && *given ? pyr__pool_text(file, given)
						   : camel_case(file, b->sorted[i]->name);
		b->message->json_names[i] = name;
		names[i] = (pyr__json_name){name, i};
	}
	qsort(names, b->count, sizeof *names, compare_names);
	b->message->by_json_name = names;
	return PYR_OK;
}

static bool may_be_key(ProtobufCType type)
{
	return type != PROTOBUF_C_TYPE_FLOAT && type != PROTOBUF_C_TYPE_DOUBLE &&
	       type != PROTOBUF_C_TYPE_BYTES && type != PROTOBUF_C_TYPE_MESSAGE &&
	       type != PROTOBUF_C_TYPE_ENUM;
}

/* An entry has a key and a value, singular, and nothing else. */
static pyr_status check_map_entry(const building *b)
{
	const ProtobufCFieldDescriptor *fields = b->fields;
	bool good =
		b->count == 2 && b->proto->n_field == 2 && fields[0].id == 1 && fields[1].id == 2;
	for (size_t i = 0; good && i < 2; i++)
		good = fields[i].label != PROTOBUF_C_LABEL_REPEATED &&
		       !(fields[i].flags & PROTOBUF_C_FIELD_FLAG_ONEOF);
	if (good && may_be_key(fields[0].type))
		return PYR_OK;
	return pyr__pool_bad(b->adding, "%s says that it is a map's entry, which has another form",
		b->message->symbol.name);
}

static void fill_descriptor(building *b)
{
	ProtobufCMessageDescriptor *descriptor = &b->message->descriptor;
	const char *name = b->message->symbol.name, *dot = strrchr(name, '.');
	descriptor->magic = PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC;
	descriptor->name = name;
	descriptor->short_name = dot ? dot + 1 : name;
	descriptor->c_name = descriptor->short_name;
	descriptor->package_name = "";
	descriptor->sizeof_message = b->size;
	descriptor->n_fields = (unsigned)b->count;
	descriptor->fields = b->fields;
	descriptor->field_ranges = pyr__pool_ranges(
		b->adding->file, b->count, number_at, b->fields, &descriptor->n_field_ranges);
}

pyr_status pyr__pool_build_message(const pyr__adding *adding, pyr__pool_message *message)
{
	building b = {.adding = adding, .message = message, .proto = message->proto};
	pyr_status status = sort_fields(&b);
	if (status == PYR_OK)
		status = build_fields(&b);
	if (status == PYR_OK)
		status = name_fields(&b);
	if (status)
		return status;
	fill_descriptor(&b);
	message->known = pyr__pool_known(&message->descriptor);
	message->map_entry = b.proto->options && b.proto->options->map_entry;
	message->proto = NULL;
	if (!message->map_entry)
		return PYR_OK;
	message->descriptor.reserved1 = &message->descriptor; /* for the decoder, as generated */
	return check_map_entry(&b);
}
