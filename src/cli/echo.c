/* SPDX-License-Identifier: Apache-2.0 */
/* pyrite echo: a daemon with an object to try things with. */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli.h"
#include "echo.pyr.h"

static const cli_command command = {
	.name = "echo",
	.usage = "[--listen ENDPOINT]... [--name NAME [--replica] [--ttl SECONDS]] [--object ID]"
		 " [--workers N] [--metrics HOST:PORT] [--json]",
	.summary = "Runs a daemon with an object to try things with",
	.text = "Its interface is pyrite.echo.Echo: Echo gives the text back, Slow does so after\n"
		"delay_ms, Fail fails with a status, Oneway prints the text here. Prints the\n"
		"object's references, then 'ready'; with --json both as one object, and each\n"
		"oneway text as another.",
	.examples = "pyrite echo\n"
		    "pyrite echo --listen 127.0.0.1:4711 --listen unix:/tmp/echo.sock\n"
		    "pyrite echo --name test.echo       # then: pyrite ping test.echo",
	.exits = CLI_EXITS_SERVER,
};

#define WORKERS_MAX 1024
#define NAP_US      10000

/* What the command line asked for; also the servant's self. */
typedef struct settings {
	const char *object;
	const char *name; /* NULL: it has none */
	bool replica;
	double ttl; /* seconds; 0: the default */
	option_texts endpoints;
	uint64_t workers;
	const char *metrics;
	bool json;
	struct event_base *base; /* the daemon's loop */
} settings;

/* One answer of Slow that waits for its time. */
typedef struct slow_answer {
	pyr_call *call;
	struct event *timer;
	char *text;
} slow_answer;

static void free_slow(slow_answer *slow)
{
	event_free(slow->timer);
	pyr_call_unref(slow->call);
	free(slow->text);
	free(slow);
}

static void on_slow(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	slow_answer *slow = arg;
	Pyrite__Echo__Text reply = PYRITE__ECHO__TEXT__INIT;
	reply.text = slow->text;
	pyrite_echo_echo_slow__reply(slow->call, &reply);
	free_slow(slow);
}

/* On the loop as well, which may be in its last turn: no timer fires any more. */
static void on_slow_cancelled(void *ctx)
{
	free_slow(ctx);
}

static void echo(void *self, pyr_call *call, const Pyrite__Echo__Text *request)
{
	(void)self;
	pyrite_echo_echo_echo__reply(call, request);
}

/* In a worker, which may wait: looks now and then whether the caller still does. */
static void slow_in_worker(pyr_call *call, const Pyrite__Echo__SlowText *request)
{
	Pyrite__Echo__Text reply = PYRITE__ECHO__TEXT__INIT;
	uint64_t left_us = request->delay_ms * UINT64_C(1000);
	while (left_us && !pyr_call_cancelled(call)) {
		useconds_t nap_us = left_us < NAP_US ? (useconds_t)left_us : NAP_US;
		usleep(nap_us);
		left_us -= nap_us;
	}
	reply.text = request->text;
	if (!left_us)
		pyrite_echo_echo_slow__reply(call, &reply);
}

/* On the loop, which must not wait: a timer answers. */
static void slow_on_loop(
	struct event_base *base, pyr_call *call, const Pyrite__Echo__SlowText *request)
{
	slow_answer *answer = calloc(1, sizeof *answer);
	if (answer)
		answer->text = strdup(request->text);
	if (answer && answer->text)
		answer->timer = evtimer_new(base, on_slow, answer);
	if (!answer || !answer->timer) {
		pyr_call_fail(call, PYR_RESOURCE_EXHAUSTED, "out of memory");
		if (answer)
			free(answer->text);
		free(answer);
		return;
	}
	answer->call = pyr_call_ref(call);
	struct timeval delay = {request->delay_ms / 1000, request->delay_ms % 1000 * 1000};
	evtimer_add(answer->timer, &delay);
	pyr_call_on_cancel(call, on_slow_cancelled, answer);
}

static void slow(void *self, pyr_call *call, const Pyrite__Echo__SlowText *request)
{
	const settings *given = self;
	if (given->workers)
		slow_in_worker(call, request);
	else
		slow_on_loop(given->base, call, request);
}

static void fail(void *self, pyr_call *call, const Pyrite__Echo__Failure *request)
{
	(void)self;
	if (request->status < 1 || request->status > 16)
		pyr_call_fail(
			call, PYR_INVALID_ARGUMENT, "status is 1 to 16, not %u", request->status);
	else
		pyr_call_fail(call, (pyr_status)request->status, "%s", request->message);
}

static void oneway(void *self, pyr_call *call, const Pyrite__Echo__Text *request)
{
	const settings *given = self;
	(void)call;
	if (given->json)
		cli_print_json(json_pack("{s:s}", "oneway", request->text));
	else
		printf("%s\n", request->text);
	fflush(stdout);
}

