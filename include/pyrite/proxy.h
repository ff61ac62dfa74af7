/* SPDX-License-Identifier: Apache-2.0 */
/* A proxy: the client's handle on a remote object, and the call it is waiting for. */
#ifndef PYRITE_PROXY_H
#define PYRITE_PROXY_H

#include <pyrite/context.h>
#include <pyrite/metadata.h>
#include <pyrite/status.h>

PYR_BEGIN_DECLS

/* One service of a .proto file; made by the generator only. */
typedef struct pyr_interface pyr_interface;

/*
 * Generated code wraps it in a type per interface (demo_calculator), so that a clock is no
 * calculator. May be used by any number of threads at once.
 */
typedef struct pyr_proxy pyr_proxy;

/* An asynchronous call that has not been answered yet, or its answer inside the callback. */
typedef struct pyr_pending pyr_pending;

#define PYR_TIMEOUT_DEFAULT_MS 30000u
#define PYR_TIMEOUT_NONE       UINT32_MAX

/*
 * Which of the replicas that a name or a tag stands for a call goes to. With other than NONE they
 * are watched while they are used: asked for their health (grpc.health.v1) about twice a second,
 * on the context's loop. One that does not answer, serves not, or whose connection breaks is passed
 * over within a second, and used again once it answers; calls of idempotent methods that it has not
 * answered run elsewhere. A name's replicas are learned anew once a second while one is missing.
 */
typedef enum pyr_balance {
	/* The proxy stays with one, chosen in turn, until its connection fails; nobody is asked. */
	PYR_BALANCE_NONE,
	PYR_BALANCE_PICK_FIRST,    /* the first that is good, and that one as long as it is */
	PYR_BALANCE_ROUND_ROBIN,   /* each call to the next one */
	PYR_BALANCE_LEAST_RUNNING, /* where the fewest calls of this proxy run; else in turn */
} pyr_balance;

typedef struct pyr_proxy_options {
	size_t size; /* sizeof(pyr_proxy_options) */
	/*
	 * Longest time a unary call may take, in ms; 0: for a unary call what PYRITE_TIMEOUT says,
	 * else 30 s, and no limit for a stream; PYR_TIMEOUT_NONE: no limit. A call made inside a
	 * servant's function never gets longer than that servant's own call has left.
	 */
	uint32_t timeout_ms;
	/*
	 * How often a call is tried again in all, with a pause of 10 ms that doubles up to 1 s.
	 * Only calls that surely did not run, or whose method is declared idempotent, are. 0: the
	 * default, 2; UINT32_MAX: never.
	 */
	uint32_t retries_max;
	const pyr_metadata *metadata; /* sent with each call; copied; may be NULL */
	/*
	 * Filled with the metadata of each call's answer, for one thread's synchronous calls;
	 * borrowed for as long as the proxy lives; may be NULL. Asynchronous calls:
	 * pyr_pending_metadata().
	 */
	pyr_metadata *reply_metadata;
	/*
	 * Calls wait, within their deadline, for a server that is not there yet, or a name that is
	 * not registered yet, instead of failing at once with UNAVAILABLE or NOT_FOUND; it is
	 * looked for at least once a second. A stream or a oneway call, which is made only once,
	 * first makes sure that the server answers: one round trip more; on a loop's thread, where
	 * that would block, it does not wait.
	 */
	bool wait_for_ready;
	/*
	 * The correlation id that servants see, and hand on: pyr_call_correlation(). 1 to 64 bytes
	 * of printable ASCII without spaces, copied; NULL: inside a servant's function that of its
	 * call, else the first servant makes one.
	 */
	const char *correlation;
	pyr_balance balance; /* of names and tags; references to one place do not mind */
	/*
	 * A stream of a method with one request goes on when its connection is lost: it is carried
	 * on over another one to the same daemon, with no item lost and none twice, and `next` and
	 * `observe` hear nothing of it. So long, in ms, that is tried, with pauses as above, before
	 * it fails with UNAVAILABLE; 0: not at all, it fails at once. The daemon goes on for
	 * `stream_linger_ms` of its options, 30 s, which counts from when it hears of the loss,
	 * while a reader does so when it has taken what has come. Where the daemon has been
	 * restarted meanwhile, the stream fails. To cancel one between two connections takes effect
	 * here at once, and there when it has lingered. Over pyr: and pyrs: only.
	 */
	uint32_t resume_ms;
} pyr_proxy_options;

#define PYR_PROXY_OPTIONS_INIT                                                                     \
	{                                                                                          \
		sizeof(pyr_proxy_options), 0, 0, NULL, NULL, false, NULL, PYR_BALANCE_NONE, 0      \
	}

/*
 * A proxy for the same object and connection with other options; the original stays as it is.
 * *ret_proxy is the caller's.
 */
PYR_API PYR_MUST_USE pyr_status pyr_proxy_derive(
	pyr_proxy *proxy, const pyr_proxy_options *options, pyr_proxy **ret_proxy, pyr_error *err);

/* One more reference; returns proxy. */
PYR_API pyr_proxy *pyr_proxy_ref(pyr_proxy *proxy);

/*
 * Gives one reference back. Running calls finish and oneway calls that were accepted are sent. NULL
 * is ignored.
 */
PYR_API void pyr_proxy_unref(pyr_proxy *proxy);

/* The reference it was opened with, borrowed. */
PYR_API const char *pyr_proxy_reference(const pyr_proxy *proxy);

/*
 * Connects now instead of at the first call, and makes sure that the other side answers; it does
 * not look whether the object exists. Waits at most the proxy's time-out.
 */
PYR_API PYR_MUST_USE pyr_status pyr_proxy_connect(pyr_proxy *proxy, pyr_error *err);

/*
 * Pending calls. `unref` gives the handle back and neither cancels the call nor stops its callback.
 * `cancel` asks for an early end: the callback still runs once, never inside cancel, usually with
 * CANCELLED. After `abandon` returns the callback is not running and never will (inside the
 * callback itself abandon does nothing); the handle must still be given back. All from any thread.
 */
PYR_API void pyr_pending_unref(pyr_pending *pending);
PYR_API void pyr_pending_cancel(pyr_pending *pending);
PYR_API void pyr_pending_abandon(pyr_pending *pending);

/* The answer's metadata; only inside the callback, borrowed from the handle; may be NULL. */
PYR_API const pyr_metadata *pyr_pending_metadata(const pyr_pending *pending);

PYR_END_DECLS

#endif
