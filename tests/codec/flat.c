/* SPDX-License-Identifier: Apache-2.0 */
/* Short messages, which are decoded by a way of their own, and all that is almost one. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "codec/decoder.h"
#include "codec/encode.h"
#include "codec/judge.h"
#include "codec/messages.h"
#include "codec/types2.pb-c.h"

#define MESSAGES 60

typedef struct bytes {
	uint8_t *data;
	size_t size;
} bytes;

static bytes random_short(roller *dice)
{
	bytes b;
	ProtobufCMessage *message = random_message(dice, &codec2__short__descriptor, 2);
	cr_assert_eq(pyr__encoded_size(message, &b.size, NULL), PYR_OK);
	b.data = malloc(b.size + 1);
	pyr__encode(message, b.data, b.size);
	protobuf_c_message_free_unpacked(message, NULL);
	return b;
}

/* In memory of just that size, so that a reader who goes too far is caught. */
static void judge_copy(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	memcpy(copy, data, size);
	judge(&codec2__short__descriptor, copy, size);
	free(copy);
}

Test(flat, what_is_cut_anywhere_is_judged_alike)
{
	roller dice = {1};
	for (int i = 0; i < MESSAGES; i++) {
		bytes b = random_short(&dice);
		for (size_t size = 0; size <= b.size; size++)
			judge_copy(b.data, size);
		free(b.data);
	}
}

Test(flat, what_has_a_wrong_byte_anywhere_is_judged_alike)
{
	static const uint8_t wrong[] = {
		0, 1, 2, 7, 8, 10, 16, 18, 58, 64, 72, 0x7f, 0x80, 0x82, 0xff};
	roller dice = {2};
	for (int i = 0; i < MESSAGES; i++) {
		bytes b = random_short(&dice);
		for (size_t at = 0; at < b.size; at++) {
			uint8_t right = b.data[at];
			for (size_t j = 0; j < sizeof wrong; j++) {
				b.data[at] = wrong[j];
				judge_copy(b.data, b.size);
			}
			b.data[at] = right;
		}
		free(b.data);
	}
}

/* The second one's fields come behind the first one's: again, and out of order. */
Test(flat, what_comes_twice_is_judged_alike)
{
	roller dice = {3};
	for (int i = 0; i < MESSAGES; i++) {
		bytes a = random_short(&dice), b = random_short(&dice);
		uint8_t *both = malloc(a.size + b.size);
		memcpy(both, a.data, a.size);
		memcpy(both + a.size, b.data, b.size);
		judge_copy(both, a.size + b.size);
		free(both);
		free(a.data);
		free(b.data);
	}
}

typedef struct encoded {
	const char *bytes;
	size_t size;
	bool flat;
} encoded;

#define BYTES(text) (text), sizeof(text) - 1

static const encoded cases[] = {
	{BYTES("\x08\x05\x38\x01"), true},
	{BYTES("\x08\x05\x12\x02ok\x1a\x00\x38\x01\x78\x81\x01"), true},
	{BYTES("\x08\x05\x21"), false},                 /* cut */
	{BYTES("\x08\x05"), false},                     /* without truth */
	{BYTES("\x38\x01"), false},                     /* without number */
	{BYTES("\x38\x01\x08\x05"), false},             /* the other way round */
	{BYTES("\x08\x05\x08\x06\x38\x01"), false},     /* twice */
	{BYTES("\x0d\x05\x00\x00\x00\x38\x01"), false}, /* number of another wire type */
	{BYTES("\x08\x05\x38\x01\x40\x01"), false},     /* left of another wire type */
	{BYTES("\x08\x05\x38\x01\x42\x01z"), false},    /* one of several */
	{BYTES("\x08\x05\x38\x01\x50\x01"), false},     /* unknown */
	{BYTES("\x08\x05\x38\x01\x82\x01\x00"), false}, /* far */
	{BYTES("\x08\x05\x12\x01\xff\x38\x01"), false}, /* not UTF-8 */
	{BYTES("\x08\x05\x12\x82\x80\x80\x80\x80\x00ok\x38\x01"), false}, /* a size of six bytes */
};

