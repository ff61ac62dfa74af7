/* SPDX-License-Identifier: Apache-2.0 */
/* CALL, received. */
#include <stdio.h>
#include <string.h>
#include "leaks.h"
#include "native/hand.h"

static void expect_for_call(
	uint8_t flags, uint32_t stream, const void *data, size_t size, const char *reason)
{
	hand h = hand_server();
	hand_give_frame(&h, PYR__FRAME_CALL, flags, stream, data, size);
	hand_expect_violation(&h, reason);
}

static void expect_for_fields(const uint8_t *fields, size_t size, const char *reason)
{
	uint8_t data[2048];
	pyr__store16(data, (uint16_t)size);
	memcpy(data + 2, fields, size);
	expect_for_call(PYR__MSG | PYR__END, STREAM, data, 2 + size, reason);
}

/* A call with these fields behind the method's name is answered without being told. */
static void expect_refusal(
	const uint8_t *fields, size_t size, pyr_status status, const char *message)
{
	uint8_t data[16384], *at = data + 2;
	hand h = hand_server();
	at = pyr__put_text(at, PYR__CALL_NAME | PYR__CRITICAL, (pyr__text){"a/b", 3});
	memcpy(at, fields, size);
	at += size;
	pyr__store16(data, (uint16_t)(at - data - 2));
	hand_give_frame(
		&h, PYR__FRAME_CALL, PYR__MSG | PYR__END, STREAM, data, (size_t)(at - data));
	hand_no_event(&h);
	pyr__frame frame = hand_frame(&h, PYR__FRAME_FINAL);
	cr_assert_eq(hand_field(&frame, PYR__FINAL_STATUS).data[0], status);
	cr_assert_eq(hand_field(&frame, PYR__FINAL_EXECUTED).data[0], PYR_EXECUTED_NO);
	TEXT_IS(hand_field(&frame, PYR__FINAL_MESSAGE), message);
	cr_assert(!pyr__session_busy(h.session));
	hand_end(&h);
}

Test(session_call, everything_in_a_call_is_told)
{
	uint8_t data[256], *at = data + 2;
	hand h = hand_server();
	at = pyr__put_text(at, PYR__CALL_NAME | PYR__CRITICAL, (pyr__text){"a.B/C", 5});
	at = pyr__put_text(at, PYR__CALL_OBJECT | PYR__CRITICAL, (pyr__text){"obj", 3});
	at = pyr__put_u64(at, PYR__CALL_TIMEOUT, 1500000);
	at = pyr__put_text(at, PYR__CALL_METADATA, (pyr__text){"\1\3\0kval", 7});
	at = pyr__put_field(at, 60, "later", 5);
	pyr__store16(data, (uint16_t)(at - data - 2));
	memcpy(at, "request", 7);
	hand_give_frame(
		&h, PYR__FRAME_CALL, PYR__MSG | PYR__END, STREAM, data, (size_t)(at - data) + 7);
	pyr__event event = hand_event(&h, PYR__EVENT_CALL);
	cr_assert_eq(event.stream, STREAM);
	TEXT_IS(event.head.method, "a.B/C");
	TEXT_IS(event.head.object, "obj");
	cr_assert_eq(event.head.metadata.size, 7);
	cr_assert_arr_eq(event.head.metadata.data, "\1\3\0kval", 7);
	cr_assert_eq(event.head.timeout_us, 1500000);
	cr_assert(event.has_message && event.ended && !event.head.oneway);
	cr_assert_null(event.head.method_slot);
	cr_assert_eq(event.payload.size, 7);
	cr_assert_eq(event.cost, PYR__COST_MIN);
	hand_finish(&h, STREAM, PYR_OK, 0);
	hand_frame(&h, PYR__FRAME_FINAL);
	hand_end(&h);
}

Test(session_call, methods_are_numbered_and_their_owner_may_keep_something)
{
	static const uint8_t define[] = {8, 0, 2 | 0x80, 5, 0, 0, 0, 'a', '/', 'b'};
	static const uint8_t use[] = {5, 0, 1 | 0x80, 2, 0, 0, 0};
	int mine;
	hand h = hand_server();
	hand_give_frame(&h, PYR__FRAME_CALL, PYR__END, STREAM, define, sizeof define);
	pyr__event event = hand_event(&h, PYR__EVENT_CALL);
	TEXT_IS(event.head.method, "a/b");
	*event.head.method_slot = &mine;
	hand_give_frame(&h, PYR__FRAME_CALL, PYR__END, STREAM + 1, use, sizeof use);
	event = hand_event(&h, PYR__EVENT_CALL);
	TEXT_IS(event.head.method, "a/b");
	cr_assert_eq(*event.head.method_slot, &mine);
	for (uint32_t i = 0; i < 2; i++)
		hand_finish(&h, STREAM + i, PYR_OK, 0);
	hand_skip_frames(&h);
	hand_end(&h);
}

