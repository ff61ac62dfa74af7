/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goes on while its server crashes and is started again, at another port. Nothing has to be opened
 * anew: a proxy connects when it is used, and asks the name server where its object is now.
 */
#include <stdio.h>
#include "disconnects.pyr.h"

typedef struct client {
	demo_counter *counter; /* waits for the server, and tries again what may be tried */
	uint32_t server;       /* the process that has answered last */
	unsigned number;       /* the how many-th it is */
} client;

static pyr_status say(client *c, const char *what, Demo__Value *value)
{
	c->number += value->process != c->server;
	c->server = value->process;
	printf("%s: server %u answers: %llu\n", what, c->number, (unsigned long long)value->value);
	demo__value__free_unpacked(value, NULL);
	return PYR_OK;
}

static pyr_status read_value(client *c, demo_counter *counter, const char *what, uint32_t crash,
	uint64_t *ret_value, pyr_error *err)
{
	Demo__ReadRequest request = DEMO__READ_REQUEST__INIT;
	Demo__Value *value;
	request.crash = crash;
	pyr_status status = demo_counter_read(counter, &request, &value, err);
	if (status)
		return status;
	*ret_value = value->value;
	return say(c, what, value);
}

static pyr_status add(client *c, const char *what, uint32_t crash, pyr_error *err)
{
	Demo__AddRequest request = DEMO__ADD_REQUEST__INIT;
	Demo__Value *value;
	request.by = 1;
	request.crash = crash;
	pyr_status status = demo_counter_add(c->counter, &request, &value, err);
	return status ? status : say(c, what, value);
}

static void show(const char *what, const pyr_error *err)
{
	static const char *const executed[] = {"perhaps it ran", "it did not run", "it ran"};
	printf("%s: %s, %s\n", what, pyr_status_name(err->status), executed[err->executed]);
}

/* Only a client that knows what it has asked for can find out whether it was done. */
static pyr_status add_once(client *c, uint64_t before, pyr_error *err)
{
	uint64_t after;
	pyr_status status = add(c, "add", c->server, err);
	if (status == PYR_OK || err->executed == PYR_EXECUTED_YES)
		return status;
	show("add, while the server dies", err);
	if (err->executed == PYR_EXECUTED_MAYBE) {
		status = read_value(c, c->counter, "then look", 0, &after, err);
		if (status || after != before)
			return status;
	}
	return add(c, "add again", 0, err);
}

/* Who would rather be told than wait. */
static pyr_status read_impatiently(client *c, pyr_error *err)
{
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	demo_counter *impatient;
	uint64_t value;
	options.retries_max = UINT32_MAX; /* never; and wait_for_ready is off */
	pyr_status status = demo_counter__derive(c->counter, &options, &impatient, err);
	if (status)
		return status;
	if (read_value(c, impatient, "read", c->server, &value, err))
		show("read, without another try", err);
	demo_counter__close(impatient);
	return PYR_OK;
}

static pyr_status go_on(client *c, pyr_error *err)
{
	uint64_t value;
	pyr_status status = read_value(c, c->counter, "read", 0, &value, err);
	if (status == PYR_OK)
		status = read_value(
			c, c->counter, "read, while the server dies", c->server, &value, err);
	if (status == PYR_OK)
		status = add_once(c, value, err);
	if (status == PYR_OK)
		status = add(c, "add", 0, err);
	if (status == PYR_OK)
		status = read_impatiently(c, err);
	return status ? status : read_value(c, c->counter, "read", 0, &value, err);
}

int main(void)
{
	client c = {.counter = NULL};
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	pyr_error err;
	options.wait_for_ready = true; /* within the deadline: */
	options.timeout_ms = 20000;
	pyr_status status = demo_counter__open(NULL, "example.counter", &options, &c.counter, &err);
	if (status == PYR_OK) {
		status = go_on(&c, &err);
		demo_counter__close(c.counter);
	}
	if (status)
		fprintf(stderr, "%s: %s\n", pyr_status_name(err.status), err.message);
	return status != PYR_OK;
}
