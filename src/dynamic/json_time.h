/* SPDX-License-Identifier: Apache-2.0 */
/* google.protobuf.Timestamp and Duration as JSON writes them. */
#ifndef PYR_DYNAMIC_JSON_TIME_H
#define PYR_DYNAMIC_JSON_TIME_H

#include <stdbool.h>
#include <stdint.h>

#define PYR__TIME_TEXT_MAX 64

/* False for what has no JSON form: out of range, or nanoseconds and seconds that disagree. */
bool pyr__timestamp_write(int64_t seconds, int32_t nanos, char text[PYR__TIME_TEXT_MAX]);
bool pyr__duration_write(int64_t seconds, int32_t nanos, char text[PYR__TIME_TEXT_MAX]);

/* "1972-01-01T10:00:20.021Z" or with "+01:00" at the end (RFC 3339), and "1.5s". */
bool pyr__timestamp_read(const char *text, int64_t *ret_seconds, int32_t *ret_nanos);
bool pyr__duration_read(const char *text, int64_t *ret_seconds, int32_t *ret_nanos);

#endif
