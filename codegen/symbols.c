/* SPDX-License-Identifier: Apache-2.0 */
/* The names that generated code takes, and what of the .proto files takes each. */
#include "symbols.h"

#include <string.h>
#include "api.h"
#include "names.h"

#define FILE_SCOPE ""

static void add(gen_symbols *symbols, const char *scope, gen_owner *owner, const char *name)
{
	if (symbols->count == symbols->capacity) {
		size_t capacity = symbols->capacity ? symbols->capacity * 2 : 256;
		gen_symbol *list = gen_pool_array(symbols->pool, capacity, sizeof(*list));

		if (symbols->count)
			memcpy(list, symbols->list, symbols->count * sizeof(*list));
		symbols->list = list;
		symbols->capacity = capacity;
	}
	symbols->list[symbols->count] = (gen_symbol){scope, name, owner, symbols->count};
	symbols->count++;
}

/* A name at file scope: a stem, and what is put behind it. */
static void add_global(gen_symbols *symbols, gen_owner *owner, const char *stem, const char *suffix)
{
	add(symbols, FILE_SCOPE, owner, gen_pool_printf(symbols->pool, "%s%s", stem, suffix));
}

static void add_globals(
	gen_symbols *symbols, gen_owner *owner, const char *stem, const char *const *suffixes)
{
	for (; *suffixes; suffixes++)
		add_global(symbols, owner, stem, *suffixes);
}

static gen_owner *new_owner(gen_symbols *symbols, const gen_file *file, gen_path path,
	const char *kind, const char *name)
{
	gen_owner *owner = gen_pool_alloc(symbols->pool, sizeof(*owner));

	owner->file = file;
	owner->path = path;
	owner->what = gen_pool_printf(symbols->pool, "%s %s", kind, name);
	return owner;
}

static void collect_enum(gen_symbols *symbols, const gen_enum *enumeration)
{
	static const char *const tables[] = {"__descriptor", "__enum_values_by_number",
		"__enum_values_by_name", "__value_ranges", NULL};
	const gen_enum_proto *proto = enumeration->proto;
	gen_owner *owner = new_owner(
		symbols, enumeration->file, enumeration->path, "enum", enumeration->full_name);

	add_global(symbols, owner, enumeration->c_name, "");
	add(symbols, FILE_SCOPE, owner, gen_pool_printf(symbols->pool, "_%s", enumeration->c_name));
	add(symbols, FILE_SCOPE, owner,
		gen_pool_printf(symbols->pool, "_%s_IS_INT_SIZE", enumeration->upper));
	add_globals(symbols, owner, enumeration->lower, tables);
	for (size_t i = 0; i < proto->n_value; i++) {
		gen_owner *value = new_owner(symbols, enumeration->file,
			gen_path_value(symbols->pool, enumeration->path, i), "enum value",
			proto->value[i]->name);

		add(symbols, FILE_SCOPE, value,
			gen_pool_printf(symbols->pool, "%s__%s", enumeration->upper,
				proto->value[i]->name));
	}
}

/* The functions of a proto3 `optional`. */
static void collect_presence(
	gen_symbols *symbols, const gen_message *message, const gen_field *field, gen_owner *owner)
{
	static const char *const verbs[] = {"has", "set", "clear"};

	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		add(symbols, FILE_SCOPE, owner,
			gen_pool_printf(symbols->pool, "%s__%s_%s", message->lower, verbs[i],
				field->member));
}

static void collect_field(gen_symbols *symbols, const gen_message *message, const gen_field *field)
{
	const gen_field_proto *proto = field->proto;
	gen_owner *owner =
		new_owner(symbols, message->file, field->path, "field", field->proto->name);

	add(symbols, message->c_name, owner, field->member);
	if (proto->label == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_REPEATED)
		add(symbols, message->c_name, owner,
			gen_pool_printf(symbols->pool, "n_%s", field->member));
	else if (gen_field_has_quantifier(message, field))
		add(symbols, message->c_name, owner,
			gen_pool_printf(symbols->pool, "has_%s", field->member));
	if (proto->default_value) {
		const char *stem = gen_pool_printf(
			symbols->pool, "%s__%s__default_value", message->lower, field->lower);

		add_global(symbols, owner, stem, "");
		if (field->as_bytes)
			add_global(symbols, owner, stem, "_data");
	}
	if (proto->has_oneof_index)
		add(symbols, FILE_SCOPE, owner,
			gen_pool_printf(symbols->pool, "%s__%s_%s", message->upper,
				gen_name_upper(symbols->pool,
					message->proto->oneof_decl[proto->oneof_index]->name),
				gen_name_upper(symbols->pool, proto->name)));
	if (gen_field_is_proto3_optional(field))
		collect_presence(symbols, message, field, owner);
}

