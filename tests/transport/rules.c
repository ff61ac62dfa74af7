/* SPDX-License-Identifier: Apache-2.0 */
/* A daemon's access rules: who may call what, over every transport. */
#include <pyrite/batch.pyr.h>
#include <pyrite/daemon.pyr.h>
#include <stdatomic.h>
#include <string.h>
#include "transport/suite.h"

/* What an `intercept`, which is asked after the rules, has seen. */
typedef struct watched {
	atomic_uint calls;
	char principal[PYR_PRINCIPAL_MAX]; /* of the last */
} watched;

static pyr_status intercept(void *ctx, pyr_call *call, pyr_error *err)
{
	watched *w = ctx;
	(void)err;
	snprintf(w->principal, sizeof w->principal, "%s", pyr_call_principal(call));
	atomic_fetch_add(&w->calls, 1);
	return PYR_OK;
}

static pyr_status authenticate(
	void *ctx, const char *token, char principal[PYR_PRINCIPAL_MAX], pyr_error *err)
{
	(void)ctx;
	(void)err;
	snprintf(principal, PYR_PRINCIPAL_MAX, "%s", token);
	return PYR_OK;
}

/* Makes one call, so that it is known who the clients are. */
static suite *begin(watched *w)
{
	pyr_error err;
	suite_config config = {.daemon = {.intercept = intercept, .access_ctx = w}};
	memset(w, 0, sizeof *w);
	if (!suite_under_test.same_context)
		config.daemon.authenticate = authenticate;
	suite *s = suite_begin(&config);
	CHECK_OK(suite_echo(s->proxy, &err));
	return s;
}

static void set(suite *s, const pyr_rule *rules, size_t count)
{
	pyr_error err;
	CHECK_OK(pyr_daemon_set_rules(s->daemon, rules, count, &err));
}

#define SET(s, rules) set(s, rules, sizeof(rules) / sizeof((rules)[0]))

/* What a call gets that the rules do not let through. */
static pyr_status refused(const watched *w)
{
	return w->principal[0] ? PYR_PERMISSION_DENIED : PYR_UNAUTHENTICATED;
}

Test(rules, S2_the_first_that_matches_decides)
{
	watched w;
	suite *s = begin(&w);
	pyr_error err;
	const pyr_rule rules[] = {
		{NULL, NULL, "suite.Suite/Count", false},
		{NULL, "suite", "suite.*", true},
	};
	SET(s, rules);
	CHECK_OK(suite_echo(s->proxy, &err));
	CHECK_STATUS(refused(&w), suite_count(s->proxy, &err));
	cr_assert(strstr(err.message, "a rule denies suite.Suite/Count of suite to "), "%s",
		err.message);
	cr_assert(strstr(err.message, w.principal), "%s", err.message);
	cr_assert_eq(err.executed, PYR_EXECUTED_NO);
	cr_assert_eq(tally_get(&s->servant.count_count), 0);
	cr_assert_eq(atomic_load(&w.calls), 2); /* the two of Echo */
	suite_end(s);
}

Test(rules, S2_what_none_allows_is_refused)
{
	watched w;
	suite *s = begin(&w);
	pyr_error err;
	const pyr_rule rules[] = {{w.principal, "suite", "suite.Suite/Echo", true}};
	SET(s, rules);
	CHECK_OK(suite_echo(s->proxy, &err));
	CHECK_STATUS(refused(&w), suite_count(s->proxy, &err));
	cr_assert(strstr(err.message, "no rule allows suite.Suite/Count of suite to "), "%s",
		err.message);
	set(s, NULL, 0);
	CHECK_STATUS(refused(&w), suite_echo(s->proxy, &err));
	cr_assert_eq(tally_get(&s->servant.count_count), 0);
	suite_end(s);
}

Test(rules, S2_who_has_proved_something_is_told_from_who_has_not)
{
	watched w;
	suite *s = begin(&w);
	pyr_error err;
	const pyr_rule proved[] = {{"?*", NULL, NULL, true}}, nobody[] = {{"", NULL, NULL, true}};
	pyr_status known = w.principal[0] ? PYR_OK : PYR_UNAUTHENTICATED;
	SET(s, proved);
	CHECK_STATUS(known, suite_echo(s->proxy, &err));
	SET(s, nobody);
	CHECK_STATUS(w.principal[0] ? PYR_PERMISSION_DENIED : PYR_OK, suite_echo(s->proxy, &err));
	suite_end(s);
}

Test(rules, S2_who_a_token_belongs_to_has_the_rules_of_that_name)
{
	watched w;
	suite *s = begin(&w);
	pyr_error err;
	const char *endpoint = strchr(s->reference, '@');
	const pyr_rule rules[] = {{"alice", "suite", "suite.Suite/Echo", true}};
	SET(s, rules);
	CHECK_STATUS(refused(&w), suite_echo(s->proxy, &err));
	if (endpoint) {
		CHECK_OK(pyr_context_set_token(s->context, endpoint + 1, "alice", false, &err));
		CHECK_OK(suite_echo(s->proxy, &err));
		CHECK_STATUS(PYR_PERMISSION_DENIED, suite_count(s->proxy, &err));
		cr_assert(strstr(err.message, " to alice"), "%s", err.message);
		CHECK_OK(pyr_context_set_token(s->context, endpoint + 1, "bob", false, &err));
		CHECK_STATUS(PYR_PERMISSION_DENIED, suite_echo(s->proxy, &err));
	}
	suite_end(s);
}

