/* SPDX-License-Identifier: Apache-2.0 */
/* A proxy: options on a target, and what its calls have in common. */
#include "client/proxy.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "base/correlation.h"
#include "base/error.h"
#include "base/loop.h"
#include "base/metadata.h"
#include "base/refs.h"
#include "transport/scope.h"

#define RETRIES_DEFAULT 2
#define PAUSE_FIRST_US  10000
#define PAUSE_LEAST_US  1000
#define PAUSE_DOUBLINGS 7
#define PAUSE_MAX_US    1000000
#define PING_ANSWER_US  1000000
#define LONG_TIMEOUT_MS 10000 /* from here on a tick of the clock less does not matter */

static pyr_status check_interface(const pyr_interface *interface, pyr_error *err)
{
	if (interface->abi >= 1 && interface->abi <= PYR_STUB_ABI)
		return PYR_OK;
	return pyr_error_set(err, PYR_FAILED_PRECONDITION,
		"the code generated for %s needs a newer library (stub ABI %u, this one has %d)",
		interface->name, (unsigned)interface->abi, PYR_STUB_ABI);
}

static pyr_status check_options(const pyr_proxy_options *given, pyr_error *err)
{
	if (given && given->size > offsetof(pyr_proxy_options, balance) &&
		(unsigned)given->balance > PYR_BALANCE_LEAST_RUNNING)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT, "there is no way to balance %d",
			(int)given->balance);
	if (!given || given->size < offsetof(pyr_proxy_options, correlation) + sizeof(char *) ||
		!given->correlation)
		return PYR_OK;
	pyr__text id = {given->correlation, strlen(given->correlation)};
	if (pyr__correlation_valid(id))
		return PYR_OK;
	return pyr_error_set(err, PYR_INVALID_ARGUMENT,
		"a correlation id has 1 to %d bytes of printable ASCII without spaces",
		PYR_CORRELATION_MAX - 1);
}

static pyr_proxy *new_proxy(pyr__target *target, const pyr_proxy_options *given)
{
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	if (given)
		memcpy(&options, given,
			given->size < sizeof options ? given->size : sizeof options);
	pyr_proxy *proxy = pyr__zalloc(sizeof *proxy);
	atomic_init(&proxy->refs, 1);
	proxy->target = target;
	proxy->timeout_ms = options.timeout_ms;
	proxy->retries_max = options.retries_max == 0            ? RETRIES_DEFAULT
			     : options.retries_max == UINT32_MAX ? 0
								 : options.retries_max;
	proxy->wait_for_ready = options.wait_for_ready;
	proxy->balance = options.balance;
	proxy->resume_ms = options.resume_ms;
	proxy->reply_metadata = options.reply_metadata;
	proxy->correlation = pyr__strdup(options.correlation);
	if (options.metadata)
		proxy->metadata = pyr__metadata_copy(options.metadata);
	return proxy;
}

/* There is no other way to the object, and who waits for a time to come would wait in vain. */
static pyr_proxy *new_proxy_at(pyr__target *target, const pyr_proxy_options *options)
{
	pyr_proxy *proxy = new_proxy(target, options);
	proxy->retries_max = 0;
	proxy->wait_for_ready = false;
	proxy->balance = PYR_BALANCE_NONE;
	proxy->resume_ms = 0;
	return proxy;
}

pyr_status pyr_stub_open(pyr_context *context, const pyr_interface *interface,
	const char *reference, const pyr_proxy_options *options, pyr_proxy **ret_proxy,
	pyr_error *err)
{
	pyr__target *target;
	pyr_status status = check_interface(interface, err);
	if (status == PYR_OK)
		status = check_options(options, err);
	if (status == PYR_OK)
		status = pyr__context_get(context, &context, err);
	if (status)
		return status;
	status = pyr__target_new(context, interface, reference, &target, err);
	if (status) {
		pyr__context_unref(context);
		return status;
	}
	*ret_proxy = new_proxy(target, options);
	return PYR_OK;
}

