/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Noticing that the process has forked: what was made before (threads, connections, locks) is of no
 * use in the child. Keep the count with what is made, and compare it at each use.
 */
#ifndef PYR_BASE_FORK_H
#define PYR_BASE_FORK_H

#include <stdatomic.h>
#include <pyrite/status.h>

/* 0: nobody has asked yet; else 1 more than there were forks since. */
extern atomic_uint pyr__forks;

/* As pyr__fork_count(), by who may be the first to ask. */
unsigned pyr__fork_first_count(void);

/*
 * How often this process is a child by fork() of one that had asked for the count; no system call.
 * A raw clone() goes unnoticed. Any thread.
 */
static inline unsigned pyr__fork_count(void)
{
	unsigned forks = atomic_load_explicit(&pyr__forks, memory_order_relaxed);
	return forks ? forks - 1 : pyr__fork_first_count();
}

/*
 * FAILED_PRECONDITION if there has been a fork since the count was kept: `what`, "this stream", is
 * the parent's, and so are its sockets.
 */
pyr_status pyr__fork_check(unsigned kept, const char *what, pyr_error *err);

#endif
