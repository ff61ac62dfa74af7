/* SPDX-License-Identifier: Apache-2.0 */
/* A daemon with several loops: where connections are, and where their calls run and end. */
#include <poll.h>
#include <string.h>
#include "server/callers.h"
#include "server/daemon_private.h"
#include "server/snapshot.h"

#define COUNT  "suite.Suite/Count"
#define ROUNDS 100

/* A servant that knows on which threads it runs. */
typedef struct witness {
	pyr_daemon *stops;        /* with the next Count; or NULL */
	_Atomic pthread_t thread; /* of the last call */
	atomic_bool on_a_loop;    /* and whether it was one of a loop */
	tally met;                /* calls of Echo that wait for each other */
	pyr_call *held;
	tally holds, cancelled;
	pthread_t cancelled_on;
} witness;

static void count(void *self, pyr_call *call, const Suite__Nothing *request)
{
	witness *w = self;
	(void)request;
	Suite__Number reply = SUITE__NUMBER__INIT;
	w->thread = pthread_self();
	w->on_a_loop = pyr__loop_in_callback();
	if (w->stops)
		pyr_daemon_stop(w->stops, 0);
	suite_suite_count__reply(call, &reply);
}

static void echo(void *self, pyr_call *call, const Suite__Blob *request)
{
	witness *w = self;
	(void)request;
	Suite__Blob reply = SUITE__BLOB__INIT;
	tally_add(&w->met, 1);
	if (tally_await(&w->met, 2))
		suite_suite_echo__reply(call, &reply);
	else
		pyr_call_fail(call, PYR_ABORTED, "nobody else came");
}

static void on_cancel(void *ctx)
{
	witness *w = ctx;
	w->cancelled_on = pthread_self();
	pyr_call_unref(w->held);
	tally_add(&w->cancelled, 1);
}

static void hold(void *self, pyr_call *call, const Suite__Number *request)
{
	witness *w = self;
	(void)request;
	w->thread = pthread_self();
	w->held = pyr_call_ref(call);
	pyr_call_on_cancel(call, on_cancel, w);
	tally_add(&w->holds, 1);
}

static const suite_suite_ops witness_ops = {.count = count, .echo = echo, .hold = hold};

typedef struct stage {
	rig rig;
	witness witness;
} stage;

static void begin(stage *t, bool any_thread, uint32_t workers)
{
	t->witness = (witness){.met = TALLY_INIT, .holds = TALLY_INIT, .cancelled = TALLY_INIT};
	rig_begin(&t->rig, &witness_ops, &t->witness, any_thread, workers);
}

static void end(stage *t)
{
	rig_end(&t->rig);
}

/* Where a call of this caller runs. */
static pthread_t thread_of(stage *t, int index)
{
	call_count(&t->rig.callers[index]);
	return t->witness.thread;
}

typedef struct question {
	pyr__task task;
	pyr_daemon *daemon;
	pthread_t thread;
	uint32_t conns[LOOPS];
} question;

static void answer(pyr__task *task)
{
	question *q = (question *)task;
	q->thread = pthread_self();
	for (int i = 0; i < LOOPS; i++)
		q->conns[i] = q->daemon->reactors.all[i].conn_count;
}

/* What the daemon's own loop knows. */
static question ask(const stage *t)
{
	question q = {.task = {.run = answer}, .daemon = t->rig.s->daemon};
	pyr__loop_call(t->rig.s->daemon->loop, &q.task);
	return q;
}

Test(loops, calls_run_on_the_loop_of_their_connection)
{
	stage t;
	begin(&t, true, 0);
	pthread_t first = thread_of(&t, 0), second = thread_of(&t, 1), third = thread_of(&t, 2);
	cr_assert_not(pthread_equal(first, second) || pthread_equal(second, third) ||
		      pthread_equal(third, first));
	cr_assert(pthread_equal(third, ask(&t).thread), "it was the only one that was idle");
	cr_assert(pthread_equal(first, thread_of(&t, 0)));
	cr_assert(t.witness.on_a_loop);
	end(&t);
}

