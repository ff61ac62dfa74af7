/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls with one answer that a callback gets.
 *
 *     invoke --> route known? --yes--> STARTED --over--> deliver
 *                    | no                ^  |
 *                    v                   |  | failed, and may be tried again
 *                 WAITING <--------------+--+
 *                 for a name, or for the pause before the next try
 *
 * What may have to be sent later is packed aside at once, since the request is the caller's again
 * when invoke returns.
 */
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/loop.h"
#include "base/metadata.h"
#include "client/interceptor.h"
#include "codec/decode.h"
#include "codec/encode.h"

#define ARENA_INLINE_BYTES 256
/* A longer one is not packed aside, unless it is to wait: its call fails and is not tried again. */
#define RETRIED_BYTES_MAX 4096

typedef enum state {
	WAITING,
	STARTED,
} state;

struct pyr_pending {
	pyr__outcall call;
	/* the user's, one until it is delivered, and one for each thing it waits for */
	atomic_uint refs;
	atomic_bool settled;   /* the callback has run, or runs, or never will */
	atomic_bool returned;  /* the callback has run, or never will */
	atomic_bool delivered; /* what became of it has come, though perhaps nobody wants it */
	pyr_proxy *proxy;
	pyr__route route; /* while STARTED */
	pyr__attempt attempt;
	bool moves;                      /* attempt is registered */
	pyr__interception *interception; /* NULL: none, or it has ended */
	uint32_t method;
	uint32_t tried;
	int64_t deadline_us;
	pyr_fn on_reply;
	void *ctx;
	pyr_metadata *metadata; /* of the answer; inside the callback */
	uint8_t *request;       /* packed aside; NULL: not kept */
	size_t request_size;
	pyr_error *before; /* why the last try failed; NULL: it is the first */
	struct event *pause_timer;
	pyr__paused paused; /* while the timer runs */
	pyr__task cancel_task, again_task;
	pthread_mutex_t lock; /* guards what follows */
	state state;
	bool cancelled;
	_Alignas(8) uint8_t space[ARENA_INLINE_BYTES];
};

static pyr__loop *loop_of(const pyr_pending *pending)
{
	return pyr__target_context(pending->proxy->target)->loop;
}

static pyr_pending *ref(pyr_pending *pending)
{
	atomic_fetch_add_explicit(&pending->refs, 1, memory_order_relaxed);
	return pending;
}

/* Gives back what one try has used. */
static void end_try(pyr_pending *pending)
{
	if (pending->moves)
		pyr__replica_end(pending->route.replica, &pending->attempt);
	pending->moves = false;
	if (pending->call.ops)
		pyr__outcall_done(&pending->call);
	pending->call.ops = NULL;
	pyr__target_release(pending->proxy->target, &pending->route);
}

static void unref(pyr_pending *pending)
{
	if (atomic_fetch_sub_explicit(&pending->refs, 1, memory_order_acq_rel) != 1)
		return;
	end_try(pending);
	if (pending->pause_timer)
		event_free(pending->pause_timer);
	pyr_proxy_unref(pending->proxy);
	pyr_metadata_free(pending->metadata);
	pthread_mutex_destroy(&pending->lock);
	free(pending->request);
	free(pending->before);
	free(pending);
}

/* Delivering: on the context's loop */

static void end_interception(pyr_pending *pending, pyr_status status, const pyr_error *err)
{
	pyr__interception_end(pending->interception, status, err);
	pending->interception = NULL;
}

/* The call is delivered: whoever keeps the handle keeps nothing of the way there. */
static void leave_route(pyr_pending *pending)
{
	pthread_mutex_lock(&pending->lock);
	end_try(pending);
	pending->state = WAITING;
	pthread_mutex_unlock(&pending->lock);
}

static void deliver_failure(pyr_pending *pending, const pyr_error *err)
{
	if (atomic_exchange(&pending->delivered, true))
		return;
	end_interception(pending, err->status, err);
	const pyr_method *method = pyr__proxy_method(pending->proxy, pending->method);
	if (!atomic_exchange(&pending->settled, true)) {
		method->deliver(pending->on_reply, pending->ctx, err->status, NULL, err);
		atomic_store(&pending->returned, true);
	}
	leave_route(pending);
	unref(pending);
}

