/* SPDX-License-Identifier: Apache-2.0 */
/* Windows: what may be sent, what is given back, and peers that do not keep to it. */
#include <string.h>
#include "leaks.h"
#include "native/hand.h"

#define STREAM_WINDOW (256u << 10)
#define WINDOW        (4u << 20)

/* Sending */

Test(session_window, a_stream_sends_until_its_window_is_used_up)
{
	hand h = hand_client();
	int user;
	uint32_t stream = hand_make_call(&h, "a/b", 0, false, &user);
	pyr_error err;
	unsigned sent = 0;
	while (hand_send(&h, stream, 10000, false, &err) == PYR_OK) {
		sent++;
		hand_skip_frames(&h);
	}
	cr_assert_eq(sent, STREAM_WINDOW / 10000 + 1, "%u were sent", sent);
	cr_assert(err.would_block);
	hand_no_event(&h);
	hand_give_window(&h, 0, 100000);
	hand_no_event(&h);
	hand_give_window(&h, stream, 100000);
	cr_assert_eq(hand_event(&h, PYR__EVENT_WRITABLE).user, &user);
	hand_no_event(&h);
	cr_assert_eq(hand_send(&h, stream, 10000, false, NULL), PYR_OK);
	hand_skip_frames(&h);
	hand_end(&h);
}

Test(session_window, short_messages_cost_64_bytes)
{
	hand h = hand_client();
	uint32_t stream = hand_make_call(&h, "a/b", 0, false, NULL);
	unsigned sent = 0;
	while (hand_send(&h, stream, 1, false, NULL) == PYR_OK) {
		sent++;
		hand_skip_frames(&h);
	}
	cr_assert_eq(sent, STREAM_WINDOW / 64);
	hand_end(&h);
}

Test(session_window, a_message_longer_than_the_window_is_sent_while_it_is_open)
{
	hand h = hand_client();
	uint32_t stream = hand_make_call(&h, "a/b", 0, false, NULL);
	cr_assert_eq(hand_send(&h, stream, 1 << 20, false, NULL), PYR_OK);
	hand_skip_frames(&h);
	pyr_error err;
	cr_assert_eq(hand_send(&h, stream, 1, false, &err), PYR_RESOURCE_EXHAUSTED);
	cr_assert(err.would_block);
	hand_give_window(&h, stream, (1 << 20) - STREAM_WINDOW);
	hand_no_event(&h); /* it is 0 now, and must be above */
	hand_give_window(&h, stream, 1);
	hand_event(&h, PYR__EVENT_WRITABLE);
	hand_end(&h);
}

Test(session_window, counts_what_the_peer_has_used_up)
{
	hand h = hand_server();
	hand_call(&h, STREAM, PYR__MSG | PYR__END, "a/b", "", 0);
	pyr__event event = hand_event(&h, PYR__EVENT_CALL);
	pyr__session_consumed(h.session, STREAM, event.cost);
	cr_assert_eq(pyr__session_consumed_by_peer(h.session, STREAM), 0);
	hand_give_window(&h, STREAM, 1000);
	hand_give_window(&h, 0, 70000);
	hand_no_event(&h);
	hand_give_window(&h, STREAM, 2000);
	hand_no_event(&h);
	cr_assert_eq(pyr__session_consumed_by_peer(h.session, STREAM), 3000);
	hand_finish(&h, STREAM, PYR_OK, 0);
	hand_frame(&h, PYR__FRAME_FINAL);
	cr_assert_eq(pyr__session_consumed_by_peer(h.session, STREAM), 0);
	hand_end(&h);
}

/* The window of the connection, used up by calls. */
static uint32_t use_up(hand *h)
{
	uint32_t last = 0;
	for (int i = 0; i < 4; i++)
		last = hand_make_call(h, "use/up", 1 << 20, true, NULL);
	hand_skip_frames(h);
	return last;
}

