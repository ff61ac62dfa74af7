/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several daemons under one name. Pyro's name server has one place for a name; what is compared
 * here is Ice's replica groups: load spreads, and who is dead is passed over and comes back.
 */
#include "nameserver/served.h"

#include <grpc/health/v1/health.pyr.h>
#include <pthread.h>
#include <pyrite/daemon.pyr.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include "descriptors.h"
#include "transport/servant.h"

#define HOSTS 3

/* A daemon of a context of its own, so that it is reached through sockets. */
typedef struct host {
	pyr_context *context;
	pyr_daemon *daemon;
	servant servant;
	char endpoint[128];
	char reference[PYR_REFERENCE_MAX];
	tally release; /* of a loop that hangs */
	atomic_bool hangs;
} host;

static void hang(void *ctx)
{
	host *h = ctx;
	if (atomic_load(&h->hangs))
		tally_await(&h->release, 1);
}

static void start(served *s, host *h)
{
	pyr_daemon_options options = PYR_DAEMON_OPTIONS_INIT;
	assert_ok(s, pyr_context_new(NULL, &h->context, &s->err));
	options.context = h->context;
	assert_ok(s, pyr_daemon_new(&options, &h->daemon, &s->err));
	assert_ok(s, suite_suite__serve(h->daemon, "suite", &servant_ops, &h->servant, &s->err));
	assert_ok(s, pyr_daemon_listen(h->daemon, h->endpoint, NULL, &s->err));
	assert_ok(s, pyr_daemon_start(h->daemon, &s->err));
	assert_ok(s, pyr_daemon_reference(
			     h->daemon, "suite", 0, h->reference, sizeof h->reference, &s->err));
}

static void stop(host *h, uint32_t grace_ms)
{
	if (!h->daemon)
		return;
	pyr_daemon_stop(h->daemon, grace_ms);
	pyr_daemon_free(h->daemon);
	pyr_context_free(h->context);
	h->daemon = NULL;
}

static void name_it(served *s, const host *h)
{
	Pyrite__RegisterRequest request = PYRITE__REGISTER_REQUEST__INIT;
	Pyrite__RegisterReply *reply;
	char *references[] = {(char *)h->reference};
	request.name = "suite";
	request.references = references;
	request.n_references = 1;
	request.replica = true;
	assert_ok(s, pyrite_names_register(s->names, &request, &reply, &s->err));
	pyrite__register_reply__free_unpacked(reply, NULL);
}

static void start_all(served *s, host *hosts)
{
	for (int i = 0; i < HOSTS; i++) {
		host *h = &hosts[i];
		*h = (host){.servant = SERVANT_INIT, .release = TALLY_INIT};
		h->servant.interrupt = hang;
		h->servant.interrupt_ctx = h;
		snprintf(h->endpoint, sizeof h->endpoint, "unix:%s/host-%d", s->directory, i);
		start(s, h);
		name_it(s, h);
	}
}

static void stop_all(host *hosts)
{
	for (int i = 0; i < HOSTS; i++) {
		servant_drop_all(&hosts[i].servant);
		stop(&hosts[i], 0);
	}
}

static suite_suite *open_with(served *s, pyr_balance balance)
{
	suite_suite *proxy;
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	options.balance = balance;
	options.timeout_ms = 10000;
	assert_ok(s, suite_suite__open(s->context, "suite", &options, &proxy, &s->err));
	return proxy;
}

/* Count is idempotent. */
static pyr_status count(suite_suite *proxy, pyr_error *err)
{
	Suite__Nothing request = SUITE__NOTHING__INIT;
	Suite__Number *reply;
	pyr_status status = suite_suite_count(proxy, &request, &reply, err);
	if (status == PYR_OK)
		suite__number__free_unpacked(reply, NULL);
	return status;
}

/* Echo is not. */
static pyr_status echo(suite_suite *proxy, pyr_error *err)
{
	Suite__Blob request = SUITE__BLOB__INIT, *reply;
	pyr_status status = suite_suite_echo(proxy, &request, &reply, err);
	if (status == PYR_OK)
		suite__blob__free_unpacked(reply, NULL);
	return status;
}

static unsigned counted(host *h)
{
	return tally_get(&h->servant.count_count);
}

