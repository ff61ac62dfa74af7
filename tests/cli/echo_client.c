/* SPDX-License-Identifier: Apache-2.0 */
/* usage: echo_client REF: calls every method of `pyrite echo` through its generated stubs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "echo.pyr.h"

static pyr_error err;

static void expect(const char *what, pyr_status got, pyr_status wanted)
{
	if (got == wanted)
		return;
	fprintf(stderr, "%s: %s, not %s: %s\n", what, pyr_status_name(got), pyr_status_name(wanted),
		got ? err.message : "");
	exit(1);
}

static void expect_text(Pyrite__Echo__Text *reply, const char *wanted)
{
	if (strcmp(reply->text, wanted) != 0) {
		fprintf(stderr, "'%s', not '%s'\n", reply->text, wanted);
		exit(1);
	}
	pyrite__echo__text__free_unpacked(reply, NULL);
}

static void call_slow(const char *reference, uint32_t timeout_ms, uint32_t delay_ms)
{
	pyrite_echo_echo *echo;
	Pyrite__Echo__Text *reply;
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	Pyrite__Echo__SlowText slow = PYRITE__ECHO__SLOW_TEXT__INIT;
	options.timeout_ms = timeout_ms;
	expect("open", pyrite_echo_echo__open(NULL, reference, &options, &echo, &err), PYR_OK);
	slow.text = "later";
	slow.delay_ms = delay_ms;
	pyr_status status = pyrite_echo_echo_slow(echo, &slow, &reply, &err);
	expect("Slow", status, delay_ms > timeout_ms ? PYR_DEADLINE_EXCEEDED : PYR_OK);
	if (status == PYR_OK)
		expect_text(reply, "later");
	pyrite_echo_echo__close(echo);
}

static void call_fail(pyrite_echo_echo *echo)
{
	Pyrite__Echo__Text *reply;
	Pyrite__Echo__Failure failure = PYRITE__ECHO__FAILURE__INIT;
	failure.message = "as told";
	for (int status = 1; status <= 16; status++) {
		failure.status = (uint32_t)status;
		expect("Fail", pyrite_echo_echo_fail(echo, &failure, &reply, &err),
			(pyr_status)status);
		if (strcmp(err.message, "as told") != 0) {
			fprintf(stderr, "Fail says '%s'\n", err.message);
			exit(1);
		}
	}
	failure.status = 17;
	expect("Fail", pyrite_echo_echo_fail(echo, &failure, &reply, &err), PYR_INVALID_ARGUMENT);
	failure.status = 0;
	expect("Fail", pyrite_echo_echo_fail(echo, &failure, &reply, &err), PYR_INVALID_ARGUMENT);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	pyrite_echo_echo *echo;
	Pyrite__Echo__Text text = PYRITE__ECHO__TEXT__INIT, *reply;
	expect("open", pyrite_echo_echo__open(NULL, argv[1], NULL, &echo, &err), PYR_OK);
	text.text = "hall\xc3\xb6";
	expect("Echo", pyrite_echo_echo_echo(echo, &text, &reply, &err), PYR_OK);
	expect_text(reply, text.text);
	call_fail(echo);
	call_slow(argv[1], 20000, 20);
	call_slow(argv[1], 50, 20000);
	text.text = "one way";
	expect("Oneway", pyrite_echo_echo_oneway(echo, &text, &err), PYR_OK);
	expect("Echo", pyrite_echo_echo_echo(echo, &text, &reply, &err), PYR_OK);
	expect_text(reply, "one way");
	pyrite_echo_echo__close(echo);
	puts("all as expected");
	return 0;
}
