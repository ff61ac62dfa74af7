/* SPDX-License-Identifier: Apache-2.0 */
/* Calls in time and in numbers: asynchronous, many at once, deadlines, cancels. */
#include <stdlib.h>
#include <string.h>
#include "transport/suite.h"

static pyr_pending *hold(suite_suite *proxy, suite_reply *r)
{
	pyr_error err;
	pyr_pending *pending;
	Suite__Number request = SUITE__NUMBER__INIT;
	CHECK_OK(suite_suite_hold__invoke(proxy, &request, suite_on_number, r, &pending, &err));
	return pending;
}

Test(calls, hands_the_answer_to_a_callback_on_another_thread_once)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	suite_reply r = SUITE_REPLY_INIT;
	pyr_pending *pending;
	Suite__Blob request = suite_blob(100);
	CHECK_OK(suite_suite_echo__invoke(s->proxy, &request, suite_on_blob, &r, &pending, &err));
	free(request.data.data); /* was packed */
	CHECK_AWAIT(&r.done, 1);
	cr_assert_eq(r.status, PYR_OK);
	cr_assert_eq(r.value, 100);
	cr_assert(!pthread_equal(r.thread, pthread_self()));
	pyr_pending_cancel(pending); /* too late, and harmless */
	pyr_pending_unref(pending);
	CHECK_OK(suite_echo(s->proxy, &err));
	cr_assert_eq(tally_get(&r.done), 1);
	suite_end(s);
}

Test(calls, answers_a_thousand_calls_at_once_on_one_proxy)
{
	enum { CALLS = 1000 };
	suite *s = suite_begin(NULL);
	pyr_error err;
	suite_reply r = SUITE_REPLY_INIT;
	for (unsigned i = 0; i < CALLS; i++)
		pyr_pending_unref(hold(s->proxy, &r));
	CHECK_AWAIT(&s->servant.held_count, CALLS);
	cr_assert_eq(tally_get(&r.done), 0);
	for (unsigned i = 0; i < CALLS; i++)
		cr_assert_eq(servant_answer(&s->servant, CALLS - 1 - i, i), PYR_OK);
	CHECK_AWAIT(&r.done, CALLS);
	cr_assert_eq(r.status, PYR_OK);
	CHECK_OK(suite_echo(s->proxy, &err));
	cr_assert_eq(tally_get(&r.done), CALLS);
	suite_end(s);
}

typedef struct crowd {
	suite *s;
	unsigned index;
} crowd;

static void *call_often(void *arg)
{
	crowd *c = arg;
	pyr_error err;
	for (size_t i = 0; i < 100; i++) {
		Suite__Blob request = suite_blob(c->index * 500 + i), *reply;
		CHECK_OK(suite_suite_echo(c->s->proxy, &request, &reply, &err));
		cr_assert_eq(reply->data.len, request.data.len);
		cr_assert(request.data.len == 0 ||
			  memcmp(reply->data.data, request.data.data, request.data.len) == 0);
		suite__blob__free_unpacked(reply, NULL);
		free(request.data.data);
	}
	return NULL;
}

