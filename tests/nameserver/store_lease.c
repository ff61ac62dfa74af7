/* SPDX-License-Identifier: Apache-2.0 */
/* Leases on every kind of store, with time driven by the test. */
#include "fixture.h"

static pyr_status put_under(fixture *f, const char *name, uint64_t lease_id)
{
	ns_registration r = {.name = name, .references = TEXTS("pyr:a@h:1"), .lease_id = lease_id};
	return put_with(f, &r, NULL);
}

static pyr_status renew(fixture *f, uint64_t id)
{
	uint32_t ttl_ms;
	return ns_store_renew(f->store, id, f->now_us, &anybody, &ttl_ms, &f->err);
}

STORE_TEST(store_lease, takes_its_names_with_it)
{
	uint64_t id = lease(f, 1000);
	assert_ok(f, put_under(f, "a", id));
	assert_ok(f, put_under(f, "b", id));
	assert_ok(f, put(f, "by.hand", "pyr:a@h:1"));
	pass_ms(f, 999);
	cr_assert_str_eq(list(f, FILTER(0)), "a b by.hand");
	pass_ms(f, 1);
	cr_assert_str_eq(list(f, FILTER(0)), "by.hand");
	cr_assert_eq(ns_store_leases(f->store), 0);
	cr_assert_str_eq(changes_from(f, 4), "-a -b");
	pass_ms(f, 1000000);
	cr_assert_str_eq(list(f, FILTER(0)), "by.hand");
}

STORE_TEST(store_lease, lives_as_long_as_it_is_renewed)
{
	uint64_t id = lease(f, 1000);
	assert_ok(f, put_under(f, "a", id));
	for (int i = 0; i < 10; i++) {
		pass_ms(f, 900);
		assert_ok(f, renew(f, id));
	}
	cr_assert_str_eq(list(f, FILTER(0)), "a");
	cr_assert_eq(ns_store_revision(f->store), 1, "renewals are no changes");
	pass_ms(f, 1000);
	cr_assert_str_eq(list(f, FILTER(0)), "");
}

STORE_TEST(store_lease, is_over_when_its_time_is_even_if_nobody_has_looked)
{
	uint64_t id = lease(f, 1000);
	f->now_us += 1000000;
	assert_fails(f, PYR_NOT_FOUND, "has ended", renew(f, id));
	pass_ms(f, 0);
	assert_fails(f, PYR_NOT_FOUND, "has ended", renew(f, id));
	assert_fails(f, PYR_NOT_FOUND, "has ended", put_under(f, "a", id));
}

STORE_TEST(store_lease, tells_an_owner_that_slept_whether_the_name_is_lost)
{
	uint64_t asleep = lease(f, 1000);
	assert_ok(f, put_under(f, "lost", asleep));
	assert_ok(f, put_under(f, "free", asleep));
	pass_ms(f, 1000);
	assert_ok(f, put(f, "lost", "pyr:other@h:1"));
	assert_fails(f, PYR_NOT_FOUND, "has ended", renew(f, asleep));
	uint64_t again = lease(f, 1000);
	assert_ok(f, put_under(f, "free", again));
	assert_fails(f, PYR_ALREADY_EXISTS, "pyr:other@h:1", put_under(f, "lost", again));
	cr_assert_str_eq(reference_of(f, "lost"), "pyr:other@h:1");
}

STORE_TEST(store_lease, tells_when_to_look_again)
{
	cr_assert_eq(ns_store_expire(f->store, f->now_us, 100), UINT64_MAX);
	uint64_t late = lease(f, 3000), early = lease(f, 1000);
	uint64_t start_us = f->now_us;
	cr_assert_eq(ns_store_expire(f->store, f->now_us, 100), start_us + 1000000);
	f->now_us += 500000;
	assert_ok(f, renew(f, early));
	cr_assert_eq(ns_store_expire(f->store, f->now_us, 100), start_us + 1500000);
	pass_ms(f, 1000);
	cr_assert_eq(ns_store_expire(f->store, f->now_us, 100), start_us + 3000000);
	assert_ok(f, renew(f, late));
	cr_assert_eq(ns_store_leases(f->store), 1);
}