Test(session_window, calls_wait_for_the_connections_window_in_their_order)
{
	hand h = hand_client();
	use_up(&h);
	uint32_t first = hand_make_call(&h, "a/first", 10, true, NULL);
	uint32_t second = hand_make_call(&h, "a/second", 0, false, NULL);
	uint32_t third = hand_make_call(&h, "a/third", 100000, true, NULL);
	hand_no_frame(&h);
	size_t held = pyr__session_held(h.session);
	cr_assert(held > 100000 && held == pyr__session_queued(h.session));
	pyr_error err;
	cr_assert_eq(hand_send(&h, second, 1, false, &err), PYR_RESOURCE_EXHAUSTED);
	cr_assert(err.would_block);
	hand_give_window(&h, 0, 1000);
	hand_no_event(&h);
	cr_assert_eq(hand_frame(&h, PYR__FRAME_CALL).stream, first);
	cr_assert_eq(hand_frame(&h, PYR__FRAME_CALL).stream, second);
	cr_assert_eq(hand_frame(&h, PYR__FRAME_CALL).stream, third);
	hand_skip_frames(&h);
	hand_no_event(&h); /* the third has used the window up */
	hand_give_window(&h, 0, 200000);
	cr_assert_eq(hand_event(&h, PYR__EVENT_WRITABLE).stream, second);
	cr_assert_eq(pyr__session_queued(h.session), 0);
	hand_end(&h);
}

Test(session_window, a_call_that_waits_and_is_given_up_is_never_sent)
{
	hand h = hand_client();
	use_up(&h);
	uint32_t stream = hand_make_call(&h, "a/b", 100000, true, NULL);
	pyr__session_reset(h.session, stream);
	cr_assert_eq(pyr__session_held(h.session), 0);
	hand_give_window(&h, 0, 1000);
	hand_no_event(&h);
	hand_no_frame(&h);
	hand_end(&h);
}

Test(session_window, a_call_that_waits_may_still_get_its_end)
{
	hand h = hand_client();
	use_up(&h);
	uint32_t stream = hand_make_call(&h, "a/b", 10, false, NULL);
	cr_assert_eq(pyr__session_end(h.session, stream, NULL), PYR_OK);
	hand_give_window(&h, 0, 1000);
	hand_no_event(&h);
	cr_assert_eq(hand_frame(&h, PYR__FRAME_CALL).flags, PYR__MSG | PYR__END);
	hand_end(&h);
}

Test(session_window, an_answer_that_fits_its_frame_needs_no_window)
{
	hand h = hand_server();
	hand_call(&h, STREAM, 0, "a/b", NULL, 0);
	hand_call(&h, STREAM + 1, PYR__END, "a/b", "", 0);
	hand_event(&h, PYR__EVENT_CALL);
	hand_event(&h, PYR__EVENT_CALL);
	for (int i = 0; i < 5; i++) { /* 1 MiB each */
		pyr_status status = hand_send(&h, STREAM, 1 << 20, false, NULL);
		cr_assert_eq(status, i < 1 ? PYR_OK : PYR_RESOURCE_EXHAUSTED);
		hand_skip_frames(&h);
	}
	hand_finish(&h, STREAM + 1, PYR_OK, 60000);
	cr_assert_eq(hand_frame(&h, PYR__FRAME_FINAL).stream, STREAM + 1);
	hand_finish(&h, STREAM, PYR_OK, 60000);
	cr_assert_eq(hand_frame(&h, PYR__FRAME_FINAL).stream, STREAM);
	hand_end(&h);
}

Test(session_window, a_long_answer_waits_for_its_window_and_its_final_behind_it)
{
	hand h = hand_server();
	hand_call(&h, STREAM, PYR__END, "a/b", "", 0);
	hand_event(&h, PYR__EVENT_CALL);
	cr_assert_eq(hand_send(&h, STREAM, 1 << 20, false, NULL), PYR_OK);
	hand_skip_frames(&h);
	cr_assert_eq(hand_finish(&h, STREAM, PYR_OK, 100000), PYR_OK);
	cr_assert_eq(hand_finish(&h, STREAM, PYR_OK, 0), PYR_CANCELLED);
	hand_no_frame(&h);
	cr_assert_geq(pyr__session_held(h.session), 100000);
	hand_give_window(&h, STREAM, 1 << 20);
	hand_no_event(&h);
	hand_frame(&h, PYR__FRAME_MESSAGE);
	hand_frame(&h, PYR__FRAME_MESSAGE);
	hand_frame(&h, PYR__FRAME_MESSAGE);
	hand_frame(&h, PYR__FRAME_FINAL);
	cr_assert(!pyr__session_busy(h.session));
	hand_end(&h);
}

