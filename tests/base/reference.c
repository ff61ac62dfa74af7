/* SPDX-License-Identifier: Apache-2.0 */
/* References and endpoints: what is taken, how it is written again, and what is refused where. */
#include <pyrite/reference.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct good {
	const char *text;
	const char *canonical; /* NULL: the same */
	pyr_reference parts;
} good[] = {
	{"pyr:calc@127.0.0.1:4711", NULL, {PYR_SCHEME_PYR, "calc", "127.0.0.1", 4711, false}},
	{"pyrs:calc@example.org:1", NULL, {PYR_SCHEME_PYRS, "calc", "example.org", 1, false}},
	{"pyr:calc@[::1]:65535", NULL, {PYR_SCHEME_PYR, "calc", "::1", 65535, false}},
	{"pyr:calc@[fe80::1%eth0]:80", NULL, {PYR_SCHEME_PYR, "calc", "fe80::1%eth0", 80, false}},
	{"pyr:calc@[::ffff:10.0.0.1]:80", NULL,
		{PYR_SCHEME_PYR, "calc", "::ffff:10.0.0.1", 80, false}},
	{"pyr:calc@unix:/run/calc.sock", NULL, {PYR_SCHEME_PYR, "calc", "/run/calc.sock", 0, true}},
	{"pyr:calc@unix:calc.sock", NULL, {PYR_SCHEME_PYR, "calc", "calc.sock", 0, true}},
	{"pyr:calc@unix:@calc", NULL, {PYR_SCHEME_PYR, "calc", "@calc", 0, true}},
	{"pyr:calc@unix:%40calc", "pyr:calc@unix:@calc",
		{PYR_SCHEME_PYR, "calc", "@calc", 0, true}},
	{"pyr:calc@unix:/a%20b/%25/c:1@d", NULL, {PYR_SCHEME_PYR, "calc", "/a b/%/c:1@d", 0, true}},
	{"pyr:c@my_host-1.local.:80", NULL, {PYR_SCHEME_PYR, "c", "my_host-1.local.", 80, false}},
	{"grpc:calc@127.0.0.1:50051", NULL, {PYR_SCHEME_GRPC, "calc", "127.0.0.1", 50051, false}},
	{"grpc:@127.0.0.1:50051", NULL, {PYR_SCHEME_GRPC, "", "127.0.0.1", 50051, false}},
	{"grpcs:@etcd:2379", NULL, {PYR_SCHEME_GRPCS, "", "etcd", 2379, false}},
	{"grpc:@unix:/run/x", NULL, {PYR_SCHEME_GRPC, "", "/run/x", 0, true}},
	{"name:example.calculator", NULL, {PYR_SCHEME_NAME, "example.calculator", "", 0, false}},
	{"example.calculator", "name:example.calculator",
		{PYR_SCHEME_NAME, "example.calculator", "", 0, false}},
	{"pyr", "name:pyr", {PYR_SCHEME_NAME, "pyr", "", 0, false}},
	{"a/b?c#d&e=f,g;h", "name:a/b?c#d&e=f,g;h",
		{PYR_SCHEME_NAME, "a/b?c#d&e=f,g;h", "", 0, false}},
	{"50%25%3aoff%40home", "name:50%25%3Aoff%40home",
		{PYR_SCHEME_NAME, "50%:off@home", "", 0, false}},
	{"name:a%2Cb", "name:a,b", {PYR_SCHEME_NAME, "a,b", "", 0, false}},
	{"name:calc@10.0.0.1:9790", NULL, {PYR_SCHEME_NAME, "calc", "10.0.0.1", 9790, false}},
	{"name:calc@unix:@pyrite", NULL, {PYR_SCHEME_NAME, "calc", "@pyrite", 0, true}},
	{"name:caf\xc3\xa9", NULL, {PYR_SCHEME_NAME, "caf\xc3\xa9", "", 0, false}},
	{"name:caf%C3%a9", "name:caf\xc3\xa9", {PYR_SCHEME_NAME, "caf\xc3\xa9", "", 0, false}},
	{"name:%F0%9F%98%80", "name:\xf0\x9f\x98\x80",
		{PYR_SCHEME_NAME, "\xf0\x9f\x98\x80", "", 0, false}},
	{"tag:red", NULL, {PYR_SCHEME_TAG, "red", "", 0, false}},
	{"tag:red,large%3A1", NULL, {PYR_SCHEME_TAG, "red,large:1", "", 0, false}},
	{"tag:red,large@[::1]:9790", NULL, {PYR_SCHEME_TAG, "red,large", "::1", 9790, false}},
	{"local:calc", NULL, {PYR_SCHEME_LOCAL, "calc", "", 0, false}},
	{"local:a%40b", NULL, {PYR_SCHEME_LOCAL, "a@b", "", 0, false}},
};

