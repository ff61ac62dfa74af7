/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a caller holds in a daemon while it is connected: instances that were made for it, and
 * resources that servants track for it.
 *
 *   accepted --begin--> lives --end--> over --the last call of it is given back--> all is closed
 *
 * Nothing is closed under a call that may use it: the calls of a connection that is gone are
 * cancelled, and the last of them closes. Calls that come later, out of a pool's queue, find no
 * session any more.
 */
#ifndef PYR_SERVER_CLIENT_SESSION_H
#define PYR_SERVER_CLIENT_SESSION_H

#include <pthread.h>
#include "base/map.h"
#include "server/object.h"

typedef struct pyr__client_session pyr__client_session;

/* Oneway calls that wait for the one before them, which runs: see oneways.h. */
typedef struct pyr__lane {
	pyr_call *first, **last;
	uint32_t count;
	bool busy;
} pyr__lane;

typedef struct pyr__client_sessions {
	pthread_mutex_t lock; /* guards the rest, and every session's refs and resources */
	pyr__map by_connection;
} pyr__client_sessions;

void pyr__client_sessions_init(pyr__client_sessions *sessions);

/* Ends those that are left. No call may be left. */
void pyr__client_sessions_done(pyr__client_sessions *sessions);

/* Any thread; once for each connection, whose number no other has or had. */
void pyr__client_session_begin(pyr__client_sessions *sessions, uint64_t connection);
void pyr__client_session_end(pyr__client_sessions *sessions, uint64_t connection);

/* With a reference; NULL when the connection has ended, or is one whose end nobody would see. */
pyr__client_session *pyr__client_session_find(pyr__client_sessions *sessions, uint64_t connection);

/* The session's, to be used with pyr__client_sessions.lock held. */
pyr__lane *pyr__client_session_lane(pyr__client_session *session);

/* NULL is ignored. The last one closes everything, on this thread. */
void pyr__client_session_release(pyr__client_session *session);

/* The object's instance for this session; made if there is none, while others wait for it. */
pyr_status pyr__client_session_instance(pyr__client_session *session, pyr__object *object,
	pyr_call *call, void **ret_instance, pyr_error *err);

/* What admit said of the session's first call, which it is asked about while others wait. */
pyr_status pyr__client_session_admit(pyr__client_session *session,
	pyr_status (*admit)(void *ctx, pyr_call *call, pyr_error *err), void *ctx, pyr_call *call,
	pyr_error *err);

/* ALREADY_EXISTS if it is tracked in this session, RESOURCE_EXHAUSTED past the limit. */
pyr_status pyr__client_session_track(pyr__client_session *session, void *resource,
	void (*close)(void *resource), pyr_error *err);

/* False if it is not tracked in this session. */
bool pyr__client_session_untrack(pyr__client_session *session, void *resource);

#endif
