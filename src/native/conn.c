/* SPDX-License-Identifier: Apache-2.0 */
/* A connection's life: dialing, serving and its end. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/apart.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/refs.h"
#include "native/conn_private.h"

#define LINGER_US 1000000

/* After so long without reading, or a tick longer, look before writing. */
#define PAUSE_BEFORE_CHECK_US 20000

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

static void keep_host(pyr__conn *conn, const pyr__host_ops *ops, void *host)
{
	if (ops && ops->keep)
		ops->keep(host);
	conn->options.host = ops;
	conn->options.host_arg = host;
}

static void drop_host(pyr__conn *conn)
{
	if (conn->options.host && conn->options.host->drop)
		conn->options.host->drop(conn->options.host_arg);
}

PYR__APART static void dispose(pyr__conn *conn)
{
	unlist(conn);
	if (conn->options.queued_total)
		atomic_fetch_sub(conn->options.queued_total, conn->queued_counted);
	if (conn->fd >= 0)
		close(conn->fd);
	if (conn->tls)
		conn->tls_library->close(conn->tls);
	pyr_credentials_unref(conn->options.credentials);
	drop_host(conn);
	pyr__session_free(conn->session);
	pyr__conn_share_end(conn);
	free(conn->share);
	free(conn->look);
	free(conn->shut_reason);
	free(conn->addresses);
	free(conn);
}

pyr__conn *pyr__conn_ref(pyr__conn *conn)
{
	pyr__refs_take(&conn->refs);
	return conn;
}

void pyr__conn_unref(pyr__conn *conn)
{
	if (conn && pyr__refs_drop(&conn->refs))
		dispose(conn);
}

static void trace(void *ctx, const char *line)
{
	const pyr__conn *conn = ctx;
	pyr__log(PYR_LOG_TRACE, "%s #%llu %s", conn->peer, (unsigned long long)conn->number, line);
}

/* Whether it is traced is decided now: the session has to see every definition of a method. */
static pyr__session *new_session(pyr__conn *conn)
{
	pyr__session_config config = *conn->options.session;
	config.shares = conn->shares;
	if (pyr__log_wants(PYR_LOG_TRACE)) {
		config.trace = trace;
		config.trace_ctx = conn;
	}
	return pyr__session_new(&config);
}

static pyr__conn *new_conn(const pyr__conn_options *options, const char *peer, bool is_unix)
{
	pyr__conn *conn = pyr__zalloc(sizeof *conn);
	atomic_init(&conn->refs, 1);
	snprintf(conn->peer, sizeof conn->peer, "%s", peer);
	conn->number = pyr__next_connection();
	conn->options = *options;
	if (!conn->options.ready_loop)
		conn->options.ready_loop = options->loop;
	conn->server = options->session->server;
	conn->shares = pyr__conn_may_share(options, is_unix);
	conn->passed_fd = -1;
	if (options->credentials)
		pyr_credentials_ref(options->credentials);
	conn->session = new_session(conn);
	if (!conn->session || !pyr__conn_start_tls(conn)) {
		pyr__session_free(conn->session);
		pyr_credentials_unref(options->credentials);
		free(conn);
		return NULL;
	}
	conn->options.tls_host = NULL; /* which need not outlive the making */
	conn->fd = -1;
	pyr__mutex_init(&conn->lock);
	pyr__list_init(&conn->outcalls);
	pyr__list_init(&conn->incalls);
	pyr__list_init(&conn->waiters);
	conn->ready_last = &conn->ready_first;
	conn->work_last = &conn->work_first;
	conn->last_read_us = pyr__now_us();
	conn->connect_deadline_us = conn->last_read_us + options->connect_timeout_ms * 1000ll;
	conn->timer_us = conn->timer_added_us = PYR__DEADLINE_NONE;
	keep_host(conn, options->host, options->host_arg);
	pyr__conn_loop_init(conn);
	pyr__conn_look_init(conn);
	pyr__conn_pace_init(conn);
	list(conn);
	return conn;
}

pyr__conn *pyr__conn_accept(int fd, const pyr__address *peer, const pyr__conn_options *options)
{
	char name[PYR__PEER_TEXT_MAX];
	pyr__socket_text(peer, name, sizeof name);
	bool is_unix = peer->storage.ss_family == AF_UNIX && pyr__socket_is_own_user(fd);
	pyr__conn *conn = new_conn(options, name, is_unix);
	if (!conn)
		return NULL;
	pyr__socket_tune(fd, peer->storage.ss_family);
	if (options->host)
		options->host->connected(options->host_arg, conn->number);
	pyr__mutex_lock(&conn->lock);
	conn->fd = fd;
	conn->state = CONN_OPEN;
	conn->reader = READER_LOOP;
	if (!conn->tls)
		pyr__socket_peer_user(fd, conn->principal, sizeof conn->principal);
	pyr__conn_set_timer(conn, conn->connect_deadline_us);
	pyr__conn_update(conn);
	pyr__mutex_unlock(&conn->lock);
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
		pyr__keep_reason(&conn->shut_reason, why->message, strlen(why->message));
		return;
	}
	pyr__conn_disconnect(conn, why->status, why->message);
}

