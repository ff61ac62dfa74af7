/* SPDX-License-Identifier: Apache-2.0 */
/* Options of a proxy, what it derives from them for each call, and when a call is tried again. */
#include "client/proxy.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/metadata.h"
#include "transport/scope.h"
#include "transport/suite.h"

static pyr_error err;

/* No I/O happens: there is nobody. */
static pyr_context *context;

static pyr_proxy *new_proxy(const char *reference, const pyr_proxy_options *options)
{
	pyr_proxy *proxy;
	CHECK_OK(pyr_stub_open(context, &suite_suite__interface, reference, options, &proxy, &err));
	return proxy;
}

static void begin(void)
{
	CHECK_OK(pyr_context_new(NULL, &context, &err));
}

static void end(void)
{
	pyr_context_free(context);
	CHECK_LEAKS();
}

static uint32_t method(const char *name)
{
	const pyr_interface *interface = &suite_suite__interface;
	for (uint32_t i = 0; i < interface->method_count; i++)
		if (strcmp(interface->methods[i].name, name) == 0)
			return i;
	cr_assert_fail("no method %s", name);
	return 0;
}

#define NOBODY "pyr:x@127.0.0.1:1"

Test(proxy, is_not_opened_with_a_reference_that_is_none)
{
	begin();
	pyr_proxy *proxy = (pyr_proxy *)&err;
	static const char *const bad[] = {
		"", "http:x@y:1", "pyr:x", "pyr:@127.0.0.1:1", "pyr:x@:1", "pyr:%zz@127.0.0.1:1"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		CHECK_STATUS(PYR_INVALID_ARGUMENT, pyr_stub_open(context, &suite_suite__interface,
							   bad[i], NULL, &proxy, &err));
		cr_assert_neq(err.message[0], '\0');
	}
	cr_assert_eq(proxy, (pyr_proxy *)&err, "ret_proxy was touched");
	end();
}

Test(proxy, is_not_opened_for_code_that_the_library_is_too_old_for)
{
	begin();
	pyr_proxy *proxy;
	pyr_interface newer = suite_suite__interface;
	newer.abi = PYR_STUB_ABI + 1;
	CHECK_STATUS(PYR_FAILED_PRECONDITION,
		pyr_stub_open(context, &newer, NOBODY, NULL, &proxy, &err));
	char wanted[128];
	snprintf(wanted, sizeof wanted,
		"the code generated for suite.Suite needs a newer library (stub ABI %d, this one "
		"has %d)",
		PYR_STUB_ABI + 1, PYR_STUB_ABI);
	cr_assert_str_eq(err.message, wanted);
	newer.abi = 0;
	CHECK_STATUS(PYR_FAILED_PRECONDITION,
		pyr_stub_open(context, &newer, NOBODY, NULL, &proxy, &err));
	end();
}

Test(proxy, takes_the_options_of_an_older_program)
{
	begin();
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	options.timeout_ms = 77;
	options.retries_max = 5;
	options.wait_for_ready = true;
	options.size = offsetof(pyr_proxy_options, retries_max);
	pyr_proxy *proxy = new_proxy(NOBODY, &options);
	cr_assert_eq(proxy->timeout_ms, 77);
	cr_assert_eq(proxy->retries_max, 2, "what it does not have was read");
	cr_assert_not(proxy->wait_for_ready);
	cr_assert_str_eq(pyr_proxy_reference(proxy), NOBODY);
	pyr_proxy_unref(proxy);
	pyr_proxy_unref(NULL);
	end();
}

