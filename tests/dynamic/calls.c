/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of all kinds between a servant and a proxy that are both made at run time; reflection and
 * health checking, which every daemon has. */
#include <criterion/criterion.h>
#include <grpc/health/v1/health.pyr.h>
#include <grpc/reflection/v1/reflection.pyr.h>
#include <pyrite/pyrite.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "descriptors.h"
#include "kinds.h"
#include "leaks.h"

typedef struct rig {
	int descriptors;
	pyr_context *context;
	pyr_daemon *daemon;
	pyr_pool *pool;  /* the servant's */
	pyr_pool *asked; /* what reflection said */
	char **names;
	const pyr_interface *kinds; /* of asked */
	char directory[32];
	char endpoint[64];
	char reference[PYR_REFERENCE_MAX];
	pyr_proxy *proxy;
	pyr_error err;
} rig;

#define assert_ok(r, status)                                                                       \
	do {                                                                                       \
		pyr_status got_status = (status);                                                  \
		cr_assert(got_status == PYR_OK, "%s: %s", pyr_status_name(got_status),             \
			(r)->err.message);                                                         \
	} while (0)

static void begin(rig *r, pyr_daemon_options options)
{
	memset(r, 0, sizeof *r);
	r->descriptors = descriptors();
	strcpy(r->directory, "/tmp/pyrite-dyn-XXXXXX");
	cr_assert(mkdtemp(r->directory));
	snprintf(r->endpoint, sizeof r->endpoint, "unix:%s/socket", r->directory);
	assert_ok(r, pyr_context_new(NULL, &r->context, &r->err));
	options.context = r->context;
	options.workers = 2;
	assert_ok(r, pyr_daemon_new(&options, &r->daemon, &r->err));
	r->pool = kinds_pool(KINDS_SET);
	assert_ok(r, kinds_serve(r->daemon, r->pool, &r->err));
	assert_ok(r, pyr_daemon_listen(r->daemon, r->endpoint, NULL, &r->err));
	assert_ok(r, pyr_daemon_reference(
			     r->daemon, "kinds", 0, r->reference, sizeof r->reference, &r->err));
	assert_ok(r, pyr_daemon_start(r->daemon, &r->err));
}

static void ask(rig *r)
{
	r->asked = pyr_pool_new(NULL);
	assert_ok(r,
		pyr_pool_ask(r->asked, r->context, r->reference, NULL, NULL, &r->names, &r->err));
	r->kinds = pyr_pool_interface(r->asked, "kinds.Kinds");
	cr_assert(r->kinds);
	assert_ok(r, pyr_stub_open(r->context, r->kinds, r->reference, NULL, &r->proxy, &r->err));
}

static void end(rig *r)
{
	pyr_proxy_unref(r->proxy);
	pyr_daemon_stop(r->daemon, 0);
	pyr_daemon_free(r->daemon);
	pyr_context_free(r->context);
	pyr_pool_free(r->pool);
	pyr_pool_free(r->asked);
	free(r->names);
	rmdir(r->directory);
	CHECK_DESCRIPTORS(r->descriptors);
	CHECK_LEAKS();
}

Test(calls, unary)
{
	rig r;
	begin(&r, (pyr_daemon_options)PYR_DAEMON_OPTIONS_INIT);
	ask(&r);
	cr_assert(r.kinds->methods[0].flags & PYR_METHOD_IDEMPOTENT);
	ProtobufCMessage *request = kinds_number(r.asked, 41), *reply;
	assert_ok(&r, pyr_stub_call(r.proxy, 0, request, &reply, &r.err));
	cr_assert(kinds_value(reply) == 42);
	protobuf_c_message_free_unpacked(request, NULL);
	protobuf_c_message_free_unpacked(reply, NULL);
	end(&r);
}

static pyr_stream *open_stream(rig *r, uint32_t method, int64_t value)
{
	pyr_stream *stream;
	ProtobufCMessage *request = kinds_number(r->asked, value);
	bool sends = r->kinds->methods[method].flags & PYR_METHOD_CLIENT_STREAM;
	assert_ok(r, pyr_stub_stream(r->proxy, method, sends ? NULL : request, &stream, &r->err));
	protobuf_c_message_free_unpacked(request, NULL);
	return stream;
}