pyr__conn *pyr__conn_dial(const pyr__address *addresses, size_t count, const char *name,
	const pyr__conn_options *options)
{
	pyr__conn *conn = new_conn(options, name, addresses[0].storage.ss_family == AF_UNIX);
	if (!conn)
		return NULL;
	conn->addresses = pyr__alloc(count * sizeof *addresses);
	memcpy(conn->addresses, addresses, count * sizeof *addresses);
	conn->address_count = count;
	pyr_error why;
	if (options->host)
		options->host->connected(options->host_arg, conn->number);
	pyr__mutex_lock(&conn->lock);
	dial_next(conn, &why);
	pyr__mutex_unlock(&conn->lock);
	return conn;
}

pyr__conn *pyr__conn_begin(int fd, const char *name, const pyr__conn_options *options)
{
	pyr__conn *conn = new_conn(options, name, pyr__socket_is_own_user(fd));
	if (!conn)
		return NULL;
	pyr__mutex_lock(&conn->lock);
	conn->fd = fd;
	opened(conn);
	pyr__mutex_unlock(&conn->lock);
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
PYR_COLD static void part(pyr__conn *conn, bool peer_is_there)
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
	pyr__conn_share_end(conn);
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
	if (!conn->shut_reason)
		pyr__keep_reason(
			&conn->shut_reason, event->final.message.data, event->final.message.size);
	part(conn, peer_is_there);
}

void pyr__conn_tell_closed(pyr__conn *conn)
{
	bool over = conn->state == CONN_LINGERING || conn->state == CONN_CLOSED;
	if (!over || conn->closed_told)
		return;
	conn->closed_told = true;
	const pyr__host_ops *host = conn->server ? NULL : conn->options.host;
	if (!conn->options.on_closed && !host)
		return;
	pyr__mutex_unlock(&conn->lock);
	if (conn->options.on_closed)
		conn->options.on_closed(conn->options.closed_arg, conn);
	if (host)
		host->disconnected(conn->options.host_arg, conn->number);
	pyr__mutex_lock(&conn->lock);
}

static void wake_all(pyr__conn *conn)
{
	while (!pyr__list_empty(&conn->waiters))
		pyr__conn_wake_follower(
			conn, PYR__OWNER(conn->waiters.next, pyr__waiter, link), false);
}

