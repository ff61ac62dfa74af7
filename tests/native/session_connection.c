/* SPDX-License-Identifier: Apache-2.0 */
/* HELLO, PING, PONG and GOAWAY. */
#include <stdio.h>
#include <string.h>
#include "leaks.h"
#include "native/hand.h"

static hand silent_server(void)
{
	pyr__session_config config;
	pyr__session_config_init(&config, true);
	return hand_new(&config, false);
}

/* HELLO */

static void expect_for_hello(const uint8_t *fields, size_t size, const char *reason)
{
	hand h = silent_server();
	hand_give_frame(&h, PYR__FRAME_HELLO, 0, 0, fields, size);
	hand_expect_violation(&h, reason);
}

static void expect_for_number(uint8_t field, uint32_t value)
{
	uint8_t fields[64], *at = fields;
	char reason[64];
	at = pyr__put_u32(at, PYR__HELLO_VERSIONS, 1u | 1u << 16);
	at = pyr__put_u32(at, field, value);
	snprintf(reason, sizeof reason, "HELLO: field %u may not be what it is", field);
	expect_for_hello(fields, (size_t)(at - fields), reason);
}

Test(session_connection, the_server_answers_hello_with_its_own)
{
	hand h = silent_server();
	hand_no_frame(&h);
	hand_give_hello(&h);
	hand_event(&h, PYR__EVENT_READY);
	pyr__frame frame = hand_frame(&h, PYR__FRAME_HELLO);
	cr_assert_eq(frame.stream, 0);
	hand_end(&h);
}

Test(session_connection, the_client_learns_the_servers_id)
{
	hand h = hand_client();
	cr_assert_arr_eq(pyr__session_peer_id(h.session), "hand of a server", 16);
	hand_end(&h);
}

Test(session_connection, versions_must_overlap)
{
	static const struct {
		uint32_t lowest, highest;
		const char *reason; /* NULL: they do */
	} tries[] = {
		{1, 1, NULL},
		{0, 1, NULL},
		{1, 9, NULL},
		{2, 9, "no common version: the peer has 2 to 9, this side 1 to 1"},
		{0, 0, "no common version: the peer has 0 to 0"},
		{3, 1, "no common version: the peer has 3 to 1"},
	};
	for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
		uint8_t fields[16], *at = fields;
		at = pyr__put_u32(at, PYR__HELLO_VERSIONS | PYR__CRITICAL,
			tries[i].lowest | tries[i].highest << 16);
		if (tries[i].reason) {
			expect_for_hello(fields, (size_t)(at - fields), tries[i].reason);
			continue;
		}
		hand h = silent_server();
		hand_give_frame(&h, PYR__FRAME_HELLO, 0, 0, fields, (size_t)(at - fields));
		hand_event(&h, PYR__EVENT_READY);
		hand_frame(&h, PYR__FRAME_HELLO);
		hand_end(&h);
	}
	expect_for_hello(NULL, 0, "no common version: the peer has 0 to 0");
}

Test(session_connection, hello_may_come_once)
{
	hand h = hand_server();
	hand_give_hello(&h);
	hand_expect_violation(&h, "a second HELLO");
}

Test(session_connection, limits_in_hello_have_floors)
{
	expect_for_number(PYR__HELLO_MESSAGE_MAX, 0);
	expect_for_number(PYR__HELLO_METADATA_MAX, 0);
	expect_for_number(PYR__HELLO_STREAMS_MAX, 0);
	expect_for_number(PYR__HELLO_METHODS_MAX, PYR__INITIAL_METHODS - 1);
	expect_for_number(PYR__HELLO_STREAM_WINDOW, PYR__INITIAL_STREAM_WINDOW - 1);
	expect_for_number(PYR__HELLO_STREAM_WINDOW, PYR__WINDOW_MAX + 1);
	expect_for_number(PYR__HELLO_CONNECTION_WINDOW, PYR__INITIAL_CONNECTION_WINDOW - 1);
	expect_for_number(PYR__HELLO_CONNECTION_WINDOW, UINT32_MAX);
}

