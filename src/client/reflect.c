/* SPDX-License-Identifier: Apache-2.0 */
/* The client's half of gRPC's reflection: fills a pool from a server, which is not trusted. */
#include <google/protobuf/descriptor.pb-c.h>
#include <grpc/reflection/v1/reflection.pyr.h>
#include <grpc/reflection/v1alpha/reflection.pyr.h>
#include <pyrite/dynamic.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/error.h"
#include "base/map.h"
#include "codec/decode.h"

#define INTERFACES_MAX   4096
#define NAME_BYTES_MAX   1024
#define FILES_MAX        2048
#define BYTES_MAX        (16u << 20)
#define DECODED_MAX      (64u << 20)
#define VARINT_BYTES_MAX 10

typedef Grpc__Reflection__V1__ServerReflectionRequest question;
typedef Grpc__Reflection__V1__ServerReflectionResponse answer;
typedef Google__Protobuf__FileDescriptorProto file_proto;

#define QUESTION(name) GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_##name
#define ANSWER(name)   GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_##name

/* The name of a file that has come, or that has been asked for in vain. */
typedef struct file_name {
	struct file_name *next;
	bool asked;
	char text[];
} file_name;

typedef struct asking {
	pyr_pool *pool;
	pyr_interface interface; /* v1's table, under the name that the server knows */
	pyr_proxy *proxy;
	pyr_stream *stream;
	bool refused; /* the server does not know the service by this name */
	pyr__map names;
	file_name *wanted; /* imports that have not come, newest first */
	uint8_t *set;      /* a serialized FileDescriptorSet */
	size_t set_size;
	size_t file_count;
	pyr_error *err;
} asking;

static const pyr_method *method(const asking *a)
{
	return &a->interface.methods[0];
}

static pyr_status too_much(asking *a)
{
	return pyr_error_set(a->err, PYR_RESOURCE_EXHAUSTED,
		"the server's descriptors are more than %u files, or %u bytes", FILES_MAX,
		BYTES_MAX);
}

/* One question and its answer, which is valid until the next. */
static pyr_status ask(asking *a, const question *q, const answer **ret_answer)
{
	const ProtobufCMessage *message = NULL;
	pyr_status sent = pyr_stub_stream_send(a->stream, method(a), &q->base, a->err);
	/* a call that has ended takes nothing: what its end was says why */
	pyr_status status = pyr_stub_stream_next(a->stream, method(a), &message, a->err);
	a->refused = status == PYR_UNIMPLEMENTED;
	if (status || sent)
		return status ? status : sent;
	if (!message)
		return pyr_error_set(
			a->err, PYR_INTERNAL, "the server's reflection ended without an answer");
	const answer *got = (const answer *)message;
	if (got->message_response_case == ANSWER(ERROR_RESPONSE)) {
		int code = got->error_response->error_code;
		return pyr_error_set(a->err,
			code > 0 && code <= 16 ? (pyr_status)code : PYR_UNKNOWN,
			"the server's reflection says: %s", got->error_response->error_message);
	}
	*ret_answer = got;
	return PYR_OK;
}

/* NULL if the name is known already. */
static file_name *add_name(asking *a, const char *text)
{
	size_t size = strlen(text);
	if (size > NAME_BYTES_MAX || a->names.count >= 2 * FILES_MAX ||
		pyr__map_find(&a->names, text, size))
		return NULL;
	file_name *name = pyr__zalloc(sizeof *name + size + 1);
	memcpy(name->text, text, size);
	pyr__map_insert(&a->names, name->text, size, name);
	return name;
}

static void append_to_set(asking *a, const ProtobufCBinaryData *file)
{
	a->set = pyr__realloc(a->set, a->set_size + 1 + VARINT_BYTES_MAX + file->len);
	a->set[a->set_size++] = 1 << 3 | 2; /* FileDescriptorSet.file */
	size_t left = file->len;
	for (; left >= 0x80; left >>= 7)
		a->set[a->set_size++] = (uint8_t)(left | 0x80);
	a->set[a->set_size++] = (uint8_t)left;
	memcpy(a->set + a->set_size, file->data, file->len);
	a->set_size += file->len;
}

/* Keeps the file's bytes, and notes what it imports. */
static void keep_file(asking *a, const file_proto *proto, const ProtobufCBinaryData *bytes)
{
	file_name *known =
		proto->name ? pyr__map_find(&a->names, proto->name, strlen(proto->name)) : NULL;
	if (known && !known->asked)
		return; /* it has come before */
	if (known)
		known->asked = false;
	else if (proto->name)
		(void)add_name(a, proto->name);
	if (proto->name && pyr_pool_file(a->pool, proto->name))
		return;
	append_to_set(a, bytes);
	a->file_count++;
	for (size_t i = 0; i < proto->n_dependency; i++) {
		file_name *import = pyr_pool_file(a->pool, proto->dependency[i])
					    ? NULL
					    : add_name(a, proto->dependency[i]);
		if (!import)
			continue;
		import->asked = true;
		import->next = a->wanted;
		a->wanted = import;
	}
}

static pyr_status read_file(asking *a, const ProtobufCBinaryData *bytes)
{
	pyr__arena arena;
	ProtobufCMessage *proto;
	if (a->file_count >= FILES_MAX || bytes->len > BYTES_MAX - a->set_size)
		return too_much(a);
	pyr__arena_init(&arena, NULL, 0);
	pyr__decode_options options = {.arena = &arena, .bytes_max = DECODED_MAX};
	pyr_status status = pyr__decode(&google__protobuf__file_descriptor_proto__descriptor,
		bytes->data, bytes->len, &options, &proto, a->err);
	if (status == PYR_OK)
		keep_file(a, (const file_proto *)proto, bytes);
	pyr__arena_reset(&arena);
	return status;
}

