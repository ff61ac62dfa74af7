/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two sessions, joined by a network that cuts and delays, do at random what their owners may do. A
 * model of every call says what must come of it. Seeds are fixed; PYRITE_TEST_SEED runs one other.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "leaks.h"
#include "native/deflate.h"
#include "native/session_private.h"

#define CALLS_MAX   3000
#define HELD_MAX    4096
#define MESSAGE_MAX (400u << 10)
#define QUEUE_MAX   (3u << 20)

/* One call, as both its sides see it. */
typedef struct call {
	unsigned serial;
	bool by_server, oneway, streams;
	/* the caller's side */
	uint32_t stream;
	bool made, over, abandoned, ended;
	unsigned sent, got;
	/* the callee's side */
	uint32_t at_callee;
	bool taken, cancelled, answered, callee_ended, metadata_sent;
	unsigned callee_sent, callee_got;
} call;

typedef struct held {
	uint32_t stream, cost;
} held;

typedef struct side {
	pyr__session *session;
	uint8_t *wire; /* towards this side */
	size_t wire_at, wire_size, wire_room;
	held held[HELD_MAX];
	unsigned held_count;
	uint64_t held_cost;
	bool closed, ready;
	unsigned finals, calls_in;
} side;

typedef struct world {
	uint64_t seed;
	side sides[2]; /* the client, the server */
	call *calls;   /* CALLS_MAX */
	unsigned call_count, call_goal, deflated;
	size_t chunk_max;
	uint32_t size_max;
	bool draining;
	char log[16];
} world;

static uint32_t roll(world *w, uint32_t below)
{
	w->seed = w->seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(w->seed >> 33) % below;
}

#define CHECK(condition, ...)                                                                      \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			cr_log_error(__VA_ARGS__);                                                 \
			cr_assert(condition);                                                      \
		}                                                                                  \
	} while (0)

/* Messages: serial, sequence, and bytes that depend on both. */

static uint8_t *make_message(unsigned serial, unsigned sequence, size_t size)
{
	uint8_t *data = malloc(size + 1);
	memset(data, (int)(serial * 7 + sequence), size);
	if (size >= 8) {
		pyr__store32(data, serial);
		pyr__store32(data + 4, sequence);
	}
	return data;
}

static void check_message(const pyr__payload *payload, unsigned serial, unsigned sequence)
{
	const uint8_t *data = payload->data;
	size_t from = payload->size >= 8 ? 8 : 0;
	if (from) {
		cr_assert_eq(pyr__load32(data), serial, "a message of another call");
		cr_assert_eq(pyr__load32(data + 4), sequence, "a message out of order: %u for %u",
			pyr__load32(data + 4), sequence);
	}
	for (size_t i = from; i < payload->size; i += 1 + payload->size / 64)
		cr_assert_eq(data[i], (uint8_t)(serial * 7 + sequence), "a message is damaged");
}

static size_t random_size(world *w)
{
	uint32_t kind = roll(w, 100);
	if (kind < 70 || w->size_max < 1000)
		return roll(w, 200) % w->size_max;
	if (kind < 90)
		return roll(w, 20000) % w->size_max;
	return roll(w, w->size_max);
}

static void hold(side *s, const pyr__event *event)
{
	if (!event->has_message)
		return;
	CHECK(s->held_count < HELD_MAX, "too many messages are let through");
	s->held[s->held_count++] = (held){event->stream, event->cost};
	s->held_cost += event->cost;
	CHECK(s->held_cost <= s->session->config.connection_window + MESSAGE_MAX,
		"%lu bytes are held, more than the window admits", s->held_cost);
}

static void consume(world *w, side *s)
{
	if (s->held_count == 0)
		return;
	uint32_t at = roll(w, s->held_count);
	held item = s->held[at];
	s->held[at] = s->held[--s->held_count];
	s->held_cost -= item.cost;
	pyr__session_consumed(s->session, item.stream, item.cost);
}

/* Events */

