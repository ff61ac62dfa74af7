/* SPDX-License-Identifier: Apache-2.0 */
/* The functions and callback types that a service gets. */
#include "api.h"

#define LIST(...)                                                                                  \
	{                                                                                          \
		__VA_ARGS__, NULL                                                                  \
	}

bool gen_method_has_client_stream(const gen_method *method)
{
	return method->kind == GEN_CLIENT_STREAM || method->kind == GEN_BIDI_STREAM;
}

static bool has_stream(const gen_method *method)
{
	return method->kind == GEN_SERVER_STREAM || gen_method_has_client_stream(method);
}

/* "&demo_calculator__methods[2]" */
static const char *table_entry(gen_pool *pool, const gen_service *service, const gen_method *method)
{
	return gen_pool_printf(pool, "&%s__methods[%u]", service->prefix, method->index);
}

static const char *name(gen_pool *pool, const char *prefix, const char *suffix)
{
	return gen_pool_printf(pool, "%s%s", prefix, suffix);
}

static const char *request_parameter(gen_pool *pool, const gen_method *method)
{
	return gen_pool_printf(pool, "const %s *request", method->input->c_name);
}

static const char *handle_parameter(gen_pool *pool, const gen_service *service)
{
	return gen_pool_printf(pool, "%s *proxy", service->prefix);
}

/* What frees a reply: protoc-gen-c writes a function for messages that are not nested. */
static const char *free_function(gen_pool *pool, const gen_message *message)
{
	if (message->path.count > 2 || message->file->options.no_pack_helpers ||
		gen_options_no_pack_helpers(message->proto->options))
		return "protobuf_c_message_free_unpacked";
	return gen_pool_printf(pool, "%s__free_unpacked", message->lower);
}

/* A function that returns a status, which is to be looked at. */
static gen_member fallible(gen_function function)
{
	function.must_use = true;
	function.result = "pyr_status ";
	function.result_cast = "";
	return (gen_member){.function = function};
}

/* And has its result go out through the parameter `target`, of this type. */
static gen_member fallible_with(gen_pool *pool, gen_function function, const char *local_type,
	const char *local, const char *target, const char *type)
{
	function.local_type = local_type;
	function.local = local;
	function.assignment = gen_pool_printf(pool, "*%s = (%s)%s", target, type, local);
	return fallible(function);
}

static gen_member open_function(gen_pool *pool, const gen_service *service)
{
	return fallible_with(pool,
		(gen_function){
			.note = "A proxy for what reference says, without any I/O; options may be "
				"NULL. *ret_proxy "
				"is the caller's.",
			.name = name(pool, service->prefix, "__open"),
			.parameters = LIST("pyr_context *context", "const char *reference",
				"const pyr_proxy_options *options",
				gen_pool_printf(pool, "%s **ret_proxy", service->prefix),
				"pyr_error *err"),
			.callee = "pyr_stub_open",
			.arguments = LIST("context",
				gen_pool_printf(pool, "&%s__interface", service->prefix),
				"reference", "options", "&handle", "err"),
		},
		"pyr_proxy *", "handle", "ret_proxy",
		gen_pool_printf(pool, "%s *", service->prefix));
}

static gen_member derive_function(gen_pool *pool, const gen_service *service)
{
	return fallible_with(pool,
		(gen_function){
			.note = "The same object over the same connection with other options.",
			.name = name(pool, service->prefix, "__derive"),
			.parameters = LIST(handle_parameter(pool, service),
				"const pyr_proxy_options *options",
				gen_pool_printf(pool, "%s **ret_proxy", service->prefix),
				"pyr_error *err"),
			.callee = "pyr_proxy_derive",
			.arguments = LIST("(pyr_proxy *)proxy", "options", "&handle", "err"),
		},
		"pyr_proxy *", "handle", "ret_proxy",
		gen_pool_printf(pool, "%s *", service->prefix));
}

