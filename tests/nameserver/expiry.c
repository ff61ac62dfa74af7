/* SPDX-License-Identifier: Apache-2.0 */
/* Leases over a socket. */
#include "served.h"

#include <stdio.h>
#include <string.h>

static pyr_status renew(served *s, uint64_t lease_id)
{
	Pyrite__RenewRequest request = PYRITE__RENEW_REQUEST__INIT;
	Pyrite__RenewReply *reply;
	request.lease_id = lease_id;
	pyr_status status = pyrite_names_renew(s->names, &request, &reply, &s->err);
	if (status == PYR_OK)
		pyrite__renew_reply__free_unpacked(reply, NULL);
	return status;
}

static uint64_t end_lease(served *s, uint64_t lease_id)
{
	Pyrite__RevokeRequest request = PYRITE__REVOKE_REQUEST__INIT;
	Pyrite__RevokeReply *reply;
	request.lease_id = lease_id;
	assert_ok(s, pyrite_names_revoke(s->names, &request, &reply, &s->err));
	uint64_t count = reply->count;
	pyrite__revoke_reply__free_unpacked(reply, NULL);
	return count;
}

SERVED_TEST(leases, N7_a_name_goes_with_its_lease_and_not_before)
{
	uint64_t begin_ms = test_now_ms();
	uint64_t id = lease(s, 300);
	assert_ok(s, put_leased(s, "a", id));
	assert_ok(s, put(s, "b", "pyr:x@127.0.0.1:1"));
	wait_until(!is_there(s, "a"));
	uint64_t lived_ms = test_now_ms() - begin_ms;
	cr_assert(lived_ms >= 300 && lived_ms < 1300, "lived %d ms", (int)lived_ms);
	cr_assert(is_there(s, "b"));
	assert_fails(s, PYR_NOT_FOUND, "ended", renew(s, id));
	assert_fails(s, PYR_NOT_FOUND, "ended", put_leased(s, "a", id));
}

SERVED_TEST(leases, N7_a_lease_that_is_renewed_lives_on)
{
	uint64_t id = lease(s, 300), begin_ms = test_now_ms();
	assert_ok(s, put_leased(s, "a", id));
	while (test_now_ms() - begin_ms < 1000) {
		assert_ok(s, renew(s, id));
		cr_assert(is_there(s, "a"));
		for (int i = 0; i < 50; i++)
			test_pause();
	}
}

SERVED_TEST(leases, N7_renewals_write_nothing)
{
	uint64_t id = lease(s, 60000), revision = revision_of(s);
	for (int i = 0; i < 1000; i++)
		assert_ok(s, renew(s, id));
	cr_assert_eq(revision_of(s), revision);
}

SERVED_TEST(leases, one_that_is_revoked_takes_its_names_along_at_once)
{
	uint64_t id = lease(s, 60000);
	assert_ok(s, put_leased(s, "a", id));
	assert_ok(s, put_leased(s, "b", id));
	assert_ok(s, put_leased(s, "a", id)); /* asked for again after a lost answer */
	cr_assert_eq(end_lease(s, id), 2);
	cr_assert_not(is_there(s, "a"));
	cr_assert_eq(end_lease(s, id), 0);
}

SERVED_TEST(leases, a_short_one_ends_before_a_long_one_that_was_there_first)
{
	lease(s, 60000);
	uint64_t id = lease(s, 200);
	assert_ok(s, put_leased(s, "a", id));
	wait_until(!is_there(s, "a"));
}

Test(leases, N7_get_their_full_time_after_a_restart)
{
	served s;
	served_init(&s, "sqlite");
	served_start(&s);
	uint64_t id = lease(&s, 400);
	assert_ok(&s, put_leased(&s, "a", id));
	served_stop(&s);
	uint64_t stopped_ms = test_now_ms();
	while (test_now_ms() - stopped_ms < 500)
		test_pause(); /* nobody can end it */
	served_start(&s);
	cr_assert(is_there(&s, "a"));
	assert_ok(&s, renew(&s, id));
	wait_until(!is_there(&s, "a"));
	served_done(&s);
	CHECK_LEAKS();
}
