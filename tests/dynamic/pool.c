/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors made at run time: what a pool builds, and the hostile files that it refuses. */
#include <criterion/criterion.h>
#include <google/protobuf/descriptor.pyr.h>
#include <google/protobuf/struct.pyr.h>
#include <pyrite/dynamic.h>
#include <pyrite/names.pyr.h>
#include <stdlib.h>
#include <string.h>
#include "codec/decode.h"
#include "leaks.h"

typedef Google__Protobuf__FileDescriptorProto file_proto;
typedef Google__Protobuf__DescriptorProto message_proto;
typedef Google__Protobuf__FieldDescriptorProto field_proto;
typedef Google__Protobuf__EnumDescriptorProto enum_proto;
typedef Google__Protobuf__EnumValueDescriptorProto value_proto;
typedef Google__Protobuf__ServiceDescriptorProto service_proto;
typedef Google__Protobuf__MethodDescriptorProto method_proto;

/* A small file that tests spoil: message t.M { int32 a = 1; t.E e = 2; }, enum t.E, service t.S. */
typedef struct sample {
	file_proto file;
	message_proto message, other;
	field_proto fields[2];
	enum_proto an_enum;
	value_proto values[2];
	service_proto service;
	method_proto method;
	Google__Protobuf__OneofDescriptorProto oneof;
	Google__Protobuf__MessageOptions options;
	message_proto *messages[2];
	field_proto *field_list[2];
	value_proto *value_list[2];
	enum_proto *enum_list[1];
	service_proto *service_list[1];
	method_proto *method_list[1];
	Google__Protobuf__OneofDescriptorProto *oneof_list[1];
} sample;

static void fill_fields(sample *s)
{
	for (int i = 0; i < 2; i++) {
		google__protobuf__field_descriptor_proto__init(&s->fields[i]);
		google__protobuf__enum_value_descriptor_proto__init(&s->values[i]);
		s->field_list[i] = &s->fields[i];
		s->value_list[i] = &s->values[i];
		s->fields[i].has_number = s->fields[i].has_type = true;
		s->values[i].has_number = true;
		s->fields[i].number = i + 1;
		s->values[i].number = i;
	}
	s->fields[0].name = "a";
	s->fields[0].type = GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_INT32;
	s->fields[1].name = "e";
	s->fields[1].type = GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_ENUM;
	s->fields[1].type_name = ".t.E";
	s->values[0].name = "ZERO";
	s->values[1].name = "ONE";
}

static void fill(sample *s)
{
	memset(s, 0, sizeof *s);
	google__protobuf__file_descriptor_proto__init(&s->file);
	google__protobuf__descriptor_proto__init(&s->message);
	google__protobuf__descriptor_proto__init(&s->other);
	google__protobuf__enum_descriptor_proto__init(&s->an_enum);
	google__protobuf__service_descriptor_proto__init(&s->service);
	google__protobuf__method_descriptor_proto__init(&s->method);
	google__protobuf__oneof_descriptor_proto__init(&s->oneof);
	google__protobuf__message_options__init(&s->options);
	fill_fields(s);
	s->file = (file_proto){.base = s->file.base,
		.name = "t.proto",
		.package = "t",
		.syntax = "proto3",
		.n_message_type = 1,
		.message_type = s->messages,
		.n_enum_type = 1,
		.enum_type = s->enum_list,
		.n_service = 1,
		.service = s->service_list};
	s->messages[0] = &s->message;
	s->messages[1] = &s->other;
	s->message.name = "M";
	s->message.n_field = 2;
	s->message.field = s->field_list;
	s->other.name = "N";
	s->enum_list[0] = &s->an_enum;
	s->an_enum.name = "E";
	s->an_enum.n_value = 2;
	s->an_enum.value = s->value_list;
	s->service_list[0] = &s->service;
	s->service.name = "S";
	s->service.n_method = 1;
	s->service.method = s->method_list;
	s->method_list[0] = &s->method;
	s->method.name = "Do";
	s->method.input_type = s->method.output_type = ".t.M";
	s->oneof_list[0] = &s->oneof;
	s->oneof.name = "o";
}

