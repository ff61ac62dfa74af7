/* SPDX-License-Identifier: Apache-2.0 */
/* Encoding: what is sent of what a program may have put into a message, and what is refused. */
#include "codec/encode.h"

#include <criterion/criterion.h>
#include <string.h>
#include "codec/decode.h"
#include "codec/types2.pb-c.h"
#include "codec/types3.pb-c.h"

#define BYTES(text) text, sizeof(text) - 1

/* With ever less room: it is all of it, or nothing, and never written outside. */
static void check_flat(const void *message, const char *expected, size_t size)
{
	for (size_t room = 0; room <= 254; room++) {
		uint8_t bytes[256];
		size_t flat_size = 77;
		memset(bytes, 0xee, sizeof bytes);
		const uint8_t *flat = pyr__encode_flat(message, bytes + 1, room, &flat_size);
		cr_assert(bytes[0] == 0xee && bytes[1 + room] == 0xee);
		cr_assert(flat_size == (flat ? size : 77), "%zu bytes", flat_size);
		cr_assert(!flat || flat == bytes + 1 + room - size);
		cr_assert(!flat || memcmp(flat, expected, size) == 0);
	}
}

/* With the longest field's bytes put where they are missing it is the same. */
static void check_around(const void *message, const char *expected, size_t size)
{
	uint8_t bytes[256];
	const uint8_t *data;
	size_t lent;
	const ProtobufCFieldDescriptor *longest = pyr__encode_longest(message, 1, &data, &lent);
	if (!longest)
		return;
	cr_assert_null(pyr__encode_longest(message, lent + 1, &data, &lent));
	memset(bytes, 0xee, sizeof bytes);
	const uint8_t *at = pyr__encode_around(message, longest, lent, bytes + 1, size - lent);
	size_t before = (size_t)(at - (bytes + 1));
	cr_assert(bytes[0] == 0xee && bytes[1 + size - lent] == 0xee);
	cr_assert(memcmp(bytes + 1, expected, before) == 0);
	cr_assert(memcmp(data, expected + before, lent) == 0);
	cr_assert(memcmp(at, expected + before + lent, size - before - lent) == 0);
}

static void check_bytes(const void *message, const char *expected, size_t size)
{
	uint8_t bytes[256];
	size_t measured;
	pyr_error err;
	pyr_status status = pyr__encoded_size(message, &measured, &err);
	cr_assert(status == PYR_OK, "%s", err.message);
	cr_assert(measured == size, "%zu bytes", measured);
	memset(bytes, 0xee, sizeof bytes);
	cr_assert(pyr__encode(message, bytes + 1, size) == bytes + 1 + size);
	cr_assert(memcmp(bytes + 1, expected, size) == 0);
	cr_assert(bytes[0] == 0xee && bytes[1 + size] == 0xee);
	check_flat(message, expected, size);
	check_around(message, expected, size);
}

static void check_refused(const void *message, const char *what)
{
	pyr_error err;
	size_t size = 77;
	cr_assert(pyr__encoded_size(message, &size, &err) == PYR_INVALID_ARGUMENT, "%s", what);
	cr_assert(strstr(err.message, what), "%s", err.message);
	cr_assert(size == 77 && pyr__encoded_size(message, &size, NULL) == PYR_INVALID_ARGUMENT);
	uint8_t space[256];
	cr_assert(pyr__encode_flat(message, space, sizeof space, &size) == NULL && size == 77);
}

Test(encode, sends_minus_zero_but_not_zero)
{
	Codec3__Singular m = CODEC3__SINGULAR__INIT;
	check_bytes(&m, BYTES(""));
	m.real64 = -0.0;
	m.real32 = -0.0f;
	check_bytes(&m, BYTES("\x7d\0\0\0\x80"
			      "\x81\x01\0\0\0\0\0\0\0\x80"));
}

Test(encode, sends_numbers_of_every_length)
{
	Codec3__Singular m = CODEC3__SINGULAR__INIT;
	m.i32 = -1;
	m.s32 = -64;
	m.u64 = UINT64_MAX;
	m.u32 = 128;
	m.truth = 7;
	check_bytes(&m, BYTES("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
			      "\x10\x7f"
			      "\x38\x80\x01"
			      "\x48\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
			      "\xf8\x7f\x01"));
}

Test(encode, sends_a_oneof_by_its_case_even_if_it_is_the_default)
{
	Codec3__Choice m = CODEC3__CHOICE__INIT;
	m.i32 = 5;
	check_bytes(&m, BYTES(""));
	m.which_case = CODEC3__CHOICE__WHICH_I32;
	m.i32 = 0;
	check_bytes(&m, BYTES("\x08\0"));
	m.which_case = CODEC3__CHOICE__WHICH_TEXT;
	m.text = (char *)protobuf_c_empty_string;
	check_bytes(&m, BYTES("\x32\0"));
	m.text = NULL;
	check_bytes(&m, BYTES(""));
}

