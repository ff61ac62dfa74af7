/* SPDX-License-Identifier: Apache-2.0 */
/* Objects that are lent, and who holds them. */
#include "server/lending.h"

#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/owner.h"

#define LENT_MAX        1000000
#define CALLER_LENT_MAX 10000
#define CALLER_HELD_MAX 20000
#define HOLDERS_MAX     100000  /* of one object */
#define HOLDINGS_MAX    2000000 /* of all objects together */
#define TICK_MS_MAX     5000
#define TICK_MS_MIN     10
#define WALK_MAX        4096 /* objects and holdings looked at in one turn of the loop */

/* A connection, and what is kept for it. */
typedef struct caller {
	uint64_t connection;
	uint32_t lent, held;
} caller;

typedef struct lent {
	uint32_t lease_ms;
	int64_t coming_until_us;
	uint32_t coming; /* so many are to say Hold until then */
	pyr__link holdings;
	uint32_t count, held; /* of them, and of those that are not released */
	caller *by;           /* whom it was lent to first */
	char id[];
} lent;

typedef struct holding_key {
	lent *of;
	uint8_t holder[PYR__HOLDER_ID_SIZE];
} holding_key;

typedef struct holding {
	pyr__link link;
	holding_key key;
	caller *by;        /* who has brought it */
	uint64_t sequence; /* of the last request */
	int64_t until_us;
	bool released; /* only the number is kept */
} holding;

static void run_walk(pyr__task *task);

void pyr__lending_init(
	pyr__lending *lending, void (*collected)(void *arg, const char *id), void *arg)
{
	lending->collected = collected;
	lending->arg = arg;
	pthread_mutex_init(&lending->lock, NULL);
	pyr__map_init(&lending->by_id);
	pyr__map_init(&lending->by_caller);
	pyr__map_init(&lending->by_holder);
	lending->lease_ms_min = TICK_MS_MAX * 4;
	lending->walk_task.run = run_walk;
}

/* Lock held, as for all that follows up to the next line like this one. */

static lent *find(pyr__lending *lending, const char *id)
{
	return pyr__map_find(&lending->by_id, id, strlen(id));
}

static caller *caller_of(pyr__lending *lending, uint64_t connection)
{
	caller *by = pyr__map_find(&lending->by_caller, &connection, sizeof connection);
	if (by)
		return by;
	by = pyr__alloc(sizeof *by);
	*by = (caller){.connection = connection};
	pyr__map_insert(&lending->by_caller, &by->connection, sizeof by->connection, by);
	return by;
}

static void leave_caller(pyr__lending *lending, caller *by)
{
	if (by->lent || by->held)
		return;
	pyr__map_remove(&lending->by_caller, &by->connection, sizeof by->connection);
	free(by);
}

static void drop_holding(pyr__lending *lending, holding *h)
{
	pyr__map_remove(&lending->by_holder, &h->key, sizeof h->key);
	pyr__list_remove(&h->link);
	h->key.of->count--;
	h->key.of->held -= !h->released;
	h->by->held--;
	leave_caller(lending, h->by);
	free(h);
}

static void take_out(pyr__lending *lending, lent *l)
{
	pyr__map_remove(&lending->by_id, l->id, strlen(l->id));
	while (!pyr__list_empty(&l->holdings))
		drop_holding(lending, PYR__OWNER(l->holdings.next, holding, link));
	l->by->lent--;
	leave_caller(lending, l->by);
}

static bool is_held(const lent *l)
{
	return l->held > 0 || l->coming > 0;
}

/* What is over is forgotten; true if somebody holds it still. */
static bool expire(pyr__lending *lending, lent *l, int64_t now_us)
{
	for (pyr__link *link = l->holdings.next; link != &l->holdings;) {
		holding *h = PYR__OWNER(link, holding, link);
		link = link->next;
		if (h->until_us <= now_us)
			drop_holding(lending, h);
	}
	if (l->coming_until_us <= now_us)
		l->coming = 0;
	return is_held(l);
}

/* A holder that has not been here before; NULL: there are too many. */
static holding *add_holding(pyr__lending *lending, const holding_key *key, uint64_t connection)
{
	caller *by = caller_of(lending, connection);
	if (by->held >= CALLER_HELD_MAX || key->of->count >= HOLDERS_MAX ||
		lending->by_holder.count >= HOLDINGS_MAX) {
		leave_caller(lending, by);
		return NULL;
	}
	holding *h = pyr__alloc(sizeof *h);
	*h = (holding){.key = *key, .by = by, .released = true};
	pyr__list_append(&key->of->holdings, &h->link);
	pyr__map_insert(&lending->by_holder, &h->key, sizeof h->key, h);
	by->held++;
	key->of->count++;
	if (key->of->coming > 0)
		key->of->coming--; /* one of those it is on its way to */
	return h;
}

