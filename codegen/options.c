/* SPDX-License-Identifier: Apache-2.0 */
/* Custom options: Pyrite's own, and those of protobuf-c that change what protoc-gen-c writes. */
#include "options.h"

#include "wire.h"

/*
 * Extensions reach the plugin as unknown fields, which protobuf-c keeps undecoded: the bytes behind
 * the tag, with the length in front where there is one.
 */
static bool next_extension(
	const ProtobufCMessage *options, unsigned *at, uint32_t number, gen_wire_field *ret_field)
{
	while (*at < options->n_unknown_fields) {
		const ProtobufCMessageUnknownField *unknown = &options->unknown_fields[(*at)++];
		gen_wire wire = {unknown->data, unknown->data + unknown->len};

		if (unknown->tag != number)
			continue;
		if (gen_wire_value(&wire, (gen_wire_type)unknown->wire_type, ret_field))
			return true;
	}
	return false;
}

/* Goes through the fields of an extension that is a message, which may be given in pieces. */
typedef void on_field(void *ctx, const gen_wire_field *field);

static void each_field(
	const ProtobufCMessage *options, uint32_t number, on_field *on_one, void *ctx)
{
	gen_wire_field extension, field;
	unsigned at = 0;
	bool bad = false;

	while (next_extension(options, &at, number, &extension)) {
		if (extension.type != GEN_WIRE_BYTES)
			continue;
		gen_wire wire = {extension.data, extension.data + extension.size};

		while (gen_wire_next(&wire, &field, &bad))
			on_one(ctx, &field);
	}
}

/* Where a string that is found goes. */
struct string {
	gen_pool *pool;
	uint32_t number;
	const char *value;
};

static void on_string(void *ctx, const gen_wire_field *field)
{
	struct string *string = ctx;

	if (field->number == string->number && field->type == GEN_WIRE_BYTES)
		string->value =
			gen_pool_strndup(string->pool, (const char *)field->data, field->size);
}

struct boolean {
	uint32_t number;
	bool value;
};

static void on_boolean(void *ctx, const gen_wire_field *field)
{
	struct boolean *boolean = ctx;

	if (field->number == boolean->number && field->type == GEN_WIRE_VARINT)
		boolean->value = field->value != 0;
}

static const char *find_string(gen_pool *pool, const ProtobufCMessage *options, uint32_t number)
{
	struct string string = {pool, number, NULL};

	each_field(options, GEN_OPTION_PROTOBUF_C, on_string, &string);
	return string.value;
}

/* otherwise: what it is if it is not given. */
static bool find_boolean(const ProtobufCMessage *options, uint32_t number, bool otherwise)
{
	struct boolean boolean = {number, otherwise};

	each_field(options, GEN_OPTION_PROTOBUF_C, on_boolean, &boolean);
	return boolean.value;
}

gen_file_options gen_options_of_file(gen_pool *pool, const Google__Protobuf__FileOptions *options)
{
	gen_file_options result = {.c_package = NULL};

	if (options) {
		result.no_generate = find_boolean(&options->base, 1, false);
		result.no_pack_helpers = !find_boolean(&options->base, 2, true);
		result.const_strings = find_boolean(&options->base, 4, false);
		result.c_package = find_string(pool, &options->base, 6);
	}
	return result;
}

const char *gen_options_base_member(gen_pool *pool, const Google__Protobuf__MessageOptions *options)
{
	const char *name = options ? find_string(pool, &options->base, 3) : NULL;

	return name ? name : "base";
}

bool gen_options_no_pack_helpers(const Google__Protobuf__MessageOptions *options)
{
	return options && !find_boolean(&options->base, 1, true);
}

bool gen_options_string_as_bytes(const Google__Protobuf__FieldOptions *options)
{
	return options && find_boolean(&options->base, 1, false);
}

bool gen_options_oneway(const Google__Protobuf__MethodOptions *options)
{
	gen_wire_field field;
	unsigned at = 0;
	bool oneway = false;

	while (options && next_extension(&options->base, &at, GEN_OPTION_ONEWAY, &field)) {
		if (field.type == GEN_WIRE_VARINT)
			oneway = field.value != 0;
	}
	return oneway;
}
