/* SPDX-License-Identifier: Apache-2.0 */
/* Many streams at once, and a gibibyte for a reader that has stopped. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "transport/suite.h"

#ifdef __SANITIZE_ADDRESS__
size_t __sanitizer_get_current_allocated_bytes(void); /* gcc ships no header for it */
#endif

Test(volume, carries_ten_thousand_streams_at_once_on_one_connection)
{
	enum { STREAMS = 10000 };
	suite *s = suite_begin(NULL);
	pyr_error err;
	pyr_stream **streams = calloc(STREAMS, sizeof *streams);
	Suite__Blob blob = suite_blob(16);
	const Suite__Blob *message;
	for (unsigned i = 0; i < STREAMS; i++)
		CHECK_OK(suite_suite_both(s->proxy, &streams[i], &err));
	/* each is read at once: all answers together may be more than the window lets through */
	for (unsigned i = 0; i < STREAMS; i++) {
		CHECK_OK(suite_suite_both__send(streams[i], &blob, &err));
		CHECK_OK(suite_suite_both__next(streams[i], &message, &err));
		cr_assert(message && message->data.len == blob.data.len);
	}
	cr_assert_eq(tally_get(&s->servant.received_count), STREAMS);
	cr_assert_eq(tally_get(&s->servant.ended_count), 0);
	for (unsigned i = 0; i < STREAMS; i++)
		CHECK_OK(pyr_stream_end(streams[i], &err));
	for (unsigned i = 0; i < STREAMS; i++) {
		CHECK_OK(suite_suite_both__next(streams[i], &message, &err));
		cr_assert_null(message);
		pyr_stream_close(streams[i]);
	}
	CHECK_AWAIT(&s->servant.ended_count, STREAMS);
	cr_assert_eq(tally_get(&s->servant.interrupted_count), 0);
	free(blob.data.data);
	free(streams);
	suite_end(s);
}

/* A gibibyte */

#define MESSAGE_BYTES  (64u << 10)
#define MESSAGES       ((1u << 30) / MESSAGE_BYTES)
#define GROWTH_MAX     (32l << 20) /* of both ends together: they are one process */
#define MESSAGES_AHEAD (GROWTH_MAX / MESSAGE_BYTES)

static long memory_in_use(void)
{
#ifdef __SANITIZE_ADDRESS__
	return (long)__sanitizer_get_current_allocated_bytes(); /* what is freed stays resident */
#else
	long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");
	cr_assert(file && fscanf(file, "%*d %ld", &pages) == 1);
	fclose(file);
	return pages * sysconf(_SC_PAGESIZE);
#endif
}

/* Lets everything that is under way arrive. */
static void settle(suite *s, tally *t)
{
	pyr_error err;
	unsigned before;
	do {
		before = tally_get(t);
		for (int i = 0; i < 50; i++) {
			Suite__Nothing request = SUITE__NOTHING__INIT;
			Suite__Number *reply;
			CHECK_OK(suite_suite_count(s->proxy, &request, &reply, &err));
			suite__number__free_unpacked(reply, NULL);
		}
	} while (tally_get(t) != before);
}

/* The writer has stopped, and neither end holds much. */
static void check_stopped(suite *s, tally *sent, long memory_before)
{
	CHECK_AWAIT(sent, 2);
	settle(s, sent);
	unsigned ahead = tally_get(sent);
	cr_assert(ahead < MESSAGES_AHEAD, "%u messages were sent", ahead);
	long growth = memory_in_use() - memory_before;
	cr_assert(growth < GROWTH_MAX, "both ends together have grown by %ld KiB", growth >> 10);
}

/* A first call has both ends allocate what they always have. */
static suite *begin(uint32_t workers, bool servant_stops, long *ret_memory)
{
	suite *s = suite_begin_pool(workers);
	tally none = TALLY_INIT;
	s->servant.stops = servant_stops;
	settle(s, &none);
	*ret_memory = memory_in_use();
	return s;
}

