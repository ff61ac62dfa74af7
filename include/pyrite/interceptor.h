/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interceptors: functions around every call that a context makes, or a daemon answers. For tracing,
 * metrics, credentials in metadata, rules of access.
 *
 * Of several the first that was added is the outermost: its begin comes first, its end last. An
 * interceptor whose begin has not been called, or has failed, gets no end; every other one gets
 * one, exactly once.
 */
#ifndef PYRITE_INTERCEPTOR_H
#define PYRITE_INTERCEPTOR_H

#include <pyrite/call.h>
#include <pyrite/daemon.h>
#include <pyrite/metadata.h>

PYR_BEGIN_DECLS

/* A call that is about to be made, or was. Borrowed, for the time of the function. */
typedef struct pyr_outgoing {
	const char *method;     /* "demo.Calculator/Add" */
	const char *reference;  /* what the proxy was opened with */
	pyr_metadata *metadata; /* what is sent with it; begin may change it */
	int64_t time_left_us;   /* when begin is called; INT64_MAX: no limit */
} pyr_outgoing;

typedef struct pyr_client_interceptor {
	size_t size; /* sizeof(pyr_client_interceptor) */
	/*
	 * Before the call is made, on the thread that makes it. Any failure is what becomes of the
	 * call, which is not made then. *state is handed to end; NULL at first. Must not block
	 * where the call would not. NULL: nothing to do.
	 */
	pyr_status (*begin)(void *ctx, pyr_outgoing *call, void **state, pyr_error *err);
	/*
	 * When the call is over, once for all the times it was tried: before a callback gets its
	 * reply, a stream's reader its end, or at the latest when the stream is closed. On whatever
	 * thread that is. err is NULL if status is PYR_OK. A oneway call is over when it is on its
	 * way. NULL: nothing to do.
	 */
	void (*end)(void *ctx, const pyr_outgoing *call, void *state, pyr_status status,
		const pyr_error *err);
	void *ctx;
} pyr_client_interceptor;

#define PYR_CLIENT_INTERCEPTOR_INIT                                                                \
	{                                                                                          \
		sizeof(pyr_client_interceptor), NULL, NULL, NULL                                   \
	}

/*
 * Adds one around every call of the context's proxies from now on, those that exist as well. What
 * the library asks by itself, names and health, is not seen. Copied; stays as long as the context.
 * context NULL: the default one. FAILED_PRECONDITION after fork, CANCELLED for a context that was
 * freed.
 */
PYR_API PYR_MUST_USE pyr_status pyr_context_intercept(
	pyr_context *context, const pyr_client_interceptor *interceptor, pyr_error *err);

typedef struct pyr_server_interceptor {
	size_t size; /* sizeof(pyr_server_interceptor) */
	/*
	 * After the daemon's authenticate, admit and intercept, on the thread that is to run the
	 * servant. Any failure is the answer to the call, which no servant hears of. *state is
	 * handed to end; NULL at first. NULL: nothing to do.
	 */
	pyr_status (*begin)(void *ctx, pyr_call *call, void **state, pyr_error *err);
	/*
	 * When the call has been answered, with that status, or is over without an answer. On
	 * whatever thread that is. NULL: nothing to do.
	 */
	void (*end)(void *ctx, pyr_call *call, void *state, pyr_status status);
	void *ctx;
} pyr_server_interceptor;

#define PYR_SERVER_INTERCEPTOR_INIT                                                                \
	{                                                                                          \
		sizeof(pyr_server_interceptor), NULL, NULL, NULL                                   \
	}

/*
 * Adds one around every call that comes from now on, those of the daemon's own objects too. Copied;
 * stays as long as the daemon.
 */
PYR_API PYR_MUST_USE pyr_status pyr_daemon_intercept(
	pyr_daemon *daemon, const pyr_server_interceptor *interceptor, pyr_error *err);

PYR_END_DECLS

#endif
