/* SPDX-License-Identifier: Apache-2.0 */
/* An object moves to another daemon, and those who call it follow. */
#include <pyrite/pyrite.h>
#include <string.h>
#include "transport/suite.h"

/* Two daemons with a servant each; both have the object "suite". */
typedef struct scene {
	suite *s;
	servant there; /* the second daemon's */
	pyr_daemon *other;
	char other_reference[PYR_REFERENCE_MAX];
} scene;

static void begin(scene *c)
{
	static const suite_config config;
	pyr_error err;
	c->s = suite_begin(NULL);
	c->there = (servant)SERVANT_INIT;
	c->other = suite_new_daemon(c->s, &config);
	CHECK_OK(suite_suite__replace(c->other, "suite", &servant_ops, &c->there, &err));
	suite_refer(c->other, "suite", c->other_reference);
	if (suite_under_test.same_context) /* a local reference is no place to move to */
		CHECK_OK(pyr_daemon_listen(c->other, "127.0.0.1:0", NULL, &err));
	if (suite_under_test.same_context)
		CHECK_OK(pyr_daemon_reference(
			c->other, "suite", 0, c->other_reference, sizeof c->other_reference, &err));
}

static void end(scene *c)
{
	pyr_daemon_free(c->other);
	suite_end(c->s);
}

static void forward(scene *c)
{
	pyr_error err;
	CHECK_OK(pyr_daemon_forward(c->s->daemon, "suite", c->other_reference, &err));
}

Test(moved, D13_callers_follow_without_noticing)
{
	scene c;
	pyr_error err;
	begin(&c);
	CHECK_OK(suite_echo(c.s->proxy, &err));
	cr_assert_eq(tally_get(&c.s->servant.echo_count), 1);
	forward(&c);
	for (unsigned i = 0; i < 3; i++) {
		CHECK_OK(suite_echo(c.s->proxy, &err));
		CHECK_OK(suite_echo_later(c.s->proxy, &err));
	}
	cr_assert_eq(tally_get(&c.s->servant.echo_count), 1);
	cr_assert_eq(tally_get(&c.there.echo_count), 6);
	end(&c);
}

Test(moved, D13_a_call_that_is_not_waited_for_follows)
{
	scene c;
	pyr_error err;
	begin(&c);
	forward(&c);
	CHECK_OK(suite_echo_later(c.s->proxy, &err));
	cr_assert_eq(tally_get(&c.there.echo_count), 1);
	end(&c);
}

Test(moved, D13_oneway_calls_are_passed_on)
{
	scene c;
	pyr_error err;
	Suite__Number request = SUITE__NUMBER__INIT;
	begin(&c);
	forward(&c);
	for (uint64_t i = 0; i < 10; i++) {
		request.value = i;
		CHECK_OK(suite_suite_note(c.s->proxy, &request, &err));
	}
	CHECK_AWAIT(&c.there.note_count, 10);
	cr_assert_eq(tally_get(&c.s->servant.note_count), 0);
	end(&c);
}

static pyr_status read_down(suite_suite *proxy, unsigned *ret_items, pyr_error *err)
{
	pyr_stream *stream;
	const Suite__Blob *item;
	Suite__Flood request = SUITE__FLOOD__INIT;
	request.count = 3;
	request.size = 10;
	*ret_items = 0;
	pyr_status status = suite_suite_down(proxy, &request, &stream, err);
	if (status)
		return status;
	while ((status = suite_suite_down__next(stream, &item, err)) == PYR_OK && item)
		++*ret_items;
	pyr_stream_close(stream);
	return status;
}

Test(moved, D13_a_stream_of_answers_follows)
{
	scene c;
	pyr_error err;
	unsigned items;
	begin(&c);
	forward(&c);
	for (unsigned i = 1; i <= 2; i++) {
		CHECK_OK(read_down(c.s->proxy, &items, &err));
		cr_assert_eq(items, 3);
	}
	cr_assert_eq(tally_get(&c.s->servant.sent_count), 0);
	cr_assert_eq(tally_get(&c.there.sent_count), 6);
	end(&c);
}

typedef struct watcher {
	tally items, ends;
	pyr_status status;
} watcher;

static void on_item(void *ctx, pyr_status status, const Suite__Blob *item, const pyr_error *err)
{
	watcher *w = ctx;
	(void)err;
	w->status = status;
	tally_add(item ? &w->items : &w->ends, 1);
}

