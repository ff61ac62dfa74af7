/* SPDX-License-Identifier: Apache-2.0 */
/* References without an object id: the daemon's only object over gRPC, and no reference elsewhere.
 */
#include <string.h>
#include "transport/suite.h"

/* The suite's reference with nothing where its object id is. */
static void write_nameless(const suite *s, char *ret_reference)
{
	const char *object = strchr(s->reference, ':') + 1;
	size_t scheme = (size_t)(object - s->reference);
	memcpy(ret_reference, s->reference, scheme);
	strcpy(ret_reference + scheme, object + strcspn(object, "@"));
}

static bool may_be_nameless(const suite *s)
{
	return strncmp(s->reference, "grpc", 4) == 0;
}

static void check_only_object(suite *s, const char *reference)
{
	pyr_error err;
	suite_suite *proxy;
	CHECK_OK(suite_suite__open(s->context, reference, NULL, &proxy, &err));
	CHECK_OK(suite_count(proxy, &err));
	CHECK_OK(suite_suite__serve(s->daemon, "second", &servant_ops, &s->servant, &err));
	CHECK_STATUS(PYR_NOT_FOUND, suite_count(proxy, &err));
	cr_assert(strstr(err.message, "'suite'") && strstr(err.message, "'second'"), "%s",
		err.message);
	cr_assert_eq(err.executed, PYR_EXECUTED_NO);
	CHECK_OK(pyr_daemon_unregister(s->daemon, "second", NULL, &err));
	CHECK_OK(suite_count(proxy, &err));
	CHECK_OK(pyr_daemon_unregister(s->daemon, "suite", NULL, &err));
	CHECK_STATUS(PYR_UNIMPLEMENTED, suite_count(proxy, &err));
	cr_assert(strstr(err.message, "suite.Suite"), "%s", err.message);
	suite_suite__close(proxy);
}

Test(nameless, reference_leads_to_the_only_object_or_is_refused)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	suite_suite *proxy;
	char reference[PYR_REFERENCE_MAX];
	write_nameless(s, reference);
	if (may_be_nameless(s)) {
		check_only_object(s, reference);
	} else {
		CHECK_STATUS(PYR_INVALID_ARGUMENT,
			suite_suite__open(s->context, reference, NULL, &proxy, &err));
		cr_assert(strstr(err.message, "byte") && strstr(err.message, "object id"), "%s",
			err.message);
	}
	suite_end(s);
}

Test(nameless, object_is_refused)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	char reference[PYR_REFERENCE_MAX];
	CHECK_STATUS(PYR_INVALID_ARGUMENT,
		suite_suite__serve(s->daemon, "", &servant_ops, &s->servant, &err));
	cr_assert(strstr(err.message, "1 to 255"), "%s", err.message);
	/* an endpoint grpcs: has references without an id; any other's are of a native scheme */
	if (!suite_under_test.same_context && strncmp(s->reference, "grpcs:", 6) != 0) {
		pyr_status status =
			pyr_daemon_reference(s->daemon, "", 0, reference, sizeof reference, &err);
		cr_assert_eq(status, PYR_INVALID_ARGUMENT, "%s", reference);
	}
	suite_end(s);
}
