/* SPDX-License-Identifier: Apache-2.0 */
/* A call that the interceptors of its context see. */
#ifndef PYR_CLIENT_INTERCEPTOR_H
#define PYR_CLIENT_INTERCEPTOR_H

#include <pyrite/interceptor.h>
#include "client/proxy.h"

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