static void check_parts(const char *text, const pyr_reference *is, const pyr_reference *wanted)
{
	cr_assert(is->scheme == wanted->scheme, "%s: scheme %d", text, is->scheme);
	cr_assert(strcmp(is->target, wanted->target) == 0, "%s: target %s", text, is->target);
	cr_assert(strcmp(is->host, wanted->host) == 0, "%s: host %s", text, is->host);
	cr_assert(is->port == wanted->port, "%s: port %u", text, is->port);
	cr_assert(is->is_unix == wanted->is_unix, "%s: is_unix %d", text, is->is_unix);
}

Test(reference, is_taken_apart)
{
	for (size_t i = 0; i < COUNT(good); i++) {
		pyr_reference parts;
		pyr_error err;
		cr_assert(pyr_reference_parse(good[i].text, &parts, &err) == PYR_OK, "%s: %s",
			good[i].text, err.message);
		check_parts(good[i].text, &parts, &good[i].parts);
	}
}

Test(reference, is_written_in_one_way_and_read_back_as_it_was)
{
	for (size_t i = 0; i < COUNT(good); i++) {
		char text[PYR_REFERENCE_MAX];
		pyr_reference parts;
		pyr_error err;
		cr_assert(pyr_reference_format(&good[i].parts, text, sizeof text, &err) == PYR_OK,
			"%s: %s", good[i].text, err.message);
		cr_assert_str_eq(text, good[i].canonical ? good[i].canonical : good[i].text);
		cr_assert(pyr_reference_parse(text, &parts, NULL) == PYR_OK);
		check_parts(text, &parts, &good[i].parts);
	}
}

