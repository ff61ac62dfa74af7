/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gRPC transport's server side: core's server, which takes connections that the daemon has
 * accepted, and the calls that come in on them.
 *
 *   poller's thread                                   the daemon's loop
 *   request --> incall, its messages --> work list --> host->work: servants
 *
 * A few requests are always asked for, each again as soon as it has come, so that calls hardly wait
 * in core's own queue; what is too much is refused by us. A few, for core looks through all that
 * is asked for at each; twice as many cost 2 % of a call.
 */
#ifndef PYR_GRPC_SERVER_H
#define PYR_GRPC_SERVER_H

#include "grpc/poller.h"
#include "grpc/secure.h"

#define PYR__REQUESTS 64

typedef struct pyr__peer pyr__peer;

/* A call that core has been asked for. */
typedef struct pyr__request {
	pyr__op op;
	struct pyr__grpc_server *server;
	grpc_call *call;
	grpc_call_details details;
	grpc_metadata_array headers;
} pyr__request;

struct pyr__grpc_server {
	atomic_uint refs; /* the daemon's, and one for each call, and for work_task */
	pyr__grpc_server_options options;
	grpc_server *core;
	grpc_server_credentials *insecure;
	bool secure; /* core listens by itself, and knows who calls */
	pyr__certificates certificates;
	pyr__poller poller;
	pyr__request requests[PYR__REQUESTS];
	pyr__op shutdown_op;
	pyr__task work_task;
	atomic_uint_fast64_t bytes; /* of requests and answers that wait */
	int watch_fd;               /* epoll: tells when peers go */
	atomic_bool has_work;       /* work_first is not NULL: to be asked without the lock */

	pthread_mutex_t lock; /* guards what follows */
	pyr__link calls;
	pyr__incall *work_first, **work_last;
	pyr__peer **peers; /* by core's descriptor */
	size_t peer_room;
	bool draining; /* core has been told to shut down */
	bool shut;     /* and to cancel all calls */
	bool stopped;  /* and has done so */
	bool freed;    /* the loop may be gone */
	pthread_cond_t stopped_cond;
};

pyr_status pyr__server_new(
	const pyr__grpc_server_options *options, pyr__grpc_server **ret_server, pyr_error *err);
void pyr__server_drain(pyr__grpc_server *server);
bool pyr__server_busy(pyr__grpc_server *server);
void pyr__server_shut(pyr__grpc_server *server);
void pyr__server_free(pyr__grpc_server *server);
void pyr__server_unref(pyr__grpc_server *server);

/* Puts a call on the work list; first: open has made the reference for it. Call's lock held. */
void pyr__server_add_work(pyr__grpc_server *server, pyr__incall *call, unsigned work, bool first);

/* incall.c: a call has come in. Poller's thread. */
void pyr__incall_arrived(pyr__request *request);
/* The work was done: looks after the call if nobody has answered it. Loop's thread. */
void pyr__incall_worked(void *carrier);
/* Holds a call's memory while it is worked on. */
void *pyr__incall_hold(pyr__incall *call);
/* Nothing can be sent any more. */
void pyr__incall_shut_all(pyr__grpc_server *server);

#endif