static void on_call(world *w, side *s, bool server, const pyr__event *event)
{
	char object[16] = "";
	memcpy(object, event->head.object.data, event->head.object.size);
	unsigned serial = (unsigned)strtoul(object, NULL, 10);
	CHECK(serial < w->call_count, "a call that nobody made");
	call *c = &w->calls[serial];
	CHECK(c->by_server != server && c->made && !c->taken, "a call comes twice");
	CHECK(c->oneway == event->head.oneway, "oneway was lost");
	CHECK(event->head.metadata.size == serial % 3 * 10, "metadata was lost");
	c->taken = true;
	c->at_callee = event->stream;
	c->callee_ended = event->ended;
	s->calls_in++;
	if (event->has_message)
		check_message(&event->payload, serial, c->callee_got++);
	hold(s, event);
	if (!c->oneway)
		pyr__session_set_user(s->session, event->stream, c);
}

static void on_final(side *s, const pyr__event *event)
{
	call *c = event->user;
	CHECK(c && c->stream == event->stream, "a FINAL for no call");
	CHECK(!c->over, "two FINALs");
	CHECK(!c->abandoned, "a FINAL for a call that was given up");
	c->over = true;
	s->finals++;
	if (event->final.status == PYR_OK)
		CHECK(c->answered, "a call ends well that nobody answered");
	if (event->final.executed == PYR_EXECUTED_NO)
		CHECK(!c->taken, "a call that was taken is said not to be executed");
	if (event->has_message)
		check_message(&event->payload, c->serial, c->got++);
	if (event->final.status == PYR_OK)
		CHECK(c->got == c->callee_sent, "%u of %u messages came", c->got, c->callee_sent);
	hold(s, event);
}

static void on_message(side *s, bool server, const pyr__event *event)
{
	call *c = event->user;
	CHECK(c, "a message for no call");
	bool to_caller = c->by_server == server;
	CHECK(to_caller ? !c->over && !c->abandoned : !c->callee_ended, "a message too late");
	if (event->has_message)
		check_message(&event->payload, c->serial, to_caller ? c->got++ : c->callee_got++);
	if (!to_caller)
		c->callee_ended = event->ended || event->type == PYR__EVENT_END;
	hold(s, event);
}

static void on_event(world *w, bool server, const pyr__event *event)
{
	side *s = &w->sides[server];
	call *c = event->user;
	switch (event->type) {
	case PYR__EVENT_READY:
		s->ready = true;
		break;
	case PYR__EVENT_CALL:
		on_call(w, s, server, event);
		break;
	case PYR__EVENT_FINAL:
		on_final(s, event);
		break;
	case PYR__EVENT_MESSAGE:
	case PYR__EVENT_END:
		on_message(s, server, event);
		break;
	case PYR__EVENT_CANCEL:
		CHECK(c && !c->answered && !c->cancelled, "a CANCEL that is not due");
		c->cancelled = true;
		break;
	case PYR__EVENT_METADATA:
		CHECK(c && c->metadata_sent && c->got == 0, "METADATA that is not due");
		break;
	case PYR__EVENT_CLOSED:
		CHECK(!s->closed, "CLOSED twice");
		s->closed = true;
		break;
	default:
		break;
	}
}

static void take_events(world *w, bool server, unsigned most)
{
	pyr__event event;
	side *s = &w->sides[server];
	while (most-- > 0 && s->held_count < HELD_MAX - 1 && pyr__session_next(s->session, &event))
		on_event(w, server, &event);
}

/* The network */

static void push_wire(side *to, const void *data, size_t size)
{
	if (to->wire_at == to->wire_size)
		to->wire_at = to->wire_size = 0;
	while (to->wire_room - to->wire_size < size) {
		to->wire_room = to->wire_room ? to->wire_room * 2 : 1u << 16;
		to->wire = realloc(to->wire, to->wire_room);
	}
	memcpy(to->wire + to->wire_size, data, size);
	to->wire_size += size;
}

/* The session's socket takes a part of what there is. */
static void send_some(world *w, bool server)
{
	struct iovec vectors[6];
	side *s = &w->sides[server], *to = &w->sides[!server];
	if (to->wire_size - to->wire_at > 1u << 20)
		return; /* the receiver's buffer is full */
	int count = pyr__session_output(s->session, vectors, 1 + (int)roll(w, 6));
	size_t left = 1 + roll(w, (uint32_t)w->chunk_max), taken = 0;
	for (int i = 0; i < count && left > 0; i++) {
		size_t part = vectors[i].iov_len < left ? vectors[i].iov_len : left;
		CHECK(part > 0, "an empty vector");
		push_wire(to, vectors[i].iov_base, part);
		taken += part;
		left -= part;
	}
	pyr__session_sent(s->session, taken);
	CHECK(pyr__session_queued(s->session) <= QUEUE_MAX + PYR__QUEUE_SLACK, "the queue grows");
}