static void count_times(served *s, suite_suite *proxy, unsigned times)
{
	for (unsigned i = 0; i < times; i++)
		assert_ok(s, count(proxy, &s->err));
}

static void round_robin(served *s)
{
	host hosts[HOSTS];
	start_all(s, hosts);
	suite_suite *proxy = open_with(s, PYR_BALANCE_ROUND_ROBIN);
	count_times(s, proxy, 30);
	for (int i = 0; i < HOSTS; i++)
		cr_assert_eq(counted(&hosts[i]), 10);
	suite_suite__close(proxy);
	stop_all(hosts);
}

Test(replicas, N9_round_robin_gives_each_its_share)
{
	run_served("memory", round_robin);
}

static void stays(served *s)
{
	host hosts[HOSTS];
	start_all(s, hosts);
	suite_suite *proxy = open_with(s, PYR_BALANCE_PICK_FIRST);
	count_times(s, proxy, 5);
	cr_assert_eq(counted(&hosts[0]), 5);
	stop(&hosts[0], 0);
	count_times(s, proxy, 5);
	cr_assert_eq(counted(&hosts[1]), 5);
	start(s, &hosts[0]);
	count_times(s, proxy, 5);
	cr_assert_eq(counted(&hosts[1]), 10);
	cr_assert_eq(counted(&hosts[2]), 0);
	suite_suite__close(proxy);
	stop_all(hosts);
}

Test(replicas, N9_pick_first_stays_with_one_until_it_fails)
{
	run_served("memory", stays);
}

static void ignore(void *ctx, pyr_status status, const Suite__Number *reply, const pyr_error *err)
{
	(void)status;
	(void)reply;
	(void)err;
	tally_add(ctx, 1);
}

static void ignore_blob(
	void *ctx, pyr_status status, const Suite__Blob *reply, const pyr_error *err)
{
	(void)status;
	(void)reply;
	(void)err;
	tally_add(ctx, 1);
}

/* Until that many calls are held in all; which of the hosts holds one. */
static host *await_held(host *hosts, unsigned held)
{
	unsigned sum = 0;
	host *last = NULL;
	wait_until((sum = tally_get(&hosts[0].servant.held_count) +
			   tally_get(&hosts[1].servant.held_count) +
			   tally_get(&hosts[2].servant.held_count)) == held);
	for (int i = 0; i < HOSTS; i++)
		if (tally_get(&hosts[i].servant.held_count))
			last = &hosts[i];
	return last;
}

static void least_running(served *s)
{
	host hosts[HOSTS];
	tally ended = TALLY_INIT;
	Suite__Number request = SUITE__NUMBER__INIT;
	start_all(s, hosts);
	suite_suite *proxy = open_with(s, PYR_BALANCE_LEAST_RUNNING);
	assert_ok(s, suite_suite_hold__invoke(proxy, &request, ignore, &ended, NULL, &s->err));
	host *busy = await_held(hosts, 1);
	count_times(s, proxy, 20);
	cr_assert_eq(counted(busy), 0);
	cr_assert_eq(counted(&hosts[0]) + counted(&hosts[1]) + counted(&hosts[2]), 20);
	servant_answer(&busy->servant, 0, 1);
	cr_assert(tally_await(&ended, 1));
	count_times(s, proxy, 20);
	cr_assert_gt(counted(busy), 0);
	suite_suite__close(proxy);
	stop_all(hosts);
}

Test(replicas, N9_least_running_spares_the_busy_one)
{
	run_served("memory", least_running);
}

/* How long the slowest of so many calls takes. */
static uint64_t slowest_ms(served *s, suite_suite *proxy, unsigned times)
{
	uint64_t slowest = 0;
	for (unsigned i = 0; i < times; i++) {
		uint64_t before = test_now_ms();
		assert_ok(s, count(proxy, &s->err));
		uint64_t took = test_now_ms() - before;
		slowest = took > slowest ? took : slowest;
	}
	return slowest;
}

