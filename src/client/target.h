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
	bool at_once;          /* finding it has taken no time */
	size_t object_size;    /* of its id, that has a NUL besides */
	char object[PYR_OBJECT_ID_MAX + 1];
} pyr__route;

/* Takes over the context's reference. INVALID_ARGUMENT for a malformed reference. */
pyr_status pyr__target_new(pyr_context *context, const pyr_interface *interface,
	const char *reference, pyr__target **ret_target, pyr_error *err);
/*
 * One that is bound to the object of the reference on this channel, and for good if that is at the
 * other end of a connection. Takes over the references of both the context and the channel.
 */
pyr__target *pyr__target_new_at(pyr_context *context, const pyr_interface *interface,
	pyr__channel *channel, const pyr_reference *reference);

/*
 * Another interface of what the guide is for: goes wherever that goes, to the same replicas, and
 * keeps it.
 */
pyr__target *pyr__target_like(pyr__target *guide, const pyr_interface *interface);

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

/*
 * The daemon at the end of the route has said that the object is there now: the target is bound to
 * that place until it fails. PERMISSION_DENIED if the context does not let it be there.
 */
pyr_status pyr__target_moved(
	pyr__target *target, const pyr__route *route, pyr__text reference, pyr_error *err);

/* How many replicas a balanced call could go to now, and how many there are; 0 without any. */
uint32_t pyr__target_good(pyr__target *target, uint32_t *ret_count);

/* True for a name whose way led nowhere and has not been found anew yet. */
bool pyr__target_is_stale(pyr__target *target);

/* True if its object may turn up elsewhere: of a name, or a daemon of this process, or one that has
 * moved before. */
bool pyr__target_may_move(pyr__target *target);

/* True if it is bound for good: there is no other way to its object. */
bool pyr__target_stays(const pyr__target *target);

pyr_context *pyr__target_context(const pyr__target *target);
const pyr_interface *pyr__target_interface(const pyr__target *target);
const char *pyr__target_reference(const pyr__target *target);

/* Another interface of an object that a target is bound to for good; NULL for any other target. */
pyr__target *pyr__target_sibling(pyr__target *target, const pyr_interface *interface);

/* Its object is held: release(arg) runs once when the target is freed. */
void pyr__target_hold(
	pyr__target *target, uint32_t lease_ms, void (*release)(void *arg), void *arg);
uint32_t pyr__target_lease_ms(const pyr__target *target); /* 0: its object is not held */

/* Where callbacks run of asynchronous calls. */
pyr__loop *pyr__target_loop(pyr__target *target);

/* "demo.Calculator/Add"; lives as long as the target. */
pyr__text pyr__target_method_name(const pyr__target *target, uint32_t method);

#endif
