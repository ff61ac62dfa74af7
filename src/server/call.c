/* SPDX-License-Identifier: Apache-2.0 */
/* One incoming call: how long it lives, and what its servant may ask of it. */
#include "server/call.h"

#include <stdlib.h>
#include <string.h>
#include "base/apart.h"
#include "base/clock.h"
#include "base/correlation.h"
#include "base/error.h"
#include "base/fork.h"
#include "base/metadata.h"
#include "base/random.h"
#include "base/recycle.h"
#include "base/refs.h"
#include "server/resumable.h"

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
	pyr_call *call = pyr__recycle_alloc(PYR__RECYCLED_CALL, sizeof *call);
	pyr__incall_init(&call->incall);
	memset(&call->refs, 0, offsetof(pyr_call, arena) - offsetof(pyr_call, refs));
	call->incall.deadline_us = deadline_of(head, now_us);
	atomic_init(&call->refs, 1);
	atomic_init(&call->answered, false);
	call->daemon = daemon;
	call->reactor = NULL;
	call->bound = bound;
	call->statistics = statistics;
	call->began_us = now_us;
	if (statistics)
		pyr__statistics_begin(statistics);
	call->oneway = head->oneway;
	pyr__mutex_init(&call->lock);
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
	pyr__refs_take(&call->refs);
	return call;
}

pyr_call *pyr__call_ref_if_used(pyr_call *call)
{
	return pyr__refs_take_if_used(&call->refs) ? call : NULL;
}

/* A child has the parent's sockets, and its own idea of what is going on there. */
pyr_status pyr__call_check_process(const pyr_call *call, pyr_error *err)
{
	return pyr__fork_check(pyr__daemon_fork_count(call->daemon), "this call", err);
}

pyr_status pyr__call_check_method(const pyr_call *call, const pyr_method *method, pyr_error *err)
{
	if (call->bound->method == method)
		return PYR_OK;
	return pyr_error_set(err, PYR_FAILED_PRECONDITION, "this call is for %s, not for %s",
		call->bound->name, method->name);
}

/* Nobody has answered it, and nobody can any more. */
PYR__APART static void end_unanswered(pyr_call *call)
{
	pyr_status status = PYR_INTERNAL;
	if (call->oneway || call->incall.silent)
		status = PYR_OK;
	else if (pyr__now_us() >= call->incall.deadline_us)
		status = PYR_DEADLINE_EXCEEDED;
	else if (atomic_load(&call->incall.cancelled))
		status = PYR_CANCELLED;
	pyr__daemon_count_end(call, status);
	pyr__call_intercepted(call, status);
}

/* What few calls have. */
PYR__APART static void drop_extras(pyr_call *call)
{
	pyr__resumable_unref(call->resumable);
	if (call->instance)
		pyr__object_destroy_instance(call->object, call->instance);
	pyr__client_session_release(call->session);
	pyr_metadata_free(call->metadata);
	pyr_metadata_free(call->trailer);
}

PYR__APART static void drop_chunks(pyr_call *call)
{
	pyr__arena_reset(&call->stream_arena);
	pyr__arena_reset(&call->arena);
}

void pyr_call_unref(pyr_call *call)
{
	if (!call || pyr__daemon_fork_count(call->daemon) != pyr__fork_count() ||
		!pyr__refs_drop(&call->refs))
		return;
	if (!atomic_load(&call->answered))
		end_unanswered(call);
	if (call->current)
		pyr__incall_release(&call->incall, call->current);
	pyr__incall_done(&call->incall);
	if (call->resumable || call->instance || call->session || call->metadata || call->trailer)
		drop_extras(call);
	pyr__object_unref(call->object);
	if (call->stream_arena.chunks || call->arena.chunks)
		drop_chunks(call);
	pyr_daemon *daemon = call->daemon;
	pyr__recycle_free(PYR__RECYCLED_CALL, call);
	pyr__daemon_end_call(daemon);
}

void pyr__call_cancelled(pyr_call *call)
{
	pyr__mutex_lock(&call->lock);
	void (*on_cancel)(void *ctx) = call->on_cancel;
	void *ctx = call->cancel_ctx;
	call->on_cancel = NULL;
	pyr__mutex_unlock(&call->lock);
	if (on_cancel && !atomic_load(&call->answered))
		on_cancel(ctx);
	pyr__call_writable(call);
	pyr__call_push(call);
}

