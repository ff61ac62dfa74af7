/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams that outlive their connections: the reader gets every item once and in order, and the
 * end, and the servant is run once, wherever and however often the connection is cut.
 */
#include <string.h>
#include "transport/numbers.h"

#define PATIENCE_MS  20000
#define ITEMS        40
#define CUTS         40 /* places where an exchange is cut */
#define WINDOW_BYTES (256u << 10)

/* A stream from its beginning to its end, with this status. */
typedef void (*read_all_fn)(suite_suite *proxy, uint32_t count, uint32_t size, pyr_status status);

static void observe_all(suite_suite *proxy, uint32_t count, uint32_t size, pyr_status status)
{
	watcher w = WATCHER_INIT;
	pyr_stream *items = numbers_ask(proxy, count, size, status);
	numbers_observe(items, &w);
	CHECK_AWAIT(&w.ends, 1);
	cr_assert_eq(w.status, status, "%s: %s", pyr_status_name(w.status), w.err.message);
	cr_assert_eq(tally_get(&w.items), count);
	pyr_stream_close(items);
	cr_assert_eq(tally_get(&w.ends), 1);
}

/* Cut somewhere */

/* How many bytes a stream takes that way, on a connection of its own. */
static size_t measure(scene *c, relay_way way, uint32_t size)
{
	suite_suite *proxy = numbers_open(c->s->context, c, PATIENCE_MS);
	numbers_pull_all(proxy, ITEMS, size, PYR_OK);
	size_t bytes = relay_carried(c->relay, way);
	suite_suite__close(proxy);
	relay_await_idle(c->relay);
	return bytes;
}

static void cut_everywhere(read_all_fn read_all, uint32_t size, uint32_t workers)
{
	suite_config config = {.daemon.workers = workers};
	scene *c = numbers_begin(&config);
	unsigned streams = 1, cuts = 0;
	for (unsigned i = 0; i < 4; i++) {
		relay_way way = i % 2 ? RELAY_UP : RELAY_DOWN;
		size_t total = measure(c, way, size);
		streams += i > 0;
		for (size_t bytes = 0; bytes < total; bytes += total / CUTS + 1, streams++) {
			suite_suite *proxy = numbers_open(c->s->context, c, PATIENCE_MS);
			unsigned before = relay_connections(c->relay);
			relay_limit_once(c->relay, way, bytes, i >= 2);
			read_all(proxy, ITEMS, size, streams % 2 ? PYR_OK : PYR_UNAVAILABLE);
			cuts += relay_connections(c->relay) > before + 1;
			suite_suite__close(proxy);
			relay_limit(c->relay, way, RELAY_NO_LIMIT, false);
			relay_await_idle(c->relay);
		}
	}
	cr_assert_eq(tally_get(&c->servant.begun), streams, "%u streams were begun %u times",
		streams, tally_get(&c->servant.begun));
	cr_assert_geq(cuts, streams / 2, "of %u streams %u were cut", streams, cuts);
	numbers_end(c);
}

Test(resume, C12_every_item_is_pulled_once_wherever_the_connection_is_cut)
{
	cut_everywhere(numbers_pull_all, 100, 0);
}

Test(resume, C12_every_item_is_pushed_once_wherever_the_connection_is_cut)
{
	cut_everywhere(observe_all, 100, 0);
}

Test(resume, C12_a_servant_of_a_pool_is_run_once_wherever_the_connection_is_cut)
{
	cut_everywhere(numbers_pull_all, 100, 2);
}

Test(resume, C12_long_items_come_once_wherever_the_connection_is_cut)
{
	cut_everywhere(numbers_pull_all, 100000, 0);
}

static void cut_often(read_all_fn read_all, uint32_t workers)
{
	suite_config config = {.daemon.workers = workers};
	scene *c = numbers_begin(&config);
	suite_suite *proxy = numbers_open(c->s->context, c, PATIENCE_MS);
	relay_limit(c->relay, RELAY_DOWN, 100000, workers > 0);
	read_all(proxy, 5000, 1000, PYR_ABORTED);
	cr_assert_geq(relay_connections(c->relay), 40);
	cr_assert_eq(tally_get(&c->servant.begun), 1);
	suite_suite__close(proxy);
	numbers_end(c);
}

