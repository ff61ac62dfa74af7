/* SPDX-License-Identifier: Apache-2.0 */
/* Regular expressions over names. */
#include "nameserver/pattern.h"

#include <string.h>
#include <criterion/criterion.h>
#include "leaks.h"

static bool matches(const char *regex, const char *name)
{
	pyr_error err;
	ns_pattern *pattern;
	bool match = false;
	cr_assert_eq(ns_pattern_new(regex, &pattern, &err), PYR_OK, "%s", err.message);
	cr_assert_eq(ns_pattern_match(pattern, name, &match, &err), PYR_OK, "%s", err.message);
	const char *prefix = ns_pattern_prefix(pattern);
	cr_assert(!match || strncmp(name, prefix, strlen(prefix)) == 0,
		"/%s/ matches \"%s\" without the prefix \"%s\"", regex, name, prefix);
	ns_pattern_free(pattern);
	return match;
}

Test(pattern, is_anchored_at_the_beginning_only)
{
	cr_assert(matches("ab", "abc"));
	cr_assert_not(matches("b", "abc"));
	cr_assert(matches(".*b", "abc"));
	cr_assert(matches("x|ab", "abc"));
	cr_assert_not(matches("x|b", "abc"));
	cr_assert_not(matches("ab$", "abc"));
	cr_assert(matches("^abc$", "abc"));
}

Test(pattern, knows_case_characters_and_perl)
{
	cr_assert_not(matches("ab", "Abc"));
	cr_assert(matches("(?i)ab", "Abc"));
	cr_assert(matches("a_", "a_x"));
	cr_assert_not(matches("a_", "aXb"));
	cr_assert(matches("Z.rich$", "Z\xc3\xbcrich"));
	cr_assert(matches("\\d+\\.x", "12.x"));
	cr_assert(matches("a(?!b)", "ac"));
}

static const struct {
	const char *regex, *prefix;
} prefixes[] = {
	{"abc", "abc"},
	{"^abc", "abc"},
	{"abc.*", "abc"},
	{"abc*", "ab"},
	{"abc?d", "ab"},
	{"abc+", "ab"},
	{"abc{0,2}", "ab"},
	{"a\xc3\xbc*", "a"},
	{"a\\.b", "a"},
	{"abc|d", ""},
	{"(?i)abc", ""},
	{"(abc)", ""},
	{".*", ""},
	{"", ""},
	{"x*", ""},
};

Test(pattern, sees_what_every_match_begins_with)
{
	for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
		ns_pattern *pattern;
		cr_assert_eq(ns_pattern_new(prefixes[i].regex, &pattern, NULL), PYR_OK);
		cr_expect_str_eq(
			ns_pattern_prefix(pattern), prefixes[i].prefix, "/%s/", prefixes[i].regex);
		ns_pattern_free(pattern);
	}
	cr_assert(matches("abc*d", "abd"));
	cr_assert(matches("abc{0,2}d", "abd"));
	CHECK_LEAKS();
}

static const struct {
	const char *regex, *where;
} malformed[] = {
	{"a(b", "at byte 4"},
	{"a)b", "at byte 2"},
	{"[a-", "at byte 4"},
	{"a**b", "at byte 3"},
	{"ab\\", "at byte 4"},
	{"*a", "at byte 1"},
	{"a\xff", "at byte 2"},
	{"\\C", "at byte 3"},
};

Test(pattern, tells_where_a_malformed_one_is_malformed)
{
	for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
		ns_pattern *pattern;
		pyr_error err;
		cr_expect_eq(ns_pattern_new(malformed[i].regex, &pattern, &err),
			PYR_INVALID_ARGUMENT, "/%s/", malformed[i].regex);
		cr_expect(strstr(err.message, malformed[i].where), "/%s/: %s", malformed[i].regex,
			err.message);
	}
	CHECK_LEAKS();
}

Test(pattern, refuses_what_is_long_deep_or_huge)
{
	char regex[NS_PATTERN_MAX + 2];
	ns_pattern *pattern;
	memset(regex, 'a', sizeof regex);
	regex[sizeof regex - 1] = '\0';
	cr_assert_eq(ns_pattern_new(regex, &pattern, NULL), PYR_INVALID_ARGUMENT);
	memset(regex, '(', 200);
	memset(regex + 200, ')', 200);
	regex[400] = '\0';
	cr_assert_eq(ns_pattern_new(regex, &pattern, NULL), PYR_INVALID_ARGUMENT);
	cr_assert_eq(ns_pattern_new("((((a{999}){999}){999}){999})", &pattern, NULL),
		PYR_INVALID_ARGUMENT);
}

Test(pattern, gives_up_on_endless_backtracking)
{
	ns_pattern *pattern;
	pyr_error err;
	bool match;
	cr_assert_eq(ns_pattern_new("(a|aa)+$", &pattern, &err), PYR_OK);
	cr_assert_eq(ns_pattern_match(pattern, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac",
			     &match, &err),
		PYR_RESOURCE_EXHAUSTED);
	cr_assert(strstr(err.message, "too long"), "%s", err.message);
	cr_assert_eq(ns_pattern_match(pattern, "aaa", &match, &err), PYR_OK);
	cr_assert(match);
	ns_pattern_free(pattern);
	CHECK_LEAKS();
}
