/* SPDX-License-Identifier: Apache-2.0 */
/* What a servant may do with a call, in which order, and what its caller gets. */
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include "transport/suite.h"

/*
 * Each test runs its own function as the servant's Hold, in one call, and looks at what it has left
 * here, which is the loop's until the answer is there.
 */
static void (*act)(pyr_call *call, const Suite__Number *request);
static pyr_error err, second;
static pyr_status status;
static tally acted = TALLY_INIT;

static void hold(void *self, pyr_call *call, const Suite__Number *request)
{
	(void)self;
	act(call, request);
	tally_add(&acted, 1);
}

static const suite_suite_ops ops = {.hold = hold};

static suite *begin(void (*does)(pyr_call *call, const Suite__Number *request))
{
	suite *s = suite_begin(NULL);
	act = does;
	CHECK_OK(suite_suite__serve(s->daemon, "acting", &ops, NULL, &err));
	suite_suite__close(s->proxy);
	suite_refer(s->daemon, "acting", s->reference);
	s->proxy = suite_open(s, NULL);
	return s;
}

static pyr_status ask(suite *s, uint64_t *ret_value, pyr_error *ret_err)
{
	Suite__Number request = SUITE__NUMBER__INIT, *reply;
	request.value = 5;
	pyr_status result = suite_suite_hold(s->proxy, &request, &reply, ret_err);
	if (result)
		return result;
	*ret_value = reply->value;
	suite__number__free_unpacked(reply, NULL);
	return PYR_OK;
}

static void answer(pyr_call *call, uint64_t value)
{
	Suite__Number reply = SUITE__NUMBER__INIT;
	reply.value = value;
	status = suite_suite_hold__reply(call, &reply);
}

/* Answers */

static void mistake_the_method(pyr_call *call, const Suite__Number *request)
{
	(void)request;
	Suite__Number reply = SUITE__NUMBER__INIT;
	cr_assert_eq(suite_suite_count__reply(call, &reply), PYR_FAILED_PRECONDITION);
	Suite__Blob blob = SUITE__BLOB__INIT;
	cr_assert_eq(suite_suite_down__send_reply(call, &blob, &second), PYR_FAILED_PRECONDITION);
	answer(call, 9);
}

Test(call, is_not_ended_by_another_methods_reply)
{
	suite *s = begin(mistake_the_method);
	uint64_t value = 0;
	CHECK_OK(ask(s, &value, &err));
	cr_assert_eq(value, 9);
	cr_assert_eq(status, PYR_OK);
	cr_assert_str_eq(second.message, "this call is for suite.Suite/Hold, not for Down");
	suite_end(s);
}

static void do_nothing(pyr_call *call, const Suite__Number *request)
{
	(void)call;
	(void)request;
}

Test(call, that_is_given_back_without_an_answer_has_failed)
{
	suite *s = begin(do_nothing);
	uint64_t value;
	CHECK_STATUS(PYR_INTERNAL, ask(s, &value, &err));
	cr_assert_str_eq(err.message, "the servant gave the call back without an answer");
	cr_assert_eq(err.executed, PYR_EXECUTED_YES);
	pyr_call_unref(NULL);
	suite_end(s);
}

static void fail_with_ok(pyr_call *call, const Suite__Number *request)
{
	(void)request;
	status = pyr_call_fail(call, PYR_OK, "not %s", "really");
}

Test(call, cannot_fail_with_ok)
{
	suite *s = begin(fail_with_ok);
	uint64_t value;
	CHECK_STATUS(PYR_UNKNOWN, ask(s, &value, &err));
	cr_assert_str_eq(err.message, "not really");
	cr_assert_eq(err.executed, PYR_EXECUTED_YES);
	suite_end(s);
}

static void fail_at_length(pyr_call *call, const Suite__Number *request)
{
	(void)request;
	char text[PYR_ERROR_MESSAGE_MAX * 2] = "x";
	for (size_t at = 1; at + 3 < sizeof text; at += 3)
		memcpy(text + at, "\xe2\x82\xac", 4);
	status = pyr_call_fail(call, PYR_ABORTED, "%s", text);
}

Test(call, fails_with_a_message_that_is_cut_at_a_character)
{
	suite *s = begin(fail_at_length);
	uint64_t value;
	CHECK_STATUS(PYR_ABORTED, ask(s, &value, &err));
	size_t size = strlen(err.message);
	cr_assert_eq(size, 1 + 170 * 3);
	cr_assert_str_eq(err.message + size - 3, "\xe2\x82\xac");
	suite_end(s);
}

