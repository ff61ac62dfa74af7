/* Made by protoc-gen-pyrite from calculator.proto. Do not edit. */
#include "calculator.pyr.h"

PYR_BEGIN_DECLS
extern const pyr_file pyr_file__google_2fprotobuf_2fempty_2eproto;
extern const pyr_file pyr_file__pyrite_2foptions_2eproto;
PYR_END_DECLS

static const pyr_file *const pyr_file__calculator_2eproto__imports[] = {
	&pyr_file__google_2fprotobuf_2fempty_2eproto,
	&pyr_file__pyrite_2foptions_2eproto,
};

/* clang-format off */
static const uint8_t pyr_file__calculator_2eproto__descriptor[] = {
	0x0a, 0x10, 0x63, 0x61, 0x6c, 0x63, 0x75, 0x6c, 0x61, 0x74, 0x6f, 0x72, 0x2e, 0x70, 0x72, 0x6f,
	0x74, 0x6f, 0x12, 0x04, 0x64, 0x65, 0x6d, 0x6f, 0x1a, 0x1b, 0x67, 0x6f, 0x6f, 0x67, 0x6c, 0x65,
	0x2f, 0x70, 0x72, 0x6f, 0x74, 0x6f, 0x62, 0x75, 0x66, 0x2f, 0x65, 0x6d, 0x70, 0x74, 0x79, 0x2e,
	0x70, 0x72, 0x6f, 0x74, 0x6f, 0x1a, 0x14, 0x70, 0x79, 0x72, 0x69, 0x74, 0x65, 0x2f, 0x6f, 0x70,
	0x74, 0x69, 0x6f, 0x6e, 0x73, 0x2e, 0x70, 0x72, 0x6f, 0x74, 0x6f, 0x22, 0x28, 0x0a, 0x0a, 0x41,
	0x64, 0x64, 0x52, 0x65, 0x71, 0x75, 0x65, 0x73, 0x74, 0x12, 0x0c, 0x0a, 0x01, 0x61, 0x18, 0x01,
	0x20, 0x01, 0x28, 0x05, 0x52, 0x01, 0x61, 0x12, 0x0c, 0x0a, 0x01, 0x62, 0x18, 0x02, 0x20, 0x01,
	0x28, 0x05, 0x52, 0x01, 0x62, 0x22, 0x1c, 0x0a, 0x08, 0x41, 0x64, 0x64, 0x52, 0x65, 0x70, 0x6c,
	0x79, 0x12, 0x10, 0x0a, 0x03, 0x73, 0x75, 0x6d, 0x18, 0x01, 0x20, 0x01, 0x28, 0x03, 0x52, 0x03,
	0x73, 0x75, 0x6d, 0x32, 0xa5, 0x01, 0x0a, 0x0a, 0x43, 0x61, 0x6c, 0x63, 0x75, 0x6c, 0x61, 0x74,
	0x6f, 0x72, 0x12, 0x2c, 0x0a, 0x03, 0x41, 0x64, 0x64, 0x12, 0x10, 0x2e, 0x64, 0x65, 0x6d, 0x6f,
	0x2e, 0x41, 0x64, 0x64, 0x52, 0x65, 0x71, 0x75, 0x65, 0x73, 0x74, 0x1a, 0x0e, 0x2e, 0x64, 0x65,
	0x6d, 0x6f, 0x2e, 0x41, 0x64, 0x64, 0x52, 0x65, 0x70, 0x6c, 0x79, 0x22, 0x03, 0x90, 0x02, 0x01,
	0x12, 0x35, 0x0a, 0x03, 0x4c, 0x6f, 0x67, 0x12, 0x10, 0x2e, 0x64, 0x65, 0x6d, 0x6f, 0x2e, 0x41,
	0x64, 0x64, 0x52, 0x65, 0x71, 0x75, 0x65, 0x73, 0x74, 0x1a, 0x16, 0x2e, 0x67, 0x6f, 0x6f, 0x67,
	0x6c, 0x65, 0x2e, 0x70, 0x72, 0x6f, 0x74, 0x6f, 0x62, 0x75, 0x66, 0x2e, 0x45, 0x6d, 0x70, 0x74,
	0x79, 0x22, 0x04, 0xb0, 0xe6, 0x18, 0x01, 0x12, 0x32, 0x0a, 0x09, 0x41, 0x64, 0x64, 0x53, 0x6c,
	0x6f, 0x77, 0x6c, 0x79, 0x12, 0x10, 0x2e, 0x64, 0x65, 0x6d, 0x6f, 0x2e, 0x41, 0x64, 0x64, 0x52,
	0x65, 0x71, 0x75, 0x65, 0x73, 0x74, 0x1a, 0x0e, 0x2e, 0x64, 0x65, 0x6d, 0x6f, 0x2e, 0x41, 0x64,
	0x64, 0x52, 0x65, 0x70, 0x6c, 0x79, 0x22, 0x03, 0x88, 0x02, 0x01, 0x32, 0x09, 0x0a, 0x07, 0x4e,
	0x6f, 0x74, 0x68, 0x69, 0x6e, 0x67, 0x62, 0x06, 0x70, 0x72, 0x6f, 0x74, 0x6f, 0x33,
};
/* clang-format on */

