/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several daemons under one name. Pyro's name server has one place for a name; what is compared
 * here is Ice's replica groups: load spreads, and who is dead is passed over and comes back.
 */
#include "client/replica_hosts.h"

#include <pyrite/daemon.pyr.h>
#include <string.h>

static void round_robin(served *s)
{
	host hosts[HOSTS];
	hosts_start(s, hosts);
	suite_suite *proxy = open_balanced(s, PYR_BALANCE_ROUND_ROBIN);
	count_times(s, proxy, 30);
	for (int i = 0; i < HOSTS; i++)
		cr_assert_eq(counted(&hosts[i]), 10);
	suite_suite__close(proxy);
	hosts_stop(hosts);
}

Test(replicas, N9_round_robin_gives_each_its_share)
{
	run_served("memory", round_robin);
}

static void stays(served *s)
{
	host hosts[HOSTS];
	hosts_start(s, hosts);
	suite_suite *proxy = open_balanced(s, PYR_BALANCE_PICK_FIRST);
	count_times(s, proxy, 5);
	cr_assert_eq(counted(&hosts[0]), 5);
	host_stop(&hosts[0], 0);
	count_times(s, proxy, 5);
	cr_assert_eq(counted(&hosts[1]), 5);
	host_start(s, &hosts[0]);
	count_times(s, proxy, 5);
	cr_assert_eq(counted(&hosts[1]), 10);
	cr_assert_eq(counted(&hosts[2]), 0);
	suite_suite__close(proxy);
	hosts_stop(hosts);
}

Test(replicas, N9_pick_first_stays_with_one_until_it_fails)
{
	run_served("memory", stays);
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
	hosts_start(s, hosts);
	suite_suite *proxy = open_balanced(s, PYR_BALANCE_LEAST_RUNNING);
	assert_ok(s, suite_suite_hold__invoke(proxy, &request, add_ended, &ended, NULL, &s->err));
	host *busy = await_held(hosts, 1);
	count_times(s, proxy, 20);
	cr_assert_eq(counted(busy), 0);
	cr_assert_eq(counted(&hosts[0]) + counted(&hosts[1]) + counted(&hosts[2]), 20);
	servant_answer(&busy->servant, 0, 1);
	cr_assert(tally_await(&ended, 1));
	count_times(s, proxy, 20);
	cr_assert_gt(counted(busy), 0);
	suite_suite__close(proxy);
	hosts_stop(hosts);
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
		assert_ok(s, suite_count(proxy, &s->err));
		uint64_t took = test_now_ms() - before;
		slowest = took > slowest ? took : slowest;
	}
	return slowest;
}

static void one_hangs(served *s)
{
	host hosts[HOSTS];
	hosts_start(s, hosts);
	suite_suite *proxy = open_balanced(s, PYR_BALANCE_ROUND_ROBIN);
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
	hosts_stop(hosts);
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
	hosts_start(s, hosts);
	suite_suite *proxy = open_balanced(s, PYR_BALANCE_ROUND_ROBIN);
	count_times(s, proxy, 3);
	atomic_store(&hosts[2].hangs, true);
	for (int i = 0; i < 60; i++)
		assert_ok(s, suite_suite_count__invoke(
				     proxy, &request, add_ended, &ended, NULL, &s->err));
	cr_assert(tally_await(&ended, 60));
	cr_assert_geq(counted(&hosts[0]) + counted(&hosts[1]), 60 + 2);
	tally_add(&hosts[2].release, 1);
	suite_suite__close(proxy);
	hosts_stop(hosts);
}

Test(replicas, N9_asynchronous_calls_move_over_from_one_that_hangs)
{
	run_served("memory", one_hangs_async);
}

/* Its calls wait for a server that is ready. */
static suite_suite *open_patient(served *s, pyr_balance balance)
{
	suite_suite *proxy;
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	options.balance = balance;
	options.wait_for_ready = true;
	options.timeout_ms = 10000;
	assert_ok(s, suite_suite__open(s->context, "suite", &options, &proxy, &s->err));
	return proxy;
}

