/* SPDX-License-Identifier: Apache-2.0 */
/* Peers that offer what is no shared memory, or do in it what they please: they hurt only
 * themselves. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "descriptors.h"
#include "far_share.h"

#define BROKEN "a position in the shared memory is where it cannot be"

/* Offers */

/* Takes the descriptors, and closes them. */
static void refuses(uint32_t ring, const int *fds, size_t count)
{
	setup *s = begin_sharing(true);
	s->descriptors -= (int)count;
	far f = far_connected(s);
	far_await(&f, PYR__EVENT_READY);
	far_offer(&f, ring, fds, count);
	cr_assert_eq(far_await(&f, PYR__EVENT_SHARE).share, PYR__SHARE_REFUSED);
	far_exchange_pings(&f, 3);
	cr_assert_eq(pyr__shared_count(), 0);
	far_free(&f);
	end(s);
}

Test(conn_share_hostile, an_offer_without_a_descriptor_is_refused_and_all_goes_on)
{
	refuses(RING, NULL, 0);
}

Test(conn_share_hostile, unsealed_memory_is_refused_and_all_goes_on)
{
	int fd = memfd(bytes_for(RING), 0);
	refuses(RING, &fd, 1);
}

Test(conn_share_hostile, memory_that_is_too_short_is_refused_and_all_goes_on)
{
	int fd = memfd(bytes_for(RING) - 4096, ALL_SEALS);
	refuses(RING, &fd, 1);
}

Test(conn_share_hostile, rings_of_an_odd_size_are_refused_and_all_goes_on)
{
	int fd = memfd(bytes_for(5000), ALL_SEALS);
	refuses(5000, &fd, 1);
}

Test(conn_share_hostile, what_is_no_memory_is_refused_and_all_goes_on)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	refuses(RING, &fd, 1);
}

/* The kernel gives the process one of them at most, and that is the first. */
Test(conn_share_hostile, descriptors_that_nobody_asked_for_are_not_kept)
{
	int fds[4];
	for (int i = 0; i < 4; i++)
		fds[i] = memfd(bytes_for(RING), 0);
	refuses(RING, fds, 4);
}

Test(conn_share_hostile, descriptors_passed_again_and_again_do_not_pile_up)
{
	setup *s = begin_sharing(true);
	far f = far_connected(s);
	far_await(&f, PYR__EVENT_READY);
	int before = descriptors();
	uint8_t frame[PING_BYTES] = {0};
	pyr__frame_store(frame, 8, PYR__FRAME_PING, 0, 0);
	for (int i = 0; i < 50; i++) {
		union {
			struct cmsghdr header;
			char room[CMSG_SPACE(sizeof(int))];
		} control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)),
				     .cmsg_level = SOL_SOCKET,
				     .cmsg_type = SCM_RIGHTS}};
		struct iovec vector = {frame, sizeof frame};
		struct msghdr message = {.msg_iov = &vector,
			.msg_iovlen = 1,
			.msg_control = &control,
			.msg_controllen = sizeof control.room};
		memcpy(CMSG_DATA(&control.header), &f.fd, sizeof f.fd);
		cr_assert_eq(sendmsg(f.fd, &message, 0), sizeof frame);
		far_await(&f, PYR__EVENT_PONG);
	}
	cr_assert_leq(descriptors(), before + 1);
	far_free(&f);
	end(s);
}

Test(conn_share_hostile, who_does_not_share_does_not_know_the_frame)
{
	setup *s = begin_sharing(true);
	s->options.shared_memory = PYR_SHARED_MEMORY_OFF;
	far f = far_connected(s);
	far_await(&f, PYR__EVENT_READY);
	far_offer(&f, RING, NULL, 0);
	expect_closed("an unknown frame of type 11");
	far_free(&f);
	end(s);
}

/* Peers that do not keep to it */

Test(conn_share_hostile, a_head_that_cannot_be_ends_the_connection)
{
	setup *s = begin_sharing(true);
	far f = far_shared(s);
	far_exchange_pings(&f, 1);
	atomic_store(&f.memory.out.state->head, f.memory.out.own + RING + 1);
	far_ring(&f);
	expect_closed(BROKEN);
	pyr__event event = far_await(&f, PYR__EVENT_CLOSED);
	cr_assert_eq(event.final.status, PYR_INVALID_ARGUMENT);
	cr_assert_eq(event.final.message.size, strlen(BROKEN), "it is told");
	far_free(&f);
	end(s);
}

Test(conn_share_hostile, a_tail_that_cannot_be_ends_the_connection)
{
	setup *s = begin_sharing(true);
	far f = far_shared(s);
	far_exchange_pings(&f, 1);
	atomic_store(&f.memory.in.state->tail, f.memory.in.own + 77);
	for (unsigned i = 0; i < RING / PING_BYTES + 1; i++)
		pyr__session_ping(f.session, i);
	far_flush(&f);
	far_ring(&f);
	expect_closed(BROKEN);
	far_free(&f);
	end(s);
}

Test(conn_share_hostile, rubbish_in_a_ring_is_a_violation_like_any_other)
{
	setup *s = begin_sharing(true);
	far f = far_shared(s);
	size_t wrote;
	bool wake;
	struct iovec vector = {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12};
	cr_assert_eq(pyr__ring_write(&f.memory.out, &vector, 1, &wrote, &wake), PYR__RING_OK);
	far_ring(&f);
	expect_closed("a frame of 4294967295 bytes");
	cr_assert_eq(far_await(&f, PYR__EVENT_CLOSED).final.status, PYR_INVALID_ARGUMENT);
	far_free(&f);
	end(s);
}

static atomic_bool scribbling;

/* Positions, flags and bytes, while the other side reads and writes. */
static void *scribble(void *arg)
{
	uint32_t *words = arg;
	uint32_t random = 1;
	while (atomic_load(&scribbling)) {
		random = random * 1664525 + 1013904223;
		words[(random >> 8) % (bytes_for(RING) / 4)] = random >> (random & 15);
		words[(random >> 20) % 256] = random & 8191;
	}
	return NULL;
}

Test(conn_share_hostile, memory_that_changes_while_it_is_read_harms_nobody)
{
	for (int round = 0; round < 20; round++) {
		pthread_t thread;
		setup *s = begin_sharing(true);
		far f = far_shared(s);
		closed.count = 0;
		atomic_store(&scribbling, true);
		cr_assert_eq(pthread_create(&thread, NULL, scribble, f.memory.memory), 0);
		while (tally_get(&closed) == 0)
			if (send(f.fd, "!", 1, MSG_NOSIGNAL) != 1)
				break;
		cr_assert(tally_await(&closed, 1));
		atomic_store(&scribbling, false);
		pthread_join(thread, NULL);
		far_free(&f);
		end(s);
	}
}

Test(conn_share_hostile, bytes_on_the_socket_mean_nothing_any_more)
{
	setup *s = begin_sharing(true);
	static const char rubbish[5000];
	far f = far_shared(s);
	far_exchange_pings(&f, 1);
	cr_assert_eq(send(f.fd, rubbish, sizeof rubbish, 0), sizeof rubbish);
	far_exchange_pings(&f, 10);
	far_free(&f);
	end(s);
}
