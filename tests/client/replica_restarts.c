/* SPDX-License-Identifier: Apache-2.0 */
/* Several daemons under one name, of which some drain, die and move while they are called. */
#include "client/replica_hosts.h"

#include <pthread.h>
#include <stdio.h>
#include "descriptors.h"

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
	suite_suite *proxy = open_balanced(s, PYR_BALANCE_ROUND_ROBIN);
	for (int i = 0; i < CALLERS; i++) {
		callers[i] = (caller){.proxy = proxy, .call = call, .over = &over};
		pthread_create(&callers[i].thread, NULL, call_on, &callers[i]);
	}
	for (int i = 0; i < 2 * HOSTS; i++) {
		host *h = &hosts[i % HOSTS];
		unsigned before = tally_get(&h->servant.echo_count) + counted(h);
		wait_until(tally_get(&h->servant.echo_count) + counted(h) > before);
		host_stop(h, grace_ms);
		host_start(s, h);
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
	hosts_start(s, hosts);
	unsigned calls = call_through_restarts(s, hosts, 5000, suite_echo);
	for (int i = 0; i < HOSTS; i++)
		ran += tally_get(&hosts[i].servant.echo_count);
	cr_assert_eq(ran, calls);
	hosts_stop(hosts);
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
	hosts_start(s, hosts);
	assert_ok(s, suite_suite__open(s->context, hosts[0].reference, NULL, &proxy, &s->err));
	/* the loop has seen the connection */
	assert_ok(s, suite_suite_count__invoke(proxy, &request, add_ended, &ended, NULL, &s->err));
	cr_assert(tally_await(&ended, 1));
	pthread_create(&thread, NULL, hold, proxy);
	cr_assert(tally_await(&hosts[0].servant.held_count, 1));
	pyr_daemon_stop_from_signal(hosts[0].daemon, 10000);
	wait_until(suite_count(proxy, &s->err) == PYR_UNAVAILABLE);
	servant_answer(&hosts[0].servant, 0, 1);
	pthread_join(thread, &held);
	cr_assert(held, "the call was lost");
	suite_suite__close(proxy);
	hosts_stop(hosts);
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
	hosts_start(s, hosts);
	cr_assert_gt(call_through_restarts(s, hosts, 0, suite_count), 0);
	hosts_stop(hosts);
}

Test(replicas, N9_idempotent_calls_see_nothing_of_one_that_dies)
{
	run_served("memory", killed);
}

/* At another address: the name server is asked again while one is missing. */
static void moved(served *s)
{
	host hosts[HOSTS];
	hosts_start(s, hosts);
	suite_suite *proxy = open_balanced(s, PYR_BALANCE_ROUND_ROBIN);
	count_times(s, proxy, 3);
	host_stop(&hosts[1], 0);
	count_times(s, proxy, 6);
	snprintf(hosts[1].endpoint, sizeof hosts[1].endpoint, "unix:%s/moved", s->directory);
	host_start(s, &hosts[1]);
	host_name(s, &hosts[1]);
	unsigned before = counted(&hosts[1]);
	wait_until((count_times(s, proxy, 1), counted(&hosts[1]) > before));
	for (int i = 0; i < HOSTS; i++)
		host_stop(&hosts[i], 0);
	assert_fails(s, PYR_UNAVAILABLE, "", suite_count(proxy, &s->err));
	host_start(s, &hosts[2]);
	wait_until(suite_count(proxy, &s->err) == PYR_OK);
	suite_suite__close(proxy);
	hosts_stop(hosts);
}

Test(replicas, N9_one_that_has_moved_is_found_again)
{
	run_served("memory", moved);
}
