/* SPDX-License-Identifier: Apache-2.0 */
/* A loop's thread: when it is there, and what it runs before it ends. */
#include "base/loop.h"

#include <criterion/criterion.h>
#include "leaks.h"

#define ROUNDS 200

typedef struct last {
	pyr__task task;
	pyr__loop *loop;
	bool current; /* it ran on the loop's thread */
} last;

static void run_last(pyr__task *task)
{
	last *l = (last *)task;
	l->current = pyr__loop_is_current(l->loop);
}

Test(loop, is_dispatched_from_the_moment_it_is_started)
{
	for (int round = 0; round < ROUNDS; round++) {
		last l = {.task = {.run = run_last}};
		cr_assert_eq(pyr__loop_new(NULL, &l.loop, NULL), PYR_OK);
		cr_assert_not(pyr__loop_is_dispatched(l.loop));
		cr_assert_eq(pyr__loop_start(l.loop, NULL), PYR_OK);
		cr_assert(pyr__loop_is_dispatched(l.loop));
		cr_assert_not(pyr__loop_is_current(l.loop));
		pyr__loop_call(l.loop, &l.task);
		cr_assert(l.current, "a task ran in the loop's stead");
		pyr__loop_stop(l.loop);
		cr_assert_not(pyr__loop_is_dispatched(l.loop));
		pyr__loop_free(l.loop);
	}
	CHECK_LEAKS();
}

Test(loop, may_be_stopped_before_its_thread_has_begun_and_then_stays_so)
{
	for (int round = 0; round < ROUNDS; round++) {
		last l = {.task = {.run = run_last}};
		cr_assert_eq(pyr__loop_new(NULL, &l.loop, NULL), PYR_OK);
		cr_assert_eq(pyr__loop_start(l.loop, NULL), PYR_OK);
		pyr__loop_stop(l.loop);
		cr_assert_eq(pyr__loop_start(l.loop, NULL), PYR_OK);
		cr_assert_not(pyr__loop_is_dispatched(l.loop), "it was started anew");
		pyr__loop_post(l.loop, &l.task);
		pyr__loop_finish(l.loop);
		cr_assert(l.current, "what was posted late was lost");
		pyr__loop_free(l.loop);
	}
	CHECK_LEAKS();
}
