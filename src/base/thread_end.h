/* SPDX-License-Identifier: Apache-2.0 */
/* What a thread keeps is given back when it ends. */
#ifndef PYR_BASE_THREAD_END_H
#define PYR_BASE_THREAD_END_H

#include <stdbool.h>

/* One in each thread: static _Thread_local, with only run set. */
typedef struct pyr__thread_end {
	void (*run)(void);
	struct pyr__thread_end *next;
	bool watched;
} pyr__thread_end;

bool pyr__thread_end_begin(pyr__thread_end *end);

/* True: run() is called, once, when the calling thread ends. False: it cannot be. */
static inline bool pyr__thread_end_watch(pyr__thread_end *end)
{
	return end->watched || pyr__thread_end_begin(end);
}

#endif