/* The holding after this request, which changes it unless it is an old one. */
static holding *request(pyr__lending *lending, lent *l, const pyr__holder *holder, bool released)
{
	holding_key key = {.of = l};
	memcpy(key.holder, holder->id, sizeof key.holder);
	holding *h = pyr__map_find(&lending->by_holder, &key, sizeof key);
	if (!h)
		h = add_holding(lending, &key, holder->connection);
	if (!h || holder->sequence <= h->sequence)
		return h;
	h->sequence = holder->sequence;
	h->until_us = pyr__now_us() + l->lease_ms * 1000ll;
	l->held = l->held + h->released - released;
	h->released = released;
	return h;
}

/* No lock held from here on, unless it says so. */

/* It runs what is the user's, so no lock may be held. */
static void collect(pyr__lending *lending, lent *l)
{
	lending->collected(lending->arg, l->id);
	free(l);
}

void pyr__lending_done(pyr__lending *lending)
{
	while (lending->by_id.count) {
		lent *l = lending->by_id.entries[0].value;
		take_out(lending, l);
		free(l);
	}
	pyr__map_done(&lending->by_id);
	pyr__map_done(&lending->by_caller);
	pyr__map_done(&lending->by_holder);
	pthread_mutex_destroy(&lending->lock);
}

/* Walking, on the loop */

/* Lock held. */
static uint32_t tick_ms(const pyr__lending *lending)
{
	uint32_t ms = lending->lease_ms_min / 4;
	return ms < TICK_MS_MIN ? TICK_MS_MIN : ms > TICK_MS_MAX ? TICK_MS_MAX : ms;
}

/*
 * Lock held. Takes what nobody holds out of the next part, and lists it in `gone`. It goes by when
 * it was due: a loop, or a machine, that stood still meanwhile has not heard who renews his lease,
 * and does so before the next time.
 */
static size_t walk(pyr__lending *lending, lent **gone)
{
	size_t count = 0;
	int64_t now_us = pyr__now_us();
	if (now_us > lending->due_us)
		now_us = lending->due_us;
	if (lending->at == 0 || lending->at > lending->by_id.count)
		lending->at = lending->by_id.count;
	/* from the end, since the last takes the place of one that is taken out */
	for (size_t looked = 0; lending->at > 0 && looked < WALK_MAX;) {
		lent *l = lending->by_id.entries[--lending->at].value;
		looked += 1 + l->count;
		if (expire(lending, l, now_us))
			continue;
		take_out(lending, l);
		gone[count++] = l;
	}
	return count;
}

static void set_timer(pyr__lending *lending)
{
	pthread_mutex_lock(&lending->lock);
	uint32_t ms = lending->at > 0 ? 0 : tick_ms(lending);
	lending->timed = !lending->stopped && lending->by_id.count > 0;
	bool timed = lending->timed;
	pthread_mutex_unlock(&lending->lock);
	struct timeval tick = {ms / 1000, ms % 1000 * 1000};
	if (ms > 0) /* else it is due already, and this is the rest */
		lending->due_us = pyr__now_us() + ms * 1000ll;
	/* of libevent, which else counts from when the turn began, however long it has taken */
	event_base_update_cache_time(pyr__loop_base(lending->loop));
	if (timed)
		evtimer_add(&lending->timer, &tick);
}

static void run_walk(pyr__task *task)
{
	pyr__lending *lending = PYR__OWNER(task, pyr__lending, walk_task);
	lent *gone[WALK_MAX];
	pthread_mutex_lock(&lending->lock);
	size_t count = walk(lending, gone);
	pthread_mutex_unlock(&lending->lock);
	for (size_t i = 0; i < count; i++)
		collect(lending, gone[i]);
	set_timer(lending);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	pyr__lending *lending = arg;
	int64_t now_us = pyr__now_us();
	pyr__loop_enter(lending->loop);
	if (now_us < lending->due_us)
		lending->due_us = now_us; /* who renews after this is heard the next time */
	if (lending->hear_all)
		lending->hear_all(lending->arg, &lending->walk_task);
	else
		run_walk(&lending->walk_task);
	pyr__loop_leave(lending->loop);
}

typedef struct time_task {
	pyr__task task;
	pyr__lending *lending;
} time_task;

