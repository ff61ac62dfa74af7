/* SPDX-License-Identifier: Apache-2.0 */
/* pyrite call: any method of any server, with JSON there and back. */
#include "call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INPUT_BYTES_MAX (64u << 20)

static const cli_command command = {
	.name = "call",
	.usage = "REF|NAME [INTERFACE/]METHOD [JSON|-] [--proto FILE]... [--metadata K=V]...",
	.summary = "Calls a method, with JSON there and back",
	.text = "The request is the argument or, without one or with '-', what stdin has; a "
		"method\n"
		"that takes a stream reads one message a line from there. Each message that comes\n"
		"back is printed as one line of JSON. The server is asked for its descriptors by\n"
		"gRPC's reflection; one that has none needs --proto.",
	.arguments_min = 2,
	.arguments_max = 3,
	.examples = "pyrite call example.calculator Add '{\"a\": 1, \"b\": 2}'\n"
		    "pyrite call pyr:calc@127.0.0.1:4711 demo.Calculator/Add < request.json\n"
		    "pyrite call grpc:@127.0.0.1:50051 Watch '{}' --timeout 60\n"
		    "seq 3 | sed 's/.*/{\"x\": &}/' | pyrite call example.sums Sum -",
};

int call_read_failed(const char *what, const pyr_error *err)
{
	pyr_error said;
	pyr_error_set(&said, err->status, "%s: %s", what, err->message);
	return cli_fail(&said);
}

pyr_status call_print(const cli_calling *c, const ProtobufCMessage *message, pyr_error *err)
{
	char *text;
	pyr_status status = pyr_json_write(c->schema->pool, message, &c->json, &text, err);
	if (status)
		return status;
	puts(text);
	fflush(stdout);
	free(text);
	return PYR_OK;
}

/* Finding the method */

static const pyr_method *find_method(const pyr_interface *interface, const char *name)
{
	for (uint32_t i = 0; i < interface->method_count; i++)
		if (strcmp(interface->methods[i].name, name) == 0)
			return &interface->methods[i];
	return NULL;
}

static const pyr_interface *find_by_method(const schema *s, const char *name, pyr_error *err)
{
	const pyr_interface *interface, *found = NULL;
	for (int common = 0; common < 2 && !found; common++) {
		for (size_t i = 0; (interface = pyr_pool_interface_at(s->pool, i)) != NULL; i++) {
			if (schema_is_common(interface) != (common != 0) ||
				!find_method(interface, name))
				continue;
			if (found) {
				pyr_error_set(err, PYR_INVALID_ARGUMENT,
					"both %s and %s have a method %s: say which", found->name,
					interface->name, name);
				return NULL;
			}
			found = interface;
		}
	}
	if (!found)
		pyr_error_set(err, PYR_NOT_FOUND,
			"no interface there has a method %s; 'pyrite describe' lists them", name);
	return found;
}

static const pyr_interface *find_by_name(
	const schema *s, const char *name, const char *method, pyr_error *err)
{
	const pyr_interface *interface = pyr_pool_interface(s->pool, name);
	if (!interface)
		pyr_error_set(err, PYR_NOT_FOUND, "there is no interface %s", name);
	else if (!find_method(interface, method))
		pyr_error_set(err, PYR_NOT_FOUND,
			"%s has no method %s; 'pyrite describe' lists them", name, method);
	else
		return interface;
	return NULL;
}

/* Input */

static char *read_stdin(size_t *ret_size, pyr_error *err)
{
	size_t room = 65536, size = 0, got;
	char *text = malloc(room);
	while (text && (got = fread(text + size, 1, room - size, stdin)) > 0) {
		size += got;
		if (size < room)
			continue;
		char *grown = room < INPUT_BYTES_MAX ? realloc(text, room *= 2) : NULL;
		if (!grown) {
			free(text);
			text = NULL;
		} else {
			text = grown;
		}
	}
	if (!text)
		pyr_error_set(err, PYR_RESOURCE_EXHAUSTED, "stdin has more than %u bytes",
			INPUT_BYTES_MAX);
	*ret_size = size;
	return text;
}

