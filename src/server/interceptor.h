/* SPDX-License-Identifier: Apache-2.0 */
/* The interceptors of a daemon, and a call that they see. */
#ifndef PYR_SERVER_INTERCEPTOR_H
#define PYR_SERVER_INTERCEPTOR_H

#include <pyrite/interceptor.h>

/* Those that a daemon has had at some moment. Never changes; a longer one takes its place. */
typedef struct pyr__call_interceptors {
	struct pyr__call_interceptors *shorter; /* the one before it: calls may still go by it */
	uint32_t count;
	pyr_server_interceptor items[];
} pyr__call_interceptors;

void pyr__call_interceptors_free(pyr__call_interceptors *interceptors); /* with shorter ones */

/* What a call was begun with; all zero before that. */
typedef struct pyr__call_interception {
	const pyr__call_interceptors *interceptors;
	void **states; /* in the call's arena */
	uint32_t begun;
} pyr__call_interception;

/* Before the servant runs. A failure is the answer to the call. */
pyr_status pyr__call_intercept(
	const pyr__call_interceptors *interceptors, pyr_call *call, pyr_error *err);

/* The call has been answered, or is over; once. */
void pyr__call_intercepted(pyr_call *call, pyr_status status);

#endif
