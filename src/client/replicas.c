/* SPDX-License-Identifier: Apache-2.0 */
/* The replicas that a name stands for, and the choice among them. */
#include "client/replicas_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "base/random.h"

#define REPLICAS_MAX 256 /* of one name; more are not looked at */

pyr__replicas *pyr__replicas_new(pyr_context *context, const char *interface)
{
	pyr__replicas *replicas = pyr__zalloc(sizeof *replicas);
	atomic_init(&replicas->refs, 1);
	replicas->context = context;
	replicas->interface = pyr__strdup(interface);
	pthread_mutex_init(&replicas->lock, NULL);
	pyr__random_bytes(&replicas->turn, sizeof replicas->turn);
	pyr__list_init(&replicas->paused.link);
	return replicas;
}

void pyr__replicas_ref(pyr__replicas *replicas)
{
	atomic_fetch_add_explicit(&replicas->refs, 1, memory_order_relaxed);
}

void pyr__replicas_unref(pyr__replicas *replicas)
{
	if (atomic_fetch_sub_explicit(&replicas->refs, 1, memory_order_acq_rel) != 1)
		return;
	pthread_mutex_destroy(&replicas->lock);
	free(replicas->interface);
	free(replicas->all);
	free(replicas);
}

/* One replica */

static pyr__replica *new_replica(pyr__replicas *set, const char *reference, uint32_t holder)
{
	pyr__replica *replica = pyr__zalloc(sizeof *replica);
	atomic_init(&replica->refs, 1);
	pyr__replicas_ref(set);
	replica->set = set;
	replica->holder = holder;
	replica->places = pyr__alloc(sizeof *replica->places);
	replica->places[0] = pyr__strdup(reference);
	replica->place_count = 1;
	pyr__list_init(&replica->attempts);
	return replica;
}

pyr__replica *pyr__replica_ref(pyr__replica *replica)
{
	atomic_fetch_add_explicit(&replica->refs, 1, memory_order_relaxed);
	return replica;
}

void pyr__replica_unref(pyr__replica *replica)
{
	if (atomic_fetch_sub_explicit(&replica->refs, 1, memory_order_acq_rel) != 1)
		return;
	pyr__replicas *set = replica->set;
	pyr__context_release(set->context, replica->channel);
	grpc_health_v1_health__close(replica->health);
	for (size_t i = 0; i < replica->place_count; i++)
		free(replica->places[i]);
	free(replica->places);
	free(replica);
	pyr__replicas_unref(set);
}

static bool has_place(const pyr__replica *replica, const char *reference)
{
	for (size_t i = 0; i < replica->place_count; i++)
		if (strcmp(replica->places[i], reference) == 0)
			return true;
	return false;
}

static void add_place(pyr__replica *replica, const char *reference)
{
	if (has_place(replica, reference))
		return;
	replica->places =
		pyr__realloc(replica->places, (replica->place_count + 1) * sizeof *replica->places);
	replica->places[replica->place_count++] = pyr__strdup(reference);
}

static bool is_good(const pyr__replica *replica)
{
	return !replica->failed_us && !replica->not_serving;
}

void pyr__replica_note_failure(pyr__replica *replica)
{
	replica->failed_us = pyr__now_us();
	for (pyr__link *l = replica->attempts.next; l != &replica->attempts; l = l->next)
		pyr__outcall_cancel(PYR__OWNER(l, pyr__attempt, link)->call, PYR_UNAVAILABLE,
			"this replica does not answer any more");
}

/* Updates */

void pyr__replicas_begin_update(pyr__replicas *replicas)
{
	pthread_mutex_lock(&replicas->lock);
	replicas->named = 0;
}

static void append(pyr__replicas *replicas, pyr__replica *replica)
{
	if (replicas->count == replicas->room) {
		replicas->room = replicas->room ? 2 * replicas->room : 4;
		replicas->all =
			pyr__realloc(replicas->all, replicas->room * sizeof(pyr__replica *));
	}
	replicas->all[replicas->count++] = replica;
}

static uint32_t find(const pyr__replicas *replicas, const char *reference)
{
	uint32_t i = replicas->named;
	while (i < replicas->count && strcmp(replicas->all[i]->places[0], reference) != 0)
		i++;
	return i;
}

/* Those that have been named come first, in the order in which they were. */
void pyr__replicas_add(pyr__replicas *replicas, const char *reference, uint32_t holder)
{
	uint32_t named = replicas->named;
	if (named > 0 && replicas->all[named - 1]->holder == holder) {
		add_place(replicas->all[named - 1], reference);
		return;
	}
	if (named == REPLICAS_MAX)
		return;
	uint32_t at = find(replicas, reference);
	if (at == replicas->count)
		append(replicas, new_replica(replicas, reference, holder));
	pyr__replica *replica = replicas->all[at];
	replicas->all[at] = replicas->all[named];
	replicas->all[named] = replica;
	replica->holder = holder;
	replicas->named++;
}

bool pyr__replicas_any_named(const pyr__replicas *replicas)
{
	return replicas->named > 0;
}

void pyr__replicas_end_update(pyr__replicas *replicas)
{
	pyr__replica *gone[2 * REPLICAS_MAX]; /* what was there, and what was just named */
	uint32_t gone_count = 0;
	while (replicas->count > replicas->named) {
		pyr__replica *replica = replicas->all[--replicas->count];
		if (replicas->current == replica)
			replicas->current = NULL;
		gone[gone_count++] = replica;
	}
	pthread_mutex_unlock(&replicas->lock);
	while (gone_count > 0)
		pyr__replica_unref(gone[--gone_count]);
}

/* Choosing: lock held */

