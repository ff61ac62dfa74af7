/* SPDX-License-Identifier: Apache-2.0 */
/* A bare peer of a connection: see far.h. It waits for bytes, or for the bell of its ring. */
#include "far.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

far far_new(int fd, const pyr__session_config *config)
{
	return (far){.fd = fd, .session = pyr__session_new(config)};
}

void far_free(far *f)
{
	pyr__shared_done(&f->memory);
	pyr__session_free(f->session);
	close(f->fd);
}

void far_ring(far *f)
{
	/* who looks may have seen already what there is, and gone because of it */
	cr_assert(send(f->fd, "!", 1, MSG_NOSIGNAL) == 1 || errno == EPIPE);
}

void far_flush(far *f)
{
	struct iovec vectors[16];
	int count;
	while ((count = pyr__session_output(f->session, vectors, 16)) > 0) {
		size_t wrote;
		bool wake = false;
		struct msghdr message = {.msg_iov = vectors, .msg_iovlen = (size_t)count};
		if (f->out)
			cr_assert_eq(pyr__ring_write(&f->memory.out, vectors, count, &wrote, &wake),
				PYR__RING_OK);
		else
			wrote = (size_t)sendmsg(f->fd, &message, MSG_NOSIGNAL);
		if (wrote == SIZE_MAX && f->may_go)
			return;
		cr_assert_neq(wrote, SIZE_MAX, "the connection has gone");
		if (wake)
			far_ring(f);
		if (wrote == 0)
			return;
		pyr__session_sent(f->session, wrote);
	}
}

/* Waits for something to read, and reads it; false at the end. */
static bool far_fill(far *f)
{
	void *room;
	size_t size, got = 0;
	bool wake = false, over = false;
	struct pollfd item = {.fd = f->fd, .events = POLLIN};
	bool sleeps = !f->in || pyr__ring_sleep(&f->memory.in, &wake);
	if (wake)
		far_ring(f);
	if (sleeps) {
		cr_assert_eq(poll(&item, 1, PATIENCE_MS), 1, "nothing comes");
		char bell[16];
		over = f->in && recv(f->fd, bell, sizeof bell, 0) <= 0;
	}
	pyr__session_input(f->session, &room, &size);
	if (f->in) {
		pyr__ring_awake(&f->memory.in);
		cr_assert_eq(pyr__ring_read(&f->memory.in, room, size, &got, &wake), PYR__RING_OK);
		if (wake)
			far_ring(f);
	} else {
		ssize_t received = recv(f->fd, room, size, 0);
		got = received > 0 ? (size_t)received : 0;
		over = received <= 0;
	}
	pyr__session_received(f->session, got);
	return got > 0 || !over;
}

pyr__event far_await(far *f, pyr__event_type type)
{
	pyr__event event;
	for (;;) {
		while (pyr__session_next(f->session, &event)) {
			far_flush(f);
			if (event.type == type)
				return event;
		}
		far_flush(f);
		if (!far_fill(f))
			pyr__session_disconnect(f->session, PYR_UNAVAILABLE, "it hung up");
	}
}
