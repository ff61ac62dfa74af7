/* SPDX-License-Identifier: Apache-2.0 */
/* MESSAGE, METADATA, FINAL and RESET, received. */
#include <stdio.h>
#include <string.h>
#include "failing_alloc.h"
#include "leaks.h"
#include "native/hand.h"
#include "native/session_private.h"

/* A server with one call open, to which the peer may still send. */
static hand with_call(void)
{
	hand h = hand_server();
	hand_call(&h, STREAM, 0, "a/b", NULL, 0);
	hand_event(&h, PYR__EVENT_CALL);
	return h;
}

/* A client with one call open. */
static hand with_own_call(void)
{
	hand h = hand_client();
	hand_make_call(&h, "a/b", 0, false, NULL);
	hand_skip_frames(&h);
	return h;
}

static void expect_for(
	bool server, uint8_t type, uint8_t flags, const void *data, size_t size, const char *reason)
{
	hand h = server ? with_call() : with_own_call();
	hand_give_frame(&h, type, flags, STREAM, data, size);
	hand_expect_violation(&h, reason);
}

Test(session_message, frames_for_streams_that_never_were_are_violations)
{
	static const uint8_t types[] = {
		PYR__FRAME_MESSAGE, PYR__FRAME_METADATA, PYR__FRAME_FINAL, PYR__FRAME_RESET};
	for (size_t i = 0; i < sizeof types; i++) {
		bool to_server = types[i] == PYR__FRAME_RESET || types[i] == PYR__FRAME_MESSAGE;
		hand h = to_server ? hand_server() : hand_client();
		char reason[80];
		snprintf(reason, sizeof reason, "%s for the stream 00010000, which does not exist",
			pyr__frame_name(types[i]));
		uint8_t flags = types[i] == PYR__FRAME_MESSAGE ? PYR__MSG : 0;
		hand_give_frame(
			&h, types[i], flags, STREAM, "\0\0", types[i] == PYR__FRAME_FINAL ? 2 : 0);
		hand_expect_violation(&h, reason);
	}
}

Test(session_message, frames_in_the_wrong_direction_are_violations)
{
	expect_for(
		true, PYR__FRAME_FINAL, 0, "\0\0", 2, "a malformed FINAL on the stream 00010000");
	expect_for(true, PYR__FRAME_METADATA, 0, "", 0, "a malformed METADATA");
	expect_for(false, PYR__FRAME_RESET, 0, "", 0, "a malformed RESET");
	expect_for(false, PYR__FRAME_MESSAGE, PYR__MSG | PYR__END, "", 0, "a malformed MESSAGE");
}

Test(session_message, malformed_messages_are_violations)
{
	static const char malformed[] = "a malformed MESSAGE on the stream 00010000";
	expect_for(true, PYR__FRAME_MESSAGE, 0, "", 0, malformed);
	expect_for(true, PYR__FRAME_MESSAGE, PYR__END, "x", 1, malformed);
	expect_for(true, PYR__FRAME_MESSAGE, PYR__END | PYR__CONT, "", 0, malformed);
	expect_for(true, PYR__FRAME_MESSAGE, PYR__MSG | PYR__MORE, "12345", 5, malformed);
	expect_for(true, PYR__FRAME_MESSAGE, PYR__MSG | PYR__MORE | PYR__END, "1234", 4, malformed);
	expect_for(true, PYR__FRAME_MESSAGE, PYR__MSG | PYR__MORE, "\0\0\0\0", 4,
		"a message in parts on the stream 00010000 is empty");
	expect_for(true, PYR__FRAME_MESSAGE, PYR__MSG | PYR__CONT, "x", 1,
		"MESSAGE on the stream 00010000 is out of turn");
	expect_for(true, PYR__FRAME_RESET, 0, "x", 1, "a malformed RESET");
}

Test(session_message, parts_must_come_in_turn_and_make_up_what_was_announced)
{
	static const uint8_t total[] = {10, 0, 0, 0};
	static const struct {
		uint8_t flags;
		size_t size;
		const char *reason;
	} second[] = {
		{PYR__MSG, 3, "MESSAGE on the stream 00010000 is out of turn"},
		{PYR__END, 0, "MESSAGE on the stream 00010000 is out of turn"},
		{PYR__MSG | PYR__CONT, 9, "a message ends after 9 of 10 bytes"},
		{PYR__MSG | PYR__CONT, 11, "a message is longer than its announced 10 bytes"},
		{PYR__MSG | PYR__CONT | PYR__MORE, 11, "a message is longer than its announced"},
	};
	for (size_t i = 0; i < sizeof second / sizeof *second; i++) {
		hand h = with_call();
		hand_give_frame(
			&h, PYR__FRAME_MESSAGE, PYR__MSG | PYR__MORE, STREAM, total, sizeof total);
		hand_no_event(&h);
		hand_give_frame(&h, PYR__FRAME_MESSAGE, second[i].flags, STREAM,
			hand_bytes(second[i].size), second[i].size);
		hand_expect_violation(&h, second[i].reason);
	}
}

