/* SPDX-License-Identifier: Apache-2.0 */
/* Several calls of one object in one round trip: pyrite/batch.proto. */
#include <pyrite/batch.h>

#include <pyrite/batch.pyr.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/error.h"
#include "client/proxy.h"
#include "codec/decode.h"

struct pyr_batch {
	pyr_proxy *proxy;
	const pyr_method **methods; /* of each call */
	Pyrite__BatchedCall *calls;
	size_t count, room;
	bool idempotent; /* all of them are */
	bool made;       /* run or invoke was called */
	Pyrite__RunBatchReply *reply;
	pyr_batch_fn on_run;
	void *ctx;
};

pyr_batch *pyr_batch_new(pyr_proxy *proxy)
{
	pyr_batch *batch = pyr__zalloc(sizeof *batch);
	batch->proxy = pyr_proxy_ref(proxy);
	batch->idempotent = true;
	return batch;
}

void pyr_batch_free(pyr_batch *batch)
{
	if (!batch)
		return;
	for (size_t i = 0; i < batch->count; i++) {
		free(batch->calls[i].method);
		free(batch->calls[i].request.data);
	}
	if (batch->reply)
		pyrite__run_batch_reply__free_unpacked(batch->reply, NULL);
	free(batch->calls);
	free(batch->methods);
	pyr_proxy_unref(batch->proxy);
	free(batch);
}

/* Adding */

/* The method's number in the interface, or FAILED_PRECONDITION: it is another interface's. */
static pyr_status find_method(
	const pyr_batch *batch, const pyr_method *method, uint32_t *ret_index, pyr_error *err)
{
	const pyr_interface *interface = pyr__target_interface(batch->proxy->target);
	for (uint32_t i = 0; i < interface->method_count; i++) {
		if (&interface->methods[i] != method)
			continue;
		*ret_index = i;
		return PYR_OK;
	}
	return pyr_error_set(err, PYR_FAILED_PRECONDITION,
		"this batch is for %s, which does not have this method %s", interface->name,
		method->name);
}

static void make_room(pyr_batch *batch)
{
	if (batch->count < batch->room)
		return;
	batch->room = batch->room ? 2 * batch->room : 8;
	batch->calls = pyr__realloc(batch->calls, batch->room * sizeof *batch->calls);
	batch->methods = pyr__realloc(batch->methods, batch->room * sizeof *batch->methods);
}

static pyr_status was_made(pyr_error *err)
{
	return pyr_error_set(err, PYR_FAILED_PRECONDITION, "this batch has been run already");
}

pyr_status pyr_stub_batch(
	pyr_batch *batch, const pyr_method *method, const ProtobufCMessage *request, pyr_error *err)
{
	uint32_t index = 0;
	pyr__body body;
	uint8_t space[PYR__BODY_SPACE];
	pyr_status status = batch->made ? was_made(err) : PYR_OK;
	if (status == PYR_OK)
		status = find_method(batch, method, &index, err);
	if (status == PYR_OK)
		status = pyr__proxy_body(batch->proxy, index, request, space, &body, err);
	if (status)
		return status;
	make_room(batch);
	batch->methods[batch->count] = method;
	Pyrite__BatchedCall *call = &batch->calls[batch->count++];
	pyrite__batched_call__init(call);
	call->method = pyr__strdup(pyr__target_method_name(batch->proxy->target, index).data);
	call->request.data = pyr__alloc(body.size ? body.size : 1);
	call->request.len = body.size;
	pyr__body_write(&body, call->request.data);
	batch->idempotent &= (method->flags & PYR_METHOD_IDEMPOTENT) != 0;
	return PYR_OK;
}

/* Making them */

/* What is sent; free the list. */
static Pyrite__RunBatchRequest make_request(const pyr_batch *batch)
{
	Pyrite__RunBatchRequest request = PYRITE__RUN_BATCH_REQUEST__INIT;
	request.calls = pyr__alloc((batch->count + 1) * sizeof *request.calls);
	for (size_t i = 0; i < batch->count; i++)
		request.calls[i] = &batch->calls[i];
	request.n_calls = batch->count;
	return request;
}

/* The answer has come. The status of the call that failed, if one did. */
static pyr_status conclude(pyr_batch *batch, pyr_error *err)
{
	size_t ran = pyr_batch_ran(batch);
	if (ran == batch->count)
		return PYR_OK;
	if (ran == batch->reply->n_results)
		return pyr_error_set(err, PYR_INTERNAL,
			"the daemon has answered %zu of %zu calls, and does not say why", ran,
			batch->count);
	const Pyrite__BatchedResult *failed = batch->reply->results[ran];
	pyr_status status =
		failed->status <= PYR_UNAUTHENTICATED ? (pyr_status)failed->status : PYR_UNKNOWN;
	pyr_error_set(err, status, "%s", failed->message);
	if (!err)
		return status;
	err->executed = failed->executed <= PYR_EXECUTED_YES ? (pyr_executed)failed->executed
							     : PYR_EXECUTED_MAYBE;
	pyr__error_where(err, "call %zu of %zu, %s%s%s", ran + 1, batch->count,
		batch->calls[ran].method, *failed->where ? ", " : "", failed->where);
	if (failed->details.len <= sizeof err->details) {
		if (failed->details.len)
			memcpy(err->details, failed->details.data, failed->details.len);
		err->details_size = (uint16_t)failed->details.len;
	} else {
		err->truncated = true;
	}
	return status;
}

