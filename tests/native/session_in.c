/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes become frames, or a reason to end the connection. */
#include <stdio.h>
#include <string.h>
#include "failing_alloc.h"
#include "leaks.h"
#include "native/hand.h"
#include "native/session_private.h"

static pyr__session_config server_config(void)
{
	pyr__session_config config;
	pyr__session_config_init(&config, true);
	return config;
}

static void expect_for_frame(uint32_t length, uint8_t type, uint8_t flags, uint16_t zero,
	uint32_t stream, const char *reason)
{
	uint8_t header[PYR__FRAME_HEADER];
	hand h = hand_server();
	pyr__frame_store(header, length, type, flags, stream);
	pyr__store16(header + 6, zero);
	hand_give(&h, header, sizeof header);
	hand_expect_violation(&h, reason);
}

Test(session_in, a_frame_longer_than_the_limit_is_a_violation_before_it_is_there)
{
	expect_for_frame(PYR__FRAME_MAX + 1, PYR__FRAME_CALL, 0, 0, STREAM,
		"a frame of 67585 bytes; the most is 67584");
	expect_for_frame(UINT32_MAX, PYR__FRAME_PING, 0, 0, 0, "a frame of 4294967295 bytes");
	expect_for_frame(PYR__FRAME_MAX + 1, 0x80, 0, 0, 0, "a frame of 67585 bytes");
}

Test(session_in, unknown_types_below_0x80_are_violations)
{
	expect_for_frame(0, 0, 0, 0, 0, "an unknown frame of type 0");
	expect_for_frame(0, PYR__FRAME_TYPES, 0, 0, 0, "an unknown frame of type 12");
	expect_for_frame(8, PYR__FRAME_SHARE, 0, 0, 0, "an unknown frame of type 11");
	expect_for_frame(0, 0x7f, 0, 0, STREAM, "an unknown frame of type 127");
}

Test(session_in, unknown_types_from_0x80_on_are_skipped)
{
	hand h = hand_server();
	hand_give_frame(&h, 0x80, 0xff, 77, "later", 5);
	hand_give_frame(&h, 0xff, 0, 0, hand_bytes(PYR__FRAME_MAX), PYR__FRAME_MAX);
	hand_no_event(&h);
	hand_end(&h);
}

Test(session_in, reserved_bits_are_violations)
{
	expect_for_frame(0, PYR__FRAME_RESET, 0, 1, STREAM, "RESET with reserved bytes");
	expect_for_frame(0, 0x80, 0, 0x8000, STREAM, "reserved bytes that are not 0");
	expect_for_frame(8, PYR__FRAME_PING, PYR__END, 0, 0, "PING with unknown flags: 08");
	expect_for_frame(2, PYR__FRAME_CALL, PYR__CONT, 0, STREAM, "CALL with unknown flags");
	expect_for_frame(2, PYR__FRAME_CALL, 0x40, 0, STREAM, "CALL with unknown flags: 40");
	expect_for_frame(2, PYR__FRAME_FINAL, PYR__MORE, 0, STREAM, "FINAL with unknown flags");
	expect_for_frame(4, PYR__FRAME_WINDOW, 1, 0, 0, "WINDOW with unknown flags: 01");
}

Test(session_in, frames_of_the_connection_and_of_streams_are_told_apart)
{
	static const uint8_t of_connection[] = {
		PYR__FRAME_HELLO, PYR__FRAME_PING, PYR__FRAME_PONG, PYR__FRAME_GOAWAY};
	static const uint8_t of_streams[] = {PYR__FRAME_CALL, PYR__FRAME_MESSAGE,
		PYR__FRAME_METADATA, PYR__FRAME_FINAL, PYR__FRAME_RESET};
	char reason[64];
	for (size_t i = 0; i < sizeof of_connection; i++) {
		snprintf(reason, sizeof reason, "%s on the stream 00010000",
			pyr__frame_name(of_connection[i]));
		expect_for_frame(0, of_connection[i], 0, 0, STREAM, reason);
	}
	for (size_t i = 0; i < sizeof of_streams; i++) {
		snprintf(reason, sizeof reason, "%s on the stream 00000000",
			pyr__frame_name(of_streams[i]));
		expect_for_frame(0, of_streams[i], 0, 0, 0, reason);
	}
}

Test(session_in, nothing_comes_before_hello)
{
	static const uint8_t types[] = {PYR__FRAME_CALL, PYR__FRAME_MESSAGE, PYR__FRAME_METADATA,
		PYR__FRAME_FINAL, PYR__FRAME_RESET, PYR__FRAME_WINDOW, PYR__FRAME_PING,
		PYR__FRAME_PONG};
	pyr__session_config config = server_config();
	for (size_t i = 0; i < sizeof types; i++) {
		char reason[64];
		hand h = hand_new(&config, false);
		hand_give_frame(&h, types[i], 0, 0, NULL, 0);
		snprintf(reason, sizeof reason, "%s before HELLO", pyr__frame_name(types[i]));
		hand_expect_violation(&h, reason);
	}
}

