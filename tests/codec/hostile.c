/* SPDX-License-Identifier: Apache-2.0 */
/* What a peer may send to hurt: refused or borne, within the memory that each test states. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "codec/decode.h"
#include "codec/judge.h"
#include "codec/types2.pb-c.h"
#include "codec/types3.pb-c.h"
#include "leaks.h"

#define MIB         ((size_t)1 << 20)
#define BYTES_MAX   (32 * MIB) /* the default of decoded_bytes_max */
#define CEILING     (38 * MIB) /* the chunks of an arena, and what sorting a map takes, included */
#define BYTES(text) (const uint8_t *)text, sizeof(text) - 1

/* All that the decoder and its arena allocate goes through this, by --wrap. */
static size_t allocated;
void *__real_pyr__try_alloc(size_t size);
void *__wrap_pyr__try_alloc(size_t size);

void *__wrap_pyr__try_alloc(size_t size)
{
	allocated += size;
	return __real_pyr__try_alloc(size);
}

/* In an arena, whose memory is not given back on the way: what was allocated is the peak. */
static pyr_status decode(const ProtobufCMessageDescriptor *descriptor, const uint8_t *data,
	size_t size, pyr_error *err)
{
	pyr__arena arena;
	pyr__arena_init(&arena, NULL, 0);
	pyr__decode_options options = {.arena = &arena, .alias = true, .bytes_max = BYTES_MAX};
	ProtobufCMessage *message;
	allocated = 0;
	pyr_status status = pyr__decode(descriptor, data, size, &options, &message, err);
	pyr__arena_reset(&arena);
	cr_assert(allocated <= CEILING, "%zu bytes were allocated", allocated);
	return status;
}

static uint8_t *repeat(const uint8_t *unit, size_t size, size_t times)
{
	uint8_t *data = malloc(size * times);
	for (size_t i = 0; i < times; i++)
		memcpy(data + i * size, unit, size);
	return data;
}

static void check_refused(const ProtobufCMessageDescriptor *descriptor, const uint8_t *data,
	size_t size, const char *what)
{
	pyr_error err;
	cr_assert(decode(descriptor, data, size, &err) == PYR_INVALID_ARGUMENT, "%s", what);
	cr_assert(strstr(err.message, what), "%s, not %s", err.message, what);
	cr_assert(judge(descriptor, data, size) == PYR_INVALID_ARGUMENT);
}

/* Node.next 10,000 deep: each is written in front of the one inside. */
static uint8_t *nested(size_t depth, uint8_t **ret_begin, size_t *ret_size)
{
	uint8_t *all = malloc(depth * 6), *end = all + depth * 6, *at = end;
	for (size_t i = 1; i < depth; i++) {
		size_t size = (size_t)(end - at), bytes = size < 128 ? 1 : size < 16384 ? 2 : 3;
		at -= bytes + 1;
		at[0] = 0x0a;
		for (size_t k = 0; k < bytes; k++)
			at[1 + k] = (uint8_t)((size >> 7 * k & 0x7f) | (k + 1 < bytes ? 0x80 : 0));
	}
	*ret_begin = at;
	*ret_size = (size_t)(end - at);
	return all;
}

Test(hostile, a_message_nested_10000_deep_is_refused_without_memory)
{
	uint8_t *begin;
	size_t size;
	pyr_error err;
	uint8_t *all = nested(10000, &begin, &size);
	cr_assert(decode(&codec3__node__descriptor, begin, size, &err) == PYR_INVALID_ARGUMENT);
	cr_assert(strstr(err.message, "messages are nested too deep"), "%s", err.message);
	cr_assert(allocated < 64 * 1024);
	free(all);
	all = nested(101, &begin, &size);
	cr_assert(decode(&codec3__node__descriptor, begin, size, NULL) == PYR_INVALID_ARGUMENT);
	free(all);
	all = nested(100, &begin, &size);
	cr_assert(decode(&codec3__node__descriptor, begin, size, NULL) == PYR_OK);
	free(all);
	CHECK_LEAKS();
}

