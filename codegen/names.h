/* SPDX-License-Identifier: Apache-2.0 */
/* How names of a .proto file become names in C: protobuf-c's rules, which services follow too. */
#ifndef PYR_CODEGEN_NAMES_H
#define PYR_CODEGEN_NAMES_H

#include <stdbool.h>
#include "pool.h"

/* "GetURL" -> "get_url", as protobuf-c: a '_' before each capital that follows a non-capital. */
char *gen_name_lower(gen_pool *pool, const char *name);
char *gen_name_upper(gen_pool *pool, const char *name); /* "GetURL" -> "GET_URL" */
char *gen_name_camel(gen_pool *pool, const char *name); /* "get_url" -> "GetUrl" */

/* The parts of a dotted name, converted one by one and joined. */
typedef char *gen_name_convert(gen_pool *pool, const char *part);
char *gen_name_join(
	gen_pool *pool, const char *dotted, gen_name_convert *convert, const char *joiner);

/*
 * A struct's member for a field: lower case, and a '_' behind it if it is a keyword. What begins
 * with "__", as compilers' own words do, gets a '_' or, if it ends in one, a '0'.
 */
char *gen_name_member(gen_pool *pool, const char *field);

/* The member that protoc-gen-c makes, which does not know every keyword. */
char *gen_name_member_protobuf_c(gen_pool *pool, const char *field);

/* A member of an ops struct for a method: the same rule. */
char *gen_name_ops_member(gen_pool *pool, const char *method);

/* "a/b-c.proto" -> "a_2fb_2dc_2eproto": different names stay different. */
char *gen_name_mangle(gen_pool *pool, const char *path);

/* "a/b.proto" -> "a/b". */
char *gen_name_without_suffix(gen_pool *pool, const char *path);

/* A letter or '_', then letters, digits and '_'. */
bool gen_name_is_identifier(const char *name);

#endif
