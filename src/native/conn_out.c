/* SPDX-License-Identifier: Apache-2.0 */
/* The calls that we make on a connection. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "native/conn_private.h"

static const pyr__outcall_ops outcall_ops;

static pyr__conn *conn_of(const pyr__outcall *call)
{
	return call->carrier;
}

static void add_ready(pyr__conn *conn, pyr__outcall *call)
{
	call->is_ready = true;
	call->next_ready = NULL;
	*conn->ready_last = call;
	conn->ready_last = &call->next_ready;
	pyr__conn_ready_soon(conn);
}

/*
 * Something new for the call: wake who waits for it, or have `ready` called. A unary call that is
 * over may be gone afterwards.
 */
static void notify(pyr__conn *conn, pyr__outcall *call)
{
	bool over = call->unary && call->over;
	if (call->ready && !call->is_ready && (!call->unary || over))
		add_ready(conn, call);
	pyr__conn_wake(conn, call->waiters, over);
}

static void unready(pyr__conn *conn, pyr__outcall *call)
{
	if (!call->is_ready)
		return;
	pyr__outcall **at = &conn->ready_first;
	while (*at != call)
		at = &(*at)->next_ready;
	*at = call->next_ready;
	if (!*at)
		conn->ready_last = at;
	call->is_ready = false;
}

/* The call is over; nothing of the connection refers to it afterwards but the ready list. */
static void complete(pyr__conn *conn, pyr__outcall *call, const pyr__final *final)
{
	call->over = true;
	call->stream = 0;
	call->outcome.status = final->status;
	call->outcome.executed = final->executed;
	if (final->status != PYR_OK || final->metadata.size)
		call->outcome.final = pyr__final_copy(final);
	pyr__list_remove(&call->link);
	if (call->ready)
		conn->asyncs--;
	notify(conn, call);
}

static void on_message(pyr__conn *conn, pyr__outcall *call, const pyr__event *event)
{
	uint32_t cost = event->cost;
	if (call->unary) {
		/* its answer belongs to the caller from here on; only one is ever kept */
		bool more = event->type != PYR__EVENT_FINAL && !event->ended;
		pyr__session_consumed(conn->session, more ? event->stream : 0, cost);
		cost = 0;
		pyr__inbox_clear(&call->inbox);
	}
	pyr__inbox_put(&call->inbox, &event->payload, cost);
	if (!event->ended && !call->unary)
		notify(conn, call);
}

void pyr__conn_out_event(pyr__conn *conn, const pyr__event *event)
{
	pyr__outcall *call = event->user;
	if (!call) {
		if (event->has_message)
			pyr__session_consumed(conn->session, event->stream, event->cost);
		return;
	}
	if (event->has_message)
		on_message(conn, call, event);
	if (event->type == PYR__EVENT_METADATA) {
		call->greeted = true;
	} else if (event->type == PYR__EVENT_FINAL) {
		call->outcome.lost = event->lost;
		complete(conn, call, &event->final);
	} else if (event->type == PYR__EVENT_WRITABLE) {
		call->writable = true;
		notify(conn, call);
	}
}

void pyr__conn_run_ready(pyr__conn *conn)
{
	pyr__outcall *call;
	while ((call = conn->ready_first) != NULL) {
		unready(conn, call);
		void (*ready)(pyr__outcall * call) = call->ready;
		if (!ready)
			continue;
		conn->running = call;
		pyr__mutex_unlock(&conn->lock);
		ready(call);
		pyr__mutex_lock(&conn->lock);
		conn->running = NULL;
		pyr__conn_tell_change(conn);
	}
}

static void end_here(pyr__conn *conn, pyr__outcall *call, pyr_status status, const char *message)
{
	pyr__session_set_user(conn->session, call->stream, NULL);
	pyr__session_reset(conn->session, call->stream);
	pyr__final final = {
		.status = status,
		.executed = PYR_EXECUTED_MAYBE,
		.message = {message, strlen(message)},
	};
	complete(conn, call, &final);
}

int64_t pyr__conn_out_expire(pyr__conn *conn, int64_t now_us)
{
	int64_t next_us = PYR__DEADLINE_NONE;
	pyr__link *link = conn->outcalls.next;
	while (link != &conn->outcalls) {
		pyr__outcall *call = PYR__OWNER(link, pyr__outcall, link);
		link = link->next;
		if (!call->ready)
			continue; /* who waits looks at the clock itself */
		if (call->deadline_us <= now_us)
			end_here(conn, call, PYR_DEADLINE_EXCEEDED,
				"the deadline passed before the answer came");
		else
			next_us = pyr__min_us(next_us, call->deadline_us);
	}
	return next_us;
}