Test(resume, C12_many_cuts_in_a_row_lose_nothing_of_what_is_pulled)
{
	cut_often(numbers_pull_all, 0);
	cut_often(numbers_pull_all, 2);
}

Test(resume, C12_many_cuts_in_a_row_lose_nothing_of_what_is_pushed)
{
	cut_often(observe_all, 0);
	cut_often(observe_all, 2);
}

Test(resume, C12_a_stream_that_asks_for_nothing_ends_with_its_connection)
{
	scene *c = numbers_begin(NULL);
	pyr_error err;
	suite_suite *proxy = numbers_open(c->s->context, c, 0);
	pyr_stream *items = numbers_ask(proxy, UINT32_MAX, 1000, PYR_OK);
	numbers_pull(items, 0, 10);
	relay_cut(c->relay);
	pyr_status status;
	const Suite__Blob *item;
	while ((status = suite_suite_down__next(items, &item, &err)) == PYR_OK && item)
		;
	cr_assert_eq(status, PYR_UNAVAILABLE);
	CHECK_AWAIT(&c->servant.cut_short, 1);
	pyr_stream_close(items);
	suite_suite__close(proxy);
	numbers_end(c);
}

/* In vain */

Test(resume, C12_a_stream_that_is_away_too_long_is_cancelled_and_its_reader_told)
{
	suite_config config = {.daemon.stream_linger_ms = 50};
	scene *c = numbers_begin(&config);
	pyr_error err;
	c->servant.holds = true;
	suite_suite *proxy = numbers_open(c->s->context, c, PATIENCE_MS);
	pyr_stream *items = numbers_ask(proxy, 11, 100, PYR_OK);
	numbers_pull(items, 0, 10);
	relay_close(c->relay);
	relay_cut(c->relay);
	CHECK_AWAIT(&c->servant.cut_short, 1);
	relay_open(c->relay);
	pyr_status status = numbers_pull_end(items, &err);
	numbers_check_in_vain(status, &err, "does not keep this stream");
	memset(&err, 0, sizeof err);
	status = numbers_pull_end(items, &err);
	numbers_check_in_vain(status, &err, "does not keep this stream");
	pyr_stream_close(items);
	suite_suite__close(proxy);
	numbers_end(c);
}

static void fail_while_away(bool pushed, uint32_t resume_ms, uint32_t timeout_ms)
{
	scene *c = numbers_begin(NULL);
	pyr_error err;
	watcher w = WATCHER_INIT;
	suite_suite *proxy;
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	options.resume_ms = resume_ms;
	options.timeout_ms = timeout_ms;
	c->servant.holds = true;
	CHECK_OK(suite_suite__open(c->s->context, c->reference, &options, &proxy, &err));
	pyr_stream *items = numbers_ask(proxy, 11, 100, PYR_OK);
	numbers_pull(items, 0, 10);
	relay_close(c->relay);
	relay_cut(c->relay);
	if (pushed) {
		numbers_observe(items, &w);
		CHECK_AWAIT(&w.ends, 1);
		err = w.err;
	} else {
		w.status = numbers_pull_end(items, &err);
	}
	if (timeout_ms)
		cr_assert_eq(w.status, PYR_DEADLINE_EXCEEDED, "%s", pyr_status_name(w.status));
	else
		numbers_check_in_vain(w.status, &err, "cannot connect");
	pyr_stream_close(items);
	suite_suite__close(proxy);
	numbers_end(c);
}

Test(resume, C12_who_cannot_connect_in_time_is_told)
{
	fail_while_away(false, 200, 0);
	fail_while_away(true, 200, 0);
}

Test(resume, C12_a_deadline_counts_while_a_stream_is_away)
{
	fail_while_away(false, PATIENCE_MS, 300);
	fail_while_away(true, PATIENCE_MS, 300);
}

