/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared memory in place of a Unix socket, for a connection that turns out to be used.
 *
 * Who dialed makes memory with a ring for each direction (shared.h) once the peer's hello says that
 * it knows SHARE, and the connection has carried a few calls. The descriptor goes with the bytes of
 * the SHARE that offers it, or with earlier ones. Each direction goes over by itself, at a frame:
 *
 *   who dialed                  the socket                      who accepted
 *      SHARE offered, memory -------------------------->
 *                              <--------------------------  SHARE switched, or refused
 *      reads the ring                                       writes the ring
 *      SHARE switched ------------------------------------>
 *      writes the ring                                      reads the ring
 *
 * So nothing is lost, and nothing overtakes. The session sees bytes, as before.
 *
 * From then on the socket is the bell: one byte, whatever it is, says "look at the rings". It is
 * rung for a side that has said that it sleeps, or that it waits for room (ring.h). What waits for
 * a socket (a thread in recv, libevent, poll) so goes on to do just that, the peer's end is seen as
 * ever, and a connection has no descriptor more. An eventfd would be cheaper to ring, but whether
 * writing to it blocks is for either end to decide at any time, and so for a hostile peer; a
 * socket's MSG_DONTWAIT is ours. Who is busy does not sleep and needs no bell.
 *
 * No bell is rung before our own SHARE has left, for its byte would be taken for a frame's; it is
 * owed meanwhile. What comes behind the peer's SHARE on the socket is a bell, whatever it is.
 *
 * Only with a process of the same user: another one could learn nothing and change nothing that a
 * socket would not let it, but has a way less to make us work (each touched page is charged to who
 * touches it first; closing a descriptor of some file systems can take for ever), and the Unix
 * sockets of a daemon are its user's by default anyway.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/apart.h"
#include "base/clock.h"
#include "base/log.h"
#include "native/conn_private.h"

#define BELL_BYTES  256 /* read at once */
#define AFTER_CALLS 64  /* a connection has to show that it is used */

/* Going over */

bool pyr__conn_may_share(const pyr__conn_options *options, bool is_unix)
{
	return is_unix && !options->credentials && options->shared_memory >= PYR_SHARED_MEMORY_ON;
}

static pyr__conn_share *new_share(void)
{
	pyr__conn_share *share = pyr__zalloc(sizeof *share);
	share->fd = -1;
	share->out_left = SIZE_MAX;
	return share;
}

static void say_no_more(const pyr__conn *conn, const pyr_error *why)
{
	pyr__log(PYR_LOG_DEBUG, "%s: the connection stays with the socket: %s", conn->peer,
		why->message);
}

void pyr__conn_offer_memory(pyr__conn *conn)
{
	pyr_error why;
	bool at_once = conn->options.shared_memory == PYR_SHARED_MEMORY_AT_ONCE;
	if (!pyr__session_may_offer(conn->session) ||
		pyr__session_calls_sent(conn->session) < (at_once ? 0 : AFTER_CALLS))
		return;
	conn->shares = false;
	if (!pyr__socket_is_own_user(conn->fd))
		return;
	pyr__conn_share *share = new_share();
	if (pyr__shared_make(&share->memory, &share->fd, &why)) {
		say_no_more(conn, &why);
		free(share);
		return;
	}
	conn->share = share;
	pyr__session_share(conn->session, PYR__SHARE_OFFERED, share->memory.in.size);
}

/* The rest of what we send goes into the ring, once the socket has had what was queued so far. */
static void switch_output(pyr__conn *conn)
{
	conn->share->out_left = pyr__session_share(conn->session, PYR__SHARE_SWITCHED, 0);
}

static void on_offer(pyr__conn *conn, uint32_t ring_bytes)
{
	pyr_error why;
	pyr__conn_share *share = new_share();
	pyr_status status = PYR_UNAVAILABLE;
	if (conn->passed_fd < 0)
		pyr_error_set(&why, status, "no descriptor came with the offer");
	else
		status = pyr__shared_take(conn->passed_fd, ring_bytes, &share->memory, &why);
	if (conn->passed_fd >= 0)
		close(conn->passed_fd);
	conn->passed_fd = -1;
	conn->shares = false;
	if (status == PYR_OK) {
		conn->share = share;
		switch_output(conn);
		return;
	}
	say_no_more(conn, &why);
	free(share);
	pyr__session_share(conn->session, PYR__SHARE_REFUSED, 0);
}

