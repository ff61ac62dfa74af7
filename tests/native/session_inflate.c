/* SPDX-License-Identifier: Apache-2.0 */
/* Deflated messages that are not what they say, or that there is no memory to inflate. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "failing_alloc.h"
#include "leaks.h"
#include "native/hand_deflated.h"

#define MESSAGE_MOST (4u << 20)

/* Bombs */

static void expect_exhausted(hand *h, uint32_t stream)
{
	pyr__frame frame = hand_frame(h, PYR__FRAME_FINAL);
	cr_assert_eq(frame.stream, stream);
	cr_assert_eq(hand_field(&frame, PYR__FINAL_STATUS).data[0], PYR_RESOURCE_EXHAUSTED);
}

/* The connection goes on. */
static void expect_a_call_is_taken(hand *h)
{
	hand_call(h, STREAM + 9, PYR__END, "a/b", "x", 1);
	hand_event(h, PYR__EVENT_CALL);
	hand_finish(h, STREAM + 9, PYR_OK, 0);
	hand_frame(h, PYR__FRAME_FINAL);
}

Test(session_inflate, one_byte_too_many_announced_ends_the_call_alone)
{
	hand h = hand_deflating(true);
	hand_deflated d = hand_deflate_x(MESSAGE_MOST + 1);
	cr_assert_lt(d.size, 10000);
	hand_call(&h, STREAM, PYR__DEFLATED, "a/b", d.data, d.size);
	hand_no_event(&h);
	expect_exhausted(&h, STREAM);
	hand_frame(&h, PYR__FRAME_WINDOW); /* all of it is given back */
	hand_call(&h, STREAM + 1, 0, "a/b", NULL, 0);
	hand_event(&h, PYR__EVENT_CALL);
	hand_give_frame(
		&h, PYR__FRAME_MESSAGE, PYR__MSG | PYR__DEFLATED, STREAM + 1, d.data, d.size);
	hand_event(&h, PYR__EVENT_CANCEL);
	expect_exhausted(&h, STREAM + 1);
	hand_frame(&h, PYR__FRAME_WINDOW);
	uint8_t sizes[8];
	hand_announce_parts(sizes, &d);
	hand_call(&h, STREAM + 2, PYR__MORE | PYR__DEFLATED, "a/b", sizes, sizeof sizes);
	hand_no_event(&h);
	expect_exhausted(&h, STREAM + 2);
	hand_frame(&h, PYR__FRAME_WINDOW);
	expect_a_call_is_taken(&h);
	hand_end(&h);
}

Test(session_inflate, an_answer_longer_than_the_limit_ends_its_call_alone)
{
	pyr__session_config config;
	pyr__session_config_init(&config, false);
	config.message_max = 1000;
	hand h = hand_with_deflated(&config);
	hand_make_call(&h, "a/b", 0, true, NULL);
	hand_make_call(&h, "a/b", 0, true, NULL);
	hand_skip_frames(&h);
	hand_deflated d = hand_deflate_x(1001);
	hand_give_deflated_final(&h, STREAM, &d);
	pyr__event event = hand_event(&h, PYR__EVENT_FINAL);
	cr_assert_eq(event.final.status, PYR_RESOURCE_EXHAUSTED);
	cr_assert_eq(event.final.executed, PYR_EXECUTED_YES);
	cr_assert(!event.has_message);
	d = hand_deflate_x(1000);
	hand_give_deflated_final(&h, STREAM + 1, &d);
	event = hand_event(&h, PYR__EVENT_FINAL);
	hand_expect_x(&event, 1000);
	hand_end(&h);
}

/* Ten thousand calls could otherwise be answered with 4 MiB each, for no window at all. */
Test(session_inflate, an_answer_cannot_be_longer_than_a_frame)
{
	hand h = hand_deflating_with_call(false);
	hand_deflated d = hand_deflate_x(PYR__FRAME_MAX + 1);
	hand_give_deflated_final(&h, STREAM, &d);
	hand_expect_violation(&h, "a malformed FINAL on the stream 00010000");
}

static void expect_for_message(const uint8_t *data, size_t size, const char *reason)
{
	hand h = hand_deflating_with_call(true);
	hand_give_frame(&h, PYR__FRAME_MESSAGE, PYR__MSG | PYR__DEFLATED, STREAM, data, size);
	hand_expect_violation(&h, reason);
}