Test(resume, C12_a_daemon_that_was_restarted_does_not_know_the_stream)
{
	static const suite_config config;
	char direct[PYR_REFERENCE_MAX];
	scene *c = numbers_begin(NULL);
	pyr_error err;
	suite_suite *proxy = numbers_open(c->s->context, c, PATIENCE_MS);
	pyr_stream *items = numbers_ask(proxy, UINT32_MAX, 1000, PYR_OK);
	numbers_pull(items, 0, 10);
	pyr_daemon *next = suite_new_daemon(c->s, &config);
	numbers_serve(next, c);
	suite_refer(next, "numbers", direct);
	relay_lead_to(c->relay, direct);
	pyr_daemon_stop(c->s->daemon, 0);
	pyr_status status;
	const Suite__Blob *item;
	while ((status = suite_suite_down__next(items, &item, &err)) == PYR_OK && item)
		;
	numbers_check_in_vain(status, &err, "restarted");
	cr_assert_eq(tally_get(&c->servant.begun), 1, "it has been begun again");
	pyr_stream_close(items);
	suite_suite__close(proxy);
	pyr_daemon_free(next);
	numbers_end(c);
}

Test(resume, C12_what_a_servant_fails_with_is_the_end)
{
	scene *c = numbers_begin(NULL);
	suite_suite *proxy = numbers_open(c->s->context, c, PATIENCE_MS);
	numbers_pull_all(proxy, 3, 100, PYR_UNAVAILABLE);
	observe_all(proxy, 3, 100, PYR_NOT_FOUND);
	numbers_pull_all(proxy, 0 + 1, 100, PYR_RESOURCE_EXHAUSTED);
	cr_assert_eq(tally_get(&c->servant.begun), 3);
	suite_suite__close(proxy);
	numbers_end(c);
}

/* Given up */

Test(resume, C12_who_cancels_is_not_waited_for)
{
	scene *c = numbers_begin(NULL);
	pyr_error err;
	suite_suite *proxy = numbers_open(c->s->context, c, PATIENCE_MS);
	pyr_stream *items = numbers_ask(proxy, UINT32_MAX, 1000, PYR_OK);
	numbers_pull(items, 0, 10);
	pyr_stream_cancel(items);
	CHECK_AWAIT(&c->servant.cut_short, 1);
	pyr_status status;
	const Suite__Blob *item;
	while ((status = suite_suite_down__next(items, &item, &err)) == PYR_OK && item)
		;
	cr_assert_eq(status, PYR_CANCELLED);
	pyr_stream_close(items);
	items = numbers_ask(proxy, UINT32_MAX, 1000, PYR_OK);
	numbers_pull(items, 0, 10);
	pyr_stream_close(items);
	CHECK_AWAIT(&c->servant.cut_short, 2);
	suite_suite__close(proxy);
	numbers_end(c);
}

typedef struct canceller {
	watcher witness;
	pyr_stream *items;
} canceller;

/* Once the loss of the connection is known, and the reader finds that nobody listens. */
static void *cancel_while_away(void *arg)
{
	canceller *who = arg;
	CHECK_AWAIT(&who->witness.ends, 1);
	pyr_stream_cancel(who->items);
	return NULL;
}

Test(resume, C12_a_stream_is_cancelled_while_it_is_away)
{
	for (int i = 0; i < 10; i++) {
		scene *c = numbers_begin(NULL);
		pyr_error err;
		pthread_t thread;
		c->servant.holds = true;
		suite_suite *proxy = numbers_open(c->s->context, c, PATIENCE_MS * 10);
		canceller who = {WATCHER_INIT, numbers_ask(proxy, 11, 100, PYR_OK)};
		numbers_pull(who.items, 0, 10);
		pyr_stream *mortal = numbers_witness(c, c->s->context, &who.witness);
		relay_close(c->relay);
		relay_cut(c->relay);
		pthread_create(&thread, NULL, cancel_while_away, &who);
		CHECK_STATUS(PYR_CANCELLED, numbers_pull_end(who.items, &err));
		cr_assert_str_eq(err.message, "the stream was cancelled");
		pthread_join(thread, NULL);
		pyr_stream_close(mortal);
		pyr_stream_close(who.items);
		suite_suite__close(proxy);
		numbers_end(c);
	}
}

