/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is tried again, and how often: idempotent methods, and calls that surely did not run. The
 * servant counts. Count is idempotent, Echo is not.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "transport/relay.h"
#include "transport/suite.h"

/* A daemon behind a relay, whose servant breaks the connections it is called on. */
typedef struct scene {
	suite *s;
	relay *relay;
	char reference[PYR_REFERENCE_MAX];
	atomic_uint breaks_left;
} scene;

static void break_off(void *ctx)
{
	scene *c = ctx;
	unsigned left = atomic_load(&c->breaks_left);
	while (left > 0 && !atomic_compare_exchange_weak(&c->breaks_left, &left, left - 1))
		;
	if (left > 0)
		relay_cut(c->relay);
}

static void begin(scene *c, unsigned breaks)
{
	memset(c, 0, sizeof *c);
	c->s = suite_begin(NULL);
	c->relay = relay_new(c->s->reference, c->reference);
	relay_let_read(c->relay, suite_under_test.resets_late);
	atomic_store(&c->breaks_left, breaks);
	c->s->servant.interrupt_ctx = c;
	c->s->servant.interrupt = break_off;
}

static void end(scene *c)
{
	relay_free(c->relay);
	suite_end(c->s);
}

static suite_suite *open_proxy(const scene *c, uint32_t retries_max)
{
	pyr_error err;
	suite_suite *proxy;
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	options.timeout_ms = 10000;
	options.retries_max = retries_max;
	CHECK_OK(suite_suite__open(c->s->context, c->reference, &options, &proxy, &err));
	return proxy;
}

static pyr_status count_later(suite_suite *proxy, pyr_error *ret_err)
{
	pyr_error err;
	suite_reply r = SUITE_REPLY_INIT;
	Suite__Nothing request = SUITE__NOTHING__INIT;
	CHECK_OK(suite_suite_count__invoke(proxy, &request, suite_on_number, &r, NULL, &err));
	CHECK_AWAIT(&r.done, 1);
	*ret_err = r.err;
	return r.status;
}

typedef pyr_status (*caller)(suite_suite *proxy, pyr_error *err);

/* How often the servant ran for one call, each run of which breaks the connection. */
static void check_tries(caller call, uint32_t retries_max, unsigned runs)
{
	pyr_error err;
	scene c;
	begin(&c, UINT32_MAX);
	suite_suite *proxy = open_proxy(&c, retries_max);
	CHECK_STATUS(PYR_UNAVAILABLE, call(proxy, &err));
	cr_assert_eq(err.executed, PYR_EXECUTED_MAYBE);
	suite_suite__close(proxy);
	pyr_daemon_stop(c.s->daemon, 0); /* so that nothing runs any more */
	unsigned ran = tally_get(&c.s->servant.count_count) + tally_get(&c.s->servant.echo_count);
	cr_assert_eq(ran, runs, "it ran %u times, not %u", ran, runs);
	end(&c);
}

Test(retry, runs_an_idempotent_call_as_often_as_the_proxy_says)
{
	check_tries(suite_count, 0, 3);
	check_tries(suite_count, 1, 2);
	check_tries(suite_count, 4, 5);
	check_tries(suite_count, UINT32_MAX, 1);
}

Test(retry, runs_an_idempotent_asynchronous_call_as_often)
{
	check_tries(count_later, 0, 3);
	check_tries(count_later, 1, 2);
	check_tries(count_later, 4, 5);
	check_tries(count_later, UINT32_MAX, 1);
}

Test(retry, runs_any_other_call_once)
{
	check_tries(suite_echo, 0, 1);
	check_tries(suite_echo, 10, 1);
	check_tries(suite_echo_later, 0, 1);
	check_tries(suite_echo_later, 10, 1);
}

Test(retry, ends_with_the_first_answer)
{
	pyr_error err;
	scene c;
	begin(&c, 1);
	suite_suite *proxy = open_proxy(&c, 10);
	CHECK_OK(suite_count(proxy, &err));
	cr_assert_eq(tally_get(&c.s->servant.count_count), 2);
	CHECK_OK(count_later(proxy, &err));
	cr_assert_eq(tally_get(&c.s->servant.count_count), 3);
	suite_suite__close(proxy);
	end(&c);
}

/* Nobody listens: every try surely fails, with a pause before it that doubles from 10 ms on. */
static void check_pauses(caller call)
{
	pyr_error err;
	scene c;
	begin(&c, 0);
	suite_suite *proxy = open_proxy(&c, 4);
	relay_close(c.relay);
	int64_t before_ms = suite_now_ms();
	CHECK_STATUS(PYR_UNAVAILABLE, call(proxy, &err));
	int64_t took_ms = suite_now_ms() - before_ms;
	cr_assert_eq(err.executed, PYR_EXECUTED_NO);
	cr_assert(took_ms >= 150 && took_ms < 8000, "it took %ld ms", (long)took_ms);
	cr_assert_eq(relay_connections(c.relay), 0);
	relay_open(c.relay);
	CHECK_OK(call(proxy, &err));
	suite_suite__close(proxy);
	end(&c);
}

