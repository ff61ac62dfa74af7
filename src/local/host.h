/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The local transport: calls between threads of one process, without a socket.
 *
 *     channel (a context's) --start--> host (a daemon's) --work--> on the daemon's loop
 *                                        |
 *                                        +--run_here--> on the caller's thread, where that may be
 *
 * A call that waits for its answer, or has none, runs on the thread that makes it when that is the
 * daemon's own loop, or when the object runs on any thread. Every other call is queued to the loop.
 *
 * Whose a message is, and for how long, is the same as with a connection: each side has its own.
 * What is queued is packed and unpacked. Where the caller waits, the reply is cloned for it
 * instead, and if the call runs on its thread so is the request, by the servant's side: see
 * codec/clone.h. Neither could be handed over as it is: a servant may keep its request longer than
 * the caller does, and the reply is the servant's.
 *
 * A call that runs on its caller's thread takes the host's lock when it begins and when its servant
 * has given it back; in between, what that thread does with it needs no lock:
 *
 *     begin --run_here--> servant --finish--> answer --done--> both halves are done (settled.c)
 *                            |
 *                            +-- keeps the call: it is like any other when its function returns
 */
#ifndef PYR_LOCAL_HOST_H
#define PYR_LOCAL_HOST_H

#include "base/loop.h"
#include "transport/transport.h"

typedef struct pyr__local_host pyr__local_host;

typedef struct pyr__local_host_options {
	const pyr__host_ops *ops;
	void *host;
	const uint8_t
		*id; /* the daemon's incarnation, PYR__PEER_ID_SIZE bytes; it outlives the host */
	pyr__loop *loop;
	size_t message_max; /* as for a connection's peer */
	size_t metadata_max;
	uint32_t calls_max; /* at once, of all callers together */
	/* Whether an object is there, or whether the daemon listens at this endpoint. */
	bool (*has_object)(void *host, pyr__text object);
	bool (*is_at)(void *host, const pyr_reference *endpoint);
} pyr__local_host_options;

/* Any thread but where it says otherwise. One reference. */
pyr__local_host *pyr__local_host_new(const pyr__local_host_options *options);
pyr__local_host *pyr__local_host_ref(pyr__local_host *host);
void pyr__local_host_unref(pyr__local_host *host);

bool pyr__local_host_has(pyr__local_host *host, pyr__text object);
bool pyr__local_host_is_at(pyr__local_host *host, const pyr_reference *endpoint);
bool pyr__local_host_is(pyr__local_host *host, const uint8_t id[PYR__PEER_ID_SIZE]);

/* No new calls from now on: UNAVAILABLE. */
void pyr__local_host_drain(pyr__local_host *host);

/* Ends every call with UNAVAILABLE; servants see a cancel, on the loop. */
void pyr__local_host_close(pyr__local_host *host, const char *reason);

/*
 * The loop and the host's owner are going away: waits for servants that run on callers' threads;
 * nothing is posted or worked on afterwards. The loop must not be dispatched any more.
 */
void pyr__local_host_detach(pyr__local_host *host);

/* A context's way to the host; name is for errors. loop is where callbacks run; it is started when
 * needed. */
pyr__channel *pyr__local_channel_new(
	pyr__local_host *host, const char *name, pyr__loop *loop, size_t message_max);

/* False once the daemon takes no more calls. */
bool pyr__local_channel_serves(const pyr__channel *channel);

/* Whose channel it is. */
pyr__local_host *pyr__local_channel_host(const pyr__channel *channel);

#endif
