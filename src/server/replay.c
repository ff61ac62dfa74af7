/* SPDX-License-Identifier: Apache-2.0 */
/* Items that are kept until their caller surely has them. */
#include "server/replay.h"

#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "transport/transport.h"

void pyr__replay_init(pyr__replay *replay)
{
	*replay = (pyr__replay){.last = &replay->first};
}

size_t pyr__replay_memory(size_t size)
{
	return sizeof(pyr__replay_item) + size;
}

static uint64_t cost_of(const pyr__replay_item *item)
{
	return item->size < PYR__MESSAGE_COST_MIN ? PYR__MESSAGE_COST_MIN : item->size;
}

static void count(pyr__replay *replay, const pyr__replay_item *item)
{
	replay->bytes += pyr__replay_memory(item->size);
	replay->cost += cost_of(item);
}

static void free_item(pyr__replay *replay, pyr__replay_item *item)
{
	replay->bytes -= pyr__replay_memory(item->size);
	replay->cost -= cost_of(item);
	free(item);
}

static void drop_first(pyr__replay *replay)
{
	pyr__replay_item *item = replay->first;
	replay->first = item->next;
	if (!replay->first)
		replay->last = &replay->first;
	replay->dropped++;
	free_item(replay, item);
}

void pyr__replay_clear(pyr__replay *replay)
{
	while (replay->first)
		drop_first(replay);
	replay->unsent = NULL;
}

bool pyr__replay_put(pyr__replay *replay, const pyr__body *body)
{
	pyr__replay_item *item = pyr__try_alloc(pyr__replay_memory(body->size));
	if (!item)
		return false;
	item->next = NULL;
	item->size = body->size;
	pyr__body_write(body, item->data);
	*replay->last = item;
	replay->last = &item->next;
	count(replay, item);
	if (!replay->unsent)
		replay->unsent = item;
	return true;
}

void pyr__replay_advance(pyr__replay *replay)
{
	replay->unsent = replay->unsent->next;
	replay->next++;
	if (replay->sent < replay->next)
		replay->sent = replay->next;
}

static pyr__replay_item **link_to(pyr__replay *replay, const pyr__replay_item *item)
{
	pyr__replay_item **at = &replay->first;
	while (*at != item)
		at = &(*at)->next;
	return at;
}

void pyr__replay_cut(pyr__replay *replay)
{
	pyr__replay_item *item = replay->unsent;
	if (!item)
		return;
	replay->last = link_to(replay, item);
	*replay->last = NULL;
	replay->unsent = NULL;
	while (item) {
		pyr__replay_item *next = item->next;
		free_item(replay, item);
		item = next;
	}
}

void pyr__replay_consumed(pyr__replay *replay, uint64_t cost)
{
	while (replay->first && replay->first != replay->unsent &&
		replay->returned + cost_of(replay->first) <= cost) {
		replay->returned += cost_of(replay->first);
		drop_first(replay);
	}
}

bool pyr__replay_rewind(pyr__replay *replay, uint64_t taken)
{
	if (taken < replay->dropped || taken > replay->sent)
		return false;
	while (replay->dropped < taken)
		drop_first(replay);
	replay->unsent = replay->first;
	replay->next = taken;
	replay->returned = 0;
	return true;
}
