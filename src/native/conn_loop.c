/* SPDX-License-Identifier: Apache-2.0 */
/* A connection on a loop: its events, its timer and its turn. */
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/apart.h"
#include "base/clock.h"
#include "native/conn_private.h"

#define CONN_OF(task, member) PYR__OWNER(task, pyr__conn, member)

/* A timer a little early would find nothing to do, and one for each call would be too many. */
#define TIMER_STEP_US 1000

#define READS_MOST 16 /* of a turn, while a long message has more than there is room for */

static short wanted_io(const pyr__conn *conn)
{
	short wanted = 0;
	if (conn->state == CONN_DIALING)
		return conn->reader == READER_LOOP && conn->fd >= 0 ? EV_WRITE : 0;
	if (conn->state == CONN_CLOSED)
		return 0;
	/* of room in a ring one hears by the socket, and so may not stop reading that */
	bool by_ring = pyr__conn_writes_ring(conn);
	if (conn->reader == READER_LOOP && (!conn->paused || by_ring))
		wanted |= EV_READ;
	if (conn->blocked && !by_ring)
		wanted |= EV_WRITE;
	return wanted;
}

static void on_io(evutil_socket_t fd, short what, void *arg);
static void on_timer(evutil_socket_t fd, short what, void *arg);

PYR__APART static void add_timer(pyr__conn *conn)
{
	int64_t left = conn->timer_us - pyr__now_us() + TIMER_STEP_US;
	if (left < 0)
		left = 0;
	struct timeval tv = {.tv_sec = left / 1000000, .tv_usec = left % 1000000};
	evtimer_add(&conn->timer_event, &tv);
	conn->timer_added_us = conn->timer_us;
}

/* Closed for good: out of the loop. The caller holds a reference of its own. */
PYR_COLD static void leave_loop(pyr__conn *conn)
{
	event_del(&conn->timer_event);
	pyr__conn_look_end(conn);
	if (conn->fd >= 0)
		close(conn->fd);
	conn->fd = -1;
	if (conn->in_loop) {
		conn->in_loop = false;
		pyr__conn_unref(conn);
	}
}

PYR__APART static void change_io(pyr__conn *conn, short wanted)
{
	if (conn->io_added)
		event_del(&conn->io_event);
	if (wanted) {
		event_assign(&conn->io_event, pyr__loop_base(conn->options.loop), conn->fd,
			wanted | EV_PERSIST, on_io, conn);
		event_add(&conn->io_event, NULL);
	}
	conn->io_added = wanted;
}

static void apply(pyr__conn *conn)
{
	short wanted = wanted_io(conn);
	if (wanted != conn->io_added)
		change_io(conn, wanted);
	if (conn->state == CONN_CLOSED) {
		leave_loop(conn);
		return;
	}
	if (conn->timer_us < conn->timer_added_us)
		add_timer(conn);
	pyr__conn_look_apply(conn);
	if (!conn->in_loop && (conn->io_added || conn->timer_added_us != PYR__DEADLINE_NONE)) {
		conn->in_loop = true;
		pyr__conn_ref(conn);
	}
}

void pyr__conn_post(pyr__conn *conn, pyr__task *task)
{
	if (conn->options.start_loop) {
		pyr_status started = pyr__loop_start(conn->options.loop, NULL);
		(void)started; /* without a thread the task waits; deadlines of callers still hold
				*/
	}
	pyr__conn_ref(conn);
	if (!pyr__loop_post(conn->options.loop, task))
		pyr__conn_unref(conn); /* it waits already, with a reference */
}

void pyr__conn_update(pyr__conn *conn)
{
	if (pyr__loop_is_current(conn->options.loop)) {
		if (!conn->in_turn) {
			pyr__conn_ref(conn);
			apply(conn);
			/* the caller has a reference too, so this is not the last */
			pyr__conn_unref(conn);
		}
	} else if (conn->in_loop || conn->state != CONN_CLOSED) {
		pyr__conn_post(conn, &conn->update_task);
	} else if (conn->fd >= 0) {
		close(conn->fd);
		conn->fd = -1;
	}
}

