/* SPDX-License-Identifier: Apache-2.0 */
/* A daemon with several loops: where connections are, and where their calls run. */
#include <poll.h>
#include <pyrite/object.pb-c.h>
#include <pyrite/pyrite.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "lend.pyr.h"
#include "server/daemon_private.h"
#include "server/snapshot.h"
#include "transport/suite.h"

#define LOOPS   3
#define CALLERS 6
#define COUNT   "suite.Suite/Count"
#define ROUNDS  100
#define ASKED   5

/* A servant that knows on which threads it runs. */
typedef struct witness {
	pyr_daemon *stops;  /* with the next Count; or NULL */
	pyr_daemon *asks;   /* what waits for its own loop, with the next Count; or NULL */
	suite_suite *other; /* an object of it that runs on its own loop alone */
	pyr_status asked[ASKED];
	_Atomic pthread_t thread; /* of the last call */
	atomic_bool on_a_loop;    /* and whether it was one of a loop */
	tally met;                /* calls of Echo that wait for each other */
	pyr_call *held;
	tally holds, cancelled;
	pthread_t cancelled_on;
} witness;

static pyr_status adopt_one(pyr_daemon *daemon)
{
	int ends[2];
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	pyr_status status = pyr_daemon_adopt(daemon, ends[0], NULL);
	if (status)
		close(ends[0]);
	close(ends[1]);
	return status;
}

static pyr_status locate_none(void *ctx, const char *id, void **ret_self, pyr_error *err)
{
	(void)ctx;
	(void)ret_self;
	return pyr_error_set(err, PYR_NOT_FOUND, "there is no %s", id);
}

static pyr_status add_locator(pyr_daemon *daemon, const suite_suite_ops *ops)
{
	pyr_locator locator = PYR_LOCATOR_INIT;
	locator.prefix = "none/";
	locator.locate = locate_none;
	return suite_suite__locate(daemon, ops, &locator, NULL);
}

static void ask_own_loop(witness *w)
{
	static const suite_suite_ops no_ops;
	pyr_discoverable_options discoverable = PYR_DISCOVERABLE_OPTIONS_INIT;
	discoverable.at = "127.0.0.1:0";
	Suite__Nothing request = SUITE__NOTHING__INIT;
	Suite__Number *reply = NULL;
	w->asked[0] = pyr_daemon_listen(w->asks, "127.0.0.1:0", NULL, NULL);
	w->asked[1] = adopt_one(w->asks);
	w->asked[2] = pyr_daemon_make_discoverable(w->asks, &discoverable, NULL);
	w->asked[3] = add_locator(w->asks, &no_ops);
	w->asked[4] = suite_suite_count(w->other, &request, &reply, NULL);
	suite__number__free_unpacked(reply, NULL);
}