static const pyrite_echo_echo_ops ops = {
	.echo = echo,
	.slow = slow,
	.fail = fail,
	.oneway = oneway,
};

static pyr_status listen_all(pyr_daemon *daemon, const option_texts *endpoints, pyr_error *err)
{
	pyr_status status = PYR_OK;
	if (endpoints->count == 0)
		status = pyr_daemon_listen(daemon, "127.0.0.1:0", NULL, err);
	for (size_t i = 0; i < endpoints->count && status == PYR_OK; i++)
		status = pyr_daemon_listen(daemon, endpoints->texts[i], NULL, err);
	return status;
}

static void print_ready(pyr_daemon *daemon, const settings *given, const char *metrics)
{
	char reference[PYR_REFERENCE_MAX];
	json_t *all = json_array();
	for (size_t i = 0; pyr_daemon_reference(daemon, given->object, i, reference,
				   sizeof reference, NULL) == PYR_OK;
		i++) {
		json_array_append_new(all, json_string(reference));
		if (!given->json)
			printf("%s\n", reference);
	}
	if (given->json)
		cli_print_json(json_pack("{s:b, s:s, s:s?, s:O, s:s?}", "ready", 1, "object",
			given->object, "name", given->name, "references", all, "metrics",
			*metrics ? metrics : NULL));
	else
		printf("%s%sready\n", metrics, *metrics ? "\n" : "");
	fflush(stdout);
	json_decref(all);
}

static void on_lost(void *ctx, const char *name, const pyr_error *err)
{
	(void)ctx;
	fprintf(stderr, "pyrite: the name '%s' is lost: %s\n", name, err->message);
}

static pyr_status publish(pyr_daemon *daemon, const settings *given, pyr_error *err)
{
	pyr_publish_options options = PYR_PUBLISH_OPTIONS_INIT;
	options.replica = given->replica;
	options.ttl_ms = (uint32_t)(given->ttl * 1000);
	options.on_lost = on_lost;
	return pyr_daemon_publish(daemon, given->object, given->name, &options, err);
}

static pyr_status serve(pyr_daemon *daemon, settings *given, pyr_error *err)
{
	char metrics[CLI_URL_MAX];
	given->base = pyr_daemon_base(daemon);
	pyr_status status = pyrite_echo_echo__serve(daemon, given->object, &ops, given, err);
	if (status == PYR_OK)
		status = listen_all(daemon, &given->endpoints, err);
	if (status == PYR_OK && given->name)
		status = publish(daemon, given, err);
	if (status == PYR_OK)
		status = cli_serve_metrics(daemon, given->metrics, metrics, err);
	if (status)
		return status;
	cli_stop_on_signal(daemon, 1000);
	print_ready(daemon, given, metrics);
	return pyr_daemon_run(daemon, err);
}

static int run(settings *given)
{
	pyr_error err;
	pyr_daemon *daemon;
	pyr_daemon_options options = PYR_DAEMON_OPTIONS_INIT;
	int result = CLI_DONE;
	options.workers = (uint32_t)given->workers;
	if (pyr_daemon_new(&options, &daemon, &err))
		return cli_fail(&err);
	if (serve(daemon, given, &err))
		result = cli_fail(&err);
	pyr_daemon_free(daemon);
	return result;
}

int cli_echo(int argc, char **argv)
{
	settings given = {.object = "echo"};
	const cli_option options[] = {
		{"listen", "ENDPOINT",
			"HOST:PORT, unix:PATH, unix:@NAME, fd:N or systemd: (127.0.0.1:0)",
			OPTION_TEXTS, &given.endpoints},
		{"name", "NAME", "publish it in the name server", OPTION_TEXT, &given.name},
		{"replica", NULL, "as one of several under this name", OPTION_FLAG, &given.replica},
		{"ttl", "SECONDS", "how long the name outlives us if we die (10)", OPTION_SECONDS,
			&given.ttl},
		{"object", "ID", "the object's id (echo)", OPTION_TEXT, &given.object},
		{"workers", "N", "answer in a pool of N threads (0: on the loop)", OPTION_NUMBER,
			&given.workers},
		{"metrics", "HOST:PORT", "serve counts over HTTP, for Prometheus", OPTION_TEXT,
			&given.metrics},
		{"json", NULL, "print JSON, one object a line", OPTION_FLAG, &given.json},
		{0},
	};
	char **arguments;
	size_t count;
	int result = cli_parse(&command, options, argc, argv, &arguments, &count);
	if (result == CLI_DONE && count != SIZE_MAX)
		result = given.workers > WORKERS_MAX
				 ? cli_usage(&command, "--workers takes 0 to %d", WORKERS_MAX)
				 : run(&given);
	free(given.endpoints.texts);
	return result;
}
