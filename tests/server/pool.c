/* SPDX-License-Identifier: Apache-2.0 */
/* Worker threads, and how many jobs may wait for them. */
#include "server/pool.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "leaks.h"
#include "tally.h"

/* A job that says when it runs, and runs until the gate is opened. */
static tally running = TALLY_INIT, gate = TALLY_INIT, done = TALLY_INIT;
static int order[128];

typedef struct job {
	pyr__job job;
	int number;
} job;

static void run_held(pyr__job *self)
{
	(void)self;
	tally_add(&running, 1);
	tally_await(&gate, 1);
	tally_add(&done, 1);
}

static void let_go(pyr__job *self)
{
	(void)self;
}

static void run_once(pyr__job *self)
{
	order[tally_get(&done)] = ((job *)self)->number;
}

/* Made with malloc, and gone when it is done with: nothing of the pool may look at it any more. */
static void free_once(pyr__job *self)
{
	free(self);
	tally_add(&done, 1);
}

static job *new_job(int number)
{
	job *j = malloc(sizeof *j);
	*j = (job){.job = {.run = run_once, .done = free_once}, .number = number};
	return j;
}

/* Jobs are about numbers: one follows another that is about the number before its own. */
static bool is_chained(void *before, void *about)
{
	return before && about && *(int *)about == *(int *)before + 1;
}

static pyr__pool *new_pool(uint32_t workers, uint32_t queue_max)
{
	pyr_error err;
	pyr__pool *pool;
	cr_assert_eq(pyr__pool_new(workers, queue_max, is_chained, &pool, &err), PYR_OK, "%s",
		err.message);
	return pool;
}

Test(pool, runs_jobs_in_the_order_they_came_in)
{
	enum { JOBS = 50 };
	pyr__pool *pool = new_pool(1, JOBS + 1);
	pyr__job held = {.run = run_held, .done = let_go};
	cr_assert(pyr__pool_add(pool, &held));
	for (int i = 0; i < JOBS; i++)
		cr_assert(pyr__pool_add(pool, &new_job(i)->job));
	tally_add(&gate, 1);
	cr_assert(tally_await(&done, JOBS + 1));
	for (int i = 0; i < JOBS; i++)
		cr_assert_eq(order[i + 1], i);
	pyr__pool_free(pool);
	CHECK_LEAKS();
}

Test(pool, has_all_its_workers_work_at_once)
{
	enum { WORKERS = 8 };
	pyr__job held[WORKERS];
	pyr__pool *pool = new_pool(WORKERS, WORKERS);
	for (int i = 0; i < WORKERS; i++) {
		held[i] = (pyr__job){.run = run_held, .done = let_go};
		cr_assert(pyr__pool_add(pool, &held[i]));
	}
	cr_assert(tally_await(&running, WORKERS));
	tally_add(&gate, 1);
	pyr__pool_free(pool);
	cr_assert_eq(tally_get(&done), WORKERS);
	CHECK_LEAKS();
}

Test(pool, refuses_what_its_queue_has_no_room_for)
{
	pyr__job held[4];
	for (int i = 0; i < 4; i++)
		held[i] = (pyr__job){.run = run_held, .done = let_go};
	pyr__pool *pool = new_pool(1, 2);
	cr_assert(pyr__pool_add(pool, &held[0]));
	cr_assert(tally_await(&running, 1)); /* this one waits no more */
	cr_assert(pyr__pool_add(pool, &held[1]));
	cr_assert(pyr__pool_add(pool, &held[2]));
	cr_assert_not(pyr__pool_add(pool, &held[3]));
	tally_add(&gate, 1);
	cr_assert(tally_await(&done, 3));
	cr_assert(pyr__pool_add(pool, &held[3]), "room that became free is not used");
	cr_assert(tally_await(&done, 4));
	pyr__pool_free(pool);
	CHECK_LEAKS();
}

Test(pool, C10_gives_a_thread_of_its_own_to_what_a_blocked_worker_waits_for)
{
	static int numbers[] = {1, 2, 2, 7};
	pyr__job held[4];
	for (int i = 0; i < 4; i++)
		held[i] = (pyr__job){.run = run_held, .done = let_go, .about = &numbers[i]};
	pyr__pool *pool = new_pool(1, 10);
	cr_assert(pyr__pool_add(pool, &held[0]));
	cr_assert(tally_await(&running, 1));
	cr_assert(pyr__pool_add(pool, &held[3])); /* nobody waits for this one */
	cr_assert_eq(pyr__pool_waiting(pool), 1);
	cr_assert(pyr__pool_add(pool, &held[1]));
	cr_assert(tally_await(&running, 2));
	cr_assert(pyr__pool_add(pool, &held[2]));
	cr_assert(tally_await(&running, 3));
	cr_assert_eq(pyr__pool_waiting(pool), 1);
	tally_add(&gate, 1);
	pyr__pool_free(pool);
	cr_assert_eq(tally_get(&done), 4);
	CHECK_LEAKS();
}

