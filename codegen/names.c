/* SPDX-License-Identifier: Apache-2.0 */
/* How names of a .proto file become names in C: protobuf-c's rules, which services follow too. */
#include "names.h"

#include <string.h>
#include "reserved.h"
#include "text.h"

/* <ctype.h> depends on the locale; these do not. */
static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static char to_lower(char c)
{
	return is_upper(c) ? (char)(c - 'A' + 'a') : c;
}

static char to_upper(char c)
{
	return is_lower(c) ? (char)(c - 'a' + 'A') : c;
}

static char *split_words(gen_pool *pool, const char *name, char (*convert)(char))
{
	char *result = gen_pool_alloc(pool, 2 * strlen(name) + 1);
	char *to = result;
	bool was_upper = true;

	for (const char *from = name; *from; from++) {
		if (is_upper(*from) && !was_upper)
			*to++ = '_';
		*to++ = convert(*from);
		was_upper = is_upper(*from);
	}
	return result;
}

char *gen_name_lower(gen_pool *pool, const char *name)
{
	return split_words(pool, name, to_lower);
}

char *gen_name_upper(gen_pool *pool, const char *name)
{
	return split_words(pool, name, to_upper);
}

char *gen_name_camel(gen_pool *pool, const char *name)
{
	char *result = gen_pool_alloc(pool, strlen(name) + 1);
	char *to = result;
	bool capital = true;

	for (const char *from = name; *from; from++) {
		if (*from == '_') {
			capital = true;
			continue;
		}
		*to++ = capital ? to_upper(*from) : *from;
		capital = false;
	}
	return result;
}

char *gen_name_join(
	gen_pool *pool, const char *dotted, gen_name_convert *convert, const char *joiner)
{
	gen_text joined = {NULL, 0, 0};

	while (*dotted) {
		size_t size = strcspn(dotted, ".");

		if (size) {
			if (joined.size)
				gen_text_add_string(&joined, joiner);
			gen_text_add_string(
				&joined, convert(pool, gen_pool_strndup(pool, dotted, size)));
		}
		dotted += size + (dotted[size] == '.');
	}

	char *result = gen_pool_strndup(pool, joined.data ? joined.data : "", joined.size);
	gen_text_done(&joined);
	return result;
}

static char *lower_case(gen_pool *pool, const char *name)
{
	char *result = gen_pool_strndup(pool, name, strlen(name));

	for (char *c = result; *c; c++)
		*c = to_lower(*c);
	return result;
}

/*
 * A member that is no reserved word. Compilers have words and macros in the forms "__x" and
 * "__x__", too many to know.
 */
static char *free_member(gen_pool *pool, char *member)
{
	size_t size = strlen(member);

	if (member[0] == '_' && member[1] == '_')
		return gen_pool_printf(pool, "%s%s", member, member[size - 1] == '_' ? "0" : "_");
	return gen_reserved_member(member) ? gen_pool_printf(pool, "%s_", member) : member;
}

char *gen_name_member(gen_pool *pool, const char *field)
{
	return free_member(pool, lower_case(pool, field));
}

char *gen_name_member_protobuf_c(gen_pool *pool, const char *field)
{
	char *member = lower_case(pool, field);

	return gen_reserved_protobuf_c(member) ? gen_pool_printf(pool, "%s_", member) : member;
}

char *gen_name_ops_member(gen_pool *pool, const char *method)
{
	return free_member(pool, gen_name_lower(pool, method));
}

char *gen_name_mangle(gen_pool *pool, const char *path)
{
	char *result = gen_pool_alloc(pool, 3 * strlen(path) + 1);
	char *to = result;

	for (const char *from = path; *from; from++) {
		unsigned char byte = (unsigned char)*from;

		if (is_upper(*from) || is_lower(*from) || is_digit(*from)) {
			*to++ = *from;
			continue;
		}
		*to++ = '_';
		*to++ = "0123456789abcdef"[byte >> 4];
		*to++ = "0123456789abcdef"[byte & 15];
	}
	return result;
}

char *gen_name_without_suffix(gen_pool *pool, const char *path)
{
	static const char *const suffixes[] = {".protodevel", ".proto"};
	size_t size = strlen(path);

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		size_t suffix = strlen(suffixes[i]);

		if (size >= suffix && strcmp(path + size - suffix, suffixes[i]) == 0)
			return gen_pool_strndup(pool, path, size - suffix);
	}
	return gen_pool_strndup(pool, path, size);
}

bool gen_name_is_identifier(const char *name)
{
	if (!*name || is_digit(*name))
		return false;
	for (; *name; name++) {
		if (*name != '_' && !is_upper(*name) && !is_lower(*name) && !is_digit(*name))
			return false;
	}
	return true;
}
