/* SPDX-License-Identifier: Apache-2.0 */
/* What a caller holds in a daemon: instances made for its session or call, and tracked resources.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "transport/suite.h"

/* Who makes instances, and has made so many of them. */
typedef struct maker {
	tally made, destroyed, closed;
	pyr_status failure; /* of the next make */
	bool track;         /* count() tracks the instance, and the maker */
	unsigned order[2];  /* of what was closed: 1 for an instance, 2 for the maker */
} maker;

#define MAKER_INIT                                                                                 \
	{                                                                                          \
		.made = TALLY_INIT, .destroyed = TALLY_INIT, .closed = TALLY_INIT                  \
	}

typedef struct instance {
	maker *maker;
	tally calls;
} instance;

static pyr_status make(void *self, pyr_call *call, void **ret_instance, pyr_error *err)
{
	maker *m = self;
	pyr_status failure = m->failure;
	cr_assert_neq(pyr_call_connection(call), 0);
	m->failure = PYR_OK;
	if (failure)
		return pyr_error_set(err, failure, "no more of them");
	instance *made = calloc(1, sizeof *made);
	made->maker = m;
	made->calls = (tally)TALLY_INIT;
	tally_add(&m->made, 1);
	*ret_instance = made;
	return PYR_OK;
}

static void destroy(void *self, void *made)
{
	maker *m = self;
	cr_assert_eq(((instance *)made)->maker, m);
	free(made);
	tally_add(&m->destroyed, 1);
}

static void note_closed(maker *m, unsigned what)
{
	unsigned already = tally_get(&m->closed);
	if (already < 2)
		m->order[already] = what;
	tally_add(&m->closed, 1);
}

static void close_instance(void *resource)
{
	note_closed(((instance *)resource)->maker, 1);
}

static void close_maker(void *resource)
{
	note_closed(resource, 2);
}

/* Answers how many calls this instance has had. */
static void count(void *self, pyr_call *call, const Suite__Nothing *request)
{
	(void)request;
	instance *i = self;
	pyr_error err;
	tally_add(&i->calls, 1);
	if (i->maker->track) {
		i->maker->track = false;
		cr_assert_not(pyr_call_untrack(call, i));
		CHECK_OK(pyr_call_track(call, &err, close_instance, &err));
		CHECK_OK(pyr_call_track(call, i, close_instance, &err));
		CHECK_STATUS(PYR_ALREADY_EXISTS, pyr_call_track(call, i, close_instance, &err));
		CHECK_OK(pyr_call_track(call, i->maker, close_maker, &err));
		cr_assert(pyr_call_untrack(call, &err));
	}
	Suite__Number reply = SUITE__NUMBER__INIT;
	reply.value = tally_get(&i->calls);
	suite_suite_count__reply(call, &reply);
}

static const suite_suite_ops counter_ops = {.count = count};

static void serve(suite *s, maker *m, pyr_instances instances, char *ret_reference)
{
	pyr_error err;
	pyr_object_options options = PYR_OBJECT_OPTIONS_INIT;
	options.instances = instances;
	options.make = make;
	options.destroy = destroy;
	CHECK_OK(suite_suite__serve(s->daemon, "counter", &counter_ops, m, &err));
	CHECK_OK(pyr_daemon_configure(
		s->daemon, "counter", &suite_suite__interface, &options, &err));
	suite_refer(s->daemon, "counter", ret_reference);
}

static suite_suite *open_at(pyr_context *context, const char *reference)
{
	pyr_error err;
	suite_suite *proxy;
	CHECK_OK(suite_suite__open(context, reference, NULL, &proxy, &err));
	return proxy;
}

static uint64_t count_at(suite_suite *proxy)
{
	pyr_error err;
	Suite__Nothing request = SUITE__NOTHING__INIT;
	Suite__Number *reply;
	CHECK_OK(suite_suite_count(proxy, &request, &reply, &err));
	uint64_t value = reply->value;
	suite__number__free_unpacked(reply, NULL);
	return value;
}

/* True if there is nothing to test but that it is refused. */
static bool is_refused(suite *s, const char *reference)
{
	pyr_error err;
	if (!suite_under_test.ends_unseen)
		return false;
	suite_suite *proxy = open_at(s->context, reference);
	CHECK_STATUS(PYR_FAILED_PRECONDITION, suite_count(proxy, &err));
	cr_assert(strstr(err.message, "TLS"), "%s", err.message);
	suite_suite__close(proxy);
	return true;
}

static void *race(void *proxy)
{
	cr_assert_geq(count_at(proxy), 1);
	return NULL;
}