static void run_timer(pyr__task *task)
{
	pyr__lending *lending = ((time_task *)task)->lending;
	if (!lending->stopped) {
		evtimer_assign(&lending->timer, pyr__loop_base(lending->loop), on_tick, lending);
		set_timer(lending);
	}
	free(task);
}

/* Lock held. The first that is lent starts the timer. */
static void need_timer(pyr__lending *lending)
{
	if (lending->timed || lending->stopped)
		return;
	lending->timed = true;
	time_task *task = pyr__alloc(sizeof *task);
	*task = (time_task){{.run = run_timer}, lending};
	pyr__loop_post(lending->loop, &task->task);
}

void pyr__lending_stop(pyr__lending *lending)
{
	pthread_mutex_lock(&lending->lock);
	lending->stopped = true;
	bool timed = lending->timed;
	pthread_mutex_unlock(&lending->lock);
	if (timed && event_initialized(&lending->timer))
		event_del(&lending->timer);
}

/* Lending */

/* Lock held. */
static pyr_status check_room(const pyr__lending *lending, const caller *by, pyr_error *err)
{
	if (lending->by_id.count >= LENT_MAX)
		return pyr_error_set(err, PYR_RESOURCE_EXHAUSTED,
			"%d objects are lent already, the most of a daemon", LENT_MAX);
	if (by->connection && by->lent >= CALLER_LENT_MAX)
		return pyr_error_set(err, PYR_RESOURCE_EXHAUSTED,
			"%d objects that were handed to this caller are held still: it has to "
			"release some",
			CALLER_LENT_MAX);
	return PYR_OK;
}

/* Lock held. */
static void insert(pyr__lending *lending, const char *id, uint32_t lease_ms, caller *by)
{
	size_t size = strlen(id) + 1;
	lent *l = pyr__zalloc(sizeof *l + size);
	l->lease_ms = lease_ms;
	l->coming = 1;
	l->coming_until_us = pyr__now_us() + lease_ms * 1000ll;
	pyr__list_init(&l->holdings);
	l->by = by;
	by->lent++;
	memcpy(l->id, id, size);
	pyr__map_insert(&lending->by_id, l->id, size - 1, l);
	if (lease_ms < lending->lease_ms_min)
		lending->lease_ms_min = lease_ms;
	need_timer(lending);
}

pyr_status pyr__lending_add(pyr__lending *lending, const char *id, uint32_t lease_ms,
	uint64_t connection, pyr_error *err)
{
	pthread_mutex_lock(&lending->lock);
	caller *by = caller_of(lending, connection);
	pyr_status status = check_room(lending, by, err);
	if (status == PYR_OK)
		insert(lending, id, lease_ms, by);
	else
		leave_caller(lending, by);
	pthread_mutex_unlock(&lending->lock);
	return status;
}

uint32_t pyr__lending_again(pyr__lending *lending, const char *id)
{
	uint32_t lease_ms = 0;
	pthread_mutex_lock(&lending->lock);
	lent *l = find(lending, id);
	if (l) {
		lease_ms = l->lease_ms;
		l->coming++;
		l->coming_until_us = pyr__now_us() + lease_ms * 1000ll;
	}
	pthread_mutex_unlock(&lending->lock);
	return lease_ms;
}

void pyr__lending_forget(pyr__lending *lending, const char *id)
{
	pthread_mutex_lock(&lending->lock);
	lent *l = find(lending, id);
	if (l)
		take_out(lending, l);
	pthread_mutex_unlock(&lending->lock);
	if (l)
		free(l);
}

uint32_t pyr__lending_hold(pyr__lending *lending, const char *id, const pyr__holder *holder)
{
	uint32_t lease_ms = 0;
	pthread_mutex_lock(&lending->lock);
	lent *l = find(lending, id);
	if (l && request(lending, l, holder, false))
		lease_ms = l->lease_ms;
	pthread_mutex_unlock(&lending->lock);
	return lease_ms;
}

void pyr__lending_release(pyr__lending *lending, const char *id, const pyr__holder *holder)
{
	pthread_mutex_lock(&lending->lock);
	lent *l = find(lending, id);
	/* one that was not known: its Hold has been lost, or is still on its way */
	bool last = l && request(lending, l, holder, true) && !is_held(l);
	if (last)
		take_out(lending, l);
	pthread_mutex_unlock(&lending->lock);
	if (last)
		collect(lending, l);
}

size_t pyr__lending_count(pyr__lending *lending)
{
	pthread_mutex_lock(&lending->lock);
	size_t count = lending->by_id.count;
	pthread_mutex_unlock(&lending->lock);
	return count;
}
