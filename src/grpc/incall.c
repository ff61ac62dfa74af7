/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls that are made to us.
 *
 *   request --> ARRIVED --first message, or a client stream--> at work --finish--> last batch -->
 * gone
 *
 * That the caller has gone is asked of core (close_op) only for calls that are not answered at
 * once: with the last batch, or when the servant's function has returned without an answer.
 */
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "base/refs.h"
#include "grpc/final.h"
#include "grpc/message.h"
#include "grpc/peer.h"
#include "grpc/rpc.h"
#include "grpc/secure.h"
#include "grpc/trace.h"

#define CALL_BYTES 2048 /* what a call costs besides its messages */

typedef struct call {
	pyr__rpc rpc;
	pyr__grpc_server *server;
	pyr__peer *peer;     /* may be NULL: it has gone already */
	uint64_t number;     /* of its connection, if peer is NULL */
	char *from;          /* its address, if peer is NULL; or NULL */
	char *authorization; /* what the caller has shown, or NULL */
	char *principal;     /* written before the servant runs; or NULL */
	pyr__op close_op;

	/* guarded by the lock */
	pyr__incall *incall; /* NULL: refused, or the server half is through with it */
	bool started;        /* the first work has been added */
	bool close_started;
	int close_cancelled;
	pyr__final *final; /* NULL: OK without metadata */
	pyr__headers trailers;
	grpc_slice message;
	uint64_t charged, unsent; /* our part of the server's, and the peer's, bytes */

	pyr__link link; /* among the server's calls; guarded by its lock */
} call;

static const pyr__incall_ops incall_ops;

static call *call_of(const pyr__incall *incall)
{
	return incall->carrier;
}

static call *of_rpc(pyr__rpc *rpc)
{
	return PYR__OWNER(rpc, call, rpc);
}

/* Lock held, as for all that follows. */
static void add_work(call *c, unsigned work)
{
	if (!c->incall)
		return;
	pyr__rpc_wake(c->incall->waiters);
	if (c->started || (work & (PYR__WORK_RUN | PYR__WORK_CANCEL)))
		pyr__server_add_work(c->server, c->incall, work, !c->started);
	if (work & (PYR__WORK_RUN | PYR__WORK_CANCEL))
		c->started = true;
}

/* Tells the server, and the peer, how much waits for this call. */
static void charge(call *c)
{
	uint64_t unsent = c->rpc.call ? c->rpc.queued : 0;
	uint64_t total = c->rpc.call ? CALL_BYTES + c->rpc.held + unsent : 0;
	if (total != c->charged)
		atomic_fetch_add_explicit(
			&c->server->bytes, total - c->charged, memory_order_relaxed);
	if (c->peer && unsent != c->unsent)
		atomic_fetch_add_explicit(
			&c->peer->unsent, unsent - c->unsent, memory_order_relaxed);
	c->charged = total;
	c->unsent = unsent;
}

/* Answering */

static pyr_status gone(pyr_error *err)
{
	return pyr_error_set(err, PYR_CANCELLED, "the caller no longer waits for an answer");
}

static void keep_final(call *c, const pyr__final *final)
{
	if (final->status == PYR_OK && !final->metadata.size)
		return;
	c->final = pyr__final_copy(final);
	c->message = grpc_slice_from_copied_buffer(final->message.data, final->message.size);
	pyr__final_headers(c->final, &c->trailers);
	pyr_status status = pyr__headers_add_block(&c->trailers, c->final->metadata, NULL);
	(void)status; /* what HTTP does not let through is left out */
}

/* The peer takes nothing of what is sent: no more of it is kept for it. */
static bool too_much_unsent(const call *c, const pyr__body *body)
{
	return c->peer &&
	       atomic_load_explicit(&c->peer->unsent, memory_order_relaxed) + body->size >
		       c->server->options.peer_bytes_max;
}

static pyr_status finish(call *c, const pyr__final *final, const pyr__body *body, pyr_error *err)
{
	static const char text[] = "too many bytes wait to be sent to this peer";
	static const pyr__final full = {
		.status = PYR_RESOURCE_EXHAUSTED,
		.executed = PYR_EXECUTED_YES,
		.message = {text, sizeof text - 1},
	};
	pyr_status status = PYR_OK;
	if (c->incall) {
		if (c->incall->finished)
			return gone(err);
		c->incall->finished = true;
		pyr__rpc_wake(c->incall->waiters);
	}
	if (c->rpc.over)
		return gone(err);
	if (body && too_much_unsent(c, body)) {
		status = pyr_error_set(err, PYR_RESOURCE_EXHAUSTED, "%s", text);
		final = &full;
		body = NULL;
	}
	keep_final(c, final);
	pyr__grpc_trace_final(&c->rpc, '>', final);
	if (body)
		pyr__rpc_queue(&c->rpc, body);
	pyr__rpc_close(&c->rpc);
	charge(c);
	return status;
}

