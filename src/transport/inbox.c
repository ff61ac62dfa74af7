/* SPDX-License-Identifier: Apache-2.0 */
/* Keeping messages between their arrival and their use. */
#include "transport/inbox.h"

#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/apart.h"

void pyr__inbox_init(pyr__inbox *inbox)
{
	inbox->first = NULL;
	inbox->last = &inbox->first;
	inbox->embedded_used = false;
}

static void append(pyr__inbox *inbox, pyr__message *message, uint32_t cost)
{
	message->next = NULL;
	message->cost = cost;
	*inbox->last = message;
	inbox->last = &message->next;
}

/*
 * A payload pins its block. Below an eighth of the block it is copied instead, so that what a peer
 * can pin is at most eight times what its window lets it send.
 */
static bool worth_a_copy(const pyr__payload *payload)
{
	return !payload->block || payload->size < payload->block->size / 8;
}

/* What is not copied stays where it lies. */
static void fill(pyr__message *message, uint8_t *space, const pyr__payload *payload, bool copy)
{
	message->payload = *payload;
	if (!copy) {
		pyr__block_ref(payload->block);
		return;
	}
	message->payload.data = space;
	message->payload.block = NULL;
	if (payload->size)
		memcpy(space, payload->data, payload->size);
}

PYR__APART static void put_allocated(
	pyr__inbox *inbox, const pyr__payload *payload, uint32_t cost, bool copy)
{
	pyr__message *message = pyr__alloc(sizeof *message + (copy ? payload->size : 0));
	message->embedded = false;
	fill(message, (uint8_t *)(message + 1), payload, copy);
	append(inbox, message, cost);
}

void pyr__inbox_put(pyr__inbox *inbox, const pyr__payload *payload, uint32_t cost)
{
	bool copy = worth_a_copy(payload);
	if (inbox->embedded_used || (copy && payload->size > sizeof inbox->space)) {
		put_allocated(inbox, payload, cost, copy);
		return;
	}
	inbox->embedded_used = true;
	inbox->embedded.embedded = true;
	fill(&inbox->embedded, inbox->space, payload, copy);
	append(inbox, &inbox->embedded, cost);
}

pyr__message *pyr__inbox_take(pyr__inbox *inbox)
{
	pyr__message *message = inbox->first;
	if (message) {
		inbox->first = message->next;
		if (!inbox->first)
			inbox->last = &inbox->first;
	}
	return message;
}

void pyr__message_free(pyr__inbox *inbox, pyr__message *message)
{
	if (!message)
		return;
	pyr__block_unref(message->payload.block);
	if (message->embedded)
		inbox->embedded_used = false;
	else
		free(message);
}

uint64_t pyr__inbox_drop_all(pyr__inbox *inbox)
{
	uint64_t cost = 0;
	for (pyr__message *message; (message = pyr__inbox_take(inbox));) {
		cost += message->cost;
		pyr__message_free(inbox, message);
	}
	return cost;
}

static pyr__text copy_text(char **at, pyr__text text)
{
	char *to = *at;
	if (text.size)
		memcpy(to, text.data, text.size);
	*at += text.size;
	return (pyr__text){to, text.size};
}

pyr__final *pyr__final_copy(const pyr__final *final)
{
	size_t size = final->message.size + final->where.size + final->details.size +
		      final->metadata.size + final->moved.size;
	pyr__final *copy = pyr__alloc(sizeof *copy + size);
	char *at = (char *)(copy + 1);
	copy->status = final->status;
	copy->executed = final->executed;
	copy->message = copy_text(&at, final->message);
	copy->where = copy_text(&at, final->where);
	copy->details = copy_text(&at, final->details);
	copy->metadata = copy_text(&at, final->metadata);
	copy->moved = copy_text(&at, final->moved);
	return copy;
}
