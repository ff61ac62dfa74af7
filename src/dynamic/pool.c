/* SPDX-License-Identifier: Apache-2.0 */
/* A pool of descriptors: adding files, and finding what they define. */
#include "dynamic/pool.h"

#include <google/protobuf/any.pyr.h>
#include <google/protobuf/api.pyr.h>
#include <google/protobuf/descriptor.pyr.h>
#include <google/protobuf/duration.pyr.h>
#include <google/protobuf/empty.pyr.h>
#include <google/protobuf/field_mask.pyr.h>
#include <google/protobuf/source_context.pyr.h>
#include <google/protobuf/struct.pyr.h>
#include <google/protobuf/timestamp.pyr.h>
#include <google/protobuf/type.pyr.h>
#include <google/protobuf/wrappers.pyr.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/error.h"
#include "base/owner.h"
#include "base/utf8.h"
#include "codec/decode.h"
#include "codec/init.h"

#define DECODED_BYTES_MAX (64u << 20) /* of one file or set, while it is added */

typedef Google__Protobuf__FileDescriptorProto file_proto;
typedef Google__Protobuf__FileDescriptorSet set_proto;

static const pyr_file *const well_known[] = {
	&pyr_file__google_2fprotobuf_2fany_2eproto,
	&pyr_file__google_2fprotobuf_2fapi_2eproto,
	&pyr_file__google_2fprotobuf_2fdescriptor_2eproto,
	&pyr_file__google_2fprotobuf_2fduration_2eproto,
	&pyr_file__google_2fprotobuf_2fempty_2eproto,
	&pyr_file__google_2fprotobuf_2ffield_5fmask_2eproto,
	&pyr_file__google_2fprotobuf_2fsource_5fcontext_2eproto,
	&pyr_file__google_2fprotobuf_2fstruct_2eproto,
	&pyr_file__google_2fprotobuf_2ftimestamp_2eproto,
	&pyr_file__google_2fprotobuf_2ftype_2eproto,
	&pyr_file__google_2fprotobuf_2fwrappers_2eproto,
};

/* Memory of a file */

struct pyr__block {
	struct pyr__block *next;
	_Alignas(16) uint8_t data[];
};

void *pyr__pool_take(pyr__pool_file *file, size_t size)
{
	struct pyr__block *block = pyr__zalloc(sizeof *block + size);
	block->next = file->blocks;
	file->blocks = block;
	return block->data;
}

char *pyr__pool_text(pyr__pool_file *file, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = pyr__pool_take(file, size);
	memcpy(copy, text, size);
	return copy;
}

void pyr__pool_file_free(pyr__pool_file *file)
{
	struct pyr__block *block = file->blocks;
	while (block) {
		struct pyr__block *next = block->next;
		free(block);
		block = next;
	}
	free(file);
}

pyr_pool *pyr_pool_new(const pyr_pool_options *given)
{
	pyr_pool *pool = pyr__zalloc(sizeof *pool);
	pool->options = (pyr_pool_options)PYR_POOL_OPTIONS_INIT;
	pyr_pool_options *options = &pool->options;
	if (given)
		memcpy(options, given,
			given->size < sizeof *options ? given->size : sizeof *options);
	if (!options->files_max)
		options->files_max = 2048;
	if (!options->definitions_max)
		options->definitions_max = 262144;
	if (!options->bytes_max)
		options->bytes_max = 16u << 20;
	pyr__map_init(&pool->files);
	pyr__map_init(&pool->symbols);
	pool->last = &pool->first;
	return pool;
}

void pyr_pool_free(pyr_pool *pool)
{
	if (!pool)
		return;
	pyr__map_done(&pool->files);
	pyr__map_done(&pool->symbols);
	while (pool->first) {
		pyr__pool_file *file = pool->first;
		pool->first = file->next;
		pyr__pool_file_free(file);
	}
	free(pool);
}

/* Finding */

static pyr__symbol *find(const pyr_pool *pool, const char *name, size_t size)
{
	return pyr__map_find(&pool->symbols, name, size);
}

static pyr__symbol *find_kind(const pyr_pool *pool, const char *name, pyr__symbol_kind kind)
{
	pyr__symbol *symbol = find(pool, name, strlen(name));
	return symbol && symbol->kind == kind ? symbol : NULL;
}

