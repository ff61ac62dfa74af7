/* SPDX-License-Identifier: Apache-2.0 */
/* What the gRPC channels of one context share. */
#include "grpc/client.h"

#include <stdlib.h>
#include "base/alloc.h"
#include "grpc/leaving.h"

/* Calls that are ready */

/* Lock held. */
static void add_ready(pyr__grpc_client *client, pyr__outcall *call)
{
	call->is_ready = true;
	call->next_ready = NULL;
	*client->ready_last = call;
	client->ready_last = &call->next_ready;
	atomic_store_explicit(&client->has_ready, true, memory_order_release);
}

/* Takes *at out of the list. Lock held. */
static void remove_ready(pyr__grpc_client *client, pyr__outcall **at)
{
	pyr__outcall *call = *at;
	call->is_ready = false;
	*at = call->next_ready;
	if (!*at)
		client->ready_last = at;
	if (!client->ready_first)
		atomic_store_explicit(&client->has_ready, false, memory_order_relaxed);
}

/* On the loop. */
static void deliver(void *arg)
{
	pyr__grpc_client *client = arg;
	pyr__outcall *call;
	if (!atomic_load_explicit(&client->has_ready, memory_order_acquire))
		return;
	pthread_mutex_lock(&client->lock);
	while ((call = client->ready_first) != NULL) {
		remove_ready(client, &client->ready_first);
		void (*ready)(pyr__outcall * call) = call->ready;
		if (!ready)
			continue;
		client->running = call;
		pthread_mutex_unlock(&client->lock);
		ready(call);
		pthread_mutex_lock(&client->lock);
		client->running = NULL;
		pthread_cond_broadcast(&client->not_running);
	}
	pthread_mutex_unlock(&client->lock);
}

static void run_deliver(pyr__task *task)
{
	deliver(PYR__OWNER(task, pyr__grpc_client, deliver_task));
}

static void deliver_soon(pyr__grpc_client *client)
{
	pyr__services->loop_post(client->options.loop, &client->deliver_task);
}

/* On the thread of a queue that the loop does not drain. */
static void on_drained(void *arg)
{
	pyr__grpc_client *client = arg;
	if (atomic_load_explicit(&client->has_ready, memory_order_acquire))
		deliver_soon(client);
}

void pyr__client_ready(pyr__grpc_client *client, pyr__outcall *call)
{
	pthread_mutex_lock(&client->lock);
	bool fresh = call->ready && !call->is_ready;
	if (fresh)
		add_ready(client, call);
	pthread_mutex_unlock(&client->lock);
	if (fresh && !pyr__poller_is_current(&client->pollers[PYR__BY_THREAD]) &&
		!pyr__poller_is_current(&client->pollers[PYR__BY_LOOP]))
		deliver_soon(client);
}

/* Lock held. */
static void unready(pyr__grpc_client *client, pyr__outcall *call)
{
	if (!call->is_ready)
		return;
	pyr__outcall **at = &client->ready_first;
	while (*at != call)
		at = &(*at)->next_ready;
	remove_ready(client, at);
}

void pyr__client_forget(pyr__grpc_client *client, pyr__outcall *call)
{
	pthread_mutex_lock(&client->lock);
	call->ready = NULL;
	unready(client, call);
	pthread_mutex_unlock(&client->lock);
}

void pyr__client_observe(
	pyr__grpc_client *client, pyr__outcall *call, void (*ready)(pyr__outcall *call))
{
	pthread_mutex_lock(&client->lock);
	call->ready = ready;
	if (!ready) {
		unready(client, call);
		while (client->running == call &&
			!pyr__services->loop_is_current(client->options.loop))
			pthread_cond_wait(&client->not_running, &client->lock);
	}
	pthread_mutex_unlock(&client->lock);
}

/* Completion queues */

pyr_status pyr__client_queue(pyr__grpc_client *client, pyr__drainer drainer,
	grpc_completion_queue **ret_queue, pyr_error *err)
{
	pyr_status status = PYR_OK;
	bool by_loop = drainer == PYR__BY_LOOP;
	pyr__poller *poller = &client->pollers[drainer];
	pthread_mutex_lock(&client->lock);
	if (client->ending) {
		status = pyr_error_set(err, PYR_CANCELLED, "the context has been freed");
	} else if (!client->polling[drainer]) {
		status = pyr__poller_start(poller, by_loop ? client->options.loop : NULL,
			by_loop ? deliver : on_drained, client, err);
		client->polling[drainer] = status == PYR_OK;
	}
	*ret_queue = poller->queue;
	pthread_mutex_unlock(&client->lock);
	return status;
}

grpc_completion_queue *pyr__client_take_pluck(pyr__grpc_client *client)
{
	grpc_completion_queue *queue = NULL;
	pthread_mutex_lock(&client->lock);
	if (client->pluck_count > 0)
		queue = client->plucks[--client->pluck_count];
	pthread_mutex_unlock(&client->lock);
	return queue ? queue : grpc_completion_queue_create_for_pluck(NULL);
}

static void destroy_pluck(grpc_completion_queue *queue)
{
	grpc_completion_queue_shutdown(queue);
	grpc_completion_queue_destroy(queue);
}

void pyr__client_give_pluck(pyr__grpc_client *client, grpc_completion_queue *queue)
{
	pthread_mutex_lock(&client->lock);
	bool kept = client->pluck_count < PYR__PLUCKS_KEPT;
	if (kept)
		client->plucks[client->pluck_count++] = queue;
	pthread_mutex_unlock(&client->lock);
	if (!kept)
		destroy_pluck(queue);
}

/* Making and freeing */

pyr__grpc_client *pyr__client_new(const pyr__grpc_client_options *options)
{
	grpc_init();
	pyr__grpc_client *client = pyr__zalloc(sizeof *client);
	client->options = *options;
	client->ready_last = &client->ready_first;
	client->deliver_task.run = run_deliver;
	pyr__list_init(&client->leaving);
	pthread_mutex_init(&client->lock, NULL);
	pthread_cond_init(&client->not_running, NULL);
	return client;
}

void pyr__client_free(pyr__grpc_client *client)
{
	pyr__leaving_end(client);
	for (int i = 0; i < PYR__DRAINERS; i++)
		if (client->polling[i])
			pyr__poller_stop(&client->pollers[i]);
	while (client->pluck_count > 0)
		destroy_pluck(client->plucks[--client->pluck_count]);
	pthread_cond_destroy(&client->not_running);
	pthread_mutex_destroy(&client->lock);
	free(client);
	grpc_shutdown();
}
