/* SPDX-License-Identifier: Apache-2.0 */
/* What the trace tells of calls on every transport, and what it keeps to itself. */
#include <pyrite/log.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "transport/suite.h"

#define TOKEN   "t0ken-of-the-test"
#define VALUE   "value-of-metadata"
#define PAYLOAD "payload-of-the-call"

typedef struct seen {
	char text[256u << 10];
	size_t size;
} seen;

static seen *lines;

static void see(void *ctx, pyr_log_level level, const char *line)
{
	seen *s = ctx;
	int size = snprintf(s->text + s->size, sizeof s->text - s->size, "%s: %s\n",
		pyr_log_level_name(level), line);
	if (size > 0 && (size_t)size < sizeof s->text - s->size)
		s->size += (size_t)size;
}

static suite *begin(pyr_log_level level)
{
	pyr_error err;
	lines = calloc(1, sizeof *lines);
	pyr_log_set(see, lines, level);
	suite *s = suite_begin(NULL);
	const char *endpoint = strchr(s->reference, '@');
	if (endpoint)
		CHECK_OK(pyr_context_set_token(s->context, endpoint + 1, TOKEN, false, &err));
	return s;
}

/* Nothing is written to lines any more when this returns. */
static void stop(suite *s)
{
	suite_suite__close(s->proxy);
	s->proxy = NULL;
	pyr_daemon_stop(s->daemon, 0);
	pyr_log_set(NULL, NULL, PYR_LOG_NONE);
}

static void end(suite *s)
{
	free(lines);
	suite_end(s);
}

static void has(const char *part)
{
	cr_assert(strstr(lines->text, part), "no '%s' in\n%s", part, lines->text);
}

static void has_not(const char *part)
{
	cr_assert(!strstr(lines->text, part), "'%s' in\n%s", part, lines->text);
}

static void call_with_secrets(suite *s)
{
	pyr_error err;
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	pyr_metadata *metadata = pyr_metadata_new();
	CHECK_OK(pyr_metadata_add(metadata, "key", VALUE, &err));
	options.metadata = metadata;
	suite_suite *proxy = suite_open(s, &options);
	Suite__Blob request = SUITE__BLOB__INIT, *reply;
	request.data = (ProtobufCBinaryData){strlen(PAYLOAD), (uint8_t *)PAYLOAD};
	CHECK_OK(suite_suite_echo(proxy, &request, &reply, &err));
	suite__blob__free_unpacked(reply, NULL);
	suite_suite__close(proxy);
	pyr_metadata_free(metadata);
}

static pyr_status fail(suite *s, pyr_error *err)
{
	Suite__Failure request = SUITE__FAILURE__INIT;
	Suite__Nothing *reply;
	request.status = PYR_NOT_FOUND;
	request.message = "nothing\nhere";
	return suite_suite_fail(s->proxy, &request, &reply, err);
}

Test(trace, O3_tells_of_each_call_and_its_end)
{
	suite *s = begin(PYR_LOG_TRACE);
	pyr_error err;
	CHECK_STATUS(PYR_NOT_FOUND, fail(s, &err));
	stop(s);
	has(" > CALL");
	has("suite.Suite/Fail");
	has("object \"suite\"");
	if (!suite_under_test.same_context) {
		has(" < CALL");
		has(" > FINAL");
		has(" < FINAL");
		has("NOT_FOUND");
		has("\"nothing?here\"");
	}
	end(s);
}

Test(trace, O3_keeps_tokens_values_and_messages_to_itself)
{
	suite *s = begin(PYR_LOG_TRACE);
	call_with_secrets(s);
	stop(s);
	has("suite.Suite/Echo");
	has_not(TOKEN);
	has_not(VALUE);
	has_not(PAYLOAD);
	end(s);
}

static unsigned times(const char *part)
{
	unsigned count = 0;
	for (const char *at = lines->text; (at = strstr(at, part)); at++)
		count++;
	return count;
}

/* On the native transport they are in the frames that open and end a call. */
Test(trace, O3_tells_how_large_the_messages_of_a_gRPC_call_are)
{
	suite *s = begin(PYR_LOG_TRACE);
	call_with_secrets(s);
	bool grpc = strncmp(s->reference, "grpc", 4) == 0;
	stop(s);
	/* the request and the reply, as the client and as the daemon see them */
	cr_assert_eq(times(" > MESSAGE, 21 bytes\n"), grpc ? 2 : 0, "%s", lines->text);
	cr_assert_eq(times(" < MESSAGE, 21 bytes\n"), grpc ? 2 : 0, "%s", lines->text);
	end(s);
}

Test(trace, O3_is_not_there_unless_it_is_asked_for)
{
	suite *s = begin(PYR_LOG_DEBUG);
	call_with_secrets(s);
	stop(s);
	has_not("trace: ");
	has_not("suite.Suite/Echo");
	end(s);
}
