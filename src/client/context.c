/* SPDX-License-Identifier: Apache-2.0 */
/* A context: what proxies share, and its life. */
#include "client/context.h"

#include <stdlib.h>
#include <pyrite/object.h>
#include <string.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/error.h"
#include "base/fork.h"
#include "base/refs.h"
#include "client/channels.h"
#include "client/discovery.h"
#include "client/interceptor.h"
#include "client/names.h"
#include "transport/scope.h"

_Thread_local const pyr__scope *pyr__scope_current;

#define SETTLE_MS 1000 /* that pyr_context_free() waits for oneway calls to be sent */

static pthread_mutex_t default_lock = PTHREAD_MUTEX_INITIALIZER;
static pyr_context *default_context;

/* No limit and no duration of the table is larger. */
static uint32_t or_config(uint32_t given, pyr__config_key key)
{
	return (uint32_t)pyr__config_number(key, given);
}

/* A host may be called "pyrs", but then only a port follows. */
pyr_status pyr__name_server_parse(const char *text, pyr_reference *ret_reference, pyr_error *err)
{
	if (pyr__discovery_is(text))
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"only a context discovers its name server, so '%.100s' is for its options "
			"and PYRITE_NS",
			text);
	const char *rest = strncmp(text, "pyrs:", 5) == 0 ? text + 5 : NULL;
	bool tls = rest && strchr(rest, ':');
	memset(ret_reference, 0, sizeof *ret_reference);
	ret_reference->scheme = tls ? PYR_SCHEME_PYRS : PYR_SCHEME_PYR;
	return pyr_endpoint_parse(tls ? rest : text, ret_reference, err);
}

/* A name server that is given, or else how it is to be discovered. */
typedef struct server_choice {
	pyr_reference given;
	bool discover;
	pyr__discovery where;
} server_choice;

static pyr_status parse_name_server(const char *text, server_choice *ret_server, pyr_error *err)
{
	pyr_error why;
	memset(ret_server, 0, sizeof *ret_server);
	ret_server->discover = pyr__discovery_is(text);
	pyr_status status = ret_server->discover
				    ? pyr__discovery_parse(text, &ret_server->where, &why)
				    : pyr__name_server_parse(text, &ret_server->given, &why);
	if (status)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"the name server's address '%s' (PYRITE_NS): %s", text, why.message);
	return PYR_OK;
}

static pyr_status check_token(const char *token, pyr_error *err)
{
	size_t size = strlen(token);
	if (size == 0 || size > PYR__TOKEN_MAX)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"a token has 1 to %d bytes, this one has %zu", PYR__TOKEN_MAX, size);
	for (size_t i = 0; i < size; i++)
		if (token[i] <= ' ' || token[i] > '~')
			return pyr_error_set(err, PYR_INVALID_ARGUMENT,
				"byte %zu of the token is not printable ASCII", i + 1);
	return PYR_OK;
}

/* PYRITE_TOKEN is for the name server's eyes only. */
static pyr_status take_name_server(
	pyr_context *context, const server_choice *server, pyr_error *err)
{
	const char *token = pyr__config_text(PYR__CONFIG_TOKEN);
	pyr_error why;
	if (token && check_token(token, &why))
		return pyr_error_set(err, PYR_INVALID_ARGUMENT, "PYRITE_TOKEN: %s", why.message);
	context->name_server = server->given;
	if (server->discover)
		context->discoverer = pyr__discoverer_new(context, &server->where, token);
	else if (token)
		pyr__context_show_token(context, &server->given, token);
	return PYR_OK;
}

void pyr__context_show_token(
	pyr_context *context, const pyr_reference *name_server, const char *token)
{
	char name[sizeof((pyr__channel *)0)->name];
	pyr__channels_name(name_server, name, sizeof name);
	pthread_mutex_lock(&context->lock);
	pyr__tokens_set(&context->tokens, name, token, false);
	pthread_mutex_unlock(&context->lock);
}

