/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes has_, set_ and clear_ for proto3 `optional` fields. protobuf-c knows such a field as a
 * oneof with one member, "_field": setting the member without its case drops it silently.
 */
#include "output.h"

#include <string.h>
#include "names.h"

/* The type of a field's value as a parameter, with the space or star behind it. */
static const char *value_type(gen_emit *emit, const gen_file *file, const gen_field *field)
{
	static const char *const scalars[] = {
		[GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_DOUBLE] = "double ",
		[GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_FLOAT] = "float ",
		[GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_INT64] = "int64_t ",
		[GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_UINT64] = "uint64_t ",
		[GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_INT32] = "int32_t ",
		[GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_FIXED64] = "uint64_t ",
		[GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_FIXED32] = "uint32_t ",
		[GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_BOOL] = "bool ",
		[GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_UINT32] = "uint32_t ",
		[GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SFIXED32] = "int32_t ",
		[GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SFIXED64] = "int64_t ",
		[GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SINT32] = "int32_t ",
		[GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SINT64] = "int64_t ",
	};
	size_t type = (size_t)field->proto->type;

	if (field->message)
		return gen_format(emit, "%s *", field->message->c_name);
	if (field->enumeration)
		return gen_format(emit, "%s ", field->enumeration->c_name);
	if (field->as_bytes)
		return "ProtobufCBinaryData ";
	if (type < sizeof(scalars) / sizeof(*scalars) && scalars[type])
		return scalars[type];
	return file->options.const_strings ? "const char *" : "char *";
}

static void write_line(gen_emit *emit, const char *result, const gen_message *message,
	const char *verb, const gen_field *field, const char *const *parameters)
{
	gen_emit_list(emit, 0,
		gen_format(emit, "static inline %s %s__%s_%s(", result, message->lower, verb,
			field->member),
		parameters, ")");
	gen_emit_line(emit, 0, "{");
}

static void write_field(const gen_message *message, const gen_field *field, gen_emit *emit)
{
	const char *oneof = message->proto->oneof_decl[field->proto->oneof_index]->name;
	const char *member =
		gen_format(emit, "message->%s_case", gen_name_lower(emit->pool, oneof));
	const char *cases =
		gen_format(emit, "%s__%s", message->upper, gen_name_upper(emit->pool, oneof));
	const char *present =
		gen_format(emit, "%s_%s", cases, gen_name_upper(emit->pool, field->proto->name));
	const char *const reader[] = {gen_format(emit, "const %s *message", message->c_name), NULL};
	const char *const writer[] = {gen_format(emit, "%s *message", message->c_name), NULL};
	const char *const setter[] = {writer[0],
		gen_format(emit, "%svalue", value_type(emit, message->file, field)), NULL};

	gen_emit_blank(emit);
	gen_emit_begin(emit, 0);
	write_line(emit, "bool", message, "has", field, reader);
	gen_emit_line(emit, 1, "return %s == %s;", member, present);
	gen_emit_line(emit, 0, "}");
	gen_emit_blank(emit);
	write_line(emit, "void", message, "set", field, setter);
	gen_emit_assign(emit, 1, member, gen_format(emit, "%s;", present));
	gen_emit_line(emit, 1, "message->%s = value;", field->member);
	gen_emit_line(emit, 0, "}");
	gen_emit_blank(emit);
	write_line(emit, "void", message, "clear", field, writer);
	gen_emit_assign(emit, 1, member, gen_format(emit, "%s__NOT_SET;", cases));
	gen_emit_line(emit, 0, "}");
	gen_emit_end(emit);
}

void gen_presence_write(gen_model *model, const gen_file *file, gen_emit *emit)
{
	bool begun = false;

	for (size_t m = 0; m < model->message_count; m++) {
		const gen_message *message = &model->messages[m];

		if (message->file != file)
			continue;
		for (size_t i = 0; i < message->proto->n_field; i++) {
			if (!gen_field_is_proto3_optional(&message->fields[i]))
				continue;
			if (!begun) {
				gen_emit_blank(emit);
				gen_emit_line(emit, 0,
					"/* Optional fields. A pointer that is set stays the "
					"caller's; clear frees nothing. */");
				begun = true;
			}
			write_field(message, &message->fields[i], emit);
		}
	}
}
