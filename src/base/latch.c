/* SPDX-License-Identifier: Apache-2.0 */
/* Latches, by Linux's futex(2). */
#include "base/latch.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
	OPEN,
	SLEEPING, /* open, and somebody sleeps until it is not */
	SET,
};

void pyr__latch_init(pyr__latch *latch)
{
	atomic_init(&latch->state, OPEN);
}

void pyr__latch_set(pyr__latch *latch)
{
	if (atomic_exchange_explicit(&latch->state, SET, memory_order_acq_rel) == SLEEPING)
		/* of memory that is gone it knows nothing, or wakes somebody who looks again */
		syscall(SYS_futex, &latch->state, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

bool pyr__latch_wait(pyr__latch *latch, int64_t until_us)
{
	struct timespec until = {until_us / 1000000, until_us % 1000000 * 1000};
	unsigned state = OPEN;
	atomic_compare_exchange_strong(&latch->state, &state, SLEEPING);
	while (atomic_load_explicit(&latch->state, memory_order_acquire) != SET) {
		long failed = syscall(SYS_futex, &latch->state, FUTEX_WAIT_BITSET_PRIVATE, SLEEPING,
			until_us == INT64_MAX ? NULL : &until, NULL, FUTEX_BITSET_MATCH_ANY);
		if (failed && errno == ETIMEDOUT)
			return atomic_load_explicit(&latch->state, memory_order_acquire) == SET;
	}
	return true;
}
