/* SPDX-License-Identifier: Apache-2.0 */
/* The calls that we make: how they go on and end. See outcall.h. */
#include "grpc/outcall.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "grpc/final.h"
#include "grpc/message.h"
#include "grpc/trace.h"

static pyr__out *call_of(const pyr__outcall *outcall)
{
	return outcall->carrier;
}

static pyr__out *of_rpc(pyr__rpc *rpc)
{
	return PYR__OWNER(rpc, pyr__out, rpc);
}

static void notify(pyr__out *c)
{
	pyr__outcall *outcall = c->outcall;
	if (!outcall)
		return;
	pyr__rpc_wake(outcall->waiters);
	if (!outcall->unary || outcall->over)
		pyr__client_ready(c->client, outcall);
}

/* Over: lock held */

void pyr__out_unlink(pyr__out *c)
{
	pthread_mutex_lock(&c->line->home->lock);
	pyr__list_remove(&c->link);
	pthread_mutex_unlock(&c->line->home->lock);
}

static void complete(pyr__out *c, const pyr__final *final)
{
	pyr__outcall *outcall = c->outcall;
	c->done = true;
	pyr__rpc_abort(&c->rpc);
	pyr__out_unlink(c);
	if (!outcall)
		return;
	outcall->over = true;
	outcall->outcome.status = final->status;
	outcall->outcome.executed = final->executed;
	if (final->status != PYR_OK || final->metadata.size)
		outcall->outcome.final = pyr__final_copy(final);
	notify(c);
}

/* Ends the call from our side. */
void pyr__out_end(pyr__out *c, pyr_status status, const char *message)
{
	pyr__final final = {
		.status = status,
		.executed = PYR_EXECUTED_MAYBE,
		.message = {message, strlen(message)},
	};
	if (c->rpc.call)
		grpc_call_cancel_with_status(c->rpc.call, (grpc_status_code)status, message, NULL);
	pyr__grpc_trace_final(&c->rpc, '>', &final);
	complete(c, &final);
}

static bool is(pyr__text text, const char *words)
{
	return text.size == strlen(words) && memcmp(text.data, words, text.size) == 0;
}

/* Says it as the other transports do where core has words of its own. */
static void reword(pyr__out *c, pyr__final *final, char *buf, size_t size)
{
	const char *name = c->line->home->base.name;
	if (final->status == PYR_DEADLINE_EXCEEDED && is(final->message, "Deadline Exceeded")) {
		snprintf(buf, size, "the deadline passed before the answer came");
	} else if (pyr__final_is_unconnected(final)) {
		snprintf(buf, size, "cannot connect to %s: %.*s", name, (int) final->message.size,
			final->message.data);
		pyr__line_failed(c->line);
	} else if (pyr__final_is_broken(final)) {
		/* core is slow to see that there is no connection any more, and fails more calls */
		snprintf(buf, size, "the connection to %s broke: %.*s", name,
			(int) final->message.size, final->message.data);
		pyr__line_failed(c->line);
	} else {
		return;
	}
	final->message = (pyr__text){buf, strlen(buf)};
}

/* Core has said how it ended. */
static void conclude(pyr__out *c)
{
	char words[PYR_ERROR_MESSAGE_MAX + 128];
	pyr__header_block block;
	pyr__final final;
	if (c->done)
		return;
	pyr__final_read(c->code, &c->details, &c->initial, &c->trailing, &block, &final);
	if (final.status == PYR_RESOURCE_EXHAUSTED && c->outcall && c->outcall->unary)
		pyr__final_judge_limit(&final, c->request_size, c->client->options.message_max);
	if (final.status)
		reword(c, &final, words, sizeof words);
	pyr__grpc_trace_final(&c->rpc, '<', &final);
	complete(c, &final);
	pyr__header_block_done(&block);
}

/* Batches that have come back */

static void keep_reply(pyr__out *c)
{
	grpc_byte_buffer *buffer = c->rpc.incoming;
	c->rpc.incoming = NULL;
	pyr_error err;
	pyr_status status = PYR_OK;
	if (buffer)
		pyr__grpc_trace_message(&c->rpc, '<', grpc_byte_buffer_length(buffer));
	if (buffer && c->rpc.inbox)
		status = pyr__message_keep(buffer, c->rpc.inbox, c->rpc.message_max, NULL, &err);
	else if (buffer)
		grpc_byte_buffer_destroy(buffer);
	else if (c->code == GRPC_STATUS_OK)
		status = pyr_error_set(&err, PYR_INTERNAL, "the answer has no message");
	if (status == PYR_OK)
		return;
	c->code = (grpc_status_code)status;
	grpc_slice_unref(c->details);
	c->details = grpc_slice_from_copied_string(err.message);
}

static void on_whole(pyr__op *op, bool ok)
{
	(void)ok; /* a batch with the status in it always succeeds */
	pyr__out *c = PYR__OWNER(op, pyr__out, whole_op);
	pyr__rpc_begin_done(&c->rpc);
	keep_reply(c);
	conclude(c);
	pyr__rpc_end_done(&c->rpc);
}

