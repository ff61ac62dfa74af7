/* SPDX-License-Identifier: Apache-2.0 */
/* Calls with one answer that are waited for, and calls with none. */
#include "base/clock.h"
#include "base/error.h"
#include "base/metadata.h"
#include "client/interceptor.h"
#include "codec/decode.h"

typedef struct attempt {
	pyr_proxy *proxy;
	uint32_t method;
	const pyr__body *body;
	int64_t deadline_us;
	int64_t now_us; /* when the call was made; the clock is not read again before the first try
			 */
	ProtobufCMessage **ret_reply;
	const pyr__interception *interception;
	bool moved; /* the last try has found the object's new place */
} attempt;

static pyr_status decode_reply(const attempt *a, const pyr__message *message, pyr_error *err)
{
	const ProtobufCMessageDescriptor *output = pyr__proxy_method(a->proxy, a->method)->output;
	pyr__decode_options options = {
		.bytes_max = pyr__target_context(a->proxy->target)->decoded_bytes_max,
	};
	pyr_status status = pyr__decode(output, message ? message->payload.data : NULL,
		message ? message->payload.size : 0, &options, a->ret_reply, err);
	if (status && err)
		err->executed = PYR_EXECUTED_YES;
	return status;
}

/* The call is over, so what is in it is ours. */
static pyr_status finish(const attempt *a, pyr__outcall *call, const char *endpoint, pyr_error *err)
{
	const pyr__outcome *outcome = &call->outcome;
	if (a->proxy->reply_metadata) {
		pyr_metadata_clear(a->proxy->reply_metadata);
		if (outcome->final)
			pyr__metadata_load(a->proxy->reply_metadata, outcome->final->metadata);
	}
	if (outcome->status)
		return pyr__proxy_outcome(a->proxy, a->method, endpoint, outcome, err);
	if (call->reply) {
		*a->ret_reply = call->reply;
		call->reply = NULL;
		return PYR_OK;
	}
	return decode_reply(a, call->inbox.first, err);
}

static pyr_status call_on(attempt *a, const pyr__route *route, pyr_error *err)
{
	pyr__outcall call;
	pyr__head head;
	pyr__outcall_init(&call, a->deadline_us);
	call.unary = true;
	call.output = pyr__proxy_method(a->proxy, a->method)->output;
	call.decoded_bytes_max = pyr__target_context(a->proxy->target)->decoded_bytes_max;
	bool at_once = route->at_once && !a->interception && a->now_us;
	int64_t now_us = at_once ? a->now_us : pyr__now_us();
	pyr__proxy_head(a->proxy, a->method, route, a->deadline_us, now_us, &head);
	head.now_us = now_us;
	a->now_us = 0;
	pyr__interception_head(a->interception, &head);
	pyr_status status = pyr__channel_start(route->channel, &call, &head, a->body, true, err);
	if (status)
		return status;
	pyr__attempt running;
	bool moves = pyr__proxy_may_move(a->proxy, a->method, route);
	if (moves)
		pyr__replica_begin(route->replica, &running, &call);
	do {
		pyr__outcall_wait(&call, PYR__READ, a->deadline_us);
		if (pyr__outcall_is_over(&call))
			break;
		if (pyr__now_us() >= a->deadline_us)
			pyr__outcall_cancel(&call, PYR_DEADLINE_EXCEEDED,
				"the deadline passed before the answer came");
	} while (!pyr__outcall_is_over(&call));
	if (moves)
		pyr__replica_end(route->replica, &running);
	status = finish(a, &call, route->channel->name, err);
	a->moved = status && pyr__proxy_follow(a->proxy, route, &call.outcome, err);
	pyr__outcall_done(&call);
	return status;
}

