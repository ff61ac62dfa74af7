/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nobody is there: calls fail at once and say where they looked, or, if the proxy says so, wait for
 * a server that comes late.
 */
#include <stdlib.h>
#include <string.h>
#include "transport/relay.h"
#include "transport/suite.h"

/* A daemon behind a relay that refuses connections at first. */
typedef struct scene {
	suite *s;
	relay *relay;
	char reference[PYR_REFERENCE_MAX];
	suite_suite *patient, *hasty; /* wait for it, or do not */
} scene;

static suite_suite *open_with(const scene *c, const pyr_proxy_options *options)
{
	pyr_error err;
	suite_suite *proxy;
	CHECK_OK(suite_suite__open(c->s->context, c->reference, options, &proxy, &err));
	return proxy;
}

static suite_suite *open_proxy(const scene *c, bool waits, uint32_t timeout_ms)
{
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	options.wait_for_ready = waits;
	options.timeout_ms = timeout_ms;
	return open_with(c, &options);
}

static scene begin(void)
{
	scene c = {.s = suite_begin(NULL)};
	c.relay = relay_new(c.s->reference, c.reference);
	relay_let_read(c.relay, suite_under_test.resets_late);
	relay_close(c.relay);
	c.patient = open_proxy(&c, true, 20000);
	c.hasty = open_proxy(&c, false, 20000);
	return c;
}

static void end(scene *c)
{
	suite_suite__close(c->patient);
	suite_suite__close(c->hasty);
	relay_free(c->relay);
	suite_end(c->s);
}

static pyr_status echo_later_large(suite_suite *proxy, pyr_error *ret_err)
{
	pyr_error err;
	suite_reply r = SUITE_REPLY_INIT;
	Suite__Blob request = suite_blob(100000);
	CHECK_OK(suite_suite_echo__invoke(proxy, &request, suite_on_blob, &r, NULL, &err));
	free(request.data.data);
	CHECK_AWAIT(&r.done, 1);
	*ret_err = r.err;
	cr_assert(r.status || r.value == 100000);
	return r.status;
}

static pyr_status converse(suite_suite *proxy, pyr_error *err)
{
	pyr_stream *stream;
	Suite__Blob blob = SUITE__BLOB__INIT;
	const Suite__Blob *message;
	pyr_status status = suite_suite_both(proxy, &stream, err);
	if (status)
		return status;
	status = suite_suite_both__send(stream, &blob, err);
	(void)status; /* next says what is wrong */
	status = suite_suite_both__next(stream, &message, err);
	cr_assert(status || message);
	pyr_stream_close(stream);
	return status;
}

static pyr_status flood(suite_suite *proxy, pyr_error *err)
{
	pyr_stream *stream;
	Suite__Flood request = SUITE__FLOOD__INIT;
	const Suite__Blob *message;
	request.count = 1;
	pyr_status status = suite_suite_down(proxy, &request, &stream, err);
	if (status)
		return status;
	status = suite_suite_down__next(stream, &message, err);
	cr_assert(status || message);
	pyr_stream_close(stream);
	return status;
}

static pyr_status connect_it(suite_suite *proxy, pyr_error *err)
{
	return pyr_proxy_connect(suite_suite__proxy(proxy), err);
}

typedef pyr_status (*caller)(suite_suite *proxy, pyr_error *err);
static const caller callers[] = {
	suite_echo, suite_echo_later, echo_later_large, converse, flood, connect_it};

#define CALLERS (sizeof callers / sizeof *callers)

static bool says_where(const scene *c, const pyr_error *err)
{
	const char *address = strrchr(c->reference, '@') + 1;
	if (strncmp(address, "pyrite-relay", 12) == 0)
		address =
			strchr(c->reference, '@') + 1; /* of a Unix socket with an abstract name */
	return strstr(err->message, address) || strstr(err->where, address);
}

static void check_nobody(scene *c, suite_suite *proxy, caller call)
{
	pyr_error err;
	int64_t before_ms = suite_now_ms();
	memset(&err, 0, sizeof err);
	CHECK_STATUS(PYR_UNAVAILABLE, call(proxy, &err));
	cr_assert_lt(suite_now_ms() - before_ms, 5000);
	cr_assert(says_where(c, &err), "%s: %s", err.where, err.message);
}

Test(ready, fails_at_once_where_nobody_listens)
{
	scene c = begin();
	for (size_t i = 0; i < CALLERS; i++)
		check_nobody(&c, c.hasty, callers[i]);
	relay_open(c.relay);
	for (size_t i = 0; i < CALLERS; i++) {
		pyr_error err;
		CHECK_OK(callers[i](c.hasty, &err));
	}
	end(&c);
}

typedef struct crowd {
	suite_suite *proxy;
	pthread_barrier_t *together;
	pyr_error err;
	pyr_status begun; /* the first that could not be invoked */
	unsigned failed;  /* in their callbacks */
} crowd;

#define CROWD_THREADS 8
#define CROWD_CALLS   200

