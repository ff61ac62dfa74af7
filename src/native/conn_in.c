/* SPDX-License-Identifier: Apache-2.0 */
/* The calls that the peer makes on a connection. */
#include <stdlib.h>
#include <string.h>
#include "base/apart.h"
#include "base/clock.h"
#include "base/error.h"
#include "native/back_channel.h"
#include "native/conn_private.h"
#include "native/frame.h"

#define JOBS_MAX 32 /* so many are taken at once, so that the lock is for all of them */

static const pyr__incall_ops incall_ops;

_Static_assert(PYR__COST_MIN == PYR__MESSAGE_COST_MIN, "see pyr__incall_ops.consumed");

static pyr__conn *conn_of(const pyr__incall *call)
{
	return call->carrier;
}

static void add_work(pyr__conn *conn, pyr__incall *call, unsigned work)
{
	pyr__conn_wake(conn, call->waiters, false);
	if (!call->work) {
		/* open has made a reference for the first work */
		if (work != PYR__WORK_RUN && !conn->options.host->ref(call))
			return;
		call->next_work = NULL;
		*conn->work_last = call;
		conn->work_last = &call->next_work;
	}
	call->work |= work;
	pyr__conn_deliver_soon(conn);
}

typedef struct job {
	pyr__incall *call;
	unsigned work;
} job;

/* The oldest on the list, which then have nothing to be done; lock held. */
static unsigned take_work(pyr__conn *conn, job *to, unsigned most)
{
	unsigned count = 0;
	for (pyr__incall *call; count < most && (call = conn->work_first); count++) {
		to[count] = (job){call, call->work};
		call->work = 0;
		conn->work_first = call->next_work;
	}
	if (!conn->work_first)
		conn->work_last = &conn->work_first;
	return count;
}

void pyr__conn_run_work(pyr__conn *conn)
{
	job jobs[JOBS_MAX];
	unsigned count;
	while ((count = take_work(conn, jobs, JOBS_MAX)) > 0) {
		conn->working++;
		pyr__mutex_unlock(&conn->lock);
		for (unsigned i = 0; i < count; i++)
			conn->options.host->work(
				conn->options.host_arg, jobs[i].call, jobs[i].work);
		pyr__mutex_lock(&conn->lock);
		if (--conn->working == 0)
			pyr__conn_tell_change(conn);
	}
}

void pyr__conn_cancel_hosted(pyr__conn *conn)
{
	pyr__mutex_lock(&conn->lock);
	pyr__conn_cancel_all(conn);
	pyr__conn_run_work(conn);
	while (conn->working > 0) /* the loop may have taken some of it just before */
		pyr__conn_await_change(conn);
	pyr__mutex_unlock(&conn->lock);
}

/* Answers without any servant. */
static void refuse(pyr__conn *conn, uint32_t stream, pyr_status status, const char *message)
{
	pyr__final final = {
		.status = status,
		.executed = PYR_EXECUTED_NO,
		.message = {message, strlen(message)},
	};
	pyr_status sent = pyr__session_finish(conn->session, stream, &final, NULL, NULL);
	(void)sent; /* a connection that is full of unsent answers is ended by its own limits */
}

PYR_COLD static void refuse_call(
	pyr__conn *conn, const pyr__event *event, pyr_status status, const char *why)
{
	if (event->has_message)
		pyr__session_consumed(conn->session, event->stream, event->cost);
	if (!event->head.oneway)
		refuse(conn, event->stream, status, why);
}

static bool too_much_queued(const pyr__conn *conn)
{
	return conn->options.queued_total &&
	       atomic_load_explicit(conn->options.queued_total, memory_order_relaxed) >
		       conn->options.queued_total_max;
}

/*
 * A short request lies in the call, of which there are only so many at once, unless it is a oneway
 * one: what it costs is given back at once, and not when it has been used up, which would take the
 * lock once more.
 */
static void keep_request(pyr__conn *conn, pyr__incall *call, const pyr__event *event)
{
	uint32_t cost = event->cost;
	if (call->whole && !event->head.oneway && event->payload.size <= PYR__INBOX_INLINE_BYTES) {
		pyr__session_consumed(conn->session, 0, cost); /* its stream has ended */
		cost = 0;
	}
	pyr__inbox_put(&call->inbox, &event->payload, cost);
}

