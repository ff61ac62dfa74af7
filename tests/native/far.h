/* SPDX-License-Identifier: Apache-2.0 */
/* The other side of a connection: a session on a bare socket, as much of a peer as a test wants. */
#ifndef PYR_TESTS_NATIVE_FAR_H
#define PYR_TESTS_NATIVE_FAR_H

#include "native/session.h"
#include "native/shared.h"

#define PATIENCE_MS 10000 /* with the side under test */

typedef struct far {
	int fd;
	pyr__session *session;
	bool may_go;        /* the side under test may go, and what is sent to it is lost then */
	pyr__shared memory; /* as who made it sees it */
	bool in, out;       /* by ring */
} far;

far far_new(int fd, const pyr__session_config *config);

/* All that is queued, or as much of it as a ring has room for. */
void far_flush(far *f);

/* Wakes who sleeps until something is in its ring. */
void far_ring(far *f);

/* Reads until there is an event of this type; those before it are dropped. */
pyr__event far_await(far *f, pyr__event_type type);

void far_free(far *f);

#endif
