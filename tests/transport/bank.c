/* SPDX-License-Identifier: Apache-2.0 */
/* The bank: its servant, and a client of it. */
#include "transport/bank.h"

#include <stdlib.h>
#include <string.h>

static void add(void *self, pyr_call *call, const Lend__Ticket *request)
{
	bank_account *a = self;
	Lend__Ticket reply = LEND__TICKET__INIT;
	reply.value = a->sum += request->value;
	lend_account_add__reply(call, &reply);
}

const lend_account_ops bank_account_ops = {.add = add};

void bank_release_account(void *self)
{
	bank_account *a = self;
	tally_add(a->released, 1);
	free(a);
}

static bank_account *new_account(tally *released)
{
	bank_account *a = calloc(1, sizeof *a);
	a->released = released;
	return a;
}

static void keep_id(bank *b, const Pyrite__Object *object)
{
	pyr_error err;
	pyr_reference reference;
	CHECK_OK(pyr_reference_parse(object->reference, &reference, &err));
	strcpy(b->last_id, reference.target);
}

static void open_account(void *self, pyr_call *call, const Lend__Ticket *request)
{
	bank *b = self;
	pyr_error err;
	pyr_status status;
	Lend__Parcel reply = LEND__PARCEL__INIT;
	pyr_lend_options options = PYR_LEND_OPTIONS_INIT;
	options.lease_ms = (uint32_t)request->value;
	options.release = bank_release_account;
	bank_account *a = new_account(&b->released);
	if (request->value)
		status = lend_account__lend(
			call, &bank_account_ops, a, &options, &reply.object, &err);
	else
		status = pyr_call_hand(call, "main", &reply.object, &err);
	if (status || request->value == 0)
		free(a);
	if (status) {
		pyr_call_fail_error(call, &err, NULL, 0);
		return;
	}
	keep_id(b, reply.object);
	lend_bank_open__reply(call, &reply);
}

static void again(void *self, pyr_call *call, const Lend__Ticket *request)
{
	bank *b = self;
	pyr_error err;
	Lend__Parcel reply = LEND__PARCEL__INIT;
	(void)request;
	if (pyr_call_hand(call, b->last_id, &reply.object, &err))
		pyr_call_fail_error(call, &err, NULL, 0);
	else
		lend_bank_again__reply(call, &reply);
}

pyr_status bank_add(lend_account *proxy, uint64_t value, uint64_t *ret_sum, pyr_error *err)
{
	Lend__Ticket request = LEND__TICKET__INIT, *reply;
	request.value = value;
	pyr_status status = lend_account_add(proxy, &request, &reply, err);
	if (status)
		return status;
	*ret_sum = reply->value;
	lend__ticket__free_unpacked(reply, NULL);
	return PYR_OK;
}

static void pay(void *self, pyr_call *call, const Lend__Parcel *request)
{
	(void)self;
	pyr_error err;
	lend_account *proxy = NULL;
	Lend__Ticket reply = LEND__TICKET__INIT;
	pyr_status status = lend_account__accept_from(call, request->object, NULL, &proxy, &err);
	if (status == PYR_OK)
		status = bank_add(proxy, request->value, &reply.value, &err);
	lend_account__close(proxy);
	if (status)
		pyr_call_fail_error(call, &err, NULL, 0);
	else
		lend_bank_pay__reply(call, &reply);
}

static void on_paid(void *ctx, pyr_status status, const Lend__Ticket *reply, const pyr_error *err)
{
	pyr_call *call = ctx;
	if (status)
		pyr_call_fail_error(call, err, NULL, 0);
	else
		lend_bank_pay_later__reply(call, reply);
	pyr_call_unref(call);
}

static void pay_later(void *self, pyr_call *call, const Lend__Parcel *request)
{
	(void)self;
	pyr_error err;
	lend_account *proxy = NULL;
	Lend__Ticket ticket = LEND__TICKET__INIT;
	ticket.value = request->value;
	pyr_status status = lend_account__accept_from(call, request->object, NULL, &proxy, &err);
	if (status == PYR_OK)
		status = lend_account_add__invoke(
			proxy, &ticket, on_paid, pyr_call_ref(call), NULL, &err);
	lend_account__close(proxy);
	if (status)
		pyr_call_fail_error(call, &err, NULL, 0);
}

static void keep(void *self, pyr_call *call, const Lend__Parcel *request)
{
	bank *b = self;
	pyr_error err;
	Lend__Ticket reply = LEND__TICKET__INIT;
	if (lend_account__accept_from(call, request->object, NULL, &b->kept, &err))
		pyr_call_fail_error(call, &err, NULL, 0);
	else
		lend_bank_keep__reply(call, &reply);
}

