/* SPDX-License-Identifier: Apache-2.0 */
/* The channels of a context: one for each endpoint that its proxies lead to. */
#include "client/channels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/apart.h"
#include "base/error.h"
#include "base/refs.h"
#include "native/channel.h"

void pyr__channels_name(const pyr_reference *reference, char *buf, size_t size)
{
	if (reference->is_unix)
		snprintf(buf, size, "unix:%s", reference->host);
	else if (strchr(reference->host, ':'))
		snprintf(buf, size, "[%s]:%u", reference->host, reference->port);
	else
		snprintf(buf, size, "%s:%u", reference->host, reference->port);
}

/* Lock held, as long as the channel is looked at. */
static pyr__channel *look_up(pyr_context *context, pyr_scheme scheme, const char *name)
{
	for (pyr__link *l = context->channels.next; l != &context->channels; l = l->next) {
		pyr__channel *channel = PYR__OWNER(l, pyr__channel, link);
		if (!atomic_load(&channel->retired) && channel->scheme == scheme &&
			strcmp(channel->name, name) == 0)
			return channel;
	}
	return NULL;
}

/* Lock held. */
static pyr_status get_credentials(
	pyr_context *context, pyr_credentials **ret_credentials, pyr_error *err)
{
	pyr_status status = PYR_OK;
	if (!context->credentials)
		status = pyr_credentials_new_tls(NULL, &context->credentials, err);
	*ret_credentials = context->credentials;
	return status;
}

/* What every connection has, whoever makes it; authorization goes into *session. Lock held. */
static pyr_status make_options(pyr_context *context, const pyr_reference *reference,
	const char *name, pyr__session_config *session, pyr__conn_options *ret_options,
	pyr_error *err)
{
	*session = context->session;
	*ret_options = (pyr__conn_options){
		.loop = context->loop,
		.conns = &context->conns,
		.start_loop = true,
		.session = session,
		.connect_timeout_ms = context->connect_timeout_ms,
		.socket_spin_us = context->socket_spin_us,
	};
	return pyr__tokens_find(&context->tokens, reference, name, &session->authorization, err);
}

/* Lock held. */
static pyr_status new_native(pyr_context *context, const pyr_reference *reference, const char *name,
	pyr__channel **ret_channel, pyr_error *err)
{
	pyr__session_config session;
	pyr__conn_options options;
	char host[sizeof reference->host];
	pyr_status status = make_options(context, reference, name, &session, &options, err);
	if (status)
		return status;
	options.compress_from = context->compress_from;
	options.shared_memory = context->shared_memory;
	options.spin_us = context->spin_us;
	if (reference->scheme == PYR_SCHEME_PYRS) {
		status = get_credentials(context, &options.credentials, err);
		if (status)
			return status;
		pyr__copy_text(host, sizeof host, reference->host, strcspn(reference->host, "%"));
		options.tls_host = reference->is_unix ? NULL : host;
	}
	*ret_channel = pyr__native_channel_new(reference, name, &options);
	return PYR_OK;
}

/* Lock held. */
static pyr_status new_grpc(pyr_context *context, const pyr_reference *reference, const char *name,
	pyr__channel **ret_channel, pyr_error *err)
{
	if (!context->grpc) {
		pyr_status status = pyr__grpc_load(&context->grpc_library, err);
		if (status)
			return status;
		pyr__grpc_client_options options = {
			.loop = context->loop,
			.connect_timeout_ms = context->connect_timeout_ms,
			.message_max = context->session.message_max,
			.metadata_max = context->session.metadata_max,
			.compress_from = context->compress_from,
		};
		context->grpc = context->grpc_library->client_new(&options);
	}
	const char *authorization;
	pyr_status status =
		pyr__tokens_find(&context->tokens, reference, name, &authorization, err);
	pyr_credentials *credentials = NULL;
	if (status == PYR_OK && reference->scheme == PYR_SCHEME_GRPCS)
		status = get_credentials(context, &credentials, err);
	if (status)
		return status;
	*ret_channel = context->grpc_library->channel_new(
		context->grpc, reference, name, authorization, credentials);
	return PYR_OK;
}

static pyr_status unsupported(pyr_error *err)
{
	return pyr_error_set(err, PYR_UNIMPLEMENTED, "this version has no such transport");
}

/* Lock held. */
static pyr_status new_channel(pyr_context *context, const pyr_reference *reference,
	const char *name, pyr__channel **ret_channel, pyr_error *err)
{
	switch (reference->scheme) {
	case PYR_SCHEME_PYR:
	case PYR_SCHEME_PYRS:
		return new_native(context, reference, name, ret_channel, err);
	case PYR_SCHEME_GRPC:
	case PYR_SCHEME_GRPCS:
		return new_grpc(context, reference, name, ret_channel, err);
	default:
		return unsupported(err);
	}
}