PYR__APART void pyr__conn_share_event(pyr__conn *conn, const pyr__event *event)
{
	switch (event->share) {
	case PYR__SHARE_OFFERED:
		on_offer(conn, event->share_bytes);
		break;
	case PYR__SHARE_SWITCHED:
		conn->share->in = true;
		pyr__conn_look_into_ring(conn);
		if (!conn->server)
			switch_output(conn);
		break;
	case PYR__SHARE_REFUSED:
		pyr__conn_share_end(conn);
		break;
	}
}

void pyr__conn_share_end(pyr__conn *conn)
{
	pyr__conn_share *share = conn->share;
	if (conn->passed_fd >= 0)
		close(conn->passed_fd);
	conn->passed_fd = -1;
	conn->shares = false;
	if (!share)
		return;
	if (share->fd >= 0)
		close(share->fd);
	share->fd = -1;
	share->in = share->out = false;
	share->out_left = SIZE_MAX;
	pyr__shared_done(&share->memory);
}

/* The bell */

static void ring_bell(pyr__conn *conn)
{
	static const char byte;
	if (!conn->share->out) {
		conn->share->bell_owed = true;
		return;
	}
	/* EAGAIN: bells enough are on their way. Any other error the reader finds out. */
	ssize_t sent = send(conn->fd, &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	(void)sent;
}

/* Output */

/* sendmsg, with the descriptor that is to be passed if there is one. */
static ssize_t send_with_memory(pyr__conn *conn, struct iovec *vectors, int count)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {0};
	pyr__conn_share *share = conn->share;
	struct msghdr message = {.msg_iov = vectors,
		.msg_iovlen = (size_t)count,
		.msg_control = &control,
		.msg_controllen = sizeof control.room};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	*header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)),
		.cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS};
	memcpy(CMSG_DATA(header), &share->fd, sizeof share->fd);
	ssize_t sent = sendmsg(conn->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return sent;
	/* it cannot be passed: the peer will miss it, and refuse */
	close(share->fd);
	share->fd = -1;
	return sent < 0 ? pyr__conn_send(conn, vectors, count) : sent;
}

static int cut(struct iovec *vectors, int count, size_t most)
{
	for (int i = 0; i < count; i++) {
		if (vectors[i].iov_len >= most) {
			vectors[i].iov_len = most;
			return most ? i + 1 : i;
		}
		most -= vectors[i].iov_len;
	}
	return count;
}

static void output_switched(pyr__conn *conn)
{
	pyr__conn_share *share = conn->share;
	share->out = true;
	if (share->bell_owed)
		ring_bell(conn);
	share->bell_owed = false;
}

/* What still goes the old way. */
static ssize_t send_old_way(pyr__conn *conn, struct iovec *vectors, int count)
{
	pyr__conn_share *share = conn->share;
	if (share->fd >= 0)
		return send_with_memory(conn, vectors, count);
	if (share->out_left == SIZE_MAX)
		return pyr__conn_send(conn, vectors, count);
	ssize_t sent = pyr__conn_send(conn, vectors, cut(vectors, count, share->out_left));
	if (sent > 0)
		share->out_left -= (size_t)sent;
	if (share->out_left == 0)
		output_switched(conn);
	return sent;
}

ssize_t pyr__conn_share_send(pyr__conn *conn, struct iovec *vectors, int count)
{
	size_t wrote;
	bool wake;
	pyr__conn_share *share = conn->share;
	if (!share->out)
		return send_old_way(conn, vectors, count);
	if (pyr__ring_write(&share->memory.out, vectors, count, &wrote, &wake)) {
		share->broken = true;
		shutdown(conn->fd, SHUT_RDWR); /* so that the reader comes by, and says why */
		errno = EPIPE;
		return -1;
	}
	if (wake)
		ring_bell(conn);
	errno = EAGAIN;
	return wrote > 0 ? (ssize_t)wrote : -1;
}

/* Input */

/*
 * Something has been rung, or it is the end; or there is room for what has to be sent by the socket
 * still, if that is waited for too. Without the lock; the result is recv's.
 */
