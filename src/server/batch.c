/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the calls of a batch one after the other: a servant that every daemon has, and the carrier
 * of the calls that it makes.
 *
 *     proceed --> begin a call --> pyr__call_run --> answered? --yes--> the next one
 *                                                        | no
 *                                    (returns)           v
 *     proceed <-- on the loop or in the pool <-- finish: its servant answers later
 *
 * Only one call runs at a time, so what is not under the lock belongs to who proceeds.
 */
#include <pyrite/batch.pyr.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "server/callbacks.h"
#include "server/daemon_private.h"

#define OWN_PREFIX "pyrite.Batch/"
#define CALLS_MAX  10000 /* in one batch */
#define TURN_MAX   64

/* Lies in the outer call's memory, which each call of the batch keeps. */
typedef struct batch {
	pyr_call *outer;
	const Pyrite__RunBatchRequest *request;
	pyr__message message; /* the request of the call that runs */
	bool taken;
	Pyrite__BatchedResult *results;
	size_t count;         /* of results */
	size_t turn_end;      /* so many results, and the loop looks at what else there is */
	size_t bytes;         /* in them */
	pyr__task task;       /* goes on, on the loop */
	pyr__job job;         /* goes on, in the pool */
	pthread_mutex_t lock; /* guards what follows */
	pyr_call *running;    /* NULL: none, or its memory is going */
	bool finished;        /* the one that runs, or ran last */
	bool waits;           /* who began it has left; who finishes it goes on */
	bool cancelled;
} batch;

/* Results */

static char *copy_text(pyr__text text)
{
	char *copy = pyr__alloc(text.size + 1);
	if (text.size)
		memcpy(copy, text.data, text.size);
	copy[text.size] = '\0';
	return copy;
}

static ProtobufCBinaryData copy_bytes(pyr__text bytes)
{
	return (ProtobufCBinaryData){bytes.size, (uint8_t *)copy_text(bytes)};
}

static void add_failure(batch *b, const pyr__final *final)
{
	Pyrite__BatchedResult *result = &b->results[b->count++];
	pyrite__batched_result__init(result);
	result->status = final->status;
	result->executed = final->executed;
	result->message = copy_text(final->message);
	result->where = copy_text(final->where);
	result->details = copy_bytes(final->details);
}

static void add_error(batch *b, const pyr_error *err)
{
	pyr__final final = {
		.status = err->status,
		.executed = err->executed,
		.message = {err->message, strlen(err->message)},
		.where = {err->where, strlen(err->where)},
	};
	add_failure(b, &final);
}

static void add_reply(batch *b, const pyr__body *body)
{
	Pyrite__BatchedResult *result = &b->results[b->count++];
	size_t size = body ? body->size : 0;
	pyrite__batched_result__init(result);
	result->message = copy_text((pyr__text){"", 0});
	result->where = copy_text((pyr__text){"", 0});
	result->reply.data = pyr__alloc(size + 1);
	result->reply.len = size;
	if (body)
		pyr__body_write(body, result->reply.data);
	b->bytes += size;
}

static void free_results(batch *b)
{
	for (size_t i = 0; i < b->count; i++) {
		free(b->results[i].reply.data);
		free(b->results[i].message);
		free(b->results[i].where);
		free(b->results[i].details.data);
	}
	free(b->results);
}

/* Going on */

static void proceed(batch *b);

static void run_task(pyr__task *task)
{
	proceed(PYR__OWNER(task, batch, task));
}

static void run_job(pyr__job *job)
{
	proceed(PYR__OWNER(job, batch, job));
}

static void end_job(pyr__job *job)
{
	pyr_call_unref(PYR__OWNER(job, batch, job)->outer);
}

static void conclude(batch *b);

