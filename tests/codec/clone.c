/* SPDX-License-Identifier: Apache-2.0 */
/* Cloning: what is encoded and decoded again is the judge of what comes out. */
#include "codec/clone.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "codec/encode.h"
#include "codec/messages.h"
#include "codec/types2.pb-c.h"
#include "codec/types3.pb-c.h"
#include "leaks.h"

static const ProtobufCMessageDescriptor *const types[] = {
	&codec3__all__descriptor,
	&codec2__any2__descriptor,
	&codec3__singular__descriptor,
	&codec3__repeated__descriptor,
	&codec3__unpacked__descriptor,
	&codec3__optional__descriptor,
	&codec3__choice__descriptor,
	&codec3__maps__descriptor,
	&codec2__needed__descriptor,
	&codec2__defaults__descriptor,
	&codec2__many__descriptor,
	&codec2__lists__descriptor,
};
#define TYPES (sizeof types / sizeof types[0])

/* NULL if decoding fails. The bytes, which the message may point into, are *ret_bytes. */
static ProtobufCMessage *by_bytes(
	const ProtobufCMessage *message, const pyr__decode_options *options, uint8_t **ret_bytes)
{
	size_t size;
	pyr_error err;
	ProtobufCMessage *again = NULL;
	cr_assert(pyr__encoded_size(message, &size, &err) == PYR_OK, "%s", err.message);
	*ret_bytes = malloc(size + 1);
	pyr__encode(message, *ret_bytes, size);
	pyr_status status =
		pyr__decode(message->descriptor, *ret_bytes, size, options, &again, &err);
	cr_assert(status == PYR_OK || status == PYR_RESOURCE_EXHAUSTED, "%s", err.message);
	return again;
}

/* True if it can be cloned; then the clone must be what the bytes say. */
static bool check_clone(const void *message)
{
	pyr__arena arena;
	uint8_t *bytes;
	const ProtobufCMessageDescriptor *type = ((const ProtobufCMessage *)message)->descriptor;
	pyr__decode_options on_heap = {0}, in_arena = {.arena = &arena, .alias = true};
	pyr__arena_init(&arena, NULL, 0);
	ProtobufCMessage *expected = by_bytes(message, &on_heap, &bytes);
	ProtobufCMessage *heap = pyr__clone(message, type, &on_heap);
	ProtobufCMessage *other = pyr__clone(message, type, &in_arena);
	cr_assert(!heap == !other);
	bool cloned = heap != NULL;
	if (cloned) {
		cr_assert(same_message(heap, expected), "%s", type->name);
		cr_assert(same_message(other, expected), "%s", type->name);
		protobuf_c_message_free_unpacked(heap, NULL);
	}
	protobuf_c_message_free_unpacked(expected, NULL);
	pyr__arena_reset(&arena);
	free(bytes);
	return cloned;
}

Test(clone, is_what_encoding_and_decoding_makes_of_random_messages)
{
	roller dice = {20261129};
	unsigned cloned = 0;
	for (unsigned i = 0; i < 1200; i++) {
		ProtobufCMessage *message = random_message(&dice, types[i % TYPES], 1 + i % 4);
		cloned += check_clone(message);
		protobuf_c_message_free_unpacked(message, NULL);
	}
	cr_assert(cloned > 800, "%u", cloned); /* all but those with maps */
	CHECK_LEAKS();
}

Test(clone, outlives_the_message)
{
	roller dice = {11};
	pyr__decode_options options = {0};
	for (unsigned i = 0; i < 200; i++) {
		const ProtobufCMessageDescriptor *type = types[i % TYPES];
		uint8_t *bytes;
		ProtobufCMessage *message = random_message(&dice, type, 3);
		ProtobufCMessage *expected = by_bytes(message, &options, &bytes);
		ProtobufCMessage *clone = pyr__clone(message, type, &options);
		protobuf_c_message_free_unpacked(message, NULL);
		cr_assert(!clone || same_message(clone, expected));
		protobuf_c_message_free_unpacked(clone, NULL);
		protobuf_c_message_free_unpacked(expected, NULL);
		free(bytes);
	}
	CHECK_LEAKS();
}

Test(clone, has_the_default_of_what_is_not_sent)
{
	Codec2__Defaults m = CODEC2__DEFAULTS__INIT;
	Codec2__Simple simple = CODEC2__SIMPLE__INIT;
	m.i32 = 5;
	m.s64 = 6;
	m.real32 = 7;
	m.truth = 0;
	m.colour = CODEC2__COLOUR__RED;
	m.text = NULL;
	m.data = (ProtobufCBinaryData){1, (uint8_t *)"x"};
	m.simple = &simple;
	simple.number = 9;
	cr_assert(check_clone(&m));
	pyr__decode_options options = {0};
	Codec2__Defaults *c =
		(Codec2__Defaults *)pyr__clone(&m.base, &codec2__defaults__descriptor, &options);
	cr_assert(c->i32 == -7 && c->real32 == -0.5f && c->truth);
	cr_assert(c->colour == CODEC2__COLOUR__BLUE && strcmp(c->text, "hello") == 0);
	cr_assert(c->data.len == 3 && c->simple->number == 0);
	protobuf_c_message_free_unpacked(&c->base, NULL);
	Codec3__Singular s = CODEC3__SINGULAR__INIT;
	s.text = NULL;
	s.data = (ProtobufCBinaryData){0, (uint8_t *)"x"};
	cr_assert(check_clone(&s));
	Codec3__Singular *t =
		(Codec3__Singular *)pyr__clone(&s.base, &codec3__singular__descriptor, &options);
	cr_assert(t->text[0] == '\0' && !t->data.data);
	protobuf_c_message_free_unpacked(&t->base, NULL);
	CHECK_LEAKS();
}

