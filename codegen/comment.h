/* SPDX-License-Identifier: Apache-2.0 */
/* Comments of a .proto file as comments in C. */
#ifndef PYR_CODEGEN_COMMENT_H
#define PYR_CODEGEN_COMMENT_H

#include "emit.h"
#include "model.h"

/*
 * The text in such a form that it can stand in a C comment: nothing closes it, opens another one or
 * makes a compiler warn. Lines stay lines. NULL stays NULL.
 */
char *gen_comment_clean(gen_pool *pool, const char *text);

/*
 * Writes the comments of a thing, and behind them `note`, both of which may be NULL; nothing if
 * there is neither.
 */
void gen_comment_emit(
	gen_emit *emit, unsigned indent, const gen_location *location, const char *note);

#endif
