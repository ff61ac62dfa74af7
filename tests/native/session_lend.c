/* SPDX-License-Identifier: Apache-2.0 */
/* Messages whose bytes are sent from where their owner has them. */
#include <stdlib.h>
#include <string.h>
#include "codec/types3.pb-c.h"
#include "failing_alloc.h"
#include "leaks.h"
#include "native/hand.h"
#include "native/session_private.h"

/* A message of the owner's, which he changes as soon as he may. */
typedef struct owned {
	Codec3__Singular message;
	pyr__body body;
	uint8_t *expected;
	uint8_t *data;
} owned;

static owned own(size_t size)
{
	owned o = {.message = CODEC3__SINGULAR__INIT, .data = malloc(size)};
	memcpy(o.data, hand_bytes(size), size);
	o.data[size / 2] = 'y';
	o.message.i32 = 7;
	o.message.data = (ProtobufCBinaryData){size, o.data};
	o.message.text = "what stands behind them";
	return o;
}

/* Not before the message is where it stays. */
static const pyr__body *body_of(owned *o)
{
	pyr_error err;
	cr_assert_eq(pyr__body_init(&o->body, &o->message.base, NULL, &err), PYR_OK);
	o->expected = malloc(o->body.size);
	pyr__body_write(&o->body, o->expected);
	return &o->body;
}

static void keep_and_spoil(hand *h, owned *o)
{
	bool kept = pyr__session_keep(h->session);
	cr_assert_eq(kept, h->session->why == PYR_OK);
	cr_assert(!pyr__session_is_lent(h->session));
	memset(o->data, 'z', o->message.data.len);
	free(o->data);
	o->data = NULL;
}

static void disown(owned *o)
{
	free(o->expected);
	free(o->data);
}

static uint32_t call(hand *h, const pyr__body *body)
{
	uint32_t stream;
	pyr_error err;
	pyr__head head = {.method = {"a/b", 3}, .timeout_us = PYR__TIMEOUT_NONE};
	cr_assert_eq(pyr__session_call(h->session, &head, body, true, NULL, &stream, &err), PYR_OK,
		"%s", err.message);
	return stream;
}

/* As a socket would that takes no more. */
static void take_some(hand *h, size_t size)
{
	struct iovec vectors[64];
	size_t there = 0;
	int count = pyr__session_output(h->session, vectors, 64);
	for (int i = 0; i < count; i++)
		there += vectors[i].iov_len;
	cr_assert_geq(there, size);
	h->sent = realloc(h->sent, h->sent_size + size);
	h->sent_room = h->sent_size + size;
	size_t left = size;
	for (int i = 0; left > 0; i++) {
		size_t part = vectors[i].iov_len < left ? vectors[i].iov_len : left;
		memcpy(h->sent + h->sent_size, vectors[i].iov_base, part);
		h->sent_size += part;
		left -= part;
	}
	pyr__session_sent(h->session, size);
}

static bool refers_to(hand *h, const void *data)
{
	struct iovec vectors[64];
	int count = pyr__session_output(h->session, vectors, 64);
	for (int i = 0; i < count; i++)
		if (vectors[i].iov_base == data)
			return true;
	return false;
}

static void expect_in_one_frame(hand *h, pyr__frame_type type, const owned *o)
{
	pyr__frame frame = hand_frame(h, type);
	pyr__text message = hand_message(&frame);
	cr_assert(frame.flags & PYR__MSG);
	cr_assert_eq(message.size, o->body.size);
	cr_assert_arr_eq(message.data, o->expected, o->body.size);
}

/* Its first frame, and then the parts until the last. */
static void expect_in_parts(hand *h, pyr__frame_type type, const owned *o)
{
	pyr__frame frame = hand_frame(h, type);
	size_t got = 0;
	do {
		frame = hand_frame(h, PYR__FRAME_MESSAGE);
		cr_assert_leq(got + frame.length, o->body.size);
		cr_assert_arr_eq(frame.data, o->expected + got, frame.length);
		got += frame.length;
	} while (frame.flags & PYR__MORE);
	cr_assert_eq(got, o->body.size);
}

static void answer_and_end(hand *h, owned *o, uint32_t first, uint32_t last)
{
	for (uint32_t stream = first; stream <= last; stream++) {
		hand_final(h, stream, PYR_OK, NULL, 0);
		hand_event(h, PYR__EVENT_FINAL);
	}
	disown(o);
	hand_end(h);
}

/* Of a call with so many bytes so many are sent before the rest is kept. */
static void send_and_keep(
	size_t size, size_t before, void (*expect)(hand *h, pyr__frame_type type, const owned *o))
{
	hand h = hand_client();
	owned o = own(size);
	uint32_t stream = call(&h, body_of(&o));
	cr_assert(pyr__session_is_lent(h.session));
	cr_assert(refers_to(&h, o.data));
	take_some(&h, before);
	keep_and_spoil(&h, &o);
	expect(&h, PYR__FRAME_CALL, &o);
	answer_and_end(&h, &o, stream, stream);
}

