/* SPDX-License-Identifier: Apache-2.0 */
/* One endpoint, and core's channel to it. */
#include "grpc/channel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <grpc/grpc_security.h>
#include "base/alloc.h"
#include "base/error.h"
#include "base/clock.h"
#include "base/refs.h"
#include "grpc/args.h"
#include "grpc/leaving.h"
#include "grpc/secure.h"

#define METHOD_MAX 1024 /* longer ones are not registered */

/* Lines */

static void unref_home(pyr__grpc_channel *self)
{
	if (!pyr__refs_drop(&self->lines))
		return;
	pthread_mutex_destroy(&self->lock);
	free(self->target);
	free(self->authorization);
	free(self);
}

/* With the credentials as they are now: they may have been reloaded since the last time. */
static grpc_channel *new_core_channel(const pyr__grpc_channel *self)
{
	pyr__pem pem = {.server_name = NULL};
	pyr__args args;
	uint64_t seen = 0;
	if (self->credentials)
		pyr__services->credentials_pem(self->credentials, &seen, &pem);
	grpc_channel_credentials *credentials = self->credentials
							? pyr__secure_channel_credentials(&pem)
							: grpc_insecure_credentials_create();
	pyr__args_client(&args, &self->client->options, pem.server_name);
	grpc_channel *core = grpc_channel_create(self->target, credentials, &args.core);
	grpc_channel_credentials_release(credentials);
	pyr__pem_wipe(&pem);
	return core;
}

static pyr__line *new_line(pyr__grpc_channel *self)
{
	pyr__line *line = pyr__zalloc(sizeof *line);
	atomic_init(&line->refs, 1);
	line->core = new_core_channel(self);
	line->made_us = pyr__now_us();
	line->home = self;
	pyr__list_init(&line->kept_back);
	pyr__refs_take(&self->lines);
	return line;
}

void pyr__line_unref(pyr__line *line)
{
	if (!line || !pyr__refs_drop(&line->refs))
		return;
	pyr__leave(line->home->client, line->core, pyr__now_us() - line->made_us);
	unref_home(line->home);
	free(line);
}

void pyr__line_failed(pyr__line *line)
{
	pyr__grpc_channel *self = line->home;
	pthread_mutex_lock(&self->lock);
	bool current = self->line == line;
	if (current)
		self->line = NULL;
	pthread_mutex_unlock(&self->lock);
	if (current)
		pyr__line_unref(line);
}

pyr_status pyr__channel_line(pyr__grpc_channel *self, pyr__line **ret_line, pyr_error *err)
{
	pyr_status status = PYR_OK;
	pthread_mutex_lock(&self->lock);
	if (self->shut) {
		status = pyr_error_set(err, PYR_CANCELLED, "the context has been freed");
	} else {
		if (!self->line)
			self->line = new_line(self);
		pyr__refs_take(&self->line->refs);
		*ret_line = self->line;
	}
	pthread_mutex_unlock(&self->lock);
	return status;
}

static bool is_connected(pyr__line *line)
{
	return grpc_channel_check_connectivity_state(line->core, 0) == GRPC_CHANNEL_READY;
}

pyr__turn pyr__line_turn(pyr__line *line, bool oneway, pyr__link *link)
{
	pyr__turn turn = PYR__TURN_NOW;
	pthread_mutex_lock(&line->home->lock);
	if (line->keeps_back) {
		turn = PYR__TURN_LATER;
		pyr__list_append(&line->kept_back, link);
	} else if (oneway && !is_connected(line)) {
		turn = PYR__TURN_FIRST;
		line->keeps_back = true;
	}
	pthread_mutex_unlock(&line->home->lock);
	return turn;
}

pyr__link *pyr__line_next(pyr__line *line)
{
	pyr__link *next = NULL;
	pthread_mutex_lock(&line->home->lock);
	line->keeps_back = !pyr__list_empty(&line->kept_back);
	if (line->keeps_back) {
		next = line->kept_back.next;
		pyr__list_remove(next);
	}
	pthread_mutex_unlock(&line->home->lock);
	return next;
}

static void *register_method(pyr__line *line, pyr__text method)
{
	char path[METHOD_MAX + 2];
	if (method.size > METHOD_MAX)
		return NULL;
	snprintf(path, sizeof path, "/%.*s", (int)method.size, method.data);
	return grpc_channel_register_call(line->core, path, NULL, NULL);
}

void *pyr__line_method(pyr__line *line, const void *key, pyr__text method)
{
	void *handle = NULL;
	uintptr_t start = (uintptr_t)key / sizeof(void *);
	pthread_mutex_lock(&line->home->lock);
	for (unsigned i = 0; i < PYR__LINE_METHODS && !handle; i++) {
		unsigned slot = (start + i) % PYR__LINE_METHODS;
		if (!line->methods[slot].key) {
			line->methods[slot].key = key;
			line->methods[slot].handle = register_method(line, method);
		}
		if (line->methods[slot].key == key)
			handle = line->methods[slot].handle;
	}
	pthread_mutex_unlock(&line->home->lock);
	return handle;
}

