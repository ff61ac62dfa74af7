/* SPDX-License-Identifier: Apache-2.0 */
/* The id that the calls of a chain have in common. */
#include <string.h>
#include "transport/suite.h"

#define HOPS 3

/* Relay, which calls Relay, which calls TimeLeft. */
static void run_errands(suite *s, suite_suite *proxy)
{
	pyr_error err;
	Suite__Errand inner = SUITE__ERRAND__INIT, outer = SUITE__ERRAND__INIT;
	Suite__Number *reply;
	inner.reference = outer.reference = s->reference;
	outer.then = &inner;
	CHECK_OK(suite_suite_relay(proxy, &outer, &reply, &err));
	suite__number__free_unpacked(reply, NULL);
}

static suite_suite *open_with(suite *s, const char *correlation)
{
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	options.correlation = correlation;
	return suite_open(s, &options);
}

static void check_hops(suite *s, unsigned first, const char *wanted)
{
	cr_assert_eq(tally_get(&s->servant.correlation_count), first + HOPS);
	for (unsigned i = 0; i < HOPS; i++)
		cr_assert_str_eq(s->servant.correlations[first + i], wanted);
}

Test(correlation, C7_of_the_caller_is_seen_by_the_third_hop)
{
	suite *s = suite_begin_pool(HOPS);
	char longest[PYR_CORRELATION_MAX];
	memset(longest, '~', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	suite_suite *order = open_with(s, "order-4711"), *other = open_with(s, longest);
	run_errands(s, order);
	check_hops(s, 0, "order-4711");
	run_errands(s, other);
	check_hops(s, HOPS, longest);
	suite_suite__close(order);
	suite_suite__close(other);
	suite_end(s);
}

Test(correlation, C7_is_made_at_the_first_hop_for_who_has_none)
{
	suite *s = suite_begin_pool(HOPS);
	const char(*ids)[PYR_CORRELATION_MAX] =
		(const char(*)[PYR_CORRELATION_MAX])s->servant.correlations;
	run_errands(s, s->proxy);
	cr_assert_eq(strlen(ids[0]), 32, "'%s'", ids[0]);
	check_hops(s, 0, ids[0]);
	run_errands(s, s->proxy);
	check_hops(s, HOPS, ids[HOPS]);
	cr_assert_str_neq(ids[0], ids[HOPS]);
	suite_end(s);
}

Test(correlation, is_not_metadata)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	pyr_metadata *received = pyr_metadata_new();
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	options.correlation = "order-4711";
	options.reply_metadata = received;
	suite_suite *proxy = suite_open(s, &options);
	Suite__Nothing request = SUITE__NOTHING__INIT, *reply;
	CHECK_OK(suite_suite_reflect(proxy, &request, &reply, &err));
	suite__nothing__free_unpacked(reply, NULL);
	cr_assert_eq(pyr_metadata_count(received), 0);
	suite_suite__close(proxy);
	pyr_metadata_free(received);
	suite_end(s);
}

Test(correlation, that_is_none_is_refused)
{
	static const char *const wrong[] = {"", "two words", "se\xc3\xb1or", "tab\t",
		"a234567890123456789012345678901234567890123456789012345678901234x"};
	suite *s = suite_begin(NULL);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		pyr_error err;
		suite_suite *proxy;
		pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
		options.correlation = wrong[i];
		CHECK_STATUS(PYR_INVALID_ARGUMENT,
			suite_suite__open(s->context, s->reference, &options, &proxy, &err));
		CHECK_STATUS(PYR_INVALID_ARGUMENT,
			suite_suite__derive(s->proxy, &options, &proxy, &err));
	}
	suite_end(s);
}
