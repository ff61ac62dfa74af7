/* SPDX-License-Identifier: Apache-2.0 */
/* What protoc asks for, checked, looked up and given its names in C. */
#include "model.h"

#include <stdlib.h>
#include <string.h>
#include "file.h"
#include "names.h"

/* Field numbers in descriptor.proto that paths are made of. */
enum {
	FILE_MESSAGE = 4,
	FILE_ENUM = 5,
	FILE_SERVICE = 6,
	MESSAGE_FIELD = 2,
	MESSAGE_NESTED = 3,
	MESSAGE_ENUM = 4,
	MESSAGE_ONEOF = 8,
	ENUM_VALUE = 2,
	SERVICE_METHOD = 2,
};

static int compare_types(const void *a, const void *b)
{
	return strcmp(((const gen_type *)a)->full_name, ((const gen_type *)b)->full_name);
}

const gen_type *gen_model_type(const gen_model *model, const char *name)
{
	if (!name || *name != '.')
		return NULL;
	gen_type key = {name + 1, NULL, NULL};

	return bsearch(&key, model->types, model->type_count, sizeof(key), compare_types);
}

gen_path gen_path_value(gen_pool *pool, gen_path enumeration, size_t index)
{
	return gen_path_child(pool, enumeration, ENUM_VALUE, (int32_t)index);
}

gen_path gen_path_oneof(gen_pool *pool, gen_path message, size_t index)
{
	return gen_path_child(pool, message, MESSAGE_ONEOF, (int32_t)index);
}

bool gen_field_has_quantifier(const gen_message *message, const gen_field *field)
{
	bool is_string =
		field->proto->type == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_STRING;

	if (field->message || field->proto->has_oneof_index || (is_string && !field->as_bytes))
		return false;
	return !message->file->is_proto3 &&
	       field->proto->label ==
		       GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_OPTIONAL;
}

bool gen_field_is_proto3_optional(const gen_field *field)
{
	return field->proto->proto3_optional && field->proto->has_oneof_index;
}

/*
 * Names. protoc has checked every one of them; a request that did not come from protoc must not
 * crash the plugin or make it write what is no C.
 */
static bool check_name(gen_model *model, const gen_file *file, gen_path path, const char *name)
{
	if (name && gen_name_is_identifier(name))
		return true;
	gen_model_error(model, file, path, "a name in the descriptor is missing or malformed");
	return false;
}

static const char *join_names(gen_pool *pool, const char *scope, const char *name)
{
	return *scope ? gen_pool_printf(pool, "%s.%s", scope, name) : name;
}

/* The name that C names are made of: an option of protobuf-c may put another package in front. */
static const char *c_full_name(gen_model *model, const gen_file *file, const char *full_name)
{
	const char *package = file->proto->package ? file->proto->package : "";

	if (!file->options.c_package)
		return full_name;
	full_name += strlen(package);
	return gen_pool_printf(model->pool, "%s.%s", file->options.c_package, full_name);
}

struct counts {
	size_t messages;
	size_t enums;
};

static void count_message(const gen_message_proto *message, struct counts *counts)
{
	counts->messages++;
	counts->enums += message->n_enum_type;
	for (size_t i = 0; i < message->n_nested_type; i++)
		count_message(message->nested_type[i], counts);
}

static void add_enum(gen_model *model, const gen_file *file, gen_path path, const char *scope,
	const gen_enum_proto *proto)
{
	if (!check_name(model, file, path, proto->name))
		return;

	const char *full_name = join_names(model->pool, scope, proto->name);
	const char *c_name = c_full_name(model, file, full_name);

	model->enums[model->enum_count] = (gen_enum){
		.file = file,
		.proto = proto,
		.path = path,
		.full_name = full_name,
		.c_name = gen_name_join(model->pool, c_name, gen_name_camel, "__"),
		.lower = gen_name_join(model->pool, c_name, gen_name_lower, "__"),
		.upper = gen_name_join(model->pool, c_name, gen_name_upper, "__"),
	};
	model->types[model->type_count++] =
		(gen_type){full_name, NULL, &model->enums[model->enum_count++]};
}