void pyr__conn_to_loop(pyr__conn *conn)
{
	if (conn->reader != READER_NOBODY)
		return;
	conn->reader = READER_LOOP;
	conn->timer_us = pyr__min_us(conn->timer_us, conn->connect_deadline_us);
	if (conn->shut) /* a dial that failed at once: no event would come, so a turn has to */
		pyr__conn_post(conn, &conn->update_task);
	else
		pyr__conn_update(conn);
}

void pyr__conn_set_timer(pyr__conn *conn, int64_t at_us)
{
	if (at_us >= conn->timer_us)
		return;
	conn->timer_us = at_us;
	/* at the end of a turn the loop finds the new time by itself */
	if (!conn->in_turn && conn->state != CONN_CLOSED)
		pyr__conn_update(conn);
}

void pyr__conn_deliver_soon(pyr__conn *conn)
{
	if (conn->in_turn)
		return;
	pyr__conn_post(conn, &conn->deliver_task);
}

static bool is_ready_here(const pyr__conn *conn)
{
	return conn->options.ready_loop == conn->options.loop;
}

PYR__APART static void post_ready(pyr__conn *conn)
{
	pyr__conn_ref(conn);
	if (!pyr__loop_post(conn->options.ready_loop, &conn->ready_task))
		pyr__conn_unref(conn); /* it waits already, with a reference */
}

void pyr__conn_ready_soon(pyr__conn *conn)
{
	if (is_ready_here(conn))
		pyr__conn_deliver_soon(conn);
	else
		post_ready(conn);
}

static void drain_lingering(pyr__conn *conn)
{
	char waste[4096];
	for (int rounds = 0; rounds < 16; rounds++) {
		ssize_t got = recv(conn->fd, waste, sizeof waste, MSG_DONTWAIT);
		if (got > 0)
			continue;
		if (got == 0)
			conn->state = CONN_CLOSED;
		return;
	}
}

void pyr__conn_begin_turn(pyr__conn *conn)
{
	pyr__loop_enter(conn->options.loop);
	pyr__conn_ref(conn);
	pyr__mutex_lock(&conn->lock);
	conn->in_turn = true;
	pyr__conn_pace_begin(conn);
	pyr__conn_look_begin(conn);
}

static bool has_work(const pyr__conn *conn)
{
	return (conn->ready_first && is_ready_here(conn)) || conn->work_first;
}

void pyr__conn_end_turn(pyr__conn *conn)
{
	pyr__loop *loop = conn->options.loop; /* outlives the connection */
	do {
		if (is_ready_here(conn))
			pyr__conn_run_ready(conn);
		pyr__conn_run_work(conn);
		pyr__conn_settle_answers(conn);
		if (conn->reader != READER_THREAD)
			pyr__conn_check_shut(conn);
		pyr__conn_flush(conn);
		if (conn->reader == READER_LOOP) /* what ran may have ended the session */
			pyr__conn_process(conn);
		pyr__conn_check_retired(conn);
		if (conn->reader != READER_THREAD) /* who was asked to in this turn left it to us */
			pyr__conn_check_shut(conn);
		if (!has_work(conn)) /* after the last that its calls hear */
			pyr__conn_tell_closed(conn);
		/* while the lock was dropped others may have left something to this turn */
	} while (has_work(conn) || pyr__conn_look_again(conn) || has_work(conn));
	conn->in_turn = false;
	apply(conn);
	pyr__mutex_unlock(&conn->lock);
	pyr__conn_unref(conn);
	pyr__loop_leave(loop);
}

static void read_some(pyr__conn *conn)
{
	pyr__conn_look_on(conn);
	if (pyr__conn_reads_ring(conn) && !pyr__conn_share_heard_end(conn) && conn->paused)
		return; /* the bell was for what we send */
	unsigned reads = 0;
	do {
		conn->filled = false;
		if (pyr__conn_fill(conn, false))
			pyr__conn_process(conn);
	} while (conn->filled && ++reads < READS_MOST && conn->state == CONN_OPEN &&
		 conn->reader == READER_LOOP && !conn->paused);
}

static void on_io(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	pyr__conn *conn = arg;
	pyr__conn_begin_turn(conn);
	if (conn->state == CONN_LINGERING) {
		drain_lingering(conn);
	} else if (conn->reader == READER_LOOP) {
		if (conn->state == CONN_DIALING)
			pyr__conn_dialed(conn);
		else if ((what & EV_READ) && conn->state == CONN_OPEN)
			read_some(conn);
	}
	pyr__conn_end_turn(conn);
}

