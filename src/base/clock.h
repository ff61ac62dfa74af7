/* SPDX-License-Identifier: Apache-2.0 */
/* The one clock that deadlines are measured with. */
#ifndef PYR_BASE_CLOCK_H
#define PYR_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Microseconds of CLOCK_MONOTONIC: it never goes back and knows no time zone. Any thread. */
int64_t pyr__now_us(void);

/*
 * The same as of the kernel's last tick, a few milliseconds ago, and longer ago on a machine that
 * was held up: never ahead. It takes a third of the time.
 */
int64_t pyr__tick_us(void);

/* Whether it is later than that; INT64_MAX never passes. Most often the last tick tells. */
bool pyr__has_passed(int64_t time_us);

#endif
