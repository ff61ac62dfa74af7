/* SPDX-License-Identifier: Apache-2.0 */
/* Which hosts a peer may send us to. */
#include "client/allowed.h"

#include <criterion/criterion.h>
#include "leaks.h"

static bool may_go(const pyr__allowed *allowed, const char *reference, const char *peer)
{
	pyr_error err;
	pyr_reference place;
	cr_assert_eq(pyr_reference_parse(reference, &place, &err), PYR_OK, "%s", err.message);
	return pyr__allowed_check(allowed, &place, peer, &err) == PYR_OK;
}

Test(allowed, D12_a_peer_may_send_to_its_own_host)
{
	pyr__allowed none = {NULL, 0};
	cr_assert(may_go(&none, "pyr:x@192.0.2.1:9", "192.0.2.1:4711"));
	cr_assert(may_go(&none, "grpc:x@192.0.2.1:9", "ipv4:192.0.2.1:4711"));
	cr_assert(may_go(&none, "pyr:x@127.0.0.1:9", "127.0.0.1:4711"));
	cr_assert(may_go(&none, "pyr:x@unix:/tmp/x", "local"));
	cr_assert_not(may_go(&none, "pyr:x@192.0.2.2:9", "192.0.2.1:4711"));
	cr_assert_not(may_go(&none, "pyr:x@127.0.0.1:9", "192.0.2.1:4711"));
	cr_assert_not(may_go(&none, "pyr:x@unix:/tmp/x", "192.0.2.1:4711"));
}

Test(allowed, D12_everywhere_is_not_this_host_however_it_is_written)
{
	static const char *const places[] = {"pyr:x@127.0.0.1:9", "pyr:x@127.1:9",
		"pyr:x@2130706433:9", "pyr:x@0x7f.1:9", "pyr:x@0177.0.0.1:9", "pyr:x@0:9",
		"pyr:x@[::1]:9", "pyr:x@[::ffff:127.0.0.1]:9", "pyr:x@[::ffff:0.0.0.0]:9",
		"pyr:x@[0:0:0:0:0:0:0:1]:9", "pyr:x@localhost:9", "pyr:x@LocalHost.:9",
		"pyr:x@a.localhost:9", "pyr:x@localhost.localdomain:9", "pyr:x@ip6-localhost:9",
		"pyr:x@unix:/tmp/x"};
	pyr_error err;
	pyr__allowed allowed = {NULL, 0};
	cr_assert_eq(pyr__allowed_add(&allowed, "*,0.0.0.0/0,::/0,*.localhost", &err), PYR_OK);
	cr_assert(may_go(&allowed, "pyr:x@192.0.2.2:9", "192.0.2.1:4711"));
	cr_assert(may_go(&allowed, "pyr:x@db.example:9", "192.0.2.1:4711"));
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
		cr_assert_not(may_go(&allowed, places[i], "192.0.2.1:4711"), "%s", places[i]);
	pyr__allowed_done(&allowed);
	CHECK_LEAKS();
}

Test(allowed, D12_this_host_is_allowed_by_its_own_name)
{
	pyr_error err;
	pyr__allowed allowed = {NULL, 0};
	cr_assert_eq(pyr__allowed_add(&allowed, "127.0.0.1,10.0.0.0/8,*.example", &err), PYR_OK);
	cr_assert(may_go(&allowed, "pyr:x@127.0.0.1:9", "192.0.2.1:4711"));
	cr_assert(may_go(&allowed, "pyr:x@10.9.8.7:9", "192.0.2.1:4711"));
	cr_assert(may_go(&allowed, "pyr:x@DB.Example:9", "192.0.2.1:4711"));
	cr_assert_not(may_go(&allowed, "pyr:x@11.9.8.7:9", "192.0.2.1:4711"));
	cr_assert_not(may_go(&allowed, "pyr:x@[::1]:9", "192.0.2.1:4711"));
	cr_assert_not(may_go(&allowed, "pyr:x@example.org:9", "192.0.2.1:4711"));
	pyr__allowed_done(&allowed);
	CHECK_LEAKS();
}

Test(allowed, D12_what_is_no_host_is_refused)
{
	static const char *const wrong[] = {"", "a b", "10.0.0.0/33", "10.0.0.0/", "/8", "a,,b"};
	pyr_error err;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		pyr__allowed allowed = {NULL, 0};
		cr_assert_eq(pyr__allowed_add(&allowed, wrong[i], &err), PYR_INVALID_ARGUMENT,
			"'%s'", wrong[i]);
		pyr__allowed_done(&allowed);
	}
	CHECK_LEAKS();
}

Test(allowed, D12_there_are_at_most_1000)
{
	pyr_error err;
	pyr__allowed allowed = {NULL, 0};
	for (unsigned i = 0; i < 1000; i++)
		cr_assert_eq(pyr__allowed_add(&allowed, "a.example", &err), PYR_OK);
	cr_assert_neq(pyr__allowed_add(&allowed, "b.example", &err), PYR_OK);
	cr_assert_not(may_go(&allowed, "pyr:x@b.example:9", "192.0.2.1:4711"));
	pyr__allowed_done(&allowed);
	CHECK_LEAKS();
}
