/* SPDX-License-Identifier: Apache-2.0 */
/* A daemon's beginning and end: options, endpoints, references, stopping. */
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "native/frame.h"
#include "server/daemon_private.h"
#include "transport/suite.h"

static Suite__Number number = SUITE__NUMBER__INIT;

static pyr_daemon *new_daemon(pyr_daemon_options *options)
{
	pyr_error err;
	pyr_daemon *daemon;
	CHECK_OK(pyr_daemon_new(options, &daemon, &err));
	return daemon;
}

/* The default context lives as long as the process, with two descriptors of its own. */
static int descriptors_with_context(void)
{
	pyr_daemon_free(new_daemon(NULL));
	return descriptors();
}

Test(daemon, takes_the_options_of_an_older_program)
{
	int before = descriptors_with_context();
	pyr_daemon_options options = PYR_DAEMON_OPTIONS_INIT;
	options.message_bytes_max = 1234;
	options.connections_max = 77;
	options.no_health = true;
	options.size = offsetof(pyr_daemon_options, connections_max);
	pyr_daemon *daemon = new_daemon(&options);
	cr_assert_eq(daemon->options.message_bytes_max, 1234);
	cr_assert_eq(daemon->options.connections_max, 10000, "what it does not have was read");
	cr_assert_not(daemon->options.no_health);
	pyr_daemon_free(daemon);
	pyr_daemon_free(NULL);
	CHECK_DESCRIPTORS(before);
	CHECK_LEAKS();
}

Test(daemon, says_why_it_cannot_listen_and_leaves_nothing_open)
{
	pyr_error err;
	int before = descriptors_with_context();
	pyr_daemon *daemon = new_daemon(NULL);
	pyr_listen_options advertise = PYR_LISTEN_OPTIONS_INIT;
	CHECK_STATUS(PYR_INVALID_ARGUMENT, pyr_daemon_listen(daemon, "127.0.0.1", NULL, &err));
	CHECK_STATUS(PYR_INVALID_ARGUMENT, pyr_daemon_listen(daemon, "", NULL, &err));
	CHECK_STATUS(PYR_INVALID_ARGUMENT, pyr_daemon_listen(daemon, "unix:", NULL, &err));
	CHECK_STATUS(
		PYR_INVALID_ARGUMENT, pyr_daemon_listen(daemon, "grpcs:127.0.0.1:0", NULL, &err));
	cr_assert_str_eq(err.message, "an endpoint for grpcs: needs credentials");
	CHECK_STATUS(
		PYR_UNAVAILABLE, pyr_daemon_listen(daemon, "unix:/nowhere/at-all", NULL, &err));
	advertise.advertise = "no port";
	CHECK_STATUS(
		PYR_INVALID_ARGUMENT, pyr_daemon_listen(daemon, "127.0.0.1:0", &advertise, &err));
	char reference[PYR_REFERENCE_MAX];
	CHECK_STATUS(PYR_OUT_OF_RANGE,
		pyr_daemon_reference(daemon, "x", 0, reference, sizeof reference, &err));
	cr_assert_str_eq(err.message, "the daemon has no endpoint number 0");
	pyr_daemon_free(daemon);
	CHECK_DESCRIPTORS(before);
}

Test(daemon, refers_to_its_objects_on_every_endpoint)
{
	pyr_error err;
	char reference[PYR_REFERENCE_MAX], long_id[300];
	pyr_daemon *daemon = new_daemon(NULL);
	pyr_listen_options advertise = PYR_LISTEN_OPTIONS_INIT;
	advertise.advertise = "example.org:4711";
	CHECK_OK(pyr_daemon_listen(daemon, "127.0.0.1:0", NULL, &err));
	CHECK_OK(pyr_daemon_listen(daemon, "127.0.0.1:0", &advertise, &err));
	CHECK_OK(pyr_daemon_reference(daemon, "a@b", 0, reference, sizeof reference, &err));
	cr_assert(strncmp(reference, "pyr:a%40b@127.0.0.1:", 20) == 0, "%s", reference);
	cr_assert_str_neq(reference + 20, "0");
	CHECK_OK(pyr_daemon_reference(daemon, "x", 1, reference, sizeof reference, &err));
	cr_assert_str_eq(reference, "pyr:x@example.org:4711");
	CHECK_STATUS(PYR_OUT_OF_RANGE,
		pyr_daemon_reference(daemon, "x", 2, reference, sizeof reference, &err));
	CHECK_STATUS(PYR_OUT_OF_RANGE, pyr_daemon_reference(daemon, "x", 1, reference, 10, &err));
	memset(long_id, 'i', sizeof long_id);
	long_id[256] = '\0';
	CHECK_STATUS(PYR_INVALID_ARGUMENT,
		pyr_daemon_reference(daemon, long_id, 1, reference, sizeof reference, &err));
	cr_assert_str_eq(err.message, "an object id has at most 255 bytes");
	pyr_daemon_free(daemon);
}

