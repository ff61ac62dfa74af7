/* SPDX-License-Identifier: Apache-2.0 */
/* One endpoint, and the connection to it while there is one. */
#include "native/channel.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/error.h"

typedef struct native_channel {
	pyr__channel base;
	pyr_reference endpoint;
	pyr__conn_options options;
	pyr__session_config session;
	char *authorization;  /* session's */
	pthread_mutex_t lock; /* guards what follows */
	pyr__conn *conn;
	bool shut;
} native_channel;

/*
 * A call that finds a connection which ends under its hands is started again on a new one; that
 * this happens so often in a row means something else is wrong.
 */
#define START_TRIES 3

static pyr_status dial(native_channel *self, pyr__conn **ret_conn, pyr_error *err)
{
	pyr__address addresses[PYR__ADDRESSES_MAX];
	size_t count;
	pyr_status status = pyr__socket_resolve(&self->endpoint, false, addresses, &count, err);
	if (status)
		return status;
	*ret_conn = pyr__conn_dial(addresses, count, self->base.name, &self->options);
	if (!*ret_conn)
		return pyr_error_set(err, PYR_RESOURCE_EXHAUSTED, "no memory for a connection");
	return PYR_OK;
}

/* The connection to use, with a reference for the caller. */
static pyr_status get_conn(native_channel *self, pyr__conn **ret_conn, pyr_error *err)
{
	pyr_status status = PYR_OK;
	pyr__conn *old = NULL;
	pthread_mutex_lock(&self->lock);
	if (self->shut)
		status = pyr_error_set(err, PYR_CANCELLED, "the context has been freed");
	else if (self->conn && !pyr__conn_usable(self->conn)) {
		old = self->conn;
		self->conn = NULL;
	}
	if (status == PYR_OK && !self->conn)
		status = dial(self, &self->conn, err);
	if (status == PYR_OK)
		*ret_conn = pyr__conn_ref(self->conn);
	pthread_mutex_unlock(&self->lock);
	if (old)
		pyr__conn_retire(old); /* the loop may have it, and would keep it open */
	pyr__conn_unref(old);
	return status;
}

static pyr_status start(pyr__channel *channel, pyr__outcall *call, const pyr__head *head,
	const pyr__body *body, bool end, pyr_error *err)
{
	native_channel *self = (native_channel *)channel;
	pyr_status status = PYR_OK;
	for (int tries = 0; tries < START_TRIES; tries++) {
		pyr__conn *conn = NULL;
		status = get_conn(self, &conn, err);
		if (status)
			break;
		status = pyr__conn_start(conn, call, head, body, end, err);
		pyr__conn_unref(conn);
		if (status != PYR_UNAVAILABLE)
			break;
	}
	if (status && err) {
		err->executed = PYR_EXECUTED_NO;
		pyr__error_where(err, "%s", channel->name);
	}
	return status;
}

static pyr_status connect_now(pyr__channel *channel, int64_t deadline_us, pyr_error *err)
{
	native_channel *self = (native_channel *)channel;
	pyr__conn *conn = NULL;
	pyr_status status = get_conn(self, &conn, err);
	if (status)
		return status;
	status = pyr__conn_ping(conn, deadline_us, err);
	pyr__conn_unref(conn);
	return status;
}

static void shut(pyr__channel *channel)
{
	native_channel *self = (native_channel *)channel;
	pthread_mutex_lock(&self->lock);
	self->shut = true;
	pyr__conn *conn = self->conn;
	self->conn = NULL;
	pthread_mutex_unlock(&self->lock);
	if (conn)
		pyr__conn_shut(conn, PYR_CANCELLED, "the context was freed");
	pyr__conn_unref(conn);
}

static void free_channel(pyr__channel *channel)
{
	native_channel *self = (native_channel *)channel;
	if (self->conn)
		pyr__conn_retire(self->conn);
	pyr__conn_unref(self->conn);
	pyr_credentials_unref(self->options.credentials);
	free(self->authorization);
	pthread_mutex_destroy(&self->lock);
	free(self);
}

static const pyr__channel_ops ops = {
	.start = start,
	.connect = connect_now,
	.shut = shut,
	.free = free_channel,
};

pyr__channel *pyr__native_channel_new(
	const pyr_reference *endpoint, const char *name, const pyr__conn_options *options)
{
	native_channel *self = pyr__zalloc(sizeof *self);
	self->base.ops = &ops;
	atomic_init(&self->base.refs, 1);
	snprintf(self->base.name, sizeof self->base.name, "%s", name);
	self->endpoint = *endpoint;
	self->options = *options;
	if (options->credentials)
		pyr_credentials_ref(options->credentials);
	self->session = *options->session;
	self->authorization = pyr__strdup(self->session.authorization);
	self->session.authorization = self->authorization;
	self->options.session = &self->session;
	pthread_mutex_init(&self->lock, NULL);
	return &self->base;
}