static void send_value(rig *r, pyr_stream *stream, uint32_t method, int64_t value)
{
	ProtobufCMessage *message = kinds_number(r->asked, value);
	assert_ok(r, pyr_stub_stream_send(stream, &r->kinds->methods[method], message, &r->err));
	protobuf_c_message_free_unpacked(message, NULL);
}

/* -1 at the end */
static int64_t next_value(rig *r, pyr_stream *stream, uint32_t method)
{
	const ProtobufCMessage *message;
	assert_ok(r, pyr_stub_stream_next(stream, &r->kinds->methods[method], &message, &r->err));
	return message ? kinds_value(message) : -1;
}

Test(calls, streams_of_all_kinds)
{
	rig r;
	begin(&r, (pyr_daemon_options)PYR_DAEMON_OPTIONS_INIT);
	ask(&r);
	pyr_stream *stream = open_stream(&r, 1, 1000);
	for (int64_t i = 1; i <= 1000; i++)
		cr_assert(next_value(&r, stream, 1) == i);
	cr_assert(next_value(&r, stream, 1) == -1);
	pyr_stream_close(stream);
	stream = open_stream(&r, 2, 0);
	for (int64_t i = 1; i <= 100; i++)
		send_value(&r, stream, 2, i);
	assert_ok(&r, pyr_stream_end(stream, &r.err));
	cr_assert(next_value(&r, stream, 2) == 5050);
	cr_assert(next_value(&r, stream, 2) == -1);
	pyr_stream_close(stream);
	stream = open_stream(&r, 3, 0);
	for (int64_t i = 1; i <= 100; i++) {
		send_value(&r, stream, 3, i);
		cr_assert(next_value(&r, stream, 3) == 2 * i);
	}
	send_value(&r, stream, 3, 0);
	cr_assert(next_value(&r, stream, 3) == -1);
	pyr_stream_close(stream);
	end(&r);
}

Test(reflection, names_every_interface_and_finds_a_symbol_alone)
{
	rig r;
	begin(&r, (pyr_daemon_options)PYR_DAEMON_OPTIONS_INIT);
	ask(&r);
	size_t count = 0;
	bool found = false;
	for (; r.names[count]; count++)
		found = found || strcmp(r.names[count], "kinds.Kinds") == 0;
	cr_assert(found && count == 7, "%zu interfaces", count);
	cr_assert(pyr_pool_message(r.asked, "google.protobuf.Timestamp"));
	pyr_pool *one = pyr_pool_new(NULL);
	assert_ok(
		&r, pyr_pool_ask(one, r.context, r.reference, NULL, "kinds.Number", NULL, &r.err));
	cr_assert(pyr_pool_message(one, "kinds.Number"));
	cr_assert(!pyr_pool_message(one, "grpc.health.v1.HealthCheckRequest"));
	cr_assert(pyr_pool_ask(one, r.context, r.reference, NULL, "kinds.Nothing", NULL, &r.err) ==
		  PYR_NOT_FOUND);
	cr_assert(strstr(r.err.message, "kinds.Nothing"), "%s", r.err.message);
	pyr_pool_free(one);
	end(&r);
}

Test(reflection, can_be_turned_off)
{
	rig r;
	pyr_daemon_options options = PYR_DAEMON_OPTIONS_INIT;
	options.no_reflection = options.no_health = true;
	begin(&r, options);
	r.asked = pyr_pool_new(NULL);
	cr_assert(pyr_pool_ask(r.asked, r.context, r.reference, NULL, NULL, NULL, &r.err) ==
		  PYR_UNIMPLEMENTED);
	cr_assert(pyr_daemon_set_serving(r.daemon, "", false, &r.err) == PYR_FAILED_PRECONDITION);
	end(&r);
}

