/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes between a connection's session and its socket, through TLS if there is any. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/apart.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/refs.h"
#include "native/conn_private.h"

#define OUTPUT_VECTORS      64
#define OUTPUT_EARLY_BYTES  (256u << 10) /* in a turn, write before its end past this */
#define OUTPUT_RING_BYTES   512
#define OUTPUT_PAUSE_BYTES  (1u << 20) /* a peer that does not take its answers asks no more */
#define OUTPUT_RESUME_BYTES (256u << 10)
#define ITEM_PAUSE_US       20
#define SEALED_BYTES_MAX    (256u << 10) /* encrypted before the socket takes it */
#define SEALED_READ_BYTES   (32u << 10)

/* TLS */

bool pyr__conn_start_tls(pyr__conn *conn)
{
	const pyr__conn_options *options = &conn->options;
	if (!options->credentials)
		return true;
	conn->tls = pyr__credentials_open(options->credentials, options->session->server,
		options->tls_host, &conn->tls_library);
	return conn->tls != NULL;
}

bool pyr__conn_is_opening(const pyr__conn *conn)
{
	return conn->state == CONN_DIALING ||
	       (conn->state == CONN_OPEN && conn->tls && !conn->tls_library->is_open(conn->tls));
}

static void tls_over(pyr__conn *conn)
{
	char reason[PYR_ERROR_MESSAGE_MAX];
	const char *why = conn->tls_library->why(conn->tls);
	if (why[0]) {
		snprintf(reason, sizeof reason, "TLS with %s: %s", conn->peer, why);
		if (conn->server)
			PYR__LOG_OF_PEER(PYR_LOG_WARNING, "%s", reason);
	} else {
		snprintf(reason, sizeof reason, "%s closed the connection", conn->peer);
	}
	pyr__conn_disconnect(conn, PYR_UNAVAILABLE, reason);
}

/* Everything that can be decrypted, to the session; goes on with the handshake too. */
static void unseal(pyr__conn *conn)
{
	while (conn->state == CONN_OPEN) {
		void *room;
		size_t size, plain;
		pyr__session_input(conn->session, &room, &size);
		if (size == 0) { /* the session has ended for want of memory */
			pyr__conn_process(conn);
			break;
		}
		bool going = conn->tls_library->read(conn->tls, room, size, &plain);
		pyr__session_received(conn->session, plain);
		if (!conn->principal[0] && conn->tls_library->is_open(conn->tls))
			conn->tls_library->peer_name(conn->tls, conn->principal);
		if (plain > 0)
			pyr__conn_process(conn);
		else if (!going)
			tls_over(conn);
		if (plain == 0)
			break;
	}
}

/* Encrypts what the session wants to send, as far as there is room. */
PYR__APART static void seal(pyr__conn *conn)
{
	struct iovec vectors[OUTPUT_VECTORS];
	const void *sealed;
	int count;
	while (conn->tls_library->is_open(conn->tls) &&
		conn->tls_library->sealed(conn->tls, &sealed) < SEALED_BYTES_MAX &&
		(count = pyr__session_output(conn->session, vectors, OUTPUT_VECTORS)) > 0) {
		size_t done = 0;
		for (int i = 0; i < count; i++) {
			if (!conn->tls_library->write(
				    conn->tls, vectors[i].iov_base, vectors[i].iov_len))
				return; /* the reader finds out why */
			done += vectors[i].iov_len;
		}
		pyr__session_sent(conn->session, done);
	}
}

/* Output */

size_t pyr__conn_queued(pyr__conn *conn)
{
	const void *sealed;
	size_t queued = pyr__session_queued(conn->session);
	return conn->tls ? queued + conn->tls_library->sealed(conn->tls, &sealed) : queued;
}

static void count_queued(pyr__conn *conn)
{
	if (!conn->options.queued_total)
		return;
	size_t queued = pyr__conn_queued(conn);
	if (queued == conn->queued_counted)
		return;
	atomic_fetch_add(conn->options.queued_total,
		(uint_fast64_t)queued - (uint_fast64_t)conn->queued_counted);
	conn->queued_counted = queued;
}

