/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the local transport, for the files of this folder only. */
#ifndef PYR_LOCAL_PRIVATE_H
#define PYR_LOCAL_PRIVATE_H

#include <pthread.h>
#include "base/condition.h"
#include "local/host.h"

#define PYR__LOCAL_WINDOW    (256 << 10) /* bytes that one side may be ahead on a stream */
#define PYR__LOCAL_COST_MIN  64
#define PYR__LOCAL_PACK_ROOM 1024 /* longer messages are packed into a block of their own */

struct pyr__local_host {
	atomic_uint refs;
	pyr__local_host_options options;
	char principal[32]; /* "uid:1000", of this process: who every caller is */
	pyr__mutex lock;    /* guards what follows, and every call of the host */
	pyr__condition
		quiet; /* a `ready` has returned, or a servant that ran on a caller's thread */
	atomic_bool draining;
	bool closed;
	bool detached;
	unsigned visitors; /* callers' threads that are in the owner's code */
	uint32_t call_count;
	pyr__link calls;
	pyr__incall *work_first, **work_last;
	int64_t timer_us; /* when the earliest deadline is; PYR__DEADLINE_NONE */
	pyr__task work_task;

	/* the loop thread's */
	struct event timer;
	int64_t timer_added_us;
};

/* One call: the carrier of an outcall and an incall. Guarded by the host's lock. */
typedef struct pyr__local_call {
	atomic_uint refs; /* one for each half, and for a posted ready_task */
	pyr__link link;
	pyr__local_host *host;
	bool keeps_host;             /* a reference; else the channel has one as long as it runs */
	const pyr__channel *channel; /* to know whose it is */
	pyr__loop *loop;             /* the caller's; only while `out` is there */
	size_t reply_max;
	uint64_t number;
	pyr__outcall *out; /* NULL: oneway, or done */
	pyr__incall *in;   /* NULL: done */
	bool running;      /* out->ready is being called */
	pyr__task ready_task;
	int64_t request_window, reply_window;     /* bytes that may still be sent */
	bool request_blocked, reply_blocked;      /* a send was refused */
	const ProtobufCMessageDescriptor *output; /* of `out`; NULL: the reply is wanted packed */
	size_t decoded_bytes_max;

	/* 0: it does not run here. What follows is this thread's alone, and needs no lock. */
	_Atomic(pthread_t) runner;
	bool *settled; /* set once both halves are done */
	bool answered; /* with what follows, which nobody else has seen yet */
	pyr__outcome answer;
} pyr__local_call;

/* True on the thread of the caller, which waits, while the servant's function runs there. */
static inline bool pyr__local_runs_here(const pyr__local_call *call)
{
	return pthread_equal(
		atomic_load_explicit(&call->runner, memory_order_relaxed), pthread_self());
}

/* A message on its way; packed outside of any lock. */
typedef struct pyr__local_parcel {
	pyr__payload payload;
	uint8_t room[PYR__LOCAL_PACK_ROOM];
} pyr__local_parcel;

/* RESOURCE_EXHAUSTED when there is no memory. body NULL is an empty message. */
pyr_status pyr__local_pack(const pyr__body *body, pyr__local_parcel *ret_parcel, pyr_error *err);
void pyr__local_unpack(pyr__local_parcel *parcel); /* frees it */

static inline uint32_t pyr__local_cost(const pyr__local_parcel *parcel)
{
	size_t size = parcel->payload.size;
	return size < PYR__LOCAL_COST_MIN ? PYR__LOCAL_COST_MIN : (uint32_t)size;
}

/* call.c; lock held */
pyr__local_call *pyr__local_call_new(pyr__local_host *host, pyr__incall *in);
void pyr__local_call_unref(pyr__local_call *call);
/* Both halves are done, and nobody else knows of the call; no lock held. */
void pyr__local_call_settle(pyr__local_call *call, pyr__outcall *out);
void pyr__local_call_complete(pyr__local_call *call, const pyr__final *final);
void pyr__local_call_keep_host(pyr__local_call *call);
void pyr__local_call_publish(pyr__local_call *call); /* its runner's answer */
void pyr__local_call_end(pyr__local_call *call, pyr_status status, const char *message);
void pyr__local_call_notify(pyr__local_call *call);
void pyr__local_call_wait(pyr__local_call *call, pyr__waiter **slot, bool (*met)(const void *arg),
	const void *arg, int64_t until_us);

/* host.c; lock held */
void pyr__local_host_add_work(pyr__local_host *host, pyr__incall *in, unsigned work);
void pyr__local_host_set_timer(pyr__local_host *host, int64_t at_us);

/* out.c, in.c, settled.c */
extern const pyr__outcall_ops pyr__local_outcall_ops;
extern const pyr__outcall_ops pyr__local_settled_ops; /* of one that has no carrier any more */
extern const pyr__incall_ops pyr__local_incall_ops;

/* A thread that waits for one. */
typedef struct pyr__local_waiter {
	pyr__waiter waiter;
	pyr__condition woken;
} pyr__local_waiter;

static inline void pyr__local_wake(pyr__waiter *const *waiters)
{
	for (int i = 0; i < PYR__DIRECTIONS; i++)
		if (waiters[i])
			pyr__condition_tell(
				&PYR__OWNER(waiters[i], pyr__local_waiter, waiter)->woken);
}

#endif
