/* SPDX-License-Identifier: Apache-2.0 */
/* Objects that have moved. */
#include "server/forwards.h"

#include <pyrite/batch.pyr.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/error.h"
#include "base/log.h"
#include "base/metadata.h"
#include "client/proxy.h"
#include "server/daemon_private.h"

#define FORWARDS_MAX 1000000

typedef struct forward {
	char *reference;
	char id[];
} forward;

static void free_forward(forward *f)
{
	free(f->reference);
	free(f);
}

void pyr__forwards_init(pyr__forwards *forwards)
{
	atomic_init(&forwards->count, 0);
	pthread_mutex_init(&forwards->lock, NULL);
	pyr__map_init(&forwards->by_id);
}

void pyr__forwards_done(pyr__forwards *forwards)
{
	for (uint32_t i = 0; i < forwards->by_id.count; i++)
		free_forward(forwards->by_id.entries[i].value);
	pyr__map_done(&forwards->by_id);
	pthread_mutex_destroy(&forwards->lock);
}

static pyr_status check_place(const char *reference, pyr_error *err)
{
	pyr_reference place;
	pyr_status status = pyr_reference_parse(reference, &place, err);
	if (status)
		return status;
	switch (place.scheme) {
	case PYR_SCHEME_PYR:
	case PYR_SCHEME_PYRS:
	case PYR_SCHEME_GRPC:
	case PYR_SCHEME_GRPCS:
		return PYR_OK;
	default:
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"'%.300s' says no place that an object can have moved to", reference);
	}
}

static forward *new_forward(const char *id, const char *reference)
{
	size_t size = strlen(id) + 1;
	forward *f = pyr__alloc(sizeof *f + size);
	f->reference = pyr__strdup(reference);
	memcpy(f->id, id, size);
	return f;
}

pyr_status pyr__forwards_set(
	pyr__forwards *forwards, const char *id, const char *reference, pyr_error *err)
{
	pyr_status status = check_place(reference, err);
	if (status)
		return status;
	forward *fresh = new_forward(id, reference);
	pthread_mutex_lock(&forwards->lock);
	forward *old = pyr__map_remove(&forwards->by_id, id, strlen(id));
	if (forwards->by_id.count < FORWARDS_MAX)
		pyr__map_insert(&forwards->by_id, fresh->id, strlen(fresh->id), fresh);
	else
		status = pyr_error_set(err, PYR_RESOURCE_EXHAUSTED,
			"%d objects are forwarded already, the most of a daemon", FORWARDS_MAX);
	atomic_store(&forwards->count, forwards->by_id.count);
	pthread_mutex_unlock(&forwards->lock);
	if (old)
		free_forward(old);
	if (status)
		free_forward(fresh);
	return status;
}

bool pyr__forwards_remove(pyr__forwards *forwards, const char *id)
{
	if (!pyr__forwards_any(forwards))
		return false;
	pthread_mutex_lock(&forwards->lock);
	forward *old = pyr__map_remove(&forwards->by_id, id, strlen(id));
	atomic_store(&forwards->count, forwards->by_id.count);
	pthread_mutex_unlock(&forwards->lock);
	if (old)
		free_forward(old);
	return old != NULL;
}

bool pyr__forwards_find(
	pyr__forwards *forwards, pyr__text id, char ret_reference[PYR_REFERENCE_MAX])
{
	if (atomic_load_explicit(&forwards->count, memory_order_relaxed) == 0)
		return false;
	pthread_mutex_lock(&forwards->lock);
	const forward *f = pyr__map_find(&forwards->by_id, id.data, id.size);
	if (f)
		pyr__copy_text(
			ret_reference, PYR_REFERENCE_MAX, f->reference, strlen(f->reference));
	pthread_mutex_unlock(&forwards->lock);
	return f != NULL;
}

/* What every daemon has is asked of this one, but a batch is for the object that it is sent to. */
static bool is_for_daemon(const pyr_call *call)
{
	return call->bound && call->bound->interface != &pyrite_batch__interface &&
	       pyr__objects_is_own(&call->daemon->objects, call->bound->interface);
}

bool pyr__forward_of(const pyr_call *call, char ret_reference[PYR_REFERENCE_MAX])
{
	return pyr__forwards_find(&call->daemon->forwards, call->object_id, ret_reference) &&
	       !is_for_daemon(call);
}

/* Counts this time; false if that has been often enough. */
static bool count_passing(pyr_metadata *metadata)
{
	const char *key, *value;
	unsigned passed = 0;
	for (size_t i = 0; pyr_metadata_at(metadata, i, &key, &value, NULL); i++)
		passed += strcmp(key, PYR__METADATA_PASSED_ON) == 0;
	return passed < PYR__MOVES_MAX && pyr__metadata_add_reserved(metadata,
						  PYR__METADATA_PASSED_ON, "1", 1, NULL) == PYR_OK;
}

static void send_on(pyr_call *call, const char *reference, const pyr_metadata *metadata)
{
	pyr_reference place;
	pyr__channel *channel;
	pyr_context *context = call->daemon->context;
	if (pyr_reference_parse(reference, &place, NULL) ||
		pyr__context_channel(context, &place, &channel, NULL))
		return;
	int64_t left_us = pyr_call_time_left_us(call);
	pyr__message *message = pyr__incall_take(&call->incall);
	pyr__head head = {
		.method = call->method_name,
		.object = {place.target, strlen(place.target)},
		.timeout_us = left_us == INT64_MAX ? PYR__TIMEOUT_NONE : (uint64_t)left_us,
		.correlation = call->correlation,
		.metadata = pyr__metadata_text(metadata),
		.oneway = true,
	};
	static const uint8_t nothing[1];
	pyr__body body = {.raw = nothing};
	if (message && message->payload.size) {
		body.raw = message->payload.data;
		body.size = message->payload.size;
	}
	pyr_status status = pyr__channel_start(channel, NULL, &head, &body, true, NULL);
	(void)status;
	if (message)
		pyr__incall_release(&call->incall, message);
	pyr__context_release(context, channel);
}

/* Who sends it hears nothing, so what becomes of it there nobody is told either. */
static void pass_on(pyr_call *call, const char *reference)
{
	pyr_metadata *metadata = pyr_metadata_new();
	pyr__metadata_load(metadata, call->metadata_block);
	if (count_passing(metadata))
		send_on(call, reference, metadata);
	else
		PYR__LOG_OF_PEER(PYR_LOG_WARNING,
			"a oneway call of '%s' was passed on %d times already, and is dropped: "
			"do forwards go in circles?",
			call->object_id.data, PYR__MOVES_MAX);
	pyr_metadata_free(metadata);
}

void pyr__forward_call(pyr_call *call, const char *reference)
{
	if (call->oneway || call->incall.silent)
		pass_on(call, reference);
	pyr__call_moved(call, reference);
}
