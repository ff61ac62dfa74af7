/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls the story at REFERENCE, whoever tells it, and checks what comes back.
 * usage: story_client REFERENCE [FOLDER [CERTIFICATE [STATUS]]]
 * With a FOLDER of certificates it believes its ca.pem, shows CERTIFICATE if that is not empty, and
 * with a STATUS makes but one call, which must end so.
 */
#include <pyrite/pyrite.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <pthread.h>
#include <time.h>
#include "../tally.h"
#include "../threads.h"
#include "story.pyr.h"

typedef Pyrite__Test__Story__Ask Ask;
typedef Pyrite__Test__Story__Item Item;
#define ASK_INIT  PYRITE__TEST__STORY__ASK__INIT
#define ITEM_INIT PYRITE__TEST__STORY__ITEM__INIT

static pyrite_test_story_story *story;
static const char *reference;

static void fail(const char *file, int line, const char *what, const pyr_error *err)
{
	printf("%s:%d: %s failed: %s: %s\n", file, line, what, pyr_status_name(err->status),
		err->message);
	exit(1);
}

#define CHECK(what)                                                                                \
	do {                                                                                       \
		if (!(what))                                                                       \
			fail(__FILE__, __LINE__, #what, &err);                                     \
	} while (0)

static void call_one(const Ask *ask, Item **ret_item, pyr_status expected, pyr_error *ret_err)
{
	pyr_error err;
	pyr_error_set(&err, PYR_OK, "%s", "");
	CHECK(pyrite_test_story_story_one(story, ask, ret_item, &err) == expected);
	if (ret_err)
		*ret_err = err;
}

static void unary(void)
{
	static const uint32_t sizes[] = {0, 1, 255, 256, 257, 100000, 3000000};
	pyr_error err;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		Ask ask = ASK_INIT;
		Item *item;
		ask.size = sizes[i];
		call_one(&ask, &item, PYR_OK, &err);
		CHECK(item->data.len == sizes[i]);
		pyrite__test__story__item__free_unpacked(item, NULL);
	}
}

static void statuses(void)
{
	pyr_error err;
	for (uint32_t status = 1; status <= 16; status++) {
		Ask ask = ASK_INIT;
		ask.status = status;
		ask.message = (char *)"why: \xc3\xa9 %";
		call_one(&ask, NULL, (pyr_status)status, &err);
		CHECK(strcmp(err.message, ask.message) == 0);
	}
}

static void details(void)
{
	pyr_error err;
	Ask ask = ASK_INIT;
	ask.status = PYR_FAILED_PRECONDITION;
	ask.details = (ProtobufCBinaryData){4, (uint8_t *)"\x08\x09\x00\xff"};
	call_one(&ask, NULL, PYR_FAILED_PRECONDITION, &err);
	CHECK(err.details_size == 4 && memcmp(err.details, "\x08\x09\x00\xff", 4) == 0);
}

static void metadata(void)
{
	pyr_error err;
	Ask ask = ASK_INIT;
	Item *item;
	pyrite_test_story_story *derived;
	pyr_metadata *sent = pyr_metadata_new(), *got = pyr_metadata_new();
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	options.metadata = sent;
	options.reply_metadata = got;
	CHECK(pyr_metadata_add_bytes(sent, "x-echo-bin", "to and fro", 10, &err) == PYR_OK);
	CHECK(pyrite_test_story_story__derive(story, &options, &derived, &err) == PYR_OK);
	CHECK(pyrite_test_story_story_one(derived, &ask, &item, &err) == PYR_OK);
	CHECK(strcmp(item->text, "to and fro") == 0);
	CHECK(pyr_metadata_get(got, "x-echo") &&
		strcmp(pyr_metadata_get(got, "x-echo"), "to and fro") == 0);
	pyrite__test__story__item__free_unpacked(item, NULL);
	pyrite_test_story_story__close(derived);
	pyr_metadata_free(sent);
	pyr_metadata_free(got);
}

static void deadlines(void)
{
	pyr_error err;
	Ask ask = ASK_INIT;
	Item *item;
	pyrite_test_story_story *hasty;
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	options.timeout_ms = 200;
	ask.delay_ms = 2000;
	CHECK(pyrite_test_story_story__derive(story, &options, &hasty, &err) == PYR_OK);
	CHECK(pyrite_test_story_story_one(hasty, &ask, &item, &err) == PYR_DEADLINE_EXCEEDED);
	pyrite_test_story_story__close(hasty);
}

/* Asynchronous calls */

static tally answered = TALLY_INIT;

