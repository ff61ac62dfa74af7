/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several calls in one round trip. Pyro's BatchProxy runs them in order and raises at the first
 * that fails; those behind it do not run.
 */
#include <pyrite/batch.pyr.h>
#include <string.h>
#include "transport/suite.h"

static pyr_batch *new_batch(suite_suite *proxy)
{
	return pyr_batch_new(suite_suite__proxy(proxy));
}

static void add_count(pyr_batch *batch)
{
	pyr_error err;
	Suite__Nothing request = SUITE__NOTHING__INIT;
	CHECK_OK(suite_suite_count__batch(batch, &request, &err));
}

static void add_hold(pyr_batch *batch)
{
	pyr_error err;
	Suite__Number request = SUITE__NUMBER__INIT;
	CHECK_OK(suite_suite_hold__batch(batch, &request, &err));
}

static void add_grow(pyr_batch *batch, uint64_t size)
{
	pyr_error err;
	Suite__Number request = SUITE__NUMBER__INIT;
	request.value = size;
	CHECK_OK(suite_suite_grow__batch(batch, &request, &err));
}

static void add_failure(pyr_batch *batch)
{
	pyr_error err;
	Suite__Failure request = SUITE__FAILURE__INIT;
	request.status = PYR_ABORTED;
	request.message = "as it was told";
	request.where = "in the servant";
	request.details = (ProtobufCBinaryData){7, (uint8_t *)"details"};
	CHECK_OK(suite_suite_fail__batch(batch, &request, &err));
}

static uint64_t count_at(const pyr_batch *batch, size_t index)
{
	pyr_error err;
	Suite__Number *reply;
	CHECK_OK(suite_suite_count__batched(batch, index, &reply, &err));
	uint64_t value = reply->value;
	suite__number__free_unpacked(reply, NULL);
	return value;
}

Test(batch, C4_runs_all_in_their_order)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	pyr_batch *batch = new_batch(s->proxy);
	Suite__Number number = SUITE__NUMBER__INIT;
	CHECK_OK(pyr_batch_run(batch, &err));
	pyr_batch_free(batch);
	batch = new_batch(s->proxy);
	for (int i = 0; i < 100; i++)
		add_count(batch);
	CHECK_OK(suite_suite_note__batch(batch, &number, &err));
	cr_assert_eq(pyr_batch_count(batch), 101);
	cr_assert_eq(pyr_batch_ran(batch), 0);
	cr_assert_eq(tally_get(&s->servant.count_count), 0);
	CHECK_OK(pyr_batch_run(batch, &err));
	cr_assert_eq(pyr_batch_ran(batch), 101);
	cr_assert_eq(tally_get(&s->servant.note_count), 1);
	for (size_t i = 0; i < 100; i++)
		cr_assert_eq(count_at(batch, i), i + 1);
	CHECK_STATUS(PYR_FAILED_PRECONDITION, pyr_batch_run(batch, &err));
	cr_assert_eq(tally_get(&s->servant.count_count), 100);
	pyr_batch_free(batch);
	suite_end(s);
}

Test(batch, C4_stops_at_the_first_that_fails)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	Suite__Nothing *none;
	Suite__Number *number;
	pyr_batch *batch = new_batch(s->proxy);
	add_count(batch);
	add_failure(batch);
	add_count(batch);
	CHECK_STATUS(PYR_ABORTED, pyr_batch_run(batch, &err));
	cr_assert_str_eq(err.message, "as it was told");
	cr_assert_eq(err.executed, PYR_EXECUTED_YES);
	cr_assert(strstr(err.where, "call 2 of 3, suite.Suite/Fail, in the servant"), "%s",
		err.where);
	cr_assert_eq(err.details_size, 7);
	cr_assert_eq(memcmp(err.details, "details", 7), 0);
	cr_assert_eq(pyr_batch_ran(batch), 1);
	cr_assert_eq(count_at(batch, 0), 1);
	CHECK_STATUS(PYR_FAILED_PRECONDITION, suite_suite_fail__batched(batch, 1, &none, &err));
	CHECK_STATUS(PYR_FAILED_PRECONDITION, suite_suite_count__batched(batch, 2, &number, &err));
	CHECK_STATUS(PYR_OUT_OF_RANGE, suite_suite_count__batched(batch, 3, &number, &err));
	cr_assert_eq(tally_get(&s->servant.count_count), 1);
	pyr_batch_free(batch);
	suite_end(s);
}