static void refuse(call *c, pyr_status status, const char *message)
{
	pyr__final final = {
		.status = status,
		.executed = PYR_EXECUTED_NO,
		.message = {message, strlen(message)},
	};
	pyr_status done = finish(c, &final, NULL, NULL);
	(void)done; /* the caller has gone already */
}

/* The caller has given up, or the server stops. */
static void cancel(call *c)
{
	static const pyr__final given_up = {.status = PYR_CANCELLED};
	if (!c->incall || c->incall->finished || atomic_load(&c->incall->cancelled))
		return;
	atomic_store_explicit(&c->incall->cancelled, true, memory_order_release);
	c->incall->ended = true;
	pyr__grpc_trace_final(&c->rpc, '<', &given_up);
	add_work(c, PYR__WORK_CANCEL);
}

/* The side of an rpc */

static size_t begin_receiving(pyr__rpc *rpc, grpc_op *ops)
{
	(void)rpc;
	(void)ops;
	return 0;
}

static size_t begin_sending(pyr__rpc *rpc, grpc_op *ops)
{
	(void)rpc;
	ops[0].op = GRPC_OP_SEND_INITIAL_METADATA;
	return 1;
}

static void close_op(call *c, grpc_op *op)
{
	c->close_started = true;
	op->op = GRPC_OP_RECV_CLOSE_ON_SERVER;
	op->data.recv_close_on_server.cancelled = &c->close_cancelled;
}

static size_t end_sending(pyr__rpc *rpc, grpc_op *ops)
{
	call *c = of_rpc(rpc);
	struct grpc_op_send_status_from_server *status = &ops[0].data.send_status_from_server;
	ops[0].op = GRPC_OP_SEND_STATUS_FROM_SERVER;
	status->status = GRPC_STATUS_OK;
	if (c->final) {
		status->status = (grpc_status_code)c->final->status;
		status->trailing_metadata = c->trailers.items;
		status->trailing_metadata_count = c->trailers.count;
		status->status_details = &c->message;
	}
	if (c->close_started)
		return 1;
	close_op(c, &ops[1]);
	return 2;
}

/* A method that takes one message runs when it is there. */
static void received_single(call *c)
{
	c->rpc.ended = c->incall->ended = c->incall->whole = true;
	if (c->incall->inbox.first) {
		add_work(c, PYR__WORK_RUN);
		return;
	}
	atomic_store_explicit(&c->incall->cancelled, true, memory_order_release);
	add_work(c, PYR__WORK_CANCEL); /* gives the work list's reference back */
	refuse(c, PYR_UNIMPLEMENTED, "the call has no request");
}

static void received(pyr__rpc *rpc)
{
	call *c = of_rpc(rpc);
	if (!c->incall)
		return;
	if (c->incall->single) {
		received_single(c);
	} else if (rpc->cut) {
		cancel(c); /* it was cut off, which is no end that the caller has put to it */
	} else {
		c->incall->ended |= rpc->ended;
		add_work(c, PYR__WORK_READY);
		pyr__rpc_receive(rpc);
	}
	charge(c);
}

static void writable(pyr__rpc *rpc)
{
	call *c = of_rpc(rpc);
	if (!c->incall)
		return;
	c->incall->writable = true;
	add_work(c, PYR__WORK_WRITABLE);
}

static void sent(pyr__rpc *rpc)
{
	if (rpc->closed && !rpc->sending)
		rpc->over = true;
	charge(of_rpc(rpc));
}

static void on_close(pyr__op *op, bool ok)
{
	(void)ok;
	call *c = PYR__OWNER(op, call, close_op);
	pyr__rpc_begin_done(&c->rpc);
	if (c->close_cancelled) {
		pyr__rpc_abort(&c->rpc);
		cancel(c);
	}
	pyr__rpc_end_done(&c->rpc);
}

static void unlink_call(call *c)
{
	pthread_mutex_lock(&c->server->lock);
	pyr__list_remove(&c->link);
	pthread_mutex_unlock(&c->server->lock);
}

static void idle(pyr__rpc *rpc)
{
	call *c = of_rpc(rpc);
	grpc_call *kept = rpc->call;
	rpc->call = NULL;
	charge(c);
	rpc->call = kept;
	unlink_call(c);
}