/* Running and stopping */

Test(daemon, runs_on_one_thread_only)
{
	pyr_error err;
	struct event_base *base = event_base_new();
	pyr_daemon_options options = PYR_DAEMON_OPTIONS_INIT;
	pyr_daemon *daemon = new_daemon(NULL);
	CHECK_OK(pyr_daemon_start(daemon, &err));
	CHECK_OK(pyr_daemon_start(daemon, &err)); /* it does already */
	CHECK_STATUS(PYR_FAILED_PRECONDITION, pyr_daemon_run(daemon, &err));
	cr_assert_str_eq(err.message, "the loop runs on a thread already");
	pyr_daemon_free(daemon);
	options.base = base;
	daemon = new_daemon(&options);
	cr_assert_eq(pyr_daemon_base(daemon), base);
	CHECK_STATUS(PYR_FAILED_PRECONDITION, pyr_daemon_run(daemon, &err));
	cr_assert_str_eq(err.message, "the event base is yours: dispatch it yourself");
	pyr_daemon_free(daemon);
	event_base_free(base);
}

Test(daemon, does_nothing_any_more_once_it_has_stopped)
{
	pyr_error err;
	int before = descriptors_with_context();
	pyr_daemon *daemon = new_daemon(NULL);
	CHECK_OK(pyr_daemon_start(daemon, &err));
	pyr_daemon_stop(daemon, 1000);
	pyr_daemon_stop(daemon, 0);
	CHECK_STATUS(PYR_FAILED_PRECONDITION, pyr_daemon_start(daemon, &err));
	cr_assert_str_eq(err.message, "the daemon has stopped");
	CHECK_STATUS(PYR_FAILED_PRECONDITION, pyr_daemon_run(daemon, &err));
	CHECK_STATUS(PYR_FAILED_PRECONDITION, pyr_daemon_listen(daemon, "127.0.0.1:0", NULL, &err));
	pyr_daemon_free(daemon);
	CHECK_DESCRIPTORS(before);
	CHECK_LEAKS();
}

static void *stop_at_once(void *daemon)
{
	pyr_daemon_stop(daemon, 0);
	return NULL;
}

Test(daemon, is_stopped_by_another_thread_while_it_runs)
{
	pyr_error err;
	pthread_t stopper;
	pyr_daemon *daemon = new_daemon(NULL);
	pthread_create(&stopper, NULL, stop_at_once, daemon);
	CHECK_OK(pyr_daemon_run(daemon, &err)); /* or has stopped before it began */
	pthread_join(stopper, NULL);
	pyr_daemon_free(daemon);
}

static pyr_daemon *self_stopped;
static _Atomic int left_stop;

static void stop_yourself(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	pyr_daemon_stop(self_stopped, 60000);
	left_stop = 1;
}

Test(daemon, does_not_wait_for_itself_when_it_stops_itself)
{
	pyr_error err;
	self_stopped = new_daemon(NULL);
	event_base_once(pyr_daemon_base(self_stopped), -1, EV_TIMEOUT, stop_yourself, NULL, NULL);
	CHECK_OK(pyr_daemon_run(self_stopped, &err));
	cr_assert(left_stop);
	pyr_daemon_free(self_stopped);
}

static void hold(suite *s, suite_reply *r)
{
	pyr_error err;
	CHECK_OK(suite_suite_hold__invoke(s->proxy, &number, suite_on_number, r, NULL, &err));
	CHECK_AWAIT(&s->servant.held_count, 1);
}

static void *stop_patiently(void *daemon)
{
	pyr_daemon_stop(daemon, 60000);
	return NULL;
}

