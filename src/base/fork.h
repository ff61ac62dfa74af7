/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Noticing that the process has forked: what was made before (threads, connections, locks) is of no
 * use in the child. Keep the count with what is made, and compare it at each use.
 */
#ifndef PYR_BASE_FORK_H
#define PYR_BASE_FORK_H

#include <pyrite/status.h>

/*
 * How often this process is a child by fork() of one that had asked for the count; no system call.
 * A raw clone() goes unnoticed. Any thread.
 */
unsigned pyr__fork_count(void);

/*
 * FAILED_PRECONDITION if there has been a fork since the count was kept: `what`, "this stream", is
 * the parent's, and so are its sockets.
 */
pyr_status pyr__fork_check(unsigned kept, const char *what, pyr_error *err);

#endif
