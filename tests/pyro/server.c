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
#include "compared.pyr.h"
#include "log.h"

#define WAITS_MAX 1000

static pyr_daemon *host;
static int64_t sum;

static Compared__Line line_of(char *text)
{
	Compared__Line line = COMPARED__LINE__INIT;
	line.text = text;
	return line;
}

static void add(void *self, pyr_call *call, const Compared__Number *request)
{
	Compared__Number reply = COMPARED__NUMBER__INIT;
	(void)self;
	reply.value = __atomic_add_fetch(&sum, request->value, __ATOMIC_RELAXED);
	compared_thing_add__reply(call, &reply);
}

static void echo(void *self, pyr_call *call, const Compared__Blob *request)
{
	(void)self;
	compared_thing_echo__reply(call, request);
}

static void note(void *self, pyr_call *call, const Compared__Line *request)
{
	(void)self;
	Compared__Line reply = line_of(request->text);
	const char *hello = pyr_metadata_get(pyr_call_metadata(call), "hello");
	pyr_error err;
	log_add("", request->text);
	if (hello && pyr_call_add_metadata(call, "heard", hello, &err))
		abort();
	compared_thing_note__reply(call, &reply);
}

static void tell(void *self, pyr_call *call, const Compared__Line *request)
{
	(void)self;
	log_add("began ", request->text);
	if (*request->after)
		log_wait(request->after, request->wait_ms, NULL);
	log_add("", request->text);
	if (strcmp(request->text, "fail") == 0)
		pyr_call_fail(call, PYR_FAILED_PRECONDITION, "nobody hears this");
}

static void give_up(void *ctx)
{
	log_wake(ctx);
}

static char *await(pyr_call *call, const Compared__Line *request)
{
	/* on_cancel may still run when this function has returned, so none is used twice */
	static bool given_up[WAITS_MAX];
	static unsigned waits;
	unsigned mine = __atomic_fetch_add(&waits, 1, __ATOMIC_RELAXED);
	if (mine >= WAITS_MAX)
		abort();
	log_add("began ", request->text);
	pyr_call_on_cancel(call, give_up, &given_up[mine]);
	if (log_wait(request->text, request->wait_ms, &given_up[mine]))
		return "seen";
	if (!pyr_call_cancelled(call))
		return "timed out";
	log_add("cancelled ", request->text);
	pyr_call_fail(call, PYR_CANCELLED, "nobody waits any more");
	return NULL;
}

static void wait_once(void *self, pyr_call *call, const Compared__Line *request)
{
	Compared__Line reply = line_of(await(call, request));
	(void)self;
	if (reply.text)
		compared_thing_wait__reply(call, &reply);
}

static void wait_again(void *self, pyr_call *call, const Compared__Line *request)
{
	Compared__Line reply = line_of(await(call, request));
	(void)self;
	if (reply.text)
		compared_thing_wait_again__reply(call, &reply);
}

static void find(void *self, pyr_call *call, const Compared__Line *request)
{
	Compared__Lines reply = COMPARED__LINES__INIT;
	char *lines[LOG_LINES_MAX];
	(void)self;
	reply.n_lines = log_find(request->text, lines);
	reply.lines = lines;
	compared_thing_log__reply(call, &reply);
}

/* The detail is a google.rpc.Status by hand: 3: { 1: type, 2: the Line }. */
static void fail(void *self, pyr_call *call, const Compared__Line *request)
{
	static const char type[] = "type.googleapis.com/compared.Line";
	uint8_t line[100], details[200];
	pyr_error err;
	(void)self;
	size_t size = compared__line__get_packed_size(request), at = 0;
	if (size > sizeof line)
		abort();
	compared__line__pack(request, line);
	details[at++] = 3 << 3 | 2;
	details[at++] = (uint8_t)(2 + sizeof type - 1 + 2 + size);
	details[at++] = 1 << 3 | 2;
	details[at++] = sizeof type - 1;
	memcpy(details + at, type, sizeof type - 1);
	at += sizeof type - 1;
	details[at++] = 2 << 3 | 2;
	details[at++] = (uint8_t)size;
	memcpy(details + at, line, size);
	pyr_error_set(&err, PYR_FAILED_PRECONDITION, "%s", request->text);
	pyr_call_fail_error(call, &err, details, at + size);
}

