/* SPDX-License-Identifier: Apache-2.0 */
/* Proxies of objects that came in messages: see <pyrite/object.h>. */
#include <pyrite/object.h>
#include <pyrite/object.pb-c.h>
#include <string.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "client/accept.h"
#include "client/holdings.h"

#define ROUTE_TIMEOUT_US 30000000

static pyr_status read_object(const pyr_interface *interface, const Pyrite__Object *object,
	pyr_reference *ret_reference, pyr_error *err)
{
	if (!object)
		return pyr_error_set(
			err, PYR_INVALID_ARGUMENT, "the message has no object in this place");
	if (object->interface[0] && strcmp(object->interface, interface->name) != 0)
		return pyr_error_set(err, PYR_FAILED_PRECONDITION,
			"the object is a %.200s, not a %s", object->interface, interface->name);
	pyr_status status = pyr_reference_parse(object->reference, ret_reference, err);
	if (status)
		return status;
	if (ret_reference->scheme == PYR_SCHEME_NAME || ret_reference->scheme == PYR_SCHEME_TAG)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"'%.300s' says a name, and not where the object is", object->reference);
	return PYR_OK;
}

/* Holds what the new proxy is for, if it goes otherwise. */
static pyr_status hold(pyr_proxy *proxy, const Pyrite__Object *object, bool wait, pyr_error *err)
{
	if (object->lease_ms == 0)
		return PYR_OK;
	return pyr__holdings_hold(proxy, object->lease_ms, wait, err);
}

static pyr_status open_at(pyr_context *context, const pyr_interface *interface,
	const pyr_reference *place, const pyr_proxy_options *options, pyr_proxy **ret_proxy,
	pyr_error *err)
{
	char text[PYR_REFERENCE_MAX];
	pyr_status status = pyr_reference_format(place, text, sizeof text, err);
	return status ? status : pyr_stub_open(context, interface, text, options, ret_proxy, err);
}

/* At the place, or, in this process, at the daemon that has it: another may have its id as well. */
static pyr_status open_object(pyr_context *context, const pyr_interface *interface,
	const Pyrite__Object *object, const pyr_reference *place, const pyr_proxy_options *options,
	pyr_proxy **ret_proxy, pyr_error *err)
{
	pyr__channel *channel;
	if (place->scheme != PYR_SCHEME_LOCAL || object->daemon.len != PYR__PEER_ID_SIZE)
		return open_at(context, interface, place, options, ret_proxy, err);
	pyr_status status = pyr__context_neighbour(context, object->daemon.data, &channel, err);
	return status ? status
		      : pyr__proxy_open_at(
				context, interface, channel, place, options, ret_proxy, err);
}

/* What came from the other end of a connection */

/* Where the channel leads, with the object of the reference. */
static pyr_status put_channel(const pyr__channel *channel, pyr_reference *reference, pyr_error *err)
{
	reference->scheme = channel->scheme;
	reference->host[0] = '\0';
	reference->port = 0;
	reference->is_unix = false;
	if (channel->scheme == PYR_SCHEME_LOCAL || channel->scheme == PYR_SCHEME_PEER)
		return PYR_OK;
	return pyr_endpoint_parse(channel->name, reference, err);
}

static bool is_daemon_of(pyr__channel *channel, const Pyrite__Object *object)
{
	uint8_t id[PYR__PEER_ID_SIZE];
	return object->daemon.len == sizeof id && pyr__channel_peer_id(channel, id) &&
	       memcmp(object->daemon.data, id, sizeof id) == 0;
}

/* Makes the reference one that can be opened; *ret_third if it is of neither of the two ends. */
static pyr_status locate(pyr_context *context, pyr__channel *channel, const Pyrite__Object *object,
	pyr_reference *reference, bool *ret_third, pyr_error *err)
{
	*ret_third = false;
	bool here = channel->scheme == PYR_SCHEME_LOCAL;
	if (reference->scheme == PYR_SCHEME_PEER || is_daemon_of(channel, object))
		return put_channel(channel, reference, err);
	if (reference->scheme == PYR_SCHEME_LOCAL && here)
		return PYR_OK;
	if (reference->scheme == PYR_SCHEME_LOCAL)
		return pyr_error_set(err, PYR_PERMISSION_DENIED,
			"%s is not in this process, so its object is not either", channel->name);
	*ret_third = true;
	return pyr__context_check_place(context, reference, here ? "local" : channel->name, err);
}

