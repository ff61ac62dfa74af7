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
 *
 * A call that is made on the loop, and whose handle nobody wants, is seen by the loop's thread
 * alone: it takes no lock and no atomic operation. This is what a busy client's calls are.
 */
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/loop.h"
#include "base/metadata.h"
#include "base/mutex.h"
#include "base/recycle.h"
#include "base/refs.h"
#include "client/interceptor.h"
#include "codec/decode.h"

#define ARENA_INLINE_BYTES  256
#define PACKED_INLINE_BYTES 256
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
	bool alone; /* on the loop's thread, which needs neither the lock nor atomic operations */
	pyr_proxy *proxy;
	pyr__attempt attempt;
	bool moves;                      /* attempt is registered */
	pyr__interception *interception; /* NULL: none, or it has ended */
	uint32_t method;
	uint32_t tried;
	uint32_t followed; /* so often it has gone where its object is now */
	int64_t deadline_us;
	pyr_fn on_reply;
	void *ctx;
	pyr_metadata *metadata; /* of the answer; inside the callback */
	uint8_t *request;       /* packed aside, here if it is short; NULL: not kept */
	size_t request_size;
	pyr_error *before; /* why the last try failed; NULL: it is the first */
	struct event *pause_timer;
	pyr__paused paused; /* while the timer runs */
	pyr__task cancel_task, again_task;
	pyr__mutex lock; /* guards what follows */
	state state;
	bool cancelled;
	/* from here on neither cleared nor guarded */
	pyr__route route; /* while STARTED; else it has neither channel nor replica */
	_Alignas(8) uint8_t space[ARENA_INLINE_BYTES];
	uint8_t packed[PACKED_INLINE_BYTES];
};

static pyr__loop *loop_of(const pyr_pending *pending)
{
	return pyr__target_loop(pending->proxy->target);
}

static void lock(pyr_pending *pending)
{
	if (!pending->alone)
		pyr__mutex_lock(&pending->lock);
}

static void unlock(pyr_pending *pending)
{
	if (!pending->alone)
		pyr__mutex_unlock(&pending->lock);
}

static pyr_pending *ref(pyr_pending *pending)
{
	pyr__refs_take_by(&pending->refs, pending->alone);
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
	if (!pyr__refs_drop_by(&pending->refs, pending->alone))
		return;
	end_try(pending);
	if (pending->pause_timer)
		event_free(pending->pause_timer);
	pyr_proxy_unref(pending->proxy);
	pyr_metadata_free(pending->metadata);
	if (pending->request != pending->packed)
		free(pending->request);
	free(pending->before);
	pyr__recycle_free(PYR__RECYCLED_PENDING, pending);
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
	lock(pending);
	end_try(pending);
	pending->state = WAITING;
	unlock(pending);
}

static void deliver_failure(pyr_pending *pending, const pyr_error *err)
{
	if (!pyr__flag_set_by(&pending->delivered, pending->alone))
		return;
	end_interception(pending, err->status, err);
	const pyr_method *method = pyr__proxy_method(pending->proxy, pending->method);
	if (pyr__flag_set_by(&pending->settled, pending->alone)) {
		method->deliver(pending->on_reply, pending->ctx, err->status, NULL, err);
		atomic_store_explicit(&pending->returned, true, memory_order_release);
	}
	leave_route(pending);
	unref(pending);
}

