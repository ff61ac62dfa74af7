/* SPDX-License-Identifier: Apache-2.0 */
/* A daemon's names: published, withdrawn, and all of them given back when it stops. */
#include "server/publisher.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "base/config.h"
#include "client/discovery.h"

#define ANSWER_TIMEOUT_MS 5000

static void on_revoked(
	void *ctx, pyr_status status, const Pyrite__RevokeReply *reply, const pyr_error *err)
{
	(void)status;
	(void)reply;
	(void)err;
	pyr__publisher *publisher = ctx;
	publisher->revoking--;
}

void pyr__publisher_stop(pyr__publisher *publisher, bool withdraw)
{
	publisher->stopping = true;
	pthread_mutex_lock(&publisher->lock); /* a first registration may be under way */
	for (pyr__link *l = publisher->servers.next; l != &publisher->servers; l = l->next) {
		pyr__name_server *server = PYR__OWNER(l, pyr__name_server, link);
		event_del(&server->timer);
		Pyrite__RevokeRequest request = PYRITE__REVOKE_REQUEST__INIT;
		request.lease_id = server->lease_id;
		if (withdraw && request.lease_id &&
			pyrite_names_revoke__invoke(server->names, &request, on_revoked, publisher,
				NULL, NULL) == PYR_OK)
			publisher->revoking++;
	}
	pthread_mutex_unlock(&publisher->lock);
}

bool pyr__publisher_busy(const pyr__publisher *publisher)
{
	return publisher->revoking > 0;
}

/* Making and freeing */

static void free_server(pyr__name_server *server)
{
	while (!pyr__list_empty(&server->publications)) {
		pyr__publication *p = PYR__OWNER(server->publications.next, pyr__publication, link);
		pyr__list_remove(&p->link);
		pyr__publication_unref(p);
	}
	event_del(&server->timer);
	pyrite_names__close(server->names);
	free(server->address);
	free(server);
}

void pyr__publisher_free(pyr__publisher *publisher)
{
	if (!publisher)
		return;
	publisher->stopping = true;
	pyr_context_free(publisher->context); /* ends every call, so that no callback comes later */
	while (!pyr__list_empty(&publisher->servers)) {
		pyr__name_server *server =
			PYR__OWNER(publisher->servers.next, pyr__name_server, link);
		pyr__list_remove(&server->link);
		free_server(server);
	}
	pthread_mutex_destroy(&publisher->first);
	pthread_mutex_destroy(&publisher->lock);
	free(publisher);
}

static pyr_status get_publisher(pyr_daemon *daemon, pyr__publisher **ret_publisher, pyr_error *err)
{
	pyr_status status = PYR_OK;
	pthread_mutex_lock(&daemon->lock);
	if (!daemon->publisher) {
		pyr_context_options options = PYR_CONTEXT_OPTIONS_INIT;
		options.base = pyr__loop_base(daemon->loop);
		pyr_context *context;
		status = pyr_context_new(&options, &context, err);
		if (status == PYR_OK) {
			pyr__publisher *publisher = pyr__zalloc(sizeof *publisher);
			pyr__context_inherit(context, daemon->context);
			publisher->daemon = daemon;
			publisher->context = context;
			pthread_mutex_init(&publisher->lock, NULL);
			pthread_mutex_init(&publisher->first, NULL);
			pyr__list_init(&publisher->servers);
			daemon->publisher = publisher;
		}
	}
	*ret_publisher = daemon->publisher;
	pthread_mutex_unlock(&daemon->lock);
	return status;
}

