/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The items of a stream that its caller may not have: those it has not said to have used up, and
 * those that have not been sent. Locking is the owner's.
 *
 *      dropped        sent, may be lost       not sent
 *   0 ......... first ............... unsent .......... last
 *
 * A caller that comes back says how many items it has taken, which is somewhere in the middle part,
 * and gets what is behind. What it has used up by the count of its window may be dropped before,
 * since a caller counts an item as taken before it gives the item's part of the window back.
 */
#ifndef PYR_SERVER_REPLAY_H
#define PYR_SERVER_REPLAY_H

#include <stdbool.h>
#include "transport/body.h"
#include "transport/parts.h"

typedef struct pyr__replay_item {
	struct pyr__replay_item *next;
	size_t size;
	uint8_t data[]; /* encoded */
} pyr__replay_item;

typedef struct pyr__replay {
	pyr__replay_item *first, **last;
	pyr__replay_item *unsent; /* NULL: all are sent */
	uint64_t dropped;         /* so many items were there before the first */
	uint64_t next;            /* so many were there before `unsent`, or in all */
	uint64_t sent;            /* so many were ever sent, though perhaps to another caller */
	uint64_t returned;        /* cost of what was sent to the present caller and dropped */
	uint64_t cost;            /* of flow control, of all that is here */
	size_t bytes;             /* of memory */
} pyr__replay;

void pyr__replay_init(pyr__replay *replay);
void pyr__replay_clear(pyr__replay *replay);

/* The memory that an item of that size takes. */
size_t pyr__replay_memory(size_t size);

/* Encodes an item and puts it behind the others, not sent; false: there is no memory. */
bool pyr__replay_put(pyr__replay *replay, const pyr__body *body);

/* The first that is not sent, of which there must be one, has been. */
void pyr__replay_advance(pyr__replay *replay);

/* Drops what has not been sent. */
void pyr__replay_cut(pyr__replay *replay);

/* The present caller has used up what cost so much in all: drops that. */
void pyr__replay_consumed(pyr__replay *replay, uint64_t cost);

/*
 * Another caller has taken so many items: drops them, and nothing behind is sent any more. False,
 * and nothing done, if what it needs is not there, or it has more than was ever sent.
 */
bool pyr__replay_rewind(pyr__replay *replay, uint64_t taken);

#endif
