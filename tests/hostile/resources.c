/* SPDX-License-Identifier: Apache-2.0 */
/* Peers that take without giving: connections, time, memory. Limits and time-outs end them. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "hostile/attack.h"
#include "hostile/target.h"

#define STREAM 0x00010000u

static void wait_ms(const attack *a, int ms)
{
	int64_t until = now_ms() + ms;
	while (now_ms() < until)
		attack_target_serves((attack *)a);
}

Test(hostile_resources, handshakes_that_never_end)
{
	enum { COUNT = 200 };
	attack a;
	attack_begin(&a, NULL);
	peer peers[COUNT];
	for (int i = 0; i < COUNT; i++) {
		peers[i] = peer_connected(&a);
		if (i % 3 == 1)
			peer_send(&peers[i], PYR__PREFACE, 1);
		if (i % 3 == 2)
			peer_send(&peers[i], PYR__PREFACE, PYR__PREFACE_SIZE);
	}
	attack_target_serves(&a);
	for (int i = 0; i < COUNT; i++)
		peer_expect_closed(&peers[i], TARGET_HANDSHAKE_MS + 3000);
	attack_end(&a, 8u << 20);
}

Test(hostile_resources, a_handshake_one_byte_at_a_time_gets_no_more_time)
{
	attack a;
	attack_begin(&a, NULL);
	peer p = peer_connected(&a);
	int64_t began = now_ms();
	size_t sent = 0;
	while (sent < PYR__PREFACE_SIZE - 1 && now_ms() - began < TARGET_HANDSHAKE_MS) {
		if (now_ms() - began >= (int64_t)sent * TARGET_HANDSHAKE_MS / 7)
			sent += peer_send(&p, PYR__PREFACE + sent, 1);
		attack_target_serves(&a);
	}
	peer_expect_closed(&p, TARGET_HANDSHAKE_MS + 2000);
	attack_end(&a, 2u << 20);
}

Test(hostile_resources, idle_peers_cost_no_time)
{
	enum { COUNT = 200 };
	attack a;
	attack_begin(&a, NULL);
	peer peers[COUNT];
	for (int i = 0; i < COUNT; i++) {
		peers[i] = peer_greeted(&a);
		peer_send(&peers[i], "\0\0", 2); /* and a frame that does not go on */
	}
	attack_target_serves(&a);
	long before_ms = attack_cpu_ms(&a);
	usleep(500000); /* what is looked for is that nothing happens */
	cr_assert_leq(attack_cpu_ms(&a) - before_ms, 20, "the target is busy with idle peers");
	for (int i = 0; i < COUNT; i++)
		peer_close(&peers[i]);
	attack_end(&a, 8u << 20);
}

/* Asks for 64 KiB a thousand times and takes nothing of it. */
Test(hostile_resources, a_peer_that_reads_nothing)
{
	static const uint8_t ask[] = {5 << 3, 0x80, 0x80, 0x04};
	attack a;
	attack_begin(&a, NULL);
	peer p = peer_greeted(&a);
	uint8_t call[128], *at = call + PYR__FRAME_HEADER + 2;
	at = pyr__put_text(
		at, PYR__CALL_NAME | PYR__CRITICAL, (pyr__text){"hostile.Target/Echo", 19});
	pyr__store16(call + PYR__FRAME_HEADER, (uint16_t)(at - call - PYR__FRAME_HEADER - 2));
	memcpy(at, ask, sizeof ask);
	at += sizeof ask;
	for (uint32_t i = 0; i < 1000; i++) {
		pyr__frame_store(call, (uint32_t)(at - call - PYR__FRAME_HEADER), PYR__FRAME_CALL,
			PYR__MSG | PYR__END, STREAM + i);
		if (peer_send_some(&p, call, (size_t)(at - call), 50) != (size_t)(at - call))
			break; /* the target has stopped reading, as it should */
	}
	wait_ms(&a, 200);
	/* nothing was taken for TARGET_STALL_MS: what the kernel holds, and then the end */
	wait_ms(&a, TARGET_STALL_MS + 500);
	peer_expect_closed(&p, 2000);
	attack_end(&a, 24u << 20);
}

