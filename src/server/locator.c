/* SPDX-License-Identifier: Apache-2.0 */
/* Objects that are made on demand. */
#include "server/locator.h"

#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/apart.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/owner.h"

#define MOST_DEFAULT    1000
#define IDLE_MS_DEFAULT 60000
#define TICK_MS_MAX     1000

/* One object of a locator. */
typedef struct entry {
	pyr__link link;       /* by last use, the oldest first; or among those that go */
	pyr__object *object;  /* NULL: being made, or it goes */
	pyr__object *leaving; /* what goes */
	struct pyr__locator *of;
	int64_t used_us;
	char id[];
} entry;

typedef struct pyr__locator {
	struct pyr__locator *next;
	pyr_locator given;
	char *prefix;
	const pyr_interface *interface;
	const void *ops;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t made;
	pyr__map by_id;
	pyr__link entries;
} pyr__locator;

void pyr__locators_init(pyr__locators *locators)
{
	pthread_mutex_init(&locators->lock, NULL);
	locators->first = NULL;
	locators->timed = false;
}

/* Entries */

static entry *new_entry(pyr__locator *locator, pyr__text id)
{
	entry *e = pyr__zalloc(sizeof *e + id.size + 1);
	e->of = locator;
	memcpy(e->id, id.data, id.size);
	pyr__list_append(&locator->entries, &e->link);
	pyr__map_insert(&locator->by_id, e->id, id.size, e);
	return e;
}

/* Lock held. Nobody waits for it any more. */
static void forget(pyr__locator *locator, entry *e)
{
	pyr__map_remove(&locator->by_id, e->id, strlen(e->id));
	pyr__list_remove(&e->link);
	pthread_cond_broadcast(&locator->made);
}

/* Lock held. Who calls it waits until it has gone. */
static void begin_leaving(entry *e, pyr__link *gone)
{
	e->leaving = e->object;
	e->object = NULL;
	pyr__list_remove(&e->link);
	pyr__list_append(gone, &e->link);
}

static void use(pyr__locator *locator, entry *e)
{
	e->used_us = pyr__now_us();
	pyr__list_remove(&e->link);
	pyr__list_append(&locator->entries, &e->link);
}

/* Lock held. Only who holds the lock could take a reference to one that nobody else has. */
static bool is_idle(const entry *e)
{
	return e->object && atomic_load(&e->object->refs) == 1;
}

/* Lock held. Moves those that are too many, or idle since then, to `gone`. */
static void collect(pyr__locator *locator, int64_t idle_since_us, pyr__link *gone)
{
	pyr__link *next;
	for (pyr__link *l = locator->entries.next; l != &locator->entries; l = next) {
		entry *e = PYR__OWNER(l, entry, link);
		next = l->next;
		if (locator->by_id.count <= locator->given.most && e->used_us > idle_since_us)
			return; /* those that follow were used later */
		if (is_idle(e))
			begin_leaving(e, gone);
	}
}

/* Lock not held: what is the user's runs. */
static void evict(pyr__link *gone)
{
	while (!pyr__list_empty(gone)) {
		entry *e = PYR__OWNER(gone->next, entry, link);
		pyr__locator *locator = e->of;
		pyr__object_unref(e->leaving);
		pthread_mutex_lock(&locator->lock);
		forget(locator, e);
		pthread_mutex_unlock(&locator->lock);
		free(e);
	}
}

/* Finding */

/* Lock held. The entry with an object; or NULL, when a new one must be made. */
static entry *await_entry(pyr__locator *locator, pyr__text id)
{
	entry *e;
	while ((e = pyr__map_find(&locator->by_id, id.data, id.size)) != NULL && !e->object)
		pthread_cond_wait(&locator->made, &locator->lock);
	return e;
}

static void on_release(void *arg, const char *id, void *self)
{
	const pyr__locator *locator = arg;
	if (locator->given.evict)
		locator->given.evict(locator->given.ctx, id, self);
}