const pyr_file pyr_file__calculator_2eproto = {
	PYR_STUB_ABI,
	sizeof(pyr_file),
	"calculator.proto",
	pyr_file__calculator_2eproto__descriptor,
	sizeof(pyr_file__calculator_2eproto__descriptor),
	pyr_file__calculator_2eproto__imports,
	2,
};

static bool demo_calculator_add__dispatch(
	const void *ops, void *self, pyr_call *call, const ProtobufCMessage *request)
{
	const demo_calculator_ops *table = (const demo_calculator_ops *)ops;

	if (!table->add)
		return false;
	(table->add)(self, call, (const Demo__AddRequest *)request);
	return true;
}

static void demo_calculator_add__deliver(pyr_fn fn, void *ctx, pyr_status status,
	const ProtobufCMessage *message, const pyr_error *err)
{
	((demo_calculator_add__on_reply)fn)(ctx, status, (const Demo__AddReply *)message, err);
}

static bool demo_calculator_log__dispatch(
	const void *ops, void *self, pyr_call *call, const ProtobufCMessage *request)
{
	const demo_calculator_ops *table = (const demo_calculator_ops *)ops;

	if (!table->log)
		return false;
	(table->log)(self, call, (const Demo__AddRequest *)request);
	return true;
}

static bool demo_calculator_add_slowly__dispatch(
	const void *ops, void *self, pyr_call *call, const ProtobufCMessage *request)
{
	const demo_calculator_ops *table = (const demo_calculator_ops *)ops;

	if (!table->add_slowly)
		return false;
	(table->add_slowly)(self, call, (const Demo__AddRequest *)request);
	return true;
}

static void demo_calculator_add_slowly__deliver(pyr_fn fn, void *ctx, pyr_status status,
	const ProtobufCMessage *message, const pyr_error *err)
{
	((demo_calculator_add_slowly__on_reply)fn)(
		ctx, status, (const Demo__AddReply *)message, err);
}

static const pyr_method demo_calculator__methods[] = {
	{
		"Add",
		&demo__add_request__descriptor,
		&demo__add_reply__descriptor,
		PYR_METHOD_IDEMPOTENT | PYR_METHOD_NO_SIDE_EFFECTS,
		demo_calculator_add__dispatch,
		demo_calculator_add__deliver,
		NULL,
	},
	{
		"Log",
		&demo__add_request__descriptor,
		&google__protobuf__empty__descriptor,
		PYR_METHOD_ONEWAY,
		demo_calculator_log__dispatch,
		NULL,
		NULL,
	},
	{
		"AddSlowly",
		&demo__add_request__descriptor,
		&demo__add_reply__descriptor,
		PYR_METHOD_DEPRECATED,
		demo_calculator_add_slowly__dispatch,
		demo_calculator_add_slowly__deliver,
		NULL,
	},
};

