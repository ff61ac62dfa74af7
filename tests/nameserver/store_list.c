/* SPDX-License-Identifier: Apache-2.0 */
/* Walks over names on every kind of store: filters, order, and changes meanwhile. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_tagged(fixture *f, const char *name, const char *const *tags, size_t count)
{
	ns_registration r = {.name = name, .references = TEXTS("pyr:a@h:1"), tags, count};
	assert_ok(f, put_with(f, &r, NULL));
}

static const char *list_prefix(fixture *f, const char *prefix)
{
	return list(f, FILTER(.prefix = prefix));
}

STORE_TEST(store_list, takes_a_prefix_byte_by_byte)
{
	const char *const names[] = {
		"a_1", "aXb", "A_b", "a_", "a%", "a\\b", "a", "b.\xc3\xa4", "b.a", "zz"};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		put_tagged(f, names[i], NULL, 0);
	cr_assert_str_eq(list_prefix(f, ""), "A_b a a% aXb a\\b a_ a_1 b.a b.\xc3\xa4 zz");
	cr_assert_str_eq(list_prefix(f, "a_"), "a_ a_1");
	cr_assert_str_eq(list_prefix(f, "a%"), "a%");
	cr_assert_str_eq(list_prefix(f, "a"), "a a% aXb a\\b a_ a_1");
	cr_assert_str_eq(list_prefix(f, "A"), "A_b");
	cr_assert_str_eq(list_prefix(f, "b.\xc3"), "b.\xc3\xa4", "half a character is a prefix");
	cr_assert_str_eq(list_prefix(f, "zzz"), "");
}

STORE_TEST(store_list, takes_a_regex_anchored_at_the_beginning)
{
	const char *const names[] = {"a_1", "aXb", "A_b", "ba", "x.calc", "y.calc", "y.clock"};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		put_tagged(f, names[i], NULL, 0);
	cr_assert_str_eq(list_regex(f, "a_"), "a_1");
	cr_assert_str_eq(list_regex(f, "a."), "aXb a_1");
	cr_assert_str_eq(list_regex(f, "(?i)a_"), "A_b a_1");
	cr_assert_str_eq(list_regex(f, "."), "A_b aXb a_1 ba x.calc y.calc y.clock");
	cr_assert_str_eq(list_regex(f, "..calc$"), "x.calc y.calc");
	cr_assert_str_eq(list_regex(f, "calc"), "");
	cr_assert_str_eq(list_regex(f, "y\\.c.*k"), "y.clock");
}

STORE_TEST(store_list, gives_up_on_a_regex_without_end)
{
	put_tagged(f, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", NULL, 0);
	ns_pattern *pattern;
	assert_ok(f, ns_pattern_new("(a|aa)+$", &pattern, &f->err));
	ns_cursor cursor = NS_CURSOR_INIT(FILTER(.pattern = pattern));
	uint32_t budget = 100;
	uint64_t count = 0;
	const ns_record *record;
	assert_fails(f, PYR_RESOURCE_EXHAUSTED, "too long",
		ns_cursor_next(f->store, &cursor, &budget, &record, &f->err));
	cursor = (ns_cursor)NS_CURSOR_INIT(FILTER(.pattern = pattern));
	assert_fails(f, PYR_RESOURCE_EXHAUSTED, "too long",
		ns_store_remove_matching(f->store, &cursor, &anybody, 100, &count, &f->err));
	ns_pattern_free(pattern);
}

STORE_TEST(store_list, takes_all_or_any_tags)
{
	put_tagged(f, "a", TEXTS("red", "fast"));
	put_tagged(f, "b", TEXTS("red", "slow"));
	put_tagged(f, "c", TEXTS("blue", "fast"));
	put_tagged(f, "d", NULL, 0);
	cr_assert_str_eq(list(f, FILTER(.tags_all = TEXTS("red"))), "a b");
	cr_assert_str_eq(list(f, FILTER(.tags_all = TEXTS("red", "fast"))), "a");
	cr_assert_str_eq(list(f, FILTER(.tags_all = TEXTS("red", "none"))), "");
	cr_assert_str_eq(list(f, FILTER(.tags_any = TEXTS("red", "fast"))), "a b c");
	cr_assert_str_eq(list(f, FILTER(.tags_any = TEXTS("none", "blue"))), "c");
	cr_assert_str_eq(list(f, FILTER(.tags_any = TEXTS("none"))), "");
	cr_assert_str_eq(list(f, FILTER(.prefix = "b", .tags_any = TEXTS("red", "blue"))), "b");
	cr_assert_str_eq(
		list(f, FILTER(.tags_all = TEXTS("fast"), .tags_any = TEXTS("red", "slow"))), "a");
	assert_ok(f, take(f, "a"));
	cr_assert_str_eq(list(f, FILTER(.tags_all = TEXTS("red"))), "b");
}

/* The next name, however many steps that takes; NULL at the end. */
static const char *step(fixture *f, ns_cursor *cursor)
{
	const ns_record *record = NULL;
	while (!record && !cursor->done) {
		uint32_t budget = 1;
		assert_ok(f, ns_cursor_next(f->store, cursor, &budget, &record, &f->err));
	}
	return record ? record->name : NULL;
}

