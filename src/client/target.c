/* SPDX-License-Identifier: Apache-2.0 */
/* Where a proxy's calls go. */
#include "client/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/apart.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/mutex.h"
#include "base/refs.h"

#define RENEWAL_TIMEOUT_US 5000000

/* How often a name is asked for while one of its replicas does not answer. */
#define SEARCH_EVERY_US 1000000

struct pyr__target {
	atomic_uint refs;
	pyr_context *context;
	const pyr_interface *interface;
	char *text;
	pyr_reference reference;
	pyr__text *method_names;
	pyr__target
		*guide; /* NULL, or whose routes are taken: then what the lock guards is unused */
	uint32_t lease_ms; /* of what is held; 0: nothing is */
	void (*release)(void *arg);
	void *held;

	pyr__mutex lock;         /* guards what follows */
	pyr__route route;        /* channel NULL: not bound */
	bool stale;              /* the route has failed */
	bool moved;              /* the object was forwarded to where the route leads */
	pyr_reference bound;     /* what the route was made from */
	int64_t bound_us;        /* when that was last known to be right */
	bool renewing;           /* it is being asked for */
	pyr__replicas *replicas; /* NULL until a call is balanced */
	int64_t places_us;       /* when they were last learned; 0: not yet */
};

static pyr__target *guide_of(pyr__target *target)
{
	return target->guide ? target->guide : target;
}

static void set_object(pyr__route *route, const char *id)
{
	route->object_size = (size_t)snprintf(route->object, sizeof route->object, "%s", id);
}

static void make_method_names(pyr__target *target)
{
	const pyr_interface *interface = target->interface;
	size_t prefix = strlen(interface->name) + 1, total = 0;
	for (uint32_t i = 0; i < interface->method_count; i++)
		total += prefix + strlen(interface->methods[i].name) + 1;
	target->method_names =
		pyr__alloc(interface->method_count * sizeof *target->method_names + total);
	char *at = (char *)(target->method_names + interface->method_count);
	for (uint32_t i = 0; i < interface->method_count; i++) {
		int size = sprintf(at, "%s/%s", interface->name, interface->methods[i].name);
		target->method_names[i] = (pyr__text){at, (size_t)size};
		at += size + 1;
	}
}

static pyr__target *make_target(pyr_context *context, const pyr_interface *interface,
	const char *text, const pyr_reference *reference)
{
	pyr__target *target = pyr__zalloc(sizeof *target);
	atomic_init(&target->refs, 1);
	target->context = context;
	target->interface = interface;
	target->text = pyr__strdup(text);
	target->reference = *reference;
	pyr__mutex_init(&target->lock);
	make_method_names(target);
	return target;
}

pyr_status pyr__target_new(pyr_context *context, const pyr_interface *interface,
	const char *reference, pyr__target **ret_target, pyr_error *err)
{
	pyr_reference parsed;
	pyr_status status = pyr_reference_parse(reference, &parsed, err);
	if (status)
		return status;
	if (parsed.scheme == PYR_SCHEME_PEER)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"'%.300s' says where an object is to the receiver of a message only: see "
			"pyrite/object.h",
			reference);
	*ret_target = make_target(context, interface, reference, &parsed);
	return PYR_OK;
}

pyr__target *pyr__target_new_at(pyr_context *context, const pyr_interface *interface,
	pyr__channel *channel, const pyr_reference *reference)
{
	char text[PYR_REFERENCE_MAX] = "";
	pyr_status status = pyr_reference_format(reference, text, sizeof text, NULL);
	(void)status; /* it has been parsed */
	pyr__target *target = make_target(context, interface, text, reference);
	target->route.channel = channel;
	target->bound = *reference;
	set_object(&target->route, reference->target);
	return target;
}

pyr__target *pyr__target_sibling(pyr__target *target, const pyr_interface *interface)
{
	if (!pyr__target_stays(target))
		return NULL;
	pyr__refs_take(&target->context->refs);
	return pyr__target_new_at(target->context, interface,
		pyr__channel_ref(target->route.channel), &target->reference);
}

