/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bus: what is published under a topic goes to all who have subscribed to it. Who does not read
 * has its stream's window fill up, then its queue, then it loses its oldest messages and is told
 * so; neither the publisher nor anybody else notices. All on the daemon's loop, without a lock.
 */
#include <stdio.h>
#include <string.h>
#include "messagebus.pyr.h"
#include "queue.h"

typedef struct subscriber {
	struct subscriber *next;
	pyr_call *call;
	char *prefix;
	queue queue;
	bool waits; /* for room in the stream: on_writable comes */
	bool gone;
} subscriber;

typedef struct bus {
	subscriber *subscribers;
} bus;

/* Subscribers that are gone leave the list here and nowhere else, so that walking it is safe. */
static void sweep(bus *b)
{
	subscriber **at = &b->subscribers;
	while (*at) {
		subscriber *s = *at;
		if (!s->gone || s->waits) { /* on_writable still comes, and needs it */
			at = &s->next;
			continue;
		}
		*at = s->next;
		queue_clear(&s->queue);
		pyr_call_unref(s->call);
		free(s->prefix);
		free(s);
	}
}

static void on_cancel(void *ctx)
{
	subscriber *s = ctx;
	s->gone = true;
}

static void on_writable(void *ctx);

/* Sends one delivery; false if it has to wait, or for ever. */
static bool deliver(subscriber *s, Demo__Message *message)
{
	Demo__Delivery delivery = DEMO__DELIVERY__INIT;
	pyr_error err;
	delivery.message = message;
	delivery.dropped = s->queue.dropped;
	if (demo_bus_subscribe__send_reply(s->call, &delivery, &err) == PYR_OK) {
		s->queue.dropped = 0;
		return true;
	}
	if (err.would_block && pyr_call_on_writable(s->call, on_writable, s, &err) == PYR_OK)
		s->waits = true;
	else
		s->gone = true;
	return false;
}

static void deliver_queue(subscriber *s)
{
	letter *l;
	while (!s->gone && !s->waits && (l = queue_first(&s->queue)) && deliver(s, l->message))
		queue_remove_first(&s->queue);
}

/* There is room again, or the subscriber is gone. */
static void on_writable(void *ctx)
{
	subscriber *s = ctx;
	s->waits = false;
	deliver_queue(s);
}

static bool wants(const subscriber *s, const char *topic)
{
	return !s->gone && strncmp(topic, s->prefix, strlen(s->prefix)) == 0;
}

/* The request ends with its call, but may have to wait longer in queues. */
static letter *letter_of(const Demo__Message *message)
{
	size_t size = demo__message__get_packed_size(message);
	uint8_t *packed = malloc(size ? size : 1);
	letter *made = calloc(1, sizeof *made);
	if (packed && made) {
		demo__message__pack(message, packed);
		made->message = demo__message__unpack(NULL, size, packed);
	}
	free(packed);
	if (made && !made->message) {
		free(made);
		return NULL;
	}
	return made;
}

static void publish(void *self, pyr_call *call, const Demo__Message *message)
{
	bus *b = self;
	Demo__PublishReply reply = DEMO__PUBLISH_REPLY__INIT;
	letter *l = letter_of(message);
	if (!l) {
		pyr_call_fail(call, PYR_RESOURCE_EXHAUSTED, "out of memory");
		return;
	}
	l->references = 1; /* ours */
	for (subscriber *s = b->subscribers; s; s = s->next) {
		if (!wants(s, message->topic))
			continue;
		reply.subscribers++;
		queue_add(&s->queue, l);
		deliver_queue(s);
	}
	letter_unref(l);
	sweep(b);
	demo_bus_publish__reply(call, &reply);
}

static void subscribe(void *self, pyr_call *call, const Demo__Subscription *subscription)
{
	bus *b = self;
	subscriber *s = calloc(1, sizeof *s);
	char *prefix = strdup(subscription->topic_prefix);
	if (!s || !prefix) {
		free(s);
		free(prefix);
		pyr_call_fail(call, PYR_RESOURCE_EXHAUSTED, "out of memory");
		return;
	}
	sweep(b);
	s->prefix = prefix;
	s->call = pyr_call_ref(call); /* the stream goes on when this function has returned */
	s->next = b->subscribers;
	b->subscribers = s;
	pyr_call_on_cancel(call, on_cancel, s);
	deliver(s, NULL);
}

int main(void)
{
	static const demo_bus_ops ops = {.publish = publish, .subscribe = subscribe};
	static bus b;
	pyr_daemon *daemon = NULL;
	pyr_error err;
	bool failed = pyr_daemon_new(NULL, &daemon, &err) ||
		      pyr_daemon_stop_on_signals(daemon, 1000, &err) ||
		      pyr_daemon_listen(daemon, "127.0.0.1:0", NULL, &err) ||
		      demo_bus__serve(daemon, "bus", &ops, &b, &err) ||
		      pyr_daemon_publish(daemon, "bus", "example.bus", NULL, &err) ||
		      pyr_daemon_run(daemon, &err);
	if (failed)
		fprintf(stderr, "%s: %s\n", pyr_status_name(err.status), err.message);
	sweep(&b);
	pyr_daemon_free(daemon);
	return failed;
}
