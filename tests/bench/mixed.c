/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of many sizes at once, from 16 B to 64 KiB, on one connection and in one thread.
 *
 *   usage: bench_mixed --connect ENDPOINT --mixed --outstanding N
 */
#include <event2/event.h>
#include <stdlib.h>
#include "load.h"

typedef struct mixed {
	meter *meter;
	struct event_base *base;
	load_load *proxy;
	uint64_t asked;
	unsigned under_way;
} mixed;

typedef struct slot {
	mixed *owner;
	uint64_t began_ns;
	size_t size;
} slot;

static void ask(slot *s);

static void on_reply(void *ctx, pyr_status status, const Load__Payload *reply, const pyr_error *err)
{
	slot *s = ctx;
	mixed *x = s->owner;
	x->under_way--;
	if (status)
		meter_error(x->meter, 0, err->message);
	else if (meter_note(x->meter, 0, s->began_ns, reply->data.data, reply->data.len, s->size))
		ask(s);
	if (x->under_way == 0)
		event_base_loopbreak(x->base);
}

static void ask(slot *s)
{
	mixed *x = s->owner;
	pyr_error err;
	s->size = meter_size(x->meter, x->asked++);
	Load__Payload payload = load_payload(x->meter, s->size);
	s->began_ns = meter_now_ns();
	load_check(load_load_echo__invoke(x->proxy, &payload, on_reply, s, NULL, &err), &err);
	x->under_way++;
}

int main(int argc, char **argv)
{
	meter_options o =
		meter_parse(argc, argv, "bench_mixed --connect ENDPOINT --mixed --outstanding N");
	mixed x = {.meter = meter_new(&o, 1), .base = event_base_new()};
	slot *slots = calloc(o.outstanding, sizeof *slots);
	if (!x.base || !slots)
		meter_die("there is no memory for %u calls", o.outstanding);
	pyr_context *context = load_context(x.base);
	x.proxy = load_open(context, o.endpoint);
	meter_start(x.meter);
	for (unsigned i = 0; i < o.outstanding; i++) {
		slots[i].owner = &x;
		ask(&slots[i]);
	}
	event_base_loop(x.base, EVLOOP_NO_EXIT_ON_EMPTY);
	load_load__close(x.proxy);
	pyr_context_free(context);
	event_base_free(x.base);
	free(slots);
	return meter_finish(x.meter);
}
