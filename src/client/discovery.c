/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A context's name server, where that is what answers in the network. One search serves all who
 * wait for it on the loop; a thread that may block searches for itself.
 */
#include "client/discovery.h"

#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "client/asking.h"

/* A call is tried again after less than that, and need not wait for one more search. */
#define FRUITLESS_US 1000000

/* One who waits for the search on the loop. */
typedef struct waiter {
	pyr__link link;
	pyr__task task;
	pyr__discoverer *discoverer;
	int64_t deadline_us;
	pyr__found_fn found;
	void *ctx;
} waiter;

struct pyr__discoverer {
	pyr_context *context;
	pyr__discovery where;
	char *token; /* or NULL */

	pthread_mutex_t lock; /* guards what follows */
	bool is_found;
	pyr_reference reference;
	int64_t fruitless_us; /* when a whole search found nothing, and so will those just after it
			       */
	pyr_error fruitless;

	/* the loop thread's */
	pyr__link waiters;
	pyr__asking *asking; /* or NULL */
	struct event event;
	pyr__paused paused; /* while it asks: ends it with the context */
};

/* What is known */

static bool is_same(const pyr_reference *a, const pyr_reference *b)
{
	return a->scheme == b->scheme && a->port == b->port && strcmp(a->host, b->host) == 0;
}

bool pyr__discoverer_leads_to(pyr__discoverer *d, const pyr_reference *reference)
{
	pthread_mutex_lock(&d->lock);
	bool same = d->is_found && is_same(&d->reference, reference);
	pthread_mutex_unlock(&d->lock);
	return same;
}

void pyr__discoverer_failed(pyr__discoverer *d)
{
	pthread_mutex_lock(&d->lock);
	d->is_found = false;
	pthread_mutex_unlock(&d->lock);
}

static void forget(pyr__discoverer *d, const pyr_reference *failed)
{
	pthread_mutex_lock(&d->lock);
	if (is_same(&d->reference, failed))
		d->is_found = false;
	pthread_mutex_unlock(&d->lock);
}

/* True if no search is needed: *ret_status says what is known then. */
static bool get_known(
	pyr__discoverer *d, pyr_reference *ret_reference, pyr_status *ret_status, pyr_error *err)
{
	pthread_mutex_lock(&d->lock);
	bool fruitless = !d->is_found && pyr__now_us() - d->fruitless_us < FRUITLESS_US;
	*ret_status = fruitless ? pyr__error_copy(err, &d->fruitless) : PYR_OK;
	if (d->is_found)
		*ret_reference = d->reference;
	bool known = d->is_found || fruitless;
	pthread_mutex_unlock(&d->lock);
	return known;
}

static void note_fruitless(pyr__discoverer *d, const pyr__asking *asking, const pyr_error *err)
{
	if (err->status != PYR_UNAVAILABLE ||
		asking->until_us - asking->began_us < PYR__ASKING_MS * 1000ll)
		return;
	pthread_mutex_lock(&d->lock);
	d->fruitless_us = pyr__now_us();
	pyr__error_copy(&d->fruitless, err);
	pthread_mutex_unlock(&d->lock);
}

/* The search is over: keeps what it has found. */
static pyr_status accept_verdict(
	pyr__discoverer *d, const pyr__asking *asking, pyr_reference *ret_reference, pyr_error *err)
{
	pyr_error why;
	if (pyr__asking_verdict(asking, ret_reference, &why)) {
		note_fruitless(d, asking, &why);
		return pyr__error_copy(err, &why);
	}
	if (d->token) /* it speaks TLS, or it would not have been taken */
		pyr__context_show_token(d->context, ret_reference, d->token);
	pthread_mutex_lock(&d->lock);
	d->is_found = true;
	d->reference = *ret_reference;
	pthread_mutex_unlock(&d->lock);
	return PYR_OK;
}

static int64_t time_for(int64_t deadline_us)
{
	int64_t left_us = deadline_us - pyr__now_us();
	return left_us < PYR__ASKING_MS * 1000ll ? left_us : PYR__ASKING_MS * 1000ll;
}

/* Waiting for it */

pyr_status pyr__discoverer_find(pyr__discoverer *d, int64_t deadline_us,
	const pyr_reference *failed, pyr_reference *ret_reference, pyr_error *err)
{
	if (failed)
		forget(d, failed);
	pyr_status status;
	if (get_known(d, ret_reference, &status, err))
		return status;
	if (pyr__loop_in_callback())
		return pyr_error_set(err, PYR_FAILED_PRECONDITION,
			"the name server has not been discovered yet, which would block the loop");
	pyr__asking asking;
	status = pyr__asking_open(&asking, &d->where, time_for(deadline_us), err);
	if (status)
		return status;
	pyr__asking_wait(&asking);
	status = accept_verdict(d, &asking, ret_reference, err);
	pyr__asking_close(&asking);
	return status;
}

/* On the loop */

static void deliver(
	waiter *w, pyr_status status, const pyr_reference *reference, const pyr_error *err)
{
	pyr__list_remove(&w->link);
	w->found(w->ctx, status, status ? NULL : reference, status ? err : NULL);
	free(w);
}

/* Whoever comes while they are told waits for the next search. */
static void deliver_all(
	pyr__discoverer *d, pyr_status status, const pyr_reference *reference, const pyr_error *err)
{
	pyr__link told;
	pyr__list_init(&told);
	pyr__list_move(&told, &d->waiters);
	while (!pyr__list_empty(&told))
		deliver(PYR__OWNER(told.next, waiter, link), status, reference, err);
}