STORE_TEST(store_list, lists_what_stays_exactly_once_whatever_changes)
{
	char name[32], seen[64] = {0};
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof name, "stays.%02d", i);
		put_tagged(f, name, TEXTS("t"));
	}
	ns_cursor cursor = NS_CURSOR_INIT(FILTER(.prefix = "stays."));
	const char *found;
	for (int round = 0; (found = step(f, &cursor)) != NULL; round++) {
		int number = atoi(found + 6);
		if (strlen(found) == 8)
			seen[number]++;
		/* new ones before and behind; the name just seen goes and comes back */
		snprintf(name, sizeof name, "stays.%02d.x", (round * 7) % 50);
		put(f, name, "pyr:x@h:1");
		snprintf(name, sizeof name, "stays.%02d", number);
		assert_ok(f, take(f, name));
		put_tagged(f, name, TEXTS("t"));
		cr_assert(round < 1000);
	}
	for (int i = 0; i < 50; i++)
		cr_assert_eq(seen[i], 1, "stays.%02d was seen %d times", i, seen[i]);
}

STORE_TEST(store_list, examines_no_more_names_than_allowed)
{
	for (char name[] = "n.a"; name[2] <= 'z'; name[2]++)
		put_tagged(f, name, NULL, 0);
	put_tagged(f, "m", NULL, 0);
	put_tagged(f, "o", NULL, 0);
	ns_pattern *pattern;
	assert_ok(f, ns_pattern_new("n\\.z|n\\.zz", &pattern, &f->err));
	ns_cursor cursor = NS_CURSOR_INIT(FILTER(.pattern = pattern));
	const ns_record *record;
	uint32_t budget = 20;
	assert_ok(f, ns_cursor_next(f->store, &cursor, &budget, &record, &f->err));
	cr_assert_null(record);
	cr_assert_not(cursor.done);
	cr_assert_eq(budget, 0);
	budget = 20;
	assert_ok(f, ns_cursor_next(f->store, &cursor, &budget, &record, &f->err));
	cr_assert_str_eq(record->name, "n.z");
	cr_assert_eq(budget, 13);
	ns_pattern_free(pattern);
	/* with a prefix, the names around it are not examined at all */
	cursor = (ns_cursor)NS_CURSOR_INIT(FILTER(.prefix = "n."));
	budget = 26;
	int count = 0;
	do {
		assert_ok(f, ns_cursor_next(f->store, &cursor, &budget, &record, &f->err));
		count += record != NULL;
	} while (record);
	cr_assert_eq(count, 26);
}