static void receive_some(world *w, bool server)
{
	side *s = &w->sides[server];
	void *room;
	void *behind;
	size_t most, more, left = s->wire_size - s->wire_at;
	pyr__session_input(s->session, &room, &most);
	pyr__session_input_behind(s->session, &behind, &more);
	size_t size = 1 + roll(w, (uint32_t)w->chunk_max);
	size = size < left ? size : left;
	size = size < most + more ? size : most + more;
	size_t part = size < most ? size : most;
	if (part)
		memcpy(room, s->wire + s->wire_at, part);
	if (size > part)
		memcpy(behind, s->wire + s->wire_at + part, size - part);
	s->wire_at += size;
	pyr__session_received(s->session, size);
}

/* What owners do */

/* A message of a random size; sometimes deflated, if the peer takes that. The raw bytes are freed.
 */
static pyr__body make_body(world *w, const side *s, unsigned serial, unsigned sequence)
{
	pyr__deflated deflated;
	size_t size = random_size(w);
	uint8_t *data = make_message(serial, sequence, size);
	pyr__body body = {.raw = data, .size = size};
	if (roll(w, 2) && pyr__session_may_deflate(s->session, size) &&
		pyr__deflate(&body, &deflated)) {
		free(data);
		w->deflated++;
		return deflated.body;
	}
	return body;
}

static pyr_status send_as(
	world *w, side *s, uint32_t stream, unsigned serial, unsigned sequence, bool end)
{
	pyr__body body = make_body(w, s, serial, sequence);
	pyr_error err;
	pyr_status status = pyr__session_send(s->session, stream, &body, end, &err);
	free((void *)body.raw);
	return status;
}

static void make_call(world *w, bool server)
{
	static const char *const methods[] = {"a.A/One", "a.A/Two", "b.B/Three"};
	static const int keys[3];
	if (w->call_count >= w->call_goal || (server && !w->sides[1].ready))
		return;
	unsigned serial = w->call_count;
	call *c = &w->calls[serial];
	*c = (call){.serial = serial, .by_server = server, .oneway = roll(w, 10) == 0};
	c->streams = !c->oneway && roll(w, 2);
	char object[16], metadata[32] = {1, 6, 0, 'k', 'v', 'v', 'v', 'v', 'v', 'v', 1, 6, 0, 'k',
				 'v', 'v', 'v', 'v', 'v', 'v'};
	snprintf(object, sizeof object, "%u", serial);
	uint32_t method = roll(w, 3);
	pyr__head head = {
		.method = {methods[method], strlen(methods[method])},
		.method_key = roll(w, 4) ? &keys[method] + 16 * method : NULL,
		.object = {object, strlen(object)},
		.metadata = {metadata, serial % 3 * 10},
		.timeout_us = PYR__TIMEOUT_NONE,
		.oneway = c->oneway,
	};
	pyr__body body = make_body(w, &w->sides[server], serial, 0);
	bool with = !c->streams || roll(w, 2), end = !c->streams || (with && roll(w, 4) == 0);
	pyr_error err;
	w->call_count++;
	c->made = true;
	pyr_status status = pyr__session_call(
		w->sides[server].session, &head, with ? &body : NULL, end, c, &c->stream, &err);
	free((void *)body.raw);
	c->ended = end;
	c->sent = with;
	if (status) {
		CHECK(err.executed == PYR_EXECUTED_NO, "a call that was refused");
		c->over = true;
	} else if (c->oneway) {
		c->over = true;
	}
}

