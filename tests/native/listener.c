/* SPDX-License-Identifier: Apache-2.0 */
/* Accepting connections on a loop. */
#include "native/listener.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "descriptors.h"
#include "leaks.h"
#include "tally.h"

#define ACCEPTED_MAX 200

static tally accepted = TALLY_INIT;
static int fds[ACCEPTED_MAX];
static pthread_t on_thread;
static pyr__address last_peer;
static pyr__listener *closed_by_accept; /* closes it with the first */

static void on_accepted(void *arg, int fd, const pyr__address *peer)
{
	cr_assert_eq(arg, &accepted);
	fds[tally_get(&accepted)] = fd;
	on_thread = pthread_self();
	last_peer = *peer;
	if (closed_by_accept)
		pyr__listener_close(closed_by_accept);
	tally_add(&accepted, 1);
}

typedef struct at {
	int descriptors;
	pyr__loop *loop;
	pyr__listener *listener;
} at;

static at begin(const char *where)
{
	at a = {.descriptors = descriptors()};
	pyr_error err;
	pyr_reference endpoint = {.scheme = PYR_SCHEME_PYR};
	cr_assert_eq(pyr_endpoint_parse(where, &endpoint, &err), PYR_OK);
	cr_assert_eq(pyr__loop_new(NULL, &a.loop, &err), PYR_OK);
	cr_assert_eq(pyr__loop_start(a.loop, &err), PYR_OK);
	cr_assert_eq(
		pyr__listener_new(&endpoint, a.loop, on_accepted, &accepted, &a.listener, &err),
		PYR_OK, "%s", err.message);
	return a;
}

typedef struct on_loop {
	pyr__task task;
	pyr__listener *listener;
	void (*what)(pyr__listener *listener);
} on_loop;

static void run_on_loop(pyr__task *task)
{
	on_loop *o = (on_loop *)task;
	o->what(o->listener);
}

static void do_on_loop(const at *a, void (*what)(pyr__listener *listener))
{
	on_loop o = {.task = {.run = run_on_loop}, .listener = a->listener, .what = what};
	pyr__loop_call(a->loop, &o.task);
}

static void end(at *a)
{
	do_on_loop(a, pyr__listener_free);
	pyr__loop_free(a->loop);
	for (unsigned i = 0; i < tally_get(&accepted); i++)
		close(fds[i]);
	CHECK_DESCRIPTORS(a->descriptors);
	CHECK_LEAKS();
}

static int connect_to(const at *a)
{
	int fd;
	bool connected;
	pyr_error err;
	cr_assert_eq(pyr__socket_connect(pyr__listener_address(a->listener), &fd, &connected, &err),
		PYR_OK, "%s", err.message);
	struct pollfd item = {.fd = fd, .events = POLLOUT};
	cr_assert_eq(poll(&item, 1, 10000), 1);
	return fd;
}