static void answer_in_every_way(pyr_call *call, const Suite__Number *request)
{
	(void)request;
	answer(call, 1);
	cr_assert_eq(status, PYR_OK);
	answer(call, 2);
	cr_assert_eq(status, PYR_FAILED_PRECONDITION);
	cr_assert_eq(pyr_call_end(call), PYR_FAILED_PRECONDITION);
	cr_assert_eq(pyr_call_fail(call, PYR_ABORTED, "no"), PYR_FAILED_PRECONDITION);
	cr_assert_eq(pyr_call_fail_error(call, &err, NULL, 0), PYR_FAILED_PRECONDITION);
	cr_assert_eq(pyr_call_add_metadata(call, "key", "value", &second), PYR_FAILED_PRECONDITION);
}

Test(call, is_answered_once)
{
	suite *s = begin(answer_in_every_way);
	uint64_t value = 0;
	err.status = PYR_ABORTED;
	pyr_error own;
	pyr_status result = ask(s, &value, &own);
	cr_assert_eq(result, PYR_OK);
	cr_assert_eq(value, 1);
	CHECK_AWAIT(&acted, 1);
	cr_assert_str_eq(second.message, "the call has been answered already");
	suite_end(s);
}

static void add_metadata(pyr_call *call, const Suite__Number *request)
{
	(void)request;
	cr_assert_eq(pyr_call_add_metadata(call, "Bad Key", "v", &second), PYR_INVALID_ARGUMENT);
	cr_assert_eq(pyr_call_add_metadata(call, "grpc-x", "v", &second), PYR_INVALID_ARGUMENT);
	cr_assert_eq(pyr_call_add_metadata(call, "good", "one", &second), PYR_OK);
	cr_assert_eq(pyr_call_add_metadata(call, "good", "two", &second), PYR_OK);
	cr_assert_eq(pyr_call_add_metadata_bytes(call, "raw-bin", "\0\1", 2, &second), PYR_OK);
	pyr_call_fail(call, PYR_ABORTED, "with metadata");
}

Test(call, sends_metadata_with_a_failure_too)
{
	suite *s = begin(add_metadata);
	uint64_t value;
	pyr_metadata *got = pyr_metadata_new();
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	options.reply_metadata = got;
	suite_suite__close(s->proxy);
	s->proxy = suite_open(s, &options);
	CHECK_STATUS(PYR_ABORTED, ask(s, &value, &err));
	cr_assert_eq(pyr_metadata_count(got), 3);
	cr_assert_str_eq(pyr_metadata_get(got, "good"), "one");
	const char *key, *bytes;
	size_t size;
	cr_assert(pyr_metadata_at(got, 2, &key, &bytes, &size));
	cr_assert_str_eq(key, "raw-bin");
	cr_assert(size == 2 && memcmp(bytes, "\0\1", 2) == 0);
	suite_end(s);
	pyr_metadata_free(got);
}

/* What a call knows */

static char object[64], method[64];
static int64_t left_us;
static uint64_t connection;

static void look(pyr_call *call, const Suite__Number *request)
{
	strcpy(object, pyr_call_object(call));
	strcpy(method, pyr_call_method(call));
	left_us = pyr_call_time_left_us(call);
	connection = pyr_call_connection(call);
	cr_assert_not(pyr_call_cancelled(call));
	cr_assert_not_null(pyr_call_metadata(call));
	cr_assert_eq(pyr_metadata_count(pyr_call_metadata(call)), 0);
	answer(call, request->value);
}

Test(call, knows_what_it_is_for_and_how_much_time_it_has)
{
	suite *s = begin(look);
	uint64_t value;
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	options.timeout_ms = PYR_TIMEOUT_NONE;
	CHECK_OK(ask(s, &value, &err));
	cr_assert_str_eq(object, "acting");
	cr_assert_str_eq(method, "suite.Suite/Hold");
	cr_assert_leq(left_us, 30000000);
	cr_assert_gt(left_us, 20000000);
	suite_suite__close(s->proxy);
	s->proxy = suite_open(s, &options);
	CHECK_OK(ask(s, &value, &err));
	cr_assert_eq(left_us, INT64_MAX);
	suite_end(s);
}

Test(call, has_the_number_of_its_connection)
{
	suite *s = begin(look);
	uint64_t value, first;
	CHECK_OK(ask(s, &value, &err));
	first = connection;
	cr_assert_neq(first, 0);
	CHECK_OK(ask(s, &value, &err));
	cr_assert_eq(connection, first);
	pyr_context *context = s->context, *other;
	CHECK_OK(pyr_context_new(NULL, &other, &err));
	s->context = other;
	suite_suite__close(s->proxy);
	s->proxy = suite_open(s, NULL);
	CHECK_OK(ask(s, &value, &err));
	cr_assert_neq(connection, first);
	suite_suite__close(s->proxy);
	pyr_context_free(other);
	s->context = context;
	s->proxy = suite_open(s, NULL);
	suite_end(s);
}

