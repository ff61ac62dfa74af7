/* SPDX-License-Identifier: Apache-2.0 */
/* Counts forks, in the child. */
#include "base/fork.h"

#include <pthread.h>
#include <stdatomic.h>

static atomic_uint count;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void in_child(void)
{
	atomic_fetch_add_explicit(&count, 1, memory_order_relaxed);
}

static void watch(void)
{
	pthread_atfork(NULL, NULL, in_child);
}

unsigned pyr__fork_count(void)
{
	pthread_once(&once, watch);
	return atomic_load_explicit(&count, memory_order_relaxed);
}
