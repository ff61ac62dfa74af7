/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a connection, for the files conn*.c only. */
#ifndef PYR_NATIVE_CONN_PRIVATE_H
#define PYR_NATIVE_CONN_PRIVATE_H

#include "base/condition.h"
#include "base/latch.h"
#include "native/conn.h"
#include "native/deflate.h"
#include "native/shared.h"
#include "native/spin.h"

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

#define PYR__CONN_LATER_MAX 32 /* threads that are woken by one trip around the lock */

/* A thread that waits in recv looks at its deadline at least so often. */
#define PYR__CONN_PATIENCE_MS 500

/* A connection that goes over to shared memory, or has done so: see conn_share.c. */
typedef struct pyr__conn_share {
	pyr__shared memory;
	int fd;          /* to be passed with the next bytes that are sent; -1 */
	bool in, out;    /* these bytes come, and go, by a ring */
	size_t out_left; /* bytes that are sent before they do; SIZE_MAX: nobody knows yet */
	bool bell_owed;
	bool broken; /* the peer's positions make no sense */
} pyr__conn_share;

/* A connection that looks for what comes before it sleeps: see conn_look.c. */
typedef struct pyr__conn_look {
	pyr__spin spin;
	bool alone;          /* there is one processor for us */
	bool into_ring;      /* not at the socket */
	bool on;             /* on a loop: there was something, so it looks */
	unsigned turns_left; /* of this turn of the loop, so that others have theirs */

	/* the loop thread's */
	struct event event; /* a timer that is due at once: the next turn of the loop */
	bool active;
} pyr__conn_look;

struct pyr__conn {
	atomic_uint refs;
	pyr__link among; /* options.conns */
	pyr__conn_options options;
	bool server; /* accepted, not dialed; options.session need not outlive the making */
	char peer[PYR__PEER_TEXT_MAX];
	uint64_t number; /* no other connection of the process has it, or had */

	atomic_uint starting; /* threads that wait for the lock to start a call */
	pyr__mutex lock;      /* guards what follows, the session included */
	bool left_to_next;    /* one of them sends what others have queued */
	pyr__session *session;
	pyr__tls *tls; /* NULL: cleartext */
	const pyr__tls_library *tls_library;
	char principal[PYR__TLS_NAME_MAX]; /* who the peer has proved to be; empty: nobody */
	bool authenticated; /* principal is what the host made of the peer's authorization */
	int fd;             /* -1 once closed */
	conn_state state;
	reader reader;
	bool sent_oneway;   /* since the peer last answered for all */
	bool filled;        /* the last read was all of a long message: more of it is there */
	bool in_turn;       /* the loop's thread will flush when it is done */
	bool one_processor; /* is all we have; and the peer has none beside it, either: */
	bool peer_is_here;
	uint8_t turns;          /* since that was looked at */
	unsigned held_back;     /* calls and answers that wait to be sent at the end of the turn */
	unsigned held_back_max; /* or when there are so many */
	bool blocked;           /* the socket takes no more for now */
	bool paused;            /* too much waits to be sent: no reading until it has drained */
	bool going_away;        /* the peer takes no new calls */
	bool closed_told;       /* on_closed has been called */
	bool in_loop;           /* events may be registered; holds a reference */
	bool retiring;          /* to be shut once nothing runs on it */
	bool shares;            /* it may still go over to shared memory */
	int passed_fd;          /* a descriptor that the peer has passed, or -1 */
	pyr__conn_share *share; /* NULL: it has not come to that */
	pyr__conn_look *look;   /* NULL: it does not look */
	bool shut;              /* the reader is to end it, with shut_status and shut_reason */
	pyr_status shut_status;
	char *shut_reason;  /* why it is over, or is to be; NULL: not known yet */
	unsigned asyncs;    /* calls whose `ready` is set */
	pyr__link outcalls; /* ours that run */
	pyr__link incalls;  /* the peer's that run */
	pyr__link waiters;  /* threads in wait that do not read */
	bool wakes_later;   /* who reads wakes them when it has dropped the lock: later[] */
	unsigned later_count;
	pyr__latch *later[PYR__CONN_LATER_MAX];
	bool waking; /* who reads wakes them now, and then sends what others have queued */
	pyr__outcall *ready_first, **ready_last;
	pyr__incall *work_first, **work_last;
	unsigned working;            /* threads that hand work to the host just now */
	const pyr__outcall *running; /* whose `ready` is being called now, on the loop */
	pyr__condition changed;      /* running is another, or a thread has stopped reading, or
					working is 0 */
	uint64_t ping_sent, ping_answered;
	size_t queued_counted;   /* our part of *options.queued_total */
	int64_t last_read_us;    /* when recv last returned: what it brought has come then */
	int64_t item_written_us; /* when an item was last written; 0: since then a thread waited */
	bool items_left;         /* items_task has been posted, and has not run */
	int64_t connect_deadline_us; /* or the hello's; PYR__DEADLINE_NONE when it is done */
	int64_t stalled_since_us;    /* 0: not stalled */
	int64_t linger_until_us;
	int64_t timer_us;        /* when the timer must fire at the latest */
	pyr__address *addresses; /* of one that was dialed, to be tried in turn */
	size_t address_count, address_next;

