/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One gRPC call of either side: the batches that core works on, messages on their way out, and
 * messages that have come in. Client calls (outcall.c) and server calls (incall.c) build on it.
 *
 *   send --> outgoing, at most WINDOW bytes --> core, one batch at a time --> peer
 *   peer --> core, one message ahead        --> inbox, at most WINDOW bytes --> take, release
 *
 * Core has flow control below that: what it holds of a stream that is not read is bounded by the
 * window of HTTP/2, which the channel's arguments fix.
 *
 * The lock guards everything, an outcall's or incall's inbox included. Batches are started with it
 * held; core never calls back from there.
 */
#ifndef PYR_GRPC_RPC_H
#define PYR_GRPC_RPC_H

#include "grpc/poller.h"

#define PYR__RPC_WINDOW (256u << 10) /* bytes of message cost, in each direction */
#define PYR__RPC_OPS    4            /* that a side may add to a batch */

typedef struct pyr__rpc pyr__rpc;

/* What the two sides do differently. Lock held, but for `free`. */
typedef struct pyr__rpc_side {
	/* Adds to the first batch that receives, that sends, and to the last that sends. */
	size_t (*begin_receiving)(pyr__rpc *rpc, grpc_op *ops);
	size_t (*begin_sending)(pyr__rpc *rpc, grpc_op *ops);
	size_t (*end_sending)(pyr__rpc *rpc, grpc_op *ops);
	void (*received)(pyr__rpc *rpc); /* a message is in the inbox, or `ended` is set */
	void (*writable)(pyr__rpc *rpc); /* a send that was refused may be tried again */
	void (*sent)(pyr__rpc *rpc);     /* `queued` is less, or the last batch is out */
	void (*idle)(pyr__rpc *rpc);     /* core has given the last batch back */
	void (*free)(pyr__rpc *rpc);
} pyr__rpc_side;

/* A message that core has not taken yet. */
typedef struct pyr__outgoing {
	struct pyr__outgoing *next;
	grpc_byte_buffer *buffer;
	uint32_t cost;
	uint32_t flags; /* core's */
} pyr__outgoing;

struct pyr__rpc {
	const pyr__rpc_side *side;
	uint32_t message_max;   /* bytes of a message that came compressed; the side sets it */
	uint32_t compress_from; /* bytes of a message that is compressed; the side sets it */
	atomic_uint refs;
	pthread_mutex_t lock; /* guards what follows */
	grpc_call *call;      /* NULL once core is done with it */
	unsigned pending;     /* batches that core has */
	bool over;            /* no batch may be started any more */
	bool kept;            /* the side gives the call back to core later, by settling */
	pyr__inbox *inbox;    /* NULL: nobody takes messages any more */

	pyr__op receive_op;
	grpc_byte_buffer *incoming;
	bool receive_begun;
	bool receiving;
	bool ended;    /* the peer sends no more messages */
	bool cut;      /* and has not said so itself; of a call that is made to us */
	uint64_t held; /* cost of messages that have not been released */

	pyr__op send_op;
	pyr__outgoing *first, **last;
	uint64_t queued; /* cost of outgoing messages, the one in core included */
	uint32_t sending_cost;
	bool send_begun;
	bool sending;
	bool closing; /* the last batch is wanted once all messages are out */
	bool closed;  /* and has been started */
	bool refused; /* a send would have blocked */

	char *traced_as; /* what lines of the trace begin with; NULL: it is not traced */
};

/* One reference; call, which may be NULL for now, is taken over. */
void pyr__rpc_init(pyr__rpc *rpc, const pyr__rpc_side *side, grpc_call *call);
pyr__rpc *pyr__rpc_ref(pyr__rpc *rpc);
void pyr__rpc_unref(pyr__rpc *rpc);
bool pyr__rpc_try_ref(pyr__rpc *rpc); /* false if the last reference is being given back */

/* Starts a batch, which keeps a reference until pyr__rpc_end_done(). False: core refuses. */
bool pyr__rpc_batch(pyr__rpc *rpc, pyr__op *op, const grpc_op *ops, size_t count);

/* To be called first for each batch that has come back; gives its reference back at unlock. */
void pyr__rpc_begin_done(pyr__rpc *rpc); /* locks */
void pyr__rpc_end_done(pyr__rpc *rpc);   /* unlocks */

/* Gives the call back to core if nothing more will come of it. */
void pyr__rpc_settle(pyr__rpc *rpc);

/* Asks core for the next message if there is room for it. */
void pyr__rpc_receive(pyr__rpc *rpc);

/* Gives room for messages back. */
void pyr__rpc_release(pyr__rpc *rpc, uint64_t cost);

/* Queues a message. RESOURCE_EXHAUSTED with would_block while the window is full. */
pyr_status pyr__rpc_send(pyr__rpc *rpc, const pyr__body *body, pyr_error *err);

/* The same without a limit, and nothing is started yet: pyr__rpc_close() follows. */
void pyr__rpc_queue(pyr__rpc *rpc, const pyr__body *body);

/* Core's flags for a message: only where it compresses at all do they matter. */
static inline uint32_t pyr__rpc_flags(const pyr__rpc *rpc, const pyr__body *body)
{
	return body->size < rpc->compress_from ? GRPC_WRITE_NO_COMPRESS : 0;
}

/* Nothing is sent until it is resumed; the side then has sent the first batch itself. */
void pyr__rpc_hold_back(pyr__rpc *rpc);
void pyr__rpc_resume(pyr__rpc *rpc);

/* Has the last batch sent when all messages are. */
void pyr__rpc_close(pyr__rpc *rpc);

/* Drops what core has not taken, and starts nothing any more. */
void pyr__rpc_abort(pyr__rpc *rpc);

/* Waits until met(arg) or the absolute time; lock held, dropped meanwhile. */
void pyr__rpc_wait(pyr__rpc *rpc, pyr__waiter **slot, bool (*met)(const void *arg), const void *arg,
	int64_t until_us);

/* A thread that waits for one. */
typedef struct pyr__rpc_waiter {
	pyr__waiter waiter;
	pthread_cond_t woken; /* of CLOCK_MONOTONIC */
} pyr__rpc_waiter;

/* Wakes the threads that wait for a call. */
static inline void pyr__rpc_wake(pyr__waiter *const *waiters)
{
	for (int i = 0; i < PYR__DIRECTIONS; i++)
		if (waiters[i])
			pthread_cond_signal(
				&PYR__OWNER(waiters[i], pyr__rpc_waiter, waiter)->woken);
}

#endif
