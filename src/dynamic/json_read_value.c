/* SPDX-License-Identifier: Apache-2.0 */
/* Single values from JSON: numbers, strings, bytes, enums, and the keys of maps. */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "dynamic/base64.h"
#include "dynamic/json.h"
#include "dynamic/number.h"

#define NUMBER_BYTES_MAX 400 /* a longer one is no number that anybody means */

/* One value that is being read, at the place where it begins. */
typedef struct value {
	pyr__json_reader *reader;
	const ProtobufCFieldDescriptor *field;
	void *member;
	size_t at;
} value;

static bool bad(const value *v, const char *what)
{
	return pyr__json_fail(&v->reader->in, v->at, "%s", what);
}

/* Integers */

/* Of digits alone; false when it does not fit into 64 bits. */
static bool digits_to_u64(const char *digits, size_t size, uint64_t *ret_value)
{
	uint64_t total = 0;
	for (size_t i = 0; i < size; i++) {
		uint64_t digit = (uint64_t)(digits[i] - '0');
		if (total > (UINT64_MAX - digit) / 10)
			return false;
		total = total * 10 + digit;
	}
	*ret_value = total;
	return true;
}

/* Digits with a sign, or nothing; past 1,000 it does not matter any more. */
static long read_exponent(const char *text, size_t size)
{
	bool negative = size > 0 && text[0] == '-';
	long exponent = 0;
	for (size_t i = size > 0 && (negative || text[0] == '+'); i < size; i++)
		if (exponent < 10000)
			exponent = exponent * 10 + (text[i] - '0');
	return negative ? -exponent : exponent;
}

/*
 * "-12.50e2" without its sign, as digits: what is behind the point after it has been moved must be
 * zeros. No double is in between, so that all 64 bits count. False for what is no integer, or too
 * large.
 */
static bool magnitude(const char *text, size_t size, uint64_t *ret_value)
{
	char digits[NUMBER_BYTES_MAX + 32];
	size_t count = 0, at = 0;
	long point = 0, exponent = 0;
	for (; at < size && text[at] >= '0' && text[at] <= '9'; at++)
		digits[count++] = text[at];
	point = (long)count;
	if (at < size && text[at] == '.')
		for (at++; at < size && text[at] >= '0' && text[at] <= '9'; at++)
			digits[count++] = text[at];
	if (at < size)
		exponent = read_exponent(text + at + 1, size - at - 1);
	size_t zeros = 0; /* leading ones count for nothing */
	while (zeros < count && digits[zeros] == '0')
		zeros++;
	*ret_value = 0;
	if (zeros == count)
		return true;
	if (exponent > 1000 || exponent < -1000 || point + exponent - (long)zeros > 20)
		return false;
	point += exponent;
	for (size_t i = point < 0 ? 0 : (size_t)point; i < count; i++)
		if (digits[i] != '0')
			return false;
	while ((long)count < point)
		digits[count++] = '0';
	return digits_to_u64(digits + zeros, (size_t)point - zeros, ret_value);
}

static bool store_integer(const value *v, bool negative, uint64_t size)
{
	int64_t wide;
	switch (v->field->type) {
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		if ((negative && size) || size > UINT32_MAX)
			return bad(v, "the number does not fit: 0 to 4294967295");
		*(uint32_t *)v->member = (uint32_t)size;
		return true;
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		if (negative && size)
			return bad(v, "the number does not fit: it must not be negative");
		*(uint64_t *)v->member = size;
		return true;
	default:
		break;
	}
	if (size > (uint64_t)INT64_MAX + negative)
		return bad(v, "the number does not fit into 64 bits");
	wide = negative ? (int64_t)(0 - size) : (int64_t)size;
	if (pyr__json_size_of(v->field->type) == 8) {
		*(int64_t *)v->member = wide;
		return true;
	}
	if (wide < INT32_MIN || wide > INT32_MAX)
		return bad(v, "the number does not fit: -2147483648 to 2147483647");
	*(int32_t *)v->member = (int32_t)wide;
	return true;
}

