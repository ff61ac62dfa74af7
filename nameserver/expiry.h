/* SPDX-License-Identifier: Apache-2.0 */
/* Ends leases when their time is over. */
#ifndef NS_EXPIRY_H
#define NS_EXPIRY_H

#include <stdbool.h>
#include <stdint.h>

struct event;
typedef struct ns_service ns_service;

typedef struct ns_expiry {
	struct event *timer;
	uint64_t due_us; /* when the timer fires; UINT64_MAX: never */
} ns_expiry;

void ns_expiry_init(ns_service *service);
void ns_expiry_done(ns_service *service);

/* A lease has been granted that ends at this time. */
void ns_expiry_granted(ns_service *service, uint64_t ends_us);

/* Something can be staged again; failed: the last commit has come to nothing. */
void ns_expiry_committed(ns_service *service, bool failed);

#endif