static void free_call(pyr__rpc *rpc)
{
	call *c = of_rpc(rpc);
	unlink_call(c);
	if (rpc->incoming)
		grpc_byte_buffer_destroy(rpc->incoming);
	pyr__headers_done(&c->trailers);
	grpc_slice_unref(c->message);
	free(c->final);
	free(c->authorization);
	free(c->from);
	free(c->principal);
	pyr__peer_unref(c->peer);
	pyr__server_unref(c->server);
	free(c);
}

static const pyr__rpc_side side = {
	.begin_receiving = begin_receiving,
	.begin_sending = begin_sending,
	.end_sending = end_sending,
	.received = received,
	.writable = writable,
	.sent = sent,
	.idle = idle,
	.free = free_call,
};

/* Arriving */

/* On connections of core's own: who calls, from where, and a number made of that. */
static void identify(call *c, grpc_call *core)
{
	char *name = grpc_call_get_peer(core); /* "ipv4:127.0.0.1:4711" */
	const char *address = name && strncmp(name, "ipv", 3) == 0 ? strchr(name, ':') + 1 : name;
	c->from = pyr__strdup(address);
	c->principal = pyr__secure_principal(core);
	c->number = 14695981039346656037u;
	for (const char *at = address ? address : ""; *at; at++)
		c->number = (c->number ^ (uint8_t)*at) * 1099511628211u;
	c->number |= PYR__CONNECTION_UNSEEN; /* nor is it another's: their numbers are small */
	gpr_free(name);
}

static call *new_call(pyr__request *request)
{
	pyr__grpc_server *server = request->server;
	call *c = pyr__alloc(sizeof *c);
	memset(&c->server, 0, sizeof *c - offsetof(call, server));
	pyr__rpc_init(&c->rpc, &side, request->call);
	c->rpc.message_max = server->options.message_max;
	c->rpc.compress_from = server->options.compress_from;
	c->server = server;
	if (server->secure)
		identify(c, request->call);
	else
		c->peer = pyr__peer_of(server, request->call);
	if (!c->peer && !c->number)
		c->number = pyr__services->next_connection();
	c->close_op.done = on_close;
	c->message = grpc_empty_slice();
	pyr__headers_init(&c->trailers);
	pyr__refs_take(&server->refs);
	pthread_mutex_lock(&server->lock);
	pyr__list_append(&server->calls, &c->link);
	pthread_mutex_unlock(&server->lock);
	return c;
}

static uint64_t timeout_of(gpr_timespec deadline, int64_t now_us)
{
	deadline = gpr_convert_clock_type(deadline, GPR_CLOCK_MONOTONIC);
	if (deadline.tv_sec >= INT64_MAX / 1000000 - 1)
		return PYR__TIMEOUT_NONE;
	int64_t at_us = deadline.tv_sec * 1000000 + deadline.tv_nsec / 1000;
	return at_us > now_us ? (uint64_t)(at_us - now_us) : 0;
}

static pyr__text method_of(const pyr__request *request)
{
	pyr__text path = pyr__slice_text(&request->details.method);
	if (path.size > 0 && path.data[0] == '/')
		return (pyr__text){path.data + 1, path.size - 1};
	return path;
}

static const char *peer_of(const call *c)
{
	return c->peer ? c->peer->text : c->from ? c->from : "grpc";
}

static void open_call(call *c, const pyr__head *head, int64_t now_us)
{
	const pyr__grpc_server_options *options = &c->server->options;
	pyr__incall *incall = options->host->open(options->host_arg, head, now_us);
	incall->ops = &incall_ops;
	incall->carrier = pyr__rpc_ref(&c->rpc);
	c->incall = incall;
	c->rpc.inbox = &incall->inbox;
	if (!incall->single)
		add_work(c, PYR__WORK_RUN);
	pyr__rpc_receive(&c->rpc);
	charge(c);
}

static void begin(call *c, const pyr__request *request)
{
	pyr__header_block block = {NULL, 0, 0};
	char object[PYR_OBJECT_ID_MAX];
	pyr__text value;
	int64_t now_us = pyr__now_us();
	pyr__head head = {.method = method_of(request),
		.object = {"", 0},
		.timeout_us = timeout_of(request->details.deadline, now_us)};
	bool valid = !pyr__headers_find(&request->headers, PYR__HEADER_OBJECT, &value) ||
		     pyr__headers_object(value, object, sizeof object, &head.object);
	if (pyr__headers_find(&request->headers, PYR__HEADER_CORRELATION, &value))
		head.correlation = value;
	pyr__grpc_trace_call(&c->rpc, peer_of(c), '<', &head);
	if (!valid) {
		refuse(c, PYR_INVALID_ARGUMENT,
			"the header " PYR__HEADER_OBJECT " is no object's id, percent-encoded");
		return;
	}
	if (pyr__headers_find(&request->headers, PYR__HEADER_AUTHORIZATION, &value))
		c->authorization = pyr__strndup(value.data, value.size);
	pyr__header_block_append(&block, &request->headers);
	head.metadata = (pyr__text){block.data, block.size};
	/* core's own limit holds only for peers that have confirmed to know of it */
	if (block.size > c->server->options.metadata_max)
		refuse(c, PYR_RESOURCE_EXHAUSTED, "the metadata are longer than the limit");
	else
		open_call(c, &head, now_us);
	pyr__header_block_done(&block);
}

