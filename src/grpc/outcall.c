/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls that we make.
 *
 * A unary call is one batch, a stream several:
 *
 *   unary    whole_op    headers, request, half-close; headers, reply, status
 *   stream   open_op     headers, and the request with the half-close if there is but one
 *            status_op   status
 *            and what rpc.c sends and receives
 *
 * While a line keeps calls back (see channel.h), a unary call's batch is two: open_op sends, and
 * whole_op receives, so that it can be cancelled, and its deadline can pass, before it is sent.
 *
 * A thread that waits for a unary call plucks its batch from a queue of its own. What ends in a
 * callback is completed on the loop, all others on the poller's thread.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "grpc/channel.h"
#include "grpc/final.h"
#include "grpc/headers.h"
#include "grpc/message.h"
#include "grpc/rpc.h"

/* A request that is to be sent. */
typedef struct request {
	grpc_byte_buffer *buffer; /* or NULL */
	uint32_t flags;
} request;

/* What a call that is kept back opens with. */
typedef struct opening {
	pyr__headers headers;
	request request;
	bool end;
} opening;

typedef struct call {
	pyr__rpc rpc;
	pyr__line *line;
	pyr__grpc_client *client;
	grpc_completion_queue *pluck; /* NULL: the poller's */
	bool plucked;                 /* the waiting thread's */
	bool waits;                   /* for a server that is not there yet */
	pyr__op whole_op, open_op, status_op;
	grpc_metadata_array initial, trailing;
	grpc_status_code code;
	grpc_slice details;
	size_t request_size; /* of a unary call */
	pyr__turn turn;

	/* guarded by the lock */
	pyr__outcall *outcall; /* NULL: nobody asks for the outcome any more */
	pyr__link link;        /* among the channel's calls, until it is over */
	pyr__link later;  /* among those that its line keeps back; guarded by the home's lock */
	opening *opening; /* not NULL: it is kept back */
	bool opened;      /* open_op has been started */
	bool status_in;
	bool done; /* it is over, in whatever way */
} call;

static const pyr__outcall_ops outcall_ops;

static void send_kept_back(pyr__line *line);

static const char not_taken[] = "gRPC does not take this call's method or metadata";

static call *call_of(const pyr__outcall *outcall)
{
	return outcall->carrier;
}

static call *of_rpc(pyr__rpc *rpc)
{
	return PYR__OWNER(rpc, call, rpc);
}

static void notify(call *c)
{
	pyr__outcall *outcall = c->outcall;
	if (!outcall)
		return;
	pyr__rpc_wake(outcall->waiters);
	if (!outcall->unary || outcall->over)
		pyr__client_ready(c->client, outcall);
}

/* Over: lock held */

static void unlink_call(call *c)
{
	pthread_mutex_lock(&c->line->home->lock);
	pyr__list_remove(&c->link);
	pthread_mutex_unlock(&c->line->home->lock);
}

static void complete(call *c, const pyr__final *final)
{
	pyr__outcall *outcall = c->outcall;
	c->done = true;
	pyr__rpc_abort(&c->rpc);
	unlink_call(c);
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
static void end_here(call *c, pyr_status status, const char *message)
{
	pyr__final final = {
		.status = status,
		.executed = PYR_EXECUTED_MAYBE,
		.message = {message, strlen(message)},
	};
	if (c->rpc.call)
		grpc_call_cancel_with_status(c->rpc.call, (grpc_status_code)status, message, NULL);
	complete(c, &final);
}

static bool is(pyr__text text, const char *words)
{
	return text.size == strlen(words) && memcmp(text.data, words, text.size) == 0;
}

/* Says it as the other transports do where core has words of its own. */
static void reword(call *c, pyr__final *final, char *buf, size_t size)
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
static void conclude(call *c)
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
	complete(c, &final);
	pyr__header_block_done(&block);
}

/* Batches that have come back */