pyr__target *pyr__target_like(pyr__target *guide, const pyr_interface *interface)
{
	guide = guide_of(guide);
	pyr__refs_take(&guide->context->refs);
	pyr__target *target =
		make_target(guide->context, interface, guide->text, &guide->reference);
	target->guide = pyr__target_ref(guide);
	return target;
}

pyr__target *pyr__target_ref(pyr__target *target)
{
	pyr__refs_take(&target->refs);
	return target;
}

void pyr__target_unref(pyr__target *target)
{
	if (!target || !pyr__refs_drop(&target->refs))
		return;
	if (target->release)
		target->release(target->held);
	pyr__context_release(target->context, target->route.channel);
	if (target->replicas)
		pyr__replicas_leave(target->replicas);
	pyr__target_unref(target->guide);
	pyr__context_unref(target->context);
	free(target->method_names);
	free(target->text);
	free(target);
}

static bool is_name(const pyr__target *target)
{
	return target->reference.scheme == PYR_SCHEME_NAME ||
	       target->reference.scheme == PYR_SCHEME_TAG;
}

/* What a name stands for; lock not held, since it may take a while. */
static pyr_status find(pyr__target *target, bool wait, const pyr_reference *failed,
	int64_t deadline_us, pyr_reference *ret_reference, pyr_error *err)
{
	pyr__finder *finder = pyr__context_finder(target->context);
	if (!wait)
		return pyr_error_set(err, PYR_FAILED_PRECONDITION,
			"the name '%s' has not been looked up yet, which would block the loop: "
			"call pyr_proxy_connect() first, or from another thread",
			target->reference.target);
	return finder->find(finder, &target->reference, deadline_us, failed, ret_reference, err);
}

/* Takes the way to this reference from now on. */
static pyr_status bind_to(
	pyr__target *target, const pyr_reference *reference, pyr__route *ret_route, pyr_error *err)
{
	pyr__route found = {.replica = NULL};
	pyr_status status = pyr__context_channel(target->context, reference, &found.channel, err);
	if (status)
		return status;
	set_object(&found, reference->target);
	pyr__mutex_lock(&target->lock);
	pyr__channel *old = target->route.channel;
	target->route = found;
	target->bound = *reference;
	target->bound_us = pyr__now_us();
	target->stale = target->moved = false;
	pyr__channel_ref(found.channel);
	pyr__mutex_unlock(&target->lock);
	pyr__context_release(target->context, old);
	*ret_route = found;
	return PYR_OK;
}

PYR__APART static pyr_status rebind(pyr__target *target, bool wait, const pyr_reference *failed,
	int64_t deadline_us, pyr__route *ret_route, pyr_error *err)
{
	pyr_reference reference = target->reference;
	pyr_status status = PYR_OK;
	if (is_name(target))
		status = find(target, wait, failed, deadline_us, &reference, err);
	if (status == PYR_OK)
		status = bind_to(target, &reference, ret_route, err);
	if (status && err)
		err->executed = PYR_EXECUTED_NO; /* whatever became of the lookup */
	return status;
}

/* Lock held. Copies as much of the object's id as there is. */
static void take_route(const pyr__target *target, pyr__route *ret_route)
{
	const pyr__route *route = &target->route;
	ret_route->channel = pyr__channel_ref(route->channel);
	ret_route->replica = NULL;
	ret_route->at_once = true;
	ret_route->object_size = route->object_size;
	memcpy(ret_route->object, route->object, route->object_size + 1);
}

/* Lock held. A daemon of this process that has gone is noticed before a call is lost. */
static bool is_bound(const pyr__target *target)
{
	const pyr__channel *channel = target->route.channel;
	return channel && !target->stale &&
	       (channel->scheme != PYR_SCHEME_LOCAL || pyr__local_channel_serves(channel));
}

/* Replicas */

static pyr__replicas *get_replicas(pyr__target *target)
{
	pyr__mutex_lock(&target->lock);
	if (!target->replicas)
		target->replicas = pyr__replicas_new(target->context, target->interface->name);
	pyr__replicas *replicas = target->replicas;
	pyr__mutex_unlock(&target->lock);
	return replicas;
}

static void add_place(void *ctx, const char *reference, uint32_t holder)
{
	pyr__replicas_add(ctx, reference, holder);
}