static gen_member ref_function(gen_pool *pool, const gen_service *service)
{
	return (gen_member){
		.function = {
			.note = "One more reference; returns proxy. __close() gives one back.",
			.result = gen_pool_printf(pool, "%s *", service->prefix),
			.name = name(pool, service->prefix, "__ref"),
			.parameters = LIST(handle_parameter(pool, service)),
			.result_cast = gen_pool_printf(pool, "(%s *)", service->prefix),
			.callee = "pyr_proxy_ref",
			.arguments = LIST("(pyr_proxy *)proxy"),
		}};
}

static gen_member proxy_function(gen_pool *pool, const gen_service *service)
{
	return (gen_member){.function = {
				    .note = "The same handle for the functions of pyrite/proxy.h; "
					    "no further reference.",
				    .result = "pyr_proxy *",
				    .name = name(pool, service->prefix, "__proxy"),
				    .parameters = LIST(handle_parameter(pool, service)),
				    .result_cast = "(pyr_proxy *)proxy",
			    }};
}

static gen_member close_function(gen_pool *pool, const gen_service *service)
{
	return (gen_member){.function = {
				    .note = "Gives a reference back. NULL is ignored.",
				    .result = "void ",
				    .name = name(pool, service->prefix, "__close"),
				    .parameters = LIST(handle_parameter(pool, service)),
				    .callee = "pyr_proxy_unref",
				    .arguments = LIST("(pyr_proxy *)proxy"),
			    }};
}

static gen_member serve_function(gen_pool *pool, const gen_service *service, const char *suffix,
	const char *callee, const char *note)
{
	return fallible((gen_function){
		.note = note,
		.name = name(pool, service->prefix, suffix),
		.parameters = LIST("pyr_daemon *daemon", "const char *object",
			gen_pool_printf(pool, "const %s_ops *ops", service->prefix), "void *self",
			"pyr_error *err"),
		.callee = callee,
		.arguments = LIST("daemon", "object",
			gen_pool_printf(pool, "&%s__interface", service->prefix), "ops", "self",
			"err"),
	});
}

static gen_member locate_function(gen_pool *pool, const gen_service *service)
{
	return fallible((gen_function){
		.note = "Objects are made by the locator when they are called. ops is "
			"borrowed "
			"for as long as the daemon lives.",
		.name = name(pool, service->prefix, "__locate"),
		.parameters = LIST("pyr_daemon *daemon",
			gen_pool_printf(pool, "const %s_ops *ops", service->prefix),
			"const pyr_locator *locator", "pyr_error *err"),
		.callee = "pyr_stub_locate",
		.arguments =
			LIST("daemon", gen_pool_printf(pool, "&%s__interface", service->prefix),
				"ops", "locator", "err"),
	});
}

static gen_member lend_function(gen_pool *pool, const gen_service *service)
{
	return fallible((gen_function){
		.note = "A new object for the caller, for as long as somebody holds it; "
			"options may be NULL. *ret_object lives as long as the call. See "
			"<pyrite/object.h>.",
		.name = name(pool, service->prefix, "__lend"),
		.parameters = LIST("pyr_call *call",
			gen_pool_printf(pool, "const %s_ops *ops", service->prefix), "void *self",
			"const pyr_lend_options *options", "Pyrite__Object **ret_object",
			"pyr_error *err"),
		.callee = "pyr_stub_lend",
		.arguments = LIST("call", gen_pool_printf(pool, "&%s__interface", service->prefix),
			"ops", "self", "options", "ret_object", "err"),
	});
}

