/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of an object in the same process, and what objects cost.
 *
 *   usage: bench_local --count N
 *
 * N objects are registered, and a few of them called in turn: "ns_each" is how long a call takes,
 * "ns_each_of_few" how long it took before there were many, "bytes_each" the memory of an object.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "load.h"

#define CALLED 64   /* objects that are called, spread over all */
#define BATCH  1024 /* calls between two looks at the clock, which take as long as a call */

typedef struct host {
	meter *meter;
	pyr_context *context;
	pyr_daemon *daemon;
	load_load *proxies[CALLED];
	Load__Payload payload;
} host;

static void echo(void *self, pyr_call *call, const Load__Payload *request)
{
	(void)self;
	load_load_echo__reply(call, request);
}

static const load_load_ops ops = {.echo = echo};

static void serve(host *h, unsigned number)
{
	pyr_error err;
	char id[32];
	snprintf(id, sizeof id, "object-%u", number);
	load_check(load_load__serve(h->daemon, id, &ops, h, &err), &err);
}

/* Those that are called run on the thread that calls them. */
static void open_proxy(host *h, unsigned index, unsigned number)
{
	pyr_error err;
	char id[32], reference[48];
	pyr_object_options options = PYR_OBJECT_OPTIONS_INIT;
	options.any_thread = true;
	snprintf(id, sizeof id, "object-%u", number);
	snprintf(reference, sizeof reference, "local:%s", id);
	load_load__close(h->proxies[index]);
	load_check(pyr_daemon_configure(h->daemon, id, NULL, &options, &err), &err);
	load_check(load_load__open(h->context, reference, NULL, &h->proxies[index], &err), &err);
}

static void call_batch(host *h)
{
	pyr_error err;
	Load__Payload *reply;
	for (unsigned i = 0; i < BATCH; i++) {
		load_check(load_load_echo(h->proxies[i % CALLED], &h->payload, &reply, &err), &err);
		if (reply->data.len != h->payload.data.len)
			meter_die("a reply is not what was sent");
		load__payload__free_unpacked(reply, NULL);
	}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* In nanoseconds, the median of batches: for so long, or as long as the meter says. */
static double time_of_a_call(host *h, double seconds, bool counts)
{
	enum { TIMES_MAX = 100000 };
	static double times[TIMES_MAX];
	unsigned count = 0;
	uint64_t until = meter_now_ns() + (uint64_t)(seconds * 1e9);
	for (bool go = true; go && count < TIMES_MAX;) {
		uint64_t began_ns = meter_now_ns();
		call_batch(h);
		times[count++] = (double)(meter_now_ns() - began_ns) / BATCH;
		if (counts)
			go = meter_note_many(h->meter, 0, BATCH);
		else
			go = meter_now_ns() < until;
	}
	qsort(times, count, sizeof times[0], compare);
	return times[count / 2];
}

static void begin(host *h)
{
	pyr_error err;
	pyr_daemon_options options = PYR_DAEMON_OPTIONS_INIT;
	h->context = load_context(NULL);
	options.context = h->context;
	load_check(pyr_daemon_new(&options, &h->daemon, &err), &err);
	for (unsigned i = 0; i < CALLED; i++) {
		serve(h, i);
		open_proxy(h, i, i);
	}
	load_check(pyr_daemon_start(h->daemon, &err), &err);
	h->payload = load_payload(h->meter, 16);
}

static void add_objects(host *h, unsigned count)
{
	double before = meter_memory(getpid());
	for (unsigned i = CALLED; i < count; i++)
		serve(h, i);
	meter_extra(h->meter, "bytes_each", (meter_memory(getpid()) - before) / (count - CALLED));
	for (unsigned i = 0; i < CALLED; i++)
		open_proxy(h, i, (unsigned)((uint64_t)count * i / CALLED));
}

int main(int argc, char **argv)
{
	static host h;
	meter_options o = meter_parse(argc, argv, "bench_local --count N");
	h.meter = meter_new(&o, 1);
	begin(&h);
	if (o.count > CALLED) {
		meter_extra(h.meter, "ns_each_of_few", time_of_a_call(&h, o.warmup, false));
		add_objects(&h, o.count);
		meter_extra(h.meter, "objects", o.count);
	}
	meter_start(h.meter);
	meter_extra(h.meter, "ns_each", time_of_a_call(&h, 0, true));
	for (unsigned i = 0; i < CALLED; i++)
		load_load__close(h.proxies[i]);
	pyr_daemon_free(h.daemon);
	pyr_context_free(h.context);
	return meter_finish(h.meter);
}
