/* SPDX-License-Identifier: Apache-2.0 */
/* Who holds what was lent, with messages that are lost, late or come twice. */
#include "server/lending.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "leaks.h"

typedef struct rig {
	pyr__lending lending;
	pyr__loop *loop;
	pyr__task *then; /* what is to be done when all has been heard */
	unsigned collected;
	char last[64];
} rig;

static void on_collected(void *arg, const char *id)
{
	rig *r = arg;
	r->collected++;
	snprintf(r->last, sizeof r->last, "%s", id);
}

static void begin(rig *r)
{
	pyr_error err;
	memset(r, 0, sizeof *r);
	pyr__lending_init(&r->lending, on_collected, r);
	cr_assert_eq(pyr__loop_new(NULL, &r->loop, &err), PYR_OK);
	r->lending.loop = r->loop;
}

static void end(rig *r)
{
	pyr__loop_finish(r->loop);
	pyr__lending_stop(&r->lending);
	pyr__loop_free(r->loop);
	pyr__lending_done(&r->lending);
	CHECK_LEAKS();
}

static pyr__holder by(const char *id, uint64_t sequence)
{
	return (pyr__holder){(const uint8_t *)id, sequence, 7};
}

#define ANN "ann.............0"
#define BOB "bob.............1"

static uint32_t hold(rig *r, const char *holder, uint64_t sequence)
{
	pyr__holder h = by(holder, sequence);
	return pyr__lending_hold(&r->lending, "x", &h);
}

static void release(rig *r, const char *holder, uint64_t sequence)
{
	pyr__holder h = by(holder, sequence);
	pyr__lending_release(&r->lending, "x", &h);
}

static void lend(rig *r, uint32_t lease_ms)
{
	pyr_error err;
	cr_assert_eq(pyr__lending_add(&r->lending, "x", lease_ms, 7, &err), PYR_OK);
}

Test(lending, D12_goes_when_the_last_holder_releases_it)
{
	rig r;
	begin(&r);
	lend(&r, 60000);
	pyr__lending_again(&r.lending, "x");
	cr_assert_eq(hold(&r, ANN, 1), 60000);
	cr_assert_eq(hold(&r, BOB, 1), 60000);
	release(&r, ANN, 2);
	cr_assert_eq(r.collected, 0);
	release(&r, BOB, 2);
	cr_assert_eq(r.collected, 1);
	cr_assert_str_eq(r.last, "x");
	cr_assert_eq(hold(&r, BOB, 3), 0);
	cr_assert_eq(pyr__lending_again(&r.lending, "x"), 0);
	end(&r);
}

Test(lending, D12_a_hold_that_is_overtaken_by_its_release_changes_nothing)
{
	rig r;
	begin(&r);
	lend(&r, 60000);
	pyr__lending_again(&r.lending, "x");
	hold(&r, ANN, 1);
	release(&r, BOB, 5); /* its Hold, number 4, is still on its way */
	cr_assert_eq(r.collected, 0);
	cr_assert_eq(hold(&r, BOB, 4), 60000);
	release(&r, ANN, 2);
	cr_assert_eq(r.collected, 1);
	end(&r);
}

Test(lending, D12_a_release_that_comes_late_does_not_end_a_newer_hold)
{
	rig r;
	begin(&r);
	lend(&r, 60000);
	hold(&r, ANN, 3);
	release(&r, ANN, 2);
	release(&r, ANN, 3);
	cr_assert_eq(r.collected, 0);
	release(&r, ANN, 4);
	cr_assert_eq(r.collected, 1);
	end(&r);
}

Test(lending, D12_what_is_on_its_way_to_another_stays)
{
	rig r;
	begin(&r);
	lend(&r, 60000);
	hold(&r, ANN, 1);
	pyr__lending_again(&r.lending, "x");
	release(&r, ANN, 2);
	cr_assert_eq(r.collected, 0);
	hold(&r, BOB, 1);
	release(&r, BOB, 2);
	cr_assert_eq(r.collected, 1);
	end(&r);
}

/* It is held, and the timer that looks after it runs. */
static void lend_held(rig *r, uint32_t lease_ms)
{
	lend(r, lease_ms);
	hold(r, ANN, 1);
	while (r->lending.due_us == 0)
		event_base_loop(pyr__loop_base(r->loop), EVLOOP_ONCE);
}

/* Until the timer has run. */
static void turn(rig *r)
{
	int64_t due_us = r->lending.due_us;
	while (r->lending.due_us == due_us && r->collected == 0)
		event_base_loop(pyr__loop_base(r->loop), EVLOOP_ONCE);
}