Test(pool, C10_has_no_more_than_64_threads_beside_its_workers)
{
	enum { JOBS = 70 };
	static int first = 1, second = 2;
	pyr__job held[JOBS];
	pyr__pool *pool = new_pool(1, JOBS);
	for (int i = 0; i < JOBS; i++) {
		held[i] =
			(pyr__job){.run = run_held, .done = let_go, .about = i ? &second : &first};
		cr_assert(pyr__pool_add(pool, &held[i]));
		if (i < 65)
			cr_assert(tally_await(&running, (unsigned)i + 1));
	}
	cr_assert_eq(pyr__pool_waiting(pool), JOBS - 65);
	tally_add(&gate, 1);
	pyr__pool_free(pool);
	cr_assert_eq(tally_get(&done), JOBS);
	CHECK_LEAKS();
}

Test(pool, C12_what_is_brief_waits_for_no_worker)
{
	enum { JOBS = 70 };
	pyr__job held = {.run = run_held, .done = let_go};
	pyr__pool *pool = new_pool(1, JOBS);
	cr_assert(pyr__pool_add(pool, &held));
	cr_assert(tally_await(&running, 1));
	pyr__job later = {.run = run_held, .done = let_go};
	cr_assert(pyr__pool_add(pool, &later));
	for (int i = 0; i < JOBS; i++) {
		job *j = new_job(i);
		j->job.run = let_go;
		j->job.brief = true;
		cr_assert(pyr__pool_add(pool, &j->job));
	}
	cr_assert(tally_await(&done, JOBS));
	cr_assert_eq(tally_get(&running), 1);
	cr_assert_eq(pyr__pool_waiting(pool), 1);
	tally_add(&gate, 1);
	pyr__pool_free(pool);
	cr_assert_eq(tally_get(&done), JOBS + 2);
	CHECK_LEAKS();
}

static void *stop(void *pool)
{
	pyr__pool_stop(pool);
	return NULL;
}

Test(pool, ends_what_is_queued_before_it_stops_and_takes_nothing_after)
{
	pthread_t stopper;
	pyr__job held[3], late = {.run = run_held, .done = let_go},
			  last = {.run = run_held, .done = let_go};
	pyr__pool *pool = new_pool(1, 100);
	for (int i = 0; i < 3; i++) {
		held[i] = (pyr__job){.run = run_held, .done = let_go};
		cr_assert(pyr__pool_add(pool, &held[i]));
	}
	pthread_create(&stopper, NULL, stop, pool);
	tally_add(&gate, 1);
	pthread_join(stopper, NULL);
	cr_assert_eq(tally_get(&done), 3);
	cr_assert_not(pyr__pool_add(pool, &late));
	pyr__pool_stop(pool); /* again */
	cr_assert_not(pyr__pool_add(pool, &last));
	pyr__pool_free(pool);
	cr_assert_eq(tally_get(&done), 3);
	CHECK_LEAKS();
}

Test(pool, ignores_null)
{
	pyr__pool_stop(NULL);
	pyr__pool_free(NULL);
}

/* Threads may be refused: see the link options. */
static int threads_left = -1;
int __real_pthread_create(
	pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *arg), void *arg);
int __wrap_pthread_create(
	pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *arg), void *arg);

int __wrap_pthread_create(
	pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *arg), void *arg)
{
	if (threads_left == 0)
		return EAGAIN;
	if (threads_left > 0)
		threads_left--;
	return __real_pthread_create(thread, attributes, start, arg);
}

Test(pool, says_which_worker_it_could_not_start_and_ends_the_others)
{
	pyr_error err;
	pyr__pool *pool = (pyr__pool *)&err;
	threads_left = 2;
	cr_assert_eq(pyr__pool_new(5, 10, is_chained, &pool, &err), PYR_RESOURCE_EXHAUSTED);
	cr_assert_str_eq(
		err.message, "cannot start worker 3 of 5: Resource temporarily unavailable");
	cr_assert_eq(pool, (pyr__pool *)&err, "ret_pool was touched");
	threads_left = 0;
	cr_assert_eq(pyr__pool_new(1, 10, is_chained, &pool, NULL), PYR_RESOURCE_EXHAUSTED);
	threads_left = -1;
	pyr__pool_free(new_pool(2, 1));
	CHECK_LEAKS();
}
