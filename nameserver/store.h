/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store of names, the data model of etcd: keys with revisions, leases, compare-and-set, and a
 * history that watches resume from.
 *
 * Reading is one half, changing the other.
 *
 *   read:    ns_store_lookup(), ns_cursor_next(), ns_store_event() see what is committed.
 *   change:  ns_store_register() and the like decide at once, each seeing those before it, and are
 *            *staged*. ns_store_commit() makes all that is staged durable and then visible; only
 *            then may anybody be told. If it fails, all of it is taken back. So the cost of making
 *            things durable is shared by all who asked meanwhile.
 *
 *                    register, remove, grant ...          seal       write       finish
 *        [committed] ---------------------------> [staged] ---> [sealed] ----------------->
 * [committed]
 *
 * ns_store_commit() is seal, write and finish in one. write alone may run on another thread; until
 * finish the store can be read, and leases renewed, but nothing can be staged.
 *
 * All names are kept in memory, ordered; a store with a file writes changes through to it and reads
 * it when it is opened. A lookup therefore costs no SQL, which would be several times slower than
 * the rest of a call, and both stores behave alike by construction. A name takes about 350 bytes.
 *
 * Every change of one name takes one revision of its own, and nothing else takes one. Revisions go
 * on after a restart. Leases get their full time after a restart; that they were granted, and what
 * went with those that ended, is durable.
 *
 * One thread, but for write. The store has no clock: the caller passes now_us, of a clock that
 * never goes back.
 */
#ifndef NS_STORE_H
#define NS_STORE_H

#include <pyrite/status.h>
#include "check.h"
#include "history.h"
#include "pattern.h"
#include "record.h"

#define NS_STORE_ID_SIZE 16
#define NS_OWN_NAME      "pyrite.nameserver"
#define NS_TTL_MIN_MS    100u
#define NS_TTL_MAX_MS    86400000u

typedef struct ns_store ns_store;

/* What may be kept; past a limit a change is RESOURCE_EXHAUSTED. 0 is 0, not a default. */
typedef struct ns_limits {
	uint64_t names_max;
	/*
	 * Registrations of one principal, and leases of one. Administrators are not limited by
	 * these, nor is nobody in particular (""): without authentication that is everybody.
	 */
	uint64_t names_per_principal_max;
	uint64_t leases_per_principal_max;
	uint64_t leases_max;
	uint32_t names_per_lease_max;
	uint32_t tags_per_name_max;
	uint32_t references_per_name_max; /* of all holders together */
	uint32_t history_events_max;      /* older changes are forgotten */
	size_t history_bytes_max;
} ns_limits;

#define NS_LIMITS_DEFAULT                                                                          \
	{                                                                                          \
		2000000, 10000, 10000, 1000000, 10000, 64, 256, 131072, 64u << 20                  \
	}

/* Opens and closes */

/* limits may be NULL: the default ones. A memory store is empty and has a new id. */
PYR_MUST_USE pyr_status ns_store_open_memory(
	const ns_limits *limits, ns_store **ret_store, pyr_error *err);

/*
 * Opens or makes an SQLite file. Every lease in it gets its full time from now_us on.
 * FAILED_PRECONDITION if another process has it open, it is another program's, or a newer
 * version's; DATA_LOSS if it is damaged; else as the file system says.
 */
PYR_MUST_USE pyr_status ns_store_open_sqlite(const char *path, const ns_limits *limits,
	uint64_t now_us, ns_store **ret_store, pyr_error *err);

/* What is staged and not committed is dropped. NULL is ignored. */
void ns_store_close(ns_store *store);

/* Reads */

/* The committed record, borrowed until the next finish; NULL if there is none. */
const ns_record *ns_store_lookup(const ns_store *store, const char *name);

/* Which names to walk over. A name must match every filter that is there. All is borrowed. */
typedef struct ns_filter {
	const char *prefix;  /* byte-exact; NULL or "": any */
	ns_pattern *pattern; /* NULL: any */
	const char *const *tags_all;
	size_t tags_all_count;
	const char *const *tags_any;
	size_t tags_any_count; /* 0: any */
} ns_filter;

/* A walk in byte order. It holds no pointer into the store, so the store may change under it. */
typedef struct ns_cursor {
	ns_filter filter;
	char after[NS_NAME_MAX + 1]; /* the last name that was examined; "" before the first */
	bool done;                   /* there are no more */
} ns_cursor;

#define NS_CURSOR_INIT(filter_)                                                                    \
	{                                                                                          \
		filter_, "", false                                                                 \
	}

/*
 * Moves on to the next committed record that matches: borrowed until the next finish. Examines at
 * most *budget names and lowers it; *ret_record is NULL when that did not suffice, or there are no
 * more (cursor->done). RESOURCE_EXHAUSTED for a pattern that takes too many steps.
 */
PYR_MUST_USE pyr_status ns_cursor_next(ns_store *store, ns_cursor *cursor, uint32_t *budget,
	const ns_record **ret_record, pyr_error *err);

/*
 * The change of this revision, committed, borrowed until the next finish. NULL if it lies in the
 * future or is not kept any more: see ns_store_oldest().
 */
const ns_event *ns_store_event(const ns_store *store, uint64_t revision);
uint64_t ns_store_oldest(const ns_store *store); /* revision + 1 when no change is kept */

uint64_t ns_store_revision(const ns_store *store); /* of the last committed change; 0: none ever */
const uint8_t *ns_store_id(const ns_store *store); /* NS_STORE_ID_SIZE bytes */
const char *ns_store_kind(const ns_store *store);  /* "memory" or "sqlite" */
uint64_t ns_store_names(const ns_store *store);    /* committed */
uint64_t ns_store_leases(const ns_store *store);

