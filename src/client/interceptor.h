/* SPDX-License-Identifier: Apache-2.0 */
/* The interceptors of a context, and one call that they see. */
#ifndef PYR_CLIENT_INTERCEPTOR_H
#define PYR_CLIENT_INTERCEPTOR_H

#include <pyrite/interceptor.h>
#include "client/proxy.h"

/* Those that a context has had at some moment. Never changes; a longer one takes its place. */
typedef struct pyr__interceptors {
	struct pyr__interceptors *shorter; /* the one before it: calls may still go by it */
	uint32_t count;
	pyr_client_interceptor items[];
} pyr__interceptors;

void pyr__interceptors_free(pyr__interceptors *interceptors); /* with all shorter ones */

typedef struct pyr__interception pyr__interception;

/*
 * Before a call is made. *ret_interception is NULL if nobody wants to see it. A failure is what
 * becomes of the call.
 */
pyr_status pyr__intercept(const pyr_proxy *proxy, uint32_t method, int64_t deadline_us,
	pyr__interception **ret_interception, pyr_error *err);

/* Puts the call's metadata into what opens it. interception may be NULL, as below. */
void pyr__interception_head(const pyr__interception *interception, pyr__head *head);

/* The call is over; frees it. */
void pyr__interception_end(
	pyr__interception *interception, pyr_status status, const pyr_error *err);

#endif