Test(daemon, lets_running_calls_finish_and_takes_no_new_ones)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	pthread_t stopper;
	suite_reply r = SUITE_REPLY_INIT;
	hold(s, &r);
	pthread_create(&stopper, NULL, stop_patiently, s->daemon);
	/* a new client is refused as soon as the stop has begun */
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	options.retries_max = UINT32_MAX;
	pyr_status status = PYR_OK;
	Suite__Nothing nothing = SUITE__NOTHING__INIT;
	int64_t until_ms = suite_now_ms() + 10000;
	while (status == PYR_OK && suite_now_ms() < until_ms) {
		Suite__Number *count;
		suite_suite *other = suite_open(s, &options);
		status = suite_suite_count(other, &nothing, &count, &err);
		if (status == PYR_OK)
			suite__number__free_unpacked(count, NULL);
		suite_suite__close(other);
	}
	cr_assert_eq(status, PYR_UNAVAILABLE, "%s", pyr_status_name(status));
	cr_assert_eq(err.executed, PYR_EXECUTED_NO);
	cr_assert_eq(tally_get(&r.done), 0);
	cr_assert_eq(servant_answer(&s->servant, 0, 17), PYR_OK);
	CHECK_AWAIT(&r.done, 1);
	cr_assert_eq(r.value, 17);
	pthread_join(stopper, NULL);
	suite_end(s);
}

Test(daemon, cancels_what_runs_when_the_grace_is_over)
{
	suite *s = suite_begin(NULL);
	suite_reply r = SUITE_REPLY_INIT;
	hold(s, &r);
	int64_t began_ms = suite_now_ms();
	pyr_daemon_stop(s->daemon, 50);
	cr_assert_geq(suite_now_ms() - began_ms, 49, "there was no grace");
	CHECK_AWAIT(&r.done, 1);
	cr_assert_eq(r.status, PYR_UNAVAILABLE);
	cr_assert_eq(r.err.executed, PYR_EXECUTED_MAYBE);
	CHECK_AWAIT(&s->servant.cancelled_count, 1);
	suite_end(s);
}

/* Both come before the loop has looked: a servant may keep it busy. */
Test(daemon, goes_by_the_last_signal_of_several)
{
	suite *s = suite_begin(NULL);
	suite_reply r = SUITE_REPLY_INIT;
	hold(s, &r);
	int64_t began_ms = suite_now_ms();
	pyr_daemon_stop_from_signal(s->daemon, 60000);
	pyr_daemon_stop_from_signal(s->daemon, 0);
	CHECK_AWAIT(&r.done, 1);
	cr_assert_lt(suite_now_ms() - began_ms, 30000);
	cr_assert_eq(r.status, PYR_UNAVAILABLE);
	suite_end(s);
}

static pyr_daemon *signalled;

static void signal_twice(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	pyr_daemon_stop_from_signal(signalled, 60000);
	pyr_daemon_stop_from_signal(signalled, *(uint32_t *)arg);
}

Test(daemon, adds_no_two_signals_up)
{
	suite_config config = {.undispatched = true};
	suite *s = suite_begin(&config);
	pyr_error err;
	uint32_t grace_ms = 0;
	suite_reply r = SUITE_REPLY_INIT;
	signalled = s->daemon;
	CHECK_OK(suite_suite_hold__invoke(s->proxy, &number, suite_on_number, &r, NULL, &err));
	while (tally_get(&s->servant.held_count) == 0)
		event_base_loop(s->base, EVLOOP_ONCE);
	event_base_once(s->base, -1, EV_TIMEOUT, signal_twice, &grace_ms, NULL);
	int64_t until_ms = suite_now_ms() + 10000;
	while (s->daemon->state != DAEMON_STOPPED && suite_now_ms() < until_ms)
		event_base_loop(s->base, EVLOOP_NONBLOCK);
	cr_assert_eq(s->daemon->state, DAEMON_STOPPED, "the second signal was not heard");
	CHECK_AWAIT(&r.done, 1);
	suite_end(s);
}

/* Signals of the process */

Test(daemon, gives_the_signals_back_when_it_is_freed)
{
	pyr_error err;
	struct sigaction ignore = {.sa_handler = SIG_IGN}, now;
	sigaction(SIGTERM, &ignore, NULL);
	pyr_daemon *first = new_daemon(NULL), *second = new_daemon(NULL);
	CHECK_OK(pyr_daemon_stop_on_signals(first, 0, &err));
	CHECK_STATUS(PYR_FAILED_PRECONDITION, pyr_daemon_stop_on_signals(second, 0, &err));
	cr_assert_str_eq(err.message, "signals stop another daemon of this process already");
	raise(SIGTERM);
	CHECK_OK(pyr_daemon_run(first, &err)); /* for no time at all */
	pyr_daemon_free(second);
	sigaction(SIGTERM, NULL, &now);
	cr_assert_neq(now.sa_handler, SIG_IGN, "the wrong daemon has given them back");
	pyr_daemon_free(first);
	sigaction(SIGTERM, NULL, &now);
	cr_assert_eq(now.sa_handler, SIG_IGN);
	sigaction(SIGINT, NULL, &now);
	cr_assert_eq(now.sa_handler, SIG_DFL);
	second = new_daemon(NULL);
	CHECK_OK(pyr_daemon_stop_on_signals(second, 0, &err));
	raise(SIGINT);
	CHECK_OK(pyr_daemon_run(second, &err));
	pyr_daemon_free(second);
}

