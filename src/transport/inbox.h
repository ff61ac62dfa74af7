/* SPDX-License-Identifier: Apache-2.0 */
/* What has arrived for one call and has not been taken yet; guarded by the carrier's lock. */
#ifndef PYR_TRANSPORT_INBOX_H
#define PYR_TRANSPORT_INBOX_H

#include <stdbool.h>
#include "base/block.h"
#include "transport/parts.h"

#define PYR__INBOX_INLINE_BYTES 256

/* One message. Short ones are copied, so that they do not keep a whole receive block alive. */
typedef struct pyr__message {
	struct pyr__message *next;
	pyr__payload payload;
	uint32_t cost; /* of flow control, to be given back when the message is used up */
	bool embedded; /* lies inside its inbox */
} pyr__message;

typedef struct pyr__inbox {
	pyr__message *first;
	pyr__message **last;
	bool embedded_used;
	pyr__message embedded;
	uint8_t space[PYR__INBOX_INLINE_BYTES];
} pyr__inbox;

void pyr__inbox_init(pyr__inbox *inbox);

/* As the next, where there is something. */
uint64_t pyr__inbox_drop_all(pyr__inbox *inbox);

/* Drops what nobody took, and says what it cost in all. */
static inline uint64_t pyr__inbox_clear(pyr__inbox *inbox)
{
	return inbox->first ? pyr__inbox_drop_all(inbox) : 0;
}

/* Keeps a message that lies in a receive block. */
void pyr__inbox_put(pyr__inbox *inbox, const pyr__payload *payload, uint32_t cost);

/* The oldest message, or NULL. Free it with pyr__message_free(). */
pyr__message *pyr__inbox_take(pyr__inbox *inbox);

/* NULL is ignored. */
void pyr__message_free(pyr__inbox *inbox, pyr__message *message);

/* A copy of everything in final, in one piece of memory: free() it. */
pyr__final *pyr__final_copy(const pyr__final *final);

#endif
