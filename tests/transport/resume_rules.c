/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a daemon keeps of streams that outlive their connections, and for whom: calls made by hand,
 * as no client of ours makes them, and limits.
 */
#include <stdio.h>
#include <string.h>
#include "base/metadata.h"
#include "base/random.h"
#include "transport/numbers.h"
#include "transport/resume.h"

#define PATIENCE_MS 20000

/* Who may carry it on */

/* A call of Down with metadata made by hand, as a client would send it that is not ours. */
static pyr_stream *ask_by_hand(
	pyr_context *context, const scene *c, const char *token, const char *from, const char *age)
{
	pyr_error err;
	suite_suite *proxy;
	pyr_metadata *metadata = pyr_metadata_new();
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	CHECK_OK(pyr__metadata_add_reserved(metadata, PYR__RESUME_KEY, token, strlen(token), &err));
	if (from)
		CHECK_OK(pyr__metadata_add_reserved(
			metadata, PYR__RESUME_FROM_KEY, from, strlen(from), &err));
	if (age)
		CHECK_OK(pyr__metadata_add_reserved(
			metadata, PYR__RESUME_AGE_KEY, age, strlen(age), &err));
	options.metadata = metadata;
	options.timeout_ms = PATIENCE_MS;
	CHECK_OK(suite_suite__open(context, c->reference, &options, &proxy, &err));
	pyr_stream *items = numbers_ask(proxy, 21, 100, PYR_OK);
	suite_suite__close(proxy);
	pyr_metadata_free(metadata);
	return items;
}

/* Cuts the connection of a stream that asks by hand, and waits until that is known here. */
static void cut(const scene *c, pyr_stream *items)
{
	pyr_error err;
	relay_cut(c->relay);
	CHECK_STATUS(PYR_UNAVAILABLE, numbers_pull_end(items, &err));
}

static void check_refused(pyr_stream *items, pyr_status wanted)
{
	pyr_error err;
	CHECK_STATUS(wanted, numbers_pull_end(items, &err));
	cr_assert_eq(err.executed, PYR_EXECUTED_NO);
	pyr_stream_close(items);
}

Test(resume_rules, C12_only_who_has_the_token_carries_a_stream_on)
{
	scene *c = numbers_begin(NULL);
	pyr_context *context = c->s->context;
	char token[PYR__RANDOM_ID_SIZE], other[PYR__RANDOM_ID_SIZE];
	pyr__random_id(token);
	pyr__random_id(other);
	c->servant.holds = true;
	pyr_stream *items = ask_by_hand(context, c, token, NULL, NULL);
	numbers_pull(items, 0, 20);
	cut(c, items);
	check_refused(ask_by_hand(context, c, other, "10", "0"), PYR_NOT_FOUND);
	check_refused(ask_by_hand(context, c, other, "0", "999999"), PYR_NOT_FOUND);
	check_refused(ask_by_hand(context, c, other, "0", NULL), PYR_NOT_FOUND);
	check_refused(ask_by_hand(context, c, token, "21", "0"), PYR_NOT_FOUND);
	check_refused(ask_by_hand(context, c, token, NULL, NULL), PYR_ALREADY_EXISTS);
	cr_assert_eq(tally_get(&c->servant.begun), 1);
	pyr_stream *rest = ask_by_hand(context, c, token, "7", "0");
	numbers_pull(rest, 7, 13);
	pyr_stream_close(rest);
	CHECK_AWAIT(&c->servant.cut_short, 1);
	check_refused(ask_by_hand(context, c, token, "20", "0"), PYR_NOT_FOUND);
	pyr_stream_close(items);
	numbers_end(c);
}

Test(resume_rules, C12_what_is_asked_for_is_checked)
{
	static const char *const wrong[][3] = {
		{"", NULL, NULL},
		{"0123456789abcdef0123456789abcde", NULL, NULL},
		{"0123456789abcdef0123456789abcdef0", NULL, NULL},
		{"0123456789abcdef0123456789abcdeX", NULL, NULL},
		{"0123456789abcdef0123456789abcdef", "-1", NULL},
		{"0123456789abcdef0123456789abcdef", "", NULL},
		{"0123456789abcdef0123456789abcdef", "99999999999999999999", NULL},
		{"0123456789abcdef0123456789abcdef", "0", "soon"},
	};
	scene *c = numbers_begin(NULL);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		check_refused(ask_by_hand(c->s->context, c, wrong[i][0], wrong[i][1], wrong[i][2]),
			PYR_INVALID_ARGUMENT);
	cr_assert_eq(tally_get(&c->servant.begun), 0);
	numbers_end(c);
}