Test(session_lend, one_frame_is_the_same_as_if_it_were_packed)
{
	const size_t before[] = {0, 1, 20, 100, 20000, 40000, 40030};
	for (size_t i = 0; i < sizeof before / sizeof *before; i++)
		send_and_keep(40000, before[i], expect_in_one_frame);
}

Test(session_lend, a_long_message_is_the_same_as_if_it_were_packed)
{
	const size_t before[] = {0, 50, 1000, 65700, 200000};
	for (size_t i = 0; i < sizeof before / sizeof *before; i++)
		send_and_keep(500000, before[i], expect_in_parts);
}

Test(session_lend, answers_and_items_are_lent_too)
{
	hand h = hand_server();
	hand_call(&h, STREAM, PYR__END, "a/b", NULL, 0);
	hand_event(&h, PYR__EVENT_CALL);
	owned item = own(30000), answer = own(50000);
	cr_assert_eq(pyr__session_send(h.session, STREAM, body_of(&item), false, NULL), PYR_OK);
	cr_assert(refers_to(&h, item.data));
	keep_and_spoil(&h, &item);
	pyr__frame frame = hand_frame(&h, PYR__FRAME_MESSAGE);
	cr_assert_eq(frame.length, item.body.size);
	cr_assert_arr_eq(frame.data, item.expected, item.body.size);
	pyr__final final = {.status = PYR_OK};
	cr_assert_eq(
		pyr__session_finish(h.session, STREAM, &final, body_of(&answer), NULL), PYR_OK);
	cr_assert(refers_to(&h, answer.data));
	keep_and_spoil(&h, &answer);
	expect_in_one_frame(&h, PYR__FRAME_FINAL, &answer);
	disown(&item);
	disown(&answer);
	hand_end(&h);
}

Test(session_lend, what_waits_for_a_window_is_kept)
{
	hand h = hand_client();
	uint32_t last = 0;
	for (int i = 0; i < 4; i++) /* all of the connection's */
		last = hand_make_call(&h, "use/up", 1 << 20, true, NULL);
	hand_skip_frames(&h);
	owned o = own(500000);
	uint32_t stream = call(&h, body_of(&o));
	keep_and_spoil(&h, &o);
	hand_no_frame(&h);
	hand_give_window(&h, 0, 1);
	hand_no_event(&h);
	expect_in_parts(&h, PYR__FRAME_CALL, &o);
	cr_assert_eq(stream, last + 1);
	answer_and_end(&h, &o, STREAM, stream);
}

Test(session_lend, a_call_that_is_given_up_meanwhile_is_not_kept)
{
	hand h = hand_client();
	owned o = own(500000);
	uint32_t stream = call(&h, body_of(&o));
	take_some(&h, 100);
	pyr__session_reset(h.session, stream);
	keep_and_spoil(&h, &o);
	hand_skip_frames(&h);
	hand_final(&h, stream, PYR_CANCELLED, NULL, 0);
	hand_no_event(&h);
	disown(&o);
	hand_end(&h);
}

Test(session_lend, where_many_calls_are_under_way_one_frame_is_packed)
{
	hand h = hand_client();
	owned o = own(40000);
	const pyr__body *body = body_of(&o);
	for (int round = 0; round < 40; round++) {
		uint32_t streams[16];
		for (int i = 0; i < 16; i++)
			streams[i] = hand_make_call(&h, "a/b", 0, true, NULL);
		for (int i = 0; i < 16; i++) {
			hand_final(&h, streams[i], PYR_OK, NULL, 0);
			hand_event(&h, PYR__EVENT_FINAL);
		}
	}
	hand_skip_frames(&h);
	uint32_t stream = call(&h, body);
	cr_assert(!pyr__session_is_lent(h.session));
	cr_assert(!refers_to(&h, o.data));
	hand_skip_frames(&h);
	answer_and_end(&h, &o, stream, stream);
}

/* Half of it has gone: without the rest the connection is of no use. */
Test(session_lend, no_memory_to_keep_it_ends_the_session)
{
	const size_t sizes[] = {40000, 500000};
	for (int i = 0; i < 2; i++) {
		hand h = hand_client();
		owned o = own(sizes[i]);
		call(&h, body_of(&o));
		take_some(&h, 1000);
		failing_alloc_at(1);
		keep_and_spoil(&h, &o);
		failing_alloc_at(0);
		h.sent_at = h.sent_size = 0;
		hand_no_frame(&h);
		pyr__event event = hand_event(&h, PYR__EVENT_FINAL);
		cr_assert_eq(event.final.status, PYR_RESOURCE_EXHAUSTED);
		TEXT_IS(event.final.message,
			"there is no memory for a message that was being sent");
		hand_event(&h, PYR__EVENT_CLOSED);
		disown(&o);
		hand_end(&h);
	}
}
