/* SPDX-License-Identifier: Apache-2.0 */
/* What the gRPC channels of one context share: completion queues, and calls that are ready. */
#ifndef PYR_GRPC_CLIENT_H
#define PYR_GRPC_CLIENT_H

#include "grpc/poller.h"

#define PYR__PLUCKS_KEPT 16

/* Who drains a queue, and so runs what ends a call. */
typedef enum pyr__drainer {
	PYR__BY_THREAD, /* a thread of its own, whatever becomes of the loop */
	PYR__BY_LOOP,   /* the loop, for a call whose end is a callback there */
	PYR__DRAINERS,
} pyr__drainer;

struct pyr__grpc_client {
	pyr__grpc_client_options options;
	pthread_mutex_t lock; /* guards what follows */
	pyr__poller pollers[PYR__DRAINERS];
	bool polling[PYR__DRAINERS];
	grpc_completion_queue *plucks[PYR__PLUCKS_KEPT]; /* idle ones */
	unsigned pluck_count;
	pyr__outcall *ready_first, **ready_last;
	pyr__link leaving; /* core's channels that are to be destroyed: leaving.c */
	bool ending;
	const pyr__outcall *running; /* whose `ready` is being called now, on the loop */
	pthread_cond_t not_running;
	pyr__task deliver_task;
	atomic_bool has_ready; /* ready_first is not NULL: to be asked without the lock */
};

pyr__grpc_client *pyr__client_new(const pyr__grpc_client_options *options);
void pyr__client_free(pyr__grpc_client *client);

/* The queue of a drainer, started if need be; CANCELLED once the client is being freed. */
pyr_status pyr__client_queue(pyr__grpc_client *client, pyr__drainer drainer,
	grpc_completion_queue **ret_queue, pyr_error *err);

/* A queue for a thread that waits for its own call. */
grpc_completion_queue *pyr__client_take_pluck(pyr__grpc_client *client);
void pyr__client_give_pluck(pyr__grpc_client *client, grpc_completion_queue *queue);

/* Has call->ready called on the loop, unless it is NULL. */
void pyr__client_ready(pyr__grpc_client *client, pyr__outcall *call);

/* Sets call->ready. NULL: when this returns it is not running on another thread. */
void pyr__client_observe(
	pyr__grpc_client *client, pyr__outcall *call, void (*ready)(pyr__outcall *call));

/* Clears call->ready, without waiting. */
void pyr__client_forget(pyr__grpc_client *client, pyr__outcall *call);

#endif