static gen_member lend_to_function(gen_pool *pool, const gen_service *service)
{
	return fallible((gen_function){
		.note = "The same in a daemon of this program for the daemon behind the "
			"proxy. *ret_object is the caller's: free it with "
			"pyrite__object__free_unpacked().",
		.name = name(pool, service->prefix, "__lend_to"),
		.parameters = LIST("pyr_daemon *daemon", "pyr_proxy *to",
			gen_pool_printf(pool, "const %s_ops *ops", service->prefix), "void *self",
			"const pyr_lend_options *options", "Pyrite__Object **ret_object",
			"pyr_error *err"),
		.callee = "pyr_stub_lend_to",
		.arguments = LIST("daemon", "to",
			gen_pool_printf(pool, "&%s__interface", service->prefix), "ops", "self",
			"options", "ret_object", "err"),
	});
}

static gen_member accept_function(gen_pool *pool, const gen_service *service, const char *suffix,
	const char *from, const char *argument, const char *callee, const char *note)
{
	return fallible_with(pool,
		(gen_function){
			.note = note,
			.name = name(pool, service->prefix, suffix),
			.parameters = LIST(from, "const Pyrite__Object *object",
				"const pyr_proxy_options *options",
				gen_pool_printf(pool, "%s **ret_proxy", service->prefix),
				"pyr_error *err"),
			.callee = callee,
			.arguments = LIST(argument,
				gen_pool_printf(pool, "&%s__interface", service->prefix), "object",
				"options", "&handle", "err"),
		},
		"pyr_proxy *", "handle", "ret_proxy",
		gen_pool_printf(pool, "%s *", service->prefix));
}

size_t gen_api_of_service(
	gen_pool *pool, const gen_service *service, gen_side side, gen_member *members)
{
	if (side == GEN_SERVER) {
		members[0] = serve_function(pool, service, "__serve", "pyr_stub_serve",
			"Registers an object. ops and self are borrowed for as long as it is "
			"registered; a function that is NULL answers UNIMPLEMENTED.");
		members[1] = serve_function(pool, service, "__replace", "pyr_stub_replace",
			"The same, in the place of the object with this id, if there is one: calls "
			"that run finish on that.");
		members[2] = locate_function(pool, service);
		members[3] = lend_function(pool, service);
		members[4] = lend_to_function(pool, service);
		return 5;
	}
	members[0] = open_function(pool, service);
	members[1] = derive_function(pool, service);
	members[2] = ref_function(pool, service);
	members[3] = close_function(pool, service);
	members[4] = proxy_function(pool, service);
	members[5] = accept_function(pool, service, "__accept", "pyr_proxy *from", "from",
		"pyr_stub_accept",
		"A proxy of an object that came in an answer of the proxy `from`. *ret_proxy is "
		"the caller's; as long as it lives, its object is held.");
	members[6] = accept_function(pool, service, "__accept_from", "pyr_call *call", "call",
		"pyr_stub_accept_from", "The same of an object that came in a request.");
	return 7;
}

const char *gen_api_callback(gen_pool *pool, const gen_method *method, gen_side side)
{
	if (side == GEN_SERVER)
		return name(pool, method->prefix, "__on_request");
	return name(pool, method->prefix, has_stream(method) ? "__on_message" : "__on_reply");
}

static gen_member client_callback(gen_pool *pool, const gen_method *method)
{
	const char *argument = has_stream(method) ? "message" : "reply";

	return (gen_member){
		.callback = {
			.note = has_stream(method)
					? "message is borrowed; NULL after the last one, with the "
					  "call's status."
					: "reply is borrowed, and NULL unless status is PYR_OK.",
			.name = gen_api_callback(pool, method, GEN_CLIENT),
			.parameters = LIST("void *ctx", "pyr_status status",
				gen_pool_printf(
					pool, "const %s *%s", method->output->c_name, argument),
				"const pyr_error *err"),
		}};
}

