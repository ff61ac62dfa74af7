/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that ask for a stream that outlives its connection: see transport/resume.h.
 *
 * One that carries on a stream which is not known, and has taken nothing, begins it if its first
 * call surely never arrived: it says how old that is, and the daemon knows whether it is itself so
 * old, and has forgotten no stream since. If that first call arrives after all, its token is known,
 * and it is refused.
 */
#ifndef PYR_SERVER_RESUME_H
#define PYR_SERVER_RESUME_H

#include "server/call.h"

/* Whether the call asks for it, or for more of it. */
bool pyr__resume_is_asked(pyr_call *call);

/* As that, and it is for more: nothing that blocks is run for it. */
bool pyr__resume_is_again(pyr_call *call);

/* As that, and it is the first call: it begins even if its connection is lost meanwhile. */
bool pyr__resume_is_begun(pyr_call *call);

/*
 * Takes a call that asks, and may. *ret_stream is what a servant is to be run for: the call itself
 * if the daemon keeps nothing for it, the stream's call, with one reference, or NULL if that runs
 * already. A failure is the answer to the call.
 */
pyr_status pyr__resume_enter(pyr_call *call, pyr_call **ret_stream, pyr_error *err);

#endif
