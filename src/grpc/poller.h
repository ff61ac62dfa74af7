/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A completion queue and who drains it: a thread, or a loop.
 *
 * Core does its reading and writing inside grpc_completion_queue_next(), on the thread that calls
 * it; there is no descriptor that a loop could watch instead. So a poller for a loop has a thread
 * that waits in next while nothing happens. The first thing that comes wakes the loop, which from
 * then on calls next itself, without waiting, until nothing is left; meanwhile the thread sleeps:
 *
 *   thread   next...........event, hands over                             next...
 *   loop                                    next, next, next, nothing left
 *
 * So a busy loop does all of core's work on its own thread, and calls do not travel between two
 * processors' caches: half the CPU per call of a thread that drains the queue for the loop.
 */
#ifndef PYR_GRPC_POLLER_H
#define PYR_GRPC_POLLER_H

#include <pthread.h>
#include "grpc/core.h"

/* What core gives back when something is done: the tag. Part of what it is about. */
typedef struct pyr__op {
	void (*done)(struct pyr__op *op, bool ok); /* whoever drains the queue; no lock held */
} pyr__op;

typedef enum pyr__poller_state {
	PYR__POLLER_WAITING,  /* the thread has the queue */
	PYR__POLLER_HANDED,   /* `event` is for the loop, which has been told */
	PYR__POLLER_DRAINING, /* the loop has the queue */
} pyr__poller_state;

typedef struct pyr__poller {
	grpc_completion_queue *queue;
	/* Everything that had come is done with: time to hand it on. As pyr__op.done. */
	void (*drained)(void *arg);
	void *arg;
	pthread_t thread;

	pyr__loop *loop; /* NULL: the thread does everything */
	pyr__task task;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t changed;
	pyr__poller_state state;
	grpc_event event;
	bool released; /* the loop takes nothing any more */
} pyr__poller;

/* RESOURCE_EXHAUSTED if there is no thread to be had. */
pyr_status pyr__poller_start(pyr__poller *poller, pyr__loop *loop, void (*drained)(void *arg),
	void *arg, pyr_error *err);

/* From now on the thread does everything. With nobody dispatching the loop. */
void pyr__poller_release(pyr__poller *poller);

/* Releases, takes no more operations, waits until core has given all of them back, and ends the
 * thread. */
void pyr__poller_stop(pyr__poller *poller);

/* True while this thread drains the queue, and so calls `drained` before it waits. */
bool pyr__poller_is_current(const pyr__poller *poller);

#endif
