/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes from a peer. The first byte says which side the session is and what its owner does with
 * what it is told; the second how the rest is cut:
 *
 *     | u8 choices | u8 cut | what the peer sends, without the preface and HELLO if choices say so
 *
 * Whatever comes, each of our calls ends once, the peer's calls are cancelled or answered once,
 * and little is held.
 */
#include <string.h>
#include "fuzz/fuzz.h"
#include "native/deflate.h"
#include "native/frame.h"
#include "native/session.h"

#define SERVER  0x01u /* the session is the side that accepts */
#define GREETED 0x02u /* the handshake is done for it */
#define LONG    0x04u /* it has made a long call, of which not all has been taken */
#define ANSWERS 0x08u /* its owner answers calls at once */
#define SENDS   0x10u /* and sends messages */
#define KEEPS   0x20u /* and does not use messages up */
#define TAKES   0x40u /* the peer reads */
#define SMALL   0x80u /* with small limits */

#define CALLS 3

typedef struct owner {
	pyr__session *session;
	unsigned choices;
	unsigned finals[CALLS], expected[CALLS];
	int64_t window;
	bool closed;
} owner;

static const uint8_t zeros[200000];

static void give(owner *o, const uint8_t *data, size_t size, size_t cut);

/* Copies every byte, so that a sanitizer sees each of them read. */
static void look(const void *data, size_t size)
{
	static uint8_t copy[4096];
	for (const uint8_t *at = data; size > 0;) {
		size_t part = size < sizeof copy ? size : sizeof copy;
		memcpy(copy, at, part);
		at += part;
		size -= part;
	}
}

static void greet(owner *o)
{
	uint8_t hello[64], *at = hello + PYR__FRAME_HEADER;
	at = pyr__put_u32(at, PYR__HELLO_VERSIONS | PYR__CRITICAL, 1u | 1u << 16);
	at = pyr__put_u64(at, PYR__HELLO_FEATURES, PYR__FEATURE_DEFLATED | PYR__FEATURE_SHARED);
	pyr__frame_store(hello, (uint32_t)(at - hello - PYR__FRAME_HEADER), PYR__FRAME_HELLO, 0, 0);
	if (o->choices & SERVER)
		give(o, (const uint8_t *)PYR__PREFACE, PYR__PREFACE_SIZE, 64);
	give(o, hello, (size_t)(at - hello), 64);
}

static void make_calls(owner *o)
{
	for (unsigned i = 0; i < CALLS; i++) {
		pyr__head head = {.method = {"a/b", 3}, .method_key = zeros, .timeout_us = i};
		pyr__body body = {.raw = zeros, .size = i == 2 && o->choices & LONG ? 150000 : 9};
		uint32_t stream;
		o->expected[i] = pyr__session_call(o->session, &head, &body, i == 0, &o->finals[i],
					 &stream, NULL) == PYR_OK;
	}
}

static void take_output(owner *o)
{
	struct iovec vectors[4];
	int count;
	while ((count = pyr__session_output(o->session, vectors, 4)) > 0) {
		size_t size = 0;
		for (int i = 0; i < count; i++) {
			MUST(vectors[i].iov_len > 0);
			look(vectors[i].iov_base, vectors[i].iov_len);
			size += vectors[i].iov_len;
		}
		pyr__session_sent(o->session, size);
	}
}

static void on_call(owner *o, const pyr__event *event)
{
	pyr__final final = {.status = event->payload.size % 17};
	pyr__body body = {.raw = zeros, .size = event->head.method.size * 40};
	pyr__deflated deflated = {.memory = NULL};
	pyr_status status = PYR_OK;
	if (pyr__session_may_deflate(o->session, body.size) && pyr__deflate(&body, &deflated))
		body = deflated.body;
	if (o->choices & SENDS && !event->head.oneway)
		status = pyr__session_send(o->session, event->stream, &body, false, NULL);
	if (o->choices & ANSWERS && !event->head.oneway)
		status = pyr__session_finish(o->session, event->stream, &final, &body, NULL);
	(void)status;
	free(deflated.memory);
}

