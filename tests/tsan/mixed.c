/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 100,000 calls of every kind from 16 threads, on one proxy, over TCP, to a daemon with servants on
 * its loop, and compressed to one with a pool; again over shared memory; and on three connections
 * to daemons with as many loops. Built for ThreadSanitizer, and as an ordinary test for
 * AddressSanitizer.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "tally.h"
#include "transport/servant.h"
#include "tsan/tsan.h"

#define THREADS 16
#define CALLS   100000 /* of all threads and all daemons together */

typedef struct worker {
	suite_suite *proxy;
	unsigned index, calls;
	tally replies; /* of asynchronous calls */
	unsigned invoked;
} worker;

/* Long enough to be compressed. */
static Suite__Blob blob_of_zeros(void)
{
	static uint8_t zeros[200];
	Suite__Blob blob = SUITE__BLOB__INIT;
	blob.data.data = zeros;
	blob.data.len = sizeof zeros;
	return blob;
}

static void echo(worker *w, size_t size)
{
	uint8_t bytes[3000];
	Suite__Blob request = SUITE__BLOB__INIT, *reply;
	memset(bytes, (int)w->index, size);
	request.data.data = bytes;
	request.data.len = size;
	MUST(suite_suite_echo(w->proxy, &request, &reply, NULL) == PYR_OK);
	MUST(reply->data.len == size && (size == 0 || reply->data.data[size - 1] == w->index));
	suite__blob__free_unpacked(reply, NULL);
}

static void fail(worker *w)
{
	pyr_error err;
	Suite__Failure request = SUITE__FAILURE__INIT;
	Suite__Nothing *reply;
	request.status = PYR_ABORTED;
	request.message = "no";
	MUST(suite_suite_fail(w->proxy, &request, &reply, &err) == PYR_ABORTED);
	MUST(strcmp(err.message, "no") == 0);
}

static void on_reply(void *ctx, pyr_status status, const Suite__Blob *reply, const pyr_error *err)
{
	worker *w = ctx;
	(void)reply;
	(void)err;
	MUST(status == PYR_OK || status == PYR_CANCELLED);
	tally_add(&w->replies, 1);
}

static void invoke(worker *w, unsigned kind)
{
	pyr_pending *pending;
	Suite__Blob request = blob_of_zeros();
	MUST(suite_suite_echo__invoke(w->proxy, &request, on_reply, w, &pending, NULL) == PYR_OK);
	w->invoked++;
	if (kind == 1)
		pyr_pending_cancel(pending);
	pyr_pending_unref(pending);
}

static void never(void *ctx, pyr_status status, const Suite__Blob *reply, const pyr_error *err)
{
	(void)status;
	(void)reply;
	(void)err;
	atomic_fetch_add((atomic_uint *)ctx, 1);
}

/* The counter is on the stack: a callback after abandon would be seen. */
static void abandon(worker *w)
{
	atomic_uint ran = 0;
	pyr_pending *pending;
	Suite__Blob request = SUITE__BLOB__INIT;
	MUST(suite_suite_echo__invoke(w->proxy, &request, never, &ran, &pending, NULL) == PYR_OK);
	pyr_pending_abandon(pending);
	pyr_pending_unref(pending);
	MUST(atomic_load(&ran) <= 1);
}

static void note(worker *w)
{
	Suite__Number request = SUITE__NUMBER__INIT;
	MUST(suite_suite_note(w->proxy, &request, NULL) == PYR_OK);
}

static void converse(worker *w)
{
	pyr_stream *stream;
	const Suite__Blob *message;
	Suite__Blob blob = blob_of_zeros();
	MUST(suite_suite_both(w->proxy, &stream, NULL) == PYR_OK);
	for (int i = 0; i < 3; i++) {
		MUST(suite_suite_both__send(stream, &blob, NULL) == PYR_OK);
		MUST(suite_suite_both__next(stream, &message, NULL) == PYR_OK && message);
	}
	MUST(pyr_stream_end(stream, NULL) == PYR_OK);
	MUST(suite_suite_both__next(stream, &message, NULL) == PYR_OK && !message);
	pyr_stream_close(stream);
}

static void flood(worker *w, bool whole)
{
	pyr_stream *stream;
	const Suite__Blob *message = NULL;
	unsigned came = 0;
	Suite__Flood request = SUITE__FLOOD__INIT;
	request.count = 10;
	request.size = 100;
	MUST(suite_suite_down(w->proxy, &request, &stream, NULL) == PYR_OK);
	do
		MUST(suite_suite_down__next(stream, &message, NULL) == PYR_OK);
	while (message && ++came && (whole || came < 3));
	MUST(!whole || came == 10);
	pyr_stream_close(stream);
}

