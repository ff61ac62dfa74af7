/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two who talk: Henry pulls his lines, on the main thread; Janet's are pushed to a callback, on the
 * context's thread. Both send and receive on one stream.
 */
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include "chat.pyr.h"

static pyr_status say(pyr_stream *stream, char *who, char *text, pyr_error *err)
{
	Demo__Line line = DEMO__LINE__INIT;
	line.who = who;
	line.text = text;
	return demo_room_join__send(stream, &line, err); /* packed before it returns */
}

/* Janet */

typedef struct janet {
	pyr_stream *stream;
	sem_t gone;
	pyr_status status;
} janet;

/* She answers whoever speaks, and leaves. A callback never waits: its send cannot block. */
static void on_line(void *ctx, pyr_status status, const Demo__Line *line, const pyr_error *err)
{
	janet *j = ctx;
	pyr_error own;
	if (!line) { /* the last time, with the status of the whole */
		if (status)
			fprintf(stderr, "Janet: %s\n", err->message);
		j->status = status;
		sem_post(&j->gone);
		return;
	}
	bool first = strcmp(line->who, "room") == 0;
	status = say(j->stream, "Janet", first ? "Is anybody there?" : "Then good night.", &own);
	if (status == PYR_OK && !first)
		status = pyr_stream_end(j->stream, &own);
	if (status)
		pyr_stream_cancel(j->stream); /* which is the end, and comes with its reason */
}

static pyr_status send_janet(demo_room *room, janet *j, pyr_error *err)
{
	pyr_status status = demo_room_join(room, &j->stream, err);
	return status ? status : demo_room_join__observe(j->stream, on_line, j, err);
}

/* Henry */

static pyr_status hear(pyr_stream *stream, pyr_error *err)
{
	const Demo__Line *line; /* the stream's, until the next one */
	pyr_status status = demo_room_join__next(stream, &line, err);
	if (status == PYR_OK && line)
		printf("%s: %s\n", line->who, line->text);
	return status;
}

static pyr_status talk(pyr_stream *henry, demo_room *room, janet *j, pyr_error *err)
{
	pyr_status status = hear(henry, err); /* welcome: from here on he misses nothing */
	if (status == PYR_OK)
		status = send_janet(room, j, err);
	if (status == PYR_OK)
		status = hear(henry, err);
	if (status == PYR_OK)
		status = say(henry, "Henry", "I am.", err);
	if (status == PYR_OK)
		status = hear(henry, err);
	if (status == PYR_OK)
		status = pyr_stream_end(henry, err); /* he has said all; he could listen on */
	if (status == PYR_OK) {
		while (sem_wait(&j->gone))
			;
		status = j->status;
	}
	return status;
}

int main(void)
{
	demo_room *room;
	pyr_stream *henry = NULL;
	janet j = {.stream = NULL};
	pyr_error err;
	sem_init(&j.gone, 0, 0);
	pyr_status status = demo_room__open(NULL, "example.room", NULL, &room, &err);
	if (status == PYR_OK) {
		status = demo_room_join(room, &henry, &err);
		if (status == PYR_OK)
			status = talk(henry, room, &j, &err);
		pyr_stream_close(henry);
		pyr_stream_close(j.stream); /* afterwards its callback does not run any more */
		demo_room__close(room);
	}
	if (status)
		fprintf(stderr, "%s: %s\n", pyr_status_name(err.status), err.message);
	return status != PYR_OK;
}