static const struct bad {
	const char *text;
	const char *message; /* the beginning, with the position */
} bad[] = {
	{"", "byte 1 of the reference: it is empty"},
	{NULL, "byte 1 of the reference: it is empty"},
	{"http://example.org", "byte 1 of the reference: unknown scheme 'http'"},
	{"PYR:calc@h:1", "byte 1 of the reference: unknown scheme 'PYR'"},
	{"py:calc@h:1", "byte 1 of the reference: unknown scheme 'py'"},
	{":calc@h:1", "byte 1 of the reference: unknown scheme ''"},
	{"localhost:9790", "byte 1 of the reference: unknown scheme 'localhost'"},
	{"calc@h:1", "byte 5 of the reference: 'name:' stands before"},
	{"calc\n", "byte 5 of the reference: 0x0a is a control character"},
	{"name:\x7f", "byte 6 of the reference: 0x7f is a control character"},
	{"name:a\xc2\x85", "byte 7 of the reference: 0xc2 is a control character"},
	{"name:a\xff", "byte 7 of the reference: 0xff is a control character, or not UTF-8"},
	{"name:\xed\xa0\x80", "byte 6 of the reference: 0xed"},     /* a surrogate */
	{"name:\xc0\xaf", "byte 6 of the reference: 0xc0"},         /* overlong */
	{"name:\xe0\x9f\xbf", "byte 6 of the reference: 0xe0"},     /* overlong */
	{"name:\xf4\x90\x80\x80", "byte 6 of the reference: 0xf4"}, /* past U+10FFFF */
	{"name:\xe2\x82", "byte 6 of the reference: 0xe2"},         /* cut off */
	{"name:a%00", "byte 7 of the reference: 0x00 in a name is a control"},
	{"name:%41%0A", "byte 9 of the reference: 0x0a in a name is a control"},
	{"name:%41b%C3x", "byte 10 of the reference: 0xc3 in a name"},
	{"name:a%", "byte 7 of the reference: '%' is not followed by two"},
	{"name:a%4", "byte 7 of the reference: '%' is not followed by two"},
	{"name:a%4g", "byte 7 of the reference: '%' is not followed by two"},
	{"name:%%41", "byte 6 of the reference: '%' is not followed by two"},
	{"name:", "byte 6 of the reference: a name is missing"},
	{"name:@h:1", "byte 6 of the reference: a name is missing"},
	{"name:a b", "byte 7 of the reference: ' ' in a name is written %20"},
	{"name:a:b", "byte 7 of the reference: ':' in a name is written %3A"},
	{"a b", "byte 2 of the reference: ' ' in a name is written %20"},
	{"name:a@", "byte 8 of the reference: a host is missing"},
	{"pyr:", "byte 5 of the reference: an object id is missing"},
	{"pyr:@h:1", "byte 5 of the reference: an object id is missing"},
	{"pyr:calc", "byte 9 of the reference: '@' and an address are missing"},
	{"grpc:", "byte 6 of the reference: an object id is missing"},
	{"grpc:h:1", "byte 7 of the reference: ':' in an object id is written %3A"},
	{"pyr:a@b@h:1", "byte 8 of the reference: a host has letters"},
	{"pyr:a@h", "byte 8 of the reference: a port is missing"},
	{"pyr:a@h:", "byte 9 of the reference: a port number is missing"},
	{"pyr:a@:1", "byte 7 of the reference: a host is missing"},
	{"pyr:a@h:0", "byte 9 of the reference: a port is a number from 1 to 65535, not 0"},
	{"pyr:a@h:65536", "byte 9 of the reference: a port is a number from 1 to 65535, not 65536"},
	{"pyr:a@h:99999999999999999999999999", "byte 9 of the reference: a port is a number"},
	{"pyr:a@h:080", "byte 9 of the reference: a port is a number"},
	{"pyr:a@h:+1", "byte 9 of the reference: a port number is missing"},
	{"pyr:a@h:1/x", "byte 10 of the reference: a port has digits only"},
	{"pyr:a@*:1", "byte 7 of the reference: a host has letters"},
	{"pyr:a@h/x:1", "byte 8 of the reference: a host has letters"},
	{"pyr:a@h%41:1", "byte 8 of the reference: a host has letters"},
	{"pyr:a@::1:80", "byte 7 of the reference: an IPv6 address stands in brackets"},
	{"pyr:a@[::1", "byte 7 of the reference: '[' without ']'"},
	{"pyr:a@[]:1", "byte 8 of the reference: not an IPv6 address"},
	{"pyr:a@[::g]:1", "byte 8 of the reference: not an IPv6 address"},
	{"pyr:a@[127.0.0.1]:1", "byte 8 of the reference: not an IPv6 address"},
	{"pyr:a@[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:1",
		"byte 8 of the reference: not an IPv6 address"},
	{"pyr:a@[::1%]:1", "byte 11 of the reference: a zone is"},
	{"pyr:a@[::1%e/0]:1", "byte 11 of the reference: a zone is"},
	{"pyr:a@[::1%eeeeeeeeeeeeeeee]:1", "byte 11 of the reference: a zone is"},
	{"pyr:a@[::1]", "byte 12 of the reference: a port is missing"},
	{"pyr:a@[::1]1", "byte 12 of the reference: only ':' and a port follow ']'"},
	{"pyr:a@unix:", "byte 12 of the reference: a Unix socket's path is missing"},
	{"pyr:a@unix:@", "byte 13 of the reference: an abstract socket's name is missing"},
	{"pyr:a@unix:/a b", "byte 14 of the reference: ' ' in a Unix socket's path is written %20"},
	{"pyr:a@unix:/a%00b", "byte 14 of the reference: 0x00 in a Unix socket's path"},
	{"tag:", "byte 5 of the reference: a tag is missing"},
	{"tag:a,,b", "byte 7 of the reference: a tag is missing"},
	{"tag:a,", "byte 7 of the reference: a tag is missing"},
	{"tag:a,b%2Cc", "byte 7 of the reference: a tag cannot have a ','"},
	{"local:a@h:1", "byte 8 of the reference: 'local:' takes no address"},
	{"local:", "byte 7 of the reference: an object id is missing"},
};

Test(reference, is_refused_with_the_byte_that_is_wrong)
{
	for (size_t i = 0; i < COUNT(bad); i++) {
		pyr_reference parts, before;
		pyr_error err;
		memset(&parts, 0x5a, sizeof parts);
		before = parts;
		cr_assert(pyr_reference_parse(bad[i].text, &parts, &err) == PYR_INVALID_ARGUMENT,
			"'%s' was taken", bad[i].text);
		cr_assert(strncmp(err.message, bad[i].message, strlen(bad[i].message)) == 0,
			"'%s': %s", bad[i].text, err.message);
		cr_assert(memcmp(&parts, &before, sizeof parts) == 0, "'%s'", bad[i].text);
		cr_assert(pyr_reference_parse(bad[i].text, &parts, NULL) == PYR_INVALID_ARGUMENT);
	}
}

