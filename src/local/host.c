/* SPDX-License-Identifier: Apache-2.0 */
/* A daemon as the host of local calls: its queue, its deadlines and its end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "base/refs.h"
#include "local/local_private.h"

/* A timer a little early would find nothing to do. */
#define TIMER_STEP_US 1000

static void run_work(pyr__task *task);
static void on_timer(evutil_socket_t fd, short what, void *arg);

pyr__local_host *pyr__local_host_new(const pyr__local_host_options *options)
{
	pyr__local_host *host = pyr__zalloc(sizeof *host);
	snprintf(host->principal, sizeof host->principal, "uid:%u", (unsigned)geteuid());
	atomic_init(&host->refs, 1);
	host->options = *options;
	pyr__mutex_init(&host->lock);
	pyr__list_init(&host->calls);
	host->work_last = &host->work_first;
	host->work_task.run = run_work;
	host->timer_us = host->timer_added_us = PYR__DEADLINE_NONE;
	evtimer_assign(&host->timer, pyr__loop_base(options->loop), on_timer, host);
	return host;
}

pyr__local_host *pyr__local_host_ref(pyr__local_host *host)
{
	pyr__refs_take(&host->refs);
	return host;
}

void pyr__local_host_unref(pyr__local_host *host)
{
	if (!host || !pyr__refs_drop(&host->refs))
		return;
	free(host);
}

/* One that takes no more calls is passed over, since another may have its place already. */
static bool is_serving(pyr__local_host *host)
{
	return !atomic_load(&host->draining);
}

bool pyr__local_host_has(pyr__local_host *host, pyr__text object)
{
	return is_serving(host) && host->options.has_object(host->options.host, object);
}

bool pyr__local_host_is_at(pyr__local_host *host, const pyr_reference *endpoint)
{
	return is_serving(host) && host->options.is_at(host->options.host, endpoint);
}

bool pyr__local_host_is(pyr__local_host *host, const uint8_t id[PYR__PEER_ID_SIZE])
{
	return is_serving(host) && memcmp(host->options.id, id, PYR__PEER_ID_SIZE) == 0;
}

/* Working: on the loop */

static void post(pyr__local_host *host)
{
	if (host->detached)
		return;
	pyr__local_host_ref(host);
	if (!pyr__loop_post(host->options.loop, &host->work_task))
		pyr__local_host_unref(host); /* it waits already, with a reference */
}

void pyr__local_host_add_work(pyr__local_host *host, pyr__incall *in, unsigned work)
{
	pyr__local_wake(in->waiters);
	if (host->detached)
		return;
	if (!in->work) {
		/* open has made a reference for the first work */
		if (work != PYR__WORK_RUN && !host->options.ops->ref(in))
			return;
		in->next_work = NULL;
		*host->work_last = in;
		host->work_last = &in->next_work;
	}
	in->work |= work;
	post(host);
}

static void do_work(pyr__local_host *host)
{
	pyr__incall *in;
	while ((in = host->work_first) != NULL) {
		unsigned work = in->work;
		in->work = 0;
		host->work_first = in->next_work;
		if (!host->work_first)
			host->work_last = &host->work_first;
		pyr__mutex_unlock(&host->lock);
		host->options.ops->work(host->options.host, in, work);
		pyr__mutex_lock(&host->lock);
	}
}

static void apply_timer(pyr__local_host *host)
{
	if (host->closed || host->timer_us >= host->timer_added_us)
		return;
	int64_t left = host->timer_us - pyr__now_us() + TIMER_STEP_US;
	if (left < 0)
		left = 0;
	struct timeval tv = {.tv_sec = left / 1000000, .tv_usec = left % 1000000};
	evtimer_add(&host->timer, &tv);
	host->timer_added_us = host->timer_us;
}

static void run_work(pyr__task *task)
{
	pyr__local_host *host = PYR__OWNER(task, pyr__local_host, work_task);
	pyr__loop *loop = host->options.loop;
	pyr__loop_enter(loop);
	pyr__mutex_lock(&host->lock);
	do_work(host);
	apply_timer(host);
	pyr__mutex_unlock(&host->lock);
	pyr__local_host_unref(host);
	pyr__loop_leave(loop);
}

/* Deadlines */

void pyr__local_host_set_timer(pyr__local_host *host, int64_t at_us)
{
	if (at_us >= host->timer_us)
		return;
	host->timer_us = at_us;
	post(host);
}

static void expire(pyr__local_host *host, int64_t now_us)
{
	host->timer_us = host->timer_added_us = PYR__DEADLINE_NONE;
	for (pyr__link *l = host->calls.next; l != &host->calls; l = l->next) {
		pyr__local_call *call = PYR__OWNER(l, pyr__local_call, link);
		if (!call->out || call->out->over || call->out->deadline_us == PYR__DEADLINE_NONE)
			continue;
		if (call->out->deadline_us <= now_us)
			pyr__local_call_end(call, PYR_DEADLINE_EXCEEDED,
				"the deadline passed before the answer came");
		else if (call->out->deadline_us < host->timer_us)
			host->timer_us = call->out->deadline_us;
	}
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	pyr__local_host *host = arg;
	pyr__loop *loop = host->options.loop;
	pyr__loop_enter(loop);
	pyr__mutex_lock(&host->lock);
	expire(host, pyr__now_us());
	apply_timer(host);
	pyr__mutex_unlock(&host->lock);
	pyr__loop_leave(loop);
}

/* Its end */

void pyr__local_host_drain(pyr__local_host *host)
{
	pyr__mutex_lock(&host->lock);
	host->draining = true;
	pyr__mutex_unlock(&host->lock);
}

void pyr__local_host_close(pyr__local_host *host, const char *reason)
{
	pyr__mutex_lock(&host->lock);
	atomic_store(&host->draining, true);
	host->closed = true;
	for (pyr__link *l = host->calls.next; l != &host->calls; l = l->next)
		pyr__local_call_end(PYR__OWNER(l, pyr__local_call, link), PYR_UNAVAILABLE, reason);
	pyr__mutex_unlock(&host->lock);
}

void pyr__local_host_detach(pyr__local_host *host)
{
	pyr__mutex_lock(&host->lock);
	host->detached = true;
	while (host->visitors > 0)
		pyr__condition_wait(&host->quiet, &host->lock, INT64_MAX);
	pyr__mutex_unlock(&host->lock);
	event_del(&host->timer);
}
