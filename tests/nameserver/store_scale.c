/* SPDX-License-Identifier: Apache-2.0 */
/* A store with a million names: what a page looks at, and what a name takes. */
#include "fixture.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define NAMES 50000 /* a sanitizer makes each of them larger, and everything slower */
#else
#define NAMES 1000000
#endif

#define PREFIXES   100
#define PAGE_NAMES 50
#define NAME_BYTES 500 /* at most, with its share of the history */

static void fill(fixture *f, size_t first, size_t end)
{
	for (size_t i = first; i < end; i++) {
		char name[40];
		uint64_t revision;
		snprintf(name, sizeof name, "p%02zu.%07zu", i % PREFIXES, i / PREFIXES);
		ns_registration r = {.name = name, .references = TEXTS("pyr:x@127.0.0.1:1")};
		assert_ok(f, ns_store_register(f->store, &r, &anybody, &revision, &f->err));
		if (i % 1000 == 999 || i + 1 == end)
			assert_ok(f, ns_store_commit(f->store, &f->err));
	}
}

/* How many names are looked at for the second page of a prefix. */
static uint32_t page_cost(fixture *f, const char *prefix)
{
	ns_cursor cursor = NS_CURSOR_INIT(FILTER(.prefix = prefix));
	uint32_t budget = 1000000, before = 0;
	for (size_t i = 0; i < 2 * PAGE_NAMES; i++) {
		const ns_record *record;
		if (i == PAGE_NAMES)
			before = budget;
		assert_ok(f, ns_cursor_next(f->store, &cursor, &budget, &record, &f->err));
		cr_assert(record && strncmp(record->name, prefix, strlen(prefix)) == 0);
	}
	return before - budget;
}

/* Behind the last name under a prefix nothing is looked at either. */
static uint32_t end_cost(fixture *f, const char *prefix, const char *after)
{
	ns_cursor cursor = NS_CURSOR_INIT(FILTER(.prefix = prefix));
	const ns_record *record;
	uint32_t budget = 1000000;
	snprintf(cursor.after, sizeof cursor.after, "%s", after);
	assert_ok(f, ns_cursor_next(f->store, &cursor, &budget, &record, &f->err));
	cr_assert(!record && cursor.done);
	return 1000000 - budget;
}

Test(store_scale, N13_a_page_looks_at_as_many_names_among_a_million_as_among_few)
{
	fixture f;
	const size_t few = PREFIXES * 2 * PAGE_NAMES;
	fixture_open(&f, "memory");
	size_t before = mallinfo2().uordblks;
	fill(&f, 0, few);
	cr_assert_eq(page_cost(&f, "p42."), PAGE_NAMES);
	fill(&f, few, NAMES);
	cr_assert_eq(ns_store_names(f.store), NAMES);
	cr_assert_eq(page_cost(&f, "p42."), PAGE_NAMES);
	cr_assert_eq(page_cost(&f, "p99."), PAGE_NAMES);
	cr_assert_leq(end_cost(&f, "p42.", "p42.9999999"), 1);
	size_t each = (mallinfo2().uordblks - before) / NAMES;
	fprintf(stderr, "%d names take %zu bytes each\n", NAMES, each);
	cr_assert_leq(each, NAME_BYTES);
	fixture_close(&f);
	CHECK_LEAKS();
}
