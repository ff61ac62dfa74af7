/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon goes away without grace, at every stage of a call and a stream. Its callers hear of it
 * at once, its servants see a cancel, and nothing is left.
 */
#include <stdlib.h>
#include <string.h>
#include "transport/suite.h"

#define AT_ONCE_MS 5000

static void check_lost(pyr_status status, const pyr_error *err, int64_t before_ms)
{
	int64_t took_ms = suite_now_ms() - before_ms;
	cr_assert_eq(status, PYR_UNAVAILABLE, "%s: %s", pyr_status_name(status), err->message);
	cr_assert(err->message[0]);
	cr_assert_lt(took_ms, AT_ONCE_MS, "it took %ld ms", (long)took_ms);
}

static void free_daemon(suite *s)
{
	pyr_daemon_free(s->daemon);
	s->daemon = NULL;
}

/* A daemon of the same process is looked for by its objects, and an absent one is not found. */
static pyr_status absent_status(void)
{
	return suite_under_test.same_context ? PYR_NOT_FOUND : PYR_UNAVAILABLE;
}

Test(departure, before_the_first_call)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	free_daemon(s);
	CHECK_STATUS(absent_status(), suite_echo(s->proxy, &err));
	cr_assert_eq(err.executed, PYR_EXECUTED_NO);
	suite_end(s);
}

Test(departure, between_two_calls)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	CHECK_OK(suite_echo(s->proxy, &err));
	free_daemon(s);
	pyr_status status = suite_echo(s->proxy, &err);
	cr_assert(status == PYR_UNAVAILABLE || status == absent_status(), "%s",
		pyr_status_name(status));
	CHECK_STATUS(absent_status(), suite_echo(s->proxy, &err));
	suite_end(s);
}

/* While calls run */

static void *free_later(void *arg)
{
	suite *s = arg;
	CHECK_AWAIT(&s->servant.held_count, 1);
	free_daemon(s);
	return NULL;
}

static void lose_waiting_call(suite *s)
{
	pyr_error err;
	pthread_t thread;
	Suite__Number request = SUITE__NUMBER__INIT, *reply;
	pthread_create(&thread, NULL, free_later, s);
	int64_t before_ms = suite_now_ms();
	pyr_status status = suite_suite_hold(s->proxy, &request, &reply, &err);
	check_lost(status, &err, before_ms);
	cr_assert_neq(err.executed, PYR_EXECUTED_NO);
	pthread_join(thread, NULL);
	CHECK_AWAIT(&s->servant.cancelled_count, 1);
	cr_assert(pyr_call_cancelled(s->servant.held[0]));
	cr_assert_neq(servant_answer(&s->servant, 0, 1), PYR_FAILED_PRECONDITION);
	suite_end(s);
}

Test(departure, while_somebody_waits)
{
	lose_waiting_call(suite_begin(NULL));
}

Test(departure, of_a_pool_while_somebody_waits)
{
	lose_waiting_call(suite_begin_pool(2));
}

Test(departure, while_callbacks_are_due)
{
	enum { CALLS = 50 };
	suite *s = suite_begin(NULL);
	pyr_error err;
	suite_reply r = SUITE_REPLY_INIT;
	Suite__Number request = SUITE__NUMBER__INIT;
	for (unsigned i = 0; i < CALLS; i++)
		CHECK_OK(suite_suite_hold__invoke(
			s->proxy, &request, suite_on_number, &r, NULL, &err));
	CHECK_AWAIT(&s->servant.held_count, CALLS);
	int64_t before_ms = suite_now_ms();
	free_daemon(s);
	CHECK_AWAIT(&r.done, CALLS);
	check_lost(r.status, &r.err, before_ms);
	cr_assert_neq(r.err.executed, PYR_EXECUTED_NO);
	CHECK_AWAIT(&s->servant.cancelled_count, CALLS);
	suite_end(s);
}

/* While streams run */

static void *free_when_received(void *arg)
{
	suite *s = arg;
	CHECK_AWAIT(&s->servant.received_count, 1);
	free_daemon(s);
	return NULL;
}

