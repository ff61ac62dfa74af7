/* SPDX-License-Identifier: Apache-2.0 */
/* What a store does with leases: grant, renew, revoke, expire. */
#include "store_internal.h"

#include <string.h>

pyr_status ns_usable_lease(const ns_store *store, uint64_t id, const ns_caller *caller,
	ns_lease **ret_lease, pyr_error *err)
{
	ns_lease *lease = ns_leases_find(&store->leases, id);
	if (!lease || lease->ended)
		return pyr_error_set(
			err, PYR_NOT_FOUND, "lease %llu has ended", (unsigned long long)id);
	if (!ns_owner_allows(lease->owner, caller))
		return pyr_error_set(err, PYR_PERMISSION_DENIED, "lease %llu belongs to \"%s\"",
			(unsigned long long)id, lease->owner);
	*ret_lease = lease;
	return PYR_OK;
}

/* Random, so that a lease of another life of the store, or a guess, is nobody's. */
static ns_lease *add_lease(
	ns_store *store, uint32_t ttl_ms, uint64_t now_us, const ns_caller *caller)
{
	for (;;) {
		uint64_t id;
		ns_random(&id, sizeof id);
		ns_lease *lease = id == 0 ? NULL
					  : ns_leases_add(&store->leases, id, ttl_ms,
						    caller->principal, now_us);
		if (lease)
			return lease;
	}
}

pyr_status ns_store_grant(ns_store *store, uint32_t ttl_ms, uint64_t now_us,
	const ns_caller *caller, uint64_t *ret_lease_id, pyr_error *err)
{
	if (ttl_ms < NS_TTL_MIN_MS || ttl_ms > NS_TTL_MAX_MS)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT, "a lease lives %u to %u ms, not %u",
			NS_TTL_MIN_MS, NS_TTL_MAX_MS, ttl_ms);
	pyr_status status = ns_check_principal(caller->principal, err);
	if (status)
		return status;
	if (store->leases.by_id.count >= store->limits.leases_max)
		return pyr_error_set(err, PYR_RESOURCE_EXHAUSTED, "there are %llu leases already",
			(unsigned long long)store->limits.leases_max);
	if (ns_find_principal(store, caller->principal)->leases >=
			store->limits.leases_per_principal_max &&
		*caller->principal && !caller->administrator)
		return pyr_error_set(err, PYR_RESOURCE_EXHAUSTED, "\"%s\" has %llu leases already",
			caller->principal,
			(unsigned long long)store->limits.leases_per_principal_max);
	ns_lease *lease = add_lease(store, ttl_ms, now_us, caller);
	ns_stage_lease(store, NS_LEASE_GRANTED, lease);
	*ret_lease_id = lease->id;
	return PYR_OK;
}

pyr_status ns_store_renew(ns_store *store, uint64_t lease_id, uint64_t now_us,
	const ns_caller *caller, uint32_t *ret_ttl_ms, pyr_error *err)
{
	ns_lease *lease;
	pyr_status status = ns_usable_lease(store, lease_id, caller, &lease, err);
	if (status)
		return status;
	if (lease->deadline_us <= now_us)
		return pyr_error_set(
			err, PYR_NOT_FOUND, "lease %llu has ended", (unsigned long long)lease_id);
	ns_lease_renew(lease, now_us);
	*ret_ttl_ms = lease->ttl_ms;
	return PYR_OK;
}

static bool under_lease(const ns_holder *holder, const void *id)
{
	return holder->lease_id == *(const uint64_t *)id;
}

/* Returns how many names lose a holder. */
static uint64_t end_lease(ns_store *store, ns_lease *lease)
{
	uint64_t count = 0;
	ns_leaf *leaf;
	/* staging the change takes the name out of the lease's index */
	while ((leaf = ns_index_from(&lease->names, "")) != NULL) {
		ns_stage_without(store, (ns_node *)leaf, under_lease, &lease->id);
		count++;
	}
	ns_stage_lease(store, NS_LEASE_ENDED, lease);
	return count;
}

pyr_status ns_store_revoke(ns_store *store, uint64_t lease_id, const ns_caller *caller,
	uint64_t *ret_count, pyr_error *err)
{
	ns_lease *lease;
	pyr_status status = ns_usable_lease(store, lease_id, caller, &lease, err);
	if (status == PYR_OK)
		*ret_count = end_lease(store, lease);
	else if (status == PYR_NOT_FOUND)
		*ret_count = 0;
	return status == PYR_NOT_FOUND ? PYR_OK : status;
}

uint64_t ns_store_expire(ns_store *store, uint64_t now_us, size_t changes_max)
{
	uint64_t next_us;
	ns_lease *lease;
	while ((lease = ns_leases_due(&store->leases, now_us, &next_us)) != NULL) {
		if (store->change_count >= changes_max)
			return now_us;
		end_lease(store, lease);
	}
	return next_us;
}

uint64_t ns_store_leases(const ns_store *store)
{
	return store->leases.by_id.count;
}

uint32_t ns_store_lease_ttl_ms(const ns_store *store, uint64_t lease_id)
{
	const ns_lease *lease = lease_id ? ns_leases_find(&store->leases, lease_id) : NULL;
	return lease ? lease->ttl_ms : 0;
}

uint64_t ns_store_lease_names(const ns_store *store, uint64_t lease_id)
{
	const ns_lease *lease = lease_id ? ns_leases_find(&store->leases, lease_id) : NULL;
	return lease ? lease->names.count : 0;
}
