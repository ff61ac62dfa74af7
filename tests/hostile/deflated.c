/* SPDX-License-Identifier: Apache-2.0 */
/* Little that inflates to much: it takes no more of the target than what is sent as it is. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "hostile/attack.h"

#define MESSAGE_MOST (4u << 20)

/* So many zeros, which are no message, with a size that need not be theirs. */
static size_t make_bomb(uint8_t *bomb, size_t room, size_t zeros, uint32_t announced)
{
	uint8_t *bytes = calloc(1, zeros);
	uLongf size = room - 4;
	cr_assert_eq(compress2(bomb + 4, &size, bytes, zeros, 9), Z_OK);
	free(bytes);
	pyr__store32(bomb, announced);
	return size + 4;
}

static void expect_refusals(size_t zeros, pyr_status status, const char *text, size_t ceiling_bytes)
{
	static uint8_t bomb[16384];
	size_t size = make_bomb(bomb, sizeof bomb, zeros, (uint32_t)zeros);
	attack a;
	attack_begin(&a, NULL);
	peer p = peer_greeted(&a);
	for (uint32_t generation = 1; generation <= 30; generation++) {
		uint32_t stream = generation << 16;
		cr_assert(peer_send_call(&p, stream, PYR__END | PYR__DEFLATED, "Echo", bomb, size));
		peer_expect_final(&p, stream, status, text);
	}
	attack_target_serves(&a);
	peer_close(&p);
	attack_end(&a, ceiling_bytes);
}

Test(hostile_deflated, bombs_above_the_limit_are_not_inflated)
{
	expect_refusals(MESSAGE_MOST + 1, PYR_RESOURCE_EXHAUSTED, "longer", 2u << 20);
}

Test(hostile_deflated, bombs_at_the_limit_take_what_a_message_takes)
{
	expect_refusals(MESSAGE_MOST, PYR_INVALID_ARGUMENT, "", 8u << 20);
}

Test(hostile_deflated, a_bomb_that_says_it_is_small_ends_its_connection)
{
	static uint8_t bomb[80000];
	size_t size = make_bomb(bomb, sizeof bomb, 60u << 20, 60000);
	attack a;
	attack_begin(&a, NULL);
	peer p = peer_greeted(&a);
	/* cut, since it would be no shorter than what it says */
	cr_assert_gt(size, 60000);
	peer_send_call(&p, 1u << 16, PYR__END | PYR__DEFLATED, "Echo", bomb, 50000);
	peer_expect_goaway(&p, "does not inflate to 60000 bytes");
	peer_close(&p);
	attack_end(&a, 2u << 20);
}

/* 40 KiB for each would be remembered of streams that are half inflated. */
Test(hostile_deflated, parts_that_never_end_take_what_has_come)
{
	enum { COUNT = 10000 };
	static const uint8_t sizes[] = {50, 0, 0, 0, 51, 0, 0, 0};
	static uint8_t bomb[64];
	make_bomb(bomb, sizeof bomb, 2000, 51);
	attack a;
	attack_begin(&a, NULL);
	peer p = peer_greeted(&a);
	for (uint32_t slot = 0; slot < COUNT; slot++) {
		uint32_t stream = 1u << 16 | slot;
		cr_assert(peer_send_call(
			&p, stream, PYR__MORE | PYR__DEFLATED, "Echo", sizes, sizeof sizes));
		cr_assert(peer_send_frame(&p, PYR__FRAME_MESSAGE, PYR__MSG | PYR__CONT | PYR__MORE,
			stream, bomb + 4, 10));
	}
	attack_target_serves(&a);
	peer_close(&p);
	attack_end(&a, 16u << 20);
}
