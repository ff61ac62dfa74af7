/* SPDX-License-Identifier: Apache-2.0 */
/* A daemon that answers whoever looks for its name server. */
#ifndef PYR_SERVER_DISCOVERABLE_H
#define PYR_SERVER_DISCOVERABLE_H

#include <pyrite/discovery.h>

typedef struct pyr__discoverable pyr__discoverable;

/* No answers any more. On the loop's thread, or with nobody dispatching it. NULL is ignored. */
void pyr__discoverable_close(pyr__discoverable *discoverable);
void pyr__discoverable_free(pyr__discoverable *discoverable);

#endif