static void deliver_reply(pyr_pending *pending, const pyr__outcall *call)
{
	if (atomic_exchange(&pending->delivered, true))
		return;
	if (atomic_exchange(&pending->settled, true)) {
		end_interception(pending, PYR_OK, NULL);
		leave_route(pending);
		unref(pending);
		return;
	}
	const pyr_method *method = pyr__proxy_method(pending->proxy, pending->method);
	const pyr__message *message = call->inbox.first;
	if (call->outcome.final && call->outcome.final->metadata.size) {
		pending->metadata = pyr_metadata_new();
		pyr__metadata_load(pending->metadata, call->outcome.final->metadata);
	}
	pyr__arena arena;
	pyr__arena_init(&arena, pending->space, sizeof pending->space);
	pyr__decode_options options = {
		.arena = &arena,
		.bytes_max = pyr__target_context(pending->proxy->target)->decoded_bytes_max,
		.alias = true,
	};
	ProtobufCMessage *reply;
	pyr_error err;
	pyr_status status = pyr__decode(method->output, message ? message->payload.data : NULL,
		message ? message->payload.size : 0, &options, &reply, &err);
	if (status)
		err.executed = PYR_EXECUTED_YES;
	end_interception(pending, status, &err);
	method->deliver(pending->on_reply, pending->ctx, status, status ? NULL : reply,
		status ? &err : NULL);
	atomic_store(&pending->returned, true);
	pyr__arena_reset(&arena);
	leave_route(pending);
	unref(pending);
}

/* Trying again: on the context's loop */

static void try_again(pyr_pending *pending);

static void on_pause_over(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	pyr_pending *pending = arg;
	pyr__loop *loop = loop_of(pending);
	pyr__loop_enter(loop);
	pyr__list_remove(&pending->paused.link);
	try_again(pending);
	unref(pending);
	pyr__loop_leave(loop);
}

static void end_pause(pyr__paused *paused)
{
	pyr_pending *pending = PYR__OWNER(paused, pyr_pending, paused);
	pyr_error err;
	event_del(pending->pause_timer);
	pyr_error_set(&err, PYR_CANCELLED, "the context was freed");
	err.executed = PYR_EXECUTED_NO;
	deliver_failure(pending, &err);
	unref(pending);
}

static void fail_or_pause(pyr_pending *pending, const pyr_error *failure)
{
	int64_t pause_us;
	pyr_error own, *err = &own;
	pyr__error_copy(err, failure);
	pyr__proxy_explain(pending->before, err);
	if (!pending->request ||
		!pyr__proxy_pause(
			pending->proxy, pending->tried, pending->deadline_us, &pause_us) ||
		!pyr__proxy_may_retry(pending->proxy, pending->method, err, pending->tried)) {
		deliver_failure(pending, err);
		return;
	}
	pending->tried++;
	if (!pending->before)
		pending->before = pyr__alloc(sizeof *pending->before);
	pyr__error_copy(pending->before, err);
	pthread_mutex_lock(&pending->lock);
	end_try(pending);
	pending->state = WAITING;
	pthread_mutex_unlock(&pending->lock);
	if (!pending->pause_timer)
		pending->pause_timer =
			evtimer_new(pyr__loop_base(loop_of(pending)), on_pause_over, pending);
	if (!pending->pause_timer) {
		deliver_failure(pending, err);
		return;
	}
	struct timeval pause = {pause_us / 1000000, pause_us % 1000000};
	ref(pending);
	pending->paused.end = end_pause;
	pyr__list_append(
		&pyr__target_context(pending->proxy->target)->paused, &pending->paused.link);
	evtimer_add(pending->pause_timer, &pause);
}

/* The call is over, so its fields are ours: no lock is needed to look at them. */
static void on_ready(pyr__outcall *call)
{
	pyr_pending *pending = PYR__OWNER(call, pyr_pending, call);
	if (!call->over)
		return;
	if (call->outcome.status == PYR_OK) {
		deliver_reply(pending, call);
		return;
	}
	pyr_error err;
	pyr_status status = pyr__proxy_outcome(pending->proxy, pending->method,
		pending->route.channel->name, &call->outcome, &err);
	(void)status; /* in err */
	pyr__target_failed(pending->proxy->target, &pending->route, &err);
	fail_or_pause(pending, &err);
}

