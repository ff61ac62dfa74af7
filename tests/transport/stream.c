/* SPDX-License-Identifier: Apache-2.0 */
/* Streams of all kinds, pulled and pushed, and how they end. */
#include <stdlib.h>
#include <string.h>
#include "transport/suite.h"

static pyr_stream *open_down(suite *s, uint32_t count, uint32_t size, uint32_t status)
{
	pyr_error err;
	pyr_stream *stream;
	Suite__Flood request = SUITE__FLOOD__INIT;
	request.count = count;
	request.size = size;
	request.status = status;
	CHECK_OK(suite_suite_down(s->proxy, &request, &stream, &err));
	return stream;
}

/* How many messages of that size come before the end; the status it ends with. */
static pyr_status pull_down(pyr_stream *stream, size_t size, unsigned *ret_count, pyr_error *err)
{
	const Suite__Blob *message;
	pyr_status status;
	*ret_count = 0;
	while ((status = suite_suite_down__next(stream, &message, err)) == PYR_OK && message) {
		cr_assert_eq(message->data.len, size);
		(*ret_count)++;
	}
	return status;
}

static void check_down(suite *s, uint32_t count, uint32_t size)
{
	pyr_error err;
	unsigned came;
	const Suite__Blob *message;
	pyr_stream *stream = open_down(s, count, size, PYR_OK);
	CHECK_OK(pull_down(stream, size, &came, &err));
	cr_assert_eq(came, count);
	/* the end is said again */
	CHECK_OK(suite_suite_down__next(stream, &message, &err));
	cr_assert_null(message);
	pyr_stream_close(stream);
}

static void pull_server_streams(suite *s)
{
	check_down(s, 0, 0);
	check_down(s, 1, 0);
	check_down(s, 3, 10);
	check_down(s, 1000, 100);
	check_down(s, 20, 70000);
	check_down(s, 3, 1 << 20);
}

Test(stream, pulls_what_the_server_sends)
{
	suite *s = suite_begin(NULL);
	pull_server_streams(s);
	suite_end(s);
}

Test(stream, pulls_what_a_pool_sends)
{
	suite *s = suite_begin_pool(2);
	pull_server_streams(s);
	suite_end(s);
}

typedef struct pushed {
	tally messages, ends;
	uint64_t bytes;
	pyr_status status;
	pyr_error err;
	pyr_stream *close_inside; /* at the first message */
} pushed;

#define PUSHED_INIT                                                                                \
	{                                                                                          \
		.messages = TALLY_INIT, .ends = TALLY_INIT                                         \
	}

static void on_message(
	void *ctx, pyr_status status, const Suite__Blob *message, const pyr_error *err)
{
	pushed *p = ctx;
	cr_assert_eq(tally_get(&p->ends), 0, "a callback after the end");
	if (status == PYR_OK && message) {
		p->bytes += message->data.len;
		if (p->close_inside)
			pyr_stream_close(p->close_inside);
		tally_add(&p->messages, 1);
		return;
	}
	p->status = status;
	if (err)
		p->err = *err;
	tally_add(&p->ends, 1);
}

static void check_pushed(suite *s, uint32_t count, uint32_t size, uint32_t status)
{
	pyr_error err;
	pushed p = PUSHED_INIT;
	pyr_stream *stream = open_down(s, count, size, status);
	CHECK_OK(suite_suite_down__observe(stream, on_message, &p, &err));
	CHECK_STATUS(
		PYR_FAILED_PRECONDITION, suite_suite_down__observe(stream, on_message, &p, &err));
	CHECK_AWAIT(&p.ends, 1);
	cr_assert_eq(p.status, status);
	cr_assert_eq(tally_get(&p.messages), count);
	cr_assert_eq(p.bytes, (uint64_t)count * size);
	pyr_stream_close(stream);
	cr_assert_eq(tally_get(&p.ends), 1);
}

Test(stream, pushes_what_the_server_sends)
{
	suite *s = suite_begin(NULL);
	check_pushed(s, 0, 0, PYR_OK);
	check_pushed(s, 1, 1, PYR_OK);
	check_pushed(s, 1000, 100, PYR_OK);
	check_pushed(s, 20, 70000, PYR_OK);
	check_pushed(s, 5, 10, PYR_DATA_LOSS);
	suite_end(s);
}

