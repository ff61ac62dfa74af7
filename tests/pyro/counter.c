/* SPDX-License-Identifier: Apache-2.0 */
/* One servant in the three instance modes. */
#include <stdlib.h>
#include "compared.pyr.h"
#include "log.h"
#include "servants.h"

typedef struct counter {
	uint32_t instance, count;
	const char *kind;
} counter;

static pyr_status make(void *self, pyr_call *call, void **ret_instance, pyr_error *err)
{
	static uint32_t instances = 100;
	counter *made = calloc(1, sizeof *made);
	(void)call;
	if (!made)
		return pyr_error_set(err, PYR_RESOURCE_EXHAUSTED, "out of memory");
	made->kind = self;
	made->instance = __atomic_add_fetch(&instances, 1, __ATOMIC_RELAXED);
	log_add("made ", made->kind);
	*ret_instance = made;
	return PYR_OK;
}

static void destroy(void *self, void *instance)
{
	log_add("gone ", self);
	free(instance);
}

static void next(void *self, pyr_call *call, const Compared__Line *request)
{
	counter *c = self;
	Compared__Count reply = COMPARED__COUNT__INIT;
	(void)request;
	reply.instance = c->instance;
	reply.count = __atomic_add_fetch(&c->count, 1, __ATOMIC_RELAXED);
	compared_counter_next__reply(call, &reply);
}

pyr_status counters_serve(pyr_daemon *daemon, pyr_error *err)
{
	static const compared_counter_ops ops = {.next = next};
	static counter single = {.instance = 1, .kind = "single"};
	static char session[] = "session", percall[] = "percall";
	pyr_object_options options = PYR_OBJECT_OPTIONS_INIT;
	options.make = make;
	options.destroy = destroy;
	pyr_status status = compared_counter__serve(daemon, "single", &ops, &single, err);
	if (status == PYR_OK)
		status = compared_counter__serve(daemon, session, &ops, session, err);
	options.instances = PYR_INSTANCES_SESSION;
	if (status == PYR_OK)
		status = pyr_daemon_configure(daemon, session, NULL, &options, err);
	if (status == PYR_OK)
		status = compared_counter__serve(daemon, percall, &ops, percall, err);
	options.instances = PYR_INSTANCES_CALL;
	if (status == PYR_OK)
		status = pyr_daemon_configure(daemon, percall, NULL, &options, err);
	return status;
}
