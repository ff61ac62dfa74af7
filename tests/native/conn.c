/* SPDX-License-Identifier: Apache-2.0 */
/* A connection that dials, threads that wait, and a peer that is a session on a bare socket. */
#include <criterion/criterion.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "codec/types3.pb-c.h"
#include "failing_alloc.h"
#include "far.h"
#include "near.h"

#define ITEM_BYTES (16u << 10)

static far new_far(int fd)
{
	pyr__session_config config;
	pyr__session_config_init(&config, true);
	far f = far_new(fd, &config);
	f.may_go = true;
	return f;
}

static int bare_listener(pyr__address *ret_bound)
{
	int fd;
	pyr_error err;
	pyr_reference where = {.scheme = PYR_SCHEME_PYR};
	cr_assert_eq(pyr_endpoint_parse("127.0.0.1:0", &where, &err), PYR_OK);
	cr_assert_eq(pyr__socket_listen(&where, &fd, ret_bound, &err), PYR_OK);
	return fd;
}

static int bare_accept(int listening)
{
	struct pollfd item = {.fd = listening, .events = POLLIN};
	cr_assert_eq(poll(&item, 1, PATIENCE_MS), 1, "nobody connects");
	return accept(listening, NULL, NULL);
}

/* A connection to `f`, which has greeted it. */
static pyr__conn *dialed(setup *s, far *f)
{
	pyr__address where;
	pyr_error err;
	int listening = bare_listener(&where);
	pyr__conn *conn = pyr__conn_dial(&where, 1, "the peer", &s->options);
	pyr_status status = pyr__conn_ping(conn, pyr__now_us(), &err); /* to have it sent */
	cr_assert_eq(status, PYR_DEADLINE_EXCEEDED);
	*f = new_far(bare_accept(listening));
	close(listening);
	return conn;
}

static void shut_and_unref(pyr__conn *conn)
{
	pyr__conn_shut(conn, PYR_CANCELLED, "the test is over");
	pyr__conn_unref(conn);
}

static pyr_status start_with(pyr__conn *conn, pyr__outcall *call, const char *method,
	const pyr__body *body, pyr_error *err)
{
	pyr__head head = {
		.method = {method, strlen(method)},
		.object = {"x", 1},
		.timeout_us = PYR__TIMEOUT_NONE,
	};
	pyr__outcall_init(call, PYR__DEADLINE_NONE);
	call->unary = true;
	return pyr__conn_start(conn, false, call, &head, body, true, err);
}

static pyr_status start(pyr__conn *conn, pyr__outcall *call, const char *method, pyr_error *err)
{
	pyr__body body = {.raw = (const uint8_t *)"", .size = 0};
	return start_with(conn, call, method, &body, err);
}

static void finish_far(far *f, uint32_t stream)
{
	pyr__final final = {.status = PYR_OK};
	pyr__body body = {.raw = (const uint8_t *)"", .size = 0};
	cr_assert_eq(pyr__session_finish(f->session, stream, &final, &body, NULL), PYR_OK);
	far_flush(f);
}

static void await_call(pyr__outcall *call)
{
	int64_t until_us = pyr__now_us() + PATIENCE_MS * 1000ll;
	while (!pyr__outcall_is_over(call) && pyr__now_us() < until_us)
		pyr__outcall_wait(call, PYR__READ, until_us);
	cr_assert(pyr__outcall_is_over(call));
}

static void expect_failure(pyr__outcall *call, pyr_status status, const char *message)
{
	await_call(call);
	cr_assert_eq(call->outcome.status, status);
	pyr__text said = call->outcome.final->message;
	cr_assert(said.size == strlen(message) && memcmp(said.data, message, said.size) == 0,
		"'%.*s', not '%s'", (int)said.size, said.data, message);
	pyr__outcall_done(call);
}

/* Dialing */

