/* SPDX-License-Identifier: Apache-2.0 */
/* Running a call: from what it is for to the servant's function. */
#include "base/apart.h"
#include "base/clock.h"
#include "base/error.h"
#include "server/access.h"
#include "server/call.h"
#include "server/forwards.h"
#include "server/locator.h"
#include "server/resumable.h"
#include "server/resume.h"

pyr_status pyr__call_find(pyr_call *call, pyr__objects *objects, pyr_error *err)
{
	if (call->object)
		return PYR_OK;
	return pyr__objects_find(
		objects, call->object_id, call->method_name, call->bound, &call->object, err);
}

/* One that is registered, or one that a locator has or makes. */
static pyr_status find_object(pyr_call *call, pyr__objects *objects, pyr_error *err)
{
	pyr__locators *locators = pyr__daemon_locators(call->daemon);
	pyr_status status = pyr__call_find(call, objects, err);
	if (status == PYR_OK || !call->bound ||
		!pyr__locators_cover(locators, call->object_id, call->bound->interface))
		return status;
	return pyr__locators_find(
		locators, call->object_id, call->bound->interface, &call->object, err);
}

pyr_status pyr__call_admit(pyr_call *call, pyr_error *err)
{
	pyr__client_session *session;
	const pyr_daemon_options *options = pyr__daemon_options(call->daemon);
	if (pyr__call_session(call, &session, NULL)) /* it has ended, or nobody sees its end */
		return options->admit(options->access_ctx, call, err);
	return pyr__client_session_admit(session, options->admit, options->access_ctx, call, err);
}

static pyr_status no_function(const pyr_call *call, pyr_error *err)
{
	return pyr_error_set(err, PYR_UNIMPLEMENTED, "the object '%s' does not implement %s",
		call->object->id, call->bound->name);
}

/* What the servant's functions get as self. */
static pyr_status find_servant(pyr_call *call, void **ret_self, pyr_error *err)
{
	pyr__object *object = call->object;
	const pyr__instancing *instancing =
		atomic_load_explicit(&object->instancing, memory_order_acquire);
	if (!instancing) {
		*ret_self = object->self;
		return PYR_OK;
	}
	if (instancing->kind == PYR_INSTANCES_CALL) {
		pyr_status status = pyr__object_make_instance(object, call, &call->instance, err);
		*ret_self = call->instance;
		return status;
	}
	pyr__client_session *session;
	pyr_status status = pyr__call_session(call, &session, err);
	if (status)
		return status;
	return pyr__client_session_instance(session, object, call, ret_self, err);
}

static pyr_status run_servant(
	pyr_call *call, pyr__objects *objects, size_t decoded_bytes_max, pyr_error *err)
{
	pyr_status status = pyr__call_intercept(pyr__daemon_interceptors(call->daemon), call, err);
	if (status == PYR_OK)
		status = find_object(call, objects, err);
	if (status)
		return status;
	const pyr_method *method = call->bound->method;
	ProtobufCMessage *request = NULL;
	if (!(method->flags & PYR_METHOD_CLIENT_STREAM)) {
		status = pyr__call_request(call, decoded_bytes_max, &request, err);
		if (status)
			return status;
	}
	void *self;
	status = find_servant(call, &self, err);
	if (status)
		return status;
	if (!method->dispatch(call->object->ops, self, call, request))
		return no_function(call, err);
	return PYR_OK;
}

typedef pyr_status (*run_fn)(
	pyr_call *call, pyr__objects *objects, size_t decoded_bytes_max, pyr_error *err);

/* Runs it as what the calls that are made meanwhile are made for. A failure is its answer. */
static inline void run_in_scope(
	pyr_call *call, run_fn run, pyr__objects *objects, size_t decoded_bytes_max)
{
	pyr__scope scope = {call->incall.deadline_us, call, pyr_call_correlation};
	const pyr__scope *outer = pyr__scope_current;
	pyr__scope_current = &scope;
	pyr_error err;
	pyr__error_clear(&err);
	pyr_status status = run(call, objects, decoded_bytes_max, &err);
	pyr__scope_current = outer;
	if (status) {
		err.status = status;
		err.executed = PYR_EXECUTED_NO;
		pyr__call_fail(call, &err);
	}
}

void pyr__call_run_servant(pyr_call *stream, pyr__objects *objects, size_t decoded_bytes_max)
{
	run_in_scope(stream, run_servant, objects, decoded_bytes_max);
}

/* The leg of a stream, which has a call of its own. */
PYR__APART static pyr_status run_stream(
	pyr_call *call, pyr__objects *objects, size_t decoded_bytes_max, pyr_error *err)
{
	pyr_call *stream;
	pyr_status status = pyr__resume_enter(call, &stream, err);
	if (status || !stream)
		return status;
	if (stream == call)
		return run_servant(call, objects, decoded_bytes_max, err);
	if (pyr__resume_is_again(call)) /* which is not run as what runs servants */
		pyr__daemon_start_stream(call->daemon, stream);
	else
		pyr__call_run_servant(stream, objects, decoded_bytes_max);
	pyr_call_unref(stream);
	return PYR_OK;
}

/* True: the object is elsewhere, and the caller hears that, or why not. */
PYR__APART static bool forward(pyr_call *call, pyr_status *ret_status, pyr_error *err)
{
	char moved[PYR_REFERENCE_MAX];
	if (!pyr__forward_of(call, moved))
		return false;
	*ret_status = pyr__call_intercept(pyr__daemon_interceptors(call->daemon), call, err);
	if (*ret_status == PYR_OK)
		pyr__forward_call(call, moved);
	return true;
}

static pyr_status run(
	pyr_call *call, pyr__objects *objects, size_t decoded_bytes_max, pyr_error *err)
{
	const pyr_daemon_options *options = pyr__daemon_options(call->daemon);
	pyr__rules_slot *rules = pyr__daemon_rules(call->daemon);
	pyr_status status = PYR_OK;
	if (pyr__access_is_asked(options, rules))
		status = pyr__access_check(options, rules, objects, call, err);
	if (status || (pyr__daemon_has_forwards(call->daemon) && forward(call, &status, err)))
		return status;
	if (call->metadata_block.size && pyr__resume_is_asked(call))
		return run_stream(call, objects, decoded_bytes_max, err);
	return run_servant(call, objects, decoded_bytes_max, err);
}

void pyr__call_run(pyr_call *call, pyr__objects *objects, size_t decoded_bytes_max)
{
	if (!pyr_call_cancelled(call) || pyr__resume_is_begun(call))
		run_in_scope(call, run, objects, decoded_bytes_max);
}

void pyr__call_run_at_once(pyr_call *call, pyr__objects *objects, size_t decoded_bytes_max)
{
	bool in_time = call->began_us < call->incall.deadline_us;
	if (in_time && !atomic_load_explicit(&call->incall.cancelled, memory_order_acquire))
		run_in_scope(call, run, objects, decoded_bytes_max);
}
