/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bounded pool of worker threads.
 *
 * A worker may be blocked in a call of its own, whose chain comes back here: A calls B, B calls A.
 * If all workers were, nobody would answer. So a job that belongs to the chain of one that runs
 * gets a thread of its own where no worker is free; 64 of those there are at most. So does one that
 * is brief: what a worker is blocked in may end by nothing else. Where there are 64 already it is
 * first in the queue, and they take it too.
 */
#ifndef PYR_SERVER_POOL_H
#define PYR_SERVER_POOL_H

#include <stdbool.h>
#include <stdint.h>
#include <pyrite/status.h>

typedef struct pyr__pool pyr__pool;

/* Something for a worker to do; part of what it is about. */
typedef struct pyr__job {
	struct pyr__job *next;
	void (*run)(struct pyr__job *job);
	void (*done)(struct pyr__job *job); /* it has run, and the pool has forgotten it */
	void *about;                        /* for chained */
	bool brief;                         /* it waits for nobody */
} pyr__job;

/* Whether one job was caused by another that runs, by what they are about. Under the pool's lock.
 */
typedef bool (*pyr__chained_fn)(void *running, void *about);

pyr_status pyr__pool_new(uint32_t workers, uint32_t queue_max, pyr__chained_fn chained,
	pyr__pool **ret_pool, pyr_error *err);

/* False when the queue is full, or the pool is stopping. Any thread. */
bool pyr__pool_add(pyr__pool *pool, pyr__job *job);

/* True once it takes nothing any more. Any thread. */
bool pyr__pool_is_stopping(pyr__pool *pool);

/* How many jobs wait for a worker. Any thread. */
uint32_t pyr__pool_waiting(pyr__pool *pool);

/* Runs what is queued, then ends the threads; nothing more is taken. NULL is ignored. */
void pyr__pool_stop(pyr__pool *pool);

/* Stops it, and frees it. NULL is ignored. */
void pyr__pool_free(pyr__pool *pool);

#endif
