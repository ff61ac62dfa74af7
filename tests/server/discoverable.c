/* SPDX-License-Identifier: Apache-2.0 */
/* A daemon that can be discovered, and those who ask it, friendly or not. */
#include <pyrite/discovery.h>

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "descriptors.h"
#include "leaks.h"
#include "native/datagram.h"
#include "native/discovery.h"

static pyr_error err;
static int open_before;
static pyr_daemon *daemon_;
static int asker; /* a socket */
static uint16_t port;

#define assert_ok(status)                                                                          \
	do {                                                                                       \
		pyr_status status_ = (status);                                                     \
		cr_assert(status_ == PYR_OK, "%s: %s", pyr_status_name(status_), err.message);     \
	} while (0)

/* The default context, which the daemon has, stays. */
static void before(void)
{
	pyr_daemon *first;
	assert_ok(pyr_daemon_new(NULL, &first, &err));
	pyr_daemon_free(first);
	open_before = descriptors();
	assert_ok(pyr_daemon_new(NULL, &daemon_, &err));
	assert_ok(pyr__datagram_open(&asker, &err));
}

static void after(void)
{
	pyr_daemon_free(daemon_);
	close(asker);
	CHECK_DESCRIPTORS(open_before);
	CHECK_LEAKS();
}

TestSuite(discoverable, .init = before, .fini = after);

static pyr_status make_discoverable(const char *at, const char *group)
{
	pyr_discoverable_options options = PYR_DISCOVERABLE_OPTIONS_INIT;
	options.at = at;
	options.group = group;
	return pyr_daemon_make_discoverable(daemon_, &options, &err);
}

static pyr_discoverable_state state(void)
{
	pyr_discoverable_state now = PYR_DISCOVERABLE_STATE_INIT;
	assert_ok(pyr_daemon_discoverable_state(daemon_, &now, &err));
	return now;
}

static void start(const char *listen, const char *at, const char *group)
{
	assert_ok(pyr_daemon_listen(daemon_, listen, NULL, &err));
	assert_ok(make_discoverable(at, group));
	assert_ok(pyr_daemon_start(daemon_, &err));
	port = (uint16_t)atoi(strrchr(state().at, ':') + 1);
}

static void tell(const char *to, const void *data, size_t size)
{
	cr_assert_eq(pyr__datagram_send(asker, inet_addr(to), port, data, size), 0);
}

static pyr__query query = {.nonce = "0123456789abcde", .any_group = true};

static void ask(const char *to)
{
	uint8_t bytes[PYR__DISCOVERY_QUERY_SIZE];
	pyr__query_store(&query, bytes);
	tell(to, bytes, sizeof bytes);
}

/* Waits for it. */
static void hear(pyr__answer *ret_answer)
{
	pyr__datagram datagram;
	struct pollfd p = {.fd = asker, .events = POLLIN};
	cr_assert(poll(&p, 1, 10000) == 1, "no answer");
	cr_assert(pyr__datagram_receive(asker, &datagram));
	cr_assert(pyr__answer_load(ret_answer, query.nonce, datagram.data, datagram.size));
	cr_assert_leq(datagram.size, PYR__DISCOVERY_QUERY_SIZE);
}

/* What came before has been looked at when an answer to this comes. */
static void settle(void)
{
	pyr__answer answer;
	ask("127.0.0.1");
	hear(&answer);
}

Test(discoverable, N10_answers_with_the_address_that_was_asked)
{
	pyr__answer answer;
	start("0.0.0.0:0", "*:0", "blue");
	const char *const asked[] = {"127.0.0.1", "127.1.2.3"};
	for (size_t i = 0; i < 2; i++) {
		ask(asked[i]);
		hear(&answer);
		cr_assert_str_eq(answer.reference.host, asked[i]);
		cr_assert_eq(answer.reference.scheme, PYR_SCHEME_PYR);
		cr_assert_str_eq(answer.group, "blue");
	}
}

Test(discoverable, N10_prefers_the_endpoint_at_the_address_that_was_asked)
{
	pyr__answer answer;
	assert_ok(pyr_daemon_listen(daemon_, "127.0.0.1:0", NULL, &err));
	assert_ok(pyr_daemon_listen(daemon_, "unix:@pyrite-test-discoverable", NULL, &err));
	start("127.0.0.2:0", "127.0.0.2:0", NULL);
	ask("127.0.0.2");
	hear(&answer);
	cr_assert_str_eq(answer.reference.host, "127.0.0.2");
}

