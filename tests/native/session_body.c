/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that are deflated: agreed upon, sent and received. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "native/deflate.h"
#include "native/hand_deflated.h"

#define MESSAGE_MOST (4u << 20)

/* What the session has sent: a size, and a stream that inflates to just that. */
static void expect_deflated(pyr__text sent, const uint8_t *bytes, size_t size)
{
	uLongf inflated = size;
	uint8_t *back = malloc(size);
	const uint8_t *data = (const uint8_t *)sent.data;
	cr_assert_eq(pyr__load32(data), size);
	cr_assert_eq(uncompress(back, &inflated, data + 4, sent.size - 4), Z_OK);
	cr_assert(inflated == size && memcmp(back, bytes, size) == 0);
	free(back);
}

static pyr__deflated deflate_body(const uint8_t *bytes, size_t size)
{
	pyr__deflated d;
	pyr__body body = {.raw = bytes, .size = size};
	cr_assert(pyr__deflate(&body, &d));
	return d;
}

static uint32_t call_deflated(hand *h, const pyr__deflated *d, void *user)
{
	uint32_t stream;
	pyr__head head = {.method = {"a/b", 3}, .timeout_us = PYR__TIMEOUT_NONE};
	cr_assert_eq(
		pyr__session_call(h->session, &head, &d->body, true, user, &stream, NULL), PYR_OK);
	return stream;
}

/* The handshake */

Test(session_body, each_side_says_that_it_takes_deflated_messages)
{
	for (int server = 0; server < 2; server++) {
		pyr__session_config config;
		pyr__session_config_init(&config, server);
		hand h = hand_new(&config, false);
		if (server) {
			hand_give_hello(&h);
			hand_event(&h, PYR__EVENT_READY);
		} else {
			hand_skip(&h, PYR__PREFACE_SIZE);
		}
		pyr__frame hello = hand_frame(&h, PYR__FRAME_HELLO);
		static const uint8_t field[] = {PYR__HELLO_FEATURES, 8, 0, 1, 0, 0, 0, 0, 0, 0, 0};
		cr_assert(memmem(hello.data, hello.length, field, sizeof field));
		hand_end(&h);
	}
}

Test(session_body, nothing_is_deflated_before_the_peer_says_that_it_takes_it)
{
	pyr__session_config config;
	pyr__session_config_init(&config, false);
	hand h = hand_new(&config, false);
	hand_skip_frames(&h);
	cr_assert(!pyr__session_may_deflate(h.session, 100));
	hand_give_features(&h, PYR__FEATURE_DEFLATED | 0xfff0);
	hand_event(&h, PYR__EVENT_READY);
	cr_assert(pyr__session_may_deflate(h.session, MESSAGE_MOST));
	cr_assert(!pyr__session_may_deflate(h.session, MESSAGE_MOST + 1), "it will be refused");
	pyr__session_disconnect(h.session, PYR_UNAVAILABLE, "the end");
	cr_assert(!pyr__session_may_deflate(h.session, 100));
	hand_event(&h, PYR__EVENT_CLOSED);
	hand_end(&h);
}

Test(session_body, a_peer_without_the_feature_gets_nothing_deflated)
{
	hand h = hand_client(); /* whose HELLO has no such field */
	cr_assert(!pyr__session_may_deflate(h.session, 100));
	hand_end(&h);
	pyr__session_config config;
	pyr__session_config_init(&config, true);
	h = hand_new(&config, false);
	hand_give_features(&h, ~PYR__FEATURE_DEFLATED);
	hand_event(&h, PYR__EVENT_READY);
	cr_assert(!pyr__session_may_deflate(h.session, 100));
	hand_skip_frames(&h);
	hand_end(&h);
}

Test(session_body, features_of_another_size_are_a_violation)
{
	static const uint8_t fields[] = {
		PYR__HELLO_VERSIONS, 4, 0, 1, 0, 1, 0, PYR__HELLO_FEATURES, 4, 0, 1, 0, 0, 0};
	pyr__session_config config;
	pyr__session_config_init(&config, true);
	hand h = hand_new(&config, false);
	hand_give_frame(&h, PYR__FRAME_HELLO, 0, 0, fields, sizeof fields);
	hand_expect_violation(&h, "HELLO: the features have 4 bytes, not 8");
}

