/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a context holds of what was lent to it: it tells the owners so, again and again, and when it
 * does not any more.
 *
 *     proxies of one object --count--> held --of one daemon--> owner --Hold, Release-->
 * pyrite.Leases
 *
 * An owner is told with one message about all that is held there, after a third of the shortest
 * lease. A message that is lost is made up for by the next, or by the end of the lease.
 */
#ifndef PYR_CLIENT_HOLDINGS_H
#define PYR_CLIENT_HOLDINGS_H

#include "client/proxy.h"

typedef struct pyr__held pyr__held;

/*
 * Holds the object that the proxy is for, as long as the proxy's target lives. wait: its daemon has
 * said so before this returns, and NOT_FOUND if the object has gone; else nothing is waited for,
 * and PYR_OK returned.
 */
pyr_status pyr__holdings_hold(pyr_proxy *proxy, uint32_t lease_ms, bool wait, pyr_error *err);

#endif