static void call_from_many_threads(suite *s)
{
	enum { THREADS = 16 };
	pthread_t threads[THREADS];
	crowd crowds[THREADS];
	for (unsigned i = 0; i < THREADS; i++) {
		crowds[i] = (crowd){s, i};
		pthread_create(&threads[i], NULL, call_often, &crowds[i]);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

Test(calls, lets_sixteen_threads_use_one_proxy)
{
	suite *s = suite_begin(NULL);
	call_from_many_threads(s);
	suite_end(s);
}

Test(calls, lets_sixteen_threads_use_one_proxy_of_a_pool)
{
	suite *s = suite_begin_pool(3);
	call_from_many_threads(s);
	suite_end(s);
}

Test(calls, mixes_waiting_and_asynchronous_calls)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	suite_reply held = SUITE_REPLY_INIT, r = SUITE_REPLY_INIT;
	pyr_pending_unref(hold(s->proxy, &held));
	for (unsigned i = 1; i <= 200; i++) {
		Suite__Blob request = SUITE__BLOB__INIT;
		CHECK_OK(suite_suite_echo__invoke(
			s->proxy, &request, suite_on_blob, &r, NULL, &err));
		CHECK_OK(suite_echo(s->proxy, &err));
		CHECK_AWAIT(&r.done, i);
	}
	cr_assert_eq(servant_answer(&s->servant, 0, 1), PYR_OK);
	CHECK_AWAIT(&held.done, 1);
	suite_end(s);
}

typedef struct refusals {
	tally done, answered;
} refusals;

static void on_perhaps_refused(
	void *ctx, pyr_status status, const Suite__Blob *reply, const pyr_error *err)
{
	refusals *r = ctx;
	(void)reply;
	if (status == PYR_OK) {
		tally_add(&r->answered, 1);
	} else {
		cr_assert_eq(status, PYR_RESOURCE_EXHAUSTED);
		cr_assert_eq(err->executed, PYR_EXECUTED_NO);
		cr_assert(strstr(err->message, "workers"), "%s", err->message);
	}
	tally_add(&r->done, 1);
}

Test(calls, refuses_calls_that_a_full_pool_has_no_room_for)
{
	enum { CALLS = 200 };
	suite_config config = {.daemon = {.workers = 1, .worker_queue_max = 4}};
	suite *s = suite_begin(&config);
	pyr_error err;
	refusals r = {TALLY_INIT, TALLY_INIT};
	/* the only worker waits for the lock that Echo takes */
	pthread_mutex_lock(&s->servant.lock);
	for (unsigned i = 0; i < CALLS; i++) {
		Suite__Blob request = SUITE__BLOB__INIT;
		CHECK_OK(suite_suite_echo__invoke(
			s->proxy, &request, on_perhaps_refused, &r, NULL, &err));
	}
	/* all but the one that runs and the four that wait */
	CHECK_AWAIT(&r.done, CALLS - 5);
	pthread_mutex_unlock(&s->servant.lock);
	CHECK_AWAIT(&r.done, CALLS);
	cr_assert(tally_get(&r.answered) == 4 || tally_get(&r.answered) == 5, "%u were answered",
		tally_get(&r.answered));
	CHECK_OK(suite_echo(s->proxy, &err));
	suite_end(s);
}

/* Deadlines */

static uint64_t ask_time_left(suite_suite *proxy)
{
	pyr_error err;
	Suite__Nothing request = SUITE__NOTHING__INIT;
	Suite__Number *reply;
	CHECK_OK(suite_suite_time_left(proxy, &request, &reply, &err));
	uint64_t left_us = reply->value;
	suite__number__free_unpacked(reply, NULL);
	return left_us;
}

static void check_left(uint64_t left_us, uint64_t timeout_ms)
{
	uint64_t limit_ms =
		timeout_ms + timeout_ms * suite_under_test.differs.timeout_percent / 100;
	cr_assert(left_us <= limit_ms * 1000 && left_us > limit_ms * 1000 - 5000000,
		"%lu us are left of %lu ms", (unsigned long)left_us, (unsigned long)limit_ms);
}

Test(calls, shows_the_servant_the_time_that_is_left)
{
	suite *s = suite_begin(NULL);
	check_left(ask_time_left(s->proxy), 30000);
	suite_suite *hasty = suite_open_timeout(s, 7000);
	check_left(ask_time_left(hasty), 7000);
	suite_suite *patient = suite_open_timeout(s, PYR_TIMEOUT_NONE);
	cr_assert_eq(ask_time_left(patient), INT64_MAX);
	suite_suite__close(hasty);
	suite_suite__close(patient);
	suite_end(s);
}

static uint64_t relay(suite_suite *proxy, char *reference, uint32_t timeout_ms)
{
	pyr_error err;
	Suite__Errand request = SUITE__ERRAND__INIT;
	Suite__Number *reply;
	request.reference = reference;
	request.timeout_ms = timeout_ms;
	CHECK_OK(suite_suite_relay(proxy, &request, &reply, &err));
	uint64_t left_us = reply->value;
	suite__number__free_unpacked(reply, NULL);
	return left_us;
}

Test(calls, gives_a_nested_call_the_smaller_of_two_time_outs)
{
	suite *s = suite_begin_pool(2);
	suite_suite *hasty = suite_open_timeout(s, 8000);
	check_left(relay(hasty, s->reference, 0), 8000);
	check_left(relay(hasty, s->reference, 100000), 8000);
	check_left(relay(hasty, s->reference, PYR_TIMEOUT_NONE), 8000);
	check_left(relay(hasty, s->reference, 6000), 6000);
	check_left(relay(s->proxy, s->reference, 90000), 30000);
	suite_suite__close(hasty);
	suite_end(s);
}

/* Not earlier, but for the transport's clock and the rounding of ours, and not much later. */
static void check_took(int64_t took_ms, int64_t timeout_ms)
{
	int64_t early_ms = timeout_ms * suite_under_test.differs.early_percent / 100 + 1;
	cr_assert(took_ms >= timeout_ms - early_ms && took_ms < 3000, "it took %ld ms",
		(long)took_ms);
}

Test(calls, ends_a_waiting_call_at_its_deadline)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	suite_suite *hasty = suite_open_timeout(s, 100);
	Suite__Number request = SUITE__NUMBER__INIT, *reply;
	CHECK_OK(suite_echo(s->proxy, &err)); /* connects: the daemon shall see the call */
	int64_t before_ms = suite_now_ms();
	CHECK_STATUS(PYR_DEADLINE_EXCEEDED, suite_suite_hold(hasty, &request, &reply, &err));
	int64_t took_ms = suite_now_ms() - before_ms;
	check_took(took_ms, 100);
	CHECK_AWAIT(&s->servant.cancelled_count, 1);
	cr_assert_neq(servant_answer(&s->servant, 0, 1), PYR_FAILED_PRECONDITION);
	CHECK_OK(suite_echo(hasty, &err));
	suite_suite__close(hasty);
	suite_end(s);
}

