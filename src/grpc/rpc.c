/* SPDX-License-Identifier: Apache-2.0 */
/* One gRPC call of either side. */
#include "grpc/rpc.h"

#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "base/refs.h"
#include "grpc/message.h"
#include "grpc/trace.h"

static void on_received(pyr__op *op, bool ok);
static void on_sent(pyr__op *op, bool ok);

void pyr__rpc_init(pyr__rpc *rpc, const pyr__rpc_side *side, grpc_call *call)
{
	memset(rpc, 0, sizeof *rpc);
	rpc->side = side;
	atomic_init(&rpc->refs, 1);
	pthread_mutex_init(&rpc->lock, NULL);
	rpc->call = call;
	rpc->receive_op.done = on_received;
	rpc->send_op.done = on_sent;
	rpc->last = &rpc->first;
}

pyr__rpc *pyr__rpc_ref(pyr__rpc *rpc)
{
	pyr__refs_take(&rpc->refs);
	return rpc;
}

bool pyr__rpc_try_ref(pyr__rpc *rpc)
{
	return pyr__refs_take_if_used(&rpc->refs);
}

static void drop_outgoing(pyr__rpc *rpc)
{
	while (rpc->first) {
		pyr__outgoing *message = rpc->first;
		rpc->first = message->next;
		rpc->queued -= message->cost;
		grpc_byte_buffer_destroy(message->buffer);
		free(message);
	}
	rpc->last = &rpc->first;
}

void pyr__rpc_unref(pyr__rpc *rpc)
{
	if (!pyr__refs_drop(&rpc->refs))
		return;
	drop_outgoing(rpc);
	if (rpc->call)
		grpc_call_unref(rpc->call);
	pthread_mutex_destroy(&rpc->lock);
	free(rpc->traced_as);
	rpc->side->free(rpc);
}

bool pyr__rpc_batch(pyr__rpc *rpc, pyr__op *op, const grpc_op *ops, size_t count)
{
	if (rpc->over || !rpc->call)
		return false;
	pyr__rpc_ref(rpc);
	rpc->pending++;
	if (grpc_call_start_batch(rpc->call, ops, count, op, NULL) == GRPC_CALL_OK)
		return true;
	rpc->pending--;
	pyr__refs_drop(&rpc->refs); /* never the last */
	return false;
}

void pyr__rpc_begin_done(pyr__rpc *rpc)
{
	pthread_mutex_lock(&rpc->lock);
	rpc->pending--;
}

void pyr__rpc_settle(pyr__rpc *rpc)
{
	if (!rpc->over || rpc->kept || rpc->pending > 0 || !rpc->call)
		return;
	rpc->side->idle(rpc);
	grpc_call_unref(rpc->call);
	rpc->call = NULL;
}

void pyr__rpc_end_done(pyr__rpc *rpc)
{
	pyr__rpc_settle(rpc);
	pthread_mutex_unlock(&rpc->lock);
	pyr__rpc_unref(rpc);
}

/* Receiving */

void pyr__rpc_receive(pyr__rpc *rpc)
{
	if (rpc->receiving || rpc->ended || !rpc->inbox || rpc->held >= PYR__RPC_WINDOW)
		return;
	grpc_op ops[PYR__RPC_OPS + 1];
	memset(ops, 0, sizeof ops);
	size_t count = 0;
	if (!rpc->receive_begun)
		count = rpc->side->begin_receiving(rpc, ops);
	ops[count].op = GRPC_OP_RECV_MESSAGE;
	ops[count++].data.recv_message.recv_message = &rpc->incoming;
	rpc->receive_begun = true;
	rpc->receiving = pyr__rpc_batch(rpc, &rpc->receive_op, ops, count);
}

static void keep_incoming(pyr__rpc *rpc, bool ok)
{
	grpc_byte_buffer *buffer = rpc->incoming;
	rpc->incoming = NULL;
	if (!buffer) {
		rpc->ended = true;
		rpc->cut = !ok || grpc_call_failed_before_recv_message(rpc->call);
		return;
	}
	if (!rpc->inbox) {
		grpc_byte_buffer_destroy(buffer);
		return;
	}
	pyr__grpc_trace_message(rpc, '<', grpc_byte_buffer_length(buffer));
	pyr_error err;
	pyr_status status =
		pyr__message_keep(buffer, rpc->inbox, rpc->message_max, &rpc->held, &err);
	if (status && rpc->call) {
		grpc_call_cancel_with_status(
			rpc->call, (grpc_status_code)status, err.message, NULL);
		rpc->ended = true;
	}
}

static void on_received(pyr__op *op, bool ok)
{
	pyr__rpc *rpc = PYR__OWNER(op, pyr__rpc, receive_op);
	pyr__rpc_begin_done(rpc);
	rpc->receiving = false;
	keep_incoming(rpc, ok);
	rpc->side->received(rpc);
	pyr__rpc_end_done(rpc);
}