static void add_message(gen_model *model, const gen_file *file, gen_path path, const char *scope,
	const gen_message_proto *proto)
{
	if (!check_name(model, file, path, proto->name))
		return;

	const char *full_name = join_names(model->pool, scope, proto->name);
	const char *c_name = c_full_name(model, file, full_name);

	model->messages[model->message_count] = (gen_message){
		.file = file,
		.proto = proto,
		.path = path,
		.full_name = full_name,
		.c_name = gen_name_join(model->pool, c_name, gen_name_camel, "__"),
		.lower = gen_name_join(model->pool, c_name, gen_name_lower, "__"),
		.upper = gen_name_join(model->pool, c_name, gen_name_upper, "__"),
		.base_member = gen_options_base_member(model->pool, proto->options),
	};
	model->types[model->type_count++] =
		(gen_type){full_name, &model->messages[model->message_count++], NULL};

	for (size_t i = 0; i < proto->n_nested_type; i++)
		add_message(model, file,
			gen_path_child(model->pool, path, MESSAGE_NESTED, (int32_t)i), full_name,
			proto->nested_type[i]);
	for (size_t i = 0; i < proto->n_enum_type; i++)
		add_enum(model, file, gen_path_child(model->pool, path, MESSAGE_ENUM, (int32_t)i),
			full_name, proto->enum_type[i]);
}

static void add_types(gen_model *model)
{
	struct counts counts = {0, 0};

	for (size_t f = 0; f < model->file_count; f++) {
		const gen_file_proto *proto = model->files[f].proto;

		counts.enums += proto->n_enum_type;
		for (size_t i = 0; i < proto->n_message_type; i++)
			count_message(proto->message_type[i], &counts);
	}
	model->messages = gen_pool_array(model->pool, counts.messages, sizeof(*model->messages));
	model->enums = gen_pool_array(model->pool, counts.enums, sizeof(*model->enums));
	model->types =
		gen_pool_array(model->pool, counts.messages + counts.enums, sizeof(*model->types));

	for (size_t f = 0; f < model->file_count; f++) {
		const gen_file *file = &model->files[f];
		const gen_file_proto *proto = file->proto;
		const char *scope = proto->package ? proto->package : "";

		for (size_t i = 0; i < proto->n_message_type; i++)
			add_message(model, file,
				gen_path_child(
					model->pool, GEN_PATH_FILE, FILE_MESSAGE, (int32_t)i),
				scope, proto->message_type[i]);
		for (size_t i = 0; i < proto->n_enum_type; i++)
			add_enum(model, file,
				gen_path_child(model->pool, GEN_PATH_FILE, FILE_ENUM, (int32_t)i),
				scope, proto->enum_type[i]);
	}
	qsort(model->types, model->type_count, sizeof(*model->types), compare_types);
}

static void add_field(gen_model *model, const gen_message *message, gen_field *field,
	const gen_field_proto *proto)
{
	const gen_type *type = gen_model_type(model, proto->type_name);
	bool is_message =
		proto->type == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_MESSAGE;
	bool is_enum = proto->type == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_ENUM;

	if (!check_name(model, message->file, field->path, proto->name))
		return;
	if ((is_message && (!type || !type->message)) ||
		(is_enum && (!type || !type->enumeration))) {
		gen_model_error(model, message->file, field->path, "the field's type is unknown");
		return;
	}
	if (proto->has_oneof_index &&
		(proto->oneof_index < 0 ||
			(size_t)proto->oneof_index >= message->proto->n_oneof_decl)) {
		gen_model_error(model, message->file, field->path, "the field's oneof is unknown");
		return;
	}
	field->proto = proto;
	field->member = gen_name_member(model->pool, proto->name);
	if (strcmp(field->member, message->base_member) == 0)
		field->member = gen_pool_printf(model->pool, "%s_", field->member);
	field->lower = gen_name_lower(model->pool, proto->name);
	field->protoc_gen_c = gen_name_member_protobuf_c(model->pool, proto->name);
	field->message = is_message ? type->message : NULL;
	field->enumeration = is_enum ? type->enumeration : NULL;
	field->as_bytes =
		proto->type == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_BYTES ||
		(proto->type == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_STRING &&
			gen_options_string_as_bytes(proto->options));
}

