/* SPDX-License-Identifier: Apache-2.0 */
/* Calls without generated code: descriptors made at run time, and messages as JSON. */
#ifndef PYRITE_DYNAMIC_H
#define PYRITE_DYNAMIC_H

#include <protobuf-c/protobuf-c.h>
#include <pyrite/stub.h>

PYR_BEGIN_DECLS

/*
 * A pool turns .proto files into the descriptors that protobuf-c works with, and services into the
 * tables that the functions of pyrite/stub.h take. It trusts nothing that it is given: descriptors
 * may come from a server. What it has handed out lives as long as the pool. While files are added
 * no other thread may use the pool; otherwise any number may.
 *
 * Groups and extensions are left out of the messages, so they count as unknown fields.
 */
typedef struct pyr_pool pyr_pool;

typedef struct pyr_pool_options {
	size_t size;              /* sizeof(pyr_pool_options) */
	uint32_t files_max;       /* 0: 2,048 */
	uint32_t definitions_max; /* messages, fields, enum values, methods...; 0: 262,144 */
	uint32_t bytes_max;       /* of all serialized files together; 0: 16 MiB */
} pyr_pool_options;

#define PYR_POOL_OPTIONS_INIT                                                                      \
	{                                                                                          \
		sizeof(pyr_pool_options), 0, 0, 0                                                  \
	}

PYR_API PYR_MUST_USE pyr_pool *pyr_pool_new(const pyr_pool_options *options); /* never NULL */
PYR_API void pyr_pool_free(pyr_pool *pool);                                   /* NULL is ignored */

/*
 * Adds a serialized google.protobuf.FileDescriptorProto, copied. The files that it imports have to
 * be there before it; of google/protobuf/ the library has its own, for when they are not. The same
 * bytes again are no error; another file of the same name is ALREADY_EXISTS. INVALID_ARGUMENT says
 * which definition is wrong, RESOURCE_EXHAUSTED which limit was reached; nothing of the file is
 * added then.
 */
PYR_API PYR_MUST_USE pyr_status pyr_pool_add_file(
	pyr_pool *pool, const void *data, size_t size, pyr_error *err);

/*
 * Adds each file of a serialized google.protobuf.FileDescriptorSet, in whatever order. Those before
 * the one that failed stay.
 */
PYR_API PYR_MUST_USE pyr_status pyr_pool_add_set(
	pyr_pool *pool, const void *data, size_t size, pyr_error *err);

/* Adds what generated code embeds, x.pyr.h's pyr_file__..., after what it imports. */
PYR_API PYR_MUST_USE pyr_status pyr_pool_add_generated(
	pyr_pool *pool, const pyr_file *file, pyr_error *err);

/*
 * Asks the server behind a reference or a name for its descriptors, by gRPC's reflection (v1, or
 * else v1alpha), and adds them: the file that defines `symbol`, a full name, and what it imports;
 * NULL: those of all interfaces. Files whose names the pool has already are left as they are.
 * Blocks for as long as the options say. *ret_interfaces, which may be NULL, is the caller's, one
 * free() for all: the names of what the server serves, and a NULL behind the last.
 */
PYR_API PYR_MUST_USE pyr_status pyr_pool_ask(pyr_pool *pool, pyr_context *context,
	const char *reference, const pyr_proxy_options *options, const char *symbol,
	char ***ret_interfaces, pyr_error *err);

/* By full name, "demo.Person". NULL if there is none. */
PYR_API const ProtobufCMessageDescriptor *pyr_pool_message(const pyr_pool *pool, const char *name);
PYR_API const ProtobufCEnumDescriptor *pyr_pool_enum(const pyr_pool *pool, const char *name);

/*
 * A message with all fields at their default values; the caller's:
 * protobuf_c_message_free_unpacked(). protobuf_c_message_init() works with generated code only.
 * NULL when there is no memory.
 */
PYR_API PYR_MUST_USE ProtobufCMessage *pyr_dynamic_new(
	const ProtobufCMessageDescriptor *descriptor);

