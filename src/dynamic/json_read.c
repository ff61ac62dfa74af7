/* SPDX-License-Identifier: Apache-2.0 */
/* Messages from JSON text: objects, lists and maps. What is read so far can always be freed. */
#include <stdlib.h>
#include <string.h>
#include "codec/init.h"
#include "dynamic/json.h"

void *pyr__json_take(pyr__json_reader *reader, size_t size)
{
	if (size > reader->bytes_left) {
		pyr_error_set(reader->in.err, PYR_RESOURCE_EXHAUSTED,
			"the message takes more than %u bytes of memory",
			reader->options.bytes_max);
		return NULL;
	}
	reader->bytes_left -= size;
	void *memory = calloc(1, size ? size : 1);
	if (!memory)
		pyr_error_set(reader->in.err, PYR_RESOURCE_EXHAUSTED, "out of memory");
	return memory;
}

ProtobufCMessage *pyr__json_new_message(
	pyr__json_reader *reader, const ProtobufCMessageDescriptor *descriptor)
{
	ProtobufCMessage *message = pyr__json_take(reader, descriptor->sizeof_message);
	if (message)
		pyr__message_init(descriptor, message);
	return message;
}

static bool expect(pyr__json_reader *reader, pyr__json_kind wanted)
{
	pyr__json_kind kind = pyr__json_peek(&reader->in);
	return kind == wanted ||
	       pyr__json_fail(&reader->in, reader->in.at, "there must be %s, not %s",
		       pyr__json_kind_name(wanted), pyr__json_kind_name(kind));
}

static bool is_null(pyr__json_reader *reader)
{
	return pyr__json_peek(&reader->in) == PYR__JSON_NULL;
}

/* Lists */

/* Room for one more element, cleared; arrays grow to powers of two. */
static void *grow(
	pyr__json_reader *reader, const ProtobufCFieldDescriptor *field, ProtobufCMessage *message)
{
	size_t count = *(size_t *)pyr__json_quantifier(message, field);
	void **array = pyr__json_member(message, field);
	size_t element = pyr__json_size_of(field->type);
	if ((count & (count - 1)) == 0) {
		void *grown = pyr__json_take(reader, (count ? count * 2 : 1) * element);
		if (!grown)
			return NULL;
		if (count)
			memcpy(grown, *array, count * element);
		free(*array);
		*array = grown;
	}
	return (uint8_t *)*array + count * element;
}

static bool read_element(
	pyr__json_reader *reader, const ProtobufCFieldDescriptor *field, ProtobufCMessage *message)
{
	if (is_null(reader) && !pyr__json_takes_null(reader->pool, field))
		return pyr__json_fail(
			&reader->in, reader->in.at, "null cannot be an element of a list");
	void *slot = grow(reader, field, message);
	if (!slot)
		return false;
	if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
		/* counted before it is filled, so that a failure half-way frees it too */
		ProtobufCMessage *element = pyr__json_new_message(reader, field->descriptor);
		if (!element)
			return false;
		*(ProtobufCMessage **)slot = element;
		++*(size_t *)pyr__json_quantifier(message, field);
		return pyr__json_read_message(reader, element);
	}
	bool good = pyr__json_read_scalar(reader, field, slot);
	/* a string that was half read is in the slot all the same */
	++*(size_t *)pyr__json_quantifier(message, field);
	return good;
}

bool pyr__json_read_list(
	pyr__json_reader *reader, const ProtobufCFieldDescriptor *field, ProtobufCMessage *message)
{
	pyr__json_in *in = &reader->in;
	pyr__json_path path = {in->path, NULL, 0};
	unsigned depth = in->depth;
	if (!expect(reader, PYR__JSON_ARRAY))
		return false;
	in->path = &path;
	bool more = pyr__json_open(in, PYR__JSON_ARRAY), good = true;
	for (; more && good; path.index++) {
		good = read_element(reader, field, message);
		more = good && pyr__json_next(in, PYR__JSON_ARRAY);
	}
	in->path = path.up;
	return good && in->depth == depth;
}

/* Maps */

/* Adds the entry for a key to the message before it is filled. */
static ProtobufCMessage *add_entry(
	pyr__json_reader *reader, const ProtobufCFieldDescriptor *field, ProtobufCMessage *message)
{
	ProtobufCMessage **slot = grow(reader, field, message);
	if (!slot)
		return NULL;
	*slot = pyr__json_new_message(reader, field->descriptor);
	if (*slot)
		++*(size_t *)pyr__json_quantifier(message, field);
	return *slot;
}