/* Lock held. The daemon of this context that the reference leads to; NULL: another one. */
static pyr__local_host *find_neighbour(pyr_context *context, const pyr_reference *reference)
{
	pyr__text object = {reference->target, strlen(reference->target)};
	for (pyr__link *l = context->neighbours.next; l != &context->neighbours; l = l->next) {
		pyr__local_host *host = PYR__OWNER(l, pyr__neighbour, link)->host;
		if (reference->scheme == PYR_SCHEME_LOCAL ? pyr__local_host_has(host, object)
							  : pyr__local_host_is_at(host, reference))
			return host;
	}
	return NULL;
}

/* Lock held. */
static pyr__channel *local_channel(pyr_context *context, pyr__local_host *host, const char *name)
{
	for (pyr__link *l = context->channels.next; l != &context->channels; l = l->next) {
		pyr__channel *channel = PYR__OWNER(l, pyr__channel, link);
		if (channel->scheme == PYR_SCHEME_LOCAL && pyr__local_channel_host(channel) == host)
			return pyr__channel_ref(channel);
	}
	pyr__channel *channel =
		pyr__local_channel_new(host, name, context->loop, context->session.message_max);
	channel->scheme = PYR_SCHEME_LOCAL;
	pyr__list_append(&context->channels, &channel->link);
	return channel;
}

/* A local reference, or one over the native transport that leads to this very context. */
static bool stays_here(pyr_context *context, const pyr_reference *reference, const char *name,
	pyr__channel **ret_channel, pyr_status *ret_status, pyr_error *err)
{
	if (reference->scheme != PYR_SCHEME_LOCAL && reference->scheme != PYR_SCHEME_PYR)
		return false;
	pyr__local_host *host = find_neighbour(context, reference);
	if (host)
		*ret_channel = local_channel(
			context, host, reference->scheme == PYR_SCHEME_LOCAL ? "local" : name);
	else if (reference->scheme == PYR_SCHEME_LOCAL)
		*ret_status = pyr_error_set(err, PYR_NOT_FOUND,
			"no daemon of this context has an object '%s'", reference->target);
	return host || *ret_status;
}

pyr_status pyr__context_channel(pyr_context *context, const pyr_reference *reference,
	pyr__channel **ret_channel, pyr_error *err)
{
	char name[sizeof(*ret_channel)->name];
	pyr_status status = pyr__context_check(context, err);
	if (status)
		return status;
	pyr__channels_name(reference, name, sizeof name);
	pthread_mutex_lock(&context->lock);
	if (stays_here(context, reference, name, ret_channel, &status, err)) {
		pthread_mutex_unlock(&context->lock);
		return status;
	}
	*ret_channel = look_up(context, reference->scheme, name);
	if (*ret_channel) {
		pyr__channel_ref(*ret_channel);
	} else {
		status = new_channel(context, reference, name, ret_channel, err);
		if (status == PYR_OK) {
			(*ret_channel)->scheme = reference->scheme;
			pyr__list_append(&context->channels, &(*ret_channel)->link);
		}
	}
	pthread_mutex_unlock(&context->lock);
	return status;
}

pyr_status pyr__context_neighbour(pyr_context *context, const uint8_t id[PYR__PEER_ID_SIZE],
	pyr__channel **ret_channel, pyr_error *err)
{
	pyr__channel *channel = NULL;
	pyr_status status = pyr__context_check(context, err);
	if (status)
		return status;
	pthread_mutex_lock(&context->lock);
	for (pyr__link *l = context->neighbours.next; l != &context->neighbours; l = l->next) {
		pyr__local_host *host = PYR__OWNER(l, pyr__neighbour, link)->host;
		if (pyr__local_host_is(host, id))
			channel = local_channel(context, host, "local");
	}
	pthread_mutex_unlock(&context->lock);
	if (!channel)
		return pyr_error_set(
			err, PYR_NOT_FOUND, "the object's daemon is not in this context any more");
	*ret_channel = channel;
	return PYR_OK;
}

/* It may be the last reference, which needs the lock, under which a channel is found again. */
PYR__APART static void release_last(pyr_context *context, pyr__channel *channel)
{
	pthread_mutex_lock(&context->lock);
	bool last = pyr__refs_drop(&channel->refs);
	if (last)
		pyr__list_remove(&channel->link);
	pthread_mutex_unlock(&context->lock);
	if (last)
		channel->ops->free(channel);
}

void pyr__context_release(pyr_context *context, pyr__channel *channel)
{
	if (channel && !pyr__refs_drop_if_shared(&channel->refs))
		release_last(context, channel);
}