static bool parse_integer(const value *v, const char *text, size_t size)
{
	bool negative = size > 0 && text[0] == '-';
	uint64_t absolute;
	if (size > NUMBER_BYTES_MAX)
		return bad(v, "the number is too long");
	if (!magnitude(text + negative, size - negative, &absolute))
		return bad(v, "that is no integer of 64 bits");
	return store_integer(v, negative, absolute);
}

/* Floating point */

static bool store_float(const value *v, double number)
{
	bool is_float = v->field->type == PROTOBUF_C_TYPE_FLOAT;
	if (is_float && isfinite(number) && isinf((float)number))
		return bad(v, "the number is too large for a float");
	if (is_float)
		*(float *)v->member = (float)number;
	else
		*(double *)v->member = number;
	return true;
}

static bool parse_float(const value *v, const char *text, size_t size)
{
	char copy[NUMBER_BYTES_MAX + 1];
	if (size > NUMBER_BYTES_MAX)
		return bad(v, "the number is too long");
	memcpy(copy, text, size);
	copy[size] = '\0';
	double number = pyr__number_parse(copy, NULL);
	if (isinf(number))
		return bad(v, "the number is too large");
	return store_float(v, number);
}

static bool is_floating(ProtobufCType type)
{
	return type == PROTOBUF_C_TYPE_FLOAT || type == PROTOBUF_C_TYPE_DOUBLE;
}

/* A number that is written as a string, as those of 64 bits are. */
static bool parse_number_string(const value *v, const pyr__json_string *string)
{
	pyr_error ignored;
	pyr__json_in in = {.text = string->data, .size = string->size, .err = &ignored};
	pyr__text number;
	if (is_floating(v->field->type)) {
		if (strcmp(string->data, "NaN") == 0)
			return store_float(v, (double)NAN);
		if (strcmp(string->data, "Infinity") == 0)
			return store_float(v, (double)INFINITY);
		if (strcmp(string->data, "-Infinity") == 0)
			return store_float(v, -(double)INFINITY);
	}
	if (in.size == 0 || !pyr__json_read_number(&in, &number) || in.at < in.size)
		return bad(v, "the string is no number");
	return is_floating(v->field->type) ? parse_float(v, number.data, number.size)
					   : parse_integer(v, number.data, number.size);
}

static bool read_number(const value *v, pyr__json_kind kind)
{
	pyr__text number;
	pyr__json_string string = {NULL, 0, 0};
	if (kind == PYR__JSON_STRING) {
		bool good = pyr__json_read_string(&v->reader->in, &string) &&
			    parse_number_string(v, &string);
		free(string.data);
		return good;
	}
	if (kind != PYR__JSON_NUMBER)
		return pyr__json_fail(&v->reader->in, v->at, "there must be a number, not %s",
			pyr__json_kind_name(kind));
	if (!pyr__json_read_number(&v->reader->in, &number))
		return false;
	return is_floating(v->field->type) ? parse_float(v, number.data, number.size)
					   : parse_integer(v, number.data, number.size);
}

/* Text and bytes */

static void free_string(const value *v)
{
	char **member = v->member;
	if (*member && *member != v->field->default_value && *member != protobuf_c_empty_string)
		free(*member);
	*member = NULL;
}

static bool store_string(const value *v, const pyr__json_string *string)
{
	if (strlen(string->data) != string->size)
		return bad(v, "a string with a NUL character (\\u0000) has no place in a C string");
	char *copy = pyr__json_take(v->reader, string->size + 1);
	if (!copy)
		return false;
	memcpy(copy, string->data, string->size);
	free_string(v);
	*(char **)v->member = copy;
	return true;
}

static bool store_bytes(const value *v, const pyr__json_string *string)
{
	ProtobufCBinaryData *bytes = v->member;
	uint8_t *data = pyr__json_take(v->reader, string->size / 4 * 3 + 3);
	size_t size;
	if (!data)
		return false;
	if (!pyr__base64_read(string->data, string->size, data, &size)) {
		free(data);
		return bad(v, "the string is no base64");
	}
	if (size == 0) {
		free(data);
		data = NULL;
	}
	bytes->data = data;
	bytes->len = size;
	return true;
}

