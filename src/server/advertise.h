/* SPDX-License-Identifier: Apache-2.0 */
/* What to tell others about an endpoint that is bound to no address in particular. */
#ifndef PYR_SERVER_ADVERTISE_H
#define PYR_SERVER_ADVERTISE_H

#include <pyrite/reference.h>

/*
 * If the reference's host is a wildcard ("0.0.0.0", "::"), replaces it by the address of this
 * machine from which the name server is reached; one on a Unix socket is reached from loopback. May
 * block on a host name. UNAVAILABLE if there is no way to the name server; FAILED_PRECONDITION if
 * the endpoint cannot be reached at that address.
 */
pyr_status pyr__advertise(
	pyr_reference *reference, const pyr_reference *name_server, pyr_error *err);

#endif