pyr_status pyr_context_new(
	const pyr_context_options *given, pyr_context **ret_context, pyr_error *err)
{
	pyr_context_options options = PYR_CONTEXT_OPTIONS_INIT;
	if (given)
		memcpy(&options, given,
			given->size < sizeof options ? given->size : sizeof options);
	server_choice server;
	pyr_status status = pyr_config_check(err);
	if (status == PYR_OK)
		status = parse_name_server(options.name_server ? options.name_server
							       : pyr__config_text(PYR__CONFIG_NS),
			&server, err);
	pyr__loop *loop = NULL;
	if (status == PYR_OK)
		status = pyr__loop_new(options.base, &loop, err);
	if (status)
		return status;
	pyr_context *context = pyr__zalloc(sizeof *context);
	context->loop = loop;
	context->connect_timeout_ms =
		or_config(options.connect_timeout_ms, PYR__CONFIG_CONNECT_TIMEOUT);
	context->timeout_ms = or_config(0, PYR__CONFIG_TIMEOUT);
	context->compress_from = options.compress_from;
	context->shared_memory = (pyr_shared_memory)pyr__config_number(
		PYR__CONFIG_SHARED_MEMORY, options.shared_memory);
	context->spin_us = (unsigned)pyr__config_number(PYR__CONFIG_SPIN_US, 0);
	context->socket_spin_us = (unsigned)pyr__config_number(PYR__CONFIG_SOCKET_SPIN_US, 0);
	context->name_age_max_us =
		or_config(options.name_age_max_ms, PYR__CONFIG_NAME_AGE_MAX) * 1000ll;
	context->decoded_bytes_max =
		or_config(options.decoded_bytes_max, PYR__CONFIG_DECODED_BYTES_MAX);
	pyr__session_config_init(&context->session, false);
	context->session.message_max =
		or_config(options.message_bytes_max, PYR__CONFIG_MESSAGE_BYTES_MAX);
	context->session.queue_max =
		or_config(options.queue_bytes_max, PYR__CONFIG_QUEUE_BYTES_MAX);
	if (options.credentials)
		context->credentials = pyr_credentials_ref(options.credentials);
	context->fork_count = pyr__fork_count();
	atomic_init(&context->refs, 1);
	pthread_mutex_init(&context->lock, NULL);
	pyr__list_init(&context->channels);
	pyr__conns_init(&context->conns);
	pyr__list_init(&context->paused);
	pyr__list_init(&context->neighbours);
	status = take_name_server(context, &server, err);
	const char *allowed = pyr__config_text(PYR__CONFIG_ALLOW);
	if (status == PYR_OK && allowed)
		status = pyr__allowed_add(&context->allowed, allowed, err);
	if (status)
		pyr__context_unref(context);
	else
		*ret_context = context;
	return status;
}

void pyr__context_inherit(pyr_context *context, pyr_context *from)
{
	pyr__tokens_done(&context->tokens);
	pyr__discoverer_free(context->discoverer);
	context->discoverer =
		from->discoverer ? pyr__discoverer_copy(context, from->discoverer) : NULL;
	pthread_mutex_lock(&from->lock);
	context->name_server = from->name_server;
	if (from->credentials)
		context->credentials = pyr_credentials_ref(from->credentials);
	pyr__tokens_copy(&context->tokens, &from->tokens);
	pthread_mutex_unlock(&from->lock);
}

static pyr_status get_default(pyr_context **ret_context, pyr_error *err)
{
	pyr_status status = PYR_OK;
	pthread_mutex_lock(&default_lock);
	if (!default_context)
		status = pyr_context_new(NULL, &default_context, err);
	*ret_context = default_context;
	pthread_mutex_unlock(&default_lock);
	return status;
}

pyr_status pyr__context_check(const pyr_context *context, pyr_error *err)
{
	pyr_status status = pyr__fork_check(context->fork_count, "this context", err);
	if (status)
		return status;
	if (atomic_load_explicit(&context->shut, memory_order_relaxed))
		return pyr_error_set(err, PYR_CANCELLED, "the context has been freed");
	return PYR_OK;
}

bool pyr__context_is_forked(const pyr_context *context)
{
	return context->fork_count != pyr__fork_count();
}

pyr_status pyr__context_get(pyr_context *context, pyr_context **ret_context, pyr_error *err)
{
	pyr_status status = PYR_OK;
	if (!context)
		status = get_default(&context, err);
	if (status == PYR_OK)
		status = pyr__context_check(context, err);
	if (status)
		return status;
	pyr__refs_take(&context->refs);
	*ret_context = context;
	return PYR_OK;
}

void pyr__context_unref(pyr_context *context)
{
	if (!context || !pyr__refs_drop(&context->refs))
		return;
	pyr__loop_finish(context->loop);
	if (context->grpc)
		context->grpc_library->client_free(context->grpc);
	pyr__discoverer_free(context->discoverer);
	pyr__loop_free(context->loop);
	pyr_credentials_unref(context->credentials);
	pyr__cow_done(&context->interceptors);
	pyr__tokens_done(&context->tokens);
	pyr__allowed_done(&context->allowed);
	if (context->keeper)
		context->keeper->free(context->keeper);
	pyr__conns_done(&context->conns);
	pthread_mutex_destroy(&context->lock);
	free(context);
}

