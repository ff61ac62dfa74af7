/* SPDX-License-Identifier: Apache-2.0 */
/* How the calls that we make begin, and in which order. See outcall.h and channel.h. */
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "grpc/message.h"
#include "grpc/outcall.h"
#include "grpc/trace.h"

static const char not_taken[] = "gRPC does not take this call's method or metadata";

static gpr_timespec deadline_of(const pyr__outcall *outcall, const pyr__head *head)
{
	if (outcall)
		return pyr__core_time(outcall->deadline_us);
	if (head->timeout_us >= INT64_MAX / 2)
		return pyr__core_time(PYR__DEADLINE_NONE);
	return pyr__core_time(pyr__now_us() + (int64_t)head->timeout_us);
}

static grpc_call *new_core_call(pyr__out *c, const pyr__outcall *outcall, const pyr__head *head,
	grpc_completion_queue *queue)
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

static size_t send_ops(pyr__out *c, grpc_op *ops, const pyr__headers *headers,
	const pyr__request_body *r, bool end)
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

static void status_op(pyr__out *c, grpc_op *op)
{
	op->op = GRPC_OP_RECV_STATUS_ON_CLIENT;
	op->data.recv_status_on_client.trailing_metadata = &c->trailing;
	op->data.recv_status_on_client.status = &c->code;
	op->data.recv_status_on_client.status_details = &c->details;
}

static bool start_sending(
	pyr__out *c, const pyr__headers *headers, const pyr__request_body *r, bool end)
{
	grpc_op ops[3];
	memset(ops, 0, sizeof ops);
	size_t count = send_ops(c, ops, headers, r, end);
	c->opened = pyr__rpc_batch(&c->rpc, &c->open_op, ops, count);
	return c->opened;
}

/* The receiving half of a unary call's batch. */
static size_t whole_ops(pyr__out *c, grpc_op *ops)
{
	size_t count = pyr__out_begin_receiving(&c->rpc, ops);
	ops[count].op = GRPC_OP_RECV_MESSAGE;
	ops[count++].data.recv_message.recv_message = &c->rpc.incoming;
	status_op(c, &ops[count++]);
	return count;
}

static bool start_receiving(pyr__out *c, bool unary)
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

static bool start_whole(pyr__out *c, const pyr__headers *headers, const pyr__request_body *r)
{
	grpc_op ops[6];
	memset(ops, 0, sizeof ops);
	size_t count = send_ops(c, ops, headers, r, true);
	count += whole_ops(c, ops + count);
	return pyr__rpc_batch(&c->rpc, &c->whole_op, ops, count);
}

void pyr__out_drop_opening(pyr__out *c)
{
	if (!c->opening)
		return;
	pyr__headers_done(&c->opening->headers);
	if (c->opening->request.buffer)
		grpc_byte_buffer_destroy(c->opening->request.buffer);
	free(c->opening);
	c->opening = NULL;
}

static void keep_back(pyr__out *c, pyr__headers *headers, pyr__request_body *r, bool end)
{
	c->opening = pyr__alloc(sizeof *c->opening);
	pyr__headers_move(&c->opening->headers, headers);
	c->opening->request = *r;
	c->opening->end = end;
	r->buffer = NULL;
	pyr__rpc_hold_back(&c->rpc);
}

/* Lock held. False if core, or a shut in the meantime, does not let it begin. */
static bool start(pyr__out *c, bool unary, pyr__headers *headers, pyr__request_body *r, bool end)
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
static void send_opening(pyr__out *c)
{
	pthread_mutex_lock(&c->rpc.lock);
	pyr__opening *o = c->opening;
	if (!c->done && !start_sending(c, &o->headers, &o->request, o->end))
		pyr__out_end(c, PYR_INVALID_ARGUMENT, not_taken);
	pyr__out_drop_opening(c);
	pyr__rpc_resume(&c->rpc);
	pthread_mutex_unlock(&c->rpc.lock);
	pyr__rpc_unref(&c->rpc);
}

void pyr__out_send_kept_back(pyr__line *line)
{
	pyr__link *link;
	while ((link = pyr__line_next(line)) != NULL)
		send_opening(PYR__OWNER(link, pyr__out, later));
}

/* The queue that completes the call; a callback needs the loop as well. */
static pyr_status choose_queue(pyr__grpc_client *client, pyr__out *c, const pyr__outcall *outcall,
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

static pyr_status link_call(pyr__grpc_channel *channel, pyr__out *c, pyr_error *err)
{
	pthread_mutex_lock(&channel->lock);
	bool shut = channel->shut;
	if (!shut)
		pyr__list_append(&channel->calls, &c->link);
	pthread_mutex_unlock(&channel->lock);
	return shut ? pyr_error_set(err, PYR_CANCELLED, "the context has been freed") : PYR_OK;
}

/* Core, or a shut in the meantime, did not let the call begin. */
static pyr_status refused(const pyr__out *c, pyr_error *err)
{
	if (c->done)
		return pyr_error_set(err, PYR_CANCELLED, "the context has been freed");
	return pyr_error_set(err, PYR_INVALID_ARGUMENT, "%s", not_taken);
}

static pyr_status begin(pyr__out *c, pyr__grpc_channel *channel, pyr__outcall *outcall,
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
	pyr__request_body r = {NULL, 0};
	if (body)
		r = (pyr__request_body){pyr__message_encode(body), pyr__rpc_flags(&c->rpc, body)};
	pthread_mutex_lock(&c->rpc.lock);
	c->rpc.call = new_core_call(c, outcall, head, queue);
	c->outcall = outcall;
	c->request_size = body ? body->size : 0;
	pyr__grpc_trace_call(&c->rpc, channel->base.name, '>', head);
	if (body)
		pyr__grpc_trace_message(&c->rpc, '>', body->size);
	if (outcall) {
		outcall->ops = &pyr__out_ops;
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
		pyr__out_unlink(c);
		status = refused(c, err);
	}
	bool first = c->turn == PYR__TURN_FIRST;
	pthread_mutex_unlock(&c->rpc.lock);
	if (!started && first && !c->opened)
		pyr__out_send_kept_back(c->line);
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
	pyr__out *c = pyr__out_new(line, channel->client);
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
