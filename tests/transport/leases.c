/* SPDX-License-Identifier: Apache-2.0 */
/* Leases over connections that break: what a holder says is lost, or it has crashed. */
#include <pyrite/object.pb-c.h>
#include <pyrite/pyrite.h>
#include <stdlib.h>
#include "lend.pyr.h"
#include "transport/relay.h"
#include "transport/suite.h"

/* On a busy machine who renews it comes late, but not by so much. */
#define LEASE_MS 600

/* A bank behind a relay. What it lends are accounts without a state. */
typedef struct scene {
	suite *s;
	relay *relay;
	lend_bank *bank;
	tally added, released;
} scene;

static void add(void *self, pyr_call *call, const Lend__Ticket *request)
{
	scene *c = self;
	tally_add(&c->added, 1);
	lend_account_add__reply(call, request);
}

static void note_release(void *self)
{
	scene *c = self;
	tally_add(&c->released, 1);
}

static void open_account(void *self, pyr_call *call, const Lend__Ticket *request)
{
	static const lend_account_ops ops = {.add = add};
	(void)request;
	pyr_error err;
	Lend__Parcel reply = LEND__PARCEL__INIT;
	pyr_lend_options options = PYR_LEND_OPTIONS_INIT;
	options.lease_ms = LEASE_MS;
	options.release = note_release;
	CHECK_OK(lend_account__lend(call, &ops, self, &options, &reply.object, &err));
	lend_bank_open__reply(call, &reply);
}

static const lend_bank_ops bank_ops = {.open = open_account};

static scene *begin(void)
{
	pyr_error err;
	scene *c = calloc(1, sizeof *c);
	char reference[PYR_REFERENCE_MAX], there[PYR_REFERENCE_MAX];
	c->s = suite_begin(NULL);
	c->added = c->released = (tally)TALLY_INIT;
	CHECK_OK(lend_bank__serve(c->s->daemon, "bank", &bank_ops, c, &err));
	suite_refer(c->s->daemon, "bank", there);
	c->relay = relay_new(there, reference);
	relay_let_read(c->relay, suite_under_test.resets_late);
	CHECK_OK(lend_bank__open(c->s->context, reference, NULL, &c->bank, &err));
	return c;
}

static void end(scene *c)
{
	suite *s = c->s;
	lend_bank__close(c->bank);
	relay_free(c->relay);
	suite_end(s);
}

static Lend__Parcel *open_parcel(scene *c)
{
	pyr_error err;
	Lend__Parcel *parcel;
	Lend__Ticket request = LEND__TICKET__INIT;
	CHECK_OK(lend_bank_open(c->bank, &request, &parcel, &err));
	return parcel;
}

static lend_account *open_and_accept(scene *c)
{
	pyr_error err;
	lend_account *account = NULL;
	Lend__Parcel *parcel = open_parcel(c);
	pyr_status status = lend_account__accept(
		lend_bank__proxy(c->bank), parcel->object, NULL, &account, &err);
	lend__parcel__free_unpacked(parcel, NULL);
	CHECK_OK(status);
	return account;
}

static pyr_status add_one(lend_account *account, pyr_error *err)
{
	Lend__Ticket request = LEND__TICKET__INIT, *reply;
	pyr_status status = lend_account_add(account, &request, &reply, err);
	if (status == PYR_OK)
		lend__ticket__free_unpacked(reply, NULL);
	return status;
}

Test(leases, D12_are_kept_though_connections_break)
{
	pyr_error err;
	scene *c = begin();
	lend_account *account = open_and_accept(c);
	for (unsigned i = 1; i <= 3; i++) {
		/* the lease of another one, which nobody takes, runs out meanwhile */
		lend__parcel__free_unpacked(open_parcel(c), NULL);
		relay_cut(c->relay);
		CHECK_AWAIT(&c->released, i);
	}
	CHECK_OK(add_one(account, &err));
	lend_account__close(account);
	CHECK_AWAIT(&c->released, 4);
	end(c);
	free(c);
}

/* It cannot say that it has given the object back, or that it has crashed. */
Test(leases, D12_end_when_nobody_hears_of_the_holder)
{
	scene *c = begin();
	lend_account *account = open_and_accept(c);
	relay_close(c->relay);
	relay_cut(c->relay);
	if (suite_under_test.calls_one_way) { /* the reference leads past the relay */
		lend_account__close(account);
		account = NULL;
	}
	CHECK_AWAIT(&c->released, 1);
	lend_account__close(account);
	end(c);
	free(c);
}