Test(calls, ends_an_asynchronous_call_at_its_deadline)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	suite_suite *hasty = suite_open_timeout(s, 100);
	suite_reply r = SUITE_REPLY_INIT;
	CHECK_OK(suite_echo(s->proxy, &err)); /* connects: the daemon shall see the call */
	int64_t before_ms = suite_now_ms();
	pyr_pending_unref(hold(hasty, &r));
	CHECK_AWAIT(&r.done, 1);
	int64_t took_ms = suite_now_ms() - before_ms;
	cr_assert_eq(r.status, PYR_DEADLINE_EXCEEDED);
	check_took(took_ms, 100);
	CHECK_AWAIT(&s->servant.cancelled_count, 1);
	CHECK_OK(suite_echo(hasty, &err));
	suite_suite__close(hasty);
	suite_end(s);
}

Test(calls, ends_a_call_at_its_deadline_though_the_daemon_does_nothing)
{
	if (suite_under_test.any_thread)
		cr_skip_test("it needs nobody but the caller");
	suite_config config = {.undispatched = true};
	suite *s = suite_begin(&config);
	pyr_error err;
	suite_suite *hasty = suite_open_timeout(s, 100);
	int64_t before_ms = suite_now_ms();
	CHECK_STATUS(PYR_DEADLINE_EXCEEDED, suite_echo(hasty, &err));
	int64_t took_ms = suite_now_ms() - before_ms;
	check_took(took_ms, 100);
	suite_suite__close(hasty);
	suite_end(s);
}

/* Cancels */

Test(calls, lets_the_servant_see_a_cancel)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	suite_reply r = SUITE_REPLY_INIT;
	pyr_pending *pending = hold(s->proxy, &r);
	CHECK_AWAIT(&s->servant.held_count, 1);
	cr_assert(!pyr_call_cancelled(s->servant.held[0]));
	pyr_pending_cancel(pending);
	pyr_pending_cancel(pending);
	CHECK_AWAIT(&r.done, 1);
	cr_assert_eq(r.status, PYR_CANCELLED);
	CHECK_AWAIT(&s->servant.cancelled_count, 1);
	cr_assert(pyr_call_cancelled(s->servant.held[0]));
	cr_assert_neq(servant_answer(&s->servant, 0, 1), PYR_FAILED_PRECONDITION);
	pyr_pending_unref(pending);
	CHECK_OK(suite_echo(s->proxy, &err));
	cr_assert_eq(tally_get(&r.done), 1);
	cr_assert_eq(tally_get(&s->servant.cancelled_count), 1);
	suite_end(s);
}

Test(calls, runs_no_callback_of_an_abandoned_call)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	suite_reply r = SUITE_REPLY_INIT;
	pyr_pending *pending = hold(s->proxy, &r);
	CHECK_AWAIT(&s->servant.held_count, 1);
	pyr_pending_abandon(pending);
	pyr_pending_abandon(pending);
	CHECK_AWAIT(&s->servant.cancelled_count, 1);
	pyr_pending_cancel(pending);
	pyr_pending_unref(pending);
	CHECK_OK(suite_echo(s->proxy, &err));
	cr_assert_eq(tally_get(&r.done), 0);
	suite_end(s);
}

Test(calls, goes_on_with_a_call_whose_handle_was_given_back)
{
	suite *s = suite_begin(NULL);
	suite_reply r = SUITE_REPLY_INIT;
	pyr_pending_unref(hold(s->proxy, &r));
	CHECK_AWAIT(&s->servant.held_count, 1);
	cr_assert_eq(servant_answer(&s->servant, 0, 99), PYR_OK);
	CHECK_AWAIT(&r.done, 1);
	cr_assert_eq(r.status, PYR_OK);
	cr_assert_eq(r.value, 99);
	suite_end(s);
}