/* The entry is ours to fill; lock held before and after. */
static pyr_status make(pyr__locator *locator, entry *e, pyr_error *err)
{
	void *self = NULL;
	pthread_mutex_unlock(&locator->lock);
	pyr_status status = locator->given.locate(locator->given.ctx, e->id, &self, err);
	pthread_mutex_lock(&locator->lock);
	if (status == PYR_OK)
		e->object = pyr__object_new_located(
			e->id, locator->interface, locator->ops, self, on_release, locator);
	else
		forget(locator, e);
	pthread_cond_broadcast(&locator->made);
	return status;
}

static pyr_status find(
	pyr__locator *locator, pyr__text id, pyr__object **ret_object, pyr_error *err)
{
	pyr_status status = PYR_OK;
	pyr__link gone;
	pyr__list_init(&gone);
	pthread_mutex_lock(&locator->lock);
	entry *e = await_entry(locator, id);
	if (!e) {
		e = new_entry(locator, id);
		status = make(locator, e, err);
	}
	if (status == PYR_OK) {
		*ret_object = pyr__object_ref(e->object);
		use(locator, e);
		collect(locator, INT64_MIN, &gone);
	} else {
		free(e);
	}
	pthread_mutex_unlock(&locator->lock);
	evict(&gone);
	return status;
}

/* What a peer sends as an id need not be one. */
static bool covers(const pyr__locator *locator, pyr__text id, const pyr_interface *interface)
{
	size_t size = strlen(locator->prefix);
	return (!interface || locator->interface == interface) && pyr__object_is_id(id) &&
	       id.size >= size && memcmp(id.data, locator->prefix, size) == 0;
}

static pyr__locator *first_of(pyr__locators *locators)
{
	pthread_mutex_lock(&locators->lock);
	pyr__locator *first = locators->first;
	pthread_mutex_unlock(&locators->lock);
	return first; /* those that follow do not change */
}

PYR__APART pyr_status pyr__locators_find(pyr__locators *locators, pyr__text id,
	const pyr_interface *interface, pyr__object **ret_object, pyr_error *err)
{
	pyr__locator *best = NULL;
	for (pyr__locator *l = first_of(locators); l; l = l->next)
		if (covers(l, id, interface) && (!best || strlen(l->prefix) > strlen(best->prefix)))
			best = l;
	if (best)
		return find(best, id, ret_object, err);
	return pyr_error_set(err, PYR_NOT_FOUND, "no object '%.*s' here", (int)id.size, id.data);
}

PYR__APART bool pyr__locators_cover(
	pyr__locators *locators, pyr__text id, const pyr_interface *interface)
{
	for (pyr__locator *l = first_of(locators); l; l = l->next)
		if (covers(l, id, interface))
			return true;
	return false;
}

/* Out of the table at once, though calls may use it. */
static pyr__object *take_out(pyr__locator *locator, const char *id)
{
	pyr__object *object = NULL;
	pthread_mutex_lock(&locator->lock);
	entry *e = await_entry(locator, (pyr__text){id, strlen(id)});
	if (e) {
		object = e->object;
		forget(locator, e);
		free(e);
	}
	pthread_mutex_unlock(&locator->lock);
	return object;
}

bool pyr__locators_remove(pyr__locators *locators, const char *id, const pyr_interface *interface)
{
	bool found = false;
	for (pyr__locator *l = first_of(locators); l; l = l->next) {
		if (interface && l->interface != interface)
			continue;
		pyr__object *object = take_out(l, id);
		found |= object != NULL;
		pyr__object_unref(object);
	}
	return found;
}

/* Time: on the loop */

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	pyr__locators *locators = arg;
	pyr__link gone;
	pyr__list_init(&gone);
	pyr__loop_enter(locators->loop);
	int64_t now_us = pyr__now_us();
	for (pyr__locator *l = first_of(locators); l; l = l->next) {
		pthread_mutex_lock(&l->lock);
		collect(l, now_us - l->given.idle_ms * 1000ll, &gone);
		pthread_mutex_unlock(&l->lock);
	}
	evict(&gone);
	pyr__loop_leave(locators->loop);
}

