/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens and access rules: who a caller is, what it may call, and where its token never goes. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "leaks.h"
#include "tls/secured.h"

typedef struct guarded {
	pyr_daemon *daemon;
	pyr_context *context;
	hostile_target *target;
	char endpoint[128];
	int authenticated, ran;
	char principal[PYR_PRINCIPAL_MAX];
} guarded;

static void echo(void *self, pyr_call *call, const Hostile__Node *request)
{
	guarded *g = self;
	g->ran++;
	snprintf(g->principal, sizeof g->principal, "%s", pyr_call_principal(call));
	hostile_target_echo__reply(call, request);
}

static const hostile_target_ops ops = {.echo = echo};

static pyr_status authenticate(
	void *ctx, const char *token, char principal[PYR_PRINCIPAL_MAX], pyr_error *err)
{
	guarded *g = ctx;
	g->authenticated++;
	if (strcmp(token, "s3cret") != 0)
		return pyr_error_set(err, PYR_UNAUTHENTICATED, "this token is nobody's");
	strcpy(principal, "alice");
	return PYR_OK;
}

/* Alice may call everything; others nothing on the object "target". */
static pyr_status intercept(void *ctx, pyr_call *call, pyr_error *err)
{
	(void)ctx;
	if (strcmp(pyr_call_principal(call), "alice") == 0)
		return PYR_OK;
	return pyr_error_set(err, PYR_PERMISSION_DENIED, "'%s' may not call %s of '%s'",
		pyr_call_principal(call), pyr_call_method(call), pyr_call_object(call));
}

static void begin(guarded *g)
{
	pyr_error err;
	pyr_daemon_options options = PYR_DAEMON_OPTIONS_INIT;
	memset(g, 0, sizeof *g);
	options.authenticate = authenticate;
	options.intercept = intercept;
	options.access_ctx = g;
	cr_assert_eq(pyr_daemon_new(&options, &g->daemon, &err), PYR_OK);
	cr_assert_eq(hostile_target__serve(g->daemon, "target", &ops, g, &err), PYR_OK);
	cr_assert_eq(pyr_daemon_listen(g->daemon, "127.0.0.1:0", NULL, &err), PYR_OK);
	cr_assert_eq(pyr_daemon_start(g->daemon, &err), PYR_OK);
	char reference[PYR_REFERENCE_MAX];
	cr_assert_eq(
		pyr_daemon_reference(g->daemon, "target", 0, reference, sizeof reference, &err),
		PYR_OK);
	snprintf(g->endpoint, sizeof g->endpoint, "%s", strchr(reference, '@') + 1);
	cr_assert_eq(pyr_context_new(NULL, &g->context, &err), PYR_OK);
	cr_assert_eq(hostile_target__open(g->context, reference, NULL, &g->target, &err), PYR_OK);
}

static void end(guarded *g)
{
	hostile_target__close(g->target);
	pyr_context_free(g->context);
	pyr_daemon_free(g->daemon);
}

static pyr_status call(guarded *g, pyr_error *err)
{
	Hostile__Node request = HOSTILE__NODE__INIT, *reply;
	pyr_status status = hostile_target_echo(g->target, &request, &reply, err);
	if (status == PYR_OK)
		hostile__node__free_unpacked(reply, NULL);
	return status;
}

Test(access, S2_a_token_says_who_is_calling_once_a_connection)
{
	guarded g;
	pyr_error err;
	begin(&g);
	cr_assert_eq(pyr_context_set_token(g.context, g.endpoint, "s3cret", false, &err), PYR_OK);
	for (int i = 0; i < 10; i++)
		cr_assert_eq(call(&g, &err), PYR_OK, "%s", err.message);
	cr_assert_str_eq(g.principal, "alice");
	cr_assert_eq(g.authenticated, 1);
	end(&g);
	CHECK_LEAKS();
}

Test(access, S2_without_a_token_or_with_a_wrong_one_nothing_runs)
{
	guarded g;
	pyr_error err;
	begin(&g);
	cr_assert_eq(call(&g, &err), PYR_PERMISSION_DENIED);
	cr_assert_str_eq(err.message, "'' may not call hostile.Target/Echo of 'target'");
	cr_assert_eq(err.executed, PYR_EXECUTED_NO);
	cr_assert_eq(pyr_context_set_token(g.context, g.endpoint, "guess", false, &err), PYR_OK);
	cr_assert_eq(call(&g, &err), PYR_UNAUTHENTICATED);
	cr_assert_str_eq(err.message, "this token is nobody's");
	cr_assert_eq(g.ran, 0);
	end(&g);
	CHECK_LEAKS();
}

Test(access, S2_a_new_token_counts_from_the_next_call_on)
{
	guarded g;
	pyr_error err;
	begin(&g);
	cr_assert_eq(call(&g, &err), PYR_PERMISSION_DENIED);
	cr_assert_eq(pyr_context_set_token(g.context, g.endpoint, "s3cret", false, &err), PYR_OK);
	cr_assert_eq(call(&g, &err), PYR_OK, "%s", err.message);
	cr_assert_eq(pyr_context_set_token(g.context, g.endpoint, NULL, false, &err), PYR_OK);
	cr_assert_eq(call(&g, &err), PYR_PERMISSION_DENIED);
	end(&g);
	CHECK_LEAKS();
}

Test(access, S2_a_token_goes_to_its_endpoint_alone)
{
	guarded g;
	pyr_error err;
	begin(&g);
	cr_assert_eq(
		pyr_context_set_token(g.context, "127.0.0.1:1", "s3cret", false, &err), PYR_OK);
	cr_assert_eq(call(&g, &err), PYR_PERMISSION_DENIED);
	/* all endpoints means all that are reached over TLS */
	cr_assert_eq(pyr_context_set_token(g.context, "*", "s3cret", false, &err), PYR_OK);
	cr_assert_eq(call(&g, &err), PYR_PERMISSION_DENIED);
	cr_assert_eq(g.authenticated, 0);
	end(&g);
	CHECK_LEAKS();
}

Test(access, S2_no_token_travels_in_cleartext_to_another_machine)
{
	pyr_error err;
	pyr_context *context;
	hostile_target *target;
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	Hostile__Node request = HOSTILE__NODE__INIT, *reply;
	options.timeout_ms = 100;
	cr_assert_eq(pyr_context_new(NULL, &context, &err), PYR_OK);
	cr_assert_eq(pyr_context_set_token(context, "names.invalid:9790", "s3cret", false, &err),
		PYR_OK);
	cr_assert_eq(hostile_target__open(
			     context, "pyr:target@names.invalid:9790", &options, &target, &err),
		PYR_OK);
	cr_assert_eq(hostile_target_echo(target, &request, &reply, &err), PYR_FAILED_PRECONDITION);
	cr_assert(strstr(err.message, "cleartext"), "%s", err.message);
	hostile_target__close(target);
	pyr_context_free(context);
	CHECK_LEAKS();
}

Test(access, a_token_that_is_none_is_refused)
{
	pyr_error err;
	char long_token[5000];
	memset(long_token, 'x', sizeof long_token);
	long_token[sizeof long_token - 1] = '\0';
	const char *const bad[] = {"", "two words", "\xc3\xa4", long_token};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		cr_assert_eq(pyr_context_set_token(NULL, "localhost:1", bad[i], false, &err),
			PYR_INVALID_ARGUMENT);
	cr_assert_eq(
		pyr_context_set_token(NULL, "nonsense", "x", false, &err), PYR_INVALID_ARGUMENT);
}
