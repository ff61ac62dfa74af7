/* SPDX-License-Identifier: Apache-2.0 */
/* The hash map, against a model, and with a million keys. */
#include "base/map.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/hash.h"
#include "leaks.h"

/* Values of Python's own SipHash-1-3: hash(bytes) with PYTHONHASHSEED 0 and 1. */
Test(hash, is_siphash_1_3)
{
	const uint64_t zero[2] = {0, 0};
	const uint64_t seed_1[2] = {0xaed66ce184be2329, 0xebe9bbf1f1499052};
	uint8_t bytes[40];
	for (int i = 0; i < 40; i++)
		bytes[i] = (uint8_t)(i + 1);
	cr_assert(pyr__siphash(zero, "a", 1) == 0x407448d2b89b1813);
	cr_assert(pyr__siphash(zero, "1234567", 7) == 0xa33d651594fdae81);
	cr_assert(pyr__siphash(zero, "12345678", 8) == 0x3489982430560a87);
	cr_assert(pyr__siphash(zero, bytes, 40) == 0xc6ca83093413bf3c);
	cr_assert(pyr__siphash(seed_1, "Pyrite", 6) == 0x73a911b959e8da2e);
}

Test(map, has_a_hash_key_of_its_own)
{
	pyr__map a, b;
	pyr__map_init(&a);
	pyr__map_init(&b);
	cr_assert(memcmp(a.hash_key, b.hash_key, sizeof a.hash_key) != 0);
	pyr__map_done(&a);
	pyr__map_done(&b);
}

Test(map, finds_nothing_while_it_is_empty)
{
	pyr__map map;
	pyr__map_init(&map);
	cr_assert(pyr__map_find(&map, "a", 1) == NULL);
	cr_assert(pyr__map_remove(&map, "a", 1) == NULL);
	cr_assert(map.count == 0);
	pyr__map_done(&map);
	CHECK_LEAKS();
}

Test(map, keeps_the_first_value_of_a_key)
{
	pyr__map map;
	pyr__map_init(&map);
	cr_assert(pyr__map_insert(&map, "a", 1, "first"));
	cr_assert(!pyr__map_insert(&map, "a", 1, "second"));
	cr_assert_str_eq(pyr__map_find(&map, "a", 1), "first");
	cr_assert(map.count == 1);
	pyr__map_done(&map);
	CHECK_LEAKS();
}

Test(map, compares_all_bytes_of_keys_and_their_sizes)
{
	pyr__map map;
	pyr__map_init(&map);
	cr_assert(pyr__map_insert(&map, "a\0b", 3, "3"));
	cr_assert(pyr__map_insert(&map, "a\0c", 3, "3c"));
	cr_assert(pyr__map_insert(&map, "a\0", 2, "2"));
	cr_assert(pyr__map_insert(&map, NULL, 0, "0"));
	cr_assert_str_eq(pyr__map_find(&map, "a\0b", 3), "3");
	cr_assert_str_eq(pyr__map_find(&map, "a\0c", 3), "3c");
	cr_assert_str_eq(pyr__map_find(&map, "a\0", 2), "2");
	cr_assert_str_eq(pyr__map_find(&map, "", 0), "0");
	cr_assert(pyr__map_find(&map, "a", 1) == NULL);
	pyr__map_done(&map);
	CHECK_LEAKS();
}

Test(map, removes_all_while_walked_from_the_end)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
	pyr__map map;
	pyr__map_init(&map);
	for (int i = 0; i < 26; i++)
		cr_assert(pyr__map_insert(&map, &letters[i], 1, (void *)&letters[i]));
	unsigned seen = 0;
	for (uint32_t i = map.count; i-- > 0;) {
		const char *letter = map.entries[i].value;
		seen |= 1u << (*letter - 'a');
		cr_assert(pyr__map_remove(&map, letter, 1) == letter);
	}
	cr_assert(seen == (1u << 26) - 1 && map.count == 0);
	pyr__map_done(&map);
	CHECK_LEAKS();
}

/* A small generator with a fixed seed, so that a failure comes again. */
static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

#define MODEL_KEYS 700u

static void check_model(const pyr__map *map, uint32_t (*keys)[1], const bool *there)
{
	uint32_t count = 0;
	for (uint32_t k = 0; k < MODEL_KEYS; k++) {
		void *want = there[k] ? keys[k] : NULL;
		cr_assert(pyr__map_find(map, keys[k], 4) == want);
		count += there[k];
	}
	cr_assert(map->count == count);
}

Test(map, does_what_a_plain_array_does)
{
	uint32_t keys[MODEL_KEYS][1], state = 1;
	bool there[MODEL_KEYS] = {false};
	pyr__map map;
	pyr__map_init(&map);
	for (uint32_t k = 0; k < MODEL_KEYS; k++)
		keys[k][0] = k;
	for (int step = 0; step < 200000; step++) {
		uint32_t k = next_random(&state) % MODEL_KEYS;
		/* fills for a while, then empties for a while */
		bool insert = next_random(&state) % 10 < ((step / 10000) % 2 ? 3u : 7u);
		if (insert)
			cr_assert(pyr__map_insert(&map, keys[k], 4, keys[k]) == !there[k]);
		else
			cr_assert((pyr__map_remove(&map, keys[k], 4) == keys[k]) == there[k]);
		there[k] = insert;
		if (step % 1000 == 0)
			check_model(&map, keys, there);
	}
	check_model(&map, keys, there);
	pyr__map_done(&map);
	CHECK_LEAKS();
}

#define MILLION 1000000u

static size_t memory_of(const pyr__map *map)
{
	return map->entry_room * sizeof *map->entries + map->slot_count * sizeof *map->slots;
}

Test(map, holds_a_million_keys_in_40_bytes_each)
{
	char(*keys)[16] = malloc(MILLION * sizeof *keys);
	pyr__map map;
	pyr__map_init(&map);
	for (uint32_t i = 0; i < MILLION; i++) {
		int size = snprintf(keys[i], sizeof keys[i], "object%u", i);
		cr_assert(pyr__map_insert(&map, keys[i], (size_t)size, keys[i]));
		if (i >= 1000)
			cr_assert(memory_of(&map) <= 40 * (size_t)map.count);
	}
	for (uint32_t i = 0; i < MILLION; i++)
		cr_assert(pyr__map_find(&map, keys[i], strlen(keys[i])) == keys[i]);
	for (uint32_t i = 0; i < MILLION; i += 2)
		cr_assert(pyr__map_remove(&map, keys[i], strlen(keys[i])) == keys[i]);
	for (uint32_t i = 0; i < MILLION; i++)
		cr_assert(
			pyr__map_find(&map, keys[i], strlen(keys[i])) == (i % 2 ? keys[i] : NULL));
	cr_assert(map.count == MILLION / 2);
	pyr__map_done(&map);
	free(keys);
	CHECK_LEAKS();
}
