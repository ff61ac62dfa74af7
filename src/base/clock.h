/* SPDX-License-Identifier: Apache-2.0 */
/* The one clock that deadlines are measured with. */
#ifndef PYR_BASE_CLOCK_H
#define PYR_BASE_CLOCK_H

#include <stdint.h>

/* Microseconds of CLOCK_MONOTONIC: it never goes back and knows no time zone. Any thread. */
int64_t pyr__now_us(void);

#endif