static void on_open(pyr__op *op, bool ok)
{
	(void)ok; /* if not, the status says why */
	pyr__out *c = PYR__OWNER(op, pyr__out, open_op);
	if (c->turn == PYR__TURN_FIRST)
		pyr__out_send_kept_back(c->line);
	pyr__rpc_begin_done(&c->rpc);
	pyr__rpc_end_done(&c->rpc);
}

static void on_status(pyr__op *op, bool ok)
{
	(void)ok;
	pyr__out *c = PYR__OWNER(op, pyr__out, status_op);
	pyr__rpc_begin_done(&c->rpc);
	c->status_in = true;
	if (!c->rpc.receiving)
		conclude(c);
	pyr__rpc_end_done(&c->rpc);
}

/* The side of an rpc */

size_t pyr__out_begin_receiving(pyr__rpc *rpc, grpc_op *ops)
{
	ops[0].op = GRPC_OP_RECV_INITIAL_METADATA;
	ops[0].data.recv_initial_metadata.recv_initial_metadata = &of_rpc(rpc)->initial;
	return 1;
}

static size_t begin_sending(pyr__rpc *rpc, grpc_op *ops)
{
	(void)rpc;
	(void)ops;
	return 0; /* the headers went with open_op */
}

static size_t end_sending(pyr__rpc *rpc, grpc_op *ops)
{
	(void)rpc;
	ops[0].op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
	return 1;
}

static void received(pyr__rpc *rpc)
{
	pyr__out *c = of_rpc(rpc);
	if (c->status_in)
		conclude(c);
	else
		pyr__rpc_receive(rpc);
	if (!rpc->ended)
		notify(c);
}

static void writable(pyr__rpc *rpc)
{
	pyr__out *c = of_rpc(rpc);
	if (!c->outcall)
		return;
	c->outcall->writable = true;
	notify(c);
}

static void nothing(pyr__rpc *rpc)
{
	(void)rpc;
}

static void free_call(pyr__rpc *rpc)
{
	pyr__out *c = of_rpc(rpc);
	pyr__out_drop_opening(c);
	if (rpc->incoming)
		grpc_byte_buffer_destroy(rpc->incoming);
	grpc_slice_unref(c->details);
	grpc_metadata_array_destroy(&c->initial);
	grpc_metadata_array_destroy(&c->trailing);
	pyr__line_unref(c->line);
	free(c);
}

static const pyr__rpc_side side = {
	.begin_receiving = pyr__out_begin_receiving,
	.begin_sending = begin_sending,
	.end_sending = end_sending,
	.received = received,
	.writable = writable,
	.sent = nothing,
	.idle = nothing,
	.free = free_call,
};

pyr__out *pyr__out_new(pyr__line *line, pyr__grpc_client *client)
{
	pyr__out *c = pyr__alloc(sizeof *c);
	memset(&c->line, 0, sizeof *c - offsetof(pyr__out, line));
	pyr__rpc_init(&c->rpc, &side, NULL);
	c->rpc.message_max = client->options.message_max;
	c->rpc.compress_from = client->options.compress_from;
	c->line = line;
	c->client = client;
	c->whole_op.done = on_whole;
	c->open_op.done = on_open;
	c->status_op.done = on_status;
	c->details = grpc_empty_slice();
	grpc_metadata_array_init(&c->initial);
	grpc_metadata_array_init(&c->trailing);
	pyr__list_init(&c->link);
	pyr__list_init(&c->later);
	return c;
}

/* Ends every call of a channel. */
void pyr__outcall_shut_all(pyr__grpc_channel *channel)
{
	for (;;) {
		pthread_mutex_lock(&channel->lock);
		pyr__out *c = NULL;
		if (!pyr__list_empty(&channel->calls)) {
			c = PYR__OWNER(channel->calls.next, pyr__out, link);
			pyr__rpc_ref(&c->rpc);
		}
		pthread_mutex_unlock(&channel->lock);
		if (!c)
			return;
		pthread_mutex_lock(&c->rpc.lock);
		if (!c->done)
			pyr__out_end(c, PYR_CANCELLED, "the context was freed");
		pthread_mutex_unlock(&c->rpc.lock);
		pyr__rpc_unref(&c->rpc);
	}
}

/* The operations of an outcall */

static bool is_readable(const void *arg)
{
	const pyr__outcall *outcall = arg;
	return outcall->over || (outcall->inbox.first && !outcall->unary);
}

static bool is_writable(const void *arg)
{
	const pyr__outcall *outcall = arg;
	return outcall->over || outcall->writable;
}

static void pluck(pyr__out *c, int64_t until_us)
{
	if (c->plucked)
		return;
	grpc_event event =
		grpc_completion_queue_pluck(c->pluck, &c->whole_op, pyr__core_time(until_us), NULL);
	if (event.type != GRPC_OP_COMPLETE)
		return;
	c->plucked = true;
	on_whole(&c->whole_op, true);
	if (c->opened && c->pluck) { /* it is over, so that nobody opens it any more */
		grpc_completion_queue_pluck(
			c->pluck, &c->open_op, pyr__core_time(PYR__DEADLINE_NONE), NULL);
		on_open(&c->open_op, true);
	}
}

