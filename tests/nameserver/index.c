/* SPDX-License-Identifier: Apache-2.0 */
/* The ordered index, compared with a sorted array. */
#include "nameserver/index.h"

#include <stdlib.h>
#include <string.h>
#include <criterion/criterion.h>
#include "leaks.h"

#define KEY_COUNT 500

typedef struct item {
	ns_leaf leaf;
	char key[12];
	bool in;
} item;

static int compare(const void *a, const void *b)
{
	return strcmp(((const item *)a)->key, ((const item *)b)->key);
}

/* Sorted keys of a few letters, some of which begin with others, and bytes above 127. */
static void make_items(item *items)
{
	size_t count = 0;
	srand(7);
	while (count < KEY_COUNT) {
		item *it = &items[count];
		size_t size = 1 + (size_t)rand() % 9;
		for (size_t i = 0; i < size; i++)
			it->key[i] = "ab\xc3~"[rand() % 4];
		it->key[size] = '\0';
		it->in = false;
		bool fresh = true;
		for (size_t i = 0; i < count; i++)
			fresh = fresh && strcmp(items[i].key, it->key) != 0;
		count += fresh;
	}
	qsort(items, KEY_COUNT, sizeof *items, compare);
	for (size_t i = 0; i < KEY_COUNT; i++)
		items[i].leaf.key = items[i].key;
}

/* The first item from `at` on that is in the index. */
static ns_leaf *next_in(item *items, size_t at)
{
	while (at < KEY_COUNT && !items[at].in)
		at++;
	return at < KEY_COUNT ? &items[at].leaf : NULL;
}

static void compare_all(const ns_index *index, item *items)
{
	for (size_t i = 0; i < KEY_COUNT; i++) {
		cr_assert_eq(
			ns_index_find(index, items[i].key), items[i].in ? &items[i].leaf : NULL);
		cr_assert_eq(ns_index_from(index, items[i].key), next_in(items, i));
		cr_assert_eq(ns_index_after(index, items[i].key), next_in(items, i + 1));
	}
	cr_assert_eq(ns_index_from(index, ""), next_in(items, 0));
	cr_assert_null(ns_index_after(index, "\xff"));
}

Test(index, finds_and_orders_like_a_sorted_array)
{
	static item items[KEY_COUNT];
	ns_index index = {0};
	make_items(items);
	size_t count = 0;
	for (unsigned step = 0; step < 3000; step++) {
		item *it = &items[rand() % KEY_COUNT];
		if (it->in)
			cr_assert_eq(ns_index_remove(&index, it->key), &it->leaf);
		else
			cr_assert(ns_index_add(&index, &it->leaf));
		it->in = !it->in;
		count += it->in ? 1 : (size_t)-1;
		cr_assert_eq(index.count, count);
		if (step % 100 == 0)
			compare_all(&index, items);
	}
	ns_index_clear(&index, NULL, NULL);
	CHECK_LEAKS();
}

Test(index, takes_a_key_once)
{
	item a = {.key = "same"}, b = {.key = "same"};
	a.leaf.key = a.key;
	b.leaf.key = b.key;
	ns_index index = {0};
	cr_assert(ns_index_add(&index, &a.leaf));
	cr_assert_not(ns_index_add(&index, &b.leaf));
	cr_assert_eq(index.count, 1);
	cr_assert_null(ns_index_remove(&index, "sam"));
	cr_assert_eq(ns_index_remove(&index, "same"), &a.leaf);
	cr_assert_null(ns_index_remove(&index, "same"));
	cr_assert_null(ns_index_find(&index, "same"));
	cr_assert_null(ns_index_from(&index, ""));
}

static void count_leaf(ns_leaf *leaf, void *ctx)
{
	++*(size_t *)ctx;
	((item *)leaf)->in = false;
}

Test(index, clearing_gives_every_leaf_back_once)
{
	static item items[KEY_COUNT];
	ns_index index = {0};
	make_items(items);
	for (size_t i = 0; i < KEY_COUNT; i++) {
		ns_index_add(&index, &items[i].leaf);
		items[i].in = true;
	}
	size_t count = 0;
	ns_index_clear(&index, count_leaf, &count);
	cr_assert_eq(count, KEY_COUNT);
	compare_all(&index, items);
	CHECK_LEAKS();
}