static void note_progress(pyr__conn *conn, bool blocked)
{
	conn->blocked = blocked;
	if (!blocked) {
		conn->stalled_since_us = 0;
		return;
	}
	conn->stalled_since_us = pyr__now_us();
	if (conn->options.stall_timeout_ms)
		pyr__conn_set_timer(
			conn, conn->stalled_since_us + conn->options.stall_timeout_ms * 1000ll);
}

static int next_output(pyr__conn *conn, struct iovec *vectors)
{
	if (!conn->tls)
		return pyr__session_output(conn->session, vectors, OUTPUT_VECTORS);
	const void *sealed;
	seal(conn);
	vectors[0].iov_len = conn->tls_library->sealed(conn->tls, &sealed);
	vectors[0].iov_base = (void *)sealed;
	return vectors[0].iov_len > 0;
}

static void output_sent(pyr__conn *conn, size_t size)
{
	if (conn->tls)
		conn->tls_library->sent(conn->tls, size);
	else
		pyr__session_sent(conn->session, size);
}

void pyr__conn_discard_output(pyr__conn *conn)
{
	struct iovec vectors[OUTPUT_VECTORS];
	const void *sealed;
	int count;
	while ((count = pyr__session_output(conn->session, vectors, OUTPUT_VECTORS)) > 0) {
		size_t size = 0;
		for (int i = 0; i < count; i++)
			size += vectors[i].iov_len;
		pyr__session_sent(conn->session, size);
	}
	if (conn->tls)
		conn->tls_library->sent(conn->tls, conn->tls_library->sealed(conn->tls, &sealed));
	count_queued(conn);
}

