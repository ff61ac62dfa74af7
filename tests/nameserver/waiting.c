/* SPDX-License-Identifier: Apache-2.0 */
/* Lookups that wait. */
#include "served.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A lookup whose answer is waited for on the side. */
typedef struct asked {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	unsigned answers;
	pyr_status status;
	char reference[128];
	char message[PYR_ERROR_MESSAGE_MAX];
	uint64_t revision;
	pyr_pending *pending;
} asked;

static void on_answer(
	void *ctx, pyr_status status, const Pyrite__LookupReply *reply, const pyr_error *err)
{
	asked *a = ctx;
	pthread_mutex_lock(&a->lock);
	a->status = status;
	if (status == PYR_OK) {
		snprintf(a->reference, sizeof a->reference, "%s",
			reply->name->holders[0]->references[0]);
		a->revision = reply->revision;
	} else {
		snprintf(a->message, sizeof a->message, "%s", err->message);
	}
	a->answers++;
	pthread_cond_signal(&a->cond);
	pthread_mutex_unlock(&a->lock);
}

static void ask(served *s, asked *a, const char *name, uint32_t wait_ms, uint64_t min_revision)
{
	Pyrite__LookupRequest request = PYRITE__LOOKUP_REQUEST__INIT;
	request.name = (char *)name;
	request.wait_ms = wait_ms;
	request.min_revision = min_revision;
	*a = (asked){PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, .answers = 0};
	assert_ok(s, pyrite_names_lookup__invoke(
			     s->names, &request, on_answer, a, &a->pending, &s->err));
}

static pyr_status answer(asked *a)
{
	pthread_mutex_lock(&a->lock);
	while (a->answers == 0)
		pthread_cond_wait(&a->cond, &a->lock);
	pthread_mutex_unlock(&a->lock);
	pyr_pending_unref(a->pending);
	cr_assert_eq(a->answers, 1);
	return a->status;
}

static uint64_t waiting(served *s)
{
	Pyrite__StatusRequest request = PYRITE__STATUS_REQUEST__INIT;
	Pyrite__StatusReply *reply;
	assert_ok(s, pyrite_names_status(s->names, &request, &reply, &s->err));
	uint64_t count = reply->waiting_lookups;
	pyrite__status_reply__free_unpacked(reply, NULL);
	return count;
}

SERVED_TEST(waiting, N11_a_name_registered_later_is_found)
{
	asked a, b, c;
	ask(s, &a, "late", 20000, 0);
	ask(s, &b, "late", 20000, 0);
	ask(s, &c, "never", 20000, 0);
	wait_until(waiting(s) == 3);
	assert_ok(s, put(s, "other", "pyr:x@127.0.0.1:1"));
	cr_assert_eq(a.answers, 0);
	assert_ok(s, put(s, "late", "pyr:late@127.0.0.1:1"));
	cr_assert_eq(answer(&a), PYR_OK);
	cr_assert_str_eq(a.reference, "pyr:late@127.0.0.1:1");
	cr_assert_eq(answer(&b), PYR_OK);
	cr_assert_eq(waiting(s), 1);
	pyr_pending_cancel(c.pending);
	cr_assert_eq(answer(&c), PYR_CANCELLED);
	wait_until(waiting(s) == 0);
}

SERVED_TEST(waiting, N11_a_name_that_never_comes_is_not_found_after_the_delay)
{
	asked a;
	uint64_t begin_ms = test_now_ms();
	ask(s, &a, "never", 150, 0);
	cr_assert_eq(answer(&a), PYR_NOT_FOUND);
	cr_assert(strstr(a.message, "\"never\" came in time"), "%s", a.message);
	cr_assert_geq(test_now_ms() - begin_ms, 150);
	cr_assert_eq(waiting(s), 0);
}

