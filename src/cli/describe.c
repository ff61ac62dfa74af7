/* SPDX-License-Identifier: Apache-2.0 */
/* pyrite describe: what a server serves. */
#include <google/protobuf/descriptor.pyr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "schema.h"

static const cli_command command = {
	.name = "describe",
	.usage = "REF|NAME [INTERFACE|METHOD|MESSAGE] [--json] [--proto FILE]...",
	.summary = "Shows what a server serves, as .proto text",
	.text = "The server is asked by gRPC's reflection, which every daemon of Pyrite answers.\n"
		"Without a name all interfaces are shown. --json prints one object: the "
		"interfaces\n"
		"and their methods or, with a name, the FileDescriptorProto of its file.",
	.arguments_min = 1,
	.arguments_max = 2,
	.examples = "pyrite describe example.calculator\n"
		    "pyrite describe pyr:calc@127.0.0.1:4711 demo.Calculator\n"
		    "pyrite describe grpc:@127.0.0.1:50051 demo.AddRequest",
};

static json_t *interface_to_json(const pyr_interface *interface)
{
	json_t *methods = json_array();
	for (uint32_t i = 0; i < interface->method_count; i++) {
		const pyr_method *m = &interface->methods[i];
		json_array_append_new(methods,
			json_pack("{s:s, s:s, s:s, s:b, s:b}", "name", m->name, "input",
				m->input->name, "output", m->output->name, "clientStreaming",
				(m->flags & PYR_METHOD_CLIENT_STREAM) != 0, "serverStreaming",
				(m->flags & PYR_METHOD_SERVER_STREAM) != 0));
	}
	return json_pack("{s:s, s:s, s:o}", "name", interface->name, "file", interface->file->name,
		"methods", methods);
}

/* True unless the server serves other interfaces only. */
static bool is_served(const schema *s, const char *name)
{
	char **served = s->interfaces;
	while (served && *served && strcmp(*served, name) != 0)
		served++;
	return !served || *served;
}

static int print_list_json(const schema *s)
{
	json_t *list = json_array();
	const pyr_interface *interface;
	for (size_t i = 0; (interface = pyr_pool_interface_at(s->pool, i)) != NULL; i++)
		if (is_served(s, interface->name))
			json_array_append_new(list, interface_to_json(interface));
	cli_print_json(json_pack("{s:o}", "interfaces", list));
	return CLI_DONE;
}

static int print_list(const schema *s)
{
	const pyr_interface *interface;
	int result = CLI_DONE;
	bool first = true;
	for (size_t i = 0; (interface = pyr_pool_interface_at(s->pool, i)) != NULL; i++) {
		if (!is_served(s, interface->name) || schema_is_common(interface))
			continue;
		printf("%s// %s\n", first ? "" : "\n", interface->name);
		first = false;
		result = describe_print(interface->file, interface->name);
	}
	for (size_t i = 0; (interface = pyr_pool_interface_at(s->pool, i)) != NULL; i++) {
		if (!is_served(s, interface->name) || !schema_is_common(interface))
			continue;
		printf("%s// also %s\n", first ? "" : "\n", interface->name);
		first = true;
	}
	return result;
}

static int print_file_json(const pyr_file *file)
{
	pyr_error err;
	char *text;
	ProtobufCMessage *message = NULL;
	pyr_pool *pool = pyr_pool_new(NULL);
	pyr_status status = pyr_pool_add_generated(
		pool, &pyr_file__google_2fprotobuf_2fdescriptor_2eproto, &err);
	if (status == PYR_OK)
		status = pyr_dynamic_unpack(&google__protobuf__file_descriptor_proto__descriptor,
			file->descriptor, file->descriptor_size, 0, &message, &err);
	if (status == PYR_OK)
		status = pyr_json_write(pool, message, NULL, &text, &err);
	if (status == PYR_OK) {
		puts(text);
		free(text);
	}
	if (message)
		protobuf_c_message_free_unpacked(message, NULL);
	pyr_pool_free(pool);
	return status ? cli_fail(&err) : CLI_DONE;
}

/* "demo.Calculator/Add" is a way to write it too. */
static int print_symbol(const schema *s, char *symbol, bool json)
{
	pyr_error err;
	const pyr_file *file = pyr_pool_file_of(s->pool, symbol);
	if (!file) {
		pyr_error_set(&err, PYR_NOT_FOUND, "nothing there is called '%s'", symbol);
		return cli_fail(&err);
	}
	return json ? print_file_json(file) : describe_print(file, symbol);
}

int cli_describe(int argc, char **argv)
{
	schema_options from = {0};
	bool json = false;
	const cli_option options[] = {
		{"json", NULL, "print JSON", OPTION_FLAG, &json},
		SCHEMA_OPTIONS(from),
		{0},
	};
	char **arguments;
	size_t count;
	int result = cli_parse(&command, options, argc, argv, &arguments, &count);
	if (result == CLI_DONE && count != SIZE_MAX) {
		schema s;
		char *symbol = count > 1 ? arguments[1] : NULL;
		char *slash = symbol ? strchr(symbol, '/') : NULL;
		if (slash)
			*slash = '.';
		result = schema_get(&s, &command, &from, arguments[0], symbol);
		if (result == CLI_DONE)
			result = symbol ? print_symbol(&s, symbol, json)
				 : json ? print_list_json(&s)
					: print_list(&s);
		schema_done(&s);
	}
	schema_options_done(&from);
	return result;
}
