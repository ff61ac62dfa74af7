/* SPDX-License-Identifier: Apache-2.0 */
/* A context's way to a daemon of the same process: how local calls begin. */
#include <stdio.h>
#include <stdlib.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "local/local_private.h"
#include "transport/trace.h"

/* A call that runs on its caller's thread may make another one, but not without an end. */
#define DEPTH_MAX 32

typedef struct local_channel {
	pyr__channel base;
	pyr__local_host *host;
	pyr__loop *loop;
	size_t message_max;
	bool shut; /* guarded by the host's lock */
} local_channel;

static _Thread_local unsigned depth;

static pyr_status refuse(pyr_error *err, pyr_status status, const char *why)
{
	return pyr_error_set(err, status, "%s", why);
}

/* Lock held. */
static pyr_status check_start(
	const local_channel *self, const pyr__head *head, const pyr__body *body, pyr_error *err)
{
	const pyr__local_host *host = self->host;
	size_t size = body ? body->size : 0;
	if (self->shut)
		return refuse(err, PYR_CANCELLED, "the context has been freed");
	if (host->draining)
		return refuse(err, PYR_UNAVAILABLE, "the daemon is stopping");
	if (size > host->options.message_max)
		return pyr_error_set(err, PYR_RESOURCE_EXHAUSTED,
			"the message has %zu bytes, the peer takes %zu", size,
			host->options.message_max);
	if (head->metadata.size > host->options.metadata_max)
		return refuse(
			err, PYR_RESOURCE_EXHAUSTED, "the metadata is longer than the peer takes");
	if (host->call_count >= host->options.calls_max)
		return refuse(err, PYR_RESOURCE_EXHAUSTED,
			"as many calls are open as the peer takes at once");
	return PYR_OK;
}

/* Lock held. The caller's half joins; the call is seen by all from now on. */
static void begin(pyr__local_call *call, pyr__outcall *out)
{
	pyr__list_append(&call->host->calls, &call->link);
	if (!out)
		return;
	out->ops = &pyr__local_outcall_ops;
	out->carrier = call;
	call->out = out;
	call->output = out->output;
	call->decoded_bytes_max = out->decoded_bytes_max;
	atomic_store_explicit(&call->refs, 2, memory_order_relaxed); /* nobody else knows it yet */
}

/* Lock held. */
static pyr__local_call *open_call(local_channel *self, const pyr__head *head, bool end)
{
	pyr__local_host *host = self->host;
	int64_t now_us = head->now_us ? head->now_us : pyr__now_us();
	pyr__incall *in = host->options.ops->open(host->options.host, head, now_us);
	pyr__local_call *call = pyr__local_call_new(host, in);
	call->channel = &self->base;
	call->loop = self->loop;
	call->reply_max = self->message_max;
	call->number = self->base.connection;
	in->ops = &pyr__local_incall_ops;
	in->carrier = call;
	in->finished = head->oneway;
	in->ended = in->whole = end;
	host->call_count++;
	host->visitors++;
	return call;
}

static void leave(pyr__local_host *host)
{
	pyr__mutex_lock(&host->lock);
	if (--host->visitors == 0 && host->detached)
		pyr__condition_tell(&host->quiet);
	pyr__mutex_unlock(&host->lock);
}

/* The servant's function runs here and now. */
static void run_here(pyr__local_host *host, pyr__incall *in)
{
	bool on_loop = pyr__loop_is_current(host->options.loop);
	depth++;
	if (on_loop)
		pyr__loop_enter(host->options.loop);
	host->options.ops->run_here(host->options.host, in);
	if (on_loop)
		pyr__loop_leave(host->options.loop);
	depth--;
}

static pyr_status would_block(pyr_error *err, const char *why)
{
	return pyr_error_set(
		err, PYR_FAILED_PRECONDITION, "%s, and waiting would block the loop's thread", why);
}

static bool may_wait(const pyr__local_host *host)
{
	return !pyr__loop_in_callback() && !pyr__loop_is_current(host->options.loop);
}

