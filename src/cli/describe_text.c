/* SPDX-License-Identifier: Apache-2.0 */
/* Definitions as .proto text. The file has passed a pool, so its names are names. */
#include <google/protobuf/descriptor.pb-c.h>
#include <stdio.h>
#include <string.h>
#include "schema.h"

typedef Google__Protobuf__FileDescriptorProto file_proto;
typedef Google__Protobuf__DescriptorProto message_proto;
typedef Google__Protobuf__FieldDescriptorProto field_proto;
typedef Google__Protobuf__EnumDescriptorProto enum_proto;
typedef Google__Protobuf__ServiceDescriptorProto service_proto;
typedef Google__Protobuf__MethodDescriptorProto method_proto;

static void indent(unsigned level)
{
	printf("%*s", (int)level * 2, "");
}

/* Text that a server has sent, in quotes: nothing in it reaches the terminal as it is. */
static void print_quoted(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			printf("\\%03o", c);
		else
			putchar(c);
	}
	putchar('"');
}

/* What should be a name or a number, and if it is not, in quotes. */
static void print_plain(const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_.+-";
	if (text[strspn(text, plain)])
		print_quoted(text);
	else
		fputs(text, stdout);
}

/* Without the leading dot, which nobody writes. */
static const char *type_text(const char *name)
{
	return name ? name + (name[0] == '.') : "?";
}

static const char *scalar_name(int type)
{
	static const char *const names[] = {"?", "double", "float", "int64", "uint64", "int32",
		"fixed64", "fixed32", "bool", "string", "group", "message", "bytes", "uint32",
		"enum", "sfixed32", "sfixed64", "sint32", "sint64"};
	return type > 0 && type <= 18 ? names[type] : "?";
}

static void print_type(const field_proto *field)
{
	if (field->type_name)
		print_plain(type_text(field->type_name));
	else
		fputs(scalar_name(field->type), stdout);
}

static const message_proto *map_entry(const message_proto *owner, const field_proto *field)
{
	const char *dot = field->type_name ? strrchr(field->type_name, '.') : NULL;
	for (size_t i = 0; dot && i < owner->n_nested_type; i++) {
		const message_proto *nested = owner->nested_type[i];
		if (nested->options && nested->options->map_entry &&
			strcmp(nested->name, dot + 1) == 0 && nested->n_field == 2)
			return nested;
	}
	return NULL;
}

static void print_label(const file_proto *file, const field_proto *field)
{
	bool proto3 = file->syntax && strcmp(file->syntax, "proto3") == 0;
	if (field->label == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_REPEATED)
		fputs("repeated ", stdout);
	else if (field->label == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_REQUIRED)
		fputs("required ", stdout);
	else if (field->proto3_optional || (!proto3 && !field->has_oneof_index))
		fputs("optional ", stdout);
}

static void print_options(const field_proto *field)
{
	const char *begin = " [";
	if (field->default_value) {
		bool quoted =
			field->type ==
				GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_STRING ||
			field->type == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_BYTES;
		printf("%sdefault = ", begin);
		if (quoted)
			print_quoted(field->default_value);
		else
			print_plain(field->default_value);
		begin = ", ";
	}
	if (field->options && field->options->has_packed) {
		printf("%spacked = %s", begin, field->options->packed ? "true" : "false");
		begin = ", ";
	}
	if (field->options && field->options->deprecated) {
		printf("%sdeprecated = true", begin);
		begin = ", ";
	}
	fputs(begin[0] == ',' ? "];\n" : ";\n", stdout);
}

static void print_field(const file_proto *file, const message_proto *owner,
	const field_proto *field, unsigned level)
{
	const message_proto *entry = map_entry(owner, field);
	indent(level);
	if (entry) {
		fputs("map<", stdout);
		print_type(entry->field[0]);
		fputs(", ", stdout);
		print_type(entry->field[1]);
		putchar('>');
	} else {
		print_label(file, field);
		print_type(field);
	}
	printf(" %s = %d", field->name, (int)field->number);
	print_options(field);
}

static void print_enum(const enum_proto *e, unsigned level)
{
	indent(level);
	printf("enum %s {\n", e->name);
	if (e->options && e->options->allow_alias) {
		indent(level + 1);
		puts("option allow_alias = true;");
	}
	for (size_t i = 0; i < e->n_value; i++) {
		indent(level + 1);
		printf("%s = %d;\n", e->value[i]->name, (int)e->value[i]->number);
	}
	indent(level);
	puts("}");
}

static bool in_oneof(const field_proto *field, size_t index)
{
	return field->has_oneof_index && !field->proto3_optional &&
	       (size_t)field->oneof_index == index;
}

static void print_oneof(
	const file_proto *file, const message_proto *message, size_t index, unsigned level)
{
	bool real = false;
	for (size_t i = 0; i < message->n_field; i++) {
		const field_proto *field = message->field[i];
		if (!in_oneof(field, index))
			continue;
		if (!real) {
			indent(level);
			printf("oneof %s {\n", message->oneof_decl[index]->name);
			real = true;
		}
		print_field(file, message, field, level + 1);
	}
	if (real) {
		indent(level);
		puts("}");
	}
}