static void keep_reply(call *c)
{
	grpc_byte_buffer *buffer = c->rpc.incoming;
	c->rpc.incoming = NULL;
	pyr_error err;
	pyr_status status = PYR_OK;
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
	call *c = PYR__OWNER(op, call, whole_op);
	pyr__rpc_begin_done(&c->rpc);
	keep_reply(c);
	conclude(c);
	pyr__rpc_end_done(&c->rpc);
}

static void on_open(pyr__op *op, bool ok)
{
	(void)ok; /* if not, the status says why */
	call *c = PYR__OWNER(op, call, open_op);
	if (c->turn == PYR__TURN_FIRST)
		send_kept_back(c->line);
	pyr__rpc_begin_done(&c->rpc);
	pyr__rpc_end_done(&c->rpc);
}

static void on_status(pyr__op *op, bool ok)
{
	(void)ok;
	call *c = PYR__OWNER(op, call, status_op);
	pyr__rpc_begin_done(&c->rpc);
	c->status_in = true;
	if (!c->rpc.receiving)
		conclude(c);
	pyr__rpc_end_done(&c->rpc);
}

/* The side of an rpc */

static size_t begin_receiving(pyr__rpc *rpc, grpc_op *ops)
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
	call *c = of_rpc(rpc);
	if (c->status_in)
		conclude(c);
	else
		pyr__rpc_receive(rpc);
	if (!rpc->ended)
		notify(c);
}

static void writable(pyr__rpc *rpc)
{
	call *c = of_rpc(rpc);
	if (!c->outcall)
		return;
	c->outcall->writable = true;
	notify(c);
}

static void nothing(pyr__rpc *rpc)
{
	(void)rpc;
}

static void drop_opening(call *c)
{
	if (!c->opening)
		return;
	pyr__headers_done(&c->opening->headers);
	if (c->opening->request.buffer)
		grpc_byte_buffer_destroy(c->opening->request.buffer);
	free(c->opening);
	c->opening = NULL;
}

static void free_call(pyr__rpc *rpc)
{
	call *c = of_rpc(rpc);
	drop_opening(c);
	if (rpc->incoming)
		grpc_byte_buffer_destroy(rpc->incoming);
	grpc_slice_unref(c->details);
	grpc_metadata_array_destroy(&c->initial);
	grpc_metadata_array_destroy(&c->trailing);
	pyr__line_unref(c->line);
	free(c);
}

static const pyr__rpc_side side = {
	.begin_receiving = begin_receiving,
	.begin_sending = begin_sending,
	.end_sending = end_sending,
	.received = received,
	.writable = writable,
	.sent = nothing,
	.idle = nothing,
	.free = free_call,
};

/* Starting */

static gpr_timespec deadline_of(const pyr__outcall *outcall, const pyr__head *head)
{
	if (outcall)
		return pyr__core_time(outcall->deadline_us);
	if (head->timeout_us >= INT64_MAX / 2)
		return pyr__core_time(PYR__DEADLINE_NONE);
	return pyr__core_time(pyr__now_us() + (int64_t)head->timeout_us);
}

static grpc_call *new_core_call(
	call *c, const pyr__outcall *outcall, const pyr__head *head, grpc_completion_queue *queue)
{
	gpr_timespec deadline = deadline_of(outcall, head);
	void *handle = NULL;
	if (head->method_key)
		handle = pyr__line_method(c->line, head->method_key, head->method);
	if (handle)
		return grpc_channel_create_registered_call(c->line->core, NULL,
			GRPC_PROPAGATE_DEFAULTS, queue, handle, deadline, NULL);
	grpc_slice path = grpc_slice_malloc(head->method.size + 1);
	GRPC_SLICE_START_PTR(path)[0] = '/';
	memcpy(GRPC_SLICE_START_PTR(path) + 1, head->method.data, head->method.size);
	grpc_call *made = grpc_channel_create_call(
		c->line->core, NULL, GRPC_PROPAGATE_DEFAULTS, queue, path, NULL, deadline, NULL);
	grpc_slice_unref(path);
	return made;
}