Test(session_window, a_caller_that_gives_up_gets_the_final_without_the_long_answer)
{
	hand h = hand_server();
	hand_call(&h, STREAM, PYR__END, "a/b", "", 0);
	hand_event(&h, PYR__EVENT_CALL);
	cr_assert_eq(hand_send(&h, STREAM, 1 << 20, false, NULL), PYR_OK);
	hand_skip_frames(&h);
	hand_finish(&h, STREAM, PYR_OK, 100000);
	hand_give_frame(&h, PYR__FRAME_RESET, 0, STREAM, NULL, 0);
	hand_no_event(&h);
	hand_frame(&h, PYR__FRAME_FINAL);
	cr_assert_eq(pyr__session_queued(h.session), 0);
	hand_end(&h);
}

Test(session_window, before_the_servers_hello_a_client_counts_on_the_initial_windows)
{
	pyr__session_config config;
	pyr__session_config_init(&config, false);
	hand h = hand_new(&config, false);
	hand_skip_frames(&h);
	int user;
	uint32_t stream = hand_make_call(&h, "a/b", 0, false, &user);
	cr_assert_eq(hand_send(&h, stream, PYR__INITIAL_STREAM_WINDOW, false, NULL), PYR_OK);
	cr_assert_eq(hand_send(&h, stream, 1, false, NULL), PYR_RESOURCE_EXHAUSTED);
	hand_skip_frames(&h);
	hand_make_call(&h, "a/b", PYR__INITIAL_CONNECTION_WINDOW, true, NULL);
	hand_skip_frames(&h);
	hand_make_call(&h, "a/b", 1, true, NULL);
	hand_no_frame(&h);
	hand_give_hello(&h);
	hand_event(&h, PYR__EVENT_READY);
	cr_assert_eq(hand_event(&h, PYR__EVENT_WRITABLE).user, &user);
	hand_frame(&h, PYR__FRAME_CALL);
	hand_end(&h);
}

Test(session_window, windows_that_overflow_or_give_nothing_are_violations)
{
	static const uint32_t streams[] = {0, 0x00010000};
	for (int i = 0; i < 2; i++) {
		const char *overflow = i ? "the window of stream 00010000 overflows"
					 : "the window of stream 00000000 overflows";
		hand h = hand_client();
		hand_make_call(&h, "a/b", 0, false, NULL);
		hand_give_window(&h, streams[i], PYR__WINDOW_MAX);
		hand_expect_violation(&h, overflow);
		h = hand_client();
		hand_make_call(&h, "a/b", 0, false, NULL);
		hand_give_window(&h, streams[i], 0);
		hand_expect_violation(&h, "a malformed WINDOW");
		h = hand_client();
		hand_make_call(&h, "a/b", 0, false, NULL);
		hand_give_window(&h, streams[i], 0x80000000u);
		hand_expect_violation(&h, "a malformed WINDOW");
		h = hand_client();
		hand_make_call(&h, "a/b", 0, false, NULL);
		hand_give_frame(&h, PYR__FRAME_WINDOW, 0, streams[i], "\1\0\0", 3);
		hand_expect_violation(&h, "a malformed WINDOW");
	}
}

Test(session_window, a_window_for_a_call_that_never_was_is_a_violation)
{
	hand h = hand_client();
	hand_give_window(&h, STREAM, 1);
	hand_expect_violation(&h, "WINDOW for the stream 00010000, which does not exist");
}

/* Receiving */

Test(session_window, credit_is_given_back_at_half_a_window)
{
	hand h = hand_server();
	hand_call(&h, STREAM, 0, "a/b", NULL, 0);
	hand_event(&h, PYR__EVENT_CALL);
	for (int i = 0; i < 4; i++) {
		hand_give_frame(&h, PYR__FRAME_MESSAGE, PYR__MSG, STREAM, hand_bytes(50000), 50000);
		pyr__event event = hand_event(&h, PYR__EVENT_MESSAGE);
		cr_assert_eq(event.cost, 50000);
		bool told = pyr__session_consumed(h.session, STREAM, event.cost);
		cr_assert_eq(told, i == 2);
		if (!told) {
			hand_no_frame(&h);
			continue;
		}
		pyr__frame frame = hand_frame(&h, PYR__FRAME_WINDOW);
		cr_assert_eq(frame.stream, STREAM);
		cr_assert_eq(pyr__load32(frame.data), 150000);
	}
	hand_finish(&h, STREAM, PYR_OK, 0);
	hand_frame(&h, PYR__FRAME_FINAL);
	hand_end(&h);
}

