/* SPDX-License-Identifier: Apache-2.0 */
/* Hands calls that have arrived to their servants, on the loop or through the pool. */
#include <stdlib.h>
#include "base/alloc.h"
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

static bool is_oneway(const pyr_call *call)
{
	return call->oneway || call->incall.silent;
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
	pyr__reactor *reactor = host;
	pyr_daemon *daemon = reactor->daemon;
	pyr__daemon_begin_call(daemon);
	const pyr__bound *bound = bind_method(daemon, head);
	pyr_call *call = pyr__call_new(
		daemon, bound, bound ? bound->statistics : &daemon->unknown, head, now_us);
	call->reactor = reactor;
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
	bool added = is_oneway(call)
			     ? pyr__oneway_add(call, daemon->pool, daemon->options.worker_queue_max)
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

static void do_work(pyr_daemon *daemon, pyr_call *call, unsigned work)
{
	if (work & PYR__WORK_RUN)
		start(daemon, call);
	/* its metadata say whether a call that has just come is a stream's that is resumed */
	if (work & ~PYR__WORK_RUN || (work && call->metadata_block.size))
		pyr__resumable_on_work(call, work);
	if (work & PYR__WORK_CANCEL)
		pyr__call_cancelled(call);
	if (work & PYR__WORK_WRITABLE)
		pyr__call_writable(call);
	if (work & PYR__WORK_READY)
		pyr__call_push(call);
	pyr_call_unref(call);
}

typedef struct posted_work {
	pyr__task task;
	pyr_daemon *daemon; /* is there as long as its loop runs what is posted */
	pyr__reactor *from; /* which hands it over; NULL: nobody waits for its end */
	pyr_call *call;
	unsigned work;
	bool oneway; /* it is to be run, and has no answer */
} posted_work;

static void run_posted(pyr__task *task)
{
	posted_work *posted = (posted_work *)task;
	pyr_daemon *daemon = posted->daemon;
	pyr__loop *loop = daemon->loop;
	pyr__loop_enter(loop);
	do_work(daemon, posted->call, posted->work);
	pyr__loop_leave(loop);
	if (posted->from)
		pyr__reactor_end_handing(posted->from, &daemon->reactors, posted->oneway);
	free(posted);
}

static void post(pyr_daemon *daemon, pyr__reactor *from, pyr_call *call, unsigned work)
{
	posted_work *posted = pyr__alloc(sizeof *posted);
	bool oneway = work & PYR__WORK_RUN && is_oneway(call);
	*posted = (posted_work){{.run = run_posted}, daemon, from, call, work, oneway};
	if (from)
		pyr__reactor_begin_handing(from, &daemon->reactors, oneway);
	pyr__loop_post(daemon->loop, &posted->task);
}

void pyr__dispatcher_post(pyr_daemon *daemon, pyr__incall *incall, unsigned work)
{
	post(daemon, NULL, call_of(incall), work);
}

/*
 * Looks for the object early, for who runs it now to find it there. If that is done later it may
 * have gone by then.
 */
static bool runs_anywhere(pyr_daemon *daemon, pyr_call *call)
{
	if (pyr__call_find(call, &daemon->objects, NULL))
		return false;
	if (atomic_load_explicit(&call->object->any_thread, memory_order_relaxed))
		return true;
	pyr__object_unref(call->object);
	call->object = NULL;
	return false;
}

/*
 * Whether a call is run, and all that comes for it is done, on its reactor, which is not the
 * daemon's own. Legs of one stream come to several, so what they have to tell its servant is left
 * to the daemon's own; and a oneway call does not overtake one that goes there.
 */
static bool may_stay(const pyr__reactor *reactor, pyr_call *call)
{
	if (is_oneway(call) && atomic_load(&reactor->handed_oneways) > 0)
		return false;
	return !pyr__resume_is_asked(call) && runs_anywhere(reactor->daemon, call);
}

static void work_elsewhere(pyr__reactor *reactor, pyr_call *call, unsigned work)
{
	pyr_daemon *daemon = reactor->daemon;
	if (daemon->pool && (work & PYR__WORK_RUN)) {
		/* here, so that one thread alone adds what a connection brings */
		start(daemon, call);
		work &= ~PYR__WORK_RUN;
	} else if (work & PYR__WORK_RUN) {
		call->stays = may_stay(reactor, call);
	}
	if (work == 0 || call->stays)
		do_work(daemon, call, work);
	else
		post(daemon, reactor, call, work);
}

static void work(void *host, pyr__incall *incall, unsigned work)
{
	pyr__reactor *reactor = host;
	pyr_call *call = call_of(incall);
	pyr_daemon *daemon = call->daemon;
	if (work == 0 || pyr__reactor_is_own(reactor, &daemon->reactors))
		do_work(daemon, call, work);
	else
		work_elsewhere(reactor, call, work);
}

static bool ref(pyr__incall *incall)
{
	return pyr__call_ref_if_used(call_of(incall)) != NULL;
}

static bool may_run_here(void *host, pyr__incall *incall)
{
	pyr_daemon *daemon = ((pyr__reactor *)host)->daemon;
	if (!daemon->pool && pyr__loop_is_current(daemon->loop))
		return true;
	return runs_anywhere(daemon, call_of(incall));
}

static void run_here(void *host, pyr__incall *incall)
{
	pyr_daemon *daemon = ((pyr__reactor *)host)->daemon;
	pyr_call *call = call_of(incall);
	pyr__call_run_at_once(call, &daemon->objects, daemon->decoded_bytes_max);
	pyr_call_unref(call);
}

static void settle(void *host)
{
	pyr__reactor *reactor = host;
	pyr__endings_count(&reactor->endings);
}

void pyr__daemon_count_end(const pyr_call *call, pyr_status status)
{
	if (!call->statistics)
		return;
	/* of a connection that is over, and of a oneway call, nothing is sent any more */
	bool settles =
		call->incall.settles && !call->oneway && !atomic_load(&call->incall.cancelled);
	if (settles && pyr__loop_is_current(call->reactor->loop))
		pyr__endings_add(&call->reactor->endings, call->statistics, status, call->began_us);
	else
		pyr__statistics_end(call->statistics, status, pyr__now_us() - call->began_us);
}

static void connected(void *host, uint64_t connection)
{
	pyr_daemon *daemon = ((pyr__reactor *)host)->daemon;
	pyr__client_session_begin(&daemon->sessions, connection);
}

static void disconnected(void *host, uint64_t connection)
{
	pyr_daemon *daemon = ((pyr__reactor *)host)->daemon;
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