Test(rules, S2_they_are_replaced_while_calls_run)
{
	watched w;
	suite *s = begin(&w);
	pyr_error err;
	suite_reply held = SUITE_REPLY_INIT;
	Suite__Number request = SUITE__NUMBER__INIT;
	const pyr_rule all[] = {{NULL, NULL, NULL, true}};
	SET(s, all);
	CHECK_OK(suite_suite_hold__invoke(s->proxy, &request, suite_on_number, &held, NULL, &err));
	CHECK_AWAIT(&s->servant.held_count, 1);
	set(s, NULL, 0);
	CHECK_STATUS(refused(&w), suite_echo(s->proxy, &err));
	cr_assert_eq(servant_answer(&s->servant, 0, 7), PYR_OK);
	CHECK_AWAIT(&held.done, 1);
	cr_assert(held.status == PYR_OK && held.value == 7, "%s", held.err.message);
	pyr_daemon_drop_rules(s->daemon);
	CHECK_OK(suite_echo(s->proxy, &err));
	suite_end(s);
}

Test(rules, S2_each_call_of_a_batch_is_asked_for)
{
	watched w;
	suite *s = begin(&w);
	pyr_error err;
	Suite__Blob blob = SUITE__BLOB__INIT;
	Suite__Nothing nothing = SUITE__NOTHING__INIT;
	const pyr_rule rules[] = {{NULL, "suite", "suite.Suite/Echo", true}};
	SET(s, rules);
	pyr_batch *batch = pyr_batch_new(suite_suite__proxy(s->proxy));
	CHECK_OK(suite_suite_echo__batch(batch, &blob, &err));
	CHECK_OK(suite_suite_count__batch(batch, &nothing, &err));
	CHECK_STATUS(refused(&w), pyr_batch_run(batch, &err));
	cr_assert_eq(pyr_batch_ran(batch), 1);
	cr_assert(strstr(err.message, "no rule allows suite.Suite/Count"), "%s", err.message);
	cr_assert_eq(tally_get(&s->servant.echo_count), 2);
	cr_assert_eq(tally_get(&s->servant.count_count), 0);
	pyr_batch_free(batch);
	suite_end(s);
}

static pyr_status ping(suite *s, pyr_error *err)
{
	pyrite_daemon *proxy;
	Pyrite__PingRequest request = PYRITE__PING_REQUEST__INIT;
	Pyrite__PingReply *reply;
	cr_assert_eq(pyrite_daemon__open(s->context, s->reference, NULL, &proxy, err), PYR_OK);
	pyr_status status = pyrite_daemon_ping(proxy, &request, &reply, err);
	if (status == PYR_OK)
		pyrite__ping_reply__free_unpacked(reply, NULL);
	pyrite_daemon__close(proxy);
	return status;
}

Test(rules, S2_the_daemons_own_are_not_reached_under_another_objects_id)
{
	watched w;
	suite *s = begin(&w);
	pyr_error err;
	const pyr_rule rules[] = {{NULL, "suite", NULL, true}};
	const pyr_rule own[] = {{NULL, "pyr.daemon", "pyrite.Daemon/Ping", true}};
	CHECK_OK(ping(s, &err));
	SET(s, rules);
	CHECK_STATUS(refused(&w), ping(s, &err));
	SET(s, own);
	CHECK_OK(ping(s, &err));
	CHECK_STATUS(refused(&w), suite_echo(s->proxy, &err));
	suite_end(s);
}

/* A reference without an object id means the only object: over gRPC alone. */
Test(rules, S2_an_object_that_is_not_named_is_protected_all_the_same)
{
	watched w;
	suite *s = begin(&w);
	pyr_error err;
	suite_suite *proxy;
	char reference[PYR_REFERENCE_MAX];
	const char *at = strchr(s->reference, '@');
	const pyr_rule rules[] = {{NULL, "suite", NULL, false}, {NULL, NULL, NULL, true}};
	SET(s, rules);
	CHECK_STATUS(refused(&w), suite_echo(s->proxy, &err));
	if (strncmp(s->reference, "grpc", 4) == 0) {
		snprintf(reference, sizeof reference, "%.*s:%s", (int)strcspn(s->reference, ":"),
			s->reference, at);
		CHECK_OK(suite_suite__open(s->context, reference, NULL, &proxy, &err));
		CHECK_STATUS(refused(&w), suite_echo(proxy, &err));
		cr_assert(!strstr(err.message, " of suite"), "%s", err.message);
		suite_suite__close(proxy);
	}
	cr_assert_eq(tally_get(&s->servant.echo_count), 1);
	suite_end(s);
}

Test(rules, S2_streams_and_oneway_calls_obey)
{
	watched w;
	suite *s = begin(&w);
	pyr_error err;
	Suite__Number number = SUITE__NUMBER__INIT;
	Suite__Flood flood = SUITE__FLOOD__INIT;
	const pyr_rule rules[] = {{NULL, NULL, "suite.Suite/Echo", true}};
	SET(s, rules);
	flood.count = 3;
	pyr_stream *stream;
	const Suite__Blob *reply;
	CHECK_OK(suite_suite_down(s->proxy, &flood, &stream, &err));
	CHECK_STATUS(refused(&w), suite_suite_down__next(stream, &reply, &err));
	pyr_stream_close(stream);
	CHECK_OK(suite_suite_note(s->proxy, &number, &err));
	CHECK_OK(suite_echo(s->proxy, &err)); /* behind it */
	cr_assert_eq(tally_get(&s->servant.note_count), 0);
	cr_assert_eq(tally_get(&s->servant.sent_count), 0);
	suite_end(s);
}