static void go_on_later(batch *b)
{
	pyr_daemon *daemon = b->outer->daemon;
	b->task.run = run_task;
	b->job.run = run_job;
	b->job.done = end_job;
	b->job.about = b->outer;
	if (!daemon->pool) {
		pyr__loop_post(daemon->loop, &b->task);
		return;
	}
	pyr_call *outer = pyr_call_ref(b->outer); /* the job's */
	if (!pyr__pool_add(daemon->pool, &b->job)) {
		pyr_error err;
		bool stopping = pyr__pool_is_stopping(daemon->pool);
		pyr_error_set(&err, stopping ? PYR_UNAVAILABLE : PYR_RESOURCE_EXHAUSTED, "%s",
			stopping ? "the daemon is stopping"
				 : "no worker has time for the rest of the batch");
		err.executed = PYR_EXECUTED_NO;
		if (b->count < b->request->n_calls)
			add_error(b, &err);
		conclude(b);
		pyr_call_unref(outer);
	}
}

/* Takes the answer of the call that runs, once; true if it was the first. */
static bool finish(batch *b, const pyr__final *final, const pyr__body *body)
{
	pthread_mutex_lock(&b->lock);
	bool first = !b->finished;
	if (first && final->status)
		add_failure(b, final);
	else if (first)
		add_reply(b, body);
	b->finished = true;
	bool go_on = first && b->waits;
	bool over = b->cancelled; /* and then the daemon may be gone */
	b->waits = false;
	pthread_mutex_unlock(&b->lock);
	if (go_on && over)
		conclude(b);
	else if (go_on)
		go_on_later(b);
	return first;
}

/* The carrier of the calls */

static batch *batch_of(const pyr__incall *in)
{
	return in->carrier;
}

static pyr_status in_send(pyr__incall *in, const pyr__body *body, pyr_error *err)
{
	(void)in;
	(void)body;
	return pyr_error_set(err, PYR_UNIMPLEMENTED, "a call in a batch has no stream");
}

static pyr_status in_finish(
	pyr__incall *in, const pyr__final *final, const pyr__body *body, pyr_error *err)
{
	batch *b = batch_of(in);
	size_t room = b->outer->daemon->session.message_max;
	pyr__final own;
	pyr_status status = PYR_OK;
	if (body && body->size > room - b->bytes) {
		static const char text[] = "the answers of the batch are longer than a message";
		own = (pyr__final){
			.status = PYR_RESOURCE_EXHAUSTED,
			.executed = PYR_EXECUTED_YES,
			.message = {text, sizeof text - 1},
		};
		final = &own;
		status = pyr_error_set(err, PYR_RESOURCE_EXHAUSTED, "%s", text);
	}
	in->finished = true;
	if (!finish(b, final, body))
		return pyr_error_set(err, PYR_CANCELLED, "nobody waits for an answer any more");
	return status;
}

static pyr__message *in_take(pyr__incall *in)
{
	batch *b = batch_of(in);
	bool first = !b->taken;
	b->taken = true;
	return first ? &b->message : NULL;
}

static void in_release(pyr__incall *in, pyr__message *message)
{
	(void)in;
	(void)message; /* the outer call's */
}

static void in_wait(pyr__incall *in, pyr__direction what, int64_t until_us)
{
	(void)in;
	(void)what;
	(void)until_us; /* there is nothing that could come */
}

static bool in_at_end(pyr__incall *in)
{
	return batch_of(in)->taken;
}

static void in_poke(pyr__incall *in)
{
	(void)in;
}

/* What a call gets that its servant has given back without an answer. */
static void finish_unanswered(pyr__incall *in)
{
	static const char text[] = "the servant gave the call back without an answer";
	static const char late[] = "the call was over before its servant answered";
	pyr__final final = {.status = PYR_OK};
	if (atomic_load(&in->cancelled) || pyr__now_us() >= in->deadline_us)
		final = (pyr__final){
			.status =
				atomic_load(&in->cancelled) ? PYR_CANCELLED : PYR_DEADLINE_EXCEEDED,
			.message = {late, sizeof late - 1},
		};
	else if (!in->silent)
		final = (pyr__final){
			.status = PYR_INTERNAL,
			.executed = PYR_EXECUTED_YES,
			.message = {text, sizeof text - 1},
		};
	finish(batch_of(in), &final, NULL);
}