/* The operations of a channel */

static pyr_status start(pyr__channel *channel, pyr__outcall *call, const pyr__head *head,
	const pyr__body *body, bool end, pyr_error *err)
{
	pyr_status status =
		pyr__outcall_start((pyr__grpc_channel *)channel, call, head, body, end, err);
	if (status && err) {
		err->executed = PYR_EXECUTED_NO;
		pyr__error_where(err, "%s", channel->name);
	}
	return status;
}

static pyr_status probe_result(const pyr__channel *channel, pyr__outcall *call, pyr_error *err)
{
	pyr__outcome outcome;
	pyr__outcall_over(call, &outcome);
	pyr_status status = outcome.status;
	if (status == PYR_UNAVAILABLE || status == PYR_DEADLINE_EXCEEDED ||
		status == PYR_CANCELLED) {
		pyr__text why = outcome.final ? outcome.final->message : (pyr__text){"", 0};
		pyr_error_set(err, status, "%.*s", (int)why.size, why.data);
		pyr__error_where(err, "%s", channel->name);
	} else {
		status = PYR_OK; /* any answer of a peer will do, "no such method" too */
	}
	pyr__outcome_done(&outcome);
	return status;
}

static pyr_status connect_now(pyr__channel *channel, int64_t deadline_us, pyr_error *err)
{
	static const char method[] = "grpc.health.v1.Health/Check";
	static const uint8_t nothing[1];
	pyr__outcall call;
	pyr__head head = {.method = {method, sizeof method - 1}, .timeout_us = PYR__TIMEOUT_NONE};
	pyr__body body = {.raw = nothing};
	pyr__outcall_init(&call, deadline_us);
	call.unary = true;
	pyr_status status = start(channel, &call, &head, &body, true, err);
	if (status)
		return status;
	while (!pyr__outcall_is_over(&call)) {
		pyr__outcall_wait(&call, PYR__READ, deadline_us);
		if (pyr__now_us() >= deadline_us)
			pyr__outcall_cancel(&call, PYR_DEADLINE_EXCEEDED,
				"the deadline passed before the peer answered");
	}
	pyr__message *message = pyr__outcall_take(&call);
	if (message)
		pyr__outcall_release(&call, message);
	status = probe_result(channel, &call, err);
	pyr__outcall_done(&call);
	return status;
}

static void shut(pyr__channel *channel)
{
	pyr__grpc_channel *self = (pyr__grpc_channel *)channel;
	pthread_mutex_lock(&self->lock);
	self->shut = true;
	pthread_mutex_unlock(&self->lock);
	pyr__outcall_shut_all(self);
}

static void free_channel(pyr__channel *channel)
{
	pyr__grpc_channel *self = (pyr__grpc_channel *)channel;
	pthread_mutex_lock(&self->lock);
	pyr__line *line = self->line;
	self->line = NULL;
	pthread_mutex_unlock(&self->lock);
	pyr__line_unref(line);
	unref_home(self);
}

static const pyr__channel_ops ops = {
	.start = start,
	.connect = connect_now,
	.shut = shut,
	.free = free_channel,
};

/* Making it */

static char *make_target(const pyr_reference *endpoint)
{
	char text[sizeof endpoint->host + 32];
	struct in_addr v4;
	const char *host = endpoint->host;
	if (endpoint->is_unix && host[0] == '@')
		snprintf(text, sizeof text, "unix-abstract:%s", host + 1);
	else if (endpoint->is_unix)
		snprintf(text, sizeof text, "unix:%s", host);
	else if (strchr(host, ':'))
		snprintf(text, sizeof text, "ipv6:[%s]:%u", host, endpoint->port);
	else if (inet_pton(AF_INET, host, &v4) == 1)
		snprintf(text, sizeof text, "ipv4:%s:%u", host, endpoint->port);
	else
		snprintf(text, sizeof text, "dns:///%s:%u", host, endpoint->port);
	return pyr__strdup(text);
}

pyr__channel *pyr__grpc_channel_new(pyr__grpc_client *client, const pyr_reference *endpoint,
	const char *name, const char *authorization, pyr_credentials *credentials)
{
	pyr__grpc_channel *self = pyr__zalloc(sizeof *self);
	self->base.ops = &ops;
	atomic_init(&self->base.refs, 1);
	snprintf(self->base.name, sizeof self->base.name, "%s", name);
	self->client = client;
	self->base.loop = client->options.loop;
	self->target = make_target(endpoint);
	self->authorization = pyr__strdup(authorization);
	self->credentials = credentials;
	atomic_init(&self->lines, 1);
	pthread_mutex_init(&self->lock, NULL);
	pyr__list_init(&self->calls);
	return &self->base;
}
