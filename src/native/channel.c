/* SPDX-License-Identifier: Apache-2.0 */
/* One endpoint, and the connection to it while there is one. */
#include "native/channel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/error.h"
#include "base/mutex.h"

typedef struct native_channel {
	pyr__channel base;
	pyr_reference endpoint;
	pyr__conn_options options;
	pyr__session_config session;
	char *authorization; /* session's */
	char *tls_host;      /* options' */
	pyr__mutex lock;     /* guards what follows */
	pyr__conn *conn;
	bool shut;
} native_channel;

static pyr_status dial(native_channel *self, pyr__conn **ret_conn, pyr_error *err)
{
	if (self->base.connection)
		return pyr_error_set(err, PYR_UNAVAILABLE,
			"the connection was handed in, has ended, and cannot be made again");
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

/* Lock held. Dials if there is no connection; a fresh one is the caller's until the lock goes. */
static pyr_status get_conn(native_channel *self, bool *ret_fresh, pyr_error *err)
{
	*ret_fresh = !self->conn;
	if (self->shut)
		return pyr_error_set(err, PYR_CANCELLED, "the context has been freed");
	return self->conn ? PYR_OK : dial(self, &self->conn, err);
}

static pyr__conn *current_conn(native_channel *self)
{
	pyr__mutex_lock(&self->lock);
	pyr__conn *conn = self->conn ? pyr__conn_ref(self->conn) : NULL;
	pyr__mutex_unlock(&self->lock);
	return conn;
}

/* It is useless, and nobody finds it any more; lock not held. */
static void drop_conn(pyr__conn *conn)
{
	if (conn)
		pyr__conn_retire(conn); /* the loop may have it, and would keep it open */
	pyr__conn_unref(conn);
}

/*
 * There is no connection, or it is useless. The lock is held until the call has begun, so that a
 * crowd of callers cannot take turns at making each other's new connections fail: a fresh one takes
 * the first call whatever becomes of it, unless TLS cannot even begin there, and the call hears of
 * that as of any other end.
 */
static pyr_status start_anew(native_channel *self, pyr__outcall *call, const pyr__head *head,
	const pyr__body *body, bool end, pyr_error *err)
{
	bool fresh;
	pyr_status status;
	pyr__conn *useless = NULL;
	pyr__mutex_lock(&self->lock);
	for (;;) {
		status = get_conn(self, &fresh, err);
		if (status == PYR_OK)
			status = pyr__conn_start(self->conn, !fresh, call, head, body, end, err);
		if (status != PYR_UNAVAILABLE || fresh)
			break;
		useless = self->conn; /* the next is fresh: there is one at most */
		self->conn = NULL;
	}
	pyr__mutex_unlock(&self->lock);
	drop_conn(useless);
	return status;
}

static pyr_status start(pyr__channel *channel, pyr__outcall *call, const pyr__head *head,
	const pyr__body *body, bool end, pyr_error *err)
{
	native_channel *self = (native_channel *)channel;
	pyr__conn *conn = current_conn(self);
	pyr_status status = PYR_UNAVAILABLE;
	if (conn)
		status = pyr__conn_start(conn, true, call, head, body, end, err);
	pyr__conn_unref(conn);
	if (status == PYR_UNAVAILABLE)
		status = start_anew(self, call, head, body, end, err);
	if (status && err) {
		err->executed = PYR_EXECUTED_NO;
		pyr__error_where(err, "%s", channel->name);
	}
	return status;
}

static pyr_status connect_now(pyr__channel *channel, int64_t deadline_us, pyr_error *err)
{
	native_channel *self = (native_channel *)channel;
	bool fresh;
	pyr__conn *useless = NULL, *conn = NULL;
	pyr__mutex_lock(&self->lock);
	if (self->conn && !pyr__conn_usable(self->conn)) {
		useless = self->conn;
		self->conn = NULL;
	}
	pyr_status status = get_conn(self, &fresh, err);
	if (status == PYR_OK)
		conn = pyr__conn_ref(self->conn);
	pyr__mutex_unlock(&self->lock);
	drop_conn(useless);
	if (conn)
		status = pyr__conn_ping(conn, deadline_us, err);
	pyr__conn_unref(conn);
	return status;
}

static void shut(pyr__channel *channel)
{
	native_channel *self = (native_channel *)channel;
	pyr__mutex_lock(&self->lock);
	self->shut = true;
	pyr__conn *conn = self->conn;
	self->conn = NULL;
	pyr__mutex_unlock(&self->lock);
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
	if (self->options.host)
		self->options.host->drop(self->options.host_arg);
	free(self->authorization);
	free(self->tls_host);
	free(self);
}

static bool peer_id(pyr__channel *channel, uint8_t ret_id[PYR__PEER_ID_SIZE])
{
	pyr__conn *conn = current_conn((native_channel *)channel);
	bool known = conn && pyr__conn_peer_id(conn, ret_id);
	pyr__conn_unref(conn);
	return known;
}

/* For the connection that is there, and those to come. */
static bool set_host(pyr__channel *channel, const pyr__host_ops *host_ops, void *host)
{
	native_channel *self = (native_channel *)channel;
	pyr__mutex_lock(&self->lock);
	bool fresh = !self->options.host;
	if (fresh) {
		host_ops->keep(host);
		self->options.host = host_ops;
		self->options.host_arg = host;
		if (self->conn)
			pyr__conn_set_host(self->conn, host_ops, host);
	}
	bool set = self->options.host_arg == host;
	pyr__mutex_unlock(&self->lock);
	return set;
}

static void cancel_hosted(pyr__channel *channel)
{
	pyr__conn *conn = current_conn((native_channel *)channel);
	if (conn)
		pyr__conn_cancel_hosted(conn);
	pyr__conn_unref(conn);
}

static const pyr__channel_ops ops = {
	.start = start,
	.connect = connect_now,
	.shut = shut,
	.free = free_channel,
	.peer_id = peer_id,
	.set_host = set_host,
	.cancel_hosted = cancel_hosted,
};

pyr__channel *pyr__native_channel_new(
	const pyr_reference *endpoint, const char *name, const pyr__conn_options *options)
{
	native_channel *self = pyr__zalloc(sizeof *self);
	self->base.ops = &ops;
	atomic_init(&self->base.refs, 1);
	self->base.loop = options->loop;
	snprintf(self->base.name, sizeof self->base.name, "%s", name);
	self->endpoint = *endpoint;
	self->options = *options;
	if (options->credentials)
		pyr_credentials_ref(options->credentials);
	self->session = *options->session;
	self->authorization = pyr__strdup(self->session.authorization);
	self->session.authorization = self->authorization;
	self->tls_host = pyr__strdup(options->tls_host);
	self->options.tls_host = self->tls_host;
	self->options.session = &self->session;
	pyr__mutex_init(&self->lock);
	return &self->base;
}

pyr__channel *pyr__native_channel_adopt(
	int fd, const pyr_reference *endpoint, const char *name, const pyr__conn_options *options)
{
	pyr__channel *channel = pyr__native_channel_new(endpoint, name, options);
	native_channel *self = (native_channel *)channel;
	self->conn = pyr__conn_begin(fd, name, &self->options);
	if (!self->conn) {
		free_channel(channel);
		return NULL;
	}
	channel->connection = pyr__conn_number(self->conn);
	return channel;
}

bool pyr__native_channel_lives(pyr__channel *channel)
{
	pyr__conn *conn = current_conn((native_channel *)channel);
	bool lives = conn && pyr__conn_lives(conn);
	pyr__conn_unref(conn);
	return lives;
}
