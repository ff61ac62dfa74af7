/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream that outlives its connection: what transport/resume.h says, from the client's side.
 *
 *            call lost, all that came is taken
 *   THERE -------------------------------------> AWAY --time over, refused, cancelled--> ended
 *     ^                                          |  ^
 *     |  started                                 |  | fails: a pause, longer each time
 *     +------------------------------------------+--+
 *
 * The reader brings it back: the thread in next, or the loop if the stream is observed. The first
 * try comes at once. When a daemon has greeted the new call the stream is back; until then what a
 * call ends with is a refusal. Time counts anew if that was worth something: an item has come, or
 * the call has stood for a second. Else a way that takes calls and breaks would keep us busy.
 *
 * A call is given back and another started in its place under the stream's lock, since others may
 * cancel it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/metadata.h"
#include "base/random.h"
#include "base/refs.h"
#include "client/stream_private.h"
#include "transport/resume.h"

#define STANDS_US 1000000

struct pyr__resumption {
	pyr_stream *stream; /* whose it is */

	/* the reader's */
	char token[PYR__RANDOM_ID_SIZE];
	char *correlation; /* of the first call; NULL: none */
	int64_t began_us;
	uint64_t taken;
	uint8_t *request; /* NULL: an item has been taken, which it is known by */
	size_t request_size;
	bool again; /* the present call is not the first */
	bool known; /* a daemon has greeted a call */
	uint32_t tried;
	uint32_t moves;     /* so often it has gone where its object is */
	int64_t lost_us;    /* since when it is away, or back for nothing; 0: it is not */
	int64_t started_us; /* the present call, when so much had been taken */
	uint64_t taken_before;

	/* guarded by the stream's lock */
	bool away, ended, cancelled, closed;
	const char *cancelled_by;
	int64_t next_try_us;
	pyr__outcome end; /* once it has ended */
	pthread_cond_t changed;
	unsigned pushing; /* the loop hands out; it may come to that again meanwhile */

	/* the loop thread's */
	struct event *timer;
	bool waiting;       /* for the timer, which has a reference then */
	pyr__paused paused; /* likewise */
	pyr__task task;     /* has a reference while it is posted */
};

static pyr__loop *loop_of(const pyr_stream *stream)
{
	return pyr__target_context(stream->proxy->target)->loop;
}

static pyr_stream *ref(pyr_stream *stream)
{
	pyr__refs_take(&stream->refs);
	return stream;
}

/* Trying: with the lock held */

static void end(pyr_stream *stream, pyr_status status, const char *message)
{
	pyr__resumption *r = stream->resumption;
	pyr__final final = {.status = status, .message = {message, strlen(message)}};
	r->away = r->ended = true;
	r->end = (pyr__outcome){.status = status, .final = pyr__final_copy(&final)};
}

static void end_in_vain(pyr_stream *stream, const char *why)
{
	char message[2 * PYR_ERROR_MESSAGE_MAX]; /* which is cut where it is copied */
	snprintf(message, sizeof message,
		"the connection was lost, and the stream could not be resumed: %s", why);
	end(stream, PYR_UNAVAILABLE, message);
}

static void on_timer(evutil_socket_t fd, short what, void *arg);
static void on_context_free(pyr__paused *paused);

/* Loop thread. */
static void set_timer(pyr_stream *stream)
{
	pyr__resumption *r = stream->resumption;
	int64_t left_us = r->next_try_us - pyr__now_us();
	if (left_us < 0)
		left_us = 0;
	struct timeval left = {left_us / 1000000, left_us % 1000000};
	if (!r->timer)
		r->timer = evtimer_new(pyr__loop_base(loop_of(stream)), on_timer, stream);
	if (!r->timer) {
		end_in_vain(stream, "there is no memory for a timer");
		return;
	}
	ref(stream);
	r->waiting = true;
	r->paused.end = on_context_free;
	pyr__list_append(&pyr__target_context(stream->proxy->target)->paused, &r->paused.link);
	evtimer_add(r->timer, &left);
}

/* Loop thread. True if there was one: its reference is the caller's. */
static bool stop_timer(pyr__resumption *r)
{
	bool waited = r->waiting;
	if (waited) {
		event_del(r->timer);
		pyr__list_remove(&r->paused.link);
	}
	r->waiting = false;
	return waited;
}