/* Later */

static pyr_call *kept;
static const Suite__Number *kept_request;
static tally cancelled = TALLY_INIT;

static void on_cancel(void *ctx)
{
	cr_assert_eq(ctx, &cancelled);
	tally_add(&cancelled, 1);
}

static void keep(pyr_call *call, const Suite__Number *request)
{
	kept = pyr_call_ref(call);
	kept_request = request;
}

static void *ask_on_a_thread(void *arg)
{
	uint64_t value = 0;
	pyr_error own;
	pyr_status result = ask(arg, &value, &own);
	return (void *)(uintptr_t)(result ? 1000 + result : value);
}

Test(call, keeps_its_request_as_long_as_it_lives)
{
	suite *s = begin(keep);
	pthread_t asker;
	void *value;
	pthread_create(&asker, NULL, ask_on_a_thread, s);
	CHECK_AWAIT(&acted, 1);
	answer(kept, kept_request->value + 1);
	pthread_join(asker, &value);
	cr_assert_eq((uintptr_t)value, 6);
	cr_assert_eq(kept_request->value, 5); /* answered, and still there */
	pyr_call_unref(kept);
	suite_end(s);
}

Test(call, tells_of_a_cancel_that_has_been_before_it_was_asked)
{
	suite *s = begin(keep);
	pyr_pending *pending;
	suite_reply r = SUITE_REPLY_INIT;
	Suite__Number request = SUITE__NUMBER__INIT;
	CHECK_OK(suite_suite_hold__invoke(s->proxy, &request, suite_on_number, &r, &pending, &err));
	CHECK_AWAIT(&acted, 1);
	pyr_pending_cancel(pending);
	pyr_pending_unref(pending);
	int64_t until_ms = suite_now_ms() + 10000;
	while (!pyr_call_cancelled(kept) && suite_now_ms() < until_ms)
		sched_yield();
	pyr_call_on_cancel(kept, on_cancel, &cancelled);
	cr_assert_eq(tally_get(&cancelled), 1, "not before it returned");
	answer(kept, 1); /* nobody reads it, and nothing breaks */
	pyr_call_unref(kept);
	CHECK_AWAIT(&r.done, 1);
	suite_end(s);
}

Test(call, has_no_time_left_once_its_deadline_has_passed)
{
	suite *s = begin(keep);
	suite_reply r = SUITE_REPLY_INIT;
	Suite__Number request = SUITE__NUMBER__INIT;
	suite_suite__close(s->proxy);
	s->proxy = suite_open_timeout(s, 500);
	CHECK_OK(suite_suite_hold__invoke(s->proxy, &request, suite_on_number, &r, NULL, &err));
	CHECK_AWAIT(&r.done, 1);
	cr_assert_eq(r.status, PYR_DEADLINE_EXCEEDED);
	CHECK_AWAIT(&acted, 1);
	/* its clock began later, by what the way took */
	int64_t until_ms = suite_now_ms() + 10000;
	while (pyr_call_time_left_us(kept) > 0 && suite_now_ms() < until_ms)
		sched_yield();
	cr_assert_eq(pyr_call_time_left_us(kept), 0);
	cr_assert(pyr_call_cancelled(kept));
	pyr_call_unref(kept);
	suite_end(s);
}

static void watch_and_answer(pyr_call *call, const Suite__Number *request)
{
	kept = pyr_call_ref(call);
	pyr_call_on_cancel(call, on_cancel, &cancelled);
	answer(call, request->value);
}

Test(call, tells_of_no_cancel_after_the_answer)
{
	suite *s = begin(watch_and_answer);
	uint64_t value;
	CHECK_OK(ask(s, &value, &err));
	CHECK_AWAIT(&acted, 1);
	pyr_daemon_stop(s->daemon, 0); /* ends the connection under it */
	cr_assert_eq(tally_get(&cancelled), 0);
	pyr_call_unref(kept);
	suite_end(s);
	cr_assert_eq(tally_get(&cancelled), 0);
}

/* A call with no answer, on the object of the suite */

static void note(void *self, pyr_call *call, const Suite__Number *request)
{
	(void)self;
	(void)request;
	status = pyr_call_fail(call, PYR_ABORTED, "who would hear of it?");
	second.status = pyr_call_fail(call, PYR_ABORTED, "twice");
	tally_add(&acted, 1);
}

static const suite_suite_ops noting = {.note = note};

