/* Made by protoc-gen-pyrite from streams.proto. Do not edit. */
#ifndef PYR_FILE_streams_2eproto_H
#define PYR_FILE_streams_2eproto_H

#include "streams.pb-c.h"
#include <pyrite/stub.h>

#if PYR_STUB_ABI < 1
#error "Pyrite's headers are older than this file's generator: update them"
#endif

PYR_BEGIN_DECLS

/* The file's descriptor, for reflection. */
extern const pyr_file pyr_file__streams_2eproto;

/* A client's handle on an object with the interface demo.streams.Clock. */
typedef struct demo_streams_clock demo_streams_clock;

/* What a servant of demo.streams.Clock implements. */
typedef struct demo_streams_clock_ops {
	/* What time is it? */
	void (*now)(void *self, pyr_call *call, const Demo__Streams__Tick *request);
	/* A tick a second. */
	void (*watch)(void *self, pyr_call *call, const Demo__Streams__Tick *request);
	/* Counts what it gets. */
	void (*count)(void *self, pyr_call *call);
	/* Gives back what it gets. */
	void (*echo)(void *self, pyr_call *call);
} demo_streams_clock_ops;

extern const pyr_interface demo_streams_clock__interface;

/*
 * A proxy for what reference says, without any I/O; options may be NULL. *ret_proxy is the
 * caller's.
 */
PYR_MUST_USE pyr_status demo_streams_clock__open(pyr_context *context, const char *reference,
	const pyr_proxy_options *options, demo_streams_clock **ret_proxy, pyr_error *err);

/* The same object over the same connection with other options. */
PYR_MUST_USE pyr_status demo_streams_clock__derive(demo_streams_clock *proxy,
	const pyr_proxy_options *options, demo_streams_clock **ret_proxy, pyr_error *err);

/* One more reference; returns proxy. __close() gives one back. */
demo_streams_clock *demo_streams_clock__ref(demo_streams_clock *proxy);

/* Gives a reference back. NULL is ignored. */
void demo_streams_clock__close(demo_streams_clock *proxy);

/* The same handle for the functions of pyrite/proxy.h; no further reference. */
pyr_proxy *demo_streams_clock__proxy(demo_streams_clock *proxy);

/*
 * A proxy of an object that came in an answer of the proxy `from`. *ret_proxy is the caller's; as
 * long as it lives, its object is held.
 */
PYR_MUST_USE pyr_status demo_streams_clock__accept(pyr_proxy *from, const Pyrite__Object *object,
	const pyr_proxy_options *options, demo_streams_clock **ret_proxy, pyr_error *err);

/* The same of an object that came in a request. */
PYR_MUST_USE pyr_status demo_streams_clock__accept_from(pyr_call *call,
	const Pyrite__Object *object, const pyr_proxy_options *options,
	demo_streams_clock **ret_proxy, pyr_error *err);

/*
 * What time is it?
 *
 * Waits for the reply, which is the caller's: free it with demo__streams__tick__free_unpacked().
 */
PYR_MUST_USE pyr_status demo_streams_clock_now(demo_streams_clock *proxy,
	const Demo__Streams__Tick *request, Demo__Streams__Tick **ret_reply, pyr_error *err);

/* reply is borrowed, and NULL unless status is PYR_OK. */
typedef void (*demo_streams_clock_now__on_reply)(
	void *ctx, pyr_status status, const Demo__Streams__Tick *reply, const pyr_error *err);

/*
 * Does not wait: on_reply runs once, unless this returns an error. *ret_pending is the caller's to
 * give back with pyr_pending_unref().
 */
PYR_MUST_USE pyr_status demo_streams_clock_now__invoke(demo_streams_clock *proxy,
	const Demo__Streams__Tick *request, demo_streams_clock_now__on_reply on_reply, void *ctx,
	pyr_pending **ret_pending, pyr_error *err);

/* Adds a call to the batch, packed before this returns. */
PYR_MUST_USE pyr_status demo_streams_clock_now__batch(
	pyr_batch *batch, const Demo__Streams__Tick *request, pyr_error *err);

