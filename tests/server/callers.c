/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon and its callers, and what both kinds of tests do with them. */
#include "server/callers.h"

caller new_caller(const rig *r)
{
	pyr_error err;
	caller c = {.context = suite_new_context()};
	CHECK_OK(suite_suite__open(c.context, r->reference, NULL, &c.proxy, &err));
	return c;
}

void end_caller(caller *c)
{
	suite_suite__close(c->proxy);
	pyr_context_free(c->context);
	*c = (caller){NULL};
}

void rig_serve(const rig *r, const char *object, const suite_suite_ops *ops, void *self,
	bool any_thread, char *ret_reference)
{
	pyr_error err;
	pyr_object_options options = PYR_OBJECT_OPTIONS_INIT;
	options.any_thread = any_thread;
	CHECK_OK(suite_suite__serve(r->s->daemon, object, ops, self, &err));
	CHECK_OK(pyr_daemon_configure(r->s->daemon, object, NULL, &options, &err));
	suite_refer(r->s->daemon, object, ret_reference);
}

suite_suite *rig_open(
	const rig *r, const char *object, const suite_suite_ops *ops, void *self, bool any_thread)
{
	pyr_error err;
	suite_suite *proxy;
	char reference[PYR_REFERENCE_MAX];
	rig_serve(r, object, ops, self, any_thread, reference);
	CHECK_OK(suite_suite__open(r->s->context, reference, NULL, &proxy, &err));
	return proxy;
}

void rig_begin(rig *r, const suite_suite_ops *ops, void *self, bool any_thread, uint32_t workers)
{
	suite_config config = {.daemon.loops = LOOPS, .daemon.workers = workers};
	r->s = suite_begin(&config);
	rig_serve(r, "called", ops, self, any_thread, r->reference);
	for (int i = 0; i < CALLERS; i++)
		r->callers[i] = new_caller(r);
}

void rig_end(rig *r)
{
	for (int i = 0; i < CALLERS; i++)
		end_caller(&r->callers[i]);
	suite_end(r->s);
}

void call_count(const caller *c)
{
	pyr_error err;
	Suite__Nothing request = SUITE__NOTHING__INIT;
	Suite__Number *reply;
	CHECK_OK(suite_suite_count(c->proxy, &request, &reply, &err));
	suite__number__free_unpacked(reply, NULL);
}
