/* SPDX-License-Identifier: Apache-2.0 */
/* SipHash-1-3: a fast hash whose collisions cannot be found without its key. */
#ifndef PYR_BASE_HASH_H
#define PYR_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t pyr__siphash(const uint64_t key[2], const void *data, size_t size);

#endif
