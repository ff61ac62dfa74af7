/* SPDX-License-Identifier: Apache-2.0 */
/* The checksum of gzip and zip (CRC-32, as RFC 1952 has it) of what comes in pieces. */
#ifndef CRC32_H
#define CRC32_H

#include <stddef.h>
#include <stdint.h>

/* Four bits at a time: its table is short. Begin with 0. */
static inline uint32_t crc32(uint32_t crc, const uint8_t *data, size_t size)
{
	static const uint32_t table[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
		0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8,
		0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
	crc = ~crc;
	for (size_t i = 0; i < size; i++) {
		crc = crc >> 4 ^ table[(crc ^ data[i]) & 15];
		crc = crc >> 4 ^ table[(crc ^ data[i] >> 4) & 15];
	}
	return ~crc;
}

#endif
