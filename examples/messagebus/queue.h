/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that wait for a slow subscriber. There is room for so many; then the oldest goes. */
#ifndef QUEUE_H
#define QUEUE_H

#include <stdlib.h>
#include "messagebus.pb-c.h"

#define QUEUE_MAX 64

/* A message on its way, shared by the queues that it is in. */
typedef struct letter {
	unsigned references;
	Demo__Message *message;
} letter;

typedef struct queue {
	letter *letters[QUEUE_MAX]; /* a ring: `count` of them, from `first` on */
	unsigned first, count;
	uint64_t dropped; /* since the last one that was taken */
} queue;

static inline void letter_unref(letter *l)
{
	if (--l->references)
		return;
	demo__message__free_unpacked(l->message, NULL);
	free(l);
}

static inline letter *queue_first(const queue *q)
{
	return q->count ? q->letters[q->first] : NULL;
}

static inline void queue_remove_first(queue *q)
{
	letter_unref(q->letters[q->first]);
	q->first = (q->first + 1) % QUEUE_MAX;
	q->count--;
}

static inline void queue_add(queue *q, letter *l)
{
	if (q->count == QUEUE_MAX) {
		queue_remove_first(q);
		q->dropped++;
	}
	q->letters[(q->first + q->count++) % QUEUE_MAX] = l;
	l->references++;
}

static inline void queue_clear(queue *q)
{
	while (q->count)
		queue_remove_first(q);
}

#endif
