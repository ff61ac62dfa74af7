/* SPDX-License-Identifier: Apache-2.0 */
/* What `pyrite top` shows: what has changed from one look at a daemon's counts to the next. */
#ifndef PYR_CLI_TOP_H
#define PYR_CLI_TOP_H

#include <pyrite/daemon.pyr.h>
#include <stddef.h>

typedef struct top_row {
	const char *method; /* lies in the newer statistics */
	double calls_per_s, errors_per_s;
	uint64_t calls, errors, running; /* calls and errors since the daemon was made */
	double p50_us, p99_us;           /* of those that ended in between; 0 without any */
} top_row;

typedef struct top_view {
	double seconds; /* in between; since the daemon was made, if that is all there is */
	double calls_per_s, errors_per_s;
	const Pyrite__GetStatisticsReply *now;
	size_t row_count;
	top_row *rows; /* the busiest first */
} top_view;

/* before: an older look at the same daemon, or NULL. Free the rows. */
top_view top_compare(
	const Pyrite__GetStatisticsReply *before, const Pyrite__GetStatisticsReply *now);

/* The duration, in us, that this share (0 to 1) of all stay below; 0 without any. */
double top_quantile_us(const uint64_t *latency, size_t count, double share);

#endif
