/* SPDX-License-Identifier: Apache-2.0 */
/* Every kind of store: revisions, commits, removal, tags, history, the server's own name. */
#include "fixture.h"

#include <stdio.h>
#include <string.h>

STORE_TEST(store, gives_back_what_was_registered)
{
	ns_registration r = {
		.name = "example.calculator",
		.references = TEXTS("pyr:calc@127.0.0.1:1", "pyr:calc@unix:/run/x"),
		.tags = TEXTS("slow", "blue", "slow"),
	};
	uint64_t revision;
	assert_ok(f, put_with(f, &r, &revision));
	const ns_record *record = ns_store_lookup(f->store, "example.calculator");
	cr_assert(record);
	cr_assert_str_eq(record->name, "example.calculator");
	cr_assert_eq(record->create_revision, 1);
	cr_assert_eq(record->mod_revision, 1);
	cr_assert_eq(revision, 1);
	cr_assert_eq(record->version, 1);
	cr_assert_not(record->shared);
	cr_assert_eq(record->holder_count, 1);
	cr_assert_eq(record->holders[0].reference_count, 2);
	cr_assert_str_eq(record->holders[0].references[0], "pyr:calc@127.0.0.1:1");
	cr_assert_str_eq(record->holders[0].references[1], "pyr:calc@unix:/run/x");
	cr_assert_eq(record->tag_count, 2, "sorted, each once");
	cr_assert_str_eq(record->tags[0], "blue");
	cr_assert_str_eq(record->tags[1], "slow");
	cr_assert_null(ns_store_lookup(f->store, "example.calculato"));
	cr_assert_eq(ns_store_names(f->store), 1);
	cr_assert_str_eq(ns_store_kind(f->store), f->kind);
}

STORE_TEST(store, shows_nothing_before_the_commit)
{
	const char *const reference = "pyr:a@h:1";
	ns_registration r = {.name = "a", &reference, 1};
	uint64_t revision;
	assert_ok(f, ns_store_register(f->store, &r, &anybody, &revision, &f->err));
	cr_assert_eq(revision, 1, "is known before");
	cr_assert(ns_store_staged(f->store));
	cr_assert_null(ns_store_lookup(f->store, "a"));
	cr_assert_eq(ns_store_revision(f->store), 0);
	cr_assert_eq(ns_store_names(f->store), 0);
	cr_assert_null(ns_store_event(f->store, 1));
	cr_assert_str_eq(list(f, FILTER(0)), "");
	commit(f);
	cr_assert_not(ns_store_staged(f->store));
	cr_assert_str_eq(reference_of(f, "a"), reference);
	cr_assert_eq(ns_store_revision(f->store), 1);
	cr_assert_str_eq(changes_from(f, 1), "+a");
}

STORE_TEST(store, can_be_read_while_it_is_sealed)
{
	assert_ok(f, put(f, "a", "pyr:a@h:1"));
	uint64_t id = lease(f, 1000), revision;
	uint32_t ttl_ms;
	ns_registration r = {.name = "b", .references = TEXTS("pyr:b@h:1")};
	assert_ok(f, ns_store_register(f->store, &r, &anybody, &revision, &f->err));
	ns_store_seal(f->store);
	cr_assert_str_eq(list(f, FILTER(0)), "a");
	assert_ok(f, ns_store_renew(f->store, id, f->now_us, &anybody, &ttl_ms, &f->err));
	pyr_status written = ns_store_write(f->store, &f->err);
	assert_ok(f, written);
	cr_assert_str_eq(list(f, FILTER(0)), "a");
	ns_store_finish(f->store, written);
	cr_assert_str_eq(list(f, FILTER(0)), "a b");
}