Test(encode, sends_optional_fields_of_proto2_if_they_are_set)
{
	Codec2__Defaults m = CODEC2__DEFAULTS__INIT;
	check_bytes(&m, BYTES(""));
	m.has_i32 = m.has_data = 1;
	m.plain = (char *)"";
	check_bytes(&m, BYTES("\x08\xf9\xff\xff\xff\xff\xff\xff\xff\xff\x01"
			      "\x4a\x03\x01\0\x02"
			      "\x52\0"));
}

Test(encode, packs_what_is_to_be_packed)
{
	int32_t numbers[] = {1, -1};
	protobuf_c_boolean truths[] = {1, 0, 2};
	Codec2__Lists m = CODEC2__LISTS__INIT;
	m.n_i32 = m.n_s32 = 2;
	m.i32 = m.s32 = numbers;
	m.n_truth = 3;
	m.truth = truths;
	check_bytes(&m, BYTES("\x08\x01\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
			      "\x12\x02\x02\x01"
			      "\x22\x03\x01\0\x01"));
}

Test(encode, can_leave_out_the_longest_of_the_fields_of_bytes)
{
	Codec3__Singular m = CODEC3__SINGULAR__INIT;
	const uint8_t *data = NULL;
	size_t size = 0;
	cr_assert_null(pyr__encode_longest(&m.base, 1, &data, &size));
	m.u32 = 1;
	m.text = "shorter";
	m.data = (ProtobufCBinaryData){9, (uint8_t *)"the\0bytes"};
	const ProtobufCFieldDescriptor *longest = pyr__encode_longest(&m.base, 1, &data, &size);
	cr_assert_str_eq(longest->name, "data");
	cr_assert(data == m.data.data && size == 9);
	check_bytes(&m, BYTES("\x38\x01"
			      "\xba\xa3\x09\x09the\0bytes"
			      "\x82\xea\x30\x07shorter"));
	m.text = "the longest one";
	check_bytes(&m, BYTES("\x38\x01"
			      "\xba\xa3\x09\x09the\0bytes"
			      "\x82\xea\x30\x0fthe longest one"));
	cr_assert_null(pyr__encode_longest(&m.base, 16, &data, &size));
}

Test(encode, sends_unknown_fields_behind_the_others)
{
	ProtobufCMessageUnknownField fields[] = {
		{.tag = 5,
			.wire_type = PROTOBUF_C_WIRE_TYPE_VARINT,
			.len = 1,
			.data = (uint8_t *)"\x07"},
		{.tag = 536870911,
			.wire_type = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED,
			.len = 2,
			.data = (uint8_t *)"\x01z"},
	};
	Codec3__Blob m = CODEC3__BLOB__INIT;
	m.data = (ProtobufCBinaryData){1, (uint8_t *)"a"};
	m.base.n_unknown_fields = 2;
	m.base.unknown_fields = fields;
	check_bytes(&m, BYTES("\x0a\x01"
			      "a\x28\x07\xfa\xff\xff\xff\x0f\x01z"));
	m.base.unknown_fields = NULL;
	check_refused(&m, "codec3.Blob has unknown fields without data");
	fields[1].data = NULL;
	m.base.unknown_fields = fields;
	check_refused(&m, "codec3.Blob has unknown fields without data");
}

Test(encode, refuses_text_that_is_not_utf8)
{
	Codec3__Singular m = CODEC3__SINGULAR__INIT;
	m.text = (char *)"0123456789\xc3";
	check_refused(&m, "codec3.Singular.text is not UTF-8");
	char *texts[] = {(char *)"good", (char *)"\xed\xa0\x80"};
	Codec3__Repeated r = CODEC3__REPEATED__INIT;
	r.n_text = 2;
	r.text = texts;
	check_refused(&r, "codec3.Repeated.text is not UTF-8");
}

Test(encode, refuses_what_protobuf_c_would_crash_on)
{
	char *texts[] = {(char *)"good", NULL};
	Codec3__Singular *subs[] = {NULL};
	ProtobufCBinaryData data[] = {{3, NULL}};
	Codec3__Repeated m = CODEC3__REPEATED__INIT;
	m.n_text = 2;
	check_refused(&m, "codec3.Repeated.text has elements but no array");
	m.text = texts;
	check_refused(&m, "codec3.Repeated.text is NULL");
	m.n_text = 0;
	m.n_singular = 1;
	m.singular = subs;
	check_refused(&m, "codec3.Repeated.singular is NULL");
	m.n_singular = 0;
	m.n_data = 1;
	m.data = data;
	check_refused(&m, "codec3.Repeated.data has bytes without data");
	m.n_data = 0;
	m.n_real64 = 1;
	check_refused(&m, "codec3.Repeated.real64 has elements but no array");
}

