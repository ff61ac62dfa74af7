/* SPDX-License-Identifier: Apache-2.0 */
/* The order in which a stream may be used, and what it says when it is used in another. */
#include <stdlib.h>
#include <string.h>
#include "transport/suite.h"

static pyr_error err;

static pyr_stream *open_down(suite *s, uint32_t count, pyr_status status)
{
	pyr_stream *stream;
	Suite__Flood flood = SUITE__FLOOD__INIT;
	flood.count = count;
	flood.size = 10;
	flood.status = status;
	CHECK_OK(suite_suite_down(s->proxy, &flood, &stream, &err));
	return stream;
}

Test(client_stream, says_the_end_as_often_as_it_is_asked)
{
	suite *s = suite_begin(NULL);
	const Suite__Blob *message;
	pyr_stream *stream = open_down(s, 1, PYR_OK);
	CHECK_OK(suite_suite_down__next(stream, &message, &err));
	cr_assert_eq(message->data.len, 10);
	cr_assert_null(pyr_stream_metadata(stream));
	for (int i = 0; i < 3; i++) {
		CHECK_OK(suite_suite_down__next(stream, &message, &err));
		cr_assert_null(message);
	}
	pyr_stream_close(stream);
	suite_end(s);
}

Test(client_stream, says_the_same_failure_as_often_as_it_is_asked)
{
	suite *s = suite_begin(NULL);
	const Suite__Blob *message;
	pyr_stream *stream = open_down(s, 0, PYR_DATA_LOSS);
	for (int i = 0; i < 3; i++) {
		memset(&err, 0, sizeof err);
		CHECK_STATUS(PYR_DATA_LOSS, suite_suite_down__next(stream, &message, &err));
		cr_assert_str_eq(err.message, "as you wish");
		cr_assert(strstr(err.where, "suite.Suite/Down"), "%s", err.where);
		cr_assert_eq(suite_suite_down__next(stream, &message, NULL), PYR_DATA_LOSS);
	}
	pyr_stream_close(stream);
	suite_end(s);
}

Test(client_stream, is_read_and_written_by_its_own_methods_functions)
{
	suite *s = suite_begin(NULL);
	const Suite__Blob *message = (const Suite__Blob *)&err;
	Suite__Blob blob = SUITE__BLOB__INIT;
	pyr_stream *stream = open_down(s, 1, PYR_OK);
	CHECK_STATUS(PYR_FAILED_PRECONDITION, suite_suite_both__next(stream, &message, &err));
	cr_assert_str_eq(err.message, "this stream belongs to the method Down, not to Both");
	cr_assert_eq(message, (const Suite__Blob *)&err, "ret_message was touched");
	CHECK_STATUS(PYR_FAILED_PRECONDITION, suite_suite_both__send(stream, &blob, &err));
	CHECK_STATUS(PYR_FAILED_PRECONDITION, suite_suite_both__observe(stream, NULL, NULL, &err));
	CHECK_OK(suite_suite_down__next(stream, &message, &err));
	pyr_stream_close(stream);
	pyr_stream_close(NULL);
	suite_end(s);
}

Test(client_stream, is_not_written_after_its_end)
{
	suite *s = suite_begin(NULL);
	pyr_stream *stream;
	const Suite__Number *sum;
	Suite__Blob blob = suite_blob(100);
	CHECK_OK(suite_suite_up(s->proxy, &stream, &err));
	CHECK_OK(suite_suite_up__send(stream, &blob, &err));
	CHECK_OK(pyr_stream_end(stream, &err));
	CHECK_STATUS(PYR_FAILED_PRECONDITION, pyr_stream_end(stream, &err));
	cr_assert_str_eq(err.message, "the stream has been ended: no message may follow");
	CHECK_STATUS(PYR_FAILED_PRECONDITION, suite_suite_up__send(stream, &blob, &err));
	cr_assert_eq(suite_suite_up__send(stream, &blob, NULL), PYR_FAILED_PRECONDITION);
	CHECK_OK(suite_suite_up__next(stream, &sum, &err));
	cr_assert_eq(sum->value, 100);
	pyr_stream_close(stream);
	/* one that only the server writes is ended from the beginning */
	stream = open_down(s, 0, PYR_OK);
	CHECK_STATUS(PYR_FAILED_PRECONDITION, pyr_stream_end(stream, &err));
	pyr_stream_close(stream);
	free(blob.data.data);
	suite_end(s);
}

