/* SPDX-License-Identifier: Apache-2.0 */
/* Flow control: a slow reader stops a fast writer, on either side. */
#include <stdlib.h>
#include "transport/suite.h"

static pyr_stream *open_down(suite *s, uint32_t count, uint32_t size)
{
	pyr_error err;
	pyr_stream *stream;
	Suite__Flood request = SUITE__FLOOD__INIT;
	request.count = count;
	request.size = size;
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

static unsigned window_bytes(void)
{
	uint32_t own = suite_under_test.differs.window_bytes;
	return own ? own : 256 << 10;
}

/* Lets everything that is under way arrive: two calls there and back. */
static void settle(suite *s, tally *t)
{
	pyr_error err;
	unsigned before;
	do {
		before = tally_get(t);
		for (int i = 0; i < 20; i++) {
			Suite__Nothing request = SUITE__NOTHING__INIT;
			Suite__Number *reply;
			CHECK_OK(suite_suite_count(s->proxy, &request, &reply, &err));
			suite__number__free_unpacked(reply, NULL);
		}
	} while (tally_get(t) != before);
}

static void stop_a_fast_server(suite *s)
{
	enum { SIZE = 1000, COUNT = 20000 };
	pyr_error err;
	unsigned came;
	pyr_stream *stream = open_down(s, COUNT, SIZE);
	CHECK_AWAIT(&s->servant.sent_count, 100);
	settle(s, &s->servant.sent_count);
	unsigned sent = tally_get(&s->servant.sent_count);
	cr_assert(sent * SIZE <= window_bytes() + 2 * SIZE, "%u messages were sent", sent);
	CHECK_OK(pull_down(stream, SIZE, &came, &err));
	cr_assert_eq(came, COUNT);
	pyr_stream_close(stream);
}

Test(flow, lets_a_slow_reader_stop_a_fast_server)
{
	suite *s = suite_begin(NULL);
	stop_a_fast_server(s);
	suite_end(s);
}

Test(flow, lets_a_slow_reader_stop_a_fast_pool)
{
	suite *s = suite_begin_pool(2);
	stop_a_fast_server(s);
	suite_end(s);
}

typedef struct writer {
	pyr_stream *stream;
	tally sent, done;
	unsigned count;
} writer;

static void *write_fast(void *arg)
{
	writer *w = arg;
	pyr_error err;
	Suite__Blob blob = suite_blob(1000);
	for (unsigned i = 0; i < w->count; i++) {
		CHECK_OK(suite_suite_both__send(w->stream, &blob, &err));
		tally_add(&w->sent, 1);
	}
	CHECK_OK(pyr_stream_end(w->stream, &err));
	tally_add(&w->done, 1);
	free(blob.data.data);
	return NULL;
}

Test(flow, lets_a_slow_servant_stop_a_fast_client)
{
	/* the servant blocks in sending what nobody reads, and so reads no more itself */
	suite *s = suite_begin_pool(2);
	pyr_error err;
	writer w = {.sent = TALLY_INIT, .done = TALLY_INIT, .count = 5000};
	pthread_t thread;
	const Suite__Blob *message;
	CHECK_OK(suite_suite_both(s->proxy, &w.stream, &err));
	pthread_create(&thread, NULL, write_fast, &w);
	CHECK_AWAIT(&w.sent, 100);
	settle(s, &w.sent);
	unsigned sent = tally_get(&w.sent);
	cr_assert(sent * 1000 <= 2 * window_bytes() + 4000, "%u messages were sent", sent);
	for (unsigned came = 0; came < w.count; came++) {
		CHECK_OK(suite_suite_both__next(w.stream, &message, &err));
		cr_assert_not_null(message);
	}
	CHECK_AWAIT(&w.done, 1);
	pthread_join(thread, NULL);
	pyr_stream_close(w.stream);
	suite_end(s);
}

Test(flow, ends_a_blocked_send_at_the_deadline)
{
	suite *s = suite_begin_pool(2);
	pyr_error err;
	tally none = TALLY_INIT;
	settle(s, &none); /* connects: the daemon shall see the call */
	suite_suite *hasty = suite_open_timeout(s, 300);
	pyr_stream *stream;
	Suite__Blob blob = suite_blob(10000);
	pyr_status status = PYR_OK;
	CHECK_OK(suite_suite_both(hasty, &stream, &err));
	for (unsigned i = 0; i < 10000 && status == PYR_OK; i++)
		status = suite_suite_both__send(stream, &blob, &err);
	/* the servant's side may see the deadline first: then the call is over, and next says why
	 */
	cr_assert(status == PYR_DEADLINE_EXCEEDED || status == PYR_CANCELLED, "%s: %s",
		pyr_status_name(status), err.message);
	const Suite__Blob *message;
	while ((status = suite_suite_both__next(stream, &message, &err)) == PYR_OK)
		cr_assert_not_null(message);
	cr_assert_eq(status, PYR_DEADLINE_EXCEEDED, "%s: %s", pyr_status_name(status), err.message);
	pyr_stream_close(stream);
	CHECK_AWAIT(&s->servant.interrupted_count, 1);
	free(blob.data.data);
	suite_suite__close(hasty);
	suite_end(s);
}

/* A writer on the context's loop, which may not block. */
typedef struct loop_writer {
	suite *s;
	pyr_stream *stream;
	unsigned left, blocked;
	bool inside;
	tally done;
} loop_writer;

static void write_some(void *ctx)
{
	loop_writer *w = ctx;
	pyr_error err;
	Suite__Blob blob = suite_blob(1000);
	cr_assert(!w->inside, "on_writable ran inside of what registered it");
	while (w->left > 0) {
		pyr_status status = suite_suite_up__send(w->stream, &blob, &err);
		if (status == PYR_RESOURCE_EXHAUSTED) {
			cr_assert(err.would_block);
			w->blocked++;
			w->inside = true;
			CHECK_OK(pyr_stream_on_writable(w->stream, write_some, w, &err));
			w->inside = false;
			break;
		}
		CHECK_OK(status);
		w->left--;
	}
	if (w->left == 0) {
		CHECK_OK(pyr_stream_end(w->stream, &err));
		tally_add(&w->done, 1);
	}
	free(blob.data.data);
}

static void on_begin(void *ctx, pyr_status status, const Suite__Blob *reply, const pyr_error *err)
{
	(void)reply;
	(void)err;
	cr_assert_eq(status, PYR_OK);
	write_some(ctx);
}

Test(flow, never_blocks_the_loop_but_says_when_it_is_writable)
{
	suite *s = suite_begin_pool(2);
	pyr_error err;
	loop_writer w = {.s = s, .left = 5000, .done = TALLY_INIT};
	const Suite__Number *reply;
	CHECK_OK(suite_suite_up(s->proxy, &w.stream, &err));
	Suite__Blob request = SUITE__BLOB__INIT;
	CHECK_OK(suite_suite_echo__invoke(s->proxy, &request, on_begin, &w, NULL, &err));
	CHECK_AWAIT(&w.done, 1);
	CHECK_OK(suite_suite_up__next(w.stream, &reply, &err));
	cr_assert_not_null(reply);
	cr_assert_eq(reply->value, 5000000);
	pyr_stream_close(w.stream);
	suite_end(s);
}