/* Starts the call on pending->route; lock held, for it may be over before this returns. */
static pyr_status start(pyr_pending *pending, const pyr__body *body, pyr_error *err)
{
	pyr__head head;
	pyr__outcall_init(&pending->call, pending->deadline_us);
	pending->call.unary = true;
	pending->call.ready = on_ready;
	pyr__proxy_head(pending->proxy, pending->method, &pending->route, pending->deadline_us,
		pyr__now_us(), &head);
	pyr__interception_head(pending->interception, &head);
	pending->state = STARTED;
	pyr_status status =
		pyr__channel_start(pending->route.channel, &pending->call, &head, body, true, err);
	pending->moves = status == PYR_OK &&
			 pyr__proxy_may_move(pending->proxy, pending->method, &pending->route);
	if (pending->moves)
		pyr__replica_begin(pending->route.replica, &pending->attempt, &pending->call);
	return status;
}

static pyr_status start_later(pyr_pending *pending, const pyr__route *route, pyr_error *err)
{
	pyr__body body = {.raw = pending->request, .size = pending->request_size};
	pthread_mutex_lock(&pending->lock);
	pyr_status status = PYR_OK;
	pending->route = *route;
	if (pending->cancelled)
		status = pyr_error_set(err, PYR_CANCELLED, "the call was cancelled");
	else
		status = start(pending, &body, err);
	if (status) {
		end_try(pending);
		pending->state = WAITING;
	}
	pthread_mutex_unlock(&pending->lock);
	return status;
}

static void on_routed(void *ctx, pyr_status status, const pyr__route *route, const pyr_error *err)
{
	pyr_pending *pending = ctx;
	pyr_error own;
	if (status == PYR_OK) {
		status = start_later(pending, route, &own);
		err = &own;
	}
	if (status)
		fail_or_pause(pending, err);
	unref(pending);
}

static void try_again(pyr_pending *pending)
{
	pyr__route route;
	pyr_error err;
	pyr_status status = pyr__target_route(pending->proxy->target, pending->proxy->balance,
		false, pending->deadline_us, &route, &err);
	if (status == PYR_OK) {
		status = start_later(pending, &route, &err);
	} else if (status == PYR_FAILED_PRECONDITION) {
		status = pyr__target_route_async(pending->proxy->target, pending->proxy->balance,
			pending->deadline_us, on_routed, ref(pending), &err);
		if (status)
			unref(pending);
	}
	if (status)
		fail_or_pause(pending, &err);
}

/* Invoking */

static void run_cancel(pyr__task *task)
{
	pyr_pending *pending = PYR__OWNER(task, pyr_pending, cancel_task);
	pthread_mutex_lock(&pending->lock);
	bool waiting = pending->state == WAITING;
	pthread_mutex_unlock(&pending->lock);
	if (waiting) {
		pyr_error err;
		pyr_error_set(&err, PYR_CANCELLED, "the call was cancelled");
		err.executed = PYR_EXECUTED_NO;
		deliver_failure(pending, &err);
	}
	unref(pending);
}

static void run_again(pyr__task *task)
{
	pyr_pending *pending = PYR__OWNER(task, pyr_pending, again_task);
	try_again(pending);
	unref(pending);
}

static pyr_pending *new_pending(
	pyr_proxy *proxy, uint32_t method, pyr_fn on_reply, void *ctx, int64_t deadline_us)
{
	pyr_pending *pending = pyr__alloc(sizeof *pending);
	memset(&pending->refs, 0, offsetof(pyr_pending, space) - offsetof(pyr_pending, refs));
	pending->call.ops = NULL;
	atomic_init(&pending->refs, 2);
	atomic_init(&pending->settled, false);
	atomic_init(&pending->returned, false);
	atomic_init(&pending->delivered, false);
	pending->proxy = pyr_proxy_ref(proxy);
	pending->method = method;
	pending->deadline_us = deadline_us;
	pending->on_reply = on_reply;
	pending->ctx = ctx;
	pending->cancel_task.run = run_cancel;
	pending->again_task.run = run_again;
	pthread_mutex_init(&pending->lock, NULL);
	return pending;
}

static void pack_aside(pyr_pending *pending, pyr__body *body)
{
	pending->request = pyr__alloc(body->size);
	pending->request_size = body->size;
	pyr__encode(body->message, pending->request, body->size);
	body->raw = pending->request;
	body->message = NULL;
}