static void count(void *self, pyr_call *call, const Suite__Nothing *request)
{
	witness *w = self;
	(void)request;
	Suite__Number reply = SUITE__NUMBER__INIT;
	w->thread = pthread_self();
	w->on_a_loop = pyr__loop_in_callback();
	if (w->stops)
		pyr_daemon_stop(w->stops, 0);
	if (w->asks)
		ask_own_loop(w);
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

typedef struct caller {
	pyr_context *context; /* which has a connection of its own */
	suite_suite *proxy;
} caller;

typedef struct rig {
	suite *s;
	witness witness;
	char reference[PYR_REFERENCE_MAX];
	caller callers[CALLERS];
} rig;

static caller new_caller(const rig *r)
{
	pyr_error err;
	caller c = {.context = suite_new_context()};
	CHECK_OK(suite_suite__open(c.context, r->reference, NULL, &c.proxy, &err));
	return c;
}

static void end_caller(caller *c)
{
	suite_suite__close(c->proxy);
	pyr_context_free(c->context);
	*c = (caller){NULL};
}

static void begin(rig *r, bool any_thread, uint32_t workers)
{
	pyr_error err;
	pyr_object_options object = PYR_OBJECT_OPTIONS_INIT;
	suite_config config = {.daemon.loops = LOOPS, .daemon.workers = workers};
	*r = (rig){.witness = {.met = TALLY_INIT, .holds = TALLY_INIT, .cancelled = TALLY_INIT}};
	r->s = suite_begin(&config);
	CHECK_OK(suite_suite__serve(r->s->daemon, "witness", &witness_ops, &r->witness, &err));
	object.any_thread = any_thread;
	CHECK_OK(pyr_daemon_configure(r->s->daemon, "witness", NULL, &object, &err));
	suite_refer(r->s->daemon, "witness", r->reference);
	for (int i = 0; i < CALLERS; i++)
		r->callers[i] = new_caller(r);
}

static void end(rig *r)
{
	for (int i = 0; i < CALLERS; i++)
		end_caller(&r->callers[i]);
	suite_end(r->s);
}

static void call_count(const caller *c)
{
	pyr_error err;
	Suite__Nothing request = SUITE__NOTHING__INIT;
	Suite__Number *reply;
	CHECK_OK(suite_suite_count(c->proxy, &request, &reply, &err));
	suite__number__free_unpacked(reply, NULL);
}

/* Where a call of this caller runs. */
static pthread_t thread_of(rig *r, int index)
{
	call_count(&r->callers[index]);
	return r->witness.thread;
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
static question ask(const rig *r)
{
	question q = {.task = {.run = answer}, .daemon = r->s->daemon};
	pyr__loop_call(r->s->daemon->loop, &q.task);
	return q;
}

Test(loops, calls_run_on_the_loop_of_their_connection)
{
	rig r;
	begin(&r, true, 0);
	pthread_t first = thread_of(&r, 0), second = thread_of(&r, 1), third = thread_of(&r, 2);
	cr_assert_not(pthread_equal(first, second) || pthread_equal(second, third) ||
		      pthread_equal(third, first));
	cr_assert(pthread_equal(third, ask(&r).thread), "it was the only one that was idle");
	cr_assert(pthread_equal(first, thread_of(&r, 0)));
	cr_assert(r.witness.on_a_loop);
	end(&r);
}

Test(loops, an_object_that_runs_on_one_thread_runs_on_the_daemons_own)
{
	rig r;
	begin(&r, false, 0);
	for (int i = 0; i < LOOPS; i++)
		cr_assert(pthread_equal(thread_of(&r, i), ask(&r).thread));
	end(&r);
}

Test(loops, workers_run_what_they_run_without)
{
	rig r;
	begin(&r, true, 1);
	pthread_t worker = thread_of(&r, 0);
	cr_assert_not(r.witness.on_a_loop);
	for (int i = 1; i < LOOPS; i++)
		cr_assert(pthread_equal(thread_of(&r, i), worker));
	end(&r);
}

Test(loops, two_connections_are_served_at_once)
{
	rig r;
	pyr_error err;
	begin(&r, true, 0);
	Suite__Blob request = SUITE__BLOB__INIT;
	suite_reply replies[2] = {SUITE_REPLY_INIT, SUITE_REPLY_INIT};
	for (int i = 0; i < 2; i++)
		CHECK_OK(suite_suite_echo__invoke(
			r.callers[i].proxy, &request, suite_on_blob, &replies[i], NULL, &err));
	for (int i = 0; i < 2; i++) {
		CHECK_AWAIT(&replies[i].done, 1);
		cr_assert_eq(replies[i].status, PYR_OK);
	}
	end(&r);
}

static void check_cancel(bool any_thread)
{
	rig r;
	pyr_error err;
	begin(&r, any_thread, 0);
	pyr_pending *pending;
	suite_reply reply = SUITE_REPLY_INIT;
	Suite__Number request = SUITE__NUMBER__INIT;
	CHECK_OK(suite_suite_hold__invoke(
		r.callers[0].proxy, &request, suite_on_number, &reply, &pending, &err));
	CHECK_AWAIT(&r.witness.holds, 1);
	pyr_pending_cancel(pending);
	pyr_pending_unref(pending);
	CHECK_AWAIT(&r.witness.cancelled, 1);
	CHECK_AWAIT(&reply.done, 1);
	cr_assert(pthread_equal(r.witness.cancelled_on, r.witness.thread));
	cr_assert_neq(any_thread, pthread_equal(r.witness.thread, ask(&r).thread) != 0);
	end(&r);
}

Test(loops, a_cancel_is_told_where_the_call_runs)
{
	check_cancel(true);
	check_cancel(false);
}

Test(loops, connections_are_spread_and_leave_room_for_others)
{
	rig r;
	begin(&r, true, 0);
	for (int i = 0; i < CALLERS; i++)
		call_count(&r.callers[i]);
	question q = ask(&r);
	for (int i = 0; i < LOOPS; i++)
		cr_assert_eq(q.conns[i], CALLERS / LOOPS);
	pthread_t left = thread_of(&r, 1);
	end_caller(&r.callers[1]);
	while (q.conns[0] + q.conns[1] + q.conns[2] != CALLERS - 1)
		q = ask(&r);
	r.callers[1] = new_caller(&r);
	cr_assert(pthread_equal(thread_of(&r, 1), left));
	end(&r);
}

static void *call_often(void *arg)
{
	for (int i = 0; i < ROUNDS; i++)
		call_count(arg);
	return NULL;
}

Test(loops, no_call_is_counted_twice_or_not_at_all)
{
	rig r;
	pthread_t threads[CALLERS];
	begin(&r, true, 0);
	for (int i = 0; i < CALLERS; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, call_often, &r.callers[i]), 0);
	for (int i = 0; i < CALLERS; i++)
		pthread_join(threads[i], NULL);
	pyr__snapshot *snapshot = pyr__snapshot_take(r.s->daemon, COUNT);
	cr_assert_eq(snapshot->all.n_methods, 1);
	cr_assert_eq(snapshot->methods[0]->began, CALLERS * ROUNDS);
	cr_assert_eq(snapshot->methods[0]->ended[PYR_OK], CALLERS * ROUNDS);
	pyr__snapshot_free(snapshot);
	end(&r);
}

Test(loops, a_servant_stops_its_daemon_from_any_of_them)
{
	rig r;
	pyr_error err;
	begin(&r, true, 0);
	Suite__Nothing request = SUITE__NOTHING__INIT;
	Suite__Number *reply;
	r.witness.stops = r.s->daemon;
	pyr_status status;
	while ((status = suite_suite_count(r.callers[0].proxy, &request, &reply, &err)) == PYR_OK)
		suite__number__free_unpacked(reply, NULL); /* the end is on its way */
	cr_assert_eq(status, PYR_UNAVAILABLE, "%s", err.message);
	end(&r);
}

/* What a call that stop ends brings with it has happened when stop returns. */
static void check_stop(bool any_thread)
{
	rig r;
	pyr_error err;
	begin(&r, any_thread, 0);
	suite_reply reply = SUITE_REPLY_INIT;
	Suite__Number request = SUITE__NUMBER__INIT;
	CHECK_OK(suite_suite_hold__invoke(
		r.callers[0].proxy, &request, suite_on_number, &reply, NULL, &err));
	CHECK_AWAIT(&r.witness.holds, 1);
	pyr_daemon_stop(r.s->daemon, 0);
	cr_assert_eq(tally_get(&r.witness.cancelled), 1);
	CHECK_AWAIT(&reply.done, 1);
	end(&r);
}

Test(loops, all_are_through_when_the_daemon_has_stopped)
{
	check_stop(true);
	check_stop(false);
}

/* One that keeps its loop busy: */
typedef struct busy {
	pyr_daemon *daemon;
	tally begun, go_on;
	bool ended;
	bool unregisters;
} busy;

static void be_busy(void *self, pyr_call *call, const Suite__Blob *request)
{
	busy *b = self;
	pyr_error err;
	tally_add(&b->begun, 1);
	if (b->unregisters) {
		cr_assert(tally_await(&b->go_on, 1));
		CHECK_OK(pyr_daemon_unregister(b->daemon, "witness", NULL, &err));
	} else {
		poll(NULL, 0, 100); /* as if it took so long */
	}
	suite_suite_echo__reply(call, request);
	b->ended = true;
}

static const suite_suite_ops busy_ops = {.echo = be_busy};

static suite_suite *serve_busy(rig *r, busy *b, bool any_thread)
{
	pyr_error err;
	suite_suite *proxy;
	char reference[PYR_REFERENCE_MAX];
	pyr_object_options object = PYR_OBJECT_OPTIONS_INIT;
	*b = (busy){.daemon = r->s->daemon, .begun = TALLY_INIT, .go_on = TALLY_INIT};
	object.any_thread = any_thread;
	CHECK_OK(suite_suite__serve(r->s->daemon, "busy", &busy_ops, b, &err));
	CHECK_OK(pyr_daemon_configure(r->s->daemon, "busy", NULL, &object, &err));
	suite_refer(r->s->daemon, "busy", reference);
	CHECK_OK(suite_suite__open(r->s->context, reference, NULL, &proxy, &err));
	return proxy;
}

Test(loops, a_servant_is_through_as_well)
{
	rig r;
	busy b;
	pyr_error err;
	begin(&r, true, 0);
	suite_suite *proxy = serve_busy(&r, &b, true);
	suite_reply reply = SUITE_REPLY_INIT;
	Suite__Blob request = SUITE__BLOB__INIT;
	CHECK_OK(suite_suite_echo__invoke(proxy, &request, suite_on_blob, &reply, NULL, &err));
	CHECK_AWAIT(&b.begun, 1);
	pyr_daemon_stop(r.s->daemon, 0);
	cr_assert(b.ended);
	suite_suite__close(proxy);
	end(&r);
}

/* Until the other loops have handed so much to the daemon's own that is still to be done. */
static void await_handed(const rig *r, unsigned wanted)
{
	unsigned handed;
	do {
		handed = 0;
		for (int i = 1; i < LOOPS; i++)
			handed += atomic_load(&r->s->daemon->reactors.all[i].handed);
	} while (handed < wanted);
}

Test(loops, a_call_that_waits_for_its_loop_sees_what_that_does_before)
{
	rig r;
	busy b;
	pyr_error err;
	begin(&r, false, 0);
	suite_suite *proxy = serve_busy(&r, &b, false);
	b.unregisters = true;
	for (int i = 0; i < LOOPS; i++) /* so that the next is on another loop than the own */
		call_count(&r.callers[i]);
	suite_reply replies[2] = {SUITE_REPLY_INIT, SUITE_REPLY_INIT};
	Suite__Blob blob = SUITE__BLOB__INIT;
	Suite__Nothing request = SUITE__NOTHING__INIT;
	CHECK_OK(suite_suite_echo__invoke(proxy, &blob, suite_on_blob, &replies[0], NULL, &err));
	CHECK_AWAIT(&b.begun, 1);
	CHECK_OK(suite_suite_count__invoke(
		r.callers[0].proxy, &request, suite_on_number, &replies[1], NULL, &err));
	await_handed(&r, 2); /* the one that is busy has come from another loop, too */
	tally_add(&b.go_on, 1);
	CHECK_AWAIT(&replies[0].done, 1);
	CHECK_AWAIT(&replies[1].done, 1);
	cr_assert_eq(replies[1].status, PYR_NOT_FOUND);
	suite_suite__close(proxy);
	end(&r);
}

/* Oneway calls of two objects, one of which runs anywhere. */
typedef struct diary {
	tally notes, disorder;
	atomic_uint_fast64_t last;
} diary;

static void note(void *self, pyr_call *call, const Suite__Number *request)
{
	diary *d = self;
	(void)call;
	if (atomic_exchange(&d->last, request->value) + 1 != request->value)
		tally_add(&d->disorder, 1);
	tally_add(&d->notes, 1);
}

static const suite_suite_ops diary_ops = {.note = note};

Test(loops, oneway_calls_of_a_connection_keep_their_order)
{
	rig r;
	pyr_error err;
	suite_suite *proxies[2];
	static const char *const names[2] = {"slow", "fast"};
	diary d = {.notes = TALLY_INIT, .disorder = TALLY_INIT};
	pyr_object_options object = PYR_OBJECT_OPTIONS_INIT;
	begin(&r, true, 0);
	for (int i = 0; i < 2; i++) {
		char reference[PYR_REFERENCE_MAX];
		CHECK_OK(suite_suite__serve(r.s->daemon, names[i], &diary_ops, &d, &err));
		object.any_thread = i == 1;
		CHECK_OK(pyr_daemon_configure(r.s->daemon, names[i], NULL, &object, &err));
		suite_refer(r.s->daemon, names[i], reference);
		CHECK_OK(suite_suite__open(r.s->context, reference, NULL, &proxies[i], &err));
	}
	Suite__Number request = SUITE__NUMBER__INIT;
	while (request.value < 200) {
		request.value++;
		CHECK_OK(suite_suite_note(proxies[request.value % 2], &request, &err));
	}
	CHECK_AWAIT(&d.notes, 200);
	cr_assert_eq(tally_get(&d.disorder), 0);
	suite_suite__close(proxies[0]);
	suite_suite__close(proxies[1]);
	end(&r);
}

/* Handing over by hand, past the limit. */
typedef struct hander {
	pyr__reactors *reactors;
	tally handed;
	unsigned most; /* that were under way when one had been let in */
} hander;

enum { HANDED = 5000 };

static void *hand_over(void *arg)
{
	hander *h = arg;
	pyr__reactor *reactor = &h->reactors->all[1];
	for (unsigned i = 0; i < HANDED; i++) {
		pyr__reactor_begin_handing(reactor, h->reactors, false);
		unsigned now = atomic_load(&reactor->handed);
		h->most = now > h->most ? now : h->most;
		tally_add(&h->handed, 1);
	}
	return NULL;
}

Test(loops, who_hands_over_too_much_waits)
{
	rig r;
	pthread_t thread;
	begin(&r, true, 0);
	hander h = {.reactors = &r.s->daemon->reactors, .handed = TALLY_INIT};
	cr_assert_eq(pthread_create(&thread, NULL, hand_over, &h), 0);
	CHECK_AWAIT(&h.handed, 1024);
	for (unsigned i = 1; i <= HANDED; i++) {
		CHECK_AWAIT(&h.handed, i);
		pyr__reactor_end_handing(&h.reactors->all[1], h.reactors, false);
	}
	pthread_join(thread, NULL);
	cr_assert_leq(h.most, 1024);
	end(&r);
}

static void check_asked(const witness *w, pyr_status wanted)
{
	for (int i = 0; i < ASKED; i++)
		cr_assert_eq(w->asked[i], wanted, "%d: %d", i, w->asked[i]);
}

Test(loops, another_one_does_not_wait_for_the_daemons_own)
{
	rig r;
	pyr_error err;
	begin(&r, true, 0);
	r.witness.asks = r.s->daemon;
	CHECK_OK(suite_suite__open(r.s->host_context, "local:suite", NULL, &r.witness.other, &err));
	for (int i = 0; i < LOOPS; i++) { /* the last is on the daemon's own */
		call_count(&r.callers[i]);
		check_asked(&r.witness, i < LOOPS - 1 ? PYR_FAILED_PRECONDITION : PYR_OK);
	}
	suite_suite__close(r.witness.other);
	end(&r);
}

/* A servant that calls its caller back, and is told of the answer. */
typedef struct visitor {
	lend_account *account;
	pthread_t served_on;
	suite_reply reply;
} visitor;

static void on_added(void *ctx, pyr_status status, const Lend__Ticket *reply, const pyr_error *err)
{
	visitor *v = ctx;
	(void)reply;
	(void)err;
	v->reply.status = status;
	v->reply.thread = pthread_self();
	tally_add(&v->reply.done, 1);
}

static void pay_later(void *self, pyr_call *call, const Lend__Parcel *request)
{
	visitor *v = self;
	pyr_error err;
	Lend__Ticket ticket = LEND__TICKET__INIT;
	v->served_on = pthread_self();
	CHECK_OK(lend_account__accept_from(call, request->object, NULL, &v->account, &err));
	CHECK_OK(lend_account_add__invoke(v->account, &ticket, on_added, v, NULL, &err));
	lend_bank_pay_later__reply(call, &ticket);
}

static void add(void *self, pyr_call *call, const Lend__Ticket *request)
{
	(void)self;
	lend_account_add__reply(call, request);
}

static const lend_bank_ops visitor_ops = {.pay_later = pay_later};
static const lend_account_ops account_ops = {.add = add};

Test(loops, calls_back_end_where_servants_run)
{
	rig r;
	pyr_error err;
	pyr_daemon *client;
	lend_bank *bank;
	char reference[PYR_REFERENCE_MAX];
	visitor v = {.reply = SUITE_REPLY_INIT};
	pyr_daemon_options options = PYR_DAEMON_OPTIONS_INIT;
	Lend__Parcel request = LEND__PARCEL__INIT;
	Lend__Ticket *ticket;
	begin(&r, true, 0);
	options.context = r.s->context;
	CHECK_OK(pyr_daemon_new(&options, &client, &err));
	CHECK_OK(pyr_daemon_start(client, &err));
	CHECK_OK(lend_bank__serve(r.s->daemon, "bank", &visitor_ops, &v, &err));
	suite_refer(r.s->daemon, "bank", reference);
	CHECK_OK(lend_bank__open(r.s->context, reference, NULL, &bank, &err));
	CHECK_OK(lend_account__lend_to(
		client, lend_bank__proxy(bank), &account_ops, NULL, NULL, &request.object, &err));
	CHECK_OK(lend_bank_pay_later(bank, &request, &ticket, &err));
	CHECK_AWAIT(&v.reply.done, 1);
	cr_assert_eq(v.reply.status, PYR_OK);
	cr_assert(pthread_equal(v.reply.thread, v.served_on));
	lend__ticket__free_unpacked(ticket, NULL);
	pyrite__object__free_unpacked(request.object, NULL);
	lend_account__close(v.account);
	lend_bank__close(bank);
	pyr_daemon_free(client);
	end(&r);
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
