/* SPDX-License-Identifier: Apache-2.0 */
/* Where a proxy's calls go: shared by a proxy and all that are derived from it. */
#ifndef PYR_CLIENT_TARGET_H
#define PYR_CLIENT_TARGET_H

#include <pyrite/stub.h>
#include "client/replicas.h"

typedef struct pyr__target pyr__target;

/* A way to an object, good for one try of one call. */
typedef struct pyr__route {
	pyr__channel *channel; /* with a reference */
	pyr__replica *replica; /* with a reference; NULL: the calls are not balanced */
	char object[PYR_OBJECT_ID_MAX + 1];
} pyr__route;

/* Takes over the context's reference. INVALID_ARGUMENT for a malformed reference. */
pyr_status pyr__target_new(pyr_context *context, const pyr_interface *interface,
	const char *reference, pyr__target **ret_target, pyr_error *err);
pyr__target *pyr__target_ref(pyr__target *target);
void pyr__target_unref(pyr__target *target);

/*
 * The way to take now. A name may have to be looked up first, which blocks; wait false:
 * FAILED_PRECONDITION in that case. Give it back with pyr__target_release().
 */
pyr_status pyr__target_route(pyr__target *target, pyr_balance balance, bool wait,
	int64_t deadline_us, pyr__route *ret_route, pyr_error *err);

/*
 * The same for a route that is not known yet, without blocking: routed runs once on the context's
 * loop with the route, or with an error, unless an error is returned.
 */
typedef void (*pyr__routed_fn)(
	void *ctx, pyr_status status, const pyr__route *route, const pyr_error *err);
pyr_status pyr__target_route_async(pyr__target *target, pyr_balance balance, int64_t deadline_us,
	pyr__routed_fn routed, void *ctx, pyr_error *err);

void pyr__target_release(pyr__target *target, pyr__route *route);

/*
 * A call on the route has failed with err. If that says that there is nobody, or no such object, a
 * name is looked up again before the next call.
 */
void pyr__target_failed(pyr__target *target, const pyr__route *route, const pyr_error *err);

/* How many replicas a balanced call could go to now, and how many there are; 0 without any. */
uint32_t pyr__target_good(pyr__target *target, uint32_t *ret_count);

/* True for a name whose way led nowhere and has not been found anew yet. */
bool pyr__target_is_stale(pyr__target *target);

/* True if its object may turn up elsewhere: of a name, or a daemon of this process. */
bool pyr__target_may_move(const pyr__target *target);

pyr_context *pyr__target_context(const pyr__target *target);
const pyr_interface *pyr__target_interface(const pyr__target *target);
const char *pyr__target_reference(const pyr__target *target);

/*
 * Binds a new target of the same reference to the place that the other one is bound to, so that
 * sessions stay one session; when that place fails, the name is looked up as ever.
 */
void pyr__target_follow(pyr__target *target, pyr__target *other);

/* "demo.Calculator/Add"; lives as long as the target. */
pyr__text pyr__target_method_name(const pyr__target *target, uint32_t method);

#endif
