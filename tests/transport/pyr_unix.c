/* SPDX-License-Identifier: Apache-2.0 */
/* The native transport over a Unix socket, in the abstract namespace: no file is left behind. */
#include "transport/suite.h"

#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

static pyr_status listen_on(pyr_daemon *daemon, pyr_error *err)
{
	static atomic_int daemons;
	char endpoint[64];
	snprintf(endpoint, sizeof endpoint, "unix:@pyrite-suite-%ld-%d", (long)getpid(),
		atomic_fetch_add(&daemons, 1));
	return pyr_daemon_listen(daemon, endpoint, NULL, err);
}

static pyr_status refer(pyr_daemon *daemon, const char *object, char *ret_reference, pyr_error *err)
{
	return pyr_daemon_reference(daemon, object, 0, ret_reference, PYR_REFERENCE_MAX, err);
}

const suite_transport suite_under_test = {
	.peer = "unix:",
	.listen = listen_on,
	.refer = refer,
};
