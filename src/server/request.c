/* SPDX-License-Identifier: Apache-2.0 */
/* What a servant is asked: the request of a call, or the messages of a client's stream. */
#include "base/error.h"
#include "base/loop.h"
#include "codec/clone.h"
#include "codec/decode.h"
#include "server/call.h"

static pyr__decode_options options_of(pyr__arena *arena, size_t decoded_bytes_max)
{
	return (pyr__decode_options){.arena = arena, .bytes_max = decoded_bytes_max, .alias = true};
}

/* call->current; an empty message if there is none. */
static pyr_status decode(const pyr_call *call, const pyr__decode_options *options,
	ProtobufCMessage **ret_request, pyr_error *err)
{
	const pyr__message *message = call->current;
	return pyr__decode(call->bound->method->input, message ? message->payload.data : NULL,
		message ? message->payload.size : 0, options, ret_request, err);
}

pyr_status pyr__call_request(
	pyr_call *call, size_t decoded_bytes_max, ProtobufCMessage **ret_request, pyr_error *err)
{
	pyr__incall *incall = &call->incall;
	const ProtobufCMessage *lent = incall->lent;
	pyr__decode_options options = options_of(&call->arena, decoded_bytes_max);
	if (lent) {
		*ret_request = pyr__clone(lent, call->bound->method->input, &options);
		if (*ret_request) {
			incall->lent = NULL;
			return PYR_OK;
		}
	}
	call->current = pyr__incall_take(incall);
	if (lent && !call->current)
		return pyr_error_set(err, PYR_RESOURCE_EXHAUSTED, "no memory for the message");
	return decode(call, &options, ret_request, err);
}

/* Messages of a client stream */

static pyr_status check(const pyr_call *call, const pyr_method *method, pyr_error *err)
{
	pyr_status status = pyr__call_check_process(call, err);
	return status ? status : pyr__call_check_method(call, method, err);
}

/* True when there was a message, or the end, or a reason why none will come. */
static bool next_one(pyr_call *call, const ProtobufCMessage **ret_request, pyr_status *ret_status,
	pyr_error *err)
{
	if (call->current)
		pyr__incall_release(&call->incall, call->current);
	pyr__arena_reset(&call->stream_arena);
	*ret_request = NULL;
	*ret_status = PYR_OK;
	bool at_end = pyr__incall_at_end(&call->incall);
	call->current = pyr__incall_take(&call->incall);
	if (!call->current) {
		if (pyr_call_cancelled(call))
			*ret_status = pyr_error_set(
				err, PYR_CANCELLED, "the caller no longer waits for an answer");
		return at_end || *ret_status;
	}
	ProtobufCMessage *request;
	pyr__decode_options options =
		options_of(&call->stream_arena, pyr__daemon_decoded_max(call->daemon));
	*ret_status = decode(call, &options, &request, err);
	if (*ret_status == PYR_OK)
		*ret_request = request;
	return true;
}

pyr_status pyr_stub_next_request(pyr_call *call, const pyr_method *method,
	const ProtobufCMessage **ret_request, pyr_error *err)
{
	const ProtobufCMessage *request;
	pyr_status status = check(call, method, err);
	if (status)
		return status;
	while (!atomic_load(&call->answered) && !next_one(call, &request, &status, err)) {
		if (pyr__loop_in_callback())
			return pyr_error_set(err, PYR_FAILED_PRECONDITION,
				"next_request would block the loop's thread: use "
				"__observe_requests, or a daemon with workers");
		pyr__incall_wait(&call->incall, PYR__READ, call->incall.deadline_us);
	}
	if (atomic_load(&call->answered))
		return pyr_error_set(err, PYR_FAILED_PRECONDITION,
			"the call has been answered: nothing more is asked");
	if (status == PYR_OK)
		*ret_request = request;
	return status;
}

/* Takes the right to call on_request, or leaves word for who has it. */
static bool begin_push(pyr_call *call)
{
	pyr__mutex_lock(&call->lock);
	bool mine = call->on_request && !call->pushing && !call->push_ended;
	if (mine)
		call->pushing = true;
	else
		call->push_again = true;
	pyr__mutex_unlock(&call->lock);
	return mine;
}

static bool end_push(pyr_call *call)
{
	pyr__mutex_lock(&call->lock);
	bool again = call->push_again && !call->push_ended;
	call->push_again = false;
	if (!again)
		call->pushing = false;
	pyr__mutex_unlock(&call->lock);
	return !again;
}

void pyr__call_push(pyr_call *call)
{
	if (!begin_push(call))
		return;
	do {
		const ProtobufCMessage *request;
		pyr_status status;
		while (!call->push_ended && !atomic_load(&call->answered) &&
			next_one(call, &request, &status, NULL)) {
			call->push_ended = request == NULL;
			call->bound->method->deliver_request(
				call->on_request, call->request_ctx, call, status, request);
		}
	} while (!end_push(call));
}

pyr_status pyr_stub_observe_requests(
	pyr_call *call, const pyr_method *method, pyr_fn on_request, void *ctx, pyr_error *err)
{
	pyr_status status = check(call, method, err);
	if (status)
		return status;
	pyr__mutex_lock(&call->lock);
	bool twice = call->on_request != NULL;
	if (!twice) {
		call->on_request = on_request;
		call->request_ctx = ctx;
	}
	pyr__mutex_unlock(&call->lock);
	if (twice)
		return pyr_error_set(
			err, PYR_FAILED_PRECONDITION, "the requests are observed already");
	pyr__incall_poke(&call->incall);
	return PYR_OK;
}
