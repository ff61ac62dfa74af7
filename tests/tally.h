/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for what another thread does, without a sleep: a number that only grows, and a wait until
 * it is large enough, which gives up after TALLY_PATIENCE_S.
 */
#ifndef TESTS_TALLY_H
#define TESTS_TALLY_H

#include <pthread.h>
#include <stdbool.h>
#include <time.h>

#define TALLY_PATIENCE_S 20

typedef struct tally {
	pthread_mutex_t lock;
	pthread_cond_t grown;
	unsigned count;
} tally;

#define TALLY_INIT                                                                                 \
	{                                                                                          \
		PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0                             \
	}

static inline void tally_add(tally *t, unsigned more)
{
	pthread_mutex_lock(&t->lock);
	t->count += more;
	pthread_cond_broadcast(&t->grown);
	pthread_mutex_unlock(&t->lock);
}

static inline unsigned tally_get(tally *t)
{
	pthread_mutex_lock(&t->lock);
	unsigned count = t->count;
	pthread_mutex_unlock(&t->lock);
	return count;
}

/* False if it is not `count` in time. */
static inline bool tally_await(tally *t, unsigned count)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += TALLY_PATIENCE_S;
	int failed = 0;
	pthread_mutex_lock(&t->lock);
	while (t->count < count && !failed)
		failed = pthread_cond_timedwait(&t->grown, &t->lock, &until);
	bool enough = t->count >= count;
	pthread_mutex_unlock(&t->lock);
	return enough;
}

#endif
