/* SPDX-License-Identifier: Apache-2.0 */
/* What a servant returns becomes a proxy, and goes when nobody holds it. */
#include <pyrite/object.pb-c.h>
#include <pyrite/pyrite.h>
#include <string.h>
#include "lend.pyr.h"
#include "transport/bank.h"

Test(lend, D12_an_object_in_an_answer_lives_until_its_last_proxy_goes)
{
	bank_rig r;
	uint64_t sum;
	pyr_error err;
	bank_begin(&r, 0);
	Lend__Parcel *parcel = bank_open(r.proxy, 60000);
	lend_account *one = bank_accept(r.proxy, parcel), *two = bank_accept(r.proxy, parcel);
	CHECK_OK(bank_add(one, 5, &sum, &err));
	CHECK_OK(bank_add(two, 2, &sum, &err));
	cr_assert_eq(sum, 7);
	lend_account__close(one);
	CHECK_OK(bank_add(two, 1, &sum, &err));
	cr_assert_eq(sum, 8);
	cr_assert_eq(tally_get(&r.bank.released), 0);
	lend_account__close(two);
	CHECK_AWAIT(&r.bank.released, 1);
	lend__parcel__free_unpacked(parcel, NULL);
	bank_end(&r);
}

/* A lease that is kept: on a busy machine who renews it comes late, but not by half a second. */
#define RENEWED_MS 600

/* Two leases of others, which nobody takes, run out meanwhile. */
static void let_two_leases_end(bank_rig *r)
{
	unsigned released = tally_get(&r->bank.released);
	for (unsigned i = 1; i <= 2; i++) {
		lend__parcel__free_unpacked(bank_open(r->proxy, 2 * RENEWED_MS), NULL);
		CHECK_AWAIT(&r->bank.released, released + i);
	}
}

Test(lend, D12_a_lease_is_renewed_as_long_as_a_proxy_lives)
{
	bank_rig r;
	uint64_t sum;
	pyr_error err;
	bank_begin(&r, 0);
	lend_account *held = bank_open_and_accept(r.proxy, RENEWED_MS);
	let_two_leases_end(&r);
	CHECK_OK(bank_add(held, 5, &sum, &err));
	lend_account__close(held);
	CHECK_AWAIT(&r.bank.released, 3);
	bank_end(&r);
}

Test(lend, D12_an_object_that_has_gone_is_not_found)
{
	bank_rig r;
	uint64_t sum;
	pyr_error err;
	char reference[PYR_REFERENCE_MAX];
	bank_begin(&r, 0);
	Lend__Parcel *parcel = bank_open(r.proxy, RENEWED_MS);
	lend_account *held = bank_accept(r.proxy, parcel);
	suite_refer(r.s->daemon, r.bank.last_id, reference);
	/* found by its id alone, it can be called, but that holds nothing */
	lend_account *bystander;
	CHECK_OK(lend_account__open(r.s->context, reference, NULL, &bystander, &err));
	CHECK_OK(bank_add(bystander, 1, &sum, &err));
	lend_account__close(held);
	CHECK_AWAIT(&r.bank.released, 1);
	CHECK_STATUS(PYR_NOT_FOUND, bank_add(bystander, 1, &sum, &err));
	CHECK_STATUS(PYR_NOT_FOUND,
		lend_bank_again(r.proxy, &(Lend__Ticket)LEND__TICKET__INIT, &parcel, &err));
	lend_account__close(bystander);
	lend__parcel__free_unpacked(parcel, NULL);
	bank_end(&r);
}

Test(lend, D12_a_lease_is_as_long_as_its_daemon_says)
{
	bank_rig r;
	uint64_t sum;
	pyr_error err;
	bank_begin(&r, 0);
	Lend__Parcel *parcel = bank_open(r.proxy, RENEWED_MS);
	parcel->object->lease_ms = UINT32_MAX; /* says who has passed it on */
	lend_account *held = bank_accept(r.proxy, parcel);
	let_two_leases_end(&r);
	CHECK_OK(bank_add(held, 5, &sum, &err));
	lend_account__close(held);
	CHECK_AWAIT(&r.bank.released, 3);
	lend__parcel__free_unpacked(parcel, NULL);
	bank_end(&r);
}

Test(lend, D12_objects_are_held_though_one_of_them_moves)
{
	bank_rig r;
	uint64_t sum;
	pyr_error err;
	bank_begin(&r, 0);
	lend_account *moved = bank_open_and_accept(r.proxy, RENEWED_MS);
	char id[PYR_OBJECT_ID_MAX + 1];
	strcpy(id, r.bank.last_id);
	lend_account *held = bank_open_and_accept(r.proxy, RENEWED_MS);
	CHECK_OK(pyr_daemon_forward(r.s->daemon, id, "pyr:x@127.0.0.1:1", &err));
	CHECK_AWAIT(&r.bank.released, 1);
	let_two_leases_end(&r);
	CHECK_OK(bank_add(held, 5, &sum, &err));
	lend_account__close(moved);
	lend_account__close(held);
	CHECK_AWAIT(&r.bank.released, 4);
	bank_end(&r);
}

