/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The object that the other programs here call, on a daemon of its own; "ready" when it listens.
 *
 *   usage: bench_serve ENDPOINT [WORKERS QUEUE [NAME]]
 *
 * With workers, at most QUEUE calls wait for one. With a name, the object is published.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "load.h"

#define GRACE_MS        100
#define CONNECTIONS_MAX 20000
#define PAUSE_US_MAX    1000000u

static void echo(void *self, pyr_call *call, const Load__Payload *request)
{
	(void)self;
	load_load_echo__reply(call, request);
}

/* And the caller hears that. */
static bool is_too_long(pyr_call *call, const Load__Pause *request)
{
	if (request->us <= PAUSE_US_MAX)
		return false;
	pyr_call_fail(
		call, PYR_INVALID_ARGUMENT, "%u us is longer than %u", request->us, PAUSE_US_MAX);
	return true;
}

static void wait(void *self, pyr_call *call, const Load__Pause *request)
{
	(void)self;
	if (is_too_long(call, request))
		return;
	struct timespec time = {request->us / 1000000, request->us % 1000000 * 1000};
	nanosleep(&time, NULL);
	load_load_wait__reply(call, request);
}

static uint64_t own_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void work(void *self, pyr_call *call, const Load__Pause *request)
{
	(void)self;
	if (is_too_long(call, request))
		return;
	uint64_t until_ns = own_ns() + request->us * 1000ull;
	while (own_ns() < until_ns)
		;
	load_load_work__reply(call, request);
}

/* A stream to the caller */

typedef struct flow {
	pyr_call *call;
	const Load__Payload *item; /* lives as long as the call */
} flow;

static void end_flow(flow *f)
{
	pyr_call_unref(f->call);
	free(f);
}

/* As much as the window takes; the rest when there is room. It fails once the caller has gone. */
static void pump(void *ctx)
{
	flow *f = ctx;
	pyr_error err;
	pyr_status status = PYR_OK;
	while (status == PYR_OK)
		status = load_load_down__send_reply(f->call, f->item, &err);
	if (err.would_block)
		status = pyr_call_on_writable(f->call, pump, f, &err);
	if (status)
		end_flow(f);
}

static void down(void *self, pyr_call *call, const Load__Payload *request)
{
	(void)self;
	flow *f = malloc(sizeof *f);
	if (!f) {
		pyr_call_fail(call, PYR_RESOURCE_EXHAUSTED, "there is no memory for a stream");
		return;
	}
	*f = (flow){pyr_call_ref(call), request};
	pump(f);
}

/* A stream that comes back */

static void on_item(void *ctx, pyr_call *call, pyr_status status, const Load__Payload *item)
{
	(void)ctx;
	pyr_error err;
	if (item) {
		status = load_load_both__send_reply(call, item, &err);
		if (status && !pyr_call_cancelled(call))
			pyr_call_fail(call, PYR_RESOURCE_EXHAUSTED,
				"the caller has more messages under way than it reads");
		return;
	}
	if (status == PYR_OK)
		pyr_call_end(call);
	pyr_call_unref(call);
}

static void both(void *self, pyr_call *call)
{
	(void)self;
	pyr_error err;
	pyr_call_ref(call);
	pyr_status status = load_load_both__observe_requests(call, on_item, NULL, &err);
	if (status) {
		pyr_call_fail(call, status, "%s", err.message);
		pyr_call_unref(call);
	}
}

static const load_load_ops ops = {
	.echo = echo, .wait = wait, .work = work, .down = down, .both = both};

int main(int argc, char **argv)
{
	pyr_error err;
	pyr_daemon *daemon;
	pyr_daemon_options options = PYR_DAEMON_OPTIONS_INIT;
	if (argc != 2 && argc != 4 && argc != 5)
		meter_die("usage: bench_serve ENDPOINT [WORKERS QUEUE [NAME]]");
	options.workers = argc > 2 ? (uint32_t)atoi(argv[2]) : 0;
	options.worker_queue_max = argc > 2 ? (uint32_t)atoi(argv[3]) : 0;
	options.connections_max = CONNECTIONS_MAX;
	meter_raise_descriptors(0);
	load_check(pyr_daemon_new(&options, &daemon, &err), &err);
	load_check(pyr_daemon_stop_on_signals(daemon, GRACE_MS, &err), &err);
	load_check(load_load__serve(daemon, "load", &ops, NULL, &err), &err);
	pyr_object_options object = PYR_OBJECT_OPTIONS_INIT;
	object.any_thread = true; /* with PYRITE_LOOPS, on any of them */
	load_check(pyr_daemon_configure(daemon, "load", NULL, &object, &err), &err);
	load_check(pyr_daemon_listen(daemon, argv[1], NULL, &err), &err);
	if (argc == 5)
		load_check(pyr_daemon_publish(daemon, "load", argv[4], NULL, &err), &err);
	puts("ready");
	fflush(stdout);
	load_check(pyr_daemon_run(daemon, &err), &err);
	pyr_daemon_free(daemon);
	return 0;
}