static pyr_stream *observe_down(suite_suite *proxy, watcher *w)
{
	pyr_stream *stream;
	pyr_error err;
	Suite__Flood request = SUITE__FLOOD__INIT;
	request.count = 3;
	request.size = 10;
	*w = (watcher){.items = TALLY_INIT, .ends = TALLY_INIT};
	CHECK_OK(suite_suite_down(proxy, &request, &stream, &err));
	CHECK_OK(suite_suite_down__observe(stream, on_item, w, &err));
	return stream;
}

Test(moved, D13_a_stream_that_is_observed_follows)
{
	scene c;
	watcher w;
	begin(&c);
	forward(&c);
	pyr_stream *stream = observe_down(c.s->proxy, &w);
	CHECK_AWAIT(&w.ends, 1);
	cr_assert_eq(w.status, PYR_OK);
	cr_assert_eq(tally_get(&w.items), 3);
	pyr_stream_close(stream);
	end(&c);
}

/* Wherever it is at that moment: nothing is said afterwards. */
Test(moved, D13_a_stream_may_be_closed_while_it_follows)
{
	scene c;
	pyr_error err;
	begin(&c);
	for (unsigned i = 0; i < 50; i++) {
		watcher w;
		suite_suite *proxy = suite_open(c.s, NULL);
		CHECK_OK(pyr_daemon_forward(c.s->daemon, "suite", c.other_reference, &err));
		pyr_stream *stream = observe_down(proxy, &w);
		if (i % 3 == 1)
			pyr_stream_cancel(stream);
		pyr_stream_close(stream);
		unsigned items = tally_get(&w.items), ends = tally_get(&w.ends);
		CHECK_OK(suite_count(proxy, &err));
		cr_assert_eq(tally_get(&w.items), items);
		cr_assert_eq(tally_get(&w.ends), ends);
		suite_suite__close(proxy);
	}
	end(&c);
}

/* What it has sent is not kept. */
Test(moved, D13_a_stream_of_requests_has_to_be_opened_again)
{
	scene c;
	pyr_error err;
	pyr_stream *stream;
	const Suite__Number *reply = NULL;
	if (suite_under_test.same_context)
		cr_skip_test("there the other daemon is found at once");
	begin(&c);
	forward(&c);
	CHECK_OK(suite_suite_up(c.s->proxy, &stream, &err));
	CHECK_STATUS(PYR_UNAVAILABLE, suite_suite_up__next(stream, &reply, &err));
	cr_assert_eq(err.executed, PYR_EXECUTED_NO);
	pyr_stream_close(stream);
	CHECK_OK(suite_suite_up(c.s->proxy, &stream, &err));
	CHECK_OK(pyr_stream_end(stream, &err));
	CHECK_OK(suite_suite_up__next(stream, &reply, &err));
	cr_assert(reply);
	pyr_stream_close(stream);
	end(&c);
}

Test(moved, D13_a_stream_that_may_be_resumed_follows)
{
	scene c;
	pyr_error err;
	unsigned items;
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	if (suite_under_test.same_context || suite_under_test.calls_one_way)
		cr_skip_test("streams are not resumed there");
	options.resume_ms = 5000;
	begin(&c);
	forward(&c);
	suite_suite *proxy = suite_open(c.s, &options);
	CHECK_OK(read_down(proxy, &items, &err));
	cr_assert_eq(items, 3);
	cr_assert_eq(tally_get(&c.s->servant.sent_count), 0);
	suite_suite__close(proxy);
	end(&c);
}

static pyr_status count_note(void *ctx, pyr_call *call, void **state, pyr_error *err)
{
	(void)state;
	(void)err;
	if (strcmp(pyr_call_method(call), "suite.Suite/Note") == 0)
		tally_add(ctx, 1);
	return PYR_OK;
}

