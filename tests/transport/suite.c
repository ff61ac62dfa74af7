/* SPDX-License-Identifier: Apache-2.0 */
/* What every test of the suite begins and ends with. */
#include "transport/suite.h"

#include <event2/event.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "threads.h"

pyr_status suite_listen_unix(pyr_daemon *daemon, pyr_error *err)
{
	static atomic_int daemons;
	char endpoint[64];
	snprintf(endpoint, sizeof endpoint, "unix:@pyrite-suite-%ld-%d", (long)getpid(),
		atomic_fetch_add(&daemons, 1));
	return pyr_daemon_listen(daemon, endpoint, NULL, err);
}

pyr_status suite_refer_first(
	pyr_daemon *daemon, const char *object, char *ret_reference, pyr_error *err)
{
	return pyr_daemon_reference(daemon, object, 0, ret_reference, PYR_REFERENCE_MAX, err);
}

pyr_status suite_refer_grpc(
	pyr_daemon *daemon, const char *object, char *ret_reference, pyr_error *err)
{
	char native[PYR_REFERENCE_MAX];
	pyr_status status = suite_refer_first(daemon, object, native, err);
	if (status)
		return status;
	int size = snprintf(ret_reference, PYR_REFERENCE_MAX, "grpc:%s", native + strlen("pyr:"));
	cr_assert_lt(size, PYR_REFERENCE_MAX);
	return PYR_OK;
}

static pyr_context *new_context(const pyr_context_options *given)
{
	pyr_error err;
	pyr_context *context;
	pyr_context_options options = *given;
	options.size = sizeof options;
	if (!options.connect_timeout_ms)
		options.connect_timeout_ms = suite_under_test.differs.connect_timeout_ms;
	if (suite_under_test.credentials)
		options.credentials = suite_under_test.credentials();
	CHECK_OK(pyr_context_new(&options, &context, &err));
	pyr_credentials_unref(options.credentials);
	return context;
}

pyr_context *suite_new_context(void)
{
	pyr_context_options options = PYR_CONTEXT_OPTIONS_INIT;
	return new_context(&options);
}

pyr_daemon *suite_new_daemon(suite *s, const suite_config *config)
{
	pyr_error err;
	pyr_daemon *daemon;
	pyr_daemon_options options = config->daemon;
	options.size = sizeof options;
	options.context = s->host_context;
	if (config->undispatched)
		options.base = s->base = event_base_new();
	CHECK_OK(pyr_daemon_new(&options, &daemon, &err));
	CHECK_OK(suite_suite__serve(daemon, "suite", &servant_ops, &s->servant, &err));
	pyr_object_options object = PYR_OBJECT_OPTIONS_INIT;
	object.any_thread = suite_under_test.any_thread;
	CHECK_OK(pyr_daemon_configure(daemon, "suite", NULL, &object, &err));
	CHECK_OK(suite_under_test.listen(daemon, &err));
	if (!config->undispatched)
		CHECK_OK(pyr_daemon_start(daemon, &err));
	return daemon;
}

suite *suite_begin(const suite_config *given)
{
	static const suite_config defaults;
	const suite_config *config = given ? given : &defaults;
	pyr_context_options host_options = PYR_CONTEXT_OPTIONS_INIT;
	suite *s = calloc(1, sizeof *s);
	s->descriptors = descriptors();
	s->threads = threads_now();
	s->servant = (servant)SERVANT_INIT;
	s->context = new_context(&config->context);
	s->host_context = suite_under_test.same_context ? s->context : new_context(&host_options);
	s->servant.context = s->host_context;
	s->servant.pulls = config->daemon.workers > 0;
	s->daemon = suite_new_daemon(s, config);
	suite_refer(s->daemon, "suite", s->reference);
	s->proxy = suite_open(s, NULL);
	return s;
}

suite *suite_begin_pool(uint32_t workers)
{
	suite_config config = {.daemon.workers = workers};
	return suite_begin(&config);
}

/*
 * Waits where threads that are not ours give theirs back. What a transport keeps is there from its
 * first use on, which need not have been.
 */
static void check_descriptors(int before)
{
	static bool kept;
	int most = before + (kept ? 0 : suite_under_test.differs.descriptors_kept);
	int now = descriptors();
	int64_t until_ms = suite_now_ms() + suite_under_test.differs.descriptors_ms;
	while (now != before && now != most && suite_now_ms() < until_ms) {
		poll(NULL, 0, 1);
		now = descriptors();
	}
	kept = kept || now == most;
	CHECK_DESCRIPTORS(now == most ? most : before);
}

void suite_end(suite *s)
{
	suite_suite__close(s->proxy);
	servant_drop_all(&s->servant);
	pyr_daemon_free(s->daemon);
	servant_drop_all(&s->servant); /* a call that was cancelled may have come to it meanwhile */
	pyr_context_free(s->context);
	if (s->host_context != s->context)
		pyr_context_free(s->host_context);
	if (s->base)
		event_base_free(s->base);
	check_descriptors(s->descriptors);
	await_threads(s->threads, suite_under_test.differs.descriptors_ms);
	free(s);
	CHECK_LEAKS();
}

void suite_refer(pyr_daemon *daemon, const char *object, char *ret_reference)
{
	pyr_error err;
	CHECK_OK(suite_under_test.refer(daemon, object, ret_reference, &err));
}

suite_suite *suite_open(suite *s, const pyr_proxy_options *options)
{
	pyr_error err;
	suite_suite *proxy;
	CHECK_OK(suite_suite__open(s->context, s->reference, options, &proxy, &err));
	return proxy;
}

suite_suite *suite_open_timeout(suite *s, uint32_t timeout_ms)
{
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	options.timeout_ms = timeout_ms;
	return suite_open(s, &options);
}

Suite__Blob suite_blob(size_t size)
{
	Suite__Blob blob = SUITE__BLOB__INIT;
	blob.data.len = size;
	blob.data.data = malloc(size + 1);
	for (size_t i = 0; i < size; i++)
		blob.data.data[i] = (uint8_t)(i * 7 + (i >> 9));
	return blob;
}

int64_t suite_now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ll + now.tv_nsec / 1000000;
}

static void keep_reply(suite_reply *r, pyr_status status, const pyr_error *err, uint64_t value)
{
	r->status = status;
	r->value = value;
	r->thread = pthread_self();
	if (err)
		r->err = *err;
	tally_add(&r->done, 1);
}

void suite_on_blob(void *ctx, pyr_status status, const Suite__Blob *reply, const pyr_error *err)
{
	keep_reply(ctx, status, err, reply ? reply->data.len : 0);
}

void suite_on_number(void *ctx, pyr_status status, const Suite__Number *reply, const pyr_error *err)
{
	keep_reply(ctx, status, err, reply ? reply->value : 0);
}

/* Calls */

pyr_status suite_echo_later(suite_suite *proxy, pyr_error *ret_err)
{
	pyr_error err;
	suite_reply r = SUITE_REPLY_INIT;
	Suite__Blob request = SUITE__BLOB__INIT;
	CHECK_OK(suite_suite_echo__invoke(proxy, &request, suite_on_blob, &r, NULL, &err));
	CHECK_AWAIT(&r.done, 1);
	*ret_err = r.err;
	return r.status;
}
