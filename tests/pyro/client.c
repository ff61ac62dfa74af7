/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client that a script drives: each line of stdin is a command in JSON, each answer a line on
 * stdout that begins with the command's "id". Calls do not wait for each other. All of it is one
 * context, and so one session with each daemon.
 *
 *   {"id": 1, "do": "open", "proxy": "p", "to": REFERENCE, "interface": "compared.Thing",
 *    "timeout_ms": 0, "retries": 0, "resume_ms": 0, "hello": "", "correlation": "", "ready": false}
 *   {"id": 2, "do": "call", "proxy": "p", "method": "Add", "request": {"value": 1}}
 *   {"id": 3, "do": "ask", "proxy": "p", "method": "Note", "request": {}, "hello": ""}
 *   {"id": 3, "do": "batch", "proxy": "p", "calls": [{"method": "Add", "request": {}}, ...]}
 *   {"id": 4, "do": "stream", "proxy": "p", "method": "Squares", "request": {"value": 9}}
 *   {"id": 5, "do": "next", "proxy": "p", "count": 2}
 *   {"id": 6, "do": "drop", "proxy": "p"}
 *   {"id": 7, "do": "close", "proxy": "p"}
 *   {"id": 8, "do": "child", "of": REFERENCE, "proxy": "c"}
 *
 * child opens a proxy of the object that is returned. The second argument of the program is the
 * number of a connected socket, which is called "pair:1" in references.
 *
 * ask waits for its answer; next reads so many messages of the proxy's stream, of which there is
 * one, and drop ends it.
 *
 * The answer: {"id": 2, "status": "OK", "reply": {...}}, or {"id": 2, "status": "NOT_FOUND",
 * "message": "...", "where": "...", "details": BYTES}; of next
 * {"id": 4, "status": "OK", "replies": [...], "ended": true}; of ask "heard": METADATA; of
 * batch "ran": COUNT.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "compared.pyr.h"
#include <pyrite/dynamic.h>

#define PROXIES_MAX 100

typedef struct opened {
	char name[32];
	pyr_proxy *proxy;
	const pyr_interface *interface;
	pyr_stream *stream;
	const pyr_method *method; /* of the stream */
} opened;

static pyr_context *context;
static pyr_pool *pool;
static opened proxies[PROXIES_MAX];

static void die(const char *what)
{
	fprintf(stderr, "client: %s\n", what);
	exit(3);
}

/* Answers */

static json_t *answer(json_int_t id, pyr_status status, const pyr_error *err)
{
	json_t *line = json_pack("{s:I, s:s}", "id", id, "status", pyr_status_name(status));
	if (status)
		json_object_update_new(
			line, json_pack("{s:s, s:s, s:i}", "message", err->message, "where",
				      err->where, "details", (int)err->details_size));
	return line;
}

/* One write a line, whatever thread it is. */
static void print(json_t *line)
{
	char *text = json_dumps(line, JSON_COMPACT);
	printf("%s\n", text);
	fflush(stdout);
	free(text);
	json_decref(line);
}

static json_t *message_to_json(const ProtobufCMessage *message)
{
	pyr_json_options options = PYR_JSON_OPTIONS_INIT;
	pyr_error err;
	char *text;
	options.defaults = true;
	if (pyr_json_write(pool, message, &options, &text, &err))
		die(err.message);
	json_t *value = json_loads(text, 0, NULL);
	free(text);
	return value;
}

static void on_reply(
	void *ctx, pyr_status status, const ProtobufCMessage *message, const pyr_error *err)
{
	json_int_t *id = ctx;
	json_t *line = answer(*id, status, err);
	if (status == PYR_OK)
		json_object_set_new(line, "reply", message_to_json(message));
	free(id);
	print(line);
}

/* Commands */

static const char *text_of(const json_t *command, const char *key, const char *otherwise)
{
	const char *text = json_string_value(json_object_get(command, key));
	return text ? text : otherwise;
}

static opened *find(const char *name)
{
	for (size_t i = 0; i < PROXIES_MAX; i++)
		if (strcmp(proxies[i].name, name) == 0)
			return &proxies[i];
	die("no such proxy, or too many");
	return NULL;
}

static pyr_status open_proxy(const json_t *command, pyr_error *err)
{
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	opened *o = find("");
	pyr_metadata *hello = pyr_metadata_new();
	options.timeout_ms = (uint32_t)json_integer_value(json_object_get(command, "timeout_ms"));
	options.retries_max = (uint32_t)json_integer_value(json_object_get(command, "retries"));
	options.resume_ms = (uint32_t)json_integer_value(json_object_get(command, "resume_ms"));
	options.correlation = json_string_value(json_object_get(command, "correlation"));
	options.wait_for_ready = json_is_true(json_object_get(command, "ready"));
	options.metadata = hello;
	o->interface = pyr_pool_interface(pool, text_of(command, "interface", "compared.Thing"));
	pyr_status status =
		pyr_metadata_add(hello, "hello", text_of(command, "hello", "friend"), err);
	if (status == PYR_OK)
		status = pyr_stub_open(context, o->interface, text_of(command, "to", ""), &options,
			&o->proxy, err);
	if (status == PYR_OK)
		snprintf(o->name, sizeof o->name, "%s", text_of(command, "proxy", ""));
	pyr_metadata_free(hello);
	return status;
}

