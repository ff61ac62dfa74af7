/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loops that a daemon's connections are on: frames are read, checked and written there.
 *
 *     endpoint, newcomer --choose--> reactor 0: the daemon's own loop, and all else that it does
 *                              +---> reactor 1, 2, ...: a loop with a thread for connections alone
 *
 * A call runs on its connection's reactor if its object may run on any thread, else where it would
 * without reactors: on the daemon's own loop, or in a worker. See dispatcher.c. The own loop never
 * waits for another one. Another one waits for it where too much is handed to it, and where a
 * servant gives up a call back whose callback runs there.
 */
#ifndef PYR_SERVER_REACTOR_H
#define PYR_SERVER_REACTOR_H

#include <pthread.h>
#include <pyrite/daemon.h>
#include <stdatomic.h>
#include "base/loop.h"
#include "server/statistics.h"

#define PYR__REACTORS_MAX 256

typedef struct pyr__reactor {
	pyr_daemon *daemon;
	_Atomic(pyr__loop *) loop;  /* NULL: it has not had a connection */
	uint32_t conn_count;        /* the daemon's own loop's */
	pyr__endings endings;       /* this loop's */
	atomic_uint handed;         /* what the daemon's own loop has still to do for this one */
	atomic_uint handed_oneways; /* calls of it that have no answer */
} pyr__reactor;

typedef struct pyr__reactors {
	pyr__reactor *all;
	uint32_t count;
	pthread_mutex_t lock;
	pthread_cond_t done; /* the own loop has done much of what was handed to it, or */
	bool stopping;       /* nobody is to wait for that any more; guarded by the lock */
} pyr__reactors;

/* Makes so many; base is for the first, or NULL. RESOURCE_EXHAUSTED. */
pyr_status pyr__reactors_init(pyr__reactors *reactors, pyr_daemon *daemon, uint32_t count,
	struct event_base *base, pyr_error *err);

/* The daemon's own. */
static inline pyr__reactor *pyr__reactors_own(const pyr__reactors *reactors)
{
	return &reactors->all[0];
}

static inline bool pyr__reactor_is_own(const pyr__reactor *reactor, const pyr__reactors *of)
{
	return reactor == of->all;
}

/*
 * The one with the fewest connections, for one more, which counts from now on; its thread runs. The
 * daemon's own loop only.
 */
pyr__reactor *pyr__reactors_choose(pyr__reactors *reactors);

/* True on the thread of one that is not the daemon's own. */
bool pyr__reactors_are_current(const pyr__reactors *reactors);

/*
 * Around what a reactor hands to the daemon's own loop: begin before it is posted, on the reactor's
 * thread, which waits while too much is on its way; end when it has been done.
 */
void pyr__reactor_begin_handing(pyr__reactor *reactor, pyr__reactors *of, bool oneway);
void pyr__reactor_end_handing(pyr__reactor *reactor, pyr__reactors *of, bool oneway);

/*
 * Runs the task on the daemon's own loop when each of the others has been through what was posted
 * to it until now, and through a turn of its connections, and when what came of that has been done
 * on the own loop. At once if no other runs. The daemon's own loop only.
 */
void pyr__reactors_await(pyr__reactors *reactors, pyr__task *then);

/* Ends the threads of all but the daemon's own, of which nobody waits for the own loop then. */
void pyr__reactors_stop(pyr__reactors *reactors);

/* With no thread left: runs what is posted to any of them until nothing is left. */
void pyr__reactors_finish(pyr__reactors *reactors);

/* Nothing runs any more; calls and proxies that are left may know the loops still. */
void pyr__reactors_close(pyr__reactors *reactors);

/* Frees them. They may be zeros. */
void pyr__reactors_done(pyr__reactors *reactors);

#endif
