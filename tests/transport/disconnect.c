/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connection breaks, at every stage of a call and of every kind of stream: the caller hears of
 * it at once and truly, the servant sees a cancel, and the next call makes a new connection.
 */
#include <stdlib.h>
#include <string.h>
#include "transport/relay.h"
#include "transport/suite.h"

#define PATIENCE_MS 10000 /* of the calls */
#define AT_ONCE_MS  5000  /* in which a broken connection is heard of */
#define CUTS        60    /* places in an exchange where it is broken */
#define BEHIND_CUTS 10    /* of those, resets that come right behind data */
#define BEHIND_MS   1000  /* the deadline where such a reset may be heard of late */

/* A daemon behind a relay, and a proxy whose calls are never tried again. */
typedef struct scene {
	suite *s;
	relay *relay;
	char reference[PYR_REFERENCE_MAX];
	suite_suite *proxy;
	unsigned surely, perhaps; /* so many calls of Echo ran, by what their callers heard */
} scene;

static suite_suite *open_with(const scene *c, uint32_t timeout_ms)
{
	pyr_error err;
	suite_suite *proxy;
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	options.timeout_ms = timeout_ms;
	options.retries_max = UINT32_MAX;
	CHECK_OK(suite_suite__open(c->s->context, c->reference, &options, &proxy, &err));
	return proxy;
}

static suite_suite *open_proxy(const scene *c)
{
	return open_with(c, PATIENCE_MS);
}

static scene begin(const suite_config *config)
{
	scene c = {.s = suite_begin(config)};
	c.relay = relay_new(c.s->reference, c.reference);
	relay_let_read(c.relay, suite_under_test.resets_late);
	c.proxy = open_proxy(&c);
	return c;
}

static void end(scene *c)
{
	suite_suite__close(c->proxy);
	relay_free(c->relay);
	suite_end(c->s);
}

static void lift_limits(scene *c)
{
	relay_limit(c->relay, RELAY_UP, RELAY_NO_LIMIT, false);
	relay_limit(c->relay, RELAY_DOWN, RELAY_NO_LIMIT, false);
}

static void check_lost(pyr_status status, const pyr_error *err, int64_t before_ms)
{
	int64_t took_ms = suite_now_ms() - before_ms;
	cr_assert_neq(err->executed, PYR_EXECUTED_YES);
	cr_assert(err->message[0]);
	cr_assert_eq(status, PYR_UNAVAILABLE, "%s: %s", pyr_status_name(status), err->message);
	cr_assert_lt(took_ms, AT_ONCE_MS, "it took %ld ms", (long)took_ms);
}

/* A call of Echo, which is not idempotent. Any failure of it must be the connection's. */
static bool echo(scene *c, suite_suite *proxy, size_t size)
{
	pyr_error err;
	Suite__Blob request = suite_blob(size), *reply;
	int64_t before_ms = suite_now_ms();
	pyr_status status = suite_suite_echo(proxy, &request, &reply, &err);
	free(request.data.data);
	if (status == PYR_OK) {
		cr_assert_eq(reply->data.len, size);
		suite__blob__free_unpacked(reply, NULL);
		c->surely++;
		return true;
	}
	check_lost(status, &err, before_ms);
	c->perhaps += err.executed == PYR_EXECUTED_MAYBE;
	return false;
}

/* How many descriptors are open while there is one connection, which a call has made. */
static int descriptors_of_one(scene *c)
{
	suite_suite *proxy = open_proxy(c);
	cr_assert(echo(c, proxy, 10));
	int count = descriptors();
	suite_suite__close(proxy);
	relay_await_idle(c->relay);
	return count;
}

/* How many bytes a call takes that way, on a connection of its own. */
static size_t measure(scene *c, relay_way way, size_t size)
{
	suite_suite *proxy = open_proxy(c);
	cr_assert(echo(c, proxy, size));
	size_t bytes = relay_carried(c->relay, way);
	suite_suite__close(proxy);
	relay_await_idle(c->relay);
	return bytes;
}

/*
 * A call on a connection of its own, which is cut after so many bytes that way. True if it was lost
 * by that; what a transport sends besides the call may come or not.
 */
static bool cut_one(scene *c, relay_way way, size_t bytes, size_t size, bool abrupt)
{
	suite_suite *proxy = open_proxy(c);
	relay_limit(c->relay, way, bytes, abrupt);
	bool lost = !echo(c, proxy, size);
	relay_cut(c->relay);
	lift_limits(c);
	cr_assert(!lost || echo(c, proxy, size), "the next call did not connect anew");
	suite_suite__close(proxy);
	relay_await_idle(c->relay);
	return lost;
}

