/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a pool: files, and the messages, enums and interfaces that they define. */
#ifndef PYR_DYNAMIC_POOL_H
#define PYR_DYNAMIC_POOL_H

#include <google/protobuf/descriptor.pb-c.h>
#include <pyrite/dynamic.h>
#include "base/map.h"

#define PYR__NAME_MAX      400 /* bytes of a full name */
#define PYR__NESTING_MAX   32  /* messages defined inside messages */
#define PYR__FIELD_ID_MAX  536870911
#define PYR__FILE_NAME_MAX 1024

typedef enum pyr__symbol_kind {
	PYR__SYMBOL_MESSAGE,
	PYR__SYMBOL_ENUM,
	PYR__SYMBOL_INTERFACE,
} pyr__symbol_kind;

/* The types of google.protobuf that have a JSON form of their own. */
typedef enum pyr__known {
	PYR__KNOWN_NOT,
	PYR__KNOWN_ANY,
	PYR__KNOWN_DURATION,
	PYR__KNOWN_FIELD_MASK,
	PYR__KNOWN_LIST,
	PYR__KNOWN_STRUCT,
	PYR__KNOWN_TIMESTAMP,
	PYR__KNOWN_VALUE,
	PYR__KNOWN_WRAPPER,
} pyr__known;

/* What the three kinds begin with. */
typedef struct pyr__symbol {
	pyr__symbol_kind kind;
	struct pyr__pool_file *file;
	struct pyr__symbol *next; /* of the same file */
	const char *name;         /* full; the key in the pool's map */
} pyr__symbol;

typedef struct pyr__json_name {
	const char *name;
	unsigned index; /* in descriptor.fields */
} pyr__json_name;

typedef struct pyr__pool_message {
	pyr__symbol symbol;
	ProtobufCMessageDescriptor descriptor;
	const char **json_names;      /* one for each of descriptor.fields */
	pyr__json_name *by_json_name; /* sorted */
	bool map_entry;
	pyr__known known;
	const Google__Protobuf__DescriptorProto *proto; /* only while the file is added */
} pyr__pool_message;

typedef struct pyr__pool_enum {
	pyr__symbol symbol;
	ProtobufCEnumDescriptor descriptor;
	int32_t first; /* the value that is declared first: the default */
	bool closed;   /* proto2: no other values than those that are declared */
	bool null_value;
	const Google__Protobuf__EnumDescriptorProto *proto;
} pyr__pool_enum;

typedef struct pyr__pool_interface {
	pyr__symbol symbol;
	pyr_interface interface;
	const Google__Protobuf__ServiceDescriptorProto *proto;
} pyr__pool_interface;

typedef struct pyr__pool_file {
	pyr_file file; /* what the pool hands out */
	bool proto3;
	pyr__symbol *symbols;
	pyr__symbol **last_symbol;
	struct pyr__block *blocks; /* everything that belongs to the file */
	struct pyr__pool_file *next;
} pyr__pool_file;

struct pyr_pool {
	pyr_pool_options options;
	uint32_t file_count;
	uint32_t definition_count;
	size_t bytes;
	pyr__map files;   /* name -> pyr__pool_file */
	pyr__map symbols; /* full name -> pyr__symbol */
	pyr__pool_file *first;
	pyr__pool_file **last;
};

/* A file that is being added. */
typedef struct pyr__adding {
	pyr_pool *pool;
	pyr__pool_file *file;
	const Google__Protobuf__FileDescriptorProto *proto;
	pyr_error *err;
} pyr__adding;

/* Cleared memory that lives as long as the file; never NULL. */
void *pyr__pool_take(pyr__pool_file *file, size_t size);
char *pyr__pool_text(pyr__pool_file *file, const char *text); /* a copy */
void pyr__pool_file_free(pyr__pool_file *file);

/* INVALID_ARGUMENT that begins with the file's name. */
pyr_status pyr__pool_bad(const pyr__adding *adding, const char *format, ...) PYR_PRINTF(2, 3);

/* Counts definitions against the limit. */
pyr_status pyr__pool_count(const pyr__adding *adding, size_t count);

/*
 * What `name`, written inside the definition `scope`, means: a leading dot says that it is a full
 * name. NULL, with the error set, if it is nothing or of another kind. what: "demo.Person.phone".
 */
pyr__symbol *pyr__pool_resolve(const pyr__adding *adding, const char *scope, const char *name,
	const char *what, pyr_error *err);

const pyr__pool_message *pyr__pool_find_message(const pyr_pool *pool, const char *name);

/* The message whose descriptor this is, or the one of its name for generated ones. */
const pyr__pool_message *pyr__pool_message_of(
	const pyr_pool *pool, const ProtobufCMessageDescriptor *descriptor);
const pyr__pool_enum *pyr__pool_enum_of(
	const pyr_pool *pool, const ProtobufCEnumDescriptor *descriptor);

/* declare.c: enters all names of the file. */
pyr_status pyr__pool_declare(const pyr__adding *adding);

/* message.c, enum.c, interface.c: fills in what has been declared. */
pyr_status pyr__pool_build_message(const pyr__adding *adding, pyr__pool_message *message);
pyr_status pyr__pool_build_enum(const pyr__adding *adding, pyr__pool_enum *e);
pyr_status pyr__pool_build_interface(const pyr__adding *adding, pyr__pool_interface *interface);

/* message.c: ranges of consecutive numbers, with a last one that tells where the array ends. */
const ProtobufCIntRange *pyr__pool_ranges(pyr__pool_file *file, size_t count,
	int (*number)(const void *array, size_t index), const void *array, unsigned *ret_count);

/* known.c: what a message of this name and with these fields is to JSON. */
pyr__known pyr__pool_known(const ProtobufCMessageDescriptor *descriptor);

/* default.c: the default value of a proto2 field, as protobuf-c keeps it. */
pyr_status pyr__pool_default(const pyr__adding *adding, const char *text, const char *what,
	const ProtobufCFieldDescriptor *field, const void **ret_value);

#endif
