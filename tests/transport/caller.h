/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of the servant whose answers are of no interest. */
#ifndef TESTS_TRANSPORT_CALLER_H
#define TESTS_TRANSPORT_CALLER_H

#include "transport/servant.h"

/* Echo has nothing in it; Count is idempotent, Echo is not. */
pyr_status suite_echo(suite_suite *proxy, pyr_error *err);
pyr_status suite_count(suite_suite *proxy, pyr_error *err);

#endif
