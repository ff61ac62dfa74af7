/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls back: the server calls an object of its client, while the client waits, and further. In
 * Pyro A calls B calls A waits for ever where A has one thread, or holds a lock on its proxy.
 */
#include "transport/suite.h"

/* The first of these asks the second to ask the third, and so on, for the time that is left. */
static pyr_status relay(suite_suite *proxy, Suite__Errand *errands, size_t count, pyr_error *err)
{
	Suite__Number *reply;
	for (size_t i = 0; i + 1 < count; i++)
		errands[i].then = &errands[i + 1];
	pyr_status status = suite_suite_relay(proxy, errands, &reply, err);
	if (status == PYR_OK) {
		cr_assert_gt(reply->value, 0);
		suite__number__free_unpacked(reply, NULL);
	}
	return status;
}

static Suite__Errand to(char *reference)
{
	Suite__Errand errand = SUITE__ERRAND__INIT;
	errand.reference = reference;
	return errand;
}

Test(callback, C10_a_chain_may_come_back_to_a_pool_that_is_busy_with_it)
{
	suite *s = suite_begin_pool(1);
	pyr_error err;
	suite_suite *proxy = suite_open_timeout(s, 10000);
	Suite__Errand errands[] = {to(s->reference)};
	for (int i = 0; i < 20; i++)
		CHECK_OK(relay(proxy, errands, 1, &err));
	cr_assert_eq(tally_get(&s->servant.correlation_count), 40);
	suite_suite__close(proxy);
	suite_end(s);
}

Test(callback, C10_a_calls_b_calls_a)
{
	suite_config config = {.daemon.workers = 1};
	suite *s = suite_begin_pool(1);
	pyr_error err;
	char other[PYR_REFERENCE_MAX];
	pyr_daemon *client = suite_new_daemon(s, &config);
	suite_suite *proxy = suite_open_timeout(s, 10000);
	CHECK_OK(suite_suite__serve(client, "client", &servant_ops, &s->servant, &err));
	suite_refer(client, "client", other);
	/* the server asks its client, which asks the server, which asks its client */
	Suite__Errand errands[] = {to(other), to(s->reference)};
	for (int i = 0; i < 20; i++)
		CHECK_OK(relay(proxy, errands, 2, &err));
	suite_suite__close(proxy);
	pyr_daemon_free(client);
	suite_end(s);
}

/* An object that has gone is said so to who calls it, and through the chain to who began it. */
Test(callback, C10_an_object_of_the_client_that_has_gone_is_an_error)
{
	suite_config config = {.daemon.workers = 1};
	suite *s = suite_begin_pool(1);
	pyr_error err;
	char other[PYR_REFERENCE_MAX];
	pyr_daemon *client = suite_new_daemon(s, &config);
	CHECK_OK(suite_suite__serve(client, "client", &servant_ops, &s->servant, &err));
	suite_refer(client, "client", other);
	Suite__Errand errands[] = {to(other)};
	CHECK_OK(relay(s->proxy, errands, 1, &err));
	CHECK_OK(pyr_daemon_unregister(client, "client", NULL, &err));
	CHECK_STATUS(PYR_NOT_FOUND, relay(s->proxy, errands, 1, &err));
	pyr_daemon_free(client);
	pyr_status status = relay(s->proxy, errands, 1, &err);
	cr_assert(status == PYR_UNAVAILABLE ||
		  (suite_under_test.same_context && status == PYR_NOT_FOUND));
	suite_end(s);
}
