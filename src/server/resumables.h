/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The streams of a daemon that may be carried on: found by their tokens, counted, and given up when
 * they have lingered long enough. There are at most PYR__RESUMABLES_MAX; what they keep is counted
 * among the daemon's queued bytes and takes a quarter of their limit at most, one stream a quarter
 * of that. Streams that have ended make room for others, the oldest first.
 */
#ifndef PYR_SERVER_RESUMABLES_H
#define PYR_SERVER_RESUMABLES_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <pyrite/status.h>
#include "base/list.h"
#include "base/loop.h"
#include "base/map.h"

#define PYR__RESUMABLES_MAX 10000u
#define PYR__LINGER_NEVER   UINT32_MAX

typedef struct pyr__resumable pyr__resumable;

typedef struct pyr__resumables {
	pyr__loop *loop;
	uint32_t linger_ms; /* PYR__LINGER_NEVER: none is taken */
	uint64_t bytes_max;
	atomic_uint_fast64_t *queued_total;
	int64_t began_us;

	/* the loop thread's */
	struct event timer;

	pthread_mutex_t
		lock; /* guards what follows; nothing else is taken under it but the loop's */
	pyr__task timer_task;
	pyr__map by_token;
	pyr__link detached, ended; /* in the order in which they began to linger */
	uint64_t bytes;
	int64_t forgot_us; /* when one was last given up that may still be asked for; 0: never */
	bool stopping;     /* none lingers any more */
	bool closed;       /* the loop is no more */
} pyr__resumables;

void pyr__resumables_init(pyr__resumables *all, pyr__loop *loop, uint32_t linger_ms,
	uint64_t bytes_max, atomic_uint_fast64_t *queued_total);

/* The daemon stops: what lingers is given up. Loop thread, or with nobody dispatching the loop. */
void pyr__resumables_stop(pyr__resumables *all);

/* No task is posted any more. With nobody dispatching the loop. */
void pyr__resumables_close(pyr__resumables *all);

void pyr__resumables_done(pyr__resumables *all); /* none is left */

/* All that follows: any thread, and under a resumable's lock too. */

/* Takes one reference. RESOURCE_EXHAUSTED if there are too many, ALREADY_EXISTS for its token. */
pyr_status pyr__resumables_add(pyr__resumables *all, pyr__resumable *resumable, pyr_error *err);

/* With one reference for the caller; NULL: it is not known. */
pyr__resumable *pyr__resumables_find(pyr__resumables *all, const char *token, size_t size);

/* Gives the table's reference, which must not be the last, back, if that has not been done. */
void pyr__resumables_remove(pyr__resumables *all, pyr__resumable *resumable);

/* It has no leg, and stays until then; ended: nor a servant. Its lock held. False: it cannot. */
bool pyr__resumables_linger(
	pyr__resumables *all, pyr__resumable *resumable, int64_t until_us, bool ended);

/* It has one again. */
void pyr__resumables_rejoin(pyr__resumables *all, pyr__resumable *resumable);

/* Memory of one that has had so much; false: there is none left. */
bool pyr__resumables_reserve(pyr__resumables *all, uint64_t had, size_t bytes);
void pyr__resumables_release(pyr__resumables *all, uint64_t bytes);

/* One is given up that its caller may ask for. */
void pyr__resumables_forget(pyr__resumables *all);

/* Whether each stream that was begun in the last so many ms, and may be asked for, is known. */
bool pyr__resumables_remember(pyr__resumables *all, uint64_t age_ms);

bool pyr__resumables_are_stopping(pyr__resumables *all);

/* False if it has been posted already, or never will. */
bool pyr__resumables_post(pyr__resumables *all, pyr__task *task);

#endif
