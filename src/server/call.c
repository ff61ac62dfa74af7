/* SPDX-License-Identifier: Apache-2.0 */
/* One incoming call: from its arrival to the servant's function, and what the servant may ask. */
#include "server/call.h"

#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "base/correlation.h"
#include "base/error.h"
#include "base/fork.h"
#include "base/loop.h"
#include "base/metadata.h"
#include "base/random.h"
#include "codec/decode.h"
#include "server/access.h"
#include "server/locator.h"

static pyr__text keep(pyr__arena *arena, pyr__text text)
{
	char *copy = pyr__arena_alloc_aligned(arena, text.size + 1, 1);
	if (!copy)
		return (pyr__text){"", 0};
	if (text.size)
		memcpy(copy, text.data, text.size);
	copy[text.size] = '\0';
	return (pyr__text){copy, text.size};
}

static int64_t deadline_of(const pyr__head *head, int64_t now_us)
{
	uint64_t timeout_us = head->timeout_us;
	if (timeout_us >= (uint64_t)(INT64_MAX - now_us))
		return PYR__DEADLINE_NONE;
	return now_us + (int64_t)timeout_us;
}

pyr_call *pyr__call_new(pyr_daemon *daemon, const pyr__bound *bound, pyr__statistics *statistics,
	const pyr__head *head, int64_t now_us)
{
	pyr_call *call = pyr__alloc(sizeof *call);
	memset(call, 0, offsetof(pyr_call, arena));
	pyr__incall_init(&call->incall);
	call->incall.deadline_us = deadline_of(head, now_us);
	atomic_init(&call->refs, 1);
	atomic_init(&call->answered, false);
	call->daemon = daemon;
	call->bound = bound;
	call->statistics = statistics;
	call->began_us = now_us;
	pyr__statistics_begin(statistics);
	call->oneway = head->oneway;
	pthread_mutex_init(&call->lock, NULL);
	pyr__arena_init(&call->arena, call->space, sizeof call->space);
	pyr__arena_init(&call->stream_arena, NULL, 0);
	if (bound)
		call->method_name = (pyr__text){bound->name, strlen(bound->name)};
	else
		call->method_name = keep(&call->arena, head->method);
	call->object_id = keep(&call->arena, head->object);
	if (pyr__correlation_valid(head->correlation))
		call->correlation = keep(&call->arena, head->correlation);
	if (head->metadata.size)
		call->metadata_block = keep(&call->arena, head->metadata);
	return call;
}

pyr_call *pyr_call_ref(pyr_call *call)
{
	atomic_fetch_add_explicit(&call->refs, 1, memory_order_relaxed);
	return call;
}

/* A child has the parent's sockets, and its own idea of what is going on there. */
pyr_status pyr__call_check_process(const pyr_call *call, pyr_error *err)
{
	return pyr__fork_check(pyr__daemon_fork_count(call->daemon), "this call", err);
}

/* Nobody has answered it, and nobody can any more. */
static void end_unanswered(pyr_call *call)
{
	pyr_status status = PYR_INTERNAL;
	int64_t now_us = pyr__now_us();
	if (call->oneway || call->incall.silent)
		status = PYR_OK;
	else if (now_us >= call->incall.deadline_us)
		status = PYR_DEADLINE_EXCEEDED;
	else if (atomic_load(&call->incall.cancelled))
		status = PYR_CANCELLED;
	pyr__statistics_end(call->statistics, status, now_us - call->began_us);
	pyr__call_intercepted(call, status);
}

void pyr_call_unref(pyr_call *call)
{
	if (!call || pyr__daemon_fork_count(call->daemon) != pyr__fork_count() ||
		atomic_fetch_sub_explicit(&call->refs, 1, memory_order_acq_rel) != 1)
		return;
	if (!atomic_load(&call->answered))
		end_unanswered(call);
	if (call->current)
		pyr__incall_release(&call->incall, call->current);
	pyr__incall_done(&call->incall);
	if (call->instance)
		pyr__object_destroy_instance(call->object, call->instance);
	pyr__client_session_release(call->session);
	pyr__object_unref(call->object);
	pyr_metadata_free(call->metadata);
	pyr_metadata_free(call->trailer);
	pyr__arena_reset(&call->stream_arena);
	pyr__arena_reset(&call->arena);
	pthread_mutex_destroy(&call->lock);
	pyr_daemon *daemon = call->daemon;
	free(call);
	pyr__daemon_end_call(daemon);
}

/* Running */