Test(session_call, a_long_request_is_told_when_it_is_whole)
{
	static const uint8_t define[] = {14, 0, 2 | 0x80, 5, 0, 0, 0, 'a', '/', 'b', 4 | 0x80, 3, 0,
		'o', 'b', 'j', 0x08, 0, 1, 0};
	hand h = hand_server();
	hand_give_frame(&h, PYR__FRAME_CALL, PYR__MSG | PYR__MORE, STREAM, define, sizeof define);
	hand_no_event(&h);
	hand_give_frame(&h, PYR__FRAME_MESSAGE, PYR__MSG | PYR__CONT | PYR__MORE, STREAM,
		hand_bytes(60000), 60000);
	hand_no_event(&h);
	hand_give_frame(&h, PYR__FRAME_MESSAGE, PYR__MSG | PYR__CONT | PYR__END, STREAM,
		hand_bytes(5544), 5544);
	pyr__event event = hand_event(&h, PYR__EVENT_CALL);
	TEXT_IS(event.head.method, "a/b");
	TEXT_IS(event.head.object, "obj");
	cr_assert(event.ended && event.head.method_slot);
	cr_assert_eq(event.payload.size, 65544);
	cr_assert_eq(event.cost, 65544);
	cr_assert_arr_eq(event.payload.data, hand_bytes(65544), 65544);
	hand_finish(&h, STREAM, PYR_OK, 0);
	hand_frame(&h, PYR__FRAME_FINAL);
	hand_end(&h);
}

Test(session_call, a_oneway_call_is_over_when_it_is_told)
{
	hand h = hand_server();
	hand_call(&h, STREAM, PYR__END | PYR__ONEWAY, "a/b", "x", 1);
	pyr__event event = hand_event(&h, PYR__EVENT_CALL);
	cr_assert(event.head.oneway && event.ended);
	cr_assert(!pyr__session_busy(h.session));
	cr_assert_eq(hand_finish(&h, STREAM, PYR_OK, 0), PYR_CANCELLED);
	hand_end(&h);
}

Test(session_call, malformed_calls_are_violations)
{
	static const uint8_t good[] = {6, 0, 3 | 0x80, 3, 0, 'a', '/', 'b', 'm', 's', 'g', '4'};
	expect_for_call(PYR__END, STREAM, "", 0, "a malformed CALL on the stream 00010000");
	expect_for_call(PYR__END, STREAM, "\1", 1, "a malformed CALL");
	expect_for_call(PYR__END, STREAM, "\7\0\0\0", 4, "a malformed CALL");
	expect_for_call(PYR__END, STREAM, good, sizeof good, "a malformed CALL"); /* no MSG */
	expect_for_call(PYR__MSG | PYR__MORE, STREAM, good, sizeof good - 1, "a malformed CALL");
	expect_for_call(PYR__MORE, STREAM, good, sizeof good, "a malformed CALL");
	expect_for_call(
		PYR__MSG | PYR__MORE | PYR__END, STREAM, good, sizeof good, "a malformed CALL");
	expect_for_call(PYR__MSG | PYR__ONEWAY, STREAM, good, sizeof good, "a malformed CALL");
	static const uint8_t empty[] = {6, 0, 3 | 0x80, 3, 0, 'a', '/', 'b', 0, 0, 0, 0};
	expect_for_call(PYR__MSG | PYR__MORE, STREAM, empty, sizeof empty,
		"a message in parts on the stream 00010000 is empty");
}

Test(session_call, malformed_fields_are_violations)
{
	static const char malformed[] = "a CALL with malformed fields";
	static const uint8_t cut[] = {3 | 0x80, 3, 0, 'a', '/'};
	static const uint8_t twice[] = {3 | 0x80, 1, 0, 'a', 3 | 0x80, 1, 0, 'a'};
	static const uint8_t nameless[] = {4, 1, 0, 'o'};
	static const uint8_t empty_name[] = {3 | 0x80, 0, 0};
	static const uint8_t two_names[] = {3, 1, 0, 'a', 2, 3, 0, 0, 0, 'a'};
	static const uint8_t timeout[] = {3, 1, 0, 'a', 5, 4, 0, 1, 2, 3, 4};
	expect_for_fields(cut, sizeof cut, malformed);
	expect_for_fields(twice, sizeof twice, malformed);
	expect_for_fields(nameless, sizeof nameless, malformed);
	expect_for_fields(empty_name, sizeof empty_name, malformed);
	expect_for_fields(two_names, sizeof two_names, malformed);
	expect_for_fields(timeout, sizeof timeout, malformed);
	uint8_t long_name[1100] = {3};
	pyr__store16(long_name + 1, PYR__METHOD_MAX + 1);
	expect_for_fields(long_name, 3 + PYR__METHOD_MAX + 1, malformed);
}