static void one_hangs(served *s)
{
	host hosts[HOSTS];
	start_all(s, hosts);
	suite_suite *proxy = open_with(s, PYR_BALANCE_ROUND_ROBIN);
	count_times(s, proxy, 6);
	atomic_store(&hosts[1].hangs, true);
	/* the call that meets it moves over, and those that follow do not go there */
	uint64_t slowest = slowest_ms(s, proxy, 3);
	cr_assert_gt(slowest, 100);
	cr_assert_lt(slowest, 2000, "%lu ms", (unsigned long)slowest);
	cr_assert_lt(slowest_ms(s, proxy, 30), 500);
	unsigned before = counted(&hosts[1]);
	tally_add(&hosts[1].release, 1);
	atomic_store(&hosts[1].hangs, false);
	wait_until((count_times(s, proxy, 1), counted(&hosts[1]) > before + 1));
	suite_suite__close(proxy);
	stop_all(hosts);
}

Test(replicas, N9_one_that_hangs_is_passed_over_and_comes_back)
{
	run_served("memory", one_hangs);
}

static void one_hangs_async(served *s)
{
	host hosts[HOSTS];
	tally ended = TALLY_INIT;
	Suite__Nothing request = SUITE__NOTHING__INIT;
	start_all(s, hosts);
	suite_suite *proxy = open_with(s, PYR_BALANCE_ROUND_ROBIN);
	count_times(s, proxy, 3);
	atomic_store(&hosts[2].hangs, true);
	for (int i = 0; i < 60; i++)
		assert_ok(s,
			suite_suite_count__invoke(proxy, &request, ignore, &ended, NULL, &s->err));
	cr_assert(tally_await(&ended, 60));
	cr_assert_geq(counted(&hosts[0]) + counted(&hosts[1]), 60 + 2);
	tally_add(&hosts[2].release, 1);
	suite_suite__close(proxy);
	stop_all(hosts);
}

Test(replicas, N9_asynchronous_calls_move_over_from_one_that_hangs)
{
	run_served("memory", one_hangs_async);
}

/* A oneway call is made once, so it has to find one that answers. */
static void ready(served *s)
{
	host hosts[HOSTS];
	tally ended = TALLY_INIT;
	Suite__Blob blob = SUITE__BLOB__INIT;
	Suite__Number number = SUITE__NUMBER__INIT;
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	suite_suite *proxy;
	start_all(s, hosts);
	options.balance = PYR_BALANCE_PICK_FIRST;
	options.wait_for_ready = true;
	options.timeout_ms = 10000;
	assert_ok(s, suite_suite__open(s->context, "suite", &options, &proxy, &s->err));
	assert_ok(s, echo(proxy, &s->err));
	atomic_store(&hosts[0].hangs, true);
	assert_ok(s, suite_suite_echo__invoke(proxy, &blob, ignore_blob, &ended, NULL, &s->err));
	cr_assert(tally_await(&hosts[0].servant.echo_count, 2));
	uint64_t before = test_now_ms();
	assert_ok(s, suite_suite_note(proxy, &number, &s->err));
	cr_assert_lt(test_now_ms() - before, 5000);
	tally_add(&hosts[0].release, 1);
	cr_assert(tally_await(&ended, 1));
	suite_suite__close(proxy);
	stop_all(hosts);
}

Test(replicas, N9_who_waits_for_a_server_does_not_wait_for_one_that_hangs)
{
	run_served("memory", ready);
}

/* Who has answered gets the call, and not the next one in turn. */
static void ready_in_turn(served *s)
{
	host hosts[HOSTS];
	tally ended = TALLY_INIT;
	Suite__Blob blob = SUITE__BLOB__INIT;
	Suite__Number number = SUITE__NUMBER__INIT;
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	suite_suite *proxy;
	unsigned asked = 0;
	start_all(s, hosts);
	options.balance = PYR_BALANCE_ROUND_ROBIN;
	options.wait_for_ready = true;
	options.timeout_ms = 10000;
	assert_ok(s, suite_suite__open(s->context, "suite", &options, &proxy, &s->err));
	count_times(s, proxy, HOSTS);
	atomic_store(&hosts[1].hangs, true);
	for (; asked < HOSTS; asked++)
		assert_ok(s,
			suite_suite_echo__invoke(proxy, &blob, ignore_blob, &ended, NULL, &s->err));
	cr_assert(tally_await(&hosts[1].servant.echo_count, 1));
	for (int i = 0; i < 3 * HOSTS; i++)
		assert_ok(s, suite_suite_note(proxy, &number, &s->err));
	tally_add(&hosts[1].release, 1);
	cr_assert(tally_await(&ended, asked));
	suite_suite__close(proxy);
	stop(&hosts[1], 1000);
	cr_assert_eq(tally_get(&hosts[1].servant.note_count), 0);
	stop_all(hosts);
}

