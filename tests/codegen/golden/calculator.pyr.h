/* Made by protoc-gen-pyrite from calculator.proto. Do not edit. */
#ifndef PYR_FILE_calculator_2eproto_H
#define PYR_FILE_calculator_2eproto_H

#include "calculator.pb-c.h"
#include <pyrite/stub.h>

#if PYR_STUB_ABI < 1
#error "Pyrite's headers are older than this file's generator: update them"
#endif

PYR_BEGIN_DECLS

/* The file's descriptor, for reflection. */
extern const pyr_file pyr_file__calculator_2eproto;

/*
 * Adds numbers.
 *
 * It has no memory, so that a call may be tried again.
 *
 * A client's handle on an object with the interface demo.Calculator.
 */
typedef struct demo_calculator demo_calculator;

/* What a servant of demo.Calculator implements. */
typedef struct demo_calculator_ops {
	/* Adds two numbers; the sum cannot overflow. */
	void (*add)(void *self, pyr_call *call, const Demo__AddRequest *request);
	/* Writes the numbers down somewhere. */
	void (*log)(void *self, pyr_call *call, const Demo__AddRequest *request);
	void (*add_slowly)(void *self, pyr_call *call, const Demo__AddRequest *request);
} demo_calculator_ops;

extern const pyr_interface demo_calculator__interface;

/*
 * A proxy for what reference says, without any I/O; options may be NULL. *ret_proxy is the
 * caller's.
 */
PYR_MUST_USE pyr_status demo_calculator__open(pyr_context *context, const char *reference,
	const pyr_proxy_options *options, demo_calculator **ret_proxy, pyr_error *err);

/* The same object over the same connection with other options. */
PYR_MUST_USE pyr_status demo_calculator__derive(demo_calculator *proxy,
	const pyr_proxy_options *options, demo_calculator **ret_proxy, pyr_error *err);

/* One more reference; returns proxy. __close() gives one back. */
demo_calculator *demo_calculator__ref(demo_calculator *proxy);

/* Gives a reference back. NULL is ignored. */
void demo_calculator__close(demo_calculator *proxy);

/* The same handle for the functions of pyrite/proxy.h; no further reference. */
pyr_proxy *demo_calculator__proxy(demo_calculator *proxy);

/*
 * A proxy of an object that came in an answer of the proxy `from`. *ret_proxy is the caller's; as
 * long as it lives, its object is held.
 */
PYR_MUST_USE pyr_status demo_calculator__accept(pyr_proxy *from, const Pyrite__Object *object,
	const pyr_proxy_options *options, demo_calculator **ret_proxy, pyr_error *err);

/* The same of an object that came in a request. */
PYR_MUST_USE pyr_status demo_calculator__accept_from(pyr_call *call, const Pyrite__Object *object,
	const pyr_proxy_options *options, demo_calculator **ret_proxy, pyr_error *err);

/*
 * Adds two numbers; the sum cannot overflow.
 *
 * Waits for the reply, which is the caller's: free it with demo__add_reply__free_unpacked().
 */
PYR_MUST_USE pyr_status demo_calculator_add(demo_calculator *proxy, const Demo__AddRequest *request,
	Demo__AddReply **ret_reply, pyr_error *err);

/* reply is borrowed, and NULL unless status is PYR_OK. */
typedef void (*demo_calculator_add__on_reply)(
	void *ctx, pyr_status status, const Demo__AddReply *reply, const pyr_error *err);

/*
 * Does not wait: on_reply runs once, unless this returns an error. *ret_pending is the caller's to
 * give back with pyr_pending_unref().
 */
PYR_MUST_USE pyr_status demo_calculator_add__invoke(demo_calculator *proxy,
	const Demo__AddRequest *request, demo_calculator_add__on_reply on_reply, void *ctx,
	pyr_pending **ret_pending, pyr_error *err);

/* Adds a call to the batch, packed before this returns. */
PYR_MUST_USE pyr_status demo_calculator_add__batch(
	pyr_batch *batch, const Demo__AddRequest *request, pyr_error *err);

