/* SPDX-License-Identifier: Apache-2.0 */
/* Lists and removals of many names, while the server goes on serving others. */
#include "served.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANY 50000

static size_t count_pages(served *s, Pyrite__ListRequest request, size_t *ret_names)
{
	char *token = strdup("");
	size_t pages = 0;
	*ret_names = 0;
	do {
		Pyrite__ListReply *reply;
		request.page_token = token;
		assert_ok(s, pyrite_names_list(s->names, &request, &reply, &s->err));
		*ret_names += reply->n_names;
		cr_assert_leq(reply->n_names, 1000);
		pages++;
		free(token);
		token = strdup(reply->next_page_token);
		pyrite__list_reply__free_unpacked(reply, NULL);
	} while (*token);
	free(token);
	return pages;
}

Test(walks, every_name_is_in_some_page_and_no_page_is_too_long)
{
	served s;
	size_t names;
	served_init(&s, "memory");
	served_start(&s);
	put_many(&s, "n", 10000);
	Pyrite__ListRequest request = PYRITE__LIST_REQUEST__INIT;
	cr_assert_geq(count_pages(&s, request, &names), 10);
	cr_assert_eq(names, 10001);
	request.page_size = 2000;
	count_pages(&s, request, &names);
	cr_assert_eq(names, 10001);
	request.page_token = "\x01";
	Pyrite__ListReply *reply;
	assert_fails(&s, PYR_INVALID_ARGUMENT, "page_token",
		pyrite_names_list(s.names, &request, &reply, &s.err));
	served_done(&s);
	CHECK_LEAKS();
}

/* Reports how long the slowest of many pings took while something else was going on. */
typedef struct pinger {
	served *s;
	pthread_t thread;
	bool stop; /* guarded by the lock */
	pthread_mutex_t lock;
	uint64_t slowest_ms;
	unsigned count;
} pinger;

static void *ping(void *arg)
{
	pinger *p = arg;
	pyr_context *context;
	pyrite_names *names = served_open(p->s, &context);
	Pyrite__CountRequest request = PYRITE__COUNT_REQUEST__INIT;
	for (bool stop = false; !stop; p->count++) {
		Pyrite__CountReply *reply;
		uint64_t begin_ms = test_now_ms();
		cr_assert_eq(pyrite_names_count(names, &request, &reply, NULL), PYR_OK);
		uint64_t took_ms = test_now_ms() - begin_ms;
		pyrite__count_reply__free_unpacked(reply, NULL);
		if (took_ms > p->slowest_ms)
			p->slowest_ms = took_ms;
		pthread_mutex_lock(&p->lock);
		stop = p->stop;
		pthread_mutex_unlock(&p->lock);
	}
	pyrite_names__close(names);
	pyr_context_free(context);
	return NULL;
}

static void start_pinging(pinger *p, served *s)
{
	*p = (pinger){.s = s, .lock = PTHREAD_MUTEX_INITIALIZER};
	cr_assert_eq(pthread_create(&p->thread, NULL, ping, p), 0);
}

static void stop_pinging(pinger *p)
{
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->thread, NULL);
}

typedef struct awaited {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	unsigned left, ok;
} awaited;

static void on_list(
	void *ctx, pyr_status status, const Pyrite__ListReply *reply, const pyr_error *err)
{
	(void)reply;
	(void)err;
	awaited *a = ctx;
	pthread_mutex_lock(&a->lock);
	a->ok += status == PYR_OK;
	a->left--;
	pthread_cond_signal(&a->cond);
	pthread_mutex_unlock(&a->lock);
}

static void await(awaited *a)
{
	pthread_mutex_lock(&a->lock);
	while (a->left)
		pthread_cond_wait(&a->cond, &a->lock);
	pthread_mutex_unlock(&a->lock);
}

/* A regex that has to be tried on every name, and costs on each. */
static const char costly[] = "(n|n0)+(0|1)*(0|2)*(0|3)*x";

Test(walks, many_costly_lists_at_once_hold_nobody_up)
{
	served s;
	pinger p;
	served_init(&s, "memory");
	served_start(&s);
	put_many(&s, "n", MANY);
	start_pinging(&p, &s);
	awaited a = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 200, 0};
	Pyrite__ListRequest request = PYRITE__LIST_REQUEST__INIT;
	request.regex = (char *)costly;
	for (int i = 0; i < 200; i++)
		assert_ok(&s,
			pyrite_names_list__invoke(s.names, &request, on_list, &a, NULL, &s.err));
	await(&a);
	stop_pinging(&p);
	cr_assert_eq(a.ok, 200);
	cr_log_info("slowest of %u pings: %d ms", p.count, (int)p.slowest_ms);
	/* 200 slices are 400 ms and more; a turn has 10 of them. The rest is the scheduler's. */
	cr_assert_lt(p.slowest_ms, 200);
	served_done(&s);
	CHECK_LEAKS();
}

Test(walks, a_great_removal_holds_nobody_up_and_takes_all)
{
	served s;
	pinger p;
	served_init(&s, "memory");
	served_start(&s);
	put_many(&s, "n", MANY);
	put_many(&s, "o", 10);
	start_pinging(&p, &s);
	Pyrite__RemoveRequest request = PYRITE__REMOVE_REQUEST__INIT;
	Pyrite__RemoveReply *reply;
	request.regex = "n[0-9]*";
	assert_ok(&s, pyrite_names_remove(s.names, &request, &reply, &s.err));
	stop_pinging(&p);
	cr_assert_eq(reply->count, MANY);
	pyrite__remove_reply__free_unpacked(reply, NULL);
	cr_assert(is_there(&s, "o0000009"));
	cr_log_info("slowest of %u pings: %d ms", p.count, (int)p.slowest_ms);
	cr_assert_lt(p.slowest_ms, 200);
	served_done(&s);
	CHECK_LEAKS();
}

Test(walks, a_regex_without_end_is_refused)
{
	served s;
	const char *names;
	served_init(&s, "memory");
	served_start(&s);
	char name[200];
	memset(name, 'a', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	assert_ok(&s, put(&s, name, "pyr:x@127.0.0.1:1"));
	Pyrite__ListRequest request = PYRITE__LIST_REQUEST__INIT;
	request.regex = "(a+)+[bc]";
	assert_fails(&s, PYR_RESOURCE_EXHAUSTED, "too long", list(&s, request, &names));
	served_done(&s);
	CHECK_LEAKS();
}

Test(walks, more_than_may_wait_are_refused)
{
	served s;
	served_init(&s, "memory");
	s.options.walks_max = 3;
	served_start(&s);
	put_many(&s, "n", 20000);
	awaited a = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 100, 0};
	Pyrite__ListRequest request = PYRITE__LIST_REQUEST__INIT;
	request.regex = (char *)costly;
	for (int i = 0; i < 100; i++)
		assert_ok(&s,
			pyrite_names_list__invoke(s.names, &request, on_list, &a, NULL, &s.err));
	await(&a);
	cr_assert(a.ok >= 3 && a.ok <= 100, "%u", a.ok);
	assert_ok(&s, put(&s, "after", "pyr:x@127.0.0.1:1"));
	served_done(&s);
	CHECK_LEAKS();
}
