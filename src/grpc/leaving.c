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
	gpr_timespec until;
} leaving;

static void watch(leaving *self, grpc_connectivity_state state, grpc_completion_queue *queue);

static bool may_be_connecting(grpc_connectivity_state state)
{
	return state == GRPC_CHANNEL_CONNECTING || state == GRPC_CHANNEL_TRANSIENT_FAILURE;
}

/* Its state has changed, were it only because it was destroyed; or its time is over. */
static void on_changed(pyr__op *op, bool changed)
{
	leaving *self = PYR__OWNER(op, leaving, op);
	pyr__grpc_client *client = self->client;
	pthread_mutex_lock(&client->lock);
	grpc_channel *core = self->core;
	grpc_connectivity_state state =
		core ? grpc_channel_check_connectivity_state(core, 0) : GRPC_CHANNEL_SHUTDOWN;
	bool stays = changed && may_be_connecting(state);
	if (stays)
		watch(self, state, client->pollers[PYR__BY_THREAD].queue);
	else
		pyr__list_remove(&self->link);
	pthread_mutex_unlock(&client->lock);
	if (stays)
		return;
	if (core)
		grpc_channel_destroy(core);
	free(self);
}

/* Lock held, so that the queue is not shut down meanwhile. */
static void watch(leaving *self, grpc_connectivity_state state, grpc_completion_queue *queue)
{
	self->op.done = on_changed;
	grpc_channel_watch_connectivity_state(self->core, state, self->until, queue, &self->op);
}

/* False if the client is ending. */
static bool stay(pyr__grpc_client *client, grpc_channel *core, grpc_connectivity_state state,
	grpc_completion_queue *queue)
{
	pthread_mutex_lock(&client->lock);
	bool stays = !client->ending;
	if (stays) {
		leaving *self = pyr__zalloc(sizeof *self);
		self->client = client;
		self->core = core;
		self->until = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
			gpr_time_from_millis(
				2 * (int64_t)client->options.connect_timeout_ms, GPR_TIMESPAN));
		pyr__list_append(&client->leaving, &self->link);
		watch(self, state, queue);
	}
	pthread_mutex_unlock(&client->lock);
	return stays;
}

void pyr__leave(pyr__grpc_client *client, grpc_channel *core, int64_t age_us)
{
	grpc_completion_queue *queue;
	grpc_connectivity_state state = grpc_channel_check_connectivity_state(core, 0);
	/* one that was refused, and not ignored, failed sooner and waits before it tries again */
	bool ignored = state == GRPC_CHANNEL_TRANSIENT_FAILURE &&
		       age_us >= client->options.connect_timeout_ms * 1000ll;
	if ((state != GRPC_CHANNEL_CONNECTING && !ignored) ||
		pyr__client_queue(client, PYR__BY_THREAD, &queue, NULL) ||
		!stay(client, core, state, queue))
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