/* Stages one of everything. */
static void stage_a_lot(fixture *f, uint64_t old_lease)
{
	uint64_t revision, count, id;
	const ns_record *record;
	ns_registration taken_over = {
		.name = "kept", .references = TEXTS("pyr:other@h:1"), .replace = true};
	ns_registration fresh = {
		.name = "fresh", .references = TEXTS("pyr:f@h:1"), .tags = TEXTS("new")};
	ns_tagging tagging = {.name = "kept", .replace = true, .add = TEXTS("changed")};
	ns_removal removal = {.name = "gone"};
	assert_ok(f, ns_store_register(f->store, &taken_over, &anybody, &revision, &f->err));
	assert_ok(f, ns_store_register(f->store, &fresh, &anybody, &revision, &f->err));
	assert_ok(f, ns_store_set_tags(f->store, &tagging, &anybody, &record, &f->err));
	assert_ok(f, ns_store_remove(f->store, &removal, &anybody, &f->err));
	assert_ok(f, ns_store_revoke(f->store, old_lease, &anybody, &count, &f->err));
	cr_assert_eq(count, 1);
	assert_ok(f, ns_store_grant(f->store, 500, f->now_us, &anybody, &id, &f->err));
	ns_registration leased = {
		.name = "leased", .references = TEXTS("pyr:l@h:2"), .lease_id = id};
	assert_ok(f, ns_store_register(f->store, &leased, &anybody, &revision, &f->err));
	assert_ok(f, ns_store_revoke(f->store, id, &anybody, &count, &f->err));
	removal.name = "fresh";
	assert_ok(f, ns_store_remove(f->store, &removal, &anybody, &f->err));
}

STORE_TEST(store, takes_everything_back_when_a_commit_fails)
{
	ns_registration kept = {
		.name = "kept", .references = TEXTS("pyr:k@h:1"), .tags = TEXTS("old")};
	assert_ok(f, put_with(f, &kept, NULL));
	assert_ok(f, put(f, "gone", "pyr:g@h:1"));
	uint64_t id = lease(f, 1000);
	ns_registration leased = {
		.name = "leased", .references = TEXTS("pyr:l@h:1"), .lease_id = id};
	assert_ok(f, put_with(f, &leased, NULL));

	stage_a_lot(f, id);
	ns_store_seal(f->store);
	ns_store_finish(f->store, PYR_UNAVAILABLE);

	cr_assert_eq(ns_store_revision(f->store), 3);
	cr_assert_str_eq(list(f, FILTER(0)), "gone kept leased");
	cr_assert_str_eq(list(f, FILTER(.tags_all = TEXTS("old"))), "kept");
	cr_assert_str_eq(reference_of(f, "kept"), "pyr:k@h:1");
	cr_assert_str_eq(ns_store_lookup(f->store, "kept")->tags[0], "old");
	cr_assert_eq(ns_store_leases(f->store), 1);
	cr_assert_null(ns_store_event(f->store, 4));
	/* what follows finds the books in order */
	pass_ms(f, 1000);
	cr_assert_str_eq(list(f, FILTER(0)), "gone kept");
	cr_assert_eq(ns_store_leases(f->store), 0);
	assert_ok(f, put(f, "fresh", "pyr:f@h:3"));
	cr_assert_str_eq(changes_from(f, 4), "-leased +fresh");
}

STORE_TEST(store, commits_a_lot_at_once_in_order)
{
	ns_registration kept = {
		.name = "kept", .references = TEXTS("pyr:k@h:1"), .tags = TEXTS("old")};
	assert_ok(f, put_with(f, &kept, NULL));
	assert_ok(f, put(f, "gone", "pyr:g@h:1"));
	uint64_t id = lease(f, 1000);
	ns_registration leased = {
		.name = "leased", .references = TEXTS("pyr:l@h:1"), .lease_id = id};
	assert_ok(f, put_with(f, &leased, NULL));
	stage_a_lot(f, id);
	commit(f);
	cr_assert_str_eq(list(f, FILTER(0)), "kept");
	cr_assert_str_eq(
		changes_from(f, 4), "+kept +fresh +kept -gone -leased +leased -leased -fresh");
	cr_assert_str_eq(ns_store_lookup(f->store, "kept")->tags[0], "changed");
	cr_assert_eq(ns_store_lookup(f->store, "kept")->version, 3);
	cr_assert_eq(ns_store_leases(f->store), 0);
}

STORE_TEST(store, removes_a_name)
{
	assert_ok(f, put(f, "a", "pyr:a@h:1"));
	assert_ok(f, take(f, "a"));
	cr_assert_null(ns_store_lookup(f->store, "a"));
	cr_assert_eq(ns_store_names(f->store), 0);
	assert_fails(f, PYR_NOT_FOUND, "no name \"a\"", take(f, "a"));
	assert_fails(f, PYR_INVALID_ARGUMENT, "byte 1", take(f, "\x01"));
	assert_ok(f, put(f, "a", "pyr:a@h:2"));
	cr_assert_eq(ns_store_lookup(f->store, "a")->create_revision, 3, "a new life");
	cr_assert_eq(ns_store_lookup(f->store, "a")->version, 1);
}

