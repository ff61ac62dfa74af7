/* SPDX-License-Identifier: Apache-2.0 */
/* JSON text: one value after the other. */
#include "dynamic/json_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/utf8.h"

static size_t write_part(const pyr__json_path *path, char *to, size_t room)
{
	size_t used = path->up ? write_part(path->up, to, room) : 0;
	if (used >= room)
		return used;
	int wrote = path->name ? snprintf(to + used, room - used, "%s%.80s", used ? "." : "",
					 path->name)
			       : snprintf(to + used, room - used, "[%zu]", path->index);
	return used + (size_t)wrote;
}

void pyr__json_path_write(const pyr__json_path *path, char *to, size_t room)
{
	to[0] = '\0';
	if (path)
		write_part(path, to, room);
}

bool pyr__json_fail(const pyr__json_in *in, size_t at, const char *format, ...)
{
	char what[320], where[160];
	size_t line = 1, column = 1;
	va_list args;
	for (size_t i = 0; i < at; i++) {
		column = in->text[i] == '\n' ? 1 : column + ((in->text[i] & 0xc0) != 0x80);
		line += in->text[i] == '\n';
	}
	va_start(args, format);
	vsnprintf(what, sizeof what, format, args);
	va_end(args);
	pyr__json_path_write(in->path, where, sizeof where);
	pyr_error_set(in->err, PYR_INVALID_ARGUMENT, "line %zu, column %zu: %s%s%s", line, column,
		where, *where ? ": " : "", what);
	return false;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

pyr__json_kind pyr__json_peek(pyr__json_in *in)
{
	while (in->at < in->size && is_space(in->text[in->at]))
		in->at++;
	if (in->at == in->size)
		return PYR__JSON_END;
	switch (in->text[in->at]) {
	case '{':
		return PYR__JSON_OBJECT;
	case '[':
		return PYR__JSON_ARRAY;
	case '"':
		return PYR__JSON_STRING;
	case 't':
		return PYR__JSON_TRUE;
	case 'f':
		return PYR__JSON_FALSE;
	case 'n':
		return PYR__JSON_NULL;
	default:
		return in->text[in->at] == '-' ||
				       (in->text[in->at] >= '0' && in->text[in->at] <= '9')
			       ? PYR__JSON_NUMBER
			       : PYR__JSON_BAD;
	}
}

const char *pyr__json_kind_name(pyr__json_kind kind)
{
	static const char *const names[] = {
		[PYR__JSON_END] = "the end of the text",
		[PYR__JSON_OBJECT] = "an object",
		[PYR__JSON_ARRAY] = "an array",
		[PYR__JSON_STRING] = "a string",
		[PYR__JSON_NUMBER] = "a number",
		[PYR__JSON_TRUE] = "true",
		[PYR__JSON_FALSE] = "false",
		[PYR__JSON_NULL] = "null",
		[PYR__JSON_BAD] = "something that is no JSON",
	};
	return names[kind];
}

bool pyr__json_read_word(pyr__json_in *in)
{
	static const char *const words[] = {"true", "false", "null"};
	for (size_t i = 0; i < 3; i++) {
		size_t size = strlen(words[i]);
		if (in->size - in->at >= size && memcmp(in->text + in->at, words[i], size) == 0) {
			in->at += size;
			return true;
		}
	}
	return pyr__json_fail(in, in->at, "only true, false and null may stand without quotes");
}

/* Numbers */

static size_t skip_digits(pyr__json_in *in)
{
	size_t begin = in->at;
	while (in->at < in->size && in->text[in->at] >= '0' && in->text[in->at] <= '9')
		in->at++;
	return in->at - begin;
}

static bool skip_char(pyr__json_in *in, const char *any_of)
{
	bool there = in->at < in->size && in->text[in->at] && strchr(any_of, in->text[in->at]);
	in->at += there;
	return there;
}

bool pyr__json_read_number(pyr__json_in *in, pyr__text *ret_number)
{
	size_t begin = in->at;
	skip_char(in, "-");
	bool good = skip_char(in, "0") || skip_digits(in) > 0;
	if (good && skip_char(in, "."))
		good = skip_digits(in) > 0;
	if (good && skip_char(in, "eE")) {
		skip_char(in, "+-");
		good = skip_digits(in) > 0;
	}
	if (!good || skip_char(in, "0123456789"))
		return pyr__json_fail(in, begin, "a number is not written as JSON wants it");
	*ret_number = (pyr__text){in->text + begin, in->at - begin};
	return true;
}

/* Strings */

static void append(pyr__json_string *string, const char *data, size_t size)
{
	if (string->size + size + 1 > string->room) {
		string->room = (string->size + size + 1) * 2;
		string->data = pyr__realloc(string->data, string->room);
	}
	memcpy(string->data + string->size, data, size);
	string->size += size;
	string->data[string->size] = '\0';
}

static bool read_hex(pyr__json_in *in, uint32_t *ret_value)
{
	uint32_t value = 0;
	if (in->size - in->at < 4)
		return false;
	for (int i = 0; i < 4; i++) {
		char c = in->text[in->at++];
		if (c >= '0' && c <= '9')
			value = value << 4 | (uint32_t)(c - '0');
		else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))
			value = value << 4 | (uint32_t)((c | 0x20) - 'a' + 10);
		else
			return false;
	}
	*ret_value = value;
	return true;
}

static size_t encode_utf8(uint32_t c, char *to)
{
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	size_t size = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	for (size_t i = size - 1; i > 0; i--) {
		to[i] = (char)(0x80 | (c & 0x3f));
		c >>= 6;
	}
	static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
	to[0] = (char)(lead[size] | c);
	return size;
}

