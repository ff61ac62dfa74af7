/* SPDX-License-Identifier: Apache-2.0 */
/* The native transport over a Unix socket whose bytes go through shared memory, from the first. */
#include "transport/suite.h"

const suite_transport suite_under_test = {
	.peer = "unix:",
	.listen = suite_listen_unix,
	.refer = suite_refer_first,
};