Test(session_inflate, what_inflates_to_another_size_is_a_violation)
{
	static const char reason[] = "a deflated message on the stream 00010000 does not inflate "
				     "to 1000 bytes";
	hand_deflated d = hand_deflate(hand_bytes(1 << 20), 1 << 20, 1000);
	expect_for_message(d.data, 1000, reason); /* that is longer in fact, and cut short */
	d = hand_deflate(hand_bytes(1001), 1001, 1000);
	expect_for_message(d.data, d.size, reason);
	d = hand_deflate(hand_bytes(999), 999, 1000);
	expect_for_message(d.data, d.size, reason);
	d = hand_deflate(hand_bytes(1000), 1000, 1000);
	expect_for_message(d.data, d.size - 1, reason);
	d.data[d.size] = 0;
	expect_for_message(d.data, d.size + 1, reason);
	memset(d.data + 4, 'x', d.size - 4);
	expect_for_message(d.data, d.size, reason);
}

Test(session_inflate, an_answer_or_a_call_that_does_not_inflate_is_a_violation)
{
	hand_deflated d = hand_deflate(hand_bytes(999), 999, 1000);
	hand h = hand_deflating_with_call(false);
	hand_give_deflated_final(&h, STREAM, &d);
	cr_assert_eq(hand_event(&h, PYR__EVENT_FINAL).final.status, PYR_INVALID_ARGUMENT);
	hand_expect_violation(&h, "does not inflate to 1000 bytes");
	h = hand_deflating(true);
	hand_call(&h, STREAM, PYR__END | PYR__DEFLATED, "a/b", d.data, d.size);
	hand_expect_violation(&h, "does not inflate to 1000 bytes");
}

Test(session_inflate, parts_that_do_not_inflate_are_a_violation)
{
	uint8_t sizes[8];
	hand_deflated d = hand_deflate(hand_long_bytes(), HAND_LONG_BYTES, HAND_LONG_BYTES + 1);
	hand_announce_parts(sizes, &d);
	hand h = hand_deflating(true);
	hand_call(&h, STREAM, PYR__MORE | PYR__DEFLATED, "a/b", sizes, sizeof sizes);
	hand_give_parts(&h, &d, PYR__END);
	hand_expect_violation(&h, "does not inflate to 300001 bytes");
	h = hand_deflating_with_call(true);
	hand_give_frame(&h, PYR__FRAME_MESSAGE, PYR__MSG | PYR__MORE | PYR__DEFLATED, STREAM, sizes,
		sizeof sizes);
	hand_give_parts(&h, &d, 0);
	hand_expect_violation(&h, "does not inflate to 300001 bytes");
}

static void expect_malformed(uint8_t type, uint8_t flags, const void *data, size_t size)
{
	char reason[64];
	snprintf(reason, sizeof reason, "a malformed %s on the stream", pyr__frame_name(type));
	hand h = type == PYR__FRAME_CALL ? hand_deflating(true)
					 : hand_deflating_with_call(type != PYR__FRAME_FINAL);
	if (type == PYR__FRAME_CALL)
		hand_call(&h, STREAM, flags & (uint8_t)~PYR__MSG, "a/b",
			flags & PYR__MSG ? data : NULL, size);
	else
		hand_give_frame(&h, type, flags, STREAM, data, size);
	hand_expect_violation(&h, reason);
}

