/* SPDX-License-Identifier: Apache-2.0 */
/* Stream sockets: addresses, connecting, listening. */
#ifndef PYR_NATIVE_SOCKET_H
#define PYR_NATIVE_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <pyrite/reference.h>

typedef struct pyr__address {
	struct sockaddr_storage storage;
	socklen_t size;
} pyr__address;

#define PYR__ADDRESSES_MAX 8
#define PYR__PEER_TEXT_MAX 128

/*
 * The addresses of an endpoint, at most PYR__ADDRESSES_MAX. A host name is looked up, which may
 * block; a numeric address or a Unix socket never does. UNAVAILABLE for an unknown host.
 */
pyr_status pyr__socket_resolve(const pyr_reference *endpoint, bool to_listen,
	pyr__address *ret_addresses, size_t *ret_count, pyr_error *err);

/*
 * Begins to connect; *ret_connected tells whether it is done already. UNAVAILABLE if it failed. The
 * descriptor is non-blocking.
 */
pyr_status pyr__socket_connect(
	const pyr__address *address, int *ret_fd, bool *ret_connected, pyr_error *err);

/*
 * Lets recv() without MSG_DONTWAIT wait for at most so long, and then fail with EAGAIN. A thread
 * that waits for its answer so needs one system call less than with poll. Everything else on the
 * socket says MSG_DONTWAIT.
 */
void pyr__socket_let_wait(int fd, unsigned patience_ms);

/* How a connect that was under way ended: 0 or an errno. */
int pyr__socket_connect_result(int fd);

/*
 * Binds and listens. A Unix socket gets mode 0600 before anybody can connect, and a stale one in
 * its place is removed only if it is ours and refuses connections. The descriptor is non-blocking.
 */
pyr_status pyr__socket_listen(
	const pyr_reference *endpoint, int *ret_fd, pyr__address *ret_bound, pyr_error *err);

/*
 * Makes a descriptor that somebody else has bound, and listens on, fit for accepting; it is not
 * closed if it is not such a one: INVALID_ARGUMENT.
 */
pyr_status pyr__socket_inherit(int fd, pyr__address *ret_bound, pyr_error *err);

/* Makes a connected stream socket fit for a connection; INVALID_ARGUMENT if it is not such a one.
 */
pyr_status pyr__socket_adopt(int fd, pyr__address *ret_peer, pyr_error *err);

/* "127.0.0.1:4711", "[::1]:4711", "unix:/path" or "unix:" for an unnamed one. */
void pyr__socket_text(const pyr__address *address, char *buf, size_t size);

/*
 * "uid:1000", the user at the other end of a Unix socket when it connected, which the kernel
 * vouches for (unix(7), SO_PEERCRED); empty for any other socket.
 */
void pyr__socket_peer_user(int fd, char *buf, size_t size);

/* It is a Unix socket whose other end was made, or connected, by a process of our user. */
bool pyr__socket_is_own_user(int fd);

/* Sets what every connection has: no delay on TCP, much room to send into a Unix socket. */
void pyr__socket_tune(int fd, int family);

#endif
