/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions and callback types that a service gets. The header declares them, the source file
 * defines them; each is one call of a pyr_stub_ function (pyrite/stub.h) with casts around it.
 */
#ifndef PYR_CODEGEN_API_H
#define PYR_CODEGEN_API_H

#include "model.h"

#define GEN_ARGUMENTS_MAX 9

typedef struct gen_function {
	const char *note; /* for its comment; NULL if there is nothing to say */
	bool must_use;
	const char *result; /* "pyr_status " */
	const char *name;
	const char *parameters[GEN_ARGUMENTS_MAX]; /* up to a NULL */
	/* The body: return result_cast callee(arguments); */
	const char *result_cast; /* "" if there is nothing to cast; NULL if it returns nothing */
	const char *callee;      /* NULL: the body is `return result_cast;` */
	const char *arguments[GEN_ARGUMENTS_MAX];
	/*
	 * A result that goes out through a pointer is taken in a local of the callee's type first,
	 * "ProtobufCMessage *" "reply", then assigned: "*ret_reply = (Demo__AddReply *)reply". All
	 * NULL without one.
	 */
	const char *local_type;
	const char *local;
	const char *assignment;
} gen_function;

/* A callback's type: typedef void (*name)(parameters). */
typedef struct gen_callback {
	const char *note;
	const char *name;
	const char *parameters[GEN_ARGUMENTS_MAX];
} gen_callback;

typedef enum gen_side {
	GEN_CLIENT,
	GEN_SERVER,
} gen_side;

/*
 * The members of an API in order: each is a function or, with callback.name set, a callback. The
 * side's comment stands in front of the first one.
 */
typedef struct gen_member {
	gen_function function;
	gen_callback callback;
} gen_member;

#define GEN_MEMBERS_MAX 7

/* Each fills at most GEN_MEMBERS_MAX members and returns their number. */
size_t gen_api_of_service(
	gen_pool *pool, const gen_service *service, gen_side side, gen_member *members);
size_t gen_api_of_method(gen_pool *pool, const gen_service *service, const gen_method *method,
	gen_side side, gen_member *members);

/* The name of the type of a method's client callback, or its callback for requests. */
const char *gen_api_callback(gen_pool *pool, const gen_method *method, gen_side side);

bool gen_method_has_client_stream(const gen_method *method);

#endif
