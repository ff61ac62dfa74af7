/* SPDX-License-Identifier: Apache-2.0 */
/* Long messages take turns, and do not keep short ones waiting. */
#include <string.h>
#include "failing_alloc.h"
#include "leaks.h"
#include "native/hand.h"

Test(session_queue, a_long_call_comes_in_fragments)
{
	hand h = hand_client();
	uint32_t stream = hand_make_call(&h, "a/b", 150000, true, NULL);
	pyr__frame frame = hand_frame(&h, PYR__FRAME_CALL);
	cr_assert_eq(frame.flags, PYR__MSG | PYR__MORE);
	pyr__text total = hand_message(&frame);
	cr_assert_eq(total.size, 4);
	cr_assert_eq(pyr__load32((const uint8_t *)total.data), 150000);
	static const uint32_t sizes[] = {65536, 65536, 150000 - 2 * 65536};
	for (int i = 0; i < 3; i++) {
		frame = hand_frame(&h, PYR__FRAME_MESSAGE);
		cr_assert_eq(frame.length, sizes[i]);
		cr_assert_eq(frame.stream, stream);
		cr_assert_eq(frame.flags, PYR__MSG | PYR__CONT | (i < 2 ? PYR__MORE : PYR__END));
		cr_assert_arr_eq(frame.data, hand_bytes(sizes[i]), sizes[i]);
	}
	hand_end(&h);
}

Test(session_queue, the_longest_message_that_fits_a_frame_is_whole)
{
	hand h = hand_server();
	hand_call(&h, STREAM, 0, "a/b", NULL, 0);
	hand_event(&h, PYR__EVENT_CALL);
	cr_assert_eq(hand_send(&h, STREAM, PYR__FRAME_MAX, false, NULL), PYR_OK);
	pyr__frame frame = hand_frame(&h, PYR__FRAME_MESSAGE);
	cr_assert_eq(frame.length, PYR__FRAME_MAX);
	cr_assert_eq(frame.flags, PYR__MSG);
	cr_assert_eq(hand_send(&h, STREAM, PYR__FRAME_MAX + 1, false, NULL), PYR_OK);
	cr_assert_eq(hand_frame(&h, PYR__FRAME_MESSAGE).flags, PYR__MSG | PYR__MORE);
	hand_skip_frames(&h);
	hand_finish(&h, STREAM, PYR_OK, 0);
	hand_frame(&h, PYR__FRAME_FINAL);
	hand_end(&h);
}

Test(session_queue, long_messages_of_different_calls_take_turns)
{
	hand h = hand_client();
	uint32_t streams[3];
	for (int i = 0; i < 3; i++)
		streams[i] = hand_make_call(&h, "a/b", 300000, true, NULL);
	for (int i = 0; i < 3; i++)
		hand_frame(&h, PYR__FRAME_CALL);
	for (int round = 0; round < 5; round++)
		for (int i = 0; i < 3; i++)
			cr_assert_eq(hand_frame(&h, PYR__FRAME_MESSAGE).stream, streams[i],
				"round %d", round);
	hand_end(&h);
}

/* What was given out, but not taken, when the short call was made goes first; then the call. */
Test(session_queue, a_short_call_does_not_wait_for_a_long_message)
{
	hand h = hand_client();
	hand_make_call(&h, "a/long", 4 << 20, true, NULL);
	hand_give_window(&h, 0, 4 << 20);
	hand_no_event(&h);
	struct iovec vectors[16];
	cr_assert_gt(pyr__session_output(h.session, vectors, 16), 0);
	uint32_t stream = hand_make_call(&h, "a/short", 10, true, NULL);
	size_t before = 0;
	for (;;) {
		int count = pyr__session_output(h.session, vectors, 1);
		cr_assert_eq(count, 1);
		const uint8_t *data = vectors[0].iov_base;
		size_t size = vectors[0].iov_len;
		if (size >= 12 + PYR__FRAME_HEADER && data[size - 10 - 1 - 12] != 'x' &&
			memmem(data, size, "a/short", 7))
			break;
		before += size;
		pyr__session_sent(h.session, size);
	}
	cr_assert_leq(before, 300000, "%zu bytes go before the short call", before);
	cr_assert_neq(stream, 0);
	hand_skip_frames(&h);
	hand_end(&h);
}

