/* SPDX-License-Identifier: Apache-2.0 */
/* A connection's life: dialing, serving and its end. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "native/conn_private.h"

#define PAUSE_BEFORE_CHECK_US 20000 /* after so long without reading, look before writing */
#define LINGER_US             1000000

static void list(pyr__conn *conn)
{
	pyr__conns *conns = conn->options.conns;
	if (!conns)
		return;
	pthread_mutex_lock(&conns->lock);
	pyr__list_append(&conns->list, &conn->among);
	pthread_mutex_unlock(&conns->lock);
}

static void unlist(pyr__conn *conn)
{
	pyr__conns *conns = conn->options.conns;
	if (!conns)
		return;
	pthread_mutex_lock(&conns->lock);
	pyr__list_remove(&conn->among);
	pthread_mutex_unlock(&conns->lock);
}

static void dispose(pyr__conn *conn)
{
	unlist(conn);
	if (conn->options.queued_total)
		atomic_fetch_sub(conn->options.queued_total, conn->queued_counted);
	if (conn->fd >= 0)
		close(conn->fd);
	if (conn->tls)
		conn->tls_library->close(conn->tls);
	pyr_credentials_unref(conn->options.credentials);
	pyr__session_free(conn->session);
	pthread_cond_destroy(&conn->changed);
	pthread_mutex_destroy(&conn->lock);
	free(conn);
}

pyr__conn *pyr__conn_ref(pyr__conn *conn)
{
	atomic_fetch_add_explicit(&conn->refs, 1, memory_order_relaxed);
	return conn;
}

void pyr__conn_unref(pyr__conn *conn)
{
	if (conn && atomic_fetch_sub_explicit(&conn->refs, 1, memory_order_acq_rel) == 1)
		dispose(conn);
}

static pyr__conn *new_conn(const pyr__conn_options *options)
{
	pyr__conn *conn = pyr__zalloc(sizeof *conn);
	atomic_init(&conn->refs, 1);
	conn->number = pyr__next_connection();
	conn->options = *options;
	conn->server = options->session->server;
	if (options->credentials)
		pyr_credentials_ref(options->credentials);
	conn->session = pyr__session_new(options->session);
	if (!conn->session || !pyr__conn_start_tls(conn)) {
		pyr__session_free(conn->session);
		pyr_credentials_unref(options->credentials);
		free(conn);
		return NULL;
	}
	conn->fd = -1;
	pthread_mutex_init(&conn->lock, NULL);
	pthread_cond_init(&conn->changed, NULL);
	pyr__list_init(&conn->outcalls);
	pyr__list_init(&conn->incalls);
	pyr__list_init(&conn->waiters);
	conn->ready_last = &conn->ready_first;
	conn->work_last = &conn->work_first;
	conn->last_read_us = pyr__now_us();
	conn->connect_deadline_us = conn->last_read_us + options->connect_timeout_ms * 1000ll;
	conn->timer_us = conn->timer_added_us = PYR__DEADLINE_NONE;
	pyr__conn_loop_init(conn);
	list(conn);
	return conn;
}

pyr__conn *pyr__conn_accept(int fd, const pyr__address *peer, const pyr__conn_options *options)
{
	pyr__conn *conn = new_conn(options);
	if (!conn)
		return NULL;
	pyr__socket_text(peer, conn->peer, sizeof conn->peer);
	pyr__socket_tune(fd, peer->storage.ss_family);
	pthread_mutex_lock(&conn->lock);
	conn->fd = fd;
	conn->state = CONN_OPEN;
	conn->reader = READER_LOOP;
	if (!conn->tls)
		pyr__socket_peer_user(fd, conn->principal, sizeof conn->principal);
	pyr__conn_set_timer(conn, conn->connect_deadline_us);
	pyr__conn_update(conn);
	pthread_mutex_unlock(&conn->lock);
	return conn;
}

static void opened(pyr__conn *conn)
{
	conn->state = CONN_OPEN;
	pyr__socket_let_wait(conn->fd, PYR__CONN_PATIENCE_MS);
	pyr__conn_begin_handshake(conn);
}

