/* SPDX-License-Identifier: Apache-2.0 */
/* A completion queue and the thread that drains it. */
#include "grpc/poller.h"

#include <string.h>

/* So many completions in a row are enough to be handed on. */
#define BATCH_MAX 64

static _Thread_local const pyr__poller *current;

bool pyr__poller_is_current(const pyr__poller *poller)
{
	return current == poller;
}

static void run(grpc_event event)
{
	pyr__op *op = event.tag;
	op->done(op, event.success != 0);
}

/* Runs what has come without waiting; false when the queue has ended. */
static bool drain(pyr__poller *poller, grpc_event event)
{
	gpr_timespec no_time = gpr_inf_past(GPR_CLOCK_MONOTONIC);
	for (unsigned i = 0; event.type == GRPC_OP_COMPLETE; i++) {
		run(event);
		if (i == BATCH_MAX) {
			poller->drained(poller->arg);
			i = 0;
		}
		event = grpc_completion_queue_next(poller->queue, no_time, NULL);
	}
	poller->drained(poller->arg);
	return event.type != GRPC_QUEUE_SHUTDOWN;
}

static void *work(void *arg)
{
	pyr__poller *poller = arg;
	gpr_timespec never = gpr_inf_future(GPR_CLOCK_MONOTONIC);
	current = poller;
	pthread_setname_np(pthread_self(), "pyrite-grpc");
	while (drain(poller, grpc_completion_queue_next(poller->queue, never, NULL)))
		;
	return NULL;
}

pyr_status pyr__poller_start(
	pyr__poller *poller, void (*drained)(void *arg), void *arg, pyr_error *err)
{
	poller->drained = drained;
	poller->arg = arg;
	poller->queue = grpc_completion_queue_create_for_next(NULL);
	int failed = pthread_create(&poller->thread, NULL, work, poller);
	if (!failed)
		return PYR_OK;
	grpc_completion_queue_shutdown(poller->queue);
	grpc_completion_queue_destroy(poller->queue);
	poller->queue = NULL;
	return pyr_error_set(err, PYR_RESOURCE_EXHAUSTED, "cannot start a thread for gRPC: %s",
		strerror(failed));
}

void pyr__poller_stop(pyr__poller *poller)
{
	grpc_completion_queue_shutdown(poller->queue);
	pthread_join(poller->thread, NULL);
	grpc_completion_queue_destroy(poller->queue);
	poller->queue = NULL;
}