Test(session_body, a_message_is_sent_now_if_its_windows_are_open)
{
	hand h = hand_deflating_with_call(false);
	cr_assert(pyr__session_may_send(h.session, STREAM));
	cr_assert(!pyr__session_may_send(h.session, STREAM + 1));
	cr_assert_eq(hand_send(&h, STREAM, 256 << 10, false, NULL), PYR_OK);
	hand_skip_frames(&h);
	cr_assert(!pyr__session_may_send(h.session, STREAM));
	hand_give_window(&h, STREAM, 1);
	hand_no_event(&h);
	cr_assert(pyr__session_may_send(h.session, STREAM));
	hand_end(&h);
}

/* There and back */

Test(session_body, a_deflated_call_is_received)
{
	hand h = hand_deflating(true);
	hand_deflated d = hand_deflate_x(50000);
	hand_call(&h, STREAM, PYR__END | PYR__DEFLATED, "a/b", d.data, d.size);
	pyr__event event = hand_event(&h, PYR__EVENT_CALL);
	hand_expect_x(&event, 50000);
	cr_assert(event.ended);
	cr_assert_eq(event.cost, 50000);
	TEXT_IS(event.head.method, "a/b");
	hand_call(&h, STREAM + 1, PYR__END | PYR__DEFLATED | PYR__ONEWAY, "a/b", d.data, d.size);
	event = hand_event(&h, PYR__EVENT_CALL);
	hand_expect_x(&event, 50000);
	cr_assert(event.head.oneway);
	hand_end(&h);
}

Test(session_body, a_deflated_message_is_received)
{
	for (int server = 0; server < 2; server++) {
		hand h = hand_deflating_with_call(server);
		hand_deflated d = hand_deflate_x(70000);
		hand_give_frame(
			&h, PYR__FRAME_MESSAGE, PYR__MSG | PYR__DEFLATED, STREAM, d.data, d.size);
		pyr__event event = hand_event(&h, PYR__EVENT_MESSAGE);
		hand_expect_x(&event, 70000);
		cr_assert_eq(event.cost, 70000);
		cr_assert(!event.ended);
		hand_end(&h);
	}
}

Test(session_body, a_deflated_answer_is_received)
{
	hand h = hand_deflating_with_call(false);
	hand_deflated d = hand_deflate_x(PYR__FRAME_MAX);
	hand_give_deflated_final(&h, STREAM, &d);
	pyr__event event = hand_event(&h, PYR__EVENT_FINAL);
	cr_assert_eq(event.final.status, PYR_OK);
	hand_expect_x(&event, PYR__FRAME_MAX);
	cr_assert_eq(event.cost, 0);
	hand_end(&h);
}

Test(session_body, a_deflated_call_is_sent)
{
	hand h = hand_deflating(false);
	pyr__deflated d = deflate_body(hand_bytes(100000), 100000);
	call_deflated(&h, &d, NULL);
	free(d.memory);
	pyr__frame frame = hand_frame(&h, PYR__FRAME_CALL);
	cr_assert_eq(frame.flags, PYR__MSG | PYR__END | PYR__DEFLATED);
	cr_assert_lt(frame.length, 1000);
	expect_deflated(hand_message(&frame), hand_bytes(100000), 100000);
	hand_end(&h);
}

Test(session_body, a_deflated_message_is_sent)
{
	for (int server = 0; server < 2; server++) {
		hand h = hand_deflating_with_call(server);
		pyr__deflated d = deflate_body(hand_bytes(1000), 1000);
		pyr_status status = pyr__session_send(h.session, STREAM, &d.body, !server, NULL);
		cr_assert_eq(status, PYR_OK);
		free(d.memory);
		pyr__frame frame = hand_frame(&h, PYR__FRAME_MESSAGE);
		cr_assert_eq(frame.flags, PYR__MSG | PYR__DEFLATED | (server ? 0 : PYR__END));
		pyr__text sent = {(const char *)frame.data, frame.length};
		expect_deflated(sent, hand_bytes(1000), 1000);
		hand_end(&h);
	}
}

static void finish_deflated(hand *h, size_t size)
{
	pyr__final final = {.status = PYR_OK};
	pyr__deflated d = deflate_body(hand_bytes(size), size);
	cr_assert_eq(pyr__session_finish(h->session, STREAM, &final, &d.body, NULL), PYR_OK);
	free(d.memory);
}

Test(session_body, a_deflated_answer_is_sent)
{
	hand h = hand_deflating_with_call(true);
	finish_deflated(&h, PYR__FRAME_MAX);
	pyr__frame frame = hand_frame(&h, PYR__FRAME_FINAL);
	cr_assert_eq(frame.flags, PYR__MSG | PYR__DEFLATED);
	expect_deflated(hand_message(&frame), hand_bytes(PYR__FRAME_MAX), PYR__FRAME_MAX);
	hand_end(&h);
}

