/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing C the way the project's .clang-format does: 100 columns, tabs of 8, continuations one tab
 * in. What is too long to be broken by these rules is put between `clang-format off` and `on`.
 */
#ifndef PYR_CODEGEN_EMIT_H
#define PYR_CODEGEN_EMIT_H

#include <stdbool.h>
#include <stddef.h>
#include "pool.h"
#include "text.h"

#define GEN_COLUMNS 100
#define GEN_TAB     8

typedef struct gen_emit {
	gen_text *out;
	gen_pool *pool;
	size_t block; /* where the block that is being written begins */
	unsigned block_indent;
	bool too_long;  /* something in the block does not fit */
	bool outer_off; /* between off and on of the blocks' outer one */
} gen_emit;

/* A declaration, a definition or an entry of a table: what a pair of off and on encloses. */
void gen_emit_begin(gen_emit *emit, unsigned indent);
void gen_emit_end(gen_emit *emit);

/* A block of blocks: its first line, which decides for all of it, and its last one. */
void gen_emit_open(gen_emit *emit, const char *line);
void gen_emit_close(gen_emit *emit, const char *line);

/* One line, or an empty one. It is never broken. */
void gen_emit_line(gen_emit *emit, unsigned indent, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void gen_emit_blank(gen_emit *emit);

/* A line of a comment that was wrapped already. */
void gen_emit_comment_line(gen_emit *emit, unsigned indent, const char *line);

/*
 * head, arguments joined by ", ", tail: "int f(", {"int a", "int b"}, ");". arguments ends with
 * NULL and has one at least.
 */
void gen_emit_list(gen_emit *emit, unsigned indent, const char *head, const char *const *arguments,
	const char *tail);

/* The same for "left = callee(arguments);", left being as in "int x". */
void gen_emit_call(gen_emit *emit, unsigned indent, const char *left, const char *callee,
	const char *const *arguments);

/* "head =" and value on one line, or value on the next. */
void gen_emit_assign(gen_emit *emit, unsigned indent, const char *head, const char *value);

/* Operands joined by " | ", then a comma. operands ends with NULL. */
void gen_emit_or(gen_emit *emit, unsigned indent, const char *const *operands);

/* Text from memory of the pool. */
#define gen_format(emit, ...) gen_pool_printf((emit)->pool, __VA_ARGS__)

#endif
