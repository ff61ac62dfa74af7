/* SPDX-License-Identifier: Apache-2.0 */
/* Functions around every call, on both sides. Pyro has none; gRPC's and CORBA's are the model. */
#include <pyrite/interceptor.h>
#include <stdio.h>
#include <string.h>
#include "transport/suite.h"

/* What happened, in its order: "a> b> <b <a ". Each side's calls come one after the other. */
typedef struct diary {
	pthread_mutex_t lock;
	char text[512];
} diary;

#define DIARY_INIT                                                                                 \
	{                                                                                          \
		.lock = PTHREAD_MUTEX_INITIALIZER                                                  \
	}

static void note(diary *d, const char *format, char who)
{
	pthread_mutex_lock(&d->lock);
	size_t used = strlen(d->text);
	snprintf(d->text + used, sizeof d->text - used, format, who);
	pthread_mutex_unlock(&d->lock);
}

/* One interceptor of either side. */
typedef struct watcher {
	diary *diary;
	char name;
	pyr_status refuses;
	tally begun, ended;
	pyr_status last;  /* what the last one ended with */
	const char *adds; /* metadata of that value, in begin */
	char saw[64];     /* of the server: that metadata */
} watcher;

static watcher new_watcher(diary *d, char name)
{
	return (watcher){.diary = d, .name = name, .begun = TALLY_INIT, .ended = TALLY_INIT};
}

static pyr_status begin_out(void *ctx, pyr_outgoing *call, void **state, pyr_error *err)
{
	watcher *w = ctx;
	cr_assert_null(*state);
	cr_assert_eq(strncmp(call->method, "suite.Suite/", 12), 0);
	note(w->diary, "%c> ", w->name);
	tally_add(&w->begun, 1);
	if (w->adds)
		cr_assert_eq(pyr_metadata_add(call->metadata, "added", w->adds, err), PYR_OK);
	*state = w;
	if (w->refuses)
		return pyr_error_set(err, w->refuses, "%c says no", w->name);
	return PYR_OK;
}

static void end_out(
	void *ctx, const pyr_outgoing *call, void *state, pyr_status status, const pyr_error *err)
{
	watcher *w = ctx;
	cr_assert_eq(state, w);
	cr_assert_eq(strncmp(call->method, "suite.Suite/", 12), 0);
	cr_assert_eq(status == PYR_OK, err == NULL);
	note(w->diary, "<%c ", w->name);
	w->last = status;
	tally_add(&w->ended, 1);
}

static pyr_status begin_in(void *ctx, pyr_call *call, void **state, pyr_error *err)
{
	watcher *w = ctx;
	const char *added = pyr_metadata_get(pyr_call_metadata(call), "added");
	cr_assert_null(*state);
	snprintf(w->saw, sizeof w->saw, "%s", added ? added : "");
	note(w->diary, "%c> ", w->name);
	tally_add(&w->begun, 1);
	*state = w;
	if (w->refuses)
		return pyr_error_set(err, w->refuses, "%c says no", w->name);
	return PYR_OK;
}

static void end_in(void *ctx, pyr_call *call, void *state, pyr_status status)
{
	watcher *w = ctx;
	cr_assert_eq(state, w);
	cr_assert(*pyr_call_method(call));
	note(w->diary, "<%c ", w->name);
	w->last = status;
	tally_add(&w->ended, 1);
}

static void add_client(suite *s, watcher *w)
{
	pyr_error err;
	pyr_client_interceptor interceptor = PYR_CLIENT_INTERCEPTOR_INIT;
	interceptor.begin = begin_out;
	interceptor.end = end_out;
	interceptor.ctx = w;
	CHECK_OK(pyr_context_intercept(s->context, &interceptor, &err));
}

static void add_server(suite *s, watcher *w)
{
	pyr_error err;
	pyr_server_interceptor interceptor = PYR_SERVER_INTERCEPTOR_INIT;
	interceptor.begin = begin_in;
	interceptor.end = end_in;
	interceptor.ctx = w;
	CHECK_OK(pyr_daemon_intercept(s->daemon, &interceptor, &err));
}

/* Two on each side. */
typedef struct watched {
	suite *s;
	diary out, in;
	watcher clients[2], servers[2];
} watched;

static void begin(watched *w, uint32_t workers)
{
	*w = (watched){.out = DIARY_INIT, .in = DIARY_INIT};
	w->s = suite_begin_pool(workers);
	for (int i = 0; i < 2; i++) {
		w->clients[i] = new_watcher(&w->out, (char)('a' + i));
		w->servers[i] = new_watcher(&w->in, (char)('1' + i));
		add_client(w->s, &w->clients[i]);
		add_server(w->s, &w->servers[i]);
	}
}

/* Each of them has seen so many calls, and the end of each. */
static void check_all(watched *w, unsigned calls)
{
	for (int i = 0; i < 2; i++) {
		CHECK_AWAIT(&w->clients[i].ended, calls);
		CHECK_AWAIT(&w->servers[i].ended, calls);
		cr_assert_eq(tally_get(&w->clients[i].begun), calls);
		cr_assert_eq(tally_get(&w->servers[i].begun), calls);
		cr_assert_eq(tally_get(&w->clients[i].ended), calls);
		cr_assert_eq(tally_get(&w->servers[i].ended), calls);
	}
}

Test(interceptor, D14_the_first_is_the_outermost)
{
	watched w;
	begin(&w, 0);
	pyr_error err;
	CHECK_OK(suite_echo(w.s->proxy, &err));
	cr_assert_str_eq(w.out.text, "a> b> <b <a ");
	cr_assert_str_eq(w.in.text, "1> 2> <2 <1 ");
	check_all(&w, 1);
	suite_end(w.s);
}