/* What a FINAL holds is free: an answer that is longer has to pay, however short it is deflated. */
Test(session_body, an_answer_longer_than_a_frame_goes_before_the_final)
{
	hand h = hand_deflating_with_call(true);
	finish_deflated(&h, PYR__FRAME_MAX + 1);
	pyr__frame frame = hand_frame(&h, PYR__FRAME_MESSAGE);
	cr_assert_eq(frame.flags, PYR__MSG | PYR__DEFLATED);
	pyr__text sent = {(const char *)frame.data, frame.length};
	expect_deflated(sent, hand_bytes(PYR__FRAME_MAX + 1), PYR__FRAME_MAX + 1);
	cr_assert_eq(hand_frame(&h, PYR__FRAME_FINAL).length, 2);
	hand_end(&h);

	h = hand_deflating_with_call(true);
	cr_assert_eq(hand_send(&h, STREAM, 256 << 10, false, NULL), PYR_OK);
	hand_skip_frames(&h);
	finish_deflated(&h, 100000);
	hand_no_frame(&h); /* it waits for its window, and the FINAL for it */
	hand_give_window(&h, STREAM, 1);
	hand_no_event(&h);
	cr_assert_eq(hand_frame(&h, PYR__FRAME_MESSAGE).flags, PYR__MSG | PYR__DEFLATED);
	hand_frame(&h, PYR__FRAME_FINAL);
	cr_assert(!pyr__session_busy(h.session));
	hand_end(&h);
}

/* In parts */

Test(session_body, a_deflated_call_in_parts_is_received)
{
	uint8_t sizes[8];
	hand h = hand_deflating(true);
	hand_deflated d = hand_deflate(hand_long_bytes(), HAND_LONG_BYTES, HAND_LONG_BYTES);
	cr_assert_gt(d.size, 2 * PYR__FRAGMENT_MAX);
	hand_announce_parts(sizes, &d);
	hand_call(&h, STREAM, PYR__MORE | PYR__DEFLATED, "a/b", sizes, sizeof sizes);
	hand_give_parts(&h, &d, PYR__END);
	pyr__event event = hand_event(&h, PYR__EVENT_CALL);
	TEXT_IS(event.head.method, "a/b");
	cr_assert_eq(event.cost, HAND_LONG_BYTES);
	cr_assert(event.ended);
	hand_expect_bytes((pyr__text){(const char *)event.payload.data, event.payload.size},
		hand_long_bytes(), HAND_LONG_BYTES);
	hand_end(&h);
}

Test(session_body, a_deflated_message_in_parts_is_received)
{
	for (int server = 0; server < 2; server++) {
		uint8_t sizes[8];
		hand h = hand_deflating_with_call(server);
		hand_deflated d = hand_deflate(hand_long_bytes(), HAND_LONG_BYTES, HAND_LONG_BYTES);
		hand_announce_parts(sizes, &d);
		hand_give_frame(&h, PYR__FRAME_MESSAGE, PYR__MSG | PYR__MORE | PYR__DEFLATED,
			STREAM, sizes, sizeof sizes);
		hand_no_event(&h);
		hand_give_parts(&h, &d, 0);
		pyr__event event = hand_event(&h, PYR__EVENT_MESSAGE);
		cr_assert_eq(event.cost, HAND_LONG_BYTES);
		hand_expect_bytes((pyr__text){(const char *)event.payload.data, event.payload.size},
			hand_long_bytes(), HAND_LONG_BYTES);
		hand_end(&h);
	}
}

/* Gathers what the session sends in parts behind a frame with its two sizes. */
static void expect_parts(hand *h, pyr__text sizes, uint8_t last)
{
	cr_assert_eq(sizes.size, 8);
	size_t bytes = pyr__load32((const uint8_t *)sizes.data), at = 4;
	uint8_t *whole = malloc(bytes + 4);
	memcpy(whole, sizes.data + 4, 4);
	while (at < bytes + 4) {
		pyr__frame part = hand_frame(h, PYR__FRAME_MESSAGE);
		bool more = at + part.length < bytes + 4;
		cr_assert_eq(part.flags, PYR__MSG | PYR__CONT | (more ? PYR__MORE : last));
		cr_assert_leq(at + part.length, bytes + 4);
		memcpy(whole + at, part.data, part.length);
		at += part.length;
	}
	expect_deflated((pyr__text){(const char *)whole, at}, hand_long_bytes(), HAND_LONG_BYTES);
	free(whole);
}

