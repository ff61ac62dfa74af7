/* SPDX-License-Identifier: Apache-2.0 */
/* The connections that core's server was given. */
#include "grpc/peer.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <grpc/grpc_posix.h>
#include "base/alloc.h"
#include "base/refs.h"

#define REAP_MAX 64

void pyr__peer_unref(pyr__peer *peer)
{
	if (peer && pyr__refs_drop(&peer->refs))
		free(peer);
}

/* Lock held. */
static void remember(pyr__grpc_server *server, pyr__peer *peer)
{
	size_t fd = (size_t)peer->fd;
	if (fd >= server->peer_room) {
		size_t room = fd + fd / 2 + 16;
		server->peers = pyr__realloc(server->peers, room * sizeof(pyr__peer *));
		memset(server->peers + server->peer_room, 0,
			(room - server->peer_room) * sizeof(pyr__peer *));
		server->peer_room = room;
	}
	server->peers[fd] = peer;
}

static bool watch(pyr__grpc_server *server, pyr__peer *peer)
{
	struct epoll_event event = {.events = EPOLLRDHUP | EPOLLET, .data.ptr = peer};
	peer->watched_fd = fcntl(peer->fd, F_DUPFD_CLOEXEC, 0);
	if (peer->watched_fd < 0)
		return false;
	if (epoll_ctl(server->watch_fd, EPOLL_CTL_ADD, peer->watched_fd, &event) == 0)
		return true;
	close(peer->watched_fd);
	return false;
}

void pyr__peer_adopt(pyr__grpc_server *server, int fd, const char *text)
{
	pyr__peer *peer = pyr__zalloc(sizeof *peer);
	atomic_init(&peer->refs, 1);
	atomic_init(&peer->unsent, 0);
	peer->fd = fd;
	peer->number = pyr__services->next_connection();
	snprintf(peer->text, sizeof peer->text, "%s", text);
	peer->reached_size = sizeof peer->reached;
	if (getsockname(fd, (struct sockaddr *)&peer->reached, &peer->reached_size))
		peer->reached_size = 0;
	if (!watch(server, peer)) {
		close(fd);
		free(peer);
		server->options.closed(server->options.closed_arg);
		return;
	}
	pthread_mutex_lock(&server->lock);
	remember(server, peer);
	pthread_mutex_unlock(&server->lock);
	server->options.host->connected(server->options.host_arg, peer->number);
	grpc_server_add_channel_from_fd(server->core, fd, server->insecure);
}

static void forget(pyr__grpc_server *server, pyr__peer *peer)
{
	pthread_mutex_lock(&server->lock);
	/* core may have closed its descriptor, and a newer connection have got the number */
	if (server->peers[peer->fd] == peer)
		server->peers[peer->fd] = NULL;
	pthread_mutex_unlock(&server->lock);
	/* by hand: core has the socket as well, so that closing ours does not end the watch */
	epoll_ctl(server->watch_fd, EPOLL_CTL_DEL, peer->watched_fd, NULL);
	/* core sees the end too, but not while it waits to send: nothing keeps it then */
	shutdown(peer->watched_fd, SHUT_RDWR);
	close(peer->watched_fd);
	server->options.host->disconnected(server->options.host_arg, peer->number);
	pyr__peer_unref(peer);
	server->options.closed(server->options.closed_arg);
}

void pyr__peers_reap(pyr__grpc_server *server)
{
	struct epoll_event events[REAP_MAX];
	int count;
	while ((count = epoll_wait(server->watch_fd, events, REAP_MAX, 0)) > 0)
		for (int i = 0; i < count; i++)
			forget(server, events[i].data.ptr);
}

/* Those that are left have been closed by core's shutdown. */
void pyr__peers_free(pyr__grpc_server *server)
{
	for (size_t i = 0; i < server->peer_room; i++)
		if (server->peers[i])
			forget(server, server->peers[i]);
	pyr__peers_reap(server);
	free(server->peers);
	server->peers = NULL;
	server->peer_room = 0;
	close(server->watch_fd);
}

pyr__peer *pyr__peer_of(pyr__grpc_server *server, grpc_call *call)
{
	pyr__peer *peer = NULL;
	char *name = grpc_call_get_peer(call); /* "fd:13" */
	size_t fd = name && strncmp(name, "fd:", 3) == 0 ? strtoul(name + 3, NULL, 10) : SIZE_MAX;
	gpr_free(name);
	pthread_mutex_lock(&server->lock);
	if (fd < server->peer_room && server->peers[fd]) {
		peer = server->peers[fd];
		pyr__refs_take(&peer->refs);
	}
	pthread_mutex_unlock(&server->lock);
	return peer;
}
