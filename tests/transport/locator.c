/* SPDX-License-Identifier: Apache-2.0 */
/* Objects on demand: CORBA's servant locators and Ice's; Pyro has none. */
#include <poll.h>
#include <pyrite/locator.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "transport/suite.h"

/* What makes and gives back servants, one for each id but "account/none". */
typedef struct bank {
	tally made, evicted;
	atomic_uint alive, most_alive;
	tally gate; /* locate waits for it, if slow */
	bool slow;
	char last[64];  /* that was evicted */
	servant *first; /* that was made */
} bank;

#define BANK_INIT                                                                                  \
	{                                                                                          \
		.made = TALLY_INIT, .evicted = TALLY_INIT, .gate = TALLY_INIT                      \
	}

static pyr_status locate(void *ctx, const char *id, void **ret_self, pyr_error *err)
{
	bank *b = ctx;
	tally_add(&b->made, 1);
	if (b->slow)
		tally_await(&b->gate, 1);
	if (strcmp(id, "account/none") == 0)
		return pyr_error_set(err, PYR_NOT_FOUND, "there is no account of that number");
	servant *made = calloc(1, sizeof *made);
	*made = (servant)SERVANT_INIT;
	unsigned alive = atomic_fetch_add(&b->alive, 1) + 1;
	if (alive > atomic_load(&b->most_alive))
		atomic_store(&b->most_alive, alive);
	if (!b->first)
		b->first = made;
	*ret_self = made;
	return PYR_OK;
}

static void evict(void *ctx, const char *id, void *self)
{
	bank *b = ctx;
	snprintf(b->last, sizeof b->last, "%s", id);
	free(self);
	atomic_fetch_sub(&b->alive, 1);
	tally_add(&b->evicted, 1);
}

static void add_locator(suite *s, bank *b, const char *prefix, uint32_t most, uint32_t idle_ms)
{
	pyr_error err;
	pyr_locator locator = PYR_LOCATOR_INIT;
	locator.prefix = prefix;
	locator.locate = locate;
	locator.evict = evict;
	locator.ctx = b;
	locator.most = most;
	locator.idle_ms = idle_ms;
	CHECK_OK(suite_suite__locate(s->daemon, &servant_ops, &locator, &err));
}

static suite_suite *open_id(suite *s, const char *id)
{
	pyr_error err;
	char reference[PYR_REFERENCE_MAX];
	suite_suite *proxy;
	suite_refer(s->daemon, id, reference);
	CHECK_OK(suite_suite__open(s->context, reference, NULL, &proxy, &err));
	return proxy;
}

/* The answer of Count: how often this servant has counted. */
static uint64_t count(suite *s, const char *id)
{
	pyr_error err;
	Suite__Nothing request = SUITE__NOTHING__INIT;
	Suite__Number *reply;
	suite_suite *proxy = open_id(s, id);
	CHECK_OK(suite_suite_count(proxy, &request, &reply, &err));
	uint64_t value = reply->value;
	suite__number__free_unpacked(reply, NULL);
	suite_suite__close(proxy);
	return value;
}

Test(locator, D11_makes_an_object_when_it_is_first_called)
{
	suite *s = suite_begin(NULL);
	bank b = BANK_INIT, other = BANK_INIT;
	pyr_error err;
	pyr_locator twice = PYR_LOCATOR_INIT;
	add_locator(s, &b, "account/", 0, 0);
	add_locator(s, &other, "account/special/", 0, 0);
	cr_assert_eq(count(s, "account/1"), 1);
	cr_assert_eq(count(s, "account/1"), 2);
	cr_assert_eq(count(s, "account/2"), 1);
	cr_assert_eq(tally_get(&b.made), 2);
	cr_assert_eq(count(s, "account/special/1"), 1);
	cr_assert_eq(tally_get(&other.made), 1);
	cr_assert_eq(count(s, "suite"), 1); /* registered */
	suite_suite *none = open_id(s, "account/none"), *away = open_id(s, "elsewhere/1");
	for (int i = 0; i < 2; i++) {
		CHECK_STATUS(PYR_NOT_FOUND, suite_count(none, &err));
		cr_assert(strstr(err.message, "no account"), "%s", err.message);
		cr_assert_eq(err.executed, PYR_EXECUTED_NO);
	}
	cr_assert_geq(tally_get(&b.made), 4); /* local calls look for it again */
	CHECK_STATUS(PYR_NOT_FOUND, suite_count(away, &err));
	twice.prefix = "account/";
	twice.locate = locate;
	CHECK_STATUS(
		PYR_ALREADY_EXISTS, suite_suite__locate(s->daemon, &servant_ops, &twice, &err));
	twice.locate = NULL;
	CHECK_STATUS(
		PYR_INVALID_ARGUMENT, suite_suite__locate(s->daemon, &servant_ops, &twice, &err));
	suite_suite__close(none);
	suite_suite__close(away);
	cr_assert_eq(tally_get(&b.evicted), 0);
	/* the daemon gives back what is left */
	suite_end(s);
	cr_assert_eq(tally_get(&b.evicted), 2);
	cr_assert_eq(tally_get(&other.evicted), 1);
}