Test(daemon, is_stopped_without_grace_by_a_second_signal)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	suite_reply r = SUITE_REPLY_INIT;
	hold(s, &r);
	CHECK_OK(pyr_daemon_stop_on_signals(s->daemon, 60000, &err));
	int64_t began_ms = suite_now_ms();
	raise(SIGINT);
	cr_assert_eq(tally_get(&r.done), 0);
	raise(SIGTERM);
	CHECK_AWAIT(&r.done, 1);
	cr_assert_lt(suite_now_ms() - began_ms, 30000);
	cr_assert_eq(r.status, PYR_UNAVAILABLE);
	suite_end(s);
}

/* Nobody runs the loop, as if a servant blocked it. */
Test(daemon, leaves_the_third_signal_to_the_process, .signal = SIGTERM)
{
	pyr_error err;
	CHECK_OK(pyr_daemon_stop_on_signals(new_daemon(NULL), 60000, &err));
	raise(SIGINT);
	raise(SIGINT);
	raise(SIGTERM);
}

/* Connections */

static int connect_to(const char *reference)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	in.sin_port = htons((uint16_t)atoi(strrchr(reference, ':') + 1));
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(connect(fd, (struct sockaddr *)&in, sizeof in), 0);
	return fd;
}

static bool is_hung_up(int fd, int patience_ms)
{
	char byte;
	struct pollfd item = {.fd = fd, .events = POLLIN};
	return poll(&item, 1, patience_ms) == 1 && recv(fd, &byte, 1, 0) <= 0;
}

Test(daemon, hangs_up_on_who_is_one_too_many)
{
	suite_config config = {.daemon.connections_max = 2};
	suite *s = suite_begin(&config);
	int first = connect_to(s->reference), second = connect_to(s->reference);
	int third = connect_to(s->reference);
	cr_assert(is_hung_up(third, 10000));
	cr_assert_not(is_hung_up(first, 0));
	close(first);
	/* once that is noticed there is room again */
	int64_t until_ms = suite_now_ms() + 10000;
	pyr_status status;
	pyr_error err;
	do {
		Suite__Nothing nothing = SUITE__NOTHING__INIT;
		Suite__Number *count;
		status = suite_suite_count(s->proxy, &nothing, &count, &err);
		if (status == PYR_OK)
			suite__number__free_unpacked(count, NULL);
	} while (status && suite_now_ms() < until_ms);
	cr_assert_eq(status, PYR_OK, "%s", err.message);
	close(second);
	close(third);
	suite_end(s);
}

Test(daemon, hangs_up_on_who_says_nothing_in_time)
{
	suite_config config = {.daemon.handshake_timeout_ms = 30};
	suite *s = suite_begin(&config);
	int silent = connect_to(s->reference), halting = connect_to(s->reference);
	cr_assert_eq(write(halting, PYR__PREFACE, 2), 2);
	cr_assert(is_hung_up(silent, 10000));
	char byte;
	struct pollfd item = {.fd = halting, .events = POLLIN};
	do /* perhaps it is told why */
		cr_assert_eq(poll(&item, 1, 10000), 1);
	while (recv(halting, &byte, 1, 0) == 1);
	close(silent);
	close(halting);
	suite_end(s);
}

/* Who breaks the protocol is told so, and read from for a while. */
static int connect_and_offend(suite *s)
{
	char heard[4096], junk[64] = {PYR__PREFACE[0]};
	int fd = connect_to(s->reference);
	ssize_t got;
	cr_assert_eq(write(fd, junk, sizeof junk), (ssize_t)sizeof junk);
	do {
		if (s->base)
			event_base_loop(s->base, EVLOOP_NONBLOCK);
		got = recv(fd, heard, sizeof heard, s->base ? MSG_DONTWAIT : 0);
	} while (got > 0 || (got < 0 && errno == EAGAIN));
	return fd;
}

Test(daemon, keeps_nothing_of_who_broke_the_protocol)
{
	suite *s = suite_begin(NULL);
	int fd = connect_and_offend(s);
	s->descriptors++; /* ours */
	suite_end(s);
	close(fd);
}

Test(daemon, leaves_no_event_on_its_users_loop)
{
	suite_config config = {.undispatched = true};
	suite *s = suite_begin(&config);
	int fd = connect_and_offend(s);
	pyr_daemon_free(s->daemon);
	s->daemon = NULL;
	close(fd);
	cr_assert_eq(event_base_get_num_events(s->base, EVENT_BASE_COUNT_ADDED), 0);
	suite_end(s);
}

