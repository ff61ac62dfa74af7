/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gRPC's health checking: a servant that every daemon has. Who watches is told on the daemon's
 * loop, by one task that compares what each has heard last with what is true now; so a watcher that
 * does not read misses changes, but never the last one, and nothing is kept for it.
 */
#include <grpc/health/v1/health.pyr.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/list.h"
#include "server/daemon_private.h"

#define SET_MAX        1024 /* interfaces that somebody has set */
#define WATCHERS_MAX   10000
#define INTERFACES_MAX 4096

#define STATUS(name) GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__##name

typedef Grpc__Health__V1__HealthCheckRequest request;
typedef Grpc__Health__V1__HealthCheckResponse response;
typedef Grpc__Health__V1__HealthCheckResponse__ServingStatus serving_status;

struct pyr__health {
	pyr_daemon *daemon;
	pyr__task task;       /* tells the watchers */
	pthread_mutex_t lock; /* guards what follows */
	bool posted;
	bool stopped;
	pyr__map set; /* name -> entry */
	pyr__link watchers;
	unsigned watcher_count;
};

typedef struct entry {
	bool serving;
	char name[];
} entry;

/* One call of Watch; lies in its memory, which it keeps by its reference. */
typedef struct watcher {
	pyr__link link;
	struct pyr__health *health;
	pyr_call *call;
	const char *name;
	int told;   /* serving_status, or -1 */
	bool waits; /* for room to send */
} watcher;

static bool is_registered(struct pyr__health *health, const char *name)
{
	const pyr_interface *interfaces[INTERFACES_MAX];
	size_t count =
		pyr__objects_interfaces(&health->daemon->objects, interfaces, INTERFACES_MAX);
	for (size_t i = 0; i < count && i < INTERFACES_MAX; i++)
		if (strcmp(interfaces[i]->name, name) == 0)
			return true;
	return false;
}

/* Lock held. */
static serving_status status_of(struct pyr__health *health, const char *name)
{
	const entry *e = pyr__map_find(&health->set, name, strlen(name));
	if (!e && *name && !is_registered(health, name))
		return STATUS(SERVICE_UNKNOWN);
	return health->stopped || (e && !e->serving) ? STATUS(NOT_SERVING) : STATUS(SERVING);
}

static void check(void *self, pyr_call *call, const request *asked)
{
	struct pyr__health *health = self;
	response reply = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
	pthread_mutex_lock(&health->lock);
	reply.status = status_of(health, asked->service);
	pthread_mutex_unlock(&health->lock);
	if (reply.status == STATUS(SERVICE_UNKNOWN))
		pyr_call_fail(call, PYR_NOT_FOUND, "no object here has the interface '%.200s'",
			asked->service);
	else
		grpc_health_v1_health_check__reply(call, &reply);
}

/* Watching */

/* Lock held; the task takes it, so a burst of changes is told once. */
static void tell_soon(struct pyr__health *health)
{
	if (health->posted)
		return;
	health->posted = true;
	pyr__loop_post(health->daemon->loop, &health->task);
}

static void forget(void *ctx)
{
	watcher *w = ctx;
	pthread_mutex_lock(&w->health->lock);
	pyr__list_remove(&w->link);
	w->health->watcher_count--;
	pthread_mutex_unlock(&w->health->lock);
	pyr_call_fail(w->call, PYR_CANCELLED, "the caller no longer waits for an answer");
	pyr_call_unref(w->call);
}

static void on_writable(void *ctx)
{
	watcher *w = ctx;
	pthread_mutex_lock(&w->health->lock);
	w->waits = false;
	tell_soon(w->health);
	pthread_mutex_unlock(&w->health->lock);
}

/* Loop thread, no lock held: the caller has a reference on the call. */
static void tell(watcher *w, serving_status status)
{
	pyr_error err;
	response message = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
	message.status = status;
	pyr_status sent = grpc_health_v1_health_watch__send_reply(w->call, &message, &err);
	if (sent == PYR_OK)
		w->told = (int)status;
	else if (err.would_block && !pyr_call_on_writable(w->call, on_writable, w, &err))
		w->waits = true;
	else
		w->told = (int)status; /* the call is over; its on_cancel comes */
}

/* Lock held. The next watcher that has not heard the truth, with a reference on its call. */
static watcher *next_to_tell(struct pyr__health *health, serving_status *ret_status)
{
	for (pyr__link *l = health->watchers.next; l != &health->watchers; l = l->next) {
		watcher *w = (watcher *)l;
		*ret_status = status_of(health, w->name);
		if (w->waits || w->told == (int)*ret_status)
			continue;
		pyr_call_ref(w->call);
		return w;
	}
	return NULL;
}