static bool read_entry(pyr__json_reader *reader, const ProtobufCFieldDescriptor *field,
	ProtobufCMessage *message, const pyr__json_string *key, size_t key_at)
{
	const ProtobufCMessageDescriptor *descriptor = field->descriptor;
	const ProtobufCFieldDescriptor *key_field = &descriptor->fields[0];
	const ProtobufCFieldDescriptor *value_field = &descriptor->fields[1];
	if (is_null(reader) && !pyr__json_takes_null(reader->pool, value_field))
		return pyr__json_fail(
			&reader->in, reader->in.at, "null cannot be a value of a map");
	ProtobufCMessage *entry = add_entry(reader, field, message);
	if (!entry || !pyr__json_parse_key(
			      reader, key_field, key, key_at, pyr__json_member(entry, key_field)))
		return false;
	pyr__json_mark(entry, key_field);
	pyr__json_mark(entry, value_field);
	return pyr__json_read_value(reader, value_field, pyr__json_member(entry, value_field));
}

/* The keys that were seen, each in memory of its own, so that none comes twice. */
static bool note_key(pyr__json_reader *reader, pyr__map *seen, const char *key, size_t at)
{
	if (pyr__map_find(seen, key, strlen(key)))
		return pyr__json_fail(
			&reader->in, at, "the key '%.80s' is there a second time", key);
	char *copy = pyr__json_take(reader, strlen(key) + 1);
	if (!copy)
		return false;
	strcpy(copy, key);
	return pyr__map_insert(seen, copy, strlen(copy), copy);
}

static void free_keys(pyr__map *seen)
{
	for (uint32_t i = 0; i < seen->count; i++)
		free(seen->entries[i].value);
	pyr__map_done(seen);
}

static bool read_entries(pyr__json_reader *reader, const ProtobufCFieldDescriptor *field,
	ProtobufCMessage *message, pyr__map *seen, pyr__json_string *key)
{
	pyr__json_in *in = &reader->in;
	pyr__json_path path = {in->path, NULL, 0};
	unsigned depth = in->depth;
	bool more = pyr__json_open(in, PYR__JSON_OBJECT), good = true;
	while (more && good) {
		pyr__json_peek(in);
		size_t at = in->at;
		good = pyr__json_read_key(in, key) && note_key(reader, seen, key->data, at);
		path.name = key->data;
		in->path = &path;
		good = good && read_entry(reader, field, message, key, at);
		in->path = path.up;
		more = good && pyr__json_next(in, PYR__JSON_OBJECT);
	}
	return good && in->depth == depth;
}

bool pyr__json_read_map(
	pyr__json_reader *reader, const ProtobufCFieldDescriptor *field, ProtobufCMessage *message)
{
	pyr__map seen;
	pyr__json_string key = {NULL, 0, 0};
	if (!expect(reader, PYR__JSON_OBJECT))
		return false;
	pyr__map_init(&seen);
	bool good = read_entries(reader, field, message, &seen, &key);
	free(key.data);
	free_keys(&seen);
	return good;
}

/* Fields */

