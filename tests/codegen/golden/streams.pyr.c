/* Made by protoc-gen-pyrite from streams.proto. Do not edit. */
#include "streams.pyr.h"

/* clang-format off */
static const uint8_t pyr_file__streams_2eproto__descriptor[] = {
	0x0a, 0x0d, 0x73, 0x74, 0x72, 0x65, 0x61, 0x6d, 0x73, 0x2e, 0x70, 0x72, 0x6f, 0x74, 0x6f, 0x12,
	0x0c, 0x64, 0x65, 0x6d, 0x6f, 0x2e, 0x73, 0x74, 0x72, 0x65, 0x61, 0x6d, 0x73, 0x22, 0x39, 0x0a,
	0x04, 0x54, 0x69, 0x63, 0x6b, 0x12, 0x13, 0x0a, 0x05, 0x61, 0x74, 0x5f, 0x75, 0x73, 0x18, 0x01,
	0x20, 0x01, 0x28, 0x03, 0x52, 0x04, 0x61, 0x74, 0x55, 0x73, 0x1a, 0x1c, 0x0a, 0x06, 0x44, 0x65,
	0x74, 0x61, 0x69, 0x6c, 0x12, 0x12, 0x0a, 0x04, 0x74, 0x65, 0x78, 0x74, 0x18, 0x01, 0x20, 0x01,
	0x28, 0x09, 0x52, 0x04, 0x74, 0x65, 0x78, 0x74, 0x32, 0xe5, 0x01, 0x0a, 0x05, 0x43, 0x6c, 0x6f,
	0x63, 0x6b, 0x12, 0x2d, 0x0a, 0x03, 0x4e, 0x6f, 0x77, 0x12, 0x12, 0x2e, 0x64, 0x65, 0x6d, 0x6f,
	0x2e, 0x73, 0x74, 0x72, 0x65, 0x61, 0x6d, 0x73, 0x2e, 0x54, 0x69, 0x63, 0x6b, 0x1a, 0x12, 0x2e,
	0x64, 0x65, 0x6d, 0x6f, 0x2e, 0x73, 0x74, 0x72, 0x65, 0x61, 0x6d, 0x73, 0x2e, 0x54, 0x69, 0x63,
	0x6b, 0x12, 0x31, 0x0a, 0x05, 0x57, 0x61, 0x74, 0x63, 0x68, 0x12, 0x12, 0x2e, 0x64, 0x65, 0x6d,
	0x6f, 0x2e, 0x73, 0x74, 0x72, 0x65, 0x61, 0x6d, 0x73, 0x2e, 0x54, 0x69, 0x63, 0x6b, 0x1a, 0x12,
	0x2e, 0x64, 0x65, 0x6d, 0x6f, 0x2e, 0x73, 0x74, 0x72, 0x65, 0x61, 0x6d, 0x73, 0x2e, 0x54, 0x69,
	0x63, 0x6b, 0x30, 0x01, 0x12, 0x38, 0x0a, 0x05, 0x43, 0x6f, 0x75, 0x6e, 0x74, 0x12, 0x12, 0x2e,
	0x64, 0x65, 0x6d, 0x6f, 0x2e, 0x73, 0x74, 0x72, 0x65, 0x61, 0x6d, 0x73, 0x2e, 0x54, 0x69, 0x63,
	0x6b, 0x1a, 0x19, 0x2e, 0x64, 0x65, 0x6d, 0x6f, 0x2e, 0x73, 0x74, 0x72, 0x65, 0x61, 0x6d, 0x73,
	0x2e, 0x54, 0x69, 0x63, 0x6b, 0x2e, 0x44, 0x65, 0x74, 0x61, 0x69, 0x6c, 0x28, 0x01, 0x12, 0x40,
	0x0a, 0x04, 0x45, 0x63, 0x68, 0x6f, 0x12, 0x19, 0x2e, 0x64, 0x65, 0x6d, 0x6f, 0x2e, 0x73, 0x74,
	0x72, 0x65, 0x61, 0x6d, 0x73, 0x2e, 0x54, 0x69, 0x63, 0x6b, 0x2e, 0x44, 0x65, 0x74, 0x61, 0x69,
	0x6c, 0x1a, 0x19, 0x2e, 0x64, 0x65, 0x6d, 0x6f, 0x2e, 0x73, 0x74, 0x72, 0x65, 0x61, 0x6d, 0x73,
	0x2e, 0x54, 0x69, 0x63, 0x6b, 0x2e, 0x44, 0x65, 0x74, 0x61, 0x69, 0x6c, 0x28, 0x01, 0x30, 0x01,
	0x62, 0x06, 0x70, 0x72, 0x6f, 0x74, 0x6f, 0x33,
};
/* clang-format on */