/* Loop thread. */
static void tell_all(struct pyr__health *health)
{
	serving_status status;
	watcher *w;
	pthread_mutex_lock(&health->lock);
	while ((w = next_to_tell(health, &status)) != NULL) {
		pyr_call *call = w->call;
		pthread_mutex_unlock(&health->lock);
		tell(w, status);
		pyr_call_unref(call);
		pthread_mutex_lock(&health->lock);
	}
	pthread_mutex_unlock(&health->lock);
}

static void run_task(pyr__task *task)
{
	struct pyr__health *health = PYR__OWNER(task, struct pyr__health, task);
	pthread_mutex_lock(&health->lock);
	health->posted = false;
	pthread_mutex_unlock(&health->lock);
	tell_all(health);
}

static void watch(void *self, pyr_call *call, const request *asked)
{
	struct pyr__health *health = self;
	watcher *w = pyr__arena_alloc(&call->arena, sizeof *w);
	pthread_mutex_lock(&health->lock);
	bool refused = !w || health->stopped || health->watcher_count >= WATCHERS_MAX;
	if (!refused) {
		*w = (watcher){.health = health,
			.call = pyr_call_ref(call),
			.name = asked->service,
			.told = -1};
		pyr__list_append(&health->watchers, &w->link);
		health->watcher_count++;
		tell_soon(health);
	}
	pthread_mutex_unlock(&health->lock);
	if (refused)
		pyr_call_fail(call, PYR_RESOURCE_EXHAUSTED, "too many watch already");
	else
		pyr_call_on_cancel(call, forget, w);
}

/* The daemon's side */

pyr_status pyr_daemon_set_serving(
	pyr_daemon *daemon, const char *interface, bool serving, pyr_error *err)
{
	struct pyr__health *health = daemon->health;
	size_t size = strlen(interface);
	pyr_status status = PYR_OK;
	if (!health)
		return pyr_error_set(err, PYR_FAILED_PRECONDITION,
			"this daemon was made without health checking");
	pthread_mutex_lock(&health->lock);
	entry *e = pyr__map_find(&health->set, interface, size);
	if (!e && health->set.count >= SET_MAX) {
		status = pyr_error_set(err, PYR_RESOURCE_EXHAUSTED,
			"the health of %d interfaces has been set already", SET_MAX);
	} else if (!e) {
		e = pyr__alloc(sizeof *e + size + 1);
		memcpy(e->name, interface, size + 1);
		pyr__map_insert(&health->set, e->name, size, e);
	}
	if (status == PYR_OK) {
		e->serving = serving;
		tell_soon(health);
	}
	pthread_mutex_unlock(&health->lock);
	return status;
}

struct pyr__health *pyr__health_new(pyr_daemon *daemon)
{
	static const grpc_health_v1_health_ops ops = {.check = check, .watch = watch};
	struct pyr__health *health = pyr__zalloc(sizeof *health);
	health->daemon = daemon;
	health->task.run = run_task;
	pthread_mutex_init(&health->lock, NULL);
	pyr__map_init(&health->set);
	pyr__list_init(&health->watchers);
	pyr__objects_add_own(&daemon->objects, &grpc_health_v1_health__interface, &ops, health);
	return health;
}

void pyr__health_stop(struct pyr__health *health)
{
	pthread_mutex_lock(&health->lock);
	health->stopped = true;
	pthread_mutex_unlock(&health->lock);
	tell_all(health);
	/* so that nobody waits for those who watch */
	for (;;) {
		pthread_mutex_lock(&health->lock);
		watcher *w = pyr__list_empty(&health->watchers) ? NULL
								: (watcher *)health->watchers.next;
		if (w) {
			pyr__list_remove(&w->link);
			health->watcher_count--;
		}
		pthread_mutex_unlock(&health->lock);
		if (!w)
			return;
		pyr_call_fail(w->call, PYR_UNAVAILABLE, "the daemon is stopping");
		pyr_call_unref(w->call);
	}
}

void pyr__health_free(struct pyr__health *health)
{
	if (!health)
		return;
	for (uint32_t i = 0; i < health->set.count; i++)
		free(health->set.entries[i].value);
	pyr__map_done(&health->set);
	pthread_mutex_destroy(&health->lock);
	free(health);
}
