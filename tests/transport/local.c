/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The local transport: client and daemon are in the same context. With ANY_THREAD a call that waits
 * for its answer runs on the thread that makes it.
 */
#include "transport/suite.h"

#include <stdio.h>

static pyr_status listen_on(pyr_daemon *daemon, pyr_error *err)
{
	(void)daemon;
	(void)err;
	return PYR_OK;
}

static pyr_status refer(pyr_daemon *daemon, const char *object, char *ret_reference, pyr_error *err)
{
	(void)daemon;
	(void)err;
	snprintf(ret_reference, PYR_REFERENCE_MAX, "local:%s", object);
	return PYR_OK;
}

#ifndef ANY_THREAD
#define ANY_THREAD false
#endif

const suite_transport suite_under_test = {
	.peer = "local",
	.same_context = true,
	.any_thread = ANY_THREAD,
	.listen = listen_on,
	.refer = refer,
};
