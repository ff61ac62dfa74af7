/* SPDX-License-Identifier: Apache-2.0 */
/* Where local calls run, and which references become local. */
#include <stdlib.h>
#include <string.h>
#include "client/context.h"
#include "transport/suite.h"

/* Says on which thread it ran. */
typedef struct place {
	pthread_t thread;
	suite_other *next; /* asks it before it answers */
	unsigned depth, deepest;
	pyr_status nested;
} place;

static void ask(void *self, pyr_call *call, const Suite__Nothing *request)
{
	place *p = self;
	p->thread = pthread_self();
	if (++p->depth > p->deepest)
		p->deepest = p->depth;
	Suite__Number reply = SUITE__NUMBER__INIT, *nested;
	if (p->next) {
		p->nested = suite_other_ask(p->next, request, &nested, NULL);
		if (p->nested == PYR_OK) {
			reply.value = nested->value + 1;
			suite__number__free_unpacked(nested, NULL);
		}
	}
	p->depth--;
	suite_other_ask__reply(call, &reply);
}

static const suite_other_ops place_ops = {.ask = ask};

static suite_other *open_other(suite *s, const char *reference)
{
	pyr_error err;
	suite_other *other;
	CHECK_OK(suite_other__open(s->context, reference, NULL, &other, &err));
	return other;
}

static uint64_t call(suite_other *other)
{
	pyr_error err;
	Suite__Nothing request = SUITE__NOTHING__INIT;
	Suite__Number *reply;
	CHECK_OK(suite_other_ask(other, &request, &reply, &err));
	uint64_t value = reply->value;
	suite__number__free_unpacked(reply, NULL);
	return value;
}

static void serve_anywhere(suite *s, const char *object, place *p)
{
	pyr_error err;
	pyr_object_options options = PYR_OBJECT_OPTIONS_INIT;
	options.any_thread = true;
	CHECK_OK(suite_other__serve(s->daemon, object, &place_ops, p, &err));
	CHECK_OK(pyr_daemon_configure(s->daemon, object, NULL, &options, &err));
}

Test(channel, runs_a_call_on_the_loop_unless_the_object_runs_anywhere)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	place fixed = {.depth = 0}, anywhere = {.depth = 0};
	CHECK_OK(suite_other__serve(s->daemon, "fixed", &place_ops, &fixed, &err));
	serve_anywhere(s, "anywhere", &anywhere);
	suite_other *a = open_other(s, "local:fixed"), *b = open_other(s, "local:anywhere");
	call(a);
	call(b);
	cr_assert(!pthread_equal(fixed.thread, pthread_self()));
	cr_assert(pthread_equal(anywhere.thread, pthread_self()));
	suite_other__close(a);
	suite_other__close(b);
	suite_end(s);
}

Test(channel, runs_a_call_from_its_own_loop_at_once)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	place inner = {.depth = 0};
	place outer = {.next = open_other(s, "local:inner")};
	CHECK_OK(suite_other__serve(s->daemon, "outer", &place_ops, &outer, &err));
	CHECK_OK(suite_other__serve(s->daemon, "inner", &place_ops, &inner, &err));
	suite_other *proxy = open_other(s, "local:outer");
	cr_assert_eq(call(proxy), 1);
	cr_assert_eq(outer.nested, PYR_OK);
	cr_assert(pthread_equal(inner.thread, outer.thread));
	suite_other__close(proxy);
	suite_other__close(outer.next);
	suite_end(s);
}

Test(channel, ends_calls_that_nest_without_an_end)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	place self = {.next = open_other(s, "local:self")};
	CHECK_OK(suite_other__serve(s->daemon, "self", &place_ops, &self, &err));
	suite_other *proxy = open_other(s, "local:self");
	call(proxy);
	cr_assert(self.deepest > 1 && self.deepest < 100, "%u deep", self.deepest);
	suite_other__close(proxy);
	suite_other__close(self.next);
	suite_end(s);
}

Test(channel, says_that_no_daemon_has_the_object)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	suite_other *other = open_other(s, "local:nobody");
	Suite__Nothing request = SUITE__NOTHING__INIT;
	Suite__Number *reply;
	CHECK_STATUS(PYR_NOT_FOUND, suite_other_ask(other, &request, &reply, &err));
	cr_assert(strstr(err.message, "'nobody'"), "%s", err.message);
	/* one that comes later is found */
	place p = {.depth = 0};
	CHECK_OK(suite_other__serve(s->daemon, "nobody", &place_ops, &p, &err));
	call(other);
	suite_other__close(other);
	suite_end(s);
}