/* Else the tests above would have nothing to find. */
Test(flat, the_short_way_is_taken_by_what_is_short_and_leaves_nothing_of_the_rest)
{
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint8_t space[512];
		pyr__arena arena;
		pyr__arena_init(&arena, space, sizeof space);
		ProtobufCMessage *message = pyr__decode_flat(&codec2__short__descriptor,
			(const uint8_t *)cases[i].bytes, cases[i].size, &arena);
		cr_assert_eq(message != NULL, cases[i].flat, "case %zu", i);
		cr_assert(cases[i].flat || arena.at == space, "case %zu", i);
		message = pyr__decode_flat_malloc(
			&codec2__short__descriptor, (const uint8_t *)cases[i].bytes, cases[i].size);
		cr_assert_eq(message != NULL, cases[i].flat, "case %zu, malloc'ed", i);
		protobuf_c_message_free_unpacked(message, NULL);
		judge_copy((const uint8_t *)cases[i].bytes, cases[i].size);
	}
}

/* There is no byte behind it that a member of another kind could take. */
Test(flat, a_message_inside_is_none_of_its_business)
{
	static const char *const inner[] = {"\x08\x05\x12\x00", "\x08\x05\x12\x02\x08\x07"};
	static const size_t sizes[] = {4, 6};
	for (size_t i = 0; i < 2; i++) {
		pyr__arena arena;
		uint8_t *space = malloc(sizeof(Codec2__Pair));
		pyr__arena_init(&arena, space, sizeof(Codec2__Pair));
		cr_assert(!pyr__decode_flat(
			&codec2__pair__descriptor, (const uint8_t *)inner[i], sizes[i], &arena));
		cr_assert(arena.at == space);
		free(space);
		cr_assert(judge(&codec2__pair__descriptor, (const uint8_t *)inner[i], sizes[i]) ==
			  PYR_OK);
	}
}

Test(flat, without_room_there_is_no_short_way_and_no_chunk)
{
	static const char data[] = "\x08\x05\x12\x10"
				   "0123456789abcdef\x38\x01";
	_Alignas(8) uint8_t space[sizeof(Codec2__Short) + 17];
	pyr__arena arena;
	for (size_t room = 0; room <= sizeof space; room++) {
		pyr__arena_init(&arena, room ? space : NULL, room);
		ProtobufCMessage *message = pyr__decode_flat(
			&codec2__short__descriptor, (const uint8_t *)data, sizeof data - 1, &arena);
		cr_assert_eq(message != NULL, room == sizeof space, "with %zu bytes", room);
		cr_assert(!arena.chunks);
	}
}

/* The limit counts what malloc takes besides, so near it the other way is taken, which counts it.
 */
Test(flat, what_is_malloced_takes_no_more_than_is_allowed)
{
	static const char data[] = "\x08\x05\x12\x10"
				   "0123456789abcdef\x1a\x01x\x38\x01";
	/* the message, its string and its byte, with malloc's heads and least size */
	size_t needed = ((sizeof(Codec2__Short) + 8 + 15) & ~(size_t)15) + 32 + 32;
	for (size_t most = needed - 40; most < needed + 1000; most++) {
		ProtobufCMessage *message;
		pyr__decode_options options = {.bytes_max = most};
		pyr_status status = pyr__decode(&codec2__short__descriptor, (const uint8_t *)data,
			sizeof data - 1, &options, &message, NULL);
		cr_assert_eq(status, most < needed ? PYR_RESOURCE_EXHAUSTED : PYR_OK, "%zu of %zu",
			most, needed);
		if (status == PYR_OK)
			protobuf_c_message_free_unpacked(message, NULL);
	}
}