static void print_message(const file_proto *file, const message_proto *message, unsigned level)
{
	indent(level);
	printf("message %s {\n", message->name);
	for (size_t i = 0; i < message->n_enum_type; i++)
		print_enum(message->enum_type[i], level + 1);
	for (size_t i = 0; i < message->n_nested_type; i++)
		if (!message->nested_type[i]->options ||
			!message->nested_type[i]->options->map_entry)
			print_message(file, message->nested_type[i], level + 1);
	for (size_t i = 0; i < message->n_field; i++) {
		const field_proto *field = message->field[i];
		if (!field->has_oneof_index || field->proto3_optional)
			print_field(file, message, field, level + 1);
	}
	for (size_t i = 0; i < message->n_oneof_decl; i++)
		print_oneof(file, message, i, level + 1);
	indent(level);
	puts("}");
}

#define ONEWAY_OPTION 50790 /* pyrite.oneway, of pyrite/options.proto */

static bool is_oneway(const Google__Protobuf__MethodOptions *options)
{
	for (unsigned i = 0; i < options->base.n_unknown_fields; i++)
		if (options->base.unknown_fields[i].tag == ONEWAY_OPTION)
			return true;
	return false;
}

static void print_method_options(const Google__Protobuf__MethodOptions *options)
{
	static const char *const levels[] = {NULL, "NO_SIDE_EFFECTS", "IDEMPOTENT"};
	int level = options->idempotency_level;
	puts(" {");
	if (level > 0 && level <= 2)
		printf("    option idempotency_level = %s;\n", levels[level]);
	if (options->deprecated)
		puts("    option deprecated = true;");
	if (is_oneway(options))
		puts("    option (pyrite.oneway) = true;");
	puts("  }");
}

static void print_method(const method_proto *method)
{
	const Google__Protobuf__MethodOptions *options = method->options;
	printf("  rpc %s(%s%s) returns (%s%s)", method->name,
		method->client_streaming ? "stream " : "", type_text(method->input_type),
		method->server_streaming ? "stream " : "", type_text(method->output_type));
	if (options && (options->idempotency_level || options->deprecated || is_oneway(options)))
		print_method_options(options);
	else
		puts(";");
}

static void print_service(const service_proto *service)
{
	printf("service %s {\n", service->name);
	for (size_t i = 0; i < service->n_method; i++)
		print_method(service->method[i]);
	puts("}");
}

static void print_file(const file_proto *file)
{
	printf("syntax = \"%s\";\n", file->syntax && *file->syntax ? file->syntax : "proto2");
	if (file->package && *file->package)
		printf("\npackage %s;\n", file->package);
	if (file->n_dependency)
		putchar('\n');
	for (size_t i = 0; i < file->n_dependency; i++) {
		fputs("import ", stdout);
		print_quoted(file->dependency[i]);
		puts(";");
	}
	for (size_t i = 0; i < file->n_service; i++) {
		putchar('\n');
		print_service(file->service[i]);
	}
	for (size_t i = 0; i < file->n_message_type; i++) {
		putchar('\n');
		print_message(file, file->message_type[i], 0);
	}
	for (size_t i = 0; i < file->n_enum_type; i++) {
		putchar('\n');
		print_enum(file->enum_type[i], 0);
	}
}

/* What is left of `name` behind "scope.", if the definition called own is it or holds it. */
static const char *below(const char *name, const char *own)
{
	size_t size = strlen(own);
	if (strncmp(name, own, size) != 0 || (name[size] && name[size] != '.'))
		return NULL;
	return name[size] ? name + size + 1 : name + size;
}

/* Prints the definition that `name`, relative to the message, is. */
static bool print_nested(const file_proto *file, const message_proto *message, const char *name)
{
	const char *rest = below(name, message->name);
	if (!rest)
		return false;
	if (!*rest) {
		print_message(file, message, 0);
		return true;
	}
	for (size_t i = 0; i < message->n_nested_type; i++)
		if (print_nested(file, message->nested_type[i], rest))
			return true;
	for (size_t i = 0; i < message->n_enum_type; i++)
		if (strcmp(message->enum_type[i]->name, rest) == 0) {
			print_enum(message->enum_type[i], 0);
			return true;
		}
	return false;
}

static bool print_symbol(const file_proto *file, const char *name)
{
	const char *rest = file->package && *file->package ? below(name, file->package) : name;
	for (size_t i = 0; rest && i < file->n_service; i++) {
		const char *inside = below(rest, file->service[i]->name);
		if (inside) {
			print_service(file->service[i]);
			return true;
		}
	}
	for (size_t i = 0; rest && i < file->n_enum_type; i++)
		if (strcmp(file->enum_type[i]->name, rest) == 0) {
			print_enum(file->enum_type[i], 0);
			return true;
		}
	for (size_t i = 0; rest && i < file->n_message_type; i++)
		if (print_nested(file, file->message_type[i], rest))
			return true;
	return false;
}

int describe_print(const pyr_file *file, const char *symbol)
{
	pyr_error err;
	ProtobufCMessage *message;
	if (pyr_dynamic_unpack(&google__protobuf__file_descriptor_proto__descriptor,
		    file->descriptor, file->descriptor_size, 0, &message, &err))
		return cli_fail(&err);
	const file_proto *proto = (const file_proto *)message;
	if (!symbol || !print_symbol(proto, symbol))
		print_file(proto);
	protobuf_c_message_free_unpacked(message, NULL);
	return CLI_DONE;
}