static void flood_a_client(uint32_t workers)
{
	long memory;
	suite *s = begin(workers, false, &memory);
	pyr_error err;
	pyr_stream *stream;
	Suite__Flood request = SUITE__FLOOD__INIT;
	request.count = MESSAGES;
	request.size = MESSAGE_BYTES;
	CHECK_OK(suite_suite_down(s->proxy, &request, &stream, &err));
	check_stopped(s, &s->servant.sent_count, memory);
	pyr_stream_close(stream);
	CHECK_AWAIT(&s->servant.interrupted_count, 1);
	suite_end(s);
}

Test(volume, holds_little_of_a_gibibyte_that_a_loop_sends_to_a_client_that_has_stopped)
{
	flood_a_client(0);
}

Test(volume, holds_little_of_a_gibibyte_that_a_pool_sends_to_a_client_that_has_stopped)
{
	flood_a_client(2);
}

typedef struct writer {
	pyr_stream *stream;
	tally sent, blocked, done;
	Suite__Blob blob;
} writer;

static writer new_writer(suite *s)
{
	pyr_error err;
	writer w = {
		.sent = TALLY_INIT,
		.blocked = TALLY_INIT,
		.done = TALLY_INIT,
		.blob = suite_blob(MESSAGE_BYTES),
	};
	CHECK_OK(suite_suite_up(s->proxy, &w.stream, &err));
	return w;
}

static void end_writer(suite *s, writer *w)
{
	CHECK_AWAIT(&w->done, 1);
	pyr_stream_close(w->stream);
	free(w->blob.data.data);
	suite_end(s);
}

/* Blocks in a send until the stream is cancelled. */
static void *write_all(void *arg)
{
	writer *w = arg;
	pyr_error err;
	unsigned i = 0;
	while (i < MESSAGES && suite_suite_up__send(w->stream, &w->blob, &err) == PYR_OK) {
		tally_add(&w->sent, 1);
		i++;
	}
	cr_assert_lt(i, MESSAGES);
	cr_assert_eq(err.status, PYR_CANCELLED);
	tally_add(&w->done, 1);
	return NULL;
}

static void flood_a_servant(uint32_t workers)
{
	long memory;
	pthread_t thread;
	suite *s = begin(workers, true, &memory);
	writer w = new_writer(s);
	pthread_create(&thread, NULL, write_all, &w);
	check_stopped(s, &w.sent, memory);
	pyr_stream_cancel(w.stream);
	pthread_join(thread, NULL);
	end_writer(s, &w);
}

Test(volume, holds_little_of_a_gibibyte_that_a_thread_sends_to_a_loop_that_has_stopped)
{
	flood_a_servant(0);
}

Test(volume, holds_little_of_a_gibibyte_that_a_thread_sends_to_a_pool_that_has_stopped)
{
	flood_a_servant(2);
}

/* On the context's loop: is told that it would block. */
static void write_some(void *ctx)
{
	writer *w = ctx;
	pyr_error err;
	pyr_status status;
	while ((status = suite_suite_up__send(w->stream, &w->blob, &err)) == PYR_OK) {
		tally_add(&w->sent, 1);
		cr_assert_lt(tally_get(&w->sent), MESSAGES);
	}
	if (status == PYR_RESOURCE_EXHAUSTED && err.would_block) {
		tally_add(&w->blocked, 1);
		if (pyr_stream_on_writable(w->stream, write_some, w, &err) == PYR_OK)
			return;
	}
	tally_add(&w->done, 1);
}

static void on_begin(void *ctx, pyr_status status, const Suite__Blob *reply, const pyr_error *err)
{
	(void)reply;
	(void)err;
	cr_assert_eq(status, PYR_OK);
	write_some(ctx);
}

Test(volume, holds_little_of_a_gibibyte_that_a_loop_sends_to_a_servant_that_has_stopped)
{
	long memory;
	suite *s = begin(0, true, &memory);
	pyr_error err;
	writer w = new_writer(s);
	Suite__Blob request = SUITE__BLOB__INIT;
	CHECK_OK(suite_suite_echo__invoke(s->proxy, &request, on_begin, &w, NULL, &err));
	check_stopped(s, &w.sent, memory);
	CHECK_AWAIT(&w.blocked, 1);
	pyr_stream_cancel(w.stream); /* the writer is told */
	end_writer(s, &w);
}
