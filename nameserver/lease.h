/* SPDX-License-Identifier: Apache-2.0 */
/* Leases: what was registered under one goes when it is not renewed in time. */
#ifndef NS_LEASE_H
#define NS_LEASE_H

#include <stdint.h>
#include "index.h"

typedef struct ns_lease {
	ns_leaf by_id;   /* key: id_text; first, so that a leaf is a lease */
	ns_leaf by_time; /* key: time_text */
	uint64_t id;
	uint64_t deadline_us;
	uint32_t ttl_ms;
	bool ended;       /* about to go: nothing may be registered under it */
	ns_index names;   /* nodes of the store that have a holder under this lease */
	char id_text[17]; /* hexadecimal */
	char time_text[33];
	char owner[];
} ns_lease;

/* All zero is an empty set. */
typedef struct ns_leases {
	ns_index by_id;
	/*
	 * By the deadline as it was when the lease was last looked at. A renewal only sets
	 * deadline_us; the order is put right when the old deadline comes up.
	 */
	ns_index by_time;
} ns_leases;

/* The lease with this id, or NULL. */
ns_lease *ns_leases_find(const ns_leases *leases, uint64_t id);

/* A new lease that ends ttl_ms after now_us; NULL if the id is taken. */
ns_lease *ns_leases_add(
	ns_leases *leases, uint64_t id, uint32_t ttl_ms, const char *owner, uint64_t now_us);

/* Its full time begins again. */
void ns_lease_renew(ns_lease *lease, uint64_t now_us);

/* Marks it as ended, so that it is never due again; restore takes that back. */
void ns_leases_end(ns_leases *leases, ns_lease *lease);
void ns_leases_restore(ns_leases *leases, ns_lease *lease);

/* Takes it out and frees it. */
void ns_leases_remove(ns_leases *leases, ns_lease *lease);

/*
 * A lease whose time is over at now_us; NULL if there is none, and then *ret_next_us is when to
 * look again (UINT64_MAX: there are no leases).
 */
ns_lease *ns_leases_due(ns_leases *leases, uint64_t now_us, uint64_t *ret_next_us);

/* Frees all of them. */
void ns_leases_clear(ns_leases *leases);

#endif
