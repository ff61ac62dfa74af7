/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A daemon with workers that is offered three times as many calls as it can do.
 *
 *   usage: bench_overload --connect ENDPOINT
 *
 * First its capacity is found out, by always having a few calls more under way than it has workers.
 * Then calls are made at three times that rate, whether or not earlier ones have been answered.
 * "calls" are those that were done, p50_us and p99_us their durations; "refused_per_second" were
 * answered RESOURCE_EXHAUSTED. What was done of the capacity is the goodput.
 */
#include <event2/event.h>
#include "load.h"

#define WORK_US     1000
#define OUTSTANDING 32    /* to find out the capacity: enough for all workers, and few to wait */
#define OVER        3     /* offered, of the capacity */
#define TICK_US     1000  /* how often calls are made */
#define UNDER_WAY   65536 /* more than that means that refusing does not work */

typedef struct overload {
	meter *meter;
	struct event_base *base;
	load_load *proxy;
	uint64_t done, refused, asked;
	unsigned under_way;
	uint64_t began_ns, until_ns;
	double offered; /* per second; 0: not yet */
	struct event *ticks;
} overload;

typedef struct slot {
	overload *owner;
	uint64_t began_ns;
	struct slot *next;
} slot;

static slot slots[UNDER_WAY], *unused;

static void ask(overload *o);

static void end_slot(slot *s)
{
	s->next = unused;
	unused = s;
	s->owner->under_way--;
}

/* While the capacity is found out, each answer makes room for the next call. */
static void go_on(overload *o)
{
	if (o->offered == 0 && meter_now_ns() < o->until_ns)
		ask(o);
	else if (o->under_way == 0 && (o->offered == 0 || meter_over(o->meter)))
		event_base_loopbreak(o->base);
}

static void on_reply(void *ctx, pyr_status status, const Load__Pause *reply, const pyr_error *err)
{
	slot *s = ctx;
	overload *o = s->owner;
	(void)reply;
	end_slot(s);
	if (status == PYR_RESOURCE_EXHAUSTED && o->offered > 0)
		o->refused++;
	else if (status)
		meter_error(o->meter, 0, err->message);
	else if (++o->done && o->offered > 0)
		meter_note_done(o->meter, 0, s->began_ns);
	go_on(o);
}

static void ask(overload *o)
{
	pyr_error err;
	Load__Pause request = LOAD__PAUSE__INIT;
	slot *s = unused;
	if (!s)
		meter_die("%d calls are under way, and none is refused", UNDER_WAY);
	unused = s->next;
	s->owner = o;
	s->began_ns = meter_now_ns();
	request.us = WORK_US;
	load_check(load_load_wait__invoke(o->proxy, &request, on_reply, s, NULL, &err), &err);
	o->under_way++;
}

static double find_capacity(overload *o, double seconds)
{
	o->began_ns = meter_now_ns();
	o->until_ns = o->began_ns + (uint64_t)(seconds * 1e9);
	for (unsigned i = 0; i < OUTSTANDING; i++)
		ask(o);
	event_base_loop(o->base, EVLOOP_NO_EXIT_ON_EMPTY);
	return (double)o->done / ((double)(meter_now_ns() - o->began_ns) / 1e9);
}

/* As many as should have been made by now. */
static void on_tick(evutil_socket_t fd, short what, void *ctx)
{
	overload *o = ctx;
	(void)fd;
	(void)what;
	double due = (double)(meter_now_ns() - o->began_ns) / 1e9 * o->offered;
	while ((double)o->asked < due && !meter_over(o->meter)) {
		ask(o);
		o->asked++;
	}
	if (meter_over(o->meter))
		event_del(o->ticks);
}

static void offer_too_much(overload *o, double capacity)
{
	struct timeval interval = {0, TICK_US};
	o->offered = OVER * capacity;
	o->ticks = event_new(o->base, -1, EV_PERSIST, on_tick, o);
	if (!o->ticks || event_add(o->ticks, &interval))
		meter_die("there is no timer");
	meter_start(o->meter);
	o->began_ns = meter_now_ns();
	event_base_loop(o->base, EVLOOP_NO_EXIT_ON_EMPTY);
	event_free(o->ticks);
}

int main(int argc, char **argv)
{
	meter_options options = meter_parse(argc, argv, "bench_overload --connect ENDPOINT");
	overload o = {.meter = meter_new(&options, 1), .base = event_base_new()};
	pyr_proxy_options proxy_options = PYR_PROXY_OPTIONS_INIT;
	pyr_error err;
	if (!o.base)
		meter_die("there is no memory for a loop");
	for (unsigned i = 0; i < UNDER_WAY; i++) {
		slots[i].next = unused;
		unused = &slots[i];
	}
	pyr_context *context = load_context(o.base);
	load_load *proxy = load_open(context, options.endpoint);
	proxy_options.retries_max = UINT32_MAX; /* a refusal is an answer here */
	load_check(load_load__derive(proxy, &proxy_options, &o.proxy, &err), &err);
	double capacity = find_capacity(&o, options.seconds);
	offer_too_much(&o, capacity);
	double seconds = (double)(meter_now_ns() - o.began_ns) / 1e9;
	meter_extra(o.meter, "capacity_per_second", capacity);
	meter_extra(o.meter, "offered_per_second", (double)o.asked / seconds);
	meter_extra(o.meter, "refused_per_second", (double)o.refused / seconds);
	load_load__close(o.proxy);
	load_load__close(proxy);
	pyr_context_free(context);
	event_base_free(o.base);
	return meter_finish(o.meter);
}
