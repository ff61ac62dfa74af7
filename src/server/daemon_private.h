/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a daemon, for the files of this folder only. */
#ifndef PYR_SERVER_DAEMON_PRIVATE_H
#define PYR_SERVER_DAEMON_PRIVATE_H

#include <pthread.h>
#include <pyrite/daemon.h>
#include "base/list.h"
#include "client/context.h"
#include "native/conn.h"
#include "native/listener.h"
#include "server/forwards.h"
#include "server/lending.h"
#include "server/locator.h"
#include "server/call.h"
#include "server/newcomer.h"
#include "server/objects.h"
#include "server/pool.h"
#include "server/reactor.h"
#include "server/rules.h"
#include "server/resumables.h"
#include "transport/grpc.h"

struct pyr__publisher;
struct pyr__reflection;
struct pyr__health;

typedef enum daemon_state {
	DAEMON_SERVING,  /* from the beginning: connections wait until the loop runs */
	DAEMON_DRAINING, /* running calls may finish until grace_until_us */
	DAEMON_STOPPED,
} daemon_state;

/* A connection that the daemon has accepted. */
typedef struct peer_conn {
	pyr__link link;
	pyr__conn *conn;
	pyr__reactor *reactor;
} peer_conn;

typedef struct endpoint {
	struct endpoint *next;
	pyr_daemon *daemon;
	pyr_credentials *credentials; /* NULL: cleartext */
	pyr__listener *listener;
	pyr_reference advertised;
	bool is_told; /* the user has said what to advertise */
} endpoint;

struct pyr_daemon {
	/*
	 * The lower half counts references: the user's, and one for each call and each way back to
	 * a caller; the upper half those of them that are calls, which servants have not given
	 * back.
	 */
	atomic_uint_fast64_t uses;
	pyr_daemon_options options;
	size_t decoded_bytes_max;
	unsigned spin_us, socket_spin_us; /* see pyr__conn_options */
	pyr__reactors reactors;
	pyr__loop *loop; /* its own: the first reactor's */
	pyr_context *context;
	pyr__pool *pool; /* NULL: servants run on the loop */
	pyr__objects objects;
	pyr__client_sessions sessions;
	pyr__resumables resumables;
	struct pyr__reflection *reflection; /* NULL: turned off, as the next */
	struct pyr__health *health;
	pyr__session_config session;
	pyr__neighbour neighbour; /* for callers in this process */
	pyr__locators locators;
	pyr__lending lending;
	pyr__forwards forwards;
	pyr__rules_slot rules;      /* who may call what */
	pyr__cow_head interceptors; /* of pyr_server_interceptor */
	pyr__statistics unknown;    /* calls of methods that no object has */
	atomic_uint_fast64_t queued_total;
	pyr__conns all_conns; /* those that linger, too, and of calls that servants hold */
	unsigned fork_count;
	int64_t began_us;
	struct timespec start_time;

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t stopped;
	daemon_state state;
	uint32_t grace_ms;
	endpoint *endpoints;
	struct pyr__publisher *publisher;       /* made by the first publish */
	struct pyr__metrics *metrics;           /* NULL: not asked for */
	struct pyr__discoverable *discoverable; /* or NULL */
	struct pyr__callbacks *callbacks;       /* on connections of this program */
	bool callbacks_closed;                  /* no more are added */

	/* the loop thread's */
	pyr__newcomers newcomers;
	pyr__link conns;
	atomic_uint conn_count; /* of all kinds; others may read it, as what follows */
	atomic_uint_fast64_t conns_accepted, conns_refused;
	struct pyr__daemon_grpc
		*grpc; /* a server for each endpoint of core's, one for all others */
	int64_t grace_until_us, withdraw_until_us;
	int64_t busy_us; /* when something was last seen to run while it drains */
	struct event drain_timer;
	pyr__task stop_task;
	pyr__task stopped_task;      /* once all loops have closed their connections */
	pyr__task end_task;          /* ends the loop's run */
	int signal_fd;               /* an eventfd: pyr_daemon_stop_from_signal() was called */
	atomic_uint signal_grace_ms; /* by the last one */
	struct event signal_event;
};