SERVED_TEST(waiting, the_callers_deadline_ends_it)
{
	pyrite_names *hasty;
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	Pyrite__LookupRequest request = PYRITE__LOOKUP_REQUEST__INIT;
	Pyrite__LookupReply *reply;
	options.timeout_ms = 100;
	assert_ok(s, pyrite_names__derive(s->names, &options, &hasty, &s->err));
	request.name = "never";
	request.wait_ms = 60000;
	cr_assert_eq(pyrite_names_lookup(hasty, &request, &reply, &s->err), PYR_DEADLINE_EXCEEDED);
	wait_until(waiting(s) == 0);
	pyrite_names__close(hasty);
}

SERVED_TEST(waiting, a_store_that_is_behind_what_was_seen_waits_and_is_then_unavailable)
{
	asked a;
	assert_ok(s, put(s, "a", "pyr:x@127.0.0.1:1"));
	uint64_t revision = revision_of(s);
	ask(s, &a, "a", 0, revision + 1);
	cr_assert_eq(answer(&a), PYR_UNAVAILABLE);
	cr_assert(strstr(a.message, "revision"), "%s", a.message);
	ask(s, &a, "a", 20000, revision + 1);
	wait_until(waiting(s) == 1);
	assert_ok(s, put(s, "b", "pyr:x@127.0.0.1:1"));
	cr_assert_eq(answer(&a), PYR_OK);
	cr_assert_geq(a.revision, revision + 1);
	/* the revision comes, the name only afterwards */
	ask(s, &a, "c", 20000, revision + 2);
	wait_until(waiting(s) == 1);
	assert_ok(s, put(s, "b2", "pyr:x@127.0.0.1:1"));
	cr_assert_eq(waiting(s), 1);
	assert_ok(s, put(s, "c", "pyr:x@127.0.0.1:1"));
	cr_assert_eq(answer(&a), PYR_OK);
}

Test(waiting, more_than_a_connection_may_have_are_refused)
{
	served s;
	asked some[5];
	served_init(&s, "memory");
	s.options.waiting_per_connection_max = 4;
	s.options.waiting_max = 5;
	served_start(&s);
	for (int i = 0; i < 5; i++)
		ask(&s, &some[i], "never", 60000, 0);
	cr_assert_eq(answer(&some[4]), PYR_RESOURCE_EXHAUSTED);
	cr_assert(strstr(some[4].message, "this connection has 4"), "%s", some[4].message);
	pyr_context *context;
	pyrite_names *other = served_open(&s, &context);
	pyrite_names *mine = s.names;
	asked fifth, sixth;
	s.names = other;
	ask(&s, &fifth, "never", 60000, 0);
	ask(&s, &sixth, "never", 60000, 0);
	cr_assert_eq(answer(&sixth), PYR_RESOURCE_EXHAUSTED);
	cr_assert(strstr(sixth.message, "the name server has 5"), "%s", sixth.message);
	assert_ok(&s, put(&s, "never", "pyr:x@127.0.0.1:1"));
	for (int i = 0; i < 4; i++)
		cr_assert_eq(answer(&some[i]), PYR_OK);
	cr_assert_eq(answer(&fifth), PYR_OK);
	s.names = mine;
	pyrite_names__close(other);
	pyr_context_free(context);
	served_done(&s);
	CHECK_LEAKS();
}

Test(waiting, a_server_that_stops_and_a_client_that_goes_end_them)
{
	served s;
	asked a;
	pyr_context *context;
	served_init(&s, "memory");
	served_start(&s);
	pyrite_names *other = served_open(&s, &context), *mine = s.names;
	s.names = other;
	ask(&s, &a, "never", 60000, 0);
	s.names = mine;
	wait_until(waiting(&s) == 1);
	pyr_context_free(context);
	cr_assert_eq(answer(&a), PYR_CANCELLED);
	pyrite_names__close(other);
	wait_until(waiting(&s) == 0);
	ask(&s, &a, "never", 60000, 0);
	wait_until(waiting(&s) == 1);
	served_stop(&s);
	cr_assert_neq(answer(&a), PYR_OK);
	served_done(&s);
	CHECK_LEAKS();
}