Test(conn, takes_the_first_address_that_answers)
{
	setup *s = begin(false);
	pyr_error err;
	pyr__address where[3];
	close(bare_listener(&where[0]));
	close(bare_listener(&where[1]));
	int listening = bare_listener(&where[2]);
	pyr__conn *conn = pyr__conn_dial(where, 3, "the peer", &s->options);
	pyr__outcall call;
	cr_assert_eq(start(conn, &call, "a.B/C", &err), PYR_OK, "%s", err.message);
	pyr__outcall_wait(&call, PYR__READ, pyr__now_us() + 1);
	while (poll(&(struct pollfd){.fd = listening, .events = POLLIN}, 1, 0) == 0)
		pyr__outcall_wait(&call, PYR__READ, pyr__now_us() + 1000);
	far f = new_far(bare_accept(listening));
	/* whoever waits writes what waits to be written, and reads the answer */
	while (pyr__session_queued(f.session) == 0) {
		pyr__outcall_wait(&call, PYR__READ, pyr__now_us() + 1000);
		char byte;
		if (recv(f.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1)
			break;
	}
	uint32_t stream = far_await(&f, PYR__EVENT_CALL).stream;
	finish_far(&f, stream);
	await_call(&call);
	cr_assert_eq(call.outcome.status, PYR_OK);
	pyr__outcall_done(&call);
	cr_assert(pyr__conn_usable(conn));
	cr_assert_str_eq(pyr__conn_peer(conn), "the peer");
	shut_and_unref(conn);
	far_free(&f);
	close(listening);
	end(s);
}

Test(conn, tells_calls_and_pings_why_no_address_answers)
{
	setup *s = begin(false);
	pyr_error err;
	pyr__address where[2];
	char text[PYR__PEER_TEXT_MAX], wanted[PYR__PEER_TEXT_MAX + 64];
	close(bare_listener(&where[0]));
	close(bare_listener(&where[1]));
	pyr__socket_text(&where[1], text, sizeof text);
	snprintf(wanted, sizeof wanted, "cannot connect to %s: Connection refused", text);
	pyr__conn *conn = pyr__conn_dial(where, 2, "nobody", &s->options);
	pyr__outcall call;
	cr_assert_eq(start(conn, &call, "a.B/C", &err), PYR_OK, "%s", err.message);
	expect_failure(&call, PYR_UNAVAILABLE, wanted);
	cr_assert_eq(pyr__conn_ping(conn, pyr__now_us() + 10000000, &err), PYR_UNAVAILABLE);
	cr_assert_str_eq(err.message, wanted);
	cr_assert_not(pyr__conn_usable(conn));
	cr_assert_eq(start(conn, &call, "a.B/C", &err), PYR_UNAVAILABLE);
	cr_assert_eq(err.executed, PYR_EXECUTED_NO);
	cr_assert_eq(tally_get(&closed), 1);
	pyr__conn_unref(conn);
	end(s);
}

Test(conn, gives_up_connecting_when_its_time_is_over)
{
	setup *s = begin(false);
	s->options.connect_timeout_ms = 30;
	pyr_error err;
	pyr__address where;
	int listening = bare_listener(&where); /* the kernel connects, and nobody speaks */
	pyr__conn *conn = pyr__conn_dial(&where, 1, "the silent one", &s->options);
	cr_assert_eq(pyr__conn_ping(conn, pyr__now_us() + 10000000, &err), PYR_UNAVAILABLE);
	cr_assert_str_eq(err.message, "cannot connect to the silent one: no answer within 30 ms");
	pyr__conn_unref(conn);
	close(listening);
	end(s);
}

Test(conn, gives_up_connecting_though_no_thread_waits)
{
	setup *s = begin(false);
	s->options.connect_timeout_ms = 30;
	pyr_error err;
	pyr__address where;
	int listening = bare_listener(&where);
	pyr__conn *conn = pyr__conn_dial(&where, 1, "the silent one", &s->options);
	pyr__head head = {.method = {"a.B/C", 5}, .oneway = true};
	pyr__body body = {.raw = (const uint8_t *)"", .size = 0};
	cr_assert_eq(pyr__conn_start(conn, false, NULL, &head, &body, true, &err), PYR_OK);
	cr_assert(tally_await(&closed, 1));
	cr_assert_str_eq(closed_reason, "no handshake with the silent one within 30 ms");
	pyr__conn_unref(conn);
	close(listening);
	end(s);
}

/* Being used */

Test(conn, says_that_a_ping_was_not_answered_in_time_and_lives_on)
{
	setup *s = begin(false);
	pyr_error err;
	far f;
	pyr__conn *conn = dialed(s, &f);
	cr_assert_eq(pyr__conn_ping(conn, pyr__now_us() + 2000, &err), PYR_DEADLINE_EXCEEDED);
	cr_assert_str_eq(err.message, "the peer did not answer in time");
	cr_assert(pyr__conn_usable(conn));
	shut_and_unref(conn);
	far_free(&f);
	end(s);
}

Test(conn, is_used_no_more_once_the_peer_goes_away_but_ends_what_runs)
{
	setup *s = begin(false);
	pyr_error err;
	far f;
	pyr__outcall call;
	pyr__conn *conn = dialed(s, &f);
	cr_assert_eq(start(conn, &call, "a.B/C", &err), PYR_OK);
	uint32_t stream = far_await(&f, PYR__EVENT_CALL).stream;
	pyr__session_drain(f.session, PYR_UNAVAILABLE, "closing time");
	far_flush(&f);
	int64_t until_us = pyr__now_us() + PATIENCE_MS * 1000ll;
	while (pyr__conn_usable(conn) && pyr__now_us() < until_us)
		pyr__outcall_wait(&call, PYR__READ, pyr__now_us() + 1000);
	cr_assert_not(pyr__conn_usable(conn));
	cr_assert(pyr__conn_busy(conn));
	pyr__outcall late;
	cr_assert_eq(start(conn, &late, "a.B/C", &err), PYR_UNAVAILABLE);
	cr_assert(strstr(err.message, "closing time"), "%s", err.message);
	finish_far(&f, stream);
	await_call(&call);
	cr_assert_eq(call.outcome.status, PYR_OK);
	pyr__outcall_done(&call);
	cr_assert_not(pyr__conn_busy(conn));
	shut_and_unref(conn);
	far_free(&f);
	end(s);
}

Test(conn, notices_before_it_is_used_that_the_peer_has_closed_it)
{
	setup *s = begin(false);
	pyr_error err;
	far f;
	pyr__conn *conn = dialed(s, &f);
	pyr__outcall call;
	cr_assert_eq(start(conn, &call, "a.B/C", &err), PYR_OK);
	finish_far(&f, far_await(&f, PYR__EVENT_CALL).stream);
	await_call(&call);
	pyr__outcall_done(&call);
	far_free(&f);
	/* it looks after a pause only, so the first answers may be the old ones */
	int64_t until_us = pyr__now_us() + PATIENCE_MS * 1000ll;
	while (pyr__conn_usable(conn) && pyr__now_us() < until_us)
		poll(NULL, 0, 1);
	cr_assert_not(pyr__conn_usable(conn));
	cr_assert_str_eq(pyr__conn_reason(conn), "the peer closed the connection");
	pyr__conn_unref(conn);
	end(s);
}

Test(conn, refuses_calls_of_the_peer_where_it_hosts_nothing)
{
	setup *s = begin(false);
	far f;
	pyr_error err;
	pyr__conn *conn = dialed(s, &f);
	pyr__outcall ours;
	cr_assert_eq(start(conn, &ours, "a.B/C", &err), PYR_OK);
	uint32_t our_stream = far_await(&f, PYR__EVENT_CALL).stream, stream;
	pyr__head head = {.method = {"a.B/C", 5}, .timeout_us = PYR__TIMEOUT_NONE};
	pyr__body body = {.raw = (const uint8_t *)"abc", .size = 3};
	cr_assert_eq(pyr__session_call(f.session, &head, &body, true, NULL, &stream, &err), PYR_OK);
	finish_far(&f, our_stream);
	await_call(&ours);
	pyr__outcall_done(&ours);
	pyr__event event = far_await(&f, PYR__EVENT_FINAL);
	cr_assert_eq(event.final.status, PYR_UNIMPLEMENTED);
	cr_assert_eq(event.final.executed, PYR_EXECUTED_NO);
	cr_assert(memcmp(event.final.message.data, "this side hosts no objects", 26) == 0);
	shut_and_unref(conn);
	far_free(&f);
	end(s);
}

/* Ending */

static void *wait_for(void *arg)
{
	await_call(arg);
	return NULL;
}

Test(conn, is_shut_under_threads_that_wait_and_keeps_the_first_reason)
{
	enum { THREADS = 4 };
	setup *s = begin(false);
	pyr_error err;
	far f;
	pyr__outcall calls[THREADS];
	pthread_t threads[THREADS];
	pyr__conn *conn = dialed(s, &f);
	for (int i = 0; i < THREADS; i++) {
		cr_assert_eq(start(conn, &calls[i], "a.B/C", &err), PYR_OK);
		pthread_create(&threads[i], NULL, wait_for, &calls[i]);
	}
	for (int i = 0; i < THREADS; i++)
		far_await(&f, PYR__EVENT_CALL);
	pyr__conn_shut(conn, PYR_ABORTED, "enough");
	pyr__conn_shut(conn, PYR_DATA_LOSS, "too much");
	pyr__conn_await_reader(conn);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		expect_failure(&calls[i], PYR_ABORTED, "enough");
	}
	cr_assert_str_eq(pyr__conn_reason(conn), "enough");
	cr_assert(tally_await(&closed, 1));
	cr_assert_eq(tally_get(&closed), 1);
	pyr__conn_unref(conn);
	far_free(&f);
	end(s);
}

