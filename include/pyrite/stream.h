/* SPDX-License-Identifier: Apache-2.0 */
/* The client's end of a call that carries a stream of messages in one or both directions. */
#ifndef PYRITE_STREAM_H
#define PYRITE_STREAM_H

#include <pyrite/proxy.h>

PYR_BEGIN_DECLS

/*
 * Generated code has the typed functions: __send, __next and __observe. A stream has at most one
 * reading and one writing thread at a time, which may differ.
 */
typedef struct pyr_stream pyr_stream;

/* Half-closes: no more messages will be sent. FAILED_PRECONDITION when done twice. */
PYR_API PYR_MUST_USE pyr_status pyr_stream_end(pyr_stream *stream, pyr_error *err);

/*
 * Runs on_writable once, on the context's loop, when a send that failed with would_block can be
 * tried again, or when the stream has ended.
 */
PYR_API PYR_MUST_USE pyr_status pyr_stream_on_writable(
	pyr_stream *stream, void (*on_writable)(void *ctx), void *ctx, pyr_error *err);

/* Ends the call early; a waiting next returns CANCELLED. Any thread, idempotent. */
PYR_API void pyr_stream_cancel(pyr_stream *stream);

/*
 * Gives the stream back; cancels it if it has not ended. After close returns, its callbacks are not
 * running (unless close is called inside one) and never will. NULL is ignored.
 */
PYR_API void pyr_stream_close(pyr_stream *stream);

/* The metadata that came with the final status, once next has reported the end; else NULL. */
PYR_API const pyr_metadata *pyr_stream_metadata(const pyr_stream *stream);

PYR_END_DECLS

#endif
