/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks replicas for their health while they are in use, on the context's loop.
 *
 *     a call --> pyr__replicas_watch --> begin: the timer runs --> tick, tick, ... --> end: after a
 *     while without calls, when the target goes, or with the context
 */
#include <stdlib.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "base/loop.h"
#include "client/proxy.h"
#include "client/replicas_private.h"

#define TICK_US       200000
#define ASK_EVERY_US  400000
#define ANSWER_MS     400 /* a dead one is found in one such time after the other */
#define IDLE_AFTER_US 30000000
#define ASKED_AT_ONCE 256

#define NOT_SERVING GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING

static pyr__loop *loop_of(const pyr__replicas *replicas)
{
	return replicas->context->loop;
}

/* Answers */

static void note(pyr__replica *replica, pyr_status status, bool not_serving)
{
	bool dead = status == PYR_UNAVAILABLE || status == PYR_DEADLINE_EXCEEDED;
	pyr__channel *old = NULL;
	pthread_mutex_lock(&replica->set->lock);
	if (dead) {
		if (replica->place_count > 1)
			old = pyr__replica_leave_place(replica);
		pyr__replica_note_failure(replica);
	} else if (status != PYR_CANCELLED) { /* any answer is one, "no such method" too */
		replica->failed_us = 0;
		replica->not_serving = not_serving;
	}
	pthread_mutex_unlock(&replica->set->lock);
	pyr__context_release(replica->set->context, old);
}

static void on_health(void *ctx, pyr_status status,
	const Grpc__Health__V1__HealthCheckResponse *reply, const pyr_error *err)
{
	pyr__replica *replica = ctx;
	(void)err;
	replica->asked = false;
	note(replica, status, status == PYR_OK && reply->status == NOT_SERVING);
	pyr__replica_unref(replica);
}

/* Asking */

static void open_health(pyr__replica *replica)
{
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	options.timeout_ms = ANSWER_MS;
	options.retries_max = UINT32_MAX;
	pthread_mutex_lock(&replica->set->lock);
	size_t place = replica->place;
	char *reference = pyr__strdup(replica->places[place]);
	pthread_mutex_unlock(&replica->set->lock);
	if (replica->health && replica->health_place != place) {
		grpc_health_v1_health__close(replica->health);
		replica->health = NULL;
	}
	replica->health_place = place;
	if (!replica->health && grpc_health_v1_health__open(replica->set->context, reference,
					&options, &replica->health, NULL))
		replica->health = NULL;
	else if (replica->health)
		grpc_health_v1_health__proxy(replica->health)->hidden = true;
	free(reference);
}

/* Takes over a reference. */
static void ask(pyr__replica *replica)
{
	Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
	pyr_error err;
	request.service = replica->set->interface;
	open_health(replica);
	pyr_status status = PYR_UNAVAILABLE;
	if (replica->health)
		status = grpc_health_v1_health_check__invoke(
			replica->health, &request, on_health, replica, NULL, &err);
	replica->asked = status == PYR_OK;
	if (status == PYR_OK)
		return;
	note(replica, status, false);
	pyr__replica_unref(replica);
}

/* Lock held. */
static bool wants_to_be_asked(const pyr__replica *replica, int64_t now_us)
{
	return !replica->asked && now_us - replica->asked_us >= ASK_EVERY_US &&
	       (replica->running || replica->used || replica->failed_us || replica->not_serving);
}

/* Finds those to ask, each with a reference, and whether any of them is in use. */
static uint32_t look(pyr__replicas *replicas, pyr__replica **to_ask, bool *ret_in_use)
{
	uint32_t count = 0;
	int64_t now_us = pyr__now_us();
	*ret_in_use = false;
	pthread_mutex_lock(&replicas->lock);
	for (uint32_t i = 0; i < replicas->count; i++) {
		pyr__replica *replica = replicas->all[i];
		*ret_in_use |= replica->running || replica->used;
		if (count == ASKED_AT_ONCE || !wants_to_be_asked(replica, now_us))
			continue;
		replica->asked_us = now_us;
		replica->used = false;
		to_ask[count++] = pyr__replica_ref(replica);
	}
	pthread_mutex_unlock(&replicas->lock);
	return count;
}

/* The timer */

