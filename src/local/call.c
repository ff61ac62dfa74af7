/* SPDX-License-Identifier: Apache-2.0 */
/* One local call: what both of its halves have in common. */
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/recycle.h"
#include "base/refs.h"
#include "local/local_private.h"

pyr_status pyr__local_pack(const pyr__body *body, pyr__local_parcel *ret_parcel, pyr_error *err)
{
	pyr__payload *payload = &ret_parcel->payload;
	uint8_t *to = ret_parcel->room;
	*payload = (pyr__payload){to, body ? body->size : 0, NULL};
	if (payload->size > sizeof ret_parcel->room) {
		payload->block = pyr__block_new(payload->size);
		if (!payload->block)
			return pyr_error_set(
				err, PYR_RESOURCE_EXHAUSTED, "no memory for the message");
		payload->data = to = payload->block->data;
	}
	if (body)
		pyr__body_write(body, to);
	return PYR_OK;
}

void pyr__local_unpack(pyr__local_parcel *parcel)
{
	pyr__block_unref(parcel->payload.block);
}

static void run_ready(pyr__task *task)
{
	pyr__local_call *call = PYR__OWNER(task, pyr__local_call, ready_task);
	pyr__local_host *host = call->host;
	pyr__loop *loop = call->loop; /* lives: it runs this */
	pyr__loop_enter(loop);
	pyr__mutex_lock(&host->lock);
	pyr__outcall *out = call->out;
	void (*ready)(pyr__outcall *) = out && out->is_ready ? out->ready : NULL;
	if (out)
		out->is_ready = false;
	if (ready) {
		call->running = true;
		pyr__mutex_unlock(&host->lock);
		ready(out);
		pyr__mutex_lock(&host->lock);
		call->running = false;
		pyr__condition_tell(&host->quiet);
	}
	pyr__mutex_unlock(&host->lock);
	pyr__local_call_unref(call);
	pyr__loop_leave(loop);
}

pyr__local_call *pyr__local_call_new(pyr__local_host *host, pyr__incall *in)
{
	pyr__local_call *call = pyr__recycle_alloc(PYR__RECYCLED_LOCAL, sizeof *call);
	*call = (pyr__local_call){
		.refs = 1,
		.host = host,
		.in = in,
		.request_window = PYR__LOCAL_WINDOW,
		.reply_window = PYR__LOCAL_WINDOW,
		.ready_task.run = run_ready,
	};
	pyr__list_init(&call->link);
	return call;
}

void pyr__local_call_keep_host(pyr__local_call *call)
{
	if (!call->keeps_host)
		pyr__local_host_ref(call->host);
	call->keeps_host = true;
}

static void free_call(pyr__local_call *call)
{
	if (call->keeps_host)
		pyr__local_host_unref(call->host);
	pyr__recycle_free(PYR__RECYCLED_LOCAL, call);
}

void pyr__local_call_unref(pyr__local_call *call)
{
	if (pyr__refs_drop(&call->refs))
		free_call(call);
}

void pyr__local_call_settle(pyr__local_call *call, pyr__outcall *out)
{
	*call->settled = true;
	out->ops = &pyr__local_settled_ops;
	free_call(call);
}

void pyr__local_call_notify(pyr__local_call *call)
{
	pyr__outcall *out = call->out;
	pyr__local_wake(out->waiters);
	if (!out->ready || out->is_ready || (out->unary && !out->over))
		return;
	out->is_ready = true;
	pyr_status started = pyr__loop_start(call->loop, NULL);
	(void)started; /* without a thread the task waits; deadlines of callers still hold */
	pyr__refs_take(&call->refs);
	if (!pyr__loop_post(call->loop, &call->ready_task))
		pyr__local_call_unref(call); /* it waits already, with a reference */
}

void pyr__local_call_complete(pyr__local_call *call, const pyr__final *final)
{
	pyr__outcall *out = call->out;
	if (!out || out->over)
		return;
	out->over = true;
	out->outcome.status = final->status;
	out->outcome.executed = final->executed;
	if (final->status != PYR_OK || final->metadata.size)
		out->outcome.final = pyr__final_copy(final);
	pyr__local_call_notify(call);
}

/*
 * The caller gets what its servant has answered, even if the call was ended meanwhile: the answer
 * was there first, and has only not been seen.
 */
void pyr__local_call_publish(pyr__local_call *call)
{
	pyr__outcall *out = call->out;
	if (!call->answered)
		return;
	call->answered = false;
	if (call->in)
		call->in->finished = true;
	pyr__outcome_done(&out->outcome);
	out->over = true;
	out->outcome = call->answer;
}

void pyr__local_call_end(pyr__local_call *call, pyr_status status, const char *message)
{
	pyr__incall *in = call->in;
	bool fresh = in && (in->work & PYR__WORK_RUN);
	pyr__final final = {
		.status = status,
		.executed = fresh ? PYR_EXECUTED_NO : PYR_EXECUTED_MAYBE,
		.message = {message, strlen(message)},
	};
	if (in && !in->finished && !atomic_load(&in->cancelled)) {
		atomic_store_explicit(&in->cancelled, true, memory_order_release);
		in->ended = true;
		pyr__local_host_add_work(call->host, in, PYR__WORK_CANCEL);
	}
	pyr__local_call_complete(call, &final);
}

void pyr__local_call_wait(pyr__local_call *call, pyr__waiter **slot, bool (*met)(const void *arg),
	const void *arg, int64_t until_us)
{
	if (met(arg))
		return;
	pyr__local_waiter self = {.woken = {0}};
	*slot = &self.waiter;
	while (!met(arg) && pyr__now_us() < until_us)
		pyr__condition_wait(&self.woken, &call->host->lock, until_us);
	*slot = NULL;
}
