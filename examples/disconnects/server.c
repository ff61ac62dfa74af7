/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: disconnects-server FILE
 * A counter that outlives its server: its value is in FILE. Whoever asks for it makes the server
 * crash, with status 3; a supervisor (examples/run.sh, systemd with Restart=on-failure) then starts
 * another one.
 */
#include <stdio.h>
#include <unistd.h>
#include "disconnects.pyr.h"

typedef struct counter {
	const char *path;
	uint64_t value;
} counter;

static void load(counter *c)
{
	FILE *file = fopen(c->path, "r");
	unsigned long long value;
	if (file && fscanf(file, "%llu", &value) == 1)
		c->value = value;
	if (file)
		fclose(file);
}

/* A new file in the place of the old one, so that there is a whole one at any time. */
static bool save(const counter *c)
{
	char path[4096];
	if (snprintf(path, sizeof path, "%s.new", c->path) >= (int)sizeof path)
		return false;
	FILE *file = fopen(path, "w");
	if (!file)
		return false;
	bool written = fprintf(file, "%llu\n", (unsigned long long)c->value) > 0;
	return fclose(file) == 0 && written && rename(path, c->path) == 0;
}

static Demo__Value value_of(const counter *c)
{
	Demo__Value value = DEMO__VALUE__INIT;
	value.value = c->value;
	value.process = (uint32_t)getpid();
	return value;
}

static void crash_if(uint32_t process)
{
	if (process == (uint32_t)getpid())
		_exit(3);
}

static void read_value(void *self, pyr_call *call, const Demo__ReadRequest *request)
{
	crash_if(request->crash);
	Demo__Value reply = value_of(self);
	demo_counter_read__reply(call, &reply);
}

static void add(void *self, pyr_call *call, const Demo__AddRequest *request)
{
	counter *c = self;
	c->value += request->by;
	if (!save(c)) {
		c->value -= request->by;
		pyr_call_fail(call, PYR_INTERNAL, "%s cannot be written", c->path);
		return;
	}
	crash_if(request->crash); /* the worst moment: it is done, and nobody is told */
	Demo__Value reply = value_of(c);
	demo_counter_add__reply(call, &reply);
}

int main(int argc, char **argv)
{
	static const demo_counter_ops ops = {.read = read_value, .add = add};
	static counter c;
	pyr_publish_options options = PYR_PUBLISH_OPTIONS_INIT;
	pyr_daemon *daemon = NULL;
	pyr_error err;
	if (argc != 2)
		return fprintf(stderr, "usage: disconnects-server FILE\n"), 2;
	c.path = argv[1];
	load(&c);
	/* a server that has crashed leaves its name behind for some seconds: take it over */
	options.replace = true;
	bool failed = pyr_daemon_new(NULL, &daemon, &err) ||
		      pyr_daemon_stop_on_signals(daemon, 1000, &err) ||
		      pyr_daemon_listen(daemon, "127.0.0.1:0", NULL, &err) ||
		      demo_counter__serve(daemon, "counter", &ops, &c, &err) ||
		      pyr_daemon_publish(daemon, "counter", "example.counter", &options, &err) ||
		      pyr_daemon_run(daemon, &err);
	if (failed)
		fprintf(stderr, "%s: %s\n", pyr_status_name(err.status), err.message);
	pyr_daemon_free(daemon);
	return failed;
}