const pyr_file pyr_file__streams_2eproto = {
	PYR_STUB_ABI,
	sizeof(pyr_file),
	"streams.proto",
	pyr_file__streams_2eproto__descriptor,
	sizeof(pyr_file__streams_2eproto__descriptor),
	NULL,
	0,
};

static bool demo_streams_clock_now__dispatch(
	const void *ops, void *self, pyr_call *call, const ProtobufCMessage *request)
{
	const demo_streams_clock_ops *table = (const demo_streams_clock_ops *)ops;

	if (!table->now)
		return false;
	(table->now)(self, call, (const Demo__Streams__Tick *)request);
	return true;
}

static void demo_streams_clock_now__deliver(pyr_fn fn, void *ctx, pyr_status status,
	const ProtobufCMessage *message, const pyr_error *err)
{
	((demo_streams_clock_now__on_reply)fn)(
		ctx, status, (const Demo__Streams__Tick *)message, err);
}

static bool demo_streams_clock_watch__dispatch(
	const void *ops, void *self, pyr_call *call, const ProtobufCMessage *request)
{
	const demo_streams_clock_ops *table = (const demo_streams_clock_ops *)ops;

	if (!table->watch)
		return false;
	(table->watch)(self, call, (const Demo__Streams__Tick *)request);
	return true;
}

static void demo_streams_clock_watch__deliver(pyr_fn fn, void *ctx, pyr_status status,
	const ProtobufCMessage *message, const pyr_error *err)
{
	((demo_streams_clock_watch__on_message)fn)(
		ctx, status, (const Demo__Streams__Tick *)message, err);
}

static bool demo_streams_clock_count__dispatch(
	const void *ops, void *self, pyr_call *call, const ProtobufCMessage *request)
{
	const demo_streams_clock_ops *table = (const demo_streams_clock_ops *)ops;

	(void)request;
	if (!table->count)
		return false;
	(table->count)(self, call);
	return true;
}

static void demo_streams_clock_count__deliver(pyr_fn fn, void *ctx, pyr_status status,
	const ProtobufCMessage *message, const pyr_error *err)
{
	((demo_streams_clock_count__on_message)fn)(
		ctx, status, (const Demo__Streams__Tick__Detail *)message, err);
}

static void demo_streams_clock_count__deliver_request(
	pyr_fn fn, void *ctx, pyr_call *call, pyr_status status, const ProtobufCMessage *message)
{
	((demo_streams_clock_count__on_request)fn)(
		ctx, call, status, (const Demo__Streams__Tick *)message);
}

static bool demo_streams_clock_echo__dispatch(
	const void *ops, void *self, pyr_call *call, const ProtobufCMessage *request)
{
	const demo_streams_clock_ops *table = (const demo_streams_clock_ops *)ops;

	(void)request;
	if (!table->echo)
		return false;
	(table->echo)(self, call);
	return true;
}

static void demo_streams_clock_echo__deliver(pyr_fn fn, void *ctx, pyr_status status,
	const ProtobufCMessage *message, const pyr_error *err)
{
	((demo_streams_clock_echo__on_message)fn)(
		ctx, status, (const Demo__Streams__Tick__Detail *)message, err);
}

static void demo_streams_clock_echo__deliver_request(
	pyr_fn fn, void *ctx, pyr_call *call, pyr_status status, const ProtobufCMessage *message)
{
	((demo_streams_clock_echo__on_request)fn)(
		ctx, call, status, (const Demo__Streams__Tick__Detail *)message);
}

