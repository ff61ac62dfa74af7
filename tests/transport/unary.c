/* SPDX-License-Identifier: Apache-2.0 */
/* Calls with one answer or none: what goes there and what comes back. */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include "transport/suite.h"

static pyr_status echo(suite_suite *proxy, size_t size, pyr_error *err)
{
	Suite__Blob request = suite_blob(size);
	Suite__Blob *reply;
	pyr_status status = suite_suite_echo(proxy, &request, &reply, err);
	if (status == PYR_OK) {
		cr_assert_eq(reply->data.len, size);
		cr_assert(size == 0 || memcmp(reply->data.data, request.data.data, size) == 0);
		suite__blob__free_unpacked(reply, NULL);
	}
	free(request.data.data);
	return status;
}

static pyr_status grow(suite_suite *proxy, size_t size, pyr_error *err)
{
	Suite__Number request = SUITE__NUMBER__INIT;
	Suite__Blob *reply;
	request.value = size;
	pyr_status status = suite_suite_grow(proxy, &request, &reply, err);
	if (status == PYR_OK) {
		cr_assert_eq(reply->data.len, size);
		suite__blob__free_unpacked(reply, NULL);
	}
	return status;
}

static pyr_status count(suite_suite *proxy, uint64_t *ret_count, pyr_error *err)
{
	Suite__Nothing request = SUITE__NOTHING__INIT;
	Suite__Number *reply;
	pyr_status status = suite_suite_count(proxy, &request, &reply, err);
	if (status == PYR_OK) {
		*ret_count = reply->value;
		suite__number__free_unpacked(reply, NULL);
	}
	return status;
}

static void carry_every_size(suite *s)
{
	static const size_t sizes[] = {0, 1, 2, 63, 255, 256, 257, 4095, 4096, 65535, 65536, 65537,
		67583, 67584, 67585, 200000, 1 << 20, (1 << 20) + 1};
	pyr_error err;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		CHECK_OK(echo(s->proxy, sizes[i], &err));
	cr_assert(
		strncmp(s->servant.peer, suite_under_test.peer, strlen(suite_under_test.peer)) == 0,
		"the caller's address is '%s'", s->servant.peer);
}

Test(unary, carries_messages_of_every_size)
{
	suite *s = suite_begin(NULL);
	carry_every_size(s);
	suite_end(s);
}

Test(unary, carries_messages_of_every_size_to_a_pool)
{
	suite *s = suite_begin_pool(2);
	carry_every_size(s);
	suite_end(s);
}

/* The message around so many bytes of data takes this many more. */
#define BLOB_OVERHEAD 4

Test(unary, takes_a_request_at_the_limit_and_refuses_one_above)
{
	suite_config config = {.daemon.message_bytes_max = 100000};
	suite *s = suite_begin(&config);
	pyr_error err;
	CHECK_OK(echo(s->proxy, 10, &err)); /* the limits are known from here on */
	for (int round = 0; round < 3; round++) {
		CHECK_OK(echo(s->proxy, 100000 - BLOB_OVERHEAD, &err));
		CHECK_STATUS(PYR_RESOURCE_EXHAUSTED, echo(s->proxy, 100001 - BLOB_OVERHEAD, &err));
		cr_assert_eq(err.executed, PYR_EXECUTED_NO);
		cr_assert(!err.would_block);
		CHECK_OK(echo(s->proxy, 10, &err));
	}
	suite_end(s);
}

Test(unary, refuses_a_request_above_the_limit_in_the_first_call_of_all)
{
	suite_config config = {.daemon.message_bytes_max = 100000};
	suite *s = suite_begin(&config);
	pyr_error err;
	CHECK_STATUS(PYR_RESOURCE_EXHAUSTED, echo(s->proxy, 100001 - BLOB_OVERHEAD, &err));
	CHECK_OK(echo(s->proxy, 10, &err));
	CHECK_OK(echo(s->proxy, 100000 - BLOB_OVERHEAD, &err));
	suite_end(s);
}

Test(unary, takes_a_reply_at_the_limit_and_refuses_one_above)
{
	suite_config config = {.context.message_bytes_max = 100000};
	suite *s = suite_begin(&config);
	pyr_error err;
	for (int round = 0; round < 3; round++) {
		CHECK_OK(grow(s->proxy, 100000 - BLOB_OVERHEAD, &err));
		CHECK_STATUS(PYR_RESOURCE_EXHAUSTED, grow(s->proxy, 100001 - BLOB_OVERHEAD, &err));
		cr_assert_eq(err.executed, PYR_EXECUTED_YES);
		CHECK_OK(grow(s->proxy, 10, &err));
	}
	suite_end(s);
}