/* Each end says what comes next in going over to shared memory; the bytes stay where they are. */
static void share(owner *o, const pyr__event *event)
{
	if (event->type == PYR__EVENT_READY && pyr__session_may_offer(o->session))
		pyr__session_share(o->session, PYR__SHARE_OFFERED, 4096);
	if (event->type != PYR__EVENT_SHARE)
		return;
	bool refuses = event->share == PYR__SHARE_OFFERED && event->share_bytes % 2;
	MUST(event->share <= PYR__SHARE_SWITCHED);
	if (refuses)
		pyr__session_share(o->session, PYR__SHARE_REFUSED, 0);
	else if (event->share == PYR__SHARE_OFFERED ||
		 (event->share == PYR__SHARE_SWITCHED && !(o->choices & SERVER)))
		pyr__session_share(o->session, PYR__SHARE_SWITCHED, 0);
}

static void on_event(owner *o, const pyr__event *event)
{
	MUST(!o->closed);
	if (event->has_message) {
		look(event->payload.data, event->payload.size);
		bool is_free = event->type == PYR__EVENT_FINAL;
		MUST(is_free || event->cost >= PYR__COST_MIN);
		MUST(event->payload.size <= (is_free ? PYR__FRAME_MAX : event->cost));
		o->window -= event->cost;
		MUST(o->window > -(4 << 20) - 1);
	}
	share(o, event);
	if (event->type == PYR__EVENT_CALL)
		on_call(o, event);
	if (event->type == PYR__EVENT_FINAL)
		++*(unsigned *)event->user;
	if (event->type == PYR__EVENT_CLOSED)
		o->closed = true;
	if (event->cost && !(o->choices & KEEPS)) {
		o->window += event->cost;
		pyr__session_consumed(o->session, event->stream, event->cost);
	}
}

static void give(owner *o, const uint8_t *data, size_t size, size_t cut)
{
	while (size > 0 && !o->closed) {
		void *room;
		void *behind;
		size_t most, more;
		pyr__session_input(o->session, &room, &most);
		pyr__session_input_behind(o->session, &behind, &more);
		size_t part = size < most + more ? size : most + more;
		part = part < cut ? part : cut;
		memcpy(room, data, part < most ? part : most);
		if (part > most)
			memcpy(behind, data + most, part - most);
		pyr__session_received(o->session, part);
		data += part;
		size -= part;
		pyr__event event;
		while (pyr__session_next(o->session, &event))
			on_event(o, &event);
		if (o->choices & TAKES)
			take_output(o);
	}
}

/* A trace reads fields before anybody has judged them. */
static void see_line(void *ctx, const char *line)
{
	(void)ctx;
	MUST((line[0] == '<' || line[0] == '>') && strlen(line) <= 1000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	owner o = {.choices = data[0]};
	pyr__session_config config;
	pyr__session_config_init(&config, (o.choices & SERVER) != 0);
	if (o.choices & SMALL) {
		config.message_max = 100;
		config.metadata_max = 20;
		config.streams_max = 2;
		config.queue_max = 1000;
		config.connection_window = config.stream_window = 0;
	}
	o.window = config.connection_window ? config.connection_window : 256 << 10;
	config.trace = see_line;
	config.shares = true;
	o.session = pyr__session_new(&config);
	MUST(o.session);
	if (o.choices & GREETED)
		greet(&o);
	make_calls(&o);
	if (o.choices & TAKES && !(o.choices & LONG))
		take_output(&o);
	give(&o, data + 2, size - 2, data[1] ? data[1] : SIZE_MAX);
	pyr__session_disconnect(o.session, PYR_UNAVAILABLE, "the end");
	pyr__event event;
	while (pyr__session_next(o.session, &event))
		on_event(&o, &event);
	MUST(o.closed && !pyr__session_busy(o.session));
	for (unsigned i = 0; i < CALLS; i++)
		MUST(o.finals[i] == o.expected[i]);
	take_output(&o);
	MUST(pyr__session_queued(o.session) == 0);
	pyr__session_free(o.session);
	return 0;
}
