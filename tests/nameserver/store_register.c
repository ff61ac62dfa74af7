/* SPDX-License-Identifier: Apache-2.0 */
/* Registering on every kind of store: who gets a name, replicas, owners, limits. */
#include "fixture.h"

#include <stdio.h>
#include <string.h>

static pyr_status put_as(fixture *f, const char *principal, ns_registration registration)
{
	ns_caller caller = {principal, false, false};
	uint64_t revision;
	pyr_status status = ns_store_register(f->store, &registration, &caller, &revision, &f->err);
	if (status == PYR_OK)
		commit(f);
	return status;
}

STORE_TEST(store_register, gives_a_name_to_exactly_one_of_many)
{
	int winners = 0;
	for (int i = 0; i < 64; i++) {
		char reference[32];
		snprintf(reference, sizeof reference, "pyr:calc@h:%d", i + 1);
		const char *const references[] = {reference};
		ns_registration r = {.name = "calc", references, 1};
		uint64_t revision;
		/* all of them between two commits, as if they had come at once */
		pyr_status status = ns_store_register(f->store, &r, &anybody, &revision, &f->err);
		winners += status == PYR_OK;
		if (status)
			assert_fails(
				f, PYR_ALREADY_EXISTS, "\"calc\" is registered already", status);
	}
	cr_assert_eq(winners, 1);
	commit(f);
	cr_assert_str_eq(reference_of(f, "calc"), "pyr:calc@h:1");
	assert_fails(f, PYR_ALREADY_EXISTS, "for pyr:calc@h:1", put(f, "calc", "pyr:calc@h:1"));
	cr_assert_eq(ns_store_revision(f->store), 1);
}

STORE_TEST(store_register, replaces_where_told_to)
{
	ns_registration r = {.name = "a",
		.references = TEXTS("pyr:a@h:1"),
		.tags = TEXTS("old"),
		.replace = true};
	assert_ok(f, put_with(f, &r, NULL));
	ns_registration other = {.name = "a", .references = TEXTS("pyr:a@h:2"), .replace = true};
	uint64_t revision;
	assert_ok(f, put_with(f, &other, &revision));
	cr_assert_eq(revision, 2);
	cr_assert_str_eq(reference_of(f, "a"), "pyr:a@h:2");
	cr_assert_eq(ns_store_lookup(f->store, "a")->tag_count, 0, "tags are replaced as well");
	assert_ok(f, put_with(f, &other, &revision));
	cr_assert_eq(revision, 2, "no difference, no change");
}

STORE_TEST(store_register, compares_and_sets)
{
	ns_registration r = {.name = "a", .references = TEXTS("pyr:a@h:1"), .compare = true};
	r.expected_revision = 9;
	assert_fails(f, PYR_ABORTED, "not registered any more", put_with(f, &r, NULL));
	r.expected_revision = 0;
	assert_ok(f, put_with(f, &r, NULL));
	assert_fails(f, PYR_ALREADY_EXISTS, "at revision 1", put_with(f, &r, NULL));
	r.expected_revision = 2;
	assert_fails(f, PYR_ABORTED, "at revision 1, not 2", put_with(f, &r, NULL));
	r.expected_revision = 1;
	r.references = (const char *const[]){"pyr:a@h:2"};
	assert_ok(f, put_with(f, &r, NULL));
	cr_assert_str_eq(reference_of(f, "a"), "pyr:a@h:2");
}

STORE_TEST(store_register, gathers_replicas_that_go_one_by_one)
{
	uint64_t first = lease(f, 1000), second = lease(f, 2000);
	ns_registration r = {.name = "a",
		.references = TEXTS("pyr:a@one:1", "grpc:a@one:2"),
		.tags = TEXTS("x"),
		.lease_id = first,
		.replica = true};
	assert_ok(f, put_with(f, &r, NULL));
	ns_registration other = {.name = "a",
		.references = TEXTS("pyr:a@two:1"),
		.tags = TEXTS("y"),
		.lease_id = second,
		.replica = true};
	assert_ok(f, put_with(f, &other, NULL));
	const ns_record *record = ns_store_lookup(f->store, "a");
	cr_assert(record->shared);
	cr_assert_eq(record->holder_count, 2);
	cr_assert_eq(record->holders[0].lease_id, first);
	cr_assert_str_eq(record->holders[1].references[0], "pyr:a@two:1");
	cr_assert_eq(record->tag_count, 2, "tags of all");
	pass_ms(f, 1000);
	record = ns_store_lookup(f->store, "a");
	cr_assert_eq(record->holder_count, 1);
	cr_assert_str_eq(record->holders[0].references[0], "pyr:a@two:1");
	pass_ms(f, 1000);
	cr_assert_null(ns_store_lookup(f->store, "a"));
	cr_assert_str_eq(changes_from(f, 1), "+a +a +a -a");
}

