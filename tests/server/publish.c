/* SPDX-License-Identifier: Apache-2.0 */
/* Names that a daemon publishes: how long they live, and what brings them back. */
#include "nameserver/served.h"

#include <event2/event.h>
#include <pthread.h>
#include <stdio.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "server/advertise.h"
#include "server/daemon_private.h"

#define TTL_MS 300

static void tell_number(void *self, pyr_call *call, const Pyrite__CountRequest *request)
{
	(void)self;
	(void)request;
	Pyrite__CountReply reply = PYRITE__COUNT_REPLY__INIT;
	reply.count = 7;
	pyrite_names_count__reply(call, &reply);
}

static const pyrite_names_ops ops = {.count = tell_number};

/* What on_lost has told. */
typedef struct losses {
	pthread_mutex_t lock;
	unsigned count;
	char name[64];
	pyr_status status;
} losses;

static void on_lost(void *ctx, const char *name, const pyr_error *err)
{
	losses *l = ctx;
	pthread_mutex_lock(&l->lock);
	l->count++;
	l->status = err->status;
	snprintf(l->name, sizeof l->name, "%s", name);
	pthread_mutex_unlock(&l->lock);
}

static unsigned lost(losses *l)
{
	pthread_mutex_lock(&l->lock);
	unsigned count = l->count;
	pthread_mutex_unlock(&l->lock);
	return count;
}

static pyr_daemon *new_host(served *s, const char *where)
{
	pyr_daemon *daemon;
	pyr_daemon_options options = PYR_DAEMON_OPTIONS_INIT;
	options.context = s->context;
	assert_ok(s, pyr_daemon_new(&options, &daemon, &s->err));
	assert_ok(s, pyrite_names__serve(daemon, "calc", &ops, NULL, &s->err));
	if (where)
		assert_ok(s, pyr_daemon_listen(daemon, where, NULL, &s->err));
	return daemon;
}

static pyr_daemon *start_host(served *s)
{
	pyr_daemon *daemon = new_host(s, "127.0.0.1:0");
	assert_ok(s, pyr_daemon_start(daemon, &s->err));
	return daemon;
}

static pyr_status publish(served *s, pyr_daemon *daemon, const char *name, losses *l, bool replica)
{
	const char *const tags[] = {"blue"};
	pyr_publish_options options = PYR_PUBLISH_OPTIONS_INIT;
	options.ttl_ms = TTL_MS;
	options.tags = tags;
	options.tag_count = 1;
	options.replica = replica;
	options.on_lost = l ? on_lost : NULL;
	options.lost_ctx = l;
	return pyr_daemon_publish(daemon, "calc", name, &options, &s->err);
}

/* The first reference of the name's first holder; "" if there is none. */
static const char *reference_of(served *s, const char *name, size_t *ret_holders)
{
	static char text[PYR_REFERENCE_MAX];
	Pyrite__LookupRequest request = PYRITE__LOOKUP_REQUEST__INIT;
	Pyrite__LookupReply *reply;
	request.name = (char *)name;
	*text = '\0';
	*ret_holders = 0;
	if (pyrite_names_lookup(s->names, &request, &reply, &s->err))
		return text;
	snprintf(text, sizeof text, "%s", reply->name->holders[0]->references[0]);
	*ret_holders = reply->name->n_holders;
	pyrite__lookup_reply__free_unpacked(reply, NULL);
	return text;
}

static void pass_ms(uint64_t ms)
{
	uint64_t until_ms = test_now_ms() + ms;
	while (test_now_ms() < until_ms)
		test_pause();
}

static void run(void (*body)(served *s))
{
	run_served("memory", body);
}

static void life(served *s)
{
	const char *names;
	Pyrite__ListRequest request = PYRITE__LIST_REQUEST__INIT;
	char *tags[] = {"blue"};
	pyr_daemon *daemon = start_host(s);
	assert_ok(s, publish(s, daemon, "calc", NULL, false));
	request.tags_all = tags;
	request.n_tags_all = 1;
	assert_ok(s, list(s, request, &names));
	cr_assert_str_eq(names, "calc");
	pass_ms(3 * TTL_MS);
	cr_assert(is_there(s, "calc"), "the lease was not renewed");
	assert_fails(s, PYR_NOT_FOUND, "'other'", pyr_daemon_withdraw(daemon, "other", &s->err));
	assert_ok(s, pyr_daemon_withdraw(daemon, "calc", &s->err));
	cr_assert_not(is_there(s, "calc"));
	assert_fails(s, PYR_NOT_FOUND, "'calc'", pyr_daemon_withdraw(daemon, "calc", &s->err));
	assert_ok(s, publish(s, daemon, "calc", NULL, false));
	assert_ok(s, publish(s, daemon, "calc", NULL, false)); /* again: no other one */
	pyr_daemon_stop(daemon, 1000);
	cr_assert_not(is_there(s, "calc"), "a daemon that stops takes its names along");
	pyr_daemon_free(daemon);
}