STORE_TEST(store, removes_only_at_the_expected_revision)
{
	assert_ok(f, put(f, "a", "pyr:a@h:1"));
	ns_removal removal = {.name = "a", .compare = true, .expected_revision = 7};
	assert_fails(f, PYR_ABORTED, "at revision 1, not 7",
		ns_store_remove(f->store, &removal, &anybody, &f->err));
	removal.expected_revision = 1;
	assert_ok(f, ns_store_remove(f->store, &removal, &anybody, &f->err));
}

static uint64_t remove_matching(fixture *f, ns_filter filter, const ns_caller *caller)
{
	ns_cursor cursor = NS_CURSOR_INIT(filter);
	uint64_t count = 0;
	while (!cursor.done)
		assert_ok(
			f, ns_store_remove_matching(f->store, &cursor, caller, 3, &count, &f->err));
	commit(f);
	return count;
}

static void put_all(fixture *f, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert_ok(f, put(f, names[i], "pyr:x@h:1"));
}

STORE_TEST(store, removes_by_prefix_and_regex)
{
	put_all(f, TEXTS("a_1", "aXb", "A_b", "a_", "b1", "b2", "c"));
	cr_assert_eq(remove_matching(f, FILTER(.prefix = "a_"), &anybody), 2);
	cr_assert_str_eq(list(f, FILTER(0)), "A_b aXb b1 b2 c");
	ns_pattern *pattern;
	assert_ok(f, ns_pattern_new("b\\d|c", &pattern, &f->err));
	cr_assert_eq(remove_matching(f, FILTER(.pattern = pattern), &anybody), 3);
	cr_assert_eq(remove_matching(f, FILTER(.pattern = pattern), &anybody), 0);
	ns_pattern_free(pattern);
	cr_assert_str_eq(list(f, FILTER(0)), "A_b aXb");
}

STORE_TEST(store, keeps_its_own_name_for_itself)
{
	ns_registration own = {
		.name = NS_OWN_NAME, .references = TEXTS("pyr:names@h:1"), .replace = true};
	uint64_t revision;
	const ns_record *record;
	assert_fails(f, PYR_PERMISSION_DENIED, "own",
		ns_store_register(f->store, &own, &anybody, &revision, &f->err));
	assert_ok(f, ns_store_register(f->store, &own, &server, &revision, &f->err));
	commit(f);
	const ns_caller administrator = {"root", true, false};
	ns_removal removal = {.name = NS_OWN_NAME};
	ns_tagging tagging = {.name = NS_OWN_NAME, .replace = true};
	assert_fails(f, PYR_PERMISSION_DENIED, "own",
		ns_store_register(f->store, &own, &administrator, &revision, &f->err));
	assert_fails(f, PYR_PERMISSION_DENIED, "own",
		ns_store_remove(f->store, &removal, &administrator, &f->err));
	assert_fails(f, PYR_PERMISSION_DENIED, "own",
		ns_store_set_tags(f->store, &tagging, &administrator, &record, &f->err));
	assert_ok(f, put(f, "pyrite.other", "pyr:o@h:1"));
	cr_assert_eq(remove_matching(f, FILTER(.prefix = "pyrite."), &administrator), 1);
	cr_assert_str_eq(list(f, FILTER(0)), NS_OWN_NAME);
}

static pyr_status tag(fixture *f, ns_tagging tagging)
{
	const ns_record *record;
	pyr_status status = ns_store_set_tags(f->store, &tagging, &anybody, &record, &f->err);
	if (status == PYR_OK)
		commit(f);
	return status;
}

/* "x y": the committed tags of a name; in a static buffer. */
static const char *tags_of(fixture *f, const char *name)
{
	static char tags[1024];
	const ns_record *record = ns_store_lookup(f->store, name);
	tags[0] = '\0';
	for (size_t i = 0; i < record->tag_count; i++)
		strcat(strcat(tags, i ? " " : ""), record->tags[i]);
	return tags;
}

