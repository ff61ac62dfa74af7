/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a daemon stops. Names are withdrawn, and no new calls are taken; what runs may finish within
 * the grace time; then everything is closed:
 *
 *   SERVING --run_stop--> DRAINING --is_through, looked at by a timer--> STOPPED
 */
#include <errno.h>
#include <unistd.h>
#include "base/clock.h"
#include "server/callbacks.h"
#include "server/daemon_private.h"
#include "server/discoverable.h"

#define DRAIN_CHECK_US 2000
#define WITHDRAW_US    200000 /* so long a name server is waited for, grace or not */
#define QUIET_US       20000 /* without a call, before a daemon that drains takes itself for idle */

/* Loop thread only */

static void close_listeners(pyr_daemon *daemon)
{
	pthread_mutex_lock(&daemon->lock);
	for (endpoint *e = daemon->endpoints; e; e = e->next)
		if (e->listener) /* else it is core's, which the drain closes */
			pyr__listener_close(e->listener);
	pthread_mutex_unlock(&daemon->lock);
}

static bool is_withdrawing(const pyr_daemon *daemon)
{
	return daemon->publisher && pyr__publisher_busy(daemon->publisher);
}

static bool is_busy(pyr_daemon *daemon)
{
	if (pyr__daemon_running(daemon) > 0 || pyr__daemon_grpc_busy(daemon) ||
		is_withdrawing(daemon))
		return true;
	for (pyr__link *l = daemon->conns.next; l != &daemon->conns; l = l->next)
		if (pyr__conn_busy(PYR__OWNER(l, peer_conn, link)->conn))
			return true;
	return false;
}

/* Calls that were on their way when the peers were told are refused, which takes a moment. */
static bool is_through(pyr_daemon *daemon, int64_t now_us)
{
	bool busy = is_busy(daemon);
	if (busy)
		daemon->busy_us = now_us;
	if (is_withdrawing(daemon) && now_us < daemon->withdraw_until_us)
		return false;
	return now_us >= daemon->grace_until_us || (!busy && pyr__list_empty(&daemon->conns)) ||
	       now_us - daemon->busy_us >= QUIET_US;
}

static void complete_stop(pyr_daemon *daemon)
{
	for (pyr__link *l = daemon->conns.next; l != &daemon->conns; l = l->next)
		pyr__conn_shut(PYR__OWNER(l, peer_conn, link)->conn, PYR_UNAVAILABLE,
			"the daemon has stopped");
	pyr__daemon_grpc_shut(daemon);
	pyr__local_host_close(daemon->neighbour.host, "the daemon has stopped");
	pyr__callbacks_close_all(daemon);
	event_del(&daemon->drain_timer);
	event_del(&daemon->signal_event);
	pyr__reactors_await(&daemon->reactors, &daemon->stopped_task);
}

static void run_stopped(pyr__task *task)
{
	pyr_daemon *daemon = PYR__OWNER(task, pyr_daemon, stopped_task);
	pthread_mutex_lock(&daemon->lock);
	daemon->state = DAEMON_STOPPED;
	pthread_cond_broadcast(&daemon->stopped);
	pthread_mutex_unlock(&daemon->lock);
	/* after what was posted above: servants hear of the end of their calls */
	if (!daemon->options.base)
		pyr__loop_post(daemon->loop, &daemon->end_task);
}

static void run_end(pyr__task *task)
{
	pyr__loop_break(PYR__OWNER(task, pyr_daemon, end_task)->loop);
}

static void on_drain_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	pyr_daemon *daemon = arg;
	pyr__loop_enter(daemon->loop);
	if (is_through(daemon, pyr__now_us())) {
		complete_stop(daemon);
	} else {
		struct timeval pause = {0, DRAIN_CHECK_US};
		evtimer_add(&daemon->drain_timer, &pause);
	}
	pyr__loop_leave(daemon->loop);
}