/* The servant keeps the call, which from now on is like any other. */
static void outlast_run(pyr__local_call *call)
{
	pyr__mutex_lock(&call->host->lock);
	atomic_store_explicit(&call->runner, 0, memory_order_relaxed);
	pyr__local_call_publish(call);
	pyr__local_call_keep_host(call);
	if (call->in)
		call->in->lent = NULL; /* it was not run, and will not be */
	pyr__mutex_unlock(&call->host->lock);
}

/* For a caller that waits: its servant has often answered, and given the call back, by then. */
static pyr_status run_for(
	pyr__local_call *call, pyr__outcall *out, const pyr__body *body, pyr_error *err)
{
	pyr__local_host *host = call->host;
	pyr__incall *in = call->in;
	bool settled = false;
	if (body && body->message && in->single && !in->silent)
		in->lent = body->message;
	call->settled = &settled;
	atomic_store_explicit(&call->runner, pthread_self(), memory_order_relaxed);
	run_here(host, in);
	if (settled)
		return PYR_OK;
	outlast_run(call);
	if (may_wait(host) || pyr__outcall_is_over(out))
		return PYR_OK;
	pyr__outcall_done(out);
	out->ops = NULL;
	return would_block(err, "the object did not answer at once");
}

static pyr_status put_request(pyr__incall *in, const pyr__body *body, pyr_error *err)
{
	pyr__local_parcel parcel;
	if (!body)
		return PYR_OK;
	pyr_status status = pyr__local_pack(body, &parcel, err);
	if (status)
		return status;
	pyr__inbox_put(&in->inbox, &parcel.payload, 0);
	pyr__local_unpack(&parcel);
	return PYR_OK;
}

/* Nobody has seen the call, but for a caller that waits it may have been ended already. */
static pyr_status queue_waited(pyr__local_call *call, pyr_error *err)
{
	pyr__local_host *host = call->host;
	pyr__incall *in = call->in;
	if (!may_wait(host))
		return would_block(err, "the object does not run on this thread");
	pyr__mutex_lock(&host->lock);
	pyr__local_call_keep_host(call);
	bool ended = atomic_load(&in->cancelled);
	if (ended)
		call->out->outcome.executed = PYR_EXECUTED_NO;
	else
		pyr__local_host_add_work(host, in, PYR__WORK_RUN);
	pyr__mutex_unlock(&host->lock);
	if (ended)
		host->options.ops->work(host->options.host, in, 0); /* gives it back */
	return PYR_OK;
}

static pyr_status begin_other(pyr__local_call *call, pyr__outcall *out, bool here, pyr_error *err)
{
	pyr__local_host *host = call->host;
	pyr_status status = PYR_OK;
	pyr__mutex_lock(&host->lock);
	pyr__local_call_keep_host(call);
	if (host->closed) {
		status = refuse(err, PYR_UNAVAILABLE, "the daemon has stopped");
	} else {
		begin(call, out);
		if (out && out->deadline_us != PYR__DEADLINE_NONE)
			pyr__local_host_set_timer(host, out->deadline_us);
		if (!here)
			pyr__local_host_add_work(host, call->in, PYR__WORK_RUN);
	}
	pyr__mutex_unlock(&host->lock);
	return status;
}

/* Gives back a call that has not been run. */
static void take_back(pyr__local_call *call, pyr__outcall *out)
{
	pyr__local_host *host = call->host;
	pyr__incall *in = call->in;
	pyr__mutex_lock(&host->lock);
	bool began = call->out != NULL;
	call->out = NULL;
	pyr__mutex_unlock(&host->lock);
	if (began) {
		pyr__outcome_done(&out->outcome);
		out->ops = NULL;
		pyr__local_call_unref(call);
	}
	host->options.ops->work(host->options.host, in, 0);
}

static pyr_status queue_or_run(pyr__local_call *call, pyr__outcall *out, bool waits, bool here,
	const pyr__body *body, pyr_error *err)
{
	pyr__local_host *host = call->host;
	pyr__incall *in = call->in;
	pyr_status status = put_request(in, body, err);
	if (status == PYR_OK)
		status = waits ? queue_waited(call, err) : begin_other(call, out, here, err);
	if (status == PYR_OK && here)
		run_here(host, in);
	if (status == PYR_OK)
		return PYR_OK;
	take_back(call, out);
	if (err)
		err->executed = PYR_EXECUTED_NO;
	return status;
}