static void on_call(pyr__conn *conn, const pyr__event *event)
{
	const pyr__conn_options *options = &conn->options;
	const char *why = !options->host          ? "this side hosts no objects"
			  : too_much_queued(conn) ? "too many bytes of answers wait to be sent"
						  : NULL;
	if (why) {
		refuse_call(conn, event, options->host ? PYR_RESOURCE_EXHAUSTED : PYR_UNIMPLEMENTED,
			why);
		return;
	}
	pyr__incall *call =
		options->host->open(options->host_arg, &event->head, conn->last_read_us);
	if (!call) {
		refuse_call(conn, event, PYR_NOT_FOUND, "no such object was handed to this peer");
		return;
	}
	call->ops = &incall_ops;
	call->carrier = pyr__conn_ref(conn);
	call->settles = conn->server;
	call->stream = event->head.oneway ? 0 : event->stream;
	call->finished = event->head.oneway;
	call->ended = call->whole = event->ended;
	if (event->has_message)
		keep_request(conn, call, event);
	pyr__list_append(&conn->incalls, &call->link);
	if (!event->head.oneway) {
		pyr__session_set_user(conn->session, event->stream, call);
		if (call->deadline_us != PYR__DEADLINE_NONE)
			pyr__conn_set_timer(conn, call->deadline_us);
	}
	add_work(conn, call, PYR__WORK_RUN);
}

static void cancel(pyr__conn *conn, pyr__incall *call)
{
	atomic_store_explicit(&call->cancelled, true, memory_order_release);
	call->ended = true;
	add_work(conn, call, PYR__WORK_CANCEL);
}

void pyr__conn_cancel_all(pyr__conn *conn)
{
	for (pyr__link *link = conn->incalls.next; link != &conn->incalls; link = link->next) {
		pyr__incall *call = PYR__OWNER(link, pyr__incall, link);
		if (!call->finished && !atomic_load(&call->cancelled))
			cancel(conn, call);
	}
}

static void on_message(pyr__conn *conn, pyr__incall *call, const pyr__event *event)
{
	if (event->has_message)
		pyr__inbox_put(&call->inbox, &event->payload, event->cost);
	if (event->ended || event->type == PYR__EVENT_END)
		call->ended = true;
	add_work(conn, call, PYR__WORK_READY);
}

void pyr__conn_in_event(pyr__conn *conn, const pyr__event *event)
{
	pyr__incall *call = event->user;
	if (event->type == PYR__EVENT_CALL) {
		on_call(conn, event);
		return;
	}
	if (!call) {
		if (event->has_message)
			pyr__session_consumed(conn->session, event->stream, event->cost);
		return;
	}
	switch (event->type) {
	case PYR__EVENT_MESSAGE:
	case PYR__EVENT_END:
		on_message(conn, call, event);
		break;
	case PYR__EVENT_CANCEL:
		if (!atomic_load(&call->cancelled))
			call->lost = event->lost;
		cancel(conn, call);
		break;
	case PYR__EVENT_WRITABLE:
		call->writable = true;
		add_work(conn, call, PYR__WORK_WRITABLE);
		break;
	default:
		break;
	}
}

int64_t pyr__conn_in_expire(pyr__conn *conn, int64_t now_us)
{
	int64_t next_us = PYR__DEADLINE_NONE;
	for (pyr__link *link = conn->incalls.next; link != &conn->incalls; link = link->next) {
		pyr__incall *call = PYR__OWNER(link, pyr__incall, link);
		if (call->finished || atomic_load(&call->cancelled))
			continue;
		if (call->deadline_us > now_us) {
			next_us = pyr__min_us(next_us, call->deadline_us);
			continue;
		}
		cancel(conn, call);
	}
	return next_us;
}

/* The operations of an incall */

static pyr_status gone(pyr_error *err)
{
	return pyr_error_set(err, PYR_CANCELLED, "the caller no longer waits for an answer");
}

static pyr_status in_send(pyr__incall *call, const pyr__body *body, pyr_error *err)
{
	pyr__conn *conn = conn_of(call);
	pyr_status status;
	pyr__deflated deflated = {.memory = NULL};
	pyr__mutex_lock(&conn->lock);
	/* what would be refused may come again and again until there is room for it */
	if (pyr__conn_deflates(conn, body) && pyr__session_may_send(conn->session, call->stream))
		body = pyr__conn_deflate(conn, body, &deflated);
	call->writable = false;
	if (call->finished || conn->state != CONN_OPEN)
		status = gone(err);
	else
		status = pyr__session_send(conn->session, call->stream, body, false, err);
	if (status == PYR_OK)
		pyr__conn_flush_item(conn);
	pyr__mutex_unlock(&conn->lock);
	free(deflated.memory);
	return status;
}

