/* SPDX-License-Identifier: Apache-2.0 */
/* A call that the interceptors of its daemon see. */
#ifndef PYR_SERVER_INTERCEPTOR_H
#define PYR_SERVER_INTERCEPTOR_H

#include <pyrite/interceptor.h>
#include "base/cow_array.h"

/* What a call was begun with; all zero before that. */
typedef struct pyr__call_interception {
	const pyr__cow_array *interceptors;
	void **states; /* in the call's arena */
	uint32_t begun;
} pyr__call_interception;

/* Before the servant runs. A failure is the answer to the call. */
pyr_status pyr__call_intercept(const pyr__cow_array *interceptors, pyr_call *call, pyr_error *err);

/* The call has been answered, or is over; once. */
void pyr__call_intercepted(pyr_call *call, pyr_status status);

#endif
