/* SPDX-License-Identifier: Apache-2.0 */
/* Messages as JSON text: fields, lists, maps and plain values. */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "codec/init.h"
#include "dynamic/base64.h"
#include "dynamic/json.h"
#include "dynamic/number.h"

/* Text */

bool pyr__json_out_fail(pyr__json_out *out, const char *format, ...)
{
	char what[320], where[160];
	va_list args;
	va_start(args, format);
	vsnprintf(what, sizeof what, format, args);
	va_end(args);
	pyr__json_path_write(out->path, where, sizeof where);
	pyr_error_set(out->err, PYR_INVALID_ARGUMENT, "%s%s%s", where, *where ? ": " : "", what);
	return false;
}

bool pyr__json_put(pyr__json_out *out, const char *text, size_t size)
{
	if (size >= out->options.bytes_max - out->size) {
		pyr_error_set(out->err, PYR_RESOURCE_EXHAUSTED,
			"the JSON text takes more than %u bytes", out->options.bytes_max);
		return false;
	}
	if (out->size + size + 1 > out->room) {
		out->room = (out->size + size + 1) * 2;
		out->text = pyr__realloc(out->text, out->room);
	}
	if (size)
		memcpy(out->text + out->size, text, size);
	out->size += size;
	out->text[out->size] = '\0';
	return true;
}

bool pyr__json_put_text(pyr__json_out *out, const char *text)
{
	return pyr__json_put(out, text, strlen(text));
}

static bool put_escaped(pyr__json_out *out, unsigned char c)
{
	static const char letters[] = "\"\\bfnrt", bytes[] = "\"\\\b\f\n\r\t";
	char text[8];
	const char *byte = c ? strchr(bytes, c) : NULL;
	if (byte)
		snprintf(text, sizeof text, "\\%c", letters[byte - bytes]);
	else
		snprintf(text, sizeof text, "\\u%04x", c);
	return pyr__json_put_text(out, text);
}

bool pyr__json_put_string(pyr__json_out *out, const char *text, size_t size)
{
	size_t from = 0;
	if (!pyr__json_put(out, "\"", 1))
		return false;
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c != '"' && c != '\\' && c >= 0x20 && c != 0x7f)
			continue;
		if (!pyr__json_put(out, text + from, i - from) || !put_escaped(out, c))
			return false;
		from = i + 1;
	}
	return pyr__json_put(out, text + from, size - from) && pyr__json_put(out, "\"", 1);
}

static bool put_line(pyr__json_out *out)
{
	static const char spaces[] = "                ";
	if (!out->options.indent)
		return true;
	if (!pyr__json_put(out, "\n", 1))
		return false;
	for (unsigned i = 0; i < out->level; i++)
		if (!pyr__json_put(out, spaces, out->options.indent))
			return false;
	return true;
}

bool pyr__json_put_open(pyr__json_out *out, const char *bracket)
{
	out->level++;
	return pyr__json_put_text(out, bracket);
}

bool pyr__json_put_close(pyr__json_out *out, const char *bracket, bool empty)
{
	out->level--;
	return (empty || put_line(out)) && pyr__json_put_text(out, bracket);
}

/* Between elements, and before the first one. */
static bool put_separator(pyr__json_out *out, bool *first)
{
	const char *comma = *first ? "" : out->options.indent ? "," : ", ";
	*first = false;
	return pyr__json_put_text(out, comma) && put_line(out);
}

bool pyr__json_put_key(pyr__json_out *out, const char *name, bool *first)
{
	return put_separator(out, first) && pyr__json_put_string(out, name, strlen(name)) &&
	       pyr__json_put_text(out, ": ");
}

/* Values */

