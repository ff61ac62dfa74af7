/* SPDX-License-Identifier: Apache-2.0 */
/* Interceptors of calls that a daemon answers. */
#include "server/interceptor.h"

#include <string.h>
#include "server/daemon_private.h"

static const pyr_server_interceptor *item_at(const pyr__cow_array *interceptors, uint32_t index)
{
	return (const pyr_server_interceptor *)(const void *)interceptors->items + index;
}

pyr_status pyr_daemon_intercept(
	pyr_daemon *daemon, const pyr_server_interceptor *interceptor, pyr_error *err)
{
	pyr_status status = pyr__daemon_check_process(daemon, err);
	if (status)
		return status;
	pthread_mutex_lock(&daemon->lock);
	pyr__cow_append(&daemon->interceptors, sizeof *interceptor, interceptor, interceptor->size);
	pthread_mutex_unlock(&daemon->lock);
	return PYR_OK;
}

pyr_status pyr__call_intercept(const pyr__cow_array *interceptors, pyr_call *call, pyr_error *err)
{
	pyr__call_interception *i = &call->interception;
	if (!interceptors)
		return PYR_OK;
	size_t size = interceptors->count * sizeof *i->states;
	i->states = pyr__arena_alloc(&call->arena, size);
	if (!i->states)
		return pyr_error_set(err, PYR_RESOURCE_EXHAUSTED, "out of memory");
	memset(i->states, 0, size);
	i->interceptors = interceptors;
	for (; i->begun < interceptors->count; i->begun++) {
		const pyr_server_interceptor *item = item_at(interceptors, i->begun);
		pyr_status status =
			item->begin ? item->begin(item->ctx, call, &i->states[i->begun], err)
				    : PYR_OK;
		if (status)
			return status;
	}
	return PYR_OK;
}

void pyr__call_intercepted(pyr_call *call, pyr_status status)
{
	pyr__call_interception *i = &call->interception;
	while (i->begun > 0) {
		const pyr_server_interceptor *item = item_at(i->interceptors, --i->begun);
		if (item->end)
			item->end(item->ctx, call, i->states[i->begun], status);
	}
}