Test(discoverable, N10_answers_those_of_its_group_and_those_who_ask_for_all)
{
	pyr__answer answer;
	start("127.0.0.1:0", "127.0.0.1:0", "blue");
	query.any_group = false;
	const char *const groups[] = {"red", "", "blu", "blue"};
	for (size_t i = 0; i < 4; i++) {
		strcpy(query.group, groups[i]);
		ask("127.0.0.1");
	}
	hear(&answer);
	settle();
	cr_assert_eq(state().others, 3);
	cr_assert_eq(state().answered, 2);
}

Test(discoverable, N10_what_is_malformed_is_counted_and_not_answered)
{
	uint8_t bytes[PYR__DISCOVERY_SIZE_MAX + 100];
	pyr__answer answer = {.id = {1}};
	start("127.0.0.1:0", "127.0.0.1:0", NULL);
	pyr__query_store(&query, bytes);
	tell("127.0.0.1", bytes, PYR__DISCOVERY_QUERY_SIZE - 1);
	tell("127.0.0.1", bytes, 0);
	memset(bytes, 0xff, sizeof bytes);
	tell("127.0.0.1", bytes, sizeof bytes);
	assert_ok(pyr_reference_parse("pyr:pyrite.nameserver@10.0.0.7:1", &answer.reference, &err));
	tell("127.0.0.1", bytes, pyr__answer_store(&answer, bytes)); /* nor is an answer */
	settle();
	cr_assert_eq(state().malformed, 4);
	cr_assert_eq(state().answered, 1);
}

static uint64_t looked_at(void)
{
	return state().answered + state().too_many;
}

Test(discoverable, N10_no_more_than_so_many_are_answered_in_a_second)
{
	int64_t began_us = pyr__now_us();
	start("127.0.0.1:0", "127.0.0.1:0", NULL);
	for (uint64_t asked = 0; asked < 2000;) {
		for (int i = 0; i < 50; i++, asked++)
			ask("127.0.0.1");
		while (looked_at() < asked)
			poll(NULL, 0, 1);
	}
	uint64_t seconds = (uint64_t)(pyr__now_us() - began_us) / 1000000 + 1;
	cr_assert_leq(state().answered, 200 * (seconds + 1));
	cr_assert(state().too_many > 0 || seconds > 8);
}

Test(discoverable, N10_on_loopback_only_it_has_to_be_told_so)
{
	assert_ok(pyr_daemon_listen(daemon_, "unix:@pyrite-test-discoverable", NULL, &err));
	cr_assert(make_discoverable("127.0.0.1:0", NULL) == PYR_FAILED_PRECONDITION);
	assert_ok(pyr_daemon_listen(daemon_, "127.0.0.1:0", NULL, &err));
	cr_assert(make_discoverable("*:0", NULL) == PYR_FAILED_PRECONDITION);
	cr_assert(strstr(err.message, "127.0.0.1:9790"), "%s", err.message);
	assert_ok(make_discoverable("127.0.0.1:0", NULL));
	cr_assert(make_discoverable("127.0.0.1:0", NULL) == PYR_FAILED_PRECONDITION);
	cr_assert(strstr(err.message, "already"), "%s", err.message);
}

Test(discoverable, N10_says_what_is_wrong_with_where_and_group)
{
	pyr_discoverable_state unused = PYR_DISCOVERABLE_STATE_INIT;
	assert_ok(pyr_daemon_listen(daemon_, "0.0.0.0:0", NULL, &err));
	cr_assert(make_discoverable("host.example:1", NULL) == PYR_INVALID_ARGUMENT);
	cr_assert(make_discoverable("*:0", "two words") == PYR_INVALID_ARGUMENT);
	cr_assert(make_discoverable("192.0.2.1:0", NULL) == PYR_UNAVAILABLE); /* not ours */
	cr_assert(pyr_daemon_discoverable_state(daemon_, &unused, &err) == PYR_FAILED_PRECONDITION);
	int fd;
	char taken[PYR__DATAGRAM_TEXT_SIZE];
	assert_ok(pyr__datagram_listen(0, 0, &fd, &port, &err));
	snprintf(taken, sizeof taken, "*:%u", port);
	cr_assert(make_discoverable(taken, NULL) == PYR_ALREADY_EXISTS);
	close(fd);
}