/* The next try comes later, if there still is time for it. */
static void pause_before_try(pyr_stream *stream, const char *why)
{
	pyr__resumption *r = stream->resumption;
	int64_t next_us = pyr__now_us() + pyr__proxy_backoff_us(r->tried++);
	if (next_us > r->lost_us + stream->proxy->resume_ms * 1000ll) {
		end_in_vain(stream, why);
		return;
	}
	r->next_try_us = next_us < stream->deadline_us ? next_us : stream->deadline_us;
	if (stream->on_message)
		set_timer(stream);
}

static void try_again(pyr_stream *stream)
{
	pyr__resumption *r = stream->resumption;
	pyr_error err;
	if (r->cancelled) {
		end(stream, PYR_CANCELLED, r->cancelled_by);
		return;
	}
	if (pyr__now_us() >= stream->deadline_us) {
		end(stream, PYR_DEADLINE_EXCEEDED, "the deadline passed before the stream ended");
		return;
	}
	pyr__body body = {.raw = r->request, .size = r->request_size};
	r->again = true;
	pyr_status status = pyr__stream_start(stream, r->request ? &body : NULL, &err);
	if (status == PYR_OK)
		r->away = false;
	else if (status == PYR_UNAVAILABLE)
		pause_before_try(stream, err.message);
	else
		end(stream, status, err.message);
}

static void give_back(pyr_stream *stream)
{
	pyr__outcall_done(&stream->call);
	stream->call.ops = NULL;
	stream->resumption->away = true;
}

static void leave(pyr_stream *stream, const char *why)
{
	pyr__resumption *r = stream->resumption;
	give_back(stream);
	if (r->lost_us == 0) {
		r->lost_us = pyr__now_us();
		r->tried = 0;
		try_again(stream);
	} else {
		pause_before_try(stream, why);
	}
}

/* What a call has ended with */

static bool is_replaced(const pyr__outcome *outcome)
{
	if (outcome->status != PYR_UNAVAILABLE || !outcome->final)
		return false;
	pyr_metadata *metadata = pyr_metadata_new();
	pyr__metadata_load(metadata, outcome->final->metadata);
	const char *value = pyr_metadata_get(metadata, PYR__RESUME_KEY);
	bool replaced = value && strcmp(value, PYR__RESUME_REPLACED) == 0;
	pyr_metadata_free(metadata);
	return replaced;
}

/* The daemon, or this side, may be able to do it later. */
static bool may_pass(const pyr__outcome *outcome)
{
	return outcome->executed == PYR_EXECUTED_NO &&
	       (outcome->status == PYR_UNAVAILABLE || outcome->status == PYR_RESOURCE_EXHAUSTED);
}

/* It is this side that has ended it. */
static bool is_own(const pyr__outcome *outcome)
{
	return outcome->status == PYR_CANCELLED || outcome->status == PYR_DEADLINE_EXCEEDED;
}

static void copy_message(const pyr__outcome *outcome, char message[PYR_ERROR_MESSAGE_MAX])
{
	pyr__text text = outcome->final ? outcome->final->message : (pyr__text){"", 0};
	pyr__copy_text(message, PYR_ERROR_MESSAGE_MAX, text.data, text.size);
}

typedef enum verdict {
	IS_OVER,
	IS_LOST,
	IS_REFUSED, /* for good */
} verdict;

static verdict judge(pyr__resumption *r, bool greeted, const pyr__outcome *outcome)
{
	r->known |= greeted;
	if (greeted && (r->taken > r->taken_before || pyr__now_us() - r->started_us > STANDS_US))
		r->lost_us = 0;
	if (outcome->lost && outcome->status == PYR_UNAVAILABLE)
		return r->known || r->taken == 0 ? IS_LOST : IS_OVER;
	if (greeted)
		return is_replaced(outcome) ? IS_LOST : IS_OVER;
	if (!r->again || outcome->lost || is_own(outcome))
		return IS_OVER;
	return may_pass(outcome) ? IS_LOST : IS_REFUSED;
}

/* With the lock held: its object is elsewhere, where the stream begins anew. */
static bool follow(pyr_stream *stream, pyr__outcome *outcome)
{
	pyr__resumption *r = stream->resumption;
	pyr__target *target = stream->proxy->target;
	pyr__route route;
	pyr_error err;
	if (r->known || r->taken > 0 || r->moves++ >= PYR__MOVES_MAX ||
		!pyr__proxy_follow(stream->proxy, &stream->route, outcome, &err) ||
		pyr__target_route(
			target, stream->proxy->balance, false, stream->deadline_us, &route, &err))
		return false;
	pyr__outcome_done(outcome);
	give_back(stream);
	pyr__target_release(target, &stream->route);
	stream->route = route;
	r->again = false;
	pyr__body body = {.raw = r->request, .size = r->request_size};
	pyr_status status = pyr__stream_start(stream, &body, &err);
	if (status)
		end(stream, status, err.message);
	else
		r->away = false;
	return true;
}

