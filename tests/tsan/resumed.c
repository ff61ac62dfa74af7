/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams that outlive their connections, read by threads and pushed by the loop, while a thread
 * cuts every connection again and again; and streams that are cancelled and closed meanwhile.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "tally.h"
#include "transport/servant.h"
#include "tsan/tsan.h"

#define THREADS  4
#define ITEMS    2000
#define SIZE     100 /* all of them fit a window, so that what is given up needs no worker for long */
#define CUTS     60
#define ASIDE_MS 60000

typedef struct scene {
	pyr_context *context, *host_context;
	pyr_daemon *daemon;
	suite_suite *proxy;
	servant servant;
	atomic_bool done;
} scene;

static void set_up(scene *s, uint32_t workers)
{
	char reference[PYR_REFERENCE_MAX];
	pyr_daemon_options options = PYR_DAEMON_OPTIONS_INIT;
	pyr_proxy_options proxy_options = PYR_PROXY_OPTIONS_INIT;
	*s = (scene){.servant = SERVANT_INIT};
	MUST(pyr_context_new(NULL, &s->context, NULL) == PYR_OK);
	MUST(pyr_context_new(NULL, &s->host_context, NULL) == PYR_OK);
	options.workers = workers;
	options.context = s->host_context;
	options.stream_linger_ms = ASIDE_MS;
	MUST(pyr_daemon_new(&options, &s->daemon, NULL) == PYR_OK);
	MUST(suite_suite__serve(s->daemon, "suite", &servant_ops, &s->servant, NULL) == PYR_OK);
	MUST(pyr_daemon_listen(s->daemon, "127.0.0.1:0", NULL, NULL) == PYR_OK);
	MUST(pyr_daemon_reference(s->daemon, "suite", 0, reference, sizeof reference, NULL) ==
		PYR_OK);
	MUST(pyr_daemon_start(s->daemon, NULL) == PYR_OK);
	/* a stream that began within a millisecond might be one of a daemon before, for all it
	 * knows */
	poll(NULL, 0, 3);
	proxy_options.resume_ms = ASIDE_MS;
	MUST(suite_suite__open(s->context, reference, &proxy_options, &s->proxy, NULL) == PYR_OK);
}

static void tear_down(scene *s)
{
	suite_suite__close(s->proxy);
	pyr_daemon_free(s->daemon);
	pyr_context_free(s->context);
	pyr_context_free(s->host_context);
}

/* The sockets of this process that are connected are those of the one connection. */
static void cut_all(void)
{
	for (int fd = 3; fd < 256; fd++) {
		struct sockaddr_in peer;
		socklen_t size = sizeof peer;
		if (getpeername(fd, (struct sockaddr *)&peer, &size) == 0 &&
			peer.sin_family == AF_INET)
			shutdown(fd, SHUT_RDWR);
	}
}

static void *cut_often(void *arg)
{
	scene *s = arg;
	for (int i = 0; i < CUTS && !atomic_load(&s->done); i++) {
		poll(NULL, 0, 2);
		cut_all();
	}
	return NULL;
}

static pyr_stream *ask(scene *s)
{
	pyr_stream *stream;
	Suite__Flood request = SUITE__FLOOD__INIT;
	request.count = ITEMS;
	request.size = SIZE;
	MUST(suite_suite_down(s->proxy, &request, &stream, NULL) == PYR_OK);
	return stream;
}

static void *pull(void *arg)
{
	pyr_error err;
	pyr_stream *stream = ask(arg);
	const Suite__Blob *item;
	unsigned came = 0;
	pyr_status status;
	while ((status = suite_suite_down__next(stream, &item, &err)) == PYR_OK && item)
		came++;
	if (status)
		fprintf(stderr, "%s: %s\n", pyr_status_name(status), err.message);
	MUST(status == PYR_OK && came == ITEMS);
	pyr_stream_close(stream);
	return NULL;
}

typedef struct watcher {
	tally items, ends;
	pyr_status status;
} watcher;

static void on_item(void *ctx, pyr_status status, const Suite__Blob *item, const pyr_error *err)
{
	(void)err;
	watcher *w = ctx;
	if (status == PYR_OK && item) {
		tally_add(&w->items, 1);
	} else {
		w->status = status;
		tally_add(&w->ends, 1);
	}
}

static void *have_pushed(void *arg)
{
	watcher w = {TALLY_INIT, TALLY_INIT, PYR_OK};
	pyr_stream *stream = ask(arg);
	MUST(suite_suite_down__observe(stream, on_item, &w, NULL) == PYR_OK);
	MUST(tally_await(&w.ends, 1));
	MUST(w.status == PYR_OK && tally_get(&w.items) == ITEMS);
	pyr_stream_close(stream);
	return NULL;
}

/* Gives streams up at any moment; nothing is pushed once they are closed. */
static void *give_up(void *arg)
{
	for (unsigned i = 0; i < 40; i++) {
		watcher w = {TALLY_INIT, TALLY_INIT, PYR_OK};
		pyr_stream *stream = ask(arg);
		MUST(suite_suite_down__observe(stream, on_item, &w, NULL) == PYR_OK);
		MUST(tally_await(&w.items, i * 10));
		if (i % 2) {
			pyr_stream_cancel(stream);
			MUST(tally_await(&w.ends, 1));
		}
		pyr_stream_close(stream);
	}
	return NULL;
}

static void cut_while(uint32_t workers)
{
	static void *(*const roles[THREADS])(void *arg) = {pull, have_pushed, pull, give_up};
	static scene s;
	pthread_t cutter, threads[THREADS];
	set_up(&s, workers);
	for (int i = 0; i < THREADS; i++)
		MUST(pthread_create(&threads[i], NULL, roles[i], &s) == 0);
	MUST(pthread_create(&cutter, NULL, cut_often, &s) == 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	atomic_store(&s.done, true);
	pthread_join(cutter, NULL);
	tear_down(&s);
}

int main(void)
{
	cut_while(0);
	cut_while(3);
	return 0;
}