static void on_item(void *ctx, pyr_status status, const Item *item, const pyr_error *given)
{
	pyr_error err;
	pyr_error_set(&err, status, "%s", given ? given->message : "");
	CHECK(status == PYR_OK && item->data.len == (uintptr_t)ctx);
	tally_add(&answered, 1);
}

static void await(tally *t, unsigned count)
{
	pyr_error err;
	bool enough = tally_await(t, count);
	pyr_error_set(&err, PYR_DEADLINE_EXCEEDED, "%u of %u", tally_get(t), count);
	CHECK(enough);
}

static void at_once(void)
{
	pyr_error err;
	for (uintptr_t size = 0; size < 500; size++) {
		Ask ask = ASK_INIT;
		ask.size = (uint32_t)size;
		CHECK(pyrite_test_story_story_one__invoke(
			      story, &ask, on_item, (void *)size, NULL, &err) == PYR_OK);
	}
	await(&answered, 500);
}

static tally ended = TALLY_INIT;

static void on_end(void *ctx, pyr_status status, const Item *item, const pyr_error *given)
{
	(void)ctx;
	(void)item;
	pyr_error err;
	pyr_error_set(&err, status, "%s", given ? given->message : "");
	CHECK(status == PYR_CANCELLED);
	tally_add(&ended, 1);
}

static void cancel_unary(void)
{
	pyr_error err;
	pyr_pending *pending;
	Ask ask = ASK_INIT;
	ask.delay_ms = 300;
	CHECK(pyrite_test_story_story_one__invoke(story, &ask, on_end, NULL, &pending, &err) ==
		PYR_OK);
	pyr_pending_cancel(pending);
	await(&ended, 1);
	pyr_pending_unref(pending);
	CHECK(pyrite_test_story_story_one__invoke(story, &ask, on_end, NULL, &pending, &err) ==
		PYR_OK);
	pyr_pending_abandon(pending);
	pyr_pending_unref(pending);
}

/* Threads */

static void *call_often(void *arg)
{
	(void)arg;
	for (int i = 0; i < 100; i++) {
		Ask ask = ASK_INIT;
		Item *item;
		ask.size = (uint32_t)i;
		call_one(&ask, &item, PYR_OK, NULL);
		pyrite__test__story__item__free_unpacked(item, NULL);
	}
	return NULL;
}

static void threads(void)
{
	pthread_t thread[8];
	for (int i = 0; i < 8; i++)
		pthread_create(&thread[i], NULL, call_often, NULL);
	for (int i = 0; i < 8; i++)
		pthread_join(thread[i], NULL);
}

/* Streams */

static void server_stream(void)
{
	pyr_error err;
	Ask ask = ASK_INIT;
	const Item *item;
	pyr_stream *stream;
	int64_t number = 0;
	ask.count = 2000;
	ask.size = 1000;
	CHECK(pyrite_test_story_story_many(story, &ask, &stream, &err) == PYR_OK);
	for (;;) {
		CHECK(pyrite_test_story_story_many__next(stream, &item, &err) == PYR_OK);
		if (!item)
			break;
		CHECK(item->number == ++number && item->data.len == 1000);
	}
	CHECK(number == 2000);
	pyr_stream_close(stream);
}

static void failing_stream(void)
{
	pyr_error err;
	Ask ask = ASK_INIT;
	const Item *item;
	pyr_stream *stream;
	ask.count = 5;
	ask.status = PYR_ABORTED;
	ask.message = (char *)"enough";
	CHECK(pyrite_test_story_story_many(story, &ask, &stream, &err) == PYR_OK);
	for (int i = 0; i < 5; i++)
		CHECK(pyrite_test_story_story_many__next(stream, &item, &err) == PYR_OK && item);
	CHECK(pyrite_test_story_story_many__next(stream, &item, &err) == PYR_ABORTED);
	CHECK(strcmp(err.message, "enough") == 0);
	pyr_stream_close(stream);
}

static tally pushed = TALLY_INIT, push_ended = TALLY_INIT;

static void on_pushed(void *ctx, pyr_status status, const Item *item, const pyr_error *given)
{
	(void)ctx;
	pyr_error err;
	pyr_error_set(&err, status, "%s", given ? given->message : "");
	CHECK(status == PYR_OK);
	tally_add(item ? &pushed : &push_ended, 1);
}

static void observed_stream(void)
{
	pyr_error err;
	Ask ask = ASK_INIT;
	pyr_stream *stream;
	ask.count = 1000;
	CHECK(pyrite_test_story_story_many(story, &ask, &stream, &err) == PYR_OK);
	CHECK(pyrite_test_story_story_many__observe(stream, on_pushed, NULL, &err) == PYR_OK);
	await(&push_ended, 1);
	CHECK(tally_get(&pushed) == 1000);
	pyr_stream_close(stream);
}

