/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that come back on connections which this program has made. */
#include "server/callbacks.h"

#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/map.h"
#include "base/refs.h"
#include "server/daemon_private.h"

struct pyr__callbacks {
	atomic_uint refs; /* the daemon's, and one for each connection and channel */
	pyr__callbacks *next;
	pyr_context *context; /* with a reference, for connections that a call keeps */
	pyr__channel *channel;
	pthread_mutex_t lock; /* guards what follows */
	pyr_daemon *daemon;   /* NULL: it is gone */
	bool closed;
	pyr__map handed; /* ids, which are the values as well */
};

static void keep(void *host)
{
	pyr__callbacks *callbacks = host;
	pyr__refs_take(&callbacks->refs);
}

static void drop(void *host)
{
	pyr__callbacks *callbacks = host;
	if (!pyr__refs_drop(&callbacks->refs))
		return;
	for (uint32_t i = 0; i < callbacks->handed.count; i++)
		free(callbacks->handed.entries[i].value);
	pyr__map_done(&callbacks->handed);
	pthread_mutex_destroy(&callbacks->lock);
	pyr__context_unref(callbacks->context);
	free(callbacks);
}

bool pyr__callbacks_hide(pyr__text method)
{
	static const char *const prefixes[] = {"pyrite.Daemon/", "grpc."};
	for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
		size_t size = strlen(prefixes[i]);
		if (method.size >= size && memcmp(method.data, prefixes[i], size) == 0)
			return true;
	}
	return false;
}

/* Lock held. */
static bool may_call(const pyr__callbacks *callbacks, const pyr__head *head)
{
	return callbacks->daemon && !callbacks->closed && !pyr__callbacks_hide(head->method) &&
	       pyr__map_find(&callbacks->handed, head->object.data, head->object.size);
}

static pyr__incall *open_call(void *host, const pyr__head *head, int64_t now_us)
{
	pyr__callbacks *callbacks = host;
	pyr__incall *call = NULL;
	pthread_mutex_lock(&callbacks->lock);
	if (may_call(callbacks, head)) {
		call = pyr__dispatcher_ops.open(
			pyr__reactors_own(&callbacks->daemon->reactors), head, now_us);
		PYR__OWNER(call, pyr_call, incall)->callbacks = callbacks;
	}
	pthread_mutex_unlock(&callbacks->lock);
	return call;
}

static void work(void *host, pyr__incall *call, unsigned what)
{
	pyr__callbacks *callbacks = host;
	pthread_mutex_lock(&callbacks->lock);
	bool there = callbacks->daemon != NULL;
	if (there)
		pyr__dispatcher_post(callbacks->daemon, call, what);
	pthread_mutex_unlock(&callbacks->lock);
	if (!there)
		pyr__dispatcher_ops.work(NULL, call, 0); /* gives it back */
}

static bool ref(pyr__incall *call)
{
	return pyr__dispatcher_ops.ref(call);
}

static void connected(void *host, uint64_t connection)
{
	pyr__callbacks *callbacks = host;
	pthread_mutex_lock(&callbacks->lock);
	if (callbacks->daemon)
		pyr__dispatcher_ops.connected(
			pyr__reactors_own(&callbacks->daemon->reactors), connection);
	pthread_mutex_unlock(&callbacks->lock);
}

/* What the session closes is the user's, so that no lock may be held: it is done on the loop. */
typedef struct ended_session {
	pyr__task task;
	pyr_daemon *daemon;
	uint64_t connection;
} ended_session;

static void run_ended(pyr__task *task)
{
	ended_session *ended = (ended_session *)task;
	pyr__dispatcher_ops.disconnected(
		pyr__reactors_own(&ended->daemon->reactors), ended->connection);
	free(ended);
}

static void disconnected(void *host, uint64_t connection)
{
	pyr__callbacks *callbacks = host;
	ended_session *ended = pyr__alloc(sizeof *ended);
	pthread_mutex_lock(&callbacks->lock);
	*ended = (ended_session){{.run = run_ended}, callbacks->daemon, connection};
	bool there = callbacks->daemon != NULL;
	if (there)
		pyr__loop_post(callbacks->daemon->loop, &ended->task);
	pthread_mutex_unlock(&callbacks->lock);
	if (!there)
		free(ended); /* the daemon has ended its sessions by itself */
}

static const pyr__host_ops host_ops = {
	.open = open_call,
	.work = work,
	.ref = ref,
	.connected = connected,
	.disconnected = disconnected,
	.keep = keep,
	.drop = drop,
};

/* A daemon's */

