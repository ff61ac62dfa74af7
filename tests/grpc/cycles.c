/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts and stops a daemon again and again, each time with everything under way at once: an
 * answered call, one that is never answered, streams in the middle, and connections that have said
 * half of what they must. usage: cycles COUNT
 */
#include <pyrite/pyrite.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "story.pyr.h"

typedef Pyrite__Test__Story__Ask Ask;
typedef Pyrite__Test__Story__Item Item;

#define REFERENCE_ROOM (PYR_REFERENCE_MAX + 8)
#define HALF_WAY       3 /* connections that stop in the middle */

static atomic_uint outcomes;

static void check(pyr_status status, const pyr_error *err, const char *what)
{
	if (status == PYR_OK)
		return;
	printf("%s: %s: %s\n", what, pyr_status_name(status), err->message);
	exit(1);
}

/* Keeps the call when it is asked for nothing, and answers otherwise. */
static void one(void *self, pyr_call *call, const Ask *ask)
{
	_Atomic(pyr_call *) *kept = self;
	Item item = PYRITE__TEST__STORY__ITEM__INIT;
	if (ask->count > 0)
		pyrite_test_story_story_one__reply(call, &item);
	else
		pyr_call_unref(atomic_exchange(kept, pyr_call_ref(call)));
}

static void many(void *self, pyr_call *call, const Ask *ask)
{
	(void)self;
	(void)ask;
	Item item = PYRITE__TEST__STORY__ITEM__INIT;
	pyr_status status = pyrite_test_story_story_many__send_reply(call, &item, NULL);
	(void)status;
	pyr_call_ref(call);
	pyr_call_on_cancel(call, (void (*)(void *))pyr_call_unref, call);
}

static void on_request(void *ctx, pyr_call *call, pyr_status status, const Item *item)
{
	(void)ctx;
	if (status == PYR_OK && item) {
		status = pyrite_test_story_story_chat__send_reply(call, item, NULL);
		return;
	}
	pyr_call_end(call);
	pyr_call_unref(call);
}

static void chat(void *self, pyr_call *call)
{
	(void)self;
	pyr_error err;
	check(pyrite_test_story_story_chat__observe_requests(
		      pyr_call_ref(call), on_request, NULL, &err),
		&err, "observe");
}

static const pyrite_test_story_story_ops ops = {.one = one, .many = many, .chat = chat};

static void on_item(void *ctx, pyr_status status, const Item *item, const pyr_error *err)
{
	(void)ctx;
	(void)status;
	(void)item;
	(void)err;
	atomic_fetch_add(&outcomes, 1);
}

static int connect_and_say(const char *endpoint, const char *words, size_t size)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	address.sin_port = htons((uint16_t)atoi(strrchr(endpoint, ':') + 1));
	inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
	if (connect(fd, (struct sockaddr *)&address, sizeof address) ||
		send(fd, words, size, MSG_NOSIGNAL) != (ssize_t)size) {
		perror("connect");
		exit(1);
	}
	return fd;
}

static void connect_half(const char *endpoint, int fds[HALF_WAY])
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
	fds[0] = connect_and_say(endpoint, preface, 1);
	fds[1] = connect_and_say(endpoint, preface, 24);
	fds[2] = connect_and_say(endpoint, preface, sizeof preface - 1);
}

static pyr_daemon *start_daemon(
	unsigned cycle, _Atomic(pyr_call *) *kept, char reference[REFERENCE_ROOM])
{
	pyr_error err;
	pyr_daemon *daemon;
	pyr_daemon_options options = PYR_DAEMON_OPTIONS_INIT;
	char text[PYR_REFERENCE_MAX];
	options.workers = cycle % 3 == 0 ? 2 : 0;
	check(pyr_daemon_new(&options, &daemon, &err), &err, "daemon");
	check(pyrite_test_story_story__serve(daemon, "story", &ops, (void *)kept, &err), &err,
		"serve");
	check(pyr_daemon_listen(daemon, "127.0.0.1:0", NULL, &err), &err, "listen");
	check(pyr_daemon_start(daemon, &err), &err, "start");
	check(pyr_daemon_reference(daemon, "story", 0, text, sizeof text, &err), &err, "reference");
	snprintf(reference, REFERENCE_ROOM, "grpc%s", text + strlen("pyr"));
	return daemon;
}

static void cycle(unsigned number)
{
	static _Atomic(pyr_call *) kept;
	pyr_error err;
	char reference[REFERENCE_ROOM];
	pyr_context *context;
	pyrite_test_story_story *story;
	pyr_stream *many_stream, *chat_stream;
	const Item *got;
	Item item = PYRITE__TEST__STORY__ITEM__INIT, *answer;
	Ask ask = PYRITE__TEST__STORY__ASK__INIT;
	int half_way[HALF_WAY];
	pyr_daemon *daemon = start_daemon(number, &kept, reference);
	atomic_store(&outcomes, 0);
	check(pyr_context_new(NULL, &context, &err), &err, "context");
	check(pyrite_test_story_story__open(context, reference, NULL, &story, &err), &err, "open");
	connect_half(reference, half_way);
	ask.count = 1;
	check(pyrite_test_story_story_one(story, &ask, &answer, &err), &err, "one");
	pyrite__test__story__item__free_unpacked(answer, NULL);
	check(pyrite_test_story_story_many(story, &ask, &many_stream, &err), &err, "many");
	check(pyrite_test_story_story_many__next(many_stream, &got, &err), &err, "next");
	check(pyrite_test_story_story_chat(story, &chat_stream, &err), &err, "chat");
	check(pyrite_test_story_story_chat__send(chat_stream, &item, &err), &err, "send");
	for (unsigned i = 0; i < 8; i++) {
		ask.count = i % 2;
		check(pyrite_test_story_story_one__invoke(story, &ask, on_item, NULL, NULL, &err),
			&err, "invoke");
	}
	if (number % 2)
		pyr_daemon_free(daemon);
	pyr_stream_close(many_stream);
	pyr_stream_close(chat_stream);
	pyrite_test_story_story__close(story);
	pyr_context_free(context);
	if (number % 2 == 0)
		pyr_daemon_free(daemon);
	pyr_call_unref(atomic_exchange(&kept, NULL));
	for (int i = 0; i < HALF_WAY; i++)
		close(half_way[i]);
	if (atomic_load(&outcomes) != 8) {
		printf("cycle %u: %u of 8 calls have ended\n", number, atomic_load(&outcomes));
		exit(1);
	}
}

int main(int argc, char **argv)
{
	unsigned count = argc > 1 ? (unsigned)atoi(argv[1]) : 10;
	for (unsigned i = 0; i < count; i++)
		cycle(i);
	printf("%u daemons started and stopped\n", count);
	return 0;
}