const pyr_interface demo_calculator__interface = {
	PYR_STUB_ABI,
	sizeof(pyr_interface),
	sizeof(pyr_method),
	3,
	"demo.Calculator",
	&pyr_file__calculator_2eproto,
	demo_calculator__methods,
};

pyr_status demo_calculator__open(pyr_context *context, const char *reference,
	const pyr_proxy_options *options, demo_calculator **ret_proxy, pyr_error *err)
{
	pyr_proxy *handle;
	pyr_status status = pyr_stub_open(
		context, &demo_calculator__interface, reference, options, &handle, err);

	if (status == PYR_OK)
		*ret_proxy = (demo_calculator *)handle;
	return status;
}

pyr_status demo_calculator__derive(demo_calculator *proxy, const pyr_proxy_options *options,
	demo_calculator **ret_proxy, pyr_error *err)
{
	pyr_proxy *handle;
	pyr_status status = pyr_proxy_derive((pyr_proxy *)proxy, options, &handle, err);

	if (status == PYR_OK)
		*ret_proxy = (demo_calculator *)handle;
	return status;
}

demo_calculator *demo_calculator__ref(demo_calculator *proxy)
{
	return (demo_calculator *)pyr_proxy_ref((pyr_proxy *)proxy);
}

void demo_calculator__close(demo_calculator *proxy)
{
	pyr_proxy_unref((pyr_proxy *)proxy);
}

pyr_proxy *demo_calculator__proxy(demo_calculator *proxy)
{
	return (pyr_proxy *)proxy;
}

pyr_status demo_calculator__accept(pyr_proxy *from, const Pyrite__Object *object,
	const pyr_proxy_options *options, demo_calculator **ret_proxy, pyr_error *err)
{
	pyr_proxy *handle;
	pyr_status status =
		pyr_stub_accept(from, &demo_calculator__interface, object, options, &handle, err);

	if (status == PYR_OK)
		*ret_proxy = (demo_calculator *)handle;
	return status;
}

pyr_status demo_calculator__accept_from(pyr_call *call, const Pyrite__Object *object,
	const pyr_proxy_options *options, demo_calculator **ret_proxy, pyr_error *err)
{
	pyr_proxy *handle;
	pyr_status status = pyr_stub_accept_from(
		call, &demo_calculator__interface, object, options, &handle, err);

	if (status == PYR_OK)
		*ret_proxy = (demo_calculator *)handle;
	return status;
}

pyr_status demo_calculator_add(demo_calculator *proxy, const Demo__AddRequest *request,
	Demo__AddReply **ret_reply, pyr_error *err)
{
	ProtobufCMessage *reply;
	pyr_status status = pyr_stub_call(
		(pyr_proxy *)proxy, 0, (const ProtobufCMessage *)request, &reply, err);

	if (status == PYR_OK)
		*ret_reply = (Demo__AddReply *)reply;
	return status;
}

pyr_status demo_calculator_add__invoke(demo_calculator *proxy, const Demo__AddRequest *request,
	demo_calculator_add__on_reply on_reply, void *ctx, pyr_pending **ret_pending,
	pyr_error *err)
{
	return pyr_stub_invoke((pyr_proxy *)proxy, 0, (const ProtobufCMessage *)request,
		(pyr_fn)on_reply, ctx, ret_pending, err);
}

pyr_status demo_calculator_add__batch(
	pyr_batch *batch, const Demo__AddRequest *request, pyr_error *err)
{
	return pyr_stub_batch(
		batch, &demo_calculator__methods[0], (const ProtobufCMessage *)request, err);
}

pyr_status demo_calculator_add__batched(
	const pyr_batch *batch, size_t index, Demo__AddReply **ret_reply, pyr_error *err)
{
	ProtobufCMessage *reply;
	pyr_status status =
		pyr_stub_batched(batch, &demo_calculator__methods[0], index, &reply, err);

	if (status == PYR_OK)
		*ret_reply = (Demo__AddReply *)reply;
	return status;
}