static size_t send_ops(
	call *c, grpc_op *ops, const pyr__headers *headers, const request *r, bool end)
{
	size_t count = 0;
	ops[count].op = GRPC_OP_SEND_INITIAL_METADATA;
	if (c->waits)
		ops[count].flags = GRPC_INITIAL_METADATA_WAIT_FOR_READY |
				   GRPC_INITIAL_METADATA_WAIT_FOR_READY_EXPLICITLY_SET;
	ops[count].data.send_initial_metadata.count = headers->count;
	ops[count++].data.send_initial_metadata.metadata = headers->items;
	if (r->buffer) {
		ops[count].op = GRPC_OP_SEND_MESSAGE;
		ops[count].flags = r->flags;
		ops[count++].data.send_message.send_message = r->buffer;
	}
	if (end)
		ops[count++].op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
	return count;
}

static void status_op(call *c, grpc_op *op)
{
	op->op = GRPC_OP_RECV_STATUS_ON_CLIENT;
	op->data.recv_status_on_client.trailing_metadata = &c->trailing;
	op->data.recv_status_on_client.status = &c->code;
	op->data.recv_status_on_client.status_details = &c->details;
}

static bool start_sending(call *c, const pyr__headers *headers, const request *r, bool end)
{
	grpc_op ops[3];
	memset(ops, 0, sizeof ops);
	size_t count = send_ops(c, ops, headers, r, end);
	c->opened = pyr__rpc_batch(&c->rpc, &c->open_op, ops, count);
	return c->opened;
}

/* The receiving half of a unary call's batch. */
static size_t whole_ops(call *c, grpc_op *ops)
{
	size_t count = begin_receiving(&c->rpc, ops);
	ops[count].op = GRPC_OP_RECV_MESSAGE;
	ops[count++].data.recv_message.recv_message = &c->rpc.incoming;
	status_op(c, &ops[count++]);
	return count;
}

static bool start_receiving(call *c, bool unary)
{
	grpc_op ops[3];
	memset(ops, 0, sizeof ops);
	if (unary)
		return pyr__rpc_batch(&c->rpc, &c->whole_op, ops, whole_ops(c, ops));
	status_op(c, ops);
	if (!pyr__rpc_batch(&c->rpc, &c->status_op, ops, 1))
		return false;
	pyr__rpc_receive(&c->rpc);
	return true;
}

static bool start_whole(call *c, const pyr__headers *headers, const request *r)
{
	grpc_op ops[6];
	memset(ops, 0, sizeof ops);
	size_t count = send_ops(c, ops, headers, r, true);
	count += whole_ops(c, ops + count);
	return pyr__rpc_batch(&c->rpc, &c->whole_op, ops, count);
}

static void keep_back(call *c, pyr__headers *headers, request *r, bool end)
{
	c->opening = pyr__alloc(sizeof *c->opening);
	pyr__headers_move(&c->opening->headers, headers);
	c->opening->request = *r;
	c->opening->end = end;
	r->buffer = NULL;
	pyr__rpc_hold_back(&c->rpc);
}

/* Lock held. False if core, or a shut in the meantime, does not let it begin. */
static bool start(call *c, bool unary, pyr__headers *headers, request *r, bool end)
{
	c->rpc.send_begun = true;
	c->rpc.closed = end;
	if (c->rpc.over)
		return false;
	bool oneway = !c->outcall;
	c->turn = pyr__line_turn(c->line, oneway, &c->later);
	if (c->turn == PYR__TURN_NOW && unary)
		return start_whole(c, headers, r);
	if (c->turn != PYR__TURN_LATER)
		return start_sending(c, headers, r, end) && start_receiving(c, unary);
	keep_back(c, headers, r, end);
	pyr__rpc_ref(&c->rpc); /* until it is taken off the list */
	return start_receiving(c, unary);
}

/* Its turn has come. */
static void send_opening(call *c)
{
	pthread_mutex_lock(&c->rpc.lock);
	opening *o = c->opening;
	if (!c->done && !start_sending(c, &o->headers, &o->request, o->end))
		end_here(c, PYR_INVALID_ARGUMENT, not_taken);
	drop_opening(c);
	pyr__rpc_resume(&c->rpc);
	pthread_mutex_unlock(&c->rpc.lock);
	pyr__rpc_unref(&c->rpc);
}