static pyr_status decode(pyr_call *call, pyr__arena *arena, const pyr__message *message,
	size_t decoded_bytes_max, ProtobufCMessage **ret_request, pyr_error *err)
{
	pyr__decode_options options = {
		.arena = arena,
		.bytes_max = decoded_bytes_max,
		.alias = true,
	};
	return pyr__decode(call->bound->method->input, message ? message->payload.data : NULL,
		message ? message->payload.size : 0, &options, ret_request, err);
}

static pyr_status no_function(const pyr_call *call, pyr_error *err)
{
	return pyr_error_set(err, PYR_UNIMPLEMENTED, "the object '%s' does not implement %s",
		call->object->id, call->bound->name);
}

pyr_status pyr__call_find(pyr_call *call, pyr__objects *objects, pyr_error *err)
{
	if (call->object)
		return PYR_OK;
	return pyr__objects_find(
		objects, call->object_id, call->method_name, call->bound, &call->object, err);
}

/* One that is registered, or one that a locator has or makes. */
static pyr_status find_object(pyr_call *call, pyr__objects *objects, pyr_error *err)
{
	pyr__locators *locators = pyr__daemon_locators(call->daemon);
	pyr_status status = pyr__call_find(call, objects, err);
	if (status == PYR_OK || !call->bound ||
		!pyr__locators_cover(locators, call->object_id, call->bound->interface))
		return status;
	return pyr__locators_find(
		locators, call->object_id, call->bound->interface, &call->object, err);
}

/* The caller's session; it is there from the first time on. */
static pyr_status find_session(pyr_call *call, pyr__client_session **ret_session, pyr_error *err)
{
	pthread_mutex_lock(&call->lock);
	if (!call->session)
		call->session = pyr__client_session_find(
			pyr__daemon_sessions(call->daemon), pyr_call_connection(call));
	*ret_session = call->session;
	pthread_mutex_unlock(&call->lock);
	if (*ret_session)
		return PYR_OK;
	if (pyr_call_connection(call) & PYR__CONNECTION_UNSEEN)
		return pyr_error_set(err, PYR_FAILED_PRECONDITION,
			"nothing can be kept for this connection: gRPC over TLS does not tell when "
			"it ends");
	return pyr_error_set(err, PYR_CANCELLED, "the caller's connection has ended");
}

pyr_status pyr__call_admit(pyr_call *call, pyr_error *err)
{
	pyr__client_session *session;
	const pyr_daemon_options *options = pyr__daemon_options(call->daemon);
	if (find_session(call, &session, NULL)) /* it has ended, or nobody sees its end */
		return options->admit(options->access_ctx, call, err);
	return pyr__client_session_admit(session, options->admit, options->access_ctx, call, err);
}

/* What the servant's functions get as self. */
static pyr_status find_servant(pyr_call *call, void **ret_self, pyr_error *err)
{
	pyr__object *object = call->object;
	const pyr__instancing *instancing =
		atomic_load_explicit(&object->instancing, memory_order_acquire);
	if (!instancing) {
		*ret_self = object->self;
		return PYR_OK;
	}
	if (instancing->kind == PYR_INSTANCES_CALL) {
		pyr_status status = pyr__object_make_instance(object, call, &call->instance, err);
		*ret_self = call->instance;
		return status;
	}
	pyr__client_session *session;
	pyr_status status = find_session(call, &session, err);
	if (status)
		return status;
	return pyr__client_session_instance(session, object, call, ret_self, err);
}

static pyr_status run(
	pyr_call *call, pyr__objects *objects, size_t decoded_bytes_max, pyr_error *err)
{
	pyr_status status =
		pyr__access_check(pyr__daemon_options(call->daemon), call, &call->incall, err);
	if (status == PYR_OK)
		status = pyr__call_intercept(pyr__daemon_interceptors(call->daemon), call, err);
	if (status == PYR_OK)
		status = find_object(call, objects, err);
	if (status)
		return status;
	const pyr_method *method = call->bound->method;
	ProtobufCMessage *request = NULL;
	if (!(method->flags & PYR_METHOD_CLIENT_STREAM)) {
		call->current = pyr__incall_take(&call->incall);
		status =
			decode(call, &call->arena, call->current, decoded_bytes_max, &request, err);
		if (status)
			return status;
	}
	void *self;
	status = find_servant(call, &self, err);
	if (status)
		return status;
	if (!method->dispatch(call->object->ops, self, call, request))
		return no_function(call, err);
	return PYR_OK;
}

