/* SPDX-License-Identifier: Apache-2.0 */
/* Default values of proto2 fields: text in a descriptor, a C value for protobuf-c. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/owner.h"
#include "base/utf8.h"
#include "dynamic/number.h"
#include "dynamic/pool.h"

static void *keep(pyr__pool_file *file, const void *value, size_t size)
{
	void *copy = pyr__pool_take(file, size);
	memcpy(copy, value, size);
	return copy;
}

static const void *integer(pyr__pool_file *file, const char *text, bool is_signed, unsigned bits)
{
	char *end;
	errno = 0;
	long long wide = is_signed ? strtoll(text, &end, 10) : 0;
	unsigned long long positive = is_signed ? 0 : strtoull(text, &end, 10);
	bool bad = errno || end == text || *end || (!is_signed && text[0] == '-');
	if (bits == 32)
		bad |= is_signed ? wide < INT32_MIN || wide > INT32_MAX : positive > UINT32_MAX;
	if (bad)
		return NULL;
	uint64_t value = is_signed ? (uint64_t)wide : positive;
	uint32_t narrow = (uint32_t)value;
	return bits == 32 ? keep(file, &narrow, 4) : keep(file, &value, 8);
}

static const void *floating(pyr__pool_file *file, const char *text, bool is_double)
{
	char *end;
	double value = pyr__number_parse(text, &end);
	float narrow = (float)value;
	if (end == text || *end)
		return NULL;
	return is_double ? keep(file, &value, sizeof value) : keep(file, &narrow, sizeof narrow);
}

static const void *boolean(pyr__pool_file *file, const char *text)
{
	protobuf_c_boolean value = strcmp(text, "true") == 0;
	return value || strcmp(text, "false") == 0 ? keep(file, &value, sizeof value) : NULL;
}

static const void *enumerated(
	pyr__pool_file *file, const char *text, const ProtobufCFieldDescriptor *field)
{
	const pyr__pool_enum *e = PYR__OWNER(field->descriptor, const pyr__pool_enum, descriptor);
	if (!text)
		return keep(file, &e->first, sizeof e->first);
	const ProtobufCEnumValue *value =
		protobuf_c_enum_descriptor_get_value_by_name(&e->descriptor, text);
	return value ? keep(file, &value->value, sizeof value->value) : NULL;
}

static const void *string(pyr__pool_file *file, const char *text)
{
	size_t size = strlen(text);
	return pyr__utf8_valid_bytes(text, size) == size ? keep(file, text, size + 1) : NULL;
}

/* One character behind a backslash, as C writes them; false if it is none of them. */
static bool unescape(const char **at, uint8_t *ret_byte)
{
	static const char letters[] = "abfnrtv\\'\"?", bytes[] = "\a\b\f\n\r\t\v\\'\"?";
	const char *p = *at, *letter = *p ? strchr(letters, *p) : NULL;
	unsigned value = 0, digits = 0;
	if (letter) {
		*ret_byte = (uint8_t)bytes[letter - letters];
		*at = p + 1;
		return true;
	}
	if (*p == 'x') {
		char hex[3] = {p[1], p[1] ? p[2] : '\0', '\0'};
		char *end;
		value = (unsigned)strtoul(hex, &end, 16);
		*at = p + 1 + (end - hex);
		*ret_byte = (uint8_t)value;
		return end > hex && hex[0] != '-' && hex[0] != '+' && hex[0] != ' ';
	}
	for (; digits < 3 && *p >= '0' && *p <= '7'; digits++)
		value = value * 8 + (unsigned)(*p++ - '0');
	*at = p;
	*ret_byte = (uint8_t)value;
	return digits > 0 && value < 256;
}

static const void *bytes(pyr__pool_file *file, const char *text)
{
	uint8_t *data = pyr__pool_take(file, strlen(text) + 1);
	size_t size = 0;
	while (*text) {
		if (*text != '\\')
			data[size++] = (uint8_t)*text++;
		else if (text++, !unescape(&text, &data[size++]))
			return NULL;
	}
	ProtobufCBinaryData value = {size, data};
	return keep(file, &value, sizeof value);
}

static const void *convert(
	pyr__pool_file *file, const char *text, const ProtobufCFieldDescriptor *field)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
		return integer(file, text, true, 32);
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		return integer(file, text, true, 64);
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		return integer(file, text, false, 32);
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		return integer(file, text, false, 64);
	case PROTOBUF_C_TYPE_FLOAT:
	case PROTOBUF_C_TYPE_DOUBLE:
		return floating(file, text, field->type == PROTOBUF_C_TYPE_DOUBLE);
	case PROTOBUF_C_TYPE_BOOL:
		return boolean(file, text);
	case PROTOBUF_C_TYPE_ENUM:
		return enumerated(file, text, field);
	case PROTOBUF_C_TYPE_STRING:
		return string(file, text);
	case PROTOBUF_C_TYPE_BYTES:
		return bytes(file, text);
	default:
		return NULL;
	}
}

pyr_status pyr__pool_default(const pyr__adding *adding, const char *text, const char *what,
	const ProtobufCFieldDescriptor *field, const void **ret_value)
{
	*ret_value = convert(adding->file, text, field);
	return *ret_value ? PYR_OK : pyr__pool_bad(adding, "the default value of %s is none", what);
}
