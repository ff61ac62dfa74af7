/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The name server's servant: puts a store behind the interface pyrite.Names in a daemon. An
 * ordinary servant in an ordinary daemon, whose loop it uses for its timers.
 *
 *   Register, Remove ... --> change --staged--> commit --durable--> answers; waiting, watch: news
 *   Lookup               --> the store, or waiting, until there is news
 *   List, Remove prefix  --> walk, a slice at a time
 *   Watch                --> watch: the store's history, as fast as the client takes it
 *
 * All of it happens on the daemon's loop, but for the write of an SQLite store.
 */
#ifndef NS_SERVICE_H
#define NS_SERVICE_H

#include <pyrite/daemon.h>
#include "store.h"
#include "tokens.h"

typedef struct ns_service ns_service;

/* What clients may make the service keep; past a limit: RESOURCE_EXHAUSTED. 0 means the default. */
typedef struct ns_service_options {
	uint32_t watches_max;                /* 20,000 */
	uint32_t watches_per_connection_max; /* 16,384 */
	uint32_t waiting_max;                /* lookups that wait; 20,000 */
	uint32_t waiting_per_connection_max; /* 4,096 */
	uint32_t changes_max;                /* that wait for a commit; 100,000 */
	uint32_t walks_max;                  /* lists and removals that wait for a turn; 10,000 */
	uint32_t removals_max;               /* by prefix or regex, at once; 64 */
	/*
	 * Whose token is whose, for administrators; borrowed as long as the service lives. With it
	 * nobody changes anything who has not proved who they are: UNAUTHENTICATED. NULL: "" may.
	 */
	const ns_tokens *tokens;
	/* How often a watch without events is told the revision; 10,000 ms */
	uint32_t progress_ms;
} ns_service_options;

/*
 * Serves the object "pyrite.nameserver" in the daemon, which must listen already, must have no
 * workers and must not run yet, and registers that very name for it. Owns the store from then on;
 * on failure the store stays the caller's. options may be NULL.
 */
PYR_MUST_USE pyr_status ns_service_new(pyr_daemon *daemon, ns_store *store,
	const ns_service_options *options, ns_service **ret_service, pyr_error *err);

/*
 * Ends all that would wait for long, so that the daemon can stop without waiting for it: watches,
 * waiting lookups, walks. UNAVAILABLE to their callers. Loop thread only.
 */
void ns_service_stop(ns_service *service);

/* Once the daemon has stopped, and before it is freed. NULL is ignored. */
void ns_service_free(ns_service *service);

#endif
