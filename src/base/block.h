/* SPDX-License-Identifier: Apache-2.0 */
/* Refcounted receive buffers, and messages that still lie in them. */
#ifndef PYR_BASE_BLOCK_H
#define PYR_BASE_BLOCK_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

typedef struct pyr__block {
	atomic_uint refs;
	uint32_t size; /* bytes of data */
	uint8_t data[];
} pyr__block;

/* One reference; at least so many bytes, and below 4 KiB exactly; NULL when there is no memory. */
pyr__block *pyr__block_new(size_t size);
pyr__block *pyr__block_ref(pyr__block *block);
void pyr__block_unref(pyr__block *block); /* NULL is ignored */

/* As new, of memory that was kept for it; NULL if there is none that fits. */
pyr__block *pyr__block_spare(size_t size);

/* Some bytes of a block. Whoever keeps a payload keeps one reference on its block. */
typedef struct pyr__payload {
	const uint8_t *data;
	size_t size;
	pyr__block *block; /* NULL: data belongs to somebody else */
} pyr__payload;

#endif
