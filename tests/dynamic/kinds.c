/* SPDX-License-Identifier: Apache-2.0 */
/* All kinds of methods, served without generated code. */
#include "kinds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

pyr_pool *kinds_pool(const char *set_path)
{
	static char data[65536];
	pyr_error err;
	FILE *file = fopen(set_path, "rb");
	size_t size = file ? fread(data, 1, sizeof data, file) : 0;
	if (file)
		fclose(file);
	pyr_pool *pool = pyr_pool_new(NULL);
	if (size == 0 || pyr_pool_add_set(pool, data, size, &err)) {
		fprintf(stderr, "kinds: %s: %s\n", set_path, size ? err.message : "empty");
		exit(1);
	}
	return pool;
}

static int64_t *value_of(const ProtobufCMessage *message)
{
	return (int64_t *)((char *)message + message->descriptor->fields[0].offset);
}

int64_t kinds_value(const ProtobufCMessage *message)
{
	return *value_of(message);
}

ProtobufCMessage *kinds_number(const pyr_pool *pool, int64_t value)
{
	ProtobufCMessage *message = pyr_dynamic_new(pyr_pool_message(pool, "kinds.Number"));
	*value_of(message) = value;
	return message;
}

static const pyr_method *method_named(const pyr_interface *interface, const char *full_name)
{
	for (uint32_t i = 0; i < interface->method_count; i++)
		if (strcmp(interface->methods[i].name, strrchr(full_name, '/') + 1) == 0)
			return &interface->methods[i];
	return NULL;
}

static pyr_status send_number(
	const pyr_pool *pool, pyr_call *call, const pyr_method *method, int64_t value)
{
	ProtobufCMessage *message = kinds_number(pool, value);
	pyr_status status = pyr_stub_send(call, method, message, NULL);
	protobuf_c_message_free_unpacked(message, NULL);
	return status;
}

static void reply_number(
	const pyr_pool *pool, pyr_call *call, const pyr_method *method, int64_t value)
{
	ProtobufCMessage *message = kinds_number(pool, value);
	pyr_stub_reply(call, method, message);
	protobuf_c_message_free_unpacked(message, NULL);
}

static void count(const pyr_pool *pool, pyr_call *call, const pyr_method *method, int64_t last)
{
	for (int64_t i = 1; i <= last; i++)
		if (send_number(pool, call, method, i))
			return;
	pyr_call_end(call);
}

static void sum(const pyr_pool *pool, pyr_call *call, const pyr_method *method)
{
	int64_t total = 0;
	const ProtobufCMessage *request;
	while (pyr_stub_next_request(call, method, &request, NULL) == PYR_OK) {
		if (!request) {
			reply_number(pool, call, method, total);
			return;
		}
		if (kinds_value(request) < 0) {
			pyr_call_fail(call, PYR_OUT_OF_RANGE, "%lld is negative",
				(long long)kinds_value(request));
			return;
		}
		total += kinds_value(request);
	}
}

static void twice(const pyr_pool *pool, pyr_call *call, const pyr_method *method)
{
	const ProtobufCMessage *request;
	while (pyr_stub_next_request(call, method, &request, NULL) == PYR_OK) {
		if (!request || kinds_value(request) == 0) {
			pyr_call_end(call);
			return;
		}
		if (send_number(pool, call, method, 2 * kinds_value(request)))
			return;
	}
}

static void on_call(void *self, pyr_call *call, const ProtobufCMessage *request)
{
	const pyr_pool *pool = self;
	const pyr_interface *interface = pyr_pool_interface(pool, "kinds.Kinds");
	const pyr_method *method = method_named(interface, pyr_call_method(call));
	switch (method->flags & (PYR_METHOD_CLIENT_STREAM | PYR_METHOD_SERVER_STREAM)) {
	case 0:
		reply_number(pool, call, method, kinds_value(request) + 1);
		break;
	case PYR_METHOD_SERVER_STREAM:
		count(pool, call, method, kinds_value(request));
		break;
	case PYR_METHOD_CLIENT_STREAM:
		sum(pool, call, method);
		break;
	default:
		twice(pool, call, method);
	}
}

pyr_status kinds_serve(pyr_daemon *daemon, const pyr_pool *pool, pyr_error *err)
{
	static const pyr_dynamic_ops ops = {.call = on_call};
	return pyr_stub_serve(
		daemon, "kinds", pyr_pool_interface(pool, "kinds.Kinds"), &ops, (void *)pool, err);
}