static void client_stream(void)
{
	pyr_error err;
	const Item *sum;
	pyr_stream *stream;
	CHECK(pyrite_test_story_story_collect(story, &stream, &err) == PYR_OK);
	for (int64_t i = 0; i < 2000; i++) {
		Item item = ITEM_INIT;
		item.number = i;
		CHECK(pyrite_test_story_story_collect__send(stream, &item, &err) == PYR_OK);
	}
	CHECK(pyr_stream_end(stream, &err) == PYR_OK);
	CHECK(pyrite_test_story_story_collect__next(stream, &sum, &err) == PYR_OK && sum);
	CHECK(sum->number == 1999000 && strcmp(sum->text, "2000") == 0);
	CHECK(pyrite_test_story_story_collect__next(stream, &sum, &err) == PYR_OK && !sum);
	pyr_stream_close(stream);
}

static void both_streams(void)
{
	pyr_error err;
	const Item *got;
	pyr_stream *stream;
	CHECK(pyrite_test_story_story_chat(story, &stream, &err) == PYR_OK);
	for (int64_t i = 0; i < 300; i++) {
		Item item = ITEM_INIT;
		item.number = i;
		CHECK(pyrite_test_story_story_chat__send(stream, &item, &err) == PYR_OK);
		CHECK(pyrite_test_story_story_chat__next(stream, &got, &err) == PYR_OK && got);
		CHECK(got->number == i);
	}
	CHECK(pyr_stream_end(stream, &err) == PYR_OK);
	CHECK(pyrite_test_story_story_chat__next(stream, &got, &err) == PYR_OK && !got);
	pyr_stream_close(stream);
}

static void long_messages(void)
{
	pyr_error err;
	const Item *got;
	pyr_stream *stream;
	static uint8_t nothing[200000];
	CHECK(pyrite_test_story_story_chat(story, &stream, &err) == PYR_OK);
	for (size_t i = 0; i < 5; i++) {
		Item item = ITEM_INIT;
		item.data = (ProtobufCBinaryData){sizeof nothing - i, nothing};
		CHECK(pyrite_test_story_story_chat__send(stream, &item, &err) == PYR_OK);
		CHECK(pyrite_test_story_story_chat__next(stream, &got, &err) == PYR_OK && got);
		CHECK(got->data.len == item.data.len);
	}
	CHECK(pyr_stream_end(stream, &err) == PYR_OK);
	CHECK(pyrite_test_story_story_chat__next(stream, &got, &err) == PYR_OK && !got);
	pyr_stream_close(stream);
}

static void stream_fails_in_the_middle(void)
{
	pyr_error err;
	const Item *got;
	Item item = ITEM_INIT;
	pyr_stream *stream;
	CHECK(pyrite_test_story_story_chat(story, &stream, &err) == PYR_OK);
	item.number = -7;
	CHECK(pyrite_test_story_story_chat__send(stream, &item, &err) == PYR_OK);
	CHECK(pyrite_test_story_story_chat__next(stream, &got, &err) == PYR_ABORTED);
	CHECK(strcmp(err.message, "item -7") == 0);
	pyr_stream_close(stream);
}

static void cancel_stream(void)
{
	pyr_error err;
	const Item *got;
	Item item = ITEM_INIT;
	pyr_stream *stream;
	CHECK(pyrite_test_story_story_chat(story, &stream, &err) == PYR_OK);
	CHECK(pyrite_test_story_story_chat__send(stream, &item, &err) == PYR_OK);
	CHECK(pyrite_test_story_story_chat__next(stream, &got, &err) == PYR_OK && got);
	pyr_stream_cancel(stream);
	CHECK(pyrite_test_story_story_chat__next(stream, &got, &err) == PYR_CANCELLED);
	pyr_stream_close(stream);
}

/* Who does not read makes the other side wait, and costs it no more memory than the windows. */
static void stalled_stream(void)
{
	pyr_error err;
	Item item = ITEM_INIT;
	pyr_stream *stream;
	pyrite_test_story_story *hasty;
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	size_t sent = 0;
	pyr_status status;
	options.timeout_ms = 1500;
	item.data.len = 65536;
	item.data.data = calloc(1, item.data.len);
	CHECK(pyrite_test_story_story__derive(story, &options, &hasty, &err) == PYR_OK);
	CHECK(pyrite_test_story_story_chat(hasty, &stream, &err) == PYR_OK);
	while ((status = pyrite_test_story_story_chat__send(stream, &item, &err)) == PYR_OK &&
		sent < 1u << 30)
		sent += item.data.len;
	CHECK(status == PYR_DEADLINE_EXCEEDED || status == PYR_CANCELLED);
	CHECK(sent < 16u << 20);
	pyr_stream_close(stream);
	pyrite_test_story_story__close(hasty);
	free(item.data.data);
}

