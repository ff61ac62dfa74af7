/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks over many names: List, and Remove by prefix or regex. Each is done a slice at a time, and
 * the loop turns between slices, so that a great store and an expensive regex hold nobody up.
 *
 *   List    one slice makes one page
 *   Remove  slices and commits take turns until the walk is done
 */
#ifndef NS_WALK_H
#define NS_WALK_H

#include <pyrite/names.pyr.h>
#include "link.h"

struct event;
typedef struct ns_service ns_service;

typedef struct ns_walks {
	ns_link queue;       /* those that wait for their turn */
	ns_link uncommitted; /* removals that wait for a commit */
	uint32_t count;      /* of both */
	uint32_t removals;
	uint64_t spent_us; /* in this turn of the loop */
	struct event *turn;
	bool turn_comes;
} ns_walks;

void ns_walks_init(ns_service *service);
void ns_walks_end(ns_service *service); /* ends all of them with UNAVAILABLE */
void ns_walks_done(ns_service *service);

void ns_do_list(void *self, pyr_call *call, const Pyrite__ListRequest *request);

/* The request has a prefix or a regex. */
void ns_walk_remove(ns_service *service, pyr_call *call, const Pyrite__RemoveRequest *request);

/* A commit is over; err: what it failed with, or NULL. */
void ns_walks_committed(ns_service *service, const pyr_error *err);

#endif
