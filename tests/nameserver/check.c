/* SPDX-License-Identifier: Apache-2.0 */
/* What names, tags and references may look like. */
#include "nameserver/check.h"

#include <string.h>
#include <criterion/criterion.h>

static const struct {
	const char *name;
	const char *complaint; /* NULL: it is a name */
} names[] = {
	{"a", NULL}, {"example.calculator", NULL}, {"with space, comma: and @", NULL},
	{"Z\xc3\xbcrich \xe2\x82\xac \xf0\x9f\x98\x80", NULL},
	{"\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf",
		NULL},      /* around the surrogates; the last one */
	{"\xc2\xa0", NULL}, /* the first after the controls */
	{"", "empty"}, {"a\nb", "U+000A at byte 2"}, {"ab\x7f", "U+007F at byte 3"},
	{"\xc2\x9f", "U+009F at byte 1"}, {"ab\x80", "not UTF-8 at byte 3"},
	{"\xff", "not UTF-8 at byte 1"}, {"a\xc3", "not UTF-8 at byte 2"},
	{"\xc0\xaf", "not UTF-8 at byte 1"},         /* longer than needed */
	{"\xe0\x80\xaf", "not UTF-8 at byte 1"},     /* longer than needed */
	{"\xed\xa0\x80", "not UTF-8 at byte 1"},     /* a surrogate */
	{"\xf4\x90\x80\x80", "not UTF-8 at byte 1"}, /* above U+10FFFF */
};

Test(check, names_are_utf8_without_control_characters)
{
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		pyr_error err = {0};
		pyr_status status = ns_check_name(names[i].name, &err);
		if (!names[i].complaint) {
			cr_expect_eq(status, PYR_OK, "\"%s\": %s", names[i].name, err.message);
			continue;
		}
		cr_expect_eq(status, PYR_INVALID_ARGUMENT, "row %zu", i);
		cr_expect(strstr(err.message, names[i].complaint), "row %zu: %s", i, err.message);
	}
}

Test(check, names_have_at_most_255_bytes)
{
	char name[300];
	memset(name, 'x', sizeof name);
	name[255] = '\0';
	cr_assert_eq(ns_check_name(name, NULL), PYR_OK);
	name[255] = 'x';
	name[256] = '\0';
	pyr_error err;
	cr_assert_eq(ns_check_name(name, &err), PYR_INVALID_ARGUMENT);
	cr_assert(strstr(err.message, "longer than 255 bytes"));
	cr_assert_eq(ns_check_principal(name, NULL), PYR_INVALID_ARGUMENT);
	cr_assert_eq(ns_check_principal("", NULL), PYR_OK);
}

Test(check, tags_have_no_comma)
{
	pyr_error err;
	cr_assert_eq(ns_check_tag("fast", NULL), PYR_OK);
	cr_assert_eq(ns_check_tag("fast,red", &err), PYR_INVALID_ARGUMENT);
	cr_assert(strstr(err.message, "',' at byte 5"), "%s", err.message);
	cr_assert_eq(ns_check_tag("", &err), PYR_INVALID_ARGUMENT);
}