/*
 * The reply of the call number index, 0 the first, of a batch that was run. It is the caller's:
 * free it with demo__add_reply__free_unpacked().
 */
PYR_MUST_USE pyr_status demo_calculator_add__batched(
	const pyr_batch *batch, size_t index, Demo__AddReply **ret_reply, pyr_error *err);

/*
 * Writes the numbers down somewhere.
 *
 * Oneway: there is no reply, and nobody tells whether it ran.
 */
PYR_MUST_USE pyr_status demo_calculator_log(
	demo_calculator *proxy, const Demo__AddRequest *request, pyr_error *err);

/* Adds a call to the batch, packed before this returns. */
PYR_MUST_USE pyr_status demo_calculator_log__batch(
	pyr_batch *batch, const Demo__AddRequest *request, pyr_error *err);

/* Waits for the reply, which is the caller's: free it with demo__add_reply__free_unpacked(). */
PYR_MUST_USE pyr_status demo_calculator_add_slowly(demo_calculator *proxy,
	const Demo__AddRequest *request, Demo__AddReply **ret_reply, pyr_error *err);

/* reply is borrowed, and NULL unless status is PYR_OK. */
typedef void (*demo_calculator_add_slowly__on_reply)(
	void *ctx, pyr_status status, const Demo__AddReply *reply, const pyr_error *err);

/*
 * Does not wait: on_reply runs once, unless this returns an error. *ret_pending is the caller's to
 * give back with pyr_pending_unref().
 */
PYR_MUST_USE pyr_status demo_calculator_add_slowly__invoke(demo_calculator *proxy,
	const Demo__AddRequest *request, demo_calculator_add_slowly__on_reply on_reply, void *ctx,
	pyr_pending **ret_pending, pyr_error *err);

/* Adds a call to the batch, packed before this returns. */
PYR_MUST_USE pyr_status demo_calculator_add_slowly__batch(
	pyr_batch *batch, const Demo__AddRequest *request, pyr_error *err);

/*
 * The reply of the call number index, 0 the first, of a batch that was run. It is the caller's:
 * free it with demo__add_reply__free_unpacked().
 */
PYR_MUST_USE pyr_status demo_calculator_add_slowly__batched(
	const pyr_batch *batch, size_t index, Demo__AddReply **ret_reply, pyr_error *err);

/*
 * Registers an object. ops and self are borrowed for as long as it is registered; a function that
 * is NULL answers UNIMPLEMENTED.
 */
PYR_MUST_USE pyr_status demo_calculator__serve(pyr_daemon *daemon, const char *object,
	const demo_calculator_ops *ops, void *self, pyr_error *err);

/*
 * The same, in the place of the object with this id, if there is one: calls that run finish on
 * that.
 */
PYR_MUST_USE pyr_status demo_calculator__replace(pyr_daemon *daemon, const char *object,
	const demo_calculator_ops *ops, void *self, pyr_error *err);

/*
 * Objects are made by the locator when they are called. ops is borrowed for as long as the daemon
 * lives.
 */
PYR_MUST_USE pyr_status demo_calculator__locate(pyr_daemon *daemon, const demo_calculator_ops *ops,
	const pyr_locator *locator, pyr_error *err);

/*
 * A new object for the caller, for as long as somebody holds it; options may be NULL. *ret_object
 * lives as long as the call. See <pyrite/object.h>.
 */
PYR_MUST_USE pyr_status demo_calculator__lend(pyr_call *call, const demo_calculator_ops *ops,
	void *self, const pyr_lend_options *options, Pyrite__Object **ret_object, pyr_error *err);

/*
 * The same in a daemon of this program for the daemon behind the proxy. *ret_object is the
 * caller's: free it with pyrite__object__free_unpacked().
 */
PYR_MUST_USE pyr_status demo_calculator__lend_to(pyr_daemon *daemon, pyr_proxy *to,
	const demo_calculator_ops *ops, void *self, const pyr_lend_options *options,
	Pyrite__Object **ret_object, pyr_error *err);

