/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for one message that is being made: taken piece by piece, given back all at once. */
#ifndef NS_REGION_H
#define NS_REGION_H

#include <stddef.h>

/* All zero is an empty one. */
typedef struct ns_region {
	struct ns_region_block *blocks; /* the one that is being used first */
	size_t used;                    /* of its room */
} ns_region;

/* Not cleared, aligned for anything, never NULL. */
void *ns_region_take(ns_region *region, size_t size);

/* Everything that was taken is gone; one block is kept for the next time. */
void ns_region_reset(ns_region *region);

void ns_region_done(ns_region *region);

#endif
