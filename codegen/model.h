/* SPDX-License-Identifier: Apache-2.0 */
/* What protoc asks for, checked, looked up and given its names in C. */
#ifndef PYR_CODEGEN_MODEL_H
#define PYR_CODEGEN_MODEL_H

#include <stdbool.h>
#include <stdint.h>
#include "google/protobuf/compiler/plugin.pb-c.h"
#include "google/protobuf/descriptor.pb-c.h"
#include "options.h"
#include "pool.h"
#include "text.h"

typedef Google__Protobuf__FileDescriptorProto gen_file_proto;
typedef Google__Protobuf__DescriptorProto gen_message_proto;
typedef Google__Protobuf__FieldDescriptorProto gen_field_proto;
typedef Google__Protobuf__EnumDescriptorProto gen_enum_proto;
typedef Google__Protobuf__ServiceDescriptorProto gen_service_proto;
typedef Google__Protobuf__MethodDescriptorProto gen_method_proto;
typedef Google__Protobuf__SourceCodeInfo__Location gen_location;

/* Where a thing stands in its FileDescriptorProto: field numbers and indexes in turn. */
typedef struct gen_path {
	const int32_t *steps;
	size_t count;
} gen_path;

typedef struct gen_file {
	const gen_file_proto *proto;
	const uint8_t *descriptor; /* as protoc serialized it, without the source code info */
	size_t descriptor_size;
	bool wanted;        /* one of those to generate */
	const char *base;   /* "demo/calc" */
	const char *guard;  /* "demo_2fcalc_2eproto" */
	const char *symbol; /* "pyr_file__demo_2fcalc_2eproto" */
	gen_file_options options;
	bool is_proto3;
	struct gen_file **imports;
	size_t import_count;
	const gen_location **locations; /* sorted by path */
	size_t location_count;
} gen_file;

typedef struct gen_field gen_field;

typedef struct gen_message {
	const gen_file *file;
	const gen_message_proto *proto;
	gen_path path;
	const char *full_name; /* "demo.AddRequest" */
	const char *c_name;    /* "Demo__AddRequest" */
	const char *lower;     /* "demo__add_request" */
	const char *upper;     /* "DEMO__ADD_REQUEST" */
	gen_field *fields;     /* proto->n_field of them */
	const char *base_member;
} gen_message;

typedef struct gen_enum {
	const gen_file *file;
	const gen_enum_proto *proto;
	gen_path path;
	const char *full_name;
	const char *c_name;
	const char *lower;
	const char *upper;
} gen_enum;

struct gen_field {
	const gen_field_proto *proto;
	gen_path path;
	const char *member;          /* of the struct, as it ends up */
	const char *lower;           /* of its name: "get_url" */
	const char *protoc_gen_c;    /* the member that protoc-gen-c writes */
	const gen_message *message;  /* of a field of a message type */
	const gen_enum *enumeration; /* of a field of an enum type */
	bool as_bytes;               /* a ProtobufCBinaryData: bytes, or a string by option */
};

typedef enum gen_method_kind {
	GEN_UNARY,
	GEN_ONEWAY,
	GEN_SERVER_STREAM,
	GEN_CLIENT_STREAM,
	GEN_BIDI_STREAM,
} gen_method_kind;

typedef struct gen_method {
	const gen_method_proto *proto;
	gen_path path;
	gen_method_kind kind;
	const gen_message *input;
	const gen_message *output;
	const char *ops_member; /* "add" */
	const char *prefix;     /* "demo_calculator_add" */
	uint32_t index;
} gen_method;

typedef struct gen_service {
	const gen_file *file;
	const gen_service_proto *proto;
	gen_path path;
	const char *full_name; /* "demo.Calculator" */
	const char *prefix;    /* "demo_calculator" */
	gen_method *methods;   /* proto->n_method of them */
} gen_service;

/* A message or an enum by its name. */
typedef struct gen_type {
	const char *full_name;
	gen_message *message;
	gen_enum *enumeration;
} gen_type;

typedef struct gen_model {
	gen_pool *pool;
	gen_text errors; /* a line each */
	const Google__Protobuf__Compiler__CodeGeneratorRequest *request;
	gen_file *files;
	size_t file_count;
	gen_message *messages;
	size_t message_count;
	gen_enum *enums;
	size_t enum_count;
	gen_service *services;
	size_t service_count;
	gen_type *types; /* sorted by name */
	size_t type_count;
} gen_model;

/*
 * Fills a model that is all zeros but for its pool and request. data is the request as protoc sent
 * it, and model->request the same unpacked. What is wrong goes to model->errors; then the model is
 * incomplete and good for nothing else.
 */
void gen_model_build(gen_model *model, const uint8_t *data, size_t size);

/* The file as a whole. */
#define GEN_PATH_FILE ((gen_path){NULL, 0})

/* parent with two more steps, or with that of its name. */
gen_path gen_path_child(gen_pool *pool, gen_path parent, int32_t number, int32_t index);
gen_path gen_path_name(gen_pool *pool, gen_path parent);

gen_path gen_path_value(gen_pool *pool, gen_path enumeration, size_t index);
gen_path gen_path_oneof(gen_pool *pool, gen_path message, size_t index);

/* Adds "file:line:column: ..." to the errors. path may be empty: then without line and column. */
void gen_model_error(gen_model *model, const gen_file *file, gen_path path, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* The name of a thing in its file, "demo.proto:12:3", for an error about another one. */
const char *gen_model_place(gen_model *model, const gen_file *file, gen_path path);

/* The comments of a thing; NULL without. */
const gen_location *gen_model_location(const gen_file *file, gen_path path);

/* Whether the struct has a has_ member for the field. */
bool gen_field_has_quantifier(const gen_message *message, const gen_field *field);

/* Whether it is a proto3 `optional`: for protobuf-c a oneof with one member. */
bool gen_field_is_proto3_optional(const gen_field *field);

/* name is as in the descriptors, ".demo.AddRequest". */
const gen_type *gen_model_type(const gen_model *model, const char *name);

#endif
