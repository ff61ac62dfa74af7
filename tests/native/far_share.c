/* SPDX-License-Identifier: Apache-2.0 */
/* A peer that goes over to shared memory: see far_share.h. */
#include "far_share.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

setup *begin_sharing(bool server)
{
	setup *s = begin(server);
	s->options.shared_memory = PYR_SHARED_MEMORY_AT_ONCE;
	return s;
}

far far_connected(setup *s)
{
	int ends[2];
	pyr__session_config config;
	pyr__session_config_init(&config, !s->session.server);
	config.shares = true;
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	s->conn = s->session.server ? accept_on_loop(s, ends[0])
				    : pyr__conn_begin(ends[0], "the peer", &s->options);
	return far_new(ends[1], &config);
}

void far_exchange_pings(far *f, unsigned count)
{
	for (unsigned i = 1; i <= count; i++) {
		pyr__session_ping(f->session, i);
		far_flush(f);
		cr_assert_eq(far_await(f, PYR__EVENT_PONG).ping_value, i);
	}
}

int memfd(off_t size, int seals)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	cr_assert(fd >= 0 && ftruncate(fd, size) == 0);
	if (seals)
		cr_assert_eq(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

off_t bytes_for(uint32_t ring)
{
	return 4096 + 2 * (off_t)ring;
}

void far_offer(far *f, uint32_t ring, const int *fds, size_t count)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(4 * sizeof(int))];
	} control = {0};
	struct iovec vectors[4];
	pyr__session_share(f->session, PYR__SHARE_OFFERED, ring);
	struct msghdr message = {.msg_iov = vectors};
	message.msg_iovlen = (size_t)pyr__session_output(f->session, vectors, 4);
	if (count) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
		control.header = (struct cmsghdr){.cmsg_len = CMSG_LEN(count * sizeof(int)),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS};
		memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
	}
	ssize_t sent = sendmsg(f->fd, &message, MSG_NOSIGNAL);
	cr_assert_gt(sent, 0);
	pyr__session_sent(f->session, (size_t)sent);
	for (size_t i = 0; i < count; i++)
		close(fds[i]);
}

void far_begin_sharing(far *f, uint32_t ring)
{
	pyr_error err;
	pyr__shared seen;
	far_await(f, PYR__EVENT_READY);
	int fd = memfd(bytes_for(ring), ALL_SEALS);
	cr_assert_eq(pyr__shared_take(fd, ring, &seen, &err), PYR_OK, "%s", err.message);
	f->memory = (pyr__shared){seen.memory, seen.bytes, .in = seen.out, .out = seen.in};
	far_offer(f, ring, &fd, 1);
	cr_assert_eq(far_await(f, PYR__EVENT_SHARE).share, PYR__SHARE_SWITCHED);
	f->in = true;
}

void far_switch(far *f)
{
	pyr__session_share(f->session, PYR__SHARE_SWITCHED, 0);
	far_flush(f);
	f->out = true;
}

far far_shared(setup *s)
{
	far f = far_connected(s);
	far_begin_sharing(&f, RING);
	far_switch(&f);
	return f;
}

void expect_closed(const char *reason)
{
	cr_assert(tally_await(&closed, 1));
	cr_assert(strstr(closed_reason, reason), "'%s', not '%s'", closed_reason, reason);
}