STORE_TEST(store_register, keeps_a_name_that_is_held_alone_alone)
{
	assert_ok(f, put(f, "a", "pyr:a@h:1"));
	ns_registration r = {.name = "a", .references = TEXTS("pyr:a@h:2"), .replica = true};
	assert_fails(f, PYR_ALREADY_EXISTS, "holds it alone", put_with(f, &r, NULL));
	r.replace = true;
	assert_ok(f, put_with(f, &r, NULL));
	assert_fails(f, PYR_ALREADY_EXISTS, "registered already", put(f, "a", "pyr:a@h:3"));
	r.replace = false;
	r.references = (const char *const[]){"pyr:a@h:4"};
	assert_ok(f, put_with(f, &r, NULL));
	cr_assert_eq(ns_store_lookup(f->store, "a")->holder_count, 2);
}

STORE_TEST(store_register, knows_a_holder_again)
{
	uint64_t id = lease(f, 1000), revision;
	ns_registration r = {.name = "a", .references = TEXTS("pyr:a@h:1"), .lease_id = id};
	assert_ok(f, put_with(f, &r, &revision));
	assert_ok(f, put_with(f, &r, &revision));
	cr_assert_eq(revision, 1, "the same again changes nothing");
	r.references = (const char *const[]){"pyr:a@h:2"};
	assert_ok(f, put_with(f, &r, &revision));
	cr_assert_eq(revision, 2);
	cr_assert_str_eq(reference_of(f, "a"), "pyr:a@h:2");

	ns_registration by_hand = {.name = "b", .references = TEXTS("pyr:b@h:1"), .replica = true};
	assert_ok(f, put_with(f, &by_hand, &revision));
	assert_ok(f, put_with(f, &by_hand, &revision));
	cr_assert_eq(revision, 3);
	cr_assert_eq(ns_store_lookup(f->store, "b")->holder_count, 1);
}

STORE_TEST(store_register, removes_one_holder_of_several)
{
	uint64_t id = lease(f, 1000);
	ns_registration r = {
		.name = "a", .references = TEXTS("pyr:a@h:1"), .lease_id = id, .replica = true};
	assert_ok(f, put_with(f, &r, NULL));
	r.lease_id = 0;
	for (int i = 2; i < 4; i++) {
		const char *const references[] = {i == 2 ? "pyr:a@h:2" : "pyr:a@h:3"};
		r.references = references;
		assert_ok(f, put_with(f, &r, NULL));
	}
	ns_removal by_lease = {.name = "a", .lease_id = id};
	ns_removal by_reference = {.name = "a", .reference = "pyr:a@h:3"};
	assert_ok(f, ns_store_remove(f->store, &by_lease, &anybody, &f->err));
	assert_fails(f, PYR_NOT_FOUND, "no such holder",
		ns_store_remove(f->store, &by_lease, &anybody, &f->err));
	assert_ok(f, ns_store_remove(f->store, &by_reference, &anybody, &f->err));
	commit(f);
	cr_assert_eq(ns_store_lookup(f->store, "a")->holder_count, 1);
	cr_assert_str_eq(reference_of(f, "a"), "pyr:a@h:2");
	by_reference.reference = "pyr:a@h:2";
	assert_ok(f, ns_store_remove(f->store, &by_reference, &anybody, &f->err));
	commit(f);
	cr_assert_null(ns_store_lookup(f->store, "a"));
}

STORE_TEST(store_register, leaves_a_name_to_its_owner)
{
	const ns_registration r = {.name = "a", .references = TEXTS("pyr:a@h:1"), .replace = true};
	const ns_caller bob = {"bob", false, false}, root = {"root", true, false};
	const ns_record *record;
	assert_ok(f, put_as(f, "alice", r));
	cr_assert_str_eq(ns_store_lookup(f->store, "a")->holders[0].owner, "alice");
	assert_fails(f, PYR_PERMISSION_DENIED, "belongs to \"alice\"", put_as(f, "bob", r));
	ns_tagging tagging = {.name = "a", .add = TEXTS("x")};
	assert_fails(f, PYR_PERMISSION_DENIED, "belongs to \"alice\"",
		ns_store_set_tags(f->store, &tagging, &bob, &record, &f->err));
	ns_removal removal = {.name = "a"};
	assert_fails(f, PYR_PERMISSION_DENIED, "belongs to \"alice\"",
		ns_store_remove(f->store, &removal, &bob, &f->err));
	ns_cursor cursor = NS_CURSOR_INIT(FILTER(.prefix = ""));
	uint64_t count = 0;
	assert_ok(f, ns_store_remove_matching(f->store, &cursor, &bob, 100, &count, &f->err));
	cr_assert_eq(count, 0);
	assert_ok(f, ns_store_remove(f->store, &removal, &root, &f->err));
	commit(f);
	assert_ok(f, put(f, "a", "pyr:a@h:1"));
	assert_ok(f, put_as(f, "bob", r)); /* nobody's name may be taken over */
}