pyr_status pyr_proxy_derive(
	pyr_proxy *proxy, const pyr_proxy_options *options, pyr_proxy **ret_proxy, pyr_error *err)
{
	pyr_status status = pyr__context_check(pyr__target_context(proxy->target), err);
	if (status == PYR_OK)
		status = check_options(options, err);
	if (status)
		return status;
	pyr__target *target = pyr__target_ref(proxy->target);
	*ret_proxy = pyr__target_stays(target) ? new_proxy_at(target, options)
					       : new_proxy(target, options);
	return PYR_OK;
}

pyr_status pyr__proxy_sibling(const pyr_proxy *proxy, const pyr_interface *interface,
	pyr_proxy **ret_proxy, pyr_error *err)
{
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	options.timeout_ms = proxy->timeout_ms;
	options.retries_max = proxy->retries_max ? proxy->retries_max : UINT32_MAX;
	options.metadata = proxy->metadata;
	options.reply_metadata = proxy->reply_metadata;
	options.wait_for_ready = proxy->wait_for_ready;
	options.correlation = proxy->correlation;
	options.balance = proxy->balance;
	options.resume_ms = proxy->resume_ms;
	pyr_status status = check_interface(interface, err);
	if (status == PYR_OK)
		*ret_proxy = new_proxy(pyr__target_like(proxy->target, interface), &options);
	return status;
}

pyr_status pyr__proxy_open_apart(const pyr_proxy *proxy, const pyr_interface *interface,
	const pyr_proxy_options *options, pyr_proxy **ret_proxy, pyr_error *err)
{
	pyr__target *target = pyr__target_sibling(proxy->target, interface);
	if (target) {
		*ret_proxy = new_proxy_at(target, options);
		return PYR_OK;
	}
	return pyr_stub_open(pyr__target_context(proxy->target), interface,
		pyr__target_reference(proxy->target), options, ret_proxy, err);
}

pyr_status pyr__proxy_open_at(pyr_context *context, const pyr_interface *interface,
	pyr__channel *channel, const pyr_reference *reference, const pyr_proxy_options *options,
	pyr_proxy **ret_proxy, pyr_error *err)
{
	pyr_context *own;
	pyr_status status = check_interface(interface, err);
	if (status == PYR_OK)
		status = check_options(options, err);
	if (status == PYR_OK)
		status = pyr__context_get(context, &own, err);
	if (status) {
		pyr__context_release(context, channel);
		return status;
	}
	pyr__target *target = pyr__target_new_at(own, interface, channel, reference);
	*ret_proxy = pyr__target_stays(target) ? new_proxy_at(target, options)
					       : new_proxy(target, options);
	return PYR_OK;
}

pyr_proxy *pyr_proxy_ref(pyr_proxy *proxy)
{
	pyr__refs_take(&proxy->refs);
	return proxy;
}

void pyr_proxy_unref(pyr_proxy *proxy)
{
	if (!proxy || pyr__context_is_forked(pyr__target_context(proxy->target)) ||
		!pyr__refs_drop(&proxy->refs))
		return;
	pyr__target_unref(proxy->target);
	pyr_metadata_free(proxy->metadata);
	free(proxy->correlation);
	free(proxy);
}

const char *pyr_proxy_reference(const pyr_proxy *proxy)
{
	return pyr__target_reference(proxy->target);
}

/* An object may have moved to where the name leads now, or may still come. */
static bool may_come(const pyr_proxy *proxy, const pyr_error *err)
{
	return err->status == PYR_NOT_FOUND && err->executed == PYR_EXECUTED_NO &&
	       pyr__target_may_move(proxy->target) &&
	       (proxy->wait_for_ready || pyr__target_is_stale(proxy->target));
}

/*
 * Who waits for a server does not wait for a replica that hangs: UNAVAILABLE, and another one is
 * next. Its connection stays, which may only be slow.
 */
