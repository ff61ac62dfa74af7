/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The map's entries are dense, and a table of their numbers is searched by linear probing. So
 * growth moves little memory, and a removal leaves no tombstones: followers shift back.
 */
#include "base/map.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/hash.h"
#include "base/random.h"

#define SLOTS_MIN   16u
#define ENTRIES_MIN 8u

void pyr__map_init(pyr__map *map)
{
	memset(map, 0, sizeof *map);
	pyr__random_bytes(map->hash_key, sizeof map->hash_key);
}

void pyr__map_done(pyr__map *map)
{
	free(map->entries);
	free(map->slots);
	memset(map, 0, sizeof *map);
}

static uint32_t hash_of(const pyr__map *map, const void *key, size_t size)
{
	return (uint32_t)pyr__siphash(map->hash_key, key, size);
}

static bool matches(const pyr__map_entry *entry, uint32_t hash, const void *key, size_t size)
{
	return entry->hash == hash && entry->key_size == size &&
	       (size == 0 || memcmp(entry->key, key, size) == 0);
}

/* The slot that holds the key, or the empty one where it would go. Not for a map without slots. */
static uint32_t find_slot(const pyr__map *map, uint32_t hash, const void *key, size_t size)
{
	uint32_t mask = map->slot_count - 1, slot = hash & mask;
	while (map->slots[slot] && !matches(&map->entries[map->slots[slot] - 1], hash, key, size))
		slot = (slot + 1) & mask;
	return slot;
}

/* The slot of an entry that is in the map. */
static uint32_t slot_of_entry(const pyr__map *map, uint32_t number)
{
	uint32_t mask = map->slot_count - 1, slot = map->entries[number].hash & mask;
	while (map->slots[slot] != number + 1)
		slot = (slot + 1) & mask;
	return slot;
}

static void grow_slots(pyr__map *map)
{
	uint32_t slot_count = map->slot_count ? map->slot_count * 2 : SLOTS_MIN;
	uint32_t mask = slot_count - 1;
	free(map->slots);
	map->slots = pyr__zalloc(slot_count * sizeof *map->slots);
	map->slot_count = slot_count;
	for (uint32_t i = 0; i < map->count; i++) {
		uint32_t slot = map->entries[i].hash & mask;
		while (map->slots[slot])
			slot = (slot + 1) & mask;
		map->slots[slot] = i + 1;
	}
}

static void make_room(pyr__map *map)
{
	if (map->count == map->entry_room) {
		/* by a seventh only: the allocator moves large blocks without copying them */
		map->entry_room += ENTRIES_MIN + map->entry_room / 7;
		map->entries = pyr__realloc(map->entries, map->entry_room * sizeof *map->entries);
	}
	if (map->count >= map->slot_count / 4 * 3)
		grow_slots(map);
}

bool pyr__map_insert(pyr__map *map, const void *key, size_t key_size, void *value)
{
	assert(value && key_size <= UINT32_MAX && map->count < INT32_MAX);
	uint32_t hash = hash_of(map, key, key_size);
	if (map->count > 0 && map->slots[find_slot(map, hash, key, key_size)])
		return false;
	make_room(map);
	uint32_t slot = find_slot(map, hash, key, key_size);
	map->entries[map->count] = (pyr__map_entry){key, value, (uint32_t)key_size, hash};
	map->slots[slot] = ++map->count;
	return true;
}

void *pyr__map_find(const pyr__map *map, const void *key, size_t key_size)
{
	if (map->count == 0)
		return NULL;
	uint32_t slot = find_slot(map, hash_of(map, key, key_size), key, key_size);
	return map->slots[slot] ? map->entries[map->slots[slot] - 1].value : NULL;
}

/* Empties a slot and moves back whoever was pushed on by it. */
static void vacate(pyr__map *map, uint32_t hole)
{
	uint32_t mask = map->slot_count - 1;
	for (uint32_t slot = (hole + 1) & mask; map->slots[slot]; slot = (slot + 1) & mask) {
		uint32_t home = map->entries[map->slots[slot] - 1].hash & mask;
		if (((slot - home) & mask) >= ((slot - hole) & mask)) {
			map->slots[hole] = map->slots[slot];
			hole = slot;
		}
	}
	map->slots[hole] = 0;
}

void *pyr__map_remove(pyr__map *map, const void *key, size_t key_size)
{
	if (map->count == 0)
		return NULL;
	uint32_t slot = find_slot(map, hash_of(map, key, key_size), key, key_size);
	if (!map->slots[slot])
		return NULL;
	uint32_t number = map->slots[slot] - 1, last = map->count - 1;
	void *value = map->entries[number].value;
	vacate(map, slot);
	if (number != last) {
		map->slots[slot_of_entry(map, last)] = number + 1;
		map->entries[number] = map->entries[last];
	}
	map->count--;
	return value;
}
