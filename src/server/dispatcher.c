/* SPDX-License-Identifier: Apache-2.0 */
/* Hands calls that have arrived to their servants, on the loop or through the pool. */
#include "base/error.h"
#include "server/daemon_private.h"

static pyr_call *call_of(pyr__incall *incall)
{
	return PYR__OWNER(incall, pyr_call, incall);
}

/* An interned method is looked up once per connection. */
static const pyr__bound *bind_method(pyr_daemon *daemon, const pyr__head *head)
{
	const pyr__bound *bound = head->method_slot ? *head->method_slot : NULL;
	if (bound)
		return bound;
	bound = pyr__objects_bind(&daemon->objects, head->method);
	if (head->method_slot)
		*head->method_slot = (void *)bound;
	return bound;
}

static pyr__incall *open_call(void *host, const pyr__head *head, int64_t now_us)
{
	pyr_daemon *daemon = host;
	pyr__daemon_begin_call(daemon);
	const pyr__bound *bound = bind_method(daemon, head);
	pyr_call *call = pyr__call_new(
		daemon, bound, bound ? bound->statistics : &daemon->unknown, head, now_us);
	call->incall.single = bound && !(bound->method->flags & PYR_METHOD_CLIENT_STREAM);
	call->incall.silent = bound && bound->method->flags & PYR_METHOD_ONEWAY;
	return &call->incall;
}

static void run_job(pyr__job *job)
{
	pyr_call *call = PYR__OWNER(job, pyr_call, job);
	pyr__call_run(call, &call->daemon->objects, call->daemon->decoded_bytes_max);
}

static void end_job(pyr__job *job)
{
	pyr_call_unref(PYR__OWNER(job, pyr_call, job));
}

static void refuse(pyr_call *call, pyr_daemon *daemon)
{
	pyr_error err;
	pyr_error_set(&err, PYR_RESOURCE_EXHAUSTED,
		"all %u workers are busy and %u calls wait already", daemon->options.workers,
		daemon->options.worker_queue_max);
	err.executed = PYR_EXECUTED_NO;
	pyr__call_fail(call, &err);
}

static void start(pyr_daemon *daemon, pyr_call *call)
{
	if (!daemon->pool) {
		pyr__call_run(call, &daemon->objects, daemon->decoded_bytes_max);
		return;
	}
	pyr_call_ref(call);
	call->job.run = run_job;
	call->job.done = end_job;
	call->job.about = call;
	if (!pyr__pool_add(daemon->pool, &call->job)) {
		refuse(call, daemon);
		pyr_call_unref(call);
	}
}

static void work(void *host, pyr__incall *incall, unsigned work)
{
	pyr_call *call = call_of(incall);
	if (work & PYR__WORK_RUN)
		start(host, call);
	if (work & PYR__WORK_CANCEL)
		pyr__call_cancelled(call);
	if (work & PYR__WORK_WRITABLE)
		pyr__call_writable(call);
	if (work & PYR__WORK_READY)
		pyr__call_push(call);
	pyr_call_unref(call);
}

static bool ref(pyr__incall *incall)
{
	pyr_call *call = call_of(incall);
	unsigned refs = atomic_load_explicit(&call->refs, memory_order_relaxed);
	while (refs > 0)
		if (atomic_compare_exchange_weak_explicit(&call->refs, &refs, refs + 1,
			    memory_order_relaxed, memory_order_relaxed))
			return true;
	return false;
}

/* Looks for the object early, for who runs it to find it here. */
static bool may_run_here(void *host, pyr__incall *incall)
{
	pyr_daemon *daemon = host;
	pyr_call *call = call_of(incall);
	if (!daemon->pool && pyr__loop_is_current(daemon->loop))
		return true;
	return pyr__call_find(call, &daemon->objects, NULL) == PYR_OK &&
	       atomic_load_explicit(&call->object->any_thread, memory_order_relaxed);
}

static void run_here(void *host, pyr__incall *incall)
{
	(void)host;
	pyr_call *call = call_of(incall);
	run_job(&call->job);
	end_job(&call->job);
}

static void connected(void *host, uint64_t connection)
{
	pyr_daemon *daemon = host;
	pyr__client_session_begin(&daemon->sessions, connection);
}

static void disconnected(void *host, uint64_t connection)
{
	pyr_daemon *daemon = host;
	pyr__client_session_end(&daemon->sessions, connection);
}

const pyr__host_ops pyr__dispatcher_ops = {
	.open = open_call,
	.work = work,
	.ref = ref,
	.may_run_here = may_run_here,
	.run_here = run_here,
	.connected = connected,
	.disconnected = disconnected,
};