const pyr__pool_message *pyr__pool_find_message(const pyr_pool *pool, const char *name)
{
	pyr__symbol *symbol = find_kind(pool, name, PYR__SYMBOL_MESSAGE);
	return symbol ? PYR__OWNER(symbol, pyr__pool_message, symbol) : NULL;
}

const pyr__pool_message *pyr__pool_message_of(
	const pyr_pool *pool, const ProtobufCMessageDescriptor *descriptor)
{
	return pyr__pool_find_message(pool, descriptor->name);
}

const pyr__pool_enum *pyr__pool_enum_of(
	const pyr_pool *pool, const ProtobufCEnumDescriptor *descriptor)
{
	pyr__symbol *symbol = find_kind(pool, descriptor->name, PYR__SYMBOL_ENUM);
	return symbol ? PYR__OWNER(symbol, pyr__pool_enum, symbol) : NULL;
}

const ProtobufCMessageDescriptor *pyr_pool_message(const pyr_pool *pool, const char *name)
{
	const pyr__pool_message *message = pyr__pool_find_message(pool, name);
	return message ? &message->descriptor : NULL;
}

const ProtobufCEnumDescriptor *pyr_pool_enum(const pyr_pool *pool, const char *name)
{
	pyr__symbol *symbol = find_kind(pool, name, PYR__SYMBOL_ENUM);
	return symbol ? &PYR__OWNER(symbol, pyr__pool_enum, symbol)->descriptor : NULL;
}

ProtobufCMessage *pyr_dynamic_new(const ProtobufCMessageDescriptor *descriptor)
{
	ProtobufCMessage *message = pyr__try_alloc(descriptor->sizeof_message);
	if (message)
		pyr__message_init(descriptor, message);
	return message;
}

pyr_status pyr_dynamic_unpack(const ProtobufCMessageDescriptor *descriptor, const void *data,
	size_t size, size_t bytes_max, ProtobufCMessage **ret_message, pyr_error *err)
{
	pyr__decode_options options = {.bytes_max = bytes_max ? bytes_max : 32u << 20};
	return pyr__decode(descriptor, data, size, &options, ret_message, err);
}

static const pyr_interface *interface_of(pyr__symbol *symbol)
{
	return &PYR__OWNER(symbol, pyr__pool_interface, symbol)->interface;
}

const pyr_interface *pyr_pool_interface(const pyr_pool *pool, const char *name)
{
	pyr__symbol *symbol = find_kind(pool, name, PYR__SYMBOL_INTERFACE);
	return symbol ? interface_of(symbol) : NULL;
}

const pyr_interface *pyr_pool_interface_at(const pyr_pool *pool, size_t index)
{
	for (const pyr__pool_file *file = pool->first; file; file = file->next)
		for (pyr__symbol *s = file->symbols; s; s = s->next)
			if (s->kind == PYR__SYMBOL_INTERFACE && index-- == 0)
				return interface_of(s);
	return NULL;
}

static pyr__pool_file *find_file(const pyr_pool *pool, const char *name)
{
	return pyr__map_find(&pool->files, name, strlen(name));
}

const pyr_file *pyr_pool_file(const pyr_pool *pool, const char *name)
{
	const pyr__pool_file *file = find_file(pool, name);
	return file ? &file->file : NULL;
}

const pyr_file *pyr_pool_file_of(const pyr_pool *pool, const char *symbol)
{
	const pyr__symbol *found = find(pool, symbol, strlen(symbol));
	const char *dot = strrchr(symbol, '.');
	if (!found && dot) /* a method, a field or a value is in its owner's file */
		found = find(pool, symbol, (size_t)(dot - symbol));
	return found ? &found->file->file : NULL;
}

/* Resolving names, from the innermost scope outwards */

