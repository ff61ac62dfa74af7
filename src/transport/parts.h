/* SPDX-License-Identifier: Apache-2.0 */
/* What opens a call and what ends it: the same on every transport. */
#ifndef PYR_TRANSPORT_PARTS_H
#define PYR_TRANSPORT_PARTS_H

#include <stdbool.h>
#include <stdint.h>
#include <pyrite/status.h>
#include "base/text.h"

#define PYR__TIMEOUT_NONE UINT64_MAX

/* What opens a call. */
typedef struct pyr__head {
	pyr__text method; /* "demo.Calculator/Add" */
	/*
	 * Sending: identifies the method, so that its name is sent once per connection and as a
	 * number from then on; NULL: the name is sent each time.
	 */
	const void *method_key;
	/*
	 * Receiving: where the owner may keep what it found out about an interned method, NULL at
	 * first; method_slot itself is NULL when the method was not interned.
	 */
	void **method_slot;
	pyr__text object;
	uint64_t timeout_us;   /* what is left of the caller's time; PYR__TIMEOUT_NONE */
	int64_t now_us;        /* sending: when that was so; 0: not known */
	pyr__text correlation; /* see base/correlation.h; empty: none */
	pyr__text metadata;    /* as base/metadata.h encodes it; checked when received */
	bool oneway;           /* nothing is sent back, whatever happens */
	bool wait_for_ready;   /* sending: rather wait, within the time, than fail to connect */
} pyr__head;

/* What ends a call. */
typedef struct pyr__final {
	pyr_status status;
	pyr_executed executed; /* receiving: MAYBE unless it is known */
	pyr__text message;     /* cut at PYR_ERROR_MESSAGE_MAX when sent */
	pyr__text where;
	pyr__text details;
	pyr__text metadata;
	pyr__text moved; /* a reference: the object is there now, and nothing was run here */
} pyr__final;

#endif
