/* SPDX-License-Identifier: Apache-2.0 */
/* The replicas that a name stands for, and the choice among them. */
#include "client/replicas_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/apart.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/refs.h"

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
	pyr__refs_take(&replicas->refs);
}

void pyr__replicas_unref(pyr__replicas *replicas)
{
	if (!pyr__refs_drop(&replicas->refs))
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
	replica->used_place = replica->places[0];
	pyr__list_init(&replica->attempts);
	return replica;
}

pyr__replica *pyr__replica_ref(pyr__replica *replica)
{
	pyr__refs_take(&replica->refs);
	return replica;
}

void pyr__replica_unref(pyr__replica *replica)
{
	if (!pyr__refs_drop(&replica->refs))
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

/* place_count if it is not there. */
static size_t find_place(const pyr__replica *replica, const char *reference)
{
	size_t i = 0;
	while (i < replica->place_count && strcmp(replica->places[i], reference) != 0)
		i++;
	return i;
}

/* Those that have been named come first, in the order in which they were. */
static void name_place(pyr__replica *replica, const char *reference)
{
	size_t at = find_place(replica, reference);
	if (at < replica->places_named)
		return;
	if (at == replica->place_count) {
		replica->places = pyr__realloc(
			replica->places, (replica->place_count + 1) * sizeof *replica->places);
		replica->places[replica->place_count++] = pyr__strdup(reference);
	}
	char *place = replica->places[at];
	replica->places[at] = replica->places[replica->places_named];
	replica->places[replica->places_named++] = place;
}

/* The update is over: those that have not been named go. The channel to one of them, or NULL. */
static pyr__channel *drop_places(pyr__replica *replica, const char *used)
{
	pyr__channel *old = NULL;
	size_t at = find_place(replica, used);
	if (at >= replica->places_named) {
		old = replica->channel;
		replica->channel = NULL;
		at = 0;
	}
	replica->place = at;
	while (replica->place_count > replica->places_named)
		free(replica->places[--replica->place_count]);
	return old;
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

pyr__channel *pyr__replica_leave_place(pyr__replica *replica)
{
	pyr__channel *old = replica->channel;
	replica->channel = NULL;
	replica->place = (replica->place + 1) % replica->place_count;
	return old;
}

/* Updates */

void pyr__replicas_begin_update(pyr__replicas *replicas)
{
	pthread_mutex_lock(&replicas->lock);
	replicas->named = 0;
	for (uint32_t i = 0; i < replicas->count; i++) {
		pyr__replica *replica = replicas->all[i];
		replica->places_named = 0;
		replica->used_place = replica->places[replica->place];
	}
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
		name_place(replicas->all[named - 1], reference);
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
	name_place(replica, reference);
	replicas->named++;
}

bool pyr__replicas_any_named(const pyr__replicas *replicas)
{
	return replicas->named > 0;
}

void pyr__replicas_end_update(pyr__replicas *replicas)
{
	pyr__replica *gone[2 * REPLICAS_MAX]; /* what was there, and what was just named */
	pyr__channel *old[REPLICAS_MAX];
	uint32_t gone_count = 0, old_count = 0;
	while (replicas->count > replicas->named) {
		pyr__replica *replica = replicas->all[--replicas->count];
		if (replicas->current == replica)
			replicas->current = NULL;
		gone[gone_count++] = replica;
	}
	for (uint32_t i = 0; i < replicas->count; i++) {
		pyr__replica *replica = replicas->all[i];
		old[old_count] = drop_places(replica, replica->used_place);
		old_count += old[old_count] != NULL;
	}
	pthread_mutex_unlock(&replicas->lock);
	while (old_count > 0)
		pyr__context_release(replicas->context, old[--old_count]);
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

/* Makes sure that there is a channel; *ret_old is one that it has taken the place of, or NULL. */
static bool reach(pyr__replica *replica, pyr__channel **ret_old)
{
	pyr_reference reference;
	pyr_context *context = replica->set->context;
	*ret_old = NULL;
	if (replica->channel && !atomic_load(&replica->channel->retired))
		return true;
	*ret_old = replica->channel;
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
	pyr__channel *old[REPLICAS_MAX];
	uint32_t old_count = 0;
	pthread_mutex_lock(&replicas->lock);
	for (uint32_t tried = 0; tried < replicas->count && !chosen; tried++) {
		pyr__replica *replica = choose(replicas, balance);
		if (reach(replica, &old[old_count]))
			chosen = pyr__replica_ref(replica);
		else
			replica->failed_us = pyr__now_us();
		old_count += old[old_count] != NULL;
	}
	if (chosen) {
		chosen->running++;
		chosen->used = true;
		*ret_channel = pyr__channel_ref(chosen->channel);
		memcpy(object, chosen->object, sizeof chosen->object);
	}
	bool unwatched = chosen && !replicas->watching;
	pthread_mutex_unlock(&replicas->lock);
	while (old_count > 0) /* not under the lock: the last one may run what is the user's */
		pyr__context_release(replicas->context, old[--old_count]);
	if (unwatched)
		pyr__replicas_watch(replicas);
	return chosen;
}

PYR__APART void pyr__replica_release(pyr__replica *replica)
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
		old = pyr__replica_leave_place(replica);
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
