/* SPDX-License-Identifier: Apache-2.0 */
/* Counts forks, in the child. */
#include "base/fork.h"

#include <pthread.h>

atomic_uint pyr__forks;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void in_child(void)
{
	atomic_fetch_add_explicit(&pyr__forks, 1, memory_order_relaxed);
}

static void watch(void)
{
	pthread_atfork(NULL, NULL, in_child);
	atomic_store_explicit(&pyr__forks, 1, memory_order_relaxed);
}

unsigned pyr__fork_first_count(void)
{
	pthread_once(&once, watch);
	return atomic_load_explicit(&pyr__forks, memory_order_relaxed) - 1;
}

pyr_status pyr__fork_check(unsigned kept, const char *what, pyr_error *err)
{
	if (kept == pyr__fork_count())
		return PYR_OK;
	pyr_error_set(err, PYR_FAILED_PRECONDITION,
		"%s was made before a fork: make a new one in the child", what);
	if (err)
		err->executed = PYR_EXECUTED_NO;
	return PYR_FAILED_PRECONDITION;
}
