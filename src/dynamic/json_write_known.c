/* SPDX-License-Identifier: Apache-2.0 */
/* Writing the types of google.protobuf that have a JSON form of their own. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "codec/decode.h"
#include "dynamic/json.h"
#include "dynamic/json_time.h"

static const ProtobufCFieldDescriptor *field_at(const pyr__json_type *type, unsigned index)
{
	return &type->layout->fields[index];
}

static bool write_time(
	pyr__json_out *out, const pyr__json_type *type, const ProtobufCMessage *message)
{
	char text[PYR__TIME_TEXT_MAX];
	int64_t seconds = *(const int64_t *)pyr__json_member(message, field_at(type, 0));
	int32_t nanos = *(const int32_t *)pyr__json_member(message, field_at(type, 1));
	bool is_duration = type->info->known == PYR__KNOWN_DURATION;
	if (is_duration ? pyr__duration_write(seconds, nanos, text)
			: pyr__timestamp_write(seconds, nanos, text))
		return pyr__json_put_string(out, text, strlen(text));
	return pyr__json_out_fail(out, "%lld seconds and %d nanoseconds are no valid %s",
		(long long)seconds, (int)nanos, type->info->symbol.name);
}

/* my_field.x -> myField.x; false if that could not be turned back */
static bool put_mask_path(pyr__json_out *out, const char *path)
{
	char *camel = pyr__alloc(strlen(path) + 1), *to = camel;
	bool good = true;
	for (const char *p = path; *p && good; p++) {
		bool lower = p[1] >= 'a' && p[1] <= 'z';
		if (*p == '_' && lower)
			*to++ = (char)(*++p - 'a' + 'A');
		else if (*p == '_' || (*p >= 'A' && *p <= 'Z') || *p == ',')
			good = false;
		else
			*to++ = *p;
	}
	*to = '\0';
	/* a string's inside: the quotes are put around all paths */
	size_t before = out->size;
	if (!good)
		pyr__json_out_fail(out, "the path '%.80s' of a field mask has no JSON form", path);
	good = good && pyr__json_put_string(out, camel, strlen(camel));
	if (good) {
		memmove(out->text + before, out->text + before + 1, out->size - before - 2);
		out->size -= 2;
	}
	free(camel);
	return good;
}

static bool write_mask(
	pyr__json_out *out, const pyr__json_type *type, const ProtobufCMessage *message)
{
	size_t count = *(const size_t *)pyr__json_quantifier(message, field_at(type, 0));
	char *const *paths = *(char **const *)pyr__json_member(message, field_at(type, 0));
	bool good = pyr__json_put(out, "\"", 1);
	for (size_t i = 0; i < count && good; i++)
		good = (i == 0 || pyr__json_put(out, ",", 1)) && put_mask_path(out, paths[i]);
	return good && pyr__json_put(out, "\"", 1);
}

static bool write_kind(
	pyr__json_out *out, const pyr__json_type *type, const ProtobufCMessage *message)
{
	uint32_t which = *(const uint32_t *)pyr__json_quantifier(message, field_at(type, 0));
	if (which <= 1 || which > type->layout->n_fields)
		return pyr__json_put_text(out, "null");
	const ProtobufCFieldDescriptor *field = field_at(type, which - 1);
	const void *member = pyr__json_member(message, field);
	if (field->type == PROTOBUF_C_TYPE_DOUBLE && !isfinite(*(const double *)member))
		return pyr__json_out_fail(
			out, "a google.protobuf.Value cannot be an infinite number or NaN");
	return pyr__json_write_value(out, field, member);
}

static const pyr__pool_message *find_any_type(pyr__json_out *out, const char *url)
{
	const char *slash = strrchr(url, '/');
	const pyr__pool_message *info = slash ? pyr__pool_find_message(out->pool, slash + 1) : NULL;
	if (!info)
		pyr__json_out_fail(out, "the type '%.120s' of an Any is not known", url);
	return info;
}

static bool write_any_members(pyr__json_out *out, const char *url, const pyr__pool_message *info,
	const ProtobufCMessage *inner)
{
	bool first = true;
	pyr__json_type type = {info, &info->descriptor};
	if (!pyr__json_put_open(out, "{") || !pyr__json_put_key(out, "@type", &first) ||
		!pyr__json_put_string(out, url, strlen(url)))
		return false;
	bool good = info->known != PYR__KNOWN_NOT
			    ? pyr__json_put_key(out, "value", &first) &&
				      pyr__json_write_message(out, inner)
			    : pyr__json_write_fields(out, &type, inner, &first);
	return good && pyr__json_put_close(out, "}", false);
}

static bool write_any(
	pyr__json_out *out, const pyr__json_type *type, const ProtobufCMessage *message)
{
	const char *url = *(char *const *)pyr__json_member(message, field_at(type, 0));
	const ProtobufCBinaryData *bytes = pyr__json_member(message, field_at(type, 1));
	if (!url || !*url)
		return pyr__json_put_text(out, "{}");
	const pyr__pool_message *info = find_any_type(out, url);
	if (!info)
		return false;
	pyr__arena arena;
	pyr_error err;
	ProtobufCMessage *inner;
	pyr__arena_init(&arena, NULL, 0);
	pyr__decode_options options = {
		.arena = &arena, .bytes_max = PYR__JSON_BYTES_MAX, .alias = true};
	bool good =
		!pyr__decode(&info->descriptor, bytes->data, bytes->len, &options, &inner, &err);
	if (!good)
		pyr__json_out_fail(
			out, "the value of an Any is no %s: %s", info->symbol.name, err.message);
	good = good && write_any_members(out, url, info, inner);
	pyr__arena_reset(&arena);
	return good;
}

bool pyr__json_write_known(
	pyr__json_out *out, const pyr__json_type *type, const ProtobufCMessage *message)
{
	const ProtobufCFieldDescriptor *first = field_at(type, 0);
	switch (type->info->known) {
	case PYR__KNOWN_ANY:
		return write_any(out, type, message);
	case PYR__KNOWN_DURATION:
	case PYR__KNOWN_TIMESTAMP:
		return write_time(out, type, message);
	case PYR__KNOWN_FIELD_MASK:
		return write_mask(out, type, message);
	case PYR__KNOWN_LIST:
		return pyr__json_write_list(out, first, message);
	case PYR__KNOWN_STRUCT:
		return pyr__json_map_entry(out->pool, first)
			       ? pyr__json_write_map(out, first, message)
			       : pyr__json_write_list(out, first, message);
	case PYR__KNOWN_VALUE:
		return write_kind(out, type, message);
	default:
		return pyr__json_write_value(out, first, pyr__json_member(message, first));
	}
}