Test(clone, keeps_minus_zero_and_makes_truth_1)
{
	protobuf_c_boolean truths[] = {0, 7, -1};
	pyr__decode_options options = {0};
	Codec3__Singular s = CODEC3__SINGULAR__INIT;
	s.real64 = -0.0;
	s.truth = 7;
	cr_assert(check_clone(&s));
	Codec3__Singular *t =
		(Codec3__Singular *)pyr__clone(&s.base, &codec3__singular__descriptor, &options);
	cr_assert(1 / t->real64 < 0 && t->truth == 1);
	protobuf_c_message_free_unpacked(&t->base, NULL);
	Codec3__Repeated r = CODEC3__REPEATED__INIT;
	r.truth = truths;
	r.n_truth = 3;
	cr_assert(check_clone(&r));
	Codec3__Repeated *q =
		(Codec3__Repeated *)pyr__clone(&r.base, &codec3__repeated__descriptor, &options);
	cr_assert(q->truth[0] == 0 && q->truth[1] == 1 && q->truth[2] == 1);
	protobuf_c_message_free_unpacked(&q->base, NULL);
	CHECK_LEAKS();
}

Test(clone, has_no_case_of_a_oneof_that_is_not_sent)
{
	Codec3__Choice m = CODEC3__CHOICE__INIT;
	m.i32 = 5;
	cr_assert(check_clone(&m));
	m.which_case = CODEC3__CHOICE__WHICH_TEXT;
	m.text = NULL;
	cr_assert(check_clone(&m));
	m.which_case = 99;
	cr_assert(check_clone(&m));
	m.which_case = CODEC3__CHOICE__WHICH_I32;
	m.text = (char *)"more than a number has room for";
	m.i32 = 0;
	cr_assert(check_clone(&m));
	m.which_case = CODEC3__CHOICE__WHICH_DATA;
	m.data = (ProtobufCBinaryData){0, (uint8_t *)"x"};
	cr_assert(check_clone(&m));
}

Test(clone, leaves_to_the_bytes_what_only_they_can_tell)
{
	uint8_t varint[] = {1};
	ProtobufCMessageUnknownField unknown = {1, PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED, 1, varint};
	pyr__decode_options options = {0};
	Codec3__Blob blob = CODEC3__BLOB__INIT;
	cr_assert(!pyr__clone(&blob.base, &codec3__empty__descriptor, &options));
	Codec3__Singular outer = CODEC3__SINGULAR__INIT;
	outer.blob = &blob;
	outer.text = (char *)"text";
	blob.base.n_unknown_fields = 1;
	blob.base.unknown_fields = &unknown;
	cr_assert(!pyr__clone(&outer.base, &codec3__singular__descriptor, &options));
	Codec3__Maps__TextsEntry entry = CODEC3__MAPS__TEXTS_ENTRY__INIT;
	Codec3__Maps__TextsEntry *entries[] = {&entry, &entry};
	Codec3__Maps maps = CODEC3__MAPS__INIT;
	maps.texts = entries;
	maps.n_texts = 1;
	cr_assert(check_clone(&maps));
	maps.n_texts = 2;
	cr_assert(!check_clone(&maps));
	CHECK_LEAKS();
}

static void check_limit(const ProtobufCMessage *message, size_t bytes_max, pyr__arena *arena)
{
	uint8_t *bytes;
	pyr__decode_options options = {.bytes_max = bytes_max, .arena = arena, .alias = true};
	ProtobufCMessage *clone = pyr__clone(message, message->descriptor, &options);
	ProtobufCMessage *expected = by_bytes(message, &options, &bytes);
	cr_assert(!clone == !expected, "%s, %zu", message->descriptor->name, bytes_max);
	if (!arena) {
		protobuf_c_message_free_unpacked(clone, NULL);
		protobuf_c_message_free_unpacked(expected, NULL);
	}
	free(bytes);
}

Test(clone, takes_as_much_memory_as_decoding)
{
	static const unsigned without_maps[] = {2, 3, 4, 5, 6, 8, 9, 10};
	roller dice = {5};
	pyr__arena arena;
	pyr__arena_init(&arena, NULL, 0);
	for (unsigned i = 0; i < 16; i++) {
		ProtobufCMessage *message = random_message(&dice, types[without_maps[i % 8]], 2);
		for (size_t max = 8; max < 6000; max += 8) {
			check_limit(message, max, NULL);
			check_limit(message, max, &arena);
			pyr__arena_reset(&arena);
		}
		protobuf_c_message_free_unpacked(message, NULL);
	}
	CHECK_LEAKS();
}