Test(session_connection, malformed_hellos_are_violations)
{
	static const uint8_t short_number[] = {PYR__HELLO_MESSAGE_MAX, 2, 0, 1, 0};
	static const uint8_t short_versions[] = {PYR__HELLO_VERSIONS, 2, 0, 1, 0};
	static const uint8_t short_id[] = {PYR__HELLO_ID, 3, 0, 1, 2, 3};
	static const uint8_t critical[] = {0xbf, 0, 0};
	static const uint8_t cut[] = {PYR__HELLO_AGENT, 9, 0, 'x'};
	static const uint8_t twice[] = {PYR__HELLO_AGENT, 0, 0, PYR__HELLO_AGENT, 0, 0};
	expect_for_hello(short_number, sizeof short_number, "field 4 may not be what it is");
	expect_for_hello(short_versions, sizeof short_versions, "field 1 may not be what it is");
	expect_for_hello(short_id, sizeof short_id, "the id has 3 bytes, not 16");
	expect_for_hello(critical, sizeof critical, "the critical field 63 is unknown");
	expect_for_hello(cut, sizeof cut, "its fields are malformed");
	expect_for_hello(twice, sizeof twice, "its fields are malformed");
}

Test(session_connection, unknown_fields_of_hello_are_skipped)
{
	uint8_t fields[64], *at = fields;
	at = pyr__put_u32(at, PYR__HELLO_VERSIONS | PYR__CRITICAL, 1u | 1u << 16);
	at = pyr__put_field(at, 63, "later", 5);
	at = pyr__put_field(at, PYR__HELLO_AUTHORIZATION, "reserved", 8);
	hand h = silent_server();
	hand_give_frame(&h, PYR__FRAME_HELLO, 0, 0, fields, (size_t)(at - fields));
	hand_event(&h, PYR__EVENT_READY);
	hand_frame(&h, PYR__FRAME_HELLO);
	hand_end(&h);
}

Test(session_connection, the_peers_limits_are_kept)
{
	uint8_t fields[64], *at = fields;
	at = pyr__put_u32(at, PYR__HELLO_VERSIONS | PYR__CRITICAL, 1u | 1u << 16);
	at = pyr__put_u32(at, PYR__HELLO_MESSAGE_MAX, 100);
	at = pyr__put_u32(at, PYR__HELLO_METADATA_MAX, 5);
	at = pyr__put_u32(at, PYR__HELLO_STREAMS_MAX, 1);
	pyr__session_config config;
	pyr__session_config_init(&config, false);
	hand h = hand_new(&config, false);
	hand_give_frame(&h, PYR__FRAME_HELLO, 0, 0, fields, (size_t)(at - fields));
	hand_event(&h, PYR__EVENT_READY);
	pyr__head head = {.method = {"a/b", 3}, .metadata = {"\1\3\0kval", 7}};
	pyr__body body = {.raw = hand_bytes(101), .size = 101};
	uint32_t stream;
	pyr_error err;
	cr_assert_eq(pyr__session_call(h.session, &head, NULL, true, NULL, &stream, &err),
		PYR_RESOURCE_EXHAUSTED);
	cr_assert_str_eq(err.message, "the metadata is longer than the peer takes");
	head.metadata.size = 0;
	cr_assert_eq(pyr__session_call(h.session, &head, &body, true, NULL, &stream, &err),
		PYR_RESOURCE_EXHAUSTED);
	cr_assert_str_eq(err.message, "the message has 101 bytes, the peer takes 100");
	cr_assert_eq(err.executed, PYR_EXECUTED_NO);
	hand_make_call(&h, "a/b", 100, true, NULL);
	cr_assert_eq(pyr__session_call(h.session, &head, NULL, true, NULL, &stream, &err),
		PYR_RESOURCE_EXHAUSTED);
	cr_assert_str_eq(err.message, "as many calls are open as the peer takes at once");
	hand_skip_frames(&h);
	hand_end(&h);
}

/* PING and PONG */

Test(session_connection, a_ping_comes_back)
{
	hand h = hand_server();
	hand_give_frame(&h, PYR__FRAME_PING, 0, 0, "12345678", 8);
	hand_no_event(&h);
	pyr__frame frame = hand_frame(&h, PYR__FRAME_PONG);
	cr_assert_eq(frame.length, 8);
	cr_assert_arr_eq(frame.data, "12345678", 8);
	pyr__session_ping(h.session, 0x0123456789abcdef);
	frame = hand_frame(&h, PYR__FRAME_PING);
	hand_give_frame(&h, PYR__FRAME_PONG, 0, 0, frame.data, 8);
	cr_assert_eq(hand_event(&h, PYR__EVENT_PONG).ping_value, 0x0123456789abcdef);
	hand_end(&h);
}

