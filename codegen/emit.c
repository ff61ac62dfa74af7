/* SPDX-License-Identifier: Apache-2.0 */
/* Writing C the way the project's .clang-format does. */
#include "emit.h"

#include <string.h>

static void add_indent(gen_emit *emit, unsigned indent)
{
	for (unsigned i = 0; i < indent; i++)
		gen_text_add(emit->out, "\t", 1);
}

void gen_emit_begin(gen_emit *emit, unsigned indent)
{
	emit->block = emit->out->size;
	emit->block_indent = indent;
	emit->too_long = false;
}

void gen_emit_end(gen_emit *emit)
{
	static const char off[] = "/* clang-format off */\n";

	if (!emit->too_long || emit->outer_off)
		return;
	gen_text_insert(emit->out, emit->block, off);
	for (unsigned i = 0; i < emit->block_indent; i++)
		gen_text_insert(emit->out, emit->block, "\t");
	gen_emit_line(emit, emit->block_indent, "/* clang-format on */");
	emit->too_long = false;
}

void gen_emit_open(gen_emit *emit, const char *line)
{
	emit->outer_off = strlen(line) > GEN_COLUMNS;
	if (emit->outer_off)
		gen_emit_line(emit, 0, "/* clang-format off */");
	gen_emit_line(emit, 0, "%s", line);
}

void gen_emit_close(gen_emit *emit, const char *line)
{
	gen_emit_line(emit, 0, "%s", line);
	if (emit->outer_off)
		gen_emit_line(emit, 0, "/* clang-format on */");
	emit->outer_off = false;
}

/* Writes a line, and notes whether it is too long. */
static void add_line(gen_emit *emit, unsigned indent, const char *text)
{
	if (indent * GEN_TAB + strlen(text) > GEN_COLUMNS)
		emit->too_long = true;
	add_indent(emit, indent);
	gen_text_add_string(emit->out, text);
	gen_text_add(emit->out, "\n", 1);
}

void gen_emit_line(gen_emit *emit, unsigned indent, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add_line(emit, indent, gen_pool_vprintf(emit->pool, format, args));
	va_end(args);
}

void gen_emit_comment_line(gen_emit *emit, unsigned indent, const char *line)
{
	add_indent(emit, indent);
	gen_text_printf(emit->out, *line ? " * %s\n" : " *\n", line);
}

void gen_emit_blank(gen_emit *emit)
{
	gen_text_add(emit->out, "\n", 1);
}

/*
 * Fills lines with arguments. line is what the first one begins with; when it is empty the first
 * argument begins a line of its own.
 */
static void fill(gen_emit *emit, unsigned indent, const char *line, const char *const *arguments,
	const char *tail)
{
	gen_text current = {NULL, 0, 0};
	unsigned at = *line ? indent : indent + 1;
	bool fresh = true; /* nothing but the beginning stands in the line */

	gen_text_add_string(&current, line);
	for (; *arguments; arguments++) {
		const char *behind = arguments[1] ? "," : tail;
		size_t width = at * GEN_TAB + current.size + (fresh ? 0 : 1) + strlen(*arguments) +
			       strlen(behind);

		if (!fresh && width > GEN_COLUMNS) {
			add_line(emit, at, current.data);
			current.size = 0;
			at = indent + 1;
			fresh = true;
		}
		gen_text_printf(&current, "%s%s%s", fresh ? "" : " ", *arguments, behind);
		fresh = false;
	}
	add_line(emit, at, current.data);
	gen_text_done(&current);
}

static size_t joined_size(const char *const *arguments)
{
	size_t size = 0;

	for (size_t i = 0; arguments[i]; i++)
		size += strlen(arguments[i]) + (i ? 2 : 0);
	return size;
}

/*
 * clang-format's choice, found by trying: one line; else all arguments on the next line; else as
 * many as fit behind the parenthesis and the rest below; else none behind it.
 */
void gen_emit_list(gen_emit *emit, unsigned indent, const char *head, const char *const *arguments,
	const char *tail)
{
	size_t all = joined_size(arguments) + strlen(tail);
	size_t first = indent * GEN_TAB + strlen(head) + strlen(arguments[0]) + 1;
	bool one_line = indent * GEN_TAB + strlen(head) + all <= GEN_COLUMNS;
	bool next_line = (indent + 1) * GEN_TAB + all <= GEN_COLUMNS;

	if (one_line || (!next_line && arguments[1] && first <= GEN_COLUMNS)) {
		fill(emit, indent, head, arguments, tail);
		return;
	}
	add_line(emit, indent, head);
	fill(emit, indent, "", arguments, tail);
}

void gen_emit_call(gen_emit *emit, unsigned indent, const char *left, const char *callee,
	const char *const *arguments)
{
	size_t call = strlen(callee) + 1 + joined_size(arguments) + 2;

	if (indent * GEN_TAB + strlen(left) + 3 + call > GEN_COLUMNS &&
		(indent + 1) * GEN_TAB + call <= GEN_COLUMNS) {
		gen_emit_line(emit, indent, "%s =", left);
		gen_emit_list(emit, indent + 1, gen_format(emit, "%s(", callee), arguments, ");");
		return;
	}
	gen_emit_list(emit, indent, gen_format(emit, "%s = %s(", left, callee), arguments, ");");
}

void gen_emit_assign(gen_emit *emit, unsigned indent, const char *head, const char *value)
{
	if (indent * GEN_TAB + strlen(head) + 3 + strlen(value) <= GEN_COLUMNS) {
		gen_emit_line(emit, indent, "%s = %s", head, value);
		return;
	}
	gen_emit_line(emit, indent, "%s =", head);
	gen_emit_line(emit, indent + 1, "%s", value);
}

void gen_emit_or(gen_emit *emit, unsigned indent, const char *const *operands)
{
	gen_text line = {NULL, 0, 0};
	unsigned at = indent;

	for (; *operands; operands++) {
		const char *behind = operands[1] ? " |" : ",";
		size_t width = at * GEN_TAB + line.size + (line.size ? 1 : 0) + strlen(*operands) +
			       strlen(behind);

		if (line.size && width > GEN_COLUMNS) {
			add_line(emit, at, line.data);
			line.size = 0;
			at = indent + 1;
		}
		gen_text_printf(&line, "%s%s%s", line.size ? " " : "", *operands, behind);
	}
	add_line(emit, at, line.data);
	gen_text_done(&line);
}