Test(lend, D12_objects_of_two_daemons_are_held_at_each)
{
	static const suite_config config;
	bank_rig r;
	uint64_t sum;
	pyr_error err;
	char reference[PYR_REFERENCE_MAX];
	bank_begin(&r, 0);
	pyr_daemon *other = suite_new_daemon(r.s, &config);
	CHECK_OK(lend_bank__serve(other, "branch", &bank_ops, &r.bank, &err));
	suite_refer(other, "branch", reference);
	lend_bank *branch = bank_connect(r.s->context, reference);
	lend_account *one = bank_open_and_accept(r.proxy, RENEWED_MS);
	lend_account *two = bank_open_and_accept(branch, RENEWED_MS);
	let_two_leases_end(&r);
	CHECK_OK(bank_add(one, 1, &sum, &err));
	CHECK_OK(bank_add(two, 1, &sum, &err));
	lend_account__close(one);
	lend_account__close(two);
	CHECK_AWAIT(&r.bank.released, 4);
	lend_bank__close(branch);
	pyr_daemon_free(other);
	bank_end(&r);
}

/* Both daemons have an object of this id. */
Test(lend, D12_what_a_daemon_has_handed_over_is_its_own)
{
	static const suite_config config;
	bank_rig r;
	uint64_t sum;
	pyr_error err;
	bank_account there = {0};
	char reference[PYR_REFERENCE_MAX];
	bank_begin(&r, 0);
	pyr_daemon *other = suite_new_daemon(r.s, &config);
	CHECK_OK(lend_bank__serve(other, "branch", &bank_ops, &r.bank, &err));
	CHECK_OK(lend_account__serve(other, "main", &bank_account_ops, &there, &err));
	suite_refer(other, "branch", reference);
	lend_bank *branch = bank_connect(r.s->context, reference);
	lend_account *proxy = bank_open_and_accept(branch, 0);
	CHECK_OK(bank_add(proxy, 5, &sum, &err));
	cr_assert_eq(there.sum, 5);
	cr_assert_eq(r.main.sum, 0);
	lend_account__close(proxy);
	lend_bank__close(branch);
	pyr_daemon_free(other);
	bank_end(&r);
}

Test(lend, D12_an_object_that_was_not_unregistered_goes_all_the_same)
{
	bank_rig r;
	pyr_error err;
	bank_begin(&r, 0);
	lend_account *held = bank_open_and_accept(r.proxy, 60000);
	CHECK_STATUS(PYR_NOT_FOUND,
		pyr_daemon_unregister(r.s->daemon, r.bank.last_id, &lend_bank__interface, &err));
	lend_account__close(held);
	CHECK_AWAIT(&r.bank.released, 1);
	bank_end(&r);
}

Test(lend, D12_a_registered_object_is_handed_over_and_stays)
{
	bank_rig r;
	uint64_t sum;
	pyr_error err;
	bank_begin(&r, 0);
	for (uint64_t i = 1; i <= 3; i++) {
		lend_account *proxy = bank_open_and_accept(r.proxy, 0);
		CHECK_OK(bank_add(proxy, 1, &sum, &err));
		cr_assert_eq(sum, i);
		lend_account__close(proxy);
	}
	bank_end(&r);
}

Test(lend, D12_an_object_is_handed_to_one_more_holder)
{
	bank_rig r;
	uint64_t sum;
	pyr_error err;
	Lend__Parcel *parcel;
	bank_begin(&r, 0);
	/* a holder that has been handed it twice may still be about to take it, for one lease */
	lend_account *one =
		bank_open_and_accept(r.proxy, suite_under_test.same_context ? 300 : 60000);
	pyr_context *other = suite_under_test.same_context ? NULL : suite_new_context();
	lend_bank *branch =
		other ? bank_connect(other, pyr_proxy_reference(lend_bank__proxy(r.proxy)))
		      : lend_bank__ref(r.proxy);
	CHECK_OK(lend_bank_again(branch, &(Lend__Ticket)LEND__TICKET__INIT, &parcel, &err));
	lend_account *two = bank_accept(branch, parcel);
	lend_account__close(one);
	CHECK_OK(bank_add(two, 1, &sum, &err));
	cr_assert_eq(tally_get(&r.bank.released), 0);
	lend_account__close(two);
	lend_bank__close(branch);
	pyr_context_free(other);
	CHECK_AWAIT(&r.bank.released, 1);
	lend__parcel__free_unpacked(parcel, NULL);
	bank_end(&r);
}

