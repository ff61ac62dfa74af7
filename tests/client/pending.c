/* SPDX-License-Identifier: Apache-2.0 */
/* Asynchronous calls: whose callback runs when, and what is tried again. */
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "client/proxy.h"
#include "native/socket.h"
#include "transport/suite.h"

static Suite__Number number = SUITE__NUMBER__INIT;
static Suite__Nothing nothing = SUITE__NOTHING__INIT;

/* A place where every connection is accepted and hung up at once; it counts them. */
typedef struct hangup {
	pyr_context *context;
	int listening;
	pthread_t thread;
	tally count;
	char reference[PYR__PEER_TEXT_MAX + 16];
} hangup;

static void *hang_up(void *arg)
{
	hangup *h = arg;
	int fd;
	while ((fd = accept(h->listening, NULL, NULL)) >= 0) {
		close(fd);
		tally_add(&h->count, 1);
	}
	return NULL;
}

static void hangup_begin(hangup *h)
{
	pyr_error err;
	pyr__address bound;
	pyr_reference where = {.scheme = PYR_SCHEME_PYR, .target = "suite"};
	*h = (hangup){.count = TALLY_INIT};
	CHECK_OK(pyr_endpoint_parse("127.0.0.1:0", &where, &err));
	CHECK_OK(pyr__socket_listen(&where, &h->listening, &bound, &err));
	int flags = fcntl(h->listening, F_GETFL);
	fcntl(h->listening, F_SETFL, flags & ~O_NONBLOCK);
	char text[PYR__PEER_TEXT_MAX];
	pyr__socket_text(&bound, text, sizeof text);
	snprintf(h->reference, sizeof h->reference, "pyr:suite@%s", text);
	CHECK_OK(pyr_context_new(NULL, &h->context, &err));
	pthread_create(&h->thread, NULL, hang_up, h);
}

static void hangup_end(hangup *h)
{
	shutdown(h->listening, SHUT_RDWR);
	pthread_join(h->thread, NULL);
	close(h->listening);
	pyr_context_free(h->context);
	CHECK_LEAKS();
}

static suite_suite *hangup_open(hangup *h, uint32_t retries_max)
{
	pyr_error err;
	suite_suite *proxy;
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	options.retries_max = retries_max;
	CHECK_OK(suite_suite__open(h->context, h->reference, &options, &proxy, &err));
	return proxy;
}

Test(pending, tries_an_idempotent_call_again_as_often_as_it_may)
{
	static const struct {
		uint32_t retries_max;
		unsigned tries;
	} cases[] = {{UINT32_MAX, 1}, {1, 2}, {0, 3}, {4, 5}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		hangup h;
		pyr_error err;
		suite_reply r = SUITE_REPLY_INIT;
		hangup_begin(&h);
		suite_suite *proxy = hangup_open(&h, cases[i].retries_max);
		CHECK_OK(suite_suite_count__invoke(
			proxy, &nothing, suite_on_number, &r, NULL, &err));
		CHECK_AWAIT(&r.done, 1);
		cr_assert_eq(r.status, PYR_UNAVAILABLE);
		cr_assert(strstr(r.err.message, "127.0.0.1:"), "%s", r.err.message);
		cr_assert(strstr(r.err.where, "suite.Suite/Count"), "%s", r.err.where);
		CHECK_AWAIT(&h.count, cases[i].tries); /* the last is counted after its end */
		cr_assert_eq(tally_get(&h.count), cases[i].tries, "%u tries, not %u",
			tally_get(&h.count), cases[i].tries);
		suite_suite__close(proxy);
		hangup_end(&h);
	}
}

Test(pending, tries_no_call_again_that_may_have_run)
{
	hangup h;
	pyr_error err;
	suite_reply r = SUITE_REPLY_INIT;
	hangup_begin(&h);
	suite_suite *proxy = hangup_open(&h, 10);
	CHECK_OK(suite_suite_hold__invoke(proxy, &number, suite_on_number, &r, NULL, &err));
	CHECK_AWAIT(&r.done, 1);
	cr_assert_eq(r.status, PYR_UNAVAILABLE);
	cr_assert_eq(r.err.executed, PYR_EXECUTED_MAYBE);
	cr_assert_eq(tally_get(&h.count), 1);
	suite_suite__close(proxy);
	hangup_end(&h);
}

Test(pending, calls_no_callback_when_it_returns_an_error)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	suite_reply r = SUITE_REPLY_INIT;
	pyr_pending *pending = (pyr_pending *)&err;
	Suite__Failure failure = SUITE__FAILURE__INIT;
	failure.message = "\xff";
	CHECK_STATUS(PYR_INVALID_ARGUMENT,
		suite_suite_fail__invoke(s->proxy, &failure, NULL, &r, &pending, &err));
	cr_assert(strstr(err.where, "suite.Suite/Fail"), "%s", err.where);
	cr_assert_eq(err.executed, PYR_EXECUTED_NO);
	cr_assert_eq(pending, (pyr_pending *)&err, "ret_pending was touched");
	pyr_pending_unref(NULL);
	suite_end(s);
}

