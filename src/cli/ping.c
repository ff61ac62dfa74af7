/* SPDX-License-Identifier: Apache-2.0 */
/* pyrite ping: round trips to the daemon behind a reference. */
#include <stdio.h>
#include <time.h>
#include "cli.h"
#include "echo.pyr.h"

static const cli_command command = {
	.name = "ping",
	.usage = "REF [--count N] [--timeout SECONDS] [--json]",
	.summary = "Sees whether the daemon behind a reference or a name answers",
	.text = "  pyrite ping pyr:calc@127.0.0.1:4711\n"
		"  pyrite ping example.calculator\n\n"
		"The object itself is not called: one that does not exist is not noticed.",
	.arguments_min = 1,
	.arguments_max = 1,
};

static double now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int ping(const char *reference, uint64_t times, uint32_t timeout_ms, bool json)
{
	pyr_error err;
	pyrite_echo_echo *proxy;
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	options.timeout_ms = timeout_ms;
	if (pyrite_echo_echo__open(NULL, reference, &options, &proxy, &err))
		return cli_fail(&err);
	int result = CLI_DONE;
	for (uint64_t i = 0; i < times && result == CLI_DONE; i++) {
		double begin = now_ms();
		if (pyr_proxy_connect(pyrite_echo_echo__proxy(proxy), &err)) {
			result = cli_fail(&err);
			break;
		}
		double took = now_ms() - begin;
		if (json)
			printf("{\"sequence\": %llu, \"ms\": %.3f}\n", (unsigned long long)i, took);
		else
			printf("%s answered in %.3f ms%s\n", reference, took,
				i == 0 ? " (with connecting)" : "");
	}
	pyrite_echo_echo__close(proxy);
	return result;
}

int cli_ping(int argc, char **argv)
{
	uint64_t times = 1;
	double timeout = 5;
	bool json = false;
	const cli_option options[] = {
		{"count", "N", "how often (1)", OPTION_NUMBER, &times},
		{"timeout", "SECONDS", "longest wait for each answer (5)", OPTION_SECONDS,
			&timeout},
		{"json", NULL, "print one JSON object a line", OPTION_FLAG, &json},
		{0},
	};
	char **arguments;
	size_t count;
	int result = cli_parse(&command, options, argc, argv, &arguments, &count);
	if (result != CLI_DONE || count == SIZE_MAX)
		return result;
	uint32_t timeout_ms = timeout < 0.001 ? 1 : (uint32_t)(timeout * 1000);
	return ping(arguments[0], times, timeout_ms, json);
}