static void pay_kept(void *self, pyr_call *call, const Lend__Ticket *request)
{
	bank *b = self;
	pyr_error err;
	Lend__Ticket reply = LEND__TICKET__INIT;
	(void)request;
	if (bank_add(b->kept, 1, &reply.value, &err))
		pyr_call_fail_error(call, &err, NULL, 0);
	else
		lend_bank_pay_kept__reply(call, &reply);
}

static void drop(void *self, pyr_call *call, const Lend__Ticket *request)
{
	bank *b = self;
	Lend__Ticket reply = LEND__TICKET__INIT;
	(void)request;
	lend_account__close(b->kept);
	b->kept = NULL;
	lend_bank_drop__reply(call, &reply);
}

const lend_bank_ops bank_ops = {
	.open = open_account,
	.again = again,
	.pay = pay,
	.pay_later = pay_later,
	.keep = keep,
	.pay_kept = pay_kept,
	.drop = drop,
};

lend_bank *bank_connect(pyr_context *context, const char *reference)
{
	pyr_error err;
	lend_bank *proxy;
	CHECK_OK(lend_bank__open(context, reference, NULL, &proxy, &err));
	return proxy;
}

void bank_begin(bank_rig *r, uint32_t workers)
{
	pyr_error err;
	char reference[PYR_REFERENCE_MAX];
	pyr_daemon_options options = PYR_DAEMON_OPTIONS_INIT;
	*r = (bank_rig){.bank.released = TALLY_INIT, .released = TALLY_INIT};
	r->s = suite_begin_pool(workers);
	CHECK_OK(lend_bank__serve(r->s->daemon, "bank", &bank_ops, &r->bank, &err));
	CHECK_OK(lend_account__serve(r->s->daemon, "main", &bank_account_ops, &r->main, &err));
	suite_refer(r->s->daemon, "bank", reference);
	r->proxy = bank_connect(r->s->context, reference);
	options.context = r->s->context;
	CHECK_OK(pyr_daemon_new(&options, &r->client, &err));
	if (suite_under_test.calls_one_way)
		CHECK_OK(suite_under_test.listen(r->client, &err));
	CHECK_OK(pyr_daemon_start(r->client, &err));
}

void bank_end(bank_rig *r)
{
	lend_bank__close(r->proxy);
	lend_account__close(r->bank.kept);
	pyr_daemon_free(r->client);
	suite_end(r->s);
}

Lend__Parcel *bank_open(lend_bank *from, uint64_t lease_ms)
{
	pyr_error err;
	Lend__Parcel *parcel;
	Lend__Ticket request = LEND__TICKET__INIT;
	request.value = lease_ms;
	CHECK_OK(lend_bank_open(from, &request, &parcel, &err));
	return parcel;
}

lend_account *bank_accept(lend_bank *from, Lend__Parcel *parcel)
{
	pyr_error err;
	lend_account *proxy;
	CHECK_OK(lend_account__accept(lend_bank__proxy(from), parcel->object, NULL, &proxy, &err));
	return proxy;
}

lend_account *bank_open_and_accept(lend_bank *from, uint64_t lease_ms)
{
	Lend__Parcel *parcel = bank_open(from, lease_ms);
	lend_account *proxy = bank_accept(from, parcel);
	lend__parcel__free_unpacked(parcel, NULL);
	return proxy;
}

Pyrite__Object *bank_lend(bank_rig *r, uint32_t lease_ms)
{
	pyr_error err;
	Pyrite__Object *object;
	pyr_lend_options options = PYR_LEND_OPTIONS_INIT;
	options.lease_ms = lease_ms;
	options.release = bank_release_account;
	CHECK_OK(lend_account__lend_to(r->client, lend_bank__proxy(r->proxy), &bank_account_ops,
		new_account(&r->released), &options, &object, &err));
	return object;
}

pyr_status bank_pay(
	bank_rig *r, Pyrite__Object *object, uint64_t value, uint64_t *ret_sum, pyr_error *err)
{
	Lend__Ticket *reply;
	Lend__Parcel request = LEND__PARCEL__INIT;
	request.object = object;
	request.value = value;
	pyr_status status = lend_bank_pay(r->proxy, &request, &reply, err);
	if (status)
		return status;
	*ret_sum = reply->value;
	lend__ticket__free_unpacked(reply, NULL);
	return PYR_OK;
}
