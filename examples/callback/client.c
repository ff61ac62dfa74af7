/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hands the kitchen an object of its own, which is called back while this program waits for the
 * dish: once to the end, once until it says no, and once when it has gone. The calls come back on
 * the connection that this program has made: it listens nowhere.
 */
#include <pyrite/object.pb-c.h>
#include <stdio.h>
#include "callback.pyr.h"

/* The step at which the waiter says no; 0: never. */
static unsigned no_at;

static void tell(void *self, pyr_call *call, const Demo__TellRequest *request)
{
	(void)self;
	Demo__TellReply reply = DEMO__TELL_REPLY__INIT;
	printf("  step %u: %s\n", request->step, request->what);
	reply.go_on = request->step != no_at;
	demo_waiter_tell__reply(call, &reply);
}

static void order(demo_kitchen *kitchen, char *dish, Pyrite__Object *waiter)
{
	Demo__CookRequest request = DEMO__COOK_REQUEST__INIT;
	Demo__CookReply *reply;
	pyr_error err;
	request.dish = dish;
	request.waiter = waiter;
	printf("%s\n", dish);
	if (demo_kitchen_cook(kitchen, &request, &reply, &err)) {
		printf("  %s: %s\n", pyr_status_name(err.status), err.message);
		return;
	}
	printf("  done in %u steps\n", reply->steps);
	demo__cook_reply__free_unpacked(reply, NULL);
}

int main(void)
{
	static const demo_waiter_ops ops = {.tell = tell};
	Pyrite__Object *waiter;
	pyr_daemon *daemon; /* of this client, on a thread of its own: it is called while we wait */
	demo_kitchen *kitchen;
	pyr_error err;
	if (pyr_daemon_new(NULL, &daemon, &err) ||
		demo_waiter__serve(daemon, "waiter", &ops, NULL, &err) ||
		pyr_daemon_start(daemon, &err) ||
		demo_kitchen__open(NULL, "example.kitchen", NULL, &kitchen, &err) ||
		pyr_daemon_hand(daemon, demo_kitchen__proxy(kitchen), "waiter", &waiter, &err)) {
		fprintf(stderr, "%s: %s\n", pyr_status_name(err.status), err.message);
		return 1;
	}
	order(kitchen, "omelette", waiter);
	no_at = 2;
	order(kitchen, "salad", waiter);
	if (pyr_daemon_unregister(daemon, "waiter", NULL, &err))
		return 1;
	order(kitchen, "soup", waiter);
	pyrite__object__free_unpacked(waiter, NULL);
	demo_kitchen__close(kitchen);
	pyr_daemon_free(daemon);
}
