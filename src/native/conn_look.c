/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking for what comes before sleeping (spin.h): in the ring, or, where that is wanted, at the
 * socket. A thread that waits looks until the time is over, and so does a loop at the end of a turn
 * in which there was something, if this connection alone looks; if several do, then each for a
 * moment, and again in its next turn. After a few turns that followed on each other the loop sees
 * to whatever else there is, by a timer that is due at once: an event that is made active in
 * another's callback would run before the loop asks the kernel, and, with a busy peer, for ever.
 */
#include <sched.h>
#include <sys/socket.h>
#include "base/alloc.h"
#include "native/conn_private.h"

#define TURNS_MOST 16
#define TURN_BYTES (16u << 10) /* more than so many count for several */

void pyr__conn_look_init(pyr__conn *conn)
{
	if (conn->options.socket_spin_us == 0)
		return;
	conn->look = pyr__zalloc(sizeof *conn->look);
	conn->look->alone = pyr__spin_is_alone();
	pyr__spin_init(&conn->look->spin, conn->options.socket_spin_us);
}

void pyr__conn_look_into_ring(pyr__conn *conn)
{
	if (!conn->look)
		conn->look = pyr__zalloc(sizeof *conn->look);
	conn->look->into_ring = true;
	pyr__spin_init(&conn->look->spin, conn->options.spin_us);
}

/* Without the lock: only the reader, who looks, changes what is looked at. */
static bool is_ready(const void *arg)
{
	char byte;
	const pyr__conn *conn = arg;
	if (conn->look->into_ring)
		return pyr__ring_readable(&conn->share->memory.in) != 0;
	return recv(conn->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
}

/*
 * Who is waited for ran on this processor: on loopback the kernel notes where it sent. Of a Unix
 * socket it does not; then it is enough that there is no other processor for us.
 */
static bool is_socket_here(const pyr__conn *conn)
{
	int cpu = -1;
	socklen_t size = sizeof cpu;
	if (getsockopt(conn->fd, SOL_SOCKET, SO_INCOMING_CPU, &cpu, &size) || cpu < 0)
		return conn->look->alone;
	return cpu == sched_getcpu();
}

/* Being put to sleep by recv gives the processor away just as well as offering it does. */
static pyr__spin_result look_at_socket(pyr__conn *conn, pyr__spin_for who)
{
	pyr__spin *spin = &conn->look->spin;
	if (pyr__spin_rests(spin))
		return PYR__SPIN_OVER;
	if (spin->began_ns || !is_socket_here(conn))
		return pyr__spin_look(spin, who, is_ready, conn);
	pyr__spin_fail(spin);
	return PYR__SPIN_OVER;
}

static pyr__spin_result look_once(pyr__conn *conn, pyr__spin_for who)
{
	if (!conn->look->into_ring)
		return look_at_socket(conn, who);
	if (who == PYR__SPIN_ALONE && pyr__ring_is_here(&conn->share->memory.in))
		who = PYR__SPIN_HERE;
	return pyr__spin_look(&conn->look->spin, who, is_ready, conn);
}

bool pyr__conn_look_until(pyr__conn *conn)
{
	pyr__spin_result result = PYR__SPIN_OVER;
	if (conn->look)
		do
			result = look_once(conn, PYR__SPIN_ALONE);
		while (result == PYR__SPIN_AGAIN);
	return result == PYR__SPIN_READY;
}

static bool reads_on_loop(const pyr__conn *conn)
{
	return conn->state == CONN_OPEN && conn->reader == READER_LOOP && !conn->paused;
}

void pyr__conn_look_on(pyr__conn *conn)
{
	if (conn->look)
		conn->look->on = true;
}

void pyr__conn_look_begin(pyr__conn *conn)
{
	if (conn->look)
		conn->look->turns_left = TURNS_MOST;
}

/* One turn less; a lot in a ring is several. */
static void count_turn(pyr__conn *conn)
{
	pyr__conn_look *look = conn->look;
	unsigned turns = 1;
	if (conn->look->into_ring)
		turns += pyr__ring_readable(&conn->share->memory.in) / TURN_BYTES;
	look->turns_left -= turns < look->turns_left ? turns : look->turns_left;
}

bool pyr__conn_look_again(pyr__conn *conn)
{
	pyr__conn_look *look = conn->look;
	if (!look || !look->on || !reads_on_loop(conn) || look->turns_left == 0)
		return false;
	pyr__mutex_unlock(&conn->lock);
	bool alone = *pyr__loop_looking(conn->options.loop) == 0;
	pyr__spin_result result;
	do
		result = look_once(conn, alone ? PYR__SPIN_ALONE : PYR__SPIN_SHARED);
	while (alone && result == PYR__SPIN_AGAIN);
	pyr__mutex_lock(&conn->lock);
	if (result != PYR__SPIN_READY) {
		look->on = result == PYR__SPIN_AGAIN;
		look->turns_left = 0;
		return false;
	}
	count_turn(conn);
	if (reads_on_loop(conn) && pyr__conn_fill(conn, false))
		pyr__conn_process(conn);
	return true;
}

static void on_look(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	pyr__conn *conn = arg;
	pyr__conn_begin_turn(conn);
	conn->look->active = false;
	--*pyr__loop_looking(conn->options.loop);
	conn->look->on = true;
	pyr__conn_end_turn(conn);
}

void pyr__conn_look_apply(pyr__conn *conn)
{
	pyr__conn_look *look = conn->look;
	if (!look || look->active || !reads_on_loop(conn))
		return;
	if (!look->on && (!conn->look->into_ring || pyr__conn_share_sleeps(conn)))
		return;
	static const struct timeval at_once;
	if (!event_initialized(&look->event))
		evtimer_assign(&look->event, pyr__loop_base(conn->options.loop), on_look, conn);
	evtimer_add(&look->event, &at_once);
	look->active = true;
	++*pyr__loop_looking(conn->options.loop);
}

void pyr__conn_look_end(pyr__conn *conn)
{
	if (!conn->look || !conn->look->active)
		return;
	event_del(&conn->look->event);
	conn->look->active = false;
	--*pyr__loop_looking(conn->options.loop);
}
