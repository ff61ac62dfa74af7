/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that wait for a connection: the first reads for all, the others follow. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "base/apart.h"
#include "base/clock.h"
#include "native/conn_private.h"

static struct timespec to_timespec(int64_t us)
{
	if (us < 0)
		us = 0;
	return (struct timespec){.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
}

/* The thread may read: nobody does, or only the loop in case something comes. */
static bool may_lead(const pyr__conn *conn)
{
	if (conn->reader == READER_NOBODY)
		return true;
	if (conn->reader != READER_LOOP || conn->in_turn || conn->state != CONN_OPEN)
		return false;
	return (conn->asyncs == 0 && !conn->options.host) ||
	       pyr__loop_is_current(conn->options.loop);
}

static void check_connect(pyr__conn *conn)
{
	if (!pyr__has_passed(conn->connect_deadline_us))
		return;
	char reason[PYR_ERROR_MESSAGE_MAX];
	snprintf(reason, sizeof reason, "cannot connect to %s: no answer within %u ms", conn->peer,
		conn->options.connect_timeout_ms);
	pyr__conn_disconnect(conn, PYR_UNAVAILABLE, reason);
}

static void lead_dialing(pyr__conn *conn, short revents)
{
	if (revents)
		pyr__conn_dialed(conn);
	if (conn->state == CONN_OPEN)
		pyr__conn_flush(conn);
}

PYR__APART void pyr__conn_wake_follower(pyr__conn *conn, pyr__waiter *waiter, bool over)
{
	pyr__follower *follower = PYR__OWNER(waiter, pyr__follower, waiter);
	if (follower->told)
		return; /* and it has not come to the lock yet */
	pyr__list_remove(&waiter->link);
	follower->told = true;
	follower->over = over;
	if (conn->wakes_later && conn->later_count < PYR__CONN_LATER_MAX)
		conn->later[conn->later_count++] = &follower->woken;
	else
		pyr__latch_set(&follower->woken);
}

/* Drops the lock: each takes a system call, and who wakes up wants the lock. */
static void unlock_and_wake(pyr__conn *conn)
{
	pyr__latch *latches[PYR__CONN_LATER_MAX];
	unsigned count = conn->later_count;
	memcpy(latches, conn->later, count * sizeof *latches);
	conn->later_count = 0;
	pyr__mutex_unlock(&conn->lock);
	for (unsigned i = 0; i < count; i++)
		pyr__latch_set(latches[i]);
}

/* Those who are awake call again, and leave the writing to us. */
static void wake_now(pyr__conn *conn)
{
	if (!conn->later_count)
		return;
	conn->waking = true;
	unlock_and_wake(conn);
	pyr__mutex_lock(&conn->lock);
	conn->waking = false;
}

/* What has come is seen to, and may ask for an answer. */
static void digest(pyr__conn *conn, bool filled)
{
	conn->wakes_later = true;
	if (filled)
		pyr__conn_process(conn);
	conn->wakes_later = false;
	wake_now(conn);
	if (conn->state == CONN_OPEN && pyr__session_queued(conn->session) > 0) {
		pyr__conn_flush(conn);
		pyr__conn_process(conn);
	}
}

static void read_once(pyr__conn *conn, bool wait)
{
	digest(conn, pyr__conn_fill(conn, wait));
}

static void lead_sharing(pyr__conn *conn, int64_t until_us)
{
	digest(conn, pyr__conn_share_fill(conn, until_us));
}

static void lead_open(pyr__conn *conn, short revents)
{
	if (revents & POLLOUT) {
		pyr__conn_flush(conn);
		pyr__conn_process(conn);
	}
	if (conn->state == CONN_OPEN && revents & (POLLIN | POLLHUP | POLLERR))
		read_once(conn, false);
}

/* Waits for what the socket is to be ready for, and does it. */
static void poll_once(pyr__conn *conn, int64_t until_us)
{
	bool dialing = conn->state == CONN_DIALING;
	struct pollfd item = {.fd = conn->fd, .events = dialing ? POLLOUT : POLLIN};
	if (conn->blocked)
		item.events |= POLLOUT;
	pyr__mutex_unlock(&conn->lock);
	struct timespec left = to_timespec(until_us - pyr__now_us());
	int ready = ppoll(&item, 1, until_us == PYR__DEADLINE_NONE ? NULL : &left, NULL);
	pyr__mutex_lock(&conn->lock);
	pyr__conn_check_shut(conn);
	if (ready > 0 && conn->state == CONN_DIALING)
		lead_dialing(conn, item.revents);
	else if (ready > 0 && conn->state == CONN_OPEN)
		lead_open(conn, item.revents);
}

/*
 * Waits once for the socket and does what it is ready for. Where only bytes from the peer are
 * waited for and the time is not short, reading itself waits.
 */
static void lead(pyr__conn *conn, int64_t until_us)
{
	pyr__conn_check_shut(conn);
	if (conn->state >= CONN_LINGERING)
		return;
	until_us = pyr__min_us(until_us, conn->connect_deadline_us);
	if (conn->state == CONN_OPEN && pyr__conn_reads_ring(conn))
		lead_sharing(conn, until_us);
	else if (conn->state == CONN_OPEN && !conn->blocked &&
		 !pyr__has_passed(until_us - PYR__CONN_PATIENCE_MS * 1000ll))
		read_once(conn, true);
	else
		poll_once(conn, until_us);
	if (conn->state < CONN_LINGERING)
		check_connect(conn);
	pyr__conn_tell_closed(conn);
}

void pyr__conn_pass_on(pyr__conn *conn)
{
	conn->reader = READER_NOBODY;
	pyr__conn_tell_change(conn);
	if (!pyr__list_empty(&conn->waiters)) {
		pyr__conn_wake_follower(
			conn, PYR__OWNER(conn->waiters.next, pyr__waiter, link), false);
	} else if (conn->asyncs > 0 || conn->options.host || conn->shut || conn->blocked ||
		   pyr__session_held(conn->session) > 0 ||
		   (pyr__conn_is_opening(conn) && pyr__session_queued(conn->session) > 0)) {
		pyr__conn_to_loop(conn);
	} else {
		pyr__conn_check_retired(conn); /* no turn of the loop would find it */
	}
}

/* Lock held. False, and it is not, if the call that was waited for is over. */
static bool follow(pyr__conn *conn, pyr__follower *self, pyr__waiter **slot, int64_t until_us)
{
	self->told = self->over = false;
	pyr__latch_init(&self->woken);
	pyr__list_append(&conn->waiters, &self->waiter.link);
	if (slot)
		*slot = &self->waiter;
	pyr__mutex_unlock(&conn->lock);
	bool woken = pyr__latch_wait(&self->woken, until_us);
	if (woken && self->over)
		return false;
	pyr__mutex_lock(&conn->lock);
	if (!woken && self->told) { /* it is about to be set, and has to be there until then */
		pyr__mutex_unlock(&conn->lock);
		pyr__latch_wait(&self->woken, PYR__DEADLINE_NONE);
		pyr__mutex_lock(&conn->lock);
	}
	pyr__list_remove(&self->waiter.link);
	if (slot)
		*slot = NULL;
	return true;
}

bool pyr__conn_wait_until(pyr__conn *conn, pyr__waiter **slot, bool (*met)(const void *arg),
	const void *arg, int64_t until_us)
{
	pyr__follower self;
	bool led = false;
	while (!met(arg) && !pyr__has_passed(until_us)) {
		if (led || may_lead(conn)) {
			conn->reader = READER_THREAD;
			led = true;
			lead(conn, until_us);
			continue;
		}
		if (!follow(conn, &self, slot, until_us))
			return false;
	}
	/* where nobody reads, the wake-up to lead came to us, and we need it no more */
	conn->wakes_later = true;
	if (led || conn->reader == READER_NOBODY)
		pyr__conn_pass_on(conn);
	conn->wakes_later = false;
	if (!conn->later_count)
		return true;
	bool locked = !met(arg);
	unlock_and_wake(conn);
	if (locked)
		pyr__mutex_lock(&conn->lock);
	return locked;
}
