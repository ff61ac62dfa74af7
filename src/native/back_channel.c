/* SPDX-License-Identifier: Apache-2.0 */
/* Calls back over a connection that is there. */
#include "native/back_channel.h"

#include <stdio.h>
#include <stdlib.h>
#include "base/alloc.h"
#include "base/error.h"

typedef struct back_channel {
	pyr__channel base;
	pyr__conn *conn;
	void (*release)(void *arg);
	void *arg;
} back_channel;

static pyr_status start(pyr__channel *channel, pyr__outcall *call, const pyr__head *head,
	const pyr__body *body, bool end, pyr_error *err)
{
	back_channel *self = (back_channel *)channel;
	pyr_status status = pyr__conn_start(self->conn, false, call, head, body, end, err);
	if (status && err) {
		err->executed = PYR_EXECUTED_NO;
		pyr__error_where(err, "%s", channel->name);
	}
	return status;
}

static pyr_status connect_now(pyr__channel *channel, int64_t deadline_us, pyr_error *err)
{
	return pyr__conn_ping(((back_channel *)channel)->conn, deadline_us, err);
}

/* The connection is not ours to end. */
static void shut(pyr__channel *channel)
{
	(void)channel;
}

static void free_channel(pyr__channel *channel)
{
	back_channel *self = (back_channel *)channel;
	pyr__conn_unref(self->conn);
	self->release(self->arg); /* the connection may have used it to the last */
	free(self);
}

static const pyr__channel_ops ops = {
	.start = start,
	.connect = connect_now,
	.shut = shut,
	.free = free_channel,
};

pyr__channel *pyr__back_channel_new(pyr__conn *conn, void (*release)(void *arg), void *arg)
{
	back_channel *self = pyr__zalloc(sizeof *self);
	self->base.ops = &ops;
	atomic_init(&self->base.refs, 1);
	pyr__list_init(&self->base.link); /* among no context's channels */
	self->base.scheme = PYR_SCHEME_PEER;
	self->base.loop = pyr__conn_ready_loop(conn);
	self->base.connection = pyr__conn_number(conn);
	snprintf(self->base.name, sizeof self->base.name, "%s", pyr__conn_peer(conn));
	self->conn = pyr__conn_ref(conn);
	self->release = release;
	self->arg = arg;
	return &self->base;
}
