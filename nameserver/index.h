/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ordered set of things with a text key: a crit-bit tree. Finding, and finding the next one in
 * byte order, cost one walk over the bits that tell the keys apart, so that a prefix of a million
 * keys is listed without touching the others.
 */
#ifndef NS_INDEX_H
#define NS_INDEX_H

#include <stdbool.h>
#include <stddef.h>

/* The first member of whatever is kept in an index; one leaf may be in several of them. */
typedef struct ns_leaf {
	const char *key; /* NUL-terminated; must not change while the leaf is in an index */
} ns_leaf;

/* All zero is an empty index. The index owns its inner nodes, never the leaves. */
typedef struct ns_index {
	void *root;
	size_t count;
} ns_index;

/* The leaf with this key, or NULL. */
ns_leaf *ns_index_find(const ns_index *index, const char *key);

/* Adds a leaf; false, and nothing changed, if there is one with the same key. */
bool ns_index_add(ns_index *index, ns_leaf *leaf);

/* Takes the leaf with this key out and returns it, or NULL. */
ns_leaf *ns_index_remove(ns_index *index, const char *key);

/* The first leaf in byte order whose key is not below `key` ("" gives the first of all), or NULL.
 */
ns_leaf *ns_index_from(const ns_index *index, const char *key);

/* The first leaf in byte order whose key is above `key`, or NULL. */
ns_leaf *ns_index_after(const ns_index *index, const char *key);

/* Frees the inner nodes and leaves an empty index; calls drop, if not NULL, for each leaf. */
void ns_index_clear(ns_index *index, void (*drop)(ns_leaf *leaf, void *ctx), void *ctx);

#endif
