/* SPDX-License-Identifier: Apache-2.0 */
/* The tokens' file: what it says, and what is wrong with it. */
#include "nameserver/tokens.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "leaks.h"

/* Loads a file with these bytes. */
static pyr_status load(
	const void *bytes, size_t size, mode_t mode, ns_tokens **ret_tokens, pyr_error *err)
{
	char path[] = "/tmp/pyrite-tokens-XXXXXX";
	int fd = mkstemp(path);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, bytes, size), (ssize_t)size);
	cr_assert_eq(fchmod(fd, mode), 0);
	close(fd);
	pyr_status status = ns_tokens_load(path, ret_tokens, err);
	unlink(path);
	return status;
}

static void refuses(const char *text, const char *why)
{
	ns_tokens *tokens;
	pyr_error err;
	cr_assert_eq(
		load(text, strlen(text), 0600, &tokens, &err), PYR_INVALID_ARGUMENT, "%s", text);
	cr_assert(strstr(err.message, why), "%s: %s", text, err.message);
	cr_assert_not(strstr(err.message, "s3cret"), "%s", err.message);
}

static const char *whose(ns_tokens *tokens, const char *token)
{
	static char principal[PYR_PRINCIPAL_MAX];
	pyr_error err;
	pyr_status status = ns_tokens_authenticate(tokens, token, principal, &err);
	if (status == PYR_OK)
		return principal;
	cr_assert_eq(status, PYR_UNAUTHENTICATED);
	cr_assert_not(strstr(err.message, token) && *token);
	return "";
}

Test(tokens, say_who_is_who)
{
	static const char text[] = "# comment\n\n  alice\ts3cret-1   # she\nalice s3cret-2 \n"
				   "bob b#b admin\r\nj\xc3\xb6rg s3cret admin # last, without end";
	ns_tokens *tokens;
	pyr_error err;
	cr_assert_eq(load(text, strlen(text), 0640, &tokens, &err), PYR_OK, "%s", err.message);
	cr_assert_str_eq(whose(tokens, "s3cret-1"), "alice");
	cr_assert_str_eq(whose(tokens, "s3cret-2"), "alice");
	cr_assert_str_eq(whose(tokens, "b#b"), "bob");
	cr_assert_str_eq(whose(tokens, "s3cret"), "j\xc3\xb6rg");
	cr_assert_str_eq(whose(tokens, "s3cret-"), "");
	cr_assert_str_eq(whose(tokens, "s3cret-11"), "");
	cr_assert_str_eq(whose(tokens, "alice"), "");
	cr_assert_str_eq(whose(tokens, ""), "");
	cr_assert(ns_tokens_administrator(tokens, "bob"));
	cr_assert_not(ns_tokens_administrator(tokens, "alice"));
	cr_assert_not(ns_tokens_administrator(tokens, ""));
	ns_tokens_free(tokens);
	ns_tokens_free(NULL);
	CHECK_LEAKS();
}

Test(tokens, a_wrong_line_is_named_and_no_token_is_told)
{
	char text[5000], many[4200];
	refuses("alice\n", "line 1: it is not of the form");
	refuses("\nalice s3cret root\n", "line 2: it is not of the form");
	refuses("alice s3cret admin admin\n", "line 1: it is not of the form");
	refuses("alice s3cret\nbob s3cret\n", "line 2: the token is there already");
	refuses("uid:0 s3cret admin\n", "who the kernel says");
	refuses("al\xff s3cret\n", "not UTF-8");
	refuses("alice s3cret\xc3\xb6\n", "not printable ASCII");
	memset(many, 'x', sizeof many);
	snprintf(text, sizeof text, "alice %.4001s\n", many);
	refuses(text, "longer than 4,000 bytes");
	snprintf(text, sizeof text, "%.256s s3cret\n", many);
	refuses(text, "longer than 255 bytes");
	ns_tokens *tokens;
	pyr_error err;
	cr_assert_eq(load("alice \0s3cret\n", 14, 0600, &tokens, &err), PYR_INVALID_ARGUMENT);
	cr_assert(strstr(err.message, "NUL"));
	CHECK_LEAKS();
}

Test(tokens, a_file_that_others_get_at_is_refused)
{
	static const mode_t open_modes[] = {0644, 0602, 0601, 0620, 0666};
	ns_tokens *tokens;
	pyr_error err;
	for (size_t i = 0; i < sizeof open_modes / sizeof *open_modes; i++) {
		cr_assert_eq(load("a b\n", 4, open_modes[i], &tokens, &err),
			PYR_FAILED_PRECONDITION, "%o", (unsigned)open_modes[i]);
		cr_assert(strstr(err.message, "chmod 600"), "%s", err.message);
	}
	cr_assert_eq(ns_tokens_load("/nowhere/tokens", &tokens, &err), PYR_FAILED_PRECONDITION);
	cr_assert(strstr(err.message, "/nowhere/tokens"));
	cr_assert_eq(ns_tokens_load("/", &tokens, &err), PYR_FAILED_PRECONDITION);
	cr_assert(strstr(err.message, "not a file"), "%s", err.message);
	CHECK_LEAKS();
}