static void close_proxy(const json_t *command)
{
	opened *o = find(text_of(command, "proxy", "?"));
	pyr_proxy_unref(o->proxy);
	*o = (opened){.name = ""};
}

static uint32_t method_of(const opened *o, const json_t *command)
{
	const char *name = text_of(command, "method", "");
	for (uint32_t i = 0; i < o->interface->method_count; i++)
		if (strcmp(o->interface->methods[i].name, name) == 0)
			return i;
	die("no such method");
	return 0;
}

static ProtobufCMessage *request_of(const pyr_method *method, const json_t *command)
{
	const json_t *value = json_object_get(command, "request");
	char *text = value ? json_dumps(value, JSON_COMPACT) : strdup("{}");
	ProtobufCMessage *request;
	pyr_error err;
	if (pyr_json_read(pool, method->input, text, strlen(text), NULL, &request, &err))
		die(err.message);
	free(text);
	return request;
}

/* False if on_reply answers. */
static bool call(const json_t *command, json_int_t id, pyr_status *ret_status, pyr_error *err)
{
	opened *o = find(text_of(command, "proxy", "?"));
	uint32_t index = method_of(o, command);
	const pyr_method *method = &o->interface->methods[index];
	ProtobufCMessage *request = request_of(method, command);
	bool at_once = method->flags & PYR_METHOD_ONEWAY;
	if (at_once) {
		*ret_status = pyr_stub_oneway(o->proxy, index, request, err);
	} else {
		json_int_t *ctx = malloc(sizeof *ctx);
		if (!ctx)
			die("out of memory");
		*ctx = id;
		*ret_status =
			pyr_stub_invoke(o->proxy, index, request, (pyr_fn)on_reply, ctx, NULL, err);
		at_once = *ret_status != PYR_OK;
		if (at_once)
			free(ctx);
	}
	protobuf_c_message_free_unpacked(request, NULL);
	return at_once;
}

/* A call that waits, and says what metadata came back. */
static json_t *ask(const json_t *command, json_int_t id)
{
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	opened *o = find(text_of(command, "proxy", "?"));
	uint32_t index = method_of(o, command);
	ProtobufCMessage *request = request_of(&o->interface->methods[index], command);
	ProtobufCMessage *reply = NULL;
	pyr_metadata *sent = pyr_metadata_new(), *heard = pyr_metadata_new();
	pyr_proxy *proxy = NULL;
	pyr_error err;
	options.metadata = sent;
	options.reply_metadata = heard;
	pyr_status status = pyr_metadata_add(sent, "hello", text_of(command, "hello", ""), &err);
	if (status == PYR_OK)
		status = pyr_proxy_derive(o->proxy, &options, &proxy, &err);
	if (status == PYR_OK)
		status = pyr_stub_call(proxy, index, request, &reply, &err);
	json_t *line = answer(id, status, &err);
	const char *value = pyr_metadata_get(heard, "heard");
	json_object_set_new(line, "heard", json_string(value ? value : ""));
	pyr_proxy_unref(proxy);
	pyr_metadata_free(sent);
	pyr_metadata_free(heard);
	protobuf_c_message_free_unpacked(request, NULL);
	if (reply)
		protobuf_c_message_free_unpacked(reply, NULL);
	return line;
}

/* All requests in one batch; `ran` is how many have succeeded. */
static json_t *run_batch(const json_t *command, json_int_t id)
{
	opened *o = find(text_of(command, "proxy", "?"));
	pyr_batch *batch = pyr_batch_new(o->proxy);
	pyr_status status = PYR_OK;
	json_t *one;
	size_t i;
	pyr_error err;
	json_array_foreach(json_object_get(command, "calls"), i, one)
	{
		const pyr_method *method = &o->interface->methods[method_of(o, one)];
		ProtobufCMessage *request = request_of(method, one);
		if (status == PYR_OK)
			status = pyr_stub_batch(batch, method, request, &err);
		protobuf_c_message_free_unpacked(request, NULL);
	}
	if (status == PYR_OK)
		status = pyr_batch_run(batch, &err);
	json_t *line = answer(id, status, &err);
	json_object_set_new(line, "ran", json_integer((json_int_t)pyr_batch_ran(batch)));
	pyr_batch_free(batch);
	return line;
}

