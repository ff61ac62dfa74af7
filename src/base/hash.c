/* SPDX-License-Identifier: Apache-2.0 */
/* SipHash after Aumasson and Bernstein, with one round a word and three at the end. */
#include "base/hash.h"

#include <endian.h>
#include <string.h>

typedef struct state {
	uint64_t v0, v1, v2, v3;
} state;

static inline uint64_t rotate(uint64_t x, int bits)
{
	return (x << bits) | (x >> (64 - bits));
}

static inline void mix(state *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = rotate(s->v1, 13) ^ s->v0;
	s->v3 = rotate(s->v3, 16) ^ s->v2;
	s->v0 = rotate(s->v0, 32) + s->v3;
	s->v2 += s->v1;
	s->v3 = rotate(s->v3, 21) ^ s->v0;
	s->v1 = rotate(s->v1, 17) ^ s->v2;
	s->v2 = rotate(s->v2, 32);
}

static inline void absorb(state *s, uint64_t word)
{
	s->v3 ^= word;
	mix(s);
	s->v0 ^= word;
}

/* Little-endian numbers, whatever the machine's order. */

static inline uint64_t load64(const uint8_t *at)
{
	uint64_t word;
	memcpy(&word, at, sizeof word);
	return le64toh(word);
}

static inline uint64_t load32(const uint8_t *at)
{
	uint32_t word;
	memcpy(&word, at, sizeof word);
	return le32toh(word);
}

/* Of 0 to 7 bytes: what is read twice is the same both times. */
static inline uint64_t load_few(const uint8_t *at, size_t size)
{
	if (size >= 4)
		return load32(at) | load32(at + size - 4) << (8 * (size - 4));
	if (size == 0)
		return 0;
	return at[0] | (uint64_t)at[size / 2] << (8 * (size / 2)) |
	       (uint64_t)at[size - 1] << (8 * (size - 1));
}

uint64_t pyr__siphash(const uint64_t key[2], const void *data, size_t size)
{
	state s = {
		key[0] ^ 0x736f6d6570736575, /* "somepseudorandomlygeneratedbytes" */
		key[1] ^ 0x646f72616e646f6d,
		key[0] ^ 0x6c7967656e657261,
		key[1] ^ 0x7465646279746573,
	};
	const uint8_t *at = data, *end = at + size / 8 * 8;
	for (; at < end; at += 8)
		absorb(&s, load64(at));
	absorb(&s, load_few(at, size % 8) | (uint64_t)size << 56);
	s.v2 ^= 0xff;
	mix(&s);
	mix(&s);
	mix(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