pyr__symbol *pyr__pool_resolve(const pyr__adding *adding, const char *scope, const char *name,
	const char *what, pyr_error *err)
{
	pyr__symbol *found = NULL;
	char full[2 * PYR__NAME_MAX + 2];
	if (!name || strlen(name) > PYR__NAME_MAX) {
		pyr_error_set(err, PYR_INVALID_ARGUMENT, "%s: %s has no type",
			adding->file->file.name, what);
		return NULL;
	}
	if (name[0] == '.') {
		found = find(adding->pool, name + 1, strlen(name + 1));
	} else {
		size_t size = strlen(scope);
		for (;;) {
			int length = snprintf(full, sizeof full, "%.*s%s%s", (int)size, scope,
				size ? "." : "", name);
			found = find(adding->pool, full, (size_t)length);
			if (found || size == 0)
				break;
			while (size > 0 && scope[--size] != '.')
				;
		}
	}
	if (!found)
		pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"%s: %s is of the type %s, which no file that was added before defines",
			adding->file->file.name, what, name);
	return found;
}

pyr_status pyr__pool_bad(const pyr__adding *adding, const char *format, ...)
{
	char text[PYR_ERROR_MESSAGE_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	return pyr_error_set(
		adding->err, PYR_INVALID_ARGUMENT, "%s: %s", adding->file->file.name, text);
}

pyr_status pyr__pool_count(const pyr__adding *adding, size_t count)
{
	pyr_pool *pool = adding->pool;
	if (count > pool->options.definitions_max - pool->definition_count)
		return pyr_error_set(adding->err, PYR_RESOURCE_EXHAUSTED,
			"%s: more than %u definitions in all files", adding->file->file.name,
			pool->options.definitions_max);
	pool->definition_count += (uint32_t)count;
	return PYR_OK;
}

/* Adding */

static void remove_symbols(pyr_pool *pool, const pyr__pool_file *file)
{
	for (pyr__symbol *s = file->symbols; s; s = s->next)
		pyr__map_remove(&pool->symbols, s->name, strlen(s->name));
}

static pyr_status build(const pyr__adding *adding)
{
	pyr_status status = PYR_OK;
	/* the enums first: a default value of a field may be one of theirs */
	for (pyr__symbol *s = adding->file->symbols; s && !status; s = s->next)
		if (s->kind == PYR__SYMBOL_ENUM)
			status =
				pyr__pool_build_enum(adding, PYR__OWNER(s, pyr__pool_enum, symbol));
	for (pyr__symbol *s = adding->file->symbols; s && !status; s = s->next)
		if (s->kind == PYR__SYMBOL_MESSAGE)
			status = pyr__pool_build_message(
				adding, PYR__OWNER(s, pyr__pool_message, symbol));
	for (pyr__symbol *s = adding->file->symbols; s && !status; s = s->next)
		if (s->kind == PYR__SYMBOL_INTERFACE)
			status = pyr__pool_build_interface(
				adding, PYR__OWNER(s, pyr__pool_interface, symbol));
	return status;
}

/* Of the library's own files, what is imported and has not come. */
static pyr_status add_well_known(pyr_pool *pool, const file_proto *proto, pyr_error *err)
{
	pyr_status status = PYR_OK;
	for (size_t i = 0; i < proto->n_dependency && !status; i++) {
		if (find_file(pool, proto->dependency[i]))
			continue;
		for (size_t k = 0; k < sizeof well_known / sizeof well_known[0] && !status; k++)
			if (strcmp(proto->dependency[i], well_known[k]->name) == 0)
				status = pyr_pool_add_generated(pool, well_known[k], err);
	}
	return status;
}

static void fill_imports(pyr_pool *pool, pyr__pool_file *file, const file_proto *proto)
{
	const pyr_file **imports =
		pyr__pool_take(file, (proto->n_dependency + 1) * sizeof(pyr_file *));
	for (size_t i = 0; i < proto->n_dependency; i++) {
		const pyr__pool_file *import = find_file(pool, proto->dependency[i]);
		if (import)
			imports[file->file.import_count++] = &import->file;
	}
	file->file.imports = imports;
}

static pyr__pool_file *new_file(
	pyr_pool *pool, const file_proto *proto, const void *data, size_t size)
{
	pyr__pool_file *file = pyr__zalloc(sizeof *file);
	file->last_symbol = &file->symbols;
	file->file.abi = PYR_STUB_ABI;
	file->file.size = sizeof file->file;
	file->file.name = pyr__pool_text(file, proto->name);
	file->file.descriptor_size = size;
	uint8_t *copy = pyr__pool_take(file, size);
	if (size)
		memcpy(copy, data, size);
	file->file.descriptor = copy;
	fill_imports(pool, file, proto);
	return file;
}

static pyr_status check_file(
	const pyr_pool *pool, const file_proto *proto, size_t size, pyr_error *err)
{
	if (!proto->name || !proto->name[0] || strlen(proto->name) > PYR__FILE_NAME_MAX)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"a file descriptor has no name, or one of more than %d bytes",
			PYR__FILE_NAME_MAX);
	size_t length = strlen(proto->name);
	if (pyr__utf8_printable_bytes(proto->name, length) < length)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"a file descriptor's name has a control character in it");
	if (pool->file_count >= pool->options.files_max)
		return pyr_error_set(err, PYR_RESOURCE_EXHAUSTED, "%.200s: more than %u files",
			proto->name, pool->options.files_max);
	if (size > pool->options.bytes_max - pool->bytes)
		return pyr_error_set(err, PYR_RESOURCE_EXHAUSTED,
			"%.200s: the files have more than %u bytes", proto->name,
			pool->options.bytes_max);
	return PYR_OK;
}