Test(session_queue, an_end_behind_a_long_message_goes_with_its_last_fragment)
{
	hand h = hand_client();
	uint32_t stream = hand_make_call(&h, "a/b", 100000, false, NULL);
	pyr_error err;
	cr_assert_eq(hand_send(&h, stream, 1, false, &err), PYR_RESOURCE_EXHAUSTED);
	cr_assert(err.would_block);
	cr_assert_eq(pyr__session_end(h.session, stream, NULL), PYR_OK);
	cr_assert_eq(hand_send(&h, stream, 1, false, &err), PYR_FAILED_PRECONDITION);
	hand_frame(&h, PYR__FRAME_CALL);
	cr_assert_eq(hand_frame(&h, PYR__FRAME_MESSAGE).flags, PYR__MSG | PYR__CONT | PYR__MORE);
	cr_assert_eq(hand_frame(&h, PYR__FRAME_MESSAGE).flags, PYR__MSG | PYR__CONT | PYR__END);
	hand_event(&h, PYR__EVENT_WRITABLE);
	hand_end(&h);
}

Test(session_queue, a_long_message_stops_when_its_call_is_given_up_or_answered)
{
	for (int answered = 0; answered < 2; answered++) {
		hand h = hand_client();
		uint32_t stream = hand_make_call(&h, "a/b", 1 << 20, true, NULL);
		struct iovec vectors[16];
		cr_assert_gt(pyr__session_output(h.session, vectors, 16), 0);
		if (answered) {
			hand_final(&h, stream, PYR_NOT_FOUND, NULL, 0);
			hand_event(&h, PYR__EVENT_FINAL);
		} else {
			pyr__session_reset(h.session, stream);
		}
		cr_assert_lt(pyr__session_queued(h.session), 300000);
		hand_frame(&h, PYR__FRAME_CALL);
		for (int part = 0; part < 4; part++)
			hand_frame(&h, PYR__FRAME_MESSAGE);
		if (!answered)
			hand_frame(&h, PYR__FRAME_RESET);
		hand_end(&h);
	}
}

Test(session_queue, long_messages_are_given_out_in_place)
{
	hand h = hand_client();
	hand_make_call(&h, "a/b", 500000, true, NULL);
	struct iovec vectors[16];
	int count = pyr__session_output(h.session, vectors, 16);
	cr_assert_geq(count, 4);
	cr_assert_eq(vectors[1].iov_len, 65536);
	cr_assert_eq((const uint8_t *)vectors[3].iov_base - (const uint8_t *)vectors[1].iov_base,
		65536, "fragments do not lie where the message was packed");
	hand_skip_frames(&h);
	hand_end(&h);
}

Test(session_queue, a_full_queue_refuses_calls_and_long_answers)
{
	pyr__session_config config;
	pyr__session_config_init(&config, false);
	config.queue_max = 200000;
	hand h = hand_new(&config, true);
	hand_make_call(&h, "a/b", 150000, true, NULL);
	pyr__head head = {.method = {"a/b", 3}};
	pyr__body body = {.raw = hand_bytes(60000), .size = 60000};
	uint32_t stream;
	pyr_error err;
	cr_assert_eq(pyr__session_call(h.session, &head, &body, true, NULL, &stream, &err),
		PYR_RESOURCE_EXHAUSTED);
	cr_assert_str_eq(err.message, "too many bytes wait to be sent");
	cr_assert_eq(err.executed, PYR_EXECUTED_NO);
	cr_assert(!err.would_block);
	hand_skip_frames(&h);
	hand_end(&h);

	config.server = true;
	h = hand_new(&config, true);
	hand_call(&h, STREAM, PYR__END, "a/b", "", 0);
	hand_event(&h, PYR__EVENT_CALL);
	cr_assert_eq(hand_finish(&h, STREAM, PYR_OK, 250000), PYR_RESOURCE_EXHAUSTED);
	pyr__frame frame = hand_frame(&h, PYR__FRAME_FINAL);
	cr_assert_eq(hand_field(&frame, PYR__FINAL_STATUS).data[0], PYR_RESOURCE_EXHAUSTED);
	cr_assert_eq(hand_field(&frame, PYR__FINAL_EXECUTED).data[0], PYR_EXECUTED_YES);
	hand_end(&h);
}

Test(session_queue, no_memory_for_a_long_message_is_an_error_of_its_call)
{
	hand h = hand_client();
	uint32_t stream = hand_make_call(&h, "a/b", 0, false, NULL);
	pyr__head head = {.method = {"a/b", 3}};
	pyr__body body = {.raw = hand_bytes(100000), .size = 100000};
	uint32_t id;
	failing_alloc_at(1);
	cr_assert_eq(pyr__session_call(h.session, &head, &body, true, NULL, &id, NULL),
		PYR_RESOURCE_EXHAUSTED);
	failing_alloc_at(1);
	cr_assert_eq(hand_send(&h, stream, 100000, false, NULL), PYR_RESOURCE_EXHAUSTED);
	failing_alloc_at(0);
	hand_frame(&h, PYR__FRAME_CALL);
	hand_end(&h);
}
