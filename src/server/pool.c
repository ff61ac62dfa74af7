/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded pool of worker threads. */
#include "server/pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"

struct pyr__pool {
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t more;
	pyr__job *first, **last;
	uint32_t queued, queue_max;
	uint32_t idle; /* workers that wait for a job */
	bool stopping;
	uint32_t thread_count;
	pthread_t threads[];
};

static void *work(void *arg)
{
	pyr__pool *pool = arg;
	pthread_mutex_lock(&pool->lock);
	for (;;) {
		while (!pool->first && !pool->stopping) {
			pool->idle++;
			pthread_cond_wait(&pool->more, &pool->lock);
			pool->idle--;
		}
		pyr__job *job = pool->first;
		if (!job)
			break;
		pool->first = job->next;
		if (!pool->first)
			pool->last = &pool->first;
		pool->queued--;
		pthread_mutex_unlock(&pool->lock);
		job->run(job);
		pthread_mutex_lock(&pool->lock);
	}
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

pyr_status pyr__pool_new(uint32_t workers, uint32_t queue_max, pyr__pool **ret_pool, pyr_error *err)
{
	pyr__pool *pool = pyr__zalloc(sizeof *pool + workers * sizeof(pthread_t));
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->more, NULL);
	pool->last = &pool->first;
	pool->queue_max = queue_max;
	for (uint32_t i = 0; i < workers; i++) {
		int failed = pthread_create(&pool->threads[i], NULL, work, pool);
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

bool pyr__pool_add(pyr__pool *pool, pyr__job *job)
{
	pthread_mutex_lock(&pool->lock);
	bool fits = pool->queued < pool->queue_max && !pool->stopping;
	if (fits) {
		job->next = NULL;
		*pool->last = job;
		pool->last = &job->next;
		pool->queued++;
		if (pool->idle > 0)
			pthread_cond_signal(&pool->more);
	}
	pthread_mutex_unlock(&pool->lock);
	return fits;
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
	pthread_mutex_unlock(&pool->lock);
	for (uint32_t i = 0; i < pool->thread_count; i++)
		pthread_join(pool->threads[i], NULL);
	pool->thread_count = 0;
}

void pyr__pool_free(pyr__pool *pool)
{
	if (!pool)
		return;
	pyr__pool_stop(pool);
	pthread_cond_destroy(&pool->more);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}
