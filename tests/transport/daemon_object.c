/* SPDX-License-Identifier: Apache-2.0 */
/* What a daemon tells of itself: Pyro's DaemonObject has ping, registered and info. */
#include <pyrite/daemon.pyr.h>
#include <pyrite/version.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "transport/suite.h"

#define OBJECTS 2345
#define PAGE    1000

static pyrite_daemon *open_daemon(suite *s)
{
	pyr_error err;
	pyrite_daemon *proxy;
	CHECK_OK(pyrite_daemon__open(s->context, s->reference, NULL, &proxy, &err));
	return proxy;
}

static bool has(char **texts, size_t count, const char *wanted)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(texts[i], wanted) == 0)
			return true;
	return false;
}

Test(daemon_object, D9_tells_what_it_is)
{
	suite *s = suite_begin_pool(3);
	pyr_error err;
	pyrite_daemon *proxy = open_daemon(s);
	Pyrite__PingRequest ping = PYRITE__PING_REQUEST__INIT;
	Pyrite__PingReply *pong;
	Pyrite__InfoRequest request = PYRITE__INFO_REQUEST__INIT;
	Pyrite__InfoReply *first, *second;
	char reference[PYR_REFERENCE_MAX];
	struct timespec now;
	CHECK_OK(pyrite_daemon_ping(proxy, &ping, &pong, &err));
	CHECK_OK(pyrite_daemon_info(proxy, &request, &first, &err));
	CHECK_OK(pyrite_daemon_info(proxy, &request, &second, &err));
	size_t endpoints = 0;
	while (!pyr_daemon_reference(
		s->daemon, "pyr.daemon", endpoints, reference, sizeof reference, NULL)) {
		cr_assert_lt(endpoints, first->n_references);
		cr_assert_str_eq(first->references[endpoints++], reference);
	}
	cr_assert_eq(first->n_references, endpoints);
	cr_assert_eq(strlen(first->id), 32);
	cr_assert_str_eq(first->id, second->id);
	cr_assert_str_eq(first->version, PYR_VERSION);
	cr_assert_eq(first->process_id, (uint32_t)getpid());
	cr_assert_eq(first->workers, 3);
	cr_assert_eq(first->object_count, 1);
	cr_assert(has(first->interfaces, first->n_interfaces, "suite.Suite"));
	cr_assert(has(first->interfaces, first->n_interfaces, "pyrite.Daemon"));
	/* time() would not do: it may be a tick behind this clock, so in the second before */
	cr_assert_eq(clock_gettime(CLOCK_REALTIME, &now), 0);
	cr_assert_leq(first->start_time->seconds, now.tv_sec);
	cr_assert_geq(first->start_time->seconds, now.tv_sec - 120);
	cr_assert_lt(first->uptime_us, second->uptime_us);
	pyrite__ping_reply__free_unpacked(pong, NULL);
	pyrite__info_reply__free_unpacked(first, NULL);
	pyrite__info_reply__free_unpacked(second, NULL);
	pyrite_daemon__close(proxy);
	suite_end(s);
}

static void note_objects(const Pyrite__ListObjectsReply *page, unsigned *seen)
{
	for (size_t i = 0; i < page->n_objects; i++) {
		const Pyrite__RegisteredObject *object = page->objects[i];
		unsigned number = 0;
		if (strcmp(object->id, "suite") != 0)
			cr_assert_eq(sscanf(object->id, "object-%u", &number), 1, "%s", object->id);
		cr_assert_leq(number, OBJECTS);
		seen[number]++;
		cr_assert_eq(object->n_interfaces, number == 0 ? 1 : 1 + number % 2);
		cr_assert_str_eq(object->interfaces[0], "suite.Suite");
	}
}

Test(daemon_object, D9_lists_all_objects_in_pages)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	char id[32];
	unsigned seen[OBJECTS + 1] = {0}, pages = 0;
	pyrite_daemon *proxy = open_daemon(s);
	for (unsigned i = 1; i <= OBJECTS; i++) {
		snprintf(id, sizeof id, "object-%u", i);
		CHECK_OK(suite_suite__serve(s->daemon, id, &servant_ops, &s->servant, &err));
		if (i % 2)
			CHECK_OK(suite_other__serve(s->daemon, id, &other_ops, NULL, &err));
	}
	Pyrite__ListObjectsRequest request = PYRITE__LIST_OBJECTS_REQUEST__INIT;
	do {
		Pyrite__ListObjectsReply *page;
		request.limit = pages == 0 ? 10 : UINT32_MAX;
		CHECK_OK(pyrite_daemon_list_objects(proxy, &request, &page, &err));
		cr_assert_leq(page->n_objects, pages == 0 ? 10 : PAGE);
		note_objects(page, seen);
		request.start = page->next;
		pages++;
		pyrite__list_objects_reply__free_unpacked(page, NULL);
	} while (request.start);
	cr_assert_eq(pages, 4);
	for (unsigned i = 0; i <= OBJECTS; i++)
		cr_assert_eq(seen[i], 1, "object %u came %u times", i, seen[i]);
	request.start = UINT64_MAX;
	Pyrite__ListObjectsReply *none;
	CHECK_OK(pyrite_daemon_list_objects(proxy, &request, &none, &err));
	cr_assert_eq(none->n_objects, 0);
	cr_assert_eq(none->next, 0);
	pyrite__list_objects_reply__free_unpacked(none, NULL);
	pyrite_daemon__close(proxy);
	suite_end(s);
}