static void lose_conversation(suite *s)
{
	pyr_error err;
	pyr_stream *stream;
	pthread_t thread;
	Suite__Blob blob = suite_blob(1000);
	const Suite__Blob *message;
	CHECK_OK(suite_suite_both(s->proxy, &stream, &err));
	pthread_create(&thread, NULL, free_when_received, s);
	int64_t before_ms = suite_now_ms();
	CHECK_OK(suite_suite_both__send(stream, &blob, &err));
	pyr_status status;
	do
		status = suite_suite_both__next(stream, &message, &err);
	while (status == PYR_OK && message);
	check_lost(status, &err, before_ms);
	cr_assert_neq(suite_suite_both__send(stream, &blob, &err), PYR_OK);
	pthread_join(thread, NULL);
	CHECK_AWAIT(&s->servant.interrupted_count, 1);
	pyr_stream_close(stream);
	free(blob.data.data);
	suite_end(s);
}

Test(departure, in_a_conversation_that_is_observed)
{
	lose_conversation(suite_begin(NULL));
}

Test(departure, in_a_conversation_that_is_pulled)
{
	lose_conversation(suite_begin_pool(1));
}

typedef struct watched {
	tally messages, ends;
	pyr_status status;
	pyr_error err;
} watched;

static void on_message(
	void *ctx, pyr_status status, const Suite__Blob *message, const pyr_error *err)
{
	watched *w = ctx;
	if (status == PYR_OK && message) {
		tally_add(&w->messages, 1);
		return;
	}
	w->status = status;
	if (err)
		w->err = *err;
	tally_add(&w->ends, 1);
}

Test(departure, in_a_server_stream)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	pyr_stream *stream;
	watched w = {.messages = TALLY_INIT, .ends = TALLY_INIT};
	Suite__Flood request = SUITE__FLOOD__INIT;
	request.count = UINT32_MAX;
	request.size = 1000;
	CHECK_OK(suite_suite_down(s->proxy, &request, &stream, &err));
	CHECK_OK(suite_suite_down__observe(stream, on_message, &w, &err));
	CHECK_AWAIT(&w.messages, 100);
	int64_t before_ms = suite_now_ms();
	free_daemon(s);
	CHECK_AWAIT(&w.ends, 1);
	check_lost(w.status, &w.err, before_ms);
	CHECK_AWAIT(&s->servant.interrupted_count, 1);
	pyr_stream_close(stream);
	suite_end(s);
}

/*
 * Another daemon in its place. Over a socket that takes a fixed address, which the relay has: see
 * retry.c and ready.c.
 */

Test(departure, is_made_good_by_another_daemon_of_the_process)
{
	suite *s = suite_begin(NULL);
	static const suite_config defaults;
	pyr_error err;
	if (suite_under_test.same_context) {
		CHECK_OK(suite_echo(s->proxy, &err));
		free_daemon(s);
		CHECK_STATUS(PYR_NOT_FOUND, suite_echo(s->proxy, &err));
		s->daemon = suite_new_daemon(s, &defaults);
		CHECK_OK(suite_echo(s->proxy, &err));
	}
	suite_end(s);
}

Test(departure, is_sat_out_by_who_waits_for_another_daemon_of_the_process)
{
	suite *s = suite_begin(NULL);
	static const suite_config defaults;
	pyr_error err;
	if (suite_under_test.same_context) {
		suite_reply r = SUITE_REPLY_INIT;
		Suite__Blob request = SUITE__BLOB__INIT;
		pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
		options.wait_for_ready = true;
		suite_suite *patient = suite_open(s, &options);
		free_daemon(s);
		CHECK_STATUS(PYR_NOT_FOUND, suite_echo(s->proxy, &err));
		CHECK_OK(
			suite_suite_echo__invoke(patient, &request, suite_on_blob, &r, NULL, &err));
		CHECK_STATUS(PYR_NOT_FOUND, suite_echo(s->proxy, &err));
		cr_assert_eq(tally_get(&r.done), 0);
		s->daemon = suite_new_daemon(s, &defaults);
		CHECK_AWAIT(&r.done, 1);
		cr_assert_eq(r.status, PYR_OK, "%s", r.err.message);
		suite_suite__close(patient);
	}
	suite_end(s);
}
