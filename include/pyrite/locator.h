/* SPDX-License-Identifier: Apache-2.0 */
/* Objects that are made when they are first called: more ids than there is memory for servants. */
#ifndef PYRITE_LOCATOR_H
#define PYRITE_LOCATOR_H

#include <pyrite/daemon.h>
#include <pyrite/status.h>

PYR_BEGIN_DECLS

/*
 * Makes the servants of an interface for a range of ids. Generated code adds it to a daemon, where
 * it stays: demo_account__locate(daemon, &ops, &locator, &err). Objects that are registered come
 * first; of several locators the one with the longest prefix that fits is asked.
 */
typedef struct pyr_locator {
	size_t size;        /* sizeof(pyr_locator) */
	const char *prefix; /* of the ids that it is for, "account/"; copied. NULL or "": all */
	/*
	 * Makes the servant of this id: *ret_self is what its functions get as self. Any failure is
	 * the answer to the call, NOT_FOUND for an id that there is not; the next call asks again.
	 * On the thread that is to run the servant; calls of the same id wait for it, others do
	 * not. The same servant for every id is allowed: pyr_call_object() tells which was called.
	 */
	pyr_status (*locate)(void *ctx, const char *id, void **ret_self, pyr_error *err);
	/*
	 * Gives a servant back that nobody uses: nobody has called it for idle_ms, there were more
	 * than `most`, it was taken out with pyr_daemon_unregister(), or the daemon is freed. Once
	 * for each that was made, before it is made again unless it was unregistered. On whatever
	 * thread that is; it must not block or call the daemon. May be NULL.
	 */
	void (*evict)(void *ctx, const char *id, void *self);
	void *ctx;
	uint32_t most;    /* servants kept at once, but for those that calls use; 0: 1,000 */
	uint32_t idle_ms; /* 0: 60,000 */
} pyr_locator;

#define PYR_LOCATOR_INIT                                                                           \
	{                                                                                          \
		sizeof(pyr_locator), NULL, NULL, NULL, NULL, 0, 0                                  \
	}

PYR_END_DECLS

#endif