static void act_as_caller(world *w, call *c)
{
	side *s = &w->sides[c->by_server];
	if (c->over || c->abandoned)
		return;
	uint32_t what = roll(w, 40);
	if (what == 0) {
		pyr__session_reset(s->session, c->stream);
		c->abandoned = true;
	} else if (c->streams && !c->ended && what < 30) {
		bool end = what == 1;
		if (send_as(w, s, c->stream, c->serial, c->sent, end) == PYR_OK) {
			c->sent++;
			c->ended = end;
		}
	} else if (c->streams && !c->ended) {
		if (pyr__session_end(s->session, c->stream, NULL) == PYR_OK)
			c->ended = true;
	}
}

static void answer(world *w, call *c, side *s)
{
	static const char text[] = "no";
	bool good = roll(w, 5) > 0, with = good && !c->streams;
	pyr__final final = {.status = good ? PYR_OK : PYR_NOT_FOUND,
		.executed = PYR_EXECUTED_YES,
		.message = {good ? NULL : text, good ? 0 : 2}};
	pyr__body body = make_body(w, s, c->serial, c->callee_sent);
	c->answered = true;
	c->callee_sent += with;
	pyr_status status =
		pyr__session_finish(s->session, c->at_callee, &final, with ? &body : NULL, NULL);
	(void)status; /* the caller may have given up; what it is told is checked there */
	free((void *)body.raw);
}

static void act_as_callee(world *w, call *c)
{
	side *s = &w->sides[!c->by_server];
	if (!c->taken || c->oneway || c->answered)
		return;
	uint32_t what = roll(w, 10);
	if (what == 0 && c->callee_sent == 0 && !c->metadata_sent) {
		c->metadata_sent = pyr__session_metadata(s->session, c->at_callee,
					   (pyr__text){NULL, 0}, NULL) == PYR_OK;
	} else if (c->streams && what < 7 && c->callee_sent < 50) {
		if (send_as(w, s, c->at_callee, c->serial, c->callee_sent, false) == PYR_OK)
			c->callee_sent++;
	} else {
		answer(w, c, s);
	}
}

static void act(world *w)
{
	if (w->call_count == 0 || roll(w, 6) == 0) {
		make_call(w, roll(w, 3) == 0);
		return;
	}
	/* mostly the latest calls, which are the ones that still run */
	uint32_t back = roll(w, w->call_count < 40 ? w->call_count : 40);
	call *c = &w->calls[w->call_count - 1 - back];
	if (roll(w, 2))
		act_as_caller(w, c);
	else
		act_as_callee(w, c);
}

static void step(world *w)
{
	bool server = roll(w, 2);
	switch (roll(w, 6)) {
	case 0:
		act(w);
		break;
	case 1:
	case 2:
		send_some(w, server);
		break;
	case 3:
		receive_some(w, server);
		break;
	case 4:
		take_events(w, server, 1 + roll(w, 8));
		break;
	default:
		consume(w, &w->sides[server]);
	}
}

static bool is_quiet(const world *w)
{
	for (int i = 0; i < 2; i++) {
		const side *s = &w->sides[i];
		if (s->wire_at < s->wire_size || pyr__session_queued(s->session) > 0 ||
			s->held_count > 0 || pyr__session_busy(s->session))
			return false;
	}
	return true;
}

/* Everything goes on to its end, with no more calls made. */
static void settle(world *w)
{
	for (unsigned round = 0; round < 4000000 && !is_quiet(w); round++) {
		if (round % 64 == 0) {
			for (unsigned i = 0; i < w->call_count; i++) {
				call *c = &w->calls[i];
				if (c->taken && !c->answered && !c->oneway)
					answer(w, c, &w->sides[!c->by_server]);
			}
		}
		bool server = round % 2;
		send_some(w, server);
		receive_some(w, server);
		take_events(w, server, 100);
		for (int i = 0; i < 8; i++)
			consume(w, &w->sides[server]);
	}
	CHECK(is_quiet(w), "it does not come to rest: queued %zu %zu, held %zu %zu, open %u %u",
		pyr__session_queued(w->sides[0].session), pyr__session_queued(w->sides[1].session),
		pyr__session_held(w->sides[0].session), pyr__session_held(w->sides[1].session),
		w->sides[0].session->ours.open, w->sides[0].session->theirs.open);
}

