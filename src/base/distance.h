/* SPDX-License-Identifier: Apache-2.0 */
/* How far two words are apart, to find out which one was meant by a mistyped one. */
#ifndef PYR_BASE_DISTANCE_H
#define PYR_BASE_DISTANCE_H

#include <stddef.h>

#define PYR__DISTANCE_BYTES_MAX 48 /* the longest word that can be compared */

/* How many characters have to be changed, added or removed (Levenshtein). */
unsigned pyr__distance(const char *a, size_t a_size, const char *b, size_t b_size);

#endif
