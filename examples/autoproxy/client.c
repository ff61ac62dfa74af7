/* SPDX-License-Identifier: Apache-2.0 */
/* Has two things made, which come as objects, talks to them, and gives one back. */
#include <pyrite/object.pb-c.h>
#include <stdio.h>
#include <stdlib.h>
#include "autoproxy.pyr.h"

static pyr_error err;

static void check(pyr_status status)
{
	if (status == PYR_OK)
		return;
	fprintf(stderr, "%s: %s\n", pyr_status_name(status), err.message);
	exit(1);
}

/* The answer has an object in it, of which a proxy is made. */
static demo_thing *build(demo_factory *factory, char *name)
{
	demo_thing *thing;
	Demo__BuildReply *reply;
	Demo__BuildRequest request = DEMO__BUILD_REQUEST__INIT;
	request.name = name;
	check(demo_factory_build(factory, &request, &reply, &err));
	check(demo_thing__accept(demo_factory__proxy(factory), reply->thing, NULL, &thing, &err));
	demo__build_reply__free_unpacked(reply, NULL);
	return thing;
}

static void speak(demo_thing *thing, char *words)
{
	Demo__SpeakReply *reply;
	Demo__SpeakRequest request = DEMO__SPEAK_REQUEST__INIT;
	request.words = words;
	check(demo_thing_speak(thing, &request, &reply, &err));
	puts(reply->said);
	fflush(stdout); /* in its place among what the server says */
	demo__speak_reply__free_unpacked(reply, NULL);
}

static void count(demo_factory *factory)
{
	Demo__CountReply *reply;
	Demo__CountRequest request = DEMO__COUNT_REQUEST__INIT;
	check(demo_factory_count(factory, &request, &reply, &err));
	printf("things: %u\n", reply->things);
	fflush(stdout);
	demo__count_reply__free_unpacked(reply, NULL);
}

int main(void)
{
	demo_factory *factory;
	check(demo_factory__open(NULL, "example.factory", NULL, &factory, &err));
	demo_thing *robot = build(factory, "the robot"), *doll = build(factory, "the doll");
	speak(robot, "hello");
	speak(doll, "good morning");
	speak(robot, "hello again");
	count(factory);
	demo_thing__close(robot);
	count(factory);
	speak(doll, "alone now");
	demo_thing__close(doll);
	count(factory);
	demo_factory__close(factory);
}