static void check_failure(suite *s, const Suite__Failure *request)
{
	pyr_error err;
	Suite__Nothing *reply = NULL;
	CHECK_STATUS(
		(pyr_status)request->status, suite_suite_fail(s->proxy, request, &reply, &err));
	cr_assert_null(reply);
	cr_assert_eq(err.status, request->status);
	cr_assert_str_eq(err.message, request->message);
	cr_assert_eq(err.executed, PYR_EXECUTED_YES);
	cr_assert(!err.truncated && !err.would_block);
	cr_assert_eq(err.details_size, request->details.len);
	cr_assert(request->details.len == 0 ||
		  memcmp(err.details, request->details.data, err.details_size) == 0);
	if (request->where[0])
		cr_assert_str_eq(err.where, request->where);
}

Test(unary, brings_every_status_with_its_message_place_and_details)
{
	suite *s = suite_begin(NULL);
	uint8_t details[1024];
	for (size_t i = 0; i < sizeof details; i++)
		details[i] = (uint8_t)i;
	char text[64];
	for (uint32_t status = 1; status <= 16; status++) {
		Suite__Failure request = SUITE__FAILURE__INIT;
		snprintf(text, sizeof text, "failure number %u, se\xc3\xb1or", status);
		request.status = status;
		request.message = text;
		check_failure(s, &request);
		request.where = "line 7 of the order";
		request.details.data = details;
		request.details.len = 64 * status;
		check_failure(s, &request);
	}
	suite_end(s);
}

Test(unary, says_where_a_call_failed_when_the_servant_does_not)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	Suite__Nothing *reply;
	Suite__Failure request = SUITE__FAILURE__INIT;
	request.status = PYR_ABORTED;
	CHECK_STATUS(PYR_ABORTED, suite_suite_fail(s->proxy, &request, &reply, &err));
	cr_assert(strstr(err.where, "suite.Suite/Fail"), "%s", err.where);
	suite_end(s);
}

Test(unary, says_so_when_details_are_longer_than_an_error_has_room_for)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	uint8_t details[PYR_ERROR_DETAILS_MAX + 1] = {1};
	Suite__Nothing *reply;
	Suite__Failure request = SUITE__FAILURE__INIT;
	request.status = PYR_ABORTED;
	request.details.data = details;
	request.details.len = sizeof details;
	CHECK_STATUS(PYR_ABORTED, suite_suite_fail(s->proxy, &request, &reply, &err));
	cr_assert(err.truncated);
	cr_assert_eq(err.details_size, 0);
	suite_end(s);
}

Test(unary, does_not_need_an_error_to_fill_in)
{
	suite *s = suite_begin(NULL);
	Suite__Nothing *reply;
	Suite__Failure request = SUITE__FAILURE__INIT;
	request.status = PYR_NOT_FOUND;
	cr_assert_eq(suite_suite_fail(s->proxy, &request, &reply, NULL), PYR_NOT_FOUND);
	suite_end(s);
}

static const uint8_t bytes[] = {0, 1, 255, 0, 'x'};

static void check_metadata(const pyr_metadata *metadata)
{
	const char *key, *value;
	size_t size;
	cr_assert_not_null(metadata);
	cr_assert_eq(pyr_metadata_count(metadata), 4);
	cr_assert_str_eq(pyr_metadata_get(metadata, "colour"), "red");
	cr_assert(pyr_metadata_at(metadata, 1, &key, &value, &size));
	cr_assert_str_eq(key, "colour");
	cr_assert_str_eq(value, "green");
	cr_assert(pyr_metadata_at(metadata, 2, &key, &value, &size));
	cr_assert_str_eq(key, "shape-bin");
	cr_assert_eq(size, sizeof bytes);
	cr_assert_eq(memcmp(value, bytes, size), 0);
	cr_assert_str_eq(pyr_metadata_get(metadata, "empty"), "");
}

static pyr_metadata *some_metadata(void)
{
	pyr_error err;
	pyr_metadata *metadata = pyr_metadata_new();
	CHECK_OK(pyr_metadata_add(metadata, "colour", "red", &err));
	CHECK_OK(pyr_metadata_add(metadata, "colour", "green", &err));
	CHECK_OK(pyr_metadata_add_bytes(metadata, "shape-bin", bytes, sizeof bytes, &err));
	CHECK_OK(pyr_metadata_add(metadata, "empty", "", &err));
	return metadata;
}

Test(unary, carries_metadata_there_and_back)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	pyr_metadata *sent = some_metadata(), *received = pyr_metadata_new();
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	options.metadata = sent;
	options.reply_metadata = received;
	suite_suite *proxy = suite_open(s, &options);
	pyr_metadata_free(sent); /* the proxy has a copy */
	Suite__Nothing request = SUITE__NOTHING__INIT, *reply;
	for (int i = 0; i < 3; i++) {
		CHECK_OK(suite_suite_reflect(proxy, &request, &reply, &err));
		suite__nothing__free_unpacked(reply, NULL);
		check_metadata(received);
	}
	suite_suite__close(proxy);
	pyr_metadata_free(received);
	suite_end(s);
}

