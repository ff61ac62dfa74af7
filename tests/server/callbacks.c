/* SPDX-License-Identifier: Apache-2.0 */
/* Calls back on a connection, and who of its two ends goes first. */
#include "server/callbacks.h"

#include <pyrite/batch.pyr.h>
#include <pyrite/object.pb-c.h>
#include <pyrite/pyrite.h>
#include <string.h>
#include "client/proxy.h"
#include "lend.pyr.h"
#include "transport/suite.h"

/* A daemon whose bank keeps an account of its client's, whose daemon keeps the calls it gets. */
typedef struct rig {
	suite *s;
	pyr_daemon *client;
	lend_bank *bank;
	Pyrite__Object *object; /* the client's account */
	lend_account *kept;
	pyr_call *keeping; /* the call that has brought it */
	pyr_call *followed;
	tally follows, cancels;
	bool lets_go; /* of calls that are cancelled */
} rig;

static void add(void *self, pyr_call *call, const Lend__Ticket *request)
{
	(void)self;
	lend_account_add__reply(call, request);
}

static void on_cancel(void *ctx)
{
	rig *r = ctx;
	tally_add(&r->cancels, 1);
	if (r->lets_go)
		pyr_call_unref(r->followed);
}

static void follow(void *self, pyr_call *call, const Lend__Ticket *request)
{
	rig *r = self;
	(void)request;
	r->followed = pyr_call_ref(call);
	pyr_call_on_cancel(call, on_cancel, r);
	tally_add(&r->follows, 1);
}

static const lend_account_ops account_ops = {.add = add, .follow = follow};

static void keep(void *self, pyr_call *call, const Lend__Parcel *request)
{
	rig *r = self;
	pyr_error err;
	Lend__Ticket reply = LEND__TICKET__INIT;
	CHECK_OK(lend_account__accept_from(call, request->object, NULL, &r->kept, &err));
	r->keeping = pyr_call_ref(call);
	lend_bank_keep__reply(call, &reply);
}

static const lend_bank_ops bank_ops = {.keep = keep};

/* Its context is another than that of the connection on which it is called. */
static pyr_daemon *new_client(rig *r)
{
	pyr_error err;
	pyr_daemon *client;
	pyr_daemon_options options = PYR_DAEMON_OPTIONS_INIT;
	options.context = r->s->host_context;
	CHECK_OK(pyr_daemon_new(&options, &client, &err));
	CHECK_OK(pyr_daemon_start(client, &err));
	return client;
}

static void lend(rig *r)
{
	pyr_error err;
	Lend__Ticket *reply;
	Lend__Parcel request = LEND__PARCEL__INIT;
	CHECK_OK(lend_account__lend_to(
		r->client, lend_bank__proxy(r->bank), &account_ops, r, NULL, &r->object, &err));
	request.object = r->object;
	CHECK_OK(lend_bank_keep(r->bank, &request, &reply, &err));
	lend__ticket__free_unpacked(reply, NULL);
}

static void begin(rig *r)
{
	pyr_error err;
	char reference[PYR_REFERENCE_MAX];
	*r = (rig){.follows = TALLY_INIT, .cancels = TALLY_INIT};
	r->s = suite_begin(NULL);
	r->client = new_client(r);
	CHECK_OK(lend_bank__serve(r->s->daemon, "bank", &bank_ops, r, &err));
	suite_refer(r->s->daemon, "bank", reference);
	CHECK_OK(lend_bank__open(r->s->context, reference, NULL, &r->bank, &err));
	lend(r);
}

static void end(rig *r)
{
	pyr_call_unref(r->keeping);
	lend_account__close(r->kept);
	pyrite__object__free_unpacked(r->object, NULL);
	lend_bank__close(r->bank);
	pyr_daemon_free(r->client);
	suite_end(r->s);
}

static void free_daemon(rig *r)
{
	pyr_daemon_free(r->s->daemon);
	r->s->daemon = NULL;
}

static pyr_stream *follow_kept(rig *r)
{
	pyr_error err;
	pyr_stream *stream;
	Lend__Ticket request = LEND__TICKET__INIT;
	CHECK_OK(lend_account_follow(r->kept, &request, &stream, &err));
	CHECK_AWAIT(&r->follows, 1);
	return stream;
}

static void on_added(void *ctx, pyr_status status, const Lend__Ticket *reply, const pyr_error *err)
{
	(void)ctx;
	(void)reply;
	(void)err;
	cr_assert_eq(status, PYR_UNAVAILABLE);
}

static void on_ticket(void *ctx, pyr_status status, const Lend__Ticket *reply, const pyr_error *err)
{
	(void)ctx;
	(void)status;
	(void)reply;
	(void)err;
}

Test(callbacks, C10_a_proxy_that_outlives_the_daemon_it_came_to_says_so)
{
	rig r;
	pyr_error err;
	begin(&r);
	Lend__Ticket request = LEND__TICKET__INIT, *reply;
	pyr_stream *stream = follow_kept(&r);
	free_daemon(&r);
	CHECK_STATUS(PYR_UNAVAILABLE, pyr_proxy_connect(lend_account__proxy(r.kept), &err));
	CHECK_STATUS(PYR_UNAVAILABLE, lend_account_add(r.kept, &request, &reply, &err));
	CHECK_STATUS(PYR_UNAVAILABLE,
		lend_account_add__invoke(r.kept, &request, on_added, NULL, NULL, &err));
	pyr_status status = lend_account_follow__observe(stream, on_ticket, NULL, &err);
	(void)status; /* nobody is there who would run it */
	pyr_stream_close(stream);
	pyr_call_unref(r.followed);
	end(&r);
}