Test(locator, D11_keeps_few_of_many)
{
	enum { IDS = 3000, MOST = 10 };
	suite *s = suite_begin(NULL);
	bank b = BANK_INIT;
	char id[32];
	add_locator(s, &b, NULL, MOST, 0);
	for (int i = 0; i < IDS; i++) {
		snprintf(id, sizeof id, "%d", i);
		cr_assert_eq(count(s, id), 1);
	}
	/* one more may be there while it is called */
	cr_assert_leq(atomic_load(&b.most_alive), MOST + 2);
	cr_assert_eq(tally_get(&b.made), IDS);
	cr_assert_eq(tally_get(&b.evicted) + atomic_load(&b.alive), IDS);
	snprintf(id, sizeof id, "%d", IDS - 1);
	cr_assert_eq(count(s, id), 2); /* one that was used last is there still */
	suite_end(s);
	cr_assert_eq(tally_get(&b.evicted), IDS);
}

Test(locator, D11_gives_back_what_is_idle)
{
	suite *s = suite_begin(NULL);
	bank b = BANK_INIT;
	add_locator(s, &b, "account/", 0, 40);
	cr_assert_eq(count(s, "account/1"), 1);
	CHECK_AWAIT(&b.evicted, 1);
	cr_assert_str_eq(b.last, "account/1");
	cr_assert_eq(count(s, "account/1"), 1); /* another one */
	CHECK_AWAIT(&b.evicted, 2);
	suite_end(s);
}

Test(locator, D11_makes_one_for_calls_that_come_at_once)
{
	suite *s = suite_begin_pool(8);
	bank b = BANK_INIT;
	pyr_error err;
	suite_reply replies[20];
	Suite__Nothing request = SUITE__NOTHING__INIT;
	b.slow = true;
	add_locator(s, &b, "account/", 0, 0);
	suite_suite *proxy = open_id(s, "account/1");
	for (int i = 0; i < 20; i++) {
		replies[i] = (suite_reply)SUITE_REPLY_INIT;
		CHECK_OK(suite_suite_count__invoke(
			proxy, &request, suite_on_number, &replies[i], NULL, &err));
	}
	CHECK_AWAIT(&b.made, 1);
	tally_add(&b.gate, 1);
	for (int i = 0; i < 20; i++) {
		CHECK_AWAIT(&replies[i].done, 1);
		cr_assert_eq(replies[i].status, PYR_OK);
	}
	cr_assert_eq(tally_get(&b.made), 1);
	cr_assert_eq(count(s, "account/1"), 21);
	suite_suite__close(proxy);
	suite_end(s);
}

Test(locator, D11_leaves_one_alone_that_a_call_uses)
{
	suite *s = suite_begin(NULL);
	bank b = BANK_INIT;
	pyr_error err;
	suite_reply r = SUITE_REPLY_INIT;
	Suite__Number request = SUITE__NUMBER__INIT;
	pyr_pending *pending;
	char id[32];
	add_locator(s, &b, "account/", 1, 1);
	suite_suite *proxy = open_id(s, "account/held");
	CHECK_OK(suite_suite_hold__invoke(proxy, &request, suite_on_number, &r, &pending, &err));
	CHECK_AWAIT(&b.made, 1);
	for (int i = 0; i < 50; i++) {
		snprintf(id, sizeof id, "account/%d", i);
		count(s, id);
		cr_assert_str_neq(b.last, "account/held");
	}
	CHECK_AWAIT(&b.evicted, 50);
	cr_assert_eq(atomic_load(&b.alive), 1);
	/* taken out, it still lives for the call */
	CHECK_OK(pyr_daemon_unregister(s->daemon, "account/held", NULL, &err));
	CHECK_STATUS(PYR_NOT_FOUND, pyr_daemon_unregister(s->daemon, "account/held", NULL, &err));
	cr_assert_eq(tally_get(&b.evicted), 50);
	CHECK_AWAIT(&b.first->held_count, 1);
	CHECK_OK(servant_answer(b.first, 0, 1));
	CHECK_AWAIT(&r.done, 1);
	CHECK_AWAIT(&b.evicted, 51);
	pyr_pending_unref(pending);
	suite_suite__close(proxy);
	suite_end(s);
}