/* What callers were told agrees with how often the servant ran. */
static void check_runs(scene *c)
{
	pyr_daemon_stop(c->s->daemon, 0);
	unsigned ran = tally_get(&c->s->servant.echo_count);
	cr_assert(ran >= c->surely && ran <= c->surely + c->perhaps,
		"%u ran, %u surely and %u perhaps", ran, c->surely, c->perhaps);
}

static void cut_everywhere(relay_way way, size_t size, unsigned cuts, bool abrupt)
{
	scene c = begin(NULL);
	size_t total = measure(&c, way, size);
	size_t step = total / cuts ? total / cuts : 1;
	unsigned made = 0, lost = 0;
	for (size_t bytes = 0; bytes < total; bytes += step, made++)
		lost += cut_one(&c, way, bytes, size, abrupt);
	cr_assert_geq(lost, made / 2, "of %u calls only %u were lost", made, lost);
	check_runs(&c);
	end(&c);
}

/* The handshake, or whatever the transport begins with, comes before. */
Test(disconnect, at_many_bytes_of_a_request)
{
	cut_everywhere(RELAY_UP, 10, CUTS, false);
}

Test(disconnect, abruptly_at_many_bytes_of_a_request)
{
	cut_everywhere(RELAY_UP, 10, CUTS, true);
}

Test(disconnect, at_many_bytes_of_a_reply)
{
	cut_everywhere(RELAY_DOWN, 10, CUTS, false);
}

Test(disconnect, abruptly_at_many_bytes_of_a_reply)
{
	cut_everywhere(RELAY_DOWN, 10, CUTS, true);
}

/*
 * A reset that may be read together with the data before it. What hears of it late does so when the
 * deadline passes, and then only the next call finds that there is no connection any more.
 */
static bool cut_behind(scene *c, size_t bytes)
{
	pyr_error err;
	Suite__Blob request = suite_blob(10), *reply = NULL;
	bool late = suite_under_test.resets_late;
	suite_suite *proxy = open_with(c, late ? BEHIND_MS : PATIENCE_MS);
	suite_suite *next = open_proxy(c);
	relay_limit(c->relay, RELAY_DOWN, bytes, true);
	pyr_status status = suite_suite_echo(proxy, &request, &reply, &err);
	bool lost = status != PYR_OK;
	if (lost) {
		cr_assert(status == PYR_UNAVAILABLE || (late && status == PYR_DEADLINE_EXCEEDED),
			"%s: %s", pyr_status_name(status), err.message);
		cr_assert_neq(err.executed, PYR_EXECUTED_YES);
		c->perhaps += err.executed == PYR_EXECUTED_MAYBE;
	} else {
		suite__blob__free_unpacked(reply, NULL);
		c->surely++;
	}
	relay_cut(c->relay);
	lift_limits(c);
	bool anew = echo(c, next, 10) || (late && echo(c, next, 10));
	cr_assert(anew, "the next call did not connect anew");
	suite_suite__close(next);
	suite_suite__close(proxy);
	relay_await_idle(c->relay);
	free(request.data.data);
	return lost;
}

Test(disconnect, right_behind_data)
{
	scene c = begin(NULL);
	relay_let_read(c.relay, false);
	size_t total = measure(&c, RELAY_DOWN, 10);
	unsigned lost = 0;
	for (size_t i = 0; i < BEHIND_CUTS; i++)
		lost += cut_behind(&c, total * i / BEHIND_CUTS);
	cr_assert_geq(lost, BEHIND_CUTS / 2, "only %u calls were lost", lost);
	check_runs(&c);
	end(&c);
}

/* Longer than what sockets and windows hold. */
#define LARGE_BYTES (3u << 20)

Test(disconnect, in_the_middle_of_a_long_request)
{
	scene c = begin(NULL);
	for (size_t bytes = 1000; bytes < LARGE_BYTES; bytes *= 7) {
		cr_assert(cut_one(&c, RELAY_UP, bytes, LARGE_BYTES, false));
		cr_assert(cut_one(&c, RELAY_UP, bytes, LARGE_BYTES, true));
	}
	pyr_daemon_stop(c.s->daemon, 0);
	cr_assert_eq(tally_get(&c.s->servant.echo_count), c.surely, "half a request was served");
	end(&c);
}