/* One thread reads for both; when its own call is over the other has to go on. */
Test(conn, hands_the_reading_over_to_the_next_who_waits)
{
	setup *s = begin(false);
	pyr_error err;
	far f;
	pyr__conn *conn = dialed(s, &f);
	for (int round = 0; round < 10; round++) {
		pyr__outcall calls[2];
		pthread_t threads[2];
		uint32_t streams[2];
		for (int i = 0; i < 2; i++) {
			cr_assert_eq(start(conn, &calls[i], "a.B/C", &err), PYR_OK);
			streams[i] = far_await(&f, PYR__EVENT_CALL).stream;
			pthread_create(&threads[i], NULL, wait_for, &calls[i]);
		}
		for (int i = 0; i < 2; i++) {
			int which = i ^ (round & 1);
			finish_far(&f, streams[which]);
			pthread_join(threads[which], NULL);
			pyr__outcall_done(&calls[which]);
		}
	}
	shut_and_unref(conn);
	far_free(&f);
	end(s);
}

/* The loop has done what it was asked to, and nothing comes: who waits next will read. */
static void await_quiet(setup *s, pyr__conn *conn)
{
	pyr__task turn = {.run = do_nothing};
	pyr__loop_call(s->loop, &turn);
	for (bool quiet = false; !quiet;) {
		int bytes = 0;
		pyr__mutex_lock(&conn->lock);
		cr_assert_eq(ioctl(conn->fd, FIONREAD, &bytes), 0);
		quiet = conn->reader == READER_NOBODY ||
			(conn->state == CONN_OPEN && !conn->in_turn && bytes == 0);
		pyr__mutex_unlock(&conn->lock);
		sched_yield();
	}
}