/* Behind \u: one unit of UTF-16, or two of them. */
static bool read_unicode(pyr__json_in *in, size_t begin, pyr__json_string *string)
{
	uint32_t c, low;
	char utf8[4];
	if (!read_hex(in, &c))
		return pyr__json_fail(in, begin, "\\u needs four hexadecimal digits");
	if (c >= 0xd800 && c < 0xdc00) {
		bool pair = in->size - in->at >= 6 && in->text[in->at] == '\\' &&
			    in->text[in->at + 1] == 'u';
		in->at += pair ? 2 : 0;
		if (!pair || !read_hex(in, &low) || low < 0xdc00 || low > 0xdfff)
			return pyr__json_fail(in, begin, "half of a surrogate pair is missing");
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	} else if (c >= 0xdc00 && c < 0xe000) {
		return pyr__json_fail(in, begin, "half of a surrogate pair is missing");
	}
	append(string, utf8, encode_utf8(c, utf8));
	return true;
}

static bool read_escape(pyr__json_in *in, pyr__json_string *string)
{
	static const char letters[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
	size_t begin = in->at++;
	if (in->at == in->size)
		return pyr__json_fail(in, begin, "a string does not end");
	char c = in->text[in->at++];
	if (c == 'u')
		return read_unicode(in, begin, string);
	const char *letter = c ? strchr(letters, c) : NULL;
	if (!letter)
		return pyr__json_fail(in, begin, "there is no such escape in a JSON string");
	append(string, &bytes[letter - letters], 1);
	return true;
}

static bool ends_plain(unsigned char c)
{
	return c == '"' || c == '\\' || c < 0x20;
}

bool pyr__json_read_string(pyr__json_in *in, pyr__json_string *string)
{
	size_t begin = in->at++;
	string->size = 0;
	append(string, "", 0);
	for (;;) {
		size_t from = in->at;
		while (in->at < in->size && !ends_plain((unsigned char)in->text[in->at]))
			in->at++;
		size_t valid = pyr__utf8_valid_bytes(in->text + from, in->at - from);
		if (valid < in->at - from)
			return pyr__json_fail(in, from + valid, "the text is not UTF-8");
		append(string, in->text + from, in->at - from);
		if (in->at == in->size)
			return pyr__json_fail(in, begin, "a string does not end");
		if (in->text[in->at] == '"') {
			in->at++;
			return true;
		}
		if (in->text[in->at] != '\\')
			return pyr__json_fail(
				in, in->at, "a control character in a string must be escaped");
		if (!read_escape(in, string))
			return false;
	}
}

/* Objects and arrays */

static bool close_one(pyr__json_in *in)
{
	in->at++;
	in->depth--;
	return false;
}

static char closing(pyr__json_kind kind)
{
	return kind == PYR__JSON_OBJECT ? '}' : ']';
}

bool pyr__json_open(pyr__json_in *in, pyr__json_kind kind)
{
	if (in->depth++ >= PYR__JSON_DEPTH_MAX)
		return pyr__json_fail(in, in->at, "objects and arrays are nested too deep");
	in->at++;
	pyr__json_peek(in);
	if (in->at < in->size && in->text[in->at] == closing(kind))
		return close_one(in);
	return true;
}

bool pyr__json_next(pyr__json_in *in, pyr__json_kind kind)
{
	pyr__json_peek(in);
	if (in->at < in->size && in->text[in->at] == closing(kind))
		return close_one(in);
	if (in->at == in->size || in->text[in->at] != ',')
		return pyr__json_fail(in, in->at, "a comma or '%c' is missing", closing(kind));
	in->at++;
	return true;
}

bool pyr__json_read_key(pyr__json_in *in, pyr__json_string *key)
{
	if (pyr__json_peek(in) != PYR__JSON_STRING)
		return pyr__json_fail(in, in->at, "a name in quotes is missing");
	if (!pyr__json_read_string(in, key))
		return false;
	pyr__json_peek(in);
	if (in->at == in->size || in->text[in->at] != ':')
		return pyr__json_fail(in, in->at, "a colon is missing");
	in->at++;
	return true;
}

static bool skip_members(pyr__json_in *in, pyr__json_kind kind, pyr__json_string *scratch)
{
	unsigned depth = in->depth;
	for (bool more = pyr__json_open(in, kind); more; more = pyr__json_next(in, kind)) {
		if (kind == PYR__JSON_OBJECT && !pyr__json_read_key(in, scratch))
			return false;
		if (!pyr__json_skip(in))
			return false;
	}
	return in->depth == depth;
}

bool pyr__json_skip(pyr__json_in *in)
{
	pyr__text number;
	pyr__json_string scratch = {NULL, 0, 0};
	pyr__json_kind kind = pyr__json_peek(in);
	bool good;
	switch (kind) {
	case PYR__JSON_OBJECT:
	case PYR__JSON_ARRAY:
		good = skip_members(in, kind, &scratch);
		break;
	case PYR__JSON_STRING:
		good = pyr__json_read_string(in, &scratch);
		break;
	case PYR__JSON_NUMBER:
		good = pyr__json_read_number(in, &number);
		break;
	case PYR__JSON_TRUE:
	case PYR__JSON_FALSE:
	case PYR__JSON_NULL:
		good = pyr__json_read_word(in);
		break;
	default:
		good = pyr__json_fail(
			in, in->at, "a value is missing, there is %s", pyr__json_kind_name(kind));
	}
	free(scratch.data);
	return good;
}

bool pyr__json_finish(pyr__json_in *in)
{
	if (pyr__json_peek(in) == PYR__JSON_END)
		return true;
	return pyr__json_fail(in, in->at, "there is more text behind the value");
}