pyr_status demo_calculator_log(
	demo_calculator *proxy, const Demo__AddRequest *request, pyr_error *err)
{
	return pyr_stub_oneway((pyr_proxy *)proxy, 1, (const ProtobufCMessage *)request, err);
}

pyr_status demo_calculator_log__batch(
	pyr_batch *batch, const Demo__AddRequest *request, pyr_error *err)
{
	return pyr_stub_batch(
		batch, &demo_calculator__methods[1], (const ProtobufCMessage *)request, err);
}

pyr_status demo_calculator_add_slowly(demo_calculator *proxy, const Demo__AddRequest *request,
	Demo__AddReply **ret_reply, pyr_error *err)
{
	ProtobufCMessage *reply;
	pyr_status status = pyr_stub_call(
		(pyr_proxy *)proxy, 2, (const ProtobufCMessage *)request, &reply, err);

	if (status == PYR_OK)
		*ret_reply = (Demo__AddReply *)reply;
	return status;
}

pyr_status demo_calculator_add_slowly__invoke(demo_calculator *proxy,
	const Demo__AddRequest *request, demo_calculator_add_slowly__on_reply on_reply, void *ctx,
	pyr_pending **ret_pending, pyr_error *err)
{
	return pyr_stub_invoke((pyr_proxy *)proxy, 2, (const ProtobufCMessage *)request,
		(pyr_fn)on_reply, ctx, ret_pending, err);
}

pyr_status demo_calculator_add_slowly__batch(
	pyr_batch *batch, const Demo__AddRequest *request, pyr_error *err)
{
	return pyr_stub_batch(
		batch, &demo_calculator__methods[2], (const ProtobufCMessage *)request, err);
}

pyr_status demo_calculator_add_slowly__batched(
	const pyr_batch *batch, size_t index, Demo__AddReply **ret_reply, pyr_error *err)
{
	ProtobufCMessage *reply;
	pyr_status status =
		pyr_stub_batched(batch, &demo_calculator__methods[2], index, &reply, err);

	if (status == PYR_OK)
		*ret_reply = (Demo__AddReply *)reply;
	return status;
}

pyr_status demo_calculator__serve(pyr_daemon *daemon, const char *object,
	const demo_calculator_ops *ops, void *self, pyr_error *err)
{
	return pyr_stub_serve(daemon, object, &demo_calculator__interface, ops, self, err);
}

pyr_status demo_calculator__replace(pyr_daemon *daemon, const char *object,
	const demo_calculator_ops *ops, void *self, pyr_error *err)
{
	return pyr_stub_replace(daemon, object, &demo_calculator__interface, ops, self, err);
}

pyr_status demo_calculator__locate(pyr_daemon *daemon, const demo_calculator_ops *ops,
	const pyr_locator *locator, pyr_error *err)
{
	return pyr_stub_locate(daemon, &demo_calculator__interface, ops, locator, err);
}

pyr_status demo_calculator__lend(pyr_call *call, const demo_calculator_ops *ops, void *self,
	const pyr_lend_options *options, Pyrite__Object **ret_object, pyr_error *err)
{
	return pyr_stub_lend(
		call, &demo_calculator__interface, ops, self, options, ret_object, err);
}

pyr_status demo_calculator__lend_to(pyr_daemon *daemon, pyr_proxy *to,
	const demo_calculator_ops *ops, void *self, const pyr_lend_options *options,
	Pyrite__Object **ret_object, pyr_error *err)
{
	return pyr_stub_lend_to(
		daemon, to, &demo_calculator__interface, ops, self, options, ret_object, err);
}

pyr_status demo_calculator_add__reply(pyr_call *call, const Demo__AddReply *reply)
{
	return pyr_stub_reply(call, &demo_calculator__methods[0], (const ProtobufCMessage *)reply);
}