static void deliver_reply(pyr_pending *pending, const pyr__outcall *call)
{
	if (!pyr__flag_set_by(&pending->delivered, pending->alone))
		return;
	if (!pyr__flag_set_by(&pending->settled, pending->alone)) {
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
	atomic_store_explicit(&pending->returned, true, memory_order_release);
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
	lock(pending);
	end_try(pending);
	pending->state = WAITING;
	unlock(pending);
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

/* Its object is elsewhere, where the proxy leads now. */
PYR_COLD static void follow(pyr_pending *pending)
{
	lock(pending);
	end_try(pending);
	pending->state = WAITING;
	unlock(pending);
	try_again(pending);
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
	if (pyr__proxy_follow(pending->proxy, &pending->route, &call->outcome, &err) &&
		pending->request && pending->followed++ < PYR__MOVES_MAX) {
		follow(pending);
		return;
	}
	pyr__target_failed(pending->proxy->target, &pending->route, &err);
	fail_or_pause(pending, &err);
}

/* Starts the call on pending->route; lock held, for it may be over before this returns. */
static pyr_status start(pyr_pending *pending, const pyr__body *body, int64_t now_us, pyr_error *err)
{
	pyr__head head;
	pyr__outcall_init(&pending->call, pending->deadline_us);
	pending->call.unary = true;
	pending->call.ready = on_ready;
	pyr__proxy_head(pending->proxy, pending->method, &pending->route, pending->deadline_us,
		now_us, &head);
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
	lock(pending);
	pyr_status status = PYR_OK;
	pending->route = *route;
	if (pending->cancelled)
		status = pyr_error_set(err, PYR_CANCELLED, "the call was cancelled");
	else
		status = start(pending, &body, pyr__now_us(), err);
	if (status) {
		end_try(pending);
		pending->state = WAITING;
	}
	unlock(pending);
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
	lock(pending);
	bool waiting = pending->state == WAITING;
	unlock(pending);
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

/* refs are the callback's, and the user's; who is alone needs none to keep it while it begins. */
static pyr_pending *new_pending(pyr_proxy *proxy, uint32_t method, pyr_fn on_reply, void *ctx,
	int64_t deadline_us, bool has_handle)
{
	pyr_pending *pending = pyr__recycle_alloc(PYR__RECYCLED_PENDING, sizeof *pending);
	memset(&pending->refs, 0, offsetof(pyr_pending, route) - offsetof(pyr_pending, refs));
	pending->route.channel = NULL;
	pending->route.replica = NULL;
	pending->call.ops = NULL;
	pending->alone = !has_handle && pyr__loop_is_inside(pyr__target_loop(proxy->target));
	atomic_init(&pending->refs, pending->alone ? 1 : 2);
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
	return pending;
}

static void pack_aside(pyr_pending *pending, pyr__body *body)
{
	pending->request =
		body->size <= sizeof pending->packed ? pending->packed : pyr__alloc(body->size);
	pending->request_size = body->size;
	pyr__body_write(body, pending->request);
	body->raw = pending->request;
	body->message = NULL;
}

/* The first try: where the route is known the call starts at once. */
static pyr_status begin(pyr_pending *pending, pyr__body *body, int64_t now_us, pyr_error *err)
{
	const pyr_proxy *proxy = pending->proxy;
	if (proxy->wait_for_ready || body->size <= RETRIED_BYTES_MAX)
		pack_aside(pending, body);
	pyr_status status = pyr__target_route(pending->proxy->target, proxy->balance, false,
		pending->deadline_us, &pending->route, err);
	if (status == PYR_OK) {
		lock(pending);
		status = start(pending, body, now_us, err);
		unlock(pending);
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
static pyr_status begin_patiently(
	pyr_pending *pending, pyr__body *body, int64_t now_us, pyr_error *err)
{
	pyr_status status = begin(pending, body, now_us, err);
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
	uint8_t space[PYR__BODY_SPACE];
	pyr_error own;
	pyr__interception *interception = NULL;
	int64_t now_us = pyr__proxy_about_now_us(proxy);
	int64_t deadline_us = pyr__proxy_deadline(proxy, true, now_us);
	pyr_status status = pyr__context_check(pyr__target_context(proxy->target), err);
	if (!err)
		err = &own;
	if (status == PYR_OK)
		status = pyr__proxy_body(proxy, method, request, space, &body, err);
	if (status == PYR_OK)
		status = pyr__intercept(proxy, method, deadline_us, &interception, err);
	if (status)
		return status;
	pyr_pending *pending =
		new_pending(proxy, method, on_reply, ctx, deadline_us, ret_pending != NULL);
	bool alone = pending->alone;
	pending->interception = interception;
	if (interception)
		now_us = pyr__now_us(); /* interceptors take their time */
	status = begin_patiently(pending, &body, now_us, err);
	if (status) {
		end_interception(pending, status, err);
		unref(pending); /* the callback's; the user's goes below */
	}
	if (status == PYR_OK && ret_pending)
		*ret_pending = pending;
	else if (!alone)
		unref(pending);
	return status;
}

static bool is_forked(const pyr_pending *pending)
{
	return pyr__context_is_forked(pyr__target_context(pending->proxy->target));
}

static void cancel(pyr_pending *pending, const char *message)
{
	lock(pending);
	pending->cancelled = true;
	bool started = pending->state == STARTED;
	if (started)
		pyr__outcall_cancel(&pending->call, PYR_CANCELLED, message);
	unlock(pending);
	if (started || atomic_load(&pending->delivered))
		return;
	if (!pyr__loop_post(loop_of(pending), &ref(pending)->cancel_task))
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
	if (pyr__flag_set_by(&pending->settled, pending->alone)) {
		atomic_store_explicit(&pending->returned, true, memory_order_release);
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