Test(callbacks, C10_a_call_is_given_back_after_its_daemon_and_its_context)
{
	rig r;
	begin(&r);
	pyr_stream *stream = follow_kept(&r);
	pyr_stream_close(stream);
	pyr_call *followed = r.followed;
	pyr_daemon_free(r.client);
	r.client = NULL;
	lend_bank__close(r.bank);
	r.bank = NULL;
	suite_suite__close(r.s->proxy);
	r.s->proxy = NULL;
	pyr_context_free(r.s->context);
	r.s->context = NULL;
	pyr_call_unref(followed);
	end(&r);
}

Test(callbacks, C10_nothing_is_accepted_from_a_call_that_outlives_its_daemon)
{
	rig r;
	pyr_error err;
	lend_account *account;
	begin(&r);
	Pyrite__Object object = PYRITE__OBJECT__INIT;
	object.reference = "pyr:x@127.0.0.1:1";
	lend_account__close(r.kept);
	r.kept = NULL;
	free_daemon(&r);
	pyr_context_free(r.s->host_context);
	r.s->host_context = NULL;
	CHECK_STATUS(
		PYR_CANCELLED, lend_account__accept_from(r.keeping, &object, NULL, &account, &err));
	CHECK_STATUS(PYR_CANCELLED,
		lend_account__accept_from(r.keeping, r.object, NULL, &account, &err));
	end(&r);
}

Test(callbacks, C10_a_call_that_runs_hears_of_the_end_of_its_daemon)
{
	for (unsigned i = 0; i < 30; i++) {
		rig r;
		begin(&r);
		r.lets_go = true;
		pyr_stream *stream = follow_kept(&r);
		pyr_daemon_free(r.client);
		r.client = NULL;
		cr_assert_eq(tally_get(&r.cancels), 1, "round %u", i);
		pyr_stream_close(stream);
		end(&r);
	}
}

/* There is no other way to it, and its callbacks run on the daemon's loop. */
Test(callbacks, D13_an_object_at_the_other_end_is_not_followed)
{
	rig r;
	pyr_error err;
	pyr_reference handed;
	begin(&r);
	Lend__Ticket request = LEND__TICKET__INIT, *reply;
	CHECK_OK(pyr_reference_parse(r.object->reference, &handed, &err));
	CHECK_OK(pyr_daemon_forward(r.client, handed.target, r.s->reference, &err));
	CHECK_STATUS(PYR_NOT_FOUND, lend_account_add(r.kept, &request, &reply, &err));
	cr_assert(strstr(err.message, "has moved to"), "%s", err.message);
	end(&r);
}

/* The status of the batch's only call. */
static pyr_status run_batched(lend_account *account, char *method)
{
	pyr_error err;
	pyr_proxy *batch;
	Pyrite__BatchedCall call = PYRITE__BATCHED_CALL__INIT, *calls[] = {&call};
	Pyrite__RunBatchRequest request = PYRITE__RUN_BATCH_REQUEST__INIT;
	Pyrite__RunBatchReply *reply;
	call.method = method;
	request.calls = calls;
	request.n_calls = 1;
	CHECK_OK(pyr__proxy_sibling(
		lend_account__proxy(account), &pyrite_batch__interface, &batch, &err));
	CHECK_OK(pyrite_batch_run((pyrite_batch *)batch, &request, &reply, &err));
	pyr_status status = (pyr_status)reply->results[0]->status;
	pyrite__run_batch_reply__free_unpacked(reply, NULL);
	pyr_proxy_unref(batch);
	return status;
}

Test(callbacks, C10_a_peer_learns_nothing_of_the_daemon_in_a_batch_either)
{
	rig r;
	begin(&r);
	cr_assert_eq(run_batched(r.kept, "lend.Account/Add"), PYR_OK);
	cr_assert_eq(run_batched(r.kept, "pyrite.Daemon/Info"), PYR_NOT_FOUND);
	end(&r);
}

Test(callbacks, C10_one_daemon_has_the_connection)
{
	rig r;
	pyr_error err;
	Pyrite__Object *object;
	begin(&r);
	pyr_daemon *another = new_client(&r);
	CHECK_STATUS(
		PYR_FAILED_PRECONDITION, lend_account__lend_to(another, lend_bank__proxy(r.bank),
						 &account_ops, &r, NULL, &object, &err));
	cr_assert(strstr(err.message, "another daemon"), "%s", err.message);
	pyr_daemon_free(another);
	end(&r);
}

Test(callbacks, D12_what_nobody_else_can_reach_is_not_passed_on)
{
	rig r;
	pyr_error err;
	Pyrite__Object *object;
	begin(&r);
	CHECK_STATUS(PYR_FAILED_PRECONDITION,
		pyr_proxy_object(lend_account__proxy(r.kept), &object, &err));
	cr_assert(strstr(err.message, "nobody else"), "%s", err.message);
	end(&r);
}

Test(callbacks, C10_a_daemon_that_has_stopped_lends_nothing)
{
	rig r;
	pyr_error err;
	Pyrite__Object *object;
	begin(&r);
	pyr_daemon_stop(r.client, 0);
	CHECK_STATUS(
		PYR_FAILED_PRECONDITION, lend_account__lend_to(r.client, lend_bank__proxy(r.bank),
						 &account_ops, &r, NULL, &object, &err));
	end(&r);
}
