/* SPDX-License-Identifier: Apache-2.0 */
/* pyrite top: what a daemon does, live. */
#include "top.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "cli.h"

static const cli_command command = {
	.name = "top",
	.usage = "REF|NAME [--interval SECONDS] [--count N] [--prefix PREFIX] [--json]",
	.summary = "Shows what a daemon does: calls, errors and latencies by method",
	.text = "The first table is of all the time since the daemon was made, each further one "
		"of\n"
		"the time since the one before. p50 and p99 are what half and 99 of 100 calls "
		"stay\n"
		"below; they come from counts by powers of two, so they are not exact. Calls that\n"
		"their callers cancelled are no errors. On a terminal the table is drawn anew in\n"
		"place, until Ctrl-C.",
	.arguments_min = 1,
	.arguments_max = 1,
	.examples = "pyrite top example.calculator\n"
		    "pyrite top pyr:calc@127.0.0.1:4711 --count 1     # once\n"
		    "pyrite top example.calculator --json --interval 10 >> load.jsonl",
	.exits = "0 after Ctrl-C or --count tables, 1 the daemon did not answer (its status is on\n"
		 "stderr), 2 wrong usage",
};

typedef struct looking {
	const char *reference;
	uint64_t count; /* 0: until a signal comes */
	double interval;
	const char *prefix;
	bool json;
	bool in_place; /* stdout is a terminal */
	pyrite_daemon *daemon;
	Pyrite__GetStatisticsReply *before; /* NULL at first */
} looking;

/* Rows that fit below the heading. */
static size_t rows_max(const looking *l)
{
	struct winsize size;
	if (!l->in_place || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || size.ws_row < 6)
		return SIZE_MAX;
	return (size_t)size.ws_row - 5;
}

static const char *duration(double us, char *buf, size_t size)
{
	if (us <= 0)
		snprintf(buf, size, "-");
	else if (us < 1000)
		snprintf(buf, size, "%.0f us", us);
	else if (us < 1e6)
		snprintf(buf, size, "%.1f ms", us / 1e3);
	else
		snprintf(buf, size, "%.1f s", us / 1e6);
	return buf;
}

static void print_head(const looking *l, const top_view *v)
{
	const Pyrite__GetStatisticsReply *now = v->now;
	if (l->in_place)
		fputs("\033[H\033[J", stdout);
	printf("%s%s%s  up %.0f s, the last %.1f s\n", cli_style_text(stdout, CLI_BOLD),
		l->reference, cli_style_text(stdout, CLI_PLAIN), (double)now->uptime_us / 1e6,
		v->seconds);
	printf("%.1f calls/s, %.1f errors/s, %llu running, %u waiting, %u connections, %llu bytes "
	       "queued\n\n",
		v->calls_per_s, v->errors_per_s, (unsigned long long)now->running, now->waiting,
		now->connections, (unsigned long long)now->queued_bytes);
	printf("%12s %10s %8s %10s %10s %12s  %s\n", "calls/s", "errors/s", "running", "p50", "p99",
		"calls", "method");
}

static void print_row(const top_row *row)
{
	char p50[24], p99[24];
	const char *on = row->errors_per_s > 0 ? cli_style_text(stdout, CLI_RED) : "";
	printf("%12.1f %s%10.1f%s %8llu %10s %10s %12llu  %s\n", row->calls_per_s, on,
		row->errors_per_s, *on ? cli_style_text(stdout, CLI_PLAIN) : "",
		(unsigned long long)row->running, duration(row->p50_us, p50, sizeof p50),
		duration(row->p99_us, p99, sizeof p99), (unsigned long long)row->calls,
		row->method);
}

static void print_table(const looking *l, const top_view *v)
{
	size_t most = rows_max(l);
	print_head(l, v);
	for (size_t i = 0; i < v->row_count && i < most; i++)
		print_row(&v->rows[i]);
	if (v->row_count > most)
		printf("  and %zu more\n", v->row_count - most);
	if (!l->in_place)
		putchar('\n');
	fflush(stdout);
}

static void print_json(const looking *l, const top_view *v)
{
	json_t *methods = json_array();
	for (size_t i = 0; i < v->row_count; i++) {
		const top_row *r = &v->rows[i];
		json_array_append_new(
			methods, json_pack("{s:s, s:f, s:f, s:I, s:I, s:I, s:f, s:f}", "method",
					 r->method, "calls_per_s", r->calls_per_s, "errors_per_s",
					 r->errors_per_s, "calls", (json_int_t)r->calls, "errors",
					 (json_int_t)r->errors, "running", (json_int_t)r->running,
					 "p50_us", r->p50_us, "p99_us", r->p99_us));
	}
	cli_print_json(json_pack("{s:s, s:f, s:f, s:f, s:f, s:I, s:I, s:I, s:I, s:o}", "reference",
		l->reference, "uptime_s", (double)v->now->uptime_us / 1e6, "seconds", v->seconds,
		"calls_per_s", v->calls_per_s, "errors_per_s", v->errors_per_s, "running",
		(json_int_t)v->now->running, "waiting", (json_int_t)v->now->waiting, "connections",
		(json_int_t)v->now->connections, "queued_bytes", (json_int_t)v->now->queued_bytes,
		"methods", methods));
}

static pyr_status look(looking *l, pyr_error *err)
{
	Pyrite__GetStatisticsRequest request = PYRITE__GET_STATISTICS_REQUEST__INIT;
	Pyrite__GetStatisticsReply *now;
	if (l->prefix)
		request.prefix = (char *)l->prefix;
	pyr_status status = pyrite_daemon_get_statistics(l->daemon, &request, &now, err);
	if (status)
		return status;
	top_view view = top_compare(l->before, now);
	if (l->json)
		print_json(l, &view);
	else
		print_table(l, &view);
	free(view.rows);
	if (l->before)
		pyrite__get_statistics_reply__free_unpacked(l->before, NULL);
	l->before = now;
	return PYR_OK;
}

static int look_on(looking *l)
{
	pyr_error err;
	for (uint64_t seen = 1; !cli_signal_noted(); seen++) {
		if (look(l, &err))
			return cli_fail(&err);
		if (seen == l->count)
			break;
		cli_pause(l->interval);
	}
	return CLI_DONE;
}

static int top(looking *l)
{
	pyr_error err;
	if (pyrite_daemon__open(NULL, l->reference, NULL, &l->daemon, &err))
		return cli_fail(&err);
	l->in_place = !l->json && isatty(STDOUT_FILENO);
	cli_signals_note();
	int result = look_on(l);
	if (l->before)
		pyrite__get_statistics_reply__free_unpacked(l->before, NULL);
	pyrite_daemon__close(l->daemon);
	return result;
}

int cli_top(int argc, char **argv)
{
	looking l = {.interval = 1};
	const cli_option options[] = {
		{"interval", "SECONDS", "pause between two tables (1)", OPTION_SECONDS,
			&l.interval},
		{"count", "N", "how many tables; 0: until Ctrl-C (0)", OPTION_NUMBER, &l.count},
		{"prefix", "PREFIX", "only methods that begin so: demo.Calculator/", OPTION_TEXT,
			&l.prefix},
		{"json", NULL, "print one JSON object a line", OPTION_FLAG, &l.json},
		{0},
	};
	char **arguments;
	size_t count;
	int result = cli_parse(&command, options, argc, argv, &arguments, &count);
	if (result != CLI_DONE || count == SIZE_MAX)
		return result;
	if (l.interval < 0.01)
		return cli_usage(&command, "--interval takes at least 0.01 seconds");
	l.reference = arguments[0];
	return top(&l);
}