static void begin(pyr__conn *conn, pyr__outcall *call, uint32_t stream)
{
	call->ops = &outcall_ops;
	call->carrier = pyr__conn_ref(conn);
	call->stream = stream;
	pyr__list_append(&conn->outcalls, &call->link);
	if (call->ready) {
		conn->asyncs++;
		if (call->deadline_us != PYR__DEADLINE_NONE)
			pyr__conn_set_timer(conn, call->deadline_us);
	}
}

/* Where the session takes no calls it says so, and why; that it is to be ended it does not know. */
static pyr_status check_usable(pyr__conn *conn, pyr_error *err)
{
	if (pyr__conn_check(conn) || !conn->shut)
		return PYR_OK;
	pyr_error_set(err, conn->shut_status, "%s", conn->shut_reason);
	return PYR_UNAVAILABLE;
}

/*
 * Who holds the lock while others wait here leaves its call to be sent to the last of them, with
 * theirs: threads that were woken by answers that came together call again together.
 */
static void lock_to_start(pyr__conn *conn)
{
	if (pyr__mutex_trylock(&conn->lock))
		return;
	bool sends = !pyr__loop_is_current(conn->options.loop); /* which does at the turn's end */
	atomic_fetch_add(&conn->starting, sends);
	pyr__mutex_lock(&conn->lock);
	atomic_fetch_sub(&conn->starting, sends);
}

/* What others have left to us. */
static void send_left(pyr__conn *conn)
{
	if (conn->left_to_next)
		pyr__conn_flush_soon(conn);
	conn->left_to_next = false;
}

pyr_status pyr__conn_start(pyr__conn *conn, bool look, pyr__outcall *call, const pyr__head *head,
	const pyr__body *body, bool end, pyr_error *err)
{
	uint32_t stream = 0;
	pyr__deflated deflated = {.memory = NULL};
	lock_to_start(conn);
	pyr_status status = look ? check_usable(conn, err) : PYR_OK;
	if (status == PYR_OK && pyr__conn_deflates(conn, body)) {
		send_left(conn); /* which would have to wait for that */
		body = pyr__conn_deflate(conn, body, &deflated);
	}
	if (status == PYR_OK)
		status = pyr__session_call(conn->session, head, body, end, call, &stream, err);
	if (status == PYR_OK) {
		if (call)
			begin(conn, call, stream);
		conn->sent_oneway |= !call;
		conn->held_back += call && call->unary;
		/* a thread that is about to wait dials and reads by itself */
		bool waits = call && !call->ready && call->unary;
		if (!waits && (pyr__conn_is_opening(conn) || (call && call->ready)))
			pyr__conn_to_loop(conn);
		conn->left_to_next = waits && !pyr__session_is_lent(conn->session) &&
				     (conn->waking || atomic_load(&conn->starting) > 0);
		if (!conn->left_to_next)
			pyr__conn_flush_soon(conn);
		if (!waits && pyr__session_held(conn->session) > 0)
			pyr__conn_to_loop(conn); /* somebody has to hear of the window */
	} else {
		send_left(conn);
	}
	pyr__mutex_unlock(&conn->lock);
	free(deflated.memory);
	return status;
}

/* The operations of an outcall */

static bool is_readable(const void *arg)
{
	const pyr__outcall *call = arg;
	return call->over || (call->inbox.first && !call->unary);
}

static bool is_writable(const void *arg)
{
	const pyr__outcall *call = arg;
	return call->over || call->writable;
}

static void out_wait(pyr__outcall *call, pyr__direction what, int64_t until_us)
{
	pyr__conn *conn = conn_of(call);
	pyr__mutex_lock(&conn->lock);
	pyr__conn_flush_left(conn);
	bool locked = pyr__conn_wait_until(conn, &call->waiters[what],
		what == PYR__READ ? is_readable : is_writable, call, until_us);
	if (call->unary)
		call->seen_over = call->over;
	if (locked)
		pyr__mutex_unlock(&conn->lock);
}

static pyr__message *out_take(pyr__outcall *call)
{
	pyr__conn *conn = conn_of(call);
	pyr__mutex_lock(&conn->lock);
	pyr__message *message = pyr__inbox_take(&call->inbox);
	pyr__mutex_unlock(&conn->lock);
	return message;
}

static void out_release(pyr__outcall *call, pyr__message *message)
{
	pyr__conn *conn = conn_of(call);
	pyr__mutex_lock(&conn->lock);
	if (pyr__session_consumed(conn->session, call->stream, message->cost))
		pyr__conn_flush_soon(conn);
	pyr__message_free(&call->inbox, message);
	pyr__mutex_unlock(&conn->lock);
}