static const ProtobufCFieldDescriptor *find_field(const pyr__json_type *type, const char *name)
{
	unsigned low = 0, high = type->layout->n_fields;
	while (low < high) {
		unsigned middle = low + (high - low) / 2;
		int order = strcmp(name, type->info->by_json_name[middle].name);
		if (order == 0)
			return &type->layout->fields[type->info->by_json_name[middle].index];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	const ProtobufCFieldDescriptor *own =
		protobuf_c_message_descriptor_get_field_by_name(&type->info->descriptor, name);
	return own ? &type->layout->fields[own - type->info->descriptor.fields] : NULL;
}

/* A message's object that is being read. */
typedef struct object {
	pyr__json_reader *reader;
	const pyr__json_type *type;
	ProtobufCMessage *message;
	uint8_t *seen; /* a bit for each field */
} object;

static bool note_field(object *o, const ProtobufCFieldDescriptor *field, size_t at)
{
	size_t index = (size_t)(field - o->type->layout->fields);
	uint8_t bit = (uint8_t)(1 << index % 8);
	if (o->seen[index / 8] & bit)
		return pyr__json_fail(&o->reader->in, at,
			"the field '%.80s' is there a second time", field->name);
	o->seen[index / 8] |= bit;
	return true;
}

static bool check_oneof(object *o, const ProtobufCFieldDescriptor *field, size_t at)
{
	if (!(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF))
		return true;
	uint32_t which = *(uint32_t *)pyr__json_quantifier(o->message, field);
	if (which == 0)
		return true;
	const ProtobufCFieldDescriptor *other =
		protobuf_c_message_descriptor_get_field(o->type->layout, which);
	return pyr__json_fail(&o->reader->in, at,
		"'%.80s' and '%.80s' are of one oneof, of which only one may be set",
		other ? other->name : "?", field->name);
}

static bool read_field(object *o, const ProtobufCFieldDescriptor *field, size_t at)
{
	pyr__json_reader *reader = o->reader;
	if (!note_field(o, field, at))
		return false;
	if (is_null(reader) && (field->label == PROTOBUF_C_LABEL_REPEATED ||
				       !pyr__json_takes_null(reader->pool, field)))
		return pyr__json_read_word(&reader->in);
	if (pyr__json_map_entry(reader->pool, field))
		return pyr__json_read_map(reader, field, o->message);
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return pyr__json_read_list(reader, field, o->message);
	if (!check_oneof(o, field, at))
		return false;
	pyr__json_mark(o->message, field);
	return pyr__json_read_value(reader, field, pyr__json_member(o->message, field));
}

static bool unknown_field(object *o, const char *name, size_t at)
{
	char suggestion[128];
	if (o->reader->options.ignore_unknown)
		return pyr__json_skip(&o->reader->in);
	pyr__json_suggest(o->type, name, suggestion, sizeof suggestion);
	return pyr__json_fail(&o->reader->in, at, "there is no field '%.80s' in %.120s%s", name,
		o->type->info->symbol.name, suggestion);
}

static bool check_required(object *o, size_t at)
{
	for (unsigned i = 0; i < o->type->layout->n_fields; i++)
		if (o->type->layout->fields[i].label == PROTOBUF_C_LABEL_REQUIRED &&
			!(o->seen[i / 8] & 1 << i % 8))
			return pyr__json_fail(&o->reader->in, at,
				"the field '%.80s' of %.120s is required",
				o->type->info->json_names[i], o->type->info->symbol.name);
	return true;
}

static bool read_member(object *o, pyr__json_string *key, const char *except)
{
	pyr__json_in *in = &o->reader->in;
	pyr__json_peek(in);
	size_t at = in->at;
	if (!pyr__json_read_key(in, key))
		return false;
	if (except && strcmp(key->data, except) == 0)
		return pyr__json_skip(in);
	const ProtobufCFieldDescriptor *field = find_field(o->type, key->data);
	if (!field || strlen(key->data) != key->size)
		return unknown_field(o, key->data, at);
	pyr__json_path path = {in->path, field->name, 0};
	in->path = &path;
	bool good = read_field(o, field, at);
	in->path = path.up;
	return good;
}

static bool read_members(object *o, pyr__json_string *key, const char *except)
{
	pyr__json_in *in = &o->reader->in;
	unsigned depth = in->depth;
	bool good = true, more = pyr__json_open(in, PYR__JSON_OBJECT);
	while (more && good) {
		good = read_member(o, key, except);
		more = good && pyr__json_next(in, PYR__JSON_OBJECT);
	}
	return good && in->depth == depth && check_required(o, in->at - 1);
}

bool pyr__json_read_fields(pyr__json_reader *reader, const pyr__json_type *type,
	ProtobufCMessage *message, const char *except)
{
	pyr__json_string key = {NULL, 0, 0};
	object o = {reader, type, message, NULL};
	if (!expect(reader, PYR__JSON_OBJECT))
		return false;
	o.seen = calloc(1, type->layout->n_fields / 8 + 1);
	bool good = o.seen && read_members(&o, &key, except);
	free(key.data);
	free(o.seen);
	return good;
}

bool pyr__json_read_message(pyr__json_reader *reader, ProtobufCMessage *message)
{
	pyr__json_type type;
	if (pyr__json_type_of(reader->pool, message->descriptor, &type, reader->in.err))
		return false;
	if (reader->depth >= PYR__JSON_MESSAGE_DEPTH_MAX)
		return pyr__json_fail(&reader->in, reader->in.at,
			"messages are nested deeper than %d", PYR__JSON_MESSAGE_DEPTH_MAX);
	reader->depth++;
	bool good = type.info->known == PYR__KNOWN_NOT
			    ? pyr__json_read_fields(reader, &type, message, NULL)
			    : pyr__json_read_known(reader, &type, message);
	reader->depth--;
	return good;
}

pyr_status pyr_json_read(const pyr_pool *pool, const ProtobufCMessageDescriptor *descriptor,
	const char *text, size_t size, const pyr_json_options *options,
	ProtobufCMessage **ret_message, pyr_error *err)
{
	pyr_error own;
	pyr__json_reader reader = {
		.in = {.text = text, .size = size, .err = err ? err : &own},
		.pool = pool,
	};
	pyr__json_options_fill(&reader.options, options);
	reader.bytes_left = reader.options.bytes_max;
	ProtobufCMessage *message = pyr__json_new_message(&reader, descriptor);
	if (message && pyr__json_read_message(&reader, message) && pyr__json_finish(&reader.in)) {
		*ret_message = message;
		return PYR_OK;
	}
	if (message)
		protobuf_c_message_free_unpacked(message, NULL);
	return reader.in.err->status;
}
