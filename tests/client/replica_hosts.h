/* SPDX-License-Identifier: Apache-2.0 */
/* Several daemons that serve the conformance suite's object under one name. */
#ifndef TESTS_CLIENT_REPLICA_HOSTS_H
#define TESTS_CLIENT_REPLICA_HOSTS_H

#include <stdatomic.h>
#include "nameserver/served.h"
#include "transport/caller.h"
#include "transport/servant.h"

#define HOSTS 3

/* A daemon of a context of its own, so that it is reached through sockets. */
typedef struct host {
	pyr_context *context;
	pyr_daemon *daemon; /* NULL: stopped */
	servant servant;
	char endpoint[128];
	char reference[PYR_REFERENCE_MAX];
	tally release; /* of a loop that hangs */
	atomic_bool hangs;
} host;

void host_start(served *s, host *h);
void host_stop(host *h, uint32_t grace_ms); /* may be stopped already */
void host_name(served *s, const host *h);   /* one more replica */
void hosts_start(served *s, host *hosts);   /* all of them, named */
void hosts_stop(host *hosts);

suite_suite *open_balanced(served *s, pyr_balance balance);

void count_times(served *s, suite_suite *proxy, unsigned times);
unsigned counted(host *h);

/* What an asynchronous Count calls: adds one to the tally that ctx is. */
void add_ended(void *ctx, pyr_status status, const Suite__Number *reply, const pyr_error *err);

#endif