static void *work(void *arg)
{
	worker *w = arg;
	for (unsigned i = 0; i < w->calls; i++) {
		unsigned kind = (i * 7 + w->index) % 20;
		switch (kind) {
		case 0:
			fail(w);
			break;
		case 1:
		case 2:
		case 3:
			invoke(w, kind);
			break;
		case 4:
			abandon(w);
			break;
		case 5:
			i % 5 ? note(w) : converse(w);
			break;
		case 6:
			i % 5 ? note(w) : flood(w, i % 2);
			break;
		case 7:
			echo(w, 3000);
			break;
		default:
			echo(w, i % 100);
		}
	}
	MUST(tally_await(&w->replies, w->invoked));
	return NULL;
}

typedef struct way {
	const char *endpoint;
	uint32_t workers, compress_from;
	uint32_t loops; /* and so many connections, so that each has one */
} way;

#define LOOPS_MAX 3

static pyr_daemon *new_daemon(const way *w, pyr_context *context, servant *s)
{
	pyr_daemon *daemon;
	pyr_daemon_options options = PYR_DAEMON_OPTIONS_INIT;
	pyr_object_options object = PYR_OBJECT_OPTIONS_INIT;
	options.workers = w->workers;
	options.compress_from = w->compress_from;
	options.loops = w->loops;
	options.context = context;
	object.any_thread = w->loops > 1;
	s->pulls = w->workers > 0;
	MUST(pyr_daemon_new(&options, &daemon, NULL) == PYR_OK);
	MUST(suite_suite__serve(daemon, "suite", &servant_ops, s, NULL) == PYR_OK);
	MUST(pyr_daemon_configure(daemon, "suite", NULL, &object, NULL) == PYR_OK);
	MUST(pyr_daemon_listen(daemon, w->endpoint, NULL, NULL) == PYR_OK);
	MUST(pyr_daemon_start(daemon, NULL) == PYR_OK);
	return daemon;
}

static void run(const way *w)
{
	pyr_context *contexts[LOOPS_MAX], *host_context;
	suite_suite *proxies[LOOPS_MAX];
	char reference[PYR_REFERENCE_MAX];
	servant s = SERVANT_INIT;
	pyr_context_options context_options = PYR_CONTEXT_OPTIONS_INIT;
	context_options.compress_from = w->compress_from;
	context_options.shared_memory = PYR_SHARED_MEMORY_AT_ONCE;
	MUST(pyr_context_new(NULL, &host_context, NULL) == PYR_OK);
	pyr_daemon *daemon = new_daemon(w, host_context, &s);
	MUST(pyr_daemon_reference(daemon, "suite", 0, reference, sizeof reference, NULL) == PYR_OK);
	for (uint32_t i = 0; i < w->loops; i++) {
		MUST(pyr_context_new(&context_options, &contexts[i], NULL) == PYR_OK);
		MUST(suite_suite__open(contexts[i], reference, NULL, &proxies[i], NULL) == PYR_OK);
	}
	static worker workers[THREADS];
	pthread_t threads[THREADS];
	for (unsigned i = 0; i < THREADS; i++) {
		workers[i] = (worker){proxies[i % w->loops], i, CALLS / THREADS / 6, TALLY_INIT, 0};
		MUST(pthread_create(&threads[i], NULL, work, &workers[i]) == 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (uint32_t i = 0; i < w->loops; i++)
		suite_suite__close(proxies[i]);
	pyr_daemon_stop(daemon, 10000);
	pyr_daemon_free(daemon);
	for (uint32_t i = 0; i < w->loops; i++)
		pyr_context_free(contexts[i]);
	pyr_context_free(host_context);
}

int main(void)
{
	char memory[64];
	snprintf(memory, sizeof memory, "unix:@pyrite-mixed-%ld", (long)getpid());
	const way ways[] = {
		{"127.0.0.1:0", 0, 0, 1},
		{"127.0.0.1:0", 3, 50, 1},
		{memory, 0, 0, 1},
		{memory, 3, 0, 1},
		{"127.0.0.1:0", 0, 0, LOOPS_MAX},
		{memory, 3, 0, LOOPS_MAX},
	};
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
		run(&ways[i]);
	return 0;
}
