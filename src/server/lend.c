/* SPDX-License-Identifier: Apache-2.0 */
/* Handing objects over: what a message says about where one is. See <pyrite/object.h>. */
#include <netinet/in.h>
#include <pyrite/object.h>
#include <pyrite/object.pb-c.h>
#include <pyrite/stub.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "client/accept.h"
#include "client/proxy.h"
#include "server/callbacks.h"
#include "server/daemon_private.h"

#define LEASE_MS_DEFAULT 60000
#define LEASE_MS_MIN     100
#define LEASE_MS_MAX     86400000
#define ROUTE_TIMEOUT_US 30000000

/* Where a receiver finds an object, and who is told that it may call it. */
typedef struct place {
	pyr_daemon *daemon;
	pyr_call *call; /* the message is kept by it; NULL: by the heap */
	pyr_reference reference;
	uint64_t connection;
	pyr__callbacks *callbacks; /* NULL: everybody who knows the id may */
} place;

/* Where a call has come from */

static uint16_t port_of(const struct sockaddr_storage *address)
{
	const void *any = address;
	if (address->ss_family == AF_INET)
		return ((const struct sockaddr_in *)any)->sin_port;
	return ((const struct sockaddr_in6 *)any)->sin6_port;
}

static bool is_same(const pyr__address *bound, const struct sockaddr_storage *reached)
{
	if (bound->storage.ss_family != reached->ss_family)
		return false;
	if (reached->ss_family == AF_UNIX)
		return memcmp(&bound->storage, reached, bound->size) == 0;
	return port_of(&bound->storage) == port_of(reached);
}

static bool is_secure(pyr_scheme scheme)
{
	return scheme == PYR_SCHEME_PYRS || scheme == PYR_SCHEME_GRPCS;
}

/* daemon->lock held. The endpoint that a call has come to, or may have. */
static const endpoint *find_endpoint(
	const pyr_daemon *daemon, pyr_scheme scheme, const struct sockaddr_storage *reached)
{
	for (const endpoint *e = daemon->endpoints; e; e = e->next) {
		bool grpcs = e->advertised.scheme == PYR_SCHEME_GRPCS;
		if ((e->credentials != NULL) != is_secure(scheme) ||
			grpcs != (scheme == PYR_SCHEME_GRPCS))
			continue;
		if (grpcs || (reached && is_same(pyr__listener_address(e->listener), reached)))
			return e;
	}
	return NULL;
}

/* The object of the reference, at a place. */
static void put_place(pyr_reference *reference, const pyr_reference *where)
{
	reference->scheme = where->scheme;
	memcpy(reference->host, where->host, sizeof reference->host);
	reference->port = where->port;
	reference->is_unix = where->is_unix;
}

/* Where the caller has reached us: as the user says, else as it was. False: at no endpoint. */
static bool find_place(pyr_daemon *daemon, pyr_scheme scheme,
	const struct sockaddr_storage *reached, pyr_reference *ret_where)
{
	char text[PYR__PEER_TEXT_MAX];
	pyr__address address;
	pthread_mutex_lock(&daemon->lock);
	const endpoint *e = find_endpoint(daemon, scheme, reached);
	bool told = e && (e->is_told || !reached);
	if (e)
		*ret_where = e->advertised;
	if (e && !told)
		address = (pyr__address){*reached, pyr__listener_address(e->listener)->size};
	pthread_mutex_unlock(&daemon->lock);
	ret_where->scheme = scheme;
	if (!e || told)
		return e != NULL;
	pyr__socket_text(&address, text, sizeof text);
	return pyr_endpoint_parse(text, ret_where, NULL) == PYR_OK;
}

static void place_for_caller(pyr_call *call, const char *id, place *ret_place)
{
	struct sockaddr_storage reached;
	socklen_t size;
	pyr_scheme scheme = pyr__incall_reached(&call->incall, &reached, &size);
	*ret_place = (place){
		.daemon = call->daemon,
		.call = call,
		.connection = pyr_call_connection(call),
		.callbacks = call->callbacks,
	};
	pyr_reference *reference = &ret_place->reference;
	pyr__copy_text(reference->target, sizeof reference->target, id, strlen(id));
	pyr_reference where = {.scheme = scheme};
	/* on a connection that was handed in only the caller knows how it has come here */
	if (scheme != PYR_SCHEME_PEER && scheme != PYR_SCHEME_LOCAL &&
		!find_place(call->daemon, scheme, size ? &reached : NULL, &where))
		where = (pyr_reference){.scheme = PYR_SCHEME_PEER};
	put_place(reference, &where);
}

/* Where a proxy leads to */

