/* SPDX-License-Identifier: Apache-2.0 */
/* What reading and writing of messages as JSON share. */
#ifndef PYR_DYNAMIC_JSON_H
#define PYR_DYNAMIC_JSON_H

#include "dynamic/json_text.h"
#include "dynamic/pool.h"

#define PYR__JSON_MESSAGE_DEPTH_MAX 100
#define PYR__JSON_BYTES_MAX         (32u << 20)

/* A message's type: what the pool knows of it, and how the message at hand is laid out. */
typedef struct pyr__json_type {
	const pyr__pool_message *info;
	const ProtobufCMessageDescriptor *layout; /* the pool's, or one of generated code */
} pyr__json_type;

/* NOT_FOUND or FAILED_PRECONDITION if the pool does not have it, or another version of it. */
pyr_status pyr__json_type_of(const pyr_pool *pool, const ProtobufCMessageDescriptor *layout,
	pyr__json_type *ret_type, pyr_error *err);

/* The entry's type if the field is a map, else NULL. */
const pyr__pool_message *pyr__json_map_entry(
	const pyr_pool *pool, const ProtobufCFieldDescriptor *field);

void pyr__json_options_fill(pyr_json_options *options, const pyr_json_options *given);

/* Bytes of one value in the C struct, or in an array. */
size_t pyr__json_size_of(ProtobufCType type);

static inline void *pyr__json_member(
	const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	return (uint8_t *)message + field->offset;
}

static inline void *pyr__json_quantifier(
	const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	return (uint8_t *)message + field->quantifier_offset;
}

/* Marks a field as there, if it has a mark. */
void pyr__json_mark(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);

/* Writing: json_write.c and json_write_known.c */

typedef struct pyr__json_out {
	const pyr_pool *pool;
	pyr_json_options options;
	char *text;
	size_t size;
	size_t room;
	unsigned level; /* of indentation */
	unsigned depth; /* of messages */
	const pyr__json_path *path;
	pyr_error *err;
} pyr__json_out;

bool pyr__json_put(pyr__json_out *out, const char *text, size_t size);
bool pyr__json_put_text(pyr__json_out *out, const char *text); /* as it is */
bool pyr__json_put_string(pyr__json_out *out, const char *text, size_t size);
bool pyr__json_put_key(pyr__json_out *out, const char *name, bool *first);
bool pyr__json_put_open(pyr__json_out *out, const char *bracket);
bool pyr__json_put_close(pyr__json_out *out, const char *bracket, bool empty);
bool pyr__json_out_fail(pyr__json_out *out, const char *format, ...) PYR_PRINTF(2, 3);

bool pyr__json_write_message(pyr__json_out *out, const ProtobufCMessage *message);
bool pyr__json_write_fields(pyr__json_out *out, const pyr__json_type *type,
	const ProtobufCMessage *message, bool *first);
bool pyr__json_write_value(
	pyr__json_out *out, const ProtobufCFieldDescriptor *field, const void *member);
bool pyr__json_write_list(
	pyr__json_out *out, const ProtobufCFieldDescriptor *field, const ProtobufCMessage *message);
bool pyr__json_write_map(
	pyr__json_out *out, const ProtobufCFieldDescriptor *field, const ProtobufCMessage *message);
bool pyr__json_write_known(
	pyr__json_out *out, const pyr__json_type *type, const ProtobufCMessage *message);

/* Reading: json_read.c, json_read_value.c and json_read_known.c */

typedef struct pyr__json_reader {
	pyr__json_in in;
	const pyr_pool *pool;
	pyr_json_options options;
	size_t bytes_left;
	unsigned depth; /* of messages */
} pyr__json_reader;

/* malloc'ed, cleared, and counted; NULL with the error set. */
void *pyr__json_take(pyr__json_reader *reader, size_t size);

/* Fills a message that has been initialised. */
bool pyr__json_read_message(pyr__json_reader *reader, ProtobufCMessage *message);

/* Reads the members of an object; a key `except` is skipped. */
bool pyr__json_read_fields(pyr__json_reader *reader, const pyr__json_type *type,
	ProtobufCMessage *message, const char *except);

/* One value that is not repeated. */
bool pyr__json_read_value(
	pyr__json_reader *reader, const ProtobufCFieldDescriptor *field, void *member);
bool pyr__json_read_scalar(
	pyr__json_reader *reader, const ProtobufCFieldDescriptor *field, void *member);
bool pyr__json_read_list(
	pyr__json_reader *reader, const ProtobufCFieldDescriptor *field, ProtobufCMessage *message);
bool pyr__json_read_map(
	pyr__json_reader *reader, const ProtobufCFieldDescriptor *field, ProtobufCMessage *message);
bool pyr__json_read_known(
	pyr__json_reader *reader, const pyr__json_type *type, ProtobufCMessage *message);

ProtobufCMessage *pyr__json_new_message(
	pyr__json_reader *reader, const ProtobufCMessageDescriptor *descriptor);

/* A map's key, or any other scalar that is written as a string. */
bool pyr__json_parse_key(pyr__json_reader *reader, const ProtobufCFieldDescriptor *field,
	const pyr__json_string *text, size_t at, void *member);

/* True if null is a value of this field, and not the same as leaving it out. */
bool pyr__json_takes_null(const pyr_pool *pool, const ProtobufCFieldDescriptor *field);

/* json_suggest.c: ": did you mean 'address'?", or nothing. */
void pyr__json_suggest(const pyr__json_type *type, const char *name, char *to, size_t room);

#endif
