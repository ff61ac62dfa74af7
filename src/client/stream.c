/* SPDX-License-Identifier: Apache-2.0 */
/* The client's end of a stream: pulling with next, or being pushed by observe. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/fork.h"
#include "base/list.h"
#include "base/metadata.h"
#include "base/refs.h"
#include "client/stream_private.h"
#include "codec/decode.h"

#define FOLLOWED_BYTES_MAX 4096 /* of a request that is kept */

static void end_interception(pyr_stream *stream, pyr_status status, const pyr_error *err)
{
	pyr__interception_end(atomic_exchange(&stream->interception, NULL), status, err);
}

/* Nobody has read its end. */
static void end_unread(pyr_stream *stream)
{
	pyr_error err;
	if (!atomic_load(&stream->interception))
		return;
	pyr_status status =
		pyr_error_set(&err, PYR_CANCELLED, "the stream was closed before its end was read");
	end_interception(stream, status, &err);
}

void pyr__stream_unref(pyr_stream *stream)
{
	if (!pyr__refs_drop(&stream->refs))
		return;
	end_unread(stream);
	if (stream->current)
		pyr__outcall_release(&stream->call, stream->current);
	if (stream->call.ops)
		pyr__outcall_done(&stream->call);
	pyr__arena_reset(&stream->arena);
	pyr__resumption_free(stream->resumption);
	pyr__target_release(stream->proxy->target, &stream->route);
	pyr_proxy_unref(stream->proxy);
	pyr_metadata_free(stream->metadata);
	free(stream->failure);
	free(stream->request);
	pthread_mutex_destroy(&stream->lock);
	free(stream);
}

static pyr_stream *new_stream(pyr_proxy *proxy, uint32_t method, int64_t deadline_us)
{
	pyr_stream *stream = pyr__zalloc(sizeof *stream);
	pyr__outcall_init(&stream->call, deadline_us);
	atomic_init(&stream->refs, 1);
	stream->proxy = pyr_proxy_ref(proxy);
	stream->method = method;
	stream->deadline_us = deadline_us;
	stream->ended = !(pyr__proxy_method(proxy, method)->flags & PYR_METHOD_CLIENT_STREAM);
	pyr__arena_init(&stream->arena, stream->space, sizeof stream->space);
	pthread_mutex_init(&stream->lock, NULL);
	return stream;
}

/* The only message of its side, which an object that has moved gets once more. */
static void pack_aside(pyr_stream *stream, const pyr__body *body)
{
	if (stream->resumption || body->size > FOLLOWED_BYTES_MAX)
		return;
	stream->request = pyr__alloc(body->size + 1);
	stream->request_size = body->size;
	pyr__body_write(body, stream->request);
}

static void on_ready(pyr__outcall *call);

pyr_status pyr__stream_start(pyr_stream *stream, const pyr__body *body, pyr_error *err)
{
	pyr__head head;
	pyr_metadata *metadata = NULL;
	pyr__outcall_init(&stream->call, stream->deadline_us);
	if (stream->on_message || stream->on_writable)
		stream->call.ready = on_ready;
	pyr__proxy_head(stream->proxy, stream->method, &stream->route, stream->deadline_us,
		pyr__now_us(), &head);
	pyr__interception_head(atomic_load(&stream->interception), &head);
	if (stream->resumption)
		metadata = pyr__stream_ask(stream, &head);
	bool end = !(
		pyr__proxy_method(stream->proxy, stream->method)->flags & PYR_METHOD_CLIENT_STREAM);
	pyr_status status =
		pyr__channel_start(stream->route.channel, &stream->call, &head, body, end, err);
	pyr_metadata_free(metadata);
	return status;
}

pyr_status pyr_stub_stream(pyr_proxy *proxy, uint32_t method, const ProtobufCMessage *request,
	pyr_stream **ret_stream, pyr_error *err)
{
	pyr__body body;
	uint8_t space[PYR__BODY_SPACE];
	pyr_error own;
	pyr__interception *interception = NULL;
	int64_t deadline_us = pyr__proxy_deadline(proxy, false, pyr__now_us());
	pyr_status status = pyr__context_check(pyr__target_context(proxy->target), err);
	if (!err)
		err = &own;
	if (status == PYR_OK && request)
		status = pyr__proxy_body(proxy, method, request, space, &body, err);
	if (status == PYR_OK)
		status = pyr__intercept(proxy, method, deadline_us, &interception, err);
	if (status)
		return status;
	pyr_stream *stream = new_stream(proxy, method, deadline_us);
	atomic_init(&stream->interception, interception);
	status = pyr__proxy_route(proxy, deadline_us, &stream->route, err);
	if (status == PYR_OK) {
		if (request)
			pyr__stream_make_resumable(stream, &body);
		if (request)
			pack_aside(stream, &body);
		status = pyr__stream_start(stream, request ? &body : NULL, err);
		if (status)
			pyr__target_failed(proxy->target, &stream->route, err);
	}
	if (status) {
		end_interception(stream, status, err);
		pyr__stream_unref(stream);
	} else {
		*ret_stream = stream;
	}
	return status;
}