static void out_wait(pyr__outcall *outcall, pyr__direction what, int64_t until_us)
{
	pyr__out *c = call_of(outcall);
	if (c->pluck) {
		pluck(c, until_us);
		return;
	}
	pthread_mutex_lock(&c->rpc.lock);
	pyr__rpc_wait(&c->rpc, &outcall->waiters[what],
		what == PYR__READ ? is_readable : is_writable, outcall, until_us);
	pthread_mutex_unlock(&c->rpc.lock);
}

static pyr__message *out_take(pyr__outcall *outcall)
{
	pyr__out *c = call_of(outcall);
	pthread_mutex_lock(&c->rpc.lock);
	pyr__message *message = pyr__inbox_take(&outcall->inbox);
	pthread_mutex_unlock(&c->rpc.lock);
	return message;
}

static void out_release(pyr__outcall *outcall, pyr__message *message)
{
	pyr__out *c = call_of(outcall);
	pthread_mutex_lock(&c->rpc.lock);
	uint32_t cost = message->cost;
	pyr__message_free(&outcall->inbox, message);
	if (cost)
		pyr__rpc_release(&c->rpc, cost);
	pthread_mutex_unlock(&c->rpc.lock);
}

static bool out_is_over(pyr__outcall *outcall)
{
	pyr__out *c = call_of(outcall);
	pthread_mutex_lock(&c->rpc.lock);
	bool over = outcall->over;
	pthread_mutex_unlock(&c->rpc.lock);
	return over;
}

static bool out_over(pyr__outcall *outcall, pyr__outcome *ret_outcome)
{
	pyr__out *c = call_of(outcall);
	pthread_mutex_lock(&c->rpc.lock);
	bool over = outcall->over && !outcall->inbox.first;
	if (over) {
		*ret_outcome = outcall->outcome;
		outcall->outcome.final = NULL;
	}
	pthread_mutex_unlock(&c->rpc.lock);
	return over;
}

/* Lock held. */
static pyr_status check_open(const pyr__out *c, pyr_error *err)
{
	if (c->done)
		return pyr_error_set(err, PYR_CANCELLED, "the stream is over");
	if (c->rpc.closing || c->rpc.closed)
		return pyr_error_set(err, PYR_FAILED_PRECONDITION,
			"nothing can be sent after the end of the messages");
	return PYR_OK;
}

static pyr_status out_send(pyr__outcall *outcall, const pyr__body *body, bool end, pyr_error *err)
{
	pyr__out *c = call_of(outcall);
	pthread_mutex_lock(&c->rpc.lock);
	outcall->writable = false;
	pyr_status status = check_open(c, err);
	if (status == PYR_OK)
		status = pyr__rpc_send(&c->rpc, body, err);
	if (status == PYR_OK && end)
		pyr__rpc_close(&c->rpc);
	pthread_mutex_unlock(&c->rpc.lock);
	return status;
}

static pyr_status out_end(pyr__outcall *outcall, pyr_error *err)
{
	pyr__out *c = call_of(outcall);
	pthread_mutex_lock(&c->rpc.lock);
	pyr_status status = check_open(c, err);
	if (status == PYR_OK)
		pyr__rpc_close(&c->rpc);
	pthread_mutex_unlock(&c->rpc.lock);
	return status;
}

static void out_cancel(pyr__outcall *outcall, pyr_status status, const char *message)
{
	pyr__out *c = call_of(outcall);
	pthread_mutex_lock(&c->rpc.lock);
	if (!c->done)
		pyr__out_end(c, status, message);
	pthread_mutex_unlock(&c->rpc.lock);
}

static void out_observe(pyr__outcall *outcall, void (*ready)(pyr__outcall *call))
{
	pyr__out *c = call_of(outcall);
	if (ready) {
		pyr_status status = pyr__services->loop_start(c->client->options.loop, NULL);
		(void)status; /* without a thread nothing is delivered; next says what was wrong */
	}
	pyr__client_observe(c->client, outcall, ready);
	pthread_mutex_lock(&c->rpc.lock);
	if (ready && (outcall->inbox.first || outcall->over || outcall->writable))
		notify(c);
	pthread_mutex_unlock(&c->rpc.lock);
}

static void out_done(pyr__outcall *outcall)
{
	pyr__out *c = call_of(outcall);
	pyr__client_forget(c->client, outcall);
	pthread_mutex_lock(&c->rpc.lock);
	if (!c->done)
		pyr__out_end(c, PYR_CANCELLED, "the call was abandoned");
	c->outcall = NULL;
	c->rpc.inbox = NULL;
	c->rpc.kept = false;
	pyr__rpc_settle(&c->rpc);
	pthread_mutex_unlock(&c->rpc.lock);
	if (c->pluck) {
		pluck(c, PYR__DEADLINE_NONE); /* a cancelled batch comes back soon */
		pyr__client_give_pluck(c->client, c->pluck);
	}
	pyr__inbox_clear(&outcall->inbox);
	pyr__outcome_done(&outcall->outcome);
	pyr__rpc_unref(&c->rpc);
}

const pyr__outcall_ops pyr__out_ops = {
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
