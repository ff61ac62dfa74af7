/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that wait for their calls.
 *
 *   usage: bench_threads --connect ENDPOINT --threads N       on one proxy and its connection
 *          bench_threads --connect ENDPOINT --connections N   each on a connection of its own
 *          ... --work US   each call keeps a processor busy for so long, and carries nothing
 */
#include <pthread.h>
#include "load.h"

typedef struct caller {
	meter *meter;
	unsigned number;
	pyr_context *context; /* NULL: another's */
	load_load *proxy;
	size_t size;
	unsigned work_us;
	pthread_t thread;
} caller;

/* These two are false when no more is to be called. */
static bool echo(caller *c)
{
	pyr_error err;
	Load__Payload *reply, payload = load_payload(c->meter, c->size);
	uint64_t began_ns = meter_now_ns();
	if (load_load_echo(c->proxy, &payload, &reply, &err)) {
		meter_error(c->meter, c->number, err.message);
		return false;
	}
	bool go = meter_note(
		c->meter, c->number, began_ns, reply->data.data, reply->data.len, c->size);
	load__payload__free_unpacked(reply, NULL);
	return go;
}

static bool work(caller *c)
{
	pyr_error err;
	Load__Pause *reply, request = LOAD__PAUSE__INIT;
	request.us = c->work_us;
	uint64_t began_ns = meter_now_ns();
	if (load_load_work(c->proxy, &request, &reply, &err)) {
		meter_error(c->meter, c->number, err.message);
		return false;
	}
	load__pause__free_unpacked(reply, NULL);
	return meter_note_done(c->meter, c->number, began_ns);
}

static void *run(void *ctx)
{
	caller *c = ctx;
	while (c->work_us ? work(c) : echo(c))
		;
	return NULL;
}

static void open_caller(caller *c, const caller *first, const meter_options *o)
{
	if (o->connections || !first->proxy) {
		c->context = load_context(NULL);
		c->proxy = load_open(c->context, o->endpoint);
	} else {
		c->proxy = load_load__ref(first->proxy);
	}
}

int main(int argc, char **argv)
{
	static caller callers[METER_THREADS_MAX];
	meter_options o = meter_parse(
		argc, argv, "bench_threads --connect ENDPOINT --threads N|--connections N");
	unsigned count = o.connections ? o.connections : o.threads ? o.threads : 1;
	meter *m = meter_new(&o, count);
	for (unsigned i = 0; i < count; i++) {
		callers[i] =
			(caller){.meter = m, .number = i, .size = o.size, .work_us = o.work_us};
		open_caller(&callers[i], &callers[0], &o);
	}
	meter_start(m);
	for (unsigned i = 0; i < count; i++)
		if (pthread_create(&callers[i].thread, NULL, run, &callers[i]))
			meter_die("there is no thread number %u", i);
	for (unsigned i = 0; i < count; i++)
		pthread_join(callers[i].thread, NULL);
	for (unsigned i = count; i-- > 0;) {
		load_load__close(callers[i].proxy);
		pyr_context_free(callers[i].context);
	}
	return meter_finish(m);
}