static pyr_status authenticate(
	void *ctx, const char *token, char principal[PYR_PRINCIPAL_MAX], pyr_error *err)
{
	(void)ctx;
	(void)err;
	snprintf(principal, PYR_PRINCIPAL_MAX, "%s", token);
	return PYR_OK;
}

static pyr_context *context_of(const scene *c, const char *who)
{
	pyr_error err;
	pyr_context *context = suite_new_context();
	CHECK_OK(pyr_context_set_token(context, strchr(c->reference, '@') + 1, who, false, &err));
	return context;
}

Test(resume_rules, C12_only_the_principal_that_began_a_stream_carries_it_on)
{
	suite_config config = {.daemon.authenticate = authenticate};
	scene *c = numbers_begin(&config);
	char token[PYR__RANDOM_ID_SIZE];
	pyr__random_id(token);
	pyr_context *alice = context_of(c, "alice"), *mallory = context_of(c, "mallory");
	c->servant.holds = true;
	pyr_stream *items = ask_by_hand(alice, c, token, NULL, NULL);
	numbers_pull(items, 0, 20);
	check_refused(ask_by_hand(mallory, c, token, "5", "0"), PYR_NOT_FOUND);
	check_refused(ask_by_hand(c->s->context, c, token, "5", "0"), PYR_NOT_FOUND);
	cut(c, items);
	pyr_context_free(mallory);
	mallory = context_of(c, "mallory"); /* which knows of no connection */
	check_refused(ask_by_hand(mallory, c, token, "5", "0"), PYR_NOT_FOUND);
	pyr_stream *rest = ask_by_hand(alice, c, token, "5", "0");
	numbers_pull(rest, 5, 15);
	pyr_stream_close(rest);
	pyr_stream_close(items);
	pyr_context_free(alice);
	pyr_context_free(mallory);
	numbers_end(c);
}

Test(resume_rules, C12_a_later_call_takes_a_stream_over)
{
	scene *c = numbers_begin(NULL);
	pyr_error err;
	char token[PYR__RANDOM_ID_SIZE];
	pyr__random_id(token);
	c->servant.holds = true;
	pyr_stream *items = ask_by_hand(c->s->context, c, token, NULL, NULL);
	numbers_pull(items, 0, 20);
	pyr_stream *rest = ask_by_hand(c->s->context, c, token, "19", "0");
	numbers_pull(rest, 19, 1);
	CHECK_STATUS(PYR_UNAVAILABLE, numbers_pull_end(items, &err));
	cr_assert_str_eq(err.message, "the stream is carried on by another call");
	pyr_stream_close(items);
	cr_assert_eq(tally_get(&c->servant.ended), 0, "the call that was replaced is no cancel");
	pyr_stream_close(rest);
	CHECK_AWAIT(&c->servant.cut_short, 1);
	numbers_end(c);
}

/* Two workers run the first call and the one that carries on, whichever comes to it first. */
Test(resume_rules, C12_a_call_that_overtakes_the_first_has_the_stream)
{
	enum { STREAMS = 1000, STREAMS_AT_ONCE = 16 };
	suite_config config = {.daemon.workers = 2};
	scene *c = numbers_begin(&config);
	pyr_context *other = suite_new_context();
	for (unsigned i = 1; i <= STREAMS; i++) {
		char token[PYR__RANDOM_ID_SIZE];
		pyr__random_id(token);
		pyr_stream *first = ask_by_hand(c->s->context, c, token, NULL, NULL);
		pyr_stream *rest = ask_by_hand(other, c, token, "0", "0");
		numbers_pull(rest, 0, 21);
		pyr_stream_close(first);
		pyr_stream_close(rest);
		cr_assert_eq(tally_get(&c->servant.begun), i);
		if (i % STREAMS_AT_ONCE == 0)
			relay_await_idle(c->relay); /* the first's context may be behind */
	}
	pyr_context_free(other);
	numbers_end(c);
}

/* Limits, and what else the daemon keeps */