Test(publish, N7_a_name_lives_as_long_as_its_daemon)
{
	run(life);
}

static void death(served *s)
{
	pyr_daemon *daemon = start_host(s);
	assert_ok(s, publish(s, daemon, "calc", NULL, false));
	uint64_t begin_ms = test_now_ms();
	pyr__loop_stop(daemon->loop); /* as if it had died: it withdraws nothing any more */
	pyr_daemon_free(daemon);
	wait_until(!is_there(s, "calc"));
	cr_assert_leq(test_now_ms() - begin_ms, TTL_MS + 1000);
}

Test(publish, N7_the_name_of_a_dead_daemon_goes_within_the_ttl_and_a_second)
{
	run(death);
}

/* A time to live that the test does not outlast. */
static void publish_for_long(served *s, pyr_daemon *daemon, const char *name)
{
	pyr_publish_options options = PYR_PUBLISH_OPTIONS_INIT;
	options.ttl_ms = 3600000;
	assert_ok(s, pyr_daemon_publish(daemon, "calc", name, &options, &s->err));
}

static void without_grace(served *s)
{
	pyr_daemon *stopped = start_host(s), *freed = start_host(s);
	publish_for_long(s, stopped, "stopped");
	publish_for_long(s, freed, "freed");
	pyr_daemon_stop(stopped, 0);
	cr_assert_not(is_there(s, "stopped"));
	pyr_daemon_free(freed);
	cr_assert_not(is_there(s, "freed"));
	pyr_daemon_free(stopped);
}

Test(publish, a_daemon_that_stops_without_grace_withdraws_its_names_first)
{
	run(without_grace);
}

static void without_grace_or_server(served *s)
{
	pyr_daemon *daemon = start_host(s);
	publish_for_long(s, daemon, "calc");
	pyr__loop_stop(s->daemon->loop); /* the name server is there, and says nothing */
	uint64_t begin_ms = test_now_ms();
	pyr_daemon_stop(daemon, 0);
	uint64_t took_ms = test_now_ms() - begin_ms;
	cr_assert(took_ms >= 190 && took_ms < 3000, "it took %lu ms", (unsigned long)took_ms);
	pyr_daemon_free(daemon);
}

Test(publish, a_daemon_that_stops_does_not_wait_long_for_a_silent_name_server)
{
	run(without_grace_or_server);
}

static void refusals(served *s)
{
	pyr_daemon *daemon = start_host(s), *rival = start_host(s), *deaf = new_host(s, NULL);
	assert_ok(s, publish(s, daemon, "calc", NULL, false));
	assert_fails(s, PYR_ALREADY_EXISTS, "\"calc\"", publish(s, rival, "calc", NULL, false));
	assert_fails(s, PYR_ALREADY_EXISTS, "alone", publish(s, rival, "calc", NULL, true));
	assert_fails(s, PYR_INVALID_ARGUMENT, "byte 2", publish(s, rival, "a\nb", NULL, false));
	assert_fails(s, PYR_FAILED_PRECONDITION, "listens nowhere",
		publish(s, deaf, "deaf", NULL, false));
	assert_fails(s, PYR_NOT_FOUND, "'nothing'",
		pyr_daemon_publish(daemon, "nothing", "nothing", NULL, &s->err));
	assert_ok(s, publish(s, daemon, "many", NULL, true));
	assert_ok(s, publish(s, rival, "many", NULL, true));
	size_t holders;
	reference_of(s, "many", &holders);
	cr_assert_eq(holders, 2);
	pyr_daemon_stop(rival, 1000);
	reference_of(s, "many", &holders);
	cr_assert_eq(holders, 1);
	served_stop(s);
	assert_fails(s, PYR_UNAVAILABLE, "", publish(s, daemon, "late", NULL, false));
	pyr_daemon_free(daemon);
	pyr_daemon_free(rival);
	pyr_daemon_free(deaf);
}

Test(publish, what_cannot_be_published_is_refused_with_the_reason)
{
	run(refusals);
}

/* A server that has forgotten everything. */
static void restart(served *s)
{
	losses l = {.lock = PTHREAD_MUTEX_INITIALIZER};
	pyr_daemon *daemon = start_host(s);
	char name[16];
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof name, "calc%d", i);
		assert_ok(s, publish(s, daemon, name, &l, i % 2));
	}
	for (int round = 0; round < 3; round++) {
		served_stop(s);
		pass_ms(50);
		served_start(s);
		for (int i = 0; i < 20; i++) {
			snprintf(name, sizeof name, "calc%d", i);
			wait_until(is_there(s, name));
		}
	}
	pass_ms(2 * TTL_MS);
	cr_assert(is_there(s, "calc19"));
	cr_assert_eq(lost(&l), 0);
	pyr_daemon_stop(daemon, 1000);
	cr_assert_not(is_there(s, "calc0"));
	pyr_daemon_free(daemon);
}

