/* SPDX-License-Identifier: Apache-2.0 */
/* pyrite bench serve: gives every payload back, and says on stdout when it is ready. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "bench.pyr.h"
#include "cli.h"

static const cli_command command = {
	.name = "bench serve",
	.usage = "--listen 127.0.0.1:PORT|unix:PATH [--workers N]",
	.summary = "Serves the other side of a measurement",
	.text = "Prints the line 'ready' once it listens.",
	.examples = "pyrite bench serve --listen 127.0.0.1:4711\n"
		    "pyrite bench call --connect 127.0.0.1:4711     # in another terminal",
	.exits = CLI_EXITS_SERVER,
};

static void echo(void *self, pyr_call *call, const Pyrite__Bench__Payload *request)
{
	(void)self;
	pyrite_bench_bench_echo__reply(call, request);
}

static const pyrite_bench_bench_ops ops = {.echo = echo};

static pyr_status serve(pyr_daemon *daemon, const char *endpoint, pyr_error *err)
{
	pyr_status status = pyrite_bench_bench__serve(daemon, "bench", &ops, NULL, err);
	if (status == PYR_OK)
		status = pyr_daemon_listen(daemon, endpoint, NULL, err);
	if (status)
		return status;
	cli_stop_on_signal(daemon, 100);
	puts("ready");
	fflush(stdout);
	return pyr_daemon_run(daemon, err);
}

int cli_bench_serve(int argc, char **argv)
{
	const char *endpoint = NULL;
	uint64_t workers = 0;
	const cli_option options[] = {
		{"listen", "ENDPOINT", "HOST:PORT or unix:PATH", OPTION_TEXT, &endpoint},
		{"workers", "N", "run servants in a pool of N threads (0: on the loop)",
			OPTION_NUMBER, &workers},
		{0},
	};
	char **arguments;
	size_t count;
	int result = cli_parse(&command, options, argc, argv, &arguments, &count);
	if (result != CLI_DONE || count == SIZE_MAX)
		return result;
	if (!endpoint)
		return cli_usage(&command, "--listen is needed");
	if (workers > 1024)
		return cli_usage(&command, "--workers takes 0 to 1024");
	pyr_error err;
	pyr_daemon *daemon;
	pyr_daemon_options daemon_options = PYR_DAEMON_OPTIONS_INIT;
	daemon_options.workers = (uint32_t)workers;
	if (pyr_daemon_new(&daemon_options, &daemon, &err))
		return cli_fail(&err);
	if (serve(daemon, endpoint, &err))
		result = cli_fail(&err);
	pyr_daemon_free(daemon);
	return result;
}