Test(moved, D13_oneway_calls_do_not_go_in_circles)
{
	scene c;
	pyr_error err;
	tally notes = TALLY_INIT;
	suite_suite *still;
	char reference[PYR_REFERENCE_MAX];
	Suite__Number request = SUITE__NUMBER__INIT;
	pyr_server_interceptor counting = PYR_SERVER_INTERCEPTOR_INIT;
	if (suite_under_test.same_context)
		cr_skip_test("a local reference leads to whichever daemon has the object");
	begin(&c);
	counting.begin = count_note;
	counting.ctx = &notes;
	CHECK_OK(pyr_daemon_intercept(c.s->daemon, &counting, &err));
	CHECK_OK(suite_suite__serve(c.s->daemon, "still", &servant_ops, &c.there, &err));
	suite_refer(c.s->daemon, "still", reference);
	CHECK_OK(suite_suite__open(c.s->context, reference, NULL, &still, &err));
	CHECK_OK(pyr_daemon_forward(c.other, "suite", c.s->reference, &err));
	forward(&c);
	CHECK_OK(suite_suite_note(c.s->proxy, &request, &err));
	CHECK_AWAIT(&notes, 3); /* passed on by both of them, twice */
	for (unsigned i = 0; i < 300; i++)
		CHECK_OK(suite_echo(still, &err));
	cr_assert_eq(tally_get(&notes), 3);
	suite_suite__close(still);
	end(&c);
}

/* The place it was at is asked again when the new one fails. */
Test(moved, D13_an_object_that_comes_back_is_found_again)
{
	scene c;
	pyr_error err;
	begin(&c);
	forward(&c);
	CHECK_OK(suite_echo(c.s->proxy, &err));
	cr_assert_eq(tally_get(&c.there.echo_count), 1);
	CHECK_OK(suite_suite__serve(c.s->daemon, "suite", &servant_ops, &c.s->servant, &err));
	pyr_daemon_free(c.other);
	c.other = NULL;
	CHECK_OK(suite_count(c.s->proxy, &err));
	cr_assert_eq(tally_get(&c.s->servant.count_count), 1);
	end(&c);
}

Test(moved, D13_an_object_that_is_not_there_any_more_is_looked_for_where_it_was)
{
	scene c;
	pyr_error err;
	begin(&c);
	forward(&c);
	CHECK_OK(suite_echo(c.s->proxy, &err));
	CHECK_OK(suite_suite__serve(c.s->daemon, "suite", &servant_ops, &c.s->servant, &err));
	CHECK_OK(pyr_daemon_unregister(c.other, "suite", NULL, &err));
	CHECK_OK(suite_echo(c.s->proxy, &err));
	CHECK_OK(suite_echo_later(c.s->proxy, &err));
	cr_assert_eq(tally_get(&c.s->servant.echo_count), 2);
	end(&c);
}

Test(moved, D13_objects_that_point_at_each_other_are_an_error)
{
	scene c;
	pyr_error err;
	if (suite_under_test.same_context)
		cr_skip_test("a local reference leads to whichever daemon has the object");
	begin(&c);
	CHECK_OK(pyr_daemon_forward(c.other, "suite", c.s->reference, &err));
	forward(&c);
	CHECK_STATUS(PYR_NOT_FOUND, suite_echo(c.s->proxy, &err));
	cr_assert(strstr(err.message, "has moved to"), "%s", err.message);
	CHECK_STATUS(PYR_NOT_FOUND, suite_echo_later(c.s->proxy, &err));
	end(&c);
}

Test(moved, D13_a_place_that_is_not_allowed_is_not_gone_to)
{
	scene c;
	pyr_error err;
	if (suite_under_test.same_context)
		cr_skip_test("a local reference leads to whichever daemon has the object");
	begin(&c);
	CHECK_OK(pyr_daemon_forward(c.s->daemon, "suite", "pyr:suite@192.0.2.1:9", &err));
	CHECK_STATUS(PYR_PERMISSION_DENIED, suite_echo(c.s->proxy, &err));
	cr_assert(strstr(err.message, "192.0.2.1"), "%s", err.message);
	CHECK_STATUS(PYR_PERMISSION_DENIED, suite_echo_later(c.s->proxy, &err));
	end(&c);
}

Test(moved, D13_what_is_no_place_is_refused)
{
	scene c;
	pyr_error err;
	begin(&c);
	pyr_daemon *daemon = c.s->daemon;
	CHECK_STATUS(PYR_INVALID_ARGUMENT, pyr_daemon_forward(daemon, "suite", "name:x", &err));
	CHECK_STATUS(PYR_INVALID_ARGUMENT, pyr_daemon_forward(daemon, "suite", "peer:x", &err));
	CHECK_STATUS(PYR_INVALID_ARGUMENT,
		pyr_daemon_forward(daemon, "pyr.daemon", "pyr:x@127.0.0.1:1", &err));
	CHECK_STATUS(PYR_NOT_FOUND, pyr_daemon_forward(daemon, "suite", NULL, &err));
	CHECK_OK(suite_echo(c.s->proxy, &err));
	end(&c);
}
