/* SPDX-License-Identifier: Apache-2.0 */
/* Comments of a .proto file as comments in C. */
#include "comment.h"

#include <string.h>
#include "utf8.h"

/* Characters that switch the direction of text; compilers warn about them (CVE-2021-42574). */
static bool is_bidi(uint32_t c)
{
	return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x200e ||
	       c == 0x200f || c == 0x061c;
}

/* A character that is not written as it is. */
static bool is_unwanted(uint32_t c)
{
	return (c < ' ' && c != '\n') || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 ||
	       is_bidi(c);
}

/* Whether these two, side by side, open or close a comment or begin a trigraph. */
static bool is_trouble(char before, char c)
{
	return (before == '*' && c == '/') || (before == '/' && c == '*') ||
	       (before == '?' && c == '?');
}

char *gen_comment_clean(gen_pool *pool, const char *text)
{
	gen_text clean = {NULL, 0, 0};
	uint32_t c;

	if (!text)
		return NULL;
	while (*text) {
		size_t size = gen_utf8_next(text, &c);

		if (clean.size && is_trouble(clean.data[clean.size - 1], *text))
			gen_text_add(&clean, " ", 1);
		if (c == GEN_UTF8_BAD)
			gen_text_add(&clean, "?", 1);
		else if (is_unwanted(c))
			gen_text_add(&clean, " ", 1);
		else
			gen_text_add(&clean, text, size);
		text += size;
	}

	char *result = gen_pool_strndup(pool, clean.data ? clean.data : "", clean.size);
	gen_text_done(&clean);
	return result;
}

/* One line of a comment that is being put together. */
typedef struct wrapped {
	gen_pool *pool;
	gen_text text; /* lines that end in '\n' and fit into width */
	size_t width;
	bool too_long; /* but for a word that is longer */
} wrapped;

static void add_wrapped(wrapped *lines, const char *line)
{
	size_t margin = strspn(line, " ");
	size_t column = 0;
	const char *word = line + margin;

	if (margin > lines->width / 2)
		margin = 0;
	while (*word) {
		size_t size = strcspn(word, " ");
		size_t width = gen_utf8_width(word, size);

		if (column && column + 1 + width > lines->width) {
			gen_text_add(&lines->text, "\n", 1);
			column = 0;
		}
		if (column)
			gen_text_add(&lines->text, " ", 1);
		else
			gen_text_printf(&lines->text, "%*s", (int)margin, "");
		column = (column ? column + 1 : margin) + width;
		if (column > lines->width)
			lines->too_long = true;
		gen_text_add(&lines->text, word, size);
		word += size;
		word += strspn(word, " ");
	}
	gen_text_add(&lines->text, "\n", 1);
}

/* Adds a paragraph, behind an empty line if it is not the first. */
static void add_paragraph(wrapped *lines, const char *text)
{
	char *clean = gen_comment_clean(lines->pool, text);
	size_t end = clean ? strlen(clean) : 0;

	while (end && strchr(" \n", clean[end - 1]))
		clean[--end] = '\0';
	if (!end)
		return;
	if (lines->text.size)
		gen_text_add(&lines->text, "\n", 1);

	bool begun = false;
	for (char *line = clean, *next; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (!begun && !line[strspn(line, " ")])
			continue;
		begun = true;
		add_wrapped(lines, *line == ' ' ? line + 1 : line);
	}
}

static void emit_lines(gen_emit *emit, unsigned indent, wrapped *lines)
{
	char *line = lines->text.data;
	char *end = strchr(line, '\n');

	if (!end[1] && (size_t)(end - line) + 6 + indent * GEN_TAB <= GEN_COLUMNS) {
		*end = '\0';
		gen_emit_line(emit, indent, "/* %s */", line + strspn(line, " "));
		return;
	}
	gen_emit_line(emit, indent, "/*");
	for (; *line; line = end + 1) {
		end = strchr(line, '\n');
		*end = '\0';
		gen_emit_comment_line(emit, indent, line);
	}
	gen_emit_line(emit, indent, " */");
}

void gen_comment_emit(
	gen_emit *emit, unsigned indent, const gen_location *location, const char *note)
{
	wrapped lines = {emit->pool, {NULL, 0, 0}, GEN_COLUMNS - 3 - indent * GEN_TAB, false};

	if (location) {
		add_paragraph(&lines, location->leading_comments);
		add_paragraph(&lines, location->trailing_comments);
	}
	add_paragraph(&lines, note);
	if (lines.text.size)
		emit_lines(emit, indent, &lines);
	if (lines.too_long)
		emit->too_long = true;
	gen_text_done(&lines.text);
}