Test(hostile, a_submessage_merged_a_thousand_times_grows_as_its_content_does)
{
	/* each part adds 100 numbers: 800 KB of them in all where protobuf-c takes hundreds of MB
	 */
	uint8_t part[104] = {0x0a, 102, 0x42, 100};
	uint8_t *data = repeat(part, sizeof part, 1000);
	pyr_error err;
	cr_assert(decode(&codec3__node__descriptor, data, 1000 * sizeof part, &err) == PYR_OK);
	cr_assert(allocated < 2 * MIB, "%zu", allocated);
	free(data);
	CHECK_LEAKS();
}

Test(hostile, a_map_merged_half_a_million_times_is_settled_once)
{
	static const uint8_t part[] = {0x0a, 0x06, 0x2a, 0x04, 0x0a, 0x02, 'z', 'a'};
	uint8_t *data = repeat(part, sizeof part, 500000);
	pyr_error err;
	pyr_status status = decode(&codec3__node__descriptor, data, 500000 * sizeof part, &err);
	cr_assert(status == PYR_RESOURCE_EXHAUSTED || status == PYR_OK);
	free(data);
	CHECK_LEAKS();
}

Test(hostile, a_million_empty_submessages_stay_under_the_limit)
{
	uint8_t *data = repeat((const uint8_t *)"\x32\0", 2, 2000000);
	pyr_error err;
	cr_assert(decode(&codec3__node__descriptor, data, 4000000, &err) == PYR_RESOURCE_EXHAUSTED);
	cr_assert(strstr(err.message, "more memory than allowed (codec3.Node.empty)"), "%s",
		err.message);
	cr_assert(decode(&codec3__node__descriptor, data, 2000000, &err) == PYR_OK);
	free(data);
	CHECK_LEAKS();
}

Test(hostile, a_million_unknown_fields_stay_under_the_limit)
{
	uint8_t *data = repeat((const uint8_t *)"\x78\x01", 2, 1000000);
	pyr_error err;
	cr_assert(decode(&codec3__node__descriptor, data, 2000000, &err) == PYR_RESOURCE_EXHAUSTED);
	cr_assert(decode(&codec3__node__descriptor, data, 200000, &err) == PYR_OK);
	free(data);
	CHECK_LEAKS();
}

Test(hostile, groups_are_skipped_to_a_depth)
{
	/* field 15: a group that holds a number and another group */
	cr_assert(judge(&codec3__blob__descriptor, BYTES("\x7b\x08\x01\x13\x14\x7c")) == PYR_OK);
	check_refused(&codec3__blob__descriptor, BYTES("\x7b\x08\x01\x74"), "did not begin");
	check_refused(&codec3__blob__descriptor, BYTES("\x7c"), "did not begin");
	check_refused(&codec3__blob__descriptor, BYTES("\x7b\x08\x01"), "cut short");
	uint8_t deep[10000];
	memset(deep, 0x7b, sizeof deep);
	check_refused(&codec3__blob__descriptor, deep, sizeof deep, "nested too deep");
	CHECK_LEAKS();
}