/*
 * The reply of the call number index, 0 the first, of a batch that was run. It is the caller's:
 * free it with demo__streams__tick__free_unpacked().
 */
PYR_MUST_USE pyr_status demo_streams_clock_now__batched(
	const pyr_batch *batch, size_t index, Demo__Streams__Tick **ret_reply, pyr_error *err);

/*
 * A tick a second.
 *
 * Opens the stream, which is the caller's: give it back with pyr_stream_close().
 */
PYR_MUST_USE pyr_status demo_streams_clock_watch(demo_streams_clock *proxy,
	const Demo__Streams__Tick *request, pyr_stream **ret_stream, pyr_error *err);

/*
 * Waits for the next message; NULL after the last one. Borrowed until the next call of this or the
 * stream's close.
 */
PYR_MUST_USE pyr_status demo_streams_clock_watch__next(
	pyr_stream *stream, const Demo__Streams__Tick **ret_message, pyr_error *err);

/* message is borrowed; NULL after the last one, with the call's status. */
typedef void (*demo_streams_clock_watch__on_message)(
	void *ctx, pyr_status status, const Demo__Streams__Tick *message, const pyr_error *err);

/* Runs on_message for every message instead. */
PYR_MUST_USE pyr_status demo_streams_clock_watch__observe(pyr_stream *stream,
	demo_streams_clock_watch__on_message on_message, void *ctx, pyr_error *err);

/*
 * Counts what it gets.
 *
 * Opens the stream, which is the caller's: give it back with pyr_stream_close().
 */
PYR_MUST_USE pyr_status demo_streams_clock_count(
	demo_streams_clock *proxy, pyr_stream **ret_stream, pyr_error *err);

/* Sends one message, packed before this returns. pyr_stream_end() follows the last. */
PYR_MUST_USE pyr_status demo_streams_clock_count__send(
	pyr_stream *stream, const Demo__Streams__Tick *message, pyr_error *err);

/*
 * Waits for the next message; NULL after the last one. Borrowed until the next call of this or the
 * stream's close.
 */
PYR_MUST_USE pyr_status demo_streams_clock_count__next(
	pyr_stream *stream, const Demo__Streams__Tick__Detail **ret_message, pyr_error *err);

/* message is borrowed; NULL after the last one, with the call's status. */
typedef void (*demo_streams_clock_count__on_message)(void *ctx, pyr_status status,
	const Demo__Streams__Tick__Detail *message, const pyr_error *err);

/* Runs on_message for every message instead. */
PYR_MUST_USE pyr_status demo_streams_clock_count__observe(pyr_stream *stream,
	demo_streams_clock_count__on_message on_message, void *ctx, pyr_error *err);

/*
 * Gives back what it gets.
 *
 * Opens the stream, which is the caller's: give it back with pyr_stream_close().
 */
PYR_MUST_USE pyr_status demo_streams_clock_echo(
	demo_streams_clock *proxy, pyr_stream **ret_stream, pyr_error *err);

/* Sends one message, packed before this returns. pyr_stream_end() follows the last. */
PYR_MUST_USE pyr_status demo_streams_clock_echo__send(
	pyr_stream *stream, const Demo__Streams__Tick__Detail *message, pyr_error *err);

/*
 * Waits for the next message; NULL after the last one. Borrowed until the next call of this or the
 * stream's close.
 */
PYR_MUST_USE pyr_status demo_streams_clock_echo__next(
	pyr_stream *stream, const Demo__Streams__Tick__Detail **ret_message, pyr_error *err);

/* message is borrowed; NULL after the last one, with the call's status. */
typedef void (*demo_streams_clock_echo__on_message)(void *ctx, pyr_status status,
	const Demo__Streams__Tick__Detail *message, const pyr_error *err);

/* Runs on_message for every message instead. */
PYR_MUST_USE pyr_status demo_streams_clock_echo__observe(pyr_stream *stream,
	demo_streams_clock_echo__on_message on_message, void *ctx, pyr_error *err);

/*
 * Registers an object. ops and self are borrowed for as long as it is registered; a function that
 * is NULL answers UNIMPLEMENTED.
 */