Test(publish, names_come_back_by_themselves_after_the_server_restarted)
{
	run(restart);
}

static void hear(void *ctx, pyr_log_level level, const char *line)
{
	if (level == PYR_LOG_WARNING && strstr(line, "cannot be renewed, for now: "))
		atomic_store((atomic_bool *)ctx, true);
}

static void left_alone(served *s)
{
	static atomic_bool heard;
	losses l = {.lock = PTHREAD_MUTEX_INITIALIZER};
	pyr_daemon *daemon = start_host(s);
	assert_ok(s, publish(s, daemon, "calc", &l, false));
	pyr_log_set(hear, &heard, PYR_LOG_WARNING);
	served_stop(s);
	wait_until(atomic_load(&heard));
	pyr_log_set(NULL, NULL, PYR_LOG_WARNING);
	served_start(s);
	wait_until(is_there(s, "calc"));
	pyr_daemon_free(daemon);
}

Test(publish, what_cannot_be_renewed_is_in_the_log)
{
	run(left_alone);
}

/* The daemon's loop stands still for longer than the lease, as if the machine were suspended. */
static void stand_still(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	pthread_mutex_lock(arg);
	pthread_mutex_unlock(arg);
}

static void suspended(served *s)
{
	losses l = {.lock = PTHREAD_MUTEX_INITIALIZER};
	pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
	size_t holders;
	pyr_daemon *daemon = new_host(s, "127.0.0.1:0");
	assert_ok(s, publish(s, daemon, "taken", &l, false));
	assert_ok(s, publish(s, daemon, "free", &l, false));
	struct timeval now = {0, 0};
	pthread_mutex_lock(&gate);
	event_base_once(pyr_daemon_base(daemon), -1, EV_TIMEOUT, stand_still, &gate, &now);
	assert_ok(s, pyr_daemon_start(daemon, &s->err));
	wait_until(!is_there(s, "taken") && !is_there(s, "free"));
	assert_ok(s, put(s, "taken", "pyr:new@127.0.0.1:1"));
	pthread_mutex_unlock(&gate);
	wait_until(lost(&l) == 1);
	cr_assert_str_eq(l.name, "taken");
	cr_assert_eq(l.status, PYR_ALREADY_EXISTS);
	wait_until(is_there(s, "free"));
	assert_ok(s, take(s, "taken"));
	pass_ms(2 * TTL_MS);
	cr_assert_not(is_there(s, "taken"), "what is lost comes back by itself");
	cr_assert_str_eq(reference_of(s, "taken", &holders), "");
	assert_fails(s, PYR_NOT_FOUND, "'taken'", pyr_daemon_withdraw(daemon, "taken", &s->err));
	cr_assert_eq(lost(&l), 1);
	pyr_daemon_free(daemon);
}

Test(publish, a_suspended_owner_comes_back_only_where_nobody_is_and_hears_of_the_rest)
{
	run(suspended);
}

/* Somebody is given the name although we are there. */
static void replace(served *s, const char *name, const char *reference)
{
	Pyrite__RegisterRequest request = PYRITE__REGISTER_REQUEST__INIT;
	Pyrite__RegisterReply *reply;
	char *references[] = {(char *)reference};
	request.name = (char *)name;
	request.references = references;
	request.n_references = 1;
	request.replace = true;
	assert_ok(s, pyrite_names_register(s->names, &request, &reply, &s->err));
	pyrite__register_reply__free_unpacked(reply, NULL);
}

static void taken_over(served *s)
{
	losses l = {.lock = PTHREAD_MUTEX_INITIALIZER}, kept = {.lock = PTHREAD_MUTEX_INITIALIZER};
	size_t holders;
	pyr_daemon *daemon = start_host(s);
	assert_ok(s, publish(s, daemon, "taken", &l, false));
	assert_ok(s, publish(s, daemon, "removed", &l, false));
	assert_ok(s, publish(s, daemon, "shared", &l, true));
	assert_ok(s, publish(s, daemon, "kept", &kept, false));
	replace(s, "taken", "pyr:new@127.0.0.1:1");
	wait_until(lost(&l) == 1);
	cr_assert_str_eq(l.name, "taken");
	cr_assert_eq(l.status, PYR_ALREADY_EXISTS);
	assert_fails(s, PYR_NOT_FOUND, "'taken'", pyr_daemon_withdraw(daemon, "taken", &s->err));
	assert_ok(s, take(s, "removed"));
	wait_until(lost(&l) == 2);
	cr_assert_str_eq(l.name, "removed");
	cr_assert_eq(l.status, PYR_NOT_FOUND);
	replace(s, "shared", "pyr:new@127.0.0.1:1");
	wait_until(lost(&l) == 3);
	cr_assert_str_eq(l.name, "shared");
	pass_ms(2 * TTL_MS);
	cr_assert_str_eq(reference_of(s, "taken", &holders), "pyr:new@127.0.0.1:1");
	cr_assert_not(is_there(s, "removed"), "what was removed comes back by itself");
	cr_assert(is_there(s, "kept"));
	cr_assert_eq(lost(&l), 3);
	cr_assert_eq(lost(&kept), 0);
	assert_ok(s, publish(s, daemon, "removed", &l, false));
	pyr_daemon_stop(daemon, 1000);
	cr_assert(is_there(s, "taken"), "a daemon withdraws what is its own only");
	cr_assert_not(is_there(s, "removed"));
	pyr_daemon_free(daemon);
}

