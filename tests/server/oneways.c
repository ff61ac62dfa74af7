/* SPDX-License-Identifier: Apache-2.0 */
/* Oneway calls in a pool: in their order, one after the other, and none is lost. */
#include <pyrite/pyrite.h>
#include <stdatomic.h>
#include "transport/suite.h"

#define NOTES 200

/* A servant whose notes wait until they may go on. */
typedef struct gate {
	tally begun, open, ended;
	tally overlaps; /* a note has begun while another ran */
	tally disorder; /* a note has come before one that was sent earlier */
	atomic_uint running, last;
} gate;

static void note(void *self, pyr_call *call, const Suite__Number *request)
{
	gate *g = self;
	(void)call;
	if (atomic_fetch_add(&g->running, 1) > 0)
		tally_add(&g->overlaps, 1);
	if (atomic_exchange(&g->last, (unsigned)request->value) >= request->value)
		tally_add(&g->disorder, 1);
	tally_add(&g->begun, 1);
	tally_await(&g->open, (unsigned)request->value);
	atomic_fetch_sub(&g->running, 1);
	tally_add(&g->ended, 1);
}

static void count(void *self, pyr_call *call, const Suite__Nothing *request)
{
	gate *g = self;
	(void)request;
	Suite__Number reply = SUITE__NUMBER__INIT;
	reply.value = tally_get(&g->begun);
	suite_suite_count__reply(call, &reply);
}

static const suite_suite_ops gate_ops = {.note = note, .count = count};

typedef struct rig {
	suite *s;
	gate gate;
	suite_suite *proxy;
} rig;

static void begin(rig *r, uint32_t workers, uint32_t queue_max)
{
	pyr_error err;
	char reference[PYR_REFERENCE_MAX];
	suite_config config = {.daemon.workers = workers, .daemon.worker_queue_max = queue_max};
	*r = (rig){.gate = {.begun = TALLY_INIT,
			   .open = TALLY_INIT,
			   .ended = TALLY_INIT,
			   .overlaps = TALLY_INIT,
			   .disorder = TALLY_INIT}};
	r->s = suite_begin(&config);
	CHECK_OK(suite_suite__serve(r->s->daemon, "gate", &gate_ops, &r->gate, &err));
	suite_refer(r->s->daemon, "gate", reference);
	CHECK_OK(suite_suite__open(r->s->context, reference, NULL, &r->proxy, &err));
}

static void end(rig *r)
{
	suite_suite__close(r->proxy);
	suite_end(r->s);
}

static void send(suite_suite *proxy, uint64_t value)
{
	pyr_error err;
	Suite__Number request = SUITE__NUMBER__INIT;
	request.value = value;
	CHECK_OK(suite_suite_note(proxy, &request, &err));
}

/* What has begun when this call, which came behind all that were sent, is run by a free worker. */
static uint64_t begun(suite_suite *proxy)
{
	pyr_error err;
	Suite__Nothing request = SUITE__NOTHING__INIT;
	Suite__Number *reply;
	CHECK_OK(suite_suite_count(proxy, &request, &reply, &err));
	uint64_t value = reply->value;
	suite__number__free_unpacked(reply, NULL);
	return value;
}

Test(oneways, C3_those_of_one_connection_run_one_after_the_other)
{
	rig r;
	begin(&r, 4, 0);
	send(r.proxy, 1);
	send(r.proxy, 2);
	CHECK_AWAIT(&r.gate.begun, 1);
	/* three workers are free, and the second one stays where it is */
	for (int i = 0; i < 20; i++)
		cr_assert_eq(begun(r.proxy), 1);
	tally_add(&r.gate.open, 1);
	CHECK_AWAIT(&r.gate.begun, 2);
	tally_add(&r.gate.open, 1);
	CHECK_AWAIT(&r.gate.ended, 2);
	end(&r);
}

Test(oneways, C3_those_of_another_connection_do_not_wait_for_them)
{
	rig r;
	pyr_error err;
	suite_suite *other;
	begin(&r, 4, 0);
	pyr_context *context = suite_new_context();
	CHECK_OK(suite_suite__open(
		context, pyr_proxy_reference(suite_suite__proxy(r.proxy)), NULL, &other, &err));
	send(r.proxy, 1);
	send(other, 2);
	CHECK_AWAIT(&r.gate.begun, 2);
	tally_add(&r.gate.open, 2);
	CHECK_AWAIT(&r.gate.ended, 2);
	suite_suite__close(other);
	pyr_context_free(context);
	end(&r);
}

Test(oneways, C3_many_keep_their_order)
{
	rig r;
	begin(&r, 4, 0);
	tally_add(&r.gate.open, NOTES);
	for (unsigned i = 1; i <= NOTES; i++)
		send(r.proxy, i);
	CHECK_AWAIT(&r.gate.ended, NOTES);
	cr_assert_eq(tally_get(&r.gate.overlaps), 0);
	cr_assert_eq(tally_get(&r.gate.disorder), 0);
	end(&r);
}

/* What waits in its lane when the daemon stops is run, as what waits in the pool is. */
Test(oneways, C3_a_daemon_that_is_freed_runs_those_that_it_has)
{
	rig r;
	begin(&r, 2, 0);
	tally_add(&r.gate.open, NOTES);
	for (unsigned i = 1; i <= NOTES; i++)
		send(r.proxy, i);
	begun(r.proxy); /* all of them have come */
	pyr_daemon_free(r.s->daemon);
	cr_assert_eq(tally_get(&r.gate.ended), NOTES);
	r.s->daemon = NULL;
	end(&r);
}

Test(oneways, C3_more_than_may_wait_are_refused)
{
	rig r;
	begin(&r, 2, 3);
	for (unsigned i = 1; i <= 10; i++)
		send(r.proxy, i);
	begun(r.proxy); /* all have come */
	tally_add(&r.gate.open, 10);
	CHECK_AWAIT(&r.gate.ended, 4); /* one that ran, and three that waited */
	begun(r.proxy);
	cr_assert_eq(tally_get(&r.gate.ended), 4);
	end(&r);
}
