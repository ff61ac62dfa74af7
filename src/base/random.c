/* SPDX-License-Identifier: Apache-2.0 */
/* Takes random bytes from the kernel. */
#include "base/random.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void pyr__random_bytes(void *buf, size_t size)
{
	for (char *at = buf; size > 0;) {
		ssize_t got = getrandom(at, size, 0);
		if (got < 0 && errno != EINTR) {
			fprintf(stderr, "pyrite: getrandom: %s\n", strerror(errno));
			abort();
		}
		if (got > 0) {
			at += got;
			size -= (size_t)got;
		}
	}
}

void pyr__random_id(char ret_id[PYR__RANDOM_ID_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t bytes[(PYR__RANDOM_ID_SIZE - 1) / 2];
	pyr__random_bytes(bytes, sizeof bytes);
	for (size_t i = 0; i < sizeof bytes; i++) {
		ret_id[2 * i] = digits[bytes[i] >> 4];
		ret_id[2 * i + 1] = digits[bytes[i] & 15];
	}
	ret_id[PYR__RANDOM_ID_SIZE - 1] = '\0';
}