Test(call, without_an_answer_takes_one_and_sends_nothing)
{
	suite *s = suite_begin(NULL);
	Suite__Number request = SUITE__NUMBER__INIT;
	CHECK_OK(suite_suite__serve(s->daemon, "noting", &noting, NULL, &err));
	suite_suite__close(s->proxy);
	suite_refer(s->daemon, "noting", s->reference);
	s->proxy = suite_open(s, NULL);
	CHECK_OK(suite_suite_note(s->proxy, &request, &err));
	CHECK_AWAIT(&acted, 1);
	cr_assert_eq(status, PYR_OK);
	cr_assert_eq(second.status, PYR_FAILED_PRECONDITION);
	/* the connection is as good as before */
	Suite__Nothing nothing = SUITE__NOTHING__INIT;
	Suite__Number *count;
	CHECK_STATUS(PYR_UNIMPLEMENTED, suite_suite_count(s->proxy, &nothing, &count, &err));
	cr_assert_str_eq(err.message, "the object 'noting' does not implement suite.Suite/Count");
	suite_end(s);
}

/* Streams that a servant reads */

static void up(void *self, pyr_call *call)
{
	(void)self;
	const Suite__Blob *request = (const Suite__Blob *)&err;
	/* before anything has come: it would have to wait */
	status = suite_suite_up__next_request(call, &request, &second);
	cr_assert_eq(request, (const Suite__Blob *)&err, "ret_request was touched");
	pyr_error other;
	cr_assert_eq(
		suite_suite_both__next_request(call, &request, &other), PYR_FAILED_PRECONDITION);
	cr_assert_str_eq(other.message, "this call is for suite.Suite/Up, not for Both");
	pyr_call_fail(call, PYR_ABORTED, "enough");
	tally_add(&acted, 1);
}

static const suite_suite_ops reading = {.up = up};

Test(call, refuses_to_wait_for_requests_on_the_loop)
{
	suite *s = suite_begin(NULL);
	CHECK_OK(suite_suite__serve(s->daemon, "reading", &reading, NULL, &err));
	suite_suite__close(s->proxy);
	suite_refer(s->daemon, "reading", s->reference);
	s->proxy = suite_open(s, NULL);
	pyr_stream *stream;
	const Suite__Number *reply;
	CHECK_OK(suite_suite_up(s->proxy, &stream, &err));
	CHECK_AWAIT(&acted, 1);
	cr_assert_eq(status, PYR_FAILED_PRECONDITION);
	cr_assert(strstr(second.message, "would block the loop's thread: use __observe_requests"),
		"%s", second.message);
	CHECK_STATUS(PYR_ABORTED, suite_suite_up__next(stream, &reply, &err));
	pyr_stream_close(stream);
	suite_end(s);
}

/* Workers */

/* The only worker waits for the lock that Echo takes, and the daemon's loop goes on meanwhile. */
Test(call, that_is_cancelled_while_it_waits_for_a_worker_is_not_run)
{
	suite_config config = {.daemon.workers = 1};
	suite *s = suite_begin(&config);
	suite_reply held = SUITE_REPLY_INIT, echoed = SUITE_REPLY_INIT, counted = SUITE_REPLY_INIT;
	pyr_pending *holding, *counting;
	Suite__Number number = SUITE__NUMBER__INIT;
	Suite__Nothing nothing = SUITE__NOTHING__INIT;
	Suite__Blob blob = SUITE__BLOB__INIT;
	CHECK_OK(suite_suite_hold__invoke(
		s->proxy, &number, suite_on_number, &held, &holding, &err));
	CHECK_AWAIT(&s->servant.held_count, 1);
	pthread_mutex_lock(&s->servant.lock);
	CHECK_OK(suite_suite_echo__invoke(s->proxy, &blob, suite_on_blob, &echoed, NULL, &err));
	CHECK_OK(suite_suite_count__invoke(
		s->proxy, &nothing, suite_on_number, &counted, &counting, &err));
	pyr_pending_cancel(counting);
	pyr_pending_cancel(holding);
	/* which came behind the other one */
	CHECK_AWAIT(&s->servant.cancelled_count, 1);
	pthread_mutex_unlock(&s->servant.lock);
	CHECK_AWAIT(&echoed.done, 1);
	CHECK_AWAIT(&counted.done, 1);
	cr_assert_eq(counted.status, PYR_CANCELLED);
	CHECK_OK(suite_echo(s->proxy, &err)); /* by the worker, after the other */
	cr_assert_eq(tally_get(&s->servant.count_count), 0);
	pyr_pending_unref(counting);
	pyr_pending_unref(holding);
	suite_end(s);
}