/* Both ends of a window agree, and all of it is there again. */
static void check_windows(const pyr__session *from, const pyr__session *to)
{
	CHECK(from->send_left == to->recv_left, "the ends of a window differ: %ld, %ld",
		(long)from->send_left, (long)to->recv_left);
	CHECK(to->recv_left + (int64_t)to->recv_owed == to->config.connection_window,
		"%ld of a window of %u are left, %ld owed", (long)to->recv_left,
		to->config.connection_window, (long)to->recv_owed);
}

static void check_calls(const world *w)
{
	for (unsigned i = 0; i < w->call_count; i++) {
		const call *c = &w->calls[i];
		CHECK(c->over || c->abandoned, "call %u has no FINAL", i);
	}
}

static world *begin(uint64_t seed, unsigned calls, size_t chunk_max, uint32_t size_max)
{
	world *w = calloc(1, sizeof *w);
	w->seed = seed;
	w->calls = calloc(CALLS_MAX, sizeof *w->calls);
	w->call_goal = calls;
	w->chunk_max = chunk_max;
	w->size_max = size_max;
	for (int i = 0; i < 2; i++) {
		pyr__session_config config;
		pyr__session_config_init(&config, i == 1);
		config.message_max = MESSAGE_MAX;
		config.queue_max = QUEUE_MAX;
		config.stream_window = 64u << 10;
		config.connection_window = roll(w, 2) ? 256u << 10 : 1u << 20;
		config.streams_max = 40;
		w->sides[i].session = pyr__session_new(&config);
	}
	return w;
}

static void end(world *w)
{
	for (int i = 0; i < 2; i++) {
		pyr__session_free(w->sides[i].session);
		free(w->sides[i].wire);
	}
	free(w->calls);
	free(w);
}

static uint64_t seed_or(uint64_t seed)
{
	const char *given = getenv("PYRITE_TEST_SEED");
	seed = given ? strtoull(given, NULL, 0) : seed;
	cr_log_info("PYRITE_TEST_SEED=%lu", seed);
	return seed;
}

static void run(uint64_t seed, unsigned calls, size_t chunk_max, uint32_t size_max)
{
	seed = seed_or(seed);
	world *w = begin(seed, calls, chunk_max, size_max);
	for (unsigned i = 0; i < 400 * calls && !w->sides[0].closed && !w->sides[1].closed; i++)
		step(w);
	settle(w);
	CHECK(!w->sides[0].closed && !w->sides[1].closed, "seed %lu: a session has ended: %s, %s",
		seed, w->sides[0].session->reason, w->sides[1].session->reason);
	CHECK(w->call_count == calls, "seed %lu: %u calls were made", seed, w->call_count);
	CHECK(w->deflated > calls / 10, "seed %lu: %u messages were deflated", seed, w->deflated);
	check_calls(w);
	check_windows(w->sides[0].session, w->sides[1].session);
	check_windows(w->sides[1].session, w->sides[0].session);
	end(w);
}

Test(session_model, every_call_ends_once_whatever_the_network_does)
{
	for (uint64_t seed = 1; seed <= 12; seed++)
		run(seed, 300, 20000, MESSAGE_MAX);
	CHECK_LEAKS();
}

Test(session_model, bytes_come_one_at_a_time)
{
	for (uint64_t seed = 100; seed < 106; seed++)
		run(seed, 40, 1, 300);
	CHECK_LEAKS();
}

Test(session_model, short_messages_in_short_pieces)
{
	for (uint64_t seed = 200; seed < 210; seed++)
		run(seed, 400, 97, 500);
	CHECK_LEAKS();
}

/* The connection breaks at a random moment. */
Test(session_model, every_call_ends_once_when_the_connection_breaks)
{
	for (uint64_t seed = 300; seed < 360; seed++) {
		world *w = begin(seed_or(seed), 100, 20000, MESSAGE_MAX);
		for (unsigned i = 0; i < 500 + seed * 37 % 5000; i++)
			step(w);
		for (int i = 0; i < 2; i++) {
			pyr__session_disconnect(
				w->sides[i].session, PYR_UNAVAILABLE, "the line was cut");
			w->sides[i].held_count = 0;
			take_events(w, i == 1, CALLS_MAX * 2);
			CHECK(w->sides[i].closed, "seed %lu: no CLOSED", seed);
		}
		check_calls(w);
		end(w);
	}
	CHECK_LEAKS();
}
