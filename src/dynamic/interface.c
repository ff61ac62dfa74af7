/* SPDX-License-Identifier: Apache-2.0 */
/* The second pass: a service as the table that proxies and daemons take. */
#include <stdio.h>
#include <string.h>
#include "base/owner.h"
#include "dynamic/pool.h"

#define ONEWAY_OPTION 50790 /* pyrite.oneway in proto/pyrite/options.proto */

typedef Google__Protobuf__MethodDescriptorProto method_proto;

static bool dispatch(const void *ops, void *self, pyr_call *call, const ProtobufCMessage *request)
{
	const pyr_dynamic_ops *table = ops;
	if (!table->call)
		return false;
	table->call(self, call, request);
	return true;
}

static void deliver(pyr_fn fn, void *ctx, pyr_status status, const ProtobufCMessage *message,
	const pyr_error *err)
{
	((pyr_dynamic_on_message)fn)(ctx, status, message, err);
}

static void deliver_request(
	pyr_fn fn, void *ctx, pyr_call *call, pyr_status status, const ProtobufCMessage *message)
{
	((pyr_dynamic_on_request)fn)(ctx, call, status, message);
}

static bool is_oneway(const Google__Protobuf__MethodOptions *options)
{
	bool oneway = false;
	for (unsigned i = 0; i < options->base.n_unknown_fields; i++) {
		const ProtobufCMessageUnknownField *field = &options->base.unknown_fields[i];
		if (field->tag == ONEWAY_OPTION &&
			field->wire_type == PROTOBUF_C_WIRE_TYPE_VARINT && field->len > 0)
			oneway = field->data[0] != 0;
	}
	return oneway;
}

#define LEVEL(name) GOOGLE__PROTOBUF__METHOD_OPTIONS__IDEMPOTENCY_LEVEL__##name

static uint32_t flags_of(const method_proto *proto)
{
	const Google__Protobuf__MethodOptions *options = proto->options;
	uint32_t flags = 0;
	if (proto->client_streaming)
		flags |= PYR_METHOD_CLIENT_STREAM;
	if (proto->server_streaming)
		flags |= PYR_METHOD_SERVER_STREAM;
	if (!options)
		return flags;
	if (options->idempotency_level == LEVEL(IDEMPOTENT))
		flags |= PYR_METHOD_IDEMPOTENT;
	if (options->idempotency_level == LEVEL(NO_SIDE_EFFECTS))
		flags |= PYR_METHOD_IDEMPOTENT | PYR_METHOD_NO_SIDE_EFFECTS;
	if (options->deprecated)
		flags |= PYR_METHOD_DEPRECATED;
	bool unary = !(flags & (PYR_METHOD_CLIENT_STREAM | PYR_METHOD_SERVER_STREAM));
	if (unary && is_oneway(options))
		flags |= PYR_METHOD_ONEWAY;
	return flags;
}

static const ProtobufCMessageDescriptor *message_named(const pyr__adding *adding,
	const pyr__pool_interface *interface, const char *method, const char *name)
{
	char what[2 * PYR__NAME_MAX + 32];
	snprintf(what, sizeof what, "a message of %s/%s", interface->symbol.name, method);
	pyr__symbol *symbol =
		pyr__pool_resolve(adding, interface->symbol.name, name, what, adding->err);
	if (!symbol)
		return NULL;
	if (symbol->kind == PYR__SYMBOL_MESSAGE)
		return &PYR__OWNER(symbol, pyr__pool_message, symbol)->descriptor;
	(void)pyr__pool_bad(adding, "%s is %s, which is no message", what, symbol->name);
	return NULL;
}

static pyr_status build_method(const pyr__adding *adding, const pyr__pool_interface *interface,
	const method_proto *proto, pyr_method *method)
{
	method->name = pyr__pool_text(adding->file, proto->name);
	method->input = message_named(adding, interface, method->name, proto->input_type);
	if (!method->input)
		return PYR_INVALID_ARGUMENT;
	method->output = message_named(adding, interface, method->name, proto->output_type);
	if (!method->output)
		return PYR_INVALID_ARGUMENT;
	method->flags = flags_of(proto);
	method->dispatch = dispatch;
	method->deliver = deliver;
	if (method->flags & PYR_METHOD_CLIENT_STREAM)
		method->deliver_request = deliver_request;
	return PYR_OK;
}

/* There are few methods, but a hostile file may have many. */
static pyr_status check_names(const pyr__adding *adding, const pyr__pool_interface *interface,
	const pyr_method *methods, size_t count)
{
	pyr__map names;
	pyr_status status = PYR_OK;
	pyr__map_init(&names);
	for (size_t i = 0; i < count && !status; i++)
		if (!pyr__map_insert(
			    &names, methods[i].name, strlen(methods[i].name), (void *)&methods[i]))
			status = pyr__pool_bad(adding, "%s has two methods %s",
				interface->symbol.name, methods[i].name);
	pyr__map_done(&names);
	return status;
}

pyr_status pyr__pool_build_interface(const pyr__adding *adding, pyr__pool_interface *interface)
{
	size_t count = interface->proto->n_method;
	pyr_method *methods = pyr__pool_take(adding->file, (count + 1) * sizeof *methods);
	pyr_status status = PYR_OK;
	for (size_t i = 0; i < count && !status; i++)
		status = build_method(adding, interface, interface->proto->method[i], &methods[i]);
	if (status == PYR_OK)
		status = check_names(adding, interface, methods, count);
	interface->interface = (pyr_interface){
		.abi = PYR_STUB_ABI,
		.size = sizeof(pyr_interface),
		.method_size = sizeof(pyr_method),
		.method_count = (uint32_t)count,
		.name = interface->symbol.name,
		.file = &adding->file->file,
		.methods = methods,
	};
	interface->proto = NULL;
	return status;
}
