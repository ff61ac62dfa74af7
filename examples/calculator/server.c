/* SPDX-License-Identifier: Apache-2.0 */
/* Hosts a calculator and gives it the name example.calculator. */
#include <stdio.h>
#include "calculator.pyr.h"

static void add(void *self, pyr_call *call, const Demo__AddRequest *request)
{
	Demo__AddReply reply = DEMO__ADD_REPLY__INIT;
	reply.sum = request->a + request->b;
	demo_calculator_add__reply(call, &reply);
}

int main(void)
{
	static const demo_calculator_ops ops = {.add = add};
	pyr_daemon *daemon = NULL;
	pyr_error err;
	bool failed = pyr_daemon_new(NULL, &daemon, &err) ||
		      pyr_daemon_stop_on_signals(daemon, 1000, &err) ||
		      pyr_daemon_listen(daemon, "127.0.0.1:0", NULL, &err) ||
		      demo_calculator__serve(daemon, "calc", &ops, NULL, &err) ||
		      pyr_daemon_publish(daemon, "calc", "example.calculator", NULL, &err) ||
		      pyr_daemon_run(daemon, &err);
	if (failed)
		fprintf(stderr, "%s: %s\n", pyr_status_name(err.status), err.message);
	pyr_daemon_free(daemon);
	return failed;
}
