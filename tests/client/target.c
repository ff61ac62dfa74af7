/* SPDX-License-Identifier: Apache-2.0 */
/* Where calls go: one channel an endpoint, and names that are found, fail and are found again. */
#include "client/target.h"

#include <string.h>
#include "transport/suite.h"

static pyr_error err;
static pyr_context *context;

/* A finder that the test answers for. */
static struct {
	pyr__finder finder;
	unsigned finds, asyncs;
	const char *found;              /* what the name stands for */
	char failed[PYR_REFERENCE_MAX]; /* what was said to have failed; empty: nothing */
	pyr__found_fn async_found;
	void *async_ctx;
} names;

static void note_failed(const pyr_reference *failed)
{
	names.failed[0] = '\0';
	if (failed)
		CHECK_OK(pyr_reference_format(failed, names.failed, sizeof names.failed, &err));
}

static pyr_status find(pyr__finder *finder, const pyr_reference *name, int64_t deadline_us,
	const pyr_reference *failed, pyr_reference *ret_reference, pyr_error *e)
{
	(void)finder;
	(void)deadline_us;
	names.finds++;
	note_failed(failed);
	cr_assert_str_eq(name->target, "somebody");
	if (!names.found)
		return pyr_error_set(e, PYR_NOT_FOUND, "no name 'somebody'");
	return pyr_reference_parse(names.found, ret_reference, e);
}

static pyr_status find_async(pyr__finder *finder, const pyr_reference *name, int64_t deadline_us,
	const pyr_reference *failed, pyr__found_fn found, void *ctx, pyr_error *e)
{
	(void)finder;
	(void)name;
	(void)deadline_us;
	(void)e;
	names.asyncs++;
	note_failed(failed);
	names.async_found = found;
	names.async_ctx = ctx;
	return PYR_OK;
}

static bool leads_to(pyr__finder *finder, const pyr_reference *name, const pyr_reference *reference)
{
	char text[PYR_REFERENCE_MAX];
	(void)finder;
	(void)name;
	CHECK_OK(pyr_reference_format(reference, text, sizeof text, &err));
	return names.found && strcmp(text, names.found) == 0;
}

static void free_finder(pyr__finder *finder)
{
	(void)finder;
}

static pyr__target *begin(const char *reference)
{
	pyr__target *target;
	pyr_context *held;
	CHECK_OK(pyr_context_new(NULL, &context, &err));
	names.finder = (pyr__finder){
		.find = find,
		.find_async = find_async,
		.leads_to = leads_to,
		.free = free_finder,
	};
	context->finder = &names.finder;
	CHECK_OK(pyr__context_get(context, &held, &err));
	CHECK_OK(pyr__target_new(held, &suite_suite__interface, reference, &target, &err));
	return target;
}

static void end(pyr__target *target)
{
	pyr__target_unref(target);
	pyr__target_unref(NULL);
	context->finder = NULL;
	pyr_context_free(context);
	CHECK_LEAKS();
}

static pyr__route route(pyr__target *target, bool wait)
{
	pyr__route r;
	CHECK_OK(pyr__target_route(target, PYR_BALANCE_NONE, wait, PYR__DEADLINE_NONE, &r, &err));
	return r;
}

static void fail(pyr__target *target, pyr__route *r, pyr_status status, pyr_executed executed)
{
	pyr_error failure = {.status = status, .executed = executed};
	pyr__target_failed(target, r, &failure);
}

