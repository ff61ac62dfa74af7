/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contract between generated code and the library. Programs include the generated headers and
 * never call this one's functions themselves.
 */
#ifndef PYRITE_STUB_H
#define PYRITE_STUB_H

#include <protobuf-c/protobuf-c.h>
#include <pyrite/batch.h>
#include <pyrite/call.h>
#include <pyrite/daemon.h>
#include <pyrite/locator.h>
#include <pyrite/object.h>
#include <pyrite/proxy.h>
#include <pyrite/status.h>
#include <pyrite/stream.h>

/*
 * Grows when a table or function below changes its meaning. Generated code carries the number that
 * its generator knew, both as `#if PYR_STUB_ABI < N #error` and in its tables; the library accepts
 * every number from 1 to its own.
 */
#define PYR_STUB_ABI 1

PYR_BEGIN_DECLS

/* Any function, cast back to its own type before it is called. */
typedef void (*pyr_fn)(void);

/* One .proto file: its serialized google.protobuf.FileDescriptorProto and what it imports. */
typedef struct pyr_file {
	uint32_t abi;
	uint32_t size; /* sizeof(pyr_file) as the generator knew it */
	const char *name;
	const uint8_t *descriptor;
	size_t descriptor_size;
	const struct pyr_file *const *imports;
	size_t import_count;
} pyr_file;

typedef enum pyr_method_flags {
	PYR_METHOD_CLIENT_STREAM = 1 << 0,   /* the client sends any number of messages */
	PYR_METHOD_SERVER_STREAM = 1 << 1,   /* the server sends any number of messages */
	PYR_METHOD_ONEWAY = 1 << 2,          /* option (pyrite.oneway) = true: no reply is sent */
	PYR_METHOD_IDEMPOTENT = 1 << 3,      /* idempotency_level IDEMPOTENT or NO_SIDE_EFFECTS */
	PYR_METHOD_NO_SIDE_EFFECTS = 1 << 4, /* idempotency_level NO_SIDE_EFFECTS */
	PYR_METHOD_DEPRECATED = 1 << 5,
} pyr_method_flags;

typedef struct pyr_method {
	const char *name; /* as in the .proto file, "Add" */
	const ProtobufCMessageDescriptor *input;
	const ProtobufCMessageDescriptor *output;
	uint32_t flags; /* pyr_method_flags */
	/*
	 * Calls the servant's function out of ops (the interface's ops struct); false when it is
	 * NULL. request is NULL for a method with a client stream.
	 */
	bool (*dispatch)(
		const void *ops, void *self, pyr_call *call, const ProtobufCMessage *request);
	/*
	 * Casts fn to the client's typed callback and calls it with an output message: for a unary
	 * method the one of __invoke, else the one of __observe.
	 */
	void (*deliver)(pyr_fn fn, void *ctx, pyr_status status, const ProtobufCMessage *message,
		const pyr_error *err);
	/*
	 * The same for the server's callback of __observe_requests, with an input message. NULL for
	 * a method without a client stream.
	 */
	void (*deliver_request)(pyr_fn fn, void *ctx, pyr_call *call, pyr_status status,
		const ProtobufCMessage *message);
} pyr_method;

struct pyr_interface {
	uint32_t abi;
	uint32_t size;        /* sizeof(pyr_interface) as the generator knew it */
	uint32_t method_size; /* sizeof(pyr_method) as the generator knew it */
	uint32_t method_count;
	const char *name; /* "demo.Calculator" */
	const pyr_file *file;
	const pyr_method *methods;
};

/* Client half. `method` is the index in the interface's table. */

/* Makes a proxy without any I/O. See pyrite/proxy.h for references and options. */
PYR_API PYR_MUST_USE pyr_status pyr_stub_open(pyr_context *context, const pyr_interface *interface,
	const char *reference, const pyr_proxy_options *options, pyr_proxy **ret_proxy,
	pyr_error *err);

/* A unary call that waits. *ret_reply is the caller's: protobuf_c_message_free_unpacked(). */
PYR_API PYR_MUST_USE pyr_status pyr_stub_call(pyr_proxy *proxy, uint32_t method,
	const ProtobufCMessage *request, ProtobufCMessage **ret_reply, pyr_error *err);

/* A unary call that does not wait; on_reply goes through pyr_method.deliver. */
PYR_API PYR_MUST_USE pyr_status pyr_stub_invoke(pyr_proxy *proxy, uint32_t method,
	const ProtobufCMessage *request, pyr_fn on_reply, void *ctx, pyr_pending **ret_pending,
	pyr_error *err);

/* A call without an answer. */
PYR_API PYR_MUST_USE pyr_status pyr_stub_oneway(
	pyr_proxy *proxy, uint32_t method, const ProtobufCMessage *request, pyr_error *err);