void pyr__call_writable(pyr_call *call)
{
	pyr__mutex_lock(&call->lock);
	void (*on_writable)(void *ctx) = call->on_writable;
	void *ctx = call->writable_ctx;
	call->on_writable = NULL;
	pyr__mutex_unlock(&call->lock);
	if (on_writable && !atomic_load(&call->answered))
		on_writable(ctx);
}

/* What the servant may ask */

bool pyr_call_cancelled(const pyr_call *call)
{
	return atomic_load_explicit(&call->incall.cancelled, memory_order_acquire) ||
	       pyr__has_passed(call->incall.deadline_us);
}

void pyr_call_on_cancel(pyr_call *call, void (*on_cancel)(void *ctx), void *ctx)
{
	pyr__mutex_lock(&call->lock);
	bool already = atomic_load(&call->incall.cancelled);
	if (!already) {
		call->on_cancel = on_cancel;
		call->cancel_ctx = ctx;
	}
	pyr__mutex_unlock(&call->lock);
	if (already)
		on_cancel(ctx);
}

pyr_status pyr_call_on_writable(
	pyr_call *call, void (*on_writable)(void *ctx), void *ctx, pyr_error *err)
{
	pyr_status status = pyr__call_check_process(call, err);
	if (status)
		return status;
	pyr__mutex_lock(&call->lock);
	bool twice = call->on_writable != NULL;
	if (!twice) {
		call->on_writable = on_writable;
		call->writable_ctx = ctx;
	}
	pyr__mutex_unlock(&call->lock);
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

pyr_status pyr__call_session(pyr_call *call, pyr__client_session **ret_session, pyr_error *err)
{
	pyr__mutex_lock(&call->lock);
	if (!call->session)
		call->session = pyr__client_session_find(
			pyr__daemon_sessions(call->daemon), pyr_call_connection(call));
	*ret_session = call->session;
	pyr__mutex_unlock(&call->lock);
	if (*ret_session)
		return PYR_OK;
	if (pyr_call_connection(call) & PYR__CONNECTION_UNSEEN)
		return pyr_error_set(err, PYR_FAILED_PRECONDITION,
			"nothing can be kept for this connection: gRPC over TLS does not tell when "
			"it ends");
	return pyr_error_set(err, PYR_CANCELLED, "the caller's connection has ended");
}

pyr_status pyr_call_track(
	pyr_call *call, void *resource, void (*close)(void *resource), pyr_error *err)
{
	pyr__client_session *session;
	pyr_status status = pyr__call_check_process(call, err);
	if (status == PYR_OK)
		status = pyr__call_session(call, &session, err);
	return status ? status : pyr__client_session_track(session, resource, close, err);
}

bool pyr_call_untrack(pyr_call *call, void *resource)
{
	pyr__client_session *session;
	return pyr__call_session(call, &session, NULL) == PYR_OK &&
	       pyr__client_session_untrack(session, resource);
}

bool pyr__call_same_chain(void *running_call, void *new_call)
{
	pyr_call *running = running_call;
	const pyr_call *call = new_call; /* nobody else has it yet, so its id may be looked at */
	pyr__mutex_lock(&running->lock);
	bool same = call->correlation.size && running->correlation.size == call->correlation.size &&
		    memcmp(running->correlation.data, call->correlation.data,
			    call->correlation.size) == 0;
	pyr__mutex_unlock(&running->lock);
	return same;
}

const char *pyr_call_correlation(pyr_call *call)
{
	pyr__mutex_lock(&call->lock);
	if (!call->correlation.size) {
		char made[PYR__RANDOM_ID_SIZE];
		pyr__random_id(made);
		call->correlation = keep(&call->arena, (pyr__text){made, sizeof made - 1});
	}
	const char *text = call->correlation.data;
	pyr__mutex_unlock(&call->lock);
	return text;
}

const pyr_metadata *pyr_call_metadata(pyr_call *call)
{
	pyr__mutex_lock(&call->lock);
	if (!call->metadata) {
		call->metadata = pyr_metadata_new();
		pyr__metadata_load(call->metadata, call->metadata_block);
	}
	pyr__mutex_unlock(&call->lock);
	return call->metadata;
}
