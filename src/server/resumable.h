/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream whose servant goes on while its caller's connection is lost, for as long as the daemon
 * lingers, and which the caller carries on with another call.
 *
 *   servant --> pyr_call `stream` --> pyr__resumable --> pyr_call `leg` --> connection
 *                                      keeps items        one at a time; or none
 *
 *              first leg            leg lost               time over, daemon stops
 *   (no stream) -------> ATTACHED ------------> DETACHED ----------------------> cancelled
 *                         |    ^                 |   |
 *      the leg is cancelled,   +--- another leg -+   | the servant ends it
 *      its deadline passes     |                     v
 *      or its daemon forgets   +--- another leg -- ENDED, the end may not have arrived
 *                         v                          |  time over
 *                     cancelled                      v
 *                                                  forgotten
 *
 * How a caller asks for it is in transport/resume.h. A leg that is taken is greeted before the
 * first item, so that the caller can tell the servant's end from a refusal. What counts is what the
 * caller's application has taken: an item that came and waits there is still taken after the
 * connection is lost, and only then the caller comes back. Explicit acknowledgements are not
 * needed: the window says what has been used up (docs/wire-protocol.md, section 6), and it is told
 * later than the item is counted. It cannot be told of items that the caller does not have, so all
 * that is kept are the items whose part of the window has not come back: a window, or what a
 * caller's window admits, and one message.
 *
 * Only the principal that began a stream carries it on, and with the same object and method; to
 * others it is not there. A token alone is as good as a name where callers are anonymous, which is
 * why it is random. What is kept is bounded: see pyr__resumables. A stream that is beyond the
 * bounds goes on, but not beyond its connection.
 *
 * The servant's call is a caller's of the first connection: that peer, principal and session. It
 * holds the session, and with it what is tracked there and its instances, until it is over.
 *
 * Over gRPC a stream ends with its connection: core tells neither the end of a connection from a
 * caller that cancels, nor what a caller has used up. A local call has no connection to lose.
 */
#ifndef PYR_SERVER_RESUMABLE_H
#define PYR_SERVER_RESUMABLE_H

#include "server/call.h"
#include "server/replay.h"
#include "server/resumables.h"
#include "transport/resume.h"

struct pyr__resumable {
	atomic_uint refs; /* the table's, the servant's call's, each leg's, and the task's */
	pyr__resumables *of;
	char token[PYR__RESUME_TOKEN_SIZE];
	const pyr__bound *bound;
	char *object, *peer, *principal;
	uint64_t connection;
	pyr_scheme scheme; /* as it was first reached, as what follows */
	struct sockaddr_storage reached;
	socklen_t reached_size;
	pyr__task task; /* to go on on the loop */

	/* guarded by the table's lock */
	pyr__link lingering; /* in one of the table's lists, or in none */
	bool listed;

	/* guards what follows; the table's is taken under it, calls' and carriers' */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pyr_call *stream;    /* the servant's; NULL once it has given it back */
	pyr_call *leg;       /* with a reference; NULL: detached, or all is said */
	pyr_call *parted[2]; /* legs, whose references are given back without the lock */
	int64_t deadline_us;
	int64_t until_us; /* without a leg: how long it stays; written under both locks */
	pyr__replay replay;
	size_t request_bytes; /* kept as long as the servant's call is */
	uint64_t reserved;    /* of the table's memory */
	pyr__final *final;    /* what the servant has ended it with, or NULL */
	bool cancelled;
	bool forgotten; /* too much would have to be kept: it lives as long as its leg */
	bool writable;  /* a send that would have blocked may be tried again */
	unsigned news;  /* pyr__incall_work of the servant's call, for the loop to tell */
};

/*
 * A new one for this call, which becomes its first leg. *ret_stream is the call that a servant is
 * to be run for, with one reference; it shows the servant this metadata. Fails as
 * pyr__resumables_add(), and then nothing is done.
 */
pyr_status pyr__resumable_begin(pyr__resumables *all, const char *token, pyr_call *call,
	const pyr_metadata *metadata, pyr_call **ret_stream, pyr_error *err);

/*
 * The call, which has taken so many items, becomes its leg. False, and nothing done, if it is not
 * of who began the stream, or what it lacks is not kept.
 */
bool pyr__resumable_carry_on(pyr__resumable *resumable, pyr_call *call, uint64_t taken);

/* A leg has been given work: what its carrier has to tell. Loop thread only. */
void pyr__resumable_on_work(pyr_call *leg, unsigned work);

/* Its time is over, or its daemon stops: it is cancelled, unless it has got a leg. Loop thread. */
void pyr__resumable_expire(pyr__resumable *resumable, int64_t now_us);

pyr__resumable *pyr__resumable_ref(pyr__resumable *resumable);
void pyr__resumable_unref(pyr__resumable *resumable); /* without its lock; NULL is ignored */

#endif
