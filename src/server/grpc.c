/* SPDX-License-Identifier: Apache-2.0 */
/* A daemon's gRPC server, which takes the connections that begin as HTTP/2. */
#include <unistd.h>
#include "server/daemon_private.h"

static void on_closed(void *arg)
{
	pyr_daemon *daemon = arg;
	daemon->conn_count--;
}

static void on_watch(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	pyr_daemon *daemon = arg;
	pyr__loop_enter(daemon->loop);
	daemon->grpc_library->server_reap(daemon->grpc);
	pyr__loop_leave(daemon->loop);
}

static pyr_status make_server(pyr_daemon *daemon)
{
	pyr__grpc_server_options options = {
		.loop = daemon->loop,
		.host = &pyr__dispatcher_ops,
		.host_arg = daemon,
		.message_max = daemon->options.message_bytes_max,
		.metadata_max = daemon->session.metadata_max,
		.streams_max = daemon->options.streams_max,
		.bytes_max = daemon->options.queue_bytes_total_max,
		.peer_bytes_max = daemon->options.queue_bytes_max,
		.stall_timeout_ms = daemon->options.stall_timeout_ms,
		.handshake_timeout_ms = daemon->options.handshake_timeout_ms,
		.closed = on_closed,
		.closed_arg = daemon,
	};
	pyr_status status = pyr__grpc_load(&daemon->grpc_library, NULL);
	if (status == PYR_OK)
		status = daemon->grpc_library->server_new(&options, &daemon->grpc, NULL);
	if (status)
		return status;
	event_assign(&daemon->grpc_event, pyr__loop_base(daemon->loop),
		daemon->grpc_library->server_watch_fd(daemon->grpc), EV_READ | EV_PERSIST, on_watch,
		daemon);
	event_add(&daemon->grpc_event, NULL);
	return PYR_OK;
}

void pyr__daemon_grpc_adopt(pyr_daemon *daemon, int fd, const pyr__address *peer)
{
	char text[PYR__PEER_TEXT_MAX];
	if (!daemon->grpc && make_server(daemon) != PYR_OK) {
		close(fd);
		daemon->conn_count--;
		return;
	}
	pyr__socket_text(peer, text, sizeof text);
	pyr__socket_tune(fd, peer->storage.ss_family);
	daemon->grpc_library->server_adopt(daemon->grpc, fd, text);
}

void pyr__daemon_grpc_drain(pyr_daemon *daemon)
{
	if (daemon->grpc)
		daemon->grpc_library->server_drain(daemon->grpc);
}

bool pyr__daemon_grpc_busy(pyr_daemon *daemon)
{
	return daemon->grpc && daemon->grpc_library->server_busy(daemon->grpc);
}

void pyr__daemon_grpc_shut(pyr_daemon *daemon)
{
	if (!daemon->grpc)
		return;
	event_del(&daemon->grpc_event);
	daemon->grpc_library->server_shut(daemon->grpc);
}

void pyr__daemon_grpc_free(pyr_daemon *daemon)
{
	if (daemon->grpc)
		daemon->grpc_library->server_free(daemon->grpc);
	daemon->grpc = NULL;
}
