/* SPDX-License-Identifier: Apache-2.0 */
/* Hands calls that have arrived to their servants, on the loop or through the pool. */
#include "base/clock.h"
#include "base/error.h"
#include "server/daemon_private.h"
#include "server/oneways.h"
#include "server/resumable.h"
#include "server/resume.h"

static pyr_call *call_of(pyr__incall *incall)
{
	return PYR__OWNER(incall, pyr_call, incall);
}

/* An interned method is looked up once per connection, a caller's of this process about once. */
static const pyr__bound *bind_method(pyr_daemon *daemon, const pyr__head *head)
{
	if (head->method_key)
		return pyr__objects_bind_entry(&daemon->objects, head->method, head->method_key);
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

static void run_stream_job(pyr__job *job)
{
	pyr_call *call = PYR__OWNER(job, pyr_call, job);
	pyr__call_run_servant(call, &call->daemon->objects, call->daemon->decoded_bytes_max);
}

static void refuse(pyr_call *call, pyr_daemon *daemon)
{
	pyr_error err;
	if (pyr__pool_is_stopping(daemon->pool))
		pyr_error_set(&err, PYR_UNAVAILABLE, "the daemon is stopping");
	else
		pyr_error_set(&err, PYR_RESOURCE_EXHAUSTED,
			"all %u workers are busy and %u calls wait already",
			daemon->options.workers, daemon->options.worker_queue_max);
	err.executed = PYR_EXECUTED_NO;
	pyr__call_fail(call, &err);
}

static void add_job(pyr_daemon *daemon, pyr_call *call, void (*run)(pyr__job *job))
{
	pyr_call_ref(call);
	call->job.run = run;
	call->job.done = end_job;
	call->job.about = call;
	call->job.brief = run == run_job && pyr__resume_is_again(call);
	bool oneway = call->oneway || call->incall.silent;
	bool added = oneway ? pyr__oneway_add(call, daemon->pool, daemon->options.worker_queue_max)
			    : pyr__pool_add(daemon->pool, &call->job);
	if (!added) {
		refuse(call, daemon);
		pyr_call_unref(call);
	}
}

static void start(pyr_daemon *daemon, pyr_call *call)
{
	if (!daemon->pool) {
		pyr__call_run(call, &daemon->objects, daemon->decoded_bytes_max);
		return;
	}
	add_job(daemon, call, run_job);
}

void pyr__daemon_start_stream(pyr_daemon *daemon, pyr_call *stream)
{
	if (daemon->pool)
		add_job(daemon, stream, run_stream_job);
	else
		pyr__call_run_servant(stream, &daemon->objects, daemon->decoded_bytes_max);
}

static void work(void *host, pyr__incall *incall, unsigned work)
{
	pyr_call *call = call_of(incall);
	if (work & PYR__WORK_RUN)
		start(host, call);
	if (work != PYR__WORK_RUN || call->metadata_block.size) /* by which streams are resumed */
		pyr__resumable_on_work(call, work);
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
	return pyr__call_ref_if_used(call_of(incall)) != NULL;
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
	pyr_daemon *daemon = host;
	pyr_call *call = call_of(incall);
	pyr__call_run_at_once(call, &daemon->objects, daemon->decoded_bytes_max);
	pyr_call_unref(call);
}

static void settle(void *host)
{
	pyr_daemon *daemon = host;
	pyr__endings_count(&daemon->endings);
}

void pyr__daemon_count_end(pyr_daemon *daemon, const pyr_call *call, pyr_status status)
{
	if (!call->statistics)
		return;
	/* of a connection that is over, and of a oneway call, nothing is sent any more */
	bool settles =
		call->incall.settles && !call->oneway && !atomic_load(&call->incall.cancelled);
	if (settles && pyr__loop_is_current(daemon->loop))
		pyr__endings_add(&daemon->endings, call->statistics, status, call->began_us);
	else
		pyr__statistics_end(call->statistics, status, pyr__now_us() - call->began_us);
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
	.settle = settle,
	.connected = connected,
	.disconnected = disconnected,
};
