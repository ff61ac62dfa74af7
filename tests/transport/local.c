/* SPDX-License-Identifier: Apache-2.0 */
/* The local transport: client and daemon are in the same context. */
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

const suite_transport suite_under_test = {
	.peer = "local",
	.same_context = true,
	.listen = listen_on,
	.refer = refer,
};
