/* SPDX-License-Identifier: Apache-2.0 */
/* The servant's side of one call: its answer, and all that is known about the caller. */
#ifndef PYRITE_CALL_H
#define PYRITE_CALL_H

#include <pyrite/metadata.h>
#include <pyrite/status.h>

PYR_BEGIN_DECLS

/*
 * The runtime's reference lasts for the servant's function. To answer later take pyr_call_ref() and
 * give it back after the answer. The request lives as long as the call. The last unref without an
 * answer sends INTERNAL. Every function may be used from any thread.
 */
typedef struct pyr_call pyr_call;

PYR_API pyr_call *pyr_call_ref(pyr_call *call); /* returns call */
PYR_API void pyr_call_unref(pyr_call *call);    /* NULL is ignored */

/* Ends a stream with OK. Answering twice is FAILED_PRECONDITION. */
PYR_API pyr_status pyr_call_end(pyr_call *call);

/* Ends the call with an error; status must not be PYR_OK. The message is for people. */
PYR_API pyr_status pyr_call_fail(pyr_call *call, pyr_status status, const char *format, ...)
	PYR_PRINTF(3, 4) PYR_COLD;

/*
 * The same, with all that err holds. details, copied, is a serialized google.rpc.Status of any size
 * below the metadata limit; NULL: err's own.
 */
PYR_API pyr_status pyr_call_fail_error(
	pyr_call *call, const pyr_error *err, const void *details, size_t details_size);

/*
 * Adds to the metadata that travels with the final status; pyrite/metadata.h says what keys and
 * values may be. FAILED_PRECONDITION after the answer.
 */
PYR_API PYR_MUST_USE pyr_status pyr_call_add_metadata(
	pyr_call *call, const char *key, const char *value, pyr_error *err);
PYR_API PYR_MUST_USE pyr_status pyr_call_add_metadata_bytes(
	pyr_call *call, const char *key, const void *value, size_t size, pyr_error *err);

/* The caller's metadata, borrowed from the call; never NULL. */
PYR_API const pyr_metadata *pyr_call_metadata(pyr_call *call);

/* True once the caller has cancelled, the deadline has passed or the connection is gone. */
PYR_API bool pyr_call_cancelled(const pyr_call *call);

/*
 * Runs on_cancel once when the call is cancelled before it is answered; at once, before returning,
 * if it already is. One callback a call. It must not block. It runs on the daemon's loop (with
 * several and no workers, where the call's servant runs; see `loops` in pyr_daemon_options), and
 * not after an answer that was given there.
 */
PYR_API void pyr_call_on_cancel(pyr_call *call, void (*on_cancel)(void *ctx), void *ctx);

/*
 * Runs on_writable once, on the same loop, when a send that failed with would_block can be
 * tried again, or when the call is cancelled; not once the call is answered, be it by on_cancel.
 */
PYR_API PYR_MUST_USE pyr_status pyr_call_on_writable(
	pyr_call *call, void (*on_writable)(void *ctx), void *ctx, pyr_error *err);

/* Microseconds left until the caller's deadline; 0 once it has passed; INT64_MAX without one. */
PYR_API int64_t pyr_call_time_left_us(const pyr_call *call);

/* What the call is for, borrowed from it. Peer: "127.0.0.1:4711", "unix:", "local". */
PYR_API const char *pyr_call_object(const pyr_call *call);
PYR_API const char *pyr_call_method(const pyr_call *call); /* "demo.Calculator/Add" */
PYR_API const char *pyr_call_peer(const pyr_call *call);

#define PYR_PRINCIPAL_MAX 256 /* bytes of a principal's name, with the NUL */

/*
 * Who the caller has proved to be, borrowed from the call; "" if it has proved nothing. The first
 * there is of:
 *   - what the daemon's `authenticate` made of the token that the caller has shown;
 *   - over TLS what its certificate names: a URI, a DNS name, a mail address (RFC 5280,
 *     subjectAltName), or the common name; none that begins with "uid:";
 *   - on a Unix socket "uid:1000", for which the kernel vouches, and in the same process its own
 * user.
 */
PYR_API const char *pyr_call_principal(const pyr_call *call);

/*
 * The same number for all calls that came on one connection, another for every other connection,
 * for as long as the process lives; never 0. For what is counted or kept per client.
 */
PYR_API uint64_t pyr_call_connection(const pyr_call *call);

/*
 * Has close(resource) called, once, when the caller's connection has ended, be it by a crash, and
 * no call of it is left; on whatever thread that is. What was tracked last is closed first. close
 * must not block. CANCELLED if the connection has ended already, ALREADY_EXISTS if the resource is
 * tracked, RESOURCE_EXHAUSTED past 4,096 for a connection, FAILED_PRECONDITION over grpcs:, where
 * nobody tells when a connection ends.
 */
PYR_API PYR_MUST_USE pyr_status pyr_call_track(
	pyr_call *call, void *resource, void (*close)(void *resource), pyr_error *err);

/* The resource is closed by the caller of this, who is told false if it is not tracked. */
PYR_API bool pyr_call_untrack(pyr_call *call, void *resource);

#define PYR_CORRELATION_MAX 65 /* bytes of a correlation id, with the NUL */

/*
 * The id that this call has in common with the calls it is made for, and those that are made for
 * it: what its caller was given (see pyr_proxy_options) or has itself been called with, else one of
 * 32 random hexadecimal digits that is made here. Calls made inside the servant's function hand it
 * on, on every transport. 1 to 64 bytes of printable ASCII without spaces, borrowed from the call.
 * It comes from the caller, so it proves nothing.
 */
PYR_API const char *pyr_call_correlation(pyr_call *call);

PYR_END_DECLS

#endif
