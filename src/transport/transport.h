/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a transport is, seen from above: channels that carry our calls out, and a host that takes
 * calls in. One table each, spoken to through the inline functions at the end.
 *
 *   client half                                                    server half
 *   pyr__outcall  --start, send, end, cancel-->  carrier  --open, work-->  pyr__incall
 *                 <--inbox, ready, wait--                 <--send, finish--
 *
 * A carrier is what a call travels on: a connection, or for the local transport the call itself. It
 * has one lock; an outcall's and an incall's inbox are guarded by it. No function here is called
 * with that lock held, except pyr__host_ops.open.
 */
#ifndef PYR_TRANSPORT_TRANSPORT_H
#define PYR_TRANSPORT_TRANSPORT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <pyrite/reference.h>
#include <pyrite/status.h>
#include "base/list.h"
#include "base/loop.h"
#include "base/owner.h"
#include "base/refs.h"
#include "transport/inbox.h"
#include "transport/body.h"
#include "transport/parts.h"

#define PYR__DEADLINE_NONE INT64_MAX

#define PYR__MESSAGE_COST_MIN 64u /* of flow control, where a message costs its size */

typedef struct pyr__outcall pyr__outcall;
typedef struct pyr__incall pyr__incall;
typedef struct pyr__channel pyr__channel;

/* A thread that waits for a call, among those that wait for its carrier. */
typedef struct pyr__waiter {
	pyr__link link;
} pyr__waiter;

/* A stream has one reading and one writing thread at a time. */
typedef enum pyr__direction {
	PYR__READ,
	PYR__WRITE,
	PYR__DIRECTIONS,
} pyr__direction;

/* What became of a call, copied out of the carrier; texts are freed with pyr__outcome_done(). */
typedef struct pyr__outcome {
	pyr_status status;
	pyr_executed executed;
	pyr__final *final; /* NULL when there is nothing but the status */
	bool lost;         /* it is the connection that is over, which the callee has not said */
} pyr__outcome;

typedef struct pyr__outcall_ops {
	/*
	 * Blocks until the call is over, or has a message or room to send (what to wait for), or
	 * the absolute time (in us, CLOCK_MONOTONIC) has come. Spurious returns happen.
	 */
	void (*wait)(pyr__outcall *call, pyr__direction what, int64_t until_us);
	/* The oldest message, or NULL; free it with `release`. */
	pyr__message *(*take)(pyr__outcall *call);
	/* Gives a message, and its flow-control credit, back. */
	void (*release)(pyr__outcall *call, pyr__message *message);
	/* True once nothing more will come; a unary call's fields are the client half's from then
	 * on. */
	bool (*is_over)(pyr__outcall *call);
	/* True once it is over and its inbox is empty; the outcome then is the client half's. */
	bool (*over)(pyr__outcall *call, pyr__outcome *ret_outcome);
	/* RESOURCE_EXHAUSTED with would_block: `writable` becomes true, and ready is called, later.
	 */
	pyr_status (*send)(pyr__outcall *call, const pyr__body *body, bool end, pyr_error *err);
	pyr_status (*end)(pyr__outcall *call, pyr_error *err);
	/*
	 * Ends the call from our side: it is over with this status, as if the peer had said so,
	 * unless it was over already; the peer is told.
	 */
	void (*cancel)(pyr__outcall *call, pyr_status status, const char *message);
	/* Sets or clears `ready`; once cleared and this returned, it is not running on another
	 * thread. */
	void (*observe)(pyr__outcall *call, void (*ready)(pyr__outcall *call));
	/* The client half is through with it: nothing touches the outcall afterwards. */
	void (*done)(pyr__outcall *call);
} pyr__outcall_ops;

/* One call that we make. The client half embeds it, and starts it at most once. */
struct pyr__outcall {
	/*
	 * Called on the carrier's loop, no lock held, when there is something new: a message, the
	 * end, or room to send. NULL: the call is waited for. Set before start, or by `observe`.
	 */
	void (*ready)(pyr__outcall *call);
	int64_t deadline_us; /* absolute; when it passes the call is over with DEADLINE_EXCEEDED */
	bool unary;          /* ready is for the end only */
	/*
	 * What the reply is decoded to, which takes at most so many bytes, for a carrier that can
	 * give the reply itself; NULL: it is to give the bytes.
	 */
	const ProtobufCMessageDescriptor *output;
	size_t decoded_bytes_max;