/* With the lock held: the call is over, though perhaps the stream is not. */
static bool is_at_end(pyr_stream *stream, pyr__outcome *outcome)
{
	pyr__resumption *r = stream->resumption;
	char message[PYR_ERROR_MESSAGE_MAX];
	if (outcome->final && outcome->final->moved.size && follow(stream, outcome))
		return false;
	verdict v = judge(r, stream->call.greeted, outcome);
	if (v == IS_OVER)
		return true;
	copy_message(outcome, message);
	pyr__outcome_done(outcome);
	if (v == IS_LOST) {
		leave(stream, message);
	} else {
		give_back(stream);
		end_in_vain(stream, message);
	}
	return false;
}

/* With the lock held. */
static bool take_end(pyr__resumption *r, pyr__outcome *ret_outcome)
{
	if (!r->ended)
		return false;
	*ret_outcome = r->end;
	r->end.final = NULL;
	return true;
}

bool pyr__stream_over(pyr_stream *stream, pyr__outcome *ret_outcome)
{
	pyr__resumption *r = stream->resumption;
	bool over;
	pthread_mutex_lock(&stream->lock);
	if (r->closed)
		over = false;
	else if (!r->away)
		over = pyr__outcall_over(&stream->call, ret_outcome) &&
		       (is_at_end(stream, ret_outcome) || take_end(r, ret_outcome));
	else
		over = take_end(r, ret_outcome);
	pthread_mutex_unlock(&stream->lock);
	return over;
}

/* The loop's part */

/* Loop thread. What is waited for has come, or is not to be waited for. */
static void try_now(pyr_stream *stream)
{
	pyr__resumption *r = stream->resumption;
	pthread_mutex_lock(&stream->lock);
	bool waited = stop_timer(r);
	if (r->away && !r->ended && !r->closed)
		try_again(stream);
	pthread_mutex_unlock(&stream->lock);
	if (waited)
		pyr__stream_unref(stream); /* not the last: the caller has one */
	pyr__stream_push(stream);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	pyr_stream *stream = ref(arg);
	pyr__loop *loop = loop_of(stream);
	pyr__loop_enter(loop);
	try_now(stream);
	pyr__stream_unref(stream);
	pyr__loop_leave(loop);
}

static void run_task(pyr__task *task)
{
	pyr__resumption *r = PYR__OWNER(task, pyr__resumption, task);
	pyr_stream *stream = r->stream;
	try_now(stream);
	pyr__stream_unref(stream);
}

static void try_soon(pyr_stream *stream)
{
	if (!pyr__loop_post(loop_of(stream), &ref(stream)->resumption->task))
		pyr__stream_unref(stream);
}

static void on_context_free(pyr__paused *paused)
{
	pyr_stream *stream = PYR__OWNER(paused, pyr__resumption, paused)->stream;
	pthread_mutex_lock(&stream->lock);
	stop_timer(stream->resumption);
	end(stream, PYR_CANCELLED, "the context was freed");
	pthread_mutex_unlock(&stream->lock);
	pyr__stream_push(stream);
	pyr__stream_unref(stream);
}

pyr_status pyr__stream_observe_away(pyr_stream *stream, pyr_error *err)
{
	pyr_status status = pyr__loop_start(loop_of(stream), err);
	if (status == PYR_OK)
		try_soon(stream);
	return status;
}

void pyr__stream_begin_push(pyr_stream *stream)
{
	pthread_mutex_lock(&stream->lock);
	stream->resumption->pushing++;
	pthread_mutex_unlock(&stream->lock);
}

void pyr__stream_end_push(pyr_stream *stream)
{
	pthread_mutex_lock(&stream->lock);
	stream->resumption->pushing--;
	pthread_cond_broadcast(&stream->resumption->changed);
	pthread_mutex_unlock(&stream->lock);
}

/* The reader's part */

bool pyr__stream_is_away(pyr_stream *stream)
{
	pthread_mutex_lock(&stream->lock);
	bool away = stream->resumption->away;
	pthread_mutex_unlock(&stream->lock);
	return away;
}

void pyr__stream_sit_out(pyr_stream *stream)
{
	pyr__resumption *r = stream->resumption;
	int failed = 0;
	pthread_mutex_lock(&stream->lock);
	struct timespec until = {r->next_try_us / 1000000, r->next_try_us % 1000000 * 1000};
	while (!r->cancelled && !failed)
		failed = pthread_cond_timedwait(&r->changed, &stream->lock, &until);
	try_again(stream);
	pthread_mutex_unlock(&stream->lock);
}