static void await_thread_that_reads(pyr__conn *conn)
{
	pyr__mutex_lock(&conn->lock);
	while (conn->reader != READER_THREAD) {
		pyr__mutex_unlock(&conn->lock);
		sched_yield();
		pyr__mutex_lock(&conn->lock);
	}
	pyr__mutex_unlock(&conn->lock);
}

static void *end_once_writable(void *arg)
{
	pyr__outcall *call = arg;
	pyr_error err;
	pyr__outcall_wait(call, PYR__WRITE, PYR__DEADLINE_NONE);
	cr_assert_eq(pyr__outcall_end(call, &err), PYR_OK);
	return NULL;
}

/* On the thread that has read the end, and goes on only when somebody waits for it. */
static void be_awaited(void *arg, pyr__conn *conn)
{
	tally_add(arg, 1);
	for (bool awaited = false; !awaited; sched_yield()) {
		pyr__mutex_lock(&conn->lock);
		awaited = conn->changed.waiting > 0;
		pyr__mutex_unlock(&conn->lock);
	}
}

Test(conn, that_the_peer_has_ended_does_not_keep_who_waits_for_its_reader)
{
	setup *s = begin(false);
	pyr_error err;
	far f;
	pyr__outcall call;
	pthread_t reading;
	s->options.on_closed = be_awaited;
	pyr__conn *conn = dialed(s, &f);
	cr_assert_eq(start(conn, &call, "a.B/C", &err), PYR_OK);
	far_await(&f, PYR__EVENT_CALL);
	await_quiet(s, conn);
	pthread_create(&reading, NULL, wait_for, &call);
	await_thread_that_reads(conn);
	far_free(&f);
	cr_assert(tally_await(&closed, 1));
	pyr__conn_await_reader(conn);
	pthread_join(reading, NULL);
	cr_assert_eq(call.outcome.status, PYR_UNAVAILABLE);
	pyr__outcall_done(&call);
	pyr__conn_unref(conn);
	end(s);
}

