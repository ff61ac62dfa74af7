/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded pool of worker threads. */
#include "server/pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/list.h"
#include "base/owner.h"

#define SPARES_MAX 64 /* threads at once beside the workers */

/* One thread, with what it runs. A spare one ends with its job, and the brief ones that wait. */
typedef struct worker {
	pyr__link link; /* among the busy ones; guarded by the pool's lock, as job is */
	pyr__job *job;
	pyr__pool *pool;
	pthread_t thread;
} worker;

struct pyr__pool {
	pyr__chained_fn chained;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t more;
	pthread_cond_t no_spares;
	pyr__job *first, **last;
	uint32_t queued, queue_max;
	uint32_t idle; /* workers that wait for a job */
	uint32_t spares;
	pyr__link busy;
	bool stopping;
	uint32_t thread_count;
	worker workers[];
};

/* Lock held before and after, but not in between. */
static void run_job(worker *w, pyr__job *job)
{
	pyr__pool *pool = w->pool;
	w->job = job;
	pyr__list_append(&pool->busy, &w->link);
	pthread_mutex_unlock(&pool->lock);
	job->run(job);
	pthread_mutex_lock(&pool->lock);
	pyr__list_remove(&w->link);
	pthread_mutex_unlock(&pool->lock);
	job->done(job);
	pthread_mutex_lock(&pool->lock);
}

/* Lock held. */
static pyr__job *take_first(pyr__pool *pool)
{
	pyr__job *job = pool->first;
	pool->first = job->next;
	if (!pool->first)
		pool->last = &pool->first;
	pool->queued--;
	return job;
}

static void *work(void *arg)
{
	worker *w = arg;
	pyr__pool *pool = w->pool;
	pthread_mutex_lock(&pool->lock);
	for (;;) {
		while (!pool->first && !pool->stopping) {
			pool->idle++;
			pthread_cond_wait(&pool->more, &pool->lock);
			pool->idle--;
		}
		if (!pool->first)
			break;
		run_job(w, take_first(pool));
	}
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

static void *work_once(void *arg)
{
	worker *w = arg;
	pyr__pool *pool = w->pool;
	pthread_mutex_lock(&pool->lock);
	run_job(w, w->job);
	while (pool->first && pool->first->brief)
		run_job(w, take_first(pool));
	if (--pool->spares == 0)
		pthread_cond_broadcast(&pool->no_spares);
	pthread_mutex_unlock(&pool->lock);
	free(w);
	return NULL;
}

pyr_status pyr__pool_new(uint32_t workers, uint32_t queue_max, pyr__chained_fn chained,
	pyr__pool **ret_pool, pyr_error *err)
{
	pyr__pool *pool = pyr__zalloc(sizeof *pool + workers * sizeof pool->workers[0]);
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->more, NULL);
	pthread_cond_init(&pool->no_spares, NULL);
	pyr__list_init(&pool->busy);
	pool->last = &pool->first;
	pool->queue_max = queue_max;
	pool->chained = chained;
	for (uint32_t i = 0; i < workers; i++) {
		worker *w = &pool->workers[i];
		w->pool = pool;
		pyr__list_init(&w->link);
		int failed = pthread_create(&w->thread, NULL, work, w);
		if (failed) {
			pyr__pool_free(pool);
			return pyr_error_set(err, PYR_RESOURCE_EXHAUSTED,
				"cannot start worker %u of %u: %s", i + 1, workers,
				strerror(failed));
		}
		pool->thread_count++;
	}
	*ret_pool = pool;
	return PYR_OK;
}

/* Lock held. */
static bool is_chained(const pyr__pool *pool, pyr__job *job)
{
	for (pyr__link *l = pool->busy.next; l != &pool->busy; l = l->next)
		if (pool->chained(PYR__OWNER(l, worker, link)->job->about, job->about))
			return true;
	return false;
}

/* Lock held. */
static bool start_spare(pyr__pool *pool, pyr__job *job)
{
	worker *w = pyr__zalloc(sizeof *w);
	w->pool = pool;
	w->job = job;
	pyr__list_init(&w->link);
	bool started = pthread_create(&w->thread, NULL, work_once, w) == 0;
	if (started) {
		pthread_detach(w->thread);
		pool->spares++;
	} else {
		free(w);
	}
	return started;
}

/* Lock held. */
static void enqueue(pyr__pool *pool, pyr__job *job)
{
	pyr__job **at = job->brief ? &pool->first : pool->last;
	job->next = *at;
	*at = job;
	if (!job->next)
		pool->last = &job->next;
	pool->queued++;
	if (pool->idle > 0)
		pthread_cond_signal(&pool->more);
}

bool pyr__pool_add(pyr__pool *pool, pyr__job *job)
{
	pthread_mutex_lock(&pool->lock);
	bool fits = !pool->stopping;
	bool must_wait = pool->idle <= pool->queued;
	if (!fits || !must_wait || pool->spares == SPARES_MAX ||
		!(job->brief || is_chained(pool, job)) || !start_spare(pool, job)) {
		fits = fits && pool->queued < pool->queue_max;
		if (fits)
			enqueue(pool, job);
	}
	pthread_mutex_unlock(&pool->lock);
	return fits;
}

bool pyr__pool_is_stopping(pyr__pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	bool stopping = pool->stopping;
	pthread_mutex_unlock(&pool->lock);
	return stopping;
}

uint32_t pyr__pool_waiting(pyr__pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	uint32_t queued = pool->queued;
	pthread_mutex_unlock(&pool->lock);
	return queued;
}

void pyr__pool_stop(pyr__pool *pool)
{
	if (!pool)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->stopping = true;
	pthread_cond_broadcast(&pool->more);
	while (pool->spares)
		pthread_cond_wait(&pool->no_spares, &pool->lock);
	pthread_mutex_unlock(&pool->lock);
	for (uint32_t i = 0; i < pool->thread_count; i++)
		pthread_join(pool->workers[i].thread, NULL);
	pool->thread_count = 0;
}

void pyr__pool_free(pyr__pool *pool)
{
	if (!pool)
		return;
	pyr__pool_stop(pool);
	pthread_cond_destroy(&pool->no_spares);
	pthread_cond_destroy(&pool->more);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}
