/* SPDX-License-Identifier: Apache-2.0 */
/* pyrite names watch: prints every change of names, until Ctrl-C. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <pthread.h>
#include "names.h"

static const cli_command command = {
	.name = "names watch",
	.usage = "[NAME | --prefix P] [--tag T]... [--from REVISION] [--json]",
	.summary = "Prints every change of names as it happens",
	.text = "--from resumes at a revision, as printed before, without a gap. Ctrl-C ends it.",
	.arguments_max = 1,
};

static const char *kind_word(Pyrite__Event__Kind kind)
{
	switch (kind) {
	case PYRITE__EVENT__KIND__SET:
		return "set";
	case PYRITE__EVENT__KIND__REMOVED:
		return "removed";
	case PYRITE__EVENT__KIND__LEFT:
		return "left";
	default:
		return "unknown";
	}
}

static void print_event(const Pyrite__Event *event, bool json)
{
	if (json) {
		names_print_json(
			json_pack("{s:s, s:I, s:o}", "kind", kind_word(event->kind), "revision",
				(json_int_t)event->revision, "name", names_to_json(event->name)));
		return;
	}
	printf("%llu %-8s ", (unsigned long long)event->revision, kind_word(event->kind));
	names_print(event->name);
	fflush(stdout);
}

/* A signal is taken by a thread of its own, which ends the stream; no handler has to be careful. */
typedef struct ender {
	pthread_t thread;
	sigset_t signals;
	pyr_stream *stream;
} ender;

static void *wait_for_signal(void *arg)
{
	ender *e = arg;
	int number;
	sigwait(&e->signals, &number);
	pyr_stream_cancel(e->stream);
	return NULL;
}

static void block_signals(ender *e)
{
	sigemptyset(&e->signals);
	sigaddset(&e->signals, SIGINT);
	sigaddset(&e->signals, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &e->signals, NULL);
}

static int follow(pyrite_names *names, const Pyrite__WatchRequest *request, ender *e, bool json)
{
	pyr_error err;
	const Pyrite__WatchReply *reply;
	pyr_status status;
	if (pyrite_names_watch(names, request, &e->stream, &err))
		return cli_fail(&err);
	pthread_create(&e->thread, NULL, wait_for_signal, e);
	while ((status = pyrite_names_watch__next(e->stream, &reply, &err)) == PYR_OK && reply)
		for (size_t i = 0; i < reply->n_events; i++)
			print_event(reply->events[i], json);
	bool stopped = status == PYR_CANCELLED || status == PYR_OK;
	if (!stopped)
		pthread_kill(e->thread, SIGTERM);
	pthread_join(e->thread, NULL);
	pyr_stream_close(e->stream);
	return stopped ? CLI_DONE : cli_fail(&err);
}

int cli_names_watch(int argc, char **argv)
{
	const char *at = NULL, *prefix = "";
	option_texts tags = {NULL, 0};
	uint64_t from = 0;
	bool json = false;
	const cli_option options[] = {
		{"prefix", "P", "names that begin with P", OPTION_TEXT, &prefix},
		{"tag", "T", "names that carry T, and every other --tag", OPTION_TEXTS, &tags},
		{"from", "REVISION", "every change from this one on (0: from now)", OPTION_NUMBER,
			&from},
		{"json", NULL, "print one JSON object a line", OPTION_FLAG, &json},
		NAMES_AT_OPTION(&at),
		{0},
	};
	char **arguments;
	size_t count;
	int result = cli_parse(&command, options, argc, argv, &arguments, &count);
	if (result == CLI_DONE && count != SIZE_MAX) {
		pyr_error err;
		pyrite_names *names;
		ender e;
		Pyrite__WatchRequest request = PYRITE__WATCH_REQUEST__INIT;
		block_signals(&e); /* before the library starts threads, which inherit it */
		request.name = count ? arguments[0] : "";
		request.prefix = (char *)prefix;
		request.tags = (char **)tags.texts;
		request.n_tags = tags.count;
		request.from_revision = from;
		if (names_open(at, 0, &names, &err)) {
			result = cli_fail(&err);
		} else {
			result = follow(names, &request, &e, json);
			pyrite_names__close(names);
		}
	}
	free(tags.texts);
	return result;
}
