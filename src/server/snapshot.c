/* SPDX-License-Identifier: Apache-2.0 */
/* Reading what a daemon counts. */
#include "server/snapshot.h"

#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "server/daemon_private.h"

#define METHODS_MAX 65536

static uint64_t load(const atomic_uint_fast64_t *from)
{
	return atomic_load_explicit(from, memory_order_relaxed);
}

/* Copies what is counted; returns how many are left without the zeros at the end. */
static size_t copy_counts(uint64_t *to, const atomic_uint_fast64_t *from, size_t count)
{
	size_t used = 0;
	for (size_t i = 0; i < count; i++) {
		to[i] = load(&from[i]);
		if (to[i])
			used = i + 1;
	}
	return used;
}

static void fill_row(pyr__snapshot_row *row, const pyr__bound *bound)
{
	const pyr__statistics *s = bound->statistics;
	pyrite__method_statistics__init(&row->message);
	row->message.method = (char *)bound->name;
	row->message.ended = row->ended;
	row->message.n_ended = copy_counts(row->ended, s->ended, PYR__STATUSES);
	row->message.latency = row->latency;
	row->message.n_latency = copy_counts(row->latency, s->latency, PYR__LATENCY_SLOTS);
	row->message.total_us = load(&s->total_us);
	row->message.began = load(&s->began); /* last, so that never more have ended than began */
}

/* The methods of that prefix that were called; freed by the caller. */
static size_t find_called(pyr_daemon *daemon, const char *prefix, const pyr__bound ***ret_bounds)
{
	const pyr__bound **bounds = pyr__alloc(METHODS_MAX * sizeof *bounds);
	size_t all = pyr__objects_methods(&daemon->objects, 0, bounds, METHODS_MAX), count = 0;
	for (size_t i = 0; i < all; i++)
		if (strncmp(bounds[i]->name, prefix, strlen(prefix)) == 0 &&
			load(&bounds[i]->statistics->began) > 0)
			bounds[count++] = bounds[i];
	*ret_bounds = bounds;
	return count;
}

static void read_daemon(pyr_daemon *daemon, Pyrite__GetStatisticsReply *all)
{
	pyrite__get_statistics_reply__init(all);
	all->uptime_us = (uint64_t)(pyr__now_us() - daemon->began_us);
	all->running = pyr__daemon_running(daemon);
	all->waiting = daemon->pool ? pyr__pool_waiting(daemon->pool) : 0;
	all->connections = atomic_load(&daemon->conn_count);
	all->connections_accepted = load(&daemon->conns_accepted);
	all->connections_refused = load(&daemon->conns_refused);
	all->queued_bytes = load(&daemon->queued_total);
	all->unknown_methods = load(&daemon->unknown.began);
}

pyr__snapshot *pyr__snapshot_take(pyr_daemon *daemon, const char *prefix)
{
	const pyr__bound **bounds;
	pyr__snapshot *snapshot = pyr__alloc(sizeof *snapshot);
	size_t count = find_called(daemon, prefix, &bounds);
	read_daemon(daemon, &snapshot->all);
	snapshot->rows = pyr__alloc((count + 1) * sizeof *snapshot->rows);
	snapshot->methods = pyr__alloc((count + 1) * sizeof *snapshot->methods);
	for (size_t i = 0; i < count; i++) {
		fill_row(&snapshot->rows[i], bounds[i]);
		snapshot->methods[i] = &snapshot->rows[i].message;
	}
	snapshot->all.methods = snapshot->methods;
	snapshot->all.n_methods = count;
	free(bounds);
	return snapshot;
}

void pyr__snapshot_free(pyr__snapshot *snapshot)
{
	free(snapshot->methods);
	free(snapshot->rows);
	free(snapshot);
}