/* The name has just been asked for, and one of its places is this. */
static void learn_places(
	pyr__target *target, pyr__replicas *replicas, const pyr_reference *reference)
{
	char text[PYR_REFERENCE_MAX];
	pyr__finder *finder = pyr__context_finder(target->context);
	pyr__replicas_begin_update(replicas);
	finder->each_place(finder, &target->reference, add_place, replicas);
	if (!pyr__replicas_any_named(replicas) && /* it has been forgotten since */
		pyr_reference_format(reference, text, sizeof text, NULL) == PYR_OK)
		pyr__replicas_add(replicas, text, 0);
	pyr__replicas_end_update(replicas);
	pyr__mutex_lock(&target->lock);
	target->places_us = pyr__now_us();
	pyr__mutex_unlock(&target->lock);
}

static pyr_status choose_replica(pyr__target *target, pyr__replicas *replicas, pyr_balance balance,
	pyr__route *ret_route, pyr_error *err)
{
	pyr__channel *channel;
	pyr__route route;
	route.at_once = false;
	route.replica = pyr__replicas_choose(replicas, balance, &channel, route.object);
	if (!route.replica) {
		pyr_status status = pyr_error_set(err, PYR_UNAVAILABLE,
			"none of the references of '%s' can be followed", target->text);
		if (err)
			err->executed = PYR_EXECUTED_NO;
		return status;
	}
	route.channel = channel;
	route.object_size = strlen(route.object);
	pyr__mutex_lock(&target->lock);
	target->stale = false;
	pyr__mutex_unlock(&target->lock);
	*ret_route = route;
	return PYR_OK;
}

/* Names that move while all goes well */

static void end_renewal(pyr__target *target, bool gone)
{
	pyr__mutex_lock(&target->lock);
	target->renewing = false;
	target->bound_us = target->places_us = pyr__now_us();
	if (gone)
		target->places_us = 0;
	target->stale |= gone;
	pyr__mutex_unlock(&target->lock);
}

static void on_renewed(
	void *ctx, pyr_status status, const pyr_reference *reference, const pyr_error *err)
{
	(void)err;
	pyr__target *target = ctx;
	pyr__finder *finder = pyr__context_finder(target->context);
	pyr__mutex_lock(&target->lock);
	pyr_reference bound = target->bound;
	bool stays = target->route.channel != NULL;
	pyr__replicas *replicas = target->replicas;
	pyr__mutex_unlock(&target->lock);
	if (status == PYR_OK && replicas)
		learn_places(target, replicas, reference);
	/* one of several replicas is not left for another one */
	if (status == PYR_OK && stays && !finder->leads_to(finder, &target->reference, &bound)) {
		pyr__route route;
		if (bind_to(target, reference, &route, NULL) == PYR_OK)
			pyr__target_release(target, &route);
	}
	end_renewal(target, status == PYR_NOT_FOUND);
	pyr__target_unref(target);
}

static void begin_renewal(pyr__target *target)
{
	pyr__finder *finder = pyr__context_finder(target->context);
	pyr_status status =
		finder->find_async(finder, &target->reference, pyr__now_us() + RENEWAL_TIMEOUT_US,
			NULL, on_renewed, pyr__target_ref(target), NULL);
	if (status) {
		end_renewal(target, false);
		pyr__target_unref(target);
	}
}

/* Lock held. */
static bool is_due(const pyr__target *target)
{
	return is_name(target) && !target->renewing &&
	       pyr__tick_us() - target->bound_us >= target->context->name_age_max_us;
}

/* A missing replica is looked for more often than what goes well is looked at. */
static bool are_due(pyr__target *target, pyr__replicas *replicas, bool *ret_some_good)
{
	uint32_t count, good = pyr__replicas_good(replicas, &count);
	pyr__mutex_lock(&target->lock);
	int64_t age_us = pyr__now_us() - target->places_us;
	bool known = target->places_us != 0;
	bool due = known && !target->renewing &&
		   (age_us >= target->context->name_age_max_us ||
			   (good < count && age_us >= SEARCH_EVERY_US));
	target->renewing |= due;
	pyr__mutex_unlock(&target->lock);
	*ret_some_good = known && good > 0;
	return due;
}