Test(session_message, nothing_comes_behind_the_end)
{
	hand h = with_call();
	hand_give_frame(&h, PYR__FRAME_MESSAGE, PYR__END, STREAM, NULL, 0);
	hand_event(&h, PYR__EVENT_END);
	hand_give_frame(&h, PYR__FRAME_MESSAGE, PYR__MSG, STREAM, "x", 1);
	hand_expect_violation(&h, "MESSAGE on the stream 00010000 is out of turn");
}

Test(session_message, frames_for_a_call_that_was_just_answered_are_ignored)
{
	hand h = with_call();
	hand_finish(&h, STREAM, PYR_OK, 0);
	hand_frame(&h, PYR__FRAME_FINAL);
	hand_give_frame(&h, PYR__FRAME_MESSAGE, PYR__MSG, STREAM, "x", 1);
	hand_give_window(&h, STREAM, 100);
	hand_give_frame(&h, PYR__FRAME_RESET, 0, STREAM, NULL, 0);
	hand_end(&h);
}

Test(session_message, nothing_comes_behind_final)
{
	hand h = with_own_call();
	hand_final(&h, STREAM, PYR_OK, "", 0);
	hand_event(&h, PYR__EVENT_FINAL);
	hand_final(&h, STREAM, PYR_OK, "", 0);
	hand_expect_violation(&h, "FINAL for the stream 00010000, which does not exist");
}

Test(session_message, a_message_longer_than_the_limit_ends_its_call_alone)
{
	pyr__session_config config;
	pyr__session_config_init(&config, true);
	config.message_max = 100;
	hand h = hand_new(&config, true);
	hand_call(&h, STREAM, 0, "a/b", NULL, 0);
	hand_event(&h, PYR__EVENT_CALL);
	hand_give_frame(&h, PYR__FRAME_MESSAGE, PYR__MSG, STREAM, hand_bytes(101), 101);
	hand_event(&h, PYR__EVENT_CANCEL);
	pyr__frame frame = hand_frame(&h, PYR__FRAME_FINAL);
	cr_assert_eq(hand_field(&frame, PYR__FINAL_STATUS).data[0], PYR_RESOURCE_EXHAUSTED);
	cr_assert_eq(hand_finish(&h, STREAM, PYR_OK, 0), PYR_CANCELLED);
	hand_end(&h);

	config.server = false;
	h = hand_new(&config, true);
	hand_make_call(&h, "a/b", 0, true, NULL);
	hand_make_call(&h, "a/b", 0, true, NULL);
	hand_skip_frames(&h);
	hand_give_frame(&h, PYR__FRAME_MESSAGE, PYR__MSG, STREAM, hand_bytes(101), 101);
	pyr__event event = hand_event(&h, PYR__EVENT_FINAL);
	cr_assert_eq(event.final.status, PYR_RESOURCE_EXHAUSTED);
	hand_frame(&h, PYR__FRAME_RESET);
	hand_final(&h, STREAM, PYR_OK, "x", 1); /* it has crossed the RESET */
	hand_final(&h, STREAM + 1, PYR_OK, hand_bytes(101), 101);
	event = hand_event(&h, PYR__EVENT_FINAL);
	cr_assert_eq(event.stream, STREAM + 1);
	cr_assert_eq(event.final.status, PYR_RESOURCE_EXHAUSTED);
	cr_assert_eq(event.final.executed, PYR_EXECUTED_YES);
	hand_end(&h);
}

Test(session_message, no_memory_for_a_long_message_ends_its_call_alone)
{
	static const uint8_t total[] = {0, 0, 2, 0};
	hand h = with_call();
	hand_give_frame(&h, PYR__FRAME_MESSAGE, PYR__MSG | PYR__MORE, STREAM, total, sizeof total);
	hand_no_event(&h);
	hand_give_frame(&h, PYR__FRAME_MESSAGE, PYR__MSG | PYR__CONT | PYR__MORE, STREAM,
		hand_bytes(1000), 1000);
	failing_alloc_at(1);
	hand_event(&h, PYR__EVENT_CANCEL);
	failing_alloc_at(0);
	pyr__frame frame = hand_frame(&h, PYR__FRAME_FINAL);
	TEXT_IS(hand_field(&frame, PYR__FINAL_MESSAGE), "there is no memory for the message");
	hand_end(&h);
}

static void expect_room(hand *h, size_t least, size_t most)
{
	hand_no_event(h);
	size_t room = pyr__session_find(h->session, STREAM)->partial->block->size;
	cr_assert(room >= least && room <= most, "%zu bytes", room);
}