	/* The carrier's from here on. */
	const pyr__outcall_ops *ops;
	void *carrier;
	uint32_t stream;
	pyr__link link;           /* among the carrier's calls */
	pyr__outcall *next_ready; /* waiting for ready to be called */
	bool is_ready;
	struct pyr__waiter *waiters[PYR__DIRECTIONS]; /* the threads in wait */
	bool writable; /* a send that would have blocked may be tried again */
	bool greeted;  /* see pyr__incall_ops.greet; set before the first message, or the end */
	bool over;
	bool seen_over; /* a unary one, by the thread that waits */
	pyr__outcome outcome;
	ProtobufCMessage *reply; /* instead of a message; freed with the call unless it is taken */
	pyr__inbox inbox;
};

typedef struct pyr__incall_ops {
	pyr_status (*send)(pyr__incall *call, const pyr__body *body, pyr_error *err);
	pyr_status (*finish)(
		pyr__incall *call, const pyr__final *final, const pyr__body *body, pyr_error *err);
	pyr__message *(*take)(pyr__incall *call);
	void (*release)(pyr__incall *call, pyr__message *message);
	/* As for an outcall; the end of the messages and a cancel are waited for too. */
	void (*wait)(pyr__incall *call, pyr__direction what, int64_t until_us);
	/* True once the caller will send no more messages and all have been taken. */
	bool (*at_end)(pyr__incall *call);
	/* Puts it on the work list if a message, the end or room to send is there already. */
	void (*poke)(pyr__incall *call);
	/* The server half is through with it. If it was not finished, it now is, with INTERNAL. */
	void (*done)(pyr__incall *call);
	/* "127.0.0.1:4711"; lives as long as the call. */
	const char *(*peer)(pyr__incall *call);
	/* Who the peer has proved to be, "" if nobody; lives as long as the call. */
	const char *(*principal)(pyr__incall *call);
	/*
	 * What the peer has shown to prove who it is, "Bearer ...", as long as set_principal has
	 * not been told who that is; else "". Lives as long as the call.
	 */
	const char *(*authorization)(pyr__incall *call);
	/* Of at most PYR_PRINCIPAL_MAX bytes. The first time counts. */
	void (*set_principal)(pyr__incall *call, const char *name);
	/* A number that no other connection of this process has, or had. */
	uint64_t (*connection)(pyr__incall *call);
	/*
	 * How the caller has reached us, and at which address of ours; *ret_size is 0 if that is
	 * not known, and for PEER, on a connection that we have made.
	 */
	pyr_scheme (*reached)(
		pyr__incall *call, struct sockaddr_storage *ret_address, socklen_t *ret_size);
	/*
	 * A way back to the caller over its own connection, with one reference; NULL where there is
	 * none. It lasts as long as the connection. release(arg) runs once when it is freed.
	 */
	pyr__channel *(*back)(pyr__incall *call, void (*release)(void *arg), void *arg);
	/*
	 * The next two are NULL where a call cannot survive its connection. Tells the caller,
	 * before any message, that its call is taken; it may be too late for that, which is no
	 * failure.
	 */
	void (*greet)(pyr__incall *call);
	/*
	 * What the messages have cost that the caller has used up, and said so: each its size, and
	 * PYR__MESSAGE_COST_MIN at least. It never says more than is true, but may say it later.
	 */
	uint64_t (*consumed)(pyr__incall *call);
} pyr__incall_ops;

/* Why the server half is given a call to work on. */
typedef enum pyr__incall_work {
	PYR__WORK_RUN = 1,      /* it is new */
	PYR__WORK_CANCEL = 2,   /* cancelled is set now */
	PYR__WORK_READY = 4,    /* a message or the end of the messages has come */
	PYR__WORK_WRITABLE = 8, /* a send that would have blocked may be tried again */
} pyr__incall_work;

/* One call that is made to us. The server half embeds it, and makes it in `open`. */
struct pyr__incall {
	const pyr__incall_ops *ops;
	void *carrier;
	uint32_t stream;
	int64_t deadline_us;
	pyr__link link;
	pyr__incall *next_work;
	unsigned work; /* pyr__incall_work, while on the work list */
	struct pyr__waiter *waiters[PYR__DIRECTIONS];
	bool single;  /* the host's: the method takes one message, so that no end need be waited for
		       */
	bool silent;  /* the host's: the method has no answer; left unanswered it has not failed */
	bool settles; /* the carrier's: it calls pyr__host_ops.settle */
	bool whole;   /* the opening event carried everything: nobody else looks at the inbox */
	bool detached; /* the carrier's: it has been answered, and nobody there looks at it now */
	bool finished; /* guarded by the carrier's lock, as what follows */
	bool ended;    /* the caller sends no more messages */
	bool writable;
	bool lost; /* cancelled because the connection is over; set before that */
	atomic_bool cancelled;
	/*
	 * The request itself, of a caller that waits on this very thread: to be cloned, as long as
	 * `run_here` has not returned, and set to NULL, or else taken as a message.
	 */
	const ProtobufCMessage *lent;
	pyr__inbox inbox;
};