STORE_TEST(store_register, refuses_what_is_malformed)
{
	const struct {
		ns_registration registration;
		const char *complaint;
	} rows[] = {
		{{.name = "", .references = TEXTS("pyr:a@h:1")}, "name is empty"},
		{{.name = "a\tb", .references = TEXTS("pyr:a@h:1")}, "at byte 2"},
		{{.name = "a"}, "no reference"},
		{{.name = "a", .references = TEXTS("pyr:a@h:1", "")}, "reference is empty"},
		{{.name = "a", .references = TEXTS("pyr:\n")}, "at byte 5"},
		{{.name = "a", .references = TEXTS("pyr:a@h:1"), .tags = TEXTS("ok", "a,b")},
			"at byte 2"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_fails(f, PYR_INVALID_ARGUMENT, rows[i].complaint,
			put_with(f, &rows[i].registration, NULL));
	ns_registration r = {.name = "a", .references = TEXTS("pyr:a@h:1")};
	assert_fails(f, PYR_INVALID_ARGUMENT, "principal", put_as(f, "al\nice", r));
	r.lease_id = 12345;
	assert_fails(f, PYR_NOT_FOUND, "lease 12345 has ended", put_with(f, &r, NULL));
	cr_assert_eq(ns_store_revision(f->store), 0);
	cr_assert_not(ns_store_staged(f->store));
}

STORE_TEST(store_register, limits_names_in_all)
{
	f->limits.names_max = 2;
	fixture_reopen(f);
	assert_ok(f, put(f, "a", "pyr:a@h:1"));
	assert_ok(f, put(f, "b", "pyr:a@h:1"));
	assert_fails(f, PYR_RESOURCE_EXHAUSTED, "2 names", put(f, "c", "pyr:a@h:1"));
	ns_registration again = {.name = "a", .references = TEXTS("pyr:a@h:2"), .replace = true};
	assert_ok(f, put_with(f, &again, NULL));
	assert_ok(f, take(f, "a"));
	assert_ok(f, put(f, "c", "pyr:a@h:1"));
}

STORE_TEST(store_register, limits_names_of_one_principal)
{
	f->limits.names_per_principal_max = 2;
	fixture_reopen(f);
	ns_registration r = {.references = TEXTS("pyr:a@h:1"), .replace = true};
	r.name = "a";
	assert_ok(f, put_as(f, "alice", r));
	r.name = "b";
	assert_ok(f, put_as(f, "alice", r));
	r.tags = (const char *const[]){"x"}, r.tag_count = 1;
	assert_ok(f, put_as(f, "alice", r)); /* a change of her own is no more */
	r.name = "c";
	assert_fails(f, PYR_RESOURCE_EXHAUSTED, "\"alice\" has 2 names", put_as(f, "alice", r));
	assert_ok(f, put_as(f, "bob", r));
	for (const char *const *name = (const char *const[]){"d", "e", "f", NULL}; *name; name++)
		assert_ok(f, put(f, *name, "pyr:a@h:1")); /* nobody in particular */
	ns_removal removal = {.name = "a"};
	const ns_caller alice = {"alice", false, false};
	assert_ok(f, ns_store_remove(f->store, &removal, &alice, &f->err));
	r.name = "g";
	assert_ok(f, put_as(f, "alice", r));
}

STORE_TEST(store_register, limits_tags_references_and_leases)
{
	f->limits.tags_per_name_max = 2;
	f->limits.references_per_name_max = 2;
	f->limits.names_per_lease_max = 1;
	fixture_reopen(f);
	ns_registration r = {.name = "a",
		.references = TEXTS("pyr:a@h:1"),
		.tags = TEXTS("x", "y", "x"),
		.replica = true};
	assert_ok(f, put_with(f, &r, NULL));
	r.tags = (const char *const[]){"z"}, r.tag_count = 1;
	assert_fails(f, PYR_RESOURCE_EXHAUSTED, "3 tags", put_with(f, &r, NULL));
	r.tag_count = 0;
	r.references = (const char *const[]){"pyr:a@h:2", "pyr:a@h:3"}, r.reference_count = 2;
	assert_fails(f, PYR_RESOURCE_EXHAUSTED, "3 references", put_with(f, &r, NULL));
	const ns_record *record;
	ns_tagging tagging = {.name = "a", .add = TEXTS("z")};
	assert_fails(f, PYR_RESOURCE_EXHAUSTED, "3 tags",
		ns_store_set_tags(f->store, &tagging, &anybody, &record, &f->err));
	ns_registration leased = {
		.name = "b", .references = TEXTS("pyr:a@h:1"), .lease_id = lease(f, 1000)};
	assert_ok(f, put_with(f, &leased, NULL));
	assert_ok(f, put_with(f, &leased, NULL));
	leased.name = "c";
	assert_fails(f, PYR_RESOURCE_EXHAUSTED, "1 names already", put_with(f, &leased, NULL));
	assert_ok(f, put(f, "d", "pyr:a@h:1")); /* everybody else goes on */
}
