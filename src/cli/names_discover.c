/* SPDX-License-Identifier: Apache-2.0 */
/* pyrite names discover: which name servers answer in the network. */
#include <stdio.h>
#include "names.h"

#define WAIT_SECONDS_MAX 3600

static void print(void *ctx, const pyr_discovered *found)
{
	bool json = *(const bool *)ctx;
	if (json)
		names_print_json(json_pack(
			"{s:s, s:s}", "reference", found->reference, "group", found->group));
	else
		printf("%s%s%s\n", found->reference, *found->group ? "  " : "", found->group);
}

/* What PYRITE_NS says, if it says that. */
static const char *usual_place(void)
{
	const char *where = cli_environment("PYRITE_NS");
	return names_discovers(where) ? where : NULL;
}

int cli_names_discover(int argc, char **argv)
{
	static const cli_command command = {
		.name = "names discover",
		.usage = "[discover:[GROUP@][ADDRESS:PORT]] [--wait SECONDS] [--json]",
		.summary = "Asks the network for name servers, and prints those that answer",
		.text = "  pyrite names discover                            all that answer\n"
			"  pyrite names discover discover:blue@             those of one group\n"
			"  pyrite names discover discover:10.0.0.255:9790   of one network\n\n"
			"One line each, the reference and its group. Those answer that were told "
			"to:\n"
			"'pyrite ns --discoverable'. Without an argument it is asked what "
			"PYRITE_NS\n"
			"says, if that is discovery, and else every network, for every group.",
		.arguments_max = 1,
		.exits = "0 some answered, 1 none did, 2 wrong usage, 130 and 143 ended by Ctrl-C "
			 "and\nSIGTERM",
	};
	double wait = 1;
	bool json = false;
	const cli_option options[] = {
		{"wait", "SECONDS", "wait so long for answers (1)", OPTION_SECONDS, &wait},
		{"json", NULL, "print one JSON object a line", OPTION_FLAG, &json},
		{0},
	};
	char **arguments;
	size_t count;
	int result = cli_parse(&command, options, argc, argv, &arguments, &count);
	if (result != CLI_DONE || count == SIZE_MAX)
		return result;
	if (wait > WAIT_SECONDS_MAX || wait < 0.001)
		return cli_usage(&command, "--wait takes 0.001 to %d seconds", WAIT_SECONDS_MAX);
	pyr_error err;
	const char *where = count ? arguments[0] : usual_place();
	if (pyr_discover(where, (uint32_t)(wait * 1000), print, &json, &err))
		return cli_fail(&err);
	return CLI_DONE;
}