Test(channel, goes_on_with_the_next_daemon_that_has_the_object)
{
	static const suite_config defaults;
	suite *s = suite_begin(NULL);
	pyr_error err;
	Suite__Nothing request = SUITE__NOTHING__INIT;
	Suite__Number *reply;
	CHECK_OK(suite_suite_count(s->proxy, &request, &reply, &err));
	suite__number__free_unpacked(reply, NULL);
	pyr_daemon_free(s->daemon);
	CHECK_STATUS(PYR_NOT_FOUND, suite_suite_count(s->proxy, &request, &reply, &err));
	s->daemon = suite_new_daemon(s, &defaults);
	CHECK_OK(suite_suite_count(s->proxy, &request, &reply, &err));
	suite__number__free_unpacked(reply, NULL);
	suite_end(s);
}

Test(channel, skips_the_sockets_to_a_daemon_of_the_same_context)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	char reference[PYR_REFERENCE_MAX];
	CHECK_OK(pyr_daemon_listen(s->daemon, "127.0.0.1:0", NULL, &err));
	CHECK_OK(pyr_daemon_reference(s->daemon, "suite", 0, reference, sizeof reference, &err));
	int before = descriptors();
	pyr_context *elsewhere;
	CHECK_OK(pyr_context_new(NULL, &elsewhere, &err));
	suite_suite *here, *there;
	CHECK_OK(suite_suite__open(s->context, reference, NULL, &here, &err));
	CHECK_OK(suite_suite__open(elsewhere, reference, NULL, &there, &err));
	Suite__Blob request = SUITE__BLOB__INIT, *reply;
	CHECK_OK(suite_suite_echo(here, &request, &reply, &err));
	suite__blob__free_unpacked(reply, NULL);
	cr_assert_str_eq(s->servant.peer, "local");
	CHECK_OK(suite_suite_echo(there, &request, &reply, &err));
	suite__blob__free_unpacked(reply, NULL);
	cr_assert_eq(strncmp(s->servant.peer, "127.0.0.1:", 10), 0);
	cr_assert_gt(descriptors(), before);
	suite_suite__close(here);
	suite_suite__close(there);
	pyr_context_free(elsewhere);
	suite_end(s);
}

Test(channel, goes_over_a_socket_to_a_daemon_that_has_rules)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	char reference[PYR_REFERENCE_MAX];
	const pyr_rule rules[] = {{"uid:*", NULL, NULL, true}};
	suite_suite *here;
	CHECK_OK(pyr_daemon_listen(s->daemon, "127.0.0.1:0", NULL, &err));
	CHECK_OK(pyr_daemon_reference(s->daemon, "suite", 0, reference, sizeof reference, &err));
	CHECK_OK(pyr_daemon_set_rules(s->daemon, rules, 1, &err));
	CHECK_OK(suite_suite__open(s->context, reference, NULL, &here, &err));
	/* where nobody proves anything, as it is for callers elsewhere */
	CHECK_STATUS(PYR_UNAUTHENTICATED, suite_echo(here, &err));
	CHECK_OK(suite_echo(s->proxy, &err)); /* local: is always by the process's user */
	suite_suite__close(here);
	suite_end(s);
}

static int64_t cpu_ns(void)
{
	struct timespec used;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	return used.tv_sec * 1000000000ll + used.tv_nsec;
}

/* The thread's own time, so that a busy machine makes no difference. PYRITE_TEST_MEASURE=1 prints
 * it. */
Test(channel, answers_in_less_time_than_a_socket_would_take)
{
	enum { CALLS = 200000 };
	suite *s = suite_begin(NULL);
	place p = {.depth = 0};
	serve_anywhere(s, "anywhere", &p);
	suite_other *other = open_other(s, "local:anywhere");
	int64_t before_ns = cpu_ns();
	for (int i = 0; i < CALLS; i++)
		call(other);
	int64_t ns = (cpu_ns() - before_ns) / CALLS;
	if (getenv("PYRITE_TEST_MEASURE"))
		cr_log_warn("%ld ns a local call", (long)ns);
	cr_assert_lt(ns, 20000);
	suite_other__close(other);
	suite_end(s);
}