static bool out_is_over(pyr__outcall *call)
{
	pyr__conn *conn = conn_of(call);
	if (call->seen_over)
		return true;
	pyr__mutex_lock(&conn->lock);
	bool over = call->over;
	pyr__mutex_unlock(&conn->lock);
	return over;
}

static bool out_over(pyr__outcall *call, pyr__outcome *ret_outcome)
{
	pyr__conn *conn = conn_of(call);
	pyr__mutex_lock(&conn->lock);
	bool over = call->over && !call->inbox.first;
	if (over) {
		*ret_outcome = call->outcome;
		call->outcome.final = NULL;
	}
	pyr__mutex_unlock(&conn->lock);
	return over;
}

static pyr_status out_send(pyr__outcall *call, const pyr__body *body, bool end, pyr_error *err)
{
	pyr__conn *conn = conn_of(call);
	pyr__deflated deflated = {.memory = NULL};
	pyr__mutex_lock(&conn->lock);
	/* what would be refused may come again and again until there is room for it */
	if (pyr__conn_deflates(conn, body) && pyr__session_may_send(conn->session, call->stream))
		body = pyr__conn_deflate(conn, body, &deflated);
	call->writable = false;
	pyr_status status = pyr__session_send(conn->session, call->stream, body, end, err);
	if (status == PYR_OK)
		pyr__conn_flush_item(conn);
	pyr__mutex_unlock(&conn->lock);
	free(deflated.memory);
	return status;
}

static pyr_status out_end(pyr__outcall *call, pyr_error *err)
{
	pyr__conn *conn = conn_of(call);
	pyr__mutex_lock(&conn->lock);
	pyr_status status = pyr__session_end(conn->session, call->stream, err);
	if (status == PYR_OK)
		pyr__conn_flush_soon(conn);
	pyr__mutex_unlock(&conn->lock);
	return status;
}

static void out_cancel(pyr__outcall *call, pyr_status status, const char *message)
{
	pyr__conn *conn = conn_of(call);
	pyr__mutex_lock(&conn->lock);
	if (!call->over) {
		end_here(conn, call, status, message);
		pyr__conn_flush_soon(conn);
	}
	pyr__mutex_unlock(&conn->lock);
}

static void await_not_running(pyr__conn *conn, const pyr__outcall *call)
{
	if (pyr__loop_is_current(conn->options.ready_loop))
		return;
	while (conn->running == call)
		pyr__conn_await_change(conn);
}

static void out_observe(pyr__outcall *call, void (*ready)(pyr__outcall *call))
{
	pyr__conn *conn = conn_of(call);
	pyr__mutex_lock(&conn->lock);
	if (!call->over) {
		if (ready && !call->ready)
			conn->asyncs++;
		else if (!ready && call->ready)
			conn->asyncs--;
	}
	call->ready = ready;
	if (!ready) {
		unready(conn, call);
		await_not_running(conn, call);
	} else {
		if (call->inbox.first || call->over || call->writable)
			notify(conn, call);
		if (call->deadline_us != PYR__DEADLINE_NONE && !call->over)
			pyr__conn_set_timer(conn, call->deadline_us);
		pyr__conn_to_loop(conn);
	}
	pyr__mutex_unlock(&conn->lock);
}

/* Once a unary call is over nothing of the connection refers to it, and it holds no credit. */
static void done_unary(pyr__outcall *call)
{
	pyr__inbox_clear(&call->inbox);
	pyr__outcome_done(&call->outcome);
	pyr__conn_unref(conn_of(call));
}

static void out_done(pyr__outcall *call)
{
	pyr__conn *conn = conn_of(call);
	if (call->unary && !call->is_ready && call->over) {
		done_unary(call);
		return;
	}
	pyr__mutex_lock(&conn->lock);
	call->ready = NULL;
	unready(conn, call);
	if (!call->over) {
		end_here(conn, call, PYR_CANCELLED, "the call was abandoned");
		pyr__conn_flush_soon(conn);
	}
	uint64_t cost = pyr__inbox_clear(&call->inbox);
	if (pyr__session_consumed(conn->session, 0, cost))
		pyr__conn_flush_soon(conn);
	pyr__conn_check_retired(conn);
	pyr__mutex_unlock(&conn->lock);
	pyr__outcome_done(&call->outcome);
	pyr__conn_unref(conn);
}

static const pyr__outcall_ops outcall_ops = {
	.wait = out_wait,
	.take = out_take,
	.release = out_release,
	.is_over = out_is_over,
	.over = out_over,
	.send = out_send,
	.end = out_end,
	.cancel = out_cancel,
	.observe = out_observe,
	.done = out_done,
};
