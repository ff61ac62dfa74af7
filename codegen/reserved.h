/* SPDX-License-Identifier: Apache-2.0 */
/* Names that C, C++ or their libraries have taken. */
#ifndef PYR_CODEGEN_RESERVED_H
#define PYR_CODEGEN_RESERVED_H

#include <stdbool.h>

/* A keyword that protoc-gen-c knows: it puts a '_' behind a field of that name. */
bool gen_reserved_protobuf_c(const char *name);

/*
 * A keyword of C up to C23 or C++ up to C++20, a macro, or a type that generated structs use (C++
 * forbids a member with the name of a type that was used in the struct before): no member.
 */
bool gen_reserved_member(const char *name);

/*
 * Why an identifier at file scope cannot have this name, to stand behind "which": "is a keyword";
 * NULL if it can.
 */
const char *gen_reserved_global(const char *name);

/* A parameter or local of a generated function in whose scope the service's types are used. */
bool gen_reserved_parameter(const char *name);

/* For a test: whether the tables are in order. */
bool gen_reserved_sorted(void);

#endif
