/* SPDX-License-Identifier: Apache-2.0 */
/* Group commit: what shares one, and what becomes of all when it fails. */
#include "served.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <signal.h>

/* Thousands of registrations at once would take minutes if each were synchronised alone. */
Test(commits, many_changes_share_one)
{
	served s;
	served_init(&s, "sqlite");
	served_start(&s);
	uint64_t begin_ms = test_now_ms();
	put_many(&s, "n", 20000);
	cr_log_info("20,000 registrations in %d ms", (int)(test_now_ms() - begin_ms));
	cr_assert_lt(test_now_ms() - begin_ms, 20000);
	served_stop(&s);
	served_start(&s);
	cr_assert(is_there(&s, "n0000000"));
	cr_assert(is_there(&s, "n0019999"));
	served_done(&s);
	CHECK_LEAKS();
}

/* No file can grow any more: the disk is full. */
static void fill_disk(bool full)
{
	struct rlimit limit;
	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = full ? 1 : limit.rlim_max;
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

Test(commits, one_that_fails_is_told_to_all_and_changes_nothing)
{
	served s;
	served_init(&s, "sqlite");
	served_start(&s);
	assert_ok(&s, put(&s, "a", "pyr:x@127.0.0.1:1"));
	uint64_t revision = revision_of(&s);
	fill_disk(true);
	pyr_status status = put(&s, "b", "pyr:x@127.0.0.1:1");
	Pyrite__RemoveRequest request = PYRITE__REMOVE_REQUEST__INIT;
	Pyrite__RemoveReply *reply;
	request.prefix = "a";
	pyr_status removal = pyrite_names_remove(s.names, &request, &reply, &s.err);
	fill_disk(false);
	cr_assert(status == PYR_RESOURCE_EXHAUSTED || status == PYR_UNAVAILABLE, "%s",
		pyr_status_name(status));
	cr_assert(removal == PYR_RESOURCE_EXHAUSTED || removal == PYR_UNAVAILABLE, "%s",
		pyr_status_name(removal));
	cr_assert_not(is_there(&s, "b"));
	cr_assert(is_there(&s, "a"));
	cr_assert_eq(revision_of(&s), revision);
	served_stop(&s);
	served_start(&s);
	cr_assert(is_there(&s, "a"));
	cr_assert_not(is_there(&s, "b"));
	assert_ok(&s, put(&s, "b", "pyr:x@127.0.0.1:1"));
	served_done(&s);
	CHECK_LEAKS();
}
