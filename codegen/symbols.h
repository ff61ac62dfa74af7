/* SPDX-License-Identifier: Apache-2.0 */
/* The names that generated code takes, and what of the .proto files takes each. */
#ifndef PYR_CODEGEN_SYMBOLS_H
#define PYR_CODEGEN_SYMBOLS_H

#include "model.h"

/* Something in a .proto file that becomes names in C. */
typedef struct gen_owner {
	const gen_file *file;
	gen_path path;
	const char *what;       /* "method GetURL" */
	struct gen_owner *next; /* of those that were refused */
} gen_owner;

typedef struct gen_symbol {
	const char *scope; /* "" at file scope, else the struct of which it is a member */
	const char *name;
	gen_owner *owner;
	size_t order; /* in which it was added: a thing's most telling name comes first */
} gen_symbol;

/* All names of a model, in the order of its files and of what is in them. */
typedef struct gen_symbols {
	gen_pool *pool;
	gen_symbol *list;
	size_t count;
	size_t capacity;
	gen_owner *refused;
} gen_symbols;

/*
 * Collects what the request's files need: types, functions, variables, enumerators and macros at
 * file scope, and members of structs. C has several name spaces at file scope, C++ does not.
 */
void gen_symbols_collect(gen_symbols *symbols, const gen_model *model);

#endif