Test(resume, C12_an_observed_stream_is_cancelled_closed_and_freed_while_it_is_away)
{
	scene *c = numbers_begin(NULL);
	enum { STREAMS = 3 };
	pyr_context *context = suite_new_context();
	suite_suite *proxy = numbers_open(context, c, PATIENCE_MS * 10);
	watcher w[STREAMS] = {WATCHER_INIT, WATCHER_INIT, WATCHER_INIT};
	pyr_stream *items[STREAMS];
	c->servant.holds = true;
	for (int i = 0; i < STREAMS; i++) {
		items[i] = numbers_ask(proxy, 11, 100, PYR_OK);
		numbers_observe(items[i], &w[i]);
		CHECK_AWAIT(&w[i].items, 10);
	}
	watcher lost = WATCHER_INIT;
	pyr_stream *mortal = numbers_witness(c, context, &lost);
	relay_close(c->relay);
	relay_cut(c->relay);
	CHECK_AWAIT(&lost.ends, 1);
	pyr_stream_cancel(items[0]);
	CHECK_AWAIT(&w[0].ends, 1);
	cr_assert_eq(w[0].status, PYR_CANCELLED);
	pyr_stream_close(items[1]);
	suite_suite__close(proxy);
	pyr_context_free(context);
	cr_assert_eq(tally_get(&w[1].ends), 0, "it was closed");
	cr_assert_eq(tally_get(&w[2].ends), 1);
	cr_assert_eq(w[2].status, PYR_CANCELLED);
	pyr_stream_close(mortal);
	pyr_stream_close(items[0]);
	pyr_stream_close(items[2]);
	numbers_end(c);
}

/* Back pressure */

Test(resume, C12_a_servant_that_nobody_reads_from_waits_while_the_stream_is_away)
{
	enum { SIZE = 1000, MOST = 3 * WINDOW_BYTES / SIZE };
	for (uint32_t workers = 0; workers <= 1; workers++) {
		suite_config config = {.daemon.workers = workers};
		scene *c = numbers_begin(&config);
		watcher lost = WATCHER_INIT;
		suite_suite *proxy = numbers_open(c->s->context, c, PATIENCE_MS);
		c->servant.holds = true;
		pyr_stream *mortal = numbers_witness(c, c->s->context, &lost);
		c->servant.holds = false;
		pyr_stream *items = numbers_ask(proxy, UINT32_MAX, SIZE, PYR_OK);
		numbers_pull(items, 0, 1);
		/*
		 * the reader stops, and so does the servant, when the window is full, and with it
		 * the only worker
		 */
		CHECK_AWAIT(&c->servant.sent, WINDOW_BYTES / SIZE);
		relay_close(c->relay);
		relay_cut(c->relay);
		CHECK_AWAIT(&c->servant.cut_short, 1);
		cr_assert_leq(tally_get(&c->servant.sent), MOST);
		relay_open(c->relay);
		numbers_pull(items, 1, 5 * MOST);
		cr_assert_leq(tally_get(&c->servant.sent), 6 * MOST);
		pyr_stream_close(mortal);
		pyr_stream_close(items);
		CHECK_AWAIT(&c->servant.cut_short, 2);
		cr_assert_eq(tally_get(&c->servant.begun), 2);
		suite_suite__close(proxy);
		numbers_end(c);
	}
}

Test(resume, C12_a_servant_goes_on_by_a_window_while_the_stream_is_away)
{
	enum { SIZE = 1000, WINDOW = WINDOW_BYTES / SIZE };
	scene *c = numbers_begin(NULL);
	watcher w = WATCHER_INIT;
	c->servant.holds = true;
	suite_suite *proxy = numbers_open(c->s->context, c, PATIENCE_MS);
	pyr_stream *items = numbers_ask(proxy, 4 * WINDOW + 1, SIZE, PYR_OK);
	relay_limit(c->relay, RELAY_DOWN, 2 * WINDOW_BYTES, false);
	numbers_observe(items, &w);
	CHECK_AWAIT(&w.items, 4 * WINDOW);
	cr_assert_geq(relay_connections(c->relay), 2);
	pyr_stream_close(items);
	suite_suite__close(proxy);
	numbers_end(c);
}