static bool store_enum_name(const value *v, const pyr__json_string *string)
{
	const ProtobufCEnumDescriptor *descriptor = v->field->descriptor;
	const ProtobufCEnumValue *named =
		strlen(string->data) == string->size
			? protobuf_c_enum_descriptor_get_value_by_name(descriptor, string->data)
			: NULL;
	if (!named && v->reader->options.ignore_unknown)
		return true;
	if (!named)
		return pyr__json_fail(&v->reader->in, v->at, "%.120s has no value '%.80s'",
			descriptor->name, string->data);
	*(int32_t *)v->member = named->value;
	return true;
}

static bool read_text(const value *v, pyr__json_kind kind)
{
	pyr__json_string string = {NULL, 0, 0};
	if (kind != PYR__JSON_STRING)
		return pyr__json_fail(&v->reader->in, v->at, "there must be a string, not %s",
			pyr__json_kind_name(kind));
	bool good = pyr__json_read_string(&v->reader->in, &string);
	if (good && v->field->type == PROTOBUF_C_TYPE_STRING)
		good = store_string(v, &string);
	else if (good && v->field->type == PROTOBUF_C_TYPE_BYTES)
		good = store_bytes(v, &string);
	else if (good)
		good = store_enum_name(v, &string);
	free(string.data);
	return good;
}

static bool read_enum(const value *v, pyr__json_kind kind)
{
	const pyr__pool_enum *e = pyr__pool_enum_of(v->reader->pool, v->field->descriptor);
	if (kind == PYR__JSON_NULL && e && e->null_value) {
		*(int32_t *)v->member = 0;
		return pyr__json_read_word(&v->reader->in);
	}
	if (kind != PYR__JSON_NUMBER)
		return read_text(v, kind);
	if (!read_number(v, kind))
		return false;
	if (e && e->closed && !v->reader->options.ignore_unknown &&
		!protobuf_c_enum_descriptor_get_value(v->field->descriptor, *(int32_t *)v->member))
		return pyr__json_fail(&v->reader->in, v->at, "%.120s has no value %d",
			e->symbol.name, (int)*(int32_t *)v->member);
	return true;
}

static bool read_bool(const value *v, pyr__json_kind kind)
{
	if (kind != PYR__JSON_TRUE && kind != PYR__JSON_FALSE)
		return pyr__json_fail(&v->reader->in, v->at, "there must be true or false, not %s",
			pyr__json_kind_name(kind));
	*(protobuf_c_boolean *)v->member = kind == PYR__JSON_TRUE;
	return pyr__json_read_word(&v->reader->in);
}

bool pyr__json_read_scalar(
	pyr__json_reader *reader, const ProtobufCFieldDescriptor *field, void *member)
{
	pyr__json_kind kind = pyr__json_peek(&reader->in);
	value v = {reader, field, member, reader->in.at};
	switch (field->type) {
	case PROTOBUF_C_TYPE_BOOL:
		return read_bool(&v, kind);
	case PROTOBUF_C_TYPE_ENUM:
		return read_enum(&v, kind);
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_BYTES:
		return read_text(&v, kind);
	default:
		return read_number(&v, kind);
	}
}

bool pyr__json_read_value(
	pyr__json_reader *reader, const ProtobufCFieldDescriptor *field, void *member)
{
	if (field->type != PROTOBUF_C_TYPE_MESSAGE)
		return pyr__json_read_scalar(reader, field, member);
	ProtobufCMessage *message = pyr__json_new_message(reader, field->descriptor);
	if (!message)
		return false;
	*(ProtobufCMessage **)member = message; /* the outer one frees it if this fails */
	return pyr__json_read_message(reader, message);
}

bool pyr__json_parse_key(pyr__json_reader *reader, const ProtobufCFieldDescriptor *field,
	const pyr__json_string *text, size_t at, void *member)
{
	value v = {reader, field, member, at};
	if (field->type == PROTOBUF_C_TYPE_STRING)
		return store_string(&v, text);
	if (field->type != PROTOBUF_C_TYPE_BOOL)
		return parse_number_string(&v, text);
	bool truth = strcmp(text->data, "true") == 0;
	if (!truth && strcmp(text->data, "false") != 0)
		return bad(&v, "the key must be \"true\" or \"false\"");
	*(protobuf_c_boolean *)member = truth;
	return true;
}
