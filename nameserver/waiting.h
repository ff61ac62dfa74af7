/* SPDX-License-Identifier: Apache-2.0 */
/* Lookup, at once or when the name or the revision that it waits for comes. */
#ifndef NS_WAITING_H
#define NS_WAITING_H

#include <pyrite/names.pyr.h>
#include "index.h"
#include "link.h"
#include "quota.h"

typedef struct ns_service ns_service;

typedef struct ns_waiting {
	ns_index names;    /* groups of lookups that wait for the same name */
	ns_link revisions; /* lookups that wait for the store to get so far */
	ns_quota quota;
} ns_waiting;

void ns_waiting_init(ns_service *service);

/* Ends all of them with UNAVAILABLE. */
void ns_waiting_end(ns_service *service);

void ns_do_lookup(void *self, pyr_call *call, const Pyrite__LookupRequest *request);

/* The name has been changed, or (NULL) any may have been. */
void ns_waiting_tell(ns_service *service, const char *name);

/* The store has got on. */
void ns_waiting_revision(ns_service *service);

#endif
