/* SPDX-License-Identifier: Apache-2.0 */
/* A kitchen that calls its clients back while they wait. It has workers, since its servant waits.
 */
#include <stdio.h>
#include "callback.pyr.h"

static const char *const steps[] = {"chop", "fry", "season", "serve"};

#define STEPS (sizeof steps / sizeof steps[0])

/* Asks the client's object; false if that is not there, or says no. */
static bool may_go_on(demo_waiter *waiter, unsigned step, pyr_error *err)
{
	Demo__TellRequest request = DEMO__TELL_REQUEST__INIT;
	Demo__TellReply *reply;
	request.step = step + 1;
	request.what = (char *)steps[step];
	if (demo_waiter_tell(waiter, &request, &reply, err))
		return false;
	bool yes = reply->go_on;
	demo__tell_reply__free_unpacked(reply, NULL);
	if (!yes)
		pyr_error_set(err, PYR_ABORTED, "the waiter said no at '%s'", steps[step]);
	return yes;
}

static void cook(void *self, pyr_call *call, const Demo__CookRequest *request)
{
	(void)self;
	demo_waiter *waiter;
	pyr_error err;
	Demo__CookReply reply = DEMO__COOK_REPLY__INIT;
	if (demo_waiter__accept_from(call, request->waiter, NULL, &waiter, &err)) {
		pyr_call_fail(call, PYR_INVALID_ARGUMENT, "the waiter: %s", err.message);
		return;
	}
	while (reply.steps < STEPS && may_go_on(waiter, reply.steps, &err))
		reply.steps++;
	demo_waiter__close(waiter);
	if (reply.steps == STEPS)
		demo_kitchen_cook__reply(call, &reply);
	else
		pyr_call_fail(call, err.status, "no %s: %s", request->dish, err.message);
}

int main(void)
{
	static const demo_kitchen_ops ops = {.cook = cook};
	pyr_daemon_options options = PYR_DAEMON_OPTIONS_INIT;
	pyr_error err;
	pyr_daemon *daemon;
	options.workers = 2;
	if (pyr_daemon_new(&options, &daemon, &err) ||
		demo_kitchen__serve(daemon, "kitchen", &ops, NULL, &err) ||
		pyr_daemon_listen(daemon, "127.0.0.1:0", NULL, &err) ||
		pyr_daemon_publish(daemon, "kitchen", "example.kitchen", NULL, &err) ||
		pyr_daemon_stop_on_signals(daemon, 1000, &err) || pyr_daemon_run(daemon, &err)) {
		fprintf(stderr, "%s: %s\n", pyr_status_name(err.status), err.message);
		return 1;
	}
	pyr_daemon_free(daemon);
}
