/* SPDX-License-Identifier: Apache-2.0 */
/* Mutexes that are taken already: sleeping by Linux's futex(2). */
#include "base/mutex.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Who has waited marks it as awaited, since others may wait, too: at worst one is woken in vain. */
void pyr__mutex_await(pyr__mutex *mutex)
{
	while (atomic_exchange_explicit(&mutex->state, PYR__MUTEX_AWAITED, memory_order_acquire) !=
		PYR__MUTEX_FREE)
		syscall(SYS_futex, &mutex->state, FUTEX_WAIT_PRIVATE, PYR__MUTEX_AWAITED, NULL,
			NULL, 0);
}

/* The mutex may be gone by now: of memory that is gone the kernel knows no sleeper. */
void pyr__mutex_wake(pyr__mutex *mutex)
{
	syscall(SYS_futex, &mutex->state, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}
