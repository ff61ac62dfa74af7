/* SPDX-License-Identifier: Apache-2.0 */
/* A connection under test, and a loop that runs on a thread of its own: see near.h. */
#include "near.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/alloc.h"
#include "descriptors.h"
#include "leaks.h"

tally closed = TALLY_INIT;
char closed_reason[PYR_ERROR_MESSAGE_MAX];

static void on_closed(void *arg, pyr__conn *conn)
{
	cr_assert_eq(arg, &closed);
	snprintf(closed_reason, sizeof closed_reason, "%s", pyr__conn_reason(conn));
	tally_add(&closed, 1);
}

setup *begin(bool server)
{
	setup *s = pyr__zalloc(sizeof *s);
	pyr_error err;
	s->descriptors = descriptors();
	cr_assert_eq(pyr__loop_new(NULL, &s->loop, &err), PYR_OK);
	pyr__session_config_init(&s->session, server);
	s->options = (pyr__conn_options){
		.loop = s->loop,
		.start_loop = !server,
		.session = &s->session,
		.connect_timeout_ms = TALLY_PATIENCE_S * 1000,
		.on_closed = on_closed,
		.closed_arg = &closed,
	};
	if (server)
		cr_assert_eq(pyr__loop_start(s->loop, &err), PYR_OK);
	return s;
}

void ignore_connection(void *host, uint64_t connection)
{
	(void)host;
	(void)connection;
}

void do_nothing(pyr__task *task)
{
	(void)task;
}

/* The peer has gone: so it does not linger. */
static void await_end(setup *s)
{
	for (bool over = false; !over;) {
		pyr__task turn = {.run = do_nothing};
		pyr__loop_call(s->loop, &turn);
		pyr__mutex_lock(&s->conn->lock);
		over = s->conn->fd < 0;
		pyr__mutex_unlock(&s->conn->lock);
	}
}

void end(setup *s)
{
	if (s->conn) {
		pyr__conn_shut(s->conn, PYR_CANCELLED, "the test is over");
		if (s->session.server)
			await_end(s);
		pyr__conn_unref(s->conn);
	}
	pyr__loop_stop(s->loop);
	pyr__loop_finish(s->loop);
	pyr__loop_free(s->loop);
	cr_assert_eq(pyr__shared_count(), 0);
	CHECK_DESCRIPTORS(s->descriptors);
	free(s);
	CHECK_LEAKS();
}

typedef struct acceptance {
	pyr__task task;
	const pyr__conn_options *options;
	int fd;
	pyr__conn *conn;
} acceptance;

static void run_accept(pyr__task *task)
{
	acceptance *a = (acceptance *)task;
	pyr__address peer = {.size = sizeof(sa_family_t)};
	peer.storage.ss_family = AF_UNIX;
	a->conn = pyr__conn_accept(a->fd, &peer, a->options);
}

pyr__conn *accept_on_loop(setup *s, int fd)
{
	acceptance a = {.task = {.run = run_accept}, .options = &s->options, .fd = fd};
	fcntl(fd, F_SETFL, O_NONBLOCK);
	pyr__loop_call(s->loop, &a.task);
	return a.conn;
}
