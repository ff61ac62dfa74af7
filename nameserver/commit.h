/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Group commit: all changes that came in one turn of the loop become durable together, and only
 * then is any of their callers told.
 *
 *                 ns_change: stage, remember the answer
 *        IDLE ------------------------------------------> STAGED
 *         ^                                                  | end of the turn: seal
 *         |  finish; tell all; stage those who waited        v
 *         +---------------------------------------------- WRITING  (on a thread of its own, if
 *                                                            ^      the store is on a disk)
 *                               ns_change: waits here -------+
 */
#ifndef NS_COMMIT_H
#define NS_COMMIT_H

#include <pthread.h>
#include <pyrite/call.h>
#include "link.h"
#include "store.h"

struct event;
typedef struct ns_service ns_service;
typedef struct ns_answer ns_answer;

/* Stages what the request asks for, and fills in what the answer needs. */
typedef pyr_status (*ns_stage_fn)(
	ns_service *service, const void *request, ns_answer *answer, pyr_error *err);

/* Tells the caller, once it is durable. */
typedef void (*ns_tell_fn)(ns_service *service, const ns_answer *answer);

/* One change: first it waits to be staged, then for its commit. */
struct ns_answer {
	ns_link link;
	pyr_call *call;
	const void *request; /* the call's */
	ns_stage_fn stage;
	ns_tell_fn tell;
	pyr_error *failure; /* to be told instead: it was seen by what is not durable yet */
	uint64_t number;    /* what it is the number of, the kind of change knows */
	uint32_t ttl_ms;
	const ns_record *record; /* a reference of its own, or NULL */
};

typedef struct ns_commit {
	ns_link waiting; /* ns_answer; while a write is under way */
	ns_link staged;  /* ns_answer; of the next commit, or the one under way */
	uint32_t count;  /* of both */
	struct event *event;
	bool writing; /* the store is sealed */
	bool soon;    /* the event is on its way */

	/* With a disk: the thread that writes. */
	bool has_thread;
	pthread_t thread;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t cond;
	bool go, quit, done;
	pyr_status status;
	pyr_error err;
	int done_fd; /* an eventfd that wakes the loop; -1: none */
	struct event *done_event;
} ns_commit;

PYR_MUST_USE pyr_status ns_commit_init(ns_service *service, pyr_error *err);

/* Ends a write that is under way and what waits for it. */
void ns_commit_done(ns_service *service);

/* Stages a change now, or as soon as the store can take it; its caller is told when it is durable.
 */
void ns_change(ns_service *service, pyr_call *call, const void *request, ns_stage_fn stage,
	ns_tell_fn tell);

/* True while nothing may be staged. */
bool ns_commit_under_way(const ns_service *service);

/* Something has been staged: commits it at the end of the turn. */
void ns_commit_soon(ns_service *service);

#endif