static pyr_status ping(
	pyr_proxy *proxy, const pyr__route *route, int64_t deadline_us, pyr_error *err)
{
	int64_t until_us = pyr__now_us() + PING_ANSWER_US;
	if (!route->replica || !proxy->wait_for_ready || until_us > deadline_us)
		until_us = deadline_us;
	pyr_status status = pyr__channel_connect(route->channel, until_us, err);
	if (status == PYR_DEADLINE_EXCEEDED && until_us < deadline_us) {
		pyr__replica_hangs(route->replica);
		return err->status = PYR_UNAVAILABLE;
	}
	if (status)
		pyr__target_failed(proxy->target, route, err);
	return status;
}

/* The route to who has answered is the caller's. */
static pyr_status connect_once(
	pyr_proxy *proxy, int64_t deadline_us, pyr__route *ret_route, pyr_error *err)
{
	pyr_status status =
		pyr__target_route(proxy->target, proxy->balance, true, deadline_us, ret_route, err);
	if (status)
		return status;
	status = ping(proxy, ret_route, deadline_us, err);
	if (status)
		pyr__target_release(proxy->target, ret_route);
	return status;
}

static pyr_status await_ready(
	pyr_proxy *proxy, int64_t deadline_us, pyr__route *ret_route, pyr_error *err)
{
	pyr_error before;
	for (uint32_t tried = 0;; tried++) {
		pyr_status status = connect_once(proxy, deadline_us, ret_route, err);
		if (status == PYR_OK)
			return PYR_OK;
		err->executed = PYR_EXECUTED_NO;
		status = pyr__proxy_explain(tried ? &before : NULL, err);
		pyr__error_copy(&before, err);
		if ((status != PYR_UNAVAILABLE && !may_come(proxy, err)) ||
			!pyr__proxy_sleep(proxy, tried, deadline_us))
			return status;
	}
}

pyr_status pyr__proxy_route(
	pyr_proxy *proxy, int64_t deadline_us, pyr__route *ret_route, pyr_error *err)
{
	bool on_loop = pyr__loop_in_callback();
	if (proxy->wait_for_ready && !on_loop)
		return await_ready(proxy, deadline_us, ret_route, err);
	return pyr__target_route(
		proxy->target, proxy->balance, !on_loop, deadline_us, ret_route, err);
}

/* A name may stand for several places, of which some are dead. */
static pyr_status connect_to_any(
	pyr_proxy *proxy, int64_t deadline_us, pyr__route *ret_route, pyr_error *err)
{
	pyr_status status;
	uint32_t tried = 0;
	do
		status = connect_once(proxy, deadline_us, ret_route, err);
	while (status == PYR_UNAVAILABLE && pyr__target_is_stale(proxy->target) &&
		tried++ < proxy->retries_max);
	return status;
}

pyr_status pyr_proxy_connect(pyr_proxy *proxy, pyr_error *err)
{
	pyr__route route;
	pyr_status status = pyr__context_check(pyr__target_context(proxy->target), err);
	if (status == PYR_OK && pyr__loop_in_callback())
		status = pyr_error_set(
			err, PYR_FAILED_PRECONDITION, "connecting would block the loop's thread");
	if (status)
		return status;
	int64_t deadline_us = pyr__proxy_deadline(proxy, true, pyr__now_us());
	pyr_error own;
	if (!err)
		err = &own;
	status = proxy->wait_for_ready ? await_ready(proxy, deadline_us, &route, err)
				       : connect_to_any(proxy, deadline_us, &route, err);
	if (status == PYR_OK)
		pyr__target_release(proxy->target, &route);
	return status;
}

const pyr_method *pyr__proxy_method(const pyr_proxy *proxy, uint32_t method)
{
	return &pyr__target_interface(proxy->target)->methods[method];
}