static bool same_address(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

pyr_status pyr__publisher_endpoint(const pyr__publisher *publisher, const char *address,
	pyr_reference *ret_endpoint, pyr_error *err)
{
	pyr_context *context = publisher->context;
	if (address)
		return pyr__name_server_parse(address, ret_endpoint, err);
	if (context->discoverer)
		return pyr__discoverer_find(context->discoverer,
			pyr__now_us() + ANSWER_TIMEOUT_MS * 1000ll, NULL, ret_endpoint, err);
	*ret_endpoint = context->name_server;
	return PYR_OK;
}

static pyr_status name_server_reference(const pyr__publisher *publisher, const char *address,
	char *buf, size_t size, pyr_error *err)
{
	pyr_reference where;
	if (!address)
		return pyr__name_server_reference(publisher->context, buf, size, err);
	pyr_status status = pyr__publisher_endpoint(publisher, address, &where, err);
	if (status)
		return status;
	snprintf(where.target, sizeof where.target, "%s", PYR__NAME_SERVER_OBJECT);
	return pyr_reference_format(&where, buf, size, err);
}

static pyr_status get_server(pyr__publisher *publisher, const char *address, uint32_t ttl_ms,
	pyr__name_server **ret_server, pyr_error *err)
{
	for (pyr__link *l = publisher->servers.next; l != &publisher->servers; l = l->next) {
		pyr__name_server *server = PYR__OWNER(l, pyr__name_server, link);
		if (same_address(server->address, address) && server->ttl_ms == ttl_ms) {
			*ret_server = server;
			return PYR_OK;
		}
	}
	char reference[PYR_REFERENCE_MAX];
	pyrite_names *names;
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	options.timeout_ms = ANSWER_TIMEOUT_MS;
	pyr_status status =
		name_server_reference(publisher, address, reference, sizeof reference, err);
	if (status == PYR_OK)
		status = pyrite_names__open(publisher->context, reference, &options, &names, err);
	if (status)
		return status;
	pyr__name_server *server = pyr__zalloc(sizeof *server);
	server->publisher = publisher;
	server->address = pyr__strdup(address);
	server->names = names;
	server->ttl_ms = ttl_ms;
	pyr__lease_init(server);
	pthread_mutex_lock(&publisher->lock);
	pyr__list_append(&publisher->servers, &server->link);
	pthread_mutex_unlock(&publisher->lock);
	*ret_server = server;
	return PYR_OK;
}

/* Unless it has been refused, a registration may have been carried out all the same. */
static void note_unsure(pyr__name_server *server, pyr_status status)
{
	if (status == PYR_ALREADY_EXISTS || status == PYR_INVALID_ARGUMENT ||
		status == PYR_PERMISSION_DENIED || status == PYR_UNAUTHENTICATED)
		return;
	pthread_mutex_lock(&server->publisher->lock);
	server->unsure_id = server->lease_id;
	pthread_mutex_unlock(&server->publisher->lock);
}

static pyr_status publish(pyr__publisher *publisher, pyr__publication *p,
	const pyr_publish_options *options, pyr_error *err)
{
	uint32_t ttl_ms = (uint32_t)pyr__config_number(PYR__CONFIG_LEASE_TTL, options->ttl_ms);
	pyr__name_server *server;
	pyr_status status = get_server(publisher, options->name_server, ttl_ms, &server, err);
	if (status)
		return status;
	p->server = server;
	status = pyr__lease_register(p, options->replace, err);
	if (status) {
		note_unsure(server, status);
		return status;
	}
	pthread_mutex_lock(&publisher->lock);
	pyr__publication *before = pyr__publication_unlist(pyr__publication_find(server, p->name));
	pyr__list_append(&server->publications, &p->link);
	pthread_mutex_unlock(&publisher->lock);
	pyr__publication_unref(before);
	pyr__loop_post(publisher->daemon->loop, &server->tick_task);
	return PYR_OK;
}

pyr_status pyr_daemon_publish(pyr_daemon *daemon, const char *object, const char *name,
	const pyr_publish_options *given, pyr_error *err)
{
	pyr_publish_options options = PYR_PUBLISH_OPTIONS_INIT;
	if (given)
		memcpy(&options, given,
			given->size < sizeof options ? given->size : sizeof options);
	pyr_status status = pyr__daemon_check_process(daemon, err);
	if (status)
		return status;
	pyr__text id = {object, strlen(object)};
	if (!pyr__objects_has(&daemon->objects, id))
		return pyr_error_set(
			err, PYR_NOT_FOUND, "the daemon has no object '%s' to publish", object);
	pyr__publisher *publisher;
	pyr__publication *p = NULL;
	status = get_publisher(daemon, &publisher, err);
	if (status == PYR_OK)
		status = pyr__publication_new(publisher, object, name, &options, &p, err);
	if (status)
		return status;
	pthread_mutex_lock(&publisher->first);
	status = publish(publisher, p, &options, err);
	pthread_mutex_unlock(&publisher->first);
	if (status)
		pyr__publication_unref(p);
	return status;
}

static pyr__publication *take_publication(pyr__publisher *publisher, const char *name)
{
	pyr__publication *found = NULL;
	pthread_mutex_lock(&publisher->lock);
	for (pyr__link *s = publisher->servers.next; !found && s != &publisher->servers;
		s = s->next)
		found = pyr__publication_unlist(
			pyr__publication_find(PYR__OWNER(s, pyr__name_server, link), name));
	pthread_mutex_unlock(&publisher->lock);
	return found;
}

static void put_back(pyr__publication *p)
{
	pthread_mutex_lock(&p->server->publisher->lock);
	pyr__list_append(&p->server->publications, &p->link);
	pthread_mutex_unlock(&p->server->publisher->lock);
}

pyr_status pyr_daemon_withdraw(pyr_daemon *daemon, const char *name, pyr_error *err)
{
	pyr_status status = pyr__daemon_check_process(daemon, err);
	if (status)
		return status;
	if (pyr__loop_in_callback())
		return pyr_error_set(err, PYR_FAILED_PRECONDITION,
			"withdrawing a name would block the loop's thread");
	pthread_mutex_lock(&daemon->lock);
	pyr__publisher *publisher = daemon->publisher;
	pthread_mutex_unlock(&daemon->lock);
	pyr__publication *p = publisher ? take_publication(publisher, name) : NULL;
	if (!p)
		return pyr_error_set(
			err, PYR_NOT_FOUND, "this daemon has not published the name '%s'", name);
	Pyrite__RemoveRequest request = PYRITE__REMOVE_REQUEST__INIT;
	Pyrite__RemoveReply *reply;
	request.name = p->name;
	request.lease_id = pyr__lease_id(p->server);
	status = pyrite_names_remove(p->server->names, &request, &reply, err);
	if (status == PYR_OK)
		pyrite__remove_reply__free_unpacked(reply, NULL);
	if (status && status != PYR_NOT_FOUND) {
		put_back(p);
		return status;
	}
	pyr__publication_unref(p);
	return PYR_OK; /* it may have gone by itself */
}