Test(session_in, another_preface_is_a_violation_at_its_first_wrong_byte)
{
	pyr__session_config config = server_config();
	for (size_t wrong = 0; wrong < PYR__PREFACE_SIZE; wrong++) {
		hand h = {.session = pyr__session_new(&config), .server = true};
		uint8_t bytes[PYR__PREFACE_SIZE];
		memcpy(bytes, PYR__PREFACE, sizeof bytes);
		bytes[wrong] ^= 0x20;
		hand_give(&h, bytes, wrong);
		hand_no_event(&h);
		hand_give(&h, bytes + wrong, 1);
		hand_expect_violation(&h, "this is not Pyrite's native protocol");
	}
}

/* The same exchange, cut in two at every place. */
Test(session_in, frames_may_be_cut_anywhere)
{
	uint8_t bytes[512];
	uint8_t *at = bytes;
	static const uint8_t call[] = {
		0x06, 0, PYR__CALL_NAME | PYR__CRITICAL, 3, 0, 'a', '/', 'b', 'm', 's', 'g'};
	pyr__frame_store(at, sizeof call, PYR__FRAME_CALL, PYR__MSG, STREAM);
	memcpy(at + PYR__FRAME_HEADER, call, sizeof call);
	at += PYR__FRAME_HEADER + sizeof call;
	pyr__frame_store(at, 5, PYR__FRAME_MESSAGE, PYR__MSG | PYR__END, STREAM);
	memcpy(at + PYR__FRAME_HEADER, "again", 5);
	at += PYR__FRAME_HEADER + 5;
	size_t size = (size_t)(at - bytes);
	for (size_t cut = 0; cut <= size; cut++) {
		hand h = hand_server();
		pyr__event events[2];
		unsigned count = 0;
		hand_give(&h, bytes, cut);
		for (int half = 0; half < 2; half++) {
			pyr__event event;
			while (pyr__session_next(h.session, &event)) {
				cr_assert_lt(count, 2);
				TEXT_IS(((pyr__text){(const char *)event.payload.data,
						event.payload.size}),
					count ? "again" : "msg");
				events[count++] = event;
			}
			if (half == 0)
				hand_give(&h, bytes + cut, size - cut);
		}
		cr_assert_eq(count, 2);
		cr_assert_eq(events[0].type, PYR__EVENT_CALL);
		cr_assert_eq(events[1].type, PYR__EVENT_MESSAGE);
		cr_assert(events[1].ended && !events[0].ended);
		hand_finish(&h, STREAM, PYR_OK, 0);
		hand_frame(&h, PYR__FRAME_FINAL);
		hand_end(&h);
	}
}

Test(session_in, a_payload_lives_as_long_as_its_block)
{
	hand h = hand_server();
	hand_call(&h, STREAM, PYR__END, "a/b", "first", 5);
	pyr__event event = hand_event(&h, PYR__EVENT_CALL);
	pyr__block *block = pyr__block_ref(event.payload.block);
	const uint8_t *data = event.payload.data;
	hand_give_frame(&h, 0x80, 0, 0, hand_bytes(60000), 60000);
	hand_give_frame(&h, 0x80, 0, 0, hand_bytes(60000), 60000);
	hand_no_event(&h);
	cr_assert_arr_eq(data, "first", 5);
	pyr__block_unref(block);
	hand_finish(&h, STREAM, PYR_OK, 0);
	hand_frame(&h, PYR__FRAME_FINAL);
	hand_end(&h);
}

/* What an idle connection costs is a target of its own: a block is only for what is half there. */
Test(session_in, no_block_is_kept_while_nothing_is_half_received)
{
	uint8_t ping[PYR__FRAME_HEADER + 8] = {0};
	pyr__frame_store(ping, 8, PYR__FRAME_PING, 0, 0);
	hand h = hand_server();
	hand_no_event(&h);
	cr_assert_null(h.session->rx);
	for (size_t cut = 1; cut < sizeof ping; cut++) {
		hand_give(&h, ping, cut);
		hand_no_event(&h);
		cr_assert_not_null(h.session->rx);
		hand_give(&h, ping + cut, sizeof ping - cut);
		hand_no_event(&h);
		cr_assert_null(h.session->rx);
		hand_frame(&h, PYR__FRAME_PONG);
	}
	hand_end(&h);
}

Test(session_in, no_memory_to_receive_into_ends_the_session)
{
	pyr__session_config config = server_config();
	pyr__session *session = pyr__session_new(&config);
	void *room;
	size_t size;
	failing_alloc_at(1);
	pyr__session_input(session, &room, &size);
	failing_alloc_at(0);
	cr_assert_eq(size, 0);
	pyr__session_received(session, 0);
	pyr__event event;
	cr_assert(pyr__session_next(session, &event));
	cr_assert_eq(event.type, PYR__EVENT_CLOSED);
	cr_assert_eq(event.final.status, PYR_RESOURCE_EXHAUSTED);
	pyr__session_free(session);
	CHECK_LEAKS();
}