/* Lock held. */
static bool are_used(const pyr__replicas *replicas)
{
	for (uint32_t i = 0; i < replicas->count; i++)
		if (replicas->all[i]->running || replicas->all[i]->used)
			return true;
	return false;
}

/* Nobody is asked any more, until the next call. Gives the watch's reference back. */
static void end(pyr__replicas *replicas, bool unless_used)
{
	pthread_mutex_lock(&replicas->lock);
	if (unless_used && are_used(replicas)) { /* since somebody has looked */
		pthread_mutex_unlock(&replicas->lock);
		return;
	}
	bool watching = replicas->watching;
	replicas->watching = false;
	struct event *timer = replicas->timer;
	replicas->timer = NULL;
	pyr__replica *all[2 * ASKED_AT_ONCE];
	uint32_t count = 0;
	for (; count < replicas->count && count < 2 * ASKED_AT_ONCE; count++)
		all[count] = pyr__replica_ref(replicas->all[count]);
	pthread_mutex_unlock(&replicas->lock);
	if (timer)
		event_free(timer);
	for (uint32_t i = 0; i < count; i++) {
		grpc_health_v1_health__close(all[i]->health);
		all[i]->health = NULL;
		pyr__replica_unref(all[i]);
	}
	pyr__list_remove(&replicas->paused.link);
	if (watching)
		pyr__replicas_unref(replicas);
}

static void on_context_freed(pyr__paused *paused)
{
	end(PYR__OWNER(paused, pyr__replicas, paused), false);
}

static bool is_idle(pyr__replicas *replicas, bool in_use)
{
	int64_t now_us = pyr__now_us();
	if (in_use)
		replicas->idle_since_us = now_us;
	return now_us - replicas->idle_since_us >= IDLE_AFTER_US;
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	pyr__replicas *replicas = arg;
	pyr__replica *to_ask[ASKED_AT_ONCE];
	bool in_use;
	pyr__loop *loop = loop_of(replicas);
	pyr__loop_enter(loop);
	uint32_t count = look(replicas, to_ask, &in_use);
	for (uint32_t i = 0; i < count; i++)
		ask(to_ask[i]);
	if (is_idle(replicas, in_use))
		end(replicas, true);
	pyr__loop_leave(loop);
}

static void begin(pyr__task *task)
{
	pyr__replicas *replicas = PYR__OWNER(task, pyr__replicas, begin_task);
	struct timeval tick = {0, TICK_US};
	bool over = atomic_load(&replicas->context->shut);
	if (!over)
		replicas->timer = event_new(
			pyr__loop_base(loop_of(replicas)), -1, EV_PERSIST, on_tick, replicas);
	if (!replicas->timer) {
		end(replicas, false);
		return;
	}
	replicas->idle_since_us = pyr__now_us();
	replicas->paused.end = on_context_freed;
	pyr__list_append(&replicas->context->paused, &replicas->paused.link);
	event_add(replicas->timer, &tick);
}

static void run_end(pyr__task *task)
{
	pyr__replicas *replicas = PYR__OWNER(task, pyr__replicas, end_task);
	end(replicas, false);
	pyr__replicas_unref(replicas);
}

/* Any thread */

void pyr__replicas_watch(pyr__replicas *replicas)
{
	pthread_mutex_lock(&replicas->lock);
	bool begins = !replicas->watching && !replicas->over;
	if (begins) {
		replicas->watching = true;
		pyr__replicas_ref(replicas);
	}
	pthread_mutex_unlock(&replicas->lock);
	if (!begins)
		return;
	replicas->begin_task.run = begin;
	pyr_status status = pyr__loop_start(loop_of(replicas), NULL);
	if (status == PYR_OK)
		pyr__loop_post(loop_of(replicas), &replicas->begin_task);
	else
		end(replicas, false);
}

void pyr__replicas_unwatch(pyr__replicas *replicas)
{
	pthread_mutex_lock(&replicas->lock);
	bool watching = replicas->watching;
	replicas->over = true;
	pthread_mutex_unlock(&replicas->lock);
	if (!watching)
		return;
	pyr__replicas_ref(replicas);
	replicas->end_task.run = run_end;
	pyr__loop_post(loop_of(replicas), &replicas->end_task);
}
