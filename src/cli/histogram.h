/* SPDX-License-Identifier: Apache-2.0 */
/* Counts of durations, fine enough for percentiles: 64 steps for each power of two. */
#ifndef PYR_CLI_HISTOGRAM_H
#define PYR_CLI_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_STEP_BITS 6
#define HISTOGRAM_BUCKETS   ((64 - HISTOGRAM_STEP_BITS + 1) << HISTOGRAM_STEP_BITS)

typedef struct histogram {
	uint64_t counts[HISTOGRAM_BUCKETS];
	uint64_t total;
	uint64_t max_ns;
	double sum_ns;
} histogram;

void histogram_add(histogram *h, uint64_t ns);

/* The duration, in us, that this share (0 to 1) of all stay below; 0 when there are none. */
double histogram_quantile_us(const histogram *h, double share);

#endif
