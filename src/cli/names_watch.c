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
	.usage = "[NAME | --prefix P] [--tag T]... [--from REVISION [--store ID]] [--json]",
	.summary = "Prints every change of names as it happens",
	.text = "  pyrite names watch --prefix example.\n"
		"  pyrite names watch --from 1042\n\n"
		"Each line begins with the change's revision. --from goes on from a revision\n"
		"without a gap: one above the last that was printed. --store, as --json prints\n"
		"it, makes sure that the revision is still of the same store. Ctrl-C ends it.",
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

static void print_event(const Pyrite__Event *event, const ProtobufCBinaryData *store, bool json)
{
	if (json) {
		char id[2 * STORE_ID_BYTES + 1];
		names_store_text(store, id, sizeof id);
		names_print_json(json_pack("{s:s, s:I, s:s, s:o}", "kind", kind_word(event->kind),
			"revision", (json_int_t)event->revision, "store", id, "name",
			names_to_json(event->name)));
	} else {
		printf("%llu %-8s ", (unsigned long long)event->revision, kind_word(event->kind));
		names_print(event->name);
	}
	fflush(stdout);
}

/*
 * A signal is taken by a thread of its own, which ends the stream, or, before there is one, the
 * program; no handler has to be careful.
 */
typedef struct ender {
	pthread_t thread;
	sigset_t signals;
	pthread_mutex_t lock; /* guards what follows */
	pyr_stream *stream;   /* NULL: not yet, or no more */
	bool over;            /* the thread is to end, and nothing else */
} ender;

static void *wait_for_signal(void *arg)
{
	ender *e = arg;
	int number;
	sigwait(&e->signals, &number);
	pthread_mutex_lock(&e->lock);
	bool over = e->over, waiting = e->stream != NULL;
	if (waiting && !over)
		pyr_stream_cancel(e->stream);
	pthread_mutex_unlock(&e->lock);
	if (!waiting && !over) {
		pthread_sigmask(SIG_UNBLOCK, &e->signals, NULL);
		raise(number);
	}
	return NULL;
}

/* Before the library starts threads, which inherit the mask. */
static void begin_waiting(ender *e)
{
	pthread_mutex_init(&e->lock, NULL);
	sigemptyset(&e->signals);
	sigaddset(&e->signals, SIGINT);
	sigaddset(&e->signals, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &e->signals, NULL);
	pthread_create(&e->thread, NULL, wait_for_signal, e);
}

static void set_stream(ender *e, pyr_stream *stream)
{
	pthread_mutex_lock(&e->lock);
	e->stream = stream;
	pthread_mutex_unlock(&e->lock);
}

static void end_waiting(ender *e)
{
	pthread_mutex_lock(&e->lock);
	e->over = true;
	pthread_mutex_unlock(&e->lock);
	pthread_kill(e->thread, SIGTERM); /* in case none has come; no harm if one has */
	pthread_join(e->thread, NULL);
	pthread_mutex_destroy(&e->lock);
}

static int follow(pyrite_names *names, const Pyrite__WatchRequest *request, ender *e, bool json)
{
	pyr_error err;
	pyr_stream *stream;
	const Pyrite__WatchReply *reply;
	pyr_status status;
	if (pyrite_names_watch(names, request, &stream, &err))
		return cli_fail(&err);
	set_stream(e, stream);
	while ((status = pyrite_names_watch__next(stream, &reply, &err)) == PYR_OK && reply)
		for (size_t i = 0; i < reply->n_events; i++)
			print_event(reply->events[i], &reply->store_id, json);
	set_stream(e, NULL);
	pyr_stream_close(stream);
	return status == PYR_OK || status == PYR_CANCELLED ? CLI_DONE : cli_fail(&err);
}

/* What `from` is a revision of: the store that was named, or else the one that is there. */
static pyr_status get_store(
	pyrite_names *names, const char *named, uint8_t id[STORE_ID_BYTES], pyr_error *err)
{
	if (named) {
		bool whole = strlen(named) == 2 * STORE_ID_BYTES;
		for (size_t i = 0; whole && i < STORE_ID_BYTES; i++)
			whole = sscanf(named + 2 * i, "%2hhx", &id[i]) == 1;
		return whole ? PYR_OK
			     : pyr_error_set(err, PYR_INVALID_ARGUMENT,
				       "a store's id has %d hexadecimal digits",
				       2 * STORE_ID_BYTES);
	}
	Pyrite__StatusRequest request = PYRITE__STATUS_REQUEST__INIT;
	Pyrite__StatusReply *reply;
	pyr_status status = pyrite_names_status(names, &request, &reply, err);
	if (status)
		return status;
	if (reply->store_id.len == STORE_ID_BYTES)
		memcpy(id, reply->store_id.data, STORE_ID_BYTES);
	pyrite__status_reply__free_unpacked(reply, NULL);
	return PYR_OK;
}

static int watch(const char *at, Pyrite__WatchRequest *request, const char *store, bool json)
{
	pyr_error err;
	pyrite_names *names;
	ender e = {.stream = NULL};
	uint8_t id[STORE_ID_BYTES] = {0};
	begin_waiting(&e);
	int result = CLI_DONE;
	if (names_open(at, 0, &names, &err)) {
		names = NULL;
		result = cli_fail(&err);
	} else if (request->from_revision) {
		if (get_store(names, store, id, &err))
			result = cli_fail(&err);
		request->store_id = (ProtobufCBinaryData){sizeof id, id};
	}
	if (result == CLI_DONE)
		result = follow(names, request, &e, json);
	end_waiting(&e);
	pyrite_names__close(names);
	return result;
}

int cli_names_watch(int argc, char **argv)
{
	const char *at = NULL, *prefix = "", *store = NULL;
	option_texts tags = {NULL, 0};
	uint64_t from = 0;
	bool json = false;
	const cli_option options[] = {
		{"prefix", "P", "names that begin with P", OPTION_TEXT, &prefix},
		{"tag", "T", "names that carry T, and every other --tag", OPTION_TEXTS, &tags},
		{"from", "REVISION", "every change from this one on (0: from now)", OPTION_NUMBER,
			&from},
		{"store", "ID", "the store that --from is a revision of (the present one)",
			OPTION_TEXT, &store},
		{"json", NULL, "print one JSON object a line", OPTION_FLAG, &json},
		NAMES_AT_OPTION(&at),
		{0},
	};
	char **arguments;
	size_t count;
	int result = cli_parse(&command, options, argc, argv, &arguments, &count);
	if (result == CLI_DONE && count != SIZE_MAX) {
		Pyrite__WatchRequest request = PYRITE__WATCH_REQUEST__INIT;
		request.name = count ? arguments[0] : "";
		request.prefix = (char *)prefix;
		request.tags = (char **)tags.texts;
		request.n_tags = tags.count;
		request.from_revision = from;
		result = watch(at, &request, store, json);
	}
	free(tags.texts);
	return result;
}
