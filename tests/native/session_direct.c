/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of a long message that are received straight into it, and what the room for input is. */
#include <criterion/criterion.h>
#include <string.h>
#include "leaks.h"
#include "native/hand.h"
#include "native/session_private.h"

#define PART_BYTES 60000u
#define PARTS      3u

static const uint8_t total[] = {0x20, 0xbf, 0x02, 0}; /* PARTS * PART_BYTES */

/* A client whose call's answer comes in parts, and has not begun. */
static hand begin(void)
{
	hand h = hand_client();
	hand_make_call(&h, "a/b", 0, true, NULL);
	hand_skip_frames(&h);
	hand_give_frame(&h, PYR__FRAME_MESSAGE, PYR__MSG | PYR__MORE, STREAM, total, sizeof total);
	hand_no_event(&h);
	return h;
}

static void give_header(hand *h, bool last)
{
	uint8_t header[PYR__FRAME_HEADER];
	uint8_t flags = PYR__MSG | PYR__CONT | (last ? 0 : PYR__MORE);
	pyr__frame_store(header, PART_BYTES, PYR__FRAME_MESSAGE, flags, STREAM);
	hand_give(h, header, sizeof header);
	hand_no_event(h);
}

static const uint8_t *room_of(hand *h, size_t *ret_size)
{
	void *room;
	pyr__session_input(h->session, &room, ret_size);
	return room;
}

static bool is_direct(hand *h, size_t left)
{
	size_t size;
	const uint8_t *room = room_of(h, &size);
	const pyr__block *block = pyr__session_find(h->session, STREAM)->partial->block;
	bool inside = room >= block->data && room + size <= block->data + block->size;
	pyr__session_received(h->session, 0);
	return inside && size == left;
}

static void expect_whole(hand *h)
{
	pyr__event event = hand_event(h, PYR__EVENT_MESSAGE);
	cr_assert_eq(event.payload.size, PARTS * PART_BYTES);
	cr_assert_arr_eq(event.payload.data, hand_bytes(PARTS * PART_BYTES), PARTS * PART_BYTES);
	pyr__session_consumed(h->session, STREAM, event.cost);
	hand_final(h, STREAM, PYR_OK, NULL, 0);
	hand_event(h, PYR__EVENT_FINAL);
	hand_skip_frames(h);
	hand_end(h);
}

Test(session_direct, parts_go_straight_to_their_message)
{
	hand h = begin();
	for (unsigned i = 0; i < PARTS; i++) {
		give_header(&h, i == PARTS - 1);
		cr_assert(is_direct(&h, PART_BYTES));
		hand_give(&h, hand_bytes(1), 1);
		hand_no_event(&h);
		cr_assert(is_direct(&h, PART_BYTES - 1));
		hand_give(&h, hand_bytes(PART_BYTES), PART_BYTES - 1);
	}
	expect_whole(&h);
}

/* What a read brings beyond the part is the next frame's beginning. */
Test(session_direct, what_comes_behind_a_part_goes_elsewhere)
{
	hand h = begin();
	for (unsigned i = 0; i < PARTS; i++) {
		void *part, *behind;
		size_t size, behind_size;
		if (i == 0)
			give_header(&h, false);
		pyr__session_input(h.session, &part, &size);
		pyr__session_input_behind(h.session, &behind, &behind_size);
		cr_assert_eq(size, PART_BYTES);
		cr_assert_geq(behind_size, PYR__FRAME_HEADER);
		memcpy(part, hand_bytes(PART_BYTES), PART_BYTES);
		if (i == PARTS - 1)
			behind_size = 0;
		else
			pyr__frame_store(behind, PART_BYTES, PYR__FRAME_MESSAGE,
				PYR__MSG | PYR__CONT | (i + 2 < PARTS ? PYR__MORE : 0), STREAM);
		pyr__session_received(
			h.session, PART_BYTES + (behind_size ? PYR__FRAME_HEADER : 0));
		if (i < PARTS - 1)
			hand_no_event(&h);
	}
	expect_whole(&h);
}

Test(session_direct, there_is_nothing_behind_what_is_not_direct)
{
	hand h = hand_server();
	void *room;
	size_t size;
	pyr__session_input(h.session, &room, &size);
	pyr__session_input_behind(h.session, &room, &size);
	cr_assert_eq(size, 0);
	pyr__session_received(h.session, 0);
	hand_end(&h);
}

/* Another thread cancels while the bytes are on their way into memory that is not needed any more.
 */
Test(session_direct, a_call_that_is_given_up_meanwhile_keeps_the_room_until_it_is_filled)
{
	hand h = begin();
	size_t size;
	give_header(&h, false);
	uint8_t *room = (uint8_t *)room_of(&h, &size);
	pyr__session_reset(h.session, STREAM);
	memset(room, 'y', size);
	pyr__session_received(h.session, size);
	hand_frame(&h, PYR__FRAME_RESET);
	hand_no_event(&h);
	hand_final(&h, STREAM, PYR_CANCELLED, NULL, 0);
	hand_end(&h);
}

Test(session_direct, a_session_that_ends_meanwhile_gives_the_room_back)
{
	hand h = begin();
	size_t size;
	give_header(&h, false);
	room_of(&h, &size);
	pyr__session_disconnect(h.session, PYR_UNAVAILABLE, "the test is over");
	pyr__session_received(h.session, size);
	hand_event(&h, PYR__EVENT_FINAL);
	hand_event(&h, PYR__EVENT_CLOSED);
	cr_assert_null(h.session->direct);
	hand_end(&h);
}

/* They are judged when they are whole, as those that come by way of the receive block. */
Test(session_direct, parts_that_do_not_add_up_are_violations)
{
	hand h = begin();
	give_header(&h, true);
	cr_assert(is_direct(&h, PART_BYTES));
	hand_give(&h, hand_bytes(PART_BYTES), PART_BYTES);
	hand_expect_violation(&h, "a message ends after 60000 of 180000 bytes");
	h = begin();
	for (unsigned i = 0; i < PARTS; i++) {
		give_header(&h, false);
		hand_give(&h, hand_bytes(PART_BYTES), PART_BYTES);
		hand_no_event(&h);
	}
	give_header(&h, true);
	cr_assert(!is_direct(&h, PART_BYTES), "there is no room for more than was announced");
	hand_give(&h, hand_bytes(PART_BYTES), PART_BYTES);
	hand_expect_violation(&h, "a message is longer than its announced 180000 bytes");
}

/* The room */

static size_t room_size(hand *h)
{
	size_t size;
	room_of(h, &size);
	pyr__session_received(h->session, 0);
	return size;
}

Test(session_direct, after_what_was_large_there_is_large_room_for_a_while)
{
	uint8_t ping[PYR__FRAME_HEADER + 8] = {0};
	pyr__frame_store(ping, 8, PYR__FRAME_PING, 0, 0);
	hand h = hand_server();
	hand_no_event(&h); /* the block of the handshake is not needed any more */
	size_t small = room_size(&h);
	cr_assert_lt(small, PYR__FRAME_MAX);
	hand_give_frame(&h, 0x80, 0, 0, hand_bytes(60000), 60000);
	hand_no_event(&h);
	cr_assert_gt(room_size(&h), PYR__FRAME_MAX);
	for (int i = 0; i < 100; i++) {
		hand_give(&h, ping, sizeof ping);
		hand_no_event(&h);
	}
	cr_assert_eq(room_size(&h), small);
	hand_skip_frames(&h);
	hand_end(&h);
}