Test(session, D2_has_one_instance_though_64_threads_race)
{
	enum { THREADS = 64 };
	suite *s = suite_begin_pool(8);
	maker m = MAKER_INIT;
	pthread_t threads[THREADS];
	char reference[PYR_REFERENCE_MAX];
	serve(s, &m, PYR_INSTANCES_SESSION, reference);
	if (!is_refused(s, reference)) {
		suite_suite *proxy = open_at(s->context, reference);
		for (int i = 0; i < THREADS; i++)
			pthread_create(&threads[i], NULL, race, proxy);
		for (int i = 0; i < THREADS; i++)
			pthread_join(threads[i], NULL);
		cr_assert_eq(count_at(proxy), THREADS + 1);
		cr_assert_eq(tally_get(&m.made), 1);
		cr_assert_eq(tally_get(&m.destroyed), 0);
		suite_suite__close(proxy);
	}
	suite_end(s);
	cr_assert_eq(tally_get(&m.destroyed), tally_get(&m.made));
}

Test(session, D2_has_another_instance_than_others_and_takes_it_along)
{
	suite *s = suite_begin(NULL);
	maker m = MAKER_INIT;
	char reference[PYR_REFERENCE_MAX];
	serve(s, &m, PYR_INSTANCES_SESSION, reference);
	if (!is_refused(s, reference) && !suite_under_test.same_context) {
		suite_suite *proxy = open_at(s->context, reference);
		cr_assert_eq(count_at(proxy), 1);
		for (unsigned i = 1; i <= 3; i++) {
			pyr_context *context = suite_new_context();
			suite_suite *other = open_at(context, reference);
			cr_assert_eq(count_at(other), 1);
			cr_assert_eq(count_at(other), 2);
			cr_assert_eq(tally_get(&m.made), 1 + i);
			suite_suite__close(other);
			pyr_context_free(context);
			CHECK_AWAIT(&m.destroyed, i);
		}
		cr_assert_eq(count_at(proxy), 2);
		suite_suite__close(proxy);
	}
	suite_end(s);
	cr_assert_eq(tally_get(&m.destroyed), tally_get(&m.made));
}

Test(session, D2_is_a_call_where_instances_are_made_for_calls)
{
	enum { CALLS = 20 };
	suite *s = suite_begin_pool(2);
	maker m = MAKER_INIT;
	char reference[PYR_REFERENCE_MAX];
	serve(s, &m, PYR_INSTANCES_CALL, reference);
	suite_suite *proxy = open_at(s->context, reference);
	for (int i = 0; i < CALLS; i++)
		cr_assert_eq(count_at(proxy), 1);
	CHECK_AWAIT(&m.destroyed, CALLS);
	cr_assert_eq(tally_get(&m.made), CALLS);
	suite_suite__close(proxy);
	suite_end(s);
	cr_assert_eq(tally_get(&m.destroyed), CALLS);
}

static void check_failing(pyr_instances instances)
{
	suite *s = suite_begin(NULL);
	maker m = MAKER_INIT;
	pyr_error err;
	char reference[PYR_REFERENCE_MAX];
	serve(s, &m, instances, reference);
	if (instances == PYR_INSTANCES_CALL || !is_refused(s, reference)) {
		suite_suite *proxy = open_at(s->context, reference);
		m.failure = PYR_RESOURCE_EXHAUSTED;
		CHECK_STATUS(PYR_RESOURCE_EXHAUSTED, suite_count(proxy, &err));
		cr_assert_str_eq(err.message, "no more of them");
		cr_assert_eq(err.executed, PYR_EXECUTED_NO);
		cr_assert_eq(count_at(proxy), 1);
		suite_suite__close(proxy);
	}
	suite_end(s);
	cr_assert_eq(tally_get(&m.destroyed), tally_get(&m.made));
}

Test(session, D2_without_an_instance_says_why_and_tries_again)
{
	check_failing(PYR_INSTANCES_SESSION);
	check_failing(PYR_INSTANCES_CALL);
}

Test(session, D5_closes_what_was_tracked_once_and_in_order)
{
	suite *s = suite_begin(NULL);
	maker m = MAKER_INIT;
	char reference[PYR_REFERENCE_MAX];
	serve(s, &m, PYR_INSTANCES_SESSION, reference);
	m.track = true;
	if (!is_refused(s, reference) && !suite_under_test.same_context) {
		pyr_context *context = suite_new_context();
		suite_suite *proxy = open_at(context, reference);
		cr_assert_eq(count_at(proxy), 1);
		cr_assert_eq(tally_get(&m.closed), 0);
		suite_suite__close(proxy);
		pyr_context_free(context);
		CHECK_AWAIT(&m.closed, 2);
		CHECK_AWAIT(&m.destroyed, 1);
		cr_assert_eq(m.order[0], 2, "what was tracked last is closed first");
		cr_assert_eq(m.order[1], 1);
	}
	suite_end(s);
	cr_assert_eq(tally_get(&m.closed), m.track || suite_under_test.same_context ? 0 : 2);
	cr_assert_eq(tally_get(&m.destroyed), tally_get(&m.made));
}

