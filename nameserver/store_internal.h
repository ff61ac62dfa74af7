/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a store, shared by the files that are called store_*. */
#ifndef NS_STORE_INTERNAL_H
#define NS_STORE_INTERNAL_H

#include "store_backend.h"

/* A name. It is there while it has a record, committed or staged. */
typedef struct ns_node {
	ns_leaf leaf;          /* in store->nodes, tags' and leases' indexes; key: name */
	const ns_record *live; /* committed, what readers see; NULL: not there */
	const ns_record *head; /* with what is staged, what changes see; NULL: not there */
	size_t staged;         /* changes that are */
	char name[];
} ns_node;

/* A tag, there while a committed record carries it. */
typedef struct ns_tag {
	ns_leaf leaf;
	ns_index nodes;
	char name[];
} ns_tag;

/* A principal with its staged holdings; nobody in particular ("") has none. */
typedef struct ns_principal {
	ns_leaf leaf;
	uint64_t names; /* registrations */
	uint64_t leases;
	char name[];
} ns_principal;

struct ns_store {
	const ns_backend_ops *ops;
	void *backend;
	ns_limits limits;
	uint8_t id[NS_STORE_ID_SIZE];

	ns_index nodes;
	ns_index tags;
	ns_index principals;
	ns_leases leases;
	uint64_t live_names, head_names;
	uint64_t revision, head_revision;
	ns_history history;

	ns_change *changes; /* staged, in order; holds one reference of each record */
	ns_node **nodes_of; /* of each change; NULL: it is of a lease */
	size_t change_count, change_room;
	bool sealed;
};

ns_node *ns_find_node(const ns_store *store, const char *name); /* NULL if there is none */
ns_node *ns_make_node(ns_store *store, const char *name);       /* finds it or makes it */

/* Stages that the node has this record, with revisions and version filled in; NULL: none. */
void ns_stage_record(ns_store *store, ns_node *node, const ns_record *draft);

/* Stages that the lease was granted or ended. */
void ns_stage_lease(ns_store *store, ns_change_kind kind, ns_lease *lease);

/* What the principal has; a static one of zeros if it has nothing. */
const ns_principal *ns_find_principal(const ns_store *store, const char *name);

/* Stages the node without the holders that `goes` says yes to; returns how many those are. */
size_t ns_stage_without(ns_store *store, ns_node *node,
	bool (*goes)(const ns_holder *holder, const void *ctx), const void *ctx);

/* The lease, unless it has ended: NOT_FOUND; or it is somebody else's: PERMISSION_DENIED. */
pyr_status ns_usable_lease(const ns_store *store, uint64_t id, const ns_caller *caller,
	ns_lease **ret_lease, pyr_error *err);

/* Whether the caller may change what belongs to owner. */
bool ns_owner_allows(const char *owner, const ns_caller *caller);

/* PERMISSION_DENIED if some holder belongs to somebody else; record may be NULL. */
pyr_status ns_may_change(const ns_record *record, const ns_caller *caller, pyr_error *err);

/* PERMISSION_DENIED for the name server's own name. */
pyr_status ns_check_own(const char *name, const ns_caller *caller, pyr_error *err);

/* ABORTED, or ALREADY_EXISTS for 0, unless head (may be NULL) is at this revision. */
pyr_status ns_check_revision(
	const char *name, const ns_record *head, uint64_t expected_revision, pyr_error *err);

pyr_status ns_check_tags(const char *const *tags, size_t count, pyr_error *err);
pyr_status ns_check_tag_limit(const ns_store *store, const ns_record *draft, pyr_error *err);
bool ns_same_tags(const ns_record *a, const ns_record *b);

#endif
