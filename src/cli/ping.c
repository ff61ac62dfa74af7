/* SPDX-License-Identifier: Apache-2.0 */
/* pyrite ping: round trips to the daemon behind a reference. */
#include <time.h>
#include "cli.h"
#include "echo.pyr.h"

static const cli_command command = {
	.name = "ping",
	.usage = "REF [--count N] [--interval SECONDS] [--timeout SECONDS] [--json]",
	.summary = "Sees whether the daemon behind a reference or a name answers",
	.text = "The object itself is not called: one that does not exist is not noticed. The "
		"first\n"
		"answer takes longer, since it includes finding the name and connecting.",
	.arguments_min = 1,
	.arguments_max = 1,
	.examples = "pyrite ping pyr:calc@127.0.0.1:4711\n"
		    "pyrite ping example.calculator --count 5 --interval 0.2\n"
		    "pyrite ping pyr:calc@unix:/run/calc.sock --count 0     # until Ctrl-C",
	.exits =
		"0 every ping was answered, 1 one was not (the last status is on stderr), 2 wrong\n"
		"usage; Ctrl-C and SIGTERM end it as if --count had been reached",
};

/* What to do, and how it has gone so far. */
typedef struct pinging {
	const char *reference;
	uint64_t count; /* 0: until a signal comes */
	double interval;
	bool json;
	uint64_t sent, answered;
	double least_ms, most_ms, sum_ms;
} pinging;

static double now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void note_answer(pinging *p, double took_ms)
{
	if (p->answered == 0 || took_ms < p->least_ms)
		p->least_ms = took_ms;
	if (took_ms > p->most_ms)
		p->most_ms = took_ms;
	p->sum_ms += took_ms;
	p->answered++;
	if (p->json)
		cli_print_json(json_pack("{s:s, s:I, s:f}", "reference", p->reference, "sequence",
			(json_int_t)p->sent, "ms", took_ms));
	else
		printf("%s answered in %.3f ms\n", p->reference, took_ms);
	fflush(stdout);
}

static int note_failure(const pinging *p, const pyr_error *err)
{
	if (p->json)
		cli_print_json(json_pack("{s:s, s:I, s:s, s:s}", "reference", p->reference,
			"sequence", (json_int_t)p->sent, "status", pyr_status_name(err->status),
			"message", err->message));
	return cli_fail(err);
}

static bool goes_on(const pinging *p)
{
	return !cli_signal_noted() && (p->count == 0 || p->sent < p->count);
}

static int ping_all(pinging *p, pyr_proxy *proxy)
{
	pyr_error err;
	int result = CLI_DONE;
	while (goes_on(p)) {
		double begin = now_ms();
		if (pyr_proxy_connect(proxy, &err) == PYR_OK)
			note_answer(p, now_ms() - begin);
		else
			result = note_failure(p, &err);
		p->sent++;
		if (goes_on(p))
			cli_pause(p->interval);
	}
	return result;
}

static void summarize(const pinging *p)
{
	printf("%llu of %llu answered", (unsigned long long)p->answered,
		(unsigned long long)p->sent);
	if (p->answered)
		printf(", in %.3f / %.3f / %.3f ms (least, mean, most)", p->least_ms,
			p->sum_ms / (double)p->answered, p->most_ms);
	putchar('\n');
}

static int ping(pinging *p, uint32_t timeout_ms)
{
	pyr_error err;
	pyrite_echo_echo *proxy; /* any interface would do */
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	options.timeout_ms = timeout_ms;
	if (pyrite_echo_echo__open(NULL, p->reference, &options, &proxy, &err))
		return cli_fail(&err);
	cli_signals_note();
	int result = ping_all(p, pyrite_echo_echo__proxy(proxy));
	if (p->sent > 1 && !p->json)
		summarize(p);
	pyrite_echo_echo__close(proxy);
	return result;
}

int cli_ping(int argc, char **argv)
{
	pinging p = {.count = 1, .interval = 1};
	double timeout = 5;
	const cli_option options[] = {
		{"count", "N", "how often; 0: until Ctrl-C (1)", OPTION_NUMBER, &p.count},
		{"interval", "SECONDS", "pause between two (1)", OPTION_SECONDS, &p.interval},
		{"timeout", "SECONDS", "longest wait for each answer (5)", OPTION_SECONDS,
			&timeout},
		{"json", NULL, "print one JSON object a line", OPTION_FLAG, &p.json},
		{0},
	};
	char **arguments;
	size_t count;
	int result = cli_parse(&command, options, argc, argv, &arguments, &count);
	if (result != CLI_DONE || count == SIZE_MAX)
		return result;
	if (timeout < 0.001 || timeout > 4e6)
		return cli_usage(&command, "--timeout takes 0.001 to 4000000 seconds");
	p.reference = arguments[0];
	return ping(&p, (uint32_t)(timeout * 1000));
}