static gen_member unary_function(
	gen_pool *pool, const gen_service *service, const gen_method *method)
{
	return fallible_with(pool,
		(gen_function){
			.note = gen_pool_printf(pool,
				"Waits for the reply, which is the caller's: free it with %s().",
				free_function(pool, method->output)),
			.name = method->prefix,
			.parameters = LIST(handle_parameter(pool, service),
				request_parameter(pool, method),
				gen_pool_printf(pool, "%s **ret_reply", method->output->c_name),
				"pyr_error *err"),
			.callee = "pyr_stub_call",
			.arguments = LIST("(pyr_proxy *)proxy",
				gen_pool_printf(pool, "%u", method->index),
				"(const ProtobufCMessage *)request", "&reply", "err"),
		},
		"ProtobufCMessage *", "reply", "ret_reply",
		gen_pool_printf(pool, "%s *", method->output->c_name));
}

static gen_member invoke_function(
	gen_pool *pool, const gen_service *service, const gen_method *method)
{
	return fallible((gen_function){
		.note = "Does not wait: on_reply runs once, unless this returns an error. "
			"*ret_pending is the caller's to give back with "
			"pyr_pending_unref().",
		.name = name(pool, method->prefix, "__invoke"),
		.parameters = LIST(handle_parameter(pool, service), request_parameter(pool, method),
			gen_pool_printf(
				pool, "%s on_reply", gen_api_callback(pool, method, GEN_CLIENT)),
			"void *ctx", "pyr_pending **ret_pending", "pyr_error *err"),
		.callee = "pyr_stub_invoke",
		.arguments = LIST("(pyr_proxy *)proxy", gen_pool_printf(pool, "%u", method->index),
			"(const ProtobufCMessage *)request", "(pyr_fn)on_reply", "ctx",
			"ret_pending", "err"),
	});
}

static gen_member batch_function(
	gen_pool *pool, const gen_service *service, const gen_method *method)
{
	return fallible((gen_function){
		.note = "Adds a call to the batch, packed before this returns.",
		.name = name(pool, method->prefix, "__batch"),
		.parameters =
			LIST("pyr_batch *batch", request_parameter(pool, method), "pyr_error *err"),
		.callee = "pyr_stub_batch",
		.arguments = LIST("batch", table_entry(pool, service, method),
			"(const ProtobufCMessage *)request", "err"),
	});
}

static gen_member batched_function(
	gen_pool *pool, const gen_service *service, const gen_method *method)
{
	return fallible_with(pool,
		(gen_function){
			.note = gen_pool_printf(pool,
				"The reply of the call number index, 0 the first, of a batch that "
				"was "
				"run. It is the caller's: free it with %s().",
				free_function(pool, method->output)),
			.name = name(pool, method->prefix, "__batched"),
			.parameters = LIST("const pyr_batch *batch", "size_t index",
				gen_pool_printf(pool, "%s **ret_reply", method->output->c_name),
				"pyr_error *err"),
			.callee = "pyr_stub_batched",
			.arguments = LIST("batch", table_entry(pool, service, method), "index",
				"&reply", "err"),
		},
		"ProtobufCMessage *", "reply", "ret_reply",
		gen_pool_printf(pool, "%s *", method->output->c_name));
}

static gen_member oneway_function(
	gen_pool *pool, const gen_service *service, const gen_method *method)
{
	return fallible((gen_function){
		.note = "Oneway: there is no reply, and nobody tells whether it ran.",
		.name = method->prefix,
		.parameters = LIST(handle_parameter(pool, service), request_parameter(pool, method),
			"pyr_error *err"),
		.callee = "pyr_stub_oneway",
		.arguments = LIST("(pyr_proxy *)proxy", gen_pool_printf(pool, "%u", method->index),
			"(const ProtobufCMessage *)request", "err"),
	});
}

