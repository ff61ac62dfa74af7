/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prices that change all the time, streamed to whoever has subscribed to their symbols. A timer on
 * the daemon's loop makes them, so that one thread serves any number of subscribers without a lock.
 */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "stockquotes.pyr.h"

#define SYMBOLS     4
#define INTERVAL_US 2000

typedef struct subscriber {
	struct subscriber *next;
	pyr_call *call;
	uint32_t symbols; /* bit i: it wants symbol i */
	bool gone;
} subscriber;

typedef struct exchange {
	subscriber *subscribers;
	uint32_t cents[SYMBOLS];
	unsigned turn; /* whose price changes next */
} exchange;

static const char *const names[SYMBOLS] = {"AMBER", "BASALT", "COBALT", "DIAMOND"};

static int find(const char *symbol)
{
	for (int i = 0; i < SYMBOLS; i++)
		if (strcmp(names[i], symbol) == 0)
			return i;
	return -1;
}

/* Subscribers that are gone leave the list here and nowhere else, so that walking it is safe. */
static void sweep(exchange *e)
{
	subscriber **at = &e->subscribers;
	while (*at) {
		subscriber *s = *at;
		if (!s->gone) {
			at = &s->next;
			continue;
		}
		*at = s->next;
		pyr_call_unref(s->call);
		free(s);
	}
}

static void tell(subscriber *s, const Demo__Quote *quote)
{
	pyr_error err;
	/* who does not keep up misses prices, which are old then: nobody waits, nothing piles up */
	if (demo_exchange_subscribe__send_reply(s->call, quote, &err) && !err.would_block)
		s->gone = true;
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	exchange *e = ctx;
	Demo__Quote quote = DEMO__QUOTE__INIT;
	unsigned i = e->turn++ % SYMBOLS;
	(void)fd;
	(void)what;
	e->cents[i] += (unsigned)rand() % 200 + 1;
	if (e->cents[i] > 20000)
		e->cents[i] -= 10000;
	quote.symbol = (char *)names[i];
	quote.cents = e->cents[i];
	for (subscriber *s = e->subscribers; s; s = s->next)
		if (!s->gone && (s->symbols & 1u << i))
			tell(s, &quote);
	sweep(e);
}

/* The subscriber has cancelled, or its connection is gone. On the loop, as all here. */
static void on_cancel(void *ctx)
{
	subscriber *s = ctx;
	s->gone = true;
}

static void subscribe(void *self, pyr_call *call, const Demo__Subscription *subscription)
{
	exchange *e = self;
	uint32_t symbols = 0;
	for (size_t i = 0; i < subscription->n_symbols; i++) {
		int found = find(subscription->symbols[i]);
		if (found < 0) {
			pyr_call_fail(call, PYR_NOT_FOUND, "%s is not traded here",
				subscription->symbols[i]);
			return;
		}
		symbols |= 1u << found;
	}
	subscriber *s = malloc(sizeof *s);
	if (!s) {
		pyr_call_fail(call, PYR_RESOURCE_EXHAUSTED, "out of memory");
		return;
	}
	*s = (subscriber){e->subscribers, pyr_call_ref(call), symbols, false};
	e->subscribers = s;
	pyr_call_on_cancel(call, on_cancel, s);
}

static void status(void *self, pyr_call *call, const Demo__StatusRequest *request)
{
	exchange *e = self;
	Demo__StatusReply reply = DEMO__STATUS_REPLY__INIT;
	(void)request;
	for (subscriber *s = e->subscribers; s; s = s->next)
		reply.subscriptions += !s->gone;
	demo_exchange_status__reply(call, &reply);
}

static pyr_status run(pyr_daemon *daemon, exchange *e, pyr_error *err)
{
	struct timeval interval = {0, INTERVAL_US};
	struct event *timer = event_new(pyr_daemon_base(daemon), -1, EV_PERSIST, on_timer, e);
	event_add(timer, &interval);
	pyr_status ran = pyr_daemon_run(daemon, err); /* ends all calls, which are gone then */
	event_free(timer);
	sweep(e);
	return ran;
}

int main(void)
{
	static const demo_exchange_ops ops = {.subscribe = subscribe, .status = status};
	static exchange e = {.cents = {10000, 11000, 12000, 13000}};
	pyr_daemon *daemon = NULL;
	pyr_error err;
	bool failed = pyr_daemon_new(NULL, &daemon, &err) ||
		      pyr_daemon_stop_on_signals(daemon, 1000, &err) ||
		      pyr_daemon_listen(daemon, "127.0.0.1:0", NULL, &err) ||
		      demo_exchange__serve(daemon, "exchange", &ops, &e, &err) ||
		      pyr_daemon_publish(daemon, "exchange", "example.exchange", NULL, &err) ||
		      run(daemon, &e, &err);
	if (failed)
		fprintf(stderr, "%s: %s\n", pyr_status_name(err.status), err.message);
	pyr_daemon_free(daemon);
	return failed;
}
