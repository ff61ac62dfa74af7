/* SPDX-License-Identifier: Apache-2.0 */
/* A session's life: its making, its calls' slots, its end. */
#include <string.h>
#include "failing_alloc.h"
#include "leaks.h"
#include "native/hand.h"

Test(session, without_memory_there_is_none)
{
	pyr__session_config config;
	pyr__session_config_init(&config, false);
	pyr__session *session;
	unsigned nth = 1;
	for (; failing_alloc_at(nth), !(session = pyr__session_new(&config)); nth++)
		;
	failing_alloc_at(0);
	cr_assert_gt(nth, 1);
	pyr__session_free(session);
	pyr__session_free(NULL);
	CHECK_LEAKS();
}

Test(session, slots_are_used_again_with_the_next_generation)
{
	hand h = hand_client();
	for (uint32_t i = 1; i <= 0x7fff + 2u; i++) {
		uint32_t stream = hand_make_call(&h, "a/b", 0, true, NULL);
		uint32_t generation = i <= 0x7fff ? i : i - 0x7fff;
		cr_assert_eq(stream, generation << 16, "call %u has the id %08x", i, stream);
		hand_skip_frames(&h);
		hand_final(&h, stream, PYR_OK, NULL, 0);
		hand_event(&h, PYR__EVENT_FINAL);
	}
	hand_end(&h);
}

Test(session, a_servers_own_calls_have_the_other_direction)
{
	hand h = hand_server();
	cr_assert_eq(hand_make_call(&h, "a/b", 0, true, NULL), THEIRS);
	hand_frame(&h, PYR__FRAME_CALL);
	hand_final(&h, THEIRS, PYR_OK, NULL, 0);
	hand_event(&h, PYR__EVENT_FINAL);
	hand_end(&h);
}

Test(session, a_server_says_nothing_before_the_clients_hello)
{
	pyr__session_config config;
	pyr__session_config_init(&config, true);
	hand h = hand_new(&config, false);
	hand_make_call(&h, "a/b", 1, true, NULL);
	pyr__session_ping(h.session, 1);
	hand_no_frame(&h);
	hand_give_hello(&h);
	hand_event(&h, PYR__EVENT_READY);
	hand_frame(&h, PYR__FRAME_HELLO);
	hand_frame(&h, PYR__FRAME_CALL);
	hand_final(&h, THEIRS, PYR_OK, NULL, 0);
	hand_event(&h, PYR__EVENT_FINAL);
	hand_end(&h);
}

Test(session, a_oneway_call_leaves_nothing_behind)
{
	hand h = hand_client();
	pyr__head head = {.method = {"a/b", 3}, .oneway = true};
	for (int i = 0; i < 3; i++) {
		pyr__body body = {.raw = hand_bytes(100000), .size = i == 1 ? 100000 : 10};
		uint32_t stream = 77;
		cr_assert_eq(pyr__session_call(h.session, &head, &body, true, NULL, &stream, NULL),
			PYR_OK);
		cr_assert_eq(stream, 0);
		pyr__frame frame = hand_frame(&h, PYR__FRAME_CALL);
		cr_assert(frame.flags & PYR__ONEWAY);
		hand_skip_frames(&h);
		cr_assert(!pyr__session_busy(h.session));
	}
	hand_end(&h);
}

Test(session, who_gives_up_or_answers_is_not_lost)
{
	hand h = hand_server();
	hand_call(&h, STREAM, PYR__END, "a/b", "", 0);
	hand_event(&h, PYR__EVENT_CALL);
	hand_give_frame(&h, PYR__FRAME_RESET, 0, STREAM, "", 0);
	cr_assert_not(hand_event(&h, PYR__EVENT_CANCEL).lost);
	hand_finish(&h, STREAM, PYR_CANCELLED, 0);
	uint32_t stream = hand_make_call(&h, "a/b", 0, true, NULL);
	hand_final(&h, stream, PYR_UNAVAILABLE, NULL, 0);
	cr_assert_not(hand_event(&h, PYR__EVENT_FINAL).lost);
	hand_skip_frames(&h);
	hand_end(&h);
}

Test(session, the_end_tells_every_call_once)
{
	hand h = hand_server();
	int users[4];
	for (uint32_t i = 0; i < 2; i++) {
		hand_call(&h, STREAM + i, PYR__END, "a/b", "", 0);
		hand_event(&h, PYR__EVENT_CALL);
		pyr__session_set_user(h.session, STREAM + i, &users[i]);
		hand_make_call(&h, "a/b", 0, true, &users[2 + i]);
	}
	hand_call(&h, STREAM + 2, PYR__MORE, "a/b", "\0\0\1\0", 4); /* not whole: never told */
	hand_no_event(&h);
	pyr__session_disconnect(h.session, PYR_UNAVAILABLE, "the line was cut");
	pyr__session_disconnect(h.session, PYR_INTERNAL, "for another reason");
	for (int i = 0; i < 2; i++) {
		pyr__event event = hand_event(&h, PYR__EVENT_FINAL);
		cr_assert_eq(event.user, &users[2 + i]);
		cr_assert_eq(event.final.status, PYR_UNAVAILABLE);
		TEXT_IS(event.final.message, "the line was cut");
		cr_assert(event.lost);
	}
	for (int i = 0; i < 2; i++) {
		pyr__event event = hand_event(&h, PYR__EVENT_CANCEL);
		cr_assert_eq(event.user, &users[i]);
		cr_assert(event.lost);
	}
	hand_event(&h, PYR__EVENT_CLOSED);
	cr_assert_eq(hand_finish(&h, STREAM, PYR_OK, 0), PYR_CANCELLED);
	pyr_error err;
	uint32_t stream;
	pyr__head head = {.method = {"a/b", 3}};
	cr_assert_eq(pyr__session_call(h.session, &head, NULL, true, NULL, &stream, &err),
		PYR_UNAVAILABLE);
	cr_assert_str_eq(err.message, "the line was cut");
	hand_skip_frames(&h);
	hand_end(&h);
}