static void run_stop(pyr__task *task)
{
	pyr_daemon *daemon = PYR__OWNER(task, pyr_daemon, stop_task);
	pthread_mutex_lock(&daemon->lock);
	bool first = daemon->state == DAEMON_SERVING;
	if (first)
		daemon->state = DAEMON_DRAINING;
	daemon->busy_us = pyr__now_us();
	daemon->grace_until_us = daemon->busy_us + daemon->grace_ms * 1000ll;
	if (first)
		daemon->withdraw_until_us = daemon->busy_us + WITHDRAW_US;
	struct pyr__discoverable *discoverable = daemon->discoverable;
	pthread_mutex_unlock(&daemon->lock);
	if (!first)
		return;
	if (daemon->publisher)
		pyr__publisher_stop(daemon->publisher, pyr__loop_is_dispatched(daemon->loop));
	if (daemon->health)
		pyr__health_stop(daemon->health);
	close_listeners(daemon);
	pyr__resumables_stop(&daemon->resumables);
	pyr__discoverable_close(discoverable);
	pyr__local_host_drain(daemon->neighbour.host);
	for (pyr__link *l = daemon->conns.next; l != &daemon->conns; l = l->next)
		pyr__conn_drain(PYR__OWNER(l, peer_conn, link)->conn, "the daemon is stopping");
	pyr__newcomers_close(&daemon->newcomers);
	pyr__daemon_grpc_drain(daemon);
	struct timeval soon = {0, 0};
	evtimer_add(&daemon->drain_timer, &soon);
}

static void on_signal(evutil_socket_t fd, short what, void *arg)
{
	(void)what;
	pyr_daemon *daemon = arg;
	uint64_t times;
	if (read(fd, &times, sizeof times) != sizeof times)
		return;
	pyr__loop_enter(daemon->loop);
	pthread_mutex_lock(&daemon->lock);
	daemon->grace_ms = atomic_load(&daemon->signal_grace_ms);
	pthread_mutex_unlock(&daemon->lock);
	run_stop(&daemon->stop_task);
	pyr__loop_leave(daemon->loop);
}

void pyr__daemon_stop_init(pyr_daemon *daemon)
{
	struct event_base *base = pyr__loop_base(daemon->loop);
	daemon->stop_task.run = run_stop;
	daemon->stopped_task.run = run_stopped;
	daemon->end_task.run = run_end;
	evtimer_assign(&daemon->drain_timer, base, on_drain_timer, daemon);
	event_assign(&daemon->signal_event, base, daemon->signal_fd, EV_READ | EV_PERSIST,
		on_signal, daemon);
	event_add(&daemon->signal_event, NULL);
}

void pyr__daemon_stop_now(pyr_daemon *daemon)
{
	if (daemon->state == DAEMON_STOPPED)
		return;
	daemon->grace_ms = 0;
	run_stop(&daemon->stop_task);
	complete_stop(daemon);
}

/* Any thread */

void pyr_daemon_stop(pyr_daemon *daemon, uint32_t grace_ms)
{
	if (pyr__daemon_is_forked(daemon))
		return;
	pthread_mutex_lock(&daemon->lock);
	daemon->grace_ms = grace_ms;
	pthread_mutex_unlock(&daemon->lock);
	if (pyr__loop_is_current(daemon->loop)) {
		run_stop(&daemon->stop_task);
		return;
	}
	pyr__loop_post(daemon->loop, &daemon->stop_task);
	if (pyr__reactors_are_current(&daemon->reactors))
		return; /* which are waited for there */
	pthread_mutex_lock(&daemon->lock);
	while (daemon->state != DAEMON_STOPPED && pyr__loop_is_dispatched(daemon->loop))
		pthread_cond_wait(&daemon->stopped, &daemon->lock);
	pthread_mutex_unlock(&daemon->lock);
	pyr__loop_stop(daemon->loop); /* waits for its thread, so that its base may be touched */
}

void pyr_daemon_stop_from_signal(pyr_daemon *daemon, uint32_t grace_ms)
{
	if (pyr__daemon_is_forked(daemon))
		return; /* the descriptor is the parent's too */
	uint64_t once = 1;
	int saved = errno;
	atomic_store(&daemon->signal_grace_ms, grace_ms);
	ssize_t wrote = write(daemon->signal_fd, &once, sizeof once);
	(void)wrote; /* a full counter means that a stop is on its way already */
	errno = saved;
}
