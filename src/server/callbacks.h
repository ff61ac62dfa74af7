/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A daemon as the host of calls that come back on a connection which its program has made: the peer
 * may call the objects that were handed to it there, and no others.
 *
 *     the program's context                          its daemon
 *     channel, conn --open, work--> callbacks --posts--> dispatcher, on the daemon's loop
 */
#ifndef PYR_SERVER_CALLBACKS_H
#define PYR_SERVER_CALLBACKS_H

#include <pyrite/daemon.h>
#include "transport/transport.h"

typedef struct pyr__callbacks pyr__callbacks;

/*
 * Those of the daemon for a channel of the context, made if need be. They keep both until the
 * daemon is freed. FAILED_PRECONDITION if the channel's peer cannot call back, or calls another
 * daemon already.
 */
pyr_status pyr__callbacks_of(pyr_daemon *daemon, pyr_context *context, pyr__channel *channel,
	pyr__callbacks **ret_callbacks, pyr_error *err);

/* What a daemon tells everybody about itself, under any id, is not for the peer of a client. */
bool pyr__callbacks_hide(pyr__text method);

/* The peer may call the object with this id from now on. */
void pyr__callbacks_hand(pyr__callbacks *callbacks, const char *id);

bool pyr__callbacks_has(pyr__callbacks *callbacks, const char *id);

/* The object has gone for good: no peer may call it. */
void pyr__callbacks_forget(pyr_daemon *daemon, const char *id);

/* No new calls; those that run see a cancel. All of the daemon's. */
void pyr__callbacks_close_all(pyr_daemon *daemon);

/* The daemon goes: nothing is posted to its loop when this returns, or later. */
void pyr__callbacks_detach_all(pyr_daemon *daemon);

#endif