Test(session_connection, pings_have_eight_bytes)
{
	hand h = hand_server();
	hand_give_frame(&h, PYR__FRAME_PING, 0, 0, "1234567", 7);
	hand_expect_violation(&h, "PING has 7 bytes, not 8");
	h = hand_server();
	hand_give_frame(&h, PYR__FRAME_PONG, 0, 0, "123456789", 9);
	hand_expect_violation(&h, "PONG has 9 bytes, not 8");
}

Test(session_connection, answers_that_nobody_takes_end_the_session)
{
	pyr__session_config config;
	pyr__session_config_init(&config, true);
	config.queue_max = 1000;
	hand h = hand_new(&config, true);
	pyr__event event = {.type = PYR__EVENT_NONE};
	size_t most = 0;
	for (int i = 0; i < 100000 && event.type != PYR__EVENT_CLOSED; i++) {
		hand_give_frame(&h, PYR__FRAME_PING, 0, 0, "12345678", 8);
		pyr__session_next(h.session, &event);
		most = pyr__session_queued(h.session);
	}
	cr_assert_eq(event.type, PYR__EVENT_CLOSED);
	cr_assert_eq(event.final.status, PYR_RESOURCE_EXHAUSTED);
	cr_assert_leq(most, 1000u + (1u << 20) + 100);
	hand_skip_frames(&h);
	hand_end(&h);
}

/* GOAWAY */

static void give_goaway(hand *h, uint8_t flags, uint32_t taken, const char *reason)
{
	uint8_t fields[256], *at = fields;
	at = pyr__put_u32(at, PYR__GOAWAY_TAKEN, taken);
	at = pyr__put_u8(at, PYR__GOAWAY_STATUS, PYR_UNAVAILABLE);
	at = pyr__put_text(at, PYR__GOAWAY_REASON, (pyr__text){reason, strlen(reason)});
	hand_give_frame(h, PYR__FRAME_GOAWAY, flags, 0, fields, (size_t)(at - fields));
}

Test(session_connection, after_a_goaway_running_calls_go_on_and_new_ones_are_refused)
{
	hand h = hand_client();
	int user;
	uint32_t stream = hand_make_call(&h, "a/b", 1, true, &user);
	hand_skip_frames(&h);
	give_goaway(&h, 0, 1, "restarting");
	pyr__event event = hand_event(&h, PYR__EVENT_GOAWAY);
	TEXT_IS(event.final.message, "restarting");
	pyr__head head = {.method = {"a/b", 3}};
	uint32_t id;
	pyr_error err;
	cr_assert_eq(
		pyr__session_call(h.session, &head, NULL, true, NULL, &id, &err), PYR_UNAVAILABLE);
	cr_assert_eq(err.executed, PYR_EXECUTED_NO);
	cr_assert_str_eq(err.message, "restarting");
	hand_final(&h, stream, PYR_OK, "", 0);
	cr_assert_eq(hand_event(&h, PYR__EVENT_FINAL).user, &user);
	hand_end(&h);
}

/* Five calls: the first two were taken, the third is on its way, and the last is only queued. */
Test(session_connection, calls_behind_those_taken_were_not_executed)
{
	hand h = hand_client();
	int users[5];
	for (int i = 0; i < 4; i++)
		hand_make_call(&h, "a/b", 1, true, &users[i]);
	hand_skip_frames(&h);
	hand_make_call(&h, "a/b", 1, true, &users[4]);
	give_goaway(&h, PYR__END, 2, "gone\nfor good"); /* shown up to the control character */
	hand_event(&h, PYR__EVENT_GOAWAY);
	for (int i = 0; i < 5; i++) {
		pyr__event event = hand_event(&h, PYR__EVENT_FINAL);
		cr_assert_eq(event.user, &users[i]);
		cr_assert_eq(event.final.executed, i < 2 ? PYR_EXECUTED_MAYBE : PYR_EXECUTED_NO);
		TEXT_IS(event.final.message, "gone");
	}
	hand_event(&h, PYR__EVENT_CLOSED);
	hand_skip_frames(&h);
	hand_end(&h);
}