Test(batch, C4_refuses_what_cannot_be_in_it)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	Suite__Nothing nothing = SUITE__NOTHING__INIT;
	Suite__Blob *blob;
	pyr_batch *batch = new_batch(s->proxy);
	CHECK_STATUS(PYR_FAILED_PRECONDITION, suite_other_ask__batch(batch, &nothing, &err));
	cr_assert(strstr(err.message, "suite.Suite"), "%s", err.message);
	add_count(batch);
	CHECK_OK(suite_suite_absent__batch(batch, &nothing, &err));
	add_count(batch);
	CHECK_STATUS(PYR_UNIMPLEMENTED, pyr_batch_run(batch, &err));
	cr_assert_eq(err.executed, PYR_EXECUTED_NO);
	cr_assert_eq(pyr_batch_ran(batch), 1);
	CHECK_STATUS(PYR_FAILED_PRECONDITION, suite_suite_echo__batched(batch, 0, &blob, &err));
	pyr_batch_free(batch);
	suite_end(s);
}

/* What no stub would send. */
static void check_raw(suite *s, const char *method, const char *bytes, pyr_status wanted)
{
	pyr_error err;
	pyrite_batch *proxy;
	Pyrite__BatchedCall call = PYRITE__BATCHED_CALL__INIT, *calls[] = {&call, &call};
	Pyrite__RunBatchRequest request = PYRITE__RUN_BATCH_REQUEST__INIT;
	Pyrite__RunBatchReply *reply;
	call.method = (char *)method;
	call.request = (ProtobufCBinaryData){strlen(bytes), (uint8_t *)bytes};
	request.calls = calls;
	request.n_calls = 2;
	CHECK_OK(pyrite_batch__open(s->context, s->reference, NULL, &proxy, &err));
	CHECK_OK(pyrite_batch_run(proxy, &request, &reply, &err));
	cr_assert_eq(reply->n_results, 1);
	cr_assert_eq(reply->results[0]->status, (uint32_t)wanted, "%s: %u %s", method,
		reply->results[0]->status, reply->results[0]->message);
	cr_assert_eq(reply->results[0]->executed, PYR_EXECUTED_NO);
	cr_assert(*reply->results[0]->message);
	pyrite__run_batch_reply__free_unpacked(reply, NULL);
	pyrite_batch__close(proxy);
}

Test(batch, C4_a_wrong_method_in_it_is_an_error_of_its_own)
{
	suite *s = suite_begin(NULL);
	check_raw(s, "suite.Suite/Nowhere", "", PYR_UNIMPLEMENTED);
	check_raw(s, "nobody.Nothing/Nowhere", "", PYR_UNIMPLEMENTED);
	check_raw(s, "", "", PYR_UNIMPLEMENTED);
	check_raw(s, "suite.Suite/Down", "", PYR_INVALID_ARGUMENT);
	check_raw(s, "suite.Suite/Up", "", PYR_INVALID_ARGUMENT);
	check_raw(s, "pyrite.Batch/Run", "", PYR_INVALID_ARGUMENT);
	check_raw(s, "suite.Suite/Echo", "\x0a\xff", PYR_INVALID_ARGUMENT);
	suite_end(s);
}

/* What has become of a batch that was not waited for. */
typedef struct outcome {
	tally done;
	pyr_status status;
	pyr_error err;
} outcome;

static void on_run(void *ctx, pyr_batch *batch, pyr_status status, const pyr_error *err)
{
	outcome *o = ctx;
	(void)batch;
	o->status = status;
	if (status)
		o->err = *err;
	tally_add(&o->done, 1);
}

static void answered_later(suite *s)
{
	pyr_error err;
	outcome o = {.done = TALLY_INIT};
	pyr_batch *batch = new_batch(s->proxy);
	for (int i = 0; i < 3; i++)
		add_hold(batch);
	add_count(batch);
	CHECK_OK(pyr_batch_invoke(batch, on_run, &o, NULL, &err));
	for (unsigned i = 0; i < 3; i++) {
		CHECK_AWAIT(&s->servant.held_count, i + 1);
		CHECK_OK(suite_echo(s->proxy, &err)); /* nobody else waits for it */
		cr_assert_eq(tally_get(&s->servant.held_count), i + 1);
		CHECK_OK(servant_answer(&s->servant, i, i + 10));
	}
	CHECK_AWAIT(&o.done, 1);
	cr_assert_eq(o.status, PYR_OK, "%s", o.err.message);
	for (size_t i = 0; i < 3; i++) {
		Suite__Number *reply;
		CHECK_OK(suite_suite_hold__batched(batch, i, &reply, &err));
		cr_assert_eq(reply->value, i + 10);
		suite__number__free_unpacked(reply, NULL);
	}
	cr_assert_eq(count_at(batch, 3), 1);
	pyr_batch_free(batch);
	suite_end(s);
}