/* Lock held. */
static pyr__callbacks *find(pyr_daemon *daemon, const pyr__channel *channel)
{
	pyr__callbacks *callbacks = daemon->callbacks;
	while (callbacks && callbacks->channel != channel)
		callbacks = callbacks->next;
	return callbacks;
}

static pyr__callbacks *new_callbacks(
	pyr_daemon *daemon, pyr_context *context, pyr__channel *channel)
{
	pyr__callbacks *callbacks = pyr__zalloc(sizeof *callbacks);
	atomic_init(&callbacks->refs, 1);
	pthread_mutex_init(&callbacks->lock, NULL);
	pyr__map_init(&callbacks->handed);
	callbacks->daemon = daemon;
	pyr__refs_take(&context->refs);
	callbacks->context = context;
	callbacks->channel = channel;
	return callbacks;
}

/* Lock held. */
static pyr_status add(pyr_daemon *daemon, pyr_context *context, pyr__channel *channel,
	pyr__callbacks **ret_callbacks, pyr_error *err)
{
	if (daemon->callbacks_closed)
		return pyr_error_set(err, PYR_FAILED_PRECONDITION, "the daemon has stopped");
	pyr__callbacks *callbacks = new_callbacks(daemon, context, channel);
	if (!pyr__channel_set_host(channel, &host_ops, callbacks)) {
		drop(callbacks); /* not the context's last reference: its channel is the caller's */
		return pyr_error_set(err, PYR_FAILED_PRECONDITION,
			"%s calls objects of another daemon of this program on that connection, "
			"or has called them: lend through a proxy of another context",
			channel->name);
	}
	pyr__channel_ref(channel);
	callbacks->next = daemon->callbacks;
	daemon->callbacks = callbacks;
	*ret_callbacks = callbacks;
	return PYR_OK;
}

pyr_status pyr__callbacks_of(pyr_daemon *daemon, pyr_context *context, pyr__channel *channel,
	pyr__callbacks **ret_callbacks, pyr_error *err)
{
	pyr_status status = PYR_OK;
	if (!pyr__channel_can_host(channel))
		return pyr_error_set(err, PYR_FAILED_PRECONDITION,
			"%s cannot call back over the connection that it was called on",
			channel->name);
	pthread_mutex_lock(&daemon->lock);
	pyr__callbacks *callbacks = find(daemon, channel);
	if (!callbacks)
		status = add(daemon, context, channel, &callbacks, err);
	pthread_mutex_unlock(&daemon->lock);
	if (status == PYR_OK)
		*ret_callbacks = callbacks;
	return status;
}

void pyr__callbacks_hand(pyr__callbacks *callbacks, const char *id)
{
	char *own = pyr__strdup(id);
	pthread_mutex_lock(&callbacks->lock);
	bool fresh = pyr__map_insert(&callbacks->handed, own, strlen(own), own);
	pthread_mutex_unlock(&callbacks->lock);
	if (!fresh)
		free(own);
}

bool pyr__callbacks_has(pyr__callbacks *callbacks, const char *id)
{
	pthread_mutex_lock(&callbacks->lock);
	bool has = pyr__map_find(&callbacks->handed, id, strlen(id)) != NULL;
	pthread_mutex_unlock(&callbacks->lock);
	return has;
}

void pyr__callbacks_forget(pyr_daemon *daemon, const char *id)
{
	pthread_mutex_lock(&daemon->lock);
	for (pyr__callbacks *c = daemon->callbacks; c; c = c->next) {
		pthread_mutex_lock(&c->lock);
		free(pyr__map_remove(&c->handed, id, strlen(id)));
		pthread_mutex_unlock(&c->lock);
	}
	pthread_mutex_unlock(&daemon->lock);
}

void pyr__callbacks_close_all(pyr_daemon *daemon)
{
	pthread_mutex_lock(&daemon->lock);
	daemon->callbacks_closed = true; /* nobody adds any more */
	pyr__callbacks *first = daemon->callbacks;
	pthread_mutex_unlock(&daemon->lock);
	for (pyr__callbacks *c = first; c; c = c->next) {
		pthread_mutex_lock(&c->lock);
		c->closed = true;
		pthread_mutex_unlock(&c->lock);
		pyr__channel_cancel_hosted(c->channel);
	}
}

void pyr__callbacks_detach_all(pyr_daemon *daemon)
{
	while (daemon->callbacks) {
		pyr__callbacks *c = daemon->callbacks;
		daemon->callbacks = c->next;
		pthread_mutex_lock(&c->lock);
		c->daemon = NULL;
		pthread_mutex_unlock(&c->lock);
		pyr__context_release(c->context, c->channel);
		drop(c);
	}
}