static pyr_status finish(pyr__conn *conn, pyr__incall *call, const pyr__final *final,
	const pyr__body *body, pyr_error *err)
{
	if (call->finished)
		return gone(err);
	call->finished = true;
	pyr__conn_wake(conn, call->waiters, false);
	if (conn->state != CONN_OPEN)
		return gone(err);
	pyr__list_remove(&call->link);
	call->detached = true;
	pyr_status status = pyr__session_finish(conn->session, call->stream, final, body, err);
	conn->held_back++;
	pyr__conn_flush_soon(conn);
	return status;
}

static pyr_status in_finish(
	pyr__incall *call, const pyr__final *final, const pyr__body *body, pyr_error *err)
{
	pyr__conn *conn = conn_of(call);
	pyr__deflated deflated = {.memory = NULL};
	pyr__mutex_lock(&conn->lock);
	if (pyr__conn_deflates(conn, body) && !call->finished)
		body = pyr__conn_deflate(conn, body, &deflated);
	pyr_status status = finish(conn, call, final, body, err);
	pyr__mutex_unlock(&conn->lock);
	free(deflated.memory);
	return status;
}

PYR__APART static pyr__message *take_of_stream(pyr__incall *call)
{
	pyr__conn *conn = conn_of(call);
	pyr__mutex_lock(&conn->lock);
	pyr__message *message = pyr__inbox_take(&call->inbox);
	pyr__mutex_unlock(&conn->lock);
	return message;
}

static pyr__message *in_take(pyr__incall *call)
{
	return call->whole ? pyr__inbox_take(&call->inbox) : take_of_stream(call);
}

PYR__APART static void release_with_credit(pyr__incall *call, pyr__message *message)
{
	pyr__conn *conn = conn_of(call);
	pyr__mutex_lock(&conn->lock);
	if (pyr__session_consumed(conn->session, call->stream, message->cost))
		pyr__conn_flush_soon(conn);
	pyr__message_free(&call->inbox, message);
	pyr__mutex_unlock(&conn->lock);
}

static void in_release(pyr__incall *call, pyr__message *message)
{
	if (call->whole && !message->cost)
		pyr__message_free(&call->inbox, message);
	else
		release_with_credit(call, message);
}

static bool is_readable(const void *arg)
{
	const pyr__incall *call = arg;
	return call->inbox.first || call->ended || call->finished || atomic_load(&call->cancelled);
}

static bool is_writable(const void *arg)
{
	const pyr__incall *call = arg;
	return call->writable || call->finished || atomic_load(&call->cancelled);
}

static void in_wait(pyr__incall *call, pyr__direction what, int64_t until_us)
{
	pyr__conn *conn = conn_of(call);
	pyr__mutex_lock(&conn->lock);
	pyr__conn_flush_left(conn);
	bool locked = pyr__conn_wait_until(conn, &call->waiters[what],
		what == PYR__READ ? is_readable : is_writable, call, until_us);
	if (locked)
		pyr__mutex_unlock(&conn->lock);
}

static bool in_at_end(pyr__incall *call)
{
	pyr__conn *conn = conn_of(call);
	pyr__mutex_lock(&conn->lock);
	bool at_end = call->ended && !call->inbox.first;
	pyr__mutex_unlock(&conn->lock);
	return at_end;
}

static void in_poke(pyr__incall *call)
{
	pyr__conn *conn = conn_of(call);
	pyr__mutex_lock(&conn->lock);
	if (is_readable(call))
		add_work(conn, call, PYR__WORK_READY);
	if (is_writable(call))
		add_work(conn, call, PYR__WORK_WRITABLE);
	pyr__mutex_unlock(&conn->lock);
}

/* What a call gets that its servant has given back without an answer. */
PYR_COLD static pyr__final unanswered(const pyr__incall *call)
{
	static const char late[] = "the deadline passed before the servant answered";
	static const char given_up[] = "the caller gave up before the servant answered";
	static const char forgotten[] = "the servant gave the call back without an answer";
	pyr__final final = {.status = PYR_INTERNAL, .executed = PYR_EXECUTED_YES};
	final.message = (pyr__text){forgotten, sizeof forgotten - 1};
	if (call->deadline_us != PYR__DEADLINE_NONE && pyr__now_us() >= call->deadline_us) {
		final.status = PYR_DEADLINE_EXCEEDED;
		final.message = (pyr__text){late, sizeof late - 1};
	} else if (atomic_load(&call->cancelled)) {
		final.status = PYR_CANCELLED;
		final.message = (pyr__text){given_up, sizeof given_up - 1};
	}
	return final;
}

