/* SPDX-License-Identifier: Apache-2.0 */
/* The latest changes of a store, one a revision, for watches that resume. */
#ifndef NS_HISTORY_H
#define NS_HISTORY_H

#include "record.h"

/* One change of one name. */
typedef struct ns_event {
	uint64_t revision;
	const ns_record *before; /* NULL: the name was free */
	const ns_record *after;  /* NULL: the name is free now */
} ns_event;

typedef struct ns_history {
	ns_event *ring;  /* the event of revision r is at r & (capacity - 1) */
	size_t capacity; /* a power of two, or 0 */
	uint64_t oldest; /* first revision kept; newest + 1 when none is */
	uint64_t newest;
	size_t bytes; /* of the records kept, each counted as often as it occurs */
	size_t events_max;
	size_t bytes_max;
} ns_history;

/* newest: the revision of the store before the first change that will be added. */
void ns_history_init(ns_history *history, uint64_t newest, size_t events_max, size_t bytes_max);
void ns_history_done(ns_history *history);

/*
 * Adds the change of revision newest + 1, and takes over one reference of each record. Drops the
 * oldest changes when there are too many.
 */
void ns_history_add(ns_history *history, const ns_record *before, const ns_record *after);

/* The change of this revision, borrowed until the next add; NULL if it is not kept. */
const ns_event *ns_history_at(const ns_history *history, uint64_t revision);

#endif