/* Whoever announces much and sends little makes us take little. */
Test(session_message, room_for_a_message_grows_with_what_has_come)
{
	static const uint8_t total[] = {0, 0, 0x40, 0}; /* 4 MiB */
	const uint8_t part = PYR__MSG | PYR__CONT | PYR__MORE;
	hand h = with_call();
	hand_give_frame(&h, PYR__FRAME_MESSAGE, PYR__MSG | PYR__MORE, STREAM, total, sizeof total);
	hand_give_frame(&h, PYR__FRAME_MESSAGE, part, STREAM, hand_bytes(1000), 1000);
	expect_room(&h, 1000, 2000);
	for (size_t got = 1000 + 60000; got < 1000000; got += 60000) {
		hand_give_frame(&h, PYR__FRAME_MESSAGE, part, STREAM, hand_bytes(60000), 60000);
		expect_room(&h, got, 2 * got);
	}
	hand_end(&h);
}

/* METADATA */

Test(session_message, metadata_comes_once_and_first)
{
	hand h = with_own_call();
	hand_give_frame(&h, PYR__FRAME_METADATA, 0, STREAM, "\1\1\0kv", 5);
	cr_assert_eq(hand_event(&h, PYR__EVENT_METADATA).final.metadata.size, 5);
	hand_give_frame(&h, PYR__FRAME_METADATA, 0, STREAM, "\1\1\0kv", 5);
	hand_expect_violation(&h, "METADATA on the stream 00010000 is out of turn");
	h = with_own_call();
	hand_give_frame(&h, PYR__FRAME_MESSAGE, PYR__MSG, STREAM, "", 0);
	hand_event(&h, PYR__EVENT_MESSAGE);
	hand_give_frame(&h, PYR__FRAME_METADATA, 0, STREAM, "\1\1\0kv", 5);
	hand_expect_violation(&h, "METADATA on the stream 00010000 is out of turn");
}

Test(session_message, malformed_or_too_much_metadata_is_a_violation)
{
	static uint8_t much[8193];
	expect_for(false, PYR__FRAME_METADATA, 0, "\1\2\0kv", 5, "a malformed METADATA");
	expect_for(false, PYR__FRAME_METADATA, 0, much, sizeof much, "a malformed METADATA");
}

Test(session_message, our_metadata_comes_once_and_first_too)
{
	pyr__text metadata = {"\1\1\0kv", 5};
	hand h = with_call();
	cr_assert_eq(pyr__session_metadata(h.session, STREAM, metadata, NULL), PYR_OK);
	cr_assert_eq(
		pyr__session_metadata(h.session, STREAM, metadata, NULL), PYR_FAILED_PRECONDITION);
	hand_frame(&h, PYR__FRAME_METADATA);
	hand_finish(&h, STREAM, PYR_OK, 0);
	hand_frame(&h, PYR__FRAME_FINAL);
	hand_end(&h);
}

/* FINAL */

Test(session_message, everything_in_a_final_is_told)
{
	uint8_t data[256], *at = data + 2;
	hand h = with_own_call();
	at = pyr__put_u8(at, PYR__FINAL_STATUS | PYR__CRITICAL, PYR_NOT_FOUND);
	at = pyr__put_text(at, PYR__FINAL_MESSAGE, (pyr__text){"no such clock", 13});
	at = pyr__put_text(at, PYR__FINAL_WHERE, (pyr__text){"clock", 5});
	at = pyr__put_text(at, PYR__FINAL_DETAILS, (pyr__text){"details", 7});
	at = pyr__put_text(at, PYR__FINAL_METADATA, (pyr__text){"\1\1\0kv", 5});
	at = pyr__put_u8(at, PYR__FINAL_EXECUTED, PYR_EXECUTED_NO);
	at = pyr__put_field(at, 60, "later", 5);
	pyr__store16(data, (uint16_t)(at - data - 2));
	hand_give_frame(&h, PYR__FRAME_FINAL, 0, STREAM, data, (size_t)(at - data));
	pyr__event event = hand_event(&h, PYR__EVENT_FINAL);
	cr_assert_eq(event.final.status, PYR_NOT_FOUND);
	cr_assert_eq(event.final.executed, PYR_EXECUTED_NO);
	TEXT_IS(event.final.message, "no such clock");
	TEXT_IS(event.final.where, "clock");
	TEXT_IS(event.final.details, "details");
	cr_assert_eq(event.final.metadata.size, 5);
	cr_assert(!event.has_message);
	hand_end(&h);
}

Test(session_message, statuses_of_the_future_are_unknown)
{
	hand h = with_own_call();
	hand_final(&h, STREAM, (pyr_status)17, NULL, 0);
	cr_assert_eq(hand_event(&h, PYR__EVENT_FINAL).final.status, PYR_UNKNOWN);
	hand_end(&h);
}

