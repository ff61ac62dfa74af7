/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that have not said yet which protocol they speak. */
#include "server/newcomer.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "base/owner.h"
#include "native/frame.h"

/* The preface of HTTP/2 and the frame that has to follow it, without its contents. */
#define HTTP2_BYTES (24 + 9)

typedef struct newcomer {
	pyr__link link;
	pyr__newcomers *all;
	int fd;
	pyr__address peer;
	int64_t until_us;
	struct event readable;
} newcomer;

static void leave(newcomer *n, pyr__protocol protocol)
{
	pyr__newcomers *all = n->all;
	int fd = n->fd;
	pyr__address peer = n->peer;
	event_del(&n->readable);
	pyr__list_remove(&n->link);
	free(n);
	if (protocol == PYR__PROTOCOL_NONE) {
		close(fd);
		fd = -1;
	}
	all->sorted(all->arg, protocol, fd, &peer);
}

/* An event loop of the user's that knows no edges would not stop telling of the first bytes. */
static bool can_wait_for_more(const newcomer *n)
{
	int features = event_base_get_features(pyr__loop_base(n->all->loop));
	return (features & EV_FEATURE_ET) != 0;
}

static bool has_preface(const newcomer *n)
{
	int waiting = 0;
	return ioctl(n->fd, FIONREAD, &waiting) == 0 && waiting >= HTTP2_BYTES;
}

/* False when it has left. */
static bool look(newcomer *n)
{
	uint8_t first;
	pyr__protocol protocol = PYR__PROTOCOL_NONE;
	ssize_t got = recv(n->fd, &first, 1, MSG_PEEK | MSG_DONTWAIT);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (got == 1 && first == (uint8_t)PYR__PREFACE[0])
		protocol = PYR__PROTOCOL_PYR;
	else if (got == 1 && first == 'P' && !has_preface(n) && can_wait_for_more(n))
		return true;
	else if (got == 1 && first == 'P')
		protocol = PYR__PROTOCOL_GRPC;
	leave(n, protocol);
	return false;
}

static void wait_on(newcomer *n)
{
	int64_t left_us = n->until_us - pyr__now_us();
	if (left_us < 0)
		left_us = 0;
	struct timeval left = {left_us / 1000000, left_us % 1000000};
	event_add(&n->readable, &left);
}

static void on_event(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	newcomer *n = arg;
	pyr__loop *loop = n->all->loop;
	pyr__loop_enter(loop);
	if (!(what & EV_READ))
		leave(n, PYR__PROTOCOL_NONE);
	else if (look(n))
		wait_on(n);
	pyr__loop_leave(loop);
}

void pyr__newcomers_init(pyr__newcomers *newcomers)
{
	pyr__list_init(&newcomers->list);
}

void pyr__newcomers_add(pyr__newcomers *newcomers, int fd, const pyr__address *peer)
{
	newcomer *n = pyr__zalloc(sizeof *n);
	n->all = newcomers;
	n->fd = fd;
	n->peer = *peer;
	n->until_us = pyr__now_us() + newcomers->timeout_ms * 1000ll;
	pyr__list_append(&newcomers->list, &n->link);
	event_assign(&n->readable, pyr__loop_base(newcomers->loop), fd,
		EV_READ | EV_ET | EV_PERSIST, on_event, n);
	if (look(n))
		wait_on(n);
}

void pyr__newcomers_close(pyr__newcomers *newcomers)
{
	while (!pyr__list_empty(&newcomers->list))
		leave(PYR__OWNER(newcomers->list.next, newcomer, link), PYR__PROTOCOL_NONE);
}