Test(stream, ends_with_an_error_after_its_messages)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	unsigned came;
	const Suite__Blob *message;
	pyr_stream *stream = open_down(s, 7, 100, PYR_OUT_OF_RANGE);
	CHECK_STATUS(PYR_OUT_OF_RANGE, pull_down(stream, 100, &came, &err));
	cr_assert_eq(came, 7);
	cr_assert_str_eq(err.message, "as you wish");
	memset(&err, 0, sizeof err);
	CHECK_STATUS(PYR_OUT_OF_RANGE, suite_suite_down__next(stream, &message, &err));
	cr_assert_str_eq(err.message, "as you wish");
	pyr_stream_close(stream);
	suite_end(s);
}

static uint64_t send_up(suite *s, unsigned count, size_t size)
{
	pyr_error err;
	pyr_stream *stream;
	Suite__Blob blob = suite_blob(size);
	const Suite__Number *reply;
	CHECK_OK(suite_suite_up(s->proxy, &stream, &err));
	for (unsigned i = 0; i < count; i++)
		CHECK_OK(suite_suite_up__send(stream, &blob, &err));
	CHECK_OK(pyr_stream_end(stream, &err));
	CHECK_STATUS(PYR_FAILED_PRECONDITION, pyr_stream_end(stream, &err));
	CHECK_STATUS(PYR_FAILED_PRECONDITION, suite_suite_up__send(stream, &blob, &err));
	CHECK_OK(suite_suite_up__next(stream, &reply, &err));
	cr_assert_not_null(reply);
	uint64_t bytes = reply->value;
	CHECK_OK(suite_suite_up__next(stream, &reply, &err));
	cr_assert_null(reply);
	pyr_stream_close(stream);
	free(blob.data.data);
	return bytes;
}

static void send_client_streams(suite *s)
{
	cr_assert_eq(send_up(s, 0, 0), 0);
	cr_assert_eq(send_up(s, 1, 5), 5);
	cr_assert_eq(send_up(s, 1000, 100), 100000);
	cr_assert_eq(send_up(s, 20, 70000), 1400000);
	cr_assert_eq(send_up(s, 3, 1 << 20), 3 << 20);
}

Test(stream, sends_to_a_servant_that_observes)
{
	suite *s = suite_begin(NULL);
	send_client_streams(s);
	suite_end(s);
}

Test(stream, sends_to_a_servant_that_pulls)
{
	suite *s = suite_begin_pool(2);
	send_client_streams(s);
	suite_end(s);
}

static void converse(suite *s, size_t size)
{
	pyr_error err;
	pyr_stream *stream;
	Suite__Blob blob = suite_blob(size);
	const Suite__Blob *message;
	CHECK_OK(suite_suite_both(s->proxy, &stream, &err));
	for (unsigned i = 0; i < 50; i++) {
		CHECK_OK(suite_suite_both__send(stream, &blob, &err));
		CHECK_OK(suite_suite_both__next(stream, &message, &err));
		cr_assert_not_null(message);
		cr_assert_eq(message->data.len, size);
		cr_assert(size == 0 || memcmp(message->data.data, blob.data.data, size) == 0);
	}
	CHECK_OK(pyr_stream_end(stream, &err));
	CHECK_OK(suite_suite_both__next(stream, &message, &err));
	cr_assert_null(message);
	pyr_stream_close(stream);
	free(blob.data.data);
}

Test(stream, converses_with_a_servant_that_observes)
{
	suite *s = suite_begin(NULL);
	converse(s, 0);
	converse(s, 1000);
	converse(s, 100000);
	suite_end(s);
}

Test(stream, converses_with_a_servant_that_pulls)
{
	suite *s = suite_begin_pool(2);
	converse(s, 0);
	converse(s, 1000);
	converse(s, 100000);
	suite_end(s);
}

#define EXCHANGED 2000

static void *write_all(void *arg)
{
	pyr_error err;
	pyr_stream *stream = arg;
	Suite__Blob blob = suite_blob(500);
	for (unsigned i = 0; i < EXCHANGED; i++)
		CHECK_OK(suite_suite_both__send(stream, &blob, &err));
	CHECK_OK(pyr_stream_end(stream, &err));
	free(blob.data.data);
	return NULL;
}

Test(stream, has_a_reader_and_a_writer_on_threads_of_their_own)
{
	suite *s = suite_begin_pool(2);
	pyr_error err;
	pyr_stream *stream;
	pthread_t writer;
	const Suite__Blob *message;
	unsigned came = 0;
	CHECK_OK(suite_suite_both(s->proxy, &stream, &err));
	pthread_create(&writer, NULL, write_all, stream);
	pyr_status status;
	while ((status = suite_suite_both__next(stream, &message, &err)) == PYR_OK && message)
		came++;
	cr_assert_eq(status, PYR_OK, "%s", err.message);
	cr_assert_eq(came, EXCHANGED);
	pthread_join(writer, NULL);
	pyr_stream_close(stream);
	suite_end(s);
}