static void add_fields(gen_model *model, gen_message *message)
{
	const gen_message_proto *proto = message->proto;

	message->fields = gen_pool_array(model->pool, proto->n_field, sizeof(*message->fields));
	for (size_t i = 0; i < proto->n_field; i++) {
		message->fields[i].path =
			gen_path_child(model->pool, message->path, MESSAGE_FIELD, (int32_t)i);
		add_field(model, message, &message->fields[i], proto->field[i]);
	}
	for (size_t i = 0; i < proto->n_oneof_decl; i++)
		check_name(model, message->file, message->path, proto->oneof_decl[i]->name);
}

static void check_values(gen_model *model, const gen_enum *enumeration)
{
	const gen_enum_proto *proto = enumeration->proto;

	if (proto->n_value == 0)
		gen_model_error(
			model, enumeration->file, enumeration->path, "an enum without values");
	for (size_t i = 0; i < proto->n_value; i++)
		check_name(model, enumeration->file, enumeration->path, proto->value[i]->name);
}

static gen_method_kind kind_of(const gen_method_proto *proto)
{
	if (proto->client_streaming)
		return proto->server_streaming ? GEN_BIDI_STREAM : GEN_CLIENT_STREAM;
	if (proto->server_streaming)
		return GEN_SERVER_STREAM;
	return gen_options_oneway(proto->options) ? GEN_ONEWAY : GEN_UNARY;
}

static void add_method(gen_model *model, const gen_service *service, gen_method *method,
	const gen_method_proto *proto)
{
	const gen_type *input = gen_model_type(model, proto->input_type);
	const gen_type *output = gen_model_type(model, proto->output_type);

	if (!check_name(model, service->file, method->path, proto->name))
		return;
	if (!input || !input->message || !output || !output->message) {
		gen_model_error(model, service->file, method->path, "the method's type is unknown");
		return;
	}
	method->proto = proto;
	method->kind = kind_of(proto);
	method->input = input->message;
	method->output = output->message;
	method->ops_member = gen_name_ops_member(model->pool, proto->name);
	method->prefix = gen_pool_printf(
		model->pool, "%s_%s", service->prefix, gen_name_lower(model->pool, proto->name));
	if (gen_options_oneway(proto->options) && method->kind != GEN_ONEWAY)
		gen_model_error(model, service->file, method->path,
			"method %s is oneway and has a stream: only a method without `stream` can "
			"be "
			"oneway; remove the one or the other",
			proto->name);
}

static void add_service(gen_model *model, gen_service *service, const gen_service_proto *proto)
{
	const char *scope = service->file->proto->package ? service->file->proto->package : "";

	if (!check_name(model, service->file, service->path, proto->name))
		return;
	service->proto = proto;
	service->full_name = join_names(model->pool, scope, proto->name);
	service->prefix = gen_name_join(model->pool,
		c_full_name(model, service->file, service->full_name), gen_name_lower, "_");
	service->methods = gen_pool_array(model->pool, proto->n_method, sizeof(*service->methods));
	for (size_t i = 0; i < proto->n_method; i++) {
		service->methods[i].index = (uint32_t)i;
		service->methods[i].path =
			gen_path_child(model->pool, service->path, SERVICE_METHOD, (int32_t)i);
		add_method(model, service, &service->methods[i], proto->method[i]);
	}
}

static void add_services(gen_model *model)
{
	size_t count = 0;

	for (size_t f = 0; f < model->file_count; f++)
		count += model->files[f].proto->n_service;
	model->services = gen_pool_array(model->pool, count, sizeof(*model->services));
	for (size_t f = 0; f < model->file_count; f++) {
		const gen_file *file = &model->files[f];

		for (size_t i = 0; i < file->proto->n_service; i++) {
			gen_service *service = &model->services[model->service_count++];

			service->file = file;
			service->path = gen_path_child(
				model->pool, GEN_PATH_FILE, FILE_SERVICE, (int32_t)i);
			add_service(model, service, file->proto->service[i]);
		}
	}
}

void gen_model_build(gen_model *model, const uint8_t *data, size_t size)
{
	gen_model_add_files(model, data, size);
	if (model->errors.size)
		return;
	add_types(model);
	if (model->errors.size)
		return;
	for (size_t i = 0; i < model->message_count; i++)
		add_fields(model, &model->messages[i]);
	for (size_t i = 0; i < model->enum_count; i++)
		check_values(model, &model->enums[i]);
	add_services(model);
}
