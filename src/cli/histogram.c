/* SPDX-License-Identifier: Apache-2.0 */
/* Counts of durations, fine enough for percentiles. */
#include "histogram.h"

#define STEPS (1u << HISTOGRAM_STEP_BITS)

static unsigned bucket_of(uint64_t ns)
{
	if (ns < STEPS)
		return (unsigned)ns;
	unsigned shift = 63u - HISTOGRAM_STEP_BITS - (unsigned)__builtin_clzll(ns);
	return (shift << HISTOGRAM_STEP_BITS) + (unsigned)(ns >> shift);
}

/* The middle of the bucket, in ns. */
static double middle_of(unsigned bucket)
{
	if (bucket < 2 * STEPS)
		return bucket;
	unsigned shift = (bucket >> HISTOGRAM_STEP_BITS) - 1;
	uint64_t low = (uint64_t)(bucket - (shift << HISTOGRAM_STEP_BITS)) << shift;
	return (double)low + (double)(1ull << shift) / 2;
}

void histogram_add(histogram *h, uint64_t ns)
{
	h->counts[bucket_of(ns)]++;
	h->total++;
	h->sum_ns += (double)ns;
	if (ns > h->max_ns)
		h->max_ns = ns;
}

double histogram_quantile_us(const histogram *h, double share)
{
	uint64_t wanted = (uint64_t)(share * (double)h->total), seen = 0;
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->counts[i];
		if (seen > wanted || (seen == h->total && seen > 0))
			return middle_of(i) / 1000;
	}
	return 0;
}