/* A oneway call is made once, so it has to find one that answers. */
static void ready(served *s)
{
	host hosts[HOSTS];
	tally ended = TALLY_INIT;
	Suite__Blob blob = SUITE__BLOB__INIT;
	Suite__Number number = SUITE__NUMBER__INIT;
	hosts_start(s, hosts);
	suite_suite *proxy = open_patient(s, PYR_BALANCE_PICK_FIRST);
	assert_ok(s, suite_echo(proxy, &s->err));
	atomic_store(&hosts[0].hangs, true);
	assert_ok(s, suite_suite_echo__invoke(proxy, &blob, ignore_blob, &ended, NULL, &s->err));
	cr_assert(tally_await(&hosts[0].servant.echo_count, 2));
	uint64_t before = test_now_ms();
	assert_ok(s, suite_suite_note(proxy, &number, &s->err));
	cr_assert_lt(test_now_ms() - before, 5000);
	tally_add(&hosts[0].release, 1);
	cr_assert(tally_await(&ended, 1));
	suite_suite__close(proxy);
	hosts_stop(hosts);
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
	unsigned asked = 0;
	hosts_start(s, hosts);
	suite_suite *proxy = open_patient(s, PYR_BALANCE_ROUND_ROBIN);
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
	host_stop(&hosts[1], 1000);
	cr_assert_eq(tally_get(&hosts[1].servant.note_count), 0);
	hosts_stop(hosts);
}

Test(replicas, N9_who_waits_for_a_server_calls_the_one_that_has_answered)
{
	run_served("memory", ready_in_turn);
}

/* A call that must not run twice is not taken away from who may be running it. */
static void not_idempotent(served *s)
{
	host hosts[HOSTS];
	hosts_start(s, hosts);
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	suite_suite *proxy;
	options.balance = PYR_BALANCE_PICK_FIRST;
	options.timeout_ms = 1500;
	assert_ok(s, suite_suite__open(s->context, "suite", &options, &proxy, &s->err));
	assert_ok(s, suite_echo(proxy, &s->err));
	atomic_store(&hosts[0].hangs, true);
	assert_fails(s, PYR_DEADLINE_EXCEEDED, "", suite_echo(proxy, &s->err));
	assert_ok(s, suite_echo(proxy, &s->err)); /* goes elsewhere */
	tally_add(&hosts[0].release, 1);
	suite_suite__close(proxy);
	hosts_stop(hosts);
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
	hosts_start(s, hosts);
	suite_suite *proxy = open_balanced(s, PYR_BALANCE_ROUND_ROBIN);
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
	hosts_stop(hosts);
}

Test(replicas, N9_one_that_does_not_serve_is_passed_over)
{
	run_served("memory", health);
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
	hosts_start(s, hosts);
	suite_suite *proxy = open_balanced(s, PYR_BALANCE_ROUND_ROBIN);
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
	hosts_stop(hosts);
}

Test(replicas, N9_they_are_asked_while_they_are_used)
{
	run_served("memory", idle);
}

static void count_in_a_batch(served *s, suite_suite *proxy)
{
	Suite__Nothing request = SUITE__NOTHING__INIT;
	pyr_batch *batch = pyr_batch_new(suite_suite__proxy(proxy));
	assert_ok(s, suite_suite_count__batch(batch, &request, &s->err));
	assert_ok(s, pyr_batch_run(batch, &s->err));
	pyr_batch_free(batch);
}

/* They go where the proxy's calls go, and are no reason to ask more often. */
static void batches(served *s)
{
	host hosts[HOSTS];
	hosts_start(s, hosts);
	suite_suite *proxy = open_balanced(s, PYR_BALANCE_ROUND_ROBIN);
	uint64_t since = test_now_ms();
	for (unsigned i = 0; i < 30 * HOSTS; i++)
		count_in_a_batch(s, proxy);
	uint64_t most = 2 + (test_now_ms() - since) / 400;
	for (unsigned i = 0; i < HOSTS; i++) {
		cr_assert_eq(counted(&hosts[i]), 30);
		cr_assert_leq(asked(s, &hosts[i]), most);
	}
	suite_suite__close(proxy);
	hosts_stop(hosts);
}

Test(replicas, N9_batches_take_turns_and_ask_no_more_than_calls)
{
	run_served("memory", batches);
}

/* A context goes with proxies that are watching, and one of them later. */
static void context_first(served *s)
{
	host hosts[HOSTS];
	pyr_context *context;
	pyr_context_options options = PYR_CONTEXT_OPTIONS_INIT;
	suite_suite *early, *late;
	pyr_proxy_options balanced = PYR_PROXY_OPTIONS_INIT;
	hosts_start(s, hosts);
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
		assert_ok(s, suite_suite_count__invoke(
				     late, &request, add_ended, &ended, NULL, &s->err));
	suite_suite__close(early);
	pyr_context_free(context);
	cr_assert_eq(tally_get(&ended), 6);
	assert_fails(s, PYR_CANCELLED, "", suite_count(late, &s->err));
	suite_suite__close(late);
	tally_add(&hosts[0].release, 1);
	hosts_stop(hosts);
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
