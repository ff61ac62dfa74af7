/* SPDX-License-Identifier: Apache-2.0 */
/* What makes one kind of store different from another: where changes are kept. */
#ifndef NS_STORE_BACKEND_H
#define NS_STORE_BACKEND_H

#include "lease.h"
#include "store.h"

typedef enum ns_change_kind {
	NS_NAME_CHANGED,
	NS_LEASE_GRANTED,
	NS_LEASE_ENDED,
} ns_change_kind;

/* One staged change. */
typedef struct ns_change {
	ns_change_kind kind;
	const ns_record *before; /* of a name: NULL when it was free */
	const ns_record *after;  /* of a name: NULL when it is free now */
	ns_lease *lease;         /* of a lease */
} ns_change;

typedef struct ns_backend_ops {
	const char *kind;

	/*
	 * Makes the changes, in order, and the revision durable: all of them or none. May run on
	 * another thread than the store's, never on two at once. NULL: nothing to do.
	 */
	pyr_status (*write)(void *backend, const ns_change *changes, size_t count,
		uint64_t revision, pyr_error *err);

	/* Frees the backend; may be NULL. */
	void (*close)(void *backend);
} ns_backend_ops;

/*
 * An empty store over a backend, which it owns from now on, at a revision. Afterwards a backend
 * that has kept something gives it to ns_store_load_lease() and then ns_store_load_record().
 */
ns_store *ns_store_new(const ns_backend_ops *ops, void *backend, const uint8_t *id,
	uint64_t revision, const ns_limits *limits);

/* DATA_LOSS for what no store can have written. Limits do not apply to what is there already. */
PYR_MUST_USE pyr_status ns_store_load_lease(ns_store *store, uint64_t id, uint32_t ttl_ms,
	const char *owner, uint64_t now_us, pyr_error *err);
PYR_MUST_USE pyr_status ns_store_load_record(
	ns_store *store, const ns_record *draft, pyr_error *err);

/* Fills size bytes with random ones. */
void ns_random(void *bytes, size_t size);

#endif