Test(session_call, methods_must_be_defined_in_their_order)
{
	static const uint8_t unknown[] = {1 | 0x80, 2, 0, 9, 0};
	static const uint8_t short_number[] = {1 | 0x80, 1, 0, 0};
	static const uint8_t skipping[] = {2 | 0x80, 3, 0, 1, 0, 'a'};
	static const uint8_t no_name[] = {2 | 0x80, 2, 0, 0, 0};
	expect_for_fields(unknown, sizeof unknown, "a CALL of the undefined method number 9");
	expect_for_fields(short_number, sizeof short_number, "undefined method number");
	expect_for_fields(skipping, sizeof skipping, "method number 1 is defined out of turn");
	expect_for_fields(no_name, sizeof no_name, "method number 0 is defined out of turn");
}

Test(session_call, streams_that_cannot_be_are_violations)
{
	static const uint8_t call[] = {6, 0, 3 | 0x80, 3, 0, 'a', '/', 'b'};
	expect_for_call(PYR__END, THEIRS, call, sizeof call, "there can be no stream 80010000");
	expect_for_call(PYR__END, 0x00000001, call, sizeof call, "there can be no stream 00000001");
	expect_for_call(PYR__END, STREAM + 16384, call, sizeof call, "there can be no stream");
	hand h = hand_server();
	hand_call(&h, STREAM, 0, "a/b", NULL, 0);
	hand_event(&h, PYR__EVENT_CALL);
	hand_call(&h, STREAM + 0x10000, 0, "a/b", NULL, 0);
	hand_expect_violation(&h, "a CALL on the stream 00020000, which is in use");
}

Test(session_call, what_is_not_taken_is_refused_and_the_connection_goes_on)
{
	static const uint8_t critical[] = {60 | 0x80, 0, 0};
	static const uint8_t metadata[] = {6, 2, 0, 1, 0};
	uint8_t object[300] = {4}, much[9000] = {6};
	pyr__store16(object + 1, 256);
	pyr__store16(much + 1, 8193);
	expect_refusal(critical, sizeof critical, PYR_UNIMPLEMENTED,
		"the call has a critical field that is not known here");
	expect_refusal(metadata, sizeof metadata, PYR_INVALID_ARGUMENT,
		"the call's metadata is malformed");
	expect_refusal(object, 259, PYR_INVALID_ARGUMENT, "the object id is longer than 255 bytes");
	expect_refusal(much, 8196, PYR_RESOURCE_EXHAUSTED,
		"the call's metadata is longer than this side takes");
}

Test(session_call, more_calls_than_the_limit_are_refused)
{
	pyr__session_config config;
	pyr__session_config_init(&config, true);
	config.streams_max = 2;
	hand h = hand_new(&config, true);
	for (uint32_t i = 0; i < 2; i++) {
		hand_call(&h, STREAM + i, PYR__END, "a/b", "", 0);
		hand_event(&h, PYR__EVENT_CALL);
	}
	hand_call(&h, STREAM + 16383, 0, "a/b", "", 0); /* as before hello it may */
	hand_give_frame(&h, PYR__FRAME_MESSAGE, PYR__END, STREAM + 16383, NULL, 0);
	hand_no_event(&h);
	pyr__frame frame = hand_frame(&h, PYR__FRAME_FINAL);
	TEXT_IS(hand_field(&frame, PYR__FINAL_MESSAGE),
		"as many calls are open as this side takes at once");
	for (uint32_t i = 0; i < 2; i++)
		hand_finish(&h, STREAM + i, PYR_OK, 0);
	hand_skip_frames(&h);
	hand_end(&h);
}

