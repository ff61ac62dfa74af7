/* SPDX-License-Identifier: Apache-2.0 */
/* A connection under test, with a loop of its own. */
#ifndef PYR_TESTS_NATIVE_NEAR_H
#define PYR_TESTS_NATIVE_NEAR_H

#include "native/conn_private.h"
#include "tally.h"

typedef struct setup {
	int descriptors;
	pyr__loop *loop;
	pyr__session_config session;
	pyr__conn_options options;
	pyr__conn *conn; /* end() ends it; NULL: the test does */
} setup;

/* How many connections are over, and why the last one is. */
extern tally closed;
extern char closed_reason[PYR_ERROR_MESSAGE_MAX];

setup *begin(bool server);

/* Every other connection must be over, and given back. */
void end(setup *s);

/* The descriptor of a connected socket becomes a connection's, on the loop. */
pyr__conn *accept_on_loop(setup *s, int fd);

/* For pyr__host_ops.connected, of hosts that need not know. */
void ignore_connection(void *host, uint64_t connection);

/* A task's run, for who wants a turn of the loop only. */
void do_nothing(pyr__task *task);

#endif
