/* SPDX-License-Identifier: Apache-2.0 */
/* The one key whose destructor runs all that a thread has asked for. */
#include "base/thread_end.h"

#include <pthread.h>
#include <stddef.h>
#include "base/apart.h"

static _Thread_local pyr__thread_end *first;

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool has_key;

/* What runs may begin to keep something again: the key is set again then, and this runs again. */
static void run_all(void *unused)
{
	(void)unused;
	while (first) {
		pyr__thread_end *end = first;
		first = end->next;
		end->watched = false;
		end->run();
	}
}

static void make_key(void)
{
	has_key = pthread_key_create(&key, run_all) == 0;
}

PYR__APART bool pyr__thread_end_begin(pyr__thread_end *end)
{
	pthread_once(&once, make_key);
	if (!has_key || pthread_setspecific(key, end) != 0)
		return false;
	end->watched = true;
	end->next = first;
	first = end;
	return true;
}