/* Its later parts are late, and ignored. */
Test(session_call, a_request_longer_than_the_limit_is_refused_at_once)
{
	uint8_t total[4];
	hand h = hand_server();
	pyr__store32(total, (4u << 20) + 1);
	hand_call(&h, STREAM, PYR__MORE, "a/b", total, 4);
	hand_no_event(&h);
	pyr__frame frame = hand_frame(&h, PYR__FRAME_FINAL);
	cr_assert_eq(hand_field(&frame, PYR__FINAL_STATUS).data[0], PYR_RESOURCE_EXHAUSTED);
	frame = hand_frame(&h, PYR__FRAME_WINDOW); /* what it took */
	cr_assert_eq(pyr__load32(frame.data), (4u << 20) + 1);
	hand_give_frame(&h, PYR__FRAME_MESSAGE, PYR__MSG | PYR__CONT | PYR__MORE, STREAM,
		hand_bytes(65536), 65536);
	hand_give_frame(&h, PYR__FRAME_MESSAGE, PYR__MSG | PYR__CONT | PYR__END, STREAM,
		hand_bytes(65536), 65536);
	hand_no_event(&h);
	hand_end(&h);
}

/* Oneway calls do not count among those open, but need a slot that the peer knows. */
Test(session_call, slots_stay_in_the_peers_range)
{
	hand h = hand_client();
	pyr__head oneway = {.method = {"a/b", 3}, .oneway = true};
	uint32_t stream;
	for (uint32_t i = 0; i < 16384; i++)
		cr_assert_eq(hand_make_call(&h, "a/b", 0, true, NULL) & 0xffff, i);
	pyr_error err;
	cr_assert_eq(pyr__session_call(h.session, &oneway, NULL, true, NULL, &stream, &err),
		PYR_RESOURCE_EXHAUSTED);
	cr_assert_eq(err.executed, PYR_EXECUTED_NO);
	hand_skip_frames(&h);
	hand_final(&h, STREAM, PYR_OK, NULL, 0);
	hand_event(&h, PYR__EVENT_FINAL);
	cr_assert_eq(
		pyr__session_call(h.session, &oneway, NULL, true, NULL, &stream, NULL), PYR_OK);
	cr_assert_eq(hand_frame(&h, PYR__FRAME_CALL).stream, STREAM + 0x10000);
	hand_end(&h);
}

/* How many are under way */

/* A round of `slots` calls, which are answered, and used again, in this order or the other. */
static void call_round(hand *h, uint32_t slots, uint32_t generation, bool backwards)
{
	for (uint32_t i = 0; i < slots; i++) {
		uint32_t slot = backwards ? slots - 1 - i : i;
		hand_call(h, generation << 16 | slot, PYR__END, "a/b", NULL, 0);
		hand_event(h, PYR__EVENT_CALL);
		hand_call(h, generation << 16 | slots, PYR__END | PYR__ONEWAY, "a/b", NULL, 0);
		hand_event(h, PYR__EVENT_CALL);
	}
	for (uint32_t i = 0; i < slots; i++)
		hand_finish(h, generation << 16 | i, PYR_OK, 0);
	hand_skip_frames(h);
}

static void expect_depth(uint32_t slots, bool back_and_forth)
{
	hand h = hand_server();
	cr_assert_eq(pyr__session_depth(h.session), 0);
	for (uint32_t generation = 1; generation <= 1 + 1000 / slots; generation++)
		call_round(&h, slots, generation, back_and_forth && generation % 2);
	unsigned depth = pyr__session_depth(h.session);
	cr_assert(depth >= slots * 3 / 4 && depth <= slots * 5 / 4, "of %u slots it is %u", slots,
		depth);
	hand_end(&h);
}

Test(session_call, depth_is_how_many_slots_are_used_again_and_again)
{
	expect_depth(1, false);
	expect_depth(8, false);
	expect_depth(64, false);
	expect_depth(8, true);
	expect_depth(64, true);
}

Test(session_call, depth_follows_what_is_under_way_now)
{
	hand h = hand_server();
	for (uint32_t generation = 1; generation <= 20; generation++)
		call_round(&h, 100, generation, false);
	cr_assert_gt(pyr__session_depth(h.session), 80);
	for (uint32_t generation = 21; generation <= 200; generation++)
		call_round(&h, 4, generation, false);
	cr_assert_leq(pyr__session_depth(h.session), 5);
	hand_end(&h);
}

Test(session_call, depth_of_what_we_call_is_known_too)
{
	hand h = hand_client();
	for (int round = 0; round < 40; round++) {
		uint32_t streams[16];
		for (int i = 0; i < 16; i++)
			streams[i] = hand_make_call(&h, "a/b", 0, true, &h);
		hand_skip_frames(&h);
		for (int i = 0; i < 16; i++) {
			hand_final(&h, streams[i], PYR_OK, NULL, 0);
			hand_event(&h, PYR__EVENT_FINAL);
		}
	}
	unsigned depth = pyr__session_depth(h.session);
	cr_assert(depth >= 12 && depth <= 20, "%u", depth);
	hand_end(&h);
}