/* The thread that reads waits for bytes, which do not come; what makes room is the loop's write. */
Test(conn, tells_a_sender_that_there_is_room_though_another_thread_reads)
{
	setup *s = begin(false);
	pyr_error err;
	far f;
	pyr__outcall call, sending;
	pthread_t reading, sender;
	pyr__session_config wide;
	pyr__head head = {.method = {"a.B/S", 5}, .object = {"x", 1}};
	pyr__body item = {.raw = pyr__zalloc(ITEM_BYTES), .size = ITEM_BYTES};
	pyr__conn *conn = dialed(s, &f);
	pyr__session_free(f.session);
	pyr__session_config_init(&wide, true);
	wide.stream_window = wide.connection_window = 256u << 20; /* more than sockets hold */
	f.session = pyr__session_new(&wide);
	cr_assert_eq(start(conn, &call, "a.B/C", &err), PYR_OK);
	uint32_t stream = far_await(&f, PYR__EVENT_CALL).stream;
	await_quiet(s, conn);
	pthread_create(&reading, NULL, wait_for, &call);
	await_thread_that_reads(conn);
	pyr__outcall_init(&sending, PYR__DEADLINE_NONE);
	head.timeout_us = PYR__TIMEOUT_NONE;
	cr_assert_eq(pyr__conn_start(conn, false, &sending, &head, NULL, false, &err), PYR_OK);
	pyr_status status;
	while ((status = pyr__outcall_send(&sending, &item, false, &err)) == PYR_OK)
		;
	cr_assert(err.would_block, "%s", err.message);
	pthread_create(&sender, NULL, end_once_writable, &sending);
	cr_assert_neq(far_await(&f, PYR__EVENT_END).stream, stream);
	pthread_join(sender, NULL);
	finish_far(&f, stream);
	pthread_join(reading, NULL);
	pyr__outcall_done(&call);
	pyr__outcall_done(&sending);
	free((void *)item.raw);
	shut_and_unref(conn);
	far_free(&f);
	end(s);
}

Test(conn, retires_when_the_last_call_is_over)
{
	setup *s = begin(false);
	pyr_error err;
	far f;
	pyr__outcall call;
	pyr__conn *conn = dialed(s, &f);
	cr_assert_eq(start(conn, &call, "a.B/C", &err), PYR_OK);
	uint32_t stream = far_await(&f, PYR__EVENT_CALL).stream;
	pyr__conn_retire(conn);
	cr_assert_eq(tally_get(&closed), 0);
	finish_far(&f, stream);
	await_call(&call);
	cr_assert_eq(call.outcome.status, PYR_OK, "it did not wait for the call");
	pyr__outcall_done(&call);
	cr_assert(tally_await(&closed, 1));
	cr_assert_str_eq(closed_reason, "nobody uses the connection any more");
	pyr__event event = far_await(&f, PYR__EVENT_CLOSED);
	cr_assert_eq(event.final.status, PYR_UNAVAILABLE);
	pyr__conn_unref(conn);
	far_free(&f);
	end(s);
}