Test(replicas, N9_who_waits_for_a_server_calls_the_one_that_has_answered)
{
	run_served("memory", ready_in_turn);
}

/* A call that must not run twice is not taken away from who may be running it. */
static void not_idempotent(served *s)
{
	host hosts[HOSTS];
	start_all(s, hosts);
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	suite_suite *proxy;
	options.balance = PYR_BALANCE_PICK_FIRST;
	options.timeout_ms = 1500;
	assert_ok(s, suite_suite__open(s->context, "suite", &options, &proxy, &s->err));
	assert_ok(s, echo(proxy, &s->err));
	atomic_store(&hosts[0].hangs, true);
	assert_fails(s, PYR_DEADLINE_EXCEEDED, "", echo(proxy, &s->err));
	assert_ok(s, echo(proxy, &s->err)); /* goes elsewhere */
	tally_add(&hosts[0].release, 1);
	suite_suite__close(proxy);
	stop_all(hosts);
	cr_assert_eq(tally_get(&hosts[0].servant.echo_count), 2);
	cr_assert_eq(
		tally_get(&hosts[1].servant.echo_count) + tally_get(&hosts[2].servant.echo_count),
		1);
}

Test(replicas, N9_only_idempotent_calls_move_over)
{
	run_served("memory", not_idempotent);
}

static void health(served *s)
{
	host hosts[HOSTS];
	start_all(s, hosts);
	suite_suite *proxy = open_with(s, PYR_BALANCE_ROUND_ROBIN);
	count_times(s, proxy, 6);
	assert_ok(s, pyr_daemon_set_serving(hosts[0].daemon, "suite.Suite", false, &s->err));
	uint64_t until = test_now_ms() + 1000;
	while (test_now_ms() < until)
		count_times(s, proxy, 1);
	unsigned before = counted(&hosts[0]);
	count_times(s, proxy, 30);
	cr_assert_eq(counted(&hosts[0]), before);
	assert_ok(s, pyr_daemon_set_serving(hosts[0].daemon, "suite.Suite", true, &s->err));
	wait_until((count_times(s, proxy, 1), counted(&hosts[0]) > before));
	suite_suite__close(proxy);
	stop_all(hosts);
}

Test(replicas, N9_one_that_does_not_serve_is_passed_over)
{
	run_served("memory", health);
}

/* While threads call, and hosts stop and start */

typedef struct caller {
	pthread_t thread;
	suite_suite *proxy;
	pyr_status (*call)(suite_suite *proxy, pyr_error *err);
	atomic_bool *over;
	unsigned calls;
	pyr_error err; /* the first failure */
} caller;

static void *call_on(void *arg)
{
	caller *c = arg;
	while (!atomic_load(c->over) && c->err.status == PYR_OK) {
		pyr_status status = c->call(c->proxy, &c->err);
		if (status == PYR_OK) {
			c->err.status = PYR_OK;
			c->calls++;
		}
	}
	return NULL;
}

#define CALLERS 4

/* Each host in turn, twice, is stopped with that grace and started again. */
static unsigned call_through_restarts(served *s, host *hosts, uint32_t grace_ms,
	pyr_status (*call)(suite_suite *proxy, pyr_error *err))
{
	caller callers[CALLERS];
	atomic_bool over = false;
	unsigned calls = 0;
	suite_suite *proxy = open_with(s, PYR_BALANCE_ROUND_ROBIN);
	for (int i = 0; i < CALLERS; i++) {
		callers[i] = (caller){.proxy = proxy, .call = call, .over = &over};
		pthread_create(&callers[i].thread, NULL, call_on, &callers[i]);
	}
	for (int i = 0; i < 2 * HOSTS; i++) {
		host *h = &hosts[i % HOSTS];
		unsigned before = tally_get(&h->servant.echo_count) + counted(h);
		wait_until(tally_get(&h->servant.echo_count) + counted(h) > before);
		stop(h, grace_ms);
		start(s, h);
	}
	atomic_store(&over, true);
	for (int i = 0; i < CALLERS; i++) {
		pthread_join(callers[i].thread, NULL);
		cr_assert_eq(callers[i].err.status, PYR_OK, "%s: %s",
			pyr_status_name(callers[i].err.status), callers[i].err.message);
		calls += callers[i].calls;
	}
	suite_suite__close(proxy);
	return calls;
}

