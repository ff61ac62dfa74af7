/* SPDX-License-Identifier: Apache-2.0 */
/* The servant's half of a local call. */
#include "base/clock.h"
#include "local/local_private.h"

static pyr__local_call *lock(const pyr__incall *in)
{
	pyr__local_call *call = in->carrier;
	pthread_mutex_lock(&call->host->lock);
	return call;
}

static void unlock(pyr__local_call *call)
{
	pthread_mutex_unlock(&call->host->lock);
}

static pyr_status gone(pyr_error *err)
{
	return pyr_error_set(err, PYR_CANCELLED, "the caller no longer waits for an answer");
}

/* Lock held. */
static pyr_status check_send(pyr__local_call *call, size_t size, pyr_error *err)
{
	if (call->in->finished || !call->out || call->out->over)
		return gone(err);
	if (size > call->reply_max)
		return pyr_error_set(err, PYR_RESOURCE_EXHAUSTED,
			"the message has %zu bytes, the caller takes %zu", size, call->reply_max);
	if (call->reply_window > 0)
		return PYR_OK;
	call->reply_blocked = true;
	pyr_error_set(err, PYR_RESOURCE_EXHAUSTED, "the caller does not keep up");
	if (err)
		err->would_block = true;
	return PYR_RESOURCE_EXHAUSTED;
}

static pyr_status in_send(pyr__incall *in, const pyr__body *body, pyr_error *err)
{
	pyr__local_parcel parcel;
	pyr__local_call *call = lock(in);
	in->writable = false;
	pyr_status status = check_send(call, body->size, err);
	unlock(call);
	if (status == PYR_OK)
		status = pyr__local_pack(body, &parcel, err);
	if (status)
		return status;
	lock(in);
	status = check_send(call, body->size, err);
	if (status == PYR_OK) {
		uint32_t cost = pyr__local_cost(&parcel);
		call->reply_window -= cost;
		pyr__inbox_put(&call->out->inbox, &parcel.payload, cost);
		pyr__local_call_notify(call);
	}
	unlock(call);
	pyr__local_unpack(&parcel);
	return status;
}

/* Lock held. parcel NULL: no message. */
static pyr_status finish(pyr__local_call *call, const pyr__final *final,
	const pyr__local_parcel *parcel, pyr_error *err)
{
	if (call->in->finished)
		return gone(err);
	call->in->finished = true;
	if (!call->out || call->out->over)
		return gone(err);
	if (parcel)
		pyr__inbox_put(&call->out->inbox, &parcel->payload, 0);
	pyr__local_call_complete(call, final);
	return PYR_OK;
}

static pyr_status in_finish(
	pyr__incall *in, const pyr__final *final, const pyr__body *body, pyr_error *err)
{
	static const char too_long[] = "the reply is longer than the caller takes";
	pyr__local_parcel parcel;
	pyr__local_call *call = in->carrier;
	pyr_status packed = PYR_OK;
	pyr__final own;
	if (body && body->size > call->reply_max)
		packed = pyr_error_set(err, PYR_RESOURCE_EXHAUSTED, "%s", too_long);
	else if (body)
		packed = pyr__local_pack(body, &parcel, err);
	if (packed) {
		own = (pyr__final){
			.status = PYR_RESOURCE_EXHAUSTED,
			.executed = PYR_EXECUTED_YES,
			.message = {too_long, sizeof too_long - 1},
		};
		final = &own;
		body = NULL;
	}
	lock(in);
	pyr_status status = finish(call, final, body ? &parcel : NULL, err);
	unlock(call);
	if (body)
		pyr__local_unpack(&parcel);
	return packed ? packed : status;
}

static pyr__message *in_take(pyr__incall *in)
{
	if (in->whole)
		return pyr__inbox_take(&in->inbox);
	pyr__local_call *call = lock(in);
	pyr__message *message = pyr__inbox_take(&in->inbox);
	unlock(call);
	return message;
}

static void in_release(pyr__incall *in, pyr__message *message)
{
	pyr__local_call *call = lock(in);
	call->request_window += message->cost;
	if (call->request_blocked && call->request_window > 0 && call->out && !call->out->over) {
		call->request_blocked = false;
		call->out->writable = true;
		pyr__local_call_notify(call);
	}
	pyr__message_free(&in->inbox, message);
	unlock(call);
}

static bool is_readable(const void *arg)
{
	const pyr__incall *in = arg;
	return in->inbox.first || in->ended || atomic_load(&in->cancelled);
}

static bool is_writable(const void *arg)
{
	const pyr__incall *in = arg;
	return in->writable || in->finished || atomic_load(&in->cancelled);
}

static void in_wait(pyr__incall *in, pyr__direction what, int64_t until_us)
{
	pyr__local_call *call = lock(in);
	pyr__local_call_wait(call, &in->waiters[what],
		what == PYR__READ ? is_readable : is_writable, in, until_us);
	unlock(call);
}

static bool in_at_end(pyr__incall *in)
{
	pyr__local_call *call = lock(in);
	bool at_end = in->ended && !in->inbox.first;
	unlock(call);
	return at_end;
}

static void in_poke(pyr__incall *in)
{
	pyr__local_call *call = lock(in);
	if (is_readable(in))
		pyr__local_host_add_work(call->host, in, PYR__WORK_READY);
	if (is_writable(in))
		pyr__local_host_add_work(call->host, in, PYR__WORK_WRITABLE);
	unlock(call);
}

/* What a call gets that its servant has given back without an answer. */
static pyr__final unanswered(const pyr__incall *in)
{
	static const char late[] = "the deadline passed before the servant answered";
	static const char forgotten[] = "the servant gave the call back without an answer";
	if (in->deadline_us != PYR__DEADLINE_NONE && pyr__now_us() >= in->deadline_us)
		return (pyr__final){
			.status = PYR_DEADLINE_EXCEEDED,
			.executed = PYR_EXECUTED_MAYBE,
			.message = {late, sizeof late - 1},
		};
	return (pyr__final){
		.status = PYR_INTERNAL,
		.executed = PYR_EXECUTED_YES,
		.message = {forgotten, sizeof forgotten - 1},
	};
}

static void in_done(pyr__incall *in)
{
	pyr__local_call *call = lock(in);
	if (!in->finished) {
		pyr__final final = unanswered(in);
		pyr_status status = finish(call, &final, NULL, NULL);
		(void)status; /* CANCELLED when nobody waits */
	}
	pyr__inbox_clear(&in->inbox);
	call->in = NULL;
	pyr__list_remove(&call->link);
	call->host->call_count--;
	unlock(call);
	pyr__local_call_unref(call);
}

static const char *in_peer(pyr__incall *in)
{
	(void)in;
	return "local";
}

static const char *nothing(pyr__incall *in)
{
	(void)in;
	return "";
}

static const char *in_principal(pyr__incall *in)
{
	const pyr__local_call *call = in->carrier;
	return call->host->principal;
}

static void in_set_principal(pyr__incall *in, const char *name)
{
	(void)in;
	(void)name; /* a caller in the same process has nothing to prove */
}

static uint64_t in_connection(pyr__incall *in)
{
	const pyr__local_call *call = in->carrier;
	return call->number;
}

const pyr__incall_ops pyr__local_incall_ops = {
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
	.authorization = nothing,
	.set_principal = in_set_principal,
	.connection = in_connection,
};