static pyr_status add(pyr_pool *pool, const file_proto *file, pyr_error *err)
{
	size_t size = google__protobuf__file_descriptor_proto__get_packed_size(file);
	uint8_t *data = malloc(size);
	google__protobuf__file_descriptor_proto__pack(file, data);
	pyr_status status = pyr_pool_add_file(pool, data, size, err);
	free(data);
	return status;
}

Test(pool, builds_messages_enums_and_interfaces)
{
	sample s;
	pyr_error err;
	fill(&s);
	pyr_pool *pool = pyr_pool_new(NULL);
	cr_assert(add(pool, &s.file, &err) == PYR_OK, "%s", err.message);
	const ProtobufCMessageDescriptor *m = pyr_pool_message(pool, "t.M");
	cr_assert(m && m->n_fields == 2 && m->fields[1].type == PROTOBUF_C_TYPE_ENUM);
	cr_assert(m->fields[1].descriptor == pyr_pool_enum(pool, "t.E"));
	const pyr_interface *i = pyr_pool_interface(pool, "t.S");
	cr_assert(i && i->method_count == 1 && i->methods[0].input == m);
	cr_assert(pyr_pool_interface_at(pool, 0) == i && !pyr_pool_interface_at(pool, 1));
	cr_assert(!pyr_pool_message(pool, "t.E") && !pyr_pool_message(pool, "t.X"));
	cr_assert_str_eq(pyr_pool_file_of(pool, "t.S.Do")->name, "t.proto");
	cr_assert(pyr_pool_file_of(pool, "t.M") == pyr_pool_file(pool, "t.proto"));
	cr_assert(add(pool, &s.file, &err) == PYR_OK); /* the same again */
	s.method.name = "Other";
	cr_assert(add(pool, &s.file, &err) == PYR_ALREADY_EXISTS);
	pyr_pool_free(pool);
	CHECK_LEAKS();
}

/* What a message of a pool's type packs to is what generated code packs to, and back. */
Test(pool, makes_messages_that_are_those_of_generated_code)
{
	pyr_error err;
	pyr_pool *pool = pyr_pool_new(NULL);
	const pyr_file *file = &pyr_file__google_2fprotobuf_2fdescriptor_2eproto;
	cr_assert(pyr_pool_add_generated(pool, file, &err) == PYR_OK, "%s", err.message);
	const ProtobufCMessageDescriptor *type =
		pyr_pool_message(pool, "google.protobuf.FileDescriptorProto");
	pyr__decode_options options = {.bytes_max = 32 << 20};
	ProtobufCMessage *message;
	cr_assert(pyr__decode(type, file->descriptor, file->descriptor_size, &options, &message,
			  &err) == PYR_OK,
		"%s", err.message);
	size_t size = protobuf_c_message_get_packed_size(message);
	file_proto *generated = google__protobuf__file_descriptor_proto__unpack(
		NULL, file->descriptor_size, file->descriptor);
	cr_assert(size == google__protobuf__file_descriptor_proto__get_packed_size(generated));
	uint8_t *data = malloc(size), *wanted = malloc(size);
	protobuf_c_message_pack(message, data);
	google__protobuf__file_descriptor_proto__pack(generated, wanted);
	cr_assert(memcmp(data, wanted, size) == 0);
	google__protobuf__file_descriptor_proto__free_unpacked(generated, NULL);
	protobuf_c_message_free_unpacked(message, NULL);
	message = pyr_dynamic_new(type);
	cr_assert(protobuf_c_message_get_packed_size(message) == 0);
	protobuf_c_message_free_unpacked(message, NULL);
	free(data);
	free(wanted);
	pyr_pool_free(pool);
	CHECK_LEAKS();
}