Test(proxy, copies_its_metadata_and_keeps_its_options_from_those_derived)
{
	begin();
	pyr_metadata *metadata = pyr_metadata_new();
	CHECK_OK(pyr_metadata_add(metadata, "key", "value", &err));
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	options.metadata = metadata;
	options.timeout_ms = 5;
	pyr_proxy *proxy = new_proxy(NOBODY, &options), *derived;
	pyr_metadata_free(metadata);
	cr_assert_str_eq(pyr_metadata_get(proxy->metadata, "key"), "value");
	CHECK_OK(pyr_proxy_derive(proxy, NULL, &derived, &err));
	cr_assert_null(derived->metadata);
	cr_assert_eq(derived->timeout_ms, 0);
	cr_assert_eq(derived->target, proxy->target);
	cr_assert_eq(pyr_proxy_ref(proxy), proxy);
	pyr_proxy_unref(proxy);
	cr_assert_eq(proxy->timeout_ms, 5); /* one reference is left */
	pyr_proxy_unref(proxy);
	cr_assert_str_eq(pyr_proxy_reference(derived), NOBODY);
	pyr_proxy_unref(derived);
	end();
}

static int64_t limit(uint32_t timeout_ms, bool unary)
{
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	options.timeout_ms = timeout_ms;
	pyr_proxy *proxy = new_proxy(NOBODY, &options);
	int64_t deadline_us = pyr__proxy_deadline(proxy, unary, 1000);
	pyr_proxy_unref(proxy);
	return deadline_us;
}

Test(proxy, has_a_deadline_for_unary_calls_and_none_for_streams)
{
	begin();
	cr_assert_eq(limit(0, true), 1000 + 30000000);
	cr_assert_eq(limit(0, false), PYR__DEADLINE_NONE);
	cr_assert_eq(limit(7, true), 8000);
	cr_assert_eq(limit(7, false), 8000);
	cr_assert_eq(limit(PYR_TIMEOUT_NONE, true), PYR__DEADLINE_NONE);
	cr_assert_eq(limit(PYR_TIMEOUT_NONE - 1, true), 1000 + (PYR_TIMEOUT_NONE - 1) * 1000ll);
	/* never more than the call has left that this one is made for */
	pyr__scope scope = {.deadline_us = 5000};
	pyr__scope_current = &scope;
	cr_assert_eq(limit(0, true), 5000);
	cr_assert_eq(limit(PYR_TIMEOUT_NONE, false), 5000);
	cr_assert_eq(limit(2, true), 3000);
	pyr__scope_current = NULL;
	end();
}

Test(proxy, tells_the_server_how_much_time_is_left)
{
	begin();
	pyr_proxy *proxy = new_proxy(NOBODY, NULL);
	pyr__route route = {.object = "x"};
	pyr__head head;
	pyr__proxy_head(proxy, method("Echo"), &route, 5000, 2000, &head);
	cr_assert_eq(head.timeout_us, 3000);
	cr_assert(head.method.size == 16 && memcmp(head.method.data, "suite.Suite/Echo", 16) == 0);
	cr_assert_not(head.oneway);
	cr_assert_eq(head.metadata.size, 0);
	pyr__proxy_head(proxy, method("Echo"), &route, 2000, 5000, &head);
	cr_assert_eq(head.timeout_us, 0, "time that is over is none, not very much");
	pyr__proxy_head(proxy, method("Note"), &route, PYR__DEADLINE_NONE, 5000, &head);
	cr_assert_eq(head.timeout_us, PYR__TIMEOUT_NONE);
	cr_assert(head.oneway);
	pyr_proxy_unref(proxy);
	end();
}

Test(proxy, says_which_methods_request_is_no_message)
{
	begin();
	pyr_proxy *proxy = new_proxy(NOBODY, NULL);
	pyr__body body;
	uint8_t space[PYR__BODY_SPACE];
	Suite__Failure request = SUITE__FAILURE__INIT;
	request.message = "\xc3(";
	CHECK_STATUS(PYR_INVALID_ARGUMENT,
		pyr__proxy_body(proxy, method("Fail"), &request.base, space, &body, &err));
	cr_assert_str_eq(err.where, "suite.Suite/Fail");
	cr_assert_eq(err.executed, PYR_EXECUTED_NO);
	cr_assert_eq(pyr__proxy_body(proxy, method("Fail"), &request.base, space, &body, NULL),
		PYR_INVALID_ARGUMENT);
	pyr_proxy_unref(proxy);
	end();
}