Test(resume_rules, C12_what_would_need_too_much_memory_ends_with_its_connection)
{
	enum { SIZE = 1000 };
	suite_config config = {.daemon.queue_bytes_total_max = 16 * SIZE};
	scene *c = numbers_begin(&config);
	pyr_error err;
	suite_suite *proxy = numbers_open(c->s->context, c, PATIENCE_MS);
	numbers_pull_all(proxy, 500, SIZE, PYR_OK);
	pyr_stream *items = numbers_ask(proxy, UINT32_MAX, SIZE, PYR_OK);
	numbers_pull(items, 0, 100);
	relay_cut(c->relay);
	CHECK_AWAIT(&c->servant.cut_short, 1);
	pyr_status status;
	const Suite__Blob *item;
	while ((status = suite_suite_down__next(items, &item, &err)) == PYR_OK && item)
		;
	numbers_check_in_vain(status, &err, "no room");
	pyr_stream_close(items);
	suite_suite__close(proxy);
	numbers_end(c);
}

/* They are kept for a while, since their end may not have arrived; but not for ever so many. */
Test(resume_rules, C12_streams_that_have_ended_make_room)
{
	enum { STREAMS = 10100 };
	scene *c = numbers_begin(NULL);
	suite_suite *proxy = numbers_open(c->s->context, c, PATIENCE_MS);
	for (int i = 0; i < STREAMS; i++)
		numbers_pull_all(proxy, 1, 0, PYR_OK);
	pyr_stream *items = numbers_ask(proxy, 1000, 1000, PYR_OK);
	numbers_pull(items, 0, 10);
	relay_cut(c->relay);
	numbers_pull(items, 10, 990);
	pyr_stream_close(items);
	suite_suite__close(proxy);
	numbers_end(c);
}

Test(resume_rules, C12_a_daemon_that_does_not_linger_says_so)
{
	suite_config config = {.daemon.stream_linger_ms = UINT32_MAX};
	scene *c = numbers_begin(&config);
	pyr_error err;
	suite_suite *proxy = numbers_open(c->s->context, c, PATIENCE_MS);
	pyr_stream *items = numbers_ask(proxy, UINT32_MAX, 1000, PYR_OK);
	numbers_pull(items, 0, 10);
	relay_cut(c->relay);
	CHECK_AWAIT(&c->servant.cut_short, 1);
	pyr_status status;
	const Suite__Blob *item;
	while ((status = suite_suite_down__next(items, &item, &err)) == PYR_OK && item)
		;
	cr_assert_eq(status, PYR_UNAVAILABLE);
	cr_assert_eq(tally_get(&c->servant.begun), 1);
	pyr_stream_close(items);
	suite_suite__close(proxy);
	numbers_end(c);
}

Test(resume_rules, C12_what_is_tracked_stays_until_the_stream_is_over)
{
	/* the stream may be closed before it is back, and then lingers */
	suite_config config = {.daemon.stream_linger_ms = 2000};
	scene *c = numbers_begin(&config);
	c->servant.holds = c->servant.tracks = true;
	suite_suite *proxy = numbers_open(c->s->context, c, PATIENCE_MS);
	pyr_stream *items = numbers_ask(proxy, 11, 100, PYR_OK);
	numbers_pull(items, 0, 10);
	watcher lost = WATCHER_INIT;
	c->servant.tracks = false;
	pyr_stream *mortal = numbers_witness(c, c->s->context, &lost);
	relay_cut(c->relay);
	CHECK_AWAIT(&c->servant.cut_short, 1);
	cr_assert_eq(tally_get(&c->servant.closed), 0, "it was closed with the connection");
	CHECK_AWAIT(&lost.ends, 1);
	pyr_stream_close(mortal);
	pyr_stream_close(items);
	CHECK_AWAIT(&c->servant.closed, 1);
	suite_suite__close(proxy);
	numbers_end(c);
}

Test(resume_rules, C12_a_daemon_that_stops_cancels_what_is_away)
{
	scene *c = numbers_begin(NULL);
	c->servant.holds = true;
	suite_suite *proxy = numbers_open(c->s->context, c, PATIENCE_MS);
	pyr_stream *items = numbers_ask(proxy, 11, 100, PYR_OK);
	numbers_pull(items, 0, 10);
	relay_close(c->relay);
	relay_cut(c->relay);
	int64_t before_ms = suite_now_ms();
	pyr_daemon_stop(c->s->daemon, PATIENCE_MS);
	cr_assert_lt(suite_now_ms() - before_ms, PATIENCE_MS / 2, "it was waited for");
	cr_assert_eq(tally_get(&c->servant.cut_short), 1);
	pyr_stream_close(items);
	suite_suite__close(proxy);
	numbers_end(c);
}