Test(pool, takes_generated_files_with_their_imports)
{
	pyr_error err;
	pyr_pool *pool = pyr_pool_new(NULL);
	cr_assert(pyr_pool_add_generated(pool, &pyr_file__pyrite_2fnames_2eproto, &err) == PYR_OK,
		"%s", err.message);
	const pyr_interface *i = pyr_pool_interface(pool, "pyrite.Names");
	cr_assert(i && i->method_count == pyrite_names__interface.method_count);
	for (uint32_t m = 0; m < i->method_count; m++) {
		cr_assert_str_eq(i->methods[m].name, pyrite_names__interface.methods[m].name);
		cr_assert(i->methods[m].flags == pyrite_names__interface.methods[m].flags);
		cr_assert_str_eq(
			i->methods[m].input->name, pyrite_names__interface.methods[m].input->name);
	}
	pyr_pool_free(pool);
	CHECK_LEAKS();
}

/* Each spoils the sample in one way; the message of the error must contain `says`. */
typedef struct spoiled {
	const char *what;
	void (*spoil)(sample *s);
	const char *says;
} spoiled;

static void no_name(sample *s)
{
	s->message.name = NULL;
}
static void odd_name(sample *s)
{
	s->message.name = "M\n";
}
static void digit_name(sample *s)
{
	s->fields[0].name = "1a";
}
static void odd_package(sample *s)
{
	s->file.package = "t..u";
}
static void no_file_name(sample *s)
{
	s->file.name = "";
}
static void odd_file_name(sample *s)
{
	s->file.name = "t\033[2J";
}
static void editions(sample *s)
{
	s->file.syntax = "editions";
}
static void twice(sample *s)
{
	s->other.name = "M";
	s->file.n_message_type = 2;
}
static void same_number(sample *s)
{
	s->fields[1].number = 1;
}
static void number_0(sample *s)
{
	s->fields[0].number = 0;
}
static void number_high(sample *s)
{
	s->fields[0].number = 536870912;
}
static void number_low(sample *s)
{
	s->fields[0].number = -1;
}
static void same_name(sample *s)
{
	s->fields[1].name = "a";
}
static void no_type(sample *s)
{
	s->fields[1].type_name = ".t.X";
}
static void type_missing(sample *s)
{
	s->fields[1].type_name = NULL;
}
static void message_as_enum(sample *s)
{
	s->fields[1].type_name = ".t.M";
}
static void service_as_type(sample *s)
{
	s->fields[1].type_name = ".t.S";
}
static void odd_type(sample *s)
{
	s->fields[0].type = 19;
}
static void odd_label(sample *s)
{
	s->fields[0].has_label = true;
	s->fields[0].label = 7;
}
static void required3(sample *s)
{
	s->fields[0].has_label = true;
	s->fields[0].label = 2;
}
static void no_oneof(sample *s)
{
	s->fields[0].has_oneof_index = true;
}
static void oneof_minus(sample *s)
{
	s->message.n_oneof_decl = 1;
	s->message.oneof_decl = s->oneof_list;
	s->fields[0].has_oneof_index = true;
	s->fields[0].oneof_index = -1;
}
static void oneof_repeated(sample *s)
{
	oneof_minus(s);
	s->fields[0].oneof_index = 0;
	s->fields[0].has_label = true;
	s->fields[0].label = 3;
}
static void no_values(sample *s)
{
	s->an_enum.n_value = 0;
}
static void first_not_zero(sample *s)
{
	s->values[0].number = 4;
}
static void value_twice(sample *s)
{
	s->values[1].name = "ZERO";
}
static void no_input(sample *s)
{
	s->method.input_type = NULL;
}
static void enum_as_input(sample *s)
{
	s->method.input_type = ".t.E";
}
static void method_twice(sample *s)
{
	static method_proto *two[2];
	two[0] = two[1] = &s->method;
	s->service.method = two;
	s->service.n_method = 2;
}
static void no_map(sample *s)
{
	s->options.has_map_entry = s->options.map_entry = true;
	s->message.n_field = 1;
	s->message.options = &s->options;
}
static void bad_default(sample *s)
{
	s->file.syntax = "proto2";
	s->fields[0].default_value = "12x";
}
static void bad_enum_default(sample *s)
{
	s->file.syntax = "proto2";
	s->fields[1].default_value = "TWO";
}
static void nested(sample *s)
{
	static message_proto deep[40];
	static message_proto *inside[40];
	for (int i = 0; i < 40; i++) {
		google__protobuf__descriptor_proto__init(&deep[i]);
		deep[i].name = "D";
		inside[i] = &deep[i];
		deep[i].n_nested_type = i > 0;
		deep[i].nested_type = i > 0 ? &inside[i - 1] : NULL;
	}
	s->message.n_nested_type = 1;
	s->message.nested_type = &inside[39];
}