/* Adds a call to a batch, packed before this returns; its reply once that was run, the caller's. */
PYR_API PYR_MUST_USE pyr_status pyr_stub_batch(pyr_batch *batch, const pyr_method *method,
	const ProtobufCMessage *request, pyr_error *err);
PYR_API PYR_MUST_USE pyr_status pyr_stub_batched(const pyr_batch *batch, const pyr_method *method,
	size_t index, ProtobufCMessage **ret_reply, pyr_error *err);

/* Opens a stream; request is NULL for a method with a client stream. */
PYR_API PYR_MUST_USE pyr_status pyr_stub_stream(pyr_proxy *proxy, uint32_t method,
	const ProtobufCMessage *request, pyr_stream **ret_stream, pyr_error *err);

/*
 * Sends a message; waits while the other side does not read. On a loop's thread, where that would
 * block: RESOURCE_EXHAUSTED with would_block.
 */
PYR_API PYR_MUST_USE pyr_status pyr_stub_stream_send(pyr_stream *stream, const pyr_method *method,
	const ProtobufCMessage *message, pyr_error *err);

/* Waits for a message, which is the stream's until the next one; NULL after the last. */
PYR_API PYR_MUST_USE pyr_status pyr_stub_stream_next(pyr_stream *stream, const pyr_method *method,
	const ProtobufCMessage **ret_message, pyr_error *err);

/* Has each message handed to on_message, which goes through pyr_method.deliver. */
PYR_API PYR_MUST_USE pyr_status pyr_stub_stream_observe(
	pyr_stream *stream, const pyr_method *method, pyr_fn on_message, void *ctx, pyr_error *err);

/* Server half. */

/*
 * Serves an object of this interface under this id. ops and self are borrowed for as long as it is
 * served. ALREADY_EXISTS if the id has the interface already.
 */
PYR_API PYR_MUST_USE pyr_status pyr_stub_serve(pyr_daemon *daemon, const char *object,
	const pyr_interface *interface, const void *ops, void *self, pyr_error *err);

/* The same, in the place of the object that has this id and interface, if there is one. */
PYR_API PYR_MUST_USE pyr_status pyr_stub_replace(pyr_daemon *daemon, const char *object,
	const pyr_interface *interface, const void *ops, void *self, pyr_error *err);

/* A new object for the caller, or for the daemon behind the proxy: see pyrite/object.h. */
PYR_API PYR_MUST_USE pyr_status pyr_stub_lend(pyr_call *call, const pyr_interface *interface,
	const void *ops, void *self, const pyr_lend_options *options, Pyrite__Object **ret_object,
	pyr_error *err);
PYR_API PYR_MUST_USE pyr_status pyr_stub_lend_to(pyr_daemon *daemon, pyr_proxy *to,
	const pyr_interface *interface, const void *ops, void *self,
	const pyr_lend_options *options, Pyrite__Object **ret_object, pyr_error *err);

/* A proxy of an object that came in an answer of a proxy, or in a request. */
PYR_API PYR_MUST_USE pyr_status pyr_stub_accept(pyr_proxy *from, const pyr_interface *interface,
	const Pyrite__Object *object, const pyr_proxy_options *options, pyr_proxy **ret_proxy,
	pyr_error *err);
PYR_API PYR_MUST_USE pyr_status pyr_stub_accept_from(pyr_call *call, const pyr_interface *interface,
	const Pyrite__Object *object, const pyr_proxy_options *options, pyr_proxy **ret_proxy,
	pyr_error *err);

/* Objects of this interface are made by the locator. */
PYR_API PYR_MUST_USE pyr_status pyr_stub_locate(pyr_daemon *daemon, const pyr_interface *interface,
	const void *ops, const pyr_locator *locator, pyr_error *err);

/* Answers a call whose method has no server stream, and ends it. */
PYR_API pyr_status pyr_stub_reply(
	pyr_call *call, const pyr_method *method, const ProtobufCMessage *reply);

/* One message of a server stream. */
PYR_API PYR_MUST_USE pyr_status pyr_stub_send(
	pyr_call *call, const pyr_method *method, const ProtobufCMessage *message, pyr_error *err);

/* The next message of a client stream; *ret_request is NULL after the last. */
PYR_API PYR_MUST_USE pyr_status pyr_stub_next_request(pyr_call *call, const pyr_method *method,
	const ProtobufCMessage **ret_request, pyr_error *err);

/* Has each message handed to on_request, which goes through pyr_method.deliver_request. */
PYR_API PYR_MUST_USE pyr_status pyr_stub_observe_requests(
	pyr_call *call, const pyr_method *method, pyr_fn on_request, void *ctx, pyr_error *err);

PYR_END_DECLS

#endif
