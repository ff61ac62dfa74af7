/* SPDX-License-Identifier: Apache-2.0 */
/* What a servant answers with. */
#include <stdlib.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "base/error.h"
#include "base/loop.h"
#include "base/metadata.h"
#include "base/refs.h"
#include "server/call.h"

static pyr_status twice(pyr_error *err)
{
	return pyr_error_set(err, PYR_FAILED_PRECONDITION, "the call has been answered already");
}

static pyr__text text_of(const char *text)
{
	return (pyr__text){text, strlen(text)};
}

/* Ends the call, once. */
static pyr_status finish(pyr_call *call, pyr__final *final, const pyr__body *body, pyr_error *err)
{
	pyr_status status = pyr__call_check_process(call, err);
	if (status)
		return status;
	if (!pyr__flag_set(&call->answered))
		return twice(err);
	if (final->status == PYR_CANCELLED && pyr__now_us() >= call->incall.deadline_us) {
		/* it was the clock, which may be a little ahead of the caller's */
		final->status = PYR_DEADLINE_EXCEEDED;
		final->message = text_of("the deadline passed before the answer came");
	}
	pyr__daemon_count_end(call, final->status);
	pyr__call_intercepted(call, final->status);
	if (call->oneway)
		return PYR_OK;
	if (call->trailer)
		final->metadata = pyr__metadata_text(call->trailer);
	return pyr__incall_finish(&call->incall, final, body, err);
}

static pyr_status make_body(pyr_call *call, const pyr_method *method,
	const ProtobufCMessage *message, uint8_t *space, pyr__body *ret_body, pyr_error *err)
{
	pyr_status status = pyr__call_check_method(call, method, err);
	return status ? status : pyr__body_init(ret_body, message, space, err);
}

pyr_status pyr_stub_reply(pyr_call *call, const pyr_method *method, const ProtobufCMessage *reply)
{
	pyr__body body;
	uint8_t space[PYR__BODY_SPACE];
	pyr_error err;
	pyr_status status = make_body(call, method, reply, space, &body, &err);
	if (status == PYR_FAILED_PRECONDITION)
		return status;
	if (status) {
		/* the caller must hear that the servant's reply was no message */
		err.status = PYR_INTERNAL;
		err.executed = PYR_EXECUTED_YES;
		pyr__call_fail(call, &err);
		return status;
	}
	pyr__final final = {.status = PYR_OK};
	return finish(call, &final, &body, NULL);
}

pyr_status pyr_stub_send(
	pyr_call *call, const pyr_method *method, const ProtobufCMessage *message, pyr_error *err)
{
	pyr__body body;
	uint8_t space[PYR__BODY_SPACE];
	pyr_error own;
	pyr_status status = pyr__call_check_process(call, err);
	if (status == PYR_OK)
		status = make_body(call, method, message, space, &body, err);
	if (status)
		return status;
	if (atomic_load(&call->answered))
		return twice(err);
	if (!err)
		err = &own;
	while ((status = pyr__incall_send(&call->incall, &body, err)) == PYR_RESOURCE_EXHAUSTED &&
		err->would_block && !pyr__loop_in_callback()) {
		if (pyr_call_cancelled(call))
			return pyr_error_set(
				err, PYR_CANCELLED, "the caller no longer waits for an answer");
		pyr__incall_wait(&call->incall, PYR__WRITE, call->incall.deadline_us);
	}
	return status;
}

pyr_status pyr_call_end(pyr_call *call)
{
	pyr__final final = {.status = PYR_OK};
	return finish(call, &final, NULL, NULL);
}

pyr_status pyr_call_fail_error(
	pyr_call *call, const pyr_error *err, const void *details, size_t details_size)
{
	pyr__final final = {
		.status = err->status == PYR_OK ? PYR_UNKNOWN : err->status,
		.executed = err->executed,
		.message = text_of(err->message),
		.where = text_of(err->where),
		.details = {(const char *)err->details, err->details_size},
	};
	if (details)
		final.details = (pyr__text){details, details_size};
	return finish(call, &final, NULL, NULL);
}

pyr_status pyr__call_fail(pyr_call *call, const pyr_error *err)
{
	return pyr_call_fail_error(call, err, NULL, 0);
}

void pyr__call_moved(pyr_call *call, const char *reference)
{
	char message[PYR_ERROR_MESSAGE_MAX];
	snprintf(message, sizeof message, "the object '%s' has moved to %s", call->object_id.data,
		reference);
	pyr__final final = {
		.status = PYR_NOT_FOUND,
		.executed = PYR_EXECUTED_NO,
		.message = text_of(message),
		.moved = text_of(reference),
	};
	pyr_status status = finish(call, &final, NULL, NULL);
	(void)status; /* the caller may have gone */
}

pyr_status pyr_call_fail(pyr_call *call, pyr_status status, const char *format, ...)
{
	pyr_error err;
	va_list args;
	va_start(args, format);
	pyr__error_setv(&err, status, format, args);
	va_end(args);
	err.executed = PYR_EXECUTED_YES;
	return pyr_call_fail_error(call, &err, NULL, 0);
}

pyr_status pyr_call_add_metadata_bytes(
	pyr_call *call, const char *key, const void *value, size_t size, pyr_error *err)
{
	if (atomic_load(&call->answered))
		return twice(err);
	pyr__mutex_lock(&call->lock);
	if (!call->trailer)
		call->trailer = pyr_metadata_new();
	pyr_status status = pyr_metadata_add_bytes(call->trailer, key, value, size, err);
	pyr__mutex_unlock(&call->lock);
	return status;
}

pyr_status pyr_call_add_metadata(pyr_call *call, const char *key, const char *value, pyr_error *err)
{
	return pyr_call_add_metadata_bytes(call, key, value, strlen(value), err);
}
