/* SPDX-License-Identifier: Apache-2.0 */
/* What the server hosts. */
#ifndef PYRITE_TESTS_PYRO_SERVANTS_H
#define PYRITE_TESTS_PYRO_SERVANTS_H

#include <pyrite/daemon.h>

/* As "thing". */
pyr_status thing_serve(pyr_daemon *daemon, pyr_error *err);

/* As "single", "session" and "percall". */
pyr_status counters_serve(pyr_daemon *daemon, pyr_error *err);

#endif