Test(proxy, turns_what_a_server_says_into_an_error_of_bounded_size)
{
	begin();
	static char big[4096];
	memset(big, 'b', sizeof big);
	pyr_proxy *proxy = new_proxy(NOBODY, NULL);
	pyr__final final = {.status = PYR_ABORTED, .message = {"why", 3}, .details = {"abc", 3}};
	pyr__outcome outcome = {PYR_ABORTED, PYR_EXECUTED_YES, &final, false};
	CHECK_STATUS(
		PYR_ABORTED, pyr__proxy_outcome(proxy, method("Echo"), "there", &outcome, &err));
	cr_assert_eq(err.status, PYR_ABORTED);
	cr_assert_eq(err.executed, PYR_EXECUTED_YES);
	cr_assert_str_eq(err.message, "why");
	cr_assert_str_eq(err.where, "there suite.Suite/Echo");
	cr_assert(err.details_size == 3 && memcmp(err.details, "abc", 3) == 0);
	cr_assert_not(err.truncated);
	final.message = final.where = final.details = (pyr__text){big, sizeof big};
	CHECK_STATUS(
		PYR_ABORTED, pyr__proxy_outcome(proxy, method("Echo"), "there", &outcome, &err));
	cr_assert_eq(strlen(err.message), PYR_ERROR_MESSAGE_MAX - 1);
	cr_assert_eq(strlen(err.where), PYR_ERROR_WHERE_MAX - 1);
	cr_assert_eq(err.details_size, 0, "half of the details are none");
	cr_assert(err.truncated);
	outcome = (pyr__outcome){PYR_UNAVAILABLE, PYR_EXECUTED_NO, NULL, false};
	CHECK_STATUS(PYR_UNAVAILABLE,
		pyr__proxy_outcome(proxy, method("Echo"), "there", &outcome, &err));
	cr_assert_str_eq(err.message, "");
	outcome.status = PYR_OK;
	err.status = PYR_ABORTED;
	CHECK_OK(pyr__proxy_outcome(proxy, method("Echo"), "there", &outcome, &err));
	cr_assert_eq(err.status, PYR_ABORTED, "an error was written where there was none");
	pyr_proxy_unref(proxy);
	end();
}

static bool again(pyr_proxy *proxy, const char *name, pyr_status status, pyr_executed executed,
	uint32_t tried)
{
	pyr_error failure = {.status = status, .executed = executed};
	return pyr__proxy_may_retry(proxy, method(name), &failure, tried);
}