Test(session_body, a_long_message_is_deflated_and_sent_in_parts)
{
	hand h = hand_deflating(false);
	pyr__deflated d = deflate_body(hand_long_bytes(), HAND_LONG_BYTES);
	call_deflated(&h, &d, NULL);
	pyr__frame frame = hand_frame(&h, PYR__FRAME_CALL);
	cr_assert_eq(frame.flags, PYR__MSG | PYR__MORE | PYR__DEFLATED);
	expect_parts(&h, hand_message(&frame), PYR__END);
	hand_end(&h);

	h = hand_deflating_with_call(true);
	cr_assert_eq(pyr__session_send(h.session, STREAM, &d.body, false, NULL), PYR_OK);
	frame = hand_frame(&h, PYR__FRAME_MESSAGE);
	cr_assert_eq(frame.flags, PYR__MSG | PYR__MORE | PYR__DEFLATED);
	expect_parts(&h, (pyr__text){(const char *)frame.data, frame.length}, 0);
	hand_give_window(&h, STREAM, 1 << 20);
	hand_no_event(&h);
	pyr__final final = {.status = PYR_OK};
	cr_assert_eq(pyr__session_finish(h.session, STREAM, &final, &d.body, NULL), PYR_OK);
	frame = hand_frame(&h, PYR__FRAME_MESSAGE);
	expect_parts(&h, (pyr__text){(const char *)frame.data, frame.length}, 0);
	hand_frame(&h, PYR__FRAME_FINAL);
	free(d.memory);
	hand_end(&h);
}

/* Windows */

Test(session_body, a_deflated_message_costs_what_it_inflates_to)
{
	hand h = hand_deflating_with_call(false);
	pyr__deflated d = deflate_body(hand_bytes(256 << 10), 256 << 10);
	cr_assert_eq(pyr__session_send(h.session, STREAM, &d.body, false, NULL), PYR_OK);
	pyr_error err;
	pyr_status status = pyr__session_send(h.session, STREAM, &d.body, false, &err);
	cr_assert_eq(status, PYR_RESOURCE_EXHAUSTED);
	cr_assert(err.would_block);
	hand_skip_frames(&h);
	for (int i = 0; i < 15; i++) /* and the connection's 4 MiB are used up */
		call_deflated(&h, &d, NULL);
	hand_skip_frames(&h);
	call_deflated(&h, &d, NULL);
	hand_no_frame(&h);
	cr_assert_leq(pyr__session_held(h.session), 2000);
	hand_give_window(&h, 0, 1);
	hand_no_event(&h);
	cr_assert_eq(hand_frame(&h, PYR__FRAME_CALL).flags, PYR__MSG | PYR__END | PYR__DEFLATED);
	free(d.memory);
	hand_end(&h);
}

Test(session_body, a_deflated_message_that_the_window_does_not_admit_is_a_violation)
{
	hand h = hand_deflating_with_call(true);
	hand_deflated d = hand_deflate_x(256 << 10);
	for (int i = 0; i < 2; i++)
		hand_give_frame(
			&h, PYR__FRAME_MESSAGE, PYR__MSG | PYR__DEFLATED, STREAM, d.data, d.size);
	hand_expect_violation(&h, "a message that the window of stream 00010000 does not admit");
}

Test(session_body, what_a_deflated_message_inflates_to_is_given_back)
{
	hand h = hand_deflating_with_call(true);
	hand_deflated d = hand_deflate_x(128 << 10);
	hand_give_frame(&h, PYR__FRAME_MESSAGE, PYR__MSG | PYR__DEFLATED, STREAM, d.data, d.size);
	pyr__event event = hand_event(&h, PYR__EVENT_MESSAGE);
	hand_no_event(&h);
	cr_assert(pyr__session_consumed(h.session, STREAM, event.cost));
	cr_assert_eq(pyr__load32(hand_frame(&h, PYR__FRAME_WINDOW).data), 128 << 10);
	hand_end(&h);
}

/* Nobody inflates what nobody will see, but it counts. */
Test(session_body, what_comes_too_late_costs_what_it_would_inflate_to)
{
	hand h = hand_deflating_with_call(true);
	hand_finish(&h, STREAM, PYR_OK, 0);
	hand_frame(&h, PYR__FRAME_FINAL);
	uint8_t frame[] = {0, 0, 0x20, 0, 'n', 'o', 'n', 'e'}; /* 2 MiB */
	hand_give_frame(
		&h, PYR__FRAME_MESSAGE, PYR__MSG | PYR__DEFLATED, STREAM, frame, sizeof frame);
	hand_no_event(&h);
	cr_assert_eq(pyr__load32(hand_frame(&h, PYR__FRAME_WINDOW).data), 2 << 20);
	hand_end(&h);
}
