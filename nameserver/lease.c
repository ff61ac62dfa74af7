/* SPDX-License-Identifier: Apache-2.0 */
/* Leases by id and by the time when they end. */
#include "lease.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "alloc.h"

static ns_lease *lease_of_time(ns_leaf *leaf)
{
	return (ns_lease *)((char *)leaf - offsetof(ns_lease, by_time));
}

static void put_in_time(ns_leases *leases, ns_lease *lease)
{
	snprintf(lease->time_text, sizeof lease->time_text, "%016" PRIx64 "%016" PRIx64,
		lease->deadline_us, lease->id);
	ns_index_add(&leases->by_time, &lease->by_time);
}

ns_lease *ns_leases_find(const ns_leases *leases, uint64_t id)
{
	char text[17];
	snprintf(text, sizeof text, "%016" PRIx64, id);
	return (ns_lease *)ns_index_find(&leases->by_id, text);
}

ns_lease *ns_leases_add(
	ns_leases *leases, uint64_t id, uint32_t ttl_ms, const char *owner, uint64_t now_us)
{
	size_t owner_size = strlen(owner) + 1;
	ns_lease *lease = ns_zalloc(sizeof *lease + owner_size);
	lease->id = id;
	lease->ttl_ms = ttl_ms;
	memcpy(lease->owner, owner, owner_size);
	snprintf(lease->id_text, sizeof lease->id_text, "%016" PRIx64, id);
	lease->by_id.key = lease->id_text;
	lease->by_time.key = lease->time_text;
	if (!ns_index_add(&leases->by_id, &lease->by_id)) {
		free(lease);
		return NULL;
	}
	ns_lease_renew(lease, now_us);
	put_in_time(leases, lease);
	return lease;
}

void ns_lease_renew(ns_lease *lease, uint64_t now_us)
{
	lease->deadline_us = now_us + (uint64_t)lease->ttl_ms * 1000;
}

void ns_leases_end(ns_leases *leases, ns_lease *lease)
{
	lease->ended = true;
	ns_index_remove(&leases->by_time, lease->time_text);
}

void ns_leases_restore(ns_leases *leases, ns_lease *lease)
{
	lease->ended = false;
	put_in_time(leases, lease);
}

static void free_lease(ns_leaf *leaf, void *ctx)
{
	(void)ctx;
	ns_lease *lease = (ns_lease *)leaf;
	ns_index_clear(&lease->names, NULL, NULL);
	free(lease);
}

void ns_leases_remove(ns_leases *leases, ns_lease *lease)
{
	if (!lease->ended)
		ns_index_remove(&leases->by_time, lease->time_text);
	ns_index_remove(&leases->by_id, lease->id_text);
	free_lease(&lease->by_id, NULL);
}

ns_lease *ns_leases_due(ns_leases *leases, uint64_t now_us, uint64_t *ret_next_us)
{
	for (;;) {
		ns_leaf *leaf = ns_index_from(&leases->by_time, "");
		if (!leaf) {
			*ret_next_us = UINT64_MAX;
			return NULL;
		}
		ns_lease *lease = lease_of_time(leaf);
		if (lease->deadline_us <= now_us)
			return lease;
		uint64_t listed_us = 0;
		sscanf(lease->time_text, "%16" SCNx64, &listed_us);
		if (listed_us == lease->deadline_us) {
			*ret_next_us = lease->deadline_us;
			return NULL;
		}
		ns_index_remove(&leases->by_time, lease->time_text);
		put_in_time(leases, lease);
	}
}

void ns_leases_clear(ns_leases *leases)
{
	ns_index_clear(&leases->by_time, NULL, NULL);
	ns_index_clear(&leases->by_id, free_lease, NULL);
}
