/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting, of references and else, by whichever thread.
 *
 * An atomic operation takes about as long as twenty others, and a call has nine of them at each
 * end. Where a process has one thread only, as most clients and many daemons have, nobody is there
 * to be atomic for; glibc says so (2.32 and later), and its mutexes go by the same.
 */
#ifndef PYR_BASE_REFS_H
#define PYR_BASE_REFS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#if defined __has_include
#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#define PYR__KNOWS_THREADS
#endif
#endif

/* True while no other thread can run before this one makes it. */
static inline bool pyr__has_one_thread(void)
{
#ifdef PYR__KNOWS_THREADS
	return __libc_single_threaded;
#else
	return false;
#endif
}

/*
 * One more, for somebody who has one, or holds what keeps them from going. alone: no other thread
 * uses these references, whatever threads there are.
 */
static inline void pyr__refs_take_by(atomic_uint *refs, bool alone)
{
	if (alone)
		atomic_store_explicit(refs, atomic_load_explicit(refs, memory_order_relaxed) + 1,
			memory_order_relaxed);
	else
		atomic_fetch_add_explicit(refs, 1, memory_order_relaxed);
}

/* One less; true if it was the last, and all that others did before they gave theirs is seen. */
static inline bool pyr__refs_drop_by(atomic_uint *refs, bool alone)
{
	if (!alone)
		return atomic_fetch_sub_explicit(refs, 1, memory_order_acq_rel) == 1;
	unsigned left = atomic_load_explicit(refs, memory_order_relaxed) - 1;
	atomic_store_explicit(refs, left, memory_order_relaxed);
	return left == 0;
}

static inline void pyr__refs_take(atomic_uint *refs)
{
	pyr__refs_take_by(refs, pyr__has_one_thread());
}

static inline bool pyr__refs_drop(atomic_uint *refs)
{
	return pyr__refs_drop_by(refs, pyr__has_one_thread());
}

/* Gives one back that is not the last; false: it may be, and is still there. */
static inline bool pyr__refs_drop_if_shared(atomic_uint *refs)
{
	unsigned count = atomic_load_explicit(refs, memory_order_relaxed);
	if (pyr__has_one_thread() && count > 1) {
		atomic_store_explicit(refs, count - 1, memory_order_relaxed);
		return true;
	}
	while (count > 1)
		if (atomic_compare_exchange_weak_explicit(
			    refs, &count, count - 1, memory_order_release, memory_order_relaxed))
			return true;
	return false;
}

/* One more, unless there is none any more. Not on the usual way of a call. */
static inline bool pyr__refs_take_if_used(atomic_uint *refs)
{
	unsigned count = atomic_load_explicit(refs, memory_order_relaxed);
	while (count > 0)
		if (atomic_compare_exchange_weak_explicit(
			    refs, &count, count + 1, memory_order_relaxed, memory_order_relaxed))
			return true;
	return false;
}

/* Counts what has happened, in no order with anything else. */
static inline void pyr__count_add(atomic_uint_fast64_t *to, uint64_t count)
{
	if (pyr__has_one_thread())
		atomic_store_explicit(to, atomic_load_explicit(to, memory_order_relaxed) + count,
			memory_order_relaxed);
	else
		atomic_fetch_add_explicit(to, count, memory_order_relaxed);
}

/* Takes away what was counted before; returns how much there was until then. Ordered as refs are.
 */
static inline uint64_t pyr__count_drop(atomic_uint_fast64_t *from, uint64_t count)
{
	if (!pyr__has_one_thread())
		return atomic_fetch_sub_explicit(from, count, memory_order_acq_rel);
	uint64_t before = atomic_load_explicit(from, memory_order_relaxed);
	atomic_store_explicit(from, before - count, memory_order_relaxed);
	return before;
}

/* Sets it; true for the first who does. */
static inline bool pyr__flag_set_by(atomic_bool *flag, bool alone)
{
	if (!alone)
		return !atomic_exchange_explicit(flag, true, memory_order_acq_rel);
	bool was = atomic_load_explicit(flag, memory_order_relaxed);
	atomic_store_explicit(flag, true, memory_order_relaxed);
	return !was;
}

static inline bool pyr__flag_set(atomic_bool *flag)
{
	return pyr__flag_set_by(flag, pyr__has_one_thread());
}

#endif