PYR__APART static void on_connection_event(pyr__conn *conn, const pyr__event *event)
{
	switch (event->type) {
	case PYR__EVENT_READY:
		conn->connect_deadline_us = PYR__DEADLINE_NONE;
		break;
	case PYR__EVENT_PONG:
		conn->ping_answered = event->ping_value;
		wake_all(conn);
		break;
	case PYR__EVENT_SHARE:
		pyr__conn_share_event(conn, event);
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

bool pyr__conn_check(pyr__conn *conn)
{
	if (conn->state == CONN_OPEN && conn->reader == READER_NOBODY && !conn->shut &&
		pyr__tick_us() - conn->last_read_us > PAUSE_BEFORE_CHECK_US) {
		conn->reader = READER_THREAD;
		while (conn->state == CONN_OPEN && pyr__conn_fill(conn, false))
			pyr__conn_process(conn);
		pyr__conn_pass_on(conn);
	}
	return !conn->shut && !conn->going_away &&
	       (conn->state == CONN_OPEN || conn->state == CONN_DIALING);
}

bool pyr__conn_usable(pyr__conn *conn)
{
	pyr__mutex_lock(&conn->lock);
	bool usable = pyr__conn_check(conn);
	pyr__mutex_unlock(&conn->lock);
	return usable;
}

bool pyr__conn_lives(pyr__conn *conn)
{
	struct pollfd item = {.events = POLLRDHUP};
	if (!pyr__conn_usable(conn))
		return false;
	pyr__mutex_lock(&conn->lock);
	item.fd = conn->fd; /* or -1, of which poll tells nothing */
	bool left = poll(&item, 1, 0) > 0;
	pyr__mutex_unlock(&conn->lock);
	return !left;
}

static bool is_answered(const void *arg)
{
	const pyr__conn *conn = arg;
	return conn->ping_answered >= conn->ping_sent || conn->state >= CONN_LINGERING;
}

pyr_status pyr__conn_ping(pyr__conn *conn, int64_t deadline_us, pyr_error *err)
{
	pyr_status status = PYR_OK;
	pyr__mutex_lock(&conn->lock);
	pyr__session_ping(conn->session, ++conn->ping_sent);
	pyr__conn_flush_soon(conn);
	if (!pyr__conn_wait_until(conn, NULL, is_answered, conn, deadline_us))
		pyr__mutex_lock(&conn->lock);
	if (conn->state >= CONN_LINGERING)
		status = pyr_error_set(err, PYR_UNAVAILABLE, "%s",
			conn->shut_reason ? conn->shut_reason : "the connection was closed");
	else if (!is_answered(conn))
		status = pyr_error_set(
			err, PYR_DEADLINE_EXCEEDED, "%s did not answer in time", conn->peer);
	pyr__mutex_unlock(&conn->lock);
	return status;
}

void pyr__conn_settle(pyr__conn *conn, int64_t until_us)
{
	pyr__mutex_lock(&conn->lock);
	bool sent = conn->sent_oneway && conn->state < CONN_LINGERING;
	conn->sent_oneway = false;
	pyr__mutex_unlock(&conn->lock);
	if (!sent)
		return;
	/* what the peer answers came behind the calls */
	pyr_status status = pyr__conn_ping(conn, until_us, NULL);
	(void)status; /* who is not there has nothing either way */
}

void pyr__conn_drain(pyr__conn *conn, const char *reason)
{
	pyr__mutex_lock(&conn->lock);
	if (conn->state == CONN_OPEN) {
		pyr__session_drain(conn->session, PYR_UNAVAILABLE, reason);
		pyr__conn_flush_soon(conn);
	}
	pyr__mutex_unlock(&conn->lock);
}

bool pyr__conn_busy(pyr__conn *conn)
{
	pyr__mutex_lock(&conn->lock);
	bool busy = conn->state == CONN_OPEN &&
		    (pyr__session_busy(conn->session) || pyr__conn_queued(conn) > 0);
	pyr__mutex_unlock(&conn->lock);
	return busy;
}

void pyr__conn_request_shut(pyr__conn *conn, pyr_status status, const char *reason)
{
	if (conn->shut || conn->state >= CONN_LINGERING)
		return;
	conn->shut = true;
	conn->shut_status = status;
	pyr__keep_reason(&conn->shut_reason, reason, strlen(reason));
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
	pyr__mutex_lock(&conn->lock);
	pyr__conn_request_shut(conn, status, reason);
	pyr__mutex_unlock(&conn->lock);
}

void pyr__conn_stop_lingering(pyr__conn *conn)
{
	pyr__mutex_lock(&conn->lock);
	if (conn->state == CONN_LINGERING) {
		conn->state = CONN_CLOSED;
		pyr__conn_update(conn);
	}
	pyr__mutex_unlock(&conn->lock);
}

void pyr__conn_await_reader(pyr__conn *conn)
{
	pyr__mutex_lock(&conn->lock);
	while (conn->reader == READER_THREAD)
		pyr__conn_await_change(conn);
	if (conn->reader == READER_NOBODY) { /* the next one has been told, and has not begun */
		pyr__conn_check_shut(conn);
		pyr__conn_tell_closed(conn);
	}
	pyr__mutex_unlock(&conn->lock);
}

void pyr__conn_check_retired(pyr__conn *conn)
{
	if (!conn->retiring || conn->shut || !pyr__list_empty(&conn->outcalls) ||
		!pyr__list_empty(&conn->incalls))
		return;
	/* calls that were given up are still busy on the wire, but nobody waits for them */
	if (conn->state == CONN_OPEN && pyr__conn_queued(conn) == 0)
		pyr__conn_request_shut(conn, PYR_CANCELLED, "nobody uses the connection any more");
	else if (conn->state < CONN_LINGERING)
		pyr__conn_to_loop(conn);
}

void pyr__conn_retire(pyr__conn *conn)
{
	pyr__mutex_lock(&conn->lock);
	conn->retiring = true;
	pyr__conn_check_retired(conn);
	pyr__mutex_unlock(&conn->lock);
}

bool pyr__conn_set_host(pyr__conn *conn, const pyr__host_ops *ops, void *host)
{
	bool fresh = false;
	pyr__mutex_lock(&conn->lock);
	if (!conn->options.host && !conn->closed_told) {
		fresh = true;
		ops->connected(host, conn->number);
		keep_host(conn, ops, host);
		pyr__conn_to_loop(conn); /* what the peer calls comes at any time */
	}
	bool set = conn->options.host == ops && conn->options.host_arg == host;
	pyr__mutex_unlock(&conn->lock);
	return set || fresh;
}

bool pyr__conn_peer_id(pyr__conn *conn, uint8_t ret_id[PYR__PEER_ID_SIZE])
{
	static const uint8_t none[PYR__PEER_ID_SIZE];
	pyr__mutex_lock(&conn->lock);
	memcpy(ret_id, pyr__session_peer_id(conn->session), PYR__PEER_ID_SIZE);
	pyr__mutex_unlock(&conn->lock);
	return memcmp(ret_id, none, sizeof none) != 0;
}

const char *pyr__conn_reason(const pyr__conn *conn)
{
	return conn->shut_reason ? conn->shut_reason : "";
}

pyr__loop *pyr__conn_ready_loop(const pyr__conn *conn)
{
	return conn->options.ready_loop;
}

uint64_t pyr__conn_number(const pyr__conn *conn)
{
	return conn->number;
}

const char *pyr__conn_peer(const pyr__conn *conn)
{
	return conn->peer;
}