Test(session_window, the_connections_credit_comes_back_for_calls_that_are_over)
{
	hand h = hand_server();
	for (uint32_t i = 0; i < 40; i++) {
		hand_call(&h, STREAM + i, PYR__END, "a/b", hand_bytes(60000), 60000);
		pyr__event event = hand_event(&h, PYR__EVENT_CALL);
		hand_finish(&h, STREAM + i, PYR_OK, 0);
		hand_frame(&h, PYR__FRAME_FINAL);
		if (pyr__session_consumed(h.session, STREAM + i, event.cost)) {
			cr_assert_eq(i, WINDOW / 2 / 60000);
			pyr__frame frame = hand_frame(&h, PYR__FRAME_WINDOW);
			cr_assert_eq(frame.stream, 0);
			cr_assert_eq(pyr__load32(frame.data), 35 * 60000);
		}
	}
	hand_end(&h);
}

Test(session_window, more_than_the_streams_window_is_a_violation)
{
	hand h = hand_server();
	hand_call(&h, STREAM, 0, "a/b", NULL, 0);
	hand_event(&h, PYR__EVENT_CALL);
	for (int i = 0; i < 5; i++) {
		hand_give_frame(&h, PYR__FRAME_MESSAGE, PYR__MSG, STREAM, hand_bytes(60000), 60000);
		hand_event(&h, PYR__EVENT_MESSAGE);
	}
	hand_give_frame(&h, PYR__FRAME_MESSAGE, PYR__MSG, STREAM, "", 0);
	hand_expect_violation(&h, "a message that the window of stream 00010000 does not admit");
}

Test(session_window, more_than_the_connections_window_is_a_violation)
{
	hand h = hand_server();
	uint32_t stream = STREAM;
	for (uint32_t sent = 0; sent < WINDOW; sent += 60000) {
		hand_call(&h, stream++, PYR__END, "a/b", hand_bytes(60000), 60000);
		hand_event(&h, PYR__EVENT_CALL);
	}
	hand_call(&h, stream, PYR__END, "a/b", "", 0);
	hand_expect_violation(&h, "a message that the connection's window does not admit");
}

/* What is announced is counted, whether it comes or not. */
Test(session_window, long_messages_count_from_their_first_part)
{
	hand h = hand_server();
	uint8_t total[4];
	pyr__store32(total, 2u << 20);
	for (uint32_t i = 0; i < 2; i++)
		hand_call(&h, STREAM + i, PYR__MORE, "a/b", total, sizeof total);
	hand_no_event(&h);
	hand_call(&h, STREAM + 2, PYR__END, "a/b", "", 0);
	hand_expect_violation(&h, "a message that the connection's window does not admit");
}

/* Messages for a call that was just answered, refused or given up still count, and come back. */
Test(session_window, messages_that_nobody_sees_are_given_back)
{
	hand h = hand_server();
	uint32_t given = 0;
	for (uint32_t i = 0; i < 100; i++) {
		uint32_t stream = STREAM + i;
		hand_call(&h, stream, 0, "a/b", NULL, 0);
		hand_event(&h, PYR__EVENT_CALL);
		hand_finish(&h, stream, PYR_OK, 0);
		hand_frame(&h, PYR__FRAME_FINAL);
		hand_give_frame(&h, PYR__FRAME_MESSAGE, PYR__MSG | PYR__END, stream,
			hand_bytes(60000), 60000);
		hand_no_event(&h);
		if (i == WINDOW / 2 / 60000 || i == 69) {
			given += pyr__load32(hand_frame(&h, PYR__FRAME_WINDOW).data);
			cr_assert_eq(given, (i + 1) * 60000);
		}
	}
	hand_end(&h);
}