void pyr__incall_arrived(pyr__request *request)
{
	pyr__grpc_server *server = request->server;
	call *c = new_call(request);
	uint64_t bytes = atomic_load_explicit(&server->bytes, memory_order_relaxed);
	pthread_mutex_lock(&c->rpc.lock);
	if (server->shut)
		pyr__rpc_abort(&c->rpc); /* core cancels it when it goes */
	else if (bytes > server->options.bytes_max)
		refuse(c, PYR_RESOURCE_EXHAUSTED,
			"too many bytes of requests and answers wait in this daemon");
	else
		begin(c, request);
	pyr__rpc_settle(&c->rpc);
	pthread_mutex_unlock(&c->rpc.lock);
	pyr__rpc_unref(&c->rpc);
}

void *pyr__incall_hold(pyr__incall *incall)
{
	return pyr__rpc_ref(&call_of(incall)->rpc);
}

void pyr__incall_worked(void *carrier)
{
	call *c = of_rpc(carrier);
	pthread_mutex_lock(&c->rpc.lock);
	if (!c->close_started && c->started && c->incall && !c->incall->finished) {
		grpc_op op;
		memset(&op, 0, sizeof op);
		close_op(c, &op);
		pyr__rpc_batch(&c->rpc, &c->close_op, &op, 1);
	}
	pthread_mutex_unlock(&c->rpc.lock);
	pyr__rpc_unref(&c->rpc);
}

void pyr__incall_shut_all(pyr__grpc_server *server)
{
	size_t count = 0, made = 0;
	pthread_mutex_lock(&server->lock);
	for (pyr__link *l = server->calls.next; l != &server->calls; l = l->next)
		count++;
	call **calls = pyr__alloc((count + 1) * sizeof *calls);
	for (pyr__link *l = server->calls.next; l != &server->calls; l = l->next) {
		calls[made] = PYR__OWNER(l, call, link);
		made += pyr__rpc_try_ref(&calls[made]->rpc);
	}
	pthread_mutex_unlock(&server->lock);
	for (size_t i = 0; i < made; i++) {
		pyr__rpc *rpc = &calls[i]->rpc;
		pthread_mutex_lock(&rpc->lock);
		cancel(calls[i]);
		pyr__rpc_abort(rpc);
		pyr__rpc_settle(rpc);
		pthread_mutex_unlock(&rpc->lock);
		pyr__rpc_unref(rpc);
	}
	free(calls);
}

/* The operations of an incall */

static pyr_status in_send(pyr__incall *incall, const pyr__body *body, pyr_error *err)
{
	call *c = call_of(incall);
	pyr_status status;
	pthread_mutex_lock(&c->rpc.lock);
	incall->writable = false;
	if (incall->finished || c->rpc.over)
		status = gone(err);
	else
		status = pyr__rpc_send(&c->rpc, body, err);
	charge(c);
	pthread_mutex_unlock(&c->rpc.lock);
	return status;
}

static pyr_status in_finish(
	pyr__incall *incall, const pyr__final *final, const pyr__body *body, pyr_error *err)
{
	call *c = call_of(incall);
	pthread_mutex_lock(&c->rpc.lock);
	pyr_status status = finish(c, final, body, err);
	pthread_mutex_unlock(&c->rpc.lock);
	return status;
}

static pyr__message *in_take(pyr__incall *incall)
{
	call *c = call_of(incall);
	pthread_mutex_lock(&c->rpc.lock);
	pyr__message *message = pyr__inbox_take(&incall->inbox);
	pthread_mutex_unlock(&c->rpc.lock);
	return message;
}

static void in_release(pyr__incall *incall, pyr__message *message)
{
	call *c = call_of(incall);
	pthread_mutex_lock(&c->rpc.lock);
	uint32_t cost = message->cost;
	pyr__message_free(&incall->inbox, message);
	pyr__rpc_release(&c->rpc, cost);
	charge(c);
	pthread_mutex_unlock(&c->rpc.lock);
}