Test(stream, observes_while_another_thread_writes)
{
	suite *s = suite_begin_pool(2);
	pyr_error err;
	pyr_stream *stream;
	pthread_t writer;
	pushed p = PUSHED_INIT;
	CHECK_OK(suite_suite_both(s->proxy, &stream, &err));
	CHECK_OK(suite_suite_both__observe(stream, on_message, &p, &err));
	pthread_create(&writer, NULL, write_all, stream);
	CHECK_AWAIT(&p.ends, 1);
	pthread_join(writer, NULL);
	cr_assert_eq(p.status, PYR_OK, "%s", p.err.message);
	cr_assert_eq(tally_get(&p.messages), EXCHANGED);
	pyr_stream_close(stream);
	suite_end(s);
}

/* What has come behind the message at which the servant failed is not its any more. */
static void fail_amid_messages(suite *s)
{
	enum { STREAMS = 50 };
	pyr_error err;
	Suite__Blob blob = suite_blob(100);
	s->servant.fails_both = true;
	for (unsigned i = 1; i <= STREAMS; i++) {
		pyr_stream *stream;
		const Suite__Blob *message;
		pyr_status status = PYR_OK;
		CHECK_OK(suite_suite_both(s->proxy, &stream, &err));
		for (unsigned j = 0; j < 10 && status == PYR_OK; j++)
			status = suite_suite_both__send(stream, &blob, &err); /* or it is over */
		CHECK_STATUS(PYR_ABORTED, suite_suite_both__next(stream, &message, &err));
		pyr_stream_close(stream);
		CHECK_AWAIT(&s->servant.ended_count, i);
		cr_assert_eq(tally_get(&s->servant.received_count), i);
		if (s->servant.pulls)
			cr_assert_eq(s->servant.again_status, PYR_FAILED_PRECONDITION);
	}
	free(blob.data.data);
	suite_end(s);
}

Test(stream, hands_no_message_to_a_servant_that_observes_and_has_answered)
{
	fail_amid_messages(suite_begin(NULL));
}

Test(stream, hands_no_message_to_a_servant_that_pulls_and_has_answered)
{
	fail_amid_messages(suite_begin_pool(2));
}

Test(stream, wakes_a_servant_that_pulls_when_another_thread_answers)
{
	suite *s = suite_begin_pool(2);
	pyr_error err;
	pyr_stream *stream;
	const Suite__Blob *message;
	Suite__Blob blob = suite_blob(100);
	s->servant.keeps_both = true;
	CHECK_OK(suite_suite_both(s->proxy, &stream, &err));
	CHECK_OK(suite_suite_both__send(stream, &blob, &err));
	CHECK_OK(suite_suite_both__next(stream, &message, &err)); /* and now it waits for more */
	servant_fail(&s->servant, 0);
	CHECK_STATUS(PYR_ABORTED, suite_suite_both__next(stream, &message, &err));
	CHECK_AWAIT(&s->servant.interrupted_count, 1);
	pyr_stream_close(stream);
	free(blob.data.data);
	suite_end(s);
}

Test(stream, carries_many_streams_at_once)
{
	enum { STREAMS = 100 };
	suite *s = suite_begin(NULL);
	pyr_error err;
	pyr_stream *streams[STREAMS];
	Suite__Blob blob = suite_blob(100);
	const Suite__Blob *message;
	for (unsigned i = 0; i < STREAMS; i++)
		CHECK_OK(suite_suite_both(s->proxy, &streams[i], &err));
	for (unsigned round = 0; round < 10; round++) {
		for (unsigned i = 0; i < STREAMS; i++)
			CHECK_OK(suite_suite_both__send(streams[i], &blob, &err));
		for (unsigned i = STREAMS; i-- > 0;) {
			CHECK_OK(suite_suite_both__next(streams[i], &message, &err));
			cr_assert_not_null(message);
		}
	}
	for (unsigned i = 0; i < STREAMS; i++)
		pyr_stream_close(streams[i]);
	CHECK_AWAIT(&s->servant.interrupted_count, STREAMS);
	free(blob.data.data);
	suite_end(s);
}

