/* SPDX-License-Identifier: Apache-2.0 */
/* A connection that was accepted, and whose host answers each call with so many bytes. */
#include <criterion/criterion.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "far.h"
#include "near.h"

#define BIG_BYTES (3u << 20)

/* The host */

typedef struct host_call {
	pyr__incall incall;
	atomic_uint refs;
} host_call;

static size_t answer_bytes;
static tally answered = TALLY_INIT;
static char seen_principal[64], seen_peer[PYR__PEER_TEXT_MAX];

static void drop(pyr__incall *incall)
{
	host_call *call = (host_call *)incall;
	if (atomic_fetch_sub(&call->refs, 1) != 1)
		return;
	pyr__incall_done(incall);
	free(call);
}

static pyr__incall *open_call(void *host, const pyr__head *head, int64_t now_us)
{
	(void)host;
	(void)head;
	(void)now_us;
	host_call *call = pyr__zalloc(sizeof *call);
	pyr__incall_init(&call->incall);
	call->incall.deadline_us = PYR__DEADLINE_NONE;
	atomic_init(&call->refs, 1);
	return &call->incall;
}

static void work(void *host, pyr__incall *call, unsigned what)
{
	(void)host;
	static uint8_t bytes[BIG_BYTES];
	if (what & PYR__WORK_RUN) {
		pyr__final final = {.status = PYR_OK};
		pyr__body body = {.raw = bytes, .size = answer_bytes};
		snprintf(seen_principal, sizeof seen_principal, "%s", pyr__incall_principal(call));
		snprintf(seen_peer, sizeof seen_peer, "%s", pyr__incall_peer(call));
		pyr_status status = pyr__incall_finish(call, &final, &body, NULL);
		(void)status; /* the peer may have gone */
		tally_add(&answered, 1);
	}
	drop(call);
}

static bool ref(pyr__incall *incall)
{
	atomic_fetch_add(&((host_call *)incall)->refs, 1);
	return true;
}

static const pyr__host_ops host_ops = {
	.open = open_call, .work = work, .ref = ref, .connected = ignore_connection};

/* The other end of a socket pair is the far side's. */
static pyr__conn *accepted(setup *s, far *f)
{
	int pair[2];
	pyr__session_config config;
	pyr__session_config_init(&config, false);
	s->options.host = &host_ops;
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	pyr__conn *conn = accept_on_loop(s, pair[0]);
	*f = far_new(pair[1], &config);
	f->may_go = true;
	return conn;
}

static void far_call(far *f)
{
	uint32_t stream;
	pyr_error err;
	pyr__head head = {.method = {"a.B/C", 5}, .timeout_us = PYR__TIMEOUT_NONE};
	pyr__body body = {.raw = (const uint8_t *)"abc", .size = 3};
	cr_assert_eq(pyr__session_call(f->session, &head, &body, true, NULL, &stream, &err), PYR_OK,
		"%s", err.message);
	far_flush(f);
}

Test(conn_host, serves_its_host_and_says_who_calls)
{
	setup *s = begin(true);
	far f;
	answer_bytes = 5;
	s->options.connect_timeout_ms = 30;
	pyr__conn *conn = accepted(s, &f);
	far_call(&f);
	pyr__event event = far_await(&f, PYR__EVENT_FINAL);
	cr_assert_eq(event.final.status, PYR_OK);
	cr_assert_eq(event.payload.size, 5);
	char user[32];
	snprintf(user, sizeof user, "uid:%u", (unsigned)geteuid());
	cr_assert_str_eq(seen_principal, user);
	cr_assert_str_eq(seen_peer, "unix:");
	struct pollfd item = {.fd = f.fd, .events = POLLIN};
	cr_assert_eq(poll(&item, 1, 60), 0, "the time for greeting ends who has greeted");
	far_free(&f);
	cr_assert(tally_await(&closed, 1));
	cr_assert_str_eq(closed_reason, "unix: closed the connection");
	pyr__conn_unref(conn);
	end(s);
}

