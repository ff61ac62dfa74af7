/* SPDX-License-Identifier: Apache-2.0 */
/* Counts prime numbers in a pool of four workers, so that one long count does not hold up others.
 */
#include <stdio.h>
#include "fanout.pyr.h"

static bool is_prime(uint32_t n)
{
	if (n < 4)
		return n > 1;
	if (n % 2 == 0)
		return false;
	for (uint32_t i = 3; (uint64_t)i * i <= n; i += 2)
		if (n % i == 0)
			return false;
	return true;
}

/* Several of these run at once: what they share would need a lock. */
static void count(void *self, pyr_call *call, const Demo__Range *range)
{
	Demo__CountReply reply = DEMO__COUNT_REPLY__INIT;
	(void)self;
	for (uint32_t n = range->from; n < range->to; n++) {
		reply.count += is_prime(n);
		/* nobody waits for it any more? then stop early */
		if (n % 1024 == 0 && pyr_call_cancelled(call))
			return;
	}
	demo_primes_count__reply(call, &reply);
}

int main(void)
{
	static const demo_primes_ops ops = {.count = count};
	pyr_daemon_options options = PYR_DAEMON_OPTIONS_INIT;
	pyr_daemon *daemon = NULL;
	pyr_error err;
	options.workers = 4;
	bool failed = pyr_daemon_new(&options, &daemon, &err) ||
		      pyr_daemon_stop_on_signals(daemon, 1000, &err) ||
		      pyr_daemon_listen(daemon, "127.0.0.1:0", NULL, &err) ||
		      demo_primes__serve(daemon, "primes", &ops, NULL, &err) ||
		      pyr_daemon_publish(daemon, "primes", "example.primes", NULL, &err) ||
		      pyr_daemon_run(daemon, &err);
	if (failed)
		fprintf(stderr, "%s: %s\n", pyr_status_name(err.status), err.message);
	pyr_daemon_free(daemon);
	return failed;
}