/* protoc makes a oneof for each `optional`; the user knows only the field. */
static gen_owner *oneof_owner(gen_symbols *symbols, const gen_message *message, size_t index)
{
	for (size_t i = 0; i < message->proto->n_field; i++) {
		const gen_field *field = &message->fields[i];

		if (gen_field_is_proto3_optional(field) &&
			(size_t)field->proto->oneof_index == index)
			return new_owner(
				symbols, message->file, field->path, "field", field->proto->name);
	}
	return new_owner(symbols, message->file,
		gen_path_oneof(symbols->pool, message->path, index), "oneof",
		message->proto->oneof_decl[index]->name);
}

static void collect_oneof(gen_symbols *symbols, const gen_message *message, size_t index)
{
	const char *name = message->proto->oneof_decl[index]->name;
	const char *stem = gen_pool_printf(
		symbols->pool, "%s__%s", message->upper, gen_name_upper(symbols->pool, name));
	gen_owner *owner = oneof_owner(symbols, message, index);

	add(symbols, message->c_name, owner,
		gen_pool_printf(symbols->pool, "%s_case", gen_name_lower(symbols->pool, name)));
	add(symbols, FILE_SCOPE, owner,
		gen_pool_printf(symbols->pool, "%s__%sCase", message->c_name,
			gen_name_camel(symbols->pool, name)));
	add_global(symbols, owner, stem, "__NOT_SET");
	add(symbols, FILE_SCOPE, owner,
		gen_pool_printf(symbols->pool, "_%s__CASE_IS_INT_SIZE", stem));
}

static void collect_message(gen_symbols *symbols, const gen_message *message)
{
	static const char *const always[] = {"__init", "__descriptor", "__field_descriptors",
		"__field_indices_by_name", "__number_ranges", NULL};
	static const char *const helpers[] = {"__get_packed_size", "__pack", "__pack_to_buffer",
		"__unpack", "__free_unpacked", NULL};
	gen_owner *owner =
		new_owner(symbols, message->file, message->path, "message", message->full_name);

	add_global(symbols, owner, message->c_name, "");
	add_global(symbols, owner, message->c_name, "_Closure");
	add_global(symbols, owner, message->upper, "__INIT");
	add_globals(symbols, owner, message->lower, always);
	add_globals(symbols, owner, message->lower, helpers);
	for (size_t i = 0; i < message->proto->n_field; i++)
		collect_field(symbols, message, &message->fields[i]);
	for (size_t i = 0; i < message->proto->n_oneof_decl; i++)
		collect_oneof(symbols, message, i);
}

static void collect_api(
	gen_symbols *symbols, gen_owner *owner, const gen_member *members, size_t count)
{
	for (size_t i = 0; i < count; i++)
		add_global(symbols, owner,
			members[i].callback.name ? members[i].callback.name
						 : members[i].function.name,
			"");
}

static void collect_method(
	gen_symbols *symbols, const gen_service *service, const gen_method *method)
{
	static const char *const internal[] = {
		"__dispatch", "__deliver", "__deliver_request", NULL};
	gen_member members[GEN_MEMBERS_MAX];
	gen_owner *owner =
		new_owner(symbols, service->file, method->path, "method", method->proto->name);

	add_global(symbols, owner, method->prefix, "");
	add(symbols, gen_pool_printf(symbols->pool, "%s_ops", service->prefix), owner,
		method->ops_member);
	add_globals(symbols, owner, method->prefix, internal);
	for (gen_side side = GEN_CLIENT; side <= GEN_SERVER; side++)
		collect_api(symbols, owner, members,
			gen_api_of_method(symbols->pool, service, method, side, members));
}

static void collect_service(gen_symbols *symbols, const gen_service *service)
{
	static const char *const suffixes[] = {"", "_ops", "__interface", "__methods", NULL};
	gen_member members[GEN_MEMBERS_MAX];
	gen_owner *owner =
		new_owner(symbols, service->file, service->path, "service", service->full_name);

	add_globals(symbols, owner, service->prefix, suffixes);
	for (gen_side side = GEN_CLIENT; side <= GEN_SERVER; side++)
		collect_api(symbols, owner, members,
			gen_api_of_service(symbols->pool, service, side, members));
	for (size_t i = 0; i < service->proto->n_method; i++)
		collect_method(symbols, service, &service->methods[i]);
}

void gen_symbols_collect(gen_symbols *symbols, const gen_model *model)
{
	for (size_t i = 0; i < model->message_count; i++)
		collect_message(symbols, &model->messages[i]);
	for (size_t i = 0; i < model->enum_count; i++)
		collect_enum(symbols, &model->enums[i]);
	for (size_t i = 0; i < model->service_count; i++)
		collect_service(symbols, &model->services[i]);
}