Test(disconnect, in_the_middle_of_a_long_reply)
{
	scene c = begin(NULL);
	for (size_t bytes = 1000; bytes < LARGE_BYTES; bytes *= 7) {
		cr_assert(cut_one(&c, RELAY_DOWN, bytes, LARGE_BYTES, false));
		cr_assert(cut_one(&c, RELAY_DOWN, bytes, LARGE_BYTES, true));
	}
	check_runs(&c);
	end(&c);
}

/* While a servant works */

static void *cut_held(void *arg)
{
	scene *c = arg;
	CHECK_AWAIT(&c->s->servant.held_count, 1);
	relay_cut(c->relay);
	return NULL;
}

static void lose_waiting_call(scene c)
{
	pyr_error err;
	pthread_t thread;
	Suite__Number request = SUITE__NUMBER__INIT, *reply;
	pthread_create(&thread, NULL, cut_held, &c);
	int64_t before_ms = suite_now_ms();
	pyr_status status = suite_suite_hold(c.proxy, &request, &reply, &err);
	check_lost(status, &err, before_ms);
	cr_assert_eq(err.executed, PYR_EXECUTED_MAYBE);
	pthread_join(thread, NULL);
	CHECK_AWAIT(&c.s->servant.cancelled_count, 1);
	cr_assert(pyr_call_cancelled(c.s->servant.held[0]));
	cr_assert_neq(servant_answer(&c.s->servant, 0, 1), PYR_FAILED_PRECONDITION);
	cr_assert(echo(&c, c.proxy, 10), "the next call did not connect anew");
	end(&c);
}

Test(disconnect, while_a_servant_works_for_who_waits)
{
	lose_waiting_call(begin(NULL));
}

Test(disconnect, while_a_servant_of_a_pool_works)
{
	suite_config config = {.daemon.workers = 2};
	lose_waiting_call(begin(&config));
}

Test(disconnect, while_servants_work_for_many_callbacks)
{
	enum { CALLS = 50 };
	scene c = begin(NULL);
	pyr_error err;
	suite_reply r = SUITE_REPLY_INIT;
	Suite__Number request = SUITE__NUMBER__INIT;
	for (unsigned i = 0; i < CALLS; i++)
		CHECK_OK(suite_suite_hold__invoke(
			c.proxy, &request, suite_on_number, &r, NULL, &err));
	CHECK_AWAIT(&c.s->servant.held_count, CALLS);
	int64_t before_ms = suite_now_ms();
	relay_cut(c.relay);
	CHECK_AWAIT(&r.done, CALLS);
	check_lost(r.status, &r.err, before_ms);
	cr_assert_eq(r.err.executed, PYR_EXECUTED_MAYBE);
	CHECK_AWAIT(&c.s->servant.cancelled_count, CALLS);
	cr_assert(echo(&c, c.proxy, 10), "the next call did not connect anew");
	cr_assert_eq(tally_get(&r.done), CALLS);
	end(&c);
}

/* Streams, cut by the relay at a byte of theirs that it knows and nobody else */

#define STREAM_BYTES 10000

static pyr_status pull_all(pyr_stream *stream, unsigned *ret_count, pyr_error *err)
{
	const Suite__Blob *message;
	pyr_status status;
	*ret_count = 0;
	while ((status = suite_suite_down__next(stream, &message, err)) == PYR_OK && message)
		(*ret_count)++;
	return status;
}

/* The servant has heard of the end of its streams, and the connection is replaced. */
static void check_stream_lost(scene *c, suite_suite *proxy, unsigned streams)
{
	CHECK_AWAIT(&c->s->servant.interrupted_count, streams);
	lift_limits(c);
	cr_assert(echo(c, proxy, 10), "the next call did not connect anew");
}

static void lose_down(scene *c, suite_suite *proxy, relay_way way, bool abrupt)
{
	pyr_error err;
	unsigned came;
	pyr_stream *stream;
	Suite__Flood request = SUITE__FLOOD__INIT;
	request.count = UINT32_MAX;
	request.size = 1000;
	relay_limit(c->relay, way, STREAM_BYTES, abrupt);
	int64_t before_ms = suite_now_ms();
	CHECK_OK(suite_suite_down(proxy, &request, &stream, &err));
	pyr_status status = pull_all(stream, &came, &err);
	check_lost(status, &err, before_ms);
	cr_assert_lt(came, STREAM_BYTES / 1000);
	memset(&err, 0, sizeof err);
	cr_assert_eq(pull_all(stream, &came, &err), PYR_UNAVAILABLE, "it is said only once");
	pyr_stream_close(stream);
}

