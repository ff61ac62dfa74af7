/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes so many calls, for callgrind to count the instructions of: see instructions.py. Both ends
 * are on one thread and one loop, so that nothing depends on what the scheduler does.
 *
 *   usage: bench_instructions unary|together|stream|local COUNT
 */
#include <event2/event.h>
#include <pyrite/pyrite.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "counted.pyr.h"

#define ITEM_BYTES 16
#define TOGETHER   64 /* calls under way at once */

typedef struct bench {
	struct event_base *base;
	pyr_context *context;
	pyr_daemon *daemon;
	counted_counted *proxy;
	Counted__Blob item;
	uint8_t bytes[ITEM_BYTES];
	uint32_t calls; /* or items */
	uint32_t begun, left;
	/* the stream's servant */
	pyr_call *call;
	uint32_t to_send;
} bench;

static void check(pyr_status status, const pyr_error *err)
{
	if (status == PYR_OK)
		return;
	fprintf(stderr, "%s: %s\n", pyr_status_name(status), err->message);
	exit(1);
}

/* The servant */

static void echo(void *self, pyr_call *call, const Counted__Blob *request)
{
	(void)self;
	counted_counted_echo__reply(call, request);
}

/* As much as the window takes; the rest when there is room. */
static void send_some(void *ctx)
{
	bench *b = ctx;
	pyr_error err;
	pyr_status status = PYR_OK;
	while (b->to_send > 0 && status == PYR_OK) {
		status = counted_counted_stream__send_reply(b->call, &b->item, &err);
		b->to_send -= status == PYR_OK;
	}
	if (status && !err.would_block)
		check(status, &err);
	if (status) {
		check(pyr_call_on_writable(b->call, send_some, b, &err), &err);
		return;
	}
	pyr_call_end(b->call);
	pyr_call_unref(b->call);
}

static void stream(void *self, pyr_call *call, const Counted__Count *request)
{
	bench *b = self;
	b->call = pyr_call_ref(call);
	b->to_send = request->count;
	send_some(b);
}

static const counted_counted_ops ops = {.echo = echo, .stream = stream};

/* The calls */

static void on_reply(
	void *ctx, pyr_status status, const Counted__Blob *reply, const pyr_error *err);

static void call_next(bench *b)
{
	pyr_error err;
	b->begun++;
	check(counted_counted_echo__invoke(b->proxy, &b->item, on_reply, b, NULL, &err), &err);
}

static void on_reply(void *ctx, pyr_status status, const Counted__Blob *reply, const pyr_error *err)
{
	bench *b = ctx;
	check(status, err);
	if (reply->data.len != ITEM_BYTES)
		abort();
	if (--b->left == 0)
		event_base_loopbreak(b->base);
	else if (b->begun < b->calls)
		call_next(b);
}

static void call_so_many_at_once(bench *b, uint32_t count)
{
	while (b->begun < count)
		call_next(b);
	event_base_dispatch(b->base);
}

static void on_item(void *ctx, pyr_status status, const Counted__Blob *item, const pyr_error *err)
{
	bench *b = ctx;
	check(status, err);
	if (item)
		b->left--;
	else
		event_base_loopbreak(b->base);
}

static void read_stream(bench *b)
{
	pyr_error err;
	pyr_stream *stream;
	Counted__Count request = COUNTED__COUNT__INIT;
	request.count = b->left;
	check(counted_counted_stream(b->proxy, &request, &stream, &err), &err);
	check(counted_counted_stream__observe(stream, on_item, b, &err), &err);
	event_base_dispatch(b->base);
	pyr_stream_close(stream);
}

static void call_locally(bench *b)
{
	pyr_error err;
	Counted__Blob *reply;
	for (; b->left > 0; b->left--) {
		check(counted_counted_echo(b->proxy, &b->item, &reply, &err), &err);
		counted__blob__free_unpacked(reply, NULL);
	}
}

/* Around them */

/* local: the object runs on the thread that calls it; else the calls take the socket. */
static void begin(bench *b, bool local)
{
	pyr_error err;
	char endpoint[64], reference[PYR_REFERENCE_MAX] = "local:counted";
	pyr_context_options context_options = PYR_CONTEXT_OPTIONS_INIT;
	pyr_daemon_options daemon_options = PYR_DAEMON_OPTIONS_INIT;
	pyr_object_options object_options = PYR_OBJECT_OPTIONS_INIT;
	pyr_context *host;
	b->base = event_base_new();
	context_options.base = daemon_options.base = b->base;
	context_options.shared_memory = PYR_SHARED_MEMORY_OFF; /* who looks counts the time */
	check(pyr_context_new(&context_options, &b->context, &err), &err);
	check(pyr_context_new(&context_options, &host, &err), &err);
	daemon_options.context = local ? b->context : host;
	check(pyr_daemon_new(&daemon_options, &b->daemon, &err), &err);
	pyr_context_free(host); /* the daemon keeps it, if it uses it */
	check(counted_counted__serve(b->daemon, "counted", &ops, b, &err), &err);
	object_options.any_thread = true;
	check(pyr_daemon_configure(b->daemon, "counted", NULL, &object_options, &err), &err);
	if (!local) {
		snprintf(
			endpoint, sizeof endpoint, "unix:@pyrite-instructions-%ld", (long)getpid());
		check(pyr_daemon_listen(b->daemon, endpoint, NULL, &err), &err);
		check(pyr_daemon_reference(
			      b->daemon, "counted", 0, reference, sizeof reference, &err),
			&err);
	}
	check(counted_counted__open(b->context, reference, NULL, &b->proxy, &err), &err);
}

static void end(bench *b)
{
	counted_counted__close(b->proxy);
	pyr_daemon_free(b->daemon);
	pyr_context_free(b->context);
	event_base_free(b->base);
}

int main(int argc, char **argv)
{
	static bench b;
	if (argc != 3)
		return 2;
	counted__blob__init(&b.item);
	memset(b.bytes, 'x', sizeof b.bytes);
	b.item.data = (ProtobufCBinaryData){sizeof b.bytes, b.bytes};
	b.calls = b.left = (uint32_t)atoi(argv[2]);
	begin(&b, strcmp(argv[1], "local") == 0);
	if (strcmp(argv[1], "unary") == 0)
		call_so_many_at_once(&b, 1);
	else if (strcmp(argv[1], "together") == 0)
		call_so_many_at_once(&b, TOGETHER);
	else if (strcmp(argv[1], "stream") == 0)
		read_stream(&b);
	else if (strcmp(argv[1], "local") == 0)
		call_locally(&b);
	if (b.left > 0)
		abort();
	end(&b);
	return 0;
}
