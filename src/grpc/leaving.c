/* SPDX-License-Identifier: Apache-2.0 */
/* Channels of core that are destroyed once they connect no more. */
#include "grpc/leaving.h"

#include <stdlib.h>
#include "base/alloc.h"

typedef struct leaving {
	pyr__op op;
	pyr__link link; /* in the client's list; guarded by its lock, as core is */
	pyr__grpc_client *client;
	grpc_channel *core; /* NULL: destroyed already */
} leaving;

/* Its state has changed, were it only because it was destroyed. */
static void on_changed(pyr__op *op, bool ok)
{
	leaving *self = PYR__OWNER(op, leaving, op);
	(void)ok;
	pthread_mutex_lock(&self->client->lock);
	grpc_channel *core = self->core;
	pyr__list_remove(&self->link);
	pthread_mutex_unlock(&self->client->lock);
	if (core)
		grpc_channel_destroy(core);
	free(self);
}

/* False if the client is ending. Lock held, so that its queue is not shut down meanwhile. */
static bool watch(pyr__grpc_client *client, grpc_channel *core, grpc_completion_queue *queue)
{
	if (client->ending)
		return false;
	leaving *self = pyr__zalloc(sizeof *self);
	self->op.done = on_changed;
	self->client = client;
	self->core = core;
	pyr__list_append(&client->leaving, &self->link);
	grpc_channel_watch_connectivity_state(core, GRPC_CHANNEL_CONNECTING,
		gpr_inf_future(GPR_CLOCK_MONOTONIC), queue, &self->op);
	return true;
}

void pyr__leave(pyr__grpc_client *client, grpc_channel *core)
{
	grpc_completion_queue *queue;
	bool watched = false;
	if (grpc_channel_check_connectivity_state(core, 0) == GRPC_CHANNEL_CONNECTING &&
		pyr__client_queue(client, PYR__BY_THREAD, &queue, NULL) == PYR_OK) {
		pthread_mutex_lock(&client->lock);
		watched = watch(client, core, queue);
		pthread_mutex_unlock(&client->lock);
	}
	if (!watched)
		grpc_channel_destroy(core);
}

void pyr__leaving_end(pyr__grpc_client *client)
{
	pthread_mutex_lock(&client->lock);
	client->ending = true;
	for (pyr__link *at = client->leaving.next; at != &client->leaving; at = at->next) {
		leaving *self = PYR__OWNER(at, leaving, link);
		grpc_channel_destroy(self->core);
		self->core = NULL;
	}
	pthread_mutex_unlock(&client->lock);
}
