/* SPDX-License-Identifier: Apache-2.0 */
/* Stream sockets: addresses, connecting, listening. */
#include "native/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/*
 * A Unix socket wakes its writer when three quarters of this have been read, and meanwhile the
 * reader is to have enough. TCP finds its own size.
 */
#define UNIX_SEND_BYTES (1 << 20)

static pyr_status unix_address(const char *path, pyr__address *ret_address, pyr_error *err)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&ret_address->storage;
	size_t length = strlen(path);
	if (length == 0 || length >= sizeof un->sun_path)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"a Unix socket's path has 1 to %zu bytes, not %zu: %s",
			sizeof un->sun_path - 1, length, path);
	memset(un, 0, sizeof *un);
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, length);
	ret_address->size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
	if (path[0] == '@')
		un->sun_path[0] = '\0';
	else
		ret_address->size++; /* the NUL of a file's name */
	return PYR_OK;
}

pyr_status pyr__socket_resolve(const pyr_reference *endpoint, bool to_listen,
	pyr__address *ret_addresses, size_t *ret_count, pyr_error *err)
{
	if (endpoint->is_unix) {
		*ret_count = 1;
		return unix_address(endpoint->host, &ret_addresses[0], err);
	}
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	if (to_listen)
		hints.ai_flags |= AI_PASSIVE;
	char port[8];
	snprintf(port, sizeof port, "%u", endpoint->port);
	const char *host = endpoint->host;
	if (to_listen && strcmp(host, "*") == 0)
		host = NULL;
	struct addrinfo *found;
	int failed = getaddrinfo(host, port, &hints, &found);
	if (failed)
		return pyr_error_set(err, PYR_UNAVAILABLE, "cannot find the host '%s': %s",
			endpoint->host,
			failed == EAI_SYSTEM ? strerror(errno) : gai_strerror(failed));
	size_t count = 0;
	for (struct addrinfo *a = found; a && count < PYR__ADDRESSES_MAX; a = a->ai_next, count++) {
		memcpy(&ret_addresses[count].storage, a->ai_addr, a->ai_addrlen);
		ret_addresses[count].size = a->ai_addrlen;
	}
	freeaddrinfo(found);
	*ret_count = count;
	return PYR_OK;
}

void pyr__socket_peer_user(int fd, char *buf, size_t size)
{
	struct ucred peer;
	socklen_t length = sizeof peer;
	buf[0] = '\0';
	/* TCP sockets answer too, with nobody: no process and the highest user */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && peer.pid > 0)
		snprintf(buf, size, "uid:%u", (unsigned)peer.uid);
}

bool pyr__socket_is_own_user(int fd)
{
	struct ucred peer;
	socklen_t length = sizeof peer;
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && peer.pid > 0 &&
	       peer.uid == geteuid();
}

void pyr__socket_tune(int fd, int family)
{
	int one = 1, send_bytes = UNIX_SEND_BYTES;
	if (family == AF_UNIX)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof send_bytes);
	else
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

pyr_status pyr__socket_connect(
	const pyr__address *address, int *ret_fd, bool *ret_connected, pyr_error *err)
{
	char text[PYR__PEER_TEXT_MAX];
	pyr__socket_text(address, text, sizeof text);
	int family = address->storage.ss_family;
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return pyr_error_set(err, PYR_UNAVAILABLE, "cannot make a socket for %s: %s", text,
			strerror(errno));
	pyr__socket_tune(fd, family);
	int failed = connect(fd, (const struct sockaddr *)&address->storage, address->size);
	if (failed && errno != EINPROGRESS) {
		int why = errno;
		close(fd);
		return pyr_error_set(
			err, PYR_UNAVAILABLE, "cannot connect to %s: %s", text, strerror(why));
	}
	*ret_fd = fd;
	*ret_connected = !failed;
	return PYR_OK;
}

void pyr__socket_let_wait(int fd, unsigned patience_ms)
{
	struct timeval patience = {patience_ms / 1000, patience_ms % 1000 * 1000};
	int flags = fcntl(fd, F_GETFL);
	if (flags >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0)
		fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
}

int pyr__socket_connect_result(int fd)
{
	int result = 0;
	socklen_t size = sizeof result;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &result, &size))
		return errno;
	return result;
}

/* True if the path holds a socket of ours that nobody listens on. */
static bool is_stale(const pyr__address *address, const char *path)
{
	struct stat st;
	if (lstat(path, &st) || !S_ISSOCK(st.st_mode) || st.st_uid != geteuid())
		return false;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	int failed = connect(fd, (const struct sockaddr *)&address->storage, address->size);
	bool stale = failed && errno == ECONNREFUSED;
	close(fd);
	return stale;
}