/* Tries the addresses that are left; with none left the connection is over. */
static void dial_next(pyr__conn *conn, pyr_error *why)
{
	while (conn->address_next < conn->address_count) {
		bool connected;
		const pyr__address *address = &conn->addresses[conn->address_next++];
		if (pyr__socket_connect(address, &conn->fd, &connected, why) == PYR_OK) {
			conn->state = CONN_DIALING;
			if (connected)
				opened(conn);
			return;
		}
	}
	if (conn->reader == READER_NOBODY) {
		/* nothing can be under way yet: whoever waits first will find this */
		conn->shut = true;
		conn->shut_status = why->status;
		pyr__copy_text(conn->shut_reason, sizeof conn->shut_reason, why->message,
			strlen(why->message));
		return;
	}
	pyr__conn_disconnect(conn, why->status, why->message);
}

pyr__conn *pyr__conn_dial(const pyr__address *addresses, size_t count, const char *name,
	const pyr__conn_options *options)
{
	pyr__conn *conn = new_conn(options);
	if (!conn)
		return NULL;
	snprintf(conn->peer, sizeof conn->peer, "%s", name);
	memcpy(conn->addresses, addresses, count * sizeof *addresses);
	conn->address_count = count;
	pyr_error why;
	pthread_mutex_lock(&conn->lock);
	dial_next(conn, &why);
	pthread_mutex_unlock(&conn->lock);
	return conn;
}

void pyr__conn_dialed(pyr__conn *conn)
{
	int failed = pyr__socket_connect_result(conn->fd);
	if (!failed) {
		opened(conn);
		return;
	}
	pyr_error why;
	char text[PYR__PEER_TEXT_MAX];
	pyr__socket_text(&conn->addresses[conn->address_next - 1], text, sizeof text);
	pyr_error_set(&why, PYR_UNAVAILABLE, "cannot connect to %s: %s", text, strerror(failed));
	if (conn->in_loop && conn->io_added)
		event_del(&conn->io_event);
	conn->io_added = 0;
	close(conn->fd);
	conn->fd = -1;
	dial_next(conn, &why);
}

/* The session has said its last word: send what is left of it, and part. */
static void part(pyr__conn *conn, bool peer_is_there)
{
	if (conn->state == CONN_OPEN) {
		pyr__conn_flush(conn);
		if (conn->tls)
			conn->tls_library->end(conn->tls);
		pyr__conn_flush(conn);
	}
	bool linger = peer_is_there && conn->reader == READER_LOOP && conn->fd >= 0 &&
		      conn->state == CONN_OPEN;
	conn->state = linger ? CONN_LINGERING : CONN_CLOSED;
	conn->blocked = conn->paused = false;
	conn->connect_deadline_us = PYR__DEADLINE_NONE;
	conn->stalled_since_us = 0;
	pyr__conn_discard_output(conn);
	if (conn->fd >= 0)
		shutdown(conn->fd, linger ? SHUT_WR : SHUT_RDWR);
	if (linger) {
		conn->linger_until_us = pyr__now_us() + LINGER_US;
		pyr__conn_set_timer(conn, conn->linger_until_us);
	}
	pyr__conn_update(conn);
}

/* A caller hears of it from its calls; a server's user, who has made none, from nobody else. */
static void log_violation(const pyr__conn *conn, const pyr__final *final)
{
	if (conn->server && !conn->going_away && final->status == PYR_INVALID_ARGUMENT)
		PYR__LOG_OF_PEER(PYR_LOG_WARNING,
			"%s broke the protocol and was disconnected: %.*s", conn->peer,
			(int) final->message.size, final->message.data);
}

static void on_closed(pyr__conn *conn, const pyr__event *event)
{
	log_violation(conn, &event->final);
	bool peer_is_there = !conn->shut && event->final.status != PYR_UNAVAILABLE;
	if (!conn->shut_reason[0])
		pyr__copy_text(conn->shut_reason, sizeof conn->shut_reason,
			event->final.message.data, event->final.message.size);
	part(conn, peer_is_there);
}