PYR_MUST_USE pyr_status demo_streams_clock__serve(pyr_daemon *daemon, const char *object,
	const demo_streams_clock_ops *ops, void *self, pyr_error *err);

/*
 * The same, in the place of the object with this id, if there is one: calls that run finish on
 * that.
 */
PYR_MUST_USE pyr_status demo_streams_clock__replace(pyr_daemon *daemon, const char *object,
	const demo_streams_clock_ops *ops, void *self, pyr_error *err);

/*
 * Objects are made by the locator when they are called. ops is borrowed for as long as the daemon
 * lives.
 */
PYR_MUST_USE pyr_status demo_streams_clock__locate(pyr_daemon *daemon,
	const demo_streams_clock_ops *ops, const pyr_locator *locator, pyr_error *err);

/*
 * A new object for the caller, for as long as somebody holds it; options may be NULL. *ret_object
 * lives as long as the call. See <pyrite/object.h>.
 */
PYR_MUST_USE pyr_status demo_streams_clock__lend(pyr_call *call, const demo_streams_clock_ops *ops,
	void *self, const pyr_lend_options *options, Pyrite__Object **ret_object, pyr_error *err);

/*
 * The same in a daemon of this program for the daemon behind the proxy. *ret_object is the
 * caller's: free it with pyrite__object__free_unpacked().
 */
PYR_MUST_USE pyr_status demo_streams_clock__lend_to(pyr_daemon *daemon, pyr_proxy *to,
	const demo_streams_clock_ops *ops, void *self, const pyr_lend_options *options,
	Pyrite__Object **ret_object, pyr_error *err);

/* Answers the call and ends it. reply is packed before this returns. */
pyr_status demo_streams_clock_now__reply(pyr_call *call, const Demo__Streams__Tick *reply);

/* Sends one message. pyr_call_end() or pyr_call_fail() follows the last. */
PYR_MUST_USE pyr_status demo_streams_clock_watch__send_reply(
	pyr_call *call, const Demo__Streams__Tick *message, pyr_error *err);

/*
 * Waits for the client's next message; NULL after the last one. Borrowed until the next call of
 * this or the end of the call. FAILED_PRECONDITION once the call has been answered.
 */
PYR_MUST_USE pyr_status demo_streams_clock_count__next_request(
	pyr_call *call, const Demo__Streams__Tick **ret_request, pyr_error *err);

/*
 * request is borrowed; NULL after the last one. Not called any more after an answer that was given
 * in it.
 */
typedef void (*demo_streams_clock_count__on_request)(
	void *ctx, pyr_call *call, pyr_status status, const Demo__Streams__Tick *request);

/* Runs on_request for every message instead. */
PYR_MUST_USE pyr_status demo_streams_clock_count__observe_requests(
	pyr_call *call, demo_streams_clock_count__on_request on_request, void *ctx, pyr_error *err);

/* Answers the call and ends it. reply is packed before this returns. */
pyr_status demo_streams_clock_count__reply(
	pyr_call *call, const Demo__Streams__Tick__Detail *reply);

/*
 * Waits for the client's next message; NULL after the last one. Borrowed until the next call of
 * this or the end of the call. FAILED_PRECONDITION once the call has been answered.
 */
PYR_MUST_USE pyr_status demo_streams_clock_echo__next_request(
	pyr_call *call, const Demo__Streams__Tick__Detail **ret_request, pyr_error *err);

/*
 * request is borrowed; NULL after the last one. Not called any more after an answer that was given
 * in it.
 */
typedef void (*demo_streams_clock_echo__on_request)(
	void *ctx, pyr_call *call, pyr_status status, const Demo__Streams__Tick__Detail *request);

/* Runs on_request for every message instead. */
PYR_MUST_USE pyr_status demo_streams_clock_echo__observe_requests(
	pyr_call *call, demo_streams_clock_echo__on_request on_request, void *ctx, pyr_error *err);

/* Sends one message. pyr_call_end() or pyr_call_fail() follows the last. */
PYR_MUST_USE pyr_status demo_streams_clock_echo__send_reply(
	pyr_call *call, const Demo__Streams__Tick__Detail *message, pyr_error *err);

PYR_END_DECLS

#endif
