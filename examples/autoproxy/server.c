/* SPDX-License-Identifier: Apache-2.0 */
/* A factory whose products are objects: each goes when its last proxy is closed. */
#include <pyrite/object.pb-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "autoproxy.pyr.h"

/* All servants run on the daemon's loop, one after the other: no lock is needed. */
static uint32_t things;

typedef struct thing {
	unsigned spoken;
	char name[64];
} thing;

static void speak(void *self, pyr_call *call, const Demo__SpeakRequest *request)
{
	thing *t = self;
	char said[256];
	Demo__SpeakReply reply = DEMO__SPEAK_REPLY__INIT;
	snprintf(said, sizeof said, "%s says, for the %u. time: %s", t->name, ++t->spoken,
		request->words);
	reply.said = said;
	demo_thing_speak__reply(call, &reply);
}

static const demo_thing_ops thing_ops = {.speak = speak};

/* Nobody has a proxy of it any more. */
static void scrap(void *self)
{
	thing *t = self;
	printf("scrapped: %s\n", t->name);
	fflush(stdout);
	free(t);
	things--;
}

static void build(void *self, pyr_call *call, const Demo__BuildRequest *request)
{
	(void)self;
	pyr_error err;
	Demo__BuildReply reply = DEMO__BUILD_REPLY__INIT;
	pyr_lend_options options = PYR_LEND_OPTIONS_INIT;
	thing *t = calloc(1, sizeof *t);
	snprintf(t->name, sizeof t->name, "%s", request->name);
	options.release = scrap;
	if (demo_thing__lend(call, &thing_ops, t, &options, &reply.thing, &err)) {
		free(t);
		pyr_call_fail_error(call, &err, NULL, 0);
		return;
	}
	things++;
	demo_factory_build__reply(call, &reply);
}

static void count(void *self, pyr_call *call, const Demo__CountRequest *request)
{
	(void)self;
	(void)request;
	Demo__CountReply reply = DEMO__COUNT_REPLY__INIT;
	reply.things = things;
	demo_factory_count__reply(call, &reply);
}

int main(void)
{
	static const demo_factory_ops ops = {.build = build, .count = count};
	pyr_error err;
	pyr_daemon *daemon;
	if (pyr_daemon_new(NULL, &daemon, &err) ||
		demo_factory__serve(daemon, "factory", &ops, NULL, &err) ||
		pyr_daemon_listen(daemon, "127.0.0.1:0", NULL, &err) ||
		pyr_daemon_publish(daemon, "factory", "example.factory", NULL, &err) ||
		pyr_daemon_stop_on_signals(daemon, 1000, &err) || pyr_daemon_run(daemon, &err)) {
		fprintf(stderr, "%s: %s\n", pyr_status_name(err.status), err.message);
		return 1;
	}
	pyr_daemon_free(daemon);
}
