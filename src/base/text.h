/* SPDX-License-Identifier: Apache-2.0 */
/* Some bytes that belong to somebody else: a borrowed string with its size. */
#ifndef PYR_BASE_TEXT_H
#define PYR_BASE_TEXT_H

#include <stddef.h>

typedef struct pyr__text {
	const char *data; /* not NUL-terminated */
	size_t size;
} pyr__text;

#endif