static pyr_status start(pyr__channel *channel, pyr__outcall *out, const pyr__head *head,
	const pyr__body *body, bool end, pyr_error *err)
{
	local_channel *self = (local_channel *)channel;
	pyr__local_host *host = self->host;
	pyr__local_call *call = NULL;
	bool waits = out && out->unary && !out->ready;
	pyr__mutex_lock(&host->lock);
	pyr_status status = check_start(self, head, body, err);
	if (status == PYR_OK) {
		call = open_call(self, head, end);
		if (waits)
			begin(call, out);
	}
	pyr__mutex_unlock(&host->lock);
	if (status) {
		if (err) {
			err->executed = PYR_EXECUTED_NO;
			pyr__error_where(err, "%s", channel->name);
		}
		return status;
	}
	if (pyr__log_wants(PYR_LOG_TRACE))
		pyr__trace_call(channel->name, '>', head);
	bool here = (waits || head->oneway) && depth < DEPTH_MAX &&
		    host->options.ops->may_run_here(host->options.host, call->in);
	status = waits && here ? run_for(call, out, body, err)
			       : queue_or_run(call, out, waits, here, body, err);
	leave(host);
	return status;
}

static pyr_status connect_now(pyr__channel *channel, int64_t deadline_us, pyr_error *err)
{
	(void)deadline_us;
	pyr__local_host *host = ((local_channel *)channel)->host;
	pyr__mutex_lock(&host->lock);
	bool there = !host->draining;
	pyr__mutex_unlock(&host->lock);
	return there ? PYR_OK : refuse(err, PYR_UNAVAILABLE, "the daemon is stopping");
}

static void shut(pyr__channel *channel)
{
	local_channel *self = (local_channel *)channel;
	pyr__local_host *host = self->host;
	pyr__mutex_lock(&host->lock);
	self->shut = true;
	for (pyr__link *l = host->calls.next; l != &host->calls; l = l->next) {
		pyr__local_call *call = PYR__OWNER(l, pyr__local_call, link);
		if (call->channel == channel && call->out)
			pyr__local_call_end(call, PYR_CANCELLED, "the context was freed");
	}
	pyr__mutex_unlock(&host->lock);
}

/* Tells the host's owner that the channel has begun, or ended, unless that is gone. */
static void tell(const local_channel *self, void (*what)(void *host, uint64_t connection))
{
	pyr__local_host *host = self->host;
	pyr__mutex_lock(&host->lock);
	bool there = !host->detached;
	host->visitors += there;
	pyr__mutex_unlock(&host->lock);
	if (!there)
		return;
	what(host->options.host, self->base.connection);
	leave(host);
}

static void free_channel(pyr__channel *channel)
{
	local_channel *self = (local_channel *)channel;
	tell(self, self->host->options.ops->disconnected);
	pyr__local_host_unref(self->host);
	free(self);
}

static const pyr__channel_ops ops = {
	.start = start,
	.connect = connect_now,
	.shut = shut,
	.free = free_channel,
};

pyr__channel *pyr__local_channel_new(
	pyr__local_host *host, const char *name, pyr__loop *loop, size_t message_max)
{
	local_channel *self = pyr__zalloc(sizeof *self);
	self->base.ops = &ops;
	atomic_init(&self->base.refs, 1);
	self->base.loop = loop;
	snprintf(self->base.name, sizeof self->base.name, "%s", name);
	self->host = pyr__local_host_ref(host);
	self->loop = loop;
	self->message_max = message_max;
	self->base.connection = pyr__next_connection();
	tell(self, host->options.ops->connected);
	return &self->base;
}

bool pyr__local_channel_serves(const pyr__channel *channel)
{
	return !atomic_load(&((const local_channel *)channel)->host->draining);
}

pyr__local_host *pyr__local_channel_host(const pyr__channel *channel)
{
	return ((const local_channel *)channel)->host;
}
