/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of what comes and goes with every call: what a thread frees it soon wants again, of the
 * same size. A few pieces of each kind are kept for each thread, and given back when it ends; that
 * costs neither a lock nor the allocator's slower ways for what is larger than a kilobyte.
 *
 * Under AddressSanitizer nothing is kept, so that it sees what is used after it was freed.
 */
#ifndef PYR_BASE_RECYCLE_H
#define PYR_BASE_RECYCLE_H

#include <stddef.h>

/* Each has one size. */
typedef enum pyr__recycled {
	PYR__RECYCLED_PENDING, /* a call that we make */
	PYR__RECYCLED_CALL,    /* one that is made to us */
	PYR__RECYCLED_LOCAL,   /* what is between the two where both are here */
	PYR__RECYCLED_KINDS,
} pyr__recycled;

#define PYR__RECYCLED_MAX 64u /* pieces of a kind and thread, of up to 2 KiB each */

/* Never NULL, not cleared. Any thread. */
void *pyr__recycle_alloc(pyr__recycled kind, size_t size);

/* Any thread, whichever has allocated it. */
void pyr__recycle_free(pyr__recycled kind, void *memory);

#endif