Test(session, is_told_of_once_for_an_object)
{
	suite *s = suite_begin(NULL);
	maker m = MAKER_INIT;
	pyr_error err;
	char reference[PYR_REFERENCE_MAX];
	pyr_object_options options = PYR_OBJECT_OPTIONS_INIT;
	options.instances = PYR_INSTANCES_CALL;
	CHECK_STATUS(PYR_INVALID_ARGUMENT,
		pyr_daemon_configure(s->daemon, "suite", NULL, &options, &err));
	options.instances = (pyr_instances)7;
	CHECK_STATUS(PYR_INVALID_ARGUMENT,
		pyr_daemon_configure(s->daemon, "suite", NULL, &options, &err));
	serve(s, &m, PYR_INSTANCES_CALL, reference);
	options = (pyr_object_options)PYR_OBJECT_OPTIONS_INIT;
	CHECK_STATUS(PYR_FAILED_PRECONDITION,
		pyr_daemon_configure(s->daemon, "counter", NULL, &options, &err));
	options.instances = PYR_INSTANCES_CALL;
	options.make = make;
	options.destroy = destroy;
	CHECK_OK(pyr_daemon_configure(s->daemon, "counter", NULL, &options, &err));
	suite_end(s);
}

/* Objects come and go */

static void released(void *self)
{
	tally_add(&((servant *)self)->interrupted_count, 1);
}

Test(object, D1_is_replaced_while_a_call_of_the_old_one_runs)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	servant second = SERVANT_INIT;
	pyr_object_options options = PYR_OBJECT_OPTIONS_INIT;
	suite_reply r = SUITE_REPLY_INIT;
	Suite__Number request = SUITE__NUMBER__INIT;
	options.release = released;
	CHECK_STATUS(PYR_ALREADY_EXISTS,
		suite_suite__serve(s->daemon, "suite", &servant_ops, &second, &err));
	CHECK_OK(pyr_daemon_configure(s->daemon, "suite", NULL, &options, &err));
	CHECK_OK(suite_suite_hold__invoke(s->proxy, &request, suite_on_number, &r, NULL, &err));
	CHECK_AWAIT(&s->servant.held_count, 1);
	CHECK_OK(suite_suite__replace(s->daemon, "suite", &servant_ops, &second, &err));
	CHECK_OK(suite_count(s->proxy, &err));
	cr_assert_eq(tally_get(&second.count_count), 1);
	cr_assert_eq(tally_get(&s->servant.count_count), 0);
	cr_assert_eq(tally_get(&s->servant.interrupted_count), 0, "released too early");
	CHECK_OK(servant_answer(&s->servant, 0, 7));
	CHECK_AWAIT(&r.done, 1);
	cr_assert_eq(r.value, 7);
	CHECK_AWAIT(&s->servant.interrupted_count, 1);
	CHECK_OK(suite_suite__replace(s->daemon, "another", &servant_ops, &second, &err));
	CHECK_OK(pyr_daemon_unregister(s->daemon, "suite", NULL, &err));
	CHECK_STATUS(PYR_NOT_FOUND, suite_count(s->proxy, &err));
	suite_end(s);
}

Test(object, D1_gets_an_id_that_no_other_has)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	char ids[2][PYR_OBJECT_ID_NEW], reference[PYR_REFERENCE_MAX];
	for (int i = 0; i < 2; i++) {
		suite_suite *proxy;
		pyr_object_id_new(ids[i]);
		cr_assert_eq(strspn(ids[i], "0123456789abcdef"), 32);
		cr_assert_eq(ids[i][32], '\0');
		CHECK_OK(suite_suite__serve(s->daemon, ids[i], &servant_ops, &s->servant, &err));
		suite_refer(s->daemon, ids[i], reference);
		CHECK_OK(suite_suite__open(s->context, reference, NULL, &proxy, &err));
		CHECK_OK(suite_count(proxy, &err));
		suite_suite__close(proxy);
	}
	cr_assert_str_neq(ids[0], ids[1]);
	suite_end(s);
}