/* One servant for all ids, which asks which of them was called. */
static void whose(void *self, pyr_call *call, const Suite__Blob *request)
{
	(void)self;
	(void)request;
	Suite__Blob reply = SUITE__BLOB__INIT;
	const char *id = pyr_call_object(call);
	reply.data = (ProtobufCBinaryData){strlen(id), (uint8_t *)id};
	suite_suite_echo__reply(call, &reply);
}

static pyr_status default_servant(void *ctx, const char *id, void **ret_self, pyr_error *err)
{
	(void)id;
	(void)err;
	*ret_self = ctx;
	return PYR_OK;
}

Test(locator, D11_one_servant_may_be_for_all)
{
	static const suite_suite_ops ops = {.echo = whose};
	suite *s = suite_begin(NULL);
	pyr_error err;
	pyr_locator locator = PYR_LOCATOR_INIT;
	Suite__Blob request = SUITE__BLOB__INIT, *reply;
	char id[32];
	locator.locate = default_servant;
	locator.most = 3;
	CHECK_OK(suite_suite__locate(s->daemon, &ops, &locator, &err));
	for (int i = 0; i < 20; i++) {
		snprintf(id, sizeof id, "anything-%d", i);
		suite_suite *proxy = open_id(s, id);
		CHECK_OK(suite_suite_echo(proxy, &request, &reply, &err));
		cr_assert_eq(reply->data.len, strlen(id));
		cr_assert_eq(memcmp(reply->data.data, id, strlen(id)), 0);
		suite__blob__free_unpacked(reply, NULL);
		suite_suite__close(proxy);
	}
	suite_end(s);
}

/* One that goes is gone before the next one of its id is made. */
typedef struct single {
	atomic_bool there;
	atomic_uint twice;
	tally made;
} single;

static pyr_status locate_single(void *ctx, const char *id, void **ret_self, pyr_error *err)
{
	single *one = ctx;
	(void)id;
	(void)err;
	if (atomic_exchange(&one->there, true))
		atomic_fetch_add(&one->twice, 1);
	tally_add(&one->made, 1);
	*ret_self = one;
	return PYR_OK;
}

static void evict_single(void *ctx, const char *id, void *self)
{
	single *one = ctx;
	(void)id;
	(void)self;
	sched_yield(); /* time for another to come */
	atomic_store(&one->there, false);
}

Test(locator, D11_has_no_two_of_one_id)
{
	static const suite_suite_ops ops = {.echo = whose};
	suite *s = suite_begin_pool(4);
	pyr_error err;
	single one = {.made = TALLY_INIT};
	pyr_locator locator = PYR_LOCATOR_INIT;
	Suite__Blob request = SUITE__BLOB__INIT, *reply;
	locator.locate = locate_single;
	locator.evict = evict_single;
	locator.ctx = &one;
	locator.idle_ms = 1;
	CHECK_OK(suite_suite__locate(s->daemon, &ops, &locator, &err));
	suite_suite *proxy = open_id(s, "account/1");
	int64_t until_ms = suite_now_ms() + 10000;
	while (tally_get(&one.made) < 20 && suite_now_ms() < until_ms) {
		CHECK_OK(suite_suite_echo(proxy, &request, &reply, &err));
		suite__blob__free_unpacked(reply, NULL);
		poll(NULL, 0, 1); /* it is idle */
	}
	cr_assert_geq(tally_get(&one.made), 20);
	cr_assert_eq(atomic_load(&one.twice), 0);
	suite_suite__close(proxy);
	suite_end(s);
}

Test(locator, D11_an_object_is_unregistered_with_what_is_registered_of_its_id)
{
	suite *s = suite_begin(NULL);
	bank b = BANK_INIT;
	pyr_error err;
	add_locator(s, &b, "account/", 0, 0);
	CHECK_OK(suite_other__serve(s->daemon, "account/1", &other_ops, NULL, &err));
	cr_assert_eq(count(s, "account/1"), 1);
	CHECK_OK(pyr_daemon_unregister(s->daemon, "account/1", NULL, &err));
	CHECK_AWAIT(&b.evicted, 1);
	CHECK_STATUS(PYR_NOT_FOUND,
		pyr_daemon_unregister(s->daemon, "account/1", &suite_other__interface, &err));
	suite_end(s);
}
