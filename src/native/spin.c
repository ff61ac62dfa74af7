/* SPDX-License-Identifier: Apache-2.0 */
/* Looking again and again instead of sleeping at once. */
#include "native/spin.h"

#include <sched.h>
#include <time.h>

#define LOOKS      16 /* between two looks at the clock */
#define LOOK_NS    1500
#define YIELDS     3
#define YIELD_NS   100000 /* who comes back later has met somebody else */
#define FAILS_MOST 8

static int64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* Tells the processor that this is such a loop. */
static void pause_briefly(void)
{
#if defined __x86_64__ || defined __i386__
	__builtin_ia32_pause();
#elif defined __aarch64__
	__asm__ volatile("yield");
#endif
}

void pyr__spin_init(pyr__spin *spin, unsigned us)
{
	*spin = (pyr__spin){.us = (uint8_t)(us < PYR__SPIN_US_MAX ? us : PYR__SPIN_US_MAX)};
}

bool pyr__spin_is_alone(void)
{
	cpu_set_t allowed;
	return sched_getaffinity(0, sizeof allowed, &allowed) == 0 && CPU_COUNT(&allowed) == 1;
}

bool pyr__spin_rests(pyr__spin *spin)
{
	bool rests = spin->skip > 0;
	spin->skip -= rests;
	return rests;
}

static pyr__spin_result succeed(pyr__spin *spin)
{
	spin->began_ns = 0;
	spin->fails = spin->yields = 0;
	return PYR__SPIN_READY;
}

void pyr__spin_fail(pyr__spin *spin)
{
	spin->began_ns = 0;
	spin->yields = 0;
	spin->fails += spin->fails < FAILS_MOST;
	spin->skip = (uint8_t)((1u << spin->fails) - 1);
}

static pyr__spin_result fail(pyr__spin *spin)
{
	pyr__spin_fail(spin);
	return PYR__SPIN_OVER;
}

static pyr__spin_result yield_once(pyr__spin *spin, bool (*ready)(const void *arg), const void *arg)
{
	int64_t began_ns = now_ns();
	sched_yield();
	if (now_ns() - began_ns > YIELD_NS)
		return ready(arg) ? fail(spin), PYR__SPIN_READY : fail(spin);
	if (ready(arg))
		return succeed(spin);
	return ++spin->yields < YIELDS ? PYR__SPIN_AGAIN : fail(spin);
}

static pyr__spin_result look(
	pyr__spin *spin, bool brief, bool (*ready)(const void *arg), const void *arg)
{
	int64_t now = now_ns();
	int64_t until = brief ? now : now + LOOK_NS;
	if (!spin->began_ns)
		spin->began_ns = now;
	do {
		for (int i = 0; i < (brief ? 1 : LOOKS); i++) {
			if (ready(arg))
				return succeed(spin);
			pause_briefly();
		}
		now = now_ns();
	} while (now < until);
	return now - spin->began_ns < spin->us * 1000ll ? PYR__SPIN_AGAIN : fail(spin);
}

pyr__spin_result pyr__spin_look(
	pyr__spin *spin, pyr__spin_for who, bool (*ready)(const void *arg), const void *arg)
{
	if (ready(arg))
		return PYR__SPIN_READY;
	if (spin->us == 0)
		return PYR__SPIN_OVER;
	if (pyr__spin_rests(spin))
		return PYR__SPIN_OVER;
	if (who == PYR__SPIN_HERE)
		return yield_once(spin, ready, arg);
	return look(spin, who == PYR__SPIN_SHARED, ready, arg);
}