Test(batch, C4_waits_for_each_answer_on_the_loop)
{
	answered_later(suite_begin(NULL));
}

Test(batch, C4_waits_for_each_answer_in_the_pool)
{
	answered_later(suite_begin_pool(2));
}

Test(batch, C4_a_cancel_reaches_the_call_that_runs)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	outcome o = {.done = TALLY_INIT};
	pyr_pending *pending;
	pyr_batch *batch = new_batch(s->proxy);
	add_hold(batch);
	add_count(batch);
	CHECK_OK(pyr_batch_invoke(batch, on_run, &o, &pending, &err));
	CHECK_AWAIT(&s->servant.held_count, 1);
	pyr_pending_cancel(pending);
	CHECK_AWAIT(&o.done, 1);
	cr_assert_eq(o.status, PYR_CANCELLED);
	CHECK_AWAIT(&s->servant.cancelled_count, 1);
	servant_drop(&s->servant, 0);
	CHECK_OK(suite_echo(s->proxy, &err));
	cr_assert_eq(tally_get(&s->servant.count_count), 0);
	pyr_pending_unref(pending);
	pyr_batch_free(batch);
	suite_end(s);
}

Test(batch, C4_ends_at_the_deadline)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	suite_suite *hasty = suite_open_timeout(s, 1000);
	CHECK_OK(suite_echo(hasty, &err)); /* it is connected */
	pyr_batch *batch = new_batch(hasty);
	add_hold(batch);
	add_count(batch);
	CHECK_STATUS(PYR_DEADLINE_EXCEEDED, pyr_batch_run(batch, &err));
	cr_assert_eq(pyr_batch_ran(batch), 0);
	CHECK_AWAIT(&s->servant.held_count, 1);
	servant_drop_all(&s->servant);
	CHECK_OK(suite_echo(s->proxy, &err));
	cr_assert_eq(tally_get(&s->servant.count_count), 0);
	pyr_batch_free(batch);
	suite_suite__close(hasty);
	suite_end(s);
}

Test(batch, C4_a_servant_that_forgets_to_answer_ends_it)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	outcome o = {.done = TALLY_INIT};
	pyr_batch *batch = new_batch(s->proxy);
	add_count(batch);
	add_hold(batch);
	add_count(batch);
	CHECK_OK(pyr_batch_invoke(batch, on_run, &o, NULL, &err));
	CHECK_AWAIT(&s->servant.held_count, 1);
	servant_drop(&s->servant, 0);
	CHECK_AWAIT(&o.done, 1);
	cr_assert_eq(o.status, PYR_INTERNAL);
	cr_assert_eq(pyr_batch_ran(batch), 1);
	cr_assert_eq(tally_get(&s->servant.count_count), 1);
	pyr_batch_free(batch);
	suite_end(s);
}

Test(batch, C4_answers_that_are_too_long_together_end_it)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	pyr_batch *batch = new_batch(s->proxy);
	for (int i = 0; i < 3; i++)
		add_grow(batch, 1500000);
	CHECK_STATUS(PYR_RESOURCE_EXHAUSTED, pyr_batch_run(batch, &err));
	cr_assert(strstr(err.where, "call 3 of 3"), "%s", err.where);
	cr_assert_eq(pyr_batch_ran(batch), 2);
	pyr_batch_free(batch);
	CHECK_OK(suite_echo(s->proxy, &err));
	suite_end(s);
}

Test(batch, C4_its_calls_have_one_correlation_and_deadline)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	Suite__Nothing request = SUITE__NOTHING__INIT;
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	options.correlation = "together";
	options.timeout_ms = 5000;
	suite_suite *proxy = suite_open(s, &options);
	pyr_batch *batch = new_batch(proxy);
	for (int i = 0; i < 2; i++)
		CHECK_OK(suite_suite_time_left__batch(batch, &request, &err));
	CHECK_OK(pyr_batch_run(batch, &err));
	for (size_t i = 0; i < 2; i++) {
		Suite__Number *left_us;
		CHECK_OK(suite_suite_time_left__batched(batch, i, &left_us, &err));
		cr_assert_leq(left_us->value, 5000000);
		cr_assert_gt(left_us->value, 1000000);
		cr_assert_str_eq(s->servant.correlations[i], "together");
		suite__number__free_unpacked(left_us, NULL);
	}
	pyr_batch_free(batch);
	suite_suite__close(proxy);
	suite_end(s);
}
