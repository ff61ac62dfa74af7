/* SPDX-License-Identifier: Apache-2.0 */
/* Correlation ids: what the calls of a chain have in common. New ones are base/random.h's ids. */
#ifndef PYR_BASE_CORRELATION_H
#define PYR_BASE_CORRELATION_H

#include <stdbool.h>
#include "base/text.h"

/* True for 1 to PYR_CORRELATION_MAX - 1 bytes of printable ASCII without spaces. */
bool pyr__correlation_valid(pyr__text text);

#endif