void pyr__conn_tell_closed(pyr__conn *conn)
{
	bool over = conn->state == CONN_LINGERING || conn->state == CONN_CLOSED;
	if (!over || conn->closed_told)
		return;
	conn->closed_told = true;
	if (conn->options.on_closed) {
		pthread_mutex_unlock(&conn->lock);
		conn->options.on_closed(conn->options.closed_arg, conn);
		pthread_mutex_lock(&conn->lock);
	}
}

static void wake_all(pyr__conn *conn)
{
	for (pyr__link *link = conn->waiters.next; link != &conn->waiters; link = link->next)
		pthread_cond_signal(&PYR__OWNER(link, pyr__waiter, link)->cond);
}

static void on_connection_event(pyr__conn *conn, const pyr__event *event)
{
	switch (event->type) {
	case PYR__EVENT_READY:
		conn->connect_deadline_us = PYR__DEADLINE_NONE;
		break;
	case PYR__EVENT_PONG:
		conn->ping_answered = event->ping_value;
		wake_all(conn);
		break;
	case PYR__EVENT_GOAWAY:
		conn->going_away = true;
		break;
	case PYR__EVENT_CLOSED:
		on_closed(conn, event);
		wake_all(conn);
		break;
	default:
		break;
	}
}

static void on_stream_event(pyr__conn *conn, const pyr__event *event)
{
	if ((event->stream >> 31) == (conn->server ? 1u : 0u))
		pyr__conn_out_event(conn, event);
	else
		pyr__conn_in_event(conn, event);
}

void pyr__conn_process(pyr__conn *conn)
{
	pyr__event event;
	while (pyr__session_next(conn->session, &event)) {
		if (event.stream == 0)
			on_connection_event(conn, &event);
		else
			on_stream_event(conn, &event);
	}
}

void pyr__conn_process_writable(pyr__conn *conn)
{
	pyr__event event;
	while (pyr__session_next_writable(conn->session, &event))
		on_stream_event(conn, &event);
}

void pyr__conn_disconnect(pyr__conn *conn, pyr_status status, const char *reason)
{
	pyr__session_disconnect(conn->session, status, reason);
	pyr__conn_process(conn);
}

void pyr__conn_check_shut(pyr__conn *conn)
{
	if (conn->shut && (conn->state == CONN_OPEN || conn->state == CONN_DIALING)) {
		pyr__conn_flush(conn);
		pyr__conn_disconnect(conn, conn->shut_status, conn->shut_reason);
	}
}

/* The public functions */

bool pyr__conn_usable(pyr__conn *conn)
{
	pthread_mutex_lock(&conn->lock);
	if (conn->state == CONN_OPEN && conn->reader == READER_NOBODY && !conn->shut &&
		pyr__now_us() - conn->last_read_us > PAUSE_BEFORE_CHECK_US) {
		conn->reader = READER_THREAD;
		while (conn->state == CONN_OPEN && pyr__conn_fill(conn, false))
			pyr__conn_process(conn);
		conn->last_read_us = pyr__now_us();
		pyr__conn_pass_on(conn);
	}
	bool usable = !conn->shut && !conn->going_away &&
		      (conn->state == CONN_OPEN || conn->state == CONN_DIALING);
	pthread_mutex_unlock(&conn->lock);
	return usable;
}

static bool is_answered(const void *arg)
{
	const pyr__conn *conn = arg;
	return conn->ping_answered >= conn->ping_sent || conn->state >= CONN_LINGERING;
}

pyr_status pyr__conn_ping(pyr__conn *conn, int64_t deadline_us, pyr_error *err)
{
	pyr_status status = PYR_OK;
	pthread_mutex_lock(&conn->lock);
	pyr__session_ping(conn->session, ++conn->ping_sent);
	pyr__conn_flush_soon(conn);
	pyr__conn_wait_until(conn, NULL, is_answered, conn, deadline_us);
	if (conn->state >= CONN_LINGERING)
		status = pyr_error_set(err, PYR_UNAVAILABLE, "%s",
			conn->shut_reason[0] ? conn->shut_reason : "the connection was closed");
	else if (!is_answered(conn))
		status = pyr_error_set(
			err, PYR_DEADLINE_EXCEEDED, "%s did not answer in time", conn->peer);
	pthread_mutex_unlock(&conn->lock);
	return status;
}

