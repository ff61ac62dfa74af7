/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of a stream.
 *
 *   usage: bench_flow --connect ENDPOINT --stream                  from the server, pulled
 *          bench_flow --connect ENDPOINT --both --outstanding N    there and back, N under way
 */
#include <event2/event.h>
#include <stdlib.h>
#include "load.h"

typedef struct flow {
	meter *meter;
	const meter_options *options;
	struct event_base *base;
	load_load *proxy;
	pyr_stream *stream;
	Load__Payload payload;
	uint64_t sent, received;
	uint64_t *began_ns; /* of the messages under way */
} flow;

static void pull(flow *f)
{
	pyr_error err;
	const Load__Payload *item;
	load_check(load_load_down(f->proxy, &f->payload, &f->stream, &err), &err);
	for (bool go = true; go;) {
		if (load_load_down__next(f->stream, &item, &err) || !item) {
			meter_error(f->meter, 0, item ? "the stream has ended" : err.message);
			return;
		}
		go = item->data.len == f->options->size && meter_note_done(f->meter, 0, 0);
	}
}

static void send_one(flow *f)
{
	pyr_error err;
	f->began_ns[f->sent++ % f->options->outstanding] = meter_now_ns();
	load_check(load_load_both__send(f->stream, &f->payload, &err), &err);
}

static void on_item(void *ctx, pyr_status status, const Load__Payload *item, const pyr_error *err)
{
	flow *f = ctx;
	if (meter_over(f->meter))
		return;
	if (!item)
		meter_error(f->meter, 0, status ? err->message : "the stream has ended");
	else if (meter_note(f->meter, 0, f->began_ns[f->received++ % f->options->outstanding],
			 item->data.data, item->data.len, f->payload.data.len))
		send_one(f);
	if (meter_over(f->meter))
		event_base_loopbreak(f->base);
}

static void push(flow *f)
{
	pyr_error err;
	load_check(load_load_both(f->proxy, &f->stream, &err), &err);
	load_check(load_load_both__observe(f->stream, on_item, f, &err), &err);
	for (unsigned i = 0; i < f->options->outstanding; i++)
		send_one(f);
	event_base_loop(f->base, EVLOOP_NO_EXIT_ON_EMPTY);
}

int main(int argc, char **argv)
{
	meter_options o = meter_parse(
		argc, argv, "bench_flow --connect ENDPOINT --stream|--both --outstanding N");
	flow f = {.meter = meter_new(&o, 1), .options = &o, .base = event_base_new()};
	f.began_ns = calloc(o.outstanding, sizeof *f.began_ns);
	if (!f.base || !f.began_ns)
		meter_die("there is no memory for %u messages", o.outstanding);
	f.payload = load_payload(f.meter, o.size);
	pyr_context *context = load_context(o.both ? f.base : NULL);
	f.proxy = load_open(context, o.endpoint);
	meter_start(f.meter);
	if (o.both)
		push(&f);
	else
		pull(&f);
	pyr_stream_close(f.stream);
	load_load__close(f.proxy);
	pyr_context_free(context);
	event_base_free(f.base);
	free(f.began_ns);
	return meter_finish(f.meter);
}
