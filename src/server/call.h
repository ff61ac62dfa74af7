/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a call that a servant answers. */
#ifndef PYR_SERVER_CALL_H
#define PYR_SERVER_CALL_H

#include <pyrite/stub.h>
#include "base/mutex.h"
#include "codec/arena.h"
#include "server/client_session.h"
#include "server/interceptor.h"
#include "server/objects.h"
#include "server/pool.h"
#include "transport/scope.h"
#include "transport/transport.h"

#define PYR__CALL_SPACE_BYTES 384

struct pyr_call {
	pyr__incall incall;

	/* set when the call is made, or before they are used */
	pyr_daemon *daemon;
	struct pyr__reactor *reactor; /* whose host it came to; NULL: to none */
	const pyr__bound *bound;      /* NULL: no such method is known */
	pyr__statistics *statistics;
	int64_t began_us;
	bool oneway;
	pyr__text method_name; /* in the arena, as the next */
	pyr__text object_id;
	pyr__job job;
	pyr_call *next_oneway;             /* in its lane */
	pyr__client_session *lane_session; /* whose lane it is in; or NULL */
	pyr__arena stream_arena;           /* of the last next_request */
	pyr__mutex lock;                   /* guards correlation, and what says so below */

	/* cleared when it is made */
	atomic_uint refs;
	atomic_bool answered;
	bool stays;          /* on its reactor, which is not the daemon's own loop */
	pyr__object *object; /* NULL until it is found */
	pyr__call_interception interception;
	void *instance;           /* of the object, made for this call alone; or NULL */
	pyr__text metadata_block; /* in the arena, as the next */
	pyr__text correlation;    /* empty until it is known */

	struct pyr__callbacks *callbacks; /* NULL: the caller has made the connection */
	pyr__message *current; /* what the request, or the last next_request, points into */
	/* guarded by the lock: */
	struct pyr__resumable *resumable; /* whose leg it is; or NULL */
	pyr__client_session *session;     /* once something has asked for it */
	pyr_metadata *metadata;           /* the caller's, decoded at first use */
	pyr_metadata *trailer;            /* to go with the final status */
	void (*on_cancel)(void *ctx);
	void *cancel_ctx;
	void (*on_writable)(void *ctx);
	void *writable_ctx;
	pyr_fn on_request;
	void *request_ctx;
	bool pushing; /* on_request is being called */
	bool push_again;
	bool push_ended;

	pyr__arena arena;
	_Alignas(8) uint8_t space[PYR__CALL_SPACE_BYTES];
};

/*
 * Makes the call that head opens; see pyr__host_ops.open. It is counted by the statistics, which
 * may be NULL.
 */
pyr_call *pyr__call_new(pyr_daemon *daemon, const pyr__bound *bound, pyr__statistics *statistics,
	const pyr__head *head, int64_t now_us);

/* One more reference, if there still is one; else NULL. */
pyr_call *pyr__call_ref_if_used(pyr_call *call);

/* The caller's session; it is there from the first time on. */
pyr_status pyr__call_session(pyr_call *call, pyr__client_session **ret_session, pyr_error *err);

/* call_run.c: looks for the call's object, unless that has been done. */
pyr_status pyr__call_find(pyr_call *call, pyr__objects *objects, pyr_error *err);

/* Whether the daemon's admit lets the call's connection in. */
pyr_status pyr__call_admit(pyr_call *call, pyr_error *err);

/* Whether a call was made on the way of one that runs: they have one correlation id. */
bool pyr__call_same_chain(void *running, void *call);

/* Decodes the request and runs the servant's function, or answers with an error. */
void pyr__call_run(pyr_call *call, pyr__objects *objects, size_t decoded_bytes_max);

/* The same for one that has just come, so that no time has passed; no stream. */
void pyr__call_run_at_once(pyr_call *call, pyr__objects *objects, size_t decoded_bytes_max);

/* The same for a stream's call, whose leg has been let in. */
void pyr__call_run_servant(pyr_call *stream, pyr__objects *objects, size_t decoded_bytes_max);

/* dispatcher.c: the same by who is to run servants. */
void pyr__daemon_start_stream(pyr_daemon *daemon, pyr_call *stream);

/* dispatcher.c: the call has ended now, for the statistics. */
void pyr__daemon_count_end(const pyr_call *call, pyr_status status);

/* request.c: the request; what a caller that waits on this thread has lent is copied. */
pyr_status pyr__call_request(
	pyr_call *call, size_t decoded_bytes_max, ProtobufCMessage **ret_request, pyr_error *err);

/* What came in later: a cancel, messages, room to send. */
void pyr__call_cancelled(pyr_call *call);
void pyr__call_writable(pyr_call *call);
void pyr__call_push(pyr_call *call);

/* FAILED_PRECONDITION in a child of the daemon's process. */
pyr_status pyr__call_check_process(const pyr_call *call, pyr_error *err);

/* FAILED_PRECONDITION, saying what it is for, if that is another method. */
pyr_status pyr__call_check_method(const pyr_call *call, const pyr_method *method, pyr_error *err);

/* Answers with what err holds; a oneway call has no answer. */
pyr_status pyr__call_fail(pyr_call *call, const pyr_error *err);

/* Answers that the object is there now. */
void pyr__call_moved(pyr_call *call, const char *reference);

/* daemon.c: a call keeps its daemon's memory, and is waited for when the daemon stops. */
void pyr__daemon_begin_call(pyr_daemon *daemon);
void pyr__daemon_end_call(pyr_daemon *daemon);
unsigned pyr__daemon_fork_count(const pyr_daemon *daemon);
size_t pyr__daemon_decoded_max(const pyr_daemon *daemon);
const pyr__cow_array *pyr__daemon_interceptors(pyr_daemon *daemon);
struct pyr__locators *pyr__daemon_locators(pyr_daemon *daemon);
pyr__client_sessions *pyr__daemon_sessions(pyr_daemon *daemon);
struct pyr__resumables *pyr__daemon_resumables(pyr_daemon *daemon);
const pyr_daemon_options *pyr__daemon_options(const pyr_daemon *daemon);
bool pyr__daemon_has_forwards(const pyr_daemon *daemon);
struct pyr__rules_slot *pyr__daemon_rules(pyr_daemon *daemon);

#endif