/* A caller's message */

#define LARGE_BYTES (3u << 20)

/* A connection whose socket takes little, and a message that does not fit. */
static pyr__conn *dialed_narrow(setup *s, far *f)
{
	int little = 64 << 10;
	pyr__conn *conn = dialed(s, f);
	far_await(f, PYR__EVENT_READY);
	cr_assert_eq(setsockopt(conn->fd, SOL_SOCKET, SO_SNDBUF, &little, sizeof little), 0);
	return conn;
}

static pyr__body large_body(Codec3__Blob *message)
{
	pyr_error err;
	pyr__body body;
	message->data = (ProtobufCBinaryData){LARGE_BYTES, malloc(LARGE_BYTES)};
	memset(message->data.data, 'x', LARGE_BYTES);
	cr_assert_eq(pyr__body_init(&body, &message->base, NULL, &err), PYR_OK);
	return body;
}

/* The caller may change his message as soon as the call has begun, though not all of it has gone.
 */
Test(conn, what_the_socket_does_not_take_of_a_message_is_kept)
{
	setup *s = begin(false);
	far f;
	pyr_error err;
	pyr__outcall call;
	pyr__conn *conn = dialed_narrow(s, &f);
	Codec3__Blob message = CODEC3__BLOB__INIT;
	pyr__body body = large_body(&message);
	cr_assert_eq(start_with(conn, &call, "a.B/C", &body, &err), PYR_OK, "%s", err.message);
	cr_assert_gt(pyr__session_queued(conn->session), 0, "the socket has taken it all");
	memset(message.data.data, 'y', LARGE_BYTES);
	free(message.data.data);
	pyr__mutex_lock(&conn->lock);
	pyr__conn_to_loop(conn); /* nobody waits for the call yet */
	pyr__mutex_unlock(&conn->lock);
	pyr__event event = far_await(&f, PYR__EVENT_CALL);
	cr_assert_eq(event.payload.size, body.size);
	for (size_t i = event.payload.size - LARGE_BYTES; i < event.payload.size; i++)
		cr_assert_eq(event.payload.data[i], 'x', "byte %zu", i);
	finish_far(&f, event.stream);
	await_call(&call);
	pyr__outcall_done(&call);
	shut_and_unref(conn);
	far_free(&f);
	end(s);
}

static tally told = TALLY_INIT;

static void tell(pyr__outcall *call)
{
	(void)call;
	tally_add(&told, 1);
}

/* And if there is no memory to keep it, its call hears of that, though the peer says nothing. */
Test(conn, no_memory_to_keep_a_message_ends_the_connection)
{
	setup *s = begin(false);
	far f;
	pyr_error err;
	pyr__outcall call;
	pyr__head head = {.method = {"a.B/C", 5}, .timeout_us = PYR__TIMEOUT_NONE};
	pyr__conn *conn = dialed_narrow(s, &f);
	Codec3__Blob message = CODEC3__BLOB__INIT;
	pyr__body body = large_body(&message);
	pyr__outcall_init(&call, PYR__DEADLINE_NONE);
	call.unary = true;
	call.ready = tell;
	failing_alloc_of(32 << 10); /* what is packed is less, and so is what one receives into */
	pyr_status status = pyr__conn_start(conn, false, &call, &head, &body, true, &err);
	failing_alloc_of(0);
	cr_assert_eq(status, PYR_OK, "%s", err.message);
	free(message.data.data);
	cr_assert(tally_await(&told, 1));
	expect_failure(&call, PYR_RESOURCE_EXHAUSTED,
		"there is no memory for a message that was being sent");
	cr_assert(!pyr__conn_usable(conn));
	shut_and_unref(conn);
	far_free(&f);
	end(s);
}