Test(publish, an_owner_hears_of_it_when_a_name_is_taken_over_or_removed)
{
	run(taken_over);
}

/* From where a name server on TCP is reached. */
static void wildcard(served *s)
{
	size_t holders;
	pyr_daemon *daemon = new_host(s, "0.0.0.0:0");
	assert_ok(s, pyr_daemon_start(daemon, &s->err));
	assert_ok(s, publish(s, daemon, "calc", NULL, false));
	const char *reference = reference_of(s, "calc", &holders);
	cr_assert(strncmp(reference, "pyr:calc@127.0.0.1:", 19) == 0, "%s", reference);
	pyrite_names *proxy;
	Pyrite__CountRequest request = PYRITE__COUNT_REQUEST__INIT;
	Pyrite__CountReply *reply;
	assert_ok(s, pyrite_names__open(s->context, "calc", NULL, &proxy, &s->err));
	assert_ok(s, pyrite_names_count(proxy, &request, &reply, &s->err));
	cr_assert_eq(reply->count, 7);
	pyrite__count_reply__free_unpacked(reply, NULL);
	pyrite_names__close(proxy);
	pyr_daemon_free(daemon);
}

Test(publish, a_wildcard_endpoint_is_published_as_the_address_towards_the_server)
{
	run(wildcard);
}

static const char *advertised(const char *host, const char *name_server, pyr_error *err)
{
	static pyr_reference reference;
	pyr_reference server;
	memset(&reference, 0, sizeof reference);
	memset(&server, 0, sizeof server);
	cr_assert_eq(pyr_endpoint_parse(name_server, &server, NULL), PYR_OK);
	snprintf(reference.host, sizeof reference.host, "%s", host);
	return pyr__advertise(&reference, &server, err) ? "" : reference.host;
}

Test(publish, an_address_is_advertised_that_others_can_reach)
{
	pyr_error err;
	cr_assert_str_eq(advertised("0.0.0.0", "127.0.0.1:9790", &err), "127.0.0.1");
	cr_assert_str_eq(advertised("0.0.0.0", "127.3.2.1:9790", &err), "127.0.0.1");
	cr_assert_str_eq(advertised("::", "127.0.0.1:9790", &err), "127.0.0.1");
	cr_assert_str_eq(advertised("0.0.0.0", "unix:/nowhere", &err), "127.0.0.1");
	cr_assert_str_eq(advertised("::", "unix:/nowhere", &err), "::1");
	cr_assert_str_eq(advertised("10.1.2.3", "127.0.0.1:9790", &err), "10.1.2.3");
	if (strcmp(advertised("::", "[::1]:9790", &err), "::1") == 0) { /* there is IPv6 here */
		cr_assert_str_eq(advertised("0.0.0.0", "[::1]:9790", &err), "");
		cr_assert_eq(err.status, PYR_FAILED_PRECONDITION);
		cr_assert(strstr(err.message, "listen on [::], or say what to advertise"), "%s",
			err.message);
	}
	CHECK_LEAKS();
}

static void keeps_its_loop(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	pyr_error err;
	pyr_daemon *daemon = arg;
	pyr_status published = pyr_daemon_publish(daemon, "calc", "calc", NULL, &err);
	pyr_status withdrawn = pyr_daemon_withdraw(daemon, "calc", &err);
	cr_assert_eq(published, PYR_FAILED_PRECONDITION);
	cr_assert_eq(withdrawn, PYR_FAILED_PRECONDITION);
	pyr_daemon_stop(daemon, 0);
}

static void on_the_loop(served *s)
{
	struct timeval now = {0, 0};
	pyr_daemon *daemon = new_host(s, "127.0.0.1:0");
	event_base_once(pyr_daemon_base(daemon), -1, EV_TIMEOUT, keeps_its_loop, daemon, &now);
	assert_ok(s, pyr_daemon_run(daemon, &s->err));
	pyr_daemon_free(daemon);
}

Test(publish, is_refused_on_the_daemons_own_loop)
{
	run(on_the_loop);
}