Test(encode, refuses_required_fields_that_are_null)
{
	Codec2__Simple simple = CODEC2__SIMPLE__INIT;
	Codec2__Needed m = CODEC2__NEEDED__INIT;
	m.simple = &simple;
	check_refused(&m, "codec2.Needed.text is NULL");
	m.text = (char *)"";
	m.simple = NULL;
	check_refused(&m, "codec2.Needed.simple is NULL");
	m.simple = &simple;
	check_bytes(&m, BYTES("\x08\0\x12\0\x1a\0\x32\0\x38\x01\x40\x01"));
}

Test(encode, refuses_messages_that_are_none)
{
	Codec3__Blob blob;
	memset(&blob, 0, sizeof blob);
	check_refused(&blob, "not initialised");
	check_refused(NULL, "a message is NULL");
	Codec3__Singular m = CODEC3__SINGULAR__INIT;
	m.blob = &blob;
	check_refused(&m, "not initialised");
	Codec3__Empty empty = CODEC3__EMPTY__INIT;
	m.blob = (Codec3__Blob *)&empty;
	check_refused(&m, "codec3.Singular.blob is a message of another type");
	ProtobufCMessageDescriptor wrong = codec3__blob__descriptor;
	wrong.magic = 1;
	blob.base.descriptor = &wrong;
	check_refused(&blob, "not initialised");
}

Test(encode, refuses_cycles_and_what_is_deeper_than_it_decodes)
{
	static Codec3__Node nodes[PYR__DECODE_DEPTH_MAX + 1];
	for (int i = 0; i <= PYR__DECODE_DEPTH_MAX; i++) {
		codec3__node__init(&nodes[i]);
		nodes[i].next = i < PYR__DECODE_DEPTH_MAX ? &nodes[i + 1] : NULL;
	}
	check_refused(&nodes[0], "codec3.Node is nested deeper than 100 messages");
	size_t size;
	cr_assert(pyr__encoded_size(&nodes[1].base, &size, NULL) == PYR_OK);
	Codec3__Node *both[] = {&nodes[0], &nodes[0]};
	nodes[0].next = NULL;
	nodes[0].n_children = 2;
	nodes[0].children = both;
	check_refused(&nodes[0], "nested deeper");
}

Test(encode, writes_the_deepest_message_that_is_decoded_again)
{
	static Codec3__Node nodes[PYR__DECODE_DEPTH_MAX];
	for (int i = 0; i < PYR__DECODE_DEPTH_MAX; i++) {
		codec3__node__init(&nodes[i]);
		nodes[i].name = (char *)"n";
		if (i)
			nodes[i - 1].next = &nodes[i];
	}
	uint8_t bytes[2000];
	size_t size;
	cr_assert(pyr__encoded_size(&nodes[0].base, &size, NULL) == PYR_OK && size < sizeof bytes);
	pyr__encode(&nodes[0].base, bytes, size);
	pyr__decode_options options = {0};
	ProtobufCMessage *message;
	cr_assert(pyr__decode(&codec3__node__descriptor, bytes, size, &options, &message, NULL) ==
		  PYR_OK);
	int depth = 0;
	for (Codec3__Node *node = (Codec3__Node *)message; node; node = node->next)
		depth++;
	cr_assert(depth == PYR__DECODE_DEPTH_MAX);
	protobuf_c_message_free_unpacked(message, NULL);
}

Test(encode, refuses_more_than_two_gigabytes_without_looking_at_them)
{
	/* the same bytes over and over: they are measured, not read */
	static ProtobufCBinaryData data[3];
	for (int i = 0; i < 3; i++)
		data[i] = (ProtobufCBinaryData){(size_t)1 << 30, (uint8_t *)"x"};
	Codec3__Repeated m = CODEC3__REPEATED__INIT;
	m.n_data = 3;
	m.data = data;
	check_refused(&m, "codec3.Repeated takes more than protobuf's limit of 2 GiB");
	data[0].len = SIZE_MAX;
	data[1].len = 16;
	check_refused(&m, "limit of 2 GiB");
	m.n_data = 1;
	data[0].len = SIZE_MAX;
	check_refused(&m, "limit of 2 GiB");
}