static bool is_readable(const void *arg)
{
	const pyr__incall *incall = arg;
	return incall->inbox.first || incall->ended || incall->finished ||
	       atomic_load(&incall->cancelled);
}

static bool is_writable(const void *arg)
{
	const pyr__incall *incall = arg;
	return incall->writable || incall->finished || atomic_load(&incall->cancelled);
}

static void in_wait(pyr__incall *incall, pyr__direction what, int64_t until_us)
{
	call *c = call_of(incall);
	pthread_mutex_lock(&c->rpc.lock);
	pyr__rpc_wait(&c->rpc, &incall->waiters[what],
		what == PYR__READ ? is_readable : is_writable, incall, until_us);
	pthread_mutex_unlock(&c->rpc.lock);
}

static bool in_at_end(pyr__incall *incall)
{
	call *c = call_of(incall);
	pthread_mutex_lock(&c->rpc.lock);
	bool at_end = incall->ended && !incall->inbox.first;
	pthread_mutex_unlock(&c->rpc.lock);
	return at_end;
}

static void in_poke(pyr__incall *incall)
{
	call *c = call_of(incall);
	pthread_mutex_lock(&c->rpc.lock);
	if (is_readable(incall))
		add_work(c, PYR__WORK_READY);
	if (is_writable(incall))
		add_work(c, PYR__WORK_WRITABLE);
	pthread_mutex_unlock(&c->rpc.lock);
}

/*
 * Without an answer: a method that has none is answered with nothing, another one has failed. Past
 * the deadline the caller is told of that, for the call may not even have begun.
 */
static void finish_unanswered(call *c)
{
	static const char forgotten[] = "the servant gave the call back without an answer";
	static const char late[] = "the deadline passed before the servant answered";
	pyr__final final = {.status = PYR_OK, .executed = PYR_EXECUTED_YES};
	pyr__body empty = {.raw = (const uint8_t *)""};
	bool silent = c->incall->silent;
	if (!silent && pyr__now_us() >= c->incall->deadline_us) {
		final.status = PYR_DEADLINE_EXCEEDED;
		final.executed = PYR_EXECUTED_MAYBE;
		final.message = (pyr__text){late, sizeof late - 1};
	} else if (!silent) {
		final.status = PYR_INTERNAL;
		final.message = (pyr__text){forgotten, sizeof forgotten - 1};
	}
	pyr_status status = finish(c, &final, silent ? &empty : NULL, NULL);
	(void)status; /* CANCELLED when it was finished before, as it should */
}

static void in_done(pyr__incall *incall)
{
	call *c = call_of(incall);
	pthread_mutex_lock(&c->rpc.lock);
	finish_unanswered(c);
	c->incall = NULL;
	c->rpc.inbox = NULL;
	c->rpc.held = 0;
	charge(c);
	pthread_mutex_unlock(&c->rpc.lock);
	pyr__inbox_clear(&incall->inbox);
	pyr__rpc_unref(&c->rpc);
}

static const char *in_peer(pyr__incall *incall)
{
	return peer_of(call_of(incall));
}

/*
 * On cleartext only a token says who calls. Core's numbers for connections are used again, so
 * nothing about a connection proves anything about a call.
 */
static const char *in_principal(pyr__incall *incall)
{
	const call *c = call_of(incall);
	return c->principal ? c->principal : "";
}

static const char *in_authorization(pyr__incall *incall)
{
	const call *c = call_of(incall);
	return c->authorization ? c->authorization : "";
}

static void in_set_principal(pyr__incall *incall, const char *name)
{
	call *c = call_of(incall);
	free(c->principal); /* what a certificate says; a token says it better */
	c->principal = pyr__strdup(name);
}

static uint64_t in_connection(pyr__incall *incall)
{
	call *c = call_of(incall);
	return c->peer ? c->peer->number : c->number;
}

static pyr_scheme in_reached(
	pyr__incall *incall, struct sockaddr_storage *ret_address, socklen_t *ret_size)
{
	const call *c = call_of(incall);
	*ret_size = c->peer ? c->peer->reached_size : 0;
	if (c->peer)
		*ret_address = c->peer->reached;
	return c->server->secure ? PYR_SCHEME_GRPCS : PYR_SCHEME_GRPC;
}

/* HTTP/2 has no calls in that direction. */
static pyr__channel *in_back(pyr__incall *incall, void (*release)(void *arg), void *arg)
{
	(void)incall;
	(void)release;
	(void)arg;
	return NULL;
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
};
