/* SPDX-License-Identifier: Apache-2.0 */
/* What a daemon counts, at one moment, as pyrite/daemon.proto has it. */
#ifndef PYR_SERVER_SNAPSHOT_H
#define PYR_SERVER_SNAPSHOT_H

#include <pyrite/daemon.pyr.h>
#include "server/statistics.h"

typedef struct pyr__snapshot_row {
	Pyrite__MethodStatistics message;
	uint64_t ended[PYR__STATUSES];
	uint64_t latency[PYR__LATENCY_SLOTS];
} pyr__snapshot_row;

typedef struct pyr__snapshot {
	Pyrite__GetStatisticsReply all; /* points into the rest */
	Pyrite__MethodStatistics **methods;
	pyr__snapshot_row *rows;
} pyr__snapshot;

/* Of methods whose names begin with prefix. The names live as long as the daemon. Any thread. */
pyr__snapshot *pyr__snapshot_take(pyr_daemon *daemon, const char *prefix);
void pyr__snapshot_free(pyr__snapshot *snapshot);

#endif
