/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ends while calls run: a daemon that stops gracefully loses none of them, a context that is
 * freed finishes them all; and streams whose reader and writer are threads of their own. Over TCP,
 * to a daemon with several loops, locally, and locally on the threads that call.
 */
#include <stdatomic.h>
#include <stdio.h>
#include "tally.h"
#include "transport/servant.h"
#include "tsan/tsan.h"

#define THREADS 8
#define LOOPS   3
#define ROUNDS  6

typedef enum transport {
	BY_TCP,
	TO_LOOPS,
	LOCALLY,
	ON_ANY_THREAD,
	WAYS,
} transport;

typedef struct scene {
	pyr_context *context, *host_context;
	pyr_daemon *daemon;
	suite_suite *proxy;
	servant servant;
	tally good;               /* calls that were answered */
	tally invoked, called;    /* callbacks: to come, and run */
	atomic_uint lost;         /* calls that ended as they should not */
	atomic_bool context_ends; /* else it is the daemon that does */
	bool far;                 /* the daemon has a context of its own, and an endpoint */
	bool only_waits;          /* calls that do not would soon be too many at once */
} scene;

static void set_up(scene *s, transport way, uint32_t workers)
{
	char reference[PYR_REFERENCE_MAX] = "local:suite";
	pyr_daemon_options options = PYR_DAEMON_OPTIONS_INIT;
	pyr_object_options object = PYR_OBJECT_OPTIONS_INIT;
	*s = (scene){.servant = SERVANT_INIT,
		.good = TALLY_INIT,
		.invoked = TALLY_INIT,
		.called = TALLY_INIT};
	MUST(pyr_context_new(NULL, &s->context, NULL) == PYR_OK);
	s->host_context = s->context;
	s->far = way == BY_TCP || way == TO_LOOPS;
	if (s->far)
		MUST(pyr_context_new(NULL, &s->host_context, NULL) == PYR_OK);
	s->servant.pulls = workers > 0;
	options.workers = workers;
	options.loops = way == TO_LOOPS ? LOOPS : 1;
	options.context = s->host_context;
	MUST(pyr_daemon_new(&options, &s->daemon, NULL) == PYR_OK);
	MUST(suite_suite__serve(s->daemon, "suite", &servant_ops, &s->servant, NULL) == PYR_OK);
	s->only_waits = way == ON_ANY_THREAD;
	object.any_thread = s->only_waits || way == TO_LOOPS;
	MUST(pyr_daemon_configure(s->daemon, "suite", NULL, &object, NULL) == PYR_OK);
	if (s->far) {
		MUST(pyr_daemon_listen(s->daemon, "127.0.0.1:0", NULL, NULL) == PYR_OK);
		MUST(pyr_daemon_reference(
			     s->daemon, "suite", 0, reference, sizeof reference, NULL) == PYR_OK);
	}
	MUST(pyr_daemon_start(s->daemon, NULL) == PYR_OK);
	MUST(suite_suite__open(s->context, reference, NULL, &s->proxy, NULL) == PYR_OK);
}

/* The daemon is gone, or the context is. */
static bool is_the_end(const scene *s, const pyr_error *err)
{
	if (atomic_load(&s->context_ends))
		return err->status == PYR_CANCELLED;
	return (err->status == PYR_UNAVAILABLE || err->status == PYR_NOT_FOUND) &&
	       err->executed == PYR_EXECUTED_NO;
}

static void on_reply(void *ctx, pyr_status status, const Suite__Number *reply, const pyr_error *err)
{
	scene *s = ctx;
	(void)reply;
	if (status == PYR_OK)
		tally_add(&s->good, 1);
	else if (!is_the_end(s, err))
		atomic_fetch_add(&s->lost, 1);
	tally_add(&s->called, 1);
}

/* True while it goes on. */
static bool call_once(scene *s, bool waits, pyr_error *err)
{
	Suite__Nothing request = SUITE__NOTHING__INIT;
	Suite__Number *reply;
	if (!waits) {
		bool begun = suite_suite_count__invoke(
				     s->proxy, &request, on_reply, s, NULL, err) == PYR_OK;
		if (begun)
			tally_add(&s->invoked, 1);
		return begun;
	}
	if (suite_suite_count(s->proxy, &request, &reply, err))
		return false;
	suite__number__free_unpacked(reply, NULL);
	tally_add(&s->good, 1);
	return true;
}

static void *call_to_the_end(void *arg)
{
	scene *s = arg;
	pyr_error err;
	unsigned i = 0;
	while (call_once(s, i++ % 3 || s->only_waits, &err))
		;
	if (!is_the_end(s, &err)) {
		fprintf(stderr, "%s (%d): %s\n", pyr_status_name(err.status), err.executed,
			err.message);
		atomic_fetch_add(&s->lost, 1);
	}
	return NULL;
}

static void end_under_load(transport way, uint32_t workers, bool context_ends)
{
	static scene s;
	pthread_t threads[THREADS];
	set_up(&s, way, workers);
	atomic_store(&s.context_ends, context_ends);
	for (int i = 0; i < THREADS; i++)
		MUST(pthread_create(&threads[i], NULL, call_to_the_end, &s) == 0);
	MUST(tally_await(&s.good, 500));
	if (context_ends)
		pyr_context_free(s.context);
	else
		pyr_daemon_stop(s.daemon, 10000);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	MUST(tally_await(&s.called, tally_get(&s.invoked)));
	MUST(atomic_load(&s.lost) == 0);
	if (!context_ends)
		MUST(tally_get(&s.good) == tally_get(&s.servant.count_count));
	suite_suite__close(s.proxy);
	pyr_daemon_free(s.daemon);
	if (!context_ends)
		pyr_context_free(s.context);
	if (s.far)
		pyr_context_free(s.host_context);
}

static void *write_all(void *arg)
{
	Suite__Blob blob = SUITE__BLOB__INIT;
	uint8_t bytes[1000] = {0};
	blob.data.data = bytes;
	blob.data.len = sizeof bytes;
	for (int i = 0; i < 2000; i++)
		MUST(suite_suite_both__send(arg, &blob, NULL) == PYR_OK);
	MUST(pyr_stream_end(arg, NULL) == PYR_OK);
	return NULL;
}

static void stream_both_ways(transport way)
{
	static scene s;
	enum { STREAMS = 3 };
	pthread_t writers[STREAMS];
	pyr_stream *streams[STREAMS];
	set_up(&s, way, STREAMS);
	for (int i = 0; i < STREAMS; i++) {
		MUST(suite_suite_both(s.proxy, &streams[i], NULL) == PYR_OK);
		MUST(pthread_create(&writers[i], NULL, write_all, streams[i]) == 0);
	}
	for (int i = 0; i < STREAMS; i++) {
		const Suite__Blob *message;
		unsigned came = 0;
		do
			MUST(suite_suite_both__next(streams[i], &message, NULL) == PYR_OK);
		while (message && ++came);
		MUST(came == 2000);
		pthread_join(writers[i], NULL);
		pyr_stream_close(streams[i]);
	}
	suite_suite__close(s.proxy);
	pyr_daemon_free(s.daemon);
	pyr_context_free(s.context);
	if (s.far)
		pyr_context_free(s.host_context);
}

int main(void)
{
	for (transport way = BY_TCP; way < WAYS; way++) {
		stream_both_ways(way);
		for (int round = 0; round < ROUNDS; round++) {
			end_under_load(way, round % 2 ? 3 : 0, false);
			/* a daemon's own context outlives it */
			if (way == BY_TCP || way == TO_LOOPS)
				end_under_load(way, round % 2 ? 3 : 0, true);
		}
	}
	return 0;
}
