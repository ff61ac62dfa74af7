/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that are handed in: what a parent and its child share, or a test. */
#include <fcntl.h>
#include <poll.h>
#include <pyrite/object.pb-c.h>
#include <pyrite/pyrite.h>
#include <sys/socket.h>
#include <unistd.h>
#include "client/context.h"
#include "lend.pyr.h"
#include "server/daemon_private.h"
#include "transport/suite.h"

/* A daemon that listens nowhere, and a context that has one end of a socketpair. */
typedef struct rig {
	pyr_context *context;
	pyr_daemon *daemon, *client;
	servant servant;
	int descriptors;
	uint64_t sum;
} rig;

static pyr_daemon *new_daemon(pyr_context *context, uint32_t workers, uint32_t connections_max)
{
	pyr_error err;
	pyr_daemon *daemon;
	pyr_daemon_options options = PYR_DAEMON_OPTIONS_INIT;
	options.context = context;
	options.workers = workers;
	options.connections_max = connections_max;
	CHECK_OK(pyr_daemon_new(&options, &daemon, &err));
	CHECK_OK(pyr_daemon_start(daemon, &err));
	return daemon;
}

static void begin(rig *r)
{
	pyr_error err;
	*r = (rig){.servant = SERVANT_INIT, .descriptors = descriptors()};
	CHECK_OK(pyr_context_new(NULL, &r->context, &err));
	r->daemon = new_daemon(NULL, 1, 1);
	CHECK_OK(suite_suite__serve(r->daemon, "suite", &servant_ops, &r->servant, &err));
}

static void end(rig *r)
{
	pyr_daemon_free(r->client);
	pyr_daemon_free(r->daemon);
	pyr_context_free(r->context);
	cr_assert_eq(descriptors(), r->descriptors);
	CHECK_LEAKS();
}

static void connect_both(rig *r)
{
	pyr_error err;
	int pair[2];
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	CHECK_OK(pyr_daemon_adopt(r->daemon, pair[0], &err));
	CHECK_OK(pyr_context_adopt(r->context, pair[1], "child:1", &err));
}

static suite_suite *open_suite(rig *r)
{
	pyr_error err;
	suite_suite *proxy;
	CHECK_OK(suite_suite__open(r->context, "pyr:suite@child:1", NULL, &proxy, &err));
	return proxy;
}

/* The default context of the daemon stays, with its descriptors: it has to be there before. */
static void make_default_context(void)
{
	pyr_daemon_free(new_daemon(NULL, 0, 0));
}

Test(adopt, D6_a_socketpair_connects_a_daemon_and_a_context)
{
	rig r;
	pyr_error err;
	make_default_context();
	begin(&r);
	connect_both(&r);
	suite_suite *proxy = open_suite(&r);
	for (unsigned i = 0; i < 10; i++) {
		CHECK_OK(suite_echo(proxy, &err));
		CHECK_OK(suite_echo_later(proxy, &err));
	}
	cr_assert_eq(tally_get(&r.servant.echo_count), 20);
	suite_suite__close(proxy);
	/* it stays for who comes later */
	proxy = open_suite(&r);
	CHECK_OK(suite_echo(proxy, &err));
	suite_suite__close(proxy);
	end(&r);
}

Test(adopt, D6_an_end_is_told_and_another_connection_takes_its_place)
{
	rig r;
	pyr_error err;
	int pair[2];
	make_default_context();
	begin(&r);
	connect_both(&r);
	suite_suite *proxy = open_suite(&r);
	CHECK_OK(suite_echo(proxy, &err));
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	CHECK_STATUS(PYR_ALREADY_EXISTS, pyr_context_adopt(r.context, pair[1], "child:1", &err));
	CHECK_STATUS(PYR_RESOURCE_EXHAUSTED, pyr_daemon_adopt(r.daemon, pair[0], &err));
	pyr_daemon_free(r.daemon);
	CHECK_STATUS(PYR_UNAVAILABLE, suite_echo(proxy, &err));
	CHECK_STATUS(PYR_UNAVAILABLE, suite_echo(proxy, &err));
	cr_assert(strstr(err.message, "handed in"), "%s", err.message);
	r.daemon = new_daemon(NULL, 1, 1);
	CHECK_OK(suite_suite__serve(r.daemon, "suite", &servant_ops, &r.servant, &err));
	CHECK_OK(pyr_daemon_adopt(r.daemon, pair[0], &err));
	CHECK_OK(pyr_context_adopt(r.context, pair[1], "child:1", &err));
	CHECK_OK(suite_echo(proxy, &err));
	suite_suite__close(proxy);
	end(&r);
}

/* As a parent does whose child is started again and again. */
Test(adopt, D6_connections_that_have_ended_leave_nothing)
{
	rig r;
	pyr_error err;
	int pair[2], descriptors_then = 0;
	make_default_context();
	begin(&r);
	connect_both(&r);
	for (unsigned i = 0; i < 20; i++) {
		suite_suite *proxy = open_suite(&r);
		CHECK_OK(suite_echo(proxy, &err));
		suite_suite__close(proxy);
		pyr_daemon_free(r.daemon);
		r.daemon = new_daemon(NULL, 1, 1);
		CHECK_OK(suite_suite__serve(r.daemon, "suite", &servant_ops, &r.servant, &err));
		cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
		CHECK_OK(pyr_daemon_adopt(r.daemon, pair[0], &err));
		CHECK_OK(pyr_context_adopt(r.context, pair[1], "child:1", &err));
		if (i == 0)
			descriptors_then = descriptors();
		cr_assert_eq(r.context->adopted_count, 1);
	}
	cr_assert_eq(descriptors(), descriptors_then);
	end(&r);
}

typedef struct stop {
	pyr__task task;
	pyr_daemon *daemon;
} stop;