static pyr_context *context_of(const pyr_stream *stream)
{
	return pyr__target_context(stream->proxy->target);
}

static pyr_status check_process(const pyr_stream *stream, pyr_error *err)
{
	return pyr__fork_check(context_of(stream)->fork_count, "this stream", err);
}

static pyr_status check_method(const pyr_stream *stream, const pyr_method *method, pyr_error *err)
{
	const pyr_method *own = pyr__proxy_method(stream->proxy, stream->method);
	pyr_status status = check_process(stream, err);
	if (status)
		return status;
	if (method == own)
		return PYR_OK;
	return pyr_error_set(err, PYR_FAILED_PRECONDITION,
		"this stream belongs to the method %s, not to %s", own->name, method->name);
}

/* The messages it has sent are gone, so the user begins again, at the right place. */
static void note_moved(pyr_error *failure)
{
	pyr_error_set(failure, PYR_UNAVAILABLE,
		"the object has moved: the stream has to be opened again");
	failure->executed = PYR_EXECUTED_NO;
}

/* The reader's end is reached: keeps what it was, so that it can be said again. */
static pyr_status conclude(pyr_stream *stream, pyr__outcome *outcome, pyr_error *err)
{
	stream->over = true;
	stream->status = outcome->status;
	if (outcome->final && outcome->final->metadata.size) {
		stream->metadata = pyr_metadata_new();
		pyr__metadata_load(stream->metadata, outcome->final->metadata);
	}
	if (outcome->status) {
		stream->failure = pyr__alloc(sizeof *stream->failure);
		pyr__proxy_outcome(stream->proxy, stream->method, stream->route.channel->name,
			outcome, stream->failure);
		if (pyr__proxy_follow(stream->proxy, &stream->route, outcome, stream->failure))
			note_moved(stream->failure);
		else
			pyr__target_failed(stream->proxy->target, &stream->route, stream->failure);
		stream->status = stream->failure->status;
		end_interception(stream, stream->status, stream->failure);
		pyr__error_copy(err, stream->failure);
	}
	end_interception(stream, PYR_OK, NULL);
	pyr__outcome_done(outcome);
	return stream->status;
}

static bool is_away(pyr_stream *stream)
{
	return stream->resumption && pyr__stream_is_away(stream);
}

static void take_current(pyr_stream *stream)
{
	if (is_away(stream))
		return;
	stream->current = pyr__outcall_take(&stream->call);
	if (stream->current && stream->resumption)
		pyr__stream_count(stream);
}

static bool is_over(pyr_stream *stream, pyr__outcome *ret_outcome)
{
	return stream->resumption ? pyr__stream_over(stream, ret_outcome)
				  : pyr__outcall_over(&stream->call, ret_outcome);
}

static void drop_current(pyr_stream *stream)
{
	if (!stream->current)
		return;
	pyr__outcall_release(&stream->call, stream->current);
	stream->current = NULL;
	pyr__arena_reset(&stream->arena);
}

static pyr_status decode_current(
	pyr_stream *stream, const ProtobufCMessage **ret_message, pyr_error *err)
{
	const pyr__payload *payload = &stream->current->payload;
	pyr__decode_options options = {
		.arena = &stream->arena,
		.bytes_max = pyr__target_context(stream->proxy->target)->decoded_bytes_max,
		.alias = true,
	};
	ProtobufCMessage *message;
	pyr_status status = pyr__decode(pyr__proxy_method(stream->proxy, stream->method)->output,
		payload->data, payload->size, &options, &message, err);
	if (status == PYR_OK)
		*ret_message = message;
	else
		pyr__outcall_cancel(&stream->call, PYR_CANCELLED, "a message was not valid");
	return status;
}

/* One step of reading: true when there was something, a message or the end. */
static void end_in_vain(pyr__outcome *ret_outcome, pyr_status status, const char *message)
{
	pyr__final final = {
		.status = status,
		.executed = PYR_EXECUTED_NO,
		.message = {message, strlen(message)},
	};
	*ret_outcome = (pyr__outcome){
		.status = status,
		.executed = PYR_EXECUTED_NO,
		.final = pyr__final_copy(&final),
	};
}

