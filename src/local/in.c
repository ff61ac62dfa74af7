/* SPDX-License-Identifier: Apache-2.0 */
/* The servant's half of a local call. */
#include "base/clock.h"
#include "codec/clone.h"
#include "transport/body.h"
#include "local/local_private.h"

static pyr__local_call *lock(const pyr__incall *in)
{
	pyr__local_call *call = in->carrier;
	pyr__mutex_lock(&call->host->lock);
	return call;
}

static void unlock(pyr__local_call *call)
{
	pyr__mutex_unlock(&call->host->lock);
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

/* What a call is answered with, ready to be handed over: the reply itself, or its bytes, or none.
 */
typedef struct result {
	const pyr__final *final;
	ProtobufCMessage *reply;
	pyr__local_parcel *parcel; /* or NULL */
} result;

/* Lock held. */
static pyr_status finish(pyr__local_call *call, const result *what, pyr_error *err)
{
	if (call->in->finished)
		return gone(err);
	call->in->finished = true;
	pyr__local_wake(call->in->waiters);
	if (!call->out || call->out->over)
		return gone(err);
	call->out->reply = what->reply;
	if (what->parcel)
		pyr__inbox_put(&call->out->inbox, &what->parcel->payload, 0);
	pyr__local_call_complete(call, what->final);
	return PYR_OK;
}

/* The caller, which is this thread, sees it when the servant has returned. */
static pyr_status finish_here(pyr__local_call *call, const result *what, pyr_error *err)
{
	const pyr__final *final = what->final;
	if (atomic_load_explicit(&call->in->cancelled, memory_order_acquire))
		return gone(err);
	call->answered = true;
	call->answer = (pyr__outcome){.status = final->status, .executed = final->executed};
	if (final->status != PYR_OK || final->metadata.size)
		call->answer.final = pyr__final_copy(final);
	call->out->reply = what->reply;
	if (what->parcel)
		pyr__inbox_put(&call->out->inbox, &what->parcel->payload, 0);
	return PYR_OK;
}

static pyr_status hand_over(pyr__local_call *call, const result *what, pyr_error *err)
{
	pyr_status status;
	if (pyr__local_runs_here(call)) {
		status = finish_here(call, what, err);
	} else {
		pyr__mutex_lock(&call->host->lock);
		status = finish(call, what, err);
		unlock(call);
	}
	if (status)
		protobuf_c_message_free_unpacked(what->reply, NULL);
	return status;
}

static ProtobufCMessage *clone_reply(const pyr__local_call *call, const pyr__body *body)
{
	pyr__decode_options options = {.bytes_max = call->decoded_bytes_max};
	if (!call->output || !body->message)
		return NULL;
	return pyr__clone(body->message, call->output, &options);
}

static pyr_status finish_too_long(pyr__local_call *call, pyr_error *err)
{
	static const char too_long[] = "the reply is longer than the caller takes";
	pyr__final final = {
		.status = PYR_RESOURCE_EXHAUSTED,
		.executed = PYR_EXECUTED_YES,
		.message = {too_long, sizeof too_long - 1},
	};
	pyr_status status = hand_over(call, &(result){.final = &final}, NULL);
	(void)status; /* what is wrong with the reply comes first */
	return pyr_error_set(err, PYR_RESOURCE_EXHAUSTED, "%s", too_long);
}

static pyr_status finish_packed(
	pyr__local_call *call, const pyr__final *final, const pyr__body *body, pyr_error *err)
{
	pyr__local_parcel parcel;
	if (pyr__local_pack(body, &parcel, err))
		return finish_too_long(call, err);
	pyr_status status = hand_over(call, &(result){.final = final, .parcel = &parcel}, err);
	pyr__local_unpack(&parcel);
	return status;
}

static pyr_status in_finish(
	pyr__incall *in, const pyr__final *final, const pyr__body *body, pyr_error *err)
{
	pyr__local_call *call = in->carrier;
	if (!body)
		return hand_over(call, &(result){.final = final}, err);
	if (body->size > call->reply_max)
		return finish_too_long(call, err);
	ProtobufCMessage *reply = clone_reply(call, body);
	if (reply)
		return hand_over(call, &(result){.final = final, .reply = reply}, err);
	return finish_packed(call, final, body, err);
}

/* What was lent is packed now, since the message itself is not what is wanted. */
static void pack_lent(pyr__incall *in)
{
	pyr__local_parcel parcel;
	pyr__body body;
	if (pyr__body_init(&body, in->lent, NULL, NULL) || pyr__local_pack(&body, &parcel, NULL))
		return;
	in->lent = NULL;
	pyr__inbox_put(&in->inbox, &parcel.payload, 0);
	pyr__local_unpack(&parcel);
}

static pyr__message *in_take(pyr__incall *in)
{
	if (in->lent)
		pack_lent(in);
	if (in->whole)
		return pyr__inbox_take(&in->inbox);
	pyr__local_call *call = lock(in);
	pyr__message *message = pyr__inbox_take(&in->inbox);
	unlock(call);
	return message;
}

static void in_release(pyr__incall *in, pyr__message *message)
{
	if (in->whole) {
		pyr__message_free(&in->inbox, message);
		return;
	}
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
	return in->inbox.first || in->ended || in->finished || atomic_load(&in->cancelled);
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

/* Lock held. */
static void leave(pyr__local_call *call)
{
	pyr__incall *in = call->in;
	if (!in->finished && !call->answered) {
		pyr__final final = unanswered(in);
		pyr_status status = finish(call, &(result){.final = &final}, NULL);
		(void)status; /* CANCELLED when nobody waits */
	}
	pyr__inbox_clear(&in->inbox);
	call->in = NULL;
	pyr__list_remove(&call->link);
	call->host->call_count--;
}

/* The caller's half is done too: its thread is this one. */
static void leave_here(pyr__local_call *call)
{
	pyr__outcall *out = call->out;
	pyr__mutex_lock(&call->host->lock);
	leave(call);
	pyr__local_call_publish(call);
	call->out = NULL;
	unlock(call);
	pyr__local_call_settle(call, out);
}

static void in_done(pyr__incall *in)
{
	pyr__local_call *call = in->carrier;
	if (pyr__local_runs_here(call)) {
		leave_here(call);
		return;
	}
	pyr__mutex_lock(&call->host->lock);
	leave(call);
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

static pyr_scheme in_reached(
	pyr__incall *in, struct sockaddr_storage *ret_address, socklen_t *ret_size)
{
	(void)in;
	(void)ret_address;
	*ret_size = 0;
	return PYR_SCHEME_LOCAL;
}

/* What is in this process is called by a reference. */
static pyr__channel *in_back(pyr__incall *in, void (*release)(void *arg), void *arg)
{
	(void)in;
	(void)release;
	(void)arg;
	return NULL;
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
	.reached = in_reached,
	.back = in_back,
};