static void on_reply_abandon(
	void *ctx, pyr_status status, const Suite__Number *reply, const pyr_error *err)
{
	struct {
		pyr_pending *pending;
		tally ready, done;
	} *r = ctx;
	(void)reply;
	(void)err;
	cr_assert_eq(status, PYR_CANCELLED);
	tally_await(&r->ready, 1);
	pyr_pending_abandon(r->pending);
	pyr_pending_cancel(r->pending);
	pyr_pending_unref(r->pending);
	tally_add(&r->done, 1);
}

Test(calls, gives_a_handle_back_inside_its_callback)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	struct {
		pyr_pending *pending;
		tally ready, done;
	} r = {NULL, TALLY_INIT, TALLY_INIT};
	CHECK_OK(suite_echo(s->proxy, &err)); /* connects: the daemon may see the call */
	Suite__Number request = SUITE__NUMBER__INIT;
	CHECK_OK(suite_suite_hold__invoke(
		s->proxy, &request, on_reply_abandon, &r, &r.pending, &err));
	pyr_pending_cancel(r.pending);
	tally_add(&r.ready, 1);
	CHECK_AWAIT(&r.done, 1);
	suite_end(s);
}

typedef struct chain {
	suite *s;
	tally done;
	unsigned left;
	bool inside; /* a function that registers a callback is running */
} chain;

static void on_link(void *ctx, pyr_status status, const Suite__Blob *reply, const pyr_error *err)
{
	chain *c = ctx;
	(void)reply;
	cr_assert_eq(status, PYR_OK, "%s", err ? err->message : "");
	cr_assert(!c->inside, "the callback ran inside of invoke");
	if (c->left-- > 0) {
		pyr_error why;
		Suite__Blob request = SUITE__BLOB__INIT;
		c->inside = true;
		cr_assert_eq(
			suite_suite_echo__invoke(c->s->proxy, &request, on_link, c, NULL, &why),
			PYR_OK);
		c->inside = false;
	} else {
		tally_add(&c->done, 1);
	}
}

Test(calls, runs_callbacks_that_invoke_and_none_inside_of_invoke)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	chain c = {.s = s, .done = TALLY_INIT, .left = 1000};
	Suite__Blob request = SUITE__BLOB__INIT;
	CHECK_OK(suite_suite_echo__invoke(s->proxy, &request, on_link, &c, NULL, &err));
	CHECK_AWAIT(&c.done, 1);
	suite_end(s);
}

static void on_reply_block(
	void *ctx, pyr_status status, const Suite__Blob *reply, const pyr_error *err)
{
	struct {
		suite *s;
		suite_reply r;
	} *b = ctx;
	(void)status;
	(void)reply;
	(void)err;
	pyr_error why;
	Suite__Number request = SUITE__NUMBER__INIT, *number;
	int64_t before_ms = suite_now_ms();
	pyr_status inner = suite_suite_hold(b->s->proxy, &request, &number, &why);
	b->r.value = (uint64_t)(suite_now_ms() - before_ms);
	suite_on_number(&b->r, inner, NULL, &why);
}

Test(calls, refuses_to_block_a_loop)
{
	if (suite_under_test.any_thread)
		cr_skip_test("the object runs on that thread");
	suite *s = suite_begin(NULL);
	pyr_error err;
	struct {
		suite *s;
		suite_reply r;
	} b = {s, SUITE_REPLY_INIT};
	Suite__Blob request = SUITE__BLOB__INIT;
	CHECK_OK(suite_suite_echo__invoke(s->proxy, &request, on_reply_block, &b, NULL, &err));
	CHECK_AWAIT(&b.r.done, 1);
	cr_assert_eq(b.r.status, PYR_FAILED_PRECONDITION);
	cr_assert_eq(b.r.err.executed, PYR_EXECUTED_NO);
	cr_assert_lt(b.r.value, 3000);
	cr_assert_eq(tally_get(&s->servant.held_count), 0);
	suite_end(s);
}

Test(calls, refuses_a_servant_that_would_block_its_loop)
{
	if (suite_under_test.any_thread)
		cr_skip_test("it is not on the loop");
	suite *s = suite_begin(NULL);
	pyr_error err;
	static const suite_config defaults;
	pyr_daemon *other = suite_new_daemon(s, &defaults);
	char reference[PYR_REFERENCE_MAX];
	CHECK_OK(suite_suite__serve(other, "faraway", &servant_ops, &s->servant, &err));
	suite_refer(other, "faraway", reference);
	Suite__Errand request = SUITE__ERRAND__INIT;
	Suite__Number *reply;
	request.reference = reference;
	CHECK_STATUS(PYR_FAILED_PRECONDITION, suite_suite_relay(s->proxy, &request, &reply, &err));
	cr_assert(strstr(err.message, "loop"), "%s", err.message);
	pyr_daemon_free(other);
	suite_end(s);
}
