/* SPDX-License-Identifier: Apache-2.0 */
/* gRPC over TCP, on the port that speaks the native protocol as well. */
#include "transport/suite.h"

static pyr_status listen_on(pyr_daemon *daemon, pyr_error *err)
{
	return pyr_daemon_listen(daemon, "127.0.0.1:0", NULL, err);
}

const suite_transport suite_under_test = {
	.peer = "127.0.0.1:",
	.calls_one_way = true,
	.listen = listen_on,
	.refer = suite_refer_grpc,
	.resets_late = true,
	.differs = SUITE_GRPC_DIFFERS,
};
