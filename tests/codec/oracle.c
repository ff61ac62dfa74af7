/* SPDX-License-Identifier: Apache-2.0 */
/* Random messages of every type, both ways, with protobuf-c and protoc as witnesses. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "codec/encode.h"
#include "codec/judge.h"
#include "codec/messages.h"
#include "codec/types2.pb-c.h"
#include "codec/types3.pb-c.h"
#include "leaks.h"

static const ProtobufCMessageDescriptor *const types[] = {
	&codec3__all__descriptor,
	&codec2__any2__descriptor,
	&codec3__singular__descriptor,
	&codec3__repeated__descriptor,
	&codec3__maps__descriptor,
	&codec2__needed__descriptor,
	&codec2__many__descriptor,
	&codec2__lists__descriptor,
};
#define TYPES (sizeof types / sizeof types[0])

typedef struct bytes {
	uint8_t *data;
	size_t size;
} bytes;

static void check_around(const ProtobufCMessage *message, bytes whole)
{
	const uint8_t *lent;
	size_t size;
	const ProtobufCFieldDescriptor *longest = pyr__encode_longest(message, 1, &lent, &size);
	if (!longest)
		return;
	uint8_t *rest = malloc(whole.size - size + 1);
	uint8_t *missing = pyr__encode_around(message, longest, size, rest, whole.size - size);
	size_t before = (size_t)(missing - rest);
	cr_assert(memcmp(rest, whole.data, before) == 0);
	cr_assert(memcmp(lent, whole.data + before, size) == 0);
	cr_assert(
		memcmp(rest + before, whole.data + before + size, whole.size - before - size) == 0);
	free(rest);
}

static bytes encode(const ProtobufCMessage *message)
{
	bytes b;
	pyr_error err;
	cr_assert(pyr__encoded_size(message, &b.size, &err) == PYR_OK, "%s", err.message);
	b.data = malloc(b.size + 1);
	cr_assert(pyr__encode(message, b.data, b.size) == b.data + b.size);
	uint8_t space[256];
	size_t flat_size;
	const uint8_t *flat = pyr__encode_flat(message, space, sizeof space, &flat_size);
	cr_assert(!flat || (flat_size == b.size && memcmp(flat, b.data, b.size) == 0));
	check_around(message, b);
	return b;
}

static ProtobufCMessage *decode(const ProtobufCMessageDescriptor *type, bytes b)
{
	pyr__decode_options options = {0};
	ProtobufCMessage *message;
	pyr_error err;
	cr_assert(pyr__decode(type, b.data, b.size, &options, &message, &err) == PYR_OK, "%s",
		err.message);
	return message;
}

Test(oracle, random_messages_are_encoded_as_protobuf_c_does_and_decoded_the_same)
{
	roller dice = {20261124};
	for (unsigned i = 0; i < 1000; i++) {
		const ProtobufCMessageDescriptor *type = types[i % TYPES];
		ProtobufCMessage *message = random_message(&dice, type, 1 + i % 4);
		bytes b = encode(message);
		uint8_t *packed = malloc(b.size + 1);
		cr_assert(protobuf_c_message_get_packed_size(message) == b.size);
		cr_assert(protobuf_c_message_pack(message, packed) == b.size);
		cr_assert(memcmp(packed, b.data, b.size) == 0, "%s, message %u", type->name, i);
		ProtobufCMessage *again = decode(type, b);
		cr_assert(same_message(message, again), "%s, message %u", type->name, i);
		cr_assert(judge(type, b.data, b.size) == PYR_OK);
		protobuf_c_message_free_unpacked(again, NULL);
		protobuf_c_message_free_unpacked(message, NULL);
		free(packed);
		free(b.data);
	}
	CHECK_LEAKS();
}

/* One after the other, as two fields with number `number` or, merged, as one. */
static bytes as_fields(const bytes *parts, size_t count, uint8_t number, bool merged)
{
	bytes b = {malloc(64 + parts[0].size + parts[1].size), 0};
	size_t total = parts[0].size + parts[1].size;
	for (size_t i = 0; i < count; i++) {
		if (i == 0 || !merged) {
			b.data[b.size++] = (uint8_t)(number << 3 | 2);
			size_t left = merged ? total : parts[i].size;
			for (; left > 0x7f; left >>= 7)
				b.data[b.size++] = (uint8_t)(left | 0x80);
			b.data[b.size++] = (uint8_t)left;
		}
		memcpy(b.data + b.size, parts[i].data, parts[i].size);
		b.size += parts[i].size;
	}
	return b;
}