Test(retry, pauses_longer_and_longer)
{
	check_pauses(suite_echo);
	check_pauses(suite_count);
	check_pauses(suite_echo_later);
}

/* The deadline may also pass in the middle of a try. */
static void check_given_up(pyr_status status, const pyr_error *err)
{
	cr_assert(status == PYR_UNAVAILABLE || status == PYR_DEADLINE_EXCEEDED, "%s: %s",
		pyr_status_name(status), status ? err->message : "");
}

Test(retry, does_not_outlast_the_deadline)
{
	pyr_error err;
	scene c;
	begin(&c, 0);
	suite_suite *proxy;
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	options.timeout_ms = 200;
	options.retries_max = 1000;
	CHECK_OK(suite_suite__open(c.s->context, c.reference, &options, &proxy, &err));
	relay_close(c.relay);
	int64_t before_ms = suite_now_ms();
	check_given_up(suite_echo(proxy, &err), &err);
	check_given_up(suite_echo_later(proxy, &err), &err);
	cr_assert_lt(suite_now_ms() - before_ms, 5000);
	suite_suite__close(proxy);
	end(&c);
}

/* Daemons that follow each other */

#define CALLERS  4
#define RESTARTS 5

/* gRPC's core cancels what reaches a server in the very moment it is shut down. */
static bool loses_calls(const scene *c)
{
	return strncmp(c->reference, "grpc", 4) == 0;
}

typedef struct load {
	suite_suite *proxy;
	bool loses_calls;
	atomic_bool over;
	tally calls, lost;
	atomic_uint surely, perhaps; /* runs of Echo, by what its callers heard */
	pyr_error why;               /* of one that was lost */
} load;

static void *call_on(void *arg)
{
	load *l = arg;
	pyr_error err;
	while (!atomic_load(&l->over)) {
		if (suite_echo(l->proxy, &err) == PYR_OK) {
			atomic_fetch_add(&l->surely, 1);
		} else {
			l->why = err;
			cr_assert(err.status == PYR_UNAVAILABLE ||
					  (l->loses_calls && err.status == PYR_CANCELLED),
				"%s: %s", pyr_status_name(err.status), err.message);
			atomic_fetch_add(&l->perhaps, err.executed == PYR_EXECUTED_MAYBE);
			tally_add(&l->lost, 1);
		}
		if (suite_count(l->proxy, &err) != PYR_OK) {
			l->why = err;
			tally_add(&l->lost, 1);
		}
		tally_add(&l->calls, 1);
	}
	return NULL;
}

/* Another daemon takes the place of the one that serves. */
static void restart(scene *c, uint32_t grace_ms)
{
	static const suite_config defaults;
	char reference[PYR_REFERENCE_MAX];
	pyr_daemon *next = suite_new_daemon(c->s, &defaults);
	suite_refer(next, "suite", reference);
	relay_lead_to(c->relay, reference);
	pyr_daemon_stop(c->s->daemon, grace_ms);
	pyr_daemon_free(c->s->daemon);
	c->s->daemon = next;
}

static void restart_under_load(scene *c, load *l, uint32_t grace_ms)
{
	pthread_t callers[CALLERS];
	l->loses_calls = loses_calls(c);
	for (int i = 0; i < CALLERS; i++)
		cr_assert_eq(pthread_create(&callers[i], NULL, call_on, l), 0);
	for (unsigned i = 1; i <= RESTARTS; i++) {
		CHECK_AWAIT(&l->calls, tally_get(&l->calls) + 50);
		restart(c, grace_ms);
	}
	CHECK_AWAIT(&l->calls, tally_get(&l->calls) + 50);
	atomic_store(&l->over, true);
	for (int i = 0; i < CALLERS; i++)
		pthread_join(callers[i], NULL);
}

/* No call of Echo ran twice, and callers were told the truth. */
static void check_runs(scene *c, load *l)
{
	pyr_daemon_stop(c->s->daemon, 0);
	unsigned ran = tally_get(&c->s->servant.echo_count), surely = atomic_load(&l->surely),
		 perhaps = atomic_load(&l->perhaps);
	cr_assert(ran >= surely && ran <= surely + perhaps, "%u ran, %u surely and %u perhaps", ran,
		surely, perhaps);
}

Test(retry, loses_no_call_when_daemons_follow_each_other_gracefully)
{
	scene c;
	load l = {.calls = TALLY_INIT, .lost = TALLY_INIT};
	begin(&c, 0);
	l.proxy = open_proxy(&c, 8);
	restart_under_load(&c, &l, 10000);
	cr_assert(tally_get(&l.lost) == 0 || l.loses_calls, "%u calls were lost: %s: %s",
		tally_get(&l.lost), pyr_status_name(l.why.status), l.why.message);
	check_runs(&c, &l);
	suite_suite__close(l.proxy);
	end(&c);
}

Test(retry, runs_nothing_twice_when_daemons_die_and_others_follow)
{
	scene c;
	load l = {.calls = TALLY_INIT, .lost = TALLY_INIT};
	begin(&c, 0);
	l.proxy = open_proxy(&c, 8);
	restart_under_load(&c, &l, 0);
	check_runs(&c, &l);
	suite_suite__close(l.proxy);
	end(&c);
}