Test(session_message, malformed_finals_are_violations)
{
	static const char malformed[] = "a malformed FINAL on the stream 00010000";
	static const uint8_t wide_status[] = {5, 0, 1, 2, 0, 5, 0};
	static const uint8_t metadata[] = {5, 0, 5, 2, 0, 1, 0};
	static const uint8_t critical[] = {3, 0, 60 | 0x80, 0, 0};
	static const uint8_t cut[] = {2, 0, 1, 1};
	expect_for(false, PYR__FRAME_FINAL, 0, "", 0, malformed);
	expect_for(false, PYR__FRAME_FINAL, 0, "\5\0", 2, malformed);
	expect_for(false, PYR__FRAME_FINAL, 0, "\0\0x", 3, malformed); /* no MSG */
	expect_for(false, PYR__FRAME_FINAL, 0, wide_status, sizeof wide_status, malformed);
	expect_for(false, PYR__FRAME_FINAL, 0, metadata, sizeof metadata, malformed);
	expect_for(false, PYR__FRAME_FINAL, 0, critical, sizeof critical, malformed);
	expect_for(false, PYR__FRAME_FINAL, 0, cut, sizeof cut, malformed);
}

Test(session_message, a_final_in_the_middle_of_a_message_is_a_violation)
{
	static const uint8_t total[] = {10, 0, 0, 0};
	hand h = with_own_call();
	hand_give_frame(&h, PYR__FRAME_MESSAGE, PYR__MSG | PYR__MORE, STREAM, total, sizeof total);
	hand_no_event(&h);
	hand_final(&h, STREAM, PYR_OK, NULL, 0);
	hand_expect_violation(&h, "FINAL on the stream 00010000 is out of turn");
}

/* RESET */

Test(session_message, a_call_that_is_given_up_is_cancelled_and_still_answered)
{
	hand h = with_call();
	hand_give_frame(&h, PYR__FRAME_RESET, 0, STREAM, NULL, 0);
	hand_event(&h, PYR__EVENT_CANCEL);
	pyr_error err;
	cr_assert_eq(hand_send(&h, STREAM, 1, false, &err), PYR_CANCELLED);
	cr_assert_eq(hand_finish(&h, STREAM, PYR_OK, 50), PYR_OK);
	pyr__frame frame = hand_frame(&h, PYR__FRAME_FINAL);
	cr_assert_eq(frame.length, 2, "nobody waits for the message");
	hand_end(&h);
}

Test(session_message, a_call_is_given_up_once)
{
	hand h = with_call();
	hand_give_frame(&h, PYR__FRAME_RESET, 0, STREAM, NULL, 0);
	hand_event(&h, PYR__EVENT_CANCEL);
	hand_give_frame(&h, PYR__FRAME_RESET, 0, STREAM, NULL, 0);
	hand_expect_violation(&h, "RESET on the stream 00010000 is out of turn");
}

Test(session_message, a_call_that_is_given_up_before_it_is_whole_is_never_told)
{
	static const uint8_t total[] = {0, 0, 2, 0};
	hand h = hand_server();
	hand_call(&h, STREAM, PYR__MORE, "a/b", total, sizeof total);
	hand_give_frame(&h, PYR__FRAME_RESET, 0, STREAM, NULL, 0);
	hand_no_event(&h);
	pyr__frame frame = hand_frame(&h, PYR__FRAME_FINAL);
	cr_assert_eq(hand_field(&frame, PYR__FINAL_STATUS).data[0], PYR_CANCELLED);
	cr_assert_eq(hand_field(&frame, PYR__FINAL_EXECUTED).data[0], PYR_EXECUTED_NO);
	hand_end(&h);
}

Test(session_message, nothing_is_told_of_a_call_that_we_gave_up)
{
	static const uint8_t total[] = {0, 0, 2, 0};
	hand h = with_own_call();
	pyr__session_reset(h.session, STREAM);
	pyr__session_reset(h.session, STREAM);
	hand_frame(&h, PYR__FRAME_RESET);
	hand_give_frame(&h, PYR__FRAME_METADATA, 0, STREAM, "\1\1\0kv", 5);
	hand_give_frame(&h, PYR__FRAME_MESSAGE, PYR__MSG, STREAM, "x", 1);
	hand_give_frame(&h, PYR__FRAME_MESSAGE, PYR__MSG | PYR__MORE, STREAM, total, sizeof total);
	hand_no_event(&h);
	cr_assert(pyr__session_busy(h.session));
	hand_final(&h, STREAM, PYR_CANCELLED, NULL, 0); /* its message was cut short */
	hand_no_event(&h);
	cr_assert(!pyr__session_busy(h.session));
	hand_end(&h);
}