pyr_status pyr_stub_accept(pyr_proxy *from, const pyr_interface *interface,
	const Pyrite__Object *object, const pyr_proxy_options *options, pyr_proxy **ret_proxy,
	pyr_error *err)
{
	pyr__route route;
	pyr_reference place;
	pyr_proxy *proxy;
	bool third, may_wait = !pyr__loop_in_callback();
	pyr_context *context = pyr__target_context(from->target);
	pyr_status status = read_object(interface, object, &place, err);
	if (status == PYR_OK)
		status = pyr__target_route(from->target, PYR_BALANCE_NONE, may_wait,
			pyr__now_us() + ROUTE_TIMEOUT_US, &route, err);
	if (status)
		return status;
	status = locate(context, route.channel, object, &place, &third, err);
	if (status == PYR_OK && place.scheme == PYR_SCHEME_PEER)
		status = pyr__proxy_open_at(context, interface, pyr__channel_ref(route.channel),
			&place, options, &proxy, err);
	else if (status == PYR_OK)
		status = open_object(context, interface, object, &place, options, &proxy, err);
	pyr__target_release(from->target, &route);
	if (status)
		return status;
	status = hold(proxy, object, third && may_wait, err);
	if (status)
		pyr_proxy_unref(proxy);
	else
		*ret_proxy = proxy;
	return status;
}

pyr_status pyr__accept_from(const pyr__sender *sender, const pyr_interface *interface,
	const Pyrite__Object *object, const pyr_proxy_options *options, pyr_proxy **ret_proxy,
	pyr_error *err)
{
	pyr_reference place;
	pyr_proxy *proxy;
	pyr_status status = read_object(interface, object, &place, err);
	if (status)
		return status;
	if (place.scheme == PYR_SCHEME_PEER) {
		pyr__channel *back = sender->back(sender->call);
		if (!back)
			return pyr_error_set(err, PYR_FAILED_PRECONDITION,
				"objects at the other end of this connection cannot be called: "
				"the caller has to listen");
		status = pyr__proxy_open_at(
			sender->context, interface, back, &place, options, &proxy, err);
	} else {
		if (place.scheme == PYR_SCHEME_LOCAL && strcmp(sender->peer, "local") != 0)
			return pyr_error_set(err, PYR_PERMISSION_DENIED,
				"%s is not in this process, so its object is not either",
				sender->peer);
		if (place.scheme != PYR_SCHEME_LOCAL)
			status = pyr__context_check_place(
				sender->context, &place, sender->peer, err);
		if (status == PYR_OK)
			status = open_object(
				sender->context, interface, object, &place, options, &proxy, err);
	}
	if (status)
		return status;
	bool third = place.scheme != PYR_SCHEME_PEER && place.scheme != PYR_SCHEME_LOCAL;
	status = hold(proxy, object, third && !pyr__loop_in_callback(), err);
	if (status)
		pyr_proxy_unref(proxy);
	else
		*ret_proxy = proxy;
	return status;
}

/* Passing it on */

pyr_status pyr_proxy_object(pyr_proxy *proxy, Pyrite__Object **ret_object, pyr_error *err)
{
	const char *reference = pyr_proxy_reference(proxy);
	if (pyr__target_stays(proxy->target))
		return pyr_error_set(err, PYR_FAILED_PRECONDITION,
			"the object is at the other end of a connection, where nobody else can "
			"reach it");
	Pyrite__Object *object = pyr__alloc(sizeof *object);
	pyrite__object__init(object);
	object->reference = pyr__strdup(reference);
	object->interface = pyr__strdup(pyr__target_interface(proxy->target)->name);
	object->lease_ms = pyr__target_lease_ms(proxy->target);
	*ret_object = object;
	return PYR_OK;
}