static const pyr_method demo_streams_clock__methods[] = {
	{
		"Now",
		&demo__streams__tick__descriptor,
		&demo__streams__tick__descriptor,
		0,
		demo_streams_clock_now__dispatch,
		demo_streams_clock_now__deliver,
		NULL,
	},
	{
		"Watch",
		&demo__streams__tick__descriptor,
		&demo__streams__tick__descriptor,
		PYR_METHOD_SERVER_STREAM,
		demo_streams_clock_watch__dispatch,
		demo_streams_clock_watch__deliver,
		NULL,
	},
	{
		"Count",
		&demo__streams__tick__descriptor,
		&demo__streams__tick__detail__descriptor,
		PYR_METHOD_CLIENT_STREAM,
		demo_streams_clock_count__dispatch,
		demo_streams_clock_count__deliver,
		demo_streams_clock_count__deliver_request,
	},
	{
		"Echo",
		&demo__streams__tick__detail__descriptor,
		&demo__streams__tick__detail__descriptor,
		PYR_METHOD_CLIENT_STREAM | PYR_METHOD_SERVER_STREAM,
		demo_streams_clock_echo__dispatch,
		demo_streams_clock_echo__deliver,
		demo_streams_clock_echo__deliver_request,
	},
};

const pyr_interface demo_streams_clock__interface = {
	PYR_STUB_ABI,
	sizeof(pyr_interface),
	sizeof(pyr_method),
	4,
	"demo.streams.Clock",
	&pyr_file__streams_2eproto,
	demo_streams_clock__methods,
};

pyr_status demo_streams_clock__open(pyr_context *context, const char *reference,
	const pyr_proxy_options *options, demo_streams_clock **ret_proxy, pyr_error *err)
{
	pyr_proxy *handle;
	pyr_status status = pyr_stub_open(
		context, &demo_streams_clock__interface, reference, options, &handle, err);

	if (status == PYR_OK)
		*ret_proxy = (demo_streams_clock *)handle;
	return status;
}

pyr_status demo_streams_clock__derive(demo_streams_clock *proxy, const pyr_proxy_options *options,
	demo_streams_clock **ret_proxy, pyr_error *err)
{
	pyr_proxy *handle;
	pyr_status status = pyr_proxy_derive((pyr_proxy *)proxy, options, &handle, err);

	if (status == PYR_OK)
		*ret_proxy = (demo_streams_clock *)handle;
	return status;
}

demo_streams_clock *demo_streams_clock__ref(demo_streams_clock *proxy)
{
	return (demo_streams_clock *)pyr_proxy_ref((pyr_proxy *)proxy);
}

void demo_streams_clock__close(demo_streams_clock *proxy)
{
	pyr_proxy_unref((pyr_proxy *)proxy);
}

pyr_proxy *demo_streams_clock__proxy(demo_streams_clock *proxy)
{
	return (pyr_proxy *)proxy;
}

pyr_status demo_streams_clock__accept(pyr_proxy *from, const Pyrite__Object *object,
	const pyr_proxy_options *options, demo_streams_clock **ret_proxy, pyr_error *err)
{
	pyr_proxy *handle;
	pyr_status status = pyr_stub_accept(
		from, &demo_streams_clock__interface, object, options, &handle, err);

	if (status == PYR_OK)
		*ret_proxy = (demo_streams_clock *)handle;
	return status;
}

pyr_status demo_streams_clock__accept_from(pyr_call *call, const Pyrite__Object *object,
	const pyr_proxy_options *options, demo_streams_clock **ret_proxy, pyr_error *err)
{
	pyr_proxy *handle;
	pyr_status status = pyr_stub_accept_from(
		call, &demo_streams_clock__interface, object, options, &handle, err);

	if (status == PYR_OK)
		*ret_proxy = (demo_streams_clock *)handle;
	return status;
}

pyr_status demo_streams_clock_now(demo_streams_clock *proxy, const Demo__Streams__Tick *request,
	Demo__Streams__Tick **ret_reply, pyr_error *err)
{
	ProtobufCMessage *reply;
	pyr_status status = pyr_stub_call(
		(pyr_proxy *)proxy, 0, (const ProtobufCMessage *)request, &reply, err);

	if (status == PYR_OK)
		*ret_reply = (Demo__Streams__Tick *)reply;
	return status;
}

pyr_status demo_streams_clock_now__invoke(demo_streams_clock *proxy,
	const Demo__Streams__Tick *request, demo_streams_clock_now__on_reply on_reply, void *ctx,
	pyr_pending **ret_pending, pyr_error *err)
{
	return pyr_stub_invoke((pyr_proxy *)proxy, 0, (const ProtobufCMessage *)request,
		(pyr_fn)on_reply, ctx, ret_pending, err);
}

