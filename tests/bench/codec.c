/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long the codec takes for a message with one `bytes` field:
 *
 *     build/bench/bench_codec [SIZE [ROUNDS [STEP]]]
 *
 * prints nanoseconds a call for each step, protobuf-c's beside it. With a STEP only that one runs;
 * under callgrind the instructions of two runs with different ROUNDS tell those of one call.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "codec/decode.h"
#include "codec/encode.h"
#include "codec/types3.pb-c.h"

typedef struct bench {
	Codec3__Blob blob;
	uint8_t *packed;
	size_t size;
} bench;

static void must(bool good)
{
	if (!good)
		abort();
}

static void decode(bench *b, bool alias)
{
	uint64_t space[64];
	pyr__arena arena;
	pyr__arena_init(&arena, space, sizeof space);
	pyr__decode_options options = {.arena = &arena, .alias = alias, .bytes_max = 32 << 20};
	ProtobufCMessage *message;
	must(pyr__decode(&codec3__blob__descriptor, b->packed, b->size, &options, &message, NULL) ==
		PYR_OK);
	pyr__arena_reset(&arena);
}

static void decode_alias(bench *b)
{
	decode(b, true);
}

static void decode_arena(bench *b)
{
	decode(b, false);
}

static void decode_malloc(bench *b)
{
	pyr__decode_options options = {.bytes_max = 32 << 20};
	ProtobufCMessage *message;
	must(pyr__decode(&codec3__blob__descriptor, b->packed, b->size, &options, &message, NULL) ==
		PYR_OK);
	protobuf_c_message_free_unpacked(message, NULL);
}

static void unpack(bench *b)
{
	ProtobufCMessage *message =
		protobuf_c_message_unpack(&codec3__blob__descriptor, NULL, b->size, b->packed);
	must(message);
	protobuf_c_message_free_unpacked(message, NULL);
}

static void measure(bench *b)
{
	size_t size;
	must(pyr__encoded_size(&b->blob.base, &size, NULL) == PYR_OK && size == b->size);
}

static void encode(bench *b)
{
	must(pyr__encode(&b->blob.base, b->packed, b->size) == b->packed + b->size);
}

static void get_packed_size(bench *b)
{
	must(protobuf_c_message_get_packed_size(&b->blob.base) == b->size);
}

static void pack(bench *b)
{
	must(protobuf_c_message_pack(&b->blob.base, b->packed) == b->size);
}

static const struct {
	const char *name;
	void (*run)(bench *b);
} steps[] = {
	{"decode-alias", decode_alias},
	{"decode-arena", decode_arena},
	{"decode-malloc", decode_malloc},
	{"protobuf-c-unpack", unpack},
	{"measure", measure},
	{"encode", encode},
	{"protobuf-c-size", get_packed_size},
	{"protobuf-c-pack", pack},
};

static double now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

int main(int argc, char **argv)
{
	size_t size = argc > 1 ? strtoul(argv[1], NULL, 10) : 16;
	size_t rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 10000000;
	bench b = {.blob = CODEC3__BLOB__INIT};
	b.blob.data.len = size;
	b.blob.data.data = calloc(1, size + 1);
	b.size = protobuf_c_message_get_packed_size(&b.blob.base);
	b.packed = malloc(b.size + 1);
	must(b.blob.data.data && b.packed);
	protobuf_c_message_pack(&b.blob.base, b.packed);
	for (size_t s = 0; s < sizeof steps / sizeof steps[0]; s++) {
		if (argc > 3 && strcmp(argv[3], steps[s].name) != 0)
			continue;
		double began = now_ns();
		for (size_t i = 0; i < rounds; i++)
			steps[s].run(&b);
		printf("%-18s %6.1f ns\n", steps[s].name, (now_ns() - began) / (double)rounds);
	}
	free(b.blob.data.data);
	free(b.packed);
	return 0;
}