Test(session_connection, a_call_that_was_not_handed_out_in_whole_was_not_executed)
{
	hand h = hand_client();
	hand_make_call(&h, "a/b", 1, true, NULL);
	hand_make_call(&h, "a/b", 1, true, NULL);
	struct iovec vector;
	cr_assert_eq(pyr__session_output(h.session, &vector, 1), 1);
	pyr__session_sent(h.session, vector.iov_len - 1);
	pyr__session_disconnect(h.session, PYR_UNAVAILABLE, "cut");
	cr_assert_eq(hand_event(&h, PYR__EVENT_FINAL).final.executed, PYR_EXECUTED_MAYBE);
	cr_assert_eq(hand_event(&h, PYR__EVENT_FINAL).final.executed, PYR_EXECUTED_NO);
	hand_event(&h, PYR__EVENT_CLOSED);
	pyr__session_sent(h.session, 1);
	hand_end(&h);
}

Test(session_connection, a_drained_session_tells_what_it_has_taken_and_refuses_the_rest)
{
	hand h = hand_server();
	hand_call(&h, STREAM, PYR__END, "a/b", "", 0);
	hand_event(&h, PYR__EVENT_CALL);
	pyr__session_drain(h.session, PYR_UNAVAILABLE, "restarting");
	pyr__session_drain(h.session, PYR_UNAVAILABLE, "twice");
	hand_call(&h, STREAM + 1, PYR__END, "a/b", "", 0);
	hand_no_event(&h);
	pyr__frame frame = hand_frame(&h, PYR__FRAME_GOAWAY);
	static const uint8_t fields[] = {1, 4, 0, 1, 0, 0, 0, 2, 1, 0, PYR_UNAVAILABLE, 3, 10, 0};
	cr_assert_eq(frame.flags, 0);
	cr_assert_arr_eq(frame.data, fields, sizeof fields);
	frame = hand_frame(&h, PYR__FRAME_FINAL);
	cr_assert_eq(frame.stream, STREAM + 1);
	cr_assert_eq(hand_field(&frame, PYR__FINAL_STATUS).data[0], PYR_UNAVAILABLE);
	cr_assert_eq(hand_field(&frame, PYR__FINAL_EXECUTED).data[0], PYR_EXECUTED_NO);
	hand_finish(&h, STREAM, PYR_OK, 0);
	hand_frame(&h, PYR__FRAME_FINAL);
	hand_end(&h);
}

Test(session_connection, malformed_goaways_are_violations)
{
	static const uint8_t short_taken[] = {PYR__GOAWAY_TAKEN, 1, 0, 1}, cut[] = {9, 9};
	hand h = hand_client();
	hand_give_frame(&h, PYR__FRAME_GOAWAY, PYR__END, 0, short_taken, sizeof short_taken);
	hand_expect_violation(&h, "GOAWAY: its fields are malformed");
	h = hand_client();
	hand_give_frame(&h, PYR__FRAME_GOAWAY, 0, 0, cut, sizeof cut);
	hand_expect_violation(&h, "GOAWAY: its fields are malformed");
}

/* A stream's number has 16 bits for its slot, whatever the peer promises. */
Test(session_connection, no_more_calls_are_open_than_there_are_numbers_for)
{
	enum { NUMBERS = 65536 };
	uint8_t fields[64], *at = fields;
	at = pyr__put_u32(at, PYR__HELLO_VERSIONS | PYR__CRITICAL, 1u | 1u << 16);
	at = pyr__put_u32(at, PYR__HELLO_STREAMS_MAX, UINT32_MAX);
	pyr__session_config config;
	pyr__session_config_init(&config, false);
	hand h = hand_new(&config, false);
	hand_give_frame(&h, PYR__FRAME_HELLO, 0, 0, fields, (size_t)(at - fields));
	hand_event(&h, PYR__EVENT_READY);
	for (int i = 0; i < NUMBERS; i++)
		hand_make_call(&h, "a/b", 0, false, NULL);
	pyr__head head = {.method = {"a/b", 3}, .timeout_us = PYR__TIMEOUT_NONE};
	uint32_t stream;
	pyr_error err;
	cr_assert_eq(pyr__session_call(h.session, &head, NULL, false, NULL, &stream, &err),
		PYR_RESOURCE_EXHAUSTED);
	hand_skip_frames(&h);
	hand_end(&h);
}
