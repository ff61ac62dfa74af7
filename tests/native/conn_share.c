/* SPDX-License-Identifier: Apache-2.0 */
/* A connection that goes over to shared memory, with a peer that does its part of it. */
#include <criterion/criterion.h>
#include <poll.h>
#include <sys/socket.h>
#include "base/clock.h"
#include "far_share.h"

/* Going over */

Test(conn_share, bytes_go_through_the_rings_from_the_switch_on)
{
	setup *s = begin_sharing(true);
	far f = far_shared(s);
	far_exchange_pings(&f, 1000);
	cr_assert_geq(f.memory.out.own, 1000 * PING_BYTES);
	cr_assert_geq(f.memory.in.own, 1000 * PING_BYTES);
	far_free(&f);
	end(s);
}

Test(conn_share, what_is_sent_around_the_switch_is_neither_lost_nor_reordered)
{
	setup *s = begin_sharing(true);
	far f = far_connected(s);
	far_begin_sharing(&f, RING);
	for (uint64_t i = 1; i <= 10; i++) {
		pyr__session_ping(f.session, i);
		if (i == 5)
			far_switch(&f);
	}
	far_flush(&f);
	for (uint64_t i = 1; i <= 10; i++)
		cr_assert_eq(far_await(&f, PYR__EVENT_PONG).ping_value, i);
	far_free(&f);
	end(s);
}

/* Full rings, and ends */

/* All of it, by ring, while nothing is read. */
static void far_write_all(far *f)
{
	char bell[16];
	struct pollfd item = {.fd = f->fd, .events = POLLIN};
	for (far_flush(f); pyr__session_queued(f->session) > 0; far_flush(f)) {
		cr_assert_eq(poll(&item, 1, PATIENCE_MS), 1, "nobody makes room");
		cr_assert_gt(recv(f->fd, bell, sizeof bell, 0), 0);
	}
}

Test(conn_share, answers_wait_for_room_in_the_ring)
{
	setup *s = begin_sharing(true);
	far f = far_shared(s);
	const unsigned count = 20 * RING / PING_BYTES;
	for (unsigned i = 1; i <= count; i++)
		pyr__session_ping(f.session, i);
	for (unsigned i = 1; i <= count; i++)
		cr_assert_eq(far_await(&f, PYR__EVENT_PONG).ping_value, i);
	far_free(&f);
	end(s);
}

/*
 * It has more to say than the ring holds, and more than it usually has waiting before it stops
 * reading; but nobody can tell it of room before all that is on the socket has been read.
 */
Test(conn_share, who_has_switched_alone_goes_on_reading_the_socket)
{
	static const pyr__host_ops no_call_comes = {.connected = ignore_connection};
	setup *s = begin_sharing(true);
	s->options.host = &no_call_comes;
	far f = far_connected(s);
	const unsigned count = 150000;
	far_begin_sharing(&f, RING);
	for (unsigned i = 1; i <= count; i++) {
		pyr__session_ping(f.session, i);
		if (i % 1000 == 0)
			far_flush(&f);
	}
	far_switch(&f);
	far_ring(&f);
	for (unsigned i = 1; i <= count; i++)
		cr_assert_eq(far_await(&f, PYR__EVENT_PONG).ping_value, i);
	far_free(&f);
	end(s);
}

Test(conn_share, a_peer_that_takes_nothing_out_of_its_ring_is_given_up)
{
	setup *s = begin_sharing(true);
	s->options.stall_timeout_ms = 50;
	far f = far_shared(s);
	for (unsigned i = 0; i < 2 * RING / PING_BYTES; i++)
		pyr__session_ping(f.session, i);
	far_write_all(&f);
	expect_closed("took nothing of what was sent for 50 ms");
	far_free(&f);
	end(s);
}

Test(conn_share, what_a_peer_wrote_before_it_went_is_read)
{
	setup *s = begin_sharing(true);
	far f = far_shared(s);
	far_exchange_pings(&f, 1);
	pyr__session_ping(f.session, 2);
	pyr__session_drain(f.session, PYR_UNAVAILABLE, "gone fishing");
	far_flush(&f);
	shutdown(f.fd, SHUT_WR);
	cr_assert_eq(far_await(&f, PYR__EVENT_PONG).ping_value, 2);
	expect_closed("closed the connection");
	far_free(&f);
	end(s);
}

/* Of who dials */

/* One oneway call, which arrives. */
static void call(setup *s, far *f)
{
	pyr_error err;
	pyr__head head = {.method = {"a.B/C", 5}, .object = {"x", 1}, .oneway = true};
	pyr__body body = {.raw = (const uint8_t *)"", .size = 0};
	cr_assert_eq(pyr__conn_start(s->conn, false, NULL, &head, &body, true, &err), PYR_OK, "%s",
		err.message);
	far_await(f, PYR__EVENT_CALL);
}

/* It reads what has come by now. */
static void read_some(setup *s)
{
	pyr_error err;
	cr_assert_eq(pyr__conn_ping(s->conn, pyr__now_us() + 2000, &err), PYR_DEADLINE_EXCEEDED);
}

static bool has_offered(setup *s)
{
	pyr__mutex_lock(&s->conn->lock);
	bool has = s->conn->share != NULL;
	pyr__mutex_unlock(&s->conn->lock);
	return has;
}

Test(conn_share, who_dials_offers_once_it_has_made_some_calls)
{
	setup *s = begin_sharing(false);
	s->options.shared_memory = PYR_SHARED_MEMORY_ON;
	far f = far_connected(s);
	call(s, &f);
	far_flush(&f);
	read_some(s);
	for (unsigned made = 2; made < 64; made++) {
		call(s, &f);
		cr_assert_not(has_offered(s), "after %u calls", made);
	}
	call(s, &f);
	cr_assert(has_offered(s));
	cr_assert_eq(far_await(&f, PYR__EVENT_SHARE).share_bytes, PYR__SHARED_RING);
	cr_assert_eq(pyr__shared_count(), 1);
	pyr__session_share(f.session, PYR__SHARE_REFUSED, 0);
	far_flush(&f);
	read_some(s);
	cr_assert_eq(pyr__shared_count(), 0, "refused");
	for (unsigned i = 0; i < 100; i++)
		call(s, &f);
	far_free(&f);
	end(s);
}

Test(conn_share, who_dials_a_peer_that_cannot_offers_nothing)
{
	setup *s = begin_sharing(false);
	far f = far_connected(s);
	pyr__session_free(f.session);
	pyr__session_config config;
	pyr__session_config_init(&config, true);
	f.session = pyr__session_new(&config);
	for (unsigned i = 0; i < 100; i++) {
		call(s, &f);
		far_flush(&f);
		if (i == 0)
			read_some(s);
	}
	cr_assert_not(has_offered(s));
	far_free(&f);
	end(s);
}

Test(conn_share, only_unix_sockets_without_tls_of_who_wants_it_may_share)
{
	pyr__conn_options wants = {.shared_memory = PYR_SHARED_MEMORY_ON};
	pyr__conn_options open = {.shared_memory = PYR_SHARED_MEMORY_OFF}, secure = wants;
	secure.credentials = (pyr_credentials *)&secure;
	cr_assert(pyr__conn_may_share(&wants, true));
	cr_assert_not(pyr__conn_may_share(&wants, false));
	cr_assert_not(pyr__conn_may_share(&open, true));
	cr_assert_not(pyr__conn_may_share(&secure, true));
}