static void squares(void *self, pyr_call *call, const Compared__Number *request)
{
	Compared__Number square = COMPARED__NUMBER__INIT;
	pyr_status status = PYR_OK;
	(void)self;
	for (int64_t i = 0; i < request->value && status == PYR_OK; i++) {
		char number[24];
		snprintf(number, sizeof number, "%lld", (long long)i);
		if (i < 10)
			log_add("square ", number);
		square.value = i * i;
		status = compared_thing_squares__send_reply(call, &square, NULL);
	}
	log_add("squares ended", "");
	if (status == PYR_OK)
		pyr_call_end(call);
}

static void close_resource(void *resource)
{
	log_add("closed ", resource);
	free(resource);
}

static void track(void *self, pyr_call *call, const Compared__Line *request)
{
	Compared__Line reply = line_of(request->text);
	char *resource = strdup(request->text);
	pyr_error err;
	(void)self;
	if (!resource)
		abort();
	if (pyr_call_track(call, resource, close_resource, &err)) {
		free(resource);
		pyr_call_fail_error(call, &err, NULL, 0);
	} else {
		compared_thing_track__reply(call, &reply);
	}
}

static void hop(void *self, pyr_call *call, const Compared__Number *request)
{
	Compared__Lines reply = COMPARED__LINES__INIT, *inner = NULL;
	Compared__Number left = COMPARED__NUMBER__INIT;
	char reference[PYR_REFERENCE_MAX], *lines[10];
	compared_thing *thing = NULL;
	pyr_error err;
	(void)self;
	left.value = request->value - 1;
	if (left.value > 0 &&
		(pyr_daemon_reference(host, "thing", 0, reference, sizeof reference, &err) ||
			compared_thing__open(NULL, reference, NULL, &thing, &err) ||
			compared_thing_hop(thing, &left, &inner, &err))) {
		pyr_call_fail_error(call, &err, NULL, 0);
	} else {
		lines[reply.n_lines++] = (char *)pyr_call_correlation(call);
		for (size_t i = 0; inner && i < inner->n_lines && i < 9; i++)
			lines[reply.n_lines++] = inner->lines[i];
		reply.lines = lines;
		compared_thing_hop__reply(call, &reply);
	}
	if (inner)
		compared__lines__free_unpacked(inner, NULL);
	compared_thing__close(thing);
}

static void pass(void *self, pyr_call *call, const Compared__Route *request)
{
	Compared__Line here = line_of(request->text), *there = NULL;
	Compared__Route rest = *request;
	compared_thing *thing = NULL;
	pyr_error err;
	(void)self;
	if (rest.n_references == 0) {
		log_add("", request->text);
		compared_thing_pass__reply(call, &here);
		return;
	}
	rest.references++;
	rest.n_references--;
	if (compared_thing__open(NULL, request->references[0], NULL, &thing, &err) ||
		compared_thing_pass(thing, &rest, &there, &err)) {
		pyr_call_fail_error(call, &err, NULL, 0);
	} else {
		compared_thing_pass__reply(call, there);
		compared__line__free_unpacked(there, NULL);
	}
	compared_thing__close(thing);
}

static void serve(void *self, pyr_call *call, const Compared__Line *request);
static void unserve(void *self, pyr_call *call, const Compared__Line *request);

static const compared_thing_ops thing_ops = {.add = add,
	.echo = echo,
	.note = note,
	.tell = tell,
	.wait = wait_once,
	.wait_again = wait_again,
	.log = find,
	.fail = fail,
	.squares = squares,
	.track = track,
	.hop = hop,
	.pass = pass,
	.serve = serve,
	.unserve = unserve};

