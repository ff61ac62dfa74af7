/* SPDX-License-Identifier: Apache-2.0 */
/* Serves a purse. Nothing here knows of batches: a servant sees one call after the other. */
#include <stdio.h>
#include "batchedcalls.pyr.h"

static void reply(pyr_call *call, const unsigned *coins,
	pyr_status (*with)(pyr_call *call, const Demo__PurseReply *reply))
{
	Demo__PurseReply answer = DEMO__PURSE_REPLY__INIT;
	answer.coins = *coins;
	with(call, &answer);
}

static void put(void *self, pyr_call *call, const Demo__PutRequest *request)
{
	unsigned *coins = self;
	*coins += request->coins;
	reply(call, coins, demo_purse_put__reply);
}

static void take(void *self, pyr_call *call, const Demo__TakeRequest *request)
{
	unsigned *coins = self;
	if (request->coins > *coins) {
		pyr_call_fail(call, PYR_FAILED_PRECONDITION, "there are only %u coins", *coins);
		return;
	}
	*coins -= request->coins;
	reply(call, coins, demo_purse_take__reply);
}

int main(void)
{
	static const demo_purse_ops ops = {.put = put, .take = take};
	unsigned coins = 0;
	pyr_error err;
	pyr_daemon *daemon;
	if (pyr_daemon_new(NULL, &daemon, &err) ||
		demo_purse__serve(daemon, "purse", &ops, &coins, &err) ||
		pyr_daemon_listen(daemon, "127.0.0.1:0", NULL, &err) ||
		pyr_daemon_publish(daemon, "purse", "example.purse", NULL, &err) ||
		pyr_daemon_stop_on_signals(daemon, 1000, &err) || pyr_daemon_run(daemon, &err)) {
		fprintf(stderr, "%s: %s\n", pyr_status_name(err.status), err.message);
		return 1;
	}
	pyr_daemon_free(daemon);
}