/* The time to live of a lease; 0 for id 0 or if there is no such lease. */
uint32_t ns_store_lease_ttl_ms(const ns_store *store, uint64_t lease_id);

/* How many names are under a lease, with what is staged; 0 if there is no such lease. */
uint64_t ns_store_lease_names(const ns_store *store, uint64_t lease_id);

/* Changes. One that fails has staged nothing. */

/* On whose behalf something is changed. */
typedef struct ns_caller {
	/*
	 * "" for nobody in particular; never NULL. What belongs to somebody only that principal and
	 * administrators change, what belongs to nobody in particular everybody does.
	 */
	const char *principal;
	bool administrator; /* may change what belongs to others */
	bool own;           /* the name server itself: may change NS_OWN_NAME */
} ns_caller;

typedef struct ns_registration {
	const char *name;
	const char *const *references; /* of one object, at least one */
	size_t reference_count;
	const char *const *tags;
	size_t tag_count;
	uint64_t lease_id; /* 0: none */
	bool replace;      /* take over from whoever holds it */
	bool replica;      /* be one of several holders */
	bool compare;      /* only if the name's mod_revision is expected_revision; 0: it is free */
	uint64_t expected_revision;
} ns_registration;

/*
 * Registers a name; *ret_revision becomes its mod_revision. Without replace, replica or compare the
 * name must be free: ALREADY_EXISTS. What the same lease holds already is registered anew, as is,
 * among replicas without leases, a holder of the same owner and references. Where that makes no
 * difference nothing changes. ABORTED when compare says so; PERMISSION_DENIED for somebody else's
 * name; NOT_FOUND for a lease that has ended.
 */
PYR_MUST_USE pyr_status ns_store_register(ns_store *store, const ns_registration *registration,
	const ns_caller *caller, uint64_t *ret_revision, pyr_error *err);

typedef struct ns_removal {
	const char *name;
	const char *reference; /* only the holders with this reference; NULL or "": any */
	uint64_t lease_id;     /* only the holder under this lease; 0: any */
	bool compare;
	uint64_t expected_revision;
} ns_removal;

/* Removes a name, or some holders of it. NOT_FOUND if there is no such name, or holder. */
PYR_MUST_USE pyr_status ns_store_remove(
	ns_store *store, const ns_removal *removal, const ns_caller *caller, pyr_error *err);

/*
 * Goes on removing the names that the cursor comes to, committed or staged, and counts them in
 * *count; leaves alone what the caller may not change. As ns_cursor_next() with budget and done.
 * The filter must be without tags. If it fails, what it removed before stays staged.
 */
PYR_MUST_USE pyr_status ns_store_remove_matching(ns_store *store, ns_cursor *cursor,
	const ns_caller *caller, uint32_t budget, uint64_t *count, pyr_error *err);

typedef struct ns_tagging {
	const char *name;
	bool replace; /* drop all tags that are not in add */
	const char *const *add;
	size_t add_count;
	const char *const *remove;
	size_t remove_count;
	bool compare;
	uint64_t expected_revision;
} ns_tagging;

/*
 * Changes tags. *ret_record is how the name will be, borrowed until the next change or finish; with
 * its old revision if nothing changed.
 */
PYR_MUST_USE pyr_status ns_store_set_tags(ns_store *store, const ns_tagging *tagging,
	const ns_caller *caller, const ns_record **ret_record, pyr_error *err);

/* A new lease. INVALID_ARGUMENT for a time to live out of NS_TTL_MIN_MS .. NS_TTL_MAX_MS. */
PYR_MUST_USE pyr_status ns_store_grant(ns_store *store, uint32_t ttl_ms, uint64_t now_us,
	const ns_caller *caller, uint64_t *ret_lease_id, pyr_error *err);

/*
 * Gives a lease its full time again, at once: nothing is staged. NOT_FOUND when it has ended, even
 * if that has not been noticed yet.
 */
PYR_MUST_USE pyr_status ns_store_renew(ns_store *store, uint64_t lease_id, uint64_t now_us,
	const ns_caller *caller, uint32_t *ret_ttl_ms, pyr_error *err);

/* Ends a lease with all that is under it; a lease that is not there is no error. */
PYR_MUST_USE pyr_status ns_store_revoke(ns_store *store, uint64_t lease_id, const ns_caller *caller,
	uint64_t *ret_count, pyr_error *err);

/*
 * Ends the leases whose time is over, with all that is under them, but no more than about
 * changes_max changes at once. Returns when to call again (at once: now_us; never: UINT64_MAX).
 */
uint64_t ns_store_expire(ns_store *store, uint64_t now_us, size_t changes_max);

/* Commits */

bool ns_store_staged(const ns_store *store); /* something is staged */

/*
 * Makes what is staged durable and visible, or takes all of it back. Nothing staged is OK, without
 * I/O. RESOURCE_EXHAUSTED: no space; UNAVAILABLE: the disk failed, and every later commit will too
 * until the store has been opened again, since nobody knows what the disk holds.
 */
PYR_MUST_USE pyr_status ns_store_commit(ns_store *store, pyr_error *err);

/* The same in three steps; finish must follow with what write returned. */
void ns_store_seal(ns_store *store);
PYR_MUST_USE pyr_status ns_store_write(ns_store *store, pyr_error *err);
void ns_store_finish(ns_store *store, pyr_status written);

#endif
