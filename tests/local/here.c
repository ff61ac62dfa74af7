/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that run on the thread that makes them: whose the messages are, and who may answer. */
#include <sched.h>
#include <string.h>
#include "transport/suite.h"

typedef struct host {
	suite *s;
	suite_suite *proxy;
	pyr_call *kept;
	const Suite__Blob *request;
	pthread_t answerer;
	pyr_status told; /* what answering returned */
	unsigned calls;
} host;

static void begin(host *h, const suite_suite_ops *ops)
{
	pyr_error err;
	pyr_object_options options = PYR_OBJECT_OPTIONS_INIT;
	options.any_thread = true;
	h->s = suite_begin(NULL);
	CHECK_OK(suite_suite__serve(h->s->daemon, "here", ops, h, &err));
	CHECK_OK(pyr_daemon_configure(h->s->daemon, "here", NULL, &options, &err));
	CHECK_OK(suite_suite__open(h->s->context, "local:here", NULL, &h->proxy, &err));
}

static void end(host *h)
{
	suite_suite__close(h->proxy);
	suite_end(h->s);
}

/* The reply is the caller's. */
static Suite__Blob *echo(host *h, char *text)
{
	pyr_error err;
	Suite__Blob request = SUITE__BLOB__INIT, *reply;
	request.data = (ProtobufCBinaryData){strlen(text), (uint8_t *)text};
	CHECK_OK(suite_suite_echo(h->proxy, &request, &reply, &err));
	return reply;
}

static bool says(const Suite__Blob *blob, const char *text)
{
	return blob->data.len == strlen(text) && memcmp(blob->data.data, text, blob->data.len) == 0;
}

static void keep_and_answer(void *self, pyr_call *call, const Suite__Blob *request)
{
	host *h = self;
	h->kept = pyr_call_ref(call);
	h->request = request;
	suite_suite_echo__reply(call, request);
}

Test(here, a_request_that_is_kept_outlives_the_callers)
{
	static const suite_suite_ops ops = {.echo = keep_and_answer};
	host h = {0};
	char text[] = "as it was";
	begin(&h, &ops);
	Suite__Blob *reply = echo(&h, text);
	memset(text, 'x', sizeof text - 1);
	cr_assert(says(h.request, "as it was"));
	cr_assert(says(reply, "as it was"));
	suite__blob__free_unpacked(reply, NULL);
	cr_assert(says(h.request, "as it was"));
	pyr_call_unref(h.kept);
	end(&h);
}

static void answer_and_scribble(void *self, pyr_call *call, const Suite__Blob *request)
{
	(void)self;
	uint8_t text[] = "an answer";
	Suite__Blob reply = SUITE__BLOB__INIT;
	reply.data = (ProtobufCBinaryData){sizeof text - 1, text};
	suite_suite_echo__reply(call, &reply);
	memset(text, 'x', sizeof text);
	(void)request;
}

Test(here, a_reply_is_the_callers_own)
{
	static const suite_suite_ops ops = {.echo = answer_and_scribble};
	host h = {0};
	begin(&h, &ops);
	Suite__Blob *reply = echo(&h, (char *)"?");
	cr_assert(says(reply, "an answer"));
	suite__blob__free_unpacked(reply, NULL);
	end(&h);
}

static void *answer_kept(void *arg)
{
	host *h = arg;
	h->told = suite_suite_echo__reply(h->kept, h->request);
	pyr_call_unref(h->kept);
	return NULL;
}

static void have_it_answered(void *self, pyr_call *call, const Suite__Blob *request)
{
	host *h = self;
	h->kept = pyr_call_ref(call);
	h->request = request;
	cr_assert(pthread_create(&h->answerer, NULL, answer_kept, h) == 0);
}

static void await_its_answer(void *self, pyr_call *call, const Suite__Blob *request)
{
	host *h = self;
	have_it_answered(self, call, request);
	pthread_join(h->answerer, NULL);
}

Test(here, another_thread_may_answer_while_the_servant_waits)
{
	static const suite_suite_ops ops = {.echo = await_its_answer};
	host h = {0};
	begin(&h, &ops);
	for (int i = 0; i < 100; i++) {
		Suite__Blob *reply = echo(&h, (char *)"again");
		cr_assert(says(reply, "again") && h.told == PYR_OK);
		suite__blob__free_unpacked(reply, NULL);
	}
	end(&h);
}

Test(here, another_thread_may_answer_when_the_servant_has_returned)
{
	static const suite_suite_ops ops = {.echo = have_it_answered};
	host h = {0};
	begin(&h, &ops);
	for (int i = 0; i < 100; i++) {
		Suite__Blob *reply = echo(&h, (char *)"later");
		pthread_join(h.answerer, NULL);
		cr_assert(says(reply, "later") && h.told == PYR_OK);
		suite__blob__free_unpacked(reply, NULL);
	}
	end(&h);
}

