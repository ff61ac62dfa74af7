/* SPDX-License-Identifier: Apache-2.0 */
/* All connections that somebody is responsible for, those included that nobody uses any more. */
#ifndef PYR_NATIVE_CONNS_H
#define PYR_NATIVE_CONNS_H

#include <pthread.h>
#include <pyrite/status.h>
#include "base/list.h"

typedef struct pyr__conns {
	pthread_mutex_t lock; /* guards list */
	pyr__link list;       /* of pyr__conn; each takes itself out when it is freed */
} pyr__conns;

void pyr__conns_init(pyr__conns *conns);
void pyr__conns_done(pyr__conns *conns); /* there are none any more */

/*
 * Ends them all, and waits for threads that read one of them to see it. What is left to do is
 * posted to their loop when this returns, and nothing is posted later. Not on the loop's thread.
 */
/*
 * Waits until the peers have what oneway calls have been sent to them, or are gone, or until then.
 * Not on the loop's thread.
 */
void pyr__conns_settle(pyr__conns *conns, int64_t until_us);

void pyr__conns_shut(pyr__conns *conns, pyr_status status, const char *reason);

#endif