void pyr__call_run(pyr_call *call, pyr__objects *objects, size_t decoded_bytes_max)
{
	if (pyr_call_cancelled(call))
		return;
	pyr__scope scope = {call->incall.deadline_us, call, pyr_call_correlation};
	const pyr__scope *outer = pyr__scope_current;
	pyr__scope_current = &scope;
	pyr_error err;
	pyr__error_clear(&err);
	pyr_status status = run(call, objects, decoded_bytes_max, &err);
	pyr__scope_current = outer;
	if (status) {
		err.status = status;
		err.executed = PYR_EXECUTED_NO;
		pyr__call_fail(call, &err);
	}
}

void pyr__call_cancelled(pyr_call *call)
{
	pthread_mutex_lock(&call->lock);
	void (*on_cancel)(void *ctx) = call->on_cancel;
	void *ctx = call->cancel_ctx;
	call->on_cancel = NULL;
	pthread_mutex_unlock(&call->lock);
	if (on_cancel && !atomic_load(&call->answered))
		on_cancel(ctx);
	pyr__call_writable(call);
	pyr__call_push(call);
}

void pyr__call_writable(pyr_call *call)
{
	pthread_mutex_lock(&call->lock);
	void (*on_writable)(void *ctx) = call->on_writable;
	void *ctx = call->writable_ctx;
	call->on_writable = NULL;
	pthread_mutex_unlock(&call->lock);
	if (on_writable && !atomic_load(&call->answered))
		on_writable(ctx);
}

/* What the servant may ask */

bool pyr_call_cancelled(const pyr_call *call)
{
	return atomic_load_explicit(&call->incall.cancelled, memory_order_acquire) ||
	       (call->incall.deadline_us != PYR__DEADLINE_NONE &&
		       pyr__now_us() >= call->incall.deadline_us);
}

void pyr_call_on_cancel(pyr_call *call, void (*on_cancel)(void *ctx), void *ctx)
{
	pthread_mutex_lock(&call->lock);
	bool already = atomic_load(&call->incall.cancelled);
	if (!already) {
		call->on_cancel = on_cancel;
		call->cancel_ctx = ctx;
	}
	pthread_mutex_unlock(&call->lock);
	if (already)
		on_cancel(ctx);
}

pyr_status pyr_call_on_writable(
	pyr_call *call, void (*on_writable)(void *ctx), void *ctx, pyr_error *err)
{
	pyr_status status = pyr__call_check_process(call, err);
	if (status)
		return status;
	pthread_mutex_lock(&call->lock);
	bool twice = call->on_writable != NULL;
	if (!twice) {
		call->on_writable = on_writable;
		call->writable_ctx = ctx;
	}
	pthread_mutex_unlock(&call->lock);
	if (twice)
		return pyr_error_set(
			err, PYR_FAILED_PRECONDITION, "an on_writable is waiting already");
	pyr__incall_poke(&call->incall);
	return PYR_OK;
}

int64_t pyr_call_time_left_us(const pyr_call *call)
{
	if (call->incall.deadline_us == PYR__DEADLINE_NONE)
		return INT64_MAX;
	int64_t left_us = call->incall.deadline_us - pyr__now_us();
	return left_us > 0 ? left_us : 0;
}

const char *pyr_call_object(const pyr_call *call)
{
	return call->object ? call->object->id : call->object_id.data;
}

const char *pyr_call_method(const pyr_call *call)
{
	return call->method_name.data;
}

const char *pyr_call_peer(const pyr_call *call)
{
	return pyr__incall_peer((pyr__incall *)&call->incall);
}

const char *pyr_call_principal(const pyr_call *call)
{
	return pyr__incall_principal((pyr__incall *)&call->incall);
}

uint64_t pyr_call_connection(const pyr_call *call)
{
	return pyr__incall_connection((pyr__incall *)&call->incall);
}

pyr_status pyr_call_track(
	pyr_call *call, void *resource, void (*close)(void *resource), pyr_error *err)
{
	pyr__client_session *session;
	pyr_status status = pyr__call_check_process(call, err);
	if (status == PYR_OK)
		status = find_session(call, &session, err);
	return status ? status : pyr__client_session_track(session, resource, close, err);
}

bool pyr_call_untrack(pyr_call *call, void *resource)
{
	pyr__client_session *session;
	return find_session(call, &session, NULL) == PYR_OK &&
	       pyr__client_session_untrack(session, resource);
}

bool pyr__call_same_chain(void *running_call, void *new_call)
{
	pyr_call *running = running_call;
	const pyr_call *call = new_call; /* nobody else has it yet, so its id may be looked at */
	pthread_mutex_lock(&running->lock);
	bool same = call->correlation.size && running->correlation.size == call->correlation.size &&
		    memcmp(running->correlation.data, call->correlation.data,
			    call->correlation.size) == 0;
	pthread_mutex_unlock(&running->lock);
	return same;
}

