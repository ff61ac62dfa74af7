/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connections of a daemon, from their coming to their end. All on the daemon's own loop, but
 * for on_conn_closed, which is on a connection's.
 */
#include <stdlib.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/error.h"
#include "base/log.h"
#include "server/daemon_private.h"

static void forget_conn(pyr__task *task);

typedef struct dead_conn {
	pyr__task task;
	peer_conn *peer;
} dead_conn;

static void on_conn_closed(void *arg, pyr__conn *conn)
{
	(void)conn;
	peer_conn *peer = arg;
	dead_conn *dead = pyr__alloc(sizeof *dead);
	dead->task = (pyr__task){.run = forget_conn};
	dead->peer = peer;
	/* not here: the connection is in the middle of its turn */
	pyr__loop_post(peer->reactor->daemon->loop, &dead->task);
}

static void forget_conn(pyr__task *task)
{
	dead_conn *dead = (dead_conn *)task;
	peer_conn *peer = dead->peer;
	pyr_daemon *daemon = peer->reactor->daemon;
	pyr__list_remove(&peer->link);
	daemon->conn_count--;
	peer->reactor->conn_count--;
	pyr__client_session_end(&daemon->sessions, pyr__conn_number(peer->conn));
	pyr__conn_unref(peer->conn);
	free(peer);
	free(dead);
}

static void accept_native(
	pyr_daemon *daemon, pyr_credentials *credentials, int fd, const pyr__address *address)
{
	peer_conn *peer = pyr__zalloc(sizeof *peer);
	peer->reactor = pyr__reactors_choose(&daemon->reactors);
	pyr__conn_options options = {
		.loop = peer->reactor->loop,
		.ready_loop = daemon->loop,
		.conns = &daemon->all_conns,
		.session = &daemon->session,
		.host = &pyr__dispatcher_ops,
		.host_arg = peer->reactor,
		.credentials = credentials,
		.connect_timeout_ms = daemon->options.handshake_timeout_ms,
		.stall_timeout_ms = daemon->options.stall_timeout_ms,
		.compress_from = daemon->options.compress_from,
		.shared_memory = daemon->options.shared_memory,
		.spin_us = daemon->spin_us,
		.socket_spin_us = daemon->socket_spin_us,
		.queued_total = &daemon->queued_total,
		.queued_total_max = daemon->options.queue_bytes_total_max,
		.on_closed = on_conn_closed,
		.closed_arg = peer,
	};
	peer->conn = pyr__conn_accept(fd, address, &options);
	if (!peer->conn) {
		close(fd);
		peer->reactor->conn_count--;
		free(peer);
		daemon->conn_count--;
		return;
	}
	pyr__list_append(&daemon->conns, &peer->link);
}

static void on_sorted(void *arg, pyr__protocol protocol, int fd, const pyr__address *address)
{
	pyr_daemon *daemon = arg;
	switch (protocol) {
	case PYR__PROTOCOL_PYR:
		accept_native(daemon, NULL, fd, address);
		break;
	case PYR__PROTOCOL_GRPC:
		pyr__daemon_grpc_adopt(daemon, fd, address);
		break;
	case PYR__PROTOCOL_NONE:
		daemon->conn_count--;
		break;
	}
}

static bool count_conn(pyr_daemon *daemon)
{
	if (daemon->conn_count >= daemon->options.connections_max) {
		PYR__LOG_OF_PEER(PYR_LOG_WARNING,
			"a connection was refused: there are %u already, the limit",
			daemon->options.connections_max);
		atomic_fetch_add(&daemon->conns_refused, 1);
		return false;
	}
	daemon->conn_count++;
	atomic_fetch_add(&daemon->conns_accepted, 1);
	return true;
}

void pyr__daemon_accept(void *arg, int fd, const pyr__address *address)
{
	const endpoint *e = arg;
	pyr_daemon *daemon = e->daemon;
	if (!count_conn(daemon)) {
		close(fd);
		return;
	}
	if (e->credentials)
		accept_native(daemon, e->credentials, fd, address);
	else
		pyr__newcomers_add(&daemon->newcomers, fd, address);
}

/* A connection that is handed in by the user. */
typedef struct adoption {
	pyr__task task;
	pyr_daemon *daemon;
	pyr__address peer;
	int fd;
	bool stopping, done;
} adoption;

static void run_adoption(pyr__task *task)
{
	adoption *a = (adoption *)task;
	pthread_mutex_lock(&a->daemon->lock);
	a->stopping = a->daemon->state != DAEMON_SERVING;
	pthread_mutex_unlock(&a->daemon->lock);
	a->done = !a->stopping && count_conn(a->daemon);
	if (a->done)
		pyr__newcomers_add(&a->daemon->newcomers, a->fd, &a->peer);
}

void pyr__daemon_accept_init(pyr_daemon *daemon)
{
	daemon->newcomers.loop = daemon->loop;
	daemon->newcomers.timeout_ms = daemon->options.handshake_timeout_ms;
	daemon->newcomers.sorted = on_sorted;
	daemon->newcomers.arg = daemon;
}

/* The public functions */

pyr_status pyr_daemon_adopt(pyr_daemon *daemon, int fd, pyr_error *err)
{
	adoption a = {.task = {.run = run_adoption}, .daemon = daemon, .fd = fd};
	pyr_status status = pyr__daemon_check_serving(daemon, err);
	if (status == PYR_OK)
		status = pyr__daemon_check_may_wait(daemon, err);
	if (status == PYR_OK)
		status = pyr__socket_adopt(fd, &a.peer, err);
	if (status)
		return status;
	pyr__loop_call(daemon->loop, &a.task);
	if (a.done)
		return PYR_OK;
	if (a.stopping)
		return pyr_error_set(err, PYR_FAILED_PRECONDITION, "the daemon is stopping");
	return pyr_error_set(err, PYR_RESOURCE_EXHAUSTED,
		"the daemon has %u connections already, the most it takes",
		daemon->options.connections_max);
}
