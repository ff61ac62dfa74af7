/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that are too deep, too large in memory, or no messages: their call fails, nothing else.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "hostile/attack.h"

#define STREAM 0x00010000u

/* Calls Echo with the message; expects this status, and the connection and the target unharmed. */
static void expect_refusal(
	const void *message, size_t size, pyr_status status, const char *text, size_t ceiling_bytes)
{
	attack a;
	attack_begin(&a, NULL);
	peer p = peer_greeted(&a);
	for (uint32_t generation = 1; generation <= 20; generation++) {
		uint32_t stream = generation << 16;
		cr_assert(peer_send_call(&p, stream, PYR__END, "Echo", message, size));
		peer_expect_final(&p, stream, status, text);
	}
	uint32_t last = 21u << 16;
	cr_assert(peer_send_call(&p, last, PYR__END, "Echo", "", 0));
	peer_expect_final(&p, last, PYR_OK, NULL);
	peer_close(&p);
	attack_end(&a, ceiling_bytes);
}

static size_t put_varint(uint8_t *at, uint64_t value)
{
	size_t size = 0;
	for (; value >= 0x80; value >>= 7)
		at[size++] = (uint8_t)(value | 0x80);
	at[size++] = (uint8_t)value;
	return size;
}

/* A Node in a Node in a Node ... in `child`. Built from the inside. */
static size_t nest(uint8_t *end, int depth)
{
	uint8_t *at = end;
	for (int i = 0; i < depth; i++) {
		uint8_t head[16];
		size_t inner = (size_t)(end - at), size = 1;
		head[0] = 1 << 3 | 2;
		size += put_varint(head + 1, inner);
		at -= size;
		memcpy(at, head, size);
	}
	return (size_t)(end - at);
}

Test(hostile_messages, nested_ten_thousand_deep)
{
	size_t room = 60000;
	uint8_t *space = malloc(room);
	size_t size = nest(space + room, 10000);
	expect_refusal(space + room - size, size, PYR_INVALID_ARGUMENT, "deep", 2u << 20);
	free(space);
}

Test(hostile_messages, nested_as_deep_as_is_allowed)
{
	uint8_t space[1024];
	size_t size = nest(space + sizeof space, 90);
	attack a;
	attack_begin(&a, NULL);
	peer p = peer_greeted(&a);
	peer_send_call(&p, STREAM, PYR__END, "Echo", space + sizeof space - size, size);
	peer_expect_final(&p, STREAM, PYR_OK, NULL);
	peer_close(&p);
	attack_end(&a, 2u << 20);
}

/* What is merged a thousand times costs what came in, not its square: see DESIGN of the codec. */
Test(hostile_messages, a_submessage_merged_a_thousand_times)
{
	enum { TIMES = 1000, PART = 3000 };
	uint8_t *message = malloc(TIMES * (PART + 16)), *at = message;
	for (int i = 0; i < TIMES; i++) {
		uint8_t head[16];
		*at++ = 1 << 3 | 2;
		size_t inner = 1 + put_varint(head, PART) + PART;
		at += put_varint(at, inner);
		*at++ = 4 << 3 | 2;
		at += put_varint(at, PART);
		memset(at, 'x', PART);
		at += PART;
	}
	attack a;
	attack_begin(&a, NULL);
	peer p = peer_greeted(&a);
	int64_t began = now_ms();
	peer_send_call(&p, STREAM, PYR__END, "Echo", message, (size_t)(at - message));
	peer_expect_final(&p, STREAM, PYR_OK, NULL);
	cr_assert_lt(now_ms() - began, 2000);
	peer_close(&p);
	free(message);
	attack_end(&a, 24u << 20);
}

Test(hostile_messages, a_million_empty_submessages)
{
	enum { COUNT = 1000000 };
	uint8_t *message = malloc(COUNT * 2);
	for (size_t i = 0; i < COUNT; i++) {
		message[2 * i] = 2 << 3 | 2;
		message[2 * i + 1] = 0;
	}
	/* 96 bytes a Node: three times what may be decoded */
	expect_refusal(message, COUNT * 2, PYR_RESOURCE_EXHAUSTED, "", 56u << 20);
	free(message);
}

Test(hostile_messages, a_string_that_is_not_utf8)
{
	expect_refusal("\x1a\x02\xc3\x28", 4, PYR_INVALID_ARGUMENT, "UTF-8", 2u << 20);
}

Test(hostile_messages, bytes_that_are_no_message)
{
	expect_refusal("\x0f\xff\xff", 3, PYR_INVALID_ARGUMENT, "", 2u << 20);
	expect_refusal("\x1a\xff\xff\xff\xff\x0f", 6, PYR_INVALID_ARGUMENT, "", 2u << 20);
}

Test(hostile_messages, longer_than_the_limit)
{
	size_t size = 5u << 20;
	uint8_t *message = calloc(1, size);
	expect_refusal(message, size, PYR_RESOURCE_EXHAUSTED, "longer", 8u << 20);
	free(message);
}

Test(hostile_messages, unknown_methods_and_objects_are_named_in_the_answer)
{
	attack a;
	attack_begin(&a, NULL);
	peer p = peer_greeted(&a);
	peer_send_call(&p, STREAM, PYR__END, "Missing", "", 0);
	peer_expect_final(&p, STREAM, PYR_UNIMPLEMENTED, "hostile.Target/Missing");
	peer_close(&p);
	attack_end(&a, 2u << 20);
}