Test(lend, D12_a_context_that_is_freed_gives_back_what_it_held)
{
	bank_rig r;
	Lend__Parcel *parcel;
	pyr_error err;
	if (suite_under_test.same_context)
		cr_skip_test("all is in one context");
	bank_begin(&r, 0);
	pyr_context *other = suite_new_context();
	lend_bank *branch = bank_connect(other, pyr_proxy_reference(lend_bank__proxy(r.proxy)));
	Lend__Ticket request = LEND__TICKET__INIT;
	/* a context does not wait for oneway calls over gRPC: the lease has to end there */
	request.value = suite_under_test.calls_one_way ? 300 : 60000;
	CHECK_OK(lend_bank_open(branch, &request, &parcel, &err));
	lend_account *held = bank_accept(branch, parcel);
	pyr_context_free(other);
	CHECK_AWAIT(&r.bank.released, 1);
	lend_account__close(held);
	lend_bank__close(branch);
	lend__parcel__free_unpacked(parcel, NULL);
	bank_end(&r);
}

Test(lend, D12_what_is_no_object_of_that_kind_is_refused)
{
	bank_rig r;
	pyr_error err;
	bank_begin(&r, 0);
	lend_bank *none = NULL;
	Lend__Parcel *parcel = bank_open(r.proxy, 60000);
	CHECK_STATUS(PYR_FAILED_PRECONDITION,
		lend_bank__accept(lend_bank__proxy(r.proxy), parcel->object, NULL, &none, &err));
	cr_assert(strstr(err.message, "lend.Account"), "%s", err.message);
	lend_account *proxy;
	Pyrite__Object object = PYRITE__OBJECT__INIT;
	pyr_proxy *from = lend_bank__proxy(r.proxy);
	CHECK_STATUS(PYR_INVALID_ARGUMENT, lend_account__accept(from, NULL, NULL, &proxy, &err));
	CHECK_STATUS(PYR_INVALID_ARGUMENT, lend_account__accept(from, &object, NULL, &proxy, &err));
	object.reference = "name:any";
	CHECK_STATUS(PYR_INVALID_ARGUMENT, lend_account__accept(from, &object, NULL, &proxy, &err));
	object.reference = "pyr:x@192.0.2.1:4711";
	CHECK_STATUS(
		PYR_PERMISSION_DENIED, lend_account__accept(from, &object, NULL, &proxy, &err));
	cr_assert(strstr(err.message, "192.0.2.1"), "%s", err.message);
	CHECK_OK(pyr_context_allow(r.s->context, "192.0.2.0/24", &err));
	CHECK_OK(lend_account__accept(from, &object, NULL, &proxy, &err));
	lend_account__close(proxy);
	CHECK_STATUS(PYR_INVALID_ARGUMENT,
		lend_account__open(r.s->context, "peer:x", NULL, &proxy, &err));
	lend__parcel__free_unpacked(parcel, NULL);
	bank_end(&r);
}

/* They are lent something, take it or not, and go without a word. */
Test(lend, D12_a_thousand_clients_that_leak_leave_nothing)
{
	enum { CLIENTS = 1000, OBJECTS = 3 };
	bank_rig r;
	pyr_error err;
	Lend__Parcel *parcel;
	Lend__Ticket request = LEND__TICKET__INIT;
	request.value = 300;
	if (suite_under_test.same_context)
		cr_skip_test("all is in one context");
	bank_begin(&r, 0);
	const char *reference = pyr_proxy_reference(lend_bank__proxy(r.proxy));
	for (unsigned i = 0; i < CLIENTS; i++) {
		pyr_context *client = suite_new_context();
		lend_bank *branch = bank_connect(client, reference);
		for (unsigned j = 0; j < OBJECTS; j++) {
			CHECK_OK(lend_bank_open(branch, &request, &parcel, &err));
			lend__parcel__free_unpacked(parcel, NULL);
		}
		lend_bank__close(branch);
		pyr_context_free(client);
	}
	CHECK_AWAIT(&r.bank.released, CLIENTS * OBJECTS);
	bank_end(&r);
}

Test(lend, D12_who_leaks_objects_is_refused_and_others_are_not)
{
	bank_rig r;
	pyr_error err;
	pyr_status status = PYR_OK;
	Lend__Parcel *parcel;
	Lend__Ticket request = LEND__TICKET__INIT;
	request.value = 60000;
	bank_begin(&r, 0);
	unsigned opened = 0;
	while (opened <= 10000 && status == PYR_OK) {
		status = lend_bank_open(r.proxy, &request, &parcel, &err);
		if (status == PYR_OK) {
			lend__parcel__free_unpacked(parcel, NULL);
			opened++;
		}
	}
	cr_assert_eq(status, PYR_RESOURCE_EXHAUSTED);
	cr_assert_eq(opened, 10000);
	cr_assert(strstr(err.message, "10000"), "%s", err.message);
	bank_end(&r);
	cr_assert_eq(tally_get(&r.bank.released), opened);
}