static uint32_t timeout_of(const pyr_proxy *proxy, bool unary)
{
	if (proxy->timeout_ms)
		return proxy->timeout_ms;
	return unary ? pyr__target_context(proxy->target)->timeout_ms : PYR_TIMEOUT_NONE;
}

int64_t pyr__proxy_about_now_us(const pyr_proxy *proxy)
{
	return timeout_of(proxy, true) >= LONG_TIMEOUT_MS ? pyr__tick_us() : pyr__now_us();
}

int64_t pyr__proxy_deadline(const pyr_proxy *proxy, bool unary, int64_t now_us)
{
	int64_t deadline_us = PYR__DEADLINE_NONE;
	uint32_t timeout_ms = timeout_of(proxy, unary);
	if (timeout_ms != PYR_TIMEOUT_NONE)
		deadline_us = now_us + timeout_ms * 1000ll;
	if (pyr__scope_current && pyr__scope_current->deadline_us < deadline_us)
		deadline_us = pyr__scope_current->deadline_us;
	return deadline_us;
}

void pyr__proxy_head(const pyr_proxy *proxy, uint32_t method, const pyr__route *route,
	int64_t deadline_us, int64_t now_us, pyr__head *ret_head)
{
	const pyr_method *m = pyr__proxy_method(proxy, method);
	*ret_head = (pyr__head){
		.method = pyr__target_method_name(proxy->target, method),
		.method_key = m,
		.object = {route->object, route->object_size},
		.timeout_us = PYR__TIMEOUT_NONE,
		.oneway = (m->flags & PYR_METHOD_ONEWAY) != 0,
		.wait_for_ready = proxy->wait_for_ready,
	};
	if (deadline_us != PYR__DEADLINE_NONE)
		ret_head->timeout_us = deadline_us > now_us ? (uint64_t)(deadline_us - now_us) : 0;
	const char *correlation = proxy->correlation;
	if (!correlation && pyr__scope_current)
		correlation = pyr__scope_current->correlation(pyr__scope_current->call);
	if (correlation)
		ret_head->correlation = (pyr__text){correlation, strlen(correlation)};
	if (proxy->metadata)
		ret_head->metadata = pyr__metadata_text(proxy->metadata);
}

pyr_status pyr__proxy_body(const pyr_proxy *proxy, uint32_t method, const ProtobufCMessage *request,
	uint8_t *space, pyr__body *ret_body, pyr_error *err)
{
	pyr_status status = pyr__body_init(ret_body, request, space, err);
	if (status && err) {
		err->executed = PYR_EXECUTED_NO;
		pyr__error_where(err, "%s", pyr__target_method_name(proxy->target, method).data);
	}
	return status;
}

static void copy_final(pyr_error *err, const pyr__final *final)
{
	err->truncated = pyr__copy_text(
		err->message, sizeof err->message, final->message.data, final->message.size);
	if (final->where.size)
		err->truncated |= pyr__copy_text(
			err->where, sizeof err->where, final->where.data, final->where.size);
	if (final->details.size <= sizeof err->details) {
		memcpy(err->details, final->details.data, final->details.size);
		err->details_size = (uint16_t) final->details.size;
	} else {
		err->truncated = true;
	}
}

pyr_status pyr__proxy_outcome(const pyr_proxy *proxy, uint32_t method, const char *endpoint,
	const pyr__outcome *outcome, pyr_error *err)
{
	if (outcome->status == PYR_OK || !err)
		return outcome->status;
	pyr_error_set(err, outcome->status, "%s", "");
	err->executed = outcome->executed;
	pyr__error_where(
		err, "%s %s", endpoint, pyr__target_method_name(proxy->target, method).data);
	if (outcome->final)
		copy_final(err, outcome->final);
	return outcome->status;
}

