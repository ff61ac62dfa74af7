/* SPDX-License-Identifier: Apache-2.0 */
/* A completion queue, drained by a thread or by a loop. */
#include "grpc/poller.h"

#include <string.h>

#define BATCH_MAX 64   /* so many completions in a row are enough to be handed on */
#define TURN_MAX  1024 /* so many in a row, and the loop looks at what else there is */

static _Thread_local const pyr__poller *current;

bool pyr__poller_is_current(const pyr__poller *poller)
{
	return current == poller;
}

static void run(const grpc_event *event)
{
	pyr__op *op = event->tag;
	op->done(op, event->success != 0);
}

/* The next event, if there is one without waiting. */
static grpc_event next(pyr__poller *poller)
{
	return grpc_completion_queue_next(poller->queue, gpr_inf_past(GPR_CLOCK_MONOTONIC), NULL);
}

/* The thread */

/* To hand on costs a system call or two, so it is done for many at once. */
static void drain(pyr__poller *poller, grpc_event event)
{
	current = poller;
	while (event.type == GRPC_OP_COMPLETE) {
		for (unsigned i = 0; i < BATCH_MAX && event.type == GRPC_OP_COMPLETE; i++) {
			run(&event);
			event = next(poller);
		}
		poller->drained(poller->arg);
	}
	current = NULL;
}

/* False if the loop does not take it. */
static bool hand_over(pyr__poller *poller, const grpc_event *event)
{
	if (!poller->loop)
		return false;
	pthread_mutex_lock(&poller->lock);
	poller->state = PYR__POLLER_HANDED;
	poller->event = *event;
	if (!poller->released)
		pyr__services->loop_post(poller->loop, &poller->task);
	while (poller->state != PYR__POLLER_WAITING &&
		!(poller->released && poller->state == PYR__POLLER_HANDED))
		pthread_cond_wait(&poller->changed, &poller->lock);
	bool taken = poller->state == PYR__POLLER_WAITING;
	poller->state = PYR__POLLER_WAITING;
	pthread_mutex_unlock(&poller->lock);
	return taken;
}

static void *work(void *arg)
{
	pyr__poller *poller = arg;
	gpr_timespec never = gpr_inf_future(GPR_CLOCK_MONOTONIC);
	pthread_setname_np(pthread_self(), "pyrite-grpc");
	for (;;) {
		grpc_event event = grpc_completion_queue_next(poller->queue, never, NULL);
		if (event.type == GRPC_OP_COMPLETE && !hand_over(poller, &event))
			drain(poller, event);
		if (event.type == GRPC_QUEUE_SHUTDOWN)
			return NULL;
	}
}

/* The loop */

/* Gives the queue back to the thread, or keeps it for another turn. */
static void yield(pyr__poller *poller, const grpc_event *event)
{
	bool more = event->type == GRPC_OP_COMPLETE;
	pthread_mutex_lock(&poller->lock);
	poller->state = more ? PYR__POLLER_HANDED : PYR__POLLER_WAITING;
	poller->event = *event;
	if (more)
		pyr__services->loop_post(poller->loop, &poller->task);
	else
		pthread_cond_signal(&poller->changed);
	pthread_mutex_unlock(&poller->lock);
}

/*
 * One by one: a call that is done with before the next one is looked at finds its memory in the
 * processor's cache, and malloc does not return that of many to the system to fetch it again.
 */
static void drain_here(pyr__poller *poller, grpc_event *event)
{
	current = poller;
	for (unsigned i = 0; i < TURN_MAX && event->type == GRPC_OP_COMPLETE; i++) {
		run(event);
		poller->drained(poller->arg);
		*event = next(poller);
	}
	current = NULL;
}

static void take_turn(pyr__task *task)
{
	pyr__poller *poller = PYR__OWNER(task, pyr__poller, task);
	pthread_mutex_lock(&poller->lock);
	bool handed = poller->state == PYR__POLLER_HANDED && !poller->released;
	if (handed)
		poller->state = PYR__POLLER_DRAINING;
	grpc_event event = poller->event;
	pthread_mutex_unlock(&poller->lock);
	if (!handed)
		return;
	drain_here(poller, &event);
	yield(poller, &event);
}

/* Beginning and end */

static void destroy(pyr__poller *poller)
{
	grpc_completion_queue_destroy(poller->queue);
	poller->queue = NULL;
	pthread_cond_destroy(&poller->changed);
	pthread_mutex_destroy(&poller->lock);
}

pyr_status pyr__poller_start(
	pyr__poller *poller, pyr__loop *loop, void (*drained)(void *arg), void *arg, pyr_error *err)
{
	memset(poller, 0, sizeof *poller);
	poller->loop = loop;
	poller->task.run = take_turn;
	poller->drained = drained;
	poller->arg = arg;
	pthread_mutex_init(&poller->lock, NULL);
	pthread_cond_init(&poller->changed, NULL);
	poller->queue = grpc_completion_queue_create_for_next(NULL);
	int failed = pthread_create(&poller->thread, NULL, work, poller);
	if (!failed)
		return PYR_OK;
	grpc_completion_queue_shutdown(poller->queue);
	destroy(poller);
	return pyr_error_set(err, PYR_RESOURCE_EXHAUSTED, "cannot start a thread for gRPC: %s",
		strerror(failed));
}

void pyr__poller_release(pyr__poller *poller)
{
	pthread_mutex_lock(&poller->lock);
	poller->released = true;
	pthread_cond_signal(&poller->changed);
	pthread_mutex_unlock(&poller->lock);
	if (poller->loop)
		pyr__services->loop_cancel(poller->loop, &poller->task);
}

void pyr__poller_stop(pyr__poller *poller)
{
	pyr__poller_release(poller);
	grpc_completion_queue_shutdown(poller->queue);
	pthread_join(poller->thread, NULL);
	destroy(poller);
}