static int bind_unix(int fd, const pyr__address *address, const char *path)
{
	/* on Linux the mode of the descriptor becomes the mode of the file that bind makes */
	if (path[0] != '@' && fchmod(fd, 0600))
		return -1;
	int failed = bind(fd, (const struct sockaddr *)&address->storage, address->size);
	if (failed && errno == EADDRINUSE && path[0] != '@' && is_stale(address, path)) {
		unlink(path);
		failed = bind(fd, (const struct sockaddr *)&address->storage, address->size);
	}
	return failed;
}

static int bind_tcp(int fd, const pyr__address *address)
{
	int one = 1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	return bind(fd, (const struct sockaddr *)&address->storage, address->size);
}

pyr_status pyr__socket_listen(
	const pyr_reference *endpoint, int *ret_fd, pyr__address *ret_bound, pyr_error *err)
{
	pyr__address addresses[PYR__ADDRESSES_MAX];
	size_t count;
	pyr_status status = pyr__socket_resolve(endpoint, true, addresses, &count, err);
	if (status)
		return status;
	int family = addresses[0].storage.ss_family;
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return pyr_error_set(
			err, PYR_RESOURCE_EXHAUSTED, "cannot make a socket: %s", strerror(errno));
	int failed = endpoint->is_unix ? bind_unix(fd, &addresses[0], endpoint->host)
				       : bind_tcp(fd, &addresses[0]);
	if (failed || listen(fd, SOMAXCONN)) {
		int why = errno;
		char text[PYR__PEER_TEXT_MAX];
		pyr__socket_text(&addresses[0], text, sizeof text);
		close(fd);
		return pyr_error_set(err, why == EADDRINUSE ? PYR_ALREADY_EXISTS : PYR_UNAVAILABLE,
			"cannot listen on %s: %s", text, strerror(why));
	}
	ret_bound->size = sizeof ret_bound->storage;
	getsockname(fd, (struct sockaddr *)&ret_bound->storage, &ret_bound->size);
	*ret_fd = fd;
	return PYR_OK;
}

static int get_option(int fd, int option)
{
	int value = -1;
	socklen_t size = sizeof value;
	return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

pyr_status pyr__socket_inherit(int fd, pyr__address *ret_bound, pyr_error *err)
{
	if (get_option(fd, SO_TYPE) != SOCK_STREAM || get_option(fd, SO_ACCEPTCONN) != 1)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"the descriptor %d is not a stream socket that listens", fd);
	ret_bound->size = sizeof ret_bound->storage;
	getsockname(fd, (struct sockaddr *)&ret_bound->storage, &ret_bound->size);
	int family = ret_bound->storage.ss_family;
	if (family != AF_INET && family != AF_INET6 && family != AF_UNIX)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"the socket %d is neither of TCP nor a Unix socket", fd);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	return PYR_OK;
}

pyr_status pyr__socket_adopt(int fd, pyr__address *ret_peer, pyr_error *err)
{
	ret_peer->size = sizeof ret_peer->storage;
	if (get_option(fd, SO_TYPE) != SOCK_STREAM ||
		getpeername(fd, (struct sockaddr *)&ret_peer->storage, &ret_peer->size))
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"the descriptor %d is not a stream socket that is connected", fd);
	int family = ret_peer->storage.ss_family;
	if (family != AF_INET && family != AF_INET6 && family != AF_UNIX)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"the socket %d is neither of TCP nor a Unix socket", fd);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	return PYR_OK;
}

static void unix_text(const pyr__address *address, char *buf, size_t size)
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)&address->storage;
	size_t room = address->size - offsetof(struct sockaddr_un, sun_path);
	if (address->size <= offsetof(struct sockaddr_un, sun_path))
		snprintf(buf, size, "unix:");
	else if (un->sun_path[0] == '\0')
		snprintf(buf, size, "unix:@%.*s", (int)(room - 1), un->sun_path + 1);
	else
		snprintf(buf, size, "unix:%.*s", (int)room, un->sun_path);
}

void pyr__socket_text(const pyr__address *address, char *buf, size_t size)
{
	char host[INET6_ADDRSTRLEN] = "?";
	const struct sockaddr_in *in = (const struct sockaddr_in *)&address->storage;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address->storage;
	switch (address->storage.ss_family) {
	case AF_INET:
		inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
		snprintf(buf, size, "%s:%u", host, ntohs(in->sin_port));
		break;
	case AF_INET6:
		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
		snprintf(buf, size, "[%s]:%u", host, ntohs(in6->sin6_port));
		break;
	default:
		unix_text(address, buf, size);
	}
}