static void send_kept_back(pyr__line *line)
{
	pyr__link *link;
	while ((link = pyr__line_next(line)) != NULL)
		send_opening(PYR__OWNER(link, call, later));
}

static call *new_call(pyr__line *line, pyr__grpc_client *client)
{
	call *c = pyr__alloc(sizeof *c);
	memset(&c->line, 0, sizeof *c - offsetof(call, line));
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

/* The queue that completes the call; a callback needs the loop as well. */
static pyr_status choose_queue(pyr__grpc_client *client, call *c, const pyr__outcall *outcall,
	grpc_completion_queue **ret_queue, pyr_error *err)
{
	if (outcall && outcall->unary && !outcall->ready) {
		*ret_queue = c->pluck = pyr__client_take_pluck(client);
		return PYR_OK;
	}
	if (!outcall || !outcall->ready)
		return pyr__client_queue(client, PYR__BY_THREAD, ret_queue, err);
	pyr_status status = pyr__services->loop_start(client->options.loop, err);
	if (status == PYR_OK)
		status = pyr__client_queue(client, PYR__BY_LOOP, ret_queue, err);
	return status;
}

static pyr_status link_call(pyr__grpc_channel *channel, call *c, pyr_error *err)
{
	pthread_mutex_lock(&channel->lock);
	bool shut = channel->shut;
	if (!shut)
		pyr__list_append(&channel->calls, &c->link);
	pthread_mutex_unlock(&channel->lock);
	return shut ? pyr_error_set(err, PYR_CANCELLED, "the context has been freed") : PYR_OK;
}

/* Core, or a shut in the meantime, did not let the call begin. */
static pyr_status refused(const call *c, pyr_error *err)
{
	if (c->done)
		return pyr_error_set(err, PYR_CANCELLED, "the context has been freed");
	return pyr_error_set(err, PYR_INVALID_ARGUMENT, "%s", not_taken);
}

static pyr_status begin(call *c, pyr__grpc_channel *channel, pyr__outcall *outcall,
	const pyr__head *head, pyr__headers *headers, const pyr__body *body, bool end,
	pyr_error *err)
{
	grpc_completion_queue *queue;
	pyr_status status = choose_queue(channel->client, c, outcall, &queue, err);
	if (status == PYR_OK)
		status = link_call(channel, c, err);
	if (status)
		return status;
	bool unary = !outcall || outcall->unary;
	request r = {NULL, 0};
	if (body)
		r = (request){pyr__message_encode(body), pyr__rpc_flags(&c->rpc, body)};
	pthread_mutex_lock(&c->rpc.lock);
	c->rpc.call = new_core_call(c, outcall, head, queue);
	c->outcall = outcall;
	c->request_size = body ? body->size : 0;
	if (outcall) {
		outcall->ops = &outcall_ops;
		outcall->carrier = c;
		c->rpc.inbox = &outcall->inbox;
		/*
		 * Until it is done with, when its successor exists already: to give back many calls
		 * and then make many lets malloc return memory to the system and fetch it again.
		 */
		c->rpc.kept = true;
	}
	bool started = start(c, unary, headers, &r, end);
	if (!started) {
		c->outcall = NULL;
		if (outcall)
			outcall->ops = NULL;
		pyr__rpc_abort(&c->rpc);
		unlink_call(c);
		status = refused(c, err);
	}
	bool first = c->turn == PYR__TURN_FIRST;
	pthread_mutex_unlock(&c->rpc.lock);
	if (!started && first && !c->opened)
		send_kept_back(c->line);
	if (r.buffer)
		grpc_byte_buffer_destroy(r.buffer);
	return status;
}

pyr_status pyr__outcall_start(pyr__grpc_channel *channel, pyr__outcall *outcall,
	const pyr__head *head, const pyr__body *body, bool end, pyr_error *err)
{
	pyr__line *line;
	pyr__headers headers;
	pyr_status status = pyr__channel_line(channel, &line, err);
	if (status)
		return status;
	call *c = new_call(line, channel->client);
	c->waits = head->wait_for_ready;
	pyr__headers_init(&headers);
	if (head->object.size)
		pyr__headers_add_object(&headers, head->object);
	if (head->correlation.size)
		pyr__headers_add(&headers, PYR__HEADER_CORRELATION, head->correlation);
	if (channel->authorization)
		pyr__headers_add(&headers, PYR__HEADER_AUTHORIZATION,
			(pyr__text){channel->authorization, strlen(channel->authorization)});
	status = pyr__headers_add_block(&headers, head->metadata, err);
	if (status == PYR_OK && pyr__headers_size(&headers) > channel->client->options.metadata_max)
		status = pyr_error_set(
			err, PYR_RESOURCE_EXHAUSTED, "the metadata is longer than gRPC takes");
	if (status == PYR_OK)
		status = begin(c, channel, outcall, head, &headers, body, end, err);
	pyr__headers_done(&headers);
	if (status || !outcall) {
		if (c->pluck)
			pyr__client_give_pluck(c->client, c->pluck);
		pyr__rpc_unref(&c->rpc); /* a oneway call's batch keeps it */
	}
	return status;
}

/* Ends every call of a channel. */
void pyr__outcall_shut_all(pyr__grpc_channel *channel)
{
	for (;;) {
		pthread_mutex_lock(&channel->lock);
		call *c = NULL;
		if (!pyr__list_empty(&channel->calls)) {
			c = PYR__OWNER(channel->calls.next, call, link);
			pyr__rpc_ref(&c->rpc);
		}
		pthread_mutex_unlock(&channel->lock);
		if (!c)
			return;
		pthread_mutex_lock(&c->rpc.lock);
		if (!c->done)
			end_here(c, PYR_CANCELLED, "the context was freed");
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

static void pluck(call *c, int64_t until_us)
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
	call *c = call_of(outcall);
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
	call *c = call_of(outcall);
	pthread_mutex_lock(&c->rpc.lock);
	pyr__message *message = pyr__inbox_take(&outcall->inbox);
	pthread_mutex_unlock(&c->rpc.lock);
	return message;
}

static void out_release(pyr__outcall *outcall, pyr__message *message)
{
	call *c = call_of(outcall);
	pthread_mutex_lock(&c->rpc.lock);
	uint32_t cost = message->cost;
	pyr__message_free(&outcall->inbox, message);
	if (cost)
		pyr__rpc_release(&c->rpc, cost);
	pthread_mutex_unlock(&c->rpc.lock);
}

static bool out_is_over(pyr__outcall *outcall)
{
	call *c = call_of(outcall);
	pthread_mutex_lock(&c->rpc.lock);
	bool over = outcall->over;
	pthread_mutex_unlock(&c->rpc.lock);
	return over;
}

static bool out_over(pyr__outcall *outcall, pyr__outcome *ret_outcome)
{
	call *c = call_of(outcall);
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
static pyr_status check_open(const call *c, pyr_error *err)
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
	call *c = call_of(outcall);
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
	call *c = call_of(outcall);
	pthread_mutex_lock(&c->rpc.lock);
	pyr_status status = check_open(c, err);
	if (status == PYR_OK)
		pyr__rpc_close(&c->rpc);
	pthread_mutex_unlock(&c->rpc.lock);
	return status;
}

static void out_cancel(pyr__outcall *outcall, pyr_status status, const char *message)
{
	call *c = call_of(outcall);
	pthread_mutex_lock(&c->rpc.lock);
	if (!c->done)
		end_here(c, status, message);
	pthread_mutex_unlock(&c->rpc.lock);
}

static void out_observe(pyr__outcall *outcall, void (*ready)(pyr__outcall *call))
{
	call *c = call_of(outcall);
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
	call *c = call_of(outcall);
	pyr__client_forget(c->client, outcall);
	pthread_mutex_lock(&c->rpc.lock);
	if (!c->done)
		end_here(c, PYR_CANCELLED, "the call was abandoned");
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