/* Connections that are handed in */

/* Lock held. Its reference, which the caller is to give back; NULL: it is not among them. */
static pyr__channel *take_adopted(pyr_context *context, pyr__channel *channel)
{
	for (size_t i = 0; i < context->adopted_count; i++) {
		if (context->adopted[i] != channel)
			continue;
		context->adopted[i] = context->adopted[--context->adopted_count];
		return channel;
	}
	return NULL;
}

/* One whose connection has ended makes room for another; who still uses it is told. */
static void forget_ended(pyr_context *context, const char *name)
{
	pyr__channel *ended = NULL;
	pthread_mutex_lock(&context->lock);
	pyr__channel *channel = look_up(context, PYR_SCHEME_PYR, name);
	if (channel && channel->connection && !pyr__native_channel_lives(channel)) {
		atomic_store(&channel->retired, true);
		ended = take_adopted(context, channel);
	}
	pthread_mutex_unlock(&context->lock);
	pyr__context_release(context, ended);
}

/* Lock held. */
static pyr_status check_free(pyr_context *context, const char *name, pyr_error *err)
{
	if (atomic_load(&context->shut))
		return pyr_error_set(err, PYR_CANCELLED, "the context has been freed");
	if (look_up(context, PYR_SCHEME_PYR, name))
		return pyr_error_set(err, PYR_ALREADY_EXISTS,
			"this context has a connection to '%s' already", name);
	return PYR_OK;
}

/* Lock held. */
static pyr_status adopt(
	pyr_context *context, int fd, const pyr_reference *where, const char *name, pyr_error *err)
{
	pyr_status status = check_free(context, name, err);
	if (status)
		return status;
	pyr__session_config session;
	pyr__conn_options options;
	status = make_options(context, where, name, &session, &options, err);
	if (status)
		return status;
	pyr__channel *channel = pyr__native_channel_adopt(fd, where, name, &options);
	if (!channel)
		return pyr_error_set(err, PYR_RESOURCE_EXHAUSTED, "no memory for a connection");
	channel->scheme = PYR_SCHEME_PYR;
	pyr__list_append(&context->channels, &channel->link);
	context->adopted = pyr__realloc(
		context->adopted, (context->adopted_count + 1) * sizeof(pyr__channel *));
	context->adopted[context->adopted_count++] = channel;
	return PYR_OK;
}

pyr_status pyr_context_adopt(pyr_context *context, int fd, const char *endpoint, pyr_error *err)
{
	pyr__address peer;
	pyr_reference where = {.scheme = PYR_SCHEME_PYR};
	char name[sizeof((pyr__channel *)0)->name];
	pyr_status status = pyr_endpoint_parse(endpoint, &where, err);
	if (status == PYR_OK)
		status = pyr__context_get(context, &context, err);
	if (status)
		return status;
	pyr__channels_name(&where, name, sizeof name);
	status = pyr__socket_adopt(fd, &peer, err);
	if (status == PYR_OK)
		forget_ended(context, name);
	pthread_mutex_lock(&context->lock);
	if (status == PYR_OK)
		status = adopt(context, fd, &where, name, err);
	pthread_mutex_unlock(&context->lock);
	pyr__context_unref(context);
	return status;
}

/* All of them */

/* One by one, without the lock, since what they end runs callbacks. */
void pyr__channels_shut(pyr_context *context)
{
	size_t count = 0, made = 0;
	pthread_mutex_lock(&context->lock);
	atomic_store(&context->shut, true);
	for (pyr__link *l = context->channels.next; l != &context->channels; l = l->next)
		count++;
	pyr__channel **channels = pyr__alloc(count * sizeof(pyr__channel *));
	for (pyr__link *l = context->channels.next; l != &context->channels; l = l->next)
		channels[made++] = pyr__channel_ref(PYR__OWNER(l, pyr__channel, link));
	pthread_mutex_unlock(&context->lock);
	for (size_t i = 0; i < made; i++) {
		pyr__channel_shut(channels[i]);
		pyr__context_release(context, channels[i]);
	}
	free(channels);
}

void pyr__channels_release_adopted(pyr_context *context)
{
	for (size_t i = 0; i < context->adopted_count; i++)
		pyr__context_release(context, context->adopted[i]);
	free(context->adopted);
	context->adopted = NULL;
	context->adopted_count = 0;
}

void pyr__channels_retire(pyr_context *context)
{
	for (pyr__link *l = context->channels.next; l != &context->channels; l = l->next)
		if (!PYR__OWNER(l, pyr__channel, link)->connection)
			atomic_store(&PYR__OWNER(l, pyr__channel, link)->retired, true);
}