bool pyr__proxy_follow(
	pyr_proxy *proxy, const pyr__route *route, const pyr__outcome *outcome, pyr_error *err)
{
	const pyr__final *final = outcome->final;
	if (outcome->status != PYR_NOT_FOUND || outcome->executed != PYR_EXECUTED_NO || !final ||
		!final->moved.size || route->replica || proxy->balance != PYR_BALANCE_NONE ||
		pyr__target_stays(proxy->target))
		return false;
	pyr_error why;
	pyr_status status = pyr__target_moved(proxy->target, route, final->moved, &why);
	if (status == PYR_OK)
		return true;
	pyr_error_set(err, status, "%s", why.message);
	err->executed = PYR_EXECUTED_NO;
	return false;
}

bool pyr__proxy_may_retry(
	const pyr_proxy *proxy, uint32_t method, const pyr_error *err, uint32_t tried)
{
	bool harmless = err->executed == PYR_EXECUTED_NO ||
			(pyr__proxy_method(proxy, method)->flags & PYR_METHOD_IDEMPOTENT);
	if ((err->status != PYR_UNAVAILABLE && !may_come(proxy, err)) || !harmless)
		return false;
	uint32_t tries_max = proxy->retries_max, replicas;
	if (tries_max && pyr__target_good(proxy->target, &replicas) > 0 && replicas > tries_max)
		tries_max = replicas; /* as long as one is left that has not failed */
	return tried < tries_max || (proxy->wait_for_ready && err->executed == PYR_EXECUTED_NO);
}

bool pyr__proxy_may_move(const pyr_proxy *proxy, uint32_t method, const pyr__route *route)
{
	return route->replica && proxy->retries_max &&
	       (pyr__proxy_method(proxy, method)->flags & PYR_METHOD_IDEMPOTENT);
}

pyr_status pyr__proxy_explain(const pyr_error *before, pyr_error *err)
{
	if (before && err->status == PYR_DEADLINE_EXCEEDED && err->executed == PYR_EXECUTED_NO &&
		before->executed == PYR_EXECUTED_NO)
		pyr__error_copy(err, before);
	return err->status;
}

int64_t pyr__proxy_backoff_us(uint32_t tried)
{
	return tried < PAUSE_DOUBLINGS ? (int64_t)PAUSE_FIRST_US << tried : PAUSE_MAX_US;
}

bool pyr__proxy_pause(
	const pyr_proxy *proxy, uint32_t tried, int64_t deadline_us, int64_t *ret_pause_us)
{
	uint32_t replicas;
	int64_t left_us = deadline_us - pyr__now_us();
	if (proxy->balance != PYR_BALANCE_NONE && pyr__target_good(proxy->target, &replicas) > 0) {
		*ret_pause_us = 0; /* another one is there */
		return left_us > 0;
	}
	int64_t pause_us = pyr__proxy_backoff_us(tried);
	if (pause_us >= left_us && proxy->wait_for_ready)
		pause_us = left_us / 2; /* who waits for a server looks until the end */
	*ret_pause_us = pause_us;
	return pause_us < left_us && pause_us >= PAUSE_LEAST_US;
}

bool pyr__proxy_sleep(const pyr_proxy *proxy, uint32_t tried, int64_t deadline_us)
{
	int64_t pause_us;
	if (!pyr__proxy_pause(proxy, tried, deadline_us, &pause_us))
		return false;
	struct timespec pause = {pause_us / 1000000, pause_us % 1000000 * 1000};
	nanosleep(&pause, NULL);
	return true;
}

pyr_status pyr__proxy_may_block(const pyr_proxy *proxy, uint32_t method, pyr_error *err)
{
	if (!pyr__loop_in_callback())
		return pyr__context_check(pyr__target_context(proxy->target), err);
	pyr_error_set(err, PYR_FAILED_PRECONDITION,
		"%s would block the loop's thread: use __invoke, or a daemon with workers",
		pyr__target_method_name(proxy->target, method).data);
	if (err)
		err->executed = PYR_EXECUTED_NO;
	return PYR_FAILED_PRECONDITION;
}
