/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that forks while everything is under way: the child cannot disturb what it has
 * inherited, however it tries, and may begin anew.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "transport/suite.h"

#define CHILD_SECONDS 20

/* What the child inherits. */
typedef struct scene {
	suite *s;
	suite_reply r;
	pyr_pending *pending;
	pyr_stream *stream;
	Suite__Blob blob;
} scene;

static void on_message(
	void *ctx, pyr_status status, const Suite__Blob *message, const pyr_error *err)
{
	(void)ctx;
	(void)status;
	(void)message;
	(void)err;
}

/* No assertion may be made in a child: it tells which line was wrong. */
#define EXPECT(condition)                                                                          \
	do {                                                                                       \
		if (!(condition))                                                                  \
			return __LINE__;                                                           \
	} while (0)

#define EXPECT_REFUSED(call)                                                                       \
	EXPECT((call) == PYR_FAILED_PRECONDITION && strstr(err.message, "fork") &&                 \
		err.executed == PYR_EXECUTED_NO)

static int use_clients(scene *c)
{
	pyr_error err;
	suite_suite *other;
	pyr_stream *stream;
	const Suite__Blob *message;
	suite_reply r = SUITE_REPLY_INIT;
	Suite__Number number = SUITE__NUMBER__INIT;
	Suite__Flood flood = SUITE__FLOOD__INIT;
	EXPECT_REFUSED(suite_echo(c->s->proxy, &err));
	EXPECT_REFUSED(
		suite_suite_hold__invoke(c->s->proxy, &number, suite_on_number, &r, NULL, &err));
	EXPECT_REFUSED(suite_suite_note(c->s->proxy, &number, &err));
	EXPECT_REFUSED(suite_suite_down(c->s->proxy, &flood, &stream, &err));
	EXPECT_REFUSED(pyr_proxy_connect(suite_suite__proxy(c->s->proxy), &err));
	EXPECT_REFUSED(suite_suite__open(c->s->context, c->s->reference, NULL, &other, &err));
	EXPECT_REFUSED(suite_suite_both__send(c->stream, &c->blob, &err));
	EXPECT_REFUSED(suite_suite_both__next(c->stream, &message, &err));
	EXPECT_REFUSED(suite_suite_both__observe(c->stream, on_message, NULL, &err));
	EXPECT_REFUSED(pyr_stream_end(c->stream, &err));
	pyr_pending_cancel(c->pending);
	pyr_pending_abandon(c->pending);
	pyr_pending_unref(c->pending);
	pyr_stream_cancel(c->stream);
	pyr_stream_close(c->stream);
	suite_suite__close(c->s->proxy);
	return 0;
}

static int use_daemon(scene *c)
{
	pyr_error err;
	pyr_call *call = c->s->servant.held[0];
	Suite__Number reply = SUITE__NUMBER__INIT;
	EXPECT(suite_suite_hold__reply(call, &reply) == PYR_FAILED_PRECONDITION);
	EXPECT(pyr_call_fail(call, PYR_ABORTED, "by the child") == PYR_FAILED_PRECONDITION);
	pyr_call_unref(call);
	EXPECT_REFUSED(pyr_daemon_listen(c->s->daemon, "127.0.0.1:0", NULL, &err));
	EXPECT_REFUSED(pyr_daemon_start(c->s->daemon, &err));
	EXPECT_REFUSED(pyr_daemon_publish(c->s->daemon, "suite", "suite", NULL, &err));
	pyr_daemon_stop_from_signal(c->s->daemon, 0);
	pyr_daemon_stop(c->s->daemon, 0);
	pyr_daemon_free(c->s->daemon);
	pyr_context_free(c->s->context);
	if (c->s->host_context != c->s->context)
		pyr_context_free(c->s->host_context);
	return 0;
}

/* Local calls end with the process, and core with a fork: the child reaches neither. */
static bool may_begin_anew(const scene *c)
{
	return !suite_under_test.same_context && strncmp(c->s->reference, "grpc", 4) != 0;
}

static int begin_anew(scene *c)
{
	pyr_error err;
	pyr_context *context;
	suite_suite *proxy;
	pyr_context_options options = PYR_CONTEXT_OPTIONS_INIT;
	if (suite_under_test.credentials)
		options.credentials = suite_under_test.credentials();
	EXPECT(pyr_context_new(&options, &context, &err) == PYR_OK);
	pyr_credentials_unref(options.credentials);
	EXPECT(suite_suite__open(context, c->s->reference, NULL, &proxy, &err) == PYR_OK);
	if (may_begin_anew(c))
		EXPECT(suite_echo(proxy, &err) == PYR_OK);
	suite_suite__close(proxy);
	pyr_context_free(context);
	return 0;
}

static int run_child(scene *c)
{
	alarm(CHILD_SECONDS);
	int line = use_clients(c);
	if (!line)
		line = use_daemon(c);
	if (!line)
		line = begin_anew(c);
	return line;
}

static void check_child(scene *c)
{
	int pipe_ends[2], line = -1, status;
	cr_assert_eq(pipe(pipe_ends), 0);
	pid_t pid = fork();
	cr_assert(pid >= 0);
	if (pid == 0) {
		line = run_child(c);
		ssize_t wrote = write(pipe_ends[1], &line, sizeof line);
		_exit(wrote != sizeof line);
	}
	close(pipe_ends[1]);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status), "signal %d ended the child", WTERMSIG(status));
	cr_assert_eq(read(pipe_ends[0], &line, sizeof line), (ssize_t)sizeof line);
	close(pipe_ends[0]);
	cr_assert_eq(line, 0, "line %d is not so in the child", line);
}

/* All that was under way goes on, on the same connection. */
static void check_parent(scene *c)
{
	pyr_error err;
	const Suite__Blob *message;
	for (int i = 0; i < 20; i++) {
		CHECK_OK(suite_suite_both__send(c->stream, &c->blob, &err));
		CHECK_OK(suite_suite_both__next(c->stream, &message, &err));
		cr_assert_not_null(message);
		CHECK_OK(suite_echo(c->s->proxy, &err));
	}
	cr_assert_eq(tally_get(&c->r.done), 0);
	cr_assert_eq(servant_answer(&c->s->servant, 0, 4711), PYR_OK);
	CHECK_AWAIT(&c->r.done, 1);
	cr_assert_eq(c->r.value, 4711);
	cr_assert_eq(tally_get(&c->s->servant.cancelled_count), 0);
	cr_assert_eq(tally_get(&c->s->servant.interrupted_count), 0);
}

Test(fork, leaves_the_parent_alone_and_lets_the_child_begin_anew)
{
	pyr_error err;
	const Suite__Blob *message;
	Suite__Number request = SUITE__NUMBER__INIT;
	scene c = {.s = suite_begin(NULL), .r = SUITE_REPLY_INIT, .blob = suite_blob(1000)};
	CHECK_OK(suite_echo(c.s->proxy, &err));
	CHECK_OK(suite_suite_hold__invoke(
		c.s->proxy, &request, suite_on_number, &c.r, &c.pending, &err));
	CHECK_AWAIT(&c.s->servant.held_count, 1);
	CHECK_OK(suite_suite_both(c.s->proxy, &c.stream, &err));
	CHECK_OK(suite_suite_both__send(c.stream, &c.blob, &err));
	CHECK_OK(suite_suite_both__next(c.stream, &message, &err));
	for (int i = 0; i < 3; i++)
		check_child(&c);
	check_parent(&c);
	pyr_pending_unref(c.pending);
	pyr_stream_close(c.stream);
	free(c.blob.data.data);
	suite_end(c.s);
}