/*
 * The object is elsewhere: the stream begins anew there, in place of the call that has been told
 * so. Others may cancel or close it meanwhile, with the lock. False: it is over, with *outcome.
 */
static bool follow(pyr_stream *stream, pyr__outcome *outcome)
{
	pyr__target *target = stream->proxy->target;
	pyr__route route;
	pyr_error err;
	if (!stream->request || stream->moves++ >= PYR__MOVES_MAX ||
		!pyr__proxy_follow(stream->proxy, &stream->route, outcome, &err) ||
		pyr__target_route(
			target, stream->proxy->balance, false, stream->deadline_us, &route, &err))
		return false;
	pyr__body body = {.raw = stream->request, .size = stream->request_size};
	pyr_status status = PYR_OK;
	pthread_mutex_lock(&stream->lock);
	bool goes = !stream->closed;
	if (goes) {
		pyr__outcome_done(outcome);
		pyr__outcall_done(&stream->call);
		pyr__target_release(target, &stream->route);
		stream->route = route;
		status = pyr__stream_start(stream, &body, &err);
		if (status)
			stream->call.ops = NULL;
	}
	pthread_mutex_unlock(&stream->lock);
	if (!goes)
		pyr__target_release(target, &route);
	else if (status)
		end_in_vain(outcome, status, err.message);
	return goes && status == PYR_OK;
}

static bool read_one(pyr_stream *stream, const ProtobufCMessage **ret_message,
	pyr_status *ret_status, pyr_error *err)
{
	pyr__outcome outcome;
	drop_current(stream);
	take_current(stream);
	if (stream->current) {
		*ret_status = decode_current(stream, ret_message, err);
		return true;
	}
	if (!is_over(stream, &outcome) ||
		(outcome.final && outcome.final->moved.size && follow(stream, &outcome)))
		return false;
	*ret_status = conclude(stream, &outcome, err);
	*ret_message = NULL;
	return true;
}

pyr_status pyr_stub_stream_next(pyr_stream *stream, const pyr_method *method,
	const ProtobufCMessage **ret_message, pyr_error *err)
{
	pyr_status status = check_method(stream, method, err);
	if (status)
		return status;
	if (stream->over) {
		*ret_message = NULL;
		return stream->failure ? pyr__error_copy(err, stream->failure) : PYR_OK;
	}
	const ProtobufCMessage *message = NULL;
	while (!read_one(stream, &message, &status, err)) {
		if (pyr__loop_in_callback())
			return pyr_error_set(err, PYR_FAILED_PRECONDITION,
				"next would block the loop's thread: use __observe");
		if (is_away(stream))
			pyr__stream_sit_out(stream);
		else if (pyr__now_us() >= stream->deadline_us)
			pyr__outcall_cancel(&stream->call, PYR_DEADLINE_EXCEEDED,
				"the deadline passed before the stream ended");
		else
			pyr__outcall_wait(&stream->call, PYR__READ, stream->deadline_us);
	}
	if (status == PYR_OK)
		*ret_message = message;
	return status;
}

/* Pushing */

static void push_messages(pyr_stream *stream)
{
	const pyr_method *method = pyr__proxy_method(stream->proxy, stream->method);
	const ProtobufCMessage *message;
	pyr_status status;
	pyr_error err;
	for (;;) {
		pthread_mutex_lock(&stream->lock);
		pyr_fn on_message = stream->on_message;
		void *ctx = stream->message_ctx;
		pthread_mutex_unlock(&stream->lock);
		if (!on_message || stream->over || !read_one(stream, &message, &status, &err))
			return;
		method->deliver(
			on_message, ctx, status, status ? NULL : message, status ? &err : NULL);
		if (status)
			stream->over = true;
	}
}

static void push_writable(pyr_stream *stream)
{
	pthread_mutex_lock(&stream->lock);
	void (*on_writable)(void *ctx) = stream->on_writable;
	void *ctx = stream->writable_ctx;
	stream->on_writable = NULL;
	pthread_mutex_unlock(&stream->lock);
	if (on_writable)
		on_writable(ctx);
}

static bool is_awaited_to_write(pyr_stream *stream)
{
	pthread_mutex_lock(&stream->lock);
	bool awaited = stream->on_writable != NULL;
	pthread_mutex_unlock(&stream->lock);
	return awaited;
}

void pyr__stream_push(pyr_stream *stream)
{
	if (stream->resumption)
		pyr__stream_begin_push(stream);
	push_messages(stream);
	if (stream->resumption)
		pyr__stream_end_push(stream);
}

static void on_ready(pyr__outcall *call)
{
	pyr_stream *stream = PYR__OWNER(call, pyr_stream, call);
	pyr__refs_take(&stream->refs);
	if (is_awaited_to_write(stream) && (call->writable || pyr__outcall_is_over(call)))
		push_writable(stream);
	pyr__stream_push(stream);
	pyr__stream_unref(stream);
}