static void note_unknown(void *self, pyr_call *call, const Suite__Blob *request)
{
	host *h = self;
	h->calls = request->base.n_unknown_fields;
	suite_suite_echo__reply(call, request);
}

Test(here, fields_that_are_unknown_are_carried_both_ways)
{
	static const suite_suite_ops ops = {.echo = note_unknown};
	static uint8_t varint[] = {7};
	ProtobufCMessageUnknownField field = {9, PROTOBUF_C_WIRE_TYPE_VARINT, 1, varint};
	host h = {0};
	pyr_error err;
	Suite__Blob request = SUITE__BLOB__INIT, *reply;
	begin(&h, &ops);
	request.base.n_unknown_fields = 1;
	request.base.unknown_fields = &field;
	CHECK_OK(suite_suite_echo(h.proxy, &request, &reply, &err));
	cr_assert_eq(h.calls, 1);
	cr_assert_eq(reply->base.n_unknown_fields, 1);
	cr_assert_eq(reply->base.unknown_fields[0].tag, 9);
	suite__blob__free_unpacked(reply, NULL);
	end(&h);
}

static void stop_and_answer(void *self, pyr_call *call, const Suite__Blob *request)
{
	host *h = self;
	pyr_daemon_stop(h->s->daemon, 0);
	while (!pyr_call_cancelled(call))
		sched_yield();
	h->told = suite_suite_echo__reply(call, request);
}

Test(here, a_servant_sees_that_its_daemon_has_stopped)
{
	static const suite_suite_ops ops = {.echo = stop_and_answer};
	host h = {0};
	pyr_error err;
	Suite__Blob request = SUITE__BLOB__INIT, *reply;
	begin(&h, &ops);
	CHECK_STATUS(PYR_UNAVAILABLE, suite_suite_echo(h.proxy, &request, &reply, &err));
	cr_assert_eq(err.executed, PYR_EXECUTED_MAYBE);
	cr_assert_eq(h.told, PYR_CANCELLED);
	end(&h);
}

static void answer_and_stop(void *self, pyr_call *call, const Suite__Blob *request)
{
	host *h = self;
	h->told = suite_suite_echo__reply(call, request);
	pyr_daemon_stop(h->s->daemon, 0);
	while (!pyr_call_cancelled(call))
		sched_yield();
}

Test(here, an_answer_that_came_before_the_daemon_stopped_counts)
{
	static const suite_suite_ops ops = {.echo = answer_and_stop};
	host h = {0};
	begin(&h, &ops);
	Suite__Blob *reply = echo(&h, (char *)"in time");
	cr_assert(says(reply, "in time") && h.told == PYR_OK);
	suite__blob__free_unpacked(reply, NULL);
	end(&h);
}

static void count(void *self, pyr_call *call, const Suite__Blob *request)
{
	++*(unsigned *)self;
	suite_suite_echo__reply(call, request);
}

/* The call that is kept keeps the first object, which therefore could be called still. */
Test(here, calls_reach_the_object_that_is_there_now)
{
	static const suite_suite_ops first_ops = {.echo = keep_and_answer}, ops = {.echo = count};
	host h = {0};
	unsigned calls = 0;
	pyr_error err;
	Suite__Blob request = SUITE__BLOB__INIT, *reply;
	begin(&h, &first_ops);
	pyr_daemon *daemon = h.s->daemon;
	suite__blob__free_unpacked(echo(&h, (char *)"1"), NULL);
	CHECK_OK(suite_suite__replace(daemon, "here", &ops, &calls, &err));
	suite__blob__free_unpacked(echo(&h, (char *)"2"), NULL);
	cr_assert_eq(calls, 1);
	CHECK_OK(suite_suite__replace(daemon, "here", &first_ops, &h, &err));
	pyr_call_unref(h.kept);
	suite__blob__free_unpacked(echo(&h, (char *)"3"), NULL);
	cr_assert_eq(calls, 1);
	CHECK_OK(pyr_daemon_unregister(daemon, "here", NULL, &err));
	CHECK_STATUS(PYR_NOT_FOUND, suite_suite_echo(h.proxy, &request, &reply, &err));
	pyr_call_unref(h.kept);
	CHECK_OK(suite_suite__serve(daemon, "here", &ops, &calls, &err));
	suite__blob__free_unpacked(echo(&h, (char *)"4"), NULL);
	cr_assert_eq(calls, 2);
	end(&h);
}