Test(pending, is_cancelled_twice_and_told_once)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	suite_reply r = SUITE_REPLY_INIT;
	pyr_pending *pending;
	CHECK_OK(suite_suite_hold__invoke(s->proxy, &number, suite_on_number, &r, &pending, &err));
	CHECK_AWAIT(&s->servant.held_count, 1);
	pyr_pending_cancel(pending);
	pyr_pending_cancel(pending);
	CHECK_AWAIT(&r.done, 1);
	cr_assert_eq(r.status, PYR_CANCELLED);
	cr_assert_str_eq(r.err.message, "the call was cancelled");
	CHECK_AWAIT(&s->servant.cancelled_count, 1);
	pyr_pending_cancel(pending);
	pyr_pending_unref(pending);
	suite_end(s);
	cr_assert_eq(tally_get(&r.done), 1);
}

/* It waits for its second try most of the time. */
Test(pending, is_cancelled_between_two_tries)
{
	pyr_context *context;
	pyr_error err;
	suite_suite *proxy;
	suite_reply r = SUITE_REPLY_INIT;
	pyr_pending *pending;
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	options.retries_max = 1000000;
	CHECK_OK(pyr_context_new(NULL, &context, &err));
	CHECK_OK(suite_suite__open(context, "pyr:x@unix:/nowhere/at-all", &options, &proxy, &err));
	CHECK_OK(suite_suite_hold__invoke(proxy, &number, suite_on_number, &r, &pending, &err));
	pyr_pending_cancel(pending);
	CHECK_AWAIT(&r.done, 1);
	cr_assert_eq(r.status, PYR_CANCELLED);
	pyr_pending_unref(pending);
	suite_suite__close(proxy);
	pyr_context_free(context);
	CHECK_LEAKS();
}

/* Abandoning while the callback runs on another thread */

typedef struct slow_reply {
	tally begun;
	_Atomic int ended;
	pyr_pending *pending;
	int ended_when_abandoned; /* as the thread that abandons it saw it */
} slow_reply;

static void on_slow(void *ctx, pyr_status status, const Suite__Number *reply, const pyr_error *err)
{
	(void)status;
	(void)reply;
	(void)err;
	slow_reply *r = ctx;
	struct timespec a_while = {0, 30000000}; /* this one takes its time */
	tally_add(&r->begun, 1);
	nanosleep(&a_while, NULL);
	r->ended = 1;
}

static void abandon_it(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	slow_reply *r = arg;
	pyr_pending_abandon(r->pending);
	r->ended_when_abandoned = r->ended;
}

Test(pending, is_not_running_any_more_once_abandon_has_returned)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	slow_reply r = {.begun = TALLY_INIT};
	CHECK_OK(suite_suite_count__invoke(s->proxy, &nothing, on_slow, &r, &r.pending, &err));
	CHECK_AWAIT(&r.begun, 1);
	abandon_it(-1, 0, &r);
	cr_assert(r.ended_when_abandoned);
	pyr_pending_abandon(r.pending); /* once more */
	pyr_pending_unref(r.pending);
	suite_end(s);
}

/* The same on a thread that is inside a callback of another loop. */
Test(pending, is_not_running_any_more_once_abandon_has_returned_in_another_loop)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	pyr_daemon *other; /* whose loop this thread runs */
	slow_reply r = {.begun = TALLY_INIT};
	CHECK_OK(suite_suite_count__invoke(s->proxy, &nothing, on_slow, &r, &r.pending, &err));
	CHECK_AWAIT(&r.begun, 1);
	pyr_daemon_options options = PYR_DAEMON_OPTIONS_INIT;
	options.context = s->host_context;
	CHECK_OK(pyr_daemon_new(&options, &other, &err));
	event_base_once(pyr_daemon_base(other), -1, EV_TIMEOUT, abandon_it, &r, NULL);
	pyr_daemon_stop_from_signal(other, 0);
	CHECK_OK(pyr_daemon_run(other, &err));
	pyr_daemon_free(other);
	cr_assert(r.ended_when_abandoned);
	pyr_pending_unref(r.pending);
	suite_end(s);
}

static void *abandon(void *pending)
{
	pyr_pending_abandon(pending);
	return NULL;
}

/* Nobody dispatches the loop that the callback has run on. */
Test(pending, is_abandoned_at_once_when_it_has_run)
{
	struct event_base *base = event_base_new();
	pyr_context_options options = PYR_CONTEXT_OPTIONS_INIT;
	options.base = base;
	pyr_context *context;
	pyr_error err;
	suite_suite *proxy;
	pyr_pending *pending;
	suite_reply r = SUITE_REPLY_INIT;
	CHECK_OK(pyr_context_new(&options, &context, &err));
	pyr_proxy_options once = PYR_PROXY_OPTIONS_INIT;
	once.retries_max = UINT32_MAX;
	CHECK_OK(suite_suite__open(context, "pyr:x@unix:/nowhere/at-all", &once, &proxy, &err));
	CHECK_OK(suite_suite_hold__invoke(proxy, &number, suite_on_number, &r, &pending, &err));
	while (tally_get(&r.done) == 0)
		event_base_loop(base, EVLOOP_ONCE);
	cr_assert_eq(r.status, PYR_UNAVAILABLE);
	pthread_t thread;
	pthread_create(&thread, NULL, abandon, pending);
	pthread_join(thread, NULL);
	pyr_pending_unref(pending);
	suite_suite__close(proxy);
	pyr_context_free(context);
	event_base_free(base);
	CHECK_LEAKS();
}
