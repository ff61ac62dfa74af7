/* SPDX-License-Identifier: Apache-2.0 */
/* The values of a message's __INIT macro. */
#include "init.h"

#include <string.h>
#include "default.h"

/* The values that are still to be read. */
typedef struct reader {
	gen_pool *pool;
	const char *at;
	gen_text *out;
} reader;

/* The next value, without the comma in front; NULL when there is none. */
static const char *next_value(reader *values)
{
	const char *start;
	int depth = 0;

	if (*values->at != ',')
		return NULL;
	values->at++;
	values->at += strspn(values->at, " ");
	start = values->at;
	for (; *values->at; values->at++) {
		if (*values->at == '{' || *values->at == '(')
			depth++;
		if (depth == 0 && (*values->at == ',' || *values->at == '}'))
			break;
		if (*values->at == '}' || *values->at == ')')
			depth--;
	}

	const char *end = values->at;
	while (end > start && end[-1] == ' ')
		end--;
	return gen_pool_strndup(values->pool, start, (size_t)(end - start));
}

/* Copies one value, or puts `instead`, which may be NULL, in its place. */
static bool copy_value(reader *values, const char *instead)
{
	const char *value = next_value(values);

	if (!value)
		return false;
	gen_text_printf(values->out, ", %s", instead ? instead : value);
	return true;
}

static bool copy_field(reader *values, const gen_message *message, const gen_field *field)
{
	bool repeated = field->proto->label ==
			GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_REPEATED;

	if ((repeated || gen_field_has_quantifier(message, field)) && !copy_value(values, NULL))
		return false;
	return copy_value(values, repeated ? NULL : gen_default_better(values->pool, field->proto));
}

/* What initializes a union is its first member. `{0}` does for all but these two in C++. */
static const char *union_value(gen_pool *pool, const gen_message *message, size_t oneof)
{
	for (size_t i = 0; i < message->proto->n_field; i++) {
		const gen_field *field = &message->fields[i];

		if (!field->proto->has_oneof_index || (size_t)field->proto->oneof_index != oneof)
			continue;
		if (field->enumeration)
			return gen_pool_printf(pool, "{(%s)0}", field->enumeration->c_name);
		return field->as_bytes ? "{{0, NULL}}" : NULL;
	}
	return NULL;
}

bool gen_init_patch(gen_pool *pool, const gen_message *message, const char *line, gen_text *out)
{
	reader values = {pool, line + strspn(line, " "), out};

	gen_text_add_string(out, "    ");
	for (size_t i = 0; i < message->proto->n_field; i++) {
		if (!message->fields[i].proto->has_oneof_index &&
			!copy_field(&values, message, &message->fields[i]))
			return false;
	}
	for (size_t i = 0; i < message->proto->n_oneof_decl; i++) {
		if (!copy_value(&values, NULL) ||
			!copy_value(&values, union_value(pool, message, i)))
			return false;
	}
	values.at += strspn(values.at, " ");
	gen_text_add_string(out, " }\n");
	return strcmp(values.at, "}") == 0;
}