pyr_status demo_streams_clock_now__batch(
	pyr_batch *batch, const Demo__Streams__Tick *request, pyr_error *err)
{
	return pyr_stub_batch(
		batch, &demo_streams_clock__methods[0], (const ProtobufCMessage *)request, err);
}

pyr_status demo_streams_clock_now__batched(
	const pyr_batch *batch, size_t index, Demo__Streams__Tick **ret_reply, pyr_error *err)
{
	ProtobufCMessage *reply;
	pyr_status status =
		pyr_stub_batched(batch, &demo_streams_clock__methods[0], index, &reply, err);

	if (status == PYR_OK)
		*ret_reply = (Demo__Streams__Tick *)reply;
	return status;
}

pyr_status demo_streams_clock_watch(demo_streams_clock *proxy, const Demo__Streams__Tick *request,
	pyr_stream **ret_stream, pyr_error *err)
{
	return pyr_stub_stream(
		(pyr_proxy *)proxy, 1, (const ProtobufCMessage *)request, ret_stream, err);
}

pyr_status demo_streams_clock_watch__next(
	pyr_stream *stream, const Demo__Streams__Tick **ret_message, pyr_error *err)
{
	const ProtobufCMessage *message;
	pyr_status status =
		pyr_stub_stream_next(stream, &demo_streams_clock__methods[1], &message, err);

	if (status == PYR_OK)
		*ret_message = (const Demo__Streams__Tick *)message;
	return status;
}

pyr_status demo_streams_clock_watch__observe(pyr_stream *stream,
	demo_streams_clock_watch__on_message on_message, void *ctx, pyr_error *err)
{
	return pyr_stub_stream_observe(
		stream, &demo_streams_clock__methods[1], (pyr_fn)on_message, ctx, err);
}

pyr_status demo_streams_clock_count(
	demo_streams_clock *proxy, pyr_stream **ret_stream, pyr_error *err)
{
	return pyr_stub_stream((pyr_proxy *)proxy, 2, NULL, ret_stream, err);
}

pyr_status demo_streams_clock_count__send(
	pyr_stream *stream, const Demo__Streams__Tick *message, pyr_error *err)
{
	return pyr_stub_stream_send(
		stream, &demo_streams_clock__methods[2], (const ProtobufCMessage *)message, err);
}

pyr_status demo_streams_clock_count__next(
	pyr_stream *stream, const Demo__Streams__Tick__Detail **ret_message, pyr_error *err)
{
	const ProtobufCMessage *message;
	pyr_status status =
		pyr_stub_stream_next(stream, &demo_streams_clock__methods[2], &message, err);

	if (status == PYR_OK)
		*ret_message = (const Demo__Streams__Tick__Detail *)message;
	return status;
}

pyr_status demo_streams_clock_count__observe(pyr_stream *stream,
	demo_streams_clock_count__on_message on_message, void *ctx, pyr_error *err)
{
	return pyr_stub_stream_observe(
		stream, &demo_streams_clock__methods[2], (pyr_fn)on_message, ctx, err);
}

pyr_status demo_streams_clock_echo(
	demo_streams_clock *proxy, pyr_stream **ret_stream, pyr_error *err)
{
	return pyr_stub_stream((pyr_proxy *)proxy, 3, NULL, ret_stream, err);
}

pyr_status demo_streams_clock_echo__send(
	pyr_stream *stream, const Demo__Streams__Tick__Detail *message, pyr_error *err)
{
	return pyr_stub_stream_send(
		stream, &demo_streams_clock__methods[3], (const ProtobufCMessage *)message, err);
}

pyr_status demo_streams_clock_echo__next(
	pyr_stream *stream, const Demo__Streams__Tick__Detail **ret_message, pyr_error *err)
{
	const ProtobufCMessage *message;
	pyr_status status =
		pyr_stub_stream_next(stream, &demo_streams_clock__methods[3], &message, err);

	if (status == PYR_OK)
		*ret_message = (const Demo__Streams__Tick__Detail *)message;
	return status;
}