static void serve(void *self, pyr_call *call, const Compared__Line *request)
{
	Compared__Line reply = line_of(request->text);
	pyr_error err;
	if (compared_thing__serve(host, request->text, &thing_ops, self, &err))
		pyr_call_fail_error(call, &err, NULL, 0);
	else
		compared_thing_serve__reply(call, &reply);
}

static void unserve(void *self, pyr_call *call, const Compared__Line *request)
{
	Compared__Line reply = line_of(request->text);
	pyr_error err;
	(void)self;
	if (pyr_daemon_unregister(host, request->text, NULL, &err))
		pyr_call_fail_error(call, &err, NULL, 0);
	else
		compared_thing_unserve__reply(call, &reply);
}

/* The counters */

typedef struct counter {
	uint32_t instance, count;
	const char *kind;
} counter;

static pyr_status make(void *self, pyr_call *call, void **ret_instance, pyr_error *err)
{
	static uint32_t instances = 100;
	counter *made = calloc(1, sizeof *made);
	(void)call;
	if (!made)
		return pyr_error_set(err, PYR_RESOURCE_EXHAUSTED, "out of memory");
	made->kind = self;
	made->instance = __atomic_add_fetch(&instances, 1, __ATOMIC_RELAXED);
	log_add("made ", made->kind);
	*ret_instance = made;
	return PYR_OK;
}

static void destroy(void *self, void *instance)
{
	log_add("gone ", self);
	free(instance);
}

static void next(void *self, pyr_call *call, const Compared__Line *request)
{
	counter *c = self;
	Compared__Count reply = COMPARED__COUNT__INIT;
	(void)request;
	reply.instance = c->instance;
	reply.count = __atomic_add_fetch(&c->count, 1, __ATOMIC_RELAXED);
	compared_counter_next__reply(call, &reply);
}

static pyr_status serve_counters(pyr_error *err)
{
	static const compared_counter_ops ops = {.next = next};
	static counter single = {.instance = 1, .kind = "single"};
	static char session[] = "session", percall[] = "percall";
	pyr_object_options options = PYR_OBJECT_OPTIONS_INIT;
	options.make = make;
	options.destroy = destroy;
	pyr_status status = compared_counter__serve(host, "single", &ops, &single, err);
	if (status == PYR_OK)
		status = compared_counter__serve(host, session, &ops, session, err);
	options.instances = PYR_INSTANCES_SESSION;
	if (status == PYR_OK)
		status = pyr_daemon_configure(host, session, NULL, &options, err);
	if (status == PYR_OK)
		status = compared_counter__serve(host, percall, &ops, percall, err);
	options.instances = PYR_INSTANCES_CALL;
	if (status == PYR_OK)
		status = pyr_daemon_configure(host, percall, NULL, &options, err);
	return status;
}

/* Pyro's validateHandshake: strangers may call nothing. */
static pyr_status intercept(void *ctx, pyr_call *call, pyr_error *err)
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
		pyr_daemon_new(&options, &second, &err) ||
		compared_thing__serve(second, "thing", &thing_ops, NULL, &err) ||
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
} settings;

static bool parse(int argc, char **argv, settings *s)
{
	for (int c; (c = getopt(argc, argv, "lw:q:a:n:t:")) != -1;) {
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
		else
			return false;
	}
	return true;
}

static pyr_status prepare(const settings *s, char **endpoints, pyr_error *err)
{
	pyr_status status = pyr_daemon_new(&s->daemon, &host, err);
	if (status == PYR_OK)
		status = compared_thing__serve(host, "thing", &thing_ops, NULL, err);
	if (status == PYR_OK)
		status = serve_counters(err);
	if (status == PYR_OK)
		status = listen_at(endpoints, &s->listen, err);
	if (status == PYR_OK && s->name)
		status = pyr_daemon_publish(host, "thing", s->name, &s->publish, err);
	return status;
}

int main(int argc, char **argv)
{
	settings s = {PYR_DAEMON_OPTIONS_INIT, PYR_LISTEN_OPTIONS_INIT, PYR_PUBLISH_OPTIONS_INIT,
		NULL, false};
	pyr_error err;
	s.daemon.workers = 8;
	s.daemon.intercept = intercept;
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