Test(reference, stands_in_the_errors_where_unless_it_is_unprintable)
{
	pyr_reference parts;
	pyr_error err;
	cr_assert(pyr_reference_parse("pyr:a@h:0", &parts, &err) == PYR_INVALID_ARGUMENT);
	cr_assert_str_eq(err.where, "pyr:a@h:0");
	cr_assert(pyr_reference_parse("pyr:a\033[0m", &parts, &err) == PYR_INVALID_ARGUMENT);
	cr_assert_str_eq(err.where, "");
}

/* before, count times c, after */
static const char *with(const char *before, int count, char c, const char *after)
{
	static char text[2000];
	int size = sprintf(text, "%s", before);
	memset(text + size, c, (size_t)count);
	strcpy(text + size + count, after);
	return text;
}

Test(reference, has_limits_for_each_of_its_parts)
{
	const struct {
		const char *before, *after, *message;
		int most;
	} limits[] = {
		{"pyr:", "@h:1", "byte 260 of the reference: an object id has at most 255 bytes",
			255},
		{"", "", "byte 256 of the reference: a name has at most 255 bytes", 255},
		{"pyr:a@", ":1", "byte 260 of the reference: a host has at most 253 bytes", 253},
		{"pyr:a@unix:", "",
			"byte 119 of the reference: a Unix socket's path has at most 107 bytes",
			107},
		{"pyr:a@unix:@", "",
			"byte 119 of the reference: a Unix socket's path has at most 107 bytes",
			106},
		{"tag:a,", "", "byte 7 of the reference: all tags have at most 255 bytes", 253},
		{"tag:", ",b", "byte 260 of the reference: all tags have at most 255 bytes", 253},
	};
	for (size_t i = 0; i < COUNT(limits); i++) {
		pyr_reference parts;
		pyr_error err;
		char text[PYR_REFERENCE_MAX];
		int most = limits[i].most;
		const char *longest = with(limits[i].before, most, 'x', limits[i].after);
		cr_assert(pyr_reference_parse(longest, &parts, &err) == PYR_OK, "%s", err.message);
		cr_assert(pyr_reference_format(&parts, text, sizeof text, &err) == PYR_OK);
		const char *longer =
			with(limits[i].before, limits[i].most + 1, 'x', limits[i].after);
		cr_assert(pyr_reference_parse(longer, &parts, &err) == PYR_INVALID_ARGUMENT);
		cr_assert(strncmp(err.message, limits[i].message, strlen(limits[i].message)) == 0,
			"%s", err.message);
	}
}

Test(reference, fits_into_its_longest_buffer)
{
	pyr_reference parts = {.scheme = PYR_SCHEME_GRPCS, .is_unix = true}, back;
	memset(parts.target, '%', sizeof parts.target - 1);
	memset(parts.host, ' ', 107);
	char text[PYR_REFERENCE_MAX];
	cr_assert(pyr_reference_format(&parts, text, sizeof text, NULL) == PYR_OK);
	cr_assert(pyr_reference_parse(text, &back, NULL) == PYR_OK);
	check_parts(text, &back, &parts);
}

Test(reference, is_not_written_into_too_small_a_buffer)
{
	pyr_reference parts = {.scheme = PYR_SCHEME_LOCAL, .target = "calc"};
	char text[11] = "untouched";
	pyr_error err;
	cr_assert(pyr_reference_format(&parts, text, 10, &err) == PYR_OUT_OF_RANGE);
	cr_assert_str_eq(text, "untouched");
	cr_assert(pyr_reference_format(&parts, NULL, 0, &err) == PYR_OUT_OF_RANGE);
	cr_assert(pyr_reference_format(&parts, text, 11, &err) == PYR_OK);
	cr_assert_str_eq(text, "local:calc");
}

