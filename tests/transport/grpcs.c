/* SPDX-License-Identifier: Apache-2.0 */
/* gRPC over TLS. */
#include "transport/secure.h"

static pyr_status listen_on(pyr_daemon *daemon, pyr_error *err)
{
	return secure_listen(daemon, "grpcs:127.0.0.1:0", err);
}

const suite_transport suite_under_test = {
	.peer = "127.0.0.1:",
	.ends_unseen = true,
	.calls_one_way = true,
	.listen = listen_on,
	.refer = suite_refer_first,
	.credentials = secure_credentials,
	.resets_late = true,
	.differs = SUITE_GRPC_DIFFERS,
};