/* HTTP/2 has no way back: the daemon's first endpoint has to be reached. */
static pyr_status place_at_endpoint(
	pyr_daemon *daemon, const pyr__channel *channel, pyr_reference *reference, pyr_error *err)
{
	pthread_mutex_lock(&daemon->lock);
	const endpoint *e = daemon->endpoints;
	if (e)
		put_place(reference, &e->advertised);
	pthread_mutex_unlock(&daemon->lock);
	if (e && strcmp(reference->host, "0.0.0.0") != 0 && strcmp(reference->host, "::") != 0)
		return PYR_OK;
	return pyr_error_set(err, PYR_FAILED_PRECONDITION,
		"%s cannot call back on the connection that it is called on, so the daemon has to "
		"listen at an address that it can reach: see `advertise`",
		channel->name);
}

static pyr_status place_behind(
	pyr_daemon *daemon, pyr_context *context, pyr__channel *channel, place *at, pyr_error *err)
{
	switch (channel->scheme) {
	case PYR_SCHEME_PEER:
		return PYR_OK;
	case PYR_SCHEME_LOCAL:
		at->reference.scheme = PYR_SCHEME_LOCAL;
		if (daemon->context == context)
			return PYR_OK;
		return pyr_error_set(err, PYR_FAILED_PRECONDITION,
			"the daemon and the proxy are of different contexts");
	case PYR_SCHEME_GRPC:
	case PYR_SCHEME_GRPCS:
		return place_at_endpoint(daemon, channel, &at->reference, err);
	default:
		return pyr__callbacks_of(daemon, context, channel, &at->callbacks, err);
	}
}

static pyr_status place_for_proxy(
	pyr_daemon *daemon, pyr_proxy *to, const char *id, place *ret_place, pyr_error *err)
{
	pyr__route route;
	pyr__target *target = to->target;
	bool wait = !pyr__loop_in_callback();
	*ret_place = (place){.daemon = daemon, .reference.scheme = PYR_SCHEME_PEER};
	pyr_reference *reference = &ret_place->reference;
	pyr__copy_text(reference->target, sizeof reference->target, id, strlen(id));
	pyr_status status = pyr__daemon_check_serving(daemon, err);
	if (status == PYR_OK)
		status = pyr__target_route(target, PYR_BALANCE_NONE, wait,
			pyr__now_us() + ROUTE_TIMEOUT_US, &route, err);
	if (status)
		return status;
	status = place_behind(daemon, pyr__target_context(target), route.channel, ret_place, err);
	pyr__target_release(target, &route);
	return status;
}

/* The message */

/* Memory of the call's, or the heap's; NULL: the call has used up its share. */
static void *get_memory(const place *at, size_t size)
{
	if (!at->call)
		return pyr__alloc(size);
	pyr__mutex_lock(&at->call->lock);
	void *memory = pyr__arena_alloc(&at->call->arena, size);
	pyr__mutex_unlock(&at->call->lock);
	return memory;
}

static char *get_text(const place *at, const char *text)
{
	char *copy = get_memory(at, strlen(text) + 1);
	return copy ? strcpy(copy, text) : NULL;
}

static pyr_status write_message(const place *at, const char *interface, uint32_t lease_ms,
	Pyrite__Object **ret_object, pyr_error *err)
{
	char reference[PYR_REFERENCE_MAX];
	pyr_status status = pyr_reference_format(&at->reference, reference, sizeof reference, err);
	if (status)
		return status;
	Pyrite__Object *object = get_memory(at, sizeof *object);
	char *reference_text = get_text(at, reference), *interface_text = get_text(at, interface);
	uint8_t *id = get_memory(at, sizeof at->daemon->session.id);
	if (!object || !reference_text || !interface_text || !id)
		return pyr_error_set(
			err, PYR_RESOURCE_EXHAUSTED, "the call has no memory for one more object");
	pyrite__object__init(object);
	object->reference = reference_text;
	object->interface = interface_text;
	object->lease_ms = lease_ms;
	memcpy(id, at->daemon->session.id, sizeof at->daemon->session.id);
	object->daemon = (ProtobufCBinaryData){sizeof at->daemon->session.id, id};
	if (at->callbacks)
		pyr__callbacks_hand(at->callbacks, at->reference.target);
	*ret_object = object;
	return PYR_OK;
}

/* Lending what is new */

typedef struct servant {
	const pyr_interface *interface;
	const void *ops;
	void *self;
} servant;

static pyr_status read_options(
	const pyr_lend_options *given, pyr_lend_options *ret_options, pyr_error *err)
{
	*ret_options = (pyr_lend_options)PYR_LEND_OPTIONS_INIT;
	if (given)
		memcpy(ret_options, given,
			given->size < sizeof *ret_options ? given->size : sizeof *ret_options);
	if (ret_options->lease_ms == 0)
		ret_options->lease_ms = LEASE_MS_DEFAULT;
	if (ret_options->lease_ms < LEASE_MS_MIN || ret_options->lease_ms > LEASE_MS_MAX)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT, "a lease lasts %d to %d ms, not %u",
			LEASE_MS_MIN, LEASE_MS_MAX, ret_options->lease_ms);
	return PYR_OK;
}