static const spoiled cases[] = {
	{"no name", no_name, "a name that is none"},
	{"odd name", odd_name, "a name that is none"},
	{"digit", digit_name, "field 1 of t.M has a name"},
	{"package", odd_package, "package"},
	{"file name", no_file_name, "no name"},
	{"odd file name", odd_file_name, "control character"},
	{"editions", editions, "editions"},
	{"twice", twice, "t.M has been defined before"},
	{"same number", same_number, "t.M.e has the number of another field"},
	{"number 0", number_0, "t.M.a has a number that is none"},
	{"number high", number_high, "t.M.a has a number that is none"},
	{"number low", number_low, "t.M.a has a number that is none"},
	{"same name", same_name, "t.M has two fields a"},
	{"no type", no_type, "t.M.e is of the type .t.X, which no file"},
	{"type missing", type_missing, "t.M.e has no type"},
	{"message as enum", message_as_enum, "t.M.e says enum of a message"},
	{"service as type", service_as_type, "t.M.e is of a type that is a service"},
	{"odd type", odd_type, "t.M.a is of an unknown type"},
	{"odd label", odd_label, "t.M.a has a label that is none"},
	{"required", required3, "t.M.a is required"},
	{"no oneof", no_oneof, "t.M.a is in a oneof that is none"},
	{"oneof -1", oneof_minus, "t.M.a is in a oneof that is none"},
	{"oneof repeated", oneof_repeated, "t.M.a is in a oneof, but repeated"},
	{"no values", no_values, "t.E has no values"},
	{"first not 0", first_not_zero, "first value of a proto3 enum is 0"},
	{"value twice", value_twice, "t.E has the value ZERO twice"},
	{"no input", no_input, "a message of t.S/Do has no type"},
	{"enum as input", enum_as_input, "t.E, which is no message"},
	{"method twice", method_twice, "t.S has two methods Do"},
	{"no map", no_map, "t.M says that it is a map's entry"},
	{"bad default", bad_default, "the default value of t.M.a"},
	{"bad enum default", bad_enum_default, "the default value of t.M.e"},
	{"nested", nested, "deeper than"},
};

Test(pool, refuses_what_is_wrong_and_keeps_nothing_of_it)
{
	pyr_pool *pool = pyr_pool_new(NULL);
	sample s;
	pyr_error err;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		fill(&s);
		cases[i].spoil(&s);
		cr_expect(add(pool, &s.file, &err) != PYR_OK, "%s was taken", cases[i].what);
		cr_expect(strstr(err.message, cases[i].says), "%s: '%s' does not say '%s'",
			cases[i].what, err.message, cases[i].says);
	}
	fill(&s);
	cr_assert(add(pool, &s.file, &err) == PYR_OK, "%s", err.message);
	pyr_pool_free(pool);
	CHECK_LEAKS();
}

Test(pool, limits_files_definitions_and_bytes)
{
	sample s;
	pyr_error err;
	pyr_pool_options options = PYR_POOL_OPTIONS_INIT;
	options.files_max = 1;
	pyr_pool *pool = pyr_pool_new(&options);
	fill(&s);
	cr_assert(add(pool, &s.file, &err) == PYR_OK);
	s.file.name = "u.proto";
	s.file.package = "u";
	cr_assert(add(pool, &s.file, &err) == PYR_RESOURCE_EXHAUSTED);
	cr_assert(strstr(err.message, "more than 1 files"));
	pyr_pool_free(pool);
	options = (pyr_pool_options)PYR_POOL_OPTIONS_INIT;
	options.definitions_max = 5;
	pool = pyr_pool_new(&options);
	cr_assert(add(pool, &s.file, &err) == PYR_RESOURCE_EXHAUSTED);
	cr_assert(strstr(err.message, "more than 5 definitions"));
	pyr_pool_free(pool);
	options = (pyr_pool_options)PYR_POOL_OPTIONS_INIT;
	options.bytes_max = 20;
	pool = pyr_pool_new(&options);
	cr_assert(add(pool, &s.file, &err) == PYR_RESOURCE_EXHAUSTED);
	cr_assert(strstr(err.message, "more than 20 bytes"));
	pyr_pool_free(pool);
	CHECK_LEAKS();
}

