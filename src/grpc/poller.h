/* SPDX-License-Identifier: Apache-2.0 */
/* A completion queue and the thread that drains it. */
#ifndef PYR_GRPC_POLLER_H
#define PYR_GRPC_POLLER_H

#include <pthread.h>
#include "grpc/core.h"

/* What core gives back when something is done: the tag. Part of what it is about. */
typedef struct pyr__op {
	void (*done)(struct pyr__op *op, bool ok); /* poller's thread, no lock held */
} pyr__op;

typedef struct pyr__poller {
	grpc_completion_queue *queue;
	/* Everything that had come is done with: time to hand it on. Poller's thread. */
	void (*drained)(void *arg);
	void *arg;
	pthread_t thread;
} pyr__poller;

/* RESOURCE_EXHAUSTED if there is no thread to be had. */
pyr_status pyr__poller_start(
	pyr__poller *poller, void (*drained)(void *arg), void *arg, pyr_error *err);

/* Takes no more operations, waits until core has given all of them back, and ends the thread. */
void pyr__poller_stop(pyr__poller *poller);

/* True on a poller's thread, which calls `drained` by itself before it waits. */
bool pyr__poller_is_current(const pyr__poller *poller);

#endif