static void drained(served *s)
{
	host hosts[HOSTS];
	unsigned ran = 0;
	start_all(s, hosts);
	unsigned calls = call_through_restarts(s, hosts, 5000, echo);
	for (int i = 0; i < HOSTS; i++)
		ran += tally_get(&hosts[i].servant.echo_count);
	cr_assert_eq(ran, calls);
	stop_all(hosts);
}

Test(replicas, N9_draining_one_loses_no_call)
{
	run_served("memory", drained);
}

/* A call that is waited for, and held. */
static void *hold(void *arg)
{
	Suite__Number request = SUITE__NUMBER__INIT, *reply;
	pyr_error err;
	if (suite_suite_hold(arg, &request, &reply, &err))
		return NULL;
	suite__number__free_unpacked(reply, NULL);
	return arg;
}

/* A connection is left because its daemon drains, while a thread still reads from it. */
static void leave_draining(served *s)
{
	host hosts[HOSTS];
	tally ended = TALLY_INIT;
	Suite__Nothing request = SUITE__NOTHING__INIT;
	pthread_t thread;
	suite_suite *proxy;
	void *held;
	start_all(s, hosts);
	assert_ok(s, suite_suite__open(s->context, hosts[0].reference, NULL, &proxy, &s->err));
	/* the loop has seen the connection */
	assert_ok(s, suite_suite_count__invoke(proxy, &request, ignore, &ended, NULL, &s->err));
	cr_assert(tally_await(&ended, 1));
	pthread_create(&thread, NULL, hold, proxy);
	cr_assert(tally_await(&hosts[0].servant.held_count, 1));
	pyr_daemon_stop_from_signal(hosts[0].daemon, 10000);
	wait_until(count(proxy, &s->err) == PYR_UNAVAILABLE);
	servant_answer(&hosts[0].servant, 0, 1);
	pthread_join(thread, &held);
	cr_assert(held, "the call was lost");
	suite_suite__close(proxy);
	stop_all(hosts);
}

static void tell_counted(
	void *ctx, pyr_status status, const Pyrite__CountReply *reply, const pyr_error *err)
{
	(void)status;
	(void)reply;
	(void)err;
	tally_add(ctx, 1);
}

static void nothing_stays_open(served *s)
{
	Pyrite__CountRequest request = PYRITE__COUNT_REQUEST__INIT;
	tally counted_names = TALLY_INIT;
	/* the loop runs, and the name server is connected */
	assert_ok(s, pyrite_names_count__invoke(
			     s->names, &request, tell_counted, &counted_names, NULL, &s->err));
	cr_assert(tally_await(&counted_names, 1));
	int before = descriptors();
	leave_draining(s);
	wait_until(descriptors() <= before);
}

Test(replicas, a_connection_that_was_drained_is_closed)
{
	run_served("memory", nothing_stays_open);
}

static void killed(served *s)
{
	host hosts[HOSTS];
	start_all(s, hosts);
	cr_assert_gt(call_through_restarts(s, hosts, 0, count), 0);
	stop_all(hosts);
}

Test(replicas, N9_idempotent_calls_see_nothing_of_one_that_dies)
{
	run_served("memory", killed);
}

/* At another address: the name server is asked again while one is missing. */
static void moved(served *s)
{
	host hosts[HOSTS];
	start_all(s, hosts);
	suite_suite *proxy = open_with(s, PYR_BALANCE_ROUND_ROBIN);
	count_times(s, proxy, 3);
	stop(&hosts[1], 0);
	count_times(s, proxy, 6);
	snprintf(hosts[1].endpoint, sizeof hosts[1].endpoint, "unix:%s/moved", s->directory);
	start(s, &hosts[1]);
	name_it(s, &hosts[1]);
	unsigned before = counted(&hosts[1]);
	wait_until((count_times(s, proxy, 1), counted(&hosts[1]) > before));
	for (int i = 0; i < HOSTS; i++)
		stop(&hosts[i], 0);
	assert_fails(s, PYR_UNAVAILABLE, "", count(proxy, &s->err));
	start(s, &hosts[2]);
	wait_until(count(proxy, &s->err) == PYR_OK);
	suite_suite__close(proxy);
	stop_all(hosts);
}

