/* SPDX-License-Identifier: Apache-2.0 */
/* The native transport over TCP. With ANY_THREAD objects run where their calls come in. */
#include "transport/suite.h"

static pyr_status listen_on(pyr_daemon *daemon, pyr_error *err)
{
	return pyr_daemon_listen(daemon, "127.0.0.1:0", NULL, err);
}

#ifndef ANY_THREAD
#define ANY_THREAD false
#endif

const suite_transport suite_under_test = {
	.peer = "127.0.0.1:",
	.any_thread = ANY_THREAD,
	.listen = listen_on,
	.refer = suite_refer_first,
};