static void check_time_outs(pyr__conn *conn, int64_t now_us)
{
	char reason[PYR_ERROR_MESSAGE_MAX];
	uint32_t stall_ms = conn->options.stall_timeout_ms;
	if (now_us >= conn->connect_deadline_us) {
		snprintf(reason, sizeof reason, "no handshake with %s within %u ms", conn->peer,
			conn->options.connect_timeout_ms);
		pyr__conn_disconnect(conn, PYR_UNAVAILABLE, reason);
	} else if (conn->stalled_since_us && stall_ms &&
		   now_us >= conn->stalled_since_us + stall_ms * 1000ll) {
		snprintf(reason, sizeof reason, "%s took nothing of what was sent for %u ms",
			conn->peer, stall_ms);
		pyr__conn_disconnect(conn, PYR_UNAVAILABLE, reason);
	}
}

static int64_t next_time(const pyr__conn *conn, int64_t next_us)
{
	next_us = pyr__min_us(next_us, conn->connect_deadline_us);
	if (conn->stalled_since_us && conn->options.stall_timeout_ms)
		next_us = pyr__min_us(
			next_us, conn->stalled_since_us + conn->options.stall_timeout_ms * 1000ll);
	return next_us;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	pyr__conn *conn = arg;
	pyr__conn_begin_turn(conn);
	int64_t now_us = pyr__now_us();
	conn->timer_us = conn->timer_added_us = PYR__DEADLINE_NONE;
	if (conn->state == CONN_LINGERING) {
		if (now_us >= conn->linger_until_us)
			conn->state = CONN_CLOSED;
		else
			conn->timer_us = conn->linger_until_us;
	} else if (conn->state != CONN_CLOSED) {
		if (conn->reader == READER_LOOP)
			check_time_outs(conn, now_us);
		int64_t out_us = pyr__conn_out_expire(conn, now_us);
		int64_t in_us = pyr__conn_in_expire(conn, now_us);
		conn->timer_us = next_time(conn, pyr__min_us(out_us, in_us));
	}
	pyr__conn_end_turn(conn);
}

static void run_update(pyr__task *task)
{
	pyr__conn *conn = CONN_OF(task, update_task);
	pyr__conn_begin_turn(conn);
	pyr__conn_end_turn(conn);
	pyr__conn_unref(conn);
}

static void run_deliver(pyr__task *task)
{
	pyr__conn *conn = CONN_OF(task, deliver_task);
	pyr__conn_begin_turn(conn);
	pyr__conn_end_turn(conn);
	pyr__conn_unref(conn);
}

static void run_ready_task(pyr__task *task)
{
	pyr__conn *conn = CONN_OF(task, ready_task);
	pyr__loop *loop = conn->options.ready_loop; /* outlives the connection */
	pyr__loop_enter(loop);
	pyr__mutex_lock(&conn->lock);
	pyr__conn_run_ready(conn);
	pyr__mutex_unlock(&conn->lock);
	pyr__conn_unref(conn);
	pyr__loop_leave(loop);
}

static void run_flush(pyr__task *task)
{
	pyr__conn *conn = CONN_OF(task, flush_task);
	pyr__conn_begin_turn(conn);
	pyr__conn_end_turn(conn);
	pyr__conn_unref(conn);
}

static void run_items(pyr__task *task)
{
	pyr__conn *conn = CONN_OF(task, items_task);
	pyr__conn_begin_turn(conn);
	conn->items_left = false;
	conn->item_written_us = pyr__now_us();
	pyr__conn_end_turn(conn);
	pyr__conn_unref(conn);
}

void pyr__conn_loop_init(pyr__conn *conn)
{
	conn->update_task.run = run_update;
	conn->deliver_task.run = run_deliver;
	conn->ready_task.run = run_ready_task;
	conn->flush_task.run = run_flush;
	conn->items_task.run = run_items;
	evtimer_assign(&conn->timer_event, pyr__loop_base(conn->options.loop), on_timer, conn);
}
