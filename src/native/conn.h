/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection: a socket, the session that speaks on it, and whoever reads it at the moment.
 *
 * One at a time reads:
 *
 *            sync call waits                    async call, server side
 *   THREAD <----------------- NOBODY --------------------> LOOP
 *      |    (leader; the other waiting        (libevent tells when)
 *      |     threads are its followers)           |
 *      +------ done: next follower, or ---------->+
 *              LOOP if async calls wait
 *
 * The reader alone feeds the session and takes events from it; everybody may start and answer calls
 * under the lock. A thread that waits for its own call therefore needs no hop through another.
 * Output is written by whoever queued it, except during a turn of the loop, at whose end everything
 * goes out in one write.
 */
#ifndef PYR_NATIVE_CONN_H
#define PYR_NATIVE_CONN_H

#include <pyrite/context.h>
#include "base/loop.h"
#include "native/conns.h"
#include "native/session.h"
#include "native/socket.h"
#include "transport/credentials.h"
#include "transport/transport.h"

typedef struct pyr__conn pyr__conn;

typedef struct pyr__conn_options {
	pyr__loop *loop;
	pyr__loop *ready_loop; /* where `ready` of calls made on it runs; NULL: the same */
	pyr__conns *conns;     /* where it is to be listed; NULL: nowhere */
	bool start_loop;       /* start the loop's own thread when it is needed (a client's) */
	const pyr__session_config *session;
	const pyr__host_ops *host; /* NULL: calls that the peer makes are refused */
	void *host_arg;
	pyr_credentials *credentials; /* for TLS, with a reference for each connection; or NULL */
	const char *tls_host;         /* a client's: who the server must prove to be; or NULL */
	uint32_t connect_timeout_ms;  /* or, accepted, the time for the peer's hello */
	uint32_t stall_timeout_ms;    /* the peer takes nothing of what is sent; 0: no limit */
	atomic_uint_fast64_t
		*queued_total; /* shared count of bytes waiting to be sent; may be NULL */
	uint64_t queued_total_max;
	uint32_t compress_from; /* bytes of the shortest message that is deflated; 0: none is */
	pyr_shared_memory shared_memory; /* default: off */
	unsigned spin_us;                /* who waits for a ring looks so long before it sleeps */
	unsigned socket_spin_us;         /* and who waits for a socket */
	/* The connection is over; on the thread that noticed, no lock held. May be NULL. */
	void (*on_closed)(void *arg, pyr__conn *conn);
	void *closed_arg;
} pyr__conn_options;

/*
 * Takes a connected descriptor over and serves it on the loop. Any thread. One reference. The host
 * hears of it before its calls; of its end, from on_closed.
 */
pyr__conn *pyr__conn_accept(int fd, const pyr__address *peer, const pyr__conn_options *options);

/* Begins to connect to the first address that answers. Any thread. One reference. */
pyr__conn *pyr__conn_dial(const pyr__address *addresses, size_t count, const char *name,
	const pyr__conn_options *options);

/* The same with a descriptor that is connected already, which it takes over. NULL: no memory. */
pyr__conn *pyr__conn_begin(int fd, const char *name, const pyr__conn_options *options);

pyr__conn *pyr__conn_ref(pyr__conn *conn);
void pyr__conn_unref(pyr__conn *conn);

/*
 * True while a new call may be tried on it. After a pause what the peer has sent in the meantime is
 * read first, so that a connection it has closed is not used.
 */
bool pyr__conn_usable(pyr__conn *conn);

/* As usable, and the peer has not closed it, though nobody may have read so far. */
bool pyr__conn_lives(pyr__conn *conn);

/*
 * As pyr__channel_ops.start. call is NULL for a oneway call. look: UNAVAILABLE if the connection is
 * not usable any more, see above; of one that has just been made its calls hear that.
 */
pyr_status pyr__conn_start(pyr__conn *conn, bool look, pyr__outcall *call, const pyr__head *head,
	const pyr__body *body, bool end, pyr_error *err);

/* Waits, at most until then, until the peer has the oneway calls that were sent on it. */
void pyr__conn_settle(pyr__conn *conn, int64_t until_us);

/* A round trip without a call. */
pyr_status pyr__conn_ping(pyr__conn *conn, int64_t deadline_us, pyr_error *err);

/* Tells the peer that no more calls are taken; running ones go on. */
void pyr__conn_drain(pyr__conn *conn, const char *reason);

/* True while calls run in either direction, or bytes wait to be sent. */
bool pyr__conn_busy(pyr__conn *conn);

/* Ends the connection: every call is over with this status. Any thread; does not wait. */
void pyr__conn_shut(pyr__conn *conn, pyr_status status, const char *reason);

/* Of one that is over: nothing more is read from it. Any thread; does not wait. */
void pyr__conn_stop_lingering(pyr__conn *conn);

/* After shut, not on the loop's thread: waits until no other thread reads it any more. */
void pyr__conn_await_reader(pyr__conn *conn);

/* No more calls will be started: ends the connection as soon as those that run are over and all is
 * sent. Any thread; does not wait. */
void pyr__conn_retire(pyr__conn *conn);

/* Calls that the peer makes come to this host from now on; false: there is another one. */
bool pyr__conn_set_host(pyr__conn *conn, const pyr__host_ops *ops, void *host);

/*
 * Ends the calls that the peer makes here: their host has been told when this returns. For a host
 * that hands its work on, since that is not on the loop then; no lock that it takes may be held.
 */
void pyr__conn_cancel_hosted(pyr__conn *conn);

/* The peer's incarnation; false: it has not said hello yet, or has none. */
bool pyr__conn_peer_id(pyr__conn *conn, uint8_t ret_id[PYR__PEER_ID_SIZE]);

pyr__loop *pyr__conn_ready_loop(const pyr__conn *conn);
uint64_t pyr__conn_number(const pyr__conn *conn); /* as pyr_call_connection() */
const char *pyr__conn_peer(const pyr__conn *conn);

/* Why it is over; in on_closed and afterwards. */
const char *pyr__conn_reason(const pyr__conn *conn);

#endif
