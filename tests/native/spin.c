/* SPDX-License-Identifier: Apache-2.0 */
/* Looking before sleeping: for how long, and when not. */
#include "native/spin.h"

#include <criterion/criterion.h>
#include <sched.h>
#include "base/clock.h"

/* It is ready after so many looks. */
typedef struct thing {
	unsigned looks, ready_after;
} thing;

static bool is_ready(const void *arg)
{
	thing *t = (thing *)(uintptr_t)arg;
	return ++t->looks > t->ready_after;
}

/* Until it is ready, or it is time to sleep. */
static bool look_until(
	pyr__spin *spin, pyr__spin_for who, bool (*ready)(const void *arg), const void *arg)
{
	pyr__spin_result result;
	do
		result = pyr__spin_look(spin, who, ready, arg);
	while (result == PYR__SPIN_AGAIN);
	return result == PYR__SPIN_READY;
}

static unsigned looks_in_vain(pyr__spin *spin, pyr__spin_for who)
{
	thing never = {.ready_after = UINT32_MAX};
	cr_assert_not(look_until(spin, who, is_ready, &never));
	return never.looks;
}

Test(spin, who_may_not_looks_once)
{
	pyr__spin spin;
	thing there = {.ready_after = 0}, soon = {.ready_after = 1};
	pyr__spin_init(&spin, 0);
	cr_assert(look_until(&spin, PYR__SPIN_ALONE, is_ready, &there));
	cr_assert_not(look_until(&spin, PYR__SPIN_ALONE, is_ready, &soon));
	cr_assert_eq(soon.looks, 1);
}

Test(spin, what_comes_soon_is_seen)
{
	pyr__spin spin;
	thing soon = {.ready_after = 100};
	pyr__spin_init(&spin, 20);
	cr_assert(look_until(&spin, PYR__SPIN_ALONE, is_ready, &soon));
	cr_assert_eq(soon.looks, 101);
}

/* A thread may lose its processor at any time: so the least of many is what counts. */
Test(spin, what_does_not_come_is_waited_for_no_longer_than_the_limit)
{
	int64_t least_us = INT64_MAX;
	for (int i = 0; i < 1000; i++) {
		pyr__spin spin;
		pyr__spin_init(&spin, 200); /* more than there can be */
		int64_t began_us = pyr__now_us();
		cr_assert_gt(looks_in_vain(&spin, PYR__SPIN_ALONE), 1);
		int64_t took_us = pyr__now_us() - began_us;
		least_us = took_us < least_us ? took_us : least_us;
	}
	cr_assert(least_us >= PYR__SPIN_US_MAX - 1 && least_us <= 2 * PYR__SPIN_US_MAX, "%lld us",
		(long long)least_us);
}

Test(spin, who_looks_in_vain_looks_less_and_less_often)
{
	pyr__spin spin;
	pyr__spin_init(&spin, 1);
	for (unsigned pause = 1; pause < 512; pause = pause < 255 ? 2 * pause + 1 : 512) {
		cr_assert_gt(
			looks_in_vain(&spin, PYR__SPIN_ALONE), 1, "before a pause of %u", pause);
		for (unsigned i = 0; i < pause; i++)
			cr_assert_eq(
				looks_in_vain(&spin, PYR__SPIN_ALONE), 1, "%u of %u", i, pause);
	}
	thing soon = {.ready_after = 3};
	cr_assert(look_until(&spin, PYR__SPIN_ALONE, is_ready, &soon));
	looks_in_vain(&spin, PYR__SPIN_ALONE);
	cr_assert_eq(looks_in_vain(&spin, PYR__SPIN_ALONE), 1);
	cr_assert_gt(
		looks_in_vain(&spin, PYR__SPIN_ALONE), 1, "it had paid: it is tried again at once");
}

Test(spin, on_the_same_processor_it_is_offered_a_few_times)
{
	pyr__spin spin;
	pyr__spin_init(&spin, 20);
	unsigned looks = looks_in_vain(&spin, PYR__SPIN_HERE);
	cr_assert(looks > 1 && looks <= 8, "%u", looks);
}

Test(spin, a_loop_looks_for_a_moment_at_a_time)
{
	pyr__spin spin;
	thing never = {.ready_after = UINT32_MAX};
	unsigned times = 0;
	pyr__spin_init(&spin, 20);
	while (pyr__spin_look(&spin, PYR__SPIN_ALONE, is_ready, &never) == PYR__SPIN_AGAIN)
		times++;
	cr_assert(times <= 20, "%u", times);
}

Test(spin, a_thread_with_one_processor_is_alone)
{
	cpu_set_t all, one;
	cr_assert_eq(sched_getaffinity(0, sizeof all, &all), 0);
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	cr_assert_eq(pyr__spin_is_alone(), CPU_COUNT(&all) == 1);
	cr_assert_eq(sched_setaffinity(0, sizeof one, &one), 0);
	cr_assert(pyr__spin_is_alone());
}

Test(spin, who_gives_up_rests_as_if_it_had_looked_in_vain)
{
	pyr__spin spin;
	pyr__spin_init(&spin, 20);
	cr_assert_not(pyr__spin_rests(&spin));
	pyr__spin_fail(&spin);
	cr_assert(pyr__spin_rests(&spin));
	cr_assert_not(pyr__spin_rests(&spin));
	pyr__spin_fail(&spin);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(looks_in_vain(&spin, PYR__SPIN_ALONE), 1);
	cr_assert_gt(looks_in_vain(&spin, PYR__SPIN_ALONE), 1);
}

Test(spin, where_others_look_too_it_looks_once_at_a_time)
{
	pyr__spin spin;
	thing never = {.ready_after = UINT32_MAX};
	pyr__spin_init(&spin, 20);
	cr_assert_eq(pyr__spin_look(&spin, PYR__SPIN_SHARED, is_ready, &never), PYR__SPIN_AGAIN);
	cr_assert_leq(never.looks, 2);
}
