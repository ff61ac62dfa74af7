/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a connection, for the files conn*.c only. */
#ifndef PYR_NATIVE_CONN_PRIVATE_H
#define PYR_NATIVE_CONN_PRIVATE_H

#include <pthread.h>
#include "native/conn.h"

typedef enum reader {
	READER_NOBODY,
	READER_THREAD,
	READER_LOOP,
} reader;

typedef enum conn_state {
	CONN_DIALING,
	CONN_OPEN,
	CONN_LINGERING, /* over, but what the peer sends is read away so that it sees our reason */
	CONN_CLOSED,
} conn_state;

/* A thread that waits in recv looks at its deadline at least so often. */
#define PYR__CONN_PATIENCE_MS 500

struct pyr__conn {
	atomic_uint refs;
	pyr__link among; /* options.conns */
	pyr__conn_options options;
	bool server; /* accepted, not dialed; options.session need not outlive the making */
	char peer[PYR__PEER_TEXT_MAX];
	uint64_t number; /* no other connection of the process has it, or had */

	pthread_mutex_t lock; /* guards what follows, the session included */
	pyr__session *session;
	pyr__tls *tls; /* NULL: cleartext */
	const pyr__tls_library *tls_library;
	char principal[PYR__TLS_NAME_MAX]; /* who the peer has proved to be; empty: nobody */
	bool authenticated; /* principal is what the host made of the peer's authorization */
	int fd;             /* -1 once closed */
	conn_state state;
	reader reader;
	bool sent_oneway; /* since the peer last answered for all */
	bool in_turn;     /* the loop's thread will flush when it is done */
	bool blocked;     /* the socket takes no more for now */
	bool paused;      /* too much waits to be sent: no reading until it has drained */
	bool going_away;  /* the peer takes no new calls */
	bool closed_told; /* on_closed has been called */
	bool in_loop;     /* events may be registered; holds a reference */
	bool retiring;    /* to be shut once nothing runs on it */
	bool shut;        /* the reader is to end it, with shut_status and shut_reason */
	pyr_status shut_status;
	char shut_reason[PYR_ERROR_MESSAGE_MAX];
	unsigned asyncs;    /* calls whose `ready` is set */
	pyr__link outcalls; /* ours that run */
	pyr__link incalls;  /* the peer's that run */
	pyr__link waiters;  /* threads in wait that do not read */
	pyr__outcall *ready_first, **ready_last;
	pyr__incall *work_first, **work_last;
	const pyr__outcall *running; /* whose `ready` is being called now, on the loop */
	pthread_cond_t changed;      /* running is another, or a thread has stopped reading */
	uint64_t ping_sent, ping_answered;
	size_t queued_counted; /* our part of *options.queued_total */
	int64_t last_read_us;
	int64_t item_written_us; /* when an item was last written; 0: since then a thread waited */
	bool items_left;         /* items_task has been posted, and has not run */
	int64_t connect_deadline_us; /* or the hello's; PYR__DEADLINE_NONE when it is done */
	int64_t stalled_since_us;    /* 0: not stalled */
	int64_t linger_until_us;
	int64_t timer_us; /* when the timer must fire at the latest */
	pyr__address addresses[PYR__ADDRESSES_MAX];
	size_t address_count, address_next;

	pyr__task update_task;  /* brings the loop's events in line with the above */
	pyr__task deliver_task; /* runs the ready and work lists */
	pyr__task flush_task;   /* deferred to the end of the loop's turn */
	pyr__task items_task;   /* flushes what threads have sent in quick succession */

	/* the loop thread's */
	struct event io_event;
	short io_added; /* what io_event waits for; 0: not added */
	struct event timer_event;
	int64_t timer_added_us; /* PYR__DEADLINE_NONE: not added */
};

/* conn.c; all with the lock held unless they say otherwise */
void pyr__conn_process(pyr__conn *conn);          /* reader only: all events of the session */
void pyr__conn_process_writable(pyr__conn *conn); /* anybody: who may send again is told */
void pyr__conn_disconnect(pyr__conn *conn, pyr_status status, const char *reason); /* reader only */
void pyr__conn_check_shut(pyr__conn *conn);                                        /* reader only */
void pyr__conn_dialed(pyr__conn *conn); /* reader only: the connect under way has ended */
void pyr__conn_check_retired(pyr__conn *conn);
void pyr__conn_tell_closed(pyr__conn *conn); /* may drop the lock meanwhile */

/* conn_io.c; lock held */
bool pyr__conn_start_tls(pyr__conn *conn);        /* for a new connection; false: no memory */
void pyr__conn_begin_handshake(pyr__conn *conn);  /* reader only: the socket is connected */
bool pyr__conn_is_opening(const pyr__conn *conn); /* nothing of the session can be sent yet */
void pyr__conn_flush(pyr__conn *conn);            /* writes what can be written */
void pyr__conn_flush_soon(pyr__conn *conn);       /* now, or at the end of the loop's turn */
void pyr__conn_flush_item(pyr__conn *conn);       /* now, or with those that follow */
void pyr__conn_flush_left(pyr__conn *conn);       /* before waiting: what flush_item has left */
void pyr__conn_discard_output(pyr__conn *conn);
size_t pyr__conn_queued(pyr__conn *conn); /* bytes that wait to be sent */
/*
 * Reads once; reader only; drops the lock meanwhile. False if there was nothing, which `wait` finds
 * after PYR__CONN_PATIENCE_MS, and otherwise at once.
 */
bool pyr__conn_fill(pyr__conn *conn, bool wait);

/* conn_loop.c */
void pyr__conn_loop_init(pyr__conn *conn);
void pyr__conn_update(pyr__conn *conn);  /* sees to the loop's events; lock held, any thread */
void pyr__conn_to_loop(pyr__conn *conn); /* the loop becomes the reader, if nobody is */
void pyr__conn_set_timer(pyr__conn *conn, int64_t at_us);
void pyr__conn_deliver_soon(pyr__conn *conn);
void pyr__conn_post(pyr__conn *conn, pyr__task *task);

/* conn_wait.c: waits until met(arg) or the time; lock held, dropped meanwhile */
void pyr__conn_wait_until(pyr__conn *conn, pyr__waiter **slot, bool (*met)(const void *arg),
	const void *arg, int64_t until_us);
void pyr__conn_pass_on(pyr__conn *conn); /* gives the reading to the next who wants it */

/* conn_out.c, conn_in.c: what an event does */
void pyr__conn_out_event(pyr__conn *conn, const pyr__event *event);
void pyr__conn_in_event(pyr__conn *conn, const pyr__event *event);
void pyr__conn_run_ready(pyr__conn *conn); /* loop thread; drops the lock meanwhile */
void pyr__conn_run_work(pyr__conn *conn);  /* loop thread; drops the lock meanwhile */
int64_t pyr__conn_out_expire(pyr__conn *conn, int64_t now_us); /* the next deadline */
int64_t pyr__conn_in_expire(pyr__conn *conn, int64_t now_us);

/* Wakes the threads that wait for a call. */
static inline void pyr__conn_wake(pyr__waiter *const *waiters)
{
	for (int i = 0; i < PYR__DIRECTIONS; i++)
		if (waiters[i])
			pthread_cond_signal(&waiters[i]->cond);
}

static inline int64_t pyr__min_us(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

#endif
