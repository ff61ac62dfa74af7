/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a context: every call of it is over first. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <pyrite/names.pyr.h>
#include "client/context.h"
#include "descriptors.h"
#include "leaks.h"

#define CALLS 20

static atomic_uint ended, cancelled;

static void on_count(
	void *ctx, pyr_status status, const Pyrite__CountReply *reply, const pyr_error *err)
{
	(void)ctx;
	(void)reply;
	cr_assert_eq(err->status, status);
	atomic_fetch_add(&cancelled, status == PYR_CANCELLED);
	atomic_fetch_add(&ended, 1);
}

typedef struct look {
	pyr__task task;
	pyr_context *context;
	unsigned paused;
} look;

static void count_paused(pyr__task *task)
{
	look *l = (look *)task;
	l->paused = 0;
	for (pyr__link *link = l->context->paused.next; link != &l->context->paused;
		link = link->next)
		l->paused++;
}

/* Until all of them wait at once; each look takes a turn of the loop. */
static void await_pauses(pyr_context *context)
{
	look l = {.task = {.run = count_paused}, .context = context};
	time_t give_up = time(NULL) + 20;
	while (l.paused < CALLS) {
		pyr__loop_call(context->loop, &l.task);
		cr_assert_lt(time(NULL), give_up, "only %u calls wait", l.paused);
	}
}

/* There is nobody, and the calls are patient: each waits for its next try most of the time. */
Test(context, free_ends_calls_that_wait_to_be_tried_again)
{
	int before = descriptors();
	pyr_context *context;
	pyrite_names *proxy;
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	Pyrite__CountRequest request = PYRITE__COUNT_REQUEST__INIT;
	options.retries_max = 1000;
	cr_assert_eq(pyr_context_new(NULL, &context, NULL), PYR_OK);
	cr_assert_eq(
		pyrite_names__open(context, "pyr:x@unix:/nowhere/at-all", &options, &proxy, NULL),
		PYR_OK);
	for (int i = 0; i < CALLS; i++)
		cr_assert_eq(
			pyrite_names_count__invoke(proxy, &request, on_count, NULL, NULL, NULL),
			PYR_OK);
	await_pauses(context);
	cr_assert_eq(atomic_load(&ended), 0);
	pyr_context_free(context);
	cr_assert_eq(atomic_load(&ended), CALLS);
	cr_assert_eq(atomic_load(&cancelled), CALLS);
	pyrite_names__close(proxy);
	CHECK_DESCRIPTORS(before);
	CHECK_LEAKS();
}