	pyr__task update_task;  /* brings the loop's events in line with the above */
	pyr__task deliver_task; /* runs the ready and work lists */
	pyr__task ready_task; /* runs the ready list, on options.ready_loop where that is another */
	pyr__task flush_task; /* deferred to the end of the loop's turn */
	pyr__task items_task; /* flushes what threads have sent in quick succession */

	/* the loop thread's */
	struct event io_event;
	short io_added; /* what io_event waits for; 0: not added */
	struct event timer_event;
	int64_t timer_added_us; /* PYR__DEADLINE_NONE: not added */
};

/* conn.c; all with the lock held unless they say otherwise */
/*
 * True if new calls can be made. After a pause what has come is read first, so that a call is not
 * lost on a connection that its peer has left meanwhile. May drop the lock.
 */
bool pyr__conn_check(pyr__conn *conn);
void pyr__conn_process(pyr__conn *conn);          /* reader only: all events of the session */
void pyr__conn_process_writable(pyr__conn *conn); /* anybody: who may send again is told */
void pyr__conn_disconnect(pyr__conn *conn, pyr_status status, const char *reason); /* reader only */
void pyr__conn_check_shut(pyr__conn *conn);                                        /* reader only */
void pyr__conn_dialed(pyr__conn *conn); /* reader only: the connect under way has ended */
/* As pyr__conn_shut(): the reader ends it. May drop the lock meanwhile. */
void pyr__conn_request_shut(pyr__conn *conn, pyr_status status, const char *reason);
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

/*
 * Reader only. Room for what is read, in one place or two; returns how many, or 0: the session has
 * ended for want of memory. And what has been read into them, one behind the other.
 */
int pyr__conn_room(pyr__conn *conn, struct iovec room[2]);
void pyr__conn_received(pyr__conn *conn, const struct iovec *room, int count, size_t got);

/* Before answers are sent; on the loop. */
static inline void pyr__conn_settle_answers(pyr__conn *conn)
{
	const pyr__host_ops *host = conn->server ? conn->options.host : NULL;
	if (host && host->settle)
		host->settle(conn->options.host_arg);
}

ssize_t pyr__conn_send(pyr__conn *conn, struct iovec *vectors, int count); /* as sendmsg */
/* recv brought nothing: false if that is because there is nothing yet. */
bool pyr__conn_end_of_input(pyr__conn *conn, int why);

/* conn_pace.c; lock held */
void pyr__conn_pace_init(pyr__conn *conn);
void pyr__conn_pace_begin(pyr__conn *conn); /* a turn begins: how much of it is held back */

/* conn_share.c; lock held */
bool pyr__conn_may_share(const pyr__conn_options *options, bool is_unix);
void pyr__conn_offer_memory(pyr__conn *conn);                         /* if it is time */
void pyr__conn_share_event(pyr__conn *conn, const pyr__event *event); /* reader only */
void pyr__conn_share_end(pyr__conn *conn); /* reader only: gives the memory back */
ssize_t pyr__conn_share_send(pyr__conn *conn, struct iovec *vectors, int count); /* as sendmsg */
/* As pyr__conn_fill(), by the ring: waits until then; 0: not at all. */
bool pyr__conn_share_fill(pyr__conn *conn, int64_t until_us);
/* Loop thread, reader only. Takes bells off the socket; true: the peer has closed it. */
bool pyr__conn_share_heard_end(pyr__conn *conn);
/* Loop thread: true if the peer will ring; false: look again. */
bool pyr__conn_share_sleeps(pyr__conn *conn);

static inline bool pyr__conn_reads_ring(const pyr__conn *conn)
{
	return conn->share && conn->share->in;
}

static inline bool pyr__conn_writes_ring(const pyr__conn *conn)
{
	return conn->share && conn->share->out;
}