/* Who takes incoming calls: the daemon. */
typedef struct pyr__host_ops {
	/*
	 * Makes the call that head opens, with one reference for the carrier and one for its work
	 * list. Called under the carrier's lock: it must not call the carrier, and must be
	 * quick. NULL: the caller has no right to the object, which a daemon that hosts calls of
	 * connections that others have made to it never says.
	 */
	pyr__incall *(*open)(void *host, const pyr__head *head, int64_t now_us);
	/*
	 * Works on it: on the carrier's loop, or where the host's calls are cancelled, no lock
	 * held; gives the work list's reference back.
	 */
	void (*work)(void *host, pyr__incall *call, unsigned work);
	/* One more reference, for more work; false if the last is being given back just now. */
	bool (*ref)(pyr__incall *call);
	/*
	 * What was answered in this turn of the carrier's loop is about to be sent, if no other
	 * thread has sent it with something of its own. On the loop's thread; the carrier's lock
	 * may be held. NULL: there is nothing to do.
	 */
	void (*settle)(void *host);
	/*
	 * For a carrier without a wire: whether a new call may run on the thread that makes it, and
	 * to run it there, which gives the work list's reference back. No lock held.
	 */
	bool (*may_run_here)(void *host, pyr__incall *call);
	void (*run_here)(void *host, pyr__incall *call);
	/*
	 * A connection has begun, or ended, of those that the host has not accepted itself. Calls
	 * of one that has ended may come still. Any thread; the first is quick and takes part in no
	 * other lock, the second may close what is the user's, and no lock is held.
	 */
	void (*connected)(void *host, uint64_t connection);
	void (*disconnected)(void *host, uint64_t connection);
	/* A connection or channel keeps the host, or is freed. NULL: it outlives them all. */
	void (*keep)(void *host);
	void (*drop)(void *host);
} pyr__host_ops;

#define PYR__PEER_ID_SIZE 16 /* bytes of a daemon's incarnation */

typedef struct pyr__channel_ops {
	/*
	 * Starts the call: it is packed and queued, or has failed with an error that says whether
	 * it was executed (always NO here). Never blocks on the network.
	 */
	pyr_status (*start)(pyr__channel *channel, pyr__outcall *call, const pyr__head *head,
		const pyr__body *body, bool end, pyr_error *err);
	/* Makes sure there is a connection and that the peer answers. Blocks. */
	pyr_status (*connect)(pyr__channel *channel, int64_t deadline_us, pyr_error *err);
	/* Ends everything with CANCELLED; later starts fail. */
	void (*shut)(pyr__channel *channel);
	void (*free)(pyr__channel *channel);
	/* Who is at the other end, by its handshake; false: not known. NULL: never. */
	bool (*peer_id)(pyr__channel *channel, uint8_t ret_id[PYR__PEER_ID_SIZE]);
	/*
	 * From now on calls that the peer makes on the channel's connections come to this host; it
	 * can be said once. False: another host is there. NULL: there is no way.
	 */
	bool (*set_host)(pyr__channel *channel, const pyr__host_ops *ops, void *host);
	/* Cancels the calls that run on that host, which has been told on return. With set_host. */
	void (*cancel_hosted)(pyr__channel *channel);
} pyr__channel_ops;

/* A way to one endpoint, shared by all proxies that lead there. */
struct pyr__channel {
	const pyr__channel_ops *ops;
	atomic_uint refs; /* given back through pyr__context_release() */
	pyr__link link;   /* among its context's channels */
	pyr_scheme scheme;
	uint64_t connection; /* the only one that it has, or to one daemon; 0: it makes its own */
	pyr__loop *loop;     /* where the `ready` of its calls is called */
	atomic_bool retired; /* good for what runs on it, but not for new calls */
	char name[320];      /* "127.0.0.1:4711", for errors and for finding it again */
};

static inline pyr_status pyr__channel_start(pyr__channel *channel, pyr__outcall *call,
	const pyr__head *head, const pyr__body *body, bool end, pyr_error *err)
{
	return channel->ops->start(channel, call, head, body, end, err);
}

static inline pyr_status pyr__channel_connect(
	pyr__channel *channel, int64_t deadline_us, pyr_error *err)
{
	return channel->ops->connect(channel, deadline_us, err);
}

static inline void pyr__channel_shut(pyr__channel *channel)
{
	channel->ops->shut(channel);
}

static inline bool pyr__channel_peer_id(pyr__channel *channel, uint8_t ret_id[PYR__PEER_ID_SIZE])
{
	return channel->ops->peer_id && channel->ops->peer_id(channel, ret_id);
}

static inline bool pyr__channel_can_host(const pyr__channel *channel)
{
	return channel->ops->set_host != NULL;
}