/* Calls that servants have not given back. */
static inline uint32_t pyr__daemon_running(const pyr_daemon *daemon)
{
	return (uint32_t)(atomic_load(&daemon->uses) >> 32);
}

/* endpoint.c: with nobody dispatching the loop */
void pyr__endpoints_free(pyr_daemon *daemon);

/* accept.c: what has come to an endpoint gets to the daemon, which has its loop, from now on */
void pyr__daemon_accept_init(pyr_daemon *daemon);
/* A connection to this endpoint has come; loop thread. */
void pyr__daemon_accept(void *endpoint, int fd, const pyr__address *address);

/* FAILED_PRECONDITION once the daemon has stopped, and as the next */
pyr_status pyr__daemon_check_serving(pyr_daemon *daemon, pyr_error *err);

/* FAILED_PRECONDITION on the thread of a reactor, for what waits for the daemon's own loop */
pyr_status pyr__daemon_check_may_wait(pyr_daemon *daemon, pyr_error *err);

/* FAILED_PRECONDITION in a child of the process that made it */
pyr_status pyr__daemon_check_process(const pyr_daemon *daemon, pyr_error *err);

/* True in such a child: what gives back, stops or frees does nothing there. */
bool pyr__daemon_is_forked(const pyr_daemon *daemon);

/* stop.c: gets the tasks and events ready by which the daemon, which has its loop, is stopped */
void pyr__daemon_stop_init(pyr_daemon *daemon);
/* Stops without grace if that has not been done, with nobody dispatching the loop. */
void pyr__daemon_stop_now(pyr_daemon *daemon);

/* dispatcher.c: the daemon as a host of calls, which are a reactor's */
extern const pyr__host_ops pyr__dispatcher_ops;

/* Any thread: as these ops' work, on the daemon's own loop, soon. */
void pyr__dispatcher_post(pyr_daemon *daemon, pyr__incall *call, unsigned work);

/* signals.c: no signal stops this daemon any more, and none is about to */
void pyr__daemon_forget_signals(pyr_daemon *daemon);

/* grpc.c: loop thread only, or with nobody dispatching the loop */
void pyr__daemon_grpc_adopt(pyr_daemon *daemon, int fd, const pyr__address *peer);
void pyr__daemon_grpc_drain(pyr_daemon *daemon);
/*
 * Listens for gRPC over TLS, which core does by itself; where becomes what is bound. Any thread.
 */
pyr_status pyr__daemon_grpc_listen(
	pyr_daemon *daemon, pyr_reference *where, pyr_credentials *credentials, pyr_error *err);
bool pyr__daemon_grpc_busy(pyr_daemon *daemon);
void pyr__daemon_grpc_shut(pyr_daemon *daemon);
void pyr__daemon_grpc_free(pyr_daemon *daemon); /* waits for core */

/* reflection.c: registers the servant; freed with the daemon's memory, when no call is left */
struct pyr__reflection *pyr__reflection_new(pyr_daemon *daemon);
void pyr__reflection_free(struct pyr__reflection *reflection);

/* health.c: the same */
struct pyr__health *pyr__health_new(pyr_daemon *daemon);
void pyr__health_stop(struct pyr__health *health); /* loop thread: nothing serves any more */
void pyr__health_free(struct pyr__health *health);

/* daemon_object.c: registers the servant, which is the daemon itself */
void pyr__daemon_object_add(pyr_daemon *daemon);

/* leases.c: registers the servant, which is the daemon itself */
void pyr__leases_add(pyr_daemon *daemon);

/* daemon.c: nobody holds this object any more */
void pyr__daemon_collected(void *daemon, const char *id);

/* daemon.c: the daemon's memory is kept by who may use it to the last */
void pyr__daemon_keep(pyr_daemon *daemon);
void pyr__daemon_drop(void *daemon);

/* batch.c: registers the servant, which is the daemon itself */
void pyr__batch_add(pyr_daemon *daemon);

/* metrics.c: nobody reads them any more when it returns */
void pyr__metrics_free(struct pyr__metrics *metrics);

/* publish.c */
void pyr__publisher_stop(struct pyr__publisher *publisher, bool withdraw);
bool pyr__publisher_busy(const struct pyr__publisher *publisher); /* loop thread */
void pyr__publisher_free(struct pyr__publisher *publisher);

#endif
