/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A servant that fails in every way: with a status and a message, with a place and a message of its
 * own as details, by not answering, and by not having the method.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "details.h"
#include "exceptions.pyr.h"

#define SPACES " \t\n"

/* An error for programs: the status, where it is, and BadNumber in the details. */
static void refuse(pyr_call *call, const char *text, const char *at)
{
	Demo__BadNumber bad = DEMO__BAD_NUMBER__INIT;
	char word[32];
	pyr_error err;
	snprintf(word, sizeof word, "%.*s", (int)strcspn(at, SPACES), at);
	bad.line = bad.column = 1;
	bad.word = word;
	for (; text < at; text++) {
		bad.column = *text == '\n' ? 1 : bad.column + 1;
		bad.line += *text == '\n';
	}
	pyr_error_set(&err, PYR_INVALID_ARGUMENT, "'%s' is no whole number, such as 42", word);
	snprintf(err.where, sizeof err.where, "line %u, column %u", bad.line, bad.column);
	err.executed = PYR_EXECUTED_YES; /* pyr_error_set() cannot know */
	fail_with_details(call, &err, &bad.base);
}

static void add(void *self, pyr_call *call, const Demo__AddRequest *request)
{
	Demo__AddReply reply = DEMO__ADD_REPLY__INIT;
	const char *at = request->text;
	char *end;
	(void)self;
	for (at += strspn(at, SPACES); *at; at = end + strspn(end, SPACES)) {
		errno = 0;
		long long number = strtoll(at, &end, 10);
		if (end == at || (*end && !strchr(SPACES, *end))) {
			refuse(call, request->text, at);
			return;
		}
		if (errno || __builtin_add_overflow(reply.sum, number, &reply.sum)) {
			/* an error for people: a status and a message */
			pyr_call_fail(call, PYR_OUT_OF_RANGE, "the sum needs more than 64 bits");
			return;
		}
	}
	demo_sums_add__reply(call, &reply);
}

/* A mistake, which the caller need not wait for: the runtime answers INTERNAL. */
static void forget(void *self, pyr_call *call, const Demo__AddRequest *request)
{
	(void)self;
	(void)call;
	(void)request;
}

int main(void)
{
	static const demo_sums_ops ops = {.add = add, .forget = forget}; /* .multiply is NULL */
	pyr_daemon *daemon = NULL;
	pyr_error err;
	bool failed = pyr_daemon_new(NULL, &daemon, &err) ||
		      pyr_daemon_stop_on_signals(daemon, 1000, &err) ||
		      pyr_daemon_listen(daemon, "127.0.0.1:0", NULL, &err) ||
		      demo_sums__serve(daemon, "sums", &ops, NULL, &err) ||
		      pyr_daemon_publish(daemon, "sums", "example.sums", NULL, &err) ||
		      pyr_daemon_run(daemon, &err);
	if (failed)
		fprintf(stderr, "%s: %s\n", pyr_status_name(err.status), err.message);
	pyr_daemon_free(daemon);
	return failed;
}
