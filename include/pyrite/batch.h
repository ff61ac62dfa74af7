/* SPDX-License-Identifier: Apache-2.0 */
/* Several calls of one object in one round trip. */
#ifndef PYRITE_BATCH_H
#define PYRITE_BATCH_H

#include <pyrite/proxy.h>
#include <pyrite/status.h>

PYR_BEGIN_DECLS

/*
 * Calls that are collected and then made at once: the server runs them one after the other, and
 * stops at the first that fails.
 *
 *     pyr_batch *batch = pyr_batch_new(demo_calculator__proxy(calculator));
 *     status = demo_calculator_add__batch(batch, &first, &err);
 *     status = demo_calculator_add__batch(batch, &second, &err);
 *     status = pyr_batch_run(batch, &err);
 *     status = demo_calculator_add__batched(batch, 1, &reply, &err);
 *     pyr_batch_free(batch);
 *
 * Over every transport, but only to daemons of Pyrite: UNIMPLEMENTED elsewhere. A batch is one
 * message: it and the answers together have at most the size of a message. It belongs to one thread
 * at a time.
 */
typedef struct pyr_batch pyr_batch;

/* A batch without calls, for the proxy's object and with its options; it keeps the proxy. */
PYR_API pyr_batch *pyr_batch_new(pyr_proxy *proxy);

/* NULL is ignored. Not while an asynchronous run has not been answered. */
PYR_API void pyr_batch_free(pyr_batch *batch);

/*
 * Makes the calls, once, and waits. PYR_OK if all have succeeded. Else the status of the call that
 * failed, with err.where saying which, "call 2 of 3"; those before it have succeeded, those after
 * it did not run. Or the batch as a whole has failed, as a call does, and nobody knows how far it
 * got unless err.executed says so: pyr_batch_ran() is 0 then. FAILED_PRECONDITION the second time.
 */
PYR_API PYR_MUST_USE pyr_status pyr_batch_run(pyr_batch *batch, pyr_error *err);

/*
 * The same without waiting: on_run runs once, on the context's loop, unless this returns an error.
 * The batch must live until then, and may be freed there. *ret_pending, unless ret_pending is NULL,
 * is the caller's to give back with pyr_pending_unref().
 */
typedef void (*pyr_batch_fn)(void *ctx, pyr_batch *batch, pyr_status status, const pyr_error *err);
PYR_API PYR_MUST_USE pyr_status pyr_batch_invoke(pyr_batch *batch, pyr_batch_fn on_run, void *ctx,
	pyr_pending **ret_pending, pyr_error *err);

/* How many calls were added, and how many of them have run and succeeded. */
PYR_API size_t pyr_batch_count(const pyr_batch *batch);
PYR_API size_t pyr_batch_ran(const pyr_batch *batch);

PYR_END_DECLS

#endif