static void in_done(pyr__incall *call)
{
	pyr__conn *conn = conn_of(call);
	if (call->detached && !call->inbox.first) {
		pyr__conn_unref(conn); /* nothing there refers to it, and it holds no credit */
		return;
	}
	pyr__mutex_lock(&conn->lock);
	if (!call->finished) {
		pyr__final final = unanswered(call);
		pyr_status status = finish(conn, call, &final, NULL, NULL);
		(void)status; /* CANCELLED when the connection is gone */
	}
	/* what was not read will not be read any more */
	uint64_t cost = pyr__inbox_clear(&call->inbox);
	if (pyr__session_consumed(conn->session, call->stream, cost))
		pyr__conn_flush_soon(conn);
	pyr__list_remove(&call->link);
	pyr__mutex_unlock(&conn->lock);
	pyr__conn_unref(conn);
}

static const char *in_peer(pyr__incall *call)
{
	return conn_of(call)->peer;
}

static uint64_t in_connection(pyr__incall *call)
{
	return conn_of(call)->number;
}

static const char *in_authorization(pyr__incall *call)
{
	pyr__conn *conn = conn_of(call);
	pyr__mutex_lock(&conn->lock);
	/* of the hello, which came before any call: nobody writes it any more */
	const char *authorization =
		conn->authenticated ? "" : pyr__session_authorization(conn->session);
	pyr__mutex_unlock(&conn->lock);
	return authorization;
}

static void in_set_principal(pyr__incall *call, const char *name)
{
	pyr__conn *conn = conn_of(call);
	pyr__mutex_lock(&conn->lock);
	if (!conn->authenticated)
		pyr__copy_text(conn->principal, sizeof conn->principal, name, strlen(name));
	conn->authenticated = true;
	pyr__mutex_unlock(&conn->lock);
}

/* Written before any servant can ask: by TLS with the handshake, else by set_principal. */
static const char *in_principal(pyr__incall *call)
{
	return conn_of(call)->principal;
}

static pyr_scheme in_reached(
	pyr__incall *call, struct sockaddr_storage *ret_address, socklen_t *ret_size)
{
	pyr__conn *conn = conn_of(call);
	*ret_size = 0;
	if (!conn->server)
		return PYR_SCHEME_PEER;
	pyr__mutex_lock(&conn->lock);
	socklen_t size = sizeof *ret_address;
	if (conn->fd >= 0 && getsockname(conn->fd, (struct sockaddr *)ret_address, &size) == 0)
		*ret_size = size;
	pyr__mutex_unlock(&conn->lock);
	return conn->tls ? PYR_SCHEME_PYRS : PYR_SCHEME_PYR;
}

static pyr__channel *in_back(pyr__incall *call, void (*release)(void *arg), void *arg)
{
	return pyr__back_channel_new(conn_of(call), release, arg);
}

static void in_greet(pyr__incall *call)
{
	pyr__conn *conn = conn_of(call);
	pyr__mutex_lock(&conn->lock);
	if (!call->finished && pyr__session_metadata(conn->session, call->stream,
				       (pyr__text){NULL, 0}, NULL) == PYR_OK)
		pyr__conn_flush_soon(conn);
	pyr__mutex_unlock(&conn->lock);
}

static uint64_t in_consumed(pyr__incall *call)
{
	pyr__conn *conn = conn_of(call);
	pyr__mutex_lock(&conn->lock);
	uint64_t cost = pyr__session_consumed_by_peer(conn->session, call->stream);
	pyr__mutex_unlock(&conn->lock);
	return cost;
}

static const pyr__incall_ops incall_ops = {
	.send = in_send,
	.finish = in_finish,
	.take = in_take,
	.release = in_release,
	.wait = in_wait,
	.at_end = in_at_end,
	.poke = in_poke,
	.done = in_done,
	.peer = in_peer,
	.principal = in_principal,
	.set_principal = in_set_principal,
	.authorization = in_authorization,
	.connection = in_connection,
	.reached = in_reached,
	.back = in_back,
	.greet = in_greet,
	.consumed = in_consumed,
};