typedef struct metadata_reply {
	pyr_pending *pending;
	tally started, done;
} metadata_reply;

static void on_reflected(
	void *ctx, pyr_status status, const Suite__Nothing *reply, const pyr_error *err)
{
	(void)reply;
	(void)err;
	metadata_reply *r = ctx;
	cr_assert_eq(status, PYR_OK);
	tally_await(&r->started, 1);
	check_metadata(pyr_pending_metadata(r->pending));
	tally_add(&r->done, 1);
}

Test(unary, hands_a_callback_the_metadata)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	pyr_metadata *sent = some_metadata();
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	options.metadata = sent;
	suite_suite *proxy = suite_open(s, &options);
	Suite__Nothing request = SUITE__NOTHING__INIT;
	metadata_reply r = {.started = TALLY_INIT, .done = TALLY_INIT};
	CHECK_OK(suite_suite_reflect__invoke(proxy, &request, on_reflected, &r, &r.pending, &err));
	tally_add(&r.started, 1);
	CHECK_AWAIT(&r.done, 1);
	pyr_pending_unref(r.pending);
	suite_suite__close(proxy);
	pyr_metadata_free(sent);
	suite_end(s);
}

Test(unary, refuses_metadata_above_the_limit_and_goes_on)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	char value[4001];
	memset(value, 'm', sizeof value - 1);
	value[sizeof value - 1] = '\0';
	pyr_metadata *sent = pyr_metadata_new();
	for (int i = 0; i < 3; i++)
		CHECK_OK(pyr_metadata_add(sent, "long", value, &err));
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	options.metadata = sent;
	suite_suite *proxy = suite_open(s, &options);
	uint64_t number;
	CHECK_OK(count(s->proxy, &number, &err));
	CHECK_STATUS(PYR_RESOURCE_EXHAUSTED, count(proxy, &number, &err));
	cr_assert_eq(err.executed, PYR_EXECUTED_NO);
	suite_suite__close(proxy);
	CHECK_OK(count(s->proxy, &number, &err));
	cr_assert_eq(number, 2);
	pyr_metadata_free(sent);
	suite_end(s);
}

/* Objects */

Test(unary, names_the_object_that_does_not_exist)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	uint64_t own = 7, number;
	CHECK_OK(suite_other__serve(s->daemon, "elsewhere", &other_ops, &own, &err));
	CHECK_OK(pyr_daemon_unregister(s->daemon, "suite", NULL, &err));
	CHECK_STATUS(PYR_NOT_FOUND, count(s->proxy, &number, &err));
	cr_assert(strstr(err.message, "'suite'"), "%s", err.message);
	cr_assert_eq(err.executed, PYR_EXECUTED_NO);
	cr_assert_eq(tally_get(&s->servant.count_count), 0);
	suite_end(s);
}

Test(unary, names_the_method_that_the_servant_lacks)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	Suite__Nothing request = SUITE__NOTHING__INIT, *reply;
	CHECK_STATUS(PYR_UNIMPLEMENTED, suite_suite_absent(s->proxy, &request, &reply, &err));
	cr_assert(strstr(err.message, "suite.Suite/Absent"), "%s", err.message);
	cr_assert_eq(err.executed, PYR_EXECUTED_NO);
	suite_end(s);
}

Test(unary, names_the_interface_that_the_object_lacks)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	suite_other *other;
	Suite__Nothing request = SUITE__NOTHING__INIT;
	Suite__Number *reply;
	CHECK_OK(suite_other__open(s->context, s->reference, NULL, &other, &err));
	CHECK_STATUS(PYR_UNIMPLEMENTED, suite_other_ask(other, &request, &reply, &err));
	cr_assert(strstr(err.message, "suite.Other"), "%s", err.message);
	uint64_t answer = 42;
	CHECK_OK(suite_other__serve(s->daemon, "suite", &other_ops, &answer, &err));
	CHECK_OK(suite_other_ask(other, &request, &reply, &err));
	cr_assert_eq(reply->value, 42);
	suite__number__free_unpacked(reply, NULL);
	suite_other__close(other);
	suite_end(s);
}

Test(unary, ends_the_service_of_an_object_at_once_and_begins_it_again)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	uint64_t number;
	for (uint64_t i = 1; i <= 3; i++) {
		CHECK_OK(count(s->proxy, &number, &err));
		cr_assert_eq(number, i);
		CHECK_OK(pyr_daemon_unregister(s->daemon, "suite", &suite_suite__interface, &err));
		CHECK_STATUS(PYR_NOT_FOUND, count(s->proxy, &number, &err));
		CHECK_OK(suite_suite__serve(s->daemon, "suite", &servant_ops, &s->servant, &err));
	}
	suite_end(s);
}

