/* SPDX-License-Identifier: Apache-2.0 */
/* A server's connection answers many calls of one turn; how many lots does that take? */
#include <criterion/criterion.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include "base/alloc.h"
#include "far.h"
#include "near.h"

#define AT_ONCE 64u
#define ROUNDS  8u /* until it is known how many are under way */

/* The servant looks, before each of its answers, at what has reached the caller. */
static far caller;
static int seen;
static unsigned lots;
static tally answered = TALLY_INIT;

static pyr__incall *open_call(void *host, const pyr__head *head, int64_t now_us)
{
	(void)host;
	(void)head;
	(void)now_us;
	pyr__incall *call = pyr__zalloc(sizeof *call);
	pyr__incall_init(call);
	call->deadline_us = PYR__DEADLINE_NONE;
	return call;
}

static void work(void *host, pyr__incall *call, unsigned what)
{
	(void)host;
	int there;
	pyr__final final = {.status = PYR_OK};
	cr_assert_eq(what, PYR__WORK_RUN);
	cr_assert_eq(ioctl(caller.fd, FIONREAD, &there), 0);
	lots += there > seen;
	seen = there;
	cr_assert_eq(pyr__incall_finish(call, &final, NULL, NULL), PYR_OK);
	pyr__incall_done(call);
	free(call);
	tally_add(&answered, 1);
}

static bool ref(pyr__incall *call)
{
	(void)call;
	return false;
}

static const pyr__host_ops host_ops = {
	.open = open_call, .work = work, .ref = ref, .connected = ignore_connection};

static void accept_caller(setup *s)
{
	int pair[2];
	pyr__session_config config;
	pyr__session_config_init(&config, false);
	s->options.host = &host_ops;
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	s->conn = accept_on_loop(s, pair[0]);
	caller = far_new(pair[1], &config);
}

static void call_and_await(unsigned count)
{
	uint32_t stream;
	pyr__head head = {.method = {"a.B/C", 5}, .timeout_us = PYR__TIMEOUT_NONE};
	unsigned before = tally_get(&answered);
	seen = 0;
	lots = 0;
	for (unsigned i = 0; i < count; i++)
		cr_assert_eq(
			pyr__session_call(caller.session, &head, NULL, true, NULL, &stream, NULL),
			PYR_OK);
	far_flush(&caller);
	cr_assert(tally_await(&answered, before + count)); /* so the servant looks no more */
	for (unsigned i = 0; i < count; i++)
		cr_assert_eq(far_await(&caller, PYR__EVENT_FINAL).final.status, PYR_OK);
}

static void have_processors(int most)
{
	cpu_set_t all;
	cr_assert_eq(sched_getaffinity(0, sizeof all, &all), 0);
	for (int i = 0; i < CPU_SETSIZE && CPU_COUNT(&all) > most; i++)
		CPU_CLR(i, &all);
	cr_assert_eq(sched_setaffinity(0, sizeof all, &all), 0);
	if (CPU_COUNT(&all) < most)
		cr_skip_test("this needs %d processors", most);
}

Test(conn_pace, the_caller_has_some_answers_while_the_others_are_made)
{
	have_processors(2);
	setup *s = begin(true);
	accept_caller(s);
	call_and_await(8);
	cr_assert_eq(lots, 3, "2, 2, 2 and the rest at the turn's end, not %u", lots);
	for (unsigned i = 0; i < ROUNDS; i++)
		call_and_await(AT_ONCE);
	cr_assert(lots >= 2 && lots <= 5, "a quarter of %u at a time is not %u", AT_ONCE, lots);
	far_free(&caller);
	end(s);
}

Test(conn_pace, with_one_processor_for_both_all_goes_at_the_end)
{
	have_processors(1);
	setup *s = begin(true);
	accept_caller(s);
	call_and_await(8);
	cr_assert_eq(lots, 0);
	call_and_await(AT_ONCE);
	cr_assert_eq(lots, 0);
	far_free(&caller);
	end(s);
}