Test(proxy, tries_again_what_did_not_run_or_may_run_twice)
{
	begin();
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	pyr_proxy *proxy = new_proxy(NOBODY, NULL);
	cr_assert(again(proxy, "Echo", PYR_UNAVAILABLE, PYR_EXECUTED_NO, 0));
	cr_assert(again(proxy, "Echo", PYR_UNAVAILABLE, PYR_EXECUTED_NO, 1));
	cr_assert_not(again(proxy, "Echo", PYR_UNAVAILABLE, PYR_EXECUTED_NO, 2));
	cr_assert_not(again(proxy, "Echo", PYR_UNAVAILABLE, PYR_EXECUTED_MAYBE, 0));
	cr_assert_not(again(proxy, "Echo", PYR_UNAVAILABLE, PYR_EXECUTED_YES, 0));
	cr_assert(again(proxy, "Count", PYR_UNAVAILABLE, PYR_EXECUTED_MAYBE, 1));
	cr_assert_not(again(proxy, "Count", PYR_UNAVAILABLE, PYR_EXECUTED_MAYBE, 2));
	cr_assert_not(again(proxy, "Count", PYR_DEADLINE_EXCEEDED, PYR_EXECUTED_NO, 0));
	/* an object that is not there does not come by trying, but behind a name that moves */
	cr_assert_not(again(proxy, "Echo", PYR_NOT_FOUND, PYR_EXECUTED_NO, 0));
	pyr_proxy_unref(proxy);
	options.retries_max = UINT32_MAX;
	proxy = new_proxy(NOBODY, &options);
	cr_assert_not(again(proxy, "Count", PYR_UNAVAILABLE, PYR_EXECUTED_NO, 0));
	pyr_proxy_unref(proxy);
	options.wait_for_ready = true;
	proxy = new_proxy("name:somebody", &options);
	cr_assert(again(proxy, "Echo", PYR_UNAVAILABLE, PYR_EXECUTED_NO, 1000));
	cr_assert_not(again(proxy, "Echo", PYR_UNAVAILABLE, PYR_EXECUTED_MAYBE, 0));
	cr_assert_not(again(proxy, "Count", PYR_UNAVAILABLE, PYR_EXECUTED_MAYBE, 0));
	cr_assert(again(proxy, "Echo", PYR_NOT_FOUND, PYR_EXECUTED_NO, 1000));
	cr_assert_not(again(proxy, "Echo", PYR_NOT_FOUND, PYR_EXECUTED_YES, 0));
	pyr_proxy_unref(proxy);
	end();
}

static int64_t pause_after(const pyr_proxy *proxy, uint32_t tried)
{
	int64_t pause_us;
	cr_assert(pyr__proxy_pause(proxy, tried, PYR__DEADLINE_NONE, &pause_us));
	return pause_us;
}

Test(proxy, doubles_its_pause_up_to_a_second)
{
	begin();
	pyr_proxy *proxy = new_proxy(NOBODY, NULL);
	cr_assert_eq(pause_after(proxy, 0), 10000);
	cr_assert_eq(pause_after(proxy, 1), 20000);
	cr_assert_eq(pause_after(proxy, 6), 640000);
	cr_assert_eq(pause_after(proxy, 7), 1000000);
	cr_assert_eq(pause_after(proxy, UINT32_MAX), 1000000);
	pyr_proxy_unref(proxy);
	end();
}

Test(proxy, does_not_pause_past_the_deadline_but_who_waits_looks_until_then)
{
	begin();
	int64_t pause_us, soon_us = pyr__now_us() + 100000;
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	pyr_proxy *proxy = new_proxy(NOBODY, NULL);
	cr_assert_not(pyr__proxy_pause(proxy, 7, soon_us, &pause_us));
	pyr_proxy_unref(proxy);
	options.wait_for_ready = true;
	proxy = new_proxy(NOBODY, &options);
	cr_assert(pyr__proxy_pause(proxy, 7, soon_us, &pause_us));
	cr_assert_leq(pause_us, 50000);
	cr_assert_not(pyr__proxy_pause(proxy, 7, pyr__now_us(), &pause_us));
	pyr_proxy_unref(proxy);
	end();
}

Test(proxy, says_in_time_that_it_cannot_connect)
{
	begin();
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	options.timeout_ms = 5000;
	pyr_proxy *proxy = new_proxy("pyr:x@unix:/nowhere/at-all", &options);
	CHECK_STATUS(PYR_UNAVAILABLE, pyr_proxy_connect(proxy, &err));
	cr_assert(strstr(err.message, "/nowhere/at-all"), "%s", err.message);
	cr_assert_eq(pyr_proxy_connect(proxy, NULL), PYR_UNAVAILABLE);
	pyr_proxy_unref(proxy);
	end();
}

