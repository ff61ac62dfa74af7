/* SPDX-License-Identifier: Apache-2.0 */
/* What PYRITE_NS may say about discovery. */
#include "base/discovery.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <string.h>

static pyr__discovery parse(const char *text)
{
	pyr__discovery found;
	pyr_error err;
	cr_assert(pyr__discovery_is(text), "%s", text);
	cr_assert(pyr__discovery_parse(text, &found, &err) == PYR_OK, "%s: %s", text, err.message);
	return found;
}

static void refuse(const char *text)
{
	pyr__discovery found;
	pyr_error err;
	cr_assert(pyr__discovery_is(text), "%s", text);
	cr_assert(pyr__discovery_parse(text, &found, &err) == PYR_INVALID_ARGUMENT, "%s", text);
	cr_assert(*err.message);
}

Test(discovery, N10_says_where_to_ask_and_for_which_group)
{
	pyr__discovery d = parse("discover");
	cr_assert(d.address == 0 && d.port == PYR__DISCOVERY_PORT && !*d.group && !d.tls_only);
	d = parse("discover:10.0.0.255:4711");
	cr_assert(d.address == inet_addr("10.0.0.255") && d.port == 4711 && !*d.group);
	d = parse("discover:*:4711");
	cr_assert(d.address == 0 && d.port == 4711);
	d = parse("pyrs:discover:blue@");
	cr_assert(d.tls_only && d.address == 0 && d.port == PYR__DISCOVERY_PORT);
	cr_assert_str_eq(d.group, "blue");
	d = parse("discover:5@127.0.0.1:4711");
	cr_assert_str_eq(d.group, "5");
}

Test(discovery, N10_says_what_is_wrong)
{
	refuse("discover:blue");
	refuse("discover:host.example:4711");
	refuse("discover:[::1]:4711");
	refuse("discover:10.0.0.255:0");
	refuse("discover:10.0.0.255");
	refuse("discover:two words@");
	refuse("discover:unix:/run/ns");
	refuse("discover:0123456789012345678901234567890123456789012345678901234567890123@");
}

Test(discovery, N10_a_host_may_still_be_called_discover)
{
	cr_assert(!pyr__discovery_is("discover:9790") && !pyr__discovery_is("pyrs:discover:9790"));
	cr_assert(!pyr__discovery_is("discovery:9790") && !pyr__discovery_is("127.0.0.1:9790"));
}