/* The first try: where the route is known the call starts at once. */
static pyr_status begin(pyr_pending *pending, pyr__body *body, pyr_error *err)
{
	const pyr_proxy *proxy = pending->proxy;
	if (proxy->wait_for_ready || (proxy->retries_max && body->size <= RETRIED_BYTES_MAX))
		pack_aside(pending, body);
	pyr_status status = pyr__target_route(pending->proxy->target, proxy->balance, false,
		pending->deadline_us, &pending->route, err);
	if (status == PYR_OK) {
		pthread_mutex_lock(&pending->lock);
		status = start(pending, body, err);
		pthread_mutex_unlock(&pending->lock);
		return status;
	}
	if (status != PYR_FAILED_PRECONDITION)
		return status;
	if (!pending->request)
		pack_aside(pending, body);
	status = pyr__target_route_async(pending->proxy->target, proxy->balance,
		pending->deadline_us, on_routed, ref(pending), err);
	if (status)
		unref(pending);
	return status;
}

/* Nobody is there, which a call that waits for its server does not mind: the loop looks again. */
static pyr_status begin_patiently(pyr_pending *pending, pyr__body *body, pyr_error *err)
{
	pyr_status status = begin(pending, body, err);
	if (status == PYR_OK || !pending->proxy->wait_for_ready ||
		!pyr__proxy_may_retry(pending->proxy, pending->method, err, 0))
		return status;
	end_try(pending);
	pending->state = WAITING;
	status = pyr__loop_start(loop_of(pending), err);
	if (status == PYR_OK && !pyr__loop_post(loop_of(pending), &ref(pending)->again_task))
		unref(pending);
	return status;
}

pyr_status pyr_stub_invoke(pyr_proxy *proxy, uint32_t method, const ProtobufCMessage *request,
	pyr_fn on_reply, void *ctx, pyr_pending **ret_pending, pyr_error *err)
{
	pyr__body body;
	pyr_error own;
	pyr__interception *interception = NULL;
	int64_t deadline_us = pyr__proxy_deadline(proxy, true, pyr__now_us());
	pyr_status status = pyr__context_check(pyr__target_context(proxy->target), err);
	if (!err)
		err = &own;
	if (status == PYR_OK)
		status = pyr__proxy_body(proxy, method, request, &body, err);
	if (status == PYR_OK)
		status = pyr__intercept(proxy, method, deadline_us, &interception, err);
	if (status)
		return status;
	pyr_pending *pending = new_pending(proxy, method, on_reply, ctx, deadline_us);
	pending->interception = interception;
	status = begin_patiently(pending, &body, err);
	if (status) {
		end_interception(pending, status, err);
		unref(pending); /* the callback's; the user's goes below */
	}
	if (status || !ret_pending)
		unref(pending);
	else
		*ret_pending = pending;
	return status;
}

static bool is_forked(const pyr_pending *pending)
{
	return pyr__context_is_forked(pyr__target_context(pending->proxy->target));
}

static void cancel(pyr_pending *pending, const char *message)
{
	pthread_mutex_lock(&pending->lock);
	pending->cancelled = true;
	bool started = pending->state == STARTED;
	if (started)
		pyr__outcall_cancel(&pending->call, PYR_CANCELLED, message);
	pthread_mutex_unlock(&pending->lock);
	if (!started && !pyr__loop_post(loop_of(pending), &ref(pending)->cancel_task))
		unref(pending);
}

void pyr_pending_unref(pyr_pending *pending)
{
	if (pending && !is_forked(pending))
		unref(pending);
}

void pyr_pending_cancel(pyr_pending *pending)
{
	if (!is_forked(pending))
		cancel(pending, "the call was cancelled");
}

static void do_nothing(pyr__task *task)
{
	(void)task;
}

void pyr_pending_abandon(pyr_pending *pending)
{
	if (is_forked(pending))
		return;
	if (!atomic_exchange(&pending->settled, true)) {
		atomic_store(&pending->returned, true);
		/* its end still comes to the loop, which gives the callback's reference back */
		cancel(pending, "the call was abandoned");
		return;
	}
	/* while it runs the loop is dispatched, and one trip through it outlasts the callback */
	pyr__task task = {.run = do_nothing};
	if (!atomic_load(&pending->returned) && !pyr__loop_is_current(loop_of(pending)))
		pyr__loop_call(loop_of(pending), &task);
}

const pyr_metadata *pyr_pending_metadata(const pyr_pending *pending)
{
	return pending->metadata;
}