/* True once, for a batch that has calls to make; else *ret_status is what to return. */
static bool begin(
	pyr_batch *batch, pyrite_batch **ret_proxy, pyr_status *ret_status, pyr_error *err)
{
	pyr_proxy *proxy;
	*ret_status = batch->made ? was_made(err) : PYR_OK;
	if (*ret_status == PYR_OK)
		*ret_status =
			pyr__proxy_sibling(batch->proxy, &pyrite_batch__interface, &proxy, err);
	if (*ret_status)
		return false;
	batch->made = true;
	*ret_proxy = (pyrite_batch *)proxy;
	return true;
}

pyr_status pyr_batch_run(pyr_batch *batch, pyr_error *err)
{
	pyrite_batch *proxy;
	pyr_status status;
	if (!begin(batch, &proxy, &status, err))
		return status;
	Pyrite__RunBatchRequest request = make_request(batch);
	status = batch->idempotent
			 ? pyrite_batch_run_idempotent(proxy, &request, &batch->reply, err)
			 : pyrite_batch_run(proxy, &request, &batch->reply, err);
	free(request.calls);
	pyrite_batch__close(proxy);
	return status ? status : conclude(batch, err);
}

/* The answer is copied: in a callback it is only borrowed. */
static pyr_status keep_reply(pyr_batch *batch, const Pyrite__RunBatchReply *reply, pyr_error *err)
{
	size_t size = pyrite__run_batch_reply__get_packed_size(reply);
	uint8_t *packed = pyr__alloc(size + 1);
	pyrite__run_batch_reply__pack(reply, packed);
	ProtobufCMessage *copy;
	pyr__decode_options options = {.bytes_max = SIZE_MAX};
	pyr_status status = pyr__decode(
		&pyrite__run_batch_reply__descriptor, packed, size, &options, &copy, err);
	free(packed);
	if (status == PYR_OK)
		batch->reply = (Pyrite__RunBatchReply *)copy;
	return status;
}

static void on_reply(
	void *ctx, pyr_status status, const Pyrite__RunBatchReply *reply, const pyr_error *err)
{
	pyr_batch *batch = ctx;
	pyr_error own;
	if (status == PYR_OK) {
		err = &own;
		status = keep_reply(batch, reply, &own);
	}
	if (status == PYR_OK)
		status = conclude(batch, &own);
	batch->on_run(batch->ctx, batch, status, status ? err : NULL);
}

pyr_status pyr_batch_invoke(
	pyr_batch *batch, pyr_batch_fn on_run, void *ctx, pyr_pending **ret_pending, pyr_error *err)
{
	pyrite_batch *proxy;
	pyr_status status;
	if (!begin(batch, &proxy, &status, err))
		return status;
	batch->on_run = on_run;
	batch->ctx = ctx;
	Pyrite__RunBatchRequest request = make_request(batch);
	status = batch->idempotent ? pyrite_batch_run_idempotent__invoke(
					     proxy, &request, on_reply, batch, ret_pending, err)
				   : pyrite_batch_run__invoke(
					     proxy, &request, on_reply, batch, ret_pending, err);
	free(request.calls);
	pyrite_batch__close(proxy);
	if (status)
		batch->made = false;
	return status;
}

/* Results */

size_t pyr_batch_count(const pyr_batch *batch)
{
	return batch->count;
}

size_t pyr_batch_ran(const pyr_batch *batch)
{
	size_t ran = 0;
	while (batch->reply && ran < batch->count && ran < batch->reply->n_results &&
		batch->reply->results[ran]->status == PYR_OK)
		ran++;
	return ran;
}

pyr_status pyr_stub_batched(const pyr_batch *batch, const pyr_method *method, size_t index,
	ProtobufCMessage **ret_reply, pyr_error *err)
{
	if (index >= batch->count)
		return pyr_error_set(err, PYR_OUT_OF_RANGE,
			"the batch has %zu calls, none of number %zu", batch->count, index);
	if (batch->methods[index] != method)
		return pyr_error_set(err, PYR_FAILED_PRECONDITION,
			"call %zu is one of %s, not of %s", index, batch->calls[index].method,
			method->name);
	if (index >= pyr_batch_ran(batch))
		return pyr_error_set(err, PYR_FAILED_PRECONDITION,
			"call %zu has no reply: %zu of %zu calls have run and succeeded", index + 1,
			pyr_batch_ran(batch), batch->count);
	const ProtobufCBinaryData *reply = &batch->reply->results[index]->reply;
	pyr__decode_options options = {
		.bytes_max = pyr__target_context(batch->proxy->target)->decoded_bytes_max,
	};
	pyr_status status =
		pyr__decode(method->output, reply->data, reply->len, &options, ret_reply, err);
	if (status && err)
		err->executed = PYR_EXECUTED_YES;
	return status;
}