/* What is counted of one method; freed by the caller, as all of it. */
static const Pyrite__MethodStatistics *find(
	const Pyrite__GetStatisticsReply *all, const char *method)
{
	for (size_t i = 0; i < all->n_methods; i++)
		if (strcmp(all->methods[i]->method, method) == 0)
			return all->methods[i];
	return NULL;
}

static uint64_t sum(const uint64_t *counts, size_t count)
{
	uint64_t all = 0;
	for (size_t i = 0; i < count; i++)
		all += counts[i];
	return all;
}

static uint64_t ended(const Pyrite__MethodStatistics *m, pyr_status status)
{
	return m && (size_t)status < m->n_ended ? m->ended[status] : 0;
}

static Pyrite__GetStatisticsReply *ask(pyrite_daemon *proxy, const char *prefix)
{
	pyr_error err;
	Pyrite__GetStatisticsRequest request = PYRITE__GET_STATISTICS_REQUEST__INIT;
	Pyrite__GetStatisticsReply *all;
	request.prefix = (char *)prefix;
	CHECK_OK(pyrite_daemon_get_statistics(proxy, &request, &all, &err));
	return all;
}

static void fail_with(suite *s, pyr_status status)
{
	pyr_error err;
	Suite__Failure request = SUITE__FAILURE__INIT;
	Suite__Nothing *reply;
	request.status = (uint32_t)status;
	cr_assert_eq(suite_suite_fail(s->proxy, &request, &reply, &err), status);
}

Test(daemon_object, O4_counts_calls_by_method_and_status)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	Suite__Nothing nothing = SUITE__NOTHING__INIT, *never;
	pyrite_daemon *proxy = open_daemon(s);
	for (int i = 0; i < 7; i++)
		CHECK_OK(suite_echo(s->proxy, &err));
	for (int i = 0; i < 3; i++)
		fail_with(s, PYR_NOT_FOUND);
	fail_with(s, PYR_UNAUTHENTICATED);
	CHECK_STATUS(PYR_UNIMPLEMENTED, suite_suite_absent(s->proxy, &nothing, &never, &err));
	Pyrite__GetStatisticsReply *all = ask(proxy, "");
	const Pyrite__MethodStatistics *echo = find(all, "suite.Suite/Echo");
	const Pyrite__MethodStatistics *fail = find(all, "suite.Suite/Fail");
	cr_assert_eq(echo->began, 7);
	cr_assert_eq(ended(echo, PYR_OK), 7);
	cr_assert_eq(sum(echo->ended, echo->n_ended), 7);
	cr_assert_eq(sum(echo->latency, echo->n_latency), 7);
	cr_assert_eq(fail->began, 4);
	cr_assert_eq(ended(fail, PYR_NOT_FOUND), 3);
	cr_assert_eq(ended(fail, PYR_UNAUTHENTICATED), 1);
	cr_assert_eq(ended(fail, PYR_OK), 0);
	cr_assert_eq(ended(find(all, "suite.Suite/Absent"), PYR_UNIMPLEMENTED), 1);
	cr_assert_null(find(all, "suite.Suite/Count"));
	cr_assert_eq(all->running, 1, "the call that asks");
	pyrite__get_statistics_reply__free_unpacked(all, NULL);
	all = ask(proxy, "suite.Suite/E");
	cr_assert_eq(all->n_methods, 1);
	cr_assert_str_eq(all->methods[0]->method, "suite.Suite/Echo");
	pyrite__get_statistics_reply__free_unpacked(all, NULL);
	pyrite_daemon__close(proxy);
	suite_end(s);
}

/* Until that many calls of the method have ended with the status. */
static void await_ended(
	pyrite_daemon *proxy, const char *method, pyr_status status, uint64_t wanted)
{
	int64_t until_ms = suite_now_ms() + 10000;
	uint64_t count;
	do {
		Pyrite__GetStatisticsReply *all = ask(proxy, method);
		count = ended(find(all, method), status);
		pyrite__get_statistics_reply__free_unpacked(all, NULL);
	} while (count != wanted && suite_now_ms() < until_ms);
	cr_assert_eq(count, wanted, "%s: %lu with %s", method, (unsigned long)count,
		pyr_status_name(status));
}