static pyr_status try_once(attempt *a, pyr_error *err)
{
	pyr__route route;
	bool on_loop = pyr__loop_in_callback();
	pyr_status status = pyr__target_route(
		a->proxy->target, a->proxy->balance, !on_loop, a->deadline_us, &route, err);
	a->moved = false;
	if (status)
		return status;
	/* a local call may have no need to wait, and says so itself if it has */
	if (on_loop && route.channel->scheme != PYR_SCHEME_LOCAL)
		status = pyr__proxy_may_block(a->proxy, a->method, err);
	if (status == PYR_OK)
		status = call_on(a, &route, err);
	if (status && !a->moved)
		pyr__target_failed(a->proxy->target, &route, err);
	pyr__target_release(a->proxy->target, &route);
	return status;
}

/* As often as it may be tried. */
static pyr_status try_all(attempt *a, pyr_error *err)
{
	pyr_status status;
	pyr_error before;
	uint32_t moves = 0;
	for (uint32_t tried = 0; (status = try_once(a, err)) != PYR_OK; tried++) {
		if (a->moved && moves++ < PYR__MOVES_MAX) {
			tried--; /* it was not run, and the next place may */
			continue;
		}
		status = pyr__proxy_explain(tried ? &before : NULL, err);
		pyr__error_copy(&before, err);
		if (!pyr__proxy_may_retry(a->proxy, a->method, err, tried) ||
			pyr__loop_in_callback() ||
			!pyr__proxy_sleep(a->proxy, tried, a->deadline_us))
			break;
	}
	return status;
}

pyr_status pyr_stub_call(pyr_proxy *proxy, uint32_t method, const ProtobufCMessage *request,
	ProtobufCMessage **ret_reply, pyr_error *err)
{
	pyr__body body;
	uint8_t space[PYR__BODY_SPACE];
	pyr__interception *interception = NULL;
	int64_t now_us = pyr__now_us(), deadline_us = pyr__proxy_deadline(proxy, true, now_us);
	pyr_status status = pyr__context_check(pyr__target_context(proxy->target), err);
	if (status == PYR_OK)
		status = pyr__proxy_body(proxy, method, request, space, &body, err);
	if (status == PYR_OK)
		status = pyr__intercept(proxy, method, deadline_us, &interception, err);
	if (status)
		return status;
	attempt a = {
		.proxy = proxy,
		.method = method,
		.body = &body,
		.deadline_us = deadline_us,
		.now_us = now_us,
		.ret_reply = ret_reply,
		.interception = interception,
	};
	pyr_error own;
	if (!err)
		err = &own; /* whether to try again depends on what it says */
	status = try_all(&a, err);
	pyr__interception_end(interception, status, err);
	return status;
}

static pyr_status send_oneway(pyr_proxy *proxy, uint32_t method, const pyr__body *body,
	int64_t deadline_us, const pyr__interception *interception, pyr_error *err)
{
	pyr__head head;
	pyr__route route;
	pyr_status status = pyr__proxy_route(proxy, deadline_us, &route, err);
	if (status)
		return status;
	pyr__proxy_head(proxy, method, &route, deadline_us, pyr__now_us(), &head);
	pyr__interception_head(interception, &head);
	status = pyr__channel_start(route.channel, NULL, &head, body, true, err);
	if (status)
		pyr__target_failed(proxy->target, &route, err);
	pyr__target_release(proxy->target, &route);
	return status;
}

pyr_status pyr_stub_oneway(
	pyr_proxy *proxy, uint32_t method, const ProtobufCMessage *request, pyr_error *err)
{
	pyr__body body;
	uint8_t space[PYR__BODY_SPACE];
	pyr_error own;
	pyr__interception *interception = NULL;
	int64_t deadline_us = pyr__proxy_deadline(proxy, true, pyr__now_us());
	pyr_status status = pyr__context_check(pyr__target_context(proxy->target), err);
	if (!err)
		err = &own;
	if (status == PYR_OK)
		status = pyr__proxy_body(proxy, method, request, space, &body, err);
	if (status == PYR_OK)
		status = pyr__intercept(proxy, method, deadline_us, &interception, err);
	if (status)
		return status;
	status = send_oneway(proxy, method, &body, deadline_us, interception, err);
	pyr__interception_end(interception, status, err);
	return status;
}
