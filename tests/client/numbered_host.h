/* SPDX-License-Identifier: Apache-2.0 */
/* A daemon whose object tells its number, and what finds it by a name. */
#ifndef TESTS_CLIENT_NUMBERED_HOST_H
#define TESTS_CLIENT_NUMBERED_HOST_H

#include <stdatomic.h>
#include "nameserver/served.h"

/* Its interface is the name server's, which is at hand: Count says the number. */
typedef struct host {
	pyr_daemon *daemon;
	uint64_t number;
	char reference[PYR_REFERENCE_MAX];
	/* as a name server that says what it is told to */
	atomic_uint lookups;
	uint64_t revision;
	uint8_t store;
	const char *says;
} host;

void start_host(served *s, host *h, uint64_t number, const char *object);
void stop_host(host *h);

/* Registers a name for one or two (second not NULL) references. */
pyr_status add(served *s, const char *name, const char *first, const char *second, bool replica,
	bool replace);

pyrite_names *proxy_for(served *s, const char *reference);
pyr_status ask(served *s, pyrite_names *proxy, uint64_t *ret_number);

#endif