/* A stream of 1 GiB that is opened and not read. */
static void unread_stream(void)
{
	pyr_error err;
	Ask ask = ASK_INIT;
	const Item *item;
	pyr_stream *stream;
	struct timespec second = {1, 0};
	ask.size = 65536;
	ask.count = 16384;
	CHECK(pyrite_test_story_story_many(story, &ask, &stream, &err) == PYR_OK);
	CHECK(pyrite_test_story_story_many__next(stream, &item, &err) == PYR_OK && item);
	nanosleep(&second, NULL);
	for (int i = 0; i < 100; i++)
		CHECK(pyrite_test_story_story_many__next(stream, &item, &err) == PYR_OK && item);
	CHECK(item->number == 101);
	pyr_stream_close(stream);
}

static void nobody_there(void)
{
	pyr_error err;
	Ask ask = ASK_INIT;
	Item *item;
	pyrite_test_story_story *lost;
	CHECK(pyrite_test_story_story__open(NULL, "grpc:@127.0.0.1:1", NULL, &lost, &err) ==
		PYR_OK);
	CHECK(pyrite_test_story_story_one(lost, &ask, &item, &err) == PYR_UNAVAILABLE);
	CHECK(err.executed == PYR_EXECUTED_NO && strstr(err.message, "127.0.0.1:1"));
	pyrite_test_story_story__close(lost);
}

static void make_credentials(
	const char *folder, const char *name, pyr_credentials **ret_credentials)
{
	pyr_error err;
	char authorities[256], certificate[256], key[256];
	pyr_tls_options options = PYR_TLS_OPTIONS_INIT;
	snprintf(authorities, sizeof authorities, "%s/ca.pem", folder);
	snprintf(certificate, sizeof certificate, "%s/%s.pem", folder, name);
	snprintf(key, sizeof key, "%s/%s.key", folder, name);
	options.authorities_file = authorities;
	if (*name) {
		options.certificate_file = certificate;
		options.key_file = key;
	}
	CHECK(pyr_credentials_new_tls(&options, ret_credentials, &err) == PYR_OK);
}

static void call_once(pyr_status expected)
{
	Ask ask = ASK_INIT;
	Item *item = NULL;
	ask.message = (char *)"who am I?";
	call_one(&ask, &item, expected, NULL);
	printf("%s %s\n", pyr_status_name(expected), item ? item->text : "");
	if (item)
		pyrite__test__story__item__free_unpacked(item, NULL);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} checks[] = {
#define ROW(name) {#name, name}
		ROW(unary),
		ROW(statuses),
		ROW(details),
		ROW(metadata),
		ROW(deadlines),
		ROW(at_once),
		ROW(cancel_unary),
		ROW(threads),
		ROW(server_stream),
		ROW(failing_stream),
		ROW(observed_stream),
		ROW(client_stream),
		ROW(both_streams),
		ROW(long_messages),
		ROW(stream_fails_in_the_middle),
		ROW(cancel_stream),
		ROW(stalled_stream),
		ROW(unread_stream),
		ROW(nobody_there),
#undef ROW
	};
	pyr_error err;
	pyr_context *context;
	unsigned threads_before = threads_now();
	reference = argc > 1 ? argv[1] : "";
	pyr_context_options options = PYR_CONTEXT_OPTIONS_INIT;
	if (getenv("STORY_COMPRESS"))
		options.compress_from = (uint32_t)atoi(getenv("STORY_COMPRESS"));
	if (argc > 2)
		make_credentials(argv[2], argc > 3 ? argv[3] : "", &options.credentials);
	CHECK(pyr_context_new(&options, &context, &err) == PYR_OK);
	CHECK(pyrite_test_story_story__open(context, reference, NULL, &story, &err) == PYR_OK);
	if (argc > 4)
		call_once(pyr_status_parse(argv[4]));
	const char *only = getenv("STORY_CHECK");
	for (size_t i = 0; argc <= 4 && i < sizeof checks / sizeof checks[0]; i++) {
		if (only && strcmp(only, checks[i].name) != 0)
			continue;
		checks[i].run();
		printf("C calls: %s\n", checks[i].name);
		fflush(stdout);
	}
	pyrite_test_story_story__close(story);
	pyr_context_free(context);
	pyr_credentials_unref(options.credentials);
	await_threads(threads_before, 300); /* one that still connects goes on for longer */
	return 0;
}
