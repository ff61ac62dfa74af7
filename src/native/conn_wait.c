/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that wait for a connection: the first reads for all, the others follow. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>
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
	if (pyr__now_us() < conn->connect_deadline_us)
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

static void read_once(pyr__conn *conn, bool wait)
{
	if (pyr__conn_fill(conn, wait))
		pyr__conn_process(conn);
	if (conn->state == CONN_OPEN && pyr__session_queued(conn->session) > 0) {
		pyr__conn_flush(conn); /* what was received may ask for an answer */
		pyr__conn_process(conn);
	}
	conn->last_read_us = pyr__now_us();
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
	pthread_mutex_unlock(&conn->lock);
	struct timespec left = to_timespec(until_us - pyr__now_us());
	int ready = ppoll(&item, 1, until_us == PYR__DEADLINE_NONE ? NULL : &left, NULL);
	pthread_mutex_lock(&conn->lock);
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
	if (conn->state == CONN_OPEN && !conn->blocked &&
		until_us - pyr__now_us() > PYR__CONN_PATIENCE_MS * 1000ll)
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
	if (conn->shut)
		pthread_cond_broadcast(&conn->changed);
	if (!pyr__list_empty(&conn->waiters)) {
		pyr__waiter *next = PYR__OWNER(conn->waiters.next, pyr__waiter, link);
		pthread_cond_signal(&next->cond);
	} else if (conn->asyncs > 0 || conn->shut || conn->blocked ||
		   pyr__session_held(conn->session) > 0 ||
		   (pyr__conn_is_opening(conn) && pyr__session_queued(conn->session) > 0)) {
		pyr__conn_to_loop(conn);
	} else {
		pyr__conn_check_retired(conn); /* no turn of the loop would find it */
	}
}

static void follow(pyr__conn *conn, pyr__waiter *self, int64_t until_us)
{
	pyr__list_append(&conn->waiters, &self->link);
	if (until_us == PYR__DEADLINE_NONE) {
		pthread_cond_wait(&self->cond, &conn->lock);
	} else {
		struct timespec until = to_timespec(until_us);
		pthread_cond_timedwait(&self->cond, &conn->lock, &until);
	}
	pyr__list_remove(&self->link);
}

static void init_waiter(pyr__waiter *self)
{
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&self->cond, &attributes);
	pthread_condattr_destroy(&attributes);
}

void pyr__conn_wait_until(pyr__conn *conn, pyr__waiter **slot, bool (*met)(const void *arg),
	const void *arg, int64_t until_us)
{
	pyr__waiter self;
	bool following = false, led = false;
	while (!met(arg) && pyr__now_us() < until_us) {
		if (may_lead(conn)) {
			conn->reader = READER_THREAD;
			led = true;
			lead(conn, until_us);
			continue;
		}
		if (led && conn->reader == READER_THREAD) {
			lead(conn, until_us);
			continue;
		}
		if (!following) {
			init_waiter(&self);
			following = true;
			if (slot)
				*slot = &self;
		}
		follow(conn, &self, until_us);
	}
	if (led)
		pyr__conn_pass_on(conn);
	else if (conn->reader == READER_NOBODY)
		pyr__conn_pass_on(
			conn); /* the wake-up to lead came to us, and we need it no more */
	if (following) {
		if (slot)
			*slot = NULL;
		pthread_cond_destroy(&self.cond);
	}
}