pyr_status pyr_stub_stream_observe(
	pyr_stream *stream, const pyr_method *method, pyr_fn on_message, void *ctx, pyr_error *err)
{
	pyr_status status = check_method(stream, method, err);
	if (status)
		return status;
	pthread_mutex_lock(&stream->lock);
	bool twice = stream->on_message != NULL;
	if (!twice) {
		stream->on_message = on_message;
		stream->message_ctx = ctx;
	}
	pthread_mutex_unlock(&stream->lock);
	if (twice)
		return pyr_error_set(
			err, PYR_FAILED_PRECONDITION, "the stream is observed already");
	if (is_away(stream))
		return pyr__stream_observe_away(stream, err);
	pyr__outcall_observe(&stream->call, on_ready);
	return PYR_OK;
}

pyr_status pyr_stream_on_writable(
	pyr_stream *stream, void (*on_writable)(void *ctx), void *ctx, pyr_error *err)
{
	pyr_status status = check_process(stream, err);
	if (status)
		return status;
	pthread_mutex_lock(&stream->lock);
	bool twice = stream->on_writable != NULL;
	if (!twice) {
		stream->on_writable = on_writable;
		stream->writable_ctx = ctx;
	}
	pthread_mutex_unlock(&stream->lock);
	if (twice)
		return pyr_error_set(
			err, PYR_FAILED_PRECONDITION, "an on_writable is waiting already");
	pyr__outcall_observe(&stream->call, on_ready);
	return PYR_OK;
}

/* Sending */

static pyr_status check_open(const pyr_stream *stream, pyr_error *err)
{
	if (!stream->ended)
		return PYR_OK;
	return pyr_error_set(
		err, PYR_FAILED_PRECONDITION, "the stream has been ended: no message may follow");
}

pyr_status pyr_stub_stream_send(pyr_stream *stream, const pyr_method *method,
	const ProtobufCMessage *message, pyr_error *err)
{
	pyr__body body;
	uint8_t space[PYR__BODY_SPACE];
	pyr_error own;
	pyr_status status = check_method(stream, method, err);
	if (status == PYR_OK)
		status = check_open(stream, err);
	if (status == PYR_OK)
		status = pyr__proxy_body(stream->proxy, stream->method, message, space, &body, err);
	if (status)
		return status;
	if (!err)
		err = &own;
	while ((status = pyr__outcall_send(&stream->call, &body, false, err)) ==
			PYR_RESOURCE_EXHAUSTED &&
		err->would_block && !pyr__loop_in_callback()) {
		if (pyr__now_us() >= stream->deadline_us)
			return pyr_error_set(err, PYR_DEADLINE_EXCEEDED,
				"the deadline passed before the reader took the message");
		pyr__outcall_wait(&stream->call, PYR__WRITE, stream->deadline_us);
	}
	return status;
}

pyr_status pyr_stream_end(pyr_stream *stream, pyr_error *err)
{
	pyr_status status = check_process(stream, err);
	if (status == PYR_OK)
		status = check_open(stream, err);
	if (status)
		return status;
	stream->ended = true;
	return pyr__outcall_end(&stream->call, err);
}

void pyr_stream_cancel(pyr_stream *stream)
{
	static const char why[] = "the stream was cancelled";
	if (pyr__context_is_forked(context_of(stream)))
		return;
	if (stream->resumption) {
		pyr__stream_cancel_resumable(stream, why);
		return;
	}
	pthread_mutex_lock(&stream->lock);
	if (stream->call.ops)
		pyr__outcall_cancel(&stream->call, PYR_CANCELLED, why);
	pthread_mutex_unlock(&stream->lock);
}

/* True if its call is over. */
static bool shut(pyr_stream *stream)
{
	if (stream->resumption)
		return pyr__stream_shut(stream);
	pthread_mutex_lock(&stream->lock);
	stream->on_message = NULL;
	stream->on_writable = NULL;
	stream->closed = true;
	bool over = !stream->call.ops;
	pthread_mutex_unlock(&stream->lock);
	return over;
}

void pyr_stream_close(pyr_stream *stream)
{
	if (!stream || pyr__context_is_forked(context_of(stream)))
		return;
	if (!shut(stream)) {
		pyr__outcall_observe(&stream->call, NULL);
		pyr__outcall_cancel(&stream->call, PYR_CANCELLED, "the stream was closed");
	}
	pyr__stream_unref(stream);
}

const pyr_metadata *pyr_stream_metadata(const pyr_stream *stream)
{
	return stream->metadata;
}
