/* SPDX-License-Identifier: Apache-2.0 */
/* What is to be done when a thread ends. */
#include "base/thread_end.h"

#include <criterion/criterion.h>
#include <pthread.h>

static int first_runs, second_runs;
static bool good;

static void run_first(void)
{
	first_runs++;
}

static _Thread_local pyr__thread_end first = {.run = run_first};

/* Keeps something again, once, as memory does that is freed by another key's destructor. */
static void run_second(void)
{
	if (second_runs++ == 0)
		good &= pyr__thread_end_watch(&first);
}

static _Thread_local pyr__thread_end second = {.run = run_second};

static void *watch_both(void *arg)
{
	int runs = first_runs + second_runs;
	good = pyr__thread_end_watch(&second) && pyr__thread_end_watch(&first) &&
	       pyr__thread_end_watch(&first);
	good &= runs == first_runs + second_runs; /* not yet */
	return arg;
}

static void run_thread(void)
{
	pthread_t thread;
	cr_assert_eq(pthread_create(&thread, NULL, watch_both, NULL), 0);
	pthread_join(thread, NULL);
	cr_assert(good);
}

Test(thread_end, runs_what_the_thread_asked_for)
{
	run_thread();
	cr_assert_eq(second_runs, 1);
	cr_assert_eq(first_runs, 2, "once, and once for what began while it ended");
}

Test(thread_end, is_each_threads_own)
{
	second_runs = 1; /* nothing begins again */
	run_thread();
	cr_assert_eq(first_runs, 1);
	run_thread();
	cr_assert_eq(first_runs, 2);
	cr_assert_eq(second_runs, 3);
}
