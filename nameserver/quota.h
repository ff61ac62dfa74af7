/* SPDX-License-Identifier: Apache-2.0 */
/* How many of something each connection has. */
#ifndef NS_QUOTA_H
#define NS_QUOTA_H

#include <stdint.h>
#include <pyrite/call.h>
#include "index.h"

typedef struct ns_quota {
	ns_index connections;
	uint32_t total;
} ns_quota;

/*
 * One more for the connection that the call came on. RESOURCE_EXHAUSTED, saying what there are too
 * many of ("watches"), past total_max or connection_max.
 */
PYR_MUST_USE pyr_status ns_quota_take(ns_quota *quota, uint64_t connection, uint32_t total_max,
	uint32_t connection_max, const char *what, pyr_error *err);
void ns_quota_give_back(ns_quota *quota, uint64_t connection);

#endif