/*
 * Decodes what anybody may have sent, which protobuf_c_message_unpack() should not: depth is
 * limited to 100 and memory to bytes_max (0: 32 MiB). Any descriptor, generated or of a pool.
 * *ret_message is the caller's: protobuf_c_message_free_unpacked(). INVALID_ARGUMENT says byte and
 * field, RESOURCE_EXHAUSTED if a limit was reached.
 */
PYR_API PYR_MUST_USE pyr_status pyr_dynamic_unpack(const ProtobufCMessageDescriptor *descriptor,
	const void *data, size_t size, size_t bytes_max, ProtobufCMessage **ret_message,
	pyr_error *err);

/*
 * By full name, "demo.Calculator". For pyr_stub_open() and its like; callbacks are of the type
 * pyr_dynamic_on_message, and pyr_stub_serve() takes pyr_dynamic_ops as ops. NULL if there is none.
 */
PYR_API const pyr_interface *pyr_pool_interface(const pyr_pool *pool, const char *name);

/* All interfaces, in the order in which they were added; NULL past the last. */
PYR_API const pyr_interface *pyr_pool_interface_at(const pyr_pool *pool, size_t index);

/*
 * The file with this name, or the one that defines the message, enum, service or method of this
 * full name: its table has the serialized bytes and the imports that are in the pool. NULL if there
 * is none.
 */
PYR_API const pyr_file *pyr_pool_file(const pyr_pool *pool, const char *name);
PYR_API const pyr_file *pyr_pool_file_of(const pyr_pool *pool, const char *symbol);

/* What pyr_fn is for methods of a pool's interfaces, on a proxy; see pyrite/stub.h. */
typedef void (*pyr_dynamic_on_message)(
	void *ctx, pyr_status status, const ProtobufCMessage *message, const pyr_error *err);
typedef void (*pyr_dynamic_on_request)(
	void *ctx, pyr_call *call, pyr_status status, const ProtobufCMessage *request);

/*
 * A servant of an interface of a pool: one function for all methods; pyr_call_method() says which.
 * request is NULL for a method with a client stream.
 */
typedef struct pyr_dynamic_ops {
	void (*call)(void *self, pyr_call *call, const ProtobufCMessage *request);
} pyr_dynamic_ops;

/*
 * JSON as the protobuf documents define it ("ProtoJSON"). Messages may be of the pool or of
 * generated code; in either case the pool must have their files, for the names in JSON, for what is
 * a map, and for the types in an Any.
 */
typedef struct pyr_json_options {
	size_t size;      /* sizeof(pyr_json_options) */
	bool defaults;    /* write: fields without presence also when they have the default value */
	bool proto_names; /* write: names as in the .proto file instead of lowerCamelCase */
	bool enum_numbers;   /* write: enum values as numbers */
	bool ignore_unknown; /* read: skip fields and enum values that the message does not have */
	uint32_t indent;     /* write: spaces a level, on lines of their own; 0: all on one line */
	uint32_t bytes_max;  /* read: memory of the message; write: of the text; 0: 32 MiB */
} pyr_json_options;

#define PYR_JSON_OPTIONS_INIT                                                                      \
	{                                                                                          \
		sizeof(pyr_json_options), false, false, false, false, 0, 0                         \
	}

/*
 * Writes a message. *ret_text, NUL-terminated, is the caller's: free(). INVALID_ARGUMENT for what
 * has no JSON form (a time out of range, an Any of a type that the pool does not have), saying
 * where in the message; NOT_FOUND if the message's own type is not in the pool.
 */
PYR_API PYR_MUST_USE pyr_status pyr_json_write(const pyr_pool *pool,
	const ProtobufCMessage *message, const pyr_json_options *options, char **ret_text,
	pyr_error *err);

/*
 * Reads a message of the type `descriptor`. *ret_message is the caller's:
 * protobuf_c_message_free_unpacked(). INVALID_ARGUMENT says line, column and field, and what would
 * have been right.
 */
PYR_API PYR_MUST_USE pyr_status pyr_json_read(const pyr_pool *pool,
	const ProtobufCMessageDescriptor *descriptor, const char *text, size_t size,
	const pyr_json_options *options, ProtobufCMessage **ret_message, pyr_error *err);

PYR_END_DECLS

#endif