Test(target, leads_to_the_same_channel_for_the_same_endpoint)
{
	pyr__target *target = begin("pyr:one@127.0.0.1:4711"), *other;
	pyr_context *held;
	CHECK_OK(pyr__context_get(context, &held, &err));
	CHECK_OK(pyr__target_new(
		held, &suite_suite__interface, "pyr:two@127.0.0.1:4711", &other, &err));
	pyr__route a = route(target, false), b = route(other, false), c = route(target, false);
	cr_assert_eq(a.channel, b.channel);
	cr_assert_eq(a.channel, c.channel);
	cr_assert_str_eq(a.object, "one");
	cr_assert_str_eq(b.object, "two");
	cr_assert_str_eq(a.channel->name, "127.0.0.1:4711");
	cr_assert_eq(names.finds, 0);
	pyr__target_release(target, &a);
	cr_assert_null(a.channel);
	pyr__target_release(target, &a); /* nothing any more */
	pyr__target_release(target, &c);
	pyr__target_release(other, &b);
	pyr__target_unref(other);
	cr_assert_str_eq(pyr__target_reference(target), "pyr:one@127.0.0.1:4711");
	end(target);
}

Test(target, knows_its_methods_by_their_full_names)
{
	pyr__target *target = begin("pyr:one@127.0.0.1:4711");
	const pyr_interface *interface = pyr__target_interface(target);
	for (uint32_t i = 0; i < interface->method_count; i++) {
		pyr__text name = pyr__target_method_name(target, i);
		cr_assert_eq(name.size, strlen(name.data));
		cr_assert(strncmp(name.data, "suite.Suite/", 12) == 0);
		cr_assert_str_eq(name.data + 12, interface->methods[i].name);
	}
	end(target);
}

Test(target, that_is_no_reference_is_said_so_and_keeps_nothing)
{
	pyr__target *target = begin("pyr:one@127.0.0.1:4711"), *none = target;
	CHECK_STATUS(PYR_INVALID_ARGUMENT,
		pyr__target_new(context, &suite_suite__interface, "pyr:x@y", &none, &err));
	cr_assert_eq(none, target, "ret_target was touched");
	end(target);
}

Test(target, looks_a_name_up_once)
{
	pyr__target *target = begin("name:somebody");
	names.found = "pyr:one@127.0.0.1:4711";
	cr_assert_not(pyr__target_is_stale(target));
	pyr__route a = route(target, true), b = route(target, true), c = route(target, false);
	cr_assert_eq(names.finds, 1);
	cr_assert_eq(a.channel, b.channel);
	cr_assert_str_eq(c.object, "one");
	pyr__target_release(target, &a);
	pyr__target_release(target, &b);
	pyr__target_release(target, &c);
	end(target);
}

Test(target, does_not_wait_for_a_name_where_it_may_not)
{
	pyr__target *target = begin("name:somebody");
	pyr__route r;
	names.found = "pyr:one@127.0.0.1:4711";
	CHECK_STATUS(PYR_FAILED_PRECONDITION,
		pyr__target_route(target, PYR_BALANCE_NONE, false, PYR__DEADLINE_NONE, &r, &err));
	cr_assert(strstr(err.message, "the name 'somebody' has not been looked up yet"), "%s",
		err.message);
	cr_assert_eq(err.executed, PYR_EXECUTED_NO);
	cr_assert_eq(names.finds, 0);
	r = route(target, true); /* from another thread */
	pyr__target_release(target, &r);
	r = route(target, false);
	cr_assert_str_eq(r.object, "one");
	cr_assert_eq(names.finds, 1);
	pyr__target_release(target, &r);
	end(target);
}

Test(target, says_that_a_name_was_not_found_and_nothing_was_executed)
{
	pyr__target *target = begin("name:somebody");
	pyr__route r;
	names.found = NULL;
	CHECK_STATUS(PYR_NOT_FOUND,
		pyr__target_route(target, PYR_BALANCE_NONE, true, PYR__DEADLINE_NONE, &r, &err));
	cr_assert_eq(err.executed, PYR_EXECUTED_NO);
	names.found = "pyr:one@127.0.0.1:4711"; /* the next call looks again */
	r = route(target, true);
	cr_assert_eq(names.finds, 2);
	pyr__target_release(target, &r);
	end(target);
}

