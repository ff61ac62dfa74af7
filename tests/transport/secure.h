/* SPDX-License-Identifier: Apache-2.0 */
/* What the suite's transports over TLS have in common. */
#ifndef TESTS_TRANSPORT_SECURE_H
#define TESTS_TRANSPORT_SECURE_H

#include "transport/suite.h"

/* With a certificate for 127.0.0.1 that the test run has made. */
pyr_status secure_listen(pyr_daemon *daemon, const char *endpoint, pyr_error *err);

/* Of a client that trusts it; one reference. */
pyr_credentials *secure_credentials(void);

#endif
