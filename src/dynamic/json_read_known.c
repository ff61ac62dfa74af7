/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the types of google.protobuf that have a JSON form of their own. */
#include <stdlib.h>
#include <string.h>
#include "codec/encode.h"
#include "dynamic/json.h"
#include "dynamic/json_time.h"

static const ProtobufCFieldDescriptor *field_at(const pyr__json_type *type, unsigned index)
{
	return &type->layout->fields[index];
}

static bool read_string(
	pyr__json_reader *reader, const pyr__json_type *type, pyr__json_string *string)
{
	pyr__json_kind kind = pyr__json_peek(&reader->in);
	if (kind != PYR__JSON_STRING)
		return pyr__json_fail(&reader->in, reader->in.at,
			"a %s is written as a string, not as %s", type->info->symbol.name,
			pyr__json_kind_name(kind));
	return pyr__json_read_string(&reader->in, string);
}

static bool parse_time(pyr__json_reader *reader, const pyr__json_type *type,
	ProtobufCMessage *message, const char *text, size_t at)
{
	int64_t seconds;
	int32_t nanos;
	bool is_duration = type->info->known == PYR__KNOWN_DURATION;
	if (is_duration ? !pyr__duration_read(text, &seconds, &nanos)
			: !pyr__timestamp_read(text, &seconds, &nanos))
		return pyr__json_fail(&reader->in, at, "'%.60s' is no %s; one is \"%s\"", text,
			is_duration ? "duration" : "time",
			is_duration ? "1.5s" : "2023-01-31T10:00:20.021Z");
	*(int64_t *)pyr__json_member(message, field_at(type, 0)) = seconds;
	*(int32_t *)pyr__json_member(message, field_at(type, 1)) = nanos;
	pyr__json_mark(message, field_at(type, 0));
	pyr__json_mark(message, field_at(type, 1));
	return true;
}

/* Paths of a field mask */

static bool add_path(pyr__json_reader *reader, const pyr__json_type *type,
	ProtobufCMessage *message, const char *camel, size_t size)
{
	const ProtobufCFieldDescriptor *field = field_at(type, 0);
	size_t *count = pyr__json_quantifier(message, field);
	char ***paths = pyr__json_member(message, field);
	char *path = pyr__json_take(reader, 2 * size + 1), *to = path;
	if (!path)
		return false;
	for (size_t i = 0; i < size; i++) {
		if (camel[i] >= 'A' && camel[i] <= 'Z') {
			*to++ = '_';
			*to++ = (char)(camel[i] - 'A' + 'a');
		} else {
			*to++ = camel[i];
		}
	}
	*to = '\0';
	(*paths)[(*count)++] = path;
	return true;
}

static bool parse_mask(pyr__json_reader *reader, const pyr__json_type *type,
	ProtobufCMessage *message, const char *text, size_t at)
{
	size_t commas = 0;
	for (const char *p = text; *p; p++)
		commas += *p == ',';
	if (strchr(text, '_'))
		return pyr__json_fail(&reader->in, at,
			"the paths of a field mask are lowerCamelCase, without '_'");
	if (!*text)
		return true;
	char **paths = pyr__json_take(reader, (commas + 1) * sizeof *paths);
	*(char ***)pyr__json_member(message, field_at(type, 0)) = paths;
	for (size_t i = 0; paths && i <= commas; i++) {
		size_t size = strcspn(text, ",");
		if (!add_path(reader, type, message, text, size))
			return false;
		text += size + 1;
	}
	return paths != NULL;
}

static bool read_from_string(
	pyr__json_reader *reader, const pyr__json_type *type, ProtobufCMessage *message)
{
	pyr__json_string string = {NULL, 0, 0};
	pyr__json_peek(&reader->in);
	size_t at = reader->in.at;
	bool good = read_string(reader, type, &string);
	if (good && strlen(string.data) != string.size)
		good = pyr__json_fail(&reader->in, at, "there is a NUL character in the string");
	if (good && type->info->known == PYR__KNOWN_FIELD_MASK)
		good = parse_mask(reader, type, message, string.data, at);
	else if (good)
		good = parse_time(reader, type, message, string.data, at);
	free(string.data);
	return good;
}

/* Struct, Value, ListValue */

static bool read_kind(
	pyr__json_reader *reader, const pyr__json_type *type, ProtobufCMessage *message)
{
	static const unsigned fields[] = {
		[PYR__JSON_NULL] = 0,
		[PYR__JSON_NUMBER] = 1,
		[PYR__JSON_STRING] = 2,
		[PYR__JSON_TRUE] = 3,
		[PYR__JSON_FALSE] = 3,
		[PYR__JSON_OBJECT] = 4,
		[PYR__JSON_ARRAY] = 5,
		[PYR__JSON_BAD] = 0,
	};
	pyr__json_kind kind = pyr__json_peek(&reader->in);
	if (kind == PYR__JSON_BAD || kind == PYR__JSON_END)
		return pyr__json_skip(&reader->in); /* which says what is wrong */
	const ProtobufCFieldDescriptor *field = field_at(type, fields[kind]);
	pyr__json_mark(message, field);
	if (kind == PYR__JSON_NULL)
		return pyr__json_read_word(&reader->in);
	return pyr__json_read_value(reader, field, pyr__json_member(message, field));
}

/* Any */

static void pack_any(const pyr__json_type *type, ProtobufCMessage *message, char *url,
	uint8_t *data, size_t size)
{
	*(char **)pyr__json_member(message, field_at(type, 0)) = url;
	ProtobufCBinaryData *bytes = pyr__json_member(message, field_at(type, 1));
	bytes->data = data;
	bytes->len = size;
	pyr__json_mark(message, field_at(type, 0));
	pyr__json_mark(message, field_at(type, 1));
}

