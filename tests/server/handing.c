/* SPDX-License-Identifier: Apache-2.0 */
/* What a daemon's other loops hand to its own, and what they may not ask of it. */
#include <pyrite/object.pb-c.h>
#include <pyrite/pyrite.h>
#include <sys/socket.h>
#include <unistd.h>
#include "lend.pyr.h"
#include "server/callers.h"
#include "server/daemon_private.h"

/* A servant that does nothing. */
static void count(void *self, pyr_call *call, const Suite__Nothing *request)
{
	(void)self;
	(void)request;
	Suite__Number reply = SUITE__NUMBER__INIT;
	suite_suite_count__reply(call, &reply);
}

static const suite_suite_ops idle_ops = {.count = count};

/* The order of what runs on the daemon's own */

/* A servant that keeps the daemon's own loop busy, and then takes the other object away. */
typedef struct busy {
	pyr_daemon *daemon;
	tally begun, go_on;
} busy;

static void be_busy(void *self, pyr_call *call, const Suite__Blob *request)
{
	busy *b = self;
	pyr_error err;
	tally_add(&b->begun, 1);
	cr_assert(tally_await(&b->go_on, 1));
	CHECK_OK(pyr_daemon_unregister(b->daemon, "called", NULL, &err));
	suite_suite_echo__reply(call, request);
}

static const suite_suite_ops busy_ops = {.echo = be_busy};

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

Test(handing, a_call_that_waits_for_its_loop_sees_what_that_does_before)
{
	rig r;
	pyr_error err;
	rig_begin(&r, &idle_ops, NULL, false, 0);
	busy b = {.daemon = r.s->daemon, .begun = TALLY_INIT, .go_on = TALLY_INIT};
	suite_suite *proxy = rig_open(&r, "busy", &busy_ops, &b, false);
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
	rig_end(&r);
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

Test(handing, oneway_calls_of_a_connection_keep_their_order)
{
	rig r;
	pyr_error err;
	suite_suite *proxies[2];
	static const char *const names[2] = {"slow", "fast"};
	diary d = {.notes = TALLY_INIT, .disorder = TALLY_INIT};
	rig_begin(&r, &idle_ops, NULL, true, 0);
	for (int i = 0; i < 2; i++)
		proxies[i] = rig_open(&r, names[i], &diary_ops, &d, i == 1);
	Suite__Number request = SUITE__NUMBER__INIT;
	while (request.value < 200) {
		request.value++;
		CHECK_OK(suite_suite_note(proxies[request.value % 2], &request, &err));
	}
	CHECK_AWAIT(&d.notes, 200);
	cr_assert_eq(tally_get(&d.disorder), 0);
	suite_suite__close(proxies[0]);
	suite_suite__close(proxies[1]);
	rig_end(&r);
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

Test(handing, who_hands_over_too_much_waits)
{
	rig r;
	pthread_t thread;
	rig_begin(&r, &idle_ops, NULL, true, 0);
	hander h = {.reactors = &r.s->daemon->reactors, .handed = TALLY_INIT};
	cr_assert_eq(pthread_create(&thread, NULL, hand_over, &h), 0);
	CHECK_AWAIT(&h.handed, 1024);
	for (unsigned i = 1; i <= HANDED; i++) {
		CHECK_AWAIT(&h.handed, i);
		pyr__reactor_end_handing(&h.reactors->all[1], h.reactors, false);
	}
	pthread_join(thread, NULL);
	cr_assert_leq(h.most, 1024);
	rig_end(&r);
}

/* What waits for the own loop */

#define ASKED 5

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

/* A servant that asks its daemon for what waits for the own loop. */
typedef struct asking {
	pyr_daemon *daemon;
	suite_suite *other; /* an object of it that runs on its own loop alone */
	pyr_status got[ASKED];
} asking;

static void ask(void *self, pyr_call *call, const Suite__Nothing *nothing)
{
	asking *a = self;
	static const suite_suite_ops no_ops;
	pyr_discoverable_options discoverable = PYR_DISCOVERABLE_OPTIONS_INIT;
	discoverable.at = "127.0.0.1:0";
	Suite__Nothing request = SUITE__NOTHING__INIT;
	Suite__Number *reply = NULL;
	a->got[0] = pyr_daemon_listen(a->daemon, "127.0.0.1:0", NULL, NULL);
	a->got[1] = adopt_one(a->daemon);
	a->got[2] = pyr_daemon_make_discoverable(a->daemon, &discoverable, NULL);
	a->got[3] = add_locator(a->daemon, &no_ops);
	a->got[4] = suite_suite_count(a->other, &request, &reply, NULL);
	suite__number__free_unpacked(reply, NULL);
	count(self, call, nothing);
}

static const suite_suite_ops asking_ops = {.count = ask};

Test(handing, another_loop_does_not_wait_for_the_daemons_own)
{
	rig r;
	pyr_error err;
	asking a = {NULL};
	rig_begin(&r, &asking_ops, &a, true, 0);
	a.daemon = r.s->daemon;
	CHECK_OK(suite_suite__open(r.s->host_context, "local:suite", NULL, &a.other, &err));
	for (int i = 0; i < LOOPS; i++) { /* the last is on the daemon's own */
		call_count(&r.callers[i]);
		for (int j = 0; j < ASKED; j++)
			cr_assert_eq(a.got[j], i < LOOPS - 1 ? PYR_FAILED_PRECONDITION : PYR_OK,
				"%d on %d: %d", j, i, a.got[j]);
	}
	suite_suite__close(a.other);
	rig_end(&r);
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

Test(handing, calls_back_end_where_servants_run)
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
	rig_begin(&r, &idle_ops, NULL, true, 0);
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
	rig_end(&r);
}
