/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a client's stream, for the files stream*.c only. */
#ifndef PYR_CLIENT_STREAM_PRIVATE_H
#define PYR_CLIENT_STREAM_PRIVATE_H

#include <pthread.h>
#include "client/interceptor.h"
#include "codec/arena.h"

#define PYR__STREAM_SPACE_BYTES 512

typedef struct pyr__resumption pyr__resumption;

struct pyr_stream {
	pyr__outcall call; /* ops is NULL while it is away: see stream_resume.c */
	atomic_uint refs;  /* the user's, and one while on_ready may run */
	pyr_proxy *proxy;
	pyr__route route;
	uint32_t method;
	int64_t deadline_us;
	_Atomic(pyr__interception *) interception; /* NULL: none, or it has ended */

	/* the reader's */
	pyr__message *current; /* what the message that was handed out points into */
	pyr__arena arena;
	bool over; /* next has reported the end */
	pyr_status status;
	pyr_error *failure;
	pyr_metadata *metadata;
	uint8_t *request; /* packed aside, for an object that has moved; NULL: it is not kept */
	size_t request_size;
	uint32_t moves;              /* so often it has gone where its object is */
	pyr__resumption *resumption; /* NULL: it ends with its connection */

	bool ended; /* the writer's: it has said that no more messages follow */

	pthread_mutex_t lock; /* guards what follows, and what a resumption says */
	pyr_fn on_message;
	void *message_ctx;
	void (*on_writable)(void *ctx);
	void *writable_ctx;
	bool closed; /* its call is not replaced any more */
	_Alignas(8) uint8_t space[PYR__STREAM_SPACE_BYTES];
};

/* stream.c */

void pyr__stream_unref(pyr_stream *stream);

/* Starts its call on its route; body NULL: no message goes with it. */
pyr_status pyr__stream_start(pyr_stream *stream, const pyr__body *body, pyr_error *err);

/* Hands out what there is to who observes. Loop thread only. */
void pyr__stream_push(pyr_stream *stream);

/* stream_resume.c */

/* Before its first call is started: it outlives its connection, if it is to and can. */
void pyr__stream_make_resumable(pyr_stream *stream, const pyr__body *body);
void pyr__resumption_free(pyr__resumption *resumption); /* NULL is ignored */

/* What follows is for a stream with a resumption. */

/* Adds to head what asks for it; free the result when the call is started. */
pyr_metadata *pyr__stream_ask(pyr_stream *stream, pyr__head *head);

/* Between two calls: there is nothing to take, and nothing to wait for but pyr__stream_sit_out. */
bool pyr__stream_is_away(pyr_stream *stream);

/* Waits, where nobody observes, until the next try is due or it is cancelled; and tries. */
void pyr__stream_sit_out(pyr_stream *stream);

/* The reader has taken one more item. */
void pyr__stream_count(pyr_stream *stream);

/* As pyr__outcall_over(), but the end of the stream; a lost connection begins another call. */
bool pyr__stream_over(pyr_stream *stream, pyr__outcome *ret_outcome);

/* Somebody observes from now on: the loop sees to the next try. */
pyr_status pyr__stream_observe_away(pyr_stream *stream, pyr_error *err);

/* Around what the loop hands out, which close waits for. */
void pyr__stream_begin_push(pyr_stream *stream);
void pyr__stream_end_push(pyr_stream *stream);

void pyr__stream_cancel_resumable(pyr_stream *stream, const char *why);

/* Nothing is handed out any more, and nothing tried, when it returns; true if its call is over. */
bool pyr__stream_shut(pyr_stream *stream);

#endif