/* The finder's own proxies keep the context, so it goes before the last reference does. */
static void free_finder(pyr_context *context)
{
	pthread_mutex_lock(&context->lock);
	pyr__finder *finder = context->finder;
	context->finder = NULL;
	pthread_mutex_unlock(&context->lock);
	if (finder)
		finder->free(finder);
}

/* Their timers will not fire any more. The loop has stopped, and is this thread's. */
static void end_paused(pyr_context *context)
{
	while (!pyr__list_empty(&context->paused)) {
		pyr__paused *paused = PYR__OWNER(context->paused.next, pyr__paused, link);
		pyr__list_remove(&paused->link);
		paused->end(paused);
	}
	pyr__loop_finish(context->loop);
}

/* A oneway call that was accepted is sent, if its peer is there: connecting may still go on. */
static void settle_oneways(pyr_context *context)
{
	uint32_t most_ms =
		context->connect_timeout_ms < SETTLE_MS ? context->connect_timeout_ms : SETTLE_MS;
	pyr__conns_settle(&context->conns, pyr__now_us() + most_ms * 1000ll);
}

static pyr__keeper *keeper_of(pyr_context *context)
{
	pthread_mutex_lock(&context->lock);
	pyr__keeper *keeper = context->keeper;
	pthread_mutex_unlock(&context->lock);
	return keeper;
}

void pyr_context_free(pyr_context *context)
{
	if (!context || pyr__context_is_forked(context))
		return;
	pyr__keeper *keeper = keeper_of(context);
	if (keeper)
		keeper->say_farewell(keeper);
	settle_oneways(context);
	pyr__channels_shut(context);
	pyr__conns_shut(&context->conns, PYR_CANCELLED, "the context was freed");
	pyr__loop_stop(context->loop);
	pyr__loop_finish(context->loop);
	end_paused(context);
	keeper = keeper_of(context);
	if (keeper)
		keeper->close(keeper);
	pyr__channels_release_adopted(context);
	free_finder(context);
	pyr__context_unref(context);
}

pyr_status pyr_context_set_token(pyr_context *context, const char *endpoint, const char *token,
	bool allow_cleartext, pyr_error *err)
{
	pyr_reference where;
	memset(&where, 0, sizeof where);
	char name[sizeof((pyr__channel *)0)->name] = "*";
	pyr_status status = token ? check_token(token, err) : PYR_OK;
	if (status == PYR_OK && strcmp(endpoint, "*") != 0) {
		status = pyr_endpoint_parse(endpoint, &where, err);
		pyr__channels_name(&where, name, sizeof name);
	}
	if (status == PYR_OK)
		status = pyr__context_get(context, &context, err);
	if (status)
		return status;
	pthread_mutex_lock(&context->lock);
	pyr__tokens_set(&context->tokens, name, token, allow_cleartext);
	pyr__channels_retire(context);
	pthread_mutex_unlock(&context->lock);
	pyr__context_unref(context);
	return PYR_OK;
}

pyr_status pyr_context_allow(pyr_context *context, const char *hosts, pyr_error *err)
{
	pyr_status status = pyr__context_get(context, &context, err);
	if (status)
		return status;
	pthread_mutex_lock(&context->lock);
	status = pyr__allowed_add(&context->allowed, hosts, err);
	pthread_mutex_unlock(&context->lock);
	pyr__context_unref(context);
	return status;
}

pyr_status pyr__context_check_place(
	pyr_context *context, const pyr_reference *place, const char *peer, pyr_error *err)
{
	pthread_mutex_lock(&context->lock);
	pyr_status status = pyr__allowed_check(&context->allowed, place, peer, err);
	pthread_mutex_unlock(&context->lock);
	return status;
}

pyr__finder *pyr__context_finder(pyr_context *context)
{
	pthread_mutex_lock(&context->lock);
	if (!context->finder)
		context->finder = pyr__names_finder_new(context);
	pyr__finder *finder = context->finder;
	pthread_mutex_unlock(&context->lock);
	return finder;
}

void pyr__context_add_neighbour(pyr_context *context, pyr__neighbour *neighbour)
{
	pthread_mutex_lock(&context->lock);
	pyr__list_append(&context->neighbours, &neighbour->link);
	pthread_mutex_unlock(&context->lock);
}

void pyr__context_remove_neighbour(pyr_context *context, pyr__neighbour *neighbour)
{
	pthread_mutex_lock(&context->lock);
	pyr__list_remove(&neighbour->link);
	pthread_mutex_unlock(&context->lock);
}