static bool is_blank(const char *text, size_t size)
{
	return strspn(text, " \t\r\n") >= size;
}

static int read_request(const cli_calling *c, ProtobufCMessage **ret_request)
{
	pyr_error err;
	size_t size;
	char *read = NULL;
	const char *text = c->text;
	if (text) {
		size = strlen(text);
	} else {
		read = read_stdin(&size, &err);
		if (!read)
			return cli_fail(&err);
		text = is_blank(read, size) ? "{}" : read;
		if (text != read)
			size = 2;
	}
	pyr_status status = pyr_json_read(
		c->schema->pool, c->method->input, text, size, NULL, ret_request, &err);
	free(read);
	return status ? call_read_failed(c->text ? "the JSON" : "stdin", &err) : CLI_DONE;
}

/* Calling */

static int call_unary(const cli_calling *c, const ProtobufCMessage *request)
{
	pyr_error err;
	ProtobufCMessage *reply;
	if (c->method->flags & PYR_METHOD_ONEWAY)
		return pyr_stub_oneway(c->proxy, c->index, request, &err) ? cli_fail(&err)
									  : CLI_DONE;
	if (pyr_stub_call(c->proxy, c->index, request, &reply, &err))
		return cli_fail(&err);
	pyr_status status = call_print(c, reply, &err);
	protobuf_c_message_free_unpacked(reply, NULL);
	return status ? cli_fail(&err) : CLI_DONE;
}

static int run(cli_calling *c)
{
	if (c->method->flags & PYR_METHOD_CLIENT_STREAM)
		return call_stream(c, NULL);
	ProtobufCMessage *request;
	int result = read_request(c, &request);
	if (result != CLI_DONE)
		return result;
	result = c->method->flags & PYR_METHOD_SERVER_STREAM ? call_stream(c, request)
							     : call_unary(c, request);
	protobuf_c_message_free_unpacked(request, NULL);
	return result;
}

static int find_and_run(
	cli_calling *c, const char *reference, const char *interface_name, const char *method_name)
{
	pyr_error err;
	const schema *s = c->schema;
	const pyr_interface *interface =
		interface_name ? find_by_name(s, interface_name, method_name, &err)
			       : find_by_method(s, method_name, &err);
	if (!interface)
		return cli_fail(&err);
	c->method = find_method(interface, method_name);
	c->index = (uint32_t)(c->method - interface->methods);
	if (pyr_stub_open(s->context, interface, reference, &s->options, &c->proxy, &err))
		return cli_fail(&err);
	int result = run(c);
	pyr_proxy_unref(c->proxy);
	return result;
}

static int call(const schema_options *from, char **arguments, size_t count, pyr_json_options json)
{
	schema s;
	char *method = strrchr(arguments[1], '/');
	char *interface = method ? arguments[1] : NULL;
	if (method)
		*method++ = '\0';
	cli_calling c = {.schema = &s, .json = json};
	if (count > 2 && strcmp(arguments[2], "-") != 0)
		c.text = arguments[2];
	else if (count == 2 && isatty(STDIN_FILENO))
		c.text = "{}";
	int result = schema_get(&s, &command, from, arguments[0], interface);
	if (result == CLI_DONE)
		result = find_and_run(&c, arguments[0], interface, method ? method : arguments[1]);
	schema_done(&s);
	return result;
}

int cli_call(int argc, char **argv)
{
	schema_options from = {0};
	pyr_json_options json = PYR_JSON_OPTIONS_INIT;
	const cli_option options[] = {
		SCHEMA_OPTIONS(from),
		{"defaults", NULL, "print fields that have their default value too", OPTION_FLAG,
			&json.defaults},
		{0},
	};
	char **arguments;
	size_t count;
	int result = cli_parse(&command, options, argc, argv, &arguments, &count);
	if (result == CLI_DONE && count != SIZE_MAX)
		result = call(&from, arguments, count, json);
	schema_options_done(&from);
	return result;
}