static pyr_status route_balanced(pyr__target *target, pyr_balance balance, bool wait,
	int64_t deadline_us, pyr__route *ret_route, pyr_error *err)
{
	bool some_good;
	pyr_reference reference;
	pyr__replicas *replicas = get_replicas(target);
	if (are_due(target, replicas, &some_good))
		begin_renewal(target);
	if (some_good)
		return choose_replica(target, replicas, balance, ret_route, err);
	pyr_status status = find(target, wait, NULL, deadline_us, &reference, err);
	if (status && err)
		err->executed = PYR_EXECUTED_NO; /* whatever became of the lookup */
	if (status)
		return status;
	learn_places(target, replicas, &reference);
	return choose_replica(target, replicas, balance, ret_route, err);
}

pyr_status pyr__target_route(pyr__target *target, pyr_balance balance, bool wait,
	int64_t deadline_us, pyr__route *ret_route, pyr_error *err)
{
	target = guide_of(target);
	pyr_reference failed;
	if (balance != PYR_BALANCE_NONE && is_name(target))
		return route_balanced(target, balance, wait, deadline_us, ret_route, err);
	pyr__mutex_lock(&target->lock);
	bool bound = is_bound(target) &&
		     !atomic_load_explicit(&target->route.channel->retired, memory_order_relaxed);
	bool stale = target->stale, due = bound && is_due(target);
	target->renewing |= due;
	if (bound)
		take_route(target, ret_route);
	else if (stale)
		failed = target->bound;
	pyr__mutex_unlock(&target->lock);
	if (due)
		begin_renewal(target);
	if (bound)
		return PYR_OK;
	return rebind(target, wait, stale ? &failed : NULL, deadline_us, ret_route, err);
}

typedef struct routing {
	pyr__target *target;
	pyr_balance balance;
	pyr__routed_fn routed;
	void *ctx;
} routing;

static pyr_status learn_and_choose(
	const routing *r, const pyr_reference *reference, pyr__route *ret_route, pyr_error *err)
{
	pyr__replicas *replicas = get_replicas(r->target);
	learn_places(r->target, replicas, reference);
	return choose_replica(r->target, replicas, r->balance, ret_route, err);
}

static void on_found(
	void *ctx, pyr_status status, const pyr_reference *reference, const pyr_error *err)
{
	routing *r = ctx;
	pyr__route route;
	pyr_error own;
	if (status)
		own = *err;
	else if (r->balance != PYR_BALANCE_NONE)
		status = learn_and_choose(r, reference, &route, &own);
	else
		status = bind_to(r->target, reference, &route, &own);
	own.executed = PYR_EXECUTED_NO; /* whatever became of the lookup */
	err = &own;
	r->routed(r->ctx, status, status ? NULL : &route, status ? err : NULL);
	pyr__target_unref(r->target);
	free(r);
}

pyr_status pyr__target_route_async(pyr__target *target, pyr_balance balance, int64_t deadline_us,
	pyr__routed_fn routed, void *ctx, pyr_error *err)
{
	target = guide_of(target);
	pyr__finder *finder = pyr__context_finder(target->context);
	pyr_reference failed;
	pyr__mutex_lock(&target->lock);
	bool stale = target->stale && balance == PYR_BALANCE_NONE;
	failed = target->bound;
	pyr__mutex_unlock(&target->lock);
	routing *r = pyr__alloc(sizeof *r);
	*r = (routing){pyr__target_ref(target), balance, routed, ctx};
	pyr_status status = finder->find_async(
		finder, &target->reference, deadline_us, stale ? &failed : NULL, on_found, r, err);
	if (status) {
		pyr__target_unref(target);
		free(r);
	}
	return status;
}

void pyr__target_release(pyr__target *target, pyr__route *route)
{
	if (route->replica && route->channel)
		pyr__replica_release(route->replica);
	pyr__context_release(target->context, route->channel);
	route->channel = NULL;
	route->replica = NULL;
}