static ssize_t hear(int fd, bool sends, int64_t until_us)
{
	char bells[BELL_BYTES];
	int flags = MSG_DONTWAIT;
	int64_t patience_us = PYR__CONN_PATIENCE_MS * 1000ll;
	int64_t left_us = until_us ? until_us - pyr__now_us() : 0;
	if (left_us > patience_us && !sends) {
		flags = 0;
	} else if (left_us > 0) {
		if (left_us > patience_us)
			left_us = patience_us;
		struct timespec left = {left_us / 1000000, left_us % 1000000 * 1000};
		struct pollfd item = {.fd = fd, .events = sends ? POLLIN | POLLOUT : POLLIN};
		ppoll(&item, 1, &left, NULL);
	}
	return recv(fd, bells, sizeof bells, flags);
}

static bool is_over(ssize_t heard, int why)
{
	return heard == 0 || (heard < 0 && why != EAGAIN && why != EWOULDBLOCK && why != EINTR);
}

/* Looks at the socket: at once, or, with the ring empty, as soon as there is something. */
static bool listen_for_bell(pyr__conn *conn, int64_t until_us, int *ret_why)
{
	bool wake = false;
	int fd = conn->fd;
	pyr__ring *in = &conn->share->memory.in;
	bool sends = conn->blocked && !conn->share->out;
	bool asleep = until_us && pyr__ring_sleep(in, &wake);
	if (wake)
		ring_bell(conn);
	if (until_us && !asleep)
		return false;
	pyr__mutex_unlock(&conn->lock);
	ssize_t heard = hear(fd, sends, until_us);
	*ret_why = heard < 0 ? errno : 0;
	if (asleep)
		pyr__ring_awake(in);
	pyr__mutex_lock(&conn->lock);
	return is_over(heard, *ret_why);
}

static bool is_broken(pyr__conn *conn)
{
	if (conn->share->broken)
		pyr__session_accuse(
			conn->session, "a position in the shared memory is where it cannot be");
	return conn->share->broken;
}

/* What there is, to the session, unless that has no memory; drops the lock meanwhile. */
static bool read_ring(pyr__conn *conn, size_t *ret_got)
{
	struct iovec room[2];
	size_t got = 0;
	bool wake = false, broken = false;
	pyr__conn_share *share = conn->share;
	int count = pyr__conn_room(conn, room);
	if (count == 0)
		return false;
	pyr__mutex_unlock(&conn->lock);
	for (int i = 0; i < count && !broken; i++) {
		size_t part;
		bool rings;
		broken = pyr__ring_read(&share->memory.in, room[i].iov_base, room[i].iov_len, &part,
				 &rings) != PYR__RING_OK;
		got += part;
		wake |= rings;
		if (part < room[i].iov_len)
			break;
	}
	int64_t now_us = pyr__now_us();
	pyr__mutex_lock(&conn->lock);
	conn->last_read_us = now_us;
	pyr__conn_received(conn, room, count, got);
	share->broken = share->broken || broken;
	if (wake)
		ring_bell(conn);
	*ret_got = got;
	return true;
}

bool pyr__conn_share_fill(pyr__conn *conn, int64_t until_us)
{
	int why = EAGAIN;
	bool over = false;
	bool ready = pyr__ring_readable(&conn->share->memory.in) != 0;
	if (!ready && until_us) {
		pyr__mutex_unlock(&conn->lock);
		ready = pyr__conn_look_until(conn);
		pyr__mutex_lock(&conn->lock);
	}
	if (!ready)
		over = listen_for_bell(conn, until_us, &why);
	size_t got = 0;
	if (!read_ring(conn, &got) || is_broken(conn))
		return true; /* the session has ended */
	if (why == ECONNRESET)
		why = 0; /* it has closed the socket with a bell in it, and has said all before */
	/* the peer's last words came before its end: read again until there is no more */
	return got > 0 || (over && pyr__conn_end_of_input(conn, why));
}

/* On a loop */

bool pyr__conn_share_heard_end(pyr__conn *conn)
{
	ssize_t heard = hear(conn->fd, false, 0);
	return is_over(heard, errno);
}

bool pyr__conn_share_sleeps(pyr__conn *conn)
{
	bool wake;
	bool sleeps = pyr__ring_sleep(&conn->share->memory.in, &wake);
	if (wake)
		ring_bell(conn);
	return sleeps;
}
