/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mutexes of what every call passes through.
 *
 * They do what those of POSIX do without attributes, but inline, and while the process has one
 * thread without an atomic operation: eight instructions for taking one and giving it back, of
 * 54 that glibc's two functions take. A call that is alone has eleven such pairs. They need not be
 * destroyed, and take four bytes. ThreadSanitizer is told of them.
 */
#ifndef PYR_BASE_MUTEX_H
#define PYR_BASE_MUTEX_H

#include <stdatomic.h>
#include <stdbool.h>
#include "base/apart.h"
#include "base/refs.h"

#if defined __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#define PYR__TELL_TSAN(what) what
#else
#define PYR__TELL_TSAN(what) (void)0
#endif

enum {
	PYR__MUTEX_FREE,
	PYR__MUTEX_TAKEN,
	PYR__MUTEX_AWAITED, /* taken, and others may sleep until it is free */
};

/* All zeros is a free one. */
typedef struct pyr__mutex {
	atomic_uint state;
} pyr__mutex;

/* mutex.c: where it is taken, or was awaited */
void pyr__mutex_await(pyr__mutex *mutex);
void pyr__mutex_wake(pyr__mutex *mutex);

static inline void pyr__mutex_init(pyr__mutex *mutex)
{
	atomic_init(&mutex->state, PYR__MUTEX_FREE);
}

/* Takes it if it is free. */
static inline bool pyr__mutex_take(pyr__mutex *mutex)
{
	unsigned state = PYR__MUTEX_FREE;
	if (!pyr__has_one_thread())
		return atomic_compare_exchange_strong_explicit(&mutex->state, &state,
			PYR__MUTEX_TAKEN, memory_order_acquire, memory_order_relaxed);
	if (atomic_load_explicit(&mutex->state, memory_order_relaxed) != state)
		return false;
	atomic_store_explicit(&mutex->state, PYR__MUTEX_TAKEN, memory_order_relaxed);
	return true;
}

static inline void pyr__mutex_lock(pyr__mutex *mutex)
{
	PYR__TELL_TSAN(__tsan_mutex_pre_lock(mutex, 0));
	if (!pyr__mutex_take(mutex))
		pyr__mutex_await(mutex);
	PYR__TELL_TSAN(__tsan_mutex_post_lock(mutex, 0, 0));
}

/* True: it has been taken. */
static inline bool pyr__mutex_trylock(pyr__mutex *mutex)
{
	PYR__TELL_TSAN(__tsan_mutex_pre_lock(mutex, __tsan_mutex_try_lock));
	bool taken = pyr__mutex_take(mutex);
	PYR__TELL_TSAN(__tsan_mutex_post_lock(
		mutex, __tsan_mutex_try_lock | (taken ? 0 : __tsan_mutex_try_lock_failed), 0));
	return taken;
}

/* A thread that was made meanwhile may wait for it; with one thread nobody does. */
static inline void pyr__mutex_unlock(pyr__mutex *mutex)
{
	PYR__TELL_TSAN(__tsan_mutex_pre_unlock(mutex, 0));
	if (pyr__has_one_thread())
		atomic_store_explicit(&mutex->state, PYR__MUTEX_FREE, memory_order_relaxed);
	else if (atomic_exchange_explicit(&mutex->state, PYR__MUTEX_FREE, memory_order_release) ==
		 PYR__MUTEX_AWAITED)
		pyr__mutex_wake(mutex);
	PYR__TELL_TSAN(__tsan_mutex_post_unlock(mutex, 0));
}

#endif
