/* SPDX-License-Identifier: Apache-2.0 */
/* Peers that break the native protocol: they are told why and disconnected, and nobody else is. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "hostile/attack.h"

#define CEILING (4u << 20)
#define STREAM  0x00010000u

/* One frame on a greeted connection, and the reason that it must be answered with. */
static void expect_violation(uint8_t type, uint8_t flags, uint32_t stream, const void *data,
	size_t size, const char *reason)
{
	attack a;
	attack_begin(&a, NULL);
	peer p = peer_greeted(&a);
	peer_send_frame(&p, type, flags, stream, data, size);
	peer_expect_goaway(&p, reason);
	attack_end(&a, CEILING);
}

Test(hostile_frames, a_frame_longer_than_the_limit)
{
	attack a;
	attack_begin(&a, NULL);
	static const uint32_t lengths[] = {PYR__FRAME_MAX + 1, 1u << 24, UINT32_MAX};
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		uint8_t header[PYR__FRAME_HEADER];
		peer p = peer_greeted(&a);
		pyr__frame_store(header, lengths[i], PYR__FRAME_CALL, 0, STREAM);
		peer_send(&p, header, sizeof header);
		peer_expect_goaway(&p, "the most is 67584");
	}
	attack_end(&a, CEILING);
}

Test(hostile_frames, an_unknown_type)
{
	expect_violation(0x7f, 0, 0, "", 0, "unknown frame of type 127");
}

Test(hostile_frames, an_unknown_type_that_may_be_ignored_is)
{
	attack a;
	attack_begin(&a, NULL);
	peer p = peer_greeted(&a);
	peer_send_frame(&p, 0x80, 0xff, 77, "later", 5);
	peer_send_call(&p, STREAM, PYR__END, "Echo", "", 0);
	peer_expect_final(&p, STREAM, PYR_OK, NULL);
	peer_close(&p);
	attack_end(&a, CEILING);
}

Test(hostile_frames, a_message_for_a_stream_that_does_not_exist)
{
	expect_violation(PYR__FRAME_MESSAGE, PYR__MSG, STREAM, "abc", 3, "does not exist");
}

Test(hostile_frames, a_final_for_a_call_that_the_target_never_made)
{
	expect_violation(PYR__FRAME_FINAL, 0, 0x80000000u | STREAM, "\0\0", 2, "does not exist");
}

Test(hostile_frames, a_call_on_a_stream_of_the_other_direction)
{
	expect_violation(PYR__FRAME_CALL, 0, 0x80000000u | STREAM, "\0\0", 2, "malformed CALL");
}

Test(hostile_frames, a_call_whose_fields_are_longer_than_its_frame)
{
	expect_violation(PYR__FRAME_CALL, 0, STREAM, "\xff\xff", 2, "malformed CALL");
}

Test(hostile_frames, a_call_of_a_method_number_that_was_not_defined)
{
	static const uint8_t fields[] = {5, 0, PYR__CALL_METHOD | PYR__CRITICAL, 2, 0, 9, 0};
	expect_violation(
		PYR__FRAME_CALL, 0, STREAM, fields, sizeof fields, "undefined method number 9");
}

Test(hostile_frames, a_second_hello)
{
	expect_violation(PYR__FRAME_HELLO, 0, 0, "", 0, "a second HELLO");
}

Test(hostile_frames, a_hello_without_a_common_version)
{
	attack a;
	attack_begin(&a, NULL);
	uint8_t hello[16],
		*at = pyr__put_u32(hello, PYR__HELLO_VERSIONS | PYR__CRITICAL, 7u | 9u << 16);
	peer p = peer_connected(&a);
	peer_send(&p, PYR__PREFACE, PYR__PREFACE_SIZE);
	peer_send_frame(&p, PYR__FRAME_HELLO, 0, 0, hello, (size_t)(at - hello));
	peer_expect_goaway(&p, "the peer has 7 to 9");
	attack_end(&a, CEILING);
}

Test(hostile_frames, a_call_before_hello)
{
	attack a;
	attack_begin(&a, NULL);
	peer p = peer_connected(&a);
	peer_send(&p, PYR__PREFACE, PYR__PREFACE_SIZE);
	peer_send_call(&p, STREAM, PYR__END, "Echo", "", 0);
	peer_expect_goaway(&p, "CALL before HELLO");
	attack_end(&a, CEILING);
}

Test(hostile_frames, a_message_that_is_longer_or_shorter_than_announced)
{
	attack a;
	attack_begin(&a, NULL);
	for (int longer = 0; longer < 2; longer++) {
		uint8_t data[100000] = {0};
		peer p = peer_greeted(&a);
		peer_send_call(&p, STREAM, 0, "Collect", "", 0);
		peer_send_frame(&p, PYR__FRAME_MESSAGE, PYR__MSG | PYR__MORE, STREAM,
			"\x00\x00\x01\x00", 4); /* 65,536 bytes */
		peer_send_frame(&p, PYR__FRAME_MESSAGE,
			PYR__MSG | PYR__CONT | (longer ? PYR__MORE : 0), STREAM, data,
			longer ? 66000 : 65000);
		peer_expect_goaway(
			&p, longer ? "longer than its announced" : "ends after 65000 of 65536");
	}
	attack_end(&a, CEILING);
}

Test(hostile_frames, a_frame_that_is_cut_off_by_the_end_of_the_connection)
{
	attack a;
	attack_begin(&a, NULL);
	for (size_t size = 0; size < 40; size++) {
		uint8_t bytes[64];
		peer p = peer_greeted(&a);
		pyr__frame_store(bytes, 40, PYR__FRAME_CALL, PYR__MSG, STREAM);
		memset(bytes + PYR__FRAME_HEADER, 0, sizeof bytes - PYR__FRAME_HEADER);
		peer_send(&p, bytes, size);
		peer_close(&p);
	}
	attack_end(&a, CEILING);
}

Test(hostile_frames, random_bytes)
{
	attack a;
	attack_begin(&a, NULL);
	srand(4711);
	for (int round = 0; round < 50; round++) {
		uint8_t bytes[4096];
		for (size_t i = 0; i < sizeof bytes; i++)
			bytes[i] = (uint8_t)(rand() >> 7);
		peer p = round % 2 ? peer_greeted(&a) : peer_connected(&a);
		peer_send(&p, bytes, sizeof bytes);
		peer_expect_closed(&p, 2000);
	}
	attack_end(&a, CEILING);
}

Test(hostile_frames, http_on_the_native_port)
{
	attack a;
	attack_begin(&a, NULL);
	peer p = peer_connected(&a);
	peer_send(&p, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27);
	peer_expect_closed(&p, 5000);
	attack_end(&a, CEILING);
}
