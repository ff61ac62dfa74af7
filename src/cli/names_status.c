/* SPDX-License-Identifier: Apache-2.0 */
/* pyrite names status: how the name server is. */
#include <stdio.h>
#include "names.h"

static void print_status(const Pyrite__StatusReply *reply)
{
	typedef unsigned long long ull;
	printf("names           %llu\n", (ull)reply->names);
	printf("leases          %llu\n", (ull)reply->leases);
	printf("watches         %llu\n", (ull)reply->watches);
	printf("waiting lookups %llu\n", (ull)reply->waiting_lookups);
	printf("revision        %llu\n", (ull)reply->revision);
	printf("kept from       %llu\n", (ull)reply->oldest_revision);
	printf("store           %s\n", reply->store);
	printf("up              %.1f s\n", (double)reply->uptime_ms / 1000);
	printf("version         %s\n", reply->version);
}

static json_t *status_to_json(const Pyrite__StatusReply *reply)
{
	char id[2 * STORE_ID_BYTES + 1];
	names_store_text(&reply->store_id, id, sizeof id);
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:s, s:I, s:s}", "names",
		(json_int_t)reply->names, "leases", (json_int_t)reply->leases, "watches",
		(json_int_t)reply->watches, "waiting_lookups", (json_int_t)reply->waiting_lookups,
		"revision", (json_int_t)reply->revision, "oldest_revision",
		(json_int_t)reply->oldest_revision, "store", id, "store_kind", reply->store,
		"uptime_ms", (json_int_t)reply->uptime_ms, "version", reply->version);
}

int cli_names_status(int argc, char **argv)
{
	static const cli_command command = {
		.name = "names status",
		.usage = "[--json]",
		.summary = "Shows how the name server is, and whether it answers",
	};
	const char *at = NULL;
	bool json = false;
	const cli_option options[] = {
		{"json", NULL, "print JSON", OPTION_FLAG, &json},
		NAMES_AT_OPTION(&at),
		{0},
	};
	char **arguments;
	size_t count;
	int result = cli_parse(&command, options, argc, argv, &arguments, &count);
	if (result != CLI_DONE || count == SIZE_MAX)
		return result;
	pyr_error err;
	pyrite_names *names;
	Pyrite__StatusRequest request = PYRITE__STATUS_REQUEST__INIT;
	Pyrite__StatusReply *reply;
	if (names_open(at, 0, &names, &err))
		return cli_fail(&err);
	if (pyrite_names_status(names, &request, &reply, &err)) {
		result = cli_fail(&err);
	} else {
		if (json)
			names_print_json(status_to_json(reply));
		else
			print_status(reply);
		pyrite__status_reply__free_unpacked(reply, NULL);
	}
	pyrite_names__close(names);
	return result;
}
