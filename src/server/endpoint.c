/* SPDX-License-Identifier: Apache-2.0 */
/* The endpoints of a daemon: where it listens, and what it says about that. */
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/error.h"
#include "server/daemon_private.h"
#include "server/inherited.h"

typedef struct open_task {
	pyr__task task;
	pyr__listener *listener;
} open_task;

static void run_open(pyr__task *task)
{
	pyr__listener_open(((open_task *)task)->listener);
}

static pyr_status advertise(endpoint *e, const char *given, pyr_error *err)
{
	char text[PYR__PEER_TEXT_MAX];
	pyr__socket_text(pyr__listener_address(e->listener), text, sizeof text);
	e->advertised.scheme = e->credentials ? PYR_SCHEME_PYRS : PYR_SCHEME_PYR;
	return pyr_endpoint_parse(given ? given : text, &e->advertised, err);
}

static void free_endpoint(endpoint *e)
{
	pyr__listener_free(e->listener);
	pyr_credentials_unref(e->credentials);
	free(e);
}

#define GRPCS "grpcs:"

static pyr_status new_grpcs_endpoint(
	endpoint *e, pyr_reference *where, const pyr_listen_options *options, pyr_error *err)
{
	if (!options->credentials)
		return pyr_error_set(
			err, PYR_INVALID_ARGUMENT, "an endpoint for " GRPCS " needs credentials");
	pyr_status status = pyr__daemon_grpc_listen(e->daemon, where, options->credentials, err);
	e->advertised = *where;
	e->advertised.scheme = PYR_SCHEME_GRPCS;
	if (status == PYR_OK && options->advertise)
		status = pyr_endpoint_parse(options->advertise, &e->advertised, err);
	return status;
}

/* What an endpoint listens on: an address, or a descriptor that listens already. */
typedef struct place {
	pyr_reference where;
	bool grpcs;
	int fd; /* -1: where */
} place;

static pyr_status new_listening_endpoint(
	endpoint *e, const place *at, const pyr_listen_options *options, pyr_error *err)
{
	pyr__loop *loop = e->daemon->loop;
	pyr_status status = at->fd >= 0 ? pyr__listener_inherit(at->fd, loop, pyr__daemon_accept, e,
						  &e->listener, err)
					: pyr__listener_new(&at->where, loop, pyr__daemon_accept, e,
						  &e->listener, err);
	return status ? status : advertise(e, options->advertise, err);
}

static pyr_status new_endpoint(pyr_daemon *daemon, place *at, const pyr_listen_options *options,
	endpoint **ret_endpoint, pyr_error *err)
{
	pyr_status status = PYR_OK;
	if (options->credentials)
		status = pyr__credentials_check_server(options->credentials, err);
	if (status)
		return status;
	endpoint *e = pyr__zalloc(sizeof *e);
	e->daemon = daemon;
	e->is_told = options->advertise != NULL;
	if (options->credentials)
		e->credentials = pyr_credentials_ref(options->credentials);
	if (at->grpcs)
		status = new_grpcs_endpoint(e, &at->where, options, err);
	else
		status = new_listening_endpoint(e, at, options, err);
	if (status)
		free_endpoint(e);
	else
		*ret_endpoint = e;
	return status;
}

static pyr_status listen_at(
	pyr_daemon *daemon, place *at, const pyr_listen_options *options, pyr_error *err)
{
	endpoint *e;
	pyr_status status = new_endpoint(daemon, at, options, &e, err);
	if (status)
		return status;
	open_task task = {.task = {.run = run_open}, .listener = e->listener};
	if (e->listener)
		pyr__loop_call(daemon->loop, &task.task);
	pthread_mutex_lock(&daemon->lock);
	endpoint **last = &daemon->endpoints;
	while (*last)
		last = &(*last)->next;
	*last = e;
	pthread_mutex_unlock(&daemon->lock);
	return PYR_OK;
}

static pyr_status listen_inherited(
	pyr_daemon *daemon, const char *text, const pyr_listen_options *options, pyr_error *err)
{
	int fds[PYR__INHERITED_MAX];
	size_t count = 0;
	pyr_status status = pyr__inherited_find(text, fds, &count, err);
	for (size_t i = 0; i < count && status == PYR_OK; i++) {
		place at = {.fd = fds[i]};
		status = listen_at(daemon, &at, options, err);
	}
	return status;
}

pyr_status pyr_daemon_listen(
	pyr_daemon *daemon, const char *text, const pyr_listen_options *given, pyr_error *err)
{
	pyr_listen_options options = PYR_LISTEN_OPTIONS_INIT;
	if (given)
		memcpy(&options, given,
			given->size < sizeof options ? given->size : sizeof options);
	pyr_status status = pyr__daemon_check_serving(daemon, err);
	if (status == PYR_OK)
		status = pyr__daemon_check_may_wait(daemon, err);
	if (status)
		return status;
	if (pyr__inherited_is(text))
		return listen_inherited(daemon, text, &options, err);
	place at = {.fd = -1, .grpcs = strncmp(text, GRPCS, strlen(GRPCS)) == 0};
	status = pyr_endpoint_parse(at.grpcs ? text + strlen(GRPCS) : text, &at.where, err);
	return status ? status : listen_at(daemon, &at, &options, err);
}

void pyr__endpoints_free(pyr_daemon *daemon)
{
	while (daemon->endpoints) {
		endpoint *e = daemon->endpoints;
		daemon->endpoints = e->next;
		free_endpoint(e);
	}
}

pyr_status pyr_daemon_reference(pyr_daemon *daemon, const char *object, size_t index, char *buf,
	size_t size, pyr_error *err)
{
	pyr_reference reference;
	pthread_mutex_lock(&daemon->lock);
	const endpoint *e = daemon->endpoints;
	for (size_t i = 0; e && i < index; i++)
		e = e->next;
	if (e)
		reference = e->advertised;
	pthread_mutex_unlock(&daemon->lock);
	if (!e)
		return pyr_error_set(
			err, PYR_OUT_OF_RANGE, "the daemon has no endpoint number %zu", index);
	if (pyr__copy_text(reference.target, sizeof reference.target, object, strlen(object)))
		return pyr_error_set(err, PYR_INVALID_ARGUMENT, "an object id has at most %d bytes",
			PYR_OBJECT_ID_MAX);
	return pyr_reference_format(&reference, buf, size, err);
}