static void end_asking(pyr__discoverer *d)
{
	event_del(&d->event);
	pyr__list_remove(&d->paused.link);
	pyr__asking_close(d->asking);
	free(d->asking);
	d->asking = NULL;
}

/* Those with less time than a search takes. */
static void fail_late(pyr__discoverer *d, int64_t now_us, int64_t *next_us)
{
	pyr__link late;
	pyr__list_init(&late);
	for (pyr__link *l = d->waiters.next, *next; l != &d->waiters; l = next) {
		waiter *w = PYR__OWNER(l, waiter, link);
		next = l->next;
		if (w->deadline_us <= now_us) {
			pyr__list_remove(l);
			pyr__list_append(&late, l);
		} else if (w->deadline_us < *next_us) {
			*next_us = w->deadline_us;
		}
	}
	while (!pyr__list_empty(&late)) {
		pyr_error err;
		pyr_error_set(&err, PYR_DEADLINE_EXCEEDED,
			"the deadline passed while a name server was being discovered");
		deliver(PYR__OWNER(late.next, waiter, link), err.status, NULL, &err);
	}
}

static void step(pyr__discoverer *d)
{
	pyr_reference reference;
	pyr_error err;
	if (pyr__asking_step(d->asking)) {
		pyr_status status = accept_verdict(d, d->asking, &reference, &err);
		end_asking(d);
		deliver_all(d, status, &reference, &err);
		return;
	}
	int64_t now_us = pyr__now_us(), next_us = d->asking->next_us;
	fail_late(d, now_us, &next_us);
	int64_t left_us = next_us > now_us ? next_us - now_us : 0;
	struct timeval left = {left_us / 1000000, left_us % 1000000};
	event_add(&d->event, &left);
}

static void on_event(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	pyr__discoverer *d = arg;
	pyr__loop_enter(d->context->loop);
	step(d);
	pyr__loop_leave(d->context->loop);
}

static void end_with_context(pyr__paused *paused)
{
	pyr__discoverer *d = PYR__OWNER(paused, pyr__discoverer, paused);
	pyr_error err;
	pyr_error_set(&err, PYR_CANCELLED, "the context was freed");
	end_asking(d);
	deliver_all(d, err.status, NULL, &err);
}

static void begin(pyr__discoverer *d)
{
	pyr_error err;
	pyr__asking *asking = pyr__alloc(sizeof *asking);
	pyr_status status = pyr__asking_open(asking, &d->where, PYR__ASKING_MS * 1000ll, &err);
	if (status) {
		free(asking);
		deliver_all(d, status, NULL, &err);
		return;
	}
	d->asking = asking;
	d->paused.end = end_with_context;
	pyr__list_append(&d->context->paused, &d->paused.link);
	event_assign(&d->event, pyr__loop_base(d->context->loop), asking->fd, EV_READ, on_event, d);
	step(d);
}

static void run_waiter(pyr__task *task)
{
	waiter *w = PYR__OWNER(task, waiter, task);
	pyr__discoverer *d = w->discoverer;
	pyr_reference reference;
	pyr_error err;
	pyr_status status;
	if (get_known(d, &reference, &status, &err)) {
		deliver(w, status, &reference, &err);
	} else if (atomic_load(&d->context->shut)) {
		pyr_error_set(&err, PYR_CANCELLED, "the context was freed");
		deliver(w, err.status, NULL, &err);
	} else {
		pyr__list_append(&d->waiters, &w->link);
		if (d->asking)
			step(d); /* this one may have less time than the others */
		else
			begin(d);
	}
}

pyr_status pyr__discoverer_find_async(pyr__discoverer *d, int64_t deadline_us,
	const pyr_reference *failed, pyr__found_fn found, void *ctx, pyr_error *err)
{
	pyr_status status = pyr__loop_start(d->context->loop, err);
	if (status)
		return status;
	if (failed)
		forget(d, failed);
	waiter *w = pyr__zalloc(sizeof *w);
	pyr__list_init(&w->link);
	w->task.run = run_waiter;
	w->discoverer = d;
	w->deadline_us = deadline_us;
	w->found = found;
	w->ctx = ctx;
	pyr__loop_post(d->context->loop, &w->task);
	return PYR_OK;
}

/* Making and freeing */

pyr__discoverer *pyr__discoverer_new(
	pyr_context *context, const pyr__discovery *where, const char *token)
{
	pyr__discoverer *d = pyr__zalloc(sizeof *d);
	d->context = context;
	d->where = *where;
	d->where.tls_only |= token != NULL;
	d->token = token ? pyr__strdup(token) : NULL;
	d->fruitless_us = pyr__now_us() - FRUITLESS_US;
	pthread_mutex_init(&d->lock, NULL);
	pyr__list_init(&d->waiters);
	pyr__list_init(&d->paused.link);
	return d;
}

pyr__discoverer *pyr__discoverer_copy(pyr_context *context, pyr__discoverer *from)
{
	pyr__discoverer *d = pyr__discoverer_new(context, &from->where, from->token);
	pthread_mutex_lock(&from->lock);
	d->is_found = from->is_found;
	d->reference = from->reference;
	pthread_mutex_unlock(&from->lock);
	return d;
}

void pyr__discoverer_free(pyr__discoverer *d)
{
	if (!d)
		return;
	pthread_mutex_destroy(&d->lock);
	free(d->token);
	free(d);
}