static pyr_status open_stream(const json_t *command, pyr_error *err)
{
	opened *o = find(text_of(command, "proxy", "?"));
	uint32_t index = method_of(o, command);
	o->method = &o->interface->methods[index];
	ProtobufCMessage *request = request_of(o->method, command);
	pyr_status status = pyr_stub_stream(o->proxy, index, request, &o->stream, err);
	protobuf_c_message_free_unpacked(request, NULL);
	return status;
}

/* So many messages of the stream, fewer if it ends. */
static json_t *read_stream(const json_t *command, json_int_t id)
{
	opened *o = find(text_of(command, "proxy", "?"));
	json_int_t count = json_integer_value(json_object_get(command, "count"));
	const ProtobufCMessage *message = NULL;
	json_t *replies = json_array();
	pyr_status status = PYR_OK;
	bool ended = false;
	pyr_error err;
	while (count-- > 0 && !ended && status == PYR_OK) {
		status = pyr_stub_stream_next(o->stream, o->method, &message, &err);
		ended = status == PYR_OK && !message;
		if (status == PYR_OK && message)
			json_array_append_new(replies, message_to_json(message));
	}
	json_t *line = answer(id, status, &err);
	json_object_update_new(
		line, json_pack("{s:o, s:b}", "replies", replies, "ended", (int)ended));
	return line;
}

static void drop_stream(const json_t *command)
{
	opened *o = find(text_of(command, "proxy", "?"));
	pyr_stream_close(o->stream);
	o->stream = NULL;
}

static pyr_status accept_child(const json_t *command, pyr_error *err)
{
	opened *o = find("");
	compared_thing *thing;
	Compared__Line request = COMPARED__LINE__INIT;
	Compared__Returned *reply;
	pyr_metadata *hello = pyr_metadata_new();
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	options.metadata = hello;
	o->interface = pyr_pool_interface(pool, "compared.Thing");
	if (pyr_metadata_add(hello, "hello", "friend", err) ||
		compared_thing__open(context, text_of(command, "of", ""), &options, &thing, err))
		die(err->message);
	pyr_status status = compared_thing_child(thing, &request, &reply, err);
	if (status == PYR_OK) {
		status = pyr_stub_accept(compared_thing__proxy(thing), o->interface, reply->thing,
			&options, &o->proxy, err);
		compared__returned__free_unpacked(reply, NULL);
	}
	if (status == PYR_OK)
		snprintf(o->name, sizeof o->name, "%s", text_of(command, "proxy", ""));
	compared_thing__close(thing);
	pyr_metadata_free(hello);
	return status;
}

/* NULL if on_reply answers. */
static json_t *run(const json_t *command)
{
	json_int_t id = json_integer_value(json_object_get(command, "id"));
	const char *what = text_of(command, "do", "");
	pyr_status status = PYR_OK;
	pyr_error err;
	if (strcmp(what, "ask") == 0)
		return ask(command, id);
	if (strcmp(what, "batch") == 0)
		return run_batch(command, id);
	if (strcmp(what, "next") == 0)
		return read_stream(command, id);
	if (strcmp(what, "call") == 0 && !call(command, id, &status, &err))
		return NULL;
	if (strcmp(what, "open") == 0)
		status = open_proxy(command, &err);
	else if (strcmp(what, "child") == 0)
		status = accept_child(command, &err);
	else if (strcmp(what, "stream") == 0)
		status = open_stream(command, &err);
	else if (strcmp(what, "drop") == 0)
		drop_stream(command);
	else if (strcmp(what, "close") == 0)
		close_proxy(command);
	else if (strcmp(what, "call") != 0)
		die("no such command");
	return answer(id, status, &err);
}

int main(int argc, char **argv)
{
	pyr_context_options options = PYR_CONTEXT_OPTIONS_INIT;
	char *text = NULL;
	size_t room = 0;
	pyr_error err;
	pool = pyr_pool_new(NULL);
	options.compress_from = argc > 1 ? (uint32_t)atoi(argv[1]) : 0;
	if (pyr_context_new(&options, &context, &err) ||
		pyr_pool_add_generated(pool, pyr_file__compared_2eproto.imports[0], &err) ||
		pyr_pool_add_generated(pool, pyr_file__compared_2eproto.imports[1], &err) ||
		pyr_pool_add_generated(pool, &pyr_file__compared_2eproto, &err))
		die(err.message);
	if (argc > 2 && pyr_context_adopt(context, atoi(argv[2]), "pair:1", &err))
		die(err.message);
	while (getline(&text, &room, stdin) > 0) {
		json_t *command = json_loads(text, 0, NULL);
		if (!command)
			die("that is no JSON");
		json_t *line = run(command);
		if (line)
			print(line);
		json_decref(command);
	}
	for (size_t i = 0; i < PROXIES_MAX; i++) {
		pyr_stream_close(proxies[i].stream);
		pyr_proxy_unref(proxies[i].proxy);
	}
	pyr_context_free(context);
	pyr_pool_free(pool);
	free(text);
	return 0;
}
