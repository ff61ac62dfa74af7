/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pyrite call, of a method that streams. This thread reads what comes and prints it; a second one
 * reads lines from stdin and sends them, and is told when the call is over, since nobody may ever
 * write that next line.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "call.h"

#define LINE_BYTES_MAX (16u << 20)

typedef struct sender {
	const cli_calling *calling;
	pyr_stream *stream;
	int over_fd; /* readable once the call is over */
	char *line;
	size_t size, room;
	size_t number;    /* of the line, from 1 */
	pyr_error failed; /* why the call was given up here; status PYR_OK: it was not */
} sender;

static void give_up(sender *s, const pyr_error *err)
{
	pyr_error_set(&s->failed, err->status, "line %zu of stdin: %s", s->number, err->message);
	pyr_stream_cancel(s->stream);
}

/* False when nothing more is to be sent. */
static bool send_text(sender *s, const char *text, size_t size)
{
	pyr_error err;
	ProtobufCMessage *message;
	s->number++;
	if (strspn(text, " \t\r\n") >= size)
		return true;
	if (pyr_json_read(s->calling->schema->pool, s->calling->method->input, text, size, NULL,
		    &message, &err)) {
		give_up(s, &err);
		return false;
	}
	pyr_status status = pyr_stub_stream_send(s->stream, s->calling->method, message, &err);
	protobuf_c_message_free_unpacked(message, NULL);
	if (status == PYR_INVALID_ARGUMENT)
		give_up(s, &err);
	return status == PYR_OK; /* else the reader hears why */
}

static bool make_room(sender *s)
{
	pyr_error err;
	if (s->size < s->room)
		return true;
	size_t room = s->room ? s->room * 2 : 65536;
	char *grown = room <= LINE_BYTES_MAX ? realloc(s->line, room) : NULL;
	if (!grown) {
		s->number++;
		pyr_error_set(&err, PYR_RESOURCE_EXHAUSTED, "longer than %u bytes", LINE_BYTES_MAX);
		give_up(s, &err);
		return false;
	}
	s->line = grown;
	s->room = room;
	return true;
}

/* Sends the whole lines that are there, and keeps the rest. */
static bool send_lines(sender *s)
{
	size_t from = 0;
	char *end;
	while ((end = memchr(s->line + from, '\n', s->size - from)) != NULL) {
		size_t next = (size_t)(end - s->line) + 1;
		*end = '\0';
		if (!send_text(s, s->line + from, next - 1 - from))
			return false;
		from = next;
	}
	memmove(s->line, s->line + from, s->size - from);
	s->size -= from;
	return true;
}

/* True when stdin has something, or its end. */
static bool wait_for_input(const sender *s)
{
	struct pollfd fds[] = {{STDIN_FILENO, POLLIN, 0}, {s->over_fd, POLLIN, 0}};
	while (poll(fds, 2, -1) < 0 && errno == EINTR)
		;
	return !fds[1].revents;
}

static bool send_input(sender *s)
{
	while (make_room(s) && wait_for_input(s)) {
		ssize_t got = read(STDIN_FILENO, s->line + s->size, s->room - s->size);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			if (s->size == s->room && !make_room(s))
				return false;
			s->line[s->size] = '\0';
			return s->size == 0 || send_text(s, s->line, s->size);
		}
		s->size += (size_t)got;
		if (!send_lines(s))
			return false;
	}
	return false;
}

static void *run_sender(void *arg)
{
	sender *s = arg;
	pyr_error err;
	const char *text = s->calling->text;
	bool all = text ? send_text(s, text, strlen(text)) : send_input(s);
	if (all) {
		pyr_status status = pyr_stream_end(s->stream, &err);
		(void)status; /* the call may be over already: the reader says why */
	}
	free(s->line);
	return NULL;
}

static pyr_status print_all(const cli_calling *c, pyr_stream *stream, pyr_error *err)
{
	for (;;) {
		const ProtobufCMessage *message;
		pyr_status status = pyr_stub_stream_next(stream, c->method, &message, err);
		if (status == PYR_OK && message)
			status = call_print(c, message, err);
		if (status || !message)
			return status;
	}
}

static int read_and_send(const cli_calling *c, pyr_stream *stream)
{
	pthread_t thread;
	pyr_error err;
	sender s = {.calling = c, .stream = stream, .over_fd = eventfd(0, EFD_CLOEXEC)};
	if (s.over_fd < 0 || pthread_create(&thread, NULL, run_sender, &s) != 0) {
		pyr_error_set(
			&err, PYR_RESOURCE_EXHAUSTED, "cannot start a thread: %s", strerror(errno));
		return cli_fail(&err);
	}
	pyr_status status = print_all(c, stream, &err);
	uint64_t one = 1;
	ssize_t wrote = write(s.over_fd, &one, sizeof one);
	(void)wrote; /* eight bytes always fit */
	if (status)
		pyr_stream_cancel(stream);
	pthread_join(thread, NULL);
	close(s.over_fd);
	if (s.failed.status)
		return cli_fail(&s.failed);
	return status ? cli_fail(&err) : CLI_DONE;
}

int call_stream(const cli_calling *c, const ProtobufCMessage *request)
{
	pyr_error err;
	pyr_stream *stream;
	if (pyr_stub_stream(c->proxy, c->index, request, &stream, &err))
		return cli_fail(&err);
	int result = CLI_DONE;
	if (c->method->flags & PYR_METHOD_CLIENT_STREAM)
		result = read_and_send(c, stream);
	else if (print_all(c, stream, &err))
		result = cli_fail(&err);
	pyr_stream_close(stream);
	return result;
}
