/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is let in: Pyro's validateHandshake() sees each new connection, and may refuse it with a
 * reason that the client gets; nothing runs then.
 */
#include <stdatomic.h>
#include <string.h>
#include "transport/suite.h"

/* Lets in who shows the ticket with their first call. */
typedef struct doorman {
	atomic_uint asked;
	tally entered; /* calls of admit that have begun */
	tally open;    /* they end once this is 1 */
	bool slow;
	char peer[64];
} doorman;

static pyr_status admit(void *ctx, pyr_call *call, pyr_error *err)
{
	doorman *d = ctx;
	atomic_fetch_add(&d->asked, 1);
	snprintf(d->peer, sizeof d->peer, "%s", pyr_call_peer(call));
	tally_add(&d->entered, 1);
	if (d->slow)
		tally_await(&d->open, 1);
	const char *ticket = pyr_metadata_get(pyr_call_metadata(call), "ticket");
	if (ticket && strcmp(ticket, "valid") == 0)
		return PYR_OK;
	return pyr_error_set(
		err, PYR_UNAUTHENTICATED, "no ticket, no entry: number %u", atomic_load(&d->asked));
}

static suite *begin(doorman *d, uint32_t workers)
{
	suite_config config = {.daemon = {.workers = workers, .admit = admit, .access_ctx = d}};
	*d = (doorman){.entered = TALLY_INIT, .open = TALLY_INIT};
	return suite_begin(&config);
}

static suite_suite *open_with(suite *s, const char *ticket)
{
	pyr_error err;
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	pyr_metadata *metadata = pyr_metadata_new();
	CHECK_OK(pyr_metadata_add(metadata, "ticket", ticket, &err));
	options.metadata = metadata;
	suite_suite *proxy = suite_open(s, &options);
	pyr_metadata_free(metadata);
	return proxy;
}

Test(admit, D4_a_connection_is_refused_with_the_reason)
{
	doorman d;
	suite *s = begin(&d, 0);
	pyr_error err;
	suite_suite *late = open_with(s, "valid");
	for (int i = 0; i < 3; i++) {
		CHECK_STATUS(PYR_UNAUTHENTICATED, suite_echo(s->proxy, &err));
		cr_assert(strstr(err.message, "no ticket, no entry"), "%s", err.message);
		cr_assert_eq(err.executed, PYR_EXECUTED_NO);
	}
	if (!suite_under_test.ends_unseen) {
		cr_assert_eq(atomic_load(&d.asked), 1);
		cr_assert(strstr(err.message, "number 1"), "%s", err.message);
		/* the connection is refused, whatever is shown later */
		CHECK_STATUS(PYR_UNAUTHENTICATED, suite_echo(late, &err));
		cr_assert_eq(atomic_load(&d.asked), 1);
	}
	cr_assert_eq(tally_get(&s->servant.echo_count), 0);
	cr_assert(strstr(d.peer, suite_under_test.peer), "%s", d.peer);
	suite_suite__close(late);
	suite_end(s);
}

Test(admit, D4_a_connection_is_asked_for_once)
{
	doorman d;
	suite *s = begin(&d, 8);
	pyr_error err;
	suite_suite *proxy = open_with(s, "valid");
	suite_reply replies[50];
	Suite__Blob request = SUITE__BLOB__INIT;
	d.slow = true;
	for (int i = 0; i < 50; i++) {
		replies[i] = (suite_reply)SUITE_REPLY_INIT;
		CHECK_OK(suite_suite_echo__invoke(
			proxy, &request, suite_on_blob, &replies[i], NULL, &err));
	}
	CHECK_AWAIT(&d.entered, 1);
	cr_assert_eq(tally_get(&s->servant.echo_count), 0);
	tally_add(&d.open, 1);
	for (int i = 0; i < 50; i++) {
		CHECK_AWAIT(&replies[i].done, 1);
		cr_assert_eq(replies[i].status, PYR_OK, "%s", replies[i].err.message);
	}
	cr_assert_eq(atomic_load(&d.asked), suite_under_test.ends_unseen ? 50 : 1);
	if (!suite_under_test.ends_unseen)
		CHECK_OK(suite_echo(s->proxy, &err)); /* the same connection */
	suite_suite__close(proxy);
	suite_end(s);
}

Test(admit, D4_each_connection_is_asked_for)
{
	doorman d;
	suite *s = begin(&d, 0);
	pyr_error err;
	suite_suite *welcome = open_with(s, "valid"), *stranger;
	CHECK_OK(suite_echo(welcome, &err));
	if (!suite_under_test.same_context) {
		pyr_context *other = suite_new_context();
		CHECK_OK(suite_suite__open(other, s->reference, NULL, &stranger, &err));
		CHECK_STATUS(PYR_UNAUTHENTICATED, suite_echo(stranger, &err));
		CHECK_OK(suite_echo(welcome, &err));
		suite_suite__close(stranger);
		pyr_context_free(other);
	}
	cr_assert_eq(tally_get(&s->servant.echo_count), suite_under_test.same_context ? 1 : 2);
	suite_suite__close(welcome);
	suite_end(s);
}

static pyr_status refuse_without_a_word(void *ctx, pyr_call *call, pyr_error *err)
{
	(void)ctx;
	(void)call;
	(void)err;
	return PYR_PERMISSION_DENIED;
}

Test(admit, D4_who_refuses_without_a_reason_refuses)
{
	suite_config config = {.daemon.admit = refuse_without_a_word};
	suite *s = suite_begin(&config);
	pyr_error err;
	for (int i = 0; i < 2; i++) {
		CHECK_STATUS(PYR_PERMISSION_DENIED, suite_echo(s->proxy, &err));
		cr_assert_str_eq(err.message, "");
	}
	cr_assert_eq(tally_get(&s->servant.echo_count), 0);
	suite_end(s);
}
