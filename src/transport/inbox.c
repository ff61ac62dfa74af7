/* SPDX-License-Identifier: Apache-2.0 */
/* Keeping messages between their arrival and their use. */
#include "transport/inbox.h"

#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"

void pyr__inbox_init(pyr__inbox *inbox)
{
	inbox->first = NULL;
	inbox->last = &inbox->first;
	inbox->embedded_used = false;
}

/*
 * A payload pins its block. Below an eighth of the block it is copied instead, so that what a peer
 * can pin is at most eight times what its window lets it send.
 */
static bool worth_a_copy(const pyr__payload *payload)
{
	return !payload->block || payload->size < payload->block->size / 8;
}

static pyr__message *new_message(pyr__inbox *inbox, size_t room)
{
	if (!inbox->embedded_used && room <= sizeof inbox->space) {
		inbox->embedded_used = true;
		inbox->embedded.embedded = true;
		return &inbox->embedded;
	}
	pyr__message *message = pyr__alloc(sizeof *message + room);
	message->embedded = false;
	return message;
}

void pyr__inbox_put(pyr__inbox *inbox, const pyr__payload *payload, uint32_t cost)
{
	bool copy = worth_a_copy(payload);
	pyr__message *message = new_message(inbox, copy ? payload->size : 0);
	message->next = NULL;
	message->cost = cost;
	message->payload.size = payload->size;
	if (copy) {
		uint8_t *space = message->embedded ? inbox->space : (uint8_t *)(message + 1);
		if (payload->size)
			memcpy(space, payload->data, payload->size);
		message->payload.data = space;
		message->payload.block = NULL;
	} else {
		message->payload.data = payload->data;
		message->payload.block = pyr__block_ref(payload->block);
	}
	*inbox->last = message;
	inbox->last = &message->next;
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

uint64_t pyr__inbox_clear(pyr__inbox *inbox)
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