Test(session_inflate, sizes_that_cannot_be_are_violations)
{
	const uint8_t whole = PYR__MSG | PYR__DEFLATED, parts = whole | PYR__MORE;
	static const uint8_t types[] = {PYR__FRAME_CALL, PYR__FRAME_MESSAGE};
	for (size_t i = 0; i < sizeof types; i++) {
		expect_malformed(types[i], whole, "", 0);
		expect_malformed(types[i], whole, "\x5\0\0", 3);
		expect_malformed(types[i], whole, "\x5\0\0\0", 4);   /* no stream */
		expect_malformed(types[i], whole, "\0\0\0\0x", 5);   /* of nothing */
		expect_malformed(types[i], whole, "\x2\0\0\0xx", 6); /* no shorter */
		expect_malformed(types[i], parts, "\x5\0\0\0", 4);   /* one size */
		expect_malformed(types[i], parts, "\x5\0\0\0\x6\0\0\0x", 9);
		expect_malformed(types[i], parts, "\0\0\0\0\x6\0\0\0", 8); /* no stream */
		expect_malformed(types[i], parts, "\x6\0\0\0\x6\0\0\0", 8);
		expect_malformed(types[i], PYR__DEFLATED, "", 0); /* no message */
	}
	expect_malformed(PYR__FRAME_MESSAGE, PYR__DEFLATED | PYR__END, "", 0);
	expect_malformed(PYR__FRAME_MESSAGE, whole | PYR__CONT, "x", 1);
	expect_malformed(PYR__FRAME_FINAL, PYR__DEFLATED, "\0\0", 2);
	expect_malformed(PYR__FRAME_FINAL, whole, "\0\0\x2\0\0\0xx", 8);
}

/* Memory */

Test(session_inflate, no_memory_to_inflate_into_ends_the_call_alone)
{
	unsigned nth = 1;
	for (bool taken = false; !taken; nth++) {
		hand h = hand_deflating(true);
		hand_deflated d = hand_deflate_x(1000);
		hand_call(&h, STREAM, PYR__END | PYR__DEFLATED, "a/b", d.data, d.size);
		pyr__event event;
		failing_alloc_at(nth);
		taken = pyr__session_next(h.session, &event);
		failing_alloc_at(0);
		if (!taken) {
			expect_exhausted(&h, STREAM);
			expect_a_call_is_taken(&h);
		}
		hand_end(&h);
	}
	cr_assert_gt(nth, 3);
}

Test(session_inflate, no_memory_to_inflate_a_message_into_ends_its_call_alone)
{
	for (unsigned nth = 1; nth <= 2; nth++) {
		hand h = hand_deflating_with_call(true);
		hand_deflated d = hand_deflate_x(1000);
		hand_give_frame(
			&h, PYR__FRAME_MESSAGE, PYR__MSG | PYR__DEFLATED, STREAM, d.data, d.size);
		failing_alloc_at(nth);
		hand_event(&h, PYR__EVENT_CANCEL);
		failing_alloc_at(0);
		expect_exhausted(&h, STREAM);
		expect_a_call_is_taken(&h);
		hand_end(&h);

		h = hand_deflating_with_call(false);
		hand_give_deflated_final(&h, STREAM, &d);
		failing_alloc_at(nth);
		pyr__event event = hand_event(&h, PYR__EVENT_FINAL);
		failing_alloc_at(0);
		cr_assert_eq(event.final.status, PYR_RESOURCE_EXHAUSTED);
		TEXT_IS(event.final.message, "there is no memory for the message");
		hand_end(&h);
	}
}

Test(session_inflate, no_memory_to_inflate_parts_into_ends_their_call_alone)
{
	uint8_t sizes[8];
	hand_deflated d = hand_deflate_x(100000);
	hand_announce_parts(sizes, &d);
	for (unsigned nth = 2; nth <= 3; nth++) { /* the first is for what comes */
		hand h = hand_deflating(true);
		hand_call(&h, STREAM, PYR__MORE | PYR__DEFLATED, "a/b", sizes, sizeof sizes);
		hand_give_parts(&h, &d, PYR__END);
		failing_alloc_at(nth);
		hand_no_event(&h);
		failing_alloc_at(0);
		expect_exhausted(&h, STREAM);
		expect_a_call_is_taken(&h);
		hand_end(&h);
	}
}

/* In a frame of its own, where no pointer to what was told is left for LeakSanitizer to find. */
__attribute__((noinline)) static void tell_a_message(hand *h)
{
	hand_deflated d = hand_deflate_x(1000);
	hand_give_frame(h, PYR__FRAME_MESSAGE, PYR__MSG | PYR__DEFLATED, STREAM, d.data, d.size);
	hand_event(h, PYR__EVENT_MESSAGE);
}

Test(session_inflate, a_session_that_ends_gives_the_message_back_that_it_has_told)
{
	hand h = hand_deflating_with_call(true);
	tell_a_message(&h);
	pyr__session_free(h.session);
	free(h.sent);
	CHECK_LEAKS();
}