static void pass_ms(suite *s, int64_t ms)
{
	pyr_error err;
	int64_t until_ms = suite_now_ms() + ms;
	while (suite_now_ms() < until_ms)
		CHECK_OK(suite_echo(s->proxy, &err));
}

/* What nobody answers: oneway calls, and those that were given up or forgotten. */
Test(daemon_object, O4_counts_calls_without_an_answer)
{
	suite *s = suite_begin_pool(2);
	pyr_error err;
	Suite__Number request = SUITE__NUMBER__INIT, *reply;
	pyrite_daemon *proxy = open_daemon(s);
	suite_suite *hasty = suite_open_timeout(s, 500);
	CHECK_OK(suite_suite_note(s->proxy, &request, &err));
	await_ended(proxy, "suite.Suite/Note", PYR_OK, 1);
	CHECK_STATUS(PYR_DEADLINE_EXCEEDED, suite_suite_hold(hasty, &request, &reply, &err));
	CHECK_AWAIT(&s->servant.held_count, 1);
	pass_ms(s, 501); /* so that its deadline has passed here as well */
	servant_drop(&s->servant, 0);
	await_ended(proxy, "suite.Suite/Hold", PYR_DEADLINE_EXCEEDED, 1);
	suite_reply r = SUITE_REPLY_INIT;
	pyr_pending *pending;
	CHECK_OK(suite_suite_hold__invoke(s->proxy, &request, suite_on_number, &r, &pending, &err));
	CHECK_AWAIT(&s->servant.held_count, 2);
	servant_drop(&s->servant, 1);
	CHECK_AWAIT(&r.done, 1);
	cr_assert_eq(r.status, PYR_INTERNAL);
	await_ended(proxy, "suite.Suite/Hold", PYR_INTERNAL, 1);
	pyr_pending_unref(pending);
	suite_suite__close(hasty);
	pyrite_daemon__close(proxy);
	suite_end(s);
}

/* The least and the most that a latency in this slot can be. */
static uint64_t slot_begin_us(unsigned slot)
{
	return slot ? 1ull << (slot - 1) : 0;
}

Test(daemon_object, O4_measures_how_long_calls_take)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	Suite__Number request = SUITE__NUMBER__INIT;
	pyrite_daemon *proxy = open_daemon(s);
	suite_reply r = SUITE_REPLY_INIT;
	pyr_pending *pending;
	int64_t before_ms = suite_now_ms();
	CHECK_OK(suite_suite_hold__invoke(s->proxy, &request, suite_on_number, &r, &pending, &err));
	CHECK_AWAIT(&s->servant.held_count, 1);
	Pyrite__GetStatisticsReply *all = ask(proxy, "suite.Suite/Hold");
	cr_assert_eq(all->running, 2);
	cr_assert_eq(find(all, "suite.Suite/Hold")->began, 1);
	cr_assert_eq(find(all, "suite.Suite/Hold")->n_ended, 0);
	pyrite__get_statistics_reply__free_unpacked(all, NULL);
	pass_ms(s, 40);
	CHECK_OK(servant_answer(&s->servant, 0, 1));
	CHECK_AWAIT(&r.done, 1);
	uint64_t most_us = (uint64_t)(suite_now_ms() - before_ms + 1) * 1000;
	all = ask(proxy, "suite.Suite/Hold");
	const Pyrite__MethodStatistics *hold = find(all, "suite.Suite/Hold");
	cr_assert_geq(hold->total_us, 39000);
	cr_assert_leq(hold->total_us, most_us);
	unsigned slot = (unsigned)hold->n_latency - 1;
	cr_assert_eq(hold->latency[slot], 1);
	cr_assert_leq(slot_begin_us(slot), hold->total_us);
	cr_assert_lt(hold->total_us, slot_begin_us(slot + 1));
	pyrite__get_statistics_reply__free_unpacked(all, NULL);
	pyr_pending_unref(pending);
	pyrite_daemon__close(proxy);
	suite_end(s);
}

Test(daemon_object, D9_may_be_turned_off)
{
	suite_config config = {.daemon.no_daemon_object = true};
	suite *s = suite_begin(&config);
	pyr_error err;
	pyrite_daemon *proxy = open_daemon(s);
	Pyrite__PingRequest request = PYRITE__PING_REQUEST__INIT;
	Pyrite__PingReply *reply;
	CHECK_STATUS(PYR_UNIMPLEMENTED, pyrite_daemon_ping(proxy, &request, &reply, &err));
	CHECK_OK(suite_echo(s->proxy, &err));
	pyrite_daemon__close(proxy);
	suite_end(s);
}
