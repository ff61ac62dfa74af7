/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watches. None has a queue: each reads the store's history at its own pace, from the revision that
 * it has come to. One that falls behind what the history keeps ends with OUT_OF_RANGE.
 *
 *                 news of its name or prefix            window shut
 *     SYNCED  ----------------------------->  READING  ------------->  BLOCKED
 *        ^                                     |    ^                     |
 *        +-------------- all read -------------+    +----- writable ------+
 */
#ifndef NS_WATCH_H
#define NS_WATCH_H

#include <pyrite/names.pyr.h>
#include "audience.h"
#include "link.h"
#include "quota.h"
#include "store.h"

struct event;
typedef struct ns_service ns_service;

typedef struct ns_watches {
	ns_audience audience;
	ns_link reading; /* those that have something to read */
	ns_quota quota;
	struct event *turn; /* goes on with those that read */
	struct event *progress;
} ns_watches;

void ns_watches_init(ns_service *service);
void ns_watches_end(ns_service *service); /* ends all of them with UNAVAILABLE */
void ns_watches_done(ns_service *service);

void ns_do_watch(void *self, pyr_call *call, const Pyrite__WatchRequest *request);

/* This change is new. */
void ns_watches_tell(ns_service *service, const ns_event *event);

/* All changes from this revision on are new, and are not kept, or there are too many to look at. */
void ns_watches_tell_all(ns_service *service, uint64_t first);

/* All news have been told. */
void ns_watches_read(ns_service *service);

#endif
