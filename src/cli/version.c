/* SPDX-License-Identifier: Apache-2.0 */
/* pyrite version */
#include <stdio.h>
#include "cli.h"

int cli_version(int argc, char **argv)
{
	static const cli_command command = {
		.name = "version",
		.usage = "[--json]",
		.summary = "Prints the version of the library",
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
		printf("{\"version\": \"%s\"}\n", pyr_version());
	else
		printf("pyrite %s\n", pyr_version());
	return CLI_DONE;
}