/* Whether a file of this name and content has been added; *ret_status says if it is another one. */
static bool is_known(const pyr_pool *pool, const char *name, const void *data, size_t size,
	pyr_status *ret_status, pyr_error *err)
{
	const pyr__pool_file *same = find_file(pool, name);
	*ret_status = PYR_OK;
	if (same && (same->file.descriptor_size != size ||
			    memcmp(same->file.descriptor, data, size) != 0))
		*ret_status = pyr_error_set(err, PYR_ALREADY_EXISTS,
			"another file '%.200s' has been added before", name);
	return same != NULL;
}

/* data is what proto was decoded from. */
static pyr_status add(
	pyr_pool *pool, const file_proto *proto, const void *data, size_t size, pyr_error *err)
{
	pyr_status status = check_file(pool, proto, size, err);
	if (status)
		return status;
	if (is_known(pool, proto->name, data, size, &status, err))
		return status;
	status = add_well_known(pool, proto, err);
	if (status)
		return status;
	uint32_t counted = pool->definition_count;
	pyr__adding adding = {pool, new_file(pool, proto, data, size), proto, err};
	status = pyr__pool_declare(&adding);
	if (status == PYR_OK)
		status = build(&adding);
	if (status) {
		remove_symbols(pool, adding.file);
		pyr__pool_file_free(adding.file);
		pool->definition_count = counted;
		return status;
	}
	pyr__map_insert(
		&pool->files, adding.file->file.name, strlen(adding.file->file.name), adding.file);
	pool->file_count++;
	pool->bytes += size;
	*pool->last = adding.file;
	pool->last = &adding.file->next;
	return PYR_OK;
}

static pyr_status decode(const ProtobufCMessageDescriptor *descriptor, const void *data,
	size_t size, pyr__arena *arena, ProtobufCMessage **ret_message, pyr_error *err)
{
	pyr__decode_options options = {.arena = arena, .bytes_max = DECODED_BYTES_MAX};
	return pyr__decode(descriptor, data, size, &options, ret_message, err);
}

pyr_status pyr_pool_add_file(pyr_pool *pool, const void *data, size_t size, pyr_error *err)
{
	pyr__arena arena;
	ProtobufCMessage *proto;
	pyr__arena_init(&arena, NULL, 0);
	pyr_status status = decode(&google__protobuf__file_descriptor_proto__descriptor, data, size,
		&arena, &proto, err);
	if (status == PYR_OK)
		status = add(pool, (const file_proto *)proto, data, size, err);
	pyr__arena_reset(&arena);
	return status;
}

pyr_status pyr_pool_add_generated(pyr_pool *pool, const pyr_file *file, pyr_error *err)
{
	pyr_status status;
	if (is_known(pool, file->name, file->descriptor, file->descriptor_size, &status, err))
		return status;
	for (size_t i = 0; i < file->import_count && !status; i++)
		status = pyr_pool_add_generated(pool, file->imports[i], err);
	return status ? status
		      : pyr_pool_add_file(pool, file->descriptor, file->descriptor_size, err);
}

