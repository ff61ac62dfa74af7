/* SPDX-License-Identifier: Apache-2.0 */
/* pyrite version */
#include "cli.h"

int cli_version(int argc, char **argv)
{
	static const cli_command command = {
		.name = "version",
		.usage = "[--json]",
		.summary = "Prints the version of the library",
		.examples = "pyrite version\n"
			    "pyrite version --json | jq -r .version",
	};
	bool json = false;
	const cli_option options[] = {
		{"json", NULL, "print JSON", OPTION_FLAG, &json},
		{0},
	};
	char **arguments;
	size_t count;
	int result = cli_parse(&command, options, argc, argv, &arguments, &count);
	if (result != CLI_DONE || count == SIZE_MAX)
		return result;
	if (json)
		cli_print_json(json_pack("{s:s}", "version", pyr_version()));
	else
		printf("pyrite %s\n", pyr_version());
	return CLI_DONE;
}