/* From this one on, and round. NULL: none is good. */
static pyr__replica *next_good(const pyr__replicas *replicas, uint32_t first)
{
	for (uint32_t i = 0; i < replicas->count; i++) {
		pyr__replica *replica = replicas->all[(first + i) % replicas->count];
		if (is_good(replica))
			return replica;
	}
	return NULL;
}

static pyr__replica *least_running(const pyr__replicas *replicas, uint32_t first)
{
	pyr__replica *best = NULL;
	for (uint32_t i = 0; i < replicas->count; i++) {
		pyr__replica *replica = replicas->all[(first + i) % replicas->count];
		if (is_good(replica) && (!best || replica->running < best->running))
			best = replica;
	}
	return best;
}

/* Where none is good: one that serves nothing, as it says, before one that failed long ago. */
static pyr__replica *least_bad(const pyr__replicas *replicas)
{
	pyr__replica *best = replicas->all[0];
	for (uint32_t i = 1; i < replicas->count; i++)
		if (replicas->all[i]->failed_us < best->failed_us)
			best = replicas->all[i];
	return best;
}

static pyr__replica *choose(pyr__replicas *replicas, pyr_balance balance)
{
	pyr__replica *chosen;
	switch (balance) {
	case PYR_BALANCE_ROUND_ROBIN:
		chosen = next_good(replicas, replicas->turn++);
		break;
	case PYR_BALANCE_LEAST_RUNNING:
		chosen = least_running(replicas, replicas->turn++);
		break;
	default:
		chosen = replicas->current;
		if (!chosen || !is_good(chosen))
			chosen = next_good(replicas, 0);
		replicas->current = chosen;
	}
	return chosen ? chosen : least_bad(replicas);
}

/* A daemon that drains its connections takes no new one. */
static bool is_leaving(const pyr__replica *replica)
{
	return replica->channel && atomic_load(&replica->channel->retired);
}

/* Makes sure that there is a channel. */
static bool reach(pyr__replica *replica)
{
	pyr_reference reference;
	pyr_context *context = replica->set->context;
	if (replica->channel && !atomic_load(&replica->channel->retired))
		return true;
	pyr__context_release(context, replica->channel);
	replica->channel = NULL;
	if (pyr_reference_parse(replica->places[replica->place], &reference, NULL) ||
		pyr__context_channel(context, &reference, &replica->channel, NULL))
		return false;
	snprintf(replica->object, sizeof replica->object, "%s", reference.target);
	return true;
}

pyr__replica *pyr__replicas_choose(
	pyr__replicas *replicas, pyr_balance balance, pyr__channel **ret_channel, char *object)
{
	pyr__replica *chosen = NULL;
	pthread_mutex_lock(&replicas->lock);
	for (uint32_t tried = 0; tried < replicas->count && !chosen; tried++) {
		pyr__replica *replica = choose(replicas, balance);
		bool last = tried + 1 == replicas->count;
		if ((is_leaving(replica) && !last) || !reach(replica))
			replica->failed_us = pyr__now_us();
		else
			chosen = pyr__replica_ref(replica);
	}
	if (chosen) {
		chosen->running++;
		chosen->used = true;
		*ret_channel = pyr__channel_ref(chosen->channel);
		memcpy(object, chosen->object, sizeof chosen->object);
	}
	pthread_mutex_unlock(&replicas->lock);
	if (chosen)
		pyr__replicas_watch(replicas);
	return chosen;
}

void pyr__replica_release(pyr__replica *replica)
{
	pthread_mutex_lock(&replica->set->lock);
	replica->running--;
	pthread_mutex_unlock(&replica->set->lock);
	pyr__replica_unref(replica);
}

void pyr__replica_failed(pyr__replica *replica, const pyr__channel *channel)
{
	pyr__channel *old = NULL;
	pthread_mutex_lock(&replica->set->lock);
	if (replica->channel == channel) {
		old = replica->channel;
		replica->channel = NULL;
		replica->place = (replica->place + 1) % replica->place_count;
		if (replica->place == 0) /* no other way there is left */
			pyr__replica_note_failure(replica);
	}
	pthread_mutex_unlock(&replica->set->lock);
	pyr__context_release(replica->set->context, old);
}

void pyr__replica_hangs(pyr__replica *replica)
{
	pthread_mutex_lock(&replica->set->lock);
	pyr__replica_note_failure(replica);
	pthread_mutex_unlock(&replica->set->lock);
}

void pyr__replica_begin(pyr__replica *replica, pyr__attempt *attempt, pyr__outcall *call)
{
	attempt->call = call;
	pthread_mutex_lock(&replica->set->lock);
	pyr__list_append(&replica->attempts, &attempt->link);
	pthread_mutex_unlock(&replica->set->lock);
}

void pyr__replica_end(pyr__replica *replica, pyr__attempt *attempt)
{
	pthread_mutex_lock(&replica->set->lock);
	pyr__list_remove(&attempt->link);
	pthread_mutex_unlock(&replica->set->lock);
}

uint32_t pyr__replicas_good(pyr__replicas *replicas, uint32_t *ret_count)
{
	uint32_t good = 0;
	pthread_mutex_lock(&replicas->lock);
	*ret_count = replicas->count;
	for (uint32_t i = 0; i < replicas->count; i++)
		good += is_good(replicas->all[i]);
	pthread_mutex_unlock(&replicas->lock);
	return good;
}

/* The end */

void pyr__replicas_leave(pyr__replicas *replicas)
{
	pyr__replicas_unwatch(replicas);
	pyr__replicas_begin_update(replicas);
	pyr__replicas_end_update(replicas); /* none is named any more */
	pyr__replicas_unref(replicas);
}