/* Sets: the files are added in an order in which imports come first. */

#define IMPORT_DEPTH_MAX 200

typedef enum member_state {
	MEMBER_WAITING,
	MEMBER_ENTERED, /* its imports are being added */
	MEMBER_ADDED,
} member_state;

typedef struct member {
	const uint8_t *data;
	size_t size;
	const file_proto *proto;
	member_state state;
} member;

typedef struct file_set {
	pyr_pool *pool;
	member *members;
	size_t count;
	pyr__map by_name; /* name -> member */
	pyr_error *err;
} file_set;

static pyr_status add_member(file_set *set, member *m, unsigned depth)
{
	if (m->state == MEMBER_ADDED)
		return PYR_OK;
	if (m->state == MEMBER_ENTERED)
		return pyr_error_set(set->err, PYR_INVALID_ARGUMENT,
			"the file '%.200s' imports itself, by way of others", m->proto->name);
	if (depth > IMPORT_DEPTH_MAX)
		return pyr_error_set(set->err, PYR_INVALID_ARGUMENT,
			"imports of imports are nested deeper than %d", IMPORT_DEPTH_MAX);
	m->state = MEMBER_ENTERED;
	pyr_status status = PYR_OK;
	for (size_t i = 0; i < m->proto->n_dependency && !status; i++) {
		const char *name = m->proto->dependency[i];
		member *import = pyr__map_find(&set->by_name, name, strlen(name));
		if (import)
			status = add_member(set, import, depth + 1);
	}
	m->state = MEMBER_ADDED;
	return status ? status : add(set->pool, m->proto, m->data, m->size, set->err);
}

static size_t read_varint(const uint8_t *at, uint64_t *ret_value)
{
	size_t used = 0;
	*ret_value = 0;
	do
		*ret_value |= (uint64_t)(at[used] & 0x7f) << (7 * used);
	while (at[used++] >= 0x80);
	return used;
}

/*
 * Finds the bytes of each file. The set has been decoded, so it is well formed; what is in it
 * besides files is refused.
 */
static pyr_status find_members(file_set *set, const set_proto *proto, const uint8_t *at)
{
	for (size_t i = 0; i < set->count; i++) {
		uint64_t tag, size;
		at += read_varint(at, &tag);
		if (tag != 10 || proto->base.n_unknown_fields)
			return pyr_error_set(set->err, PYR_INVALID_ARGUMENT,
				"a file descriptor set has unknown fields");
		at += read_varint(at, &size);
		member *m = &set->members[i];
		*m = (member){at, (size_t)size, proto->file[i], MEMBER_WAITING};
		if (m->proto->name)
			pyr__map_insert(&set->by_name, m->proto->name, strlen(m->proto->name), m);
		at += size;
	}
	return PYR_OK;
}

static pyr_status add_set(pyr_pool *pool, const set_proto *proto, const void *data, pyr_error *err)
{
	if (proto->n_file > pool->options.files_max)
		return pyr_error_set(
			err, PYR_RESOURCE_EXHAUSTED, "more than %u files", pool->options.files_max);
	file_set set = {.pool = pool, .count = proto->n_file, .err = err};
	set.members = pyr__zalloc((set.count + 1) * sizeof(member));
	pyr__map_init(&set.by_name);
	pyr_status status = find_members(&set, proto, data);
	for (size_t i = 0; i < set.count && !status; i++)
		status = add_member(&set, &set.members[i], 1);
	pyr__map_done(&set.by_name);
	free(set.members);
	return status;
}

pyr_status pyr_pool_add_set(pyr_pool *pool, const void *data, size_t size, pyr_error *err)
{
	pyr__arena arena;
	ProtobufCMessage *proto;
	pyr__arena_init(&arena, NULL, 0);
	pyr_status status = decode(&google__protobuf__file_descriptor_set__descriptor, data, size,
		&arena, &proto, err);
	if (status == PYR_OK)
		status = add_set(pool, (const set_proto *)proto, data, err);
	pyr__arena_reset(&arena);
	return status;
}
