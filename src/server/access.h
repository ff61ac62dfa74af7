/* SPDX-License-Identifier: Apache-2.0 */
/* Who may call: what a daemon's options say about callers, applied to one call. */
#ifndef PYR_SERVER_ACCESS_H
#define PYR_SERVER_ACCESS_H

#include "server/objects.h"
#include "server/rules.h"
#include "transport/transport.h"

/* Whether anybody is asked anything. */
static inline bool pyr__access_is_asked(const pyr_daemon_options *options, pyr__rules_slot *rules)
{
	return options->authenticate || options->intercept || options->admit ||
	       pyr__rules_slot_filled(rules);
}

/* Before anything of the call is looked at or run. Any failure is the answer. */
pyr_status pyr__access_check(const pyr_daemon_options *options, pyr__rules_slot *rules,
	pyr__objects *objects, pyr_call *call, pyr_error *err);

#endif
