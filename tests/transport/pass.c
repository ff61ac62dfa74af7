/* SPDX-License-Identifier: Apache-2.0 */
/* What a client passes is called back, on its own connection if calls go both ways on that. */
#include <pyrite/object.pb-c.h>
#include <pyrite/pyrite.h>
#include <string.h>
#include "lend.pyr.h"
#include "transport/bank.h"

Test(pass, C10_an_object_of_the_client_is_called_on_its_own_connection)
{
	bank_rig r;
	uint64_t sum;
	pyr_error err;
	bank_begin(&r, 1);
	Pyrite__Object *object = bank_lend(&r, 60000);
	CHECK_OK(bank_pay(&r, object, 1, &sum, &err));
	cr_assert_eq(sum, 1);
	CHECK_AWAIT(&r.released, 1); /* by the only one it was lent to */
	CHECK_STATUS(PYR_NOT_FOUND, bank_pay(&r, object, 1, &sum, &err));
	pyrite__object__free_unpacked(object, NULL);
	bank_end(&r);
}

Test(pass, C10_a_servant_on_the_loop_calls_back_without_waiting)
{
	bank_rig r;
	pyr_error err;
	bank_begin(&r, 0);
	Lend__Ticket *reply;
	Lend__Parcel request = LEND__PARCEL__INIT;
	request.object = bank_lend(&r, 60000);
	request.value = 3;
	CHECK_OK(lend_bank_pay_later(r.proxy, &request, &reply, &err));
	cr_assert_eq(reply->value, 3);
	lend__ticket__free_unpacked(reply, NULL);
	CHECK_AWAIT(&r.released, 1);
	pyrite__object__free_unpacked(request.object, NULL);
	bank_end(&r);
}

Test(pass, C10_what_a_servant_keeps_is_called_as_long_as_it_keeps_it)
{
	bank_rig r;
	pyr_error err;
	bank_begin(&r, 1);
	Lend__Ticket *reply, nothing = LEND__TICKET__INIT;
	Lend__Parcel request = LEND__PARCEL__INIT;
	request.object = bank_lend(&r, 600);
	CHECK_OK(lend_bank_keep(r.proxy, &request, &reply, &err));
	lend__ticket__free_unpacked(reply, NULL);
	/* the lease of another one, which nobody takes, runs out meanwhile */
	Pyrite__Object *other = bank_lend(&r, 1800);
	CHECK_AWAIT(&r.released, 1);
	CHECK_OK(lend_bank_pay_kept(r.proxy, &nothing, &reply, &err));
	cr_assert_eq(reply->value, 1);
	lend__ticket__free_unpacked(reply, NULL);
	CHECK_OK(lend_bank_drop(r.proxy, &nothing, &reply, &err));
	lend__ticket__free_unpacked(reply, NULL);
	CHECK_AWAIT(&r.released, 2);
	pyrite__object__free_unpacked(request.object, NULL);
	pyrite__object__free_unpacked(other, NULL);
	bank_end(&r);
}

Test(pass, C10_an_object_of_a_client_that_has_gone_is_an_error)
{
	bank_rig r;
	pyr_error err;
	if (suite_under_test.same_context)
		cr_skip_test("all is in one context");
	bank_begin(&r, 1);
	Lend__Ticket *reply, nothing = LEND__TICKET__INIT;
	Lend__Parcel request = LEND__PARCEL__INIT;
	request.object = bank_lend(&r, 60000);
	CHECK_OK(lend_bank_keep(r.proxy, &request, &reply, &err));
	lend__ticket__free_unpacked(reply, NULL);
	pyr_daemon_free(r.client);
	r.client = NULL;
	CHECK_AWAIT(&r.released, 1);
	pyr_status status = lend_bank_pay_kept(r.proxy, &nothing, &reply, &err);
	cr_assert(status == PYR_NOT_FOUND || status == PYR_UNAVAILABLE, "%s: %s",
		pyr_status_name(status), err.message);
	pyrite__object__free_unpacked(request.object, NULL);
	bank_end(&r);
}