static gen_member stream_function(
	gen_pool *pool, const gen_service *service, const gen_method *method)
{
	gen_member member = fallible((gen_function){
		.note = "Opens the stream, which is the caller's: give it "
			"back with pyr_stream_close().",
		.name = method->prefix,
		.callee = "pyr_stub_stream",
		.arguments = LIST("(pyr_proxy *)proxy", gen_pool_printf(pool, "%u", method->index),
			"NULL", "ret_stream", "err"),
	});
	const char **parameter = member.function.parameters;

	*parameter++ = handle_parameter(pool, service);
	if (method->kind == GEN_SERVER_STREAM) {
		*parameter++ = request_parameter(pool, method);
		member.function.arguments[2] = "(const ProtobufCMessage *)request";
	}
	*parameter++ = "pyr_stream **ret_stream";
	*parameter = "pyr_error *err";
	return member;
}

static gen_member stream_send_function(
	gen_pool *pool, const gen_service *service, const gen_method *method)
{
	return fallible((gen_function){
		.note = "Sends one message, packed before this returns. pyr_stream_end() "
			"follows the last.",
		.name = name(pool, method->prefix, "__send"),
		.parameters = LIST("pyr_stream *stream",
			gen_pool_printf(pool, "const %s *message", method->input->c_name),
			"pyr_error *err"),
		.callee = "pyr_stub_stream_send",
		.arguments = LIST("stream", table_entry(pool, service, method),
			"(const ProtobufCMessage *)message", "err"),
	});
}

static gen_member stream_next_function(
	gen_pool *pool, const gen_service *service, const gen_method *method)
{
	return fallible_with(pool,
		(gen_function){
			.note = "Waits for the next message; NULL after the last one. Borrowed "
				"until the next call of "
				"this or the stream's close.",
			.name = name(pool, method->prefix, "__next"),
			.parameters = LIST("pyr_stream *stream",
				gen_pool_printf(
					pool, "const %s **ret_message", method->output->c_name),
				"pyr_error *err"),
			.callee = "pyr_stub_stream_next",
			.arguments = LIST(
				"stream", table_entry(pool, service, method), "&message", "err"),
		},
		"const ProtobufCMessage *", "message", "ret_message",
		gen_pool_printf(pool, "const %s *", method->output->c_name));
}

static gen_member stream_observe_function(
	gen_pool *pool, const gen_service *service, const gen_method *method)
{
	return fallible((gen_function){
		.note = "Runs on_message for every message instead.",
		.name = name(pool, method->prefix, "__observe"),
		.parameters = LIST("pyr_stream *stream",
			gen_pool_printf(
				pool, "%s on_message", gen_api_callback(pool, method, GEN_CLIENT)),
			"void *ctx", "pyr_error *err"),
		.callee = "pyr_stub_stream_observe",
		.arguments = LIST("stream", table_entry(pool, service, method),
			"(pyr_fn)on_message", "ctx", "err"),
	});
}

static gen_member reply_function(
	gen_pool *pool, const gen_service *service, const gen_method *method)
{
	return (gen_member){
		.function = {
			.note = "Answers the call and ends it. reply is packed before this "
				"returns.",
			.result = "pyr_status ",
			.name = name(pool, method->prefix, "__reply"),
			.parameters = LIST("pyr_call *call",
				gen_pool_printf(pool, "const %s *reply", method->output->c_name)),
			.result_cast = "",
			.callee = "pyr_stub_reply",
			.arguments = LIST("call", table_entry(pool, service, method),
				"(const ProtobufCMessage *)reply"),
		}};
}

static gen_member send_reply_function(
	gen_pool *pool, const gen_service *service, const gen_method *method)
{
	return fallible((gen_function){
		.note = "Sends one message. pyr_call_end() or pyr_call_fail() follows the "
			"last.",
		.name = name(pool, method->prefix, "__send_reply"),
		.parameters = LIST("pyr_call *call",
			gen_pool_printf(pool, "const %s *message", method->output->c_name),
			"pyr_error *err"),
		.callee = "pyr_stub_send",
		.arguments = LIST("call", table_entry(pool, service, method),
			"(const ProtobufCMessage *)message", "err"),
	});
}