/* Finds "@type" wherever it is in the object, and goes back. url.data is NULL for {}. */
static bool find_url(pyr__json_reader *reader, pyr__json_string *url)
{
	pyr__json_in *in = &reader->in;
	pyr__json_in before = *in;
	pyr__json_string key = {NULL, 0, 0};
	bool good = true, found = false, empty = true;
	bool more = pyr__json_open(in, PYR__JSON_OBJECT);
	for (; more && good && !found;
		more = good && !found && pyr__json_next(in, PYR__JSON_OBJECT)) {
		empty = false;
		good = pyr__json_read_key(in, &key);
		found = good && strcmp(key.data, "@type") == 0;
		if (found && pyr__json_peek(in) != PYR__JSON_STRING)
			good = pyr__json_fail(in, in->at, "\"@type\" must be a string");
		else if (found)
			good = pyr__json_read_string(in, url);
		else if (good)
			good = pyr__json_skip(in);
	}
	free(key.data);
	if (good && !found && (!empty || in->depth != before.depth))
		good = in->depth == before.depth &&
		       pyr__json_fail(in, before.at, "an Any needs a member \"@type\"");
	if (good && found)
		*in = before;
	return good;
}

/* {"@type": ..., "value": what the type's own form is} */
static bool read_any_value(pyr__json_reader *reader, ProtobufCMessage *inner)
{
	pyr__json_in *in = &reader->in;
	pyr__json_string key = {NULL, 0, 0};
	unsigned depth = in->depth;
	bool good = true, read = false;
	for (bool more = pyr__json_open(in, PYR__JSON_OBJECT); more && good;
		more = good && pyr__json_next(in, PYR__JSON_OBJECT)) {
		good = pyr__json_read_key(in, &key);
		if (good && strcmp(key.data, "@type") == 0)
			good = pyr__json_skip(in);
		else if (good && strcmp(key.data, "value") == 0 && !read)
			good = read = pyr__json_read_message(reader, inner);
		else if (good)
			good = pyr__json_fail(in, in->at,
				"an Any of this type has the members \"@type\" and \"value\" only");
	}
	free(key.data);
	if (good && in->depth == depth && !read)
		return pyr__json_fail(in, in->at - 1, "the member \"value\" is missing");
	return good && in->depth == depth;
}

static bool read_inner(
	pyr__json_reader *reader, const pyr__pool_message *info, ProtobufCMessage *inner)
{
	pyr__json_type type = {info, &info->descriptor};
	if (info->known != PYR__KNOWN_NOT)
		return read_any_value(reader, inner);
	return pyr__json_read_fields(reader, &type, inner, "@type");
}

static bool pack_inner(pyr__json_reader *reader, const pyr__json_type *type,
	ProtobufCMessage *message, const ProtobufCMessage *inner, const pyr__json_string *url)
{
	size_t size;
	if (pyr__encoded_size(inner, &size, reader->in.err))
		return false;
	uint8_t *data = pyr__json_take(reader, size + 1);
	char *copy = data ? pyr__json_take(reader, url->size + 1) : NULL;
	if (!copy) {
		free(data);
		return false;
	}
	memcpy(copy, url->data, url->size);
	pyr__encode(inner, data, size);
	pack_any(type, message, copy, data, size);
	return true;
}

static bool read_typed(pyr__json_reader *reader, const pyr__json_type *type,
	ProtobufCMessage *message, const pyr__json_string *url)
{
	const char *slash = strrchr(url->data, '/');
	const pyr__pool_message *info = slash && strlen(url->data) == url->size
						? pyr__pool_find_message(reader->pool, slash + 1)
						: NULL;
	if (!info)
		return pyr__json_fail(&reader->in, reader->in.at,
			"the type '%.120s' of an Any is not known", url->data);
	ProtobufCMessage *inner = pyr__json_new_message(reader, &info->descriptor);
	bool good = inner && read_inner(reader, info, inner) &&
		    pack_inner(reader, type, message, inner, url);
	if (inner)
		protobuf_c_message_free_unpacked(inner, NULL);
	return good;
}

static bool read_any(
	pyr__json_reader *reader, const pyr__json_type *type, ProtobufCMessage *message)
{
	pyr__json_string url = {NULL, 0, 0};
	pyr__json_kind kind = pyr__json_peek(&reader->in);
	if (kind != PYR__JSON_OBJECT)
		return pyr__json_fail(&reader->in, reader->in.at,
			"an Any is written as an object, not as %s", pyr__json_kind_name(kind));
	bool good = find_url(reader, &url);
	if (good && url.data)
		good = read_typed(reader, type, message, &url);
	free(url.data);
	return good;
}

bool pyr__json_read_known(
	pyr__json_reader *reader, const pyr__json_type *type, ProtobufCMessage *message)
{
	const ProtobufCFieldDescriptor *first = field_at(type, 0);
	switch (type->info->known) {
	case PYR__KNOWN_ANY:
		return read_any(reader, type, message);
	case PYR__KNOWN_DURATION:
	case PYR__KNOWN_TIMESTAMP:
	case PYR__KNOWN_FIELD_MASK:
		return read_from_string(reader, type, message);
	case PYR__KNOWN_LIST:
		return pyr__json_read_list(reader, first, message);
	case PYR__KNOWN_STRUCT:
		return pyr__json_map_entry(reader->pool, first)
			       ? pyr__json_read_map(reader, first, message)
			       : pyr__json_read_list(reader, first, message);
	case PYR__KNOWN_VALUE:
		return read_kind(reader, type, message);
	default:
		pyr__json_mark(message, first);
		return pyr__json_read_value(reader, first, pyr__json_member(message, first));
	}
}