static bool put_float(pyr__json_out *out, double value, bool is_float)
{
	char text[PYR__NUMBER_TEXT_MAX];
	if (isnan(value))
		return pyr__json_put_text(out, "\"NaN\"");
	if (isinf(value))
		return pyr__json_put_text(out, value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
	if (value == 0 && signbit(value))
		return pyr__json_put_text(out, "-0.0"); /* as an integer it would lose its sign */
	pyr__number_write(value, is_float, text);
	return pyr__json_put_text(out, text);
}

static bool put_bytes(pyr__json_out *out, const ProtobufCBinaryData *bytes)
{
	uint8_t part[3 * 256];
	char text[4 * 256];
	if (!pyr__json_put(out, "\"", 1))
		return false;
	for (size_t at = 0; at < bytes->len; at += sizeof part) {
		size_t size = bytes->len - at < sizeof part ? bytes->len - at : sizeof part;
		pyr__base64_write(bytes->data + at, size, text);
		if (!pyr__json_put(out, text, (size + 2) / 3 * 4))
			return false;
	}
	return pyr__json_put(out, "\"", 1);
}

static bool put_enum(pyr__json_out *out, const ProtobufCEnumDescriptor *descriptor, int32_t number)
{
	char text[16];
	const pyr__pool_enum *e = pyr__pool_enum_of(out->pool, descriptor);
	const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(descriptor, number);
	if (e && e->null_value)
		return pyr__json_put_text(out, "null");
	if (value && !out->options.enum_numbers)
		return pyr__json_put_string(out, value->name, strlen(value->name));
	snprintf(text, sizeof text, "%" PRId32, number);
	return pyr__json_put_text(out, text);
}

/* The text of an integer or a bool, as it is without quotes. */
static void print_integer(ProtobufCType type, const void *member, char text[32])
{
	switch (type) {
	case PROTOBUF_C_TYPE_BOOL:
		strcpy(text, *(const protobuf_c_boolean *)member ? "true" : "false");
		return;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		snprintf(text, 32, "%" PRId64, *(const int64_t *)member);
		return;
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		snprintf(text, 32, "%" PRIu64, *(const uint64_t *)member);
		return;
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		snprintf(text, 32, "%" PRIu32, *(const uint32_t *)member);
		return;
	default:
		snprintf(text, 32, "%" PRId32, *(const int32_t *)member);
	}
}

bool pyr__json_write_value(
	pyr__json_out *out, const ProtobufCFieldDescriptor *field, const void *member)
{
	char text[32];
	const char *string;
	switch (field->type) {
	case PROTOBUF_C_TYPE_MESSAGE:
		return pyr__json_write_message(out, *(ProtobufCMessage *const *)member);
	case PROTOBUF_C_TYPE_STRING:
		string = *(char *const *)member;
		return pyr__json_put_string(out, string ? string : "", string ? strlen(string) : 0);
	case PROTOBUF_C_TYPE_BYTES:
		return put_bytes(out, member);
	case PROTOBUF_C_TYPE_ENUM:
		return put_enum(out, field->descriptor, *(const int32_t *)member);
	case PROTOBUF_C_TYPE_FLOAT:
		return put_float(out, *(const float *)member, true);
	case PROTOBUF_C_TYPE_DOUBLE:
		return put_float(out, *(const double *)member, false);
	default:
		print_integer(field->type, member, text);
		bool quotes = pyr__json_size_of(field->type) == 8;
		return quotes ? pyr__json_put_string(out, text, strlen(text))
			      : pyr__json_put_text(out, text);
	}
}

bool pyr__json_write_list(
	pyr__json_out *out, const ProtobufCFieldDescriptor *field, const ProtobufCMessage *message)
{
	size_t count = *(const size_t *)pyr__json_quantifier(message, field);
	const uint8_t *array = *(uint8_t *const *)pyr__json_member(message, field);
	size_t element = pyr__json_size_of(field->type);
	pyr__json_path path = {out->path, NULL, 0};
	bool first = true, good = pyr__json_put_open(out, "[");
	out->path = &path;
	for (; good && path.index < count; path.index++)
		good = put_separator(out, &first) &&
		       pyr__json_write_value(out, field, array + path.index * element);
	out->path = path.up;
	return good && pyr__json_put_close(out, "]", count == 0);
}

/* Maps */

static char *key_text(const ProtobufCFieldDescriptor *key, const ProtobufCMessage *entry)
{
	char text[32];
	const void *member = pyr__json_member(entry, key);
	if (key->type == PROTOBUF_C_TYPE_STRING) {
		const char *string = *(char *const *)member;
		return pyr__strdup(string ? string : "");
	}
	print_integer(key->type, member, text);
	return pyr__strdup(text);
}

/* Which entry of each key counts: the last. keys[i] is NULL for the others. */
static void drop_repeated_keys(char **keys, size_t count)
{
	pyr__map seen;
	pyr__map_init(&seen);
	for (size_t i = count; i-- > 0;) {
		if (pyr__map_insert(&seen, keys[i], strlen(keys[i]), keys[i]))
			continue;
		free(keys[i]);
		keys[i] = NULL;
	}
	pyr__map_done(&seen);
}

/* A message that the entry leaves out is an empty one. */
static bool write_entry_value(
	pyr__json_out *out, const ProtobufCFieldDescriptor *field, const ProtobufCMessage *entry)
{
	const void *member = pyr__json_member(entry, field);
	if (field->type != PROTOBUF_C_TYPE_MESSAGE || *(void *const *)member)
		return pyr__json_write_value(out, field, member);
	const ProtobufCMessageDescriptor *descriptor = field->descriptor;
	ProtobufCMessage *empty = pyr__alloc(descriptor->sizeof_message);
	pyr__message_init(descriptor, empty);
	bool good = pyr__json_write_message(out, empty);
	free(empty);
	return good;
}

static bool write_entries(pyr__json_out *out, const ProtobufCFieldDescriptor *value,
	ProtobufCMessage *const *entries, char *const *keys, size_t count)
{
	pyr__json_path path = {out->path, NULL, 0};
	bool first = true, good = pyr__json_put_open(out, "{");
	out->path = &path;
	for (size_t i = 0; good && i < count; i++) {
		path.name = keys[i];
		if (keys[i])
			good = pyr__json_put_key(out, keys[i], &first) &&
			       write_entry_value(out, value, entries[i]);
	}
	out->path = path.up;
	return good && pyr__json_put_close(out, "}", first);
}

bool pyr__json_write_map(
	pyr__json_out *out, const ProtobufCFieldDescriptor *field, const ProtobufCMessage *message)
{
	const ProtobufCMessageDescriptor *entry = field->descriptor;
	size_t count = *(const size_t *)pyr__json_quantifier(message, field);
	ProtobufCMessage *const *entries =
		*(ProtobufCMessage * *const *)pyr__json_member(message, field);
	char **keys = pyr__alloc((count + 1) * sizeof *keys);
	for (size_t i = 0; i < count; i++)
		keys[i] = key_text(&entry->fields[0], entries[i]);
	drop_repeated_keys(keys, count);
	bool good = write_entries(out, &entry->fields[1], entries, keys, count);
	for (size_t i = 0; i < count; i++)
		free(keys[i]);
	free(keys);
	return good;
}

/* Fields */

static bool is_zero(const ProtobufCFieldDescriptor *field, const void *member)
{
	static const uint8_t zero[8];
	return memcmp(member, zero, pyr__json_size_of(field->type)) == 0;
}

/* Whether a field is there, as protobuf-c would pack it. */
static bool is_present(const ProtobufCFieldDescriptor *field, const ProtobufCMessage *message)
{
	const void *member = pyr__json_member(message, field);
	const void *quantifier = pyr__json_quantifier(message, field);
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return *(const size_t *)quantifier > 0;
	if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF &&
		*(const uint32_t *)quantifier != field->id)
		return false;
	bool pointer =
		field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE;
	const char *pointed = pointer ? *(const char *const *)member : NULL;
	if (field->type == PROTOBUF_C_TYPE_MESSAGE && !pointed)
		return false;
	if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) ||
		field->label == PROTOBUF_C_LABEL_REQUIRED)
		return true;
	if (field->label == PROTOBUF_C_LABEL_OPTIONAL)
		return pointer ? pointed && pointed != field->default_value
			       : *(const protobuf_c_boolean *)quantifier != 0;
	if (field->type == PROTOBUF_C_TYPE_STRING)
		return pointed && *pointed;
	if (field->type == PROTOBUF_C_TYPE_BYTES)
		return ((const ProtobufCBinaryData *)member)->len > 0;
	return field->type == PROTOBUF_C_TYPE_MESSAGE || !is_zero(field, member);
}

