/* SPDX-License-Identifier: Apache-2.0 */
/* An endpoint that native connections are accepted on. */
#include "native/listener.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>
#include "base/alloc.h"

#define ACCEPT_BURST_MAX 64
/* With no descriptor left, accepting fails at once for ever: look again after this time. */
#define EXHAUSTED_PAUSE_US 100000

struct pyr__listener {
	pyr__loop *loop;
	int fd;
	bool opened;
	bool inherited;
	pyr__address bound;
	void (*accepted)(void *arg, int fd, const pyr__address *peer);
	void *arg;
	struct event readable;
	struct event retry;
};

static bool is_exhausted(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

static void accept_burst(pyr__listener *listener)
{
	for (int i = 0; i < ACCEPT_BURST_MAX; i++) {
		pyr__address peer = {.size = sizeof peer.storage};
		int fd = accept4(listener->fd, (struct sockaddr *)&peer.storage, &peer.size,
			SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0) {
			listener->accepted(listener->arg, fd, &peer);
			continue;
		}
		if (errno == EINTR || errno == ECONNABORTED)
			continue;
		if (is_exhausted(errno)) {
			struct timeval pause = {0, EXHAUSTED_PAUSE_US};
			event_del(&listener->readable);
			evtimer_add(&listener->retry, &pause);
		}
		return;
	}
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	pyr__listener *listener = arg;
	pyr__loop_enter(listener->loop);
	accept_burst(listener);
	pyr__loop_leave(listener->loop);
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	pyr__listener *listener = arg;
	event_add(&listener->readable, NULL);
}

static pyr__listener *new_listener(int fd, const pyr__address *bound, pyr__loop *loop,
	void (*accepted)(void *arg, int fd, const pyr__address *peer), void *arg)
{
	pyr__listener *listener = pyr__zalloc(sizeof *listener);
	listener->fd = fd;
	listener->bound = *bound;
	listener->loop = loop;
	listener->accepted = accepted;
	listener->arg = arg;
	event_assign(&listener->readable, pyr__loop_base(loop), fd, EV_READ | EV_PERSIST,
		on_readable, listener);
	evtimer_assign(&listener->retry, pyr__loop_base(loop), on_retry, listener);
	return listener;
}

pyr_status pyr__listener_new(const pyr_reference *endpoint, pyr__loop *loop,
	void (*accepted)(void *arg, int fd, const pyr__address *peer), void *arg,
	pyr__listener **ret_listener, pyr_error *err)
{
	int fd;
	pyr__address bound;
	pyr_status status = pyr__socket_listen(endpoint, &fd, &bound, err);
	if (status == PYR_OK)
		*ret_listener = new_listener(fd, &bound, loop, accepted, arg);
	return status;
}

pyr_status pyr__listener_inherit(int fd, pyr__loop *loop,
	void (*accepted)(void *arg, int fd, const pyr__address *peer), void *arg,
	pyr__listener **ret_listener, pyr_error *err)
{
	pyr__address bound;
	pyr_status status = pyr__socket_inherit(fd, &bound, err);
	if (status)
		return status;
	*ret_listener = new_listener(fd, &bound, loop, accepted, arg);
	(*ret_listener)->inherited = true;
	return PYR_OK;
}

void pyr__listener_open(pyr__listener *listener)
{
	if (!listener->opened && listener->fd >= 0)
		event_add(&listener->readable, NULL);
	listener->opened = true;
}

static void remove_socket_file(const pyr__listener *listener)
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)&listener->bound.storage;
	if (!listener->inherited && un->sun_family == AF_UNIX && un->sun_path[0] != '\0')
		unlink(un->sun_path);
}

void pyr__listener_close(pyr__listener *listener)
{
	if (listener->fd < 0)
		return;
	if (listener->opened) {
		event_del(&listener->readable);
		event_del(&listener->retry);
	}
	remove_socket_file(listener);
	close(listener->fd);
	listener->fd = -1;
}

void pyr__listener_free(pyr__listener *listener)
{
	if (!listener)
		return;
	pyr__listener_close(listener);
	free(listener);
}

const pyr__address *pyr__listener_address(const pyr__listener *listener)
{
	return &listener->bound;
}