Test(daemon, serves_no_interface_of_a_newer_generator)
{
	pyr_error err;
	pyr_daemon *daemon = new_daemon(NULL);
	pyr_interface newer = {.abi = PYR_STUB_ABI + 1, .name = "demo.Later"}, none = {.abi = 0};
	none.name = "demo.Never";
	CHECK_STATUS(
		PYR_FAILED_PRECONDITION, pyr_stub_serve(daemon, "x", &newer, NULL, NULL, &err));
	cr_assert_str_eq(err.message, "the code generated for demo.Later needs a newer library");
	CHECK_STATUS(PYR_FAILED_PRECONDITION, pyr_stub_serve(daemon, "x", &none, NULL, NULL, &err));
	pyr_daemon_free(daemon);
}

/* Two daemons in one loop of the user's */

typedef struct shared_loop {
	struct event_base *base;
	tally ticks;
	atomic_bool ending;
} shared_loop;

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	shared_loop *shared = arg;
	tally_add(&shared->ticks, 1);
	if (atomic_load(&shared->ending))
		event_base_loopbreak(shared->base);
}

static void *dispatch(void *arg)
{
	shared_loop *shared = arg;
	struct timeval often = {0, 1000};
	struct event *timer = event_new(shared->base, -1, EV_PERSIST, on_tick, shared);
	event_add(timer, &often);
	event_base_dispatch(shared->base);
	event_free(timer);
	return NULL;
}

static suite_suite *serve_in(
	shared_loop *shared, servant *self, pyr_context *client, pyr_daemon **ret_daemon)
{
	pyr_error err;
	suite_suite *proxy;
	char reference[PYR_REFERENCE_MAX];
	pyr_daemon_options options = PYR_DAEMON_OPTIONS_INIT;
	options.base = shared->base;
	*ret_daemon = new_daemon(&options);
	CHECK_OK(suite_suite__serve(*ret_daemon, "suite", &servant_ops, self, &err));
	CHECK_OK(pyr_daemon_listen(*ret_daemon, "127.0.0.1:0", NULL, &err));
	CHECK_OK(pyr_daemon_reference(*ret_daemon, "suite", 0, reference, sizeof reference, &err));
	CHECK_OK(suite_suite__open(client, reference, NULL, &proxy, &err));
	return proxy;
}

static int64_t cpu_ms(pthread_t thread)
{
	clockid_t clock;
	struct timespec used;
	cr_assert_eq(pthread_getcpuclockid(thread, &clock), 0);
	clock_gettime(clock, &used);
	return used.tv_sec * 1000ll + used.tv_nsec / 1000000;
}

Test(daemon, D8_shares_the_users_loop_with_another_and_a_timer)
{
	enum { CALLS = 500, IDLE_TICKS = 100, IDLE_CPU_MS = 60 };
	int before = descriptors_with_context();
	shared_loop shared = {.base = event_base_new(), .ticks = TALLY_INIT};
	servant servants[2] = {SERVANT_INIT, SERVANT_INIT};
	pyr_daemon *daemons[2];
	suite_suite *proxies[2];
	pyr_context *client;
	pthread_t thread;
	pyr_error err;
	CHECK_OK(pyr_context_new(NULL, &client, &err));
	for (int i = 0; i < 2; i++)
		proxies[i] = serve_in(&shared, &servants[i], client, &daemons[i]);
	pthread_create(&thread, NULL, dispatch, &shared);
	unsigned ticks = tally_get(&shared.ticks);
	for (int i = 0; i < CALLS; i++)
		CHECK_OK(suite_echo(proxies[i % 2], &err));
	CHECK_AWAIT(&shared.ticks, ticks + 1);
	for (int i = 0; i < 2; i++)
		cr_assert_eq(tally_get(&servants[i].echo_count), CALLS / 2);
	ticks = tally_get(&shared.ticks);
	int64_t used_ms = cpu_ms(thread);
	CHECK_AWAIT(&shared.ticks, ticks + IDLE_TICKS);
	cr_assert_lt(cpu_ms(thread) - used_ms, IDLE_CPU_MS, "the loop spins");
	for (int i = 0; i < 2; i++)
		suite_suite__close(proxies[i]);
	pyr_context_free(client);
	atomic_store(&shared.ending, true);
	pthread_join(thread, NULL);
	for (int i = 0; i < 2; i++)
		pyr_daemon_free(daemons[i]);
	event_base_free(shared.base);
	CHECK_DESCRIPTORS(before);
	CHECK_LEAKS();
}