void pyr__rpc_release(pyr__rpc *rpc, uint64_t cost)
{
	rpc->held -= cost;
	pyr__rpc_receive(rpc);
}

/* Sending */

static size_t message_op(pyr__rpc *rpc, grpc_op *op)
{
	pyr__outgoing *message = rpc->first;
	if (!message)
		return 0;
	op->op = GRPC_OP_SEND_MESSAGE;
	op->data.send_message.send_message = message->buffer;
	/* with more to come core may put it together with what follows */
	op->flags = message->flags | (message->next ? GRPC_WRITE_BUFFER_HINT : 0);
	return 1;
}

static void take_first(pyr__rpc *rpc)
{
	pyr__outgoing *message = rpc->first;
	rpc->first = message->next;
	if (!rpc->first)
		rpc->last = &rpc->first;
	rpc->sending_cost = message->cost;
	grpc_byte_buffer_destroy(message->buffer);
	free(message);
}

static void send_more(pyr__rpc *rpc)
{
	if (rpc->sending || rpc->closed || rpc->over || (!rpc->first && !rpc->closing))
		return;
	grpc_op ops[2 * PYR__RPC_OPS + 1];
	memset(ops, 0, sizeof ops);
	size_t count = 0;
	if (!rpc->send_begun)
		count = rpc->side->begin_sending(rpc, ops);
	size_t messages = message_op(rpc, ops + count);
	count += messages;
	bool last = rpc->closing && (!rpc->first || !rpc->first->next);
	if (last)
		count += rpc->side->end_sending(rpc, ops + count);
	rpc->send_begun = true;
	rpc->closed = last;
	rpc->sending = pyr__rpc_batch(rpc, &rpc->send_op, ops, count);
	if (messages)
		take_first(rpc);
	if (!rpc->sending) {
		rpc->queued -= rpc->sending_cost;
		rpc->sending_cost = 0;
		pyr__rpc_abort(rpc);
	}
}

static void on_sent(pyr__op *op, bool ok)
{
	pyr__rpc *rpc = PYR__OWNER(op, pyr__rpc, send_op);
	pyr__rpc_begin_done(rpc);
	rpc->sending = false;
	rpc->queued -= rpc->sending_cost;
	rpc->sending_cost = 0;
	if (!ok)
		drop_outgoing(rpc);
	send_more(rpc);
	rpc->side->sent(rpc);
	if (rpc->refused && rpc->queued < PYR__RPC_WINDOW / 2) {
		rpc->refused = false;
		rpc->side->writable(rpc);
	}
	pyr__rpc_end_done(rpc);
}

void pyr__rpc_queue(pyr__rpc *rpc, const pyr__body *body)
{
	pyr__outgoing *message = pyr__alloc(sizeof *message);
	message->next = NULL;
	message->cost = pyr__message_cost(body->size);
	message->flags = pyr__rpc_flags(rpc, body);
	message->buffer = pyr__message_encode(body);
	pyr__grpc_trace_message(rpc, '>', body->size);
	rpc->queued += message->cost;
	*rpc->last = message;
	rpc->last = &message->next;
}

pyr_status pyr__rpc_send(pyr__rpc *rpc, const pyr__body *body, pyr_error *err)
{
	if (rpc->queued >= PYR__RPC_WINDOW) {
		rpc->refused = true;
		pyr_error_set(err, PYR_RESOURCE_EXHAUSTED,
			"the send window is full: the reader is slower");
		if (err)
			err->would_block = true;
		return PYR_RESOURCE_EXHAUSTED;
	}
	pyr__rpc_queue(rpc, body);
	send_more(rpc);
	return PYR_OK;
}

void pyr__rpc_hold_back(pyr__rpc *rpc)
{
	rpc->sending = true;
}

void pyr__rpc_resume(pyr__rpc *rpc)
{
	rpc->sending = false;
	send_more(rpc);
}

void pyr__rpc_close(pyr__rpc *rpc)
{
	rpc->closing = true;
	send_more(rpc);
}

void pyr__rpc_abort(pyr__rpc *rpc)
{
	rpc->over = true;
	drop_outgoing(rpc);
}

/* Waiting */

static void init_waiter(pyr__rpc_waiter *self)
{
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&self->woken, &attributes);
	pthread_condattr_destroy(&attributes);
}

void pyr__rpc_wait(pyr__rpc *rpc, pyr__waiter **slot, bool (*met)(const void *arg), const void *arg,
	int64_t until_us)
{
	if (met(arg))
		return;
	pyr__rpc_waiter self;
	struct timespec until = {until_us / 1000000, until_us % 1000000 * 1000};
	init_waiter(&self);
	*slot = &self.waiter;
	while (!met(arg) && pyr__now_us() < until_us) {
		if (until_us == PYR__DEADLINE_NONE)
			pthread_cond_wait(&self.woken, &rpc->lock);
		else
			pthread_cond_timedwait(&self.woken, &rpc->lock, &until);
	}
	*slot = NULL;
	pthread_cond_destroy(&self.woken);
}