Test(hostile, malformed_encodings_are_refused_with_the_place)
{
	static const struct {
		const char *data;
		size_t size;
		const char *what;
	} cases[] = {
		{"\x00\x01", 2, "a field number is not valid at byte 1 (codec3.Node)"},
		{"\x0e\x01", 2, "a wire type is not valid"},
		{"\x0f\x01", 2, "a wire type is not valid"},
		{"\xff\xff\xff\xff\xff\x01", 6, "a field number is not valid"},
		{"\x88\x80\x80\x80\x80\x00\x01", 7, "a field number is not valid"},
		{"\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12, "a number is too long"},
		{"\x20\xff", 2, "a number is cut short at byte 2 (codec3.Node.id)"},
		{"\x1a\xff\xff\xff\xff\x0f", 6, "a value is cut short"},
		{"\x1a\x81\x80\x80\x80\x80\x00z", 8, "a length is too long"},
		{"\x1a\x02z", 3, "a value is cut short"},
		{"\x0a\x05\x0a\x03\x1a\x01\xff", 7,
			"not UTF-8 at byte 7 (codec3.Node.next.next.name)"},
		{"\x1a\x03\xed\xa0\x80", 5, "a string is not UTF-8"},
		{"\x1a\x02\xc0\x80", 4, "a string is not UTF-8"},
		{"\x1a\x03"
		 "a\0b",
			5, "a string has a NUL in it at byte 4"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		check_refused(&codec3__node__descriptor, (const uint8_t *)cases[i].data,
			cases[i].size, cases[i].what);
	check_refused(&codec3__repeated__descriptor, BYTES("\x1a\x03\0\0\0"),
		"no whole number of values");
	CHECK_LEAKS();
}

/* A message with something of all kinds in it. */
static const uint8_t sample[] = "\x08\x01\x12\x04\x0a\x02\x08\x05\x1a\x02\x61\x62\x20\x07"
				"\x42\x03\x01\x02\x03\x2a\x07\x0a\x01\x6b\x12\x02\x20\x01"
				"\x2a\x05\x0a\x01\x6b\x12\x00\x7d\x01\x02\x03\x04\x32\x00";

Test(hostile, every_prefix_and_every_change_of_a_byte_is_judged_as_protobuf_c_does)
{
	static const ProtobufCMessageDescriptor *const types[] = {&codec3__node__descriptor,
		&codec3__choice__descriptor, &codec2__lists__descriptor,
		&codec2__needed__descriptor};
	for (size_t t = 0; t < 4; t++) {
		for (size_t size = 0; size < sizeof sample; size++) {
			uint8_t *cut = malloc(size + 1);
			memcpy(cut, sample, size);
			judge(types[t], cut, size);
			free(cut);
		}
		for (size_t i = 0; i < (sizeof sample - 1) * 256; i++) {
			uint8_t changed[sizeof sample];
			memcpy(changed, sample, sizeof sample);
			changed[i / 256] = (uint8_t)i;
			judge(types[t], changed, sizeof sample - 1);
		}
	}
	CHECK_LEAKS();
}

Test(hostile, of_entries_with_one_key_the_last_stays)
{
	pyr__decode_options options = {0};
	ProtobufCMessage *message;
	cr_assert(pyr__decode(&codec3__maps__descriptor,
			  BYTES("\x12\x04\x08\x05\x10\x01\x12\x04\x08\x03\x10\x02"
				"\x12\x04\x08\x05\x10\x03\x12\x02\x10\x04\x12\x04\x08\0\x10\x05"
				"\x42\0\x42\0"),
			  &options, &message, NULL) == PYR_OK);
	Codec3__Maps *maps = (Codec3__Maps *)message;
	cr_assert(maps->n_numbers == 3 && maps->n_like == 2);
	cr_assert(maps->numbers[0]->key == 3 && maps->numbers[0]->value == 2);
	cr_assert(maps->numbers[1]->key == 5 && maps->numbers[1]->value == 3);
	cr_assert(maps->numbers[2]->key == 0 && maps->numbers[2]->value == 5);
	protobuf_c_message_free_unpacked(message, NULL);
	CHECK_LEAKS();
}

Test(hostile, a_required_field_that_is_missing_is_named)
{
	check_refused(&codec2__simple__descriptor, BYTES("\x08"), "cut short");
	check_refused(&codec2__needed__descriptor, BYTES(""),
		"a required field is missing at byte 1 (codec2.Needed.number)");
	check_refused(&codec2__any2__descriptor, BYTES("\x0a\x02\x08\x01"),
		"a required field is missing at byte 5 (codec2.Any2.needed.text)");
	check_refused(&codec2__many__descriptor, BYTES("\x80\x04\x01\x9a\x04\0"),
		"a required field is missing at byte 7 (codec2.Many.f65)");
	cr_assert(judge(&codec2__many__descriptor, BYTES("\x80\x04\x01\x88\x04\x01\x9a\x04\0")) ==
		  PYR_OK);
	CHECK_LEAKS();
}