Test(lending, D12_what_nobody_renews_goes_with_its_lease)
{
	rig r;
	begin(&r);
	lend_held(&r, 100);
	while (r.collected == 0)
		turn(&r);
	cr_assert_eq(pyr__lending_count(&r.lending), 0);
	end(&r);
}

/* The loop's, or the machine's, standing still is no reason: a renewal may wait to be read. */
Test(lending, D12_what_is_renewed_late_because_all_stood_still_stays)
{
	rig r;
	begin(&r);
	lend_held(&r, 800);
	poll(NULL, 0, 1000); /* all stands still */
	turn(&r);
	cr_assert_eq(r.collected, 0);
	cr_assert_eq(hold(&r, ANN, 2), 800);
	turn(&r);
	cr_assert_eq(r.collected, 0);
	while (r.collected == 0) /* nobody renews it any more */
		turn(&r);
	end(&r);
}

/* A turn that takes long before its end, where the timer is set, makes no lease shorter. */
Test(lending, D12_what_is_renewed_in_time_stays_though_a_turn_was_long)
{
	rig r;
	begin(&r);
	lend_held(&r, 2000);
	r.lending.due_us += 100000000; /* as if it had been set late */
	turn(&r);
	cr_assert_eq(r.collected, 0);
	end(&r);
}

static void keep_task(void *arg, pyr__task *then)
{
	((rig *)arg)->then = then;
}

/*
 * Renewals may be with another loop, which hands them on when it is asked what has come: also one
 * that comes when the lease is over by the clock.
 */
Test(lending, D12_what_others_have_heard_is_heard_first)
{
	rig r;
	begin(&r);
	r.lending.hear_all = keep_task;
	int64_t over_us = pyr__now_us() + 100000;
	lend_held(&r, 100);
	for (uint64_t renewed = 2; renewed < 5;) {
		while (!r.then)
			event_base_loop(pyr__loop_base(r.loop), EVLOOP_ONCE);
		pyr__task *then = r.then;
		r.then = NULL;
		if (r.lending.due_us >= over_us) {
			over_us = pyr__now_us() + 100000;
			cr_assert_eq(hold(&r, ANN, renewed++), 100, "it was not waited for");
		}
		then->run(then);
		cr_assert_eq(r.collected, 0);
	}
	end(&r);
}

Test(lending, refuses_more_than_one_caller_may_keep)
{
	rig r;
	char id[16];
	pyr_error err;
	pyr_status status = PYR_OK;
	unsigned count = 0;
	begin(&r);
	while (status == PYR_OK && count <= 10000) {
		snprintf(id, sizeof id, "%u", count);
		status = pyr__lending_add(&r.lending, id, 60000, 7, &err);
		count += status == PYR_OK;
	}
	cr_assert_eq(status, PYR_RESOURCE_EXHAUSTED);
	cr_assert_eq(count, 10000);
	cr_assert_eq(pyr__lending_add(&r.lending, "of another", 60000, 8, &err), PYR_OK);
	pyr__lending_forget(&r.lending, "0");
	cr_assert_eq(pyr__lending_add(&r.lending, "one more", 60000, 7, &err), PYR_OK);
	end(&r);
}

Test(lending, refuses_more_holders_than_one_caller_may_bring)
{
	rig r;
	uint8_t id[PYR__HOLDER_ID_SIZE] = {0};
	begin(&r);
	lend(&r, 60000);
	unsigned count = 0;
	for (unsigned i = 0; i < 20010; i++) {
		memcpy(id, &i, sizeof i);
		pyr__holder h = {id, 1, 9};
		count += pyr__lending_hold(&r.lending, "x", &h) != 0;
	}
	cr_assert_eq(count, 20000);
	cr_assert_eq(hold(&r, ANN, 1), 60000); /* of another connection */
	end(&r);
}

/* If all of them were looked at each time it would take longer. */
Test(lending, finds_a_holder_among_as_many_as_an_object_may_have, .timeout = 8)
{
	rig r;
	uint8_t id[PYR__HOLDER_ID_SIZE] = {0};
	pyr__holder h = {.id = id};
	begin(&r);
	lend(&r, 60000);
	for (unsigned i = 0; i < 100000; i++) {
		memcpy(id, &i, sizeof i);
		h.sequence = 1;
		h.connection = 100 + i / 20000;
		cr_assert_eq(pyr__lending_hold(&r.lending, "x", &h), 60000);
	}
	cr_assert_eq(hold(&r, ANN, 1), 0);
	for (unsigned i = 0; i < 100000; i++) {
		memcpy(id, &i, sizeof i);
		h.sequence = 2;
		cr_assert_eq(r.collected, 0);
		pyr__lending_release(&r.lending, "x", &h);
	}
	cr_assert_eq(r.collected, 1);
	end(&r);
}
