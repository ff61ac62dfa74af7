/* SPDX-License-Identifier: Apache-2.0 */
/* A ring of the latest changes. */
#include "history.h"

#include <stdlib.h>
#include "alloc.h"

void ns_history_init(ns_history *history, uint64_t newest, size_t events_max, size_t bytes_max)
{
	*history = (ns_history){
		.newest = newest,
		.oldest = newest + 1,
		.events_max = events_max ? events_max : 1,
		.bytes_max = bytes_max,
	};
}

static ns_event *slot(const ns_history *history, uint64_t revision)
{
	return &history->ring[revision & (history->capacity - 1)];
}

static size_t event_size(const ns_event *event)
{
	return (event->before ? ns_record_size(event->before) : 0) +
	       (event->after ? ns_record_size(event->after) : 0);
}

static void drop_oldest(ns_history *history)
{
	ns_event *event = slot(history, history->oldest++);
	history->bytes -= event_size(event);
	ns_record_unref(event->before);
	ns_record_unref(event->after);
}

void ns_history_done(ns_history *history)
{
	while (history->oldest <= history->newest)
		drop_oldest(history);
	free(history->ring);
	history->ring = NULL;
	history->capacity = 0;
}

static void grow(ns_history *history)
{
	ns_history bigger = *history;
	bigger.capacity = history->capacity ? history->capacity * 2 : 64;
	bigger.ring = ns_alloc(bigger.capacity * sizeof *bigger.ring);
	for (uint64_t r = history->oldest; r <= history->newest; r++)
		*slot(&bigger, r) = *slot(history, r);
	free(history->ring);
	*history = bigger;
}

void ns_history_add(ns_history *history, const ns_record *before, const ns_record *after)
{
	while (history->newest + 1 - history->oldest >= history->events_max)
		drop_oldest(history);
	if (history->newest + 1 - history->oldest >= history->capacity)
		grow(history);
	ns_event *event = slot(history, ++history->newest);
	*event = (ns_event){history->newest, before, after};
	history->bytes += event_size(event);
	while (history->bytes > history->bytes_max && history->oldest < history->newest)
		drop_oldest(history);
}

const ns_event *ns_history_at(const ns_history *history, uint64_t revision)
{
	if (revision < history->oldest || revision > history->newest)
		return NULL;
	return slot(history, revision);
}
