/* SPDX-License-Identifier: Apache-2.0 */
/* SIGINT and SIGTERM stop a daemon: the only state that belongs to the process and not to an
 * object. */
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include "server/daemon_private.h"

static const int signals[] = {SIGINT, SIGTERM};
#define SIGNAL_COUNT (sizeof signals / sizeof signals[0])

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* for who installs and removes */
static struct sigaction before[SIGNAL_COUNT];

/* What the handler reads. */
static _Atomic(pyr_daemon *) stopped_daemon;
static atomic_uint grace_of_first_ms;
static atomic_uint received;
static atomic_uint handling; /* handlers that may be looking at the daemon */

/* The first asks, the second insists; the third does what it would do without us. */
static void on_signal(int number)
{
	atomic_fetch_add(&handling, 1);
	pyr_daemon *daemon = atomic_load(&stopped_daemon);
	unsigned earlier = daemon ? atomic_fetch_add(&received, 1) : 0;
	if (daemon && pyr__daemon_is_forked(daemon))
		earlier = 2; /* a child, which has no daemon to stop */
	if (daemon && earlier < 2)
		pyr_daemon_stop_from_signal(daemon, earlier ? 0 : atomic_load(&grace_of_first_ms));
	atomic_fetch_sub(&handling, 1);
	if (earlier >= 2) {
		signal(number, SIG_DFL);
		raise(number);
	}
}

pyr_status pyr_daemon_stop_on_signals(pyr_daemon *daemon, uint32_t grace_ms, pyr_error *err)
{
	pyr_status status = PYR_OK;
	pthread_mutex_lock(&lock);
	if (atomic_load(&stopped_daemon)) {
		status = pyr_error_set(err, PYR_FAILED_PRECONDITION,
			"signals stop another daemon of this process already");
	} else {
		struct sigaction action;
		memset(&action, 0, sizeof action);
		action.sa_handler = on_signal;
		action.sa_flags = SA_RESTART;
		atomic_store(&received, 0);
		atomic_store(&grace_of_first_ms, grace_ms);
		atomic_store(&stopped_daemon, daemon);
		for (size_t i = 0; i < SIGNAL_COUNT; i++)
			sigaction(signals[i], &action, &before[i]);
	}
	pthread_mutex_unlock(&lock);
	return status;
}

void pyr__daemon_forget_signals(pyr_daemon *daemon)
{
	pthread_mutex_lock(&lock);
	if (atomic_load(&stopped_daemon) == daemon) {
		for (size_t i = 0; i < SIGNAL_COUNT; i++)
			sigaction(signals[i], &before[i], NULL);
		atomic_store(&stopped_daemon, NULL);
		while (atomic_load(&handling)) /* on another thread; it does not wait */
			sched_yield();
	}
	pthread_mutex_unlock(&lock);
}
