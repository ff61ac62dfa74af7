/* SPDX-License-Identifier: Apache-2.0 */
/* The clock: what deadlines rely on. */
#include <criterion/criterion.h>
#include <time.h>
#include "base/clock.h"

static int64_t monotonic_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

Test(clock, tells_the_monotonic_time_in_microseconds)
{
	int64_t before = monotonic_us();
	int64_t now = pyr__now_us();
	int64_t after = monotonic_us();
	cr_assert(before <= now && now <= after);
}

Test(clock, never_goes_back)
{
	int64_t last = pyr__now_us();
	for (int i = 0; i < 100000; i++) {
		int64_t now = pyr__now_us();
		cr_assert(now >= last);
		last = now;
	}
}

/* A tick is never ahead; that it is not long ago is what it is for. */
Test(clock, tells_a_time_of_a_little_ago)
{
	for (int i = 0; i < 1000; i++) {
		int64_t before = pyr__now_us();
		int64_t tick = pyr__tick_us();
		cr_assert(tick <= pyr__now_us());
		cr_assert(tick > before - 1000000, "%ld us ago", (long)(before - tick));
	}
}

Test(clock, knows_exactly_what_has_passed)
{
	int64_t soon = pyr__now_us() + 3000;
	while (!pyr__has_passed(soon))
		cr_assert(pyr__now_us() < soon + 10000000);
	cr_assert(pyr__now_us() >= soon);
	cr_assert(pyr__has_passed(pyr__now_us()));
	cr_assert(!pyr__has_passed(pyr__now_us() + 1000000000));
	cr_assert(!pyr__has_passed(INT64_MAX));
}
