/* SPDX-License-Identifier: Apache-2.0 */
/* What has changed from one look at a daemon's counts to the next. */
#include <stdlib.h>
#include <string.h>
#include "top.h"

#define SLOTS_MAX 64

static const Pyrite__MethodStatistics *find(
	const Pyrite__GetStatisticsReply *all, const char *method)
{
	for (size_t i = 0; all && i < all->n_methods; i++)
		if (strcmp(all->methods[i]->method, method) == 0)
			return all->methods[i];
	return NULL;
}

static uint64_t sum_from(const uint64_t *counts, size_t count, size_t first)
{
	uint64_t sum = 0;
	for (size_t i = first; i < count; i++)
		sum += counts[i];
	return sum;
}

static uint64_t ended_of(const Pyrite__MethodStatistics *m)
{
	return m ? sum_from(m->ended, m->n_ended, 0) : 0;
}

/* A caller that no longer waits is none. */
static uint64_t errors_of(const Pyrite__MethodStatistics *m)
{
	return m ? sum_from(m->ended, m->n_ended, PYR_CANCELLED + 1) : 0;
}

/* Slot i ends at 2^i us and begins at half of that. Within a slot all are taken to lie evenly. */
double top_quantile_us(const uint64_t *latency, size_t count, double share)
{
	double before = 0, wanted = share * (double)sum_from(latency, count, 0);
	for (size_t i = 0; i < count; i++) {
		double here = (double)latency[i];
		double begin = i ? (double)(1ull << (i - 1)) : 0, end = (double)(1ull << i);
		if (here > 0 && before + here >= wanted)
			return begin + (end - begin) * (wanted - before) / here;
		before += here;
	}
	return 0;
}

static void fill_latency(
	top_row *row, const Pyrite__MethodStatistics *before, const Pyrite__MethodStatistics *now)
{
	uint64_t change[SLOTS_MAX];
	size_t count = now->n_latency < SLOTS_MAX ? now->n_latency : SLOTS_MAX;
	for (size_t i = 0; i < count; i++)
		change[i] = now->latency[i] -
			    (before && i < before->n_latency ? before->latency[i] : 0);
	row->p50_us = top_quantile_us(change, count, 0.5);
	row->p99_us = top_quantile_us(change, count, 0.99);
}

static top_row compare(
	const Pyrite__MethodStatistics *before, const Pyrite__MethodStatistics *now, double seconds)
{
	uint64_t ended = ended_of(now);
	top_row row = {.method = now->method, .calls = now->began, .errors = errors_of(now)};
	row.running = now->began > ended ? now->began - ended : 0;
	row.calls_per_s = (double)(now->began - (before ? before->began : 0)) / seconds;
	row.errors_per_s = (double)(row.errors - errors_of(before)) / seconds;
	fill_latency(&row, before, now);
	return row;
}

static int by_load(const void *a, const void *b)
{
	const top_row *x = a, *y = b;
	if (x->calls_per_s != y->calls_per_s)
		return x->calls_per_s < y->calls_per_s ? 1 : -1;
	if (x->calls != y->calls)
		return x->calls < y->calls ? 1 : -1;
	return strcmp(x->method, y->method);
}

top_view top_compare(
	const Pyrite__GetStatisticsReply *before, const Pyrite__GetStatisticsReply *now)
{
	if (before && before->uptime_us >= now->uptime_us)
		before = NULL; /* another daemon has come to this place */
	top_view view = {.now = now, .rows = calloc(now->n_methods + 1, sizeof *view.rows)};
	view.seconds = (double)(now->uptime_us - (before ? before->uptime_us : 0)) / 1e6;
	if (view.seconds <= 0)
		view.seconds = 1e-6;
	for (size_t i = 0; view.rows && i < now->n_methods; i++) {
		const Pyrite__MethodStatistics *m = now->methods[i];
		top_row row = compare(find(before, m->method), m, view.seconds);
		view.rows[view.row_count++] = row;
		view.calls_per_s += row.calls_per_s;
		view.errors_per_s += row.errors_per_s;
	}
	if (view.rows)
		qsort(view.rows, view.row_count, sizeof *view.rows, by_load);
	return view;
}
