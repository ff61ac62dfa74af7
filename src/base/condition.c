/* SPDX-License-Identifier: Apache-2.0 */
/* Condition variables, by Linux's futex(2). */
#include "base/condition.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* What was told between the unlocking and the sleeping has changed the number, and so is seen. */
void pyr__condition_wait(pyr__condition *condition, pyr__mutex *mutex, int64_t until_us)
{
	struct timespec until = {until_us / 1000000, until_us % 1000000 * 1000};
	unsigned seen = atomic_load_explicit(&condition->changes, memory_order_relaxed);
	condition->waiting++;
	pyr__mutex_unlock(mutex);
	syscall(SYS_futex, &condition->changes, FUTEX_WAIT_BITSET_PRIVATE, seen,
		until_us == INT64_MAX ? NULL : &until, NULL, FUTEX_BITSET_MATCH_ANY);
	pyr__mutex_lock(mutex);
	condition->waiting--;
}

void pyr__condition_tell(pyr__condition *condition)
{
	if (!condition->waiting)
		return;
	atomic_fetch_add_explicit(&condition->changes, 1, memory_order_relaxed);
	syscall(SYS_futex, &condition->changes, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}
