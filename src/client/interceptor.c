/* SPDX-License-Identifier: Apache-2.0 */
/* Interceptors of calls that a context makes. */
#include "client/interceptor.h"

#include <stdlib.h>
#include "base/alloc.h"
#include "base/apart.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/metadata.h"

struct pyr__interception {
	const pyr__cow_array *interceptors;
	pyr_outgoing call;
	uint32_t begun; /* so many of them, the first ones */
	void *states[];
};

static const pyr_client_interceptor *item_at(const pyr__cow_array *interceptors, uint32_t index)
{
	return (const pyr_client_interceptor *)(const void *)interceptors->items + index;
}

pyr_status pyr_context_intercept(
	pyr_context *context, const pyr_client_interceptor *interceptor, pyr_error *err)
{
	pyr_status status = pyr__context_get(context, &context, err);
	if (status)
		return status;
	pthread_mutex_lock(&context->lock);
	pyr__cow_append(
		&context->interceptors, sizeof *interceptor, interceptor, interceptor->size);
	pthread_mutex_unlock(&context->lock);
	pyr__context_unref(context);
	return PYR_OK;
}

static pyr_status begin_all(pyr__interception *i, pyr_error *err)
{
	for (; i->begun < i->interceptors->count; i->begun++) {
		const pyr_client_interceptor *item = item_at(i->interceptors, i->begun);
		if (!item->begin)
			continue;
		pyr_status status = item->begin(item->ctx, &i->call, &i->states[i->begun], err);
		if (status)
			return status;
	}
	return PYR_OK;
}

PYR__APART static pyr_status intercept(const pyr__cow_array *interceptors, const pyr_proxy *proxy,
	uint32_t method, int64_t deadline_us, pyr__interception **ret_interception, pyr_error *err)
{
	pyr_error own;
	pyr__interception *i = pyr__zalloc(sizeof *i + interceptors->count * sizeof i->states[0]);
	i->interceptors = interceptors;
	i->call.method = pyr__target_method_name(proxy->target, method).data;
	i->call.reference = pyr__target_reference(proxy->target);
	i->call.metadata =
		proxy->metadata ? pyr__metadata_copy(proxy->metadata) : pyr_metadata_new();
	i->call.time_left_us =
		deadline_us == PYR__DEADLINE_NONE ? INT64_MAX : deadline_us - pyr__now_us();
	if (!err)
		err = &own;
	pyr__error_clear(err);
	pyr_status status = begin_all(i, err);
	if (status) {
		err->status = status;
		err->executed = PYR_EXECUTED_NO;
		pyr__interception_end(i, status, err);
	} else {
		*ret_interception = i;
	}
	return status;
}

pyr_status pyr__intercept(const pyr_proxy *proxy, uint32_t method, int64_t deadline_us,
	pyr__interception **ret_interception, pyr_error *err)
{
	pyr_context *context = pyr__target_context(proxy->target);
	const pyr__cow_array *interceptors = pyr__cow_read(&context->interceptors);
	*ret_interception = NULL;
	if (!interceptors || proxy->hidden)
		return PYR_OK;
	return intercept(interceptors, proxy, method, deadline_us, ret_interception, err);
}

void pyr__interception_head(const pyr__interception *interception, pyr__head *head)
{
	if (interception)
		head->metadata = pyr__metadata_text(interception->call.metadata);
}

void pyr__interception_end(pyr__interception *i, pyr_status status, const pyr_error *err)
{
	if (!i)
		return;
	while (i->begun > 0) {
		const pyr_client_interceptor *item = item_at(i->interceptors, --i->begun);
		if (item->end)
			item->end(item->ctx, &i->call, i->states[i->begun], status,
				status ? err : NULL);
	}
	pyr_metadata_free(i->call.metadata);
	free(i);
}