/* conn_look.c; lock held; reader only, but for the first two */
void pyr__conn_look_init(pyr__conn *conn);      /* at the socket, if that is wanted */
void pyr__conn_look_into_ring(pyr__conn *conn); /* which is there by now */
bool pyr__conn_look_until(pyr__conn *conn);     /* lock not held; true: there is something */
/* Of the loop's thread: there was something; a turn begins; it goes on, since more has come; the
 * events are brought in line; it leaves the loop. */
void pyr__conn_look_on(pyr__conn *conn);
void pyr__conn_look_begin(pyr__conn *conn);
bool pyr__conn_look_again(pyr__conn *conn);
void pyr__conn_look_apply(pyr__conn *conn);
void pyr__conn_look_end(pyr__conn *conn);

/* conn_loop.c */
void pyr__conn_begin_turn(pyr__conn *conn); /* takes the lock */
void pyr__conn_end_turn(pyr__conn *conn);
void pyr__conn_loop_init(pyr__conn *conn);
void pyr__conn_update(pyr__conn *conn);  /* sees to the loop's events; lock held, any thread */
void pyr__conn_to_loop(pyr__conn *conn); /* the loop becomes the reader, if nobody is */
void pyr__conn_set_timer(pyr__conn *conn, int64_t at_us);
void pyr__conn_deliver_soon(pyr__conn *conn);
void pyr__conn_ready_soon(pyr__conn *conn); /* deliver_soon, of the ready list */
void pyr__conn_post(pyr__conn *conn, pyr__task *task);

/*
 * conn_wait.c: waits until met(arg) or the time; lock held, dropped meanwhile. False: it was met,
 * and the lock is not held.
 */
bool pyr__conn_wait_until(pyr__conn *conn, pyr__waiter **slot, bool (*met)(const void *arg),
	const void *arg, int64_t until_us);
void pyr__conn_pass_on(pyr__conn *conn); /* gives the reading to the next who wants it */

/*
 * conn_body.c; lock held. Whether a message is to be deflated; and what is to be sent for it, which
 * drops the lock meanwhile, as that takes its time. ret_deflated's memory is to be freed, if any.
 */
bool pyr__conn_deflates(const pyr__conn *conn, const pyr__body *body);
const pyr__body *pyr__conn_deflate(
	pyr__conn *conn, const pyr__body *body, pyr__deflated *ret_deflated);

/* conn_out.c, conn_in.c: what an event does */
void pyr__conn_out_event(pyr__conn *conn, const pyr__event *event);
void pyr__conn_in_event(pyr__conn *conn, const pyr__event *event);
void pyr__conn_run_ready(pyr__conn *conn); /* ready_loop's thread; drops the lock meanwhile */
/* On the loop, or in cancel_hosted anywhere; drops the lock meanwhile. */
void pyr__conn_run_work(pyr__conn *conn);
void pyr__conn_cancel_all(pyr__conn *conn);                    /* the calls that the peer makes */
int64_t pyr__conn_out_expire(pyr__conn *conn, int64_t now_us); /* the next deadline */
int64_t pyr__conn_in_expire(pyr__conn *conn, int64_t now_us);

/* Waits for `changed`; lock held, dropped meanwhile. */
static inline void pyr__conn_await_change(pyr__conn *conn)
{
	pyr__condition_wait(&conn->changed, &conn->lock, INT64_MAX);
}

static inline void pyr__conn_tell_change(pyr__conn *conn)
{
	pyr__condition_tell(&conn->changed);
}

/*
 * A thread that waits and does not read. Who wakes it takes it off the list; and if its call is
 * over then it goes on without the connection's lock, for which it would have to wait once more.
 */
typedef struct pyr__follower {
	pyr__waiter waiter;
	pyr__latch woken;
	bool told; /* the latch is set, or will be as soon as the lock is free; guarded by it */
	bool over;
} pyr__follower;

/* Lock held. over: the follower, and its call, may be gone on return. */
void pyr__conn_wake_follower(pyr__conn *conn, pyr__waiter *waiter, bool over);

/* Wakes the threads that wait for a call. */
static inline void pyr__conn_wake(pyr__conn *conn, pyr__waiter **waiters, bool over)
{
	pyr__waiter *all[PYR__DIRECTIONS];
	for (int i = 0; i < PYR__DIRECTIONS; i++) {
		all[i] = waiters[i];
		if (over)
			waiters[i] = NULL;
	}
	for (int i = 0; i < PYR__DIRECTIONS; i++)
		if (all[i])
			pyr__conn_wake_follower(conn, all[i], over);
}

static inline int64_t pyr__min_us(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

#endif