ssize_t pyr__conn_send(pyr__conn *conn, struct iovec *vectors, int count)
{
	struct msghdr message = {.msg_iov = vectors, .msg_iovlen = (size_t)count};
	if (count == 1) /* which the kernel has less to look at for */
		return send(
			conn->fd, vectors->iov_base, vectors->iov_len, MSG_NOSIGNAL | MSG_DONTWAIT);
	return sendmsg(conn->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Writes as much as the socket takes; *ret_blocked when that was not all. True if any was taken. */
static bool write_out(pyr__conn *conn, bool *ret_blocked)
{
	bool moved = false;
	struct iovec vectors[OUTPUT_VECTORS];
	int count;
	*ret_blocked = false;
	while ((count = next_output(conn, vectors)) > 0) {
		ssize_t wrote =
			(conn->share ? pyr__conn_share_send : pyr__conn_send)(conn, vectors, count);
		if (wrote >= 0) {
			output_sent(conn, (size_t)wrote);
			moved = true;
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			*ret_blocked = true;
			break;
		} else if (errno != EINTR) {
			/*
			 * Not the end yet: the peer may have said why before it went, and the
			 * reader is to find that. Reading ends with the peer's end of file.
			 */
			pyr__conn_discard_output(conn);
			break;
		}
	}
	return moved;
}

void pyr__conn_flush(pyr__conn *conn)
{
	if (conn->state != CONN_OPEN)
		return;
	bool blocked;
	conn->held_back = 0;
	if (conn->shares)
		pyr__conn_offer_memory(conn);
	bool moved = write_out(conn, &blocked);
	if (moved || blocked != conn->blocked)
		note_progress(conn, blocked);
	count_queued(conn);
	if (moved) /* the reader may be waiting for bytes, and would not see that there is room */
		pyr__conn_process_writable(conn);
	/* what waits for the peer's window is not counted: it is by reading that one hears of it */
	size_t queued =
		conn->options.host ? pyr__conn_queued(conn) - pyr__session_held(conn->session) : 0;
	if (conn->paused ? queued < OUTPUT_RESUME_BYTES : queued <= OUTPUT_PAUSE_BYTES)
		conn->paused = false;
	else
		conn->paused = true;
}

/* Writing into a ring costs little, and the other side can go on at once. */
static size_t early_bytes(const pyr__conn *conn)
{
	return pyr__conn_writes_ring(conn) ? OUTPUT_RING_BYTES : OUTPUT_EARLY_BYTES;
}

PYR__APART static void flush_now(pyr__conn *conn)
{
	bool was_blocked = conn->blocked, was_paused = conn->paused;
	if (pyr__loop_is_current(conn->options.loop))
		pyr__conn_settle_answers(conn);
	pyr__conn_flush(conn);
	/* who reads hears of room in a ring; of room in a socket, whoever polls it */
	if (conn->blocked && pyr__conn_writes_ring(conn) && conn->reader == READER_NOBODY)
		pyr__conn_to_loop(conn);
	else if ((conn->blocked && !was_blocked) || was_paused != conn->paused)
		pyr__conn_update(conn);
}

/* What is lent is sent now, or copied: its owner goes on soon. */
PYR__APART static void flush_lent(pyr__conn *conn)
{
	flush_now(conn);
	if (!pyr__session_keep(conn->session))
		pyr__conn_request_shut(conn, PYR_RESOURCE_EXHAUSTED, /* the session has said so */
			"there is no memory for a message that was being sent");
}

PYR__APART void pyr__conn_flush_soon(pyr__conn *conn)
{
	if (pyr__session_is_lent(conn->session)) {
		flush_lent(conn);
		return;
	}
	if (conn->state == CONN_DIALING)
		return;
	bool on_loop = pyr__loop_is_current(conn->options.loop);
	if (conn->in_turn && on_loop) {
		bool full = conn->blocked && !pyr__conn_writes_ring(conn);
		if (full || (conn->held_back < conn->held_back_max &&
				    pyr__session_queued(conn->session) < early_bytes(conn)))
			return;
	} else if (on_loop && pyr__loop_in_callback()) {
		if (!conn->flush_task.posted) {
			pyr__conn_ref(conn);
			pyr__loop_defer(conn->options.loop, &conn->flush_task);
		}
		return;
	}
	flush_now(conn);
}

/*
 * A thread that sends item after item leaves the writing to the loop, which then writes many at
 * once: the first is written at once, the next only if it comes after a pause.
 */
void pyr__conn_flush_item(pyr__conn *conn)
{
	pyr__loop *loop = conn->options.loop;
	if (pyr__loop_is_current(loop) || pyr__session_is_lent(conn->session) ||
		pyr__session_queued(conn->session) > OUTPUT_EARLY_BYTES) {
		pyr__conn_flush_soon(conn);
		return;
	}
	if (conn->items_left || conn->blocked)
		return;
	int64_t now_us = pyr__now_us();
	bool leave = now_us - conn->item_written_us < ITEM_PAUSE_US;
	if (leave && conn->options.start_loop)
		leave = pyr__loop_start(loop, NULL) == PYR_OK;
	if (leave && pyr__loop_is_running(loop)) {
		conn->items_left = true;
		pyr__conn_post(conn, &conn->items_task);
	} else {
		conn->item_written_us = now_us;
		pyr__conn_flush_soon(conn);
	}
}

void pyr__conn_flush_left(pyr__conn *conn)
{
	conn->item_written_us = 0;
	if (conn->items_left)
		pyr__conn_flush_soon(conn);
}

/* Input */

/* As recvmsg, with the first descriptor that comes; the kernel keeps no others. */
static ssize_t receive_passed(int fd, struct iovec *vectors, int count, int flags, int *ret_passed)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr message = {.msg_iov = vectors,
		.msg_iovlen = (size_t)count,
		.msg_control = &control,
		.msg_controllen = CMSG_LEN(sizeof(int))};
	ssize_t got = recvmsg(fd, &message, flags | MSG_CMSG_CLOEXEC);
	struct cmsghdr *header = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
		header->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(ret_passed, CMSG_DATA(header), sizeof *ret_passed);
	return got;
}

static ssize_t receive_plain(int fd, struct iovec *vectors, int count, int flags)
{
	struct msghdr message = {.msg_iov = vectors, .msg_iovlen = (size_t)count};
	if (count == 1) /* which the kernel has less to look at for */
		return recv(fd, vectors->iov_base, vectors->iov_len, flags);
	return recvmsg(fd, &message, flags);
}

static void keep_passed(pyr__conn *conn, int passed_fd)
{
	if (passed_fd < 0)
		return;
	if (conn->passed_fd >= 0)
		close(conn->passed_fd);
	conn->passed_fd = passed_fd;
}

/* recv, without the lock if others may want it; *ret_errno is 0 unless it returned -1. */
static ssize_t receive(pyr__conn *conn, struct iovec *vectors, int count, bool wait, int *ret_errno)
{
	int fd = conn->fd, flags = wait ? 0 : MSG_DONTWAIT, passed_fd = -1;
	bool passes = conn->shares && conn->server;
	bool unlocks = wait || !pyr__has_one_thread();
	ssize_t got;
	if (unlocks)
		pyr__mutex_unlock(&conn->lock);
	if (wait)
		pyr__conn_look_until(conn);
	do
		got = passes ? receive_passed(fd, vectors, count, flags, &passed_fd)
			     : receive_plain(fd, vectors, count, flags);
	while (got < 0 && errno == EINTR && !wait);
	*ret_errno = got < 0 ? errno : 0;
	int64_t now_us = pyr__now_us();
	if (unlocks)
		pyr__mutex_lock(&conn->lock);
	conn->last_read_us = now_us;
	keep_passed(conn, passed_fd);
	return got;
}

PYR__APART bool pyr__conn_end_of_input(pyr__conn *conn, int why)
{
	char reason[PYR_ERROR_MESSAGE_MAX];
	if (why == EAGAIN || why == EWOULDBLOCK || why == EINTR)
		return false;
	if (conn->shut) {
		/* not the peer has ended it: see request_shut */
		pyr__conn_check_shut(conn);
		return true;
	}
	if (why == 0)
		snprintf(reason, sizeof reason, "%s closed the connection", conn->peer);
	else
		snprintf(reason, sizeof reason, "the connection to %s broke: %s", conn->peer,
			strerror(why));
	pyr__conn_disconnect(conn, PYR_UNAVAILABLE, reason);
	return true;
}

static bool fill_secure(pyr__conn *conn, bool wait)
{
	uint8_t bytes[SEALED_READ_BYTES];
	struct iovec vector = {bytes, sizeof bytes};
	int why;
	ssize_t got = receive(conn, &vector, 1, wait, &why);
	if (got <= 0)
		return pyr__conn_end_of_input(conn, why);
	conn->tls_library->feed(conn->tls, bytes, (size_t)got);
	unseal(conn);
	pyr__conn_flush(conn); /* the handshake has answers of its own */
	return true;
}

int pyr__conn_room(pyr__conn *conn, struct iovec room[2])
{
	pyr__session_input(conn->session, &room[0].iov_base, &room[0].iov_len);
	if (room[0].iov_len == 0)
		return 0;
	pyr__session_input_behind(conn->session, &room[1].iov_base, &room[1].iov_len);
	return room[1].iov_len > 0 ? 2 : 1;
}

void pyr__conn_received(pyr__conn *conn, const struct iovec *room, int count, size_t got)
{
	conn->filled = count == 2 && got == room[0].iov_len + room[1].iov_len;
	pyr__session_received(conn->session, got);
}

bool pyr__conn_fill(pyr__conn *conn, bool wait)
{
	struct iovec room[2];
	int why;
	if (conn->tls)
		return fill_secure(conn, wait);
	if (pyr__conn_reads_ring(conn))
		return pyr__conn_share_fill(conn, wait ? PYR__DEADLINE_NONE : 0);
	int count = pyr__conn_room(conn, room);
	if (count == 0)
		return true; /* the session has ended */
	ssize_t got = receive(conn, room, count, wait, &why);
	pyr__conn_received(conn, room, count, got > 0 ? (size_t)got : 0);
	return got > 0 || pyr__conn_end_of_input(conn, why);
}

void pyr__conn_begin_handshake(pyr__conn *conn)
{
	if (conn->tls)
		unseal(conn);
}