Test(target, looks_a_name_up_again_where_there_is_nobody)
{
	pyr__target *target = begin("name:somebody");
	names.found = "pyr:one@127.0.0.1:4711";
	pyr__route a = route(target, true);
	/* these are answers of who was meant */
	fail(target, &a, PYR_ABORTED, PYR_EXECUTED_NO);
	fail(target, &a, PYR_NOT_FOUND, PYR_EXECUTED_YES);
	fail(target, &a, PYR_DEADLINE_EXCEEDED, PYR_EXECUTED_MAYBE);
	cr_assert_not(pyr__target_is_stale(target));
	fail(target, &a, PYR_NOT_FOUND, PYR_EXECUTED_NO);
	cr_assert(pyr__target_is_stale(target));
	names.found = "pyr:two@127.0.0.1:4712";
	pyr__route r;
	CHECK_STATUS(PYR_FAILED_PRECONDITION,
		pyr__target_route(target, PYR_BALANCE_NONE, false, PYR__DEADLINE_NONE, &r, &err));
	pyr__route b = route(target, true);
	cr_assert_str_eq(names.failed, "pyr:one@127.0.0.1:4711");
	cr_assert_str_eq(b.object, "two");
	cr_assert_neq(a.channel, b.channel);
	cr_assert_not(pyr__target_is_stale(target));
	/* a late failure on the old way says nothing about the new one */
	fail(target, &a, PYR_UNAVAILABLE, PYR_EXECUTED_NO);
	cr_assert_not(pyr__target_is_stale(target));
	fail(target, &b, PYR_UNAVAILABLE, PYR_EXECUTED_MAYBE);
	cr_assert(pyr__target_is_stale(target));
	pyr__target_release(target, &a);
	pyr__target_release(target, &b);
	end(target);
}

Test(target, with_an_endpoint_has_no_other_place_to_look)
{
	pyr__target *target = begin("pyr:one@127.0.0.1:4711");
	pyr__route a = route(target, true);
	fail(target, &a, PYR_UNAVAILABLE, PYR_EXECUTED_NO);
	cr_assert_not(pyr__target_is_stale(target));
	pyr__target_release(target, &a);
	end(target);
}

static unsigned routed;
static pyr_status routed_status;
static pyr_executed routed_executed;
static char routed_object[PYR_OBJECT_ID_MAX + 1];

static void on_routed(void *ctx, pyr_status status, const pyr__route *r, const pyr_error *e)
{
	routed++;
	routed_status = status;
	if (status) {
		cr_assert_null(r);
		routed_executed = e->executed;
		return;
	}
	cr_assert_null(e);
	strcpy(routed_object, r->object);
	pyr__route own = *r; /* it is ours now */
	pyr__target_release(ctx, &own);
}

Test(target, is_found_without_waiting_and_lives_until_then)
{
	pyr__target *target = begin("tag:a,b");
	pyr_reference reference;
	CHECK_OK(pyr__target_route_async(
		target, PYR_BALANCE_NONE, PYR__DEADLINE_NONE, on_routed, target, &err));
	cr_assert_eq(names.asyncs, 1);
	cr_assert_str_eq(names.failed, "");
	cr_assert_eq(routed, 0);
	pyr_error_set(&err, PYR_UNAVAILABLE, "no name server");
	err.executed = PYR_EXECUTED_MAYBE;
	names.async_found(names.async_ctx, PYR_UNAVAILABLE, NULL, &err);
	cr_assert_eq(routed, 1);
	cr_assert_eq(routed_status, PYR_UNAVAILABLE);
	cr_assert_eq(routed_executed, PYR_EXECUTED_NO, "the lookup is not the call");
	CHECK_OK(pyr__target_route_async(
		target, PYR_BALANCE_NONE, PYR__DEADLINE_NONE, on_routed, target, &err));
	CHECK_OK(pyr_reference_parse("pyr:one@127.0.0.1:4711", &reference, &err));
	names.async_found(names.async_ctx, PYR_OK, &reference, NULL);
	cr_assert_eq(routed, 2);
	cr_assert_eq(routed_status, PYR_OK);
	cr_assert_str_eq(routed_object, "one");
	pyr__route a = route(target, false); /* known from now on */
	pyr__target_release(target, &a);
	end(target);
}
