/* SPDX-License-Identifier: Apache-2.0 */
/* A crit-bit tree of text keys. */
#include "index.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "alloc.h"

/*
 * An inner node tells two groups of keys apart by one bit; bits are numbered from the most
 * significant one of the first byte. Numbers grow on the way down. Keys end with a NUL, which none
 * contains, so no key is the beginning of another. A pointer to an inner node has its lowest bit
 * set.
 */
typedef struct inner {
	void *child[2];
	size_t bit;
} inner;

static bool is_inner(const void *pointer)
{
	return ((uintptr_t)pointer & 1) != 0;
}

static inner *as_inner(const void *pointer)
{
	return (inner *)((uintptr_t)pointer - 1);
}

static void *tagged(inner *node)
{
	return (void *)((uintptr_t)node | 1);
}

/* Bits past the end of the key are 0. */
static unsigned bit_of(const char *key, size_t size, size_t bit)
{
	size_t byte = bit / CHAR_BIT;
	if (byte >= size)
		return 0;
	return ((unsigned char)key[byte] >> (CHAR_BIT - 1 - bit % CHAR_BIT)) & 1;
}

/* The first bit in which the keys differ; SIZE_MAX when they are the same. */
static size_t first_difference(const char *a, const char *b)
{
	size_t byte = 0;
	while (a[byte] == b[byte]) {
		if (a[byte] == '\0')
			return SIZE_MAX;
		byte++;
	}
	unsigned differ = (unsigned char)a[byte] ^ (unsigned char)b[byte];
	size_t bit = byte * CHAR_BIT;
	for (unsigned mask = 0x80; !(differ & mask); mask >>= 1)
		bit++;
	return bit;
}

/* The leaf that shares more of the key than any other, or as much as any. */
static ns_leaf *nearest(const ns_index *index, const char *key, size_t size)
{
	void *at = index->root;
	while (is_inner(at))
		at = as_inner(at)->child[bit_of(key, size, as_inner(at)->bit)];
	return at;
}

static ns_leaf *leftmost(void *at)
{
	while (is_inner(at))
		at = as_inner(at)->child[0];
	return at;
}

ns_leaf *ns_index_find(const ns_index *index, const char *key)
{
	if (!index->root)
		return NULL;
	ns_leaf *leaf = nearest(index, key, strlen(key));
	return strcmp(leaf->key, key) == 0 ? leaf : NULL;
}

bool ns_index_add(ns_index *index, ns_leaf *leaf)
{
	void **link = &index->root;
	if (index->root) {
		const char *key = leaf->key;
		size_t size = strlen(key);
		size_t bit = first_difference(nearest(index, key, size)->key, key);
		if (bit == SIZE_MAX)
			return false;
		while (is_inner(*link) && as_inner(*link)->bit < bit)
			link = &as_inner(*link)->child[bit_of(key, size, as_inner(*link)->bit)];
		unsigned side = bit_of(key, size, bit);
		inner *node = ns_alloc(sizeof *node);
		node->bit = bit;
		node->child[side] = leaf;
		node->child[!side] = *link;
		*link = tagged(node);
	} else {
		*link = leaf;
	}
	index->count++;
	return true;
}

ns_leaf *ns_index_remove(ns_index *index, const char *key)
{
	if (!index->root)
		return NULL;
	size_t size = strlen(key);
	void **link = &index->root, **parent = NULL;
	while (is_inner(*link)) {
		parent = link;
		link = &as_inner(*link)->child[bit_of(key, size, as_inner(*link)->bit)];
	}
	ns_leaf *leaf = *link;
	if (strcmp(leaf->key, key) != 0)
		return NULL;
	if (parent) {
		inner *node = as_inner(*parent);
		*parent = node->child[link == &node->child[0]];
		free(node);
	} else {
		index->root = NULL;
	}
	index->count--;
	return leaf;
}

static ns_leaf *seek(const ns_index *index, const char *key, bool above)
{
	if (!index->root)
		return NULL;
	size_t size = strlen(key);
	size_t bit = first_difference(nearest(index, key, size)->key, key);
	if (bit == SIZE_MAX && !above)
		return nearest(index, key, size);
	/* `greater`: the smallest group of keys known to be above the given one */
	void *at = index->root, *greater = NULL;
	while (is_inner(at) && as_inner(at)->bit < bit) {
		unsigned side = bit_of(key, size, as_inner(at)->bit);
		if (side == 0)
			greater = as_inner(at)->child[1];
		at = as_inner(at)->child[side];
	}
	/* every key below `at` has the other bit here than the given key */
	if (bit != SIZE_MAX && bit_of(key, size, bit) == 0)
		greater = at;
	return greater ? leftmost(greater) : NULL;
}

ns_leaf *ns_index_from(const ns_index *index, const char *key)
{
	return seek(index, key, false);
}

ns_leaf *ns_index_after(const ns_index *index, const char *key)
{
	return seek(index, key, true);
}

/* As deep as a key has bits, at most. */
static void clear_below(void *at, void (*drop)(ns_leaf *leaf, void *ctx), void *ctx)
{
	if (is_inner(at)) {
		inner *node = as_inner(at);
		clear_below(node->child[0], drop, ctx);
		clear_below(node->child[1], drop, ctx);
		free(node);
	} else if (drop) {
		drop(at, ctx);
	}
}

void ns_index_clear(ns_index *index, void (*drop)(ns_leaf *leaf, void *ctx), void *ctx)
{
	if (index->root)
		clear_below(index->root, drop, ctx);
	*index = (ns_index){NULL, 0};
}