STORE_TEST(store, adds_takes_away_and_replaces_tags)
{
	ns_registration r = {
		.name = "a", .references = TEXTS("pyr:a@h:1"), .tags = TEXTS("x", "y")};
	assert_ok(f, put_with(f, &r, NULL));
	assert_ok(f,
		tag(f, (ns_tagging){
			       .name = "a", .add = TEXTS("z", "x"), .remove = TEXTS("y", "none")}));
	cr_assert_str_eq(tags_of(f, "a"), "x z");
	cr_assert_str_eq(list(f, FILTER(.tags_all = TEXTS("z"))), "a");
	cr_assert_str_eq(list(f, FILTER(.tags_all = TEXTS("y"))), "");
	assert_ok(f, tag(f, (ns_tagging){.name = "a", .replace = true, .add = TEXTS("q")}));
	cr_assert_str_eq(tags_of(f, "a"), "q");
	assert_ok(f, tag(f, (ns_tagging){.name = "a", .replace = true}));
	cr_assert_str_eq(tags_of(f, "a"), "");
	cr_assert_str_eq(reference_of(f, "a"), "pyr:a@h:1");
	cr_assert_eq(ns_store_lookup(f->store, "a")->version, 4);
}

STORE_TEST(store, changes_nothing_where_tags_stay_the_same)
{
	ns_registration r = {
		.name = "a", .references = TEXTS("pyr:a@h:1"), .tags = TEXTS("x", "y")};
	assert_ok(f, put_with(f, &r, NULL));
	assert_ok(f, tag(f, (ns_tagging){.name = "a", .add = TEXTS("y"), .remove = TEXTS("q")}));
	assert_ok(f, tag(f, (ns_tagging){.name = "a", .replace = true, .add = TEXTS("y", "x")}));
	cr_assert_eq(ns_store_revision(f->store), 1);
}

STORE_TEST(store, refuses_bad_changes_of_tags)
{
	assert_ok(f, put(f, "a", "pyr:a@h:1"));
	assert_fails(f, PYR_NOT_FOUND, "no name \"b\"",
		tag(f, (ns_tagging){.name = "b", .add = TEXTS("x")}));
	assert_fails(f, PYR_INVALID_ARGUMENT, "byte 2",
		tag(f, (ns_tagging){.name = "a", .add = TEXTS("x,y")}));
	assert_fails(f, PYR_INVALID_ARGUMENT, "not both",
		tag(f, (ns_tagging){.name = "a", .replace = true, .remove = TEXTS("x")}));
	assert_fails(f, PYR_ABORTED, "at revision 1, not 5",
		tag(f, (ns_tagging){.name = "a",
			       .add = TEXTS("x"),
			       .compare = true,
			       .expected_revision = 5}));
	assert_ok(f, tag(f, (ns_tagging){.name = "a",
				    .add = TEXTS("x"),
				    .compare = true,
				    .expected_revision = 1}));
}

STORE_TEST(store, forgets_the_oldest_changes)
{
	f->limits.history_events_max = 3;
	fixture_reopen(f);
	put_all(f, TEXTS("a", "b", "c", "d", "e"));
	cr_assert_eq(ns_store_oldest(f->store), 3);
	cr_assert_null(ns_store_event(f->store, 2));
	cr_assert_null(ns_store_event(f->store, 6));
	cr_assert_str_eq(changes_from(f, 3), "+c +d +e");
}

STORE_TEST(store, keeps_no_more_history_than_bytes_allow)
{
	f->limits.history_bytes_max = 3000;
	fixture_reopen(f);
	for (int i = 0; i < 200; i++) {
		char name[32];
		snprintf(name, sizeof name, "name.%d", i);
		assert_ok(f, put(f, name, "pyr:a@h:1"));
	}
	uint64_t kept = ns_store_revision(f->store) + 1 - ns_store_oldest(f->store);
	cr_assert(kept >= 5 && kept <= 20, "%d", (int)kept);
	/* a reader at the oldest revision sees all changes from there on */
	changes_from(f, ns_store_oldest(f->store));
}

STORE_TEST(store, tells_what_was_before_and_after)
{
	assert_ok(f, put(f, "a", "pyr:a@h:1"));
	ns_registration r = {.name = "a", .references = TEXTS("pyr:a@h:2"), .replace = true};
	assert_ok(f, put_with(f, &r, NULL));
	assert_ok(f, take(f, "a"));
	const ns_event *first = ns_store_event(f->store, 1);
	const ns_event *second = ns_store_event(f->store, 2);
	const ns_event *third = ns_store_event(f->store, 3);
	cr_assert_null(first->before);
	cr_assert_eq(first->after, second->before);
	cr_assert_str_eq(second->after->holders[0].references[0], "pyr:a@h:2");
	cr_assert_eq(second->after->version, 2);
	cr_assert_eq(second->after->create_revision, 1);
	cr_assert_eq(third->before, second->after);
	cr_assert_null(third->after);
}