/* Answers */

static pyr_status answer(suite *s, uint64_t times, pyr_error *err)
{
	Suite__Number request = SUITE__NUMBER__INIT, *reply;
	request.value = times;
	pyr_status status = suite_suite_answer(s->proxy, &request, &reply, err);
	if (status == PYR_OK)
		suite__number__free_unpacked(reply, NULL);
	return status;
}

Test(unary, takes_only_the_first_of_two_answers)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	uint64_t number;
	CHECK_OK(answer(s, 1, &err));
	CHECK_OK(answer(s, 2, &err));
	CHECK_OK(count(s->proxy, &number, &err)); /* comes after the second answer */
	cr_assert_eq(s->servant.again_status, PYR_FAILED_PRECONDITION);
	suite_end(s);
}

Test(unary, answers_for_a_servant_that_does_not)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	CHECK_STATUS(PYR_INTERNAL, answer(s, 0, &err));
	cr_assert_eq(err.executed, PYR_EXECUTED_YES);
	CHECK_OK(answer(s, 1, &err));
	suite_end(s);
}

typedef struct holding {
	suite *s;
	uint64_t value;
} holding;

static void *answer_later(void *arg)
{
	holding *h = arg;
	CHECK_AWAIT(&h->s->servant.held_count, 1);
	cr_assert_eq(servant_answer(&h->s->servant, 0, h->value), PYR_OK);
	return NULL;
}

Test(unary, takes_an_answer_from_another_thread_later)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	pthread_t thread;
	holding h = {s, 4711};
	Suite__Number request = SUITE__NUMBER__INIT, *reply;
	pthread_create(&thread, NULL, answer_later, &h);
	CHECK_OK(suite_suite_hold(s->proxy, &request, &reply, &err));
	cr_assert_eq(reply->value, 4711);
	suite__number__free_unpacked(reply, NULL);
	pthread_join(thread, NULL);
	suite_end(s);
}

/* Oneway */

static pyr_status note(suite_suite *proxy, uint64_t value, pyr_error *err)
{
	Suite__Number request = SUITE__NUMBER__INIT;
	request.value = value;
	return suite_suite_note(proxy, &request, err);
}

static void check_notes(suite *s, unsigned total)
{
	CHECK_AWAIT(&s->servant.note_count, total);
	for (unsigned i = 0; i < total; i++)
		cr_assert_eq(s->servant.notes[i], i, "number %u is %lu", i,
			(unsigned long)s->servant.notes[i]);
}

Test(unary, runs_oneway_calls_in_order)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	unsigned at_once = suite_under_test.differs.ordered_oneways;
	for (unsigned i = 0; i < 2000; i++) {
		if (at_once && i % at_once == 0)
			CHECK_AWAIT(&s->servant.note_count, i);
		CHECK_OK(note(s->proxy, i, &err));
	}
	check_notes(s, 2000);
	suite_end(s);
}

Test(unary, keeps_the_order_of_oneway_calls_and_calls)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	for (unsigned i = 0; i < 200; i++) {
		uint64_t number;
		CHECK_OK(note(s->proxy, i, &err));
		if (suite_under_test.differs.ordered_oneways == 1)
			CHECK_AWAIT(&s->servant.note_count, i + 1);
		CHECK_OK(count(s->proxy, &number, &err));
		cr_assert_eq(tally_get(&s->servant.note_count), i + 1);
	}
	suite_end(s);
}

Test(unary, runs_oneway_calls_though_the_proxy_is_closed_at_once)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	for (unsigned i = 0; i < 50; i++) {
		suite_suite *proxy = suite_open(s, NULL);
		CHECK_OK(note(proxy, i, &err));
		suite_suite__close(proxy);
		/* one after the other: each has a connection of its own */
		CHECK_AWAIT(&s->servant.note_count, i + 1);
	}
	check_notes(s, 50);
	suite_end(s);
}

Test(unary, does_not_wait_for_a_oneway_call)
{
	if (suite_under_test.any_thread)
		cr_skip_test("it runs on the thread that makes it");
	suite_config config = {.undispatched = true};
	suite *s = suite_begin(&config);
	pyr_error err;
	int64_t before_ms = suite_now_ms();
	for (unsigned i = 0; i < 100; i++)
		CHECK_OK(note(s->proxy, i, &err));
	cr_assert_lt(suite_now_ms() - before_ms, 2000);
	cr_assert_eq(tally_get(&s->servant.note_count), 0);
	for (int i = 0; i < 100000 && tally_get(&s->servant.note_count) < 100; i++)
		event_base_loop(s->base, EVLOOP_ONCE);
	check_notes(s, 100);
	suite_end(s);
}