pyr_status demo_streams_clock_echo__observe(pyr_stream *stream,
	demo_streams_clock_echo__on_message on_message, void *ctx, pyr_error *err)
{
	return pyr_stub_stream_observe(
		stream, &demo_streams_clock__methods[3], (pyr_fn)on_message, ctx, err);
}

pyr_status demo_streams_clock__serve(pyr_daemon *daemon, const char *object,
	const demo_streams_clock_ops *ops, void *self, pyr_error *err)
{
	return pyr_stub_serve(daemon, object, &demo_streams_clock__interface, ops, self, err);
}

pyr_status demo_streams_clock__replace(pyr_daemon *daemon, const char *object,
	const demo_streams_clock_ops *ops, void *self, pyr_error *err)
{
	return pyr_stub_replace(daemon, object, &demo_streams_clock__interface, ops, self, err);
}

pyr_status demo_streams_clock__locate(pyr_daemon *daemon, const demo_streams_clock_ops *ops,
	const pyr_locator *locator, pyr_error *err)
{
	return pyr_stub_locate(daemon, &demo_streams_clock__interface, ops, locator, err);
}

pyr_status demo_streams_clock__lend(pyr_call *call, const demo_streams_clock_ops *ops, void *self,
	const pyr_lend_options *options, Pyrite__Object **ret_object, pyr_error *err)
{
	return pyr_stub_lend(
		call, &demo_streams_clock__interface, ops, self, options, ret_object, err);
}

pyr_status demo_streams_clock__lend_to(pyr_daemon *daemon, pyr_proxy *to,
	const demo_streams_clock_ops *ops, void *self, const pyr_lend_options *options,
	Pyrite__Object **ret_object, pyr_error *err)
{
	return pyr_stub_lend_to(
		daemon, to, &demo_streams_clock__interface, ops, self, options, ret_object, err);
}

pyr_status demo_streams_clock_now__reply(pyr_call *call, const Demo__Streams__Tick *reply)
{
	return pyr_stub_reply(
		call, &demo_streams_clock__methods[0], (const ProtobufCMessage *)reply);
}

pyr_status demo_streams_clock_watch__send_reply(
	pyr_call *call, const Demo__Streams__Tick *message, pyr_error *err)
{
	return pyr_stub_send(
		call, &demo_streams_clock__methods[1], (const ProtobufCMessage *)message, err);
}

pyr_status demo_streams_clock_count__next_request(
	pyr_call *call, const Demo__Streams__Tick **ret_request, pyr_error *err)
{
	const ProtobufCMessage *request;
	pyr_status status =
		pyr_stub_next_request(call, &demo_streams_clock__methods[2], &request, err);

	if (status == PYR_OK)
		*ret_request = (const Demo__Streams__Tick *)request;
	return status;
}

pyr_status demo_streams_clock_count__observe_requests(
	pyr_call *call, demo_streams_clock_count__on_request on_request, void *ctx, pyr_error *err)
{
	return pyr_stub_observe_requests(
		call, &demo_streams_clock__methods[2], (pyr_fn)on_request, ctx, err);
}

pyr_status demo_streams_clock_count__reply(pyr_call *call, const Demo__Streams__Tick__Detail *reply)
{
	return pyr_stub_reply(
		call, &demo_streams_clock__methods[2], (const ProtobufCMessage *)reply);
}

pyr_status demo_streams_clock_echo__next_request(
	pyr_call *call, const Demo__Streams__Tick__Detail **ret_request, pyr_error *err)
{
	const ProtobufCMessage *request;
	pyr_status status =
		pyr_stub_next_request(call, &demo_streams_clock__methods[3], &request, err);

	if (status == PYR_OK)
		*ret_request = (const Demo__Streams__Tick__Detail *)request;
	return status;
}

pyr_status demo_streams_clock_echo__observe_requests(
	pyr_call *call, demo_streams_clock_echo__on_request on_request, void *ctx, pyr_error *err)
{
	return pyr_stub_observe_requests(
		call, &demo_streams_clock__methods[3], (pyr_fn)on_request, ctx, err);
}

pyr_status demo_streams_clock_echo__send_reply(
	pyr_call *call, const Demo__Streams__Tick__Detail *message, pyr_error *err)
{
	return pyr_stub_send(
		call, &demo_streams_clock__methods[3], (const ProtobufCMessage *)message, err);
}