pyr_status demo_calculator_add_slowly__reply(pyr_call *call, const Demo__AddReply *reply)
{
	return pyr_stub_reply(call, &demo_calculator__methods[2], (const ProtobufCMessage *)reply);
}

const pyr_interface demo_nothing__interface = {
	PYR_STUB_ABI,
	sizeof(pyr_interface),
	sizeof(pyr_method),
	0,
	"demo.Nothing",
	&pyr_file__calculator_2eproto,
	NULL,
};

pyr_status demo_nothing__open(pyr_context *context, const char *reference,
	const pyr_proxy_options *options, demo_nothing **ret_proxy, pyr_error *err)
{
	pyr_proxy *handle;
	pyr_status status =
		pyr_stub_open(context, &demo_nothing__interface, reference, options, &handle, err);

	if (status == PYR_OK)
		*ret_proxy = (demo_nothing *)handle;
	return status;
}

pyr_status demo_nothing__derive(demo_nothing *proxy, const pyr_proxy_options *options,
	demo_nothing **ret_proxy, pyr_error *err)
{
	pyr_proxy *handle;
	pyr_status status = pyr_proxy_derive((pyr_proxy *)proxy, options, &handle, err);

	if (status == PYR_OK)
		*ret_proxy = (demo_nothing *)handle;
	return status;
}

demo_nothing *demo_nothing__ref(demo_nothing *proxy)
{
	return (demo_nothing *)pyr_proxy_ref((pyr_proxy *)proxy);
}

void demo_nothing__close(demo_nothing *proxy)
{
	pyr_proxy_unref((pyr_proxy *)proxy);
}

pyr_proxy *demo_nothing__proxy(demo_nothing *proxy)
{
	return (pyr_proxy *)proxy;
}

pyr_status demo_nothing__accept(pyr_proxy *from, const Pyrite__Object *object,
	const pyr_proxy_options *options, demo_nothing **ret_proxy, pyr_error *err)
{
	pyr_proxy *handle;
	pyr_status status =
		pyr_stub_accept(from, &demo_nothing__interface, object, options, &handle, err);

	if (status == PYR_OK)
		*ret_proxy = (demo_nothing *)handle;
	return status;
}

pyr_status demo_nothing__accept_from(pyr_call *call, const Pyrite__Object *object,
	const pyr_proxy_options *options, demo_nothing **ret_proxy, pyr_error *err)
{
	pyr_proxy *handle;
	pyr_status status =
		pyr_stub_accept_from(call, &demo_nothing__interface, object, options, &handle, err);

	if (status == PYR_OK)
		*ret_proxy = (demo_nothing *)handle;
	return status;
}

pyr_status demo_nothing__serve(pyr_daemon *daemon, const char *object, const demo_nothing_ops *ops,
	void *self, pyr_error *err)
{
	return pyr_stub_serve(daemon, object, &demo_nothing__interface, ops, self, err);
}

pyr_status demo_nothing__replace(pyr_daemon *daemon, const char *object,
	const demo_nothing_ops *ops, void *self, pyr_error *err)
{
	return pyr_stub_replace(daemon, object, &demo_nothing__interface, ops, self, err);
}

pyr_status demo_nothing__locate(
	pyr_daemon *daemon, const demo_nothing_ops *ops, const pyr_locator *locator, pyr_error *err)
{
	return pyr_stub_locate(daemon, &demo_nothing__interface, ops, locator, err);
}

pyr_status demo_nothing__lend(pyr_call *call, const demo_nothing_ops *ops, void *self,
	const pyr_lend_options *options, Pyrite__Object **ret_object, pyr_error *err)
{
	return pyr_stub_lend(call, &demo_nothing__interface, ops, self, options, ret_object, err);
}

pyr_status demo_nothing__lend_to(pyr_daemon *daemon, pyr_proxy *to, const demo_nothing_ops *ops,
	void *self, const pyr_lend_options *options, Pyrite__Object **ret_object, pyr_error *err)
{
	return pyr_stub_lend_to(
		daemon, to, &demo_nothing__interface, ops, self, options, ret_object, err);
}