static void *call_with_the_crowd(void *arg)
{
	crowd *one = arg;
	Suite__Blob request = SUITE__BLOB__INIT;
	pthread_barrier_wait(one->together);
	for (unsigned i = 0; i < CROWD_CALLS && one->begun == PYR_OK; i++) {
		suite_reply r = SUITE_REPLY_INIT;
		one->begun = suite_suite_echo__invoke(
			one->proxy, &request, suite_on_blob, &r, NULL, &one->err);
		if (one->begun == PYR_OK) {
			CHECK_AWAIT(&r.done, 1);
			one->failed += r.status == PYR_UNAVAILABLE;
		}
	}
	return NULL;
}

/* However many find the connection refused, that others dialed: who invokes hears of it later. */
Test(ready, tells_the_callbacks_of_a_crowd_that_nobody_listens)
{
	scene c = begin();
	pthread_t threads[CROWD_THREADS];
	crowd all[CROWD_THREADS];
	pthread_barrier_t together;
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	options.retries_max = UINT32_MAX; /* whose pauses would part the crowd */
	suite_suite *proxy = open_with(&c, &options);
	pthread_barrier_init(&together, NULL, CROWD_THREADS);
	for (size_t i = 0; i < CROWD_THREADS; i++) {
		all[i] = (crowd){.proxy = proxy, .together = &together};
		pthread_create(&threads[i], NULL, call_with_the_crowd, &all[i]);
	}
	for (size_t i = 0; i < CROWD_THREADS; i++) {
		pthread_join(threads[i], NULL);
		cr_assert_eq(all[i].begun, PYR_OK, "%s", all[i].err.message);
		cr_assert_eq(all[i].failed, CROWD_CALLS);
	}
	pthread_barrier_destroy(&together);
	suite_suite__close(proxy);
	end(&c);
}

Test(ready, fails_at_once_where_a_daemon_has_died)
{
	scene c = begin();
	pyr_error err;
	relay_open(c.relay);
	CHECK_OK(suite_echo(c.hasty, &err));
	relay_close(c.relay);
	pyr_daemon_free(c.s->daemon);
	c.s->daemon = NULL;
	relay_cut(c.relay);
	for (size_t i = 0; i < CALLERS; i++)
		check_nobody(&c, c.hasty, callers[i]);
	end(&c);
}

Test(ready, knows_that_what_reached_nobody_did_not_run)
{
	scene c = begin();
	pyr_error err;
	CHECK_STATUS(PYR_UNAVAILABLE, suite_echo(c.hasty, &err));
	cr_assert_eq(err.executed, PYR_EXECUTED_NO);
	CHECK_STATUS(PYR_UNAVAILABLE, suite_echo_later(c.hasty, &err));
	cr_assert_eq(err.executed, PYR_EXECUTED_NO);
	end(&c);
}

typedef struct waiting {
	suite_suite *proxy;
	caller call;
	tally done;
	pyr_status status;
	pyr_error err;
} waiting;

static void *call_once(void *arg)
{
	waiting *w = arg;
	w->status = w->call(w->proxy, &w->err);
	tally_add(&w->done, 1);
	return NULL;
}

Test(ready, waits_for_a_server_that_comes_late)
{
	scene c = begin();
	pthread_t threads[CALLERS];
	waiting all[CALLERS];
	int64_t before_ms = suite_now_ms();
	for (size_t i = 0; i < CALLERS; i++) {
		all[i] = (waiting){.proxy = c.patient, .call = callers[i], .done = TALLY_INIT};
		pthread_create(&threads[i], NULL, call_once, &all[i]);
	}
	for (size_t i = 0; i < CALLERS; i++)
		check_nobody(&c, c.hasty, callers[i]); /* meanwhile */
	for (size_t i = 0; i < CALLERS; i++)
		cr_assert_eq(tally_get(&all[i].done), 0);
	relay_open(c.relay);
	for (size_t i = 0; i < CALLERS; i++) {
		pthread_join(threads[i], NULL);
		cr_assert_eq(all[i].status, PYR_OK, "call %zu: %s: %s", i,
			pyr_status_name(all[i].status), all[i].err.message);
	}
	cr_assert_lt(suite_now_ms() - before_ms, 15000);
	end(&c);
}

Test(ready, waits_no_longer_than_its_deadline)
{
	scene c = begin();
	suite_suite *proxy = open_proxy(&c, true, 300);
	for (size_t i = 0; i < CALLERS; i++) {
		pyr_error err;
		int64_t before_ms = suite_now_ms();
		pyr_status status = callers[i](proxy, &err);
		int64_t took_ms = suite_now_ms() - before_ms;
		cr_assert(status == PYR_UNAVAILABLE || status == PYR_DEADLINE_EXCEEDED, "%s",
			pyr_status_name(status));
		cr_assert(says_where(&c, &err), "%s: %s", err.where, err.message);
		cr_assert(took_ms >= 250 && took_ms < 8000, "it took %ld ms", (long)took_ms);
	}
	suite_suite__close(proxy);
	end(&c);
}