Test(loops, an_object_that_runs_on_one_thread_runs_on_the_daemons_own)
{
	stage t;
	begin(&t, false, 0);
	for (int i = 0; i < LOOPS; i++)
		cr_assert(pthread_equal(thread_of(&t, i), ask(&t).thread));
	end(&t);
}

Test(loops, workers_run_what_they_run_without)
{
	stage t;
	begin(&t, true, 1);
	pthread_t worker = thread_of(&t, 0);
	cr_assert_not(t.witness.on_a_loop);
	for (int i = 1; i < LOOPS; i++)
		cr_assert(pthread_equal(thread_of(&t, i), worker));
	end(&t);
}

Test(loops, two_connections_are_served_at_once)
{
	stage t;
	pyr_error err;
	begin(&t, true, 0);
	Suite__Blob request = SUITE__BLOB__INIT;
	suite_reply replies[2] = {SUITE_REPLY_INIT, SUITE_REPLY_INIT};
	for (int i = 0; i < 2; i++)
		CHECK_OK(suite_suite_echo__invoke(
			t.rig.callers[i].proxy, &request, suite_on_blob, &replies[i], NULL, &err));
	for (int i = 0; i < 2; i++) {
		CHECK_AWAIT(&replies[i].done, 1);
		cr_assert_eq(replies[i].status, PYR_OK);
	}
	end(&t);
}

static void check_cancel(bool any_thread)
{
	stage t;
	pyr_error err;
	begin(&t, any_thread, 0);
	pyr_pending *pending;
	suite_reply reply = SUITE_REPLY_INIT;
	Suite__Number request = SUITE__NUMBER__INIT;
	CHECK_OK(suite_suite_hold__invoke(
		t.rig.callers[0].proxy, &request, suite_on_number, &reply, &pending, &err));
	CHECK_AWAIT(&t.witness.holds, 1);
	pyr_pending_cancel(pending);
	pyr_pending_unref(pending);
	CHECK_AWAIT(&t.witness.cancelled, 1);
	CHECK_AWAIT(&reply.done, 1);
	cr_assert(pthread_equal(t.witness.cancelled_on, t.witness.thread));
	cr_assert_neq(any_thread, pthread_equal(t.witness.thread, ask(&t).thread) != 0);
	end(&t);
}

Test(loops, a_cancel_is_told_where_the_call_runs)
{
	check_cancel(true);
	check_cancel(false);
}

Test(loops, connections_are_spread_and_leave_room_for_others)
{
	stage t;
	begin(&t, true, 0);
	for (int i = 0; i < CALLERS; i++)
		call_count(&t.rig.callers[i]);
	question q = ask(&t);
	for (int i = 0; i < LOOPS; i++)
		cr_assert_eq(q.conns[i], CALLERS / LOOPS);
	pthread_t left = thread_of(&t, 1);
	end_caller(&t.rig.callers[1]);
	while (q.conns[0] + q.conns[1] + q.conns[2] != CALLERS - 1)
		q = ask(&t);
	t.rig.callers[1] = new_caller(&t.rig);
	cr_assert(pthread_equal(thread_of(&t, 1), left));
	end(&t);
}

static void *call_often(void *arg)
{
	for (int i = 0; i < ROUNDS; i++)
		call_count(arg);
	return NULL;
}

Test(loops, no_call_is_counted_twice_or_not_at_all)
{
	stage t;
	pthread_t threads[CALLERS];
	begin(&t, true, 0);
	for (int i = 0; i < CALLERS; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, call_often, &t.rig.callers[i]), 0);
	for (int i = 0; i < CALLERS; i++)
		pthread_join(threads[i], NULL);
	pyr__snapshot *snapshot = pyr__snapshot_take(t.rig.s->daemon, COUNT);
	cr_assert_eq(snapshot->all.n_methods, 1);
	cr_assert_eq(snapshot->methods[0]->began, CALLERS * ROUNDS);
	cr_assert_eq(snapshot->methods[0]->ended[PYR_OK], CALLERS * ROUNDS);
	pyr__snapshot_free(snapshot);
	end(&t);
}