STORE_TEST(store_lease, ends_many_in_steps)
{
	for (int i = 0; i < 10; i++) {
		char name[8] = {(char)('a' + i)};
		assert_ok(f, put_under(f, name, lease(f, 1000)));
	}
	f->now_us += 1000000;
	cr_assert_eq(ns_store_expire(f->store, f->now_us, 6), f->now_us, "at once again");
	commit(f);
	cr_assert_eq(ns_store_names(f->store), 7, "two changes a lease");
	while (ns_store_expire(f->store, f->now_us, 6) != UINT64_MAX)
		commit(f);
	commit(f);
	cr_assert_eq(ns_store_names(f->store), 0);
}

STORE_TEST(store_lease, ends_again_after_a_commit_that_failed)
{
	assert_ok(f, put_under(f, "a", lease(f, 1000)));
	f->now_us += 1000000;
	ns_store_expire(f->store, f->now_us, SIZE_MAX);
	ns_store_seal(f->store);
	ns_store_finish(f->store, PYR_RESOURCE_EXHAUSTED);
	cr_assert_str_eq(list(f, FILTER(0)), "a");
	pass_ms(f, 0);
	cr_assert_str_eq(list(f, FILTER(0)), "");
}

STORE_TEST(store_lease, can_be_revoked)
{
	uint64_t id = lease(f, 1000), count;
	assert_ok(f, put_under(f, "a", id));
	assert_ok(f, put_under(f, "b", id));
	assert_ok(f, ns_store_revoke(f->store, id, &anybody, &count, &f->err));
	cr_assert_eq(count, 2);
	assert_fails(f, PYR_NOT_FOUND, "has ended", renew(f, id));
	commit(f);
	cr_assert_str_eq(list(f, FILTER(0)), "");
	assert_ok(f, ns_store_revoke(f->store, id, &anybody, &count, &f->err));
	cr_assert_eq(count, 0, "a second time is no error");
}

STORE_TEST(store_lease, belongs_to_whom_it_was_granted)
{
	const ns_caller alice = {"alice", false, false}, bob = {"bob", false, false};
	uint64_t id, count, revision;
	uint32_t ttl_ms;
	assert_ok(f, ns_store_grant(f->store, 1000, f->now_us, &alice, &id, &f->err));
	commit(f);
	cr_assert_eq(ns_store_lease_ttl_ms(f->store, id), 1000);
	assert_fails(f, PYR_PERMISSION_DENIED, "alice",
		ns_store_renew(f->store, id, f->now_us, &bob, &ttl_ms, &f->err));
	assert_fails(f, PYR_PERMISSION_DENIED, "alice",
		ns_store_revoke(f->store, id, &bob, &count, &f->err));
	ns_registration r = {.name = "a", .references = TEXTS("pyr:a@h:1"), .lease_id = id};
	assert_fails(f, PYR_PERMISSION_DENIED, "alice",
		ns_store_register(f->store, &r, &bob, &revision, &f->err));
	assert_ok(f, ns_store_renew(f->store, id, f->now_us, &alice, &ttl_ms, &f->err));
	cr_assert_eq(ttl_ms, 1000);
}

STORE_TEST(store_lease, has_limits)
{
	const ns_caller alice = {"alice", false, false};
	uint64_t id, count;
	f->limits.leases_per_principal_max = 1;
	f->limits.leases_max = 3;
	fixture_reopen(f);
	assert_fails(f, PYR_INVALID_ARGUMENT, "not 99",
		ns_store_grant(f->store, 99, f->now_us, &alice, &id, &f->err));
	assert_fails(f, PYR_INVALID_ARGUMENT, "not 86400001",
		ns_store_grant(f->store, 86400001, f->now_us, &alice, &id, &f->err));
	assert_ok(f, ns_store_grant(f->store, 1000, f->now_us, &alice, &id, &f->err));
	assert_fails(f, PYR_RESOURCE_EXHAUSTED, "\"alice\" has 1",
		ns_store_grant(f->store, 1000, f->now_us, &alice, &count, &f->err));
	lease(f, 1000);
	lease(f, 1000);
	assert_fails(f, PYR_RESOURCE_EXHAUSTED, "3 leases",
		ns_store_grant(f->store, 1000, f->now_us, &anybody, &count, &f->err));
	assert_ok(f, ns_store_revoke(f->store, id, &alice, &count, &f->err));
	commit(f);
	assert_ok(f, ns_store_grant(f->store, 1000, f->now_us, &alice, &id, &f->err));
}