static void lose_up(scene *c, suite_suite *proxy, relay_way way, bool abrupt)
{
	pyr_error err;
	pyr_stream *stream;
	Suite__Blob blob = suite_blob(1000);
	const Suite__Number *reply;
	unsigned received = tally_get(&c->s->servant.received_count);
	relay_limit(c->relay, way, STREAM_BYTES, abrupt);
	int64_t before_ms = suite_now_ms();
	CHECK_OK(suite_suite_up(proxy, &stream, &err));
	CHECK_OK(suite_suite_up__send(stream, &blob, &err));
	CHECK_AWAIT(&c->s->servant.received_count, received + 1);
	pyr_status status;
	do
		status = suite_suite_up__send(stream, &blob, &err);
	while (status == PYR_OK);
	/* why is for next to say */
	cr_assert(status == PYR_UNAVAILABLE || status == PYR_CANCELLED, "%s",
		pyr_status_name(status));
	status = suite_suite_up__next(stream, &reply, &err);
	check_lost(status, &err, before_ms);
	cr_assert_neq(suite_suite_up__send(stream, &blob, &err), PYR_OK);
	pyr_stream_close(stream);
	free(blob.data.data);
}

/* Says something and hears it, until the connection is cut. */
static void lose_both(scene *c, suite_suite *proxy, relay_way way, bool abrupt)
{
	pyr_error err;
	pyr_stream *stream;
	Suite__Blob blob = suite_blob(1000);
	const Suite__Blob *message;
	relay_limit(c->relay, way, STREAM_BYTES, abrupt);
	int64_t before_ms = suite_now_ms();
	CHECK_OK(suite_suite_both(proxy, &stream, &err));
	pyr_status status;
	do {
		status = suite_suite_both__send(stream, &blob, &err);
		(void)status; /* next says it */
		status = suite_suite_both__next(stream, &message, &err);
	} while (status == PYR_OK && message);
	check_lost(status, &err, before_ms);
	pyr_stream_close(stream);
	free(blob.data.data);
}

static void lose_streams(void (*lose)(scene *c, suite_suite *proxy, relay_way way, bool abrupt),
	relay_way way, uint32_t workers)
{
	suite_config config = {.daemon.workers = workers};
	scene c = begin(&config);
	for (unsigned i = 0; i < 6; i++) {
		suite_suite *proxy = open_proxy(&c);
		lose(&c, proxy, way, i % 2);
		check_stream_lost(&c, proxy, i + 1);
		suite_suite__close(proxy);
	}
	end(&c);
}

Test(disconnect, in_the_middle_of_a_server_stream)
{
	lose_streams(lose_down, RELAY_DOWN, 0);
}

Test(disconnect, in_the_middle_of_a_client_stream_that_is_observed)
{
	lose_streams(lose_up, RELAY_UP, 0);
}

Test(disconnect, in_the_middle_of_a_client_stream_that_is_pulled)
{
	lose_streams(lose_up, RELAY_UP, 2);
}

Test(disconnect, in_the_middle_of_a_conversation_that_is_observed)
{
	lose_streams(lose_both, RELAY_UP, 0);
	lose_streams(lose_both, RELAY_DOWN, 0);
}

Test(disconnect, in_the_middle_of_a_conversation_that_is_pulled)
{
	lose_streams(lose_both, RELAY_UP, 2);
	lose_streams(lose_both, RELAY_DOWN, 2);
}

typedef struct watched {
	tally ends;
	pyr_status status;
	pyr_error err;
} watched;

static void on_message(
	void *ctx, pyr_status status, const Suite__Blob *message, const pyr_error *err)
{
	watched *w = ctx;
	if (status == PYR_OK && message)
		return;
	w->status = status;
	if (err)
		w->err = *err;
	tally_add(&w->ends, 1);
}

Test(disconnect, of_streams_that_are_idle)
{
	enum { STREAMS = 10 };
	scene c = begin(NULL);
	pyr_error err;
	pyr_stream *streams[STREAMS];
	watched w = {.ends = TALLY_INIT};
	Suite__Blob blob = suite_blob(10);
	for (unsigned i = 0; i < STREAMS; i++) {
		CHECK_OK(suite_suite_both(c.proxy, &streams[i], &err));
		CHECK_OK(suite_suite_both__observe(streams[i], on_message, &w, &err));
		CHECK_OK(suite_suite_both__send(streams[i], &blob, &err));
	}
	CHECK_AWAIT(&c.s->servant.received_count, STREAMS);
	int64_t before_ms = suite_now_ms();
	relay_cut(c.relay);
	CHECK_AWAIT(&w.ends, STREAMS);
	check_lost(w.status, &w.err, before_ms);
	check_stream_lost(&c, c.proxy, STREAMS);
	for (unsigned i = 0; i < STREAMS; i++)
		pyr_stream_close(streams[i]);
	free(blob.data.data);
	end(&c);
}

