/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A daemon's gRPC servers: one takes the connections that begin as HTTP/2, and one more listens for
 * each endpoint with TLS, which core does only for itself.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/log.h"
#include "server/daemon_private.h"

typedef struct pyr__daemon_grpc {
	struct pyr__daemon_grpc *next;
	pyr_daemon *daemon;
	const pyr__grpc_library *library;
	pyr__grpc_server *server;
	bool listens; /* by itself */
	struct event watch;
} grpc;

static void on_closed(void *arg)
{
	pyr_daemon *daemon = arg;
	daemon->conn_count--;
}

static void on_watch(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	grpc *g = arg;
	pyr__loop_enter(g->daemon->loop);
	g->library->server_reap(g->server);
	pyr__loop_leave(g->daemon->loop);
}

static pyr_status start(
	grpc *g, const char *listen, pyr_credentials *credentials, int *ret_port, pyr_error *err)
{
	pyr_daemon *daemon = g->daemon;
	pyr__grpc_server_options options = {
		.loop = daemon->loop,
		.host = &pyr__dispatcher_ops,
		.host_arg = pyr__reactors_own(&daemon->reactors),
		.message_max = daemon->options.message_bytes_max,
		.metadata_max = daemon->session.metadata_max,
		.compress_from = daemon->options.compress_from,
		.streams_max = daemon->options.streams_max,
		.bytes_max = daemon->options.queue_bytes_total_max,
		.peer_bytes_max = daemon->options.queue_bytes_max,
		.stall_timeout_ms = daemon->options.stall_timeout_ms,
		.handshake_timeout_ms = daemon->options.handshake_timeout_ms,
		.listen = listen,
		.credentials = credentials,
		.ret_port = ret_port,
		.closed = on_closed,
		.closed_arg = daemon,
	};
	return g->library->server_new(&options, &g->server, err);
}

/* Loop thread only, as all but listen. */
static pyr_status make(pyr_daemon *daemon, const char *listen, pyr_credentials *credentials,
	int *ret_port, grpc **ret_grpc, pyr_error *err)
{
	const pyr__grpc_library *library;
	pyr_status status = pyr__grpc_load(&library, err);
	if (status)
		return status;
	grpc *g = pyr__zalloc(sizeof *g);
	g->daemon = daemon;
	g->library = library;
	g->listens = listen != NULL;
	status = start(g, listen, credentials, ret_port, err);
	if (status) {
		free(g);
		return status;
	}
	event_assign(&g->watch, pyr__loop_base(daemon->loop), library->server_watch_fd(g->server),
		EV_READ | EV_PERSIST, on_watch, g);
	event_add(&g->watch, NULL);
	g->next = daemon->grpc;
	daemon->grpc = g;
	*ret_grpc = g;
	return PYR_OK;
}

void pyr__daemon_grpc_adopt(pyr_daemon *daemon, int fd, const pyr__address *peer)
{
	char text[PYR__PEER_TEXT_MAX];
	grpc *g = daemon->grpc;
	while (g && g->listens)
		g = g->next;
	pyr_error err;
	if (!g && make(daemon, NULL, NULL, NULL, &g, &err) != PYR_OK) {
		PYR__LOG_OF_PEER(
			PYR_LOG_ERROR, "a client that speaks gRPC was refused: %s", err.message);
		close(fd);
		daemon->conn_count--;
		return;
	}
	pyr__socket_text(peer, text, sizeof text);
	pyr__socket_tune(fd, peer->storage.ss_family);
	g->library->server_adopt(g->server, fd, text);
}

typedef struct listen_task {
	pyr__task task;
	pyr_daemon *daemon;
	const char *address;
	pyr_credentials *credentials;
	int port;
	pyr_status status;
	pyr_error *err;
} listen_task;

static void run_listen(pyr__task *task)
{
	listen_task *t = (listen_task *)task;
	grpc *g;
	t->status = make(t->daemon, t->address, t->credentials, &t->port, &g, t->err);
}

pyr_status pyr__daemon_grpc_listen(
	pyr_daemon *daemon, pyr_reference *where, pyr_credentials *credentials, pyr_error *err)
{
	char address[sizeof where->host + 16];
	if (where->is_unix)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"gRPC over TLS listens on HOST:PORT, not on a Unix socket");
	if (strcmp(where->host, "*") == 0)
		snprintf(where->host, sizeof where->host, "::");
	bool v6 = strchr(where->host, ':') != NULL;
	snprintf(address, sizeof address, v6 ? "[%s]:%u" : "%s:%u", where->host, where->port);
	listen_task t = {
		.task = {.run = run_listen},
		.daemon = daemon,
		.address = address,
		.credentials = credentials,
		.err = err,
	};
	pyr__loop_call(daemon->loop, &t.task);
	where->port = (uint16_t)t.port;
	return t.status;
}

void pyr__daemon_grpc_drain(pyr_daemon *daemon)
{
	for (grpc *g = daemon->grpc; g; g = g->next)
		g->library->server_drain(g->server);
}

bool pyr__daemon_grpc_busy(pyr_daemon *daemon)
{
	bool busy = false;
	for (grpc *g = daemon->grpc; g; g = g->next)
		busy |= g->library->server_busy(g->server);
	return busy;
}

void pyr__daemon_grpc_shut(pyr_daemon *daemon)
{
	for (grpc *g = daemon->grpc; g; g = g->next) {
		event_del(&g->watch);
		g->library->server_shut(g->server);
	}
}

void pyr__daemon_grpc_free(pyr_daemon *daemon)
{
	while (daemon->grpc) {
		grpc *g = daemon->grpc;
		daemon->grpc = g->next;
		g->library->server_free(g->server);
		free(g);
	}
}