static void stop_patiently(pyr__task *task)
{
	pyr_daemon_stop(((stop *)task)->daemon, 60000); /* on its own loop, which goes on */
}

/* What comes while the last calls end would be among the connections that the end waits for. */
Test(adopt, D6_a_daemon_that_stops_takes_none)
{
	rig r;
	pyr_error err;
	int pair[2];
	suite_reply reply = SUITE_REPLY_INIT;
	Suite__Number request = SUITE__NUMBER__INIT;
	make_default_context();
	begin(&r);
	pyr_daemon_free(r.daemon);
	r.daemon = new_daemon(NULL, 1, 2); /* where there is room for it */
	CHECK_OK(suite_suite__serve(r.daemon, "suite", &servant_ops, &r.servant, &err));
	connect_both(&r);
	suite_suite *proxy = open_suite(&r);
	CHECK_OK(suite_suite_hold__invoke(proxy, &request, suite_on_number, &reply, NULL, &err));
	CHECK_AWAIT(&r.servant.held_count, 1);
	stop s = {.task = {.run = stop_patiently}, .daemon = r.daemon};
	pyr__loop_call(r.daemon->loop, &s.task);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	CHECK_STATUS(PYR_FAILED_PRECONDITION, pyr_daemon_adopt(r.daemon, pair[0], &err));
	cr_assert_str_eq(err.message, "the daemon is stopping");
	cr_assert_geq(fcntl(pair[0], F_GETFD), 0, "it is the caller's as before");
	close(pair[0]);
	close(pair[1]);
	cr_assert_eq(servant_answer(&r.servant, 0, 4711), PYR_OK);
	CHECK_AWAIT(&reply.done, 1);
	cr_assert_eq(reply.value, 4711);
	suite_suite__close(proxy);
	end(&r);
}

Test(adopt, D6_what_is_no_connected_stream_socket_is_refused)
{
	rig r;
	pyr_error err;
	int files[2], datagrams[2];
	make_default_context();
	begin(&r);
	int lone = socket(AF_INET, SOCK_STREAM, 0);
	cr_assert_eq(pipe(files), 0);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, datagrams), 0);
	int bad[] = {-1, lone, files[0], datagrams[0]};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		CHECK_STATUS(PYR_INVALID_ARGUMENT, pyr_daemon_adopt(r.daemon, bad[i], &err));
		CHECK_STATUS(PYR_INVALID_ARGUMENT,
			pyr_context_adopt(r.context, bad[i], "child:1", &err));
	}
	CHECK_STATUS(
		PYR_INVALID_ARGUMENT, pyr_context_adopt(r.context, datagrams[0], "child", &err));
	close(lone);
	for (int i = 0; i < 2; i++) {
		close(files[i]);
		close(datagrams[i]);
	}
	end(&r);
}

/* Neither of them listens anywhere, and yet objects go both ways. */

static void add(void *self, pyr_call *call, const Lend__Ticket *request)
{
	rig *r = self;
	Lend__Ticket reply = LEND__TICKET__INIT;
	reply.value = r->sum += request->value;
	lend_account_add__reply(call, &reply);
}

static const lend_account_ops account_ops = {.add = add};

static void open_account(void *self, pyr_call *call, const Lend__Ticket *request)
{
	(void)request;
	pyr_error err;
	Lend__Parcel reply = LEND__PARCEL__INIT;
	CHECK_OK(lend_account__lend(call, &account_ops, self, NULL, &reply.object, &err));
	lend_bank_open__reply(call, &reply);
}

static void pay(void *self, pyr_call *call, const Lend__Parcel *request)
{
	(void)self;
	pyr_error err;
	lend_account *account;
	Lend__Ticket ticket = LEND__TICKET__INIT, *reply;
	ticket.value = request->value;
	CHECK_OK(lend_account__accept_from(call, request->object, NULL, &account, &err));
	CHECK_OK(lend_account_add(account, &ticket, &reply, &err));
	lend_account__close(account);
	lend_bank_pay__reply(call, reply);
	lend__ticket__free_unpacked(reply, NULL);
}

static const lend_bank_ops bank_ops = {.open = open_account, .pay = pay};

Test(adopt, D6_objects_go_both_ways_though_nobody_listens)
{
	rig r;
	pyr_error err;
	lend_bank *bank;
	lend_account *account;
	Lend__Parcel *opened, request = LEND__PARCEL__INIT;
	Lend__Ticket ticket = LEND__TICKET__INIT, *reply;
	make_default_context();
	begin(&r);
	connect_both(&r);
	r.client = new_daemon(r.context, 0, 0);
	CHECK_OK(lend_bank__serve(r.daemon, "bank", &bank_ops, &r, &err));
	CHECK_OK(lend_bank__open(r.context, "pyr:bank@child:1", NULL, &bank, &err));
	CHECK_OK(lend_bank_open(bank, &ticket, &opened, &err));
	CHECK_OK(
		lend_account__accept(lend_bank__proxy(bank), opened->object, NULL, &account, &err));
	ticket.value = 3;
	CHECK_OK(lend_account_add(account, &ticket, &reply, &err));
	cr_assert_eq(reply->value, 3);
	lend__ticket__free_unpacked(reply, NULL);
	CHECK_OK(lend_account__lend_to(
		r.client, lend_bank__proxy(bank), &account_ops, &r, NULL, &request.object, &err));
	request.value = 4;
	CHECK_OK(lend_bank_pay(bank, &request, &reply, &err));
	cr_assert_eq(reply->value, 7);
	lend__ticket__free_unpacked(reply, NULL);
	pyrite__object__free_unpacked(request.object, NULL);
	lend__parcel__free_unpacked(opened, NULL);
	lend_account__close(account);
	lend_bank__close(bank);
	end(&r);
}
