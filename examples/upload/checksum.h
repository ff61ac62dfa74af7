/* SPDX-License-Identifier: Apache-2.0 */
/* Adler's checksum (RFC 1950) of what comes in pieces. */
#ifndef CHECKSUM_H
#define CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

#define CHECKSUM_START 1u

static inline uint32_t checksum(uint32_t sum, const uint8_t *data, size_t size)
{
	uint32_t low = sum & 0xffff, high = sum >> 16;
	for (size_t i = 0; i < size; i++) {
		low = (low + data[i]) % 65521;
		high = (high + low) % 65521;
	}
	return high << 16 | low;
}

#endif