/* Ends before the end */

Test(stream, tells_the_servant_when_it_is_closed)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	pyr_stream *stream;
	CHECK_OK(suite_suite_up(s->proxy, &stream, &err));
	Suite__Blob blob = suite_blob(10);
	CHECK_OK(suite_suite_up__send(stream, &blob, &err));
	CHECK_AWAIT(&s->servant.received_count, 1);
	pyr_stream_close(stream);
	CHECK_AWAIT(&s->servant.interrupted_count, 1);
	check_down(s, 3, 3);
	free(blob.data.data);
	suite_end(s);
}

Test(stream, tells_a_servant_that_pulls_when_it_is_closed)
{
	suite *s = suite_begin_pool(1);
	pyr_error err;
	pyr_stream *stream;
	CHECK_OK(suite_suite_up(s->proxy, &stream, &err));
	Suite__Blob blob = suite_blob(10);
	CHECK_OK(suite_suite_up__send(stream, &blob, &err));
	CHECK_AWAIT(&s->servant.received_count, 1);
	pyr_stream_close(stream);
	CHECK_AWAIT(&s->servant.interrupted_count, 1);
	check_down(s, 3, 3);
	free(blob.data.data);
	suite_end(s);
}

static void *cancel_it(void *arg)
{
	struct {
		suite *s;
		pyr_stream *stream;
	} *c = arg;
	CHECK_AWAIT(&c->s->servant.received_count, 1);
	pyr_stream_cancel(c->stream);
	pyr_stream_cancel(c->stream);
	return NULL;
}

Test(stream, wakes_who_waits_when_it_is_cancelled)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	struct {
		suite *s;
		pyr_stream *stream;
	} c = {s, NULL};
	pthread_t thread;
	const Suite__Number *reply;
	Suite__Blob blob = suite_blob(10);
	CHECK_OK(suite_suite_up(s->proxy, &c.stream, &err));
	CHECK_OK(suite_suite_up__send(c.stream, &blob, &err));
	pthread_create(&thread, NULL, cancel_it, &c);
	CHECK_STATUS(PYR_CANCELLED, suite_suite_up__next(c.stream, &reply, &err));
	pthread_join(thread, NULL);
	CHECK_STATUS(PYR_CANCELLED, suite_suite_up__send(c.stream, &blob, &err));
	CHECK_AWAIT(&s->servant.interrupted_count, 1);
	pyr_stream_close(c.stream);
	free(blob.data.data);
	suite_end(s);
}

Test(stream, ends_at_its_deadline)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	suite_suite *hasty = suite_open_timeout(s, 100);
	pyr_stream *stream;
	const Suite__Number *reply;
	check_down(s, 1, 1); /* connects: the daemon shall see the call */
	CHECK_OK(suite_suite_up(hasty, &stream, &err));
	int64_t before_ms = suite_now_ms();
	CHECK_STATUS(PYR_DEADLINE_EXCEEDED, suite_suite_up__next(stream, &reply, &err));
	cr_assert_lt(suite_now_ms() - before_ms, 3000);
	CHECK_AWAIT(&s->servant.interrupted_count, 1);
	pyr_stream_close(stream);
	suite_suite__close(hasty);
	suite_end(s);
}

Test(stream, ends_at_its_deadline_though_nobody_looks)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	suite_suite *hasty = suite_open_timeout(s, 100);
	pyr_stream *stream;
	check_down(s, 1, 1); /* connects: the daemon shall see the call */
	CHECK_OK(suite_suite_up(hasty, &stream, &err));
	CHECK_AWAIT(&s->servant.interrupted_count, 1);
	pyr_stream_close(stream);
	suite_suite__close(hasty);
	suite_end(s);
}

Test(stream, tells_an_observer_of_the_deadline)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	suite_suite *hasty = suite_open_timeout(s, 100);
	pyr_stream *stream;
	pushed p = PUSHED_INIT;
	check_down(s, 1, 1); /* connects: the daemon shall see the call */
	CHECK_OK(suite_suite_both(hasty, &stream, &err));
	CHECK_OK(suite_suite_both__observe(stream, on_message, &p, &err));
	CHECK_AWAIT(&p.ends, 1);
	cr_assert_eq(p.status, PYR_DEADLINE_EXCEEDED);
	pyr_stream_close(stream);
	suite_suite__close(hasty);
	suite_end(s);
}