Test(oracle, a_submessage_in_two_parts_is_that_of_both_encodings_in_a_row)
{
	roller dice = {7};
	for (unsigned i = 0; i < 400; i++) {
		const ProtobufCMessageDescriptor *type =
			i % 2 ? &codec3__all__descriptor : &codec2__any2__descriptor;
		const ProtobufCFieldDescriptor *field = &type->fields[dice_roll(&dice, 5)];
		bytes parts[2];
		for (size_t k = 0; k < 2; k++) {
			ProtobufCMessage *part = random_message(&dice, field->descriptor, 2);
			parts[k] = encode(part);
			protobuf_c_message_free_unpacked(part, NULL);
		}
		bytes apart = as_fields(parts, 2, (uint8_t)field->id, false);
		bytes merged = as_fields(parts, 2, (uint8_t)field->id, true);
		ProtobufCMessage *a = decode(type, apart), *b = decode(type, merged);
		cr_assert(same_message(a, b), "%s.%s", type->name, field->name);
		cr_assert(judge(type, apart.data, apart.size) == PYR_OK);
		protobuf_c_message_free_unpacked(a, NULL);
		protobuf_c_message_free_unpacked(b, NULL);
		free(apart.data);
		free(merged.data);
		free(parts[0].data);
		free(parts[1].data);
	}
	CHECK_LEAKS();
}

static void write_file(const char *path, bytes b)
{
	FILE *file = fopen(path, "wb");
	cr_assert(file && fwrite(b.data, 1, b.size, file) == b.size && fclose(file) == 0);
}

static bytes read_file(const char *path)
{
	bytes b = {malloc(1 << 20), 0};
	FILE *file = fopen(path, "rb");
	cr_assert(file);
	b.size = fread(b.data, 1, 1 << 20, file);
	cr_assert(b.size < 1 << 20 && fclose(file) == 0);
	return b;
}

/* protoc --encode or --decode, from one file of the folder to another. */
static void protoc(
	const char *folder, const char *how, const char *type, const char *from, const char *to)
{
	char command[2000];
	snprintf(command, sizeof command,
		"%s --%s=%s -I%s codec/types2.proto codec/types3.proto < %s/%s > %s/%s", PROTOC,
		how, type, TESTS_DIR, folder, from, folder, to);
	cr_assert(system(command) == 0, "%s", command);
}

typedef struct folder {
	char path[64];
} folder;

static folder make_folder(void)
{
	folder f = {"/tmp/pyrite-codec-XXXXXX"};
	cr_assert(mkdtemp(f.path));
	return f;
}

static const char *in(const folder *f, const char *name)
{
	static char path[128];
	snprintf(path, sizeof path, "%s/%s", f->path, name);
	return path;
}

static void remove_folder(const folder *f)
{
	static const char *const names[] = {"ours", "text", "theirs"};
	for (size_t i = 0; i < 3; i++)
		remove(in(f, names[i]));
	cr_assert(remove(f->path) == 0);
}

Test(oracle, protoc_reads_what_is_encoded_and_its_own_encoding_is_decoded_the_same)
{
	roller dice = {99};
	folder f = make_folder();
	for (unsigned i = 0; i < 6; i++) {
		const ProtobufCMessageDescriptor *type = types[i % 2];
		ProtobufCMessage *message = random_message(&dice, type, 4);
		bytes ours = encode(message);
		write_file(in(&f, "ours"), ours);
		protoc(f.path, "decode", type->name, "ours", "text");
		protoc(f.path, "encode", type->name, "text", "theirs");
		bytes first = read_file(in(&f, "text")), theirs = read_file(in(&f, "theirs"));
		ProtobufCMessage *again = decode(type, theirs);
		bytes back = encode(again);
		/* protoc sorts fields and maps in its own way: what counts is what it reads */
		write_file(in(&f, "ours"), back);
		protoc(f.path, "decode", type->name, "ours", "text");
		bytes second = read_file(in(&f, "text"));
		cr_assert(first.size == second.size &&
				  memcmp(first.data, second.data, first.size) == 0,
			"%s, message %u", type->name, i);
		protobuf_c_message_free_unpacked(again, NULL);
		protobuf_c_message_free_unpacked(message, NULL);
		bytes *all[] = {&ours, &theirs, &back, &first, &second};
		for (size_t k = 0; k < sizeof all / sizeof all[0]; k++)
			free(all[k]->data);
	}
	remove_folder(&f);
	CHECK_LEAKS();
}

Test(oracle, extensions_that_protoc_wrote_are_kept_as_unknown_fields)
{
	static const char text[] = "known: 1\n[codec2.number]: -5\n[codec2.text]: \"x\"\n"
				   "[codec2.fixed]: 7\n[codec2.fixed]: 8\n"
				   "[codec2.simple] {\n  number: 3\n}\n";
	folder f = make_folder();
	write_file(in(&f, "text"), (bytes){(uint8_t *)text, sizeof text - 1});
	protoc(f.path, "encode", "codec2.Extended", "text", "theirs");
	bytes theirs = read_file(in(&f, "theirs"));
	ProtobufCMessage *message = decode(&codec2__extended__descriptor, theirs);
	cr_assert(message->n_unknown_fields == 5);
	cr_assert(((Codec2__Extended *)message)->known == 1);
	bytes ours = encode(message);
	cr_assert(ours.size == theirs.size && memcmp(ours.data, theirs.data, ours.size) == 0);
	protobuf_c_message_free_unpacked(message, NULL);
	free(ours.data);
	free(theirs.data);
	remove_folder(&f);
	CHECK_LEAKS();
}