/* Only from the last step on is the servant's self given to us. */
static pyr_status lend(const place *at, const servant *what, const pyr_lend_options *options,
	Pyrite__Object **ret_object, pyr_error *err)
{
	pyr_daemon *daemon = at->daemon;
	const char *id = at->reference.target;
	pyr_object_options own = PYR_OBJECT_OPTIONS_INIT;
	own.any_thread = options->any_thread;
	own.release = options->release;
	pyr_status status = pyr__objects_add(
		&daemon->objects, id, what->interface, what->ops, what->self, false, err);
	if (status)
		return status;
	status = write_message(at, what->interface->name, options->lease_ms, ret_object, err);
	if (status == PYR_OK)
		status = pyr__lending_add(
			&daemon->lending, id, options->lease_ms, at->connection, err);
	if (status == PYR_OK)
		status = pyr__objects_configure(&daemon->objects, id, what->interface, &own, err);
	if (status) {
		pyr__lending_forget(&daemon->lending, id);
		pyr__daemon_collected(daemon, id);
	}
	return status;
}

pyr_status pyr_stub_lend(pyr_call *call, const pyr_interface *interface, const void *ops,
	void *self, const pyr_lend_options *given, Pyrite__Object **ret_object, pyr_error *err)
{
	place at;
	char id[PYR_OBJECT_ID_NEW];
	pyr_lend_options options;
	servant what = {interface, ops, self};
	pyr_status status = read_options(given, &options, err);
	if (status == PYR_OK)
		status = pyr__call_check_process(call, err);
	if (status)
		return status;
	pyr_object_id_new(id);
	place_for_caller(call, id, &at);
	return lend(&at, &what, &options, ret_object, err);
}

pyr_status pyr_stub_lend_to(pyr_daemon *daemon, pyr_proxy *to, const pyr_interface *interface,
	const void *ops, void *self, const pyr_lend_options *given, Pyrite__Object **ret_object,
	pyr_error *err)
{
	place at;
	char id[PYR_OBJECT_ID_NEW];
	pyr_lend_options options;
	servant what = {interface, ops, self};
	Pyrite__Object *object = NULL;
	pyr_status status = read_options(given, &options, err);
	if (status)
		return status;
	pyr_object_id_new(id);
	status = place_for_proxy(daemon, to, id, &at, err);
	if (status == PYR_OK)
		status = lend(&at, &what, &options, &object, err);
	if (status == PYR_OK)
		*ret_object = object;
	else
		pyrite__object__free_unpacked(object, NULL); /* it may have been written already */
	return status;
}

/* Handing over what is there */

static pyr_status hand(const place *at, Pyrite__Object **ret_object, pyr_error *err)
{
	pyr_daemon *daemon = at->daemon;
	const char *id = at->reference.target;
	pyr__text text = {id, strlen(id)};
	uint32_t lease_ms = pyr__lending_again(&daemon->lending, id);
	if (lease_ms == 0 && !pyr__objects_has(&daemon->objects, text) &&
		!pyr__locators_cover(&daemon->locators, text, NULL))
		return pyr_error_set(err, PYR_NOT_FOUND,
			"there is no object '%s' to hand over, or not any more", id);
	return write_message(at, "", lease_ms, ret_object, err);
}

static pyr_status check_id(const char *id, pyr_error *err)
{
	pyr__text text = {id, strlen(id)};
	if (pyr__object_is_id(text))
		return PYR_OK;
	return pyr_error_set(err, PYR_INVALID_ARGUMENT, "'%.300s' is no id of an object", id);
}

pyr_status pyr_call_hand(
	pyr_call *call, const char *id, Pyrite__Object **ret_object, pyr_error *err)
{
	place at;
	pyr_status status = pyr__call_check_process(call, err);
	if (status == PYR_OK)
		status = check_id(id, err);
	if (status)
		return status;
	place_for_caller(call, id, &at);
	return hand(&at, ret_object, err);
}

pyr_status pyr_daemon_hand(pyr_daemon *daemon, pyr_proxy *to, const char *id,
	Pyrite__Object **ret_object, pyr_error *err)
{
	place at;
	pyr_status status = check_id(id, err);
	if (status == PYR_OK)
		status = place_for_proxy(daemon, to, id, &at, err);
	return status ? status : hand(&at, ret_object, err);
}

/* Accepting what came in a request */

static pyr__channel *back_to(pyr_call *call)
{
	pyr__daemon_keep(call->daemon);
	pyr__channel *back = pyr__incall_back(&call->incall, pyr__daemon_drop, call->daemon);
	if (!back)
		pyr__daemon_drop(call->daemon);
	return back;
}

pyr_status pyr_stub_accept_from(pyr_call *call, const pyr_interface *interface,
	const Pyrite__Object *object, const pyr_proxy_options *options, pyr_proxy **ret_proxy,
	pyr_error *err)
{
	pyr__sender sender = {call->daemon->context, pyr_call_peer(call), call, back_to};
	pyr_status status = pyr__call_check_process(call, err);
	return status ? status
		      : pyr__accept_from(&sender, interface, object, options, ret_proxy, err);
}