/* A caller that asks without end and reads nothing is told so, and costs no memory. */
Test(reflection, refuses_questions_without_end)
{
	rig r;
	begin(&r, (pyr_daemon_options)PYR_DAEMON_OPTIONS_INIT);
	grpc_reflection_v1_server_reflection *proxy;
	pyr_stream *stream;
	assert_ok(&r, grpc_reflection_v1_server_reflection__open(
			      r.context, r.reference, NULL, &proxy, &r.err));
	assert_ok(&r, grpc_reflection_v1_server_reflection_server_reflection_info(
			      proxy, &stream, &r.err));
	Grpc__Reflection__V1__ServerReflectionRequest question =
		GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
	question.message_request_case =
		GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME;
	question.file_by_filename = "google/protobuf/timestamp.proto";
	pyr_status status = PYR_OK;
	for (int i = 0; i < 100000 && status == PYR_OK; i++)
		status = grpc_reflection_v1_server_reflection_server_reflection_info__send(
			stream, &question, &r.err);
	cr_assert(status != PYR_OK, "100,000 questions were taken");
	const Grpc__Reflection__V1__ServerReflectionResponse *answer;
	do
		status = grpc_reflection_v1_server_reflection_server_reflection_info__next(
			stream, &answer, &r.err);
	while (status == PYR_OK && answer);
	cr_assert(status == PYR_RESOURCE_EXHAUSTED, "%s", pyr_status_name(status));
	pyr_stream_close(stream);
	grpc_reflection_v1_server_reflection__close(proxy);
	end(&r);
}

typedef Grpc__Health__V1__HealthCheckResponse health;

#define HEALTH(name) GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__##name

static int next_health(rig *r, pyr_stream *stream)
{
	const health *message;
	assert_ok(r, grpc_health_v1_health_watch__next(stream, &message, &r->err));
	return message ? (int)message->status : -1;
}

Test(health, is_checked_and_watched)
{
	rig r;
	begin(&r, (pyr_daemon_options)PYR_DAEMON_OPTIONS_INIT);
	grpc_health_v1_health *proxy;
	assert_ok(&r, grpc_health_v1_health__open(r.context, r.reference, NULL, &proxy, &r.err));
	Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
	health *reply;
	assert_ok(&r, grpc_health_v1_health_check(proxy, &request, &reply, &r.err));
	cr_assert(reply->status == HEALTH(SERVING));
	grpc__health__v1__health_check_response__free_unpacked(reply, NULL);
	request.service = "kinds.Nothing";
	cr_assert(grpc_health_v1_health_check(proxy, &request, &reply, &r.err) == PYR_NOT_FOUND);
	pyr_stream *unknown, *stream;
	assert_ok(&r, grpc_health_v1_health_watch(proxy, &request, &unknown, &r.err));
	cr_assert(next_health(&r, unknown) == HEALTH(SERVICE_UNKNOWN));
	request.service = "kinds.Kinds";
	assert_ok(&r, grpc_health_v1_health_watch(proxy, &request, &stream, &r.err));
	cr_assert(next_health(&r, stream) == HEALTH(SERVING));
	assert_ok(&r, pyr_daemon_set_serving(r.daemon, "kinds.Kinds", false, &r.err));
	cr_assert(next_health(&r, stream) == HEALTH(NOT_SERVING));
	assert_ok(&r, pyr_daemon_set_serving(r.daemon, "kinds.Kinds", true, &r.err));
	cr_assert(next_health(&r, stream) == HEALTH(SERVING));
	assert_ok(&r, pyr_daemon_set_serving(r.daemon, "kinds.Nothing", true, &r.err));
	cr_assert(next_health(&r, unknown) == HEALTH(SERVING));
	pyr_stream_close(unknown);        /* the servant forgets it */
	pyr_daemon_stop(r.daemon, 10000); /* does not wait for who watches */
	cr_assert(next_health(&r, stream) == HEALTH(NOT_SERVING));
	const health *message;
	cr_assert(grpc_health_v1_health_watch__next(stream, &message, &r.err) == PYR_UNAVAILABLE);
	pyr_stream_close(stream);
	grpc_health_v1_health__close(proxy);
	end(&r);
}

Test(health, of_ones_own_needs_the_option)
{
	rig r;
	static const grpc_health_v1_health_ops ops;
	pyr_interface twin = grpc_health_v1_health__interface;
	begin(&r, (pyr_daemon_options)PYR_DAEMON_OPTIONS_INIT);
	cr_assert(
		pyr_stub_serve(r.daemon, "mine", &twin, &ops, NULL, &r.err) == PYR_ALREADY_EXISTS);
	cr_assert(strstr(r.err.message, "itself"), "%s", r.err.message);
	end(&r);
}
