/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A relay between clients and a daemon, for tests that break connections: it carries bytes both
 * ways, counts them, and cuts a connection at the byte it is told to. It knows nothing of what the
 * bytes mean, so it serves every transport that has a socket.
 */
#ifndef TESTS_TRANSPORT_RELAY_H
#define TESTS_TRANSPORT_RELAY_H

#include <stdbool.h>
#include <stddef.h>

typedef enum relay_way {
	RELAY_UP,   /* from the client */
	RELAY_DOWN, /* from the daemon */
} relay_way;

#define RELAY_WAYS     2
#define RELAY_NO_LIMIT ((size_t)-1)

typedef struct relay relay;

/*
 * Listens on a socket of the same kind as the reference's, and writes the reference of the same
 * object there into PYR_REFERENCE_MAX bytes. The relay has a thread of its own.
 */
relay *relay_new(const char *reference, char *ret_reference);
void relay_free(relay *r);

/* Where the connections that come from now on lead. */
void relay_lead_to(relay *r, const char *reference);

/*
 * Every connection is cut when a byte comes that is beyond so many that it has carried that way.
 * abrupt: at once, with a reset where the socket has one; else each side sees the end of the bytes,
 * and what it sent in vain is read away.
 */
void relay_limit(relay *r, relay_way way, size_t bytes, bool abrupt);

/* The same, but there is no limit any more once one has been cut. */
void relay_limit_once(relay *r, relay_way way, size_t bytes, bool abrupt);

/* Cuts all connections now, abruptly; those that come are carried. Any thread. */
void relay_cut(relay *r);

/*
 * Whether a client's TCP connection is reset only when the client has read what came before, so
 * that its next event is the reset. At first it is not waited for.
 */
void relay_let_read(relay *r, bool patient);

/* Connections that come are not answered: they wait, and so do their bytes. */
void relay_ignore(relay *r, bool ignore);

/* Nobody listens: connections are refused; and listens again at the same address. */
void relay_close(relay *r);
void relay_open(relay *r);

/* How many connections have come so far. */
unsigned relay_connections(relay *r);

/* How many bytes the connection that came last has carried. */
size_t relay_carried(relay *r, relay_way way);

/* Until all connections are over; fails the test if that takes too long. */
void relay_await_idle(relay *r);

#endif
