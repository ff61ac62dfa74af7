/* SPDX-License-Identifier: Apache-2.0 */
/* The object that is told who holds what was lent: proto/pyrite/leases.proto. */
#include <pyrite/leases.pyr.h>
#include "server/callbacks.h"
#include "server/daemon_private.h"

#define OBJECTS_MAX 1000

/* False, and the call answered, if the request is none. */
static bool read_holder(pyr_call *call, const ProtobufCBinaryData *id, uint64_t sequence,
	size_t count, pyr__holder *ret_holder)
{
	if (id->len != PYR__HOLDER_ID_SIZE || count > OBJECTS_MAX) {
		pyr_call_fail(call, PYR_INVALID_ARGUMENT,
			"a holder's id has %d bytes, this one has %zu; and at most %d objects are "
			"asked for at once, not %zu",
			PYR__HOLDER_ID_SIZE, id->len, OBJECTS_MAX, count);
		return false;
	}
	*ret_holder = (pyr__holder){
		.id = id->data,
		.sequence = sequence,
		.connection = pyr_call_connection(call),
	};
	return true;
}

/* Where this program has made the connection, only what was handed to its other end. */
static bool may_hold(const pyr_call *call, const char *id)
{
	return !call->callbacks || pyr__callbacks_has(call->callbacks, id);
}

static void hold(void *self, pyr_call *call, const Pyrite__HoldRequest *request)
{
	pyr_daemon *daemon = self;
	pyr__holder holder;
	char *gone[OBJECTS_MAX];
	Pyrite__HoldReply reply = PYRITE__HOLD_REPLY__INIT;
	if (!read_holder(call, &request->holder, request->sequence, request->n_objects, &holder))
		return;
	reply.gone = gone;
	for (size_t i = 0; i < request->n_objects; i++) {
		char *id = request->objects[i];
		uint32_t lease_ms =
			may_hold(call, id) ? pyr__lending_hold(&daemon->lending, id, &holder) : 0;
		if (lease_ms == 0)
			gone[reply.n_gone++] = id;
		else if (reply.lease_ms == 0 || lease_ms < reply.lease_ms)
			reply.lease_ms = lease_ms;
	}
	pyrite_leases_hold__reply(call, &reply);
}

static void release(void *self, pyr_call *call, const Pyrite__ReleaseRequest *request)
{
	pyr_daemon *daemon = self;
	pyr__holder holder;
	if (!read_holder(call, &request->holder, request->sequence, request->n_objects, &holder))
		return;
	for (size_t i = 0; i < request->n_objects; i++)
		if (may_hold(call, request->objects[i]))
			pyr__lending_release(&daemon->lending, request->objects[i], &holder);
}

void pyr__leases_add(pyr_daemon *daemon)
{
	static const pyrite_leases_ops ops = {.hold = hold, .release = release};
	pyr__objects_add_own(&daemon->objects, &pyrite_leases__interface, &ops, daemon);
}