Test(proxy, shares_its_connection_with_those_derived_from_it)
{
	suite *s = suite_begin(NULL);
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	options.timeout_ms = 4000;
	suite_suite *derived;
	Suite__Nothing nothing = SUITE__NOTHING__INIT;
	Suite__Number *left;
	CHECK_OK(pyr_proxy_connect(suite_suite__proxy(s->proxy), &err));
	int before = descriptors();
	CHECK_OK(suite_suite__derive(s->proxy, &options, &derived, &err));
	CHECK_OK(suite_suite_time_left(derived, &nothing, &left, &err));
	cr_assert_leq(left->value, 4000000);
	suite__number__free_unpacked(left, NULL);
	CHECK_OK(suite_suite_time_left(s->proxy, &nothing, &left, &err));
	cr_assert_gt(left->value, 4000000);
	suite__number__free_unpacked(left, NULL);
	cr_assert_eq(descriptors(), before);
	suite_suite__close(derived);
	suite_end(s);
}

/* Its server comes when it has been waited for, at a place that no other run of this test has. */
static char late[64];

static void *listen_late(void *arg)
{
	pyr_error own;
	pyr_status status = pyr_daemon_listen(arg, late + strlen("pyr:suite@"), NULL, &own);
	return (void *)(uintptr_t)status;
}

Test(proxy, waits_for_a_server_if_it_is_told_to)
{
	suite *s = suite_begin(NULL);
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	Suite__Nothing nothing = SUITE__NOTHING__INIT;
	Suite__Number *count;
	suite_suite *proxy;
	pthread_t thread;
	snprintf(late, sizeof late, "pyr:suite@unix:@pyrite-late-%d", (int)getpid());
	options.timeout_ms = 10000;
	options.retries_max = UINT32_MAX;
	CHECK_OK(suite_suite__open(s->context, late, &options, &proxy, &err));
	CHECK_STATUS(PYR_UNAVAILABLE, suite_suite_count(proxy, &nothing, &count, &err));
	suite_suite__close(proxy);
	options.wait_for_ready = true;
	CHECK_OK(suite_suite__open(s->context, late, &options, &proxy, &err));
	suite_reply r = SUITE_REPLY_INIT;
	CHECK_OK(suite_suite_count__invoke(proxy, &nothing, suite_on_number, &r, NULL, &err));
	pthread_create(&thread, NULL, listen_late, s->daemon);
	CHECK_OK(suite_suite_count(proxy, &nothing, &count, &err));
	suite__number__free_unpacked(count, NULL);
	CHECK_AWAIT(&r.done, 1);
	cr_assert_eq(r.status, PYR_OK, "%s", r.err.message);
	pthread_join(thread, NULL);
	suite_suite__close(proxy);
	suite_end(s);
}

/* The first call of all: connecting goes on while the proxy is closed and the context freed. */
Test(proxy, C3_oneway_calls_arrive_though_the_context_is_freed_at_once)
{
	enum { CONTEXTS = 50 };
	suite *s = suite_begin_pool(1);
	Suite__Number request = SUITE__NUMBER__INIT;
	for (unsigned i = 0; i < CONTEXTS; i++) {
		suite_suite *proxy;
		pyr_context *other = suite_new_context();
		CHECK_OK(suite_suite__open(other, s->reference, NULL, &proxy, &err));
		CHECK_OK(suite_suite_note(proxy, &request, &err));
		suite_suite__close(proxy);
		pyr_context_free(other);
	}
	CHECK_AWAIT(&s->servant.note_count, CONTEXTS);
	suite_end(s);
}

/* A peer that says nothing holds nobody up for long. */
Test(proxy, C3_nobody_waits_long_for_a_peer_that_takes_no_oneway_call)
{
	suite_config config = {.undispatched = true};
	suite *s = suite_begin(&config);
	pyr_context *other = suite_new_context();
	suite_suite *proxy;
	Suite__Number request = SUITE__NUMBER__INIT;
	CHECK_OK(suite_suite__open(other, s->reference, NULL, &proxy, &err));
	CHECK_OK(suite_suite_note(proxy, &request, &err));
	suite_suite__close(proxy);
	int64_t before_ms = suite_now_ms();
	pyr_context_free(other);
	cr_assert_lt(suite_now_ms() - before_ms, 3000);
	suite_end(s);
}
