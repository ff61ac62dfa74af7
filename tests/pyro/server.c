/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: server [-l] [-w WORKERS] [-q QUEUE] [-a ADVERTISE] [-n NAME] [-t TTL_MS] ENDPOINT...
 * The objects "thing", "single", "session" and "percall", which are compared with those of
 * pyro_server.py. Prints the reference of the thing at each endpoint, and "ready". With -l
 * the loop is the program's own, with a timer and a second daemon.
 */
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <pyrite/pyrite.h>
#include "log.h"
#include "servants.h"

static pyr_daemon *host;

/* Pyro's validateHandshake: strangers may call nothing. */
static pyr_status admit(void *ctx, pyr_call *call, pyr_error *err)
{
	const char *hello = pyr_metadata_get(pyr_call_metadata(call), "hello");
	(void)ctx;
	if (hello && strcmp(hello, "stranger") == 0)
		return pyr_error_set(err, PYR_PERMISSION_DENIED, "no strangers here");
	return PYR_OK;
}

/* A second daemon and a timer on a loop of our own. */

static void on_tick(evutil_socket_t fd, short what, void *ctx)
{
	static int ticks;
	(void)fd;
	(void)what;
	(void)ctx;
	if (ticks++ < 5)
		log_add("tick", "");
}

static void on_signal(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	event_base_loopbreak(ctx);
}

static void run_loop(struct event_base *base)
{
	static const struct timeval often = {.tv_usec = 20000};
	char reference[PYR_REFERENCE_MAX];
	pyr_daemon_options options = PYR_DAEMON_OPTIONS_INIT;
	struct event *tick = event_new(base, -1, EV_PERSIST, on_tick, NULL);
	struct event *end = evsignal_new(base, SIGTERM, on_signal, base);
	pyr_daemon *second;
	pyr_error err;
	options.base = base;
	if (!tick || !end || event_add(tick, &often) || event_add(end, NULL) ||
		pyr_daemon_new(&options, &second, &err) || thing_serve(second, &err) ||
		pyr_daemon_listen(second, "127.0.0.1:0", NULL, &err) ||
		pyr_daemon_reference(second, "thing", 0, reference, sizeof reference, &err))
		abort();
	printf("%s\nready\n", reference);
	event_base_dispatch(base);
	event_free(tick);
	event_free(end);
	pyr_daemon_free(second);
}

static pyr_status listen_at(
	char **endpoints, const pyr_listen_options *listen_options, pyr_error *err)
{
	char reference[PYR_REFERENCE_MAX];
	pyr_status status = PYR_OK;
	for (size_t i = 0; endpoints[i] && status == PYR_OK; i++) {
		status = pyr_daemon_listen(host, endpoints[i], listen_options, err);
		if (status == PYR_OK)
			status = pyr_daemon_reference(
				host, "thing", i, reference, sizeof reference, err);
		if (status == PYR_OK)
			printf("%s\n", reference);
	}
	return status;
}

typedef struct settings {
	pyr_daemon_options daemon;
	pyr_listen_options listen;
	pyr_publish_options publish;
	const char *name;
	bool own_loop;
	int connected; /* a socket; 0: none */
} settings;

static bool parse(int argc, char **argv, settings *s)
{
	for (int c; (c = getopt(argc, argv, "lw:q:a:n:t:z:f:")) != -1;) {
		if (c == 'l')
			s->own_loop = true;
		else if (c == 'w')
			s->daemon.workers = (uint32_t)atoi(optarg);
		else if (c == 'q')
			s->daemon.worker_queue_max = (uint32_t)atoi(optarg);
		else if (c == 'a')
			s->listen.advertise = optarg;
		else if (c == 'n')
			s->name = optarg;
		else if (c == 't')
			s->publish.ttl_ms = (uint32_t)atoi(optarg);
		else if (c == 'f')
			s->connected = atoi(optarg);
		else if (c == 'z')
			s->daemon.compress_from = (uint32_t)atoi(optarg);
		else
			return false;
	}
	return true;
}

static pyr_status prepare(const settings *s, char **endpoints, pyr_error *err)
{
	pyr_status status = pyr_daemon_new(&s->daemon, &host, err);
	if (status == PYR_OK)
		status = thing_serve(host, err);
	if (status == PYR_OK)
		status = counters_serve(host, err);
	if (status == PYR_OK)
		status = listen_at(endpoints, &s->listen, err);
	if (status == PYR_OK && s->connected)
		status = pyr_daemon_adopt(host, s->connected, err);
	if (status == PYR_OK && s->name)
		status = pyr_daemon_publish(host, "thing", s->name, &s->publish, err);
	return status;
}

int main(int argc, char **argv)
{
	settings s = {PYR_DAEMON_OPTIONS_INIT, PYR_LISTEN_OPTIONS_INIT, PYR_PUBLISH_OPTIONS_INIT,
		NULL, false, 0};
	pyr_error err;
	s.daemon.workers = 8;
	s.daemon.admit = admit;
	if (!parse(argc, argv, &s))
		return 2;
	if (s.own_loop) {
		s.daemon.base = event_base_new();
		s.daemon.workers = 0;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	pyr_status status = prepare(&s, argv + optind, &err);
	if (status == PYR_OK && s.own_loop) {
		run_loop(s.daemon.base);
	} else if (status == PYR_OK) {
		status = pyr_daemon_stop_on_signals(host, 0, &err);
		printf("ready\n");
		if (status == PYR_OK)
			status = pyr_daemon_run(host, &err);
	}
	if (status)
		fprintf(stderr, "%s: %s\n", pyr_status_name(err.status), err.message);
	pyr_daemon_free(host);
	if (s.daemon.base)
		event_base_free(s.daemon.base);
	return status != PYR_OK;
}
