/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash map from byte strings to pointers. The hash has a random key, so that a peer that chooses
 * the strings cannot make them collide. Neither keys nor values are copied: a key usually lies in
 * its value, and must stay as it is while it is in the map. Locking is the owner's.
 *
 * Costs at most 40 bytes an entry once there are more than a few.
 */
#ifndef PYR_BASE_MAP_H
#define PYR_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct pyr__map_entry {
	const void *key;
	void *value;
	uint32_t key_size;
	uint32_t hash;
} pyr__map_entry;

typedef struct pyr__map {
	uint64_t hash_key[2];
	pyr__map_entry *entries; /* dense: 0 .. count - 1 */
	uint32_t *slots;         /* open addressing: number of an entry + 1, or 0 */
	uint32_t count;
	uint32_t entry_room;
	uint32_t slot_count; /* a power of 2, or 0 */
} pyr__map;

void pyr__map_init(pyr__map *map);
void pyr__map_done(pyr__map *map); /* the values stay; map may be initialised again */

/* False, and nothing done, if the key is there already. value must not be NULL. */
bool pyr__map_insert(pyr__map *map, const void *key, size_t key_size, void *value);

/* NULL if the key is not there. */
void *pyr__map_find(const pyr__map *map, const void *key, size_t key_size);

/* Returns what the key stood for; NULL if it was not there. */
void *pyr__map_remove(pyr__map *map, const void *key, size_t key_size);

/*
 * All entries are map->entries[0 .. map->count - 1], in no promised order. Removing one moves the
 * last into its place, so who removes while walking walks from the end.
 */

#endif
