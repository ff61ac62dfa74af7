/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of watchers: whom a change of a name is about. */
#include "nameserver/audience.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "leaks.h"

typedef struct member {
	ns_link link;
	ns_group *group;
} member;

static ns_audience audience;
static char seen[2048];

static void join(member *m, const char *name, const char *prefix)
{
	ns_link_init(&m->link);
	m->group = ns_audience_join(&audience, &m->link, name, prefix);
}

static void leave(member *m)
{
	ns_audience_leave(&audience, m->group, &m->link);
}

/* "=name" or "prefix*" for each group, and how many members it has. */
static void see(ns_group *group, void *ctx)
{
	(void)ctx;
	size_t size = strlen(seen), count = 0;
	for (ns_link *link = group->members.next; link != &group->members; link = link->next)
		count++;
	snprintf(seen + size, sizeof seen - size, "%s%s%s%s:%zu", size ? " " : "",
		group->of_prefix ? "" : "=", group->key, group->of_prefix ? "*" : "", count);
}

static const char *concerned(const char *name)
{
	*seen = '\0';
	ns_audience_concerned(&audience, name, see, NULL);
	return seen;
}

Test(audience, a_change_is_about_those_of_the_name_and_of_its_prefixes)
{
	member m[7];
	join(&m[0], "a.b", "");
	join(&m[1], "", "");
	join(&m[2], "", "a.");
	join(&m[3], "", "a.");
	join(&m[4], "", "a.b");
	join(&m[5], "", "a.c");
	join(&m[6], "a", "");
	cr_assert_str_eq(concerned("a.b"), "=a.b:1 *:1 a.*:2 a.b*:1");
	cr_assert_str_eq(concerned("a.bc"), "*:1 a.*:2 a.b*:1");
	cr_assert_str_eq(concerned("a"), "=a:1 *:1");
	leave(&m[1]);
	leave(&m[2]);
	leave(&m[4]);
	cr_assert_str_eq(concerned("a.b"), "=a.b:1 a.*:1");
	leave(&m[3]);
	cr_assert_str_eq(concerned("a.b"), "=a.b:1");
	leave(&m[0]);
	cr_assert_str_eq(concerned("a.b"), "");
	leave(&m[5]);
	leave(&m[6]);
	CHECK_LEAKS();
}

Test(audience, a_prefix_longer_than_any_name_is_nobodys)
{
	char longest[NS_NAME_MAX + 2];
	member whole, longer;
	memset(longest, 'n', sizeof longest);
	longest[NS_NAME_MAX + 1] = '\0';
	join(&longer, "", longest);
	longest[NS_NAME_MAX] = '\0';
	join(&whole, "", longest);
	concerned(longest);
	cr_assert(strlen(seen) == NS_NAME_MAX + 3, "%s", seen);
	leave(&whole);
	cr_assert_str_eq(concerned(longest), "");
	leave(&longer);
	CHECK_LEAKS();
}

/* Its group goes with the only member. */
static void see_and_leave(ns_group *group, void *ctx)
{
	see(group, NULL);
	member *m = NS_OWNER(group->members.next, member, link);
	(void)ctx;
	leave(m);
}

Test(audience, members_may_leave_while_all_are_looked_at)
{
	member m[4];
	join(&m[0], "a", "");
	join(&m[1], "b", "");
	join(&m[2], "", "");
	join(&m[3], "", "b");
	*seen = '\0';
	ns_audience_each(&audience, see_and_leave, NULL);
	cr_assert_str_eq(seen, "=a:1 =b:1 *:1 b*:1");
	*seen = '\0';
	ns_audience_each(&audience, see, NULL);
	cr_assert_str_eq(seen, "");
	CHECK_LEAKS();
}
