/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waits for threads that are not ours: gRPC's core ends some after everything has been given back,
 * and LeakSanitizer may crash over a thread that ends while it looks.
 */
#ifndef TESTS_THREADS_H
#define TESTS_THREADS_H

#include <poll.h>
#include <sys/stat.h>

/* How many threads this process has, plus 2. */
static inline unsigned threads_now(void)
{
	struct stat task;
	return stat("/proc/self/task", &task) == 0 ? (unsigned)task.st_nlink : 0;
}

/* Returns when there are no more than that, or after so long. */
static inline void await_threads(unsigned most, unsigned wait_ms)
{
	for (unsigned waited = 0; threads_now() > most && waited < wait_ms; waited++)
		poll(NULL, 0, 1);
}

#endif