static inline bool pyr__channel_set_host(
	pyr__channel *channel, const pyr__host_ops *ops, void *host)
{
	return channel->ops->set_host(channel, ops, host);
}

static inline void pyr__channel_cancel_hosted(pyr__channel *channel)
{
	channel->ops->cancel_hosted(channel);
}

static inline pyr__channel *pyr__channel_ref(pyr__channel *channel)
{
	pyr__refs_take(&channel->refs);
	return channel;
}

/* Makes an outcall ready to be started. */
void pyr__outcall_init(pyr__outcall *call, int64_t deadline_us);

/* Ends a call that was never started, so that `over` says so. */
void pyr__outcome_done(pyr__outcome *outcome);

void pyr__incall_init(pyr__incall *call);

/* The number of a new connection; each is given once. Any thread. */
uint64_t pyr__next_connection(void);

/* In the number of a connection whose end nobody tells. */
#define PYR__CONNECTION_UNSEEN (1ull << 63)

static inline void pyr__outcall_wait(pyr__outcall *call, pyr__direction what, int64_t until_us)
{
	call->ops->wait(call, what, until_us);
}

static inline pyr__message *pyr__outcall_take(pyr__outcall *call)
{
	return call->ops->take(call);
}

static inline void pyr__outcall_release(pyr__outcall *call, pyr__message *message)
{
	call->ops->release(call, message);
}

static inline bool pyr__outcall_is_over(pyr__outcall *call)
{
	return call->ops->is_over(call);
}

static inline bool pyr__outcall_over(pyr__outcall *call, pyr__outcome *ret_outcome)
{
	return call->ops->over(call, ret_outcome);
}

static inline pyr_status pyr__outcall_send(
	pyr__outcall *call, const pyr__body *body, bool end, pyr_error *err)
{
	return call->ops->send(call, body, end, err);
}

static inline pyr_status pyr__outcall_end(pyr__outcall *call, pyr_error *err)
{
	return call->ops->end(call, err);
}

static inline void pyr__outcall_cancel(pyr__outcall *call, pyr_status status, const char *message)
{
	call->ops->cancel(call, status, message);
}

static inline void pyr__outcall_observe(pyr__outcall *call, void (*ready)(pyr__outcall *call))
{
	call->ops->observe(call, ready);
}

static inline void pyr__outcall_done(pyr__outcall *call)
{
	call->ops->done(call);
}

static inline pyr_status pyr__incall_send(pyr__incall *call, const pyr__body *body, pyr_error *err)
{
	return call->ops->send(call, body, err);
}

static inline pyr_status pyr__incall_finish(
	pyr__incall *call, const pyr__final *final, const pyr__body *body, pyr_error *err)
{
	return call->ops->finish(call, final, body, err);
}

static inline pyr__message *pyr__incall_take(pyr__incall *call)
{
	return call->ops->take(call);
}

static inline void pyr__incall_release(pyr__incall *call, pyr__message *message)
{
	call->ops->release(call, message);
}

static inline void pyr__incall_wait(pyr__incall *call, pyr__direction what, int64_t until_us)
{
	call->ops->wait(call, what, until_us);
}

static inline bool pyr__incall_at_end(pyr__incall *call)
{
	return call->ops->at_end(call);
}

static inline void pyr__incall_poke(pyr__incall *call)
{
	call->ops->poke(call);
}

static inline void pyr__incall_done(pyr__incall *call)
{
	call->ops->done(call);
}

static inline const char *pyr__incall_peer(pyr__incall *call)
{
	return call->ops->peer(call);
}

static inline const char *pyr__incall_principal(pyr__incall *call)
{
	return call->ops->principal(call);
}

static inline void pyr__incall_set_principal(pyr__incall *call, const char *name)
{
	call->ops->set_principal(call, name);
}

static inline const char *pyr__incall_authorization(pyr__incall *call)
{
	return call->ops->authorization(call);
}

static inline uint64_t pyr__incall_connection(pyr__incall *call)
{
	return call->ops->connection(call);
}

static inline pyr_scheme pyr__incall_reached(
	pyr__incall *call, struct sockaddr_storage *ret_address, socklen_t *ret_size)
{
	return call->ops->reached(call, ret_address, ret_size);
}

static inline pyr__channel *pyr__incall_back(
	pyr__incall *call, void (*release)(void *arg), void *arg)
{
	return call->ops->back(call, release, arg);
}

/* Whether a call may be carried on by another connection than the one it came on. */
static inline bool pyr__incall_survives(const pyr__incall *call)
{
	return call->ops->greet != NULL;
}

static inline void pyr__incall_greet(pyr__incall *call)
{
	call->ops->greet(call);
}

static inline uint64_t pyr__incall_consumed(pyr__incall *call)
{
	return call->ops->consumed(call);
}

#endif