Test(reference, is_not_written_from_parts_that_make_none)
{
	pyr_reference wrong[] = {
		{(pyr_scheme)7, "calc", "h", 1, false},
		{(pyr_scheme)-1, "calc", "h", 1, false},
		{PYR_SCHEME_PYR, "", "h", 1, false},
		{PYR_SCHEME_PYR, "calc", "", 0, false},
		{PYR_SCHEME_PYR, "calc", "h", 0, false},
		{PYR_SCHEME_PYR, "calc", "*", 1, false},
		{PYR_SCHEME_PYR, "calc", "unix:", 1, false},
		{PYR_SCHEME_PYR, "calc", "/run/x", 1, true},
		{PYR_SCHEME_PYR, "calc", "", 0, true},
		{PYR_SCHEME_PYR, "ca\nlc", "h", 1, false},
		{PYR_SCHEME_PYR, "ca\xfflc", "h", 1, false},
		{PYR_SCHEME_LOCAL, "calc", "h", 1, false},
		{PYR_SCHEME_NAME, "calc", "", 1, false},
		{PYR_SCHEME_TAG, "a,,b", "", 0, false},
		{PYR_SCHEME_PYR, "", "", 0, false}, /* these two are filled to the brim below */
		{PYR_SCHEME_PYR, "calc", "", 1, false},
	};
	memset(wrong[COUNT(wrong) - 2].target, 'x', sizeof wrong[0].target);
	memset(wrong[COUNT(wrong) - 1].host, 'x', sizeof wrong[0].host);
	for (size_t i = 0; i < COUNT(wrong); i++) {
		char text[PYR_REFERENCE_MAX] = "untouched";
		cr_assert(pyr_reference_format(&wrong[i], text, sizeof text, NULL) ==
				  PYR_INVALID_ARGUMENT,
			"%zu: %s", i, text);
		cr_assert_str_eq(text, "untouched");
	}
}

Test(endpoint, is_taken_apart_and_the_rest_left_alone)
{
	const struct {
		const char *text, *host;
		uint16_t port;
		bool is_unix;
	} endpoints[] = {
		{"127.0.0.1:9790", "127.0.0.1", 9790, false},
		{"localhost:0", "localhost", 0, false},
		{"*:0", "*", 0, false},
		{"[::]:1", "::", 1, false},
		{"unix:/run/x", "/run/x", 0, true},
		{"unix:@x", "@x", 0, true},
	};
	for (size_t i = 0; i < COUNT(endpoints); i++) {
		pyr_reference parts = {.scheme = PYR_SCHEME_TAG, .target = "kept", .port = 7};
		pyr_error err;
		cr_assert(pyr_endpoint_parse(endpoints[i].text, &parts, &err) == PYR_OK, "%s: %s",
			endpoints[i].text, err.message);
		cr_assert_str_eq(parts.host, endpoints[i].host);
		cr_assert(parts.port == endpoints[i].port);
		cr_assert(parts.is_unix == endpoints[i].is_unix);
		cr_assert(parts.scheme == PYR_SCHEME_TAG);
		cr_assert_str_eq(parts.target, "kept");
	}
}

Test(endpoint, is_refused_with_the_byte_that_is_wrong)
{
	const struct bad endpoints[] = {
		{"", "byte 1 of the endpoint: it is empty"},
		{NULL, "byte 1 of the endpoint: it is empty"},
		{"9790", "byte 5 of the endpoint: a port is missing"},
		{":9790", "byte 1 of the endpoint: a host is missing"},
		{"h:65536", "byte 3 of the endpoint: a port is a number from 0 to 65535"},
		{"h:00", "byte 3 of the endpoint: a port is a number from 0 to 65535"},
		{"!", "byte 1 of the endpoint: a host has letters"},
		{"**:1", "byte 2 of the endpoint: a host has"},
		{"h:1 ", "byte 4 of the endpoint: a port has digits only"},
		{"unix:", "byte 6 of the endpoint: a Unix socket's path is missing"},
		{"h\t:1", "byte 2 of the endpoint: 0x09 is a control character"},
	};
	for (size_t i = 0; i < COUNT(endpoints); i++) {
		pyr_reference parts, before;
		pyr_error err;
		memset(&parts, 0x5a, sizeof parts);
		before = parts;
		cr_assert(pyr_endpoint_parse(endpoints[i].text, &parts, &err) ==
			  PYR_INVALID_ARGUMENT);
		const char *message = endpoints[i].message;
		cr_assert(strncmp(err.message, message, strlen(message)) == 0, "'%s': %s",
			endpoints[i].text, err.message);
		cr_assert(memcmp(&parts, &before, sizeof parts) == 0);
	}
}