Test(stream, is_closed_inside_its_callback)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	pushed p = PUSHED_INIT;
	Suite__Blob blob = suite_blob(10);
	CHECK_OK(suite_suite_both(s->proxy, &p.close_inside, &err));
	CHECK_OK(suite_suite_both__send(p.close_inside, &blob, &err));
	CHECK_OK(suite_suite_both__send(p.close_inside, &blob, &err));
	CHECK_OK(suite_suite_both__observe(p.close_inside, on_message, &p, &err));
	CHECK_AWAIT(&p.messages, 1);
	CHECK_AWAIT(&s->servant.interrupted_count, 1);
	cr_assert_eq(tally_get(&p.messages), 1);
	cr_assert_eq(tally_get(&p.ends), 0);
	free(blob.data.data);
	suite_end(s);
}

Test(stream, runs_no_callback_after_close)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	for (int i = 0; i < 50; i++) {
		/* on the heap, and freed: a late callback would be seen by AddressSanitizer */
		pushed *p = malloc(sizeof *p);
		*p = (pushed)PUSHED_INIT;
		pyr_stream *stream = open_down(s, 1000, 100, PYR_OK);
		CHECK_OK(suite_suite_down__observe(stream, on_message, p, &err));
		if (i % 2)
			CHECK_AWAIT(&p->messages, 1);
		pyr_stream_close(stream);
		free(p);
	}
	suite_end(s);
}

Test(stream, is_refused_where_the_object_does_not_exist)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	const Suite__Number *number;
	const Suite__Blob *message;
	CHECK_OK(pyr_daemon_unregister(s->daemon, "suite", NULL, &err));
	for (int i = 0; i < 3; i++) {
		pyr_stream *stream;
		pyr_status status = suite_suite_up(s->proxy, &stream, &err);
		if (status == PYR_OK) {
			status = suite_suite_up__next(stream, &number, &err);
			pyr_stream_close(stream);
		}
		cr_assert_eq(status, PYR_NOT_FOUND);
		Suite__Flood request = SUITE__FLOOD__INIT;
		status = suite_suite_down(s->proxy, &request, &stream, &err);
		if (status == PYR_OK) {
			status = suite_suite_down__next(stream, &message, &err);
			pyr_stream_close(stream);
		}
		cr_assert_eq(status, PYR_NOT_FOUND);
	}
	suite_end(s);
}

/* As much of a stream as there is where a limit can only be met. */
static void send_too_much(suite *s, const Suite__Blob *small, const Suite__Blob *large)
{
	pyr_error err;
	pyr_stream *stream;
	const Suite__Number *reply;
	CHECK_OK(suite_suite_up(s->proxy, &stream, &err));
	CHECK_OK(suite_suite_up__send(stream, small, &err));
	CHECK_AWAIT(&s->servant.received_count, 1);
	CHECK_OK(suite_suite_up__send(stream, large, &err));
	CHECK_STATUS(PYR_RESOURCE_EXHAUSTED, suite_suite_up__next(stream, &reply, &err));
	cr_assert(!err.would_block);
	pyr_stream_close(stream);
	CHECK_AWAIT(&s->servant.interrupted_count, 1);
}

static void send_too_much_and_go_on(suite *s, const Suite__Blob *small, const Suite__Blob *large)
{
	pyr_error err;
	pyr_stream *stream;
	const Suite__Number *reply;
	CHECK_OK(suite_suite_up(s->proxy, &stream, &err));
	CHECK_OK(suite_suite_up__send(stream, small, &err));
	CHECK_STATUS(PYR_RESOURCE_EXHAUSTED, suite_suite_up__send(stream, large, &err));
	cr_assert(!err.would_block);
	CHECK_OK(suite_suite_up__send(stream, small, &err));
	CHECK_OK(pyr_stream_end(stream, &err));
	CHECK_OK(suite_suite_up__next(stream, &reply, &err));
	cr_assert_eq(reply->value, 100000);
	pyr_stream_close(stream);
}

Test(stream, refuses_a_message_above_the_limit_and_goes_on)
{
	suite_config config = {.daemon = {.message_bytes_max = 100000, .workers = 2}};
	suite *s = suite_begin(&config);
	check_down(s, 1, 1); /* the limits are known from here on */
	Suite__Blob small = suite_blob(50000), large = suite_blob(100001);
	if (suite_under_test.differs.limits_untold)
		send_too_much(s, &small, &large);
	else
		send_too_much_and_go_on(s, &small, &large);
	check_down(s, 1, 1);
	free(small.data.data);
	free(large.data.data);
	suite_end(s);
}