Test(interceptor, D14_the_clients_may_refuse)
{
	watched w;
	begin(&w, 0);
	pyr_error err;
	Suite__Number number = SUITE__NUMBER__INIT;
	Suite__Flood flood = SUITE__FLOOD__INIT;
	pyr_pending *pending;
	pyr_stream *stream;
	w.clients[1].refuses = PYR_PERMISSION_DENIED;
	CHECK_STATUS(PYR_PERMISSION_DENIED, suite_echo(w.s->proxy, &err));
	cr_assert_str_eq(err.message, "b says no");
	cr_assert_eq(err.executed, PYR_EXECUTED_NO);
	cr_assert_str_eq(w.out.text, "a> b> <a ");
	cr_assert_eq(w.clients[0].last, PYR_PERMISSION_DENIED);
	CHECK_STATUS(PYR_PERMISSION_DENIED, suite_suite_note(w.s->proxy, &number, &err));
	CHECK_STATUS(PYR_PERMISSION_DENIED, suite_suite_hold__invoke(w.s->proxy, &number,
						    suite_on_number, NULL, &pending, &err));
	CHECK_STATUS(PYR_PERMISSION_DENIED, suite_suite_down(w.s->proxy, &flood, &stream, &err));
	cr_assert_eq(tally_get(&w.clients[0].ended), 4);
	cr_assert_eq(tally_get(&w.clients[1].ended), 0);
	cr_assert_str_eq(w.in.text, "");
	suite_end(w.s);
}

Test(interceptor, D14_the_daemons_may_refuse)
{
	watched w;
	begin(&w, 0);
	pyr_error err;
	w.servers[1].refuses = PYR_PERMISSION_DENIED;
	CHECK_STATUS(PYR_PERMISSION_DENIED, suite_echo(w.s->proxy, &err));
	cr_assert_str_eq(err.message, "2 says no");
	cr_assert_str_eq(w.in.text, "1> 2> <1 ");
	cr_assert_eq(w.servers[0].last, PYR_PERMISSION_DENIED);
	cr_assert_eq(w.clients[0].last, PYR_PERMISSION_DENIED);
	cr_assert_eq(tally_get(&w.s->servant.echo_count), 0);
	suite_end(w.s);
}

Test(interceptor, D14_metadata_that_one_adds_goes_with_the_call)
{
	watched w;
	begin(&w, 0);
	pyr_error err;
	w.clients[1].adds = "by the second";
	CHECK_OK(suite_echo(w.s->proxy, &err));
	cr_assert_str_eq(w.servers[0].saw, "by the second");
	CHECK_OK(suite_echo_later(w.s->proxy, &err));
	cr_assert_str_eq(w.servers[1].saw, "by the second");
	w.clients[1].adds = NULL;
	CHECK_OK(suite_echo(w.s->proxy, &err));
	cr_assert_str_eq(w.servers[0].saw, "");
	suite_end(w.s);
}

/* Whatever becomes of a call, each sees its end once. */
Test(interceptor, D14_each_call_ends_once)
{
	watched w;
	begin(&w, 2);
	suite *s = w.s;
	pyr_error err;
	unsigned calls = 0;
	Suite__Number number = SUITE__NUMBER__INIT;
	Suite__Flood flood = SUITE__FLOOD__INIT;
	Suite__Failure failure = SUITE__FAILURE__INIT;
	Suite__Nothing *nothing;
	suite_reply r = SUITE_REPLY_INIT;
	pyr_pending *pending;
	pyr_stream *stream;
	const Suite__Blob *message;
	failure.status = PYR_ABORTED;
	CHECK_STATUS(PYR_ABORTED, suite_suite_fail(s->proxy, &failure, &nothing, &err));
	check_all(&w, ++calls);
	cr_assert_eq(w.clients[0].last, PYR_ABORTED);
	cr_assert_eq(w.servers[1].last, PYR_ABORTED);
	CHECK_OK(suite_suite_note(s->proxy, &number, &err));
	check_all(&w, ++calls);
	CHECK_OK(suite_suite_hold__invoke(s->proxy, &number, suite_on_number, &r, &pending, &err));
	CHECK_AWAIT(&s->servant.held_count, 1);
	cr_assert_eq(tally_get(&w.clients[0].ended), calls);
	pyr_pending_cancel(pending);
	CHECK_AWAIT(&r.done, 1);
	pyr_pending_unref(pending);
	CHECK_AWAIT(&s->servant.cancelled_count, 1);
	servant_drop(&s->servant, 0);
	check_all(&w, ++calls);
	cr_assert_eq(w.clients[1].last, PYR_CANCELLED);
	cr_assert_eq(w.servers[0].last, PYR_CANCELLED);
	flood.count = 3;
	CHECK_OK(suite_suite_down(s->proxy, &flood, &stream, &err));
	do
		CHECK_OK(suite_suite_down__next(stream, &message, &err));
	while (message);
	check_all(&w, ++calls);
	cr_assert_eq(w.clients[1].last, PYR_OK);
	pyr_stream_close(stream);
	CHECK_OK(suite_suite_down(s->proxy, &flood, &stream, &err));
	CHECK_OK(suite_suite_down__next(stream, &message, &err));
	pyr_stream_close(stream);
	check_all(&w, ++calls);
	cr_assert_eq(w.clients[1].last, PYR_CANCELLED);
	suite_end(s);
}