Test(replicas, N9_one_that_has_moved_is_found_again)
{
	run_served("memory", moved);
}

/* How often it was asked for its health. */
static uint64_t asked(served *s, host *h)
{
	pyrite_daemon *proxy;
	Pyrite__GetStatisticsRequest request = PYRITE__GET_STATISTICS_REQUEST__INIT;
	Pyrite__GetStatisticsReply *reply;
	request.prefix = "grpc.health.v1.Health/Check";
	assert_ok(s, pyrite_daemon__open(s->context, h->reference, NULL, &proxy, &s->err));
	assert_ok(s, pyrite_daemon_get_statistics(proxy, &request, &reply, &s->err));
	uint64_t began = reply->n_methods ? reply->methods[0]->began : 0;
	pyrite__get_statistics_reply__free_unpacked(reply, NULL);
	pyrite_daemon__close(proxy);
	return began;
}

static void idle(served *s)
{
	host hosts[HOSTS];
	start_all(s, hosts);
	suite_suite *proxy = open_with(s, PYR_BALANCE_ROUND_ROBIN);
	count_times(s, proxy, 3);
	wait_until(asked(s, &hosts[0]) > 0);
	uint64_t before = asked(s, &hosts[0]), since = test_now_ms();
	while (test_now_ms() < since + 1500) /* nobody calls: one more at most */
		cr_assert_leq(asked(s, &hosts[0]), before + 1);
	wait_until((count_times(s, proxy, 3), asked(s, &hosts[0]) > before + 2));
	/* longer than it takes for the asking to end, and to begin again */
	since = test_now_ms();
	while (test_now_ms() < since + 3500)
		before = asked(s, &hosts[0]);
	wait_until((count_times(s, proxy, 3), asked(s, &hosts[0]) > before));
	suite_suite__close(proxy);
	stop_all(hosts);
}

Test(replicas, N9_they_are_asked_while_they_are_used)
{
	run_served("memory", idle);
}

/* A context goes with proxies that are watching, and one of them later. */
static void context_first(served *s)
{
	host hosts[HOSTS];
	pyr_context *context;
	pyr_context_options options = PYR_CONTEXT_OPTIONS_INIT;
	suite_suite *early, *late;
	pyr_proxy_options balanced = PYR_PROXY_OPTIONS_INIT;
	start_all(s, hosts);
	options.name_server = s->endpoint;
	balanced.balance = PYR_BALANCE_LEAST_RUNNING;
	assert_ok(s, pyr_context_new(&options, &context, &s->err));
	assert_ok(s, suite_suite__open(context, "suite", &balanced, &early, &s->err));
	assert_ok(s, suite_suite__open(context, "suite", &balanced, &late, &s->err));
	count_times(s, early, 3);
	count_times(s, late, 3);
	atomic_store(&hosts[0].hangs, true); /* so that an answer is on its way */
	Suite__Nothing request = SUITE__NOTHING__INIT;
	tally ended = TALLY_INIT;
	for (int i = 0; i < 6; i++)
		assert_ok(s,
			suite_suite_count__invoke(late, &request, ignore, &ended, NULL, &s->err));
	suite_suite__close(early);
	pyr_context_free(context);
	cr_assert_eq(tally_get(&ended), 6);
	assert_fails(s, PYR_CANCELLED, "", count(late, &s->err));
	suite_suite__close(late);
	tally_add(&hosts[0].release, 1);
	stop_all(hosts);
}

Test(replicas, N9_go_with_their_context)
{
	run_served("memory", context_first);
}

Test(replicas, N9_a_way_to_balance_that_there_is_not_is_refused)
{
	pyr_error err;
	suite_suite *proxy;
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	options.balance = (pyr_balance)99;
	cr_assert_eq(
		suite_suite__open(NULL, "suite", &options, &proxy, &err), PYR_INVALID_ARGUMENT);
	cr_assert(strstr(err.message, "99"), "%s", err.message);
}