static void in_done(pyr__incall *in)
{
	batch *b = batch_of(in);
	pyr_call *outer = b->outer;
	pthread_mutex_lock(&b->lock);
	if (b->running && &b->running->incall == in)
		b->running = NULL;
	pthread_mutex_unlock(&b->lock);
	if (!in->finished)
		finish_unanswered(in);
	pyr_call_unref(outer);
}

static const char *in_peer(pyr__incall *in)
{
	return pyr__incall_peer(&batch_of(in)->outer->incall);
}

static const char *in_principal(pyr__incall *in)
{
	return pyr__incall_principal(&batch_of(in)->outer->incall);
}

static const char *in_authorization(pyr__incall *in)
{
	return pyr__incall_authorization(&batch_of(in)->outer->incall);
}

static void in_set_principal(pyr__incall *in, const char *name)
{
	pyr__incall_set_principal(&batch_of(in)->outer->incall, name);
}

static uint64_t in_connection(pyr__incall *in)
{
	return pyr__incall_connection(&batch_of(in)->outer->incall);
}

static pyr_scheme in_reached(
	pyr__incall *in, struct sockaddr_storage *ret_address, socklen_t *ret_size)
{
	return pyr__incall_reached(&batch_of(in)->outer->incall, ret_address, ret_size);
}

static pyr__channel *in_back(pyr__incall *in, void (*release)(void *arg), void *arg)
{
	return pyr__incall_back(&batch_of(in)->outer->incall, release, arg);
}

static const pyr__incall_ops incall_ops = {
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
	.authorization = in_authorization,
	.set_principal = in_set_principal,
	.connection = in_connection,
	.reached = in_reached,
	.back = in_back,
};

/* The calls */

static pyr_status check(
	const batch *b, const pyr__bound *bound, const Pyrite__BatchedCall *call, pyr_error *err)
{
	if (b->outer->callbacks &&
		pyr__callbacks_hide((pyr__text){call->method, strlen(call->method)}))
		return pyr_error_set(
			err, PYR_NOT_FOUND, "%s is not for the peer of a client", call->method);
	if (strncmp(call->method, OWN_PREFIX, strlen(OWN_PREFIX)) == 0)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT, "a batch cannot be in a batch");
	if (bound && bound->method->flags & (PYR_METHOD_CLIENT_STREAM | PYR_METHOD_SERVER_STREAM))
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"%s has a stream, and cannot be in a batch", bound->name);
	return PYR_OK;
}

static pyr_call *new_call(batch *b, const pyr__bound *bound, const Pyrite__BatchedCall *asked)
{
	pyr_call *outer = b->outer;
	pyr_daemon *daemon = outer->daemon;
	const char *correlation = pyr_call_correlation(outer);
	pyr__head head = {
		.method = {asked->method, strlen(asked->method)},
		.object = outer->object_id,
		.metadata = outer->metadata_block,
		.correlation = {correlation, strlen(correlation)},
		.timeout_us = PYR__TIMEOUT_NONE,
	};
	pyr__daemon_begin_call(daemon);
	pyr_call *call = pyr__call_new(
		daemon, bound, bound ? bound->statistics : &daemon->unknown, &head, pyr__now_us());
	call->callbacks = b->outer->callbacks;
	call->incall.ops = &incall_ops;
	call->incall.carrier = b;
	call->incall.deadline_us = outer->incall.deadline_us;
	call->incall.single = true;
	call->incall.silent = bound && bound->method->flags & PYR_METHOD_ONEWAY;
	pyr_call_ref(outer);
	return call;
}

