/* SPDX-License-Identifier: Apache-2.0 */
/* The caller's half of a local call. */
#include "local/local_private.h"

static pyr__local_call *lock(const pyr__outcall *out)
{
	pyr__local_call *call = out->carrier;
	pyr__mutex_lock(&call->host->lock);
	return call;
}

static void unlock(pyr__local_call *call)
{
	pyr__mutex_unlock(&call->host->lock);
}

static bool is_readable(const void *arg)
{
	const pyr__outcall *out = arg;
	return out->over || (out->inbox.first && !out->unary);
}

static bool is_writable(const void *arg)
{
	const pyr__outcall *out = arg;
	return out->over || out->writable;
}

static void out_wait(pyr__outcall *out, pyr__direction what, int64_t until_us)
{
	pyr__local_call *call = lock(out);
	pyr__local_call_wait(call, &out->waiters[what],
		what == PYR__READ ? is_readable : is_writable, out, until_us);
	unlock(call);
}

static pyr__message *out_take(pyr__outcall *out)
{
	pyr__local_call *call = lock(out);
	pyr__message *message = pyr__inbox_take(&out->inbox);
	unlock(call);
	return message;
}

static void out_release(pyr__outcall *out, pyr__message *message)
{
	pyr__local_call *call = lock(out);
	call->reply_window += message->cost;
	if (call->reply_blocked && call->reply_window > 0 && call->in) {
		call->reply_blocked = false;
		call->in->writable = true;
		pyr__local_host_add_work(call->host, call->in, PYR__WORK_WRITABLE);
	}
	pyr__message_free(&out->inbox, message);
	unlock(call);
}

static bool out_is_over(pyr__outcall *out)
{
	pyr__local_call *call = lock(out);
	bool over = out->over;
	unlock(call);
	return over;
}

static bool out_over(pyr__outcall *out, pyr__outcome *ret_outcome)
{
	pyr__local_call *call = lock(out);
	bool over = out->over && !out->inbox.first;
	if (over) {
		*ret_outcome = out->outcome;
		out->outcome.final = NULL;
	}
	unlock(call);
	return over;
}

/* Lock held. */
static pyr_status check_send(pyr__local_call *call, size_t size, pyr_error *err)
{
	if (call->out->over || !call->in || call->in->finished)
		return pyr_error_set(err, PYR_CANCELLED, "the call is over");
	if (size > call->host->options.message_max)
		return pyr_error_set(err, PYR_RESOURCE_EXHAUSTED,
			"the message has %zu bytes, the peer takes %zu", size,
			call->host->options.message_max);
	if (call->request_window > 0)
		return PYR_OK;
	call->request_blocked = true;
	pyr_error_set(err, PYR_RESOURCE_EXHAUSTED, "the servant does not keep up");
	if (err)
		err->would_block = true;
	return PYR_RESOURCE_EXHAUSTED;
}

static void put(pyr__local_call *call, const pyr__local_parcel *parcel, bool end)
{
	uint32_t cost = pyr__local_cost(parcel);
	call->request_window -= cost;
	pyr__inbox_put(&call->in->inbox, &parcel->payload, cost);
	if (end)
		call->in->ended = true;
	pyr__local_host_add_work(call->host, call->in, PYR__WORK_READY);
}

static pyr_status out_send(pyr__outcall *out, const pyr__body *body, bool end, pyr_error *err)
{
	pyr__local_parcel parcel;
	pyr__local_call *call = lock(out);
	out->writable = false;
	pyr_status status = check_send(call, body->size, err);
	unlock(call);
	if (status == PYR_OK)
		status = pyr__local_pack(body, &parcel, err);
	if (status)
		return status;
	lock(out);
	status = check_send(call, body->size, err);
	if (status == PYR_OK)
		put(call, &parcel, end);
	unlock(call);
	pyr__local_unpack(&parcel);
	return status;
}

static pyr_status out_end(pyr__outcall *out, pyr_error *err)
{
	pyr_status status = PYR_OK;
	pyr__local_call *call = lock(out);
	if (out->over || !call->in || call->in->finished) {
		status = pyr_error_set(err, PYR_CANCELLED, "the call is over");
	} else {
		call->in->ended = true;
		pyr__local_host_add_work(call->host, call->in, PYR__WORK_READY);
	}
	unlock(call);
	return status;
}

static void out_cancel(pyr__outcall *out, pyr_status status, const char *message)
{
	pyr__local_call *call = lock(out);
	if (!out->over)
		pyr__local_call_end(call, status, message);
	unlock(call);
}

static void out_observe(pyr__outcall *out, void (*ready)(pyr__outcall *out))
{
	pyr__local_call *call = lock(out);
	out->ready = ready;
	if (!ready) {
		out->is_ready = false;
		while (call->running && !pyr__loop_is_current(call->loop))
			pyr__condition_wait(&call->host->quiet, &call->host->lock, INT64_MAX);
	} else if (out->inbox.first || out->over || out->writable) {
		pyr__local_call_notify(call);
	}
	unlock(call);
}

static void out_done(pyr__outcall *out)
{
	pyr__local_call *call = lock(out);
	out->ready = NULL;
	if (!out->over)
		pyr__local_call_end(call, PYR_CANCELLED, "the call was abandoned");
	call->out = NULL;
	pyr__inbox_clear(&out->inbox);
	unlock(call);
	pyr__outcome_done(&out->outcome);
	protobuf_c_message_free_unpacked(out->reply, NULL);
	pyr__local_call_unref(call);
}

const pyr__outcall_ops pyr__local_outcall_ops = {
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