/* What is kept for a caller */

static void add_one(void *resource)
{
	tally_add(resource, 1);
}

/* Tracks self for the caller. */
static void count_and_track(void *self, pyr_call *call, const Suite__Nothing *request)
{
	(void)request;
	pyr_error err;
	pyr_status status = pyr_call_track(call, self, add_one, &err);
	Suite__Number reply = SUITE__NUMBER__INIT;
	if (status)
		pyr_call_fail_error(call, &err, NULL, 0);
	else
		suite_suite_count__reply(call, &reply);
}

Test(disconnect, D5_closes_once_what_was_kept_for_a_caller_that_crashed)
{
	static const suite_suite_ops tracking_ops = {.count = count_and_track};
	scene c = begin(NULL);
	pyr_error err;
	tally closed = TALLY_INIT;
	pyr_status status, tracked = PYR_OK;
	if (suite_under_test.ends_unseen)
		tracked = PYR_FAILED_PRECONDITION;
	CHECK_OK(pyr_daemon_unregister(c.s->daemon, "suite", NULL, &err));
	CHECK_OK(suite_suite__serve(c.s->daemon, "suite", &tracking_ops, &closed, &err));
	for (unsigned i = 1; i <= 5; i++) {
		status = suite_count(c.proxy, &err);
		if (status == PYR_UNAVAILABLE) /* it went out before the end was noticed */
			status = suite_count(c.proxy, &err);
		cr_assert_eq(status, tracked);
		relay_cut(c.relay);
		if (tracked == PYR_OK)
			CHECK_AWAIT(&closed, i);
	}
	end(&c);
	cr_assert_eq(tally_get(&closed), tracked == PYR_OK ? 5 : 0);
}

/* Between two calls */

Test(disconnect, between_calls)
{
	scene c = begin(NULL);
	cr_assert(echo(&c, c.proxy, 10));
	for (int i = 0; i < 20; i++) {
		relay_cut(c.relay);
		/* what goes out before the end is noticed is lost, but only once */
		if (!echo(&c, c.proxy, 10))
			cr_assert(echo(&c, c.proxy, 10), "it did not connect anew");
	}
	check_runs(&c);
	end(&c);
}

/* A peer that takes connections, and no notice of them */

static void wait_in_vain(uint32_t connect_timeout_ms, uint32_t timeout_ms, pyr_status wanted)
{
	suite_config config = {.context.connect_timeout_ms = connect_timeout_ms};
	scene c = begin(&config);
	pyr_error err;
	suite_suite *proxy;
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	Suite__Blob request = SUITE__BLOB__INIT, *reply;
	int one = descriptors_of_one(&c);
	relay_ignore(c.relay, true);
	options.timeout_ms = timeout_ms;
	options.retries_max = UINT32_MAX;
	CHECK_OK(suite_suite__open(c.s->context, c.reference, &options, &proxy, &err));
	int64_t before_ms = suite_now_ms();
	CHECK_STATUS(wanted, suite_suite_echo(proxy, &request, &reply, &err));
	cr_assert_lt(suite_now_ms() - before_ms, AT_ONCE_MS);
	cr_assert(strstr(err.where, strrchr(c.reference, '@') + 1) ||
			  strstr(err.message, strrchr(c.reference, '@') + 1),
		"%s: %s", err.where, err.message);
	suite_suite__close(proxy);
	relay_ignore(c.relay, false); /* now the peer answers, to nobody */
	cr_assert(echo(&c, c.proxy, 10));
	/* what gRPC's core was still connecting it gives back only while it is used */
	int64_t until_ms = suite_now_ms() + PATIENCE_MS;
	while (descriptors() > one && suite_now_ms() < until_ms)
		cr_assert(echo(&c, c.proxy, 10));
	end(&c);
}

Test(disconnect, by_a_silent_peer_at_the_deadline)
{
	wait_in_vain(0, 200, PYR_DEADLINE_EXCEEDED);
}

Test(disconnect, by_a_silent_peer_after_the_time_for_connecting)
{
	wait_in_vain(1000, PATIENCE_MS, PYR_UNAVAILABLE);
}
