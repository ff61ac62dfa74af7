/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Oneway calls in a pool. Those of one connection run one after the other, in the order in which
 * they came: each is a lane, and only what is at its front is the pool's.
 *
 *     lane   call -> call -> call        the pool
 *            runs    wait                some worker
 *
 * Nobody waits for a oneway call, so none is held up but those behind it.
 */
#ifndef PYR_SERVER_ONEWAYS_H
#define PYR_SERVER_ONEWAYS_H

#include "server/call.h"

/*
 * Runs the call, whose job is filled in but for `done`, when it is its turn; takes over a reference
 * to it, unless it returns false: there is no room for it. The thread of the connection's loop.
 */
bool pyr__oneway_add(pyr_call *call, pyr__pool *pool, uint32_t waiting_max);

#endif
