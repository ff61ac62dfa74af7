/* SPDX-License-Identifier: Apache-2.0 */
/* Interceptors of calls that a daemon answers. */
#include "server/interceptor.h"

#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "server/daemon_private.h"

void pyr__call_interceptors_free(pyr__call_interceptors *interceptors)
{
	while (interceptors) {
		pyr__call_interceptors *shorter = interceptors->shorter;
		free(interceptors);
		interceptors = shorter;
	}
}

pyr_status pyr_daemon_intercept(
	pyr_daemon *daemon, const pyr_server_interceptor *interceptor, pyr_error *err)
{
	pyr_status status = pyr__daemon_check_process(daemon, err);
	if (status)
		return status;
	pthread_mutex_lock(&daemon->lock);
	pyr__call_interceptors *shorter = atomic_load(&daemon->interceptors);
	uint32_t count = shorter ? shorter->count : 0;
	pyr__call_interceptors *longer =
		pyr__zalloc(sizeof *longer + (count + 1) * sizeof longer->items[0]);
	longer->shorter = shorter;
	longer->count = count + 1;
	if (shorter)
		memcpy(longer->items, shorter->items, count * sizeof longer->items[0]);
	size_t size =
		interceptor->size < sizeof *interceptor ? interceptor->size : sizeof *interceptor;
	memcpy(&longer->items[count], interceptor, size);
	atomic_store_explicit(&daemon->interceptors, longer, memory_order_release);
	pthread_mutex_unlock(&daemon->lock);
	return PYR_OK;
}

pyr_status pyr__call_intercept(
	const pyr__call_interceptors *interceptors, pyr_call *call, pyr_error *err)
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
		const pyr_server_interceptor *item = &interceptors->items[i->begun];
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
		const pyr_server_interceptor *item = &i->interceptors->items[--i->begun];
		if (item->end)
			item->end(item->ctx, call, i->states[i->begun], status);
	}
}