static pyr_status add_set(pyr_pool *pool, sample *samples, size_t count, pyr_error *err)
{
	Google__Protobuf__FileDescriptorSet set = GOOGLE__PROTOBUF__FILE_DESCRIPTOR_SET__INIT;
	file_proto *files[4];
	for (size_t i = 0; i < count; i++)
		files[i] = &samples[i].file;
	set.n_file = count;
	set.file = files;
	size_t size = google__protobuf__file_descriptor_set__get_packed_size(&set);
	uint8_t *data = malloc(size);
	google__protobuf__file_descriptor_set__pack(&set, data);
	pyr_status status = pyr_pool_add_set(pool, data, size, err);
	free(data);
	return status;
}

Test(pool, adds_the_files_of_a_set_in_any_order_but_not_in_a_circle)
{
	sample s[2];
	pyr_error err;
	char *first_needs[] = {"u.proto"}, *second_needs[] = {"t.proto"};
	fill(&s[0]);
	fill(&s[1]);
	s[1].file.name = "u.proto";
	s[1].file.package = "u";
	s[0].fields[1].type_name = "u.E"; /* relative, and of the file that comes later */
	s[0].file.n_dependency = 1;
	s[0].file.dependency = first_needs;
	s[1].fields[1].type_name = "E";
	s[1].method.input_type = s[1].method.output_type = "M";
	pyr_pool *pool = pyr_pool_new(NULL);
	cr_assert(add_set(pool, s, 2, &err) == PYR_OK, "%s", err.message);
	cr_assert(
		pyr_pool_message(pool, "t.M")->fields[1].descriptor == pyr_pool_enum(pool, "u.E"));
	cr_assert(
		pyr_pool_interface(pool, "u.S")->methods[0].input == pyr_pool_message(pool, "u.M"));
	pyr_pool_free(pool);
	s[1].file.n_dependency = 1;
	s[1].file.dependency = second_needs;
	pool = pyr_pool_new(NULL);
	cr_assert(add_set(pool, s, 2, &err) == PYR_INVALID_ARGUMENT);
	cr_assert(strstr(err.message, "imports itself"), "%s", err.message);
	pyr_pool_free(pool);
	CHECK_LEAKS();
}

Test(pool, has_the_well_known_files_for_who_imports_them)
{
	sample s;
	pyr_error err;
	char *needs[] = {"google/protobuf/struct.proto"};
	fill(&s);
	s.file.n_dependency = 1;
	s.file.dependency = needs;
	s.method.input_type = ".google.protobuf.Value";
	pyr_pool *pool = pyr_pool_new(NULL);
	cr_assert(add(pool, &s.file, &err) == PYR_OK, "%s", err.message);
	cr_assert(pyr_pool_message(pool, "google.protobuf.Struct") != NULL);
	cr_assert(pyr_pool_file(pool, "t.proto")->import_count == 1);
	pyr_pool_free(pool);
	CHECK_LEAKS();
}

Test(pool, refuses_bytes_that_are_no_file)
{
	pyr_error err;
	pyr_pool *pool = pyr_pool_new(NULL);
	cr_assert(pyr_pool_add_file(pool, "\x0a\x7f", 2, &err) == PYR_INVALID_ARGUMENT);
	cr_assert(pyr_pool_add_set(pool, "\x10\x01", 2, &err) == PYR_OK ||
		  err.status == PYR_INVALID_ARGUMENT);
	cr_assert(pyr_pool_add_set(pool, "\x0a\x00", 2, &err) == PYR_INVALID_ARGUMENT);
	cr_assert(pyr_pool_add_set(pool, "\x13\x14\x0a\x00", 4, &err) == PYR_INVALID_ARGUMENT);
	pyr_pool_free(pool);
	CHECK_LEAKS();
}