/* The next call, or NULL: it is none that can be run. */
static pyr_call *begin_next(batch *b)
{
	pyr_error err;
	const Pyrite__BatchedCall *asked = b->request->calls[b->count];
	const pyr__bound *bound = pyr__objects_bind(
		&b->outer->daemon->objects, (pyr__text){asked->method, strlen(asked->method)});
	if (check(b, bound, asked, &err)) {
		err.executed = PYR_EXECUTED_NO;
		add_error(b, &err);
		return NULL;
	}
	b->message = (pyr__message){
		.payload = {.data = asked->request.data, .size = asked->request.len}};
	b->taken = false;
	pyr_call *call = new_call(b, bound, asked);
	pthread_mutex_lock(&b->lock);
	b->finished = false;
	b->running = call;
	atomic_store(&call->incall.cancelled, b->cancelled);
	pthread_mutex_unlock(&b->lock);
	return call;
}

static bool has_failed(const batch *b)
{
	return b->count > 0 && b->results[b->count - 1].status != PYR_OK;
}

static void conclude(batch *b)
{
	Pyrite__RunBatchReply reply = PYRITE__RUN_BATCH_REPLY__INIT;
	Pyrite__BatchedResult **list = pyr__alloc((b->count + 1) * sizeof *list);
	pyr_call *outer = b->outer;
	for (size_t i = 0; i < b->count; i++)
		list[i] = &b->results[i];
	reply.results = list;
	reply.n_results = b->count;
	if (outer->bound->method == &pyrite_batch__interface.methods[0])
		pyrite_batch_run__reply(outer, &reply);
	else
		pyrite_batch_run_idempotent__reply(outer, &reply);
	free(list);
	free_results(b);
	pyr_call_unref(outer);
}

static void proceed(batch *b)
{
	pyr_daemon *daemon = b->outer->daemon;
	while (b->count < b->request->n_calls && !has_failed(b)) {
		if (b->count >= b->turn_end && !daemon->pool) {
			b->turn_end = b->count + TURN_MAX; /* others have a turn as well */
			go_on_later(b);
			return;
		}
		pyr_call *call = begin_next(b);
		if (!call)
			break;
		pyr__call_run(call, &daemon->objects, daemon->decoded_bytes_max);
		pyr_call_unref(call);
		pthread_mutex_lock(&b->lock);
		b->waits = !b->finished;
		bool waits = b->waits;
		pthread_mutex_unlock(&b->lock);
		if (waits)
			return;
	}
	conclude(b);
}

static void on_cancel(void *ctx)
{
	batch *b = ctx;
	pthread_mutex_lock(&b->lock);
	b->cancelled = true;
	pyr_call *call = b->running;
	if (call && !pyr__dispatcher_ops.ref(&call->incall))
		call = NULL;
	pthread_mutex_unlock(&b->lock);
	if (!call)
		return;
	atomic_store(&call->incall.cancelled, true);
	pyr__call_cancelled(call);
	pyr_call_unref(call);
}

static void run(void *self, pyr_call *call, const Pyrite__RunBatchRequest *request)
{
	batch *b = pyr__arena_alloc(&call->arena, sizeof *b);
	(void)self;
	if (!b || request->n_calls > CALLS_MAX) {
		pyr_call_fail(call, PYR_RESOURCE_EXHAUSTED,
			b ? "a batch has at most %d calls" : "out of memory", CALLS_MAX);
		return;
	}
	memset(b, 0, sizeof *b);
	b->turn_end = TURN_MAX;
	b->outer = pyr_call_ref(call);
	b->request = request;
	b->results = pyr__alloc((request->n_calls + 1) * sizeof *b->results);
	pthread_mutex_init(&b->lock, NULL);
	pyr_call_on_cancel(call, on_cancel, b);
	proceed(b);
}

void pyr__batch_add(pyr_daemon *daemon)
{
	static const pyrite_batch_ops ops = {.run = run, .run_idempotent = run};
	pyr__objects_add_own(&daemon->objects, &pyrite_batch__interface, &ops, daemon);
}