static gen_member next_request_function(
	gen_pool *pool, const gen_service *service, const gen_method *method)
{
	return fallible_with(pool,
		(gen_function){
			.note = "Waits for the client's next message; NULL after the last one. "
				"Borrowed until the next call of this or the end of the call. "
				"FAILED_PRECONDITION once the call has been answered.",
			.name = name(pool, method->prefix, "__next_request"),
			.parameters = LIST("pyr_call *call",
				gen_pool_printf(
					pool, "const %s **ret_request", method->input->c_name),
				"pyr_error *err"),
			.callee = "pyr_stub_next_request",
			.arguments =
				LIST("call", table_entry(pool, service, method), "&request", "err"),
		},
		"const ProtobufCMessage *", "request", "ret_request",
		gen_pool_printf(pool, "const %s *", method->input->c_name));
}

static gen_member request_callback(gen_pool *pool, const gen_method *method)
{
	return (gen_member){
		.callback = {
			.note = "request is borrowed; NULL after the last one. Not called any "
				"more after an answer that was given in it.",
			.name = gen_api_callback(pool, method, GEN_SERVER),
			.parameters = LIST("void *ctx", "pyr_call *call", "pyr_status status",
				gen_pool_printf(pool, "const %s *request", method->input->c_name)),
		}};
}

static gen_member observe_requests_function(
	gen_pool *pool, const gen_service *service, const gen_method *method)
{
	return fallible((gen_function){
		.note = "Runs on_request for every message instead.",
		.name = name(pool, method->prefix, "__observe_requests"),
		.parameters = LIST("pyr_call *call",
			gen_pool_printf(
				pool, "%s on_request", gen_api_callback(pool, method, GEN_SERVER)),
			"void *ctx", "pyr_error *err"),
		.callee = "pyr_stub_observe_requests",
		.arguments = LIST("call", table_entry(pool, service, method), "(pyr_fn)on_request",
			"ctx", "err"),
	});
}

static size_t client_members(
	gen_pool *pool, const gen_service *service, const gen_method *method, gen_member *members)
{
	size_t count = 0;

	switch (method->kind) {
	case GEN_ONEWAY:
		members[count++] = oneway_function(pool, service, method);
		members[count++] = batch_function(pool, service, method);
		break;
	case GEN_UNARY:
		members[count++] = unary_function(pool, service, method);
		members[count++] = client_callback(pool, method);
		members[count++] = invoke_function(pool, service, method);
		members[count++] = batch_function(pool, service, method);
		members[count++] = batched_function(pool, service, method);
		break;
	case GEN_CLIENT_STREAM:
	case GEN_BIDI_STREAM:
	case GEN_SERVER_STREAM:
		members[count++] = stream_function(pool, service, method);
		if (gen_method_has_client_stream(method))
			members[count++] = stream_send_function(pool, service, method);
		members[count++] = stream_next_function(pool, service, method);
		members[count++] = client_callback(pool, method);
		members[count++] = stream_observe_function(pool, service, method);
		break;
	}
	return count;
}

static size_t server_members(
	gen_pool *pool, const gen_service *service, const gen_method *method, gen_member *members)
{
	size_t count = 0;

	if (gen_method_has_client_stream(method)) {
		members[count++] = next_request_function(pool, service, method);
		members[count++] = request_callback(pool, method);
		members[count++] = observe_requests_function(pool, service, method);
	}
	if (method->kind == GEN_UNARY || method->kind == GEN_CLIENT_STREAM)
		members[count++] = reply_function(pool, service, method);
	if (method->kind == GEN_SERVER_STREAM || method->kind == GEN_BIDI_STREAM)
		members[count++] = send_reply_function(pool, service, method);
	return count;
}

size_t gen_api_of_method(gen_pool *pool, const gen_service *service, const gen_method *method,
	gen_side side, gen_member *members)
{
	return side == GEN_CLIENT ? client_members(pool, service, method, members)
				  : server_members(pool, service, method, members);
}