void pyr__stream_count(pyr_stream *stream)
{
	pyr__resumption *r = stream->resumption;
	r->taken++;
	free(r->request);
	r->request = NULL;
}

/* Anybody's */

/* With the lock held. */
static void cancel(pyr_stream *stream, const char *why)
{
	pyr__resumption *r = stream->resumption;
	if (!r->cancelled)
		r->cancelled_by = why;
	r->cancelled = true;
	pthread_cond_broadcast(&r->changed);
	if (!r->away)
		pyr__outcall_cancel(&stream->call, PYR_CANCELLED, why);
	else if (!r->ended && stream->on_message)
		try_soon(stream);
}

void pyr__stream_cancel_resumable(pyr_stream *stream, const char *why)
{
	pthread_mutex_lock(&stream->lock);
	cancel(stream, why);
	pthread_mutex_unlock(&stream->lock);
}

bool pyr__stream_shut(pyr_stream *stream)
{
	pyr__resumption *r = stream->resumption;
	pthread_mutex_lock(&stream->lock);
	cancel(stream, "the stream was closed");
	r->closed = true;
	stream->on_message = NULL;
	stream->on_writable = NULL;
	while (r->pushing && !pyr__loop_is_current(loop_of(stream)))
		pthread_cond_wait(&r->changed, &stream->lock);
	bool away = r->away;
	pthread_mutex_unlock(&stream->lock);
	return away;
}

/* Its life */

static bool can_be_resumed(const pyr_stream *stream)
{
	unsigned streams = PYR_METHOD_CLIENT_STREAM | PYR_METHOD_SERVER_STREAM;
	pyr_scheme scheme = stream->route.channel->scheme;
	return (pyr__proxy_method(stream->proxy, stream->method)->flags & streams) ==
		       PYR_METHOD_SERVER_STREAM &&
	       (scheme == PYR_SCHEME_PYR || scheme == PYR_SCHEME_PYRS);
}

void pyr__stream_make_resumable(pyr_stream *stream, const pyr__body *body)
{
	pthread_condattr_t attributes;
	if (!stream->proxy->resume_ms || !can_be_resumed(stream))
		return;
	pyr__resumption *r = pyr__zalloc(sizeof *r);
	r->stream = stream;
	pyr__random_id(r->token);
	r->began_us = pyr__now_us();
	r->request = pyr__alloc(body->size + 1);
	r->request_size = body->size;
	pyr__body_write(body, r->request);
	r->task.run = run_task;
	pyr__list_init(&r->paused.link);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&r->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	stream->resumption = r;
}

void pyr__resumption_free(pyr__resumption *r)
{
	if (!r)
		return;
	if (r->timer)
		event_free(r->timer);
	pyr__outcome_done(&r->end);
	pthread_cond_destroy(&r->changed);
	free(r->correlation);
	free(r->request);
	free(r);
}

static void add(pyr_metadata *metadata, const char *key, uint64_t value)
{
	char text[24];
	int size = snprintf(text, sizeof text, "%llu", (unsigned long long)value);
	pyr_status status = pyr__metadata_add_reserved(metadata, key, text, (size_t)size, NULL);
	(void)status; /* they are valid */
}

/* The first call's, whoever's call this thread is working on now. */
static void put_correlation(pyr__resumption *r, pyr__head *head)
{
	if (!r->again && head->correlation.size)
		r->correlation = pyr__strndup(head->correlation.data, head->correlation.size);
	head->correlation = (pyr__text){NULL, 0};
	if (r->correlation)
		head->correlation = (pyr__text){r->correlation, strlen(r->correlation)};
}

pyr_metadata *pyr__stream_ask(pyr_stream *stream, pyr__head *head)
{
	pyr__resumption *r = stream->resumption;
	pyr_metadata *metadata = pyr_metadata_new();
	pyr__metadata_load(metadata, head->metadata);
	pyr_status status = pyr__metadata_add_reserved(
		metadata, PYR__RESUME_KEY, r->token, PYR__RESUME_TOKEN_SIZE, NULL);
	(void)status; /* it is valid */
	r->started_us = pyr__now_us();
	r->taken_before = r->taken;
	if (r->again) {
		add(metadata, PYR__RESUME_FROM_KEY, r->taken);
		add(metadata, PYR__RESUME_AGE_KEY,
			(uint64_t)(r->started_us - r->began_us) / 1000 + 1);
	}
	put_correlation(r, head);
	head->metadata = pyr__metadata_text(metadata);
	return metadata;
}