void pyr__conn_settle(pyr__conn *conn, int64_t until_us)
{
	pthread_mutex_lock(&conn->lock);
	bool sent = conn->sent_oneway && conn->state < CONN_LINGERING;
	conn->sent_oneway = false;
	pthread_mutex_unlock(&conn->lock);
	if (!sent)
		return;
	/* what the peer answers came behind the calls */
	pyr_status status = pyr__conn_ping(conn, until_us, NULL);
	(void)status; /* who is not there has nothing either way */
}

void pyr__conn_drain(pyr__conn *conn, const char *reason)
{
	pthread_mutex_lock(&conn->lock);
	if (conn->state == CONN_OPEN) {
		pyr__session_drain(conn->session, PYR_UNAVAILABLE, reason);
		pyr__conn_flush_soon(conn);
	}
	pthread_mutex_unlock(&conn->lock);
}

bool pyr__conn_busy(pyr__conn *conn)
{
	pthread_mutex_lock(&conn->lock);
	bool busy = conn->state == CONN_OPEN &&
		    (pyr__session_busy(conn->session) || pyr__conn_queued(conn) > 0);
	pthread_mutex_unlock(&conn->lock);
	return busy;
}

static void request_shut(pyr__conn *conn, pyr_status status, const char *reason)
{
	if (conn->shut || conn->state >= CONN_LINGERING)
		return;
	conn->shut = true;
	conn->shut_status = status;
	snprintf(conn->shut_reason, sizeof conn->shut_reason, "%s", reason);
	bool on_loop = pyr__loop_is_current(conn->options.loop);
	if (conn->reader == READER_THREAD) {
		if (conn->fd >= 0)
			shutdown(conn->fd, SHUT_RDWR); /* wakes it out of poll, or recv */
	} else if (conn->in_turn && on_loop) {
		return; /* the end of the turn sees to it */
	} else if (conn->reader == READER_LOOP && !on_loop) {
		pyr__conn_update(conn);
	} else {
		pyr__conn_check_shut(conn);
		pyr__conn_tell_closed(conn);
	}
}

void pyr__conn_shut(pyr__conn *conn, pyr_status status, const char *reason)
{
	pthread_mutex_lock(&conn->lock);
	request_shut(conn, status, reason);
	pthread_mutex_unlock(&conn->lock);
}

void pyr__conn_await_reader(pyr__conn *conn)
{
	pthread_mutex_lock(&conn->lock);
	while (conn->reader == READER_THREAD)
		pthread_cond_wait(&conn->changed, &conn->lock);
	pthread_mutex_unlock(&conn->lock);
}

void pyr__conn_check_retired(pyr__conn *conn)
{
	if (!conn->retiring || conn->shut || !pyr__list_empty(&conn->outcalls) ||
		!pyr__list_empty(&conn->incalls))
		return;
	/* calls that were given up are still busy on the wire, but nobody waits for them */
	if (conn->state == CONN_OPEN && pyr__conn_queued(conn) == 0)
		request_shut(conn, PYR_CANCELLED, "nobody uses the connection any more");
	else if (conn->state < CONN_LINGERING)
		pyr__conn_to_loop(conn);
}

void pyr__conn_retire(pyr__conn *conn)
{
	pthread_mutex_lock(&conn->lock);
	conn->retiring = true;
	pyr__conn_check_retired(conn);
	pthread_mutex_unlock(&conn->lock);
}

const char *pyr__conn_reason(const pyr__conn *conn)
{
	return conn->shut_reason;
}

uint64_t pyr__conn_number(const pyr__conn *conn)
{
	return conn->number;
}

const char *pyr__conn_peer(const pyr__conn *conn)
{
	return conn->peer;
}