const char *pyr_call_correlation(pyr_call *call)
{
	pthread_mutex_lock(&call->lock);
	if (!call->correlation.size) {
		char made[PYR__RANDOM_ID_SIZE];
		pyr__random_id(made);
		call->correlation = keep(&call->arena, (pyr__text){made, sizeof made - 1});
	}
	const char *text = call->correlation.data;
	pthread_mutex_unlock(&call->lock);
	return text;
}

const pyr_metadata *pyr_call_metadata(pyr_call *call)
{
	pthread_mutex_lock(&call->lock);
	if (!call->metadata) {
		call->metadata = pyr_metadata_new();
		pyr__metadata_load(call->metadata, call->metadata_block);
	}
	pthread_mutex_unlock(&call->lock);
	return call->metadata;
}

/* Messages of a client stream */

static pyr_status check_method(const pyr_call *call, const pyr_method *method, pyr_error *err)
{
	pyr_status status = pyr__call_check_process(call, err);
	if (status)
		return status;
	if (call->bound->method == method)
		return PYR_OK;
	return pyr_error_set(err, PYR_FAILED_PRECONDITION, "this call is for %s, not for %s",
		call->bound->name, method->name);
}

/* True when there was a message, or the end, or a reason why none will come. */
static bool next_one(pyr_call *call, const ProtobufCMessage **ret_request, pyr_status *ret_status,
	pyr_error *err)
{
	if (call->current)
		pyr__incall_release(&call->incall, call->current);
	pyr__arena_reset(&call->stream_arena);
	*ret_request = NULL;
	*ret_status = PYR_OK;
	bool at_end = pyr__incall_at_end(&call->incall);
	call->current = pyr__incall_take(&call->incall);
	if (!call->current) {
		if (pyr_call_cancelled(call))
			*ret_status = pyr_error_set(
				err, PYR_CANCELLED, "the caller no longer waits for an answer");
		return at_end || *ret_status;
	}
	ProtobufCMessage *request;
	*ret_status = decode(call, &call->stream_arena, call->current,
		pyr__daemon_decoded_max(call->daemon), &request, err);
	if (*ret_status == PYR_OK)
		*ret_request = request;
	return true;
}

pyr_status pyr_stub_next_request(pyr_call *call, const pyr_method *method,
	const ProtobufCMessage **ret_request, pyr_error *err)
{
	const ProtobufCMessage *request;
	pyr_status status = check_method(call, method, err);
	if (status)
		return status;
	while (!next_one(call, &request, &status, err)) {
		if (pyr__loop_in_callback())
			return pyr_error_set(err, PYR_FAILED_PRECONDITION,
				"next_request would block the loop's thread: use "
				"__observe_requests, or a daemon with workers");
		pyr__incall_wait(&call->incall, PYR__READ, call->incall.deadline_us);
	}
	if (status == PYR_OK)
		*ret_request = request;
	return status;
}

/* Takes the right to call on_request, or leaves word for who has it. */
static bool begin_push(pyr_call *call)
{
	pthread_mutex_lock(&call->lock);
	bool mine = call->on_request && !call->pushing && !call->push_ended;
	if (mine)
		call->pushing = true;
	else
		call->push_again = true;
	pthread_mutex_unlock(&call->lock);
	return mine;
}

static bool end_push(pyr_call *call)
{
	pthread_mutex_lock(&call->lock);
	bool again = call->push_again && !call->push_ended;
	call->push_again = false;
	if (!again)
		call->pushing = false;
	pthread_mutex_unlock(&call->lock);
	return !again;
}

void pyr__call_push(pyr_call *call)
{
	if (!begin_push(call))
		return;
	do {
		const ProtobufCMessage *request;
		pyr_status status;
		while (!call->push_ended && next_one(call, &request, &status, NULL)) {
			call->push_ended = request == NULL;
			call->bound->method->deliver_request(
				call->on_request, call->request_ctx, call, status, request);
		}
	} while (!end_push(call));
}

pyr_status pyr_stub_observe_requests(
	pyr_call *call, const pyr_method *method, pyr_fn on_request, void *ctx, pyr_error *err)
{
	pyr_status status = check_method(call, method, err);
	if (status)
		return status;
	pthread_mutex_lock(&call->lock);
	bool twice = call->on_request != NULL;
	if (!twice) {
		call->on_request = on_request;
		call->request_ctx = ctx;
	}
	pthread_mutex_unlock(&call->lock);
	if (twice)
		return pyr_error_set(
			err, PYR_FAILED_PRECONDITION, "the requests are observed already");
	pyr__incall_poke(&call->incall);
	return PYR_OK;
}