/* Answers the call and ends it. reply is packed before this returns. */
pyr_status demo_calculator_add__reply(pyr_call *call, const Demo__AddReply *reply);

/* Answers the call and ends it. reply is packed before this returns. */
pyr_status demo_calculator_add_slowly__reply(pyr_call *call, const Demo__AddReply *reply);

/* A client's handle on an object with the interface demo.Nothing. */
typedef struct demo_nothing demo_nothing;

/* What a servant of demo.Nothing implements. */
typedef struct demo_nothing_ops {
	void (*reserved)(void); /* no method yet: NULL */
} demo_nothing_ops;

extern const pyr_interface demo_nothing__interface;

/*
 * A proxy for what reference says, without any I/O; options may be NULL. *ret_proxy is the
 * caller's.
 */
PYR_MUST_USE pyr_status demo_nothing__open(pyr_context *context, const char *reference,
	const pyr_proxy_options *options, demo_nothing **ret_proxy, pyr_error *err);

/* The same object over the same connection with other options. */
PYR_MUST_USE pyr_status demo_nothing__derive(demo_nothing *proxy, const pyr_proxy_options *options,
	demo_nothing **ret_proxy, pyr_error *err);

/* One more reference; returns proxy. __close() gives one back. */
demo_nothing *demo_nothing__ref(demo_nothing *proxy);

/* Gives a reference back. NULL is ignored. */
void demo_nothing__close(demo_nothing *proxy);

/* The same handle for the functions of pyrite/proxy.h; no further reference. */
pyr_proxy *demo_nothing__proxy(demo_nothing *proxy);

/*
 * A proxy of an object that came in an answer of the proxy `from`. *ret_proxy is the caller's; as
 * long as it lives, its object is held.
 */
PYR_MUST_USE pyr_status demo_nothing__accept(pyr_proxy *from, const Pyrite__Object *object,
	const pyr_proxy_options *options, demo_nothing **ret_proxy, pyr_error *err);

/* The same of an object that came in a request. */
PYR_MUST_USE pyr_status demo_nothing__accept_from(pyr_call *call, const Pyrite__Object *object,
	const pyr_proxy_options *options, demo_nothing **ret_proxy, pyr_error *err);

/*
 * Registers an object. ops and self are borrowed for as long as it is registered; a function that
 * is NULL answers UNIMPLEMENTED.
 */
PYR_MUST_USE pyr_status demo_nothing__serve(pyr_daemon *daemon, const char *object,
	const demo_nothing_ops *ops, void *self, pyr_error *err);

/*
 * The same, in the place of the object with this id, if there is one: calls that run finish on
 * that.
 */
PYR_MUST_USE pyr_status demo_nothing__replace(pyr_daemon *daemon, const char *object,
	const demo_nothing_ops *ops, void *self, pyr_error *err);

/*
 * Objects are made by the locator when they are called. ops is borrowed for as long as the daemon
 * lives.
 */
PYR_MUST_USE pyr_status demo_nothing__locate(pyr_daemon *daemon, const demo_nothing_ops *ops,
	const pyr_locator *locator, pyr_error *err);

/*
 * A new object for the caller, for as long as somebody holds it; options may be NULL. *ret_object
 * lives as long as the call. See <pyrite/object.h>.
 */
PYR_MUST_USE pyr_status demo_nothing__lend(pyr_call *call, const demo_nothing_ops *ops, void *self,
	const pyr_lend_options *options, Pyrite__Object **ret_object, pyr_error *err);

/*
 * The same in a daemon of this program for the daemon behind the proxy. *ret_object is the
 * caller's: free it with pyrite__object__free_unpacked().
 */
PYR_MUST_USE pyr_status demo_nothing__lend_to(pyr_daemon *daemon, pyr_proxy *to,
	const demo_nothing_ops *ops, void *self, const pyr_lend_options *options,
	Pyrite__Object **ret_object, pyr_error *err);

PYR_END_DECLS

#endif
