/* SPDX-License-Identifier: Apache-2.0 */
/* Custom options: Pyrite's own, and those of protobuf-c that change what protoc-gen-c writes. */
#ifndef PYR_CODEGEN_OPTIONS_H
#define PYR_CODEGEN_OPTIONS_H

#include <stdbool.h>
#include "google/protobuf/descriptor.pb-c.h"
#include "pool.h"

/* Field numbers of extensions, in pyrite/options.proto and protobuf-c/protobuf-c.proto. */
#define GEN_OPTION_ONEWAY     50790
#define GEN_OPTION_PROTOBUF_C 1019

typedef struct gen_file_options {
	bool no_generate;      /* protoc-gen-c writes nothing */
	bool no_pack_helpers;  /* it writes no __free_unpacked() */
	bool const_strings;    /* const char * for strings */
	const char *c_package; /* instead of the package; NULL if not given */
} gen_file_options;

gen_file_options gen_options_of_file(gen_pool *pool, const Google__Protobuf__FileOptions *options);

/* The name of a message's base member, "base" unless an option says otherwise. */
const char *gen_options_base_member(
	gen_pool *pool, const Google__Protobuf__MessageOptions *options);

/* Whether a message of its own has no __free_unpacked(). */
bool gen_options_no_pack_helpers(const Google__Protobuf__MessageOptions *options);

/* Whether a string is to be a ProtobufCBinaryData. */
bool gen_options_string_as_bytes(const Google__Protobuf__FieldOptions *options);

bool gen_options_oneway(const Google__Protobuf__MethodOptions *options);

#endif