Test(conn_host, ends_a_peer_that_does_not_greet)
{
	setup *s = begin(true);
	far f;
	s->options.connect_timeout_ms = 30;
	pyr__conn *conn = accepted(s, &f);
	cr_assert(tally_await(&closed, 1));
	cr_assert_str_eq(closed_reason, "no handshake with unix: within 30 ms");
	char byte;
	struct pollfd item = {.fd = f.fd, .events = POLLIN};
	do
		cr_assert_eq(poll(&item, 1, PATIENCE_MS), 1);
	while (recv(f.fd, &byte, 1, 0) == 1); /* perhaps a reason, and then the end */
	pyr__conn_unref(conn);
	far_free(&f);
	end(s);
}

Test(conn_host, ends_a_peer_that_takes_nothing)
{
	setup *s = begin(true);
	far f;
	answer_bytes = BIG_BYTES;
	s->options.stall_timeout_ms = 30;
	pyr__conn *conn = accepted(s, &f);
	far_call(&f);
	cr_assert(tally_await(&closed, 1));
	cr_assert_str_eq(closed_reason, "unix: took nothing of what was sent for 30 ms");
	pyr__conn_unref(conn);
	far_free(&f);
	end(s);
}

/* Each of two calls is answered with more than the limit; a third must wait for better times. */
Test(conn_host, refuses_calls_while_too_much_waits_to_be_sent_to_all)
{
	setup *s = begin(true);
	far f;
	atomic_uint_fast64_t queued;
	atomic_init(&queued, 0);
	answer_bytes = BIG_BYTES;
	s->options.queued_total = &queued;
	s->options.queued_total_max = 1000;
	pyr__conn *conn = accepted(s, &f);
	far_call(&f);
	cr_assert(tally_await(&answered, 1));
	/* by the end of the turn it is counted; the first answer has not been read */
	int64_t until_us = pyr__now_us() + PATIENCE_MS * 1000ll;
	while (atomic_load(&queued) == 0 && pyr__now_us() < until_us)
		poll(NULL, 0, 1);
	cr_assert_gt(atomic_load(&queued), 1000);
	far other;
	setup second = *s; /* another peer of the same daemon */
	pyr__conn *other_conn = accepted(&second, &other);
	far_call(&other);
	pyr__event event = far_await(&other, PYR__EVENT_FINAL);
	cr_assert_eq(event.final.status, PYR_RESOURCE_EXHAUSTED);
	cr_assert_eq(event.final.executed, PYR_EXECUTED_NO);
	cr_assert(memcmp(event.final.message.data, "too many bytes of answers wait", 30) == 0);
	cr_assert_eq(far_await(&f, PYR__EVENT_FINAL).final.status, PYR_OK);
	far_call(&other);
	cr_assert_eq(far_await(&other, PYR__EVENT_FINAL).final.status, PYR_OK);
	far_free(&f);
	far_free(&other);
	cr_assert(tally_await(&closed, 2));
	pyr__conn_unref(conn);
	pyr__conn_unref(other_conn);
	pyr__loop_stop(s->loop);
	pyr__loop_finish(s->loop);
	cr_assert_eq(atomic_load(&queued), 0, "some of it is counted for ever");
	end(s);
}

Test(conn_host, drains_ends_what_runs_and_takes_nothing_new)
{
	setup *s = begin(true);
	far f;
	answer_bytes = 1;
	pyr__conn *conn = accepted(s, &f);
	far_call(&f);
	cr_assert_eq(far_await(&f, PYR__EVENT_FINAL).final.status, PYR_OK);
	pyr__conn_drain(conn, "closing time");
	pyr__event event = far_await(&f, PYR__EVENT_GOAWAY);
	cr_assert(memcmp(event.final.message.data, "closing time", 12) == 0);
	uint32_t stream;
	pyr_error err;
	pyr__head head = {.method = {"a.B/C", 5}, .timeout_us = PYR__TIMEOUT_NONE};
	cr_assert_eq(pyr__session_call(f.session, &head, NULL, true, NULL, &stream, &err),
		PYR_UNAVAILABLE);
	cr_assert_eq(tally_get(&closed), 0);
	pyr__conn_shut(conn, PYR_CANCELLED, "the test is over");
	pyr__conn_unref(conn);
	cr_assert_eq(far_await(&f, PYR__EVENT_CLOSED).final.status, PYR_UNAVAILABLE);
	far_free(&f);
	end(s);
}