void pyr__target_failed(pyr__target *target, const pyr__route *route, const pyr_error *err)
{
	target = guide_of(target);
	/* a servant that has not found something of its own is where it should be */
	bool no_object = err->status == PYR_NOT_FOUND && err->executed == PYR_EXECUTED_NO;
	if (err->status != PYR_UNAVAILABLE && !no_object)
		return;
	if (route->replica && err->executed != PYR_EXECUTED_YES)
		pyr__replica_failed(route->replica, route->channel);
	pyr__mutex_lock(&target->lock);
	/* a daemon of this process may be followed by another, here or elsewhere */
	bool may_move =
		is_name(target) || target->moved || route->channel->scheme == PYR_SCHEME_LOCAL;
	if (may_move && (route->replica || target->route.channel == route->channel))
		target->stale = true;
	pyr__mutex_unlock(&target->lock);
}

static pyr_status read_place(const pyr__target *target, const pyr__route *route, pyr__text text,
	pyr_reference *ret_place, pyr_error *err)
{
	char reference[PYR_REFERENCE_MAX];
	bool here = route->channel->scheme == PYR_SCHEME_LOCAL;
	if (pyr__copy_text(reference, sizeof reference, text.data, text.size) ||
		pyr_reference_parse(reference, ret_place, NULL) ||
		ret_place->scheme > PYR_SCHEME_GRPCS)
		return pyr_error_set(err, PYR_UNAVAILABLE,
			"%s says that the object has moved, but not to a place",
			route->channel->name);
	return pyr__context_check_place(
		target->context, ret_place, here ? "local" : route->channel->name, err);
}

pyr_status pyr__target_moved(
	pyr__target *target, const pyr__route *route, pyr__text reference, pyr_error *err)
{
	target = guide_of(target);
	pyr_reference place;
	pyr__route there;
	pyr_status status = read_place(target, route, reference, &place, err);
	if (status)
		return status;
	pyr__mutex_lock(&target->lock);
	bool known = target->route.channel != route->channel; /* another call has followed */
	pyr__mutex_unlock(&target->lock);
	if (known)
		return PYR_OK;
	status = bind_to(target, &place, &there, err);
	if (status)
		return status;
	pyr__target_release(target, &there);
	pyr__mutex_lock(&target->lock);
	target->moved = true;
	pyr__mutex_unlock(&target->lock);
	return PYR_OK;
}

uint32_t pyr__target_good(pyr__target *target, uint32_t *ret_count)
{
	target = guide_of(target);
	pyr__mutex_lock(&target->lock);
	pyr__replicas *replicas = target->replicas;
	pyr__mutex_unlock(&target->lock);
	*ret_count = 0;
	return replicas ? pyr__replicas_good(replicas, ret_count) : 0;
}

bool pyr__target_is_stale(pyr__target *target)
{
	target = guide_of(target);
	pyr__mutex_lock(&target->lock);
	bool stale = target->stale;
	pyr__mutex_unlock(&target->lock);
	return stale;
}

bool pyr__target_may_move(pyr__target *target)
{
	target = guide_of(target);
	pyr__mutex_lock(&target->lock);
	bool moved = target->moved;
	pyr__mutex_unlock(&target->lock);
	return moved || is_name(target) || target->reference.scheme == PYR_SCHEME_LOCAL;
}

bool pyr__target_stays(const pyr__target *target)
{
	return target->reference.scheme == PYR_SCHEME_PEER;
}

pyr_context *pyr__target_context(const pyr__target *target)
{
	return target->context;
}

const pyr_interface *pyr__target_interface(const pyr__target *target)
{
	return target->interface;
}

const char *pyr__target_reference(const pyr__target *target)
{
	return target->text;
}

void pyr__target_hold(pyr__target *target, uint32_t lease_ms, void (*release)(void *arg), void *arg)
{
	target->lease_ms = lease_ms;
	target->release = release;
	target->held = arg;
}

uint32_t pyr__target_lease_ms(const pyr__target *target)
{
	return target->lease_ms;
}

/* A connection that somebody else has made is on their loop. */
pyr__loop *pyr__target_loop(pyr__target *target)
{
	target = guide_of(target);
	return pyr__target_stays(target) ? target->route.channel->loop : target->context->loop;
}

pyr__text pyr__target_method_name(const pyr__target *target, uint32_t method)
{
	return target->method_names[method];
}