Test(listener, lets_connections_wait_until_it_is_opened)
{
	at a = begin("127.0.0.1:0");
	int fd = connect_to(&a);
	do_on_loop(&a, pyr__listener_open);
	cr_assert(tally_await(&accepted, 1));
	cr_assert(!pthread_equal(on_thread, pthread_self()));
	cr_assert(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
	cr_assert(fcntl(fds[0], F_GETFD) & FD_CLOEXEC);
	/* the peer is who has connected */
	char peer[PYR__PEER_TEXT_MAX], own[PYR__PEER_TEXT_MAX];
	pyr__address self = {.size = sizeof self.storage};
	getsockname(fd, (struct sockaddr *)&self.storage, &self.size);
	pyr__socket_text(&self, own, sizeof own);
	pyr__socket_text(&last_peer, peer, sizeof peer);
	cr_assert_str_eq(peer, own);
	do_on_loop(&a, pyr__listener_open); /* once more changes nothing */
	close(fd);
	end(&a);
}

Test(listener, tells_nothing_of_connections_before_it_is_opened)
{
	at a = begin("127.0.0.1:0");
	close(connect_to(&a));
	end(&a);
	cr_assert_eq(tally_get(&accepted), 0);
}

Test(listener, accepts_more_at_once_than_fit_into_one_turn)
{
	enum { MANY = 150 };
	int mine[MANY];
	at a = begin("127.0.0.1:0");
	for (int i = 0; i < MANY; i++)
		mine[i] = connect_to(&a);
	do_on_loop(&a, pyr__listener_open);
	cr_assert(tally_await(&accepted, MANY));
	for (int i = 0; i < MANY; i++)
		close(mine[i]);
	end(&a);
}

Test(listener, removes_its_socket_file_and_refuses_when_it_is_closed)
{
	char folder[] = "/tmp/pyrite-listener-XXXXXX", path[64], where[80];
	cr_assert(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/s", folder);
	snprintf(where, sizeof where, "unix:%s", path);
	at a = begin(where);
	do_on_loop(&a, pyr__listener_open);
	int fd = connect_to(&a);
	cr_assert(tally_await(&accepted, 1));
	do_on_loop(&a, pyr__listener_close);
	do_on_loop(&a, pyr__listener_close);
	cr_assert_eq(rmdir(folder), 0, "the socket file is still there");
	bool connected;
	pyr_error err;
	int none;
	cr_assert_eq(
		pyr__socket_connect(pyr__listener_address(a.listener), &none, &connected, &err),
		PYR_UNAVAILABLE);
	do_on_loop(&a, pyr__listener_open); /* too late, and harmless */
	close(fd);
	end(&a);
}

Test(listener, may_be_closed_by_who_gets_a_connection)
{
	at a = begin("127.0.0.1:0");
	closed_by_accept = a.listener;
	int first = connect_to(&a), second = connect_to(&a);
	do_on_loop(&a, pyr__listener_open);
	cr_assert(tally_await(&accepted, 1));
	/* the second is told that there is nobody any more */
	char byte;
	struct pollfd item = {.fd = second, .events = POLLIN};
	cr_assert_eq(poll(&item, 1, 10000), 1);
	cr_assert_leq(recv(second, &byte, 1, 0), 0);
	close(first);
	close(second);
	end(&a);
	cr_assert_eq(tally_get(&accepted), 1);
}

static void leave_room_for(int count)
{
	/* no descriptor above the highest that is open, and as many below as are to be left */
	int highest = 0;
	for (int fd = 0; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			highest = fd;
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = (rlim_t)(highest + 1 + count);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	for (int fd = 0; fd < highest; fd++)
		cr_assert(fcntl(fd, F_GETFD) >= 0, "%d is free", fd);
}

static int64_t cpu_ms(void)
{
	struct timespec used;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return used.tv_sec * 1000 + used.tv_nsec / 1000000;
}

static void fill_holes(void)
{
	for (;;) {
		int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		bool hole = fcntl(fd + 1, F_GETFD) >= 0;
		for (int above = fd + 1; !hole && above < 1024; above++)
			hole = fcntl(above, F_GETFD) >= 0;
		if (!hole) {
			close(fd);
			return;
		}
	}
}

Test(listener, waits_quietly_while_there_is_no_descriptor_left_and_goes_on_after)
{
	at a = begin("127.0.0.1:0");
	int first = connect_to(&a), second = connect_to(&a);
	fill_holes();
	leave_room_for(1);
	do_on_loop(&a, pyr__listener_open);
	cr_assert(tally_await(&accepted, 1));
	int64_t used_ms = cpu_ms();
	struct pollfd item = {.fd = second, .events = POLLIN};
	cr_assert_eq(poll(&item, 1, 250), 0); /* some retries, and not an answer */
	used_ms = cpu_ms() - used_ms;
	cr_assert_lt(used_ms, 20, "%d ms of work while there was nothing to do", (int)used_ms);
	cr_assert_eq(tally_get(&accepted), 1);
	close(first);
	cr_assert(tally_await(&accepted, 2));
	close(second);
	do_on_loop(&a, pyr__listener_free);
	pyr__loop_free(a.loop);
	CHECK_LEAKS();
}