Test(loops, a_servant_stops_its_daemon_from_any_of_them)
{
	stage t;
	pyr_error err;
	begin(&t, true, 0);
	Suite__Nothing request = SUITE__NOTHING__INIT;
	Suite__Number *reply;
	t.witness.stops = t.rig.s->daemon;
	pyr_status status;
	while ((status = suite_suite_count(t.rig.callers[0].proxy, &request, &reply, &err)) ==
		PYR_OK)
		suite__number__free_unpacked(reply, NULL); /* the end is on its way */
	cr_assert_eq(status, PYR_UNAVAILABLE, "%s", err.message);
	end(&t);
}

/* What a call that stop ends brings with it has happened when stop returns. */
static void check_stop(bool any_thread)
{
	stage t;
	pyr_error err;
	begin(&t, any_thread, 0);
	suite_reply reply = SUITE_REPLY_INIT;
	Suite__Number request = SUITE__NUMBER__INIT;
	CHECK_OK(suite_suite_hold__invoke(
		t.rig.callers[0].proxy, &request, suite_on_number, &reply, NULL, &err));
	CHECK_AWAIT(&t.witness.holds, 1);
	pyr_daemon_stop(t.rig.s->daemon, 0);
	cr_assert_eq(tally_get(&t.witness.cancelled), 1);
	CHECK_AWAIT(&reply.done, 1);
	end(&t);
}

Test(loops, all_are_through_when_the_daemon_has_stopped)
{
	check_stop(true);
	check_stop(false);
}

/* A servant that takes its time. */
static tally slow_begun = TALLY_INIT;

static void be_slow(void *self, pyr_call *call, const Suite__Blob *request)
{
	atomic_bool *ended = self;
	tally_add(&slow_begun, 1);
	poll(NULL, 0, 100); /* as if it took so long */
	suite_suite_echo__reply(call, request);
	atomic_store(ended, true);
}

static const suite_suite_ops slow_ops = {.echo = be_slow};

Test(loops, a_servant_is_through_as_well)
{
	stage t;
	pyr_error err;
	atomic_bool ended = false;
	begin(&t, true, 0);
	suite_suite *proxy = rig_open(&t.rig, "slow", &slow_ops, &ended, true);
	suite_reply reply = SUITE_REPLY_INIT;
	Suite__Blob request = SUITE__BLOB__INIT;
	CHECK_OK(suite_suite_echo__invoke(proxy, &request, suite_on_blob, &reply, NULL, &err));
	CHECK_AWAIT(&slow_begun, 1);
	pyr_daemon_stop(t.rig.s->daemon, 0);
	cr_assert(atomic_load(&ended));
	suite_suite__close(proxy);
	end(&t);
}

Test(loops, there_are_only_so_many)
{
	pyr_error err;
	pyr_daemon *daemon;
	pyr_daemon_options options = PYR_DAEMON_OPTIONS_INIT;
	options.loops = PYR__REACTORS_MAX + 1;
	CHECK_STATUS(PYR_INVALID_ARGUMENT, pyr_daemon_new(&options, &daemon, &err));
	cr_assert(strstr(err.message, "256"), "%s", err.message);
	options.loops = PYR__REACTORS_MAX;
	CHECK_OK(pyr_daemon_new(&options, &daemon, &err)); /* and the default context, for good */
	int descriptors_of_many = descriptors();
	pyr_daemon_free(daemon);
	options.loops = 1;
	CHECK_OK(pyr_daemon_new(&options, &daemon, &err));
	cr_assert_eq(descriptors(), descriptors_of_many, "they cost nothing before they are used");
	pyr_daemon_free(daemon);
}
