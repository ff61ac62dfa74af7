/* SPDX-License-Identifier: Apache-2.0 */
/* Default values that protoc-gen-c 1.4.1 does not write as valid or exact C. */
#include "default.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_float(const gen_field_proto *field)
{
	return field->type == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_FLOAT;
}

static bool is_double(const gen_field_proto *field)
{
	return field->type == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_DOUBLE;
}

static bool is_int64(const gen_field_proto *field)
{
	return field->type == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_INT64 ||
	       field->type == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SINT64 ||
	       field->type == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SFIXED64;
}

static double value_of(const gen_field_proto *field)
{
	return is_float(field) ? (double)strtof(field->default_value, NULL)
			       : strtod(field->default_value, NULL);
}

bool gen_default_needs_math(const gen_field_proto *field)
{
	return field->default_value && (is_float(field) || is_double(field)) &&
	       !isfinite(value_of(field));
}

/* Digits that read back as exactly this value, in a form that is no integer in C. */
static const char *exact(gen_pool *pool, double value, bool single)
{
	char *digits =
		gen_pool_printf(pool, "%.*g", single ? FLT_DECIMAL_DIG : DBL_DECIMAL_DIG, value);

	return gen_pool_printf(
		pool, "%s%s%s", digits, strpbrk(digits, ".e") ? "" : ".0", single ? "f" : "");
}

static const char *better_number(gen_pool *pool, double value, bool single)
{
	char written[64];

	if (isnan(value))
		return "NAN";
	if (isinf(value))
		return value > 0 ? "INFINITY" : "-INFINITY";
	snprintf(written, sizeof(written), "%.*g", single ? FLT_DIG : DBL_DIG, value);
	double read = single ? (double)strtof(written, NULL) : strtod(written, NULL);

	/* Without a point it is an integer, which has no negative zero. */
	if (read == value && strpbrk(written, ".e"))
		return NULL;
	if (read == value && !(value == 0 && signbit(value)) && fabs(value) < 1e6)
		return NULL;
	return exact(pool, value, single);
}

const char *gen_default_better(gen_pool *pool, const gen_field_proto *field)
{
	if (!field->default_value)
		return NULL;
	if (is_float(field) || is_double(field))
		return better_number(pool, value_of(field), is_float(field));
	if (is_int64(field) && strcmp(field->default_value, "-9223372036854775808") == 0)
		return "(-9223372036854775807ll - 1)";
	return NULL;
}