static pyr_status ask_for_file(asking *a, const question *q)
{
	const answer *got;
	pyr_status status = ask(a, q, &got);
	if (status)
		return status;
	if (got->message_response_case != ANSWER(FILE_DESCRIPTOR_RESPONSE))
		return pyr_error_set(a->err, PYR_INTERNAL,
			"the server's reflection answers another question than was asked");
	const Grpc__Reflection__V1__FileDescriptorResponse *files = got->file_descriptor_response;
	for (size_t i = 0; i < files->n_file_descriptor_proto && !status; i++)
		status = read_file(a, &files->file_descriptor_proto[i]);
	return status;
}

static pyr_status ask_for_symbol(asking *a, const char *symbol)
{
	question q = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
	q.message_request_case = QUESTION(FILE_CONTAINING_SYMBOL);
	q.file_containing_symbol = (char *)symbol;
	return ask_for_file(a, &q);
}

/* What a server does not have of its imports may not be needed: the pool will say. */
static pyr_status ask_for_imports(asking *a)
{
	pyr_status status = PYR_OK;
	while (a->wanted && status == PYR_OK) {
		file_name *name = a->wanted;
		a->wanted = name->next;
		if (!name->asked)
			continue;
		question q = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
		q.message_request_case = QUESTION(FILE_BY_FILENAME);
		q.file_by_filename = name->text;
		status = ask_for_file(a, &q);
		if (status == PYR_NOT_FOUND)
			status = PYR_OK;
	}
	return status;
}

/* All in one piece of memory. */
static char **copy_names(const Grpc__Reflection__V1__ListServiceResponse *list)
{
	size_t count = list->n_service, size = (count + 1) * sizeof(char *);
	for (size_t i = 0; i < count; i++)
		size += strlen(list->service[i]->name) + 1;
	char **names = pyr__alloc(size), *at = (char *)(names + count + 1);
	for (size_t i = 0; i < count; i++) {
		names[i] = at;
		at = stpcpy(at, list->service[i]->name) + 1;
	}
	names[count] = NULL;
	return names;
}

static pyr_status ask_for_names(asking *a, char ***ret_names)
{
	const answer *got;
	question q = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
	q.message_request_case = QUESTION(LIST_SERVICES);
	q.list_services = "";
	pyr_status status = ask(a, &q, &got);
	if (status)
		return status;
	if (got->message_response_case != ANSWER(LIST_SERVICES_RESPONSE) ||
		got->list_services_response->n_service > INTERFACES_MAX)
		return pyr_error_set(a->err, PYR_INTERNAL,
			"the server's reflection has no list of services, or one of more than %d",
			INTERFACES_MAX);
	*ret_names = copy_names(got->list_services_response);
	return PYR_OK;
}

static pyr_status open_stream(asking *a, pyr_context *context, const char *reference,
	const pyr_proxy_options *options, const pyr_interface *named)
{
	a->interface = grpc_reflection_v1_server_reflection__interface;
	a->interface.name = named->name;
	a->interface.file = named->file;
	pyr_status status =
		pyr_stub_open(context, &a->interface, reference, options, &a->proxy, a->err);
	return status ? status : pyr_stub_stream(a->proxy, 0, NULL, &a->stream, a->err);
}

static void close_stream(asking *a)
{
	pyr_stream_close(a->stream);
	pyr_proxy_unref(a->proxy);
	a->stream = NULL;
	a->proxy = NULL;
}

/* Under one of the service's two names. */
static pyr_status ask_as(asking *a, pyr_context *context, const char *reference,
	const pyr_proxy_options *options, const pyr_interface *named, const char *symbol,
	char ***ret_names)
{
	pyr_status status = open_stream(a, context, reference, options, named);
	if (status == PYR_OK)
		status = ask_for_names(a, ret_names);
	if (status == PYR_OK && symbol)
		status = ask_for_symbol(a, symbol);
	for (char **name = *ret_names; status == PYR_OK && !symbol && *name; name++)
		status = ask_for_symbol(a, *name);
	if (status == PYR_OK)
		status = ask_for_imports(a);
	close_stream(a);
	return status;
}

static void free_names(asking *a)
{
	for (uint32_t i = 0; i < a->names.count; i++)
		free(a->names.entries[i].value);
	pyr__map_done(&a->names);
}

pyr_status pyr_pool_ask(pyr_pool *pool, pyr_context *context, const char *reference,
	const pyr_proxy_options *options, const char *symbol, char ***ret_interfaces,
	pyr_error *err)
{
	pyr_error own;
	char **names = NULL;
	asking a = {.pool = pool, .err = err ? err : &own};
	pyr__map_init(&a.names);
	pyr_status status = ask_as(&a, context, reference, options,
		&grpc_reflection_v1_server_reflection__interface, symbol, &names);
	if (status && a.refused)
		status = ask_as(&a, context, reference, options,
			&grpc_reflection_v1alpha_server_reflection__interface, symbol, &names);
	if (status == PYR_OK)
		status = pyr_pool_add_set(pool, a.set, a.set_size, err);
	if (status || !ret_interfaces)
		free(names);
	else
		*ret_interfaces = names;
	free_names(&a);
	free(a.set);
	return status;
}
