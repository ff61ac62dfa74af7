/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the monotonic clock. */
#include "base/clock.h"

#include <time.h>
#include "base/apart.h"

/* A tick is not so long ago unless the machine was held up, and then so are its programs. */
#define TICK_MAX_US 100000

static int64_t read_us(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

PYR__APART int64_t pyr__now_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

PYR__APART int64_t pyr__tick_us(void)
{
	return read_us(CLOCK_MONOTONIC_COARSE);
}

bool pyr__has_passed(int64_t time_us)
{
	if (time_us == INT64_MAX || time_us - pyr__tick_us() > TICK_MAX_US)
		return false;
	return pyr__now_us() >= time_us;
}