/* For the option `defaults`: a field that cannot be absent. */
static bool has_no_presence(const ProtobufCFieldDescriptor *field)
{
	return field->label == PROTOBUF_C_LABEL_REPEATED ||
	       (field->label == PROTOBUF_C_LABEL_NONE &&
		       !(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) &&
		       field->type != PROTOBUF_C_TYPE_MESSAGE);
}

static bool write_field(
	pyr__json_out *out, const ProtobufCFieldDescriptor *field, const ProtobufCMessage *message)
{
	if (pyr__json_map_entry(out->pool, field))
		return pyr__json_write_map(out, field, message);
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return pyr__json_write_list(out, field, message);
	return pyr__json_write_value(out, field, pyr__json_member(message, field));
}

bool pyr__json_write_fields(pyr__json_out *out, const pyr__json_type *type,
	const ProtobufCMessage *message, bool *first)
{
	pyr__json_path path = {out->path, NULL, 0};
	bool good = true;
	out->path = &path;
	for (unsigned i = 0; good && i < type->layout->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &type->layout->fields[i];
		bool shown = is_present(field, message) ||
			     (out->options.defaults && has_no_presence(field));
		path.name = out->options.proto_names ? field->name : type->info->json_names[i];
		if (shown)
			good = pyr__json_put_key(out, path.name, first) &&
			       write_field(out, field, message);
	}
	out->path = path.up;
	return good;
}

static bool write_any_message(pyr__json_out *out, const ProtobufCMessage *message)
{
	pyr__json_type type;
	bool first = true;
	if (!message)
		return pyr__json_out_fail(out, "there is no message");
	if (pyr__json_type_of(out->pool, message->descriptor, &type, out->err))
		return false;
	if (type.info->known != PYR__KNOWN_NOT)
		return pyr__json_write_known(out, &type, message);
	return pyr__json_put_open(out, "{") &&
	       pyr__json_write_fields(out, &type, message, &first) &&
	       pyr__json_put_close(out, "}", first);
}

bool pyr__json_write_message(pyr__json_out *out, const ProtobufCMessage *message)
{
	if (out->depth >= PYR__JSON_MESSAGE_DEPTH_MAX)
		return pyr__json_out_fail(
			out, "messages are nested deeper than %d", PYR__JSON_MESSAGE_DEPTH_MAX);
	out->depth++;
	bool good = write_any_message(out, message);
	out->depth--;
	return good;
}

pyr_status pyr_json_write(const pyr_pool *pool, const ProtobufCMessage *message,
	const pyr_json_options *options, char **ret_text, pyr_error *err)
{
	pyr_error own;
	pyr__json_out out = {.pool = pool, .err = err ? err : &own};
	pyr__json_options_fill(&out.options, options);
	if (pyr__json_write_message(&out, message)) {
		*ret_text = out.text;
		return PYR_OK;
	}
	free(out.text);
	return out.err->status;
}