Test(hostile_resources, pings_whose_answers_are_not_taken)
{
	attack a;
	attack_begin(&a, NULL);
	peer p = peer_greeted(&a);
	static uint8_t pings[1u << 20];
	for (size_t at = 0; at + 20 <= sizeof pings; at += 20)
		pyr__frame_store(pings + at, 8, PYR__FRAME_PING, 0, 0);
	for (int i = 0; i < 64; i++)
		if (peer_send_some(&p, pings, sizeof pings - sizeof pings % 20, 50) < 1000)
			break;
	attack_target_serves(&a);
	wait_ms(&a, TARGET_STALL_MS + 500);
	peer_expect_closed(&p, 2000);
	attack_end(&a, 24u << 20);
}

Test(hostile_resources, more_connections_than_the_limit)
{
	enum { LIMIT = 50, COUNT = 120 };
	attack a;
	attack_begin(&a, "50");
	peer peers[COUNT];
	/* all greet, those that may: none is closed for its silence */
	for (int i = 0; i < COUNT; i++) {
		peers[i] = peer_connected(&a);
		peer_greet(&peers[i]);
	}
	/* the good client has one of the 50 */
	for (int i = LIMIT; i < COUNT; i++)
		peer_expect_closed(&peers[i], 2000);
	attack_target_serves(&a);
	peer_send_call(&peers[0], STREAM, PYR__END, "Echo", "", 0);
	peer_expect_final(&peers[0], STREAM, PYR_OK, NULL);
	for (int i = 0; i < LIMIT; i++)
		peer_close(&peers[i]);
	attack_end(&a, 4u << 20);
}

Test(hostile_resources, metadata_longer_than_the_limit)
{
	attack a;
	attack_begin(&a, NULL);
	peer p = peer_greeted(&a);
	uint8_t frame[32768], *at = frame + 2;
	at = pyr__put_text(
		at, PYR__CALL_NAME | PYR__CRITICAL, (pyr__text){"hostile.Target/Echo", 19});
	static const char metadata[9000];
	at = pyr__put_field(at, PYR__CALL_METADATA, metadata, sizeof metadata);
	pyr__store16(frame, (uint16_t)(at - frame - 2));
	peer_send_frame(
		&p, PYR__FRAME_CALL, PYR__MSG | PYR__END, STREAM, frame, (size_t)(at - frame));
	peer_expect_final(&p, STREAM, PYR_RESOURCE_EXHAUSTED, "metadata");
	peer_send_call(&p, STREAM + 1, PYR__END, "Echo", "", 0);
	peer_expect_final(&p, STREAM + 1, PYR_OK, NULL);
	peer_close(&p);
	attack_end(&a, 2u << 20);
}

/* Every one of the numbers that may be defined, with the longest name. */
Test(hostile_resources, as_many_method_names_as_may_be_interned)
{
	attack a;
	attack_begin(&a, NULL);
	peer p = peer_greeted(&a);
	for (unsigned number = 0; number <= 1024; number++) {
		uint8_t frame[2048], definition[2 + PYR__METHOD_MAX], *at = frame + 2;
		pyr__store16(definition, (uint16_t)number);
		memset(definition + 2, 'a', PYR__METHOD_MAX);
		at = pyr__put_field(
			at, PYR__CALL_DEFINITION | PYR__CRITICAL, definition, sizeof definition);
		pyr__store16(frame, (uint16_t)(at - frame - 2));
		peer_send_frame(&p, PYR__FRAME_CALL, PYR__MSG | PYR__END | PYR__ONEWAY,
			STREAM + number, frame, (size_t)(at - frame));
	}
	peer_expect_goaway(&p, "method number 1024 is defined out of turn");
	attack_end(&a, 6u << 20);
}