Test(client_stream, takes_no_message_that_is_none)
{
	suite *s = suite_begin(NULL);
	pyr_stream *stream;
	Suite__Blob blob = SUITE__BLOB__INIT;
	const Suite__Number *sum;
	blob.data.len = 5u << 20; /* above the limit; nobody reads what is not there */
	blob.data.data = calloc(1, blob.data.len);
	CHECK_OK(suite_suite_up(s->proxy, &stream, &err));
	CHECK_OK(pyr_proxy_connect(suite_suite__proxy(s->proxy), &err)); /* the limit is known */
	CHECK_STATUS(PYR_RESOURCE_EXHAUSTED, suite_suite_up__send(stream, &blob, &err));
	cr_assert_not(err.would_block);
	free(blob.data.data);
	blob = suite_blob(3); /* the stream lives */
	CHECK_OK(suite_suite_up__send(stream, &blob, &err));
	CHECK_OK(pyr_stream_end(stream, &err));
	CHECK_OK(suite_suite_up__next(stream, &sum, &err));
	cr_assert_eq(sum->value, 3);
	pyr_stream_close(stream);
	free(blob.data.data);
	suite_end(s);
}

static tally called = TALLY_INIT;
static pyr_status last_status;

static void on_message(void *ctx, pyr_status status, const Suite__Blob *message, const pyr_error *e)
{
	(void)ctx;
	(void)e;
	last_status = status;
	if (status || !message)
		tally_add(&called, 100);
	tally_add(&called, 1);
}

static void on_writable(void *ctx)
{
	tally_add(ctx, 1);
}

Test(client_stream, has_one_observer_and_one_who_waits_to_write)
{
	suite *s = suite_begin(NULL);
	pyr_stream *stream;
	tally writable = TALLY_INIT;
	CHECK_OK(suite_suite_both(s->proxy, &stream, &err));
	CHECK_OK(suite_suite_both__observe(stream, on_message, NULL, &err));
	CHECK_STATUS(
		PYR_FAILED_PRECONDITION, suite_suite_both__observe(stream, on_message, NULL, &err));
	cr_assert_str_eq(err.message, "the stream is observed already");
	CHECK_OK(pyr_stream_on_writable(stream, on_writable, &writable, &err));
	CHECK_STATUS(PYR_FAILED_PRECONDITION,
		pyr_stream_on_writable(stream, on_writable, &writable, &err));
	cr_assert_str_eq(err.message, "an on_writable is waiting already");
	pyr_stream_cancel(stream);
	pyr_stream_cancel(stream);
	CHECK_AWAIT(&called, 101);
	cr_assert_eq(last_status, PYR_CANCELLED);
	CHECK_AWAIT(&writable, 1); /* it has ended, which ends the waiting too */
	Suite__Blob blob = SUITE__BLOB__INIT;
	CHECK_STATUS(PYR_CANCELLED, suite_suite_both__send(stream, &blob, &err));
	pyr_stream_close(stream);
	suite_end(s);
	cr_assert_eq(tally_get(&called), 101);
	cr_assert_eq(tally_get(&writable), 1);
}

Test(client_stream, is_not_opened_where_there_is_nobody)
{
	pyr_context *context;
	suite_suite *proxy;
	pyr_stream *stream;
	const Suite__Number *sum;
	CHECK_OK(pyr_context_new(NULL, &context, &err));
	CHECK_OK(suite_suite__open(context, "pyr:x@unix:/nowhere/at-all", NULL, &proxy, &err));
	pyr_status status = suite_suite_up(proxy, &stream, &err);
	if (status == PYR_OK) { /* it had not looked yet */
		status = suite_suite_up__next(stream, &sum, &err);
		pyr_stream_close(stream);
	}
	cr_assert_eq(status, PYR_UNAVAILABLE);
	cr_assert(strstr(err.message, "/nowhere/at-all"), "%s", err.message);
	suite_suite__close(proxy);
	pyr_context_free(context);
	CHECK_LEAKS();
}

Test(client_stream, brings_the_metadata_that_came_with_its_end)
{
	suite *s = suite_begin(NULL);
	pyr_stream *stream = open_down(s, 0, PYR_OK);
	const Suite__Blob *message;
	CHECK_OK(suite_suite_down__next(stream, &message, &err));
	cr_assert_null(pyr_stream_metadata(stream), "there is none");
	pyr_stream_close(stream);
	suite_end(s);
}