typedef struct time_task {
	pyr__task task;
	pyr__locators *locators;
	uint32_t tick_ms;
} time_task;

/* The shortest of all ticks counts. */
static void start_timer(pyr__task *task)
{
	time_task *t = (time_task *)task;
	pyr__locators *locators = t->locators;
	struct timeval tick = {t->tick_ms / 1000, t->tick_ms % 1000 * 1000};
	if (!locators->timed)
		event_assign(&locators->timer, pyr__loop_base(locators->loop), -1, EV_PERSIST,
			on_tick, locators);
	locators->timed = true;
	event_add(&locators->timer, &tick);
}

/* Adding, and the end */

static uint32_t tick_of(const pyr__locators *locators)
{
	uint32_t tick_ms = TICK_MS_MAX;
	for (const pyr__locator *l = locators->first; l; l = l->next)
		if (l->given.idle_ms / 4 < tick_ms)
			tick_ms = l->given.idle_ms / 4;
	return tick_ms ? tick_ms : 1;
}

static pyr__locator *new_locator(
	const pyr_interface *interface, const void *ops, const pyr_locator *given)
{
	pyr__locator *locator = pyr__zalloc(sizeof *locator);
	memcpy(&locator->given, given,
		given->size < sizeof locator->given ? given->size : sizeof locator->given);
	locator->prefix = pyr__strdup(locator->given.prefix ? locator->given.prefix : "");
	locator->interface = interface;
	locator->ops = ops;
	if (!locator->given.most)
		locator->given.most = MOST_DEFAULT;
	if (!locator->given.idle_ms)
		locator->given.idle_ms = IDLE_MS_DEFAULT;
	pthread_mutex_init(&locator->lock, NULL);
	pthread_cond_init(&locator->made, NULL);
	pyr__map_init(&locator->by_id);
	pyr__list_init(&locator->entries);
	return locator;
}

static void free_locator(pyr__locator *locator)
{
	pyr__link gone;
	pyr__list_init(&gone);
	while (!pyr__list_empty(&locator->entries))
		begin_leaving(PYR__OWNER(locator->entries.next, entry, link), &gone);
	evict(&gone);
	pyr__map_done(&locator->by_id);
	pthread_cond_destroy(&locator->made);
	pthread_mutex_destroy(&locator->lock);
	free(locator->prefix);
	free(locator);
}

pyr_status pyr__locators_add(pyr__locators *locators, const pyr_interface *interface,
	const void *ops, const pyr_locator *given, pyr_error *err)
{
	pyr__locator *locator = new_locator(interface, ops, given);
	time_task task = {{.run = start_timer}, locators, 0};
	pyr_status status = PYR_OK;
	pthread_mutex_lock(&locators->lock);
	for (const pyr__locator *l = locators->first; l && status == PYR_OK; l = l->next)
		if (l->interface == interface && strcmp(l->prefix, locator->prefix) == 0)
			status = pyr_error_set(err, PYR_ALREADY_EXISTS,
				"there is a locator for %s and ids that begin with '%.200s'",
				interface->name, locator->prefix);
	if (status == PYR_OK) {
		locator->next = locators->first;
		locators->first = locator;
		task.tick_ms = tick_of(locators);
	}
	pthread_mutex_unlock(&locators->lock);
	if (status)
		free_locator(locator);
	else
		pyr__loop_call(locators->loop, &task.task);
	return status;
}

void pyr__locators_stop(pyr__locators *locators)
{
	if (locators->timed)
		event_del(&locators->timer);
	locators->timed = false;
}

void pyr__locators_done(pyr__locators *locators)
{
	while (locators->first) {
		pyr__locator *locator = locators->first;
		locators->first = locator->next;
		free_locator(locator);
	}
	pthread_mutex_destroy(&locators->lock);
}
