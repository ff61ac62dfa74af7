/* SPDX-License-Identifier: Apache-2.0 */
/* gRPC over a Unix socket. */
#include "transport/suite.h"

const suite_transport suite_under_test = {
	.peer = "unix:",
	.calls_one_way = true,
	.listen = suite_listen_unix,
	.refer = suite_refer_grpc,
	.differs = SUITE_GRPC_DIFFERS,
};