Test(pass, C10_who_cannot_be_reached_lends_nothing_over_grpc)
{
	bank_rig r;
	pyr_error err;
	pyr_daemon *mute;
	Pyrite__Object *object;
	pyr_daemon_options options = PYR_DAEMON_OPTIONS_INIT;
	if (!suite_under_test.calls_one_way)
		cr_skip_test("it is called on the connection that is there");
	bank_begin(&r, 0);
	options.context = r.s->context;
	CHECK_OK(pyr_daemon_new(&options, &mute, &err));
	CHECK_STATUS(
		PYR_FAILED_PRECONDITION, lend_account__lend_to(mute, lend_bank__proxy(r.proxy),
						 &bank_account_ops, NULL, NULL, &object, &err));
	cr_assert(strstr(err.message, "advertise"), "%s", err.message);
	pyr_daemon_free(mute);
	bank_end(&r);
}

Test(pass, D12_leases_have_limits)
{
	static const uint32_t wrong[] = {1, 99, 86400001, UINT32_MAX};
	bank_rig r;
	pyr_error err;
	Pyrite__Object *object;
	bank_begin(&r, 0);
	pyr_lend_options options = PYR_LEND_OPTIONS_INIT;
	options.release = bank_release_account; /* would crash without an account */
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		options.lease_ms = wrong[i];
		CHECK_STATUS(PYR_INVALID_ARGUMENT,
			lend_account__lend_to(r.client, lend_bank__proxy(r.proxy),
				&bank_account_ops, NULL, &options, &object, &err));
	}
	bank_end(&r);
}

/* A peer may call only what was handed to it */
Test(pass, C10_what_was_not_handed_to_the_peer_cannot_be_called)
{
	bank_rig r;
	uint64_t sum;
	pyr_error err;
	bank_account own = {0};
	if (suite_under_test.same_context || suite_under_test.calls_one_way)
		cr_skip_test("there is no connection that goes both ways");
	bank_begin(&r, 1);
	Pyrite__Object *lent = bank_lend(&r, 60000);
	CHECK_OK(lend_account__serve(r.client, "own", &bank_account_ops, &own, &err));
	Pyrite__Object object = PYRITE__OBJECT__INIT;
	object.reference = "peer:own";
	CHECK_STATUS(PYR_NOT_FOUND, bank_pay(&r, &object, 1, &sum, &err));
	cr_assert_eq(own.sum, 0);
	Pyrite__Object *handed;
	CHECK_OK(pyr_daemon_hand(r.client, lend_bank__proxy(r.proxy), "own", &handed, &err));
	CHECK_OK(bank_pay(&r, handed, 1, &sum, &err));
	cr_assert_eq(own.sum, 1);
	CHECK_OK(pyr_daemon_unregister(r.client, "own", NULL, &err));
	CHECK_STATUS(PYR_NOT_FOUND, bank_pay(&r, handed, 1, &sum, &err));
	pyrite__object__free_unpacked(handed, NULL);
	pyrite__object__free_unpacked(lent, NULL);
	bank_end(&r);
}

/* What one daemon has lent is passed on to another, which calls it there */
Test(pass, D12_a_proxy_is_passed_on)
{
	bank_rig r;
	uint64_t sum;
	pyr_error err;
	Pyrite__Object *object;
	bank_begin(&r, 1);
	lend_account *held = bank_open_and_accept(r.proxy, 60000);
	CHECK_OK(pyr_proxy_object(lend_account__proxy(held), &object, &err));
	CHECK_OK(bank_pay(&r, object, 4, &sum, &err));
	cr_assert_eq(sum, 4);
	pyrite__object__free_unpacked(object, NULL);
	cr_assert_eq(tally_get(&r.bank.released), 0);
	lend_account__close(held);
	CHECK_AWAIT(&r.bank.released, 1);
	bank_end(&r);
}
