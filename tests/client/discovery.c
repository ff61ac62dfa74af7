/* SPDX-License-Identifier: Apache-2.0 */
/* Contexts that discover their name server: real ones, and somebody who answers anything. */
#include <pyrite/discovery.h>

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <event2/event.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <pyrite/names.pyr.h>
#include <pyrite/pyrite.h>
#include "descriptors.h"
#include "leaks.h"
#include "native/datagram.h"
#include "native/discovery.h"
#include "nameserver/service.h"

#define assert_ok(status)                                                                          \
	do {                                                                                       \
		pyr_status status_ = (status);                                                     \
		cr_assert(status_ == PYR_OK, "%s: %s", pyr_status_name(status_), err.message);     \
	} while (0)

static pyr_error err;

/* A name server */

typedef struct server {
	pyr_daemon *daemon;
	ns_service *service;
	char where[80]; /* for a context's name_server */
	char own[PYR_REFERENCE_MAX];
} server;

static void start(server *s, const char *listen, const char *at, const char *group)
{
	ns_limits limits = NS_LIMITS_DEFAULT;
	ns_service_options service_options = {0};
	ns_store *store;
	pyr_discoverable_options options = PYR_DISCOVERABLE_OPTIONS_INIT;
	pyr_discoverable_state state = PYR_DISCOVERABLE_STATE_INIT;
	options.at = at;
	options.group = group;
	assert_ok(pyr_daemon_new(NULL, &s->daemon, &err));
	assert_ok(pyr_daemon_listen(s->daemon, listen, NULL, &err));
	assert_ok(ns_store_open_memory(&limits, &store, &err));
	assert_ok(ns_service_new(s->daemon, store, &service_options, &s->service, &err));
	assert_ok(pyr_daemon_make_discoverable(s->daemon, &options, &err));
	assert_ok(pyr_daemon_discoverable_state(s->daemon, &state, &err));
	assert_ok(pyr_daemon_reference(
		s->daemon, "pyrite.nameserver", 0, s->own, sizeof s->own, &err));
	snprintf(s->where, sizeof s->where, "discover:%s%s%s", group ? group : "", group ? "@" : "",
		state.at);
	assert_ok(pyr_daemon_start(s->daemon, &err));
}

static void stop(server *s)
{
	pyr_daemon_stop(s->daemon, 0);
	ns_service_free(s->service);
	pyr_daemon_free(s->daemon);
}

static pyr_context *new_context(const char *where, struct event_base *base)
{
	pyr_context *context;
	pyr_context_options options = PYR_CONTEXT_OPTIONS_INIT;
	options.name_server = where;
	options.base = base;
	assert_ok(pyr_context_new(&options, &context, &err));
	return context;
}

/* Looks the name server's own name up, once. */
static pyr_status look_up(pyr_context *context, char *buf, size_t size)
{
	pyrite_names *names;
	Pyrite__LookupRequest request = PYRITE__LOOKUP_REQUEST__INIT;
	Pyrite__LookupReply *reply;
	request.name = (char *)"pyrite.nameserver";
	assert_ok(pyrite_names__open(context, "name:pyrite.nameserver", NULL, &names, &err));
	pyr_status status = pyrite_names_lookup(names, &request, &reply, &err);
	pyrite_names__close(names);
	if (status)
		return status;
	snprintf(buf, size, "%s", reply->name->holders[0]->references[0]);
	pyrite__lookup_reply__free_unpacked(reply, NULL);
	return PYR_OK;
}

/* Somebody who answers, by a function of the test's */

typedef struct impostor {
	pthread_t thread;
	int fd, end[2];
	char where[80];
	void (*answer)(int fd, const pyr__datagram *query, pyr__answer *answer);
} impostor;

static void *answer_all(void *arg)
{
	impostor *i = arg;
	struct pollfd p[2] = {{.fd = i->fd, .events = POLLIN}, {.fd = i->end[0], .events = POLLIN}};
	while (poll(p, 2, -1) >= 0 && !p[1].revents) {
		pyr__datagram datagram;
		pyr__query query;
		while (pyr__datagram_receive(i->fd, &datagram)) {
			pyr__answer answer = {.id = {1}};
			cr_assert(pyr__query_load(&query, datagram.data, datagram.size));
			memcpy(answer.nonce, query.nonce, sizeof answer.nonce);
			memcpy(answer.group, query.group, sizeof answer.group);
			i->answer(i->fd, &datagram, &answer);
		}
	}
	return NULL;
}

static void pose(impostor *i, void (*answer)(int, const pyr__datagram *, pyr__answer *))
{
	uint16_t port;
	i->answer = answer;
	assert_ok(pyr__datagram_listen(htonl(INADDR_LOOPBACK), 0, &i->fd, &port, &err));
	cr_assert(pipe(i->end) == 0);
	snprintf(i->where, sizeof i->where, "discover:127.0.0.1:%u", port);
	cr_assert(pthread_create(&i->thread, NULL, answer_all, i) == 0);
}

static void unmask(impostor *i)
{
	close(i->end[1]);
	pthread_join(i->thread, NULL);
	close(i->end[0]);
	close(i->fd);
}

static void send_answer(
	int fd, const pyr__datagram *query, pyr__answer *answer, const char *reference)
{
	uint8_t bytes[PYR__DISCOVERY_QUERY_SIZE];
	cr_assert(pyr_reference_parse(reference, &answer->reference, NULL) == PYR_OK);
	size_t size = pyr__answer_store(answer, bytes);
	pyr__datagram_answer(fd, query, bytes, size);
}

static int open_before;

/* The default context, which daemons have here, stays. */
static void before(void)
{
	pyr_daemon *daemon;
	unsetenv("PYRITE_TOKEN");
	assert_ok(pyr_daemon_new(NULL, &daemon, &err));
	pyr_daemon_free(daemon);
	open_before = descriptors();
}

static void after(void)
{
	CHECK_DESCRIPTORS(open_before);
	CHECK_LEAKS();
}

TestSuite(discovery, .init = before, .fini = after);

/* Contexts */

Test(discovery, N10_a_context_finds_its_name_server)
{
	server s;
	char found[PYR_REFERENCE_MAX];
	start(&s, "127.0.0.1:0", "127.0.0.1:0", NULL);
	pyr_context *context = new_context(s.where, NULL);
	assert_ok(look_up(context, found, sizeof found));
	cr_assert_str_eq(found, s.own);
	/* what was found is kept: nobody is asked for the second time */
	assert_ok(look_up(context, found, sizeof found));
	pyr_discoverable_state state = PYR_DISCOVERABLE_STATE_INIT;
	assert_ok(pyr_daemon_discoverable_state(s.daemon, &state, &err));
	cr_assert_eq(state.answered, 1);
	pyr_context_free(context);
	stop(&s);
}

typedef struct sighting {
	unsigned count;
	char reference[PYR_REFERENCE_MAX];
} sighting;

static void note(void *ctx, const pyr_discovered *d)
{
	sighting *seen = ctx;
	seen->count++;
	snprintf(seen->reference, sizeof seen->reference, "%s", d->reference);
}

/* The asker is told an address of the server's that it has reached. */
Test(discovery, N10_the_address_in_the_answer_is_the_one_that_was_asked)
{
	server s;
	char where[80], expected[PYR_REFERENCE_MAX];
	start(&s, "0.0.0.0:0", "*:0", NULL);
	const char *port = strrchr(s.where, ':');
	snprintf(where, sizeof where, "discover:127.9.8.7%s", port);
	snprintf(expected, sizeof expected, "pyr:pyrite.nameserver@127.9.8.7%s",
		strrchr(s.own, ':'));
	pyr_context *context = new_context(where, NULL);
	char found[PYR_REFERENCE_MAX];
	assert_ok(look_up(context, found, sizeof found));
	pyr_context_free(context);
	sighting seen = {0};
	assert_ok(pyr_discover(where, 0, note, &seen, &err));
	cr_assert_eq(seen.count, 1);
	cr_assert_str_eq(seen.reference, expected);
	stop(&s);
}

Test(discovery, N10_nothing_found_says_what_was_asked_and_where)
{
	char found[PYR_REFERENCE_MAX];
	int fd;
	uint16_t port;
	assert_ok(pyr__datagram_listen(htonl(INADDR_LOOPBACK), 0, &fd, &port, &err));
	char where[80], place[40];
	snprintf(where, sizeof where, "discover:blue@127.0.0.1:%u", port);
	snprintf(place, sizeof place, "127.0.0.1:%u", port);
	pyr_context *context = new_context(where, NULL);
	cr_assert(look_up(context, found, sizeof found) == PYR_UNAVAILABLE);
	cr_assert(strstr(err.message, place) && strstr(err.message, "'blue'"), "%s", err.message);
	/* that is known for a moment, and one search is all that several tries make */
	pyr__datagram datagram;
	unsigned queries = 0;
	while (pyr__datagram_receive(fd, &datagram))
		queries++;
	cr_assert_eq(queries, 3);
	pyr_context_free(context);
	close(fd);
}

static void answer_as_two(int fd, const pyr__datagram *query, pyr__answer *answer)
{
	send_answer(fd, query, answer, "pyr:pyrite.nameserver@127.0.0.1:1");
	send_answer(fd, query, answer, "pyr:pyrite.nameserver@127.0.0.2:1"); /* the same one */
	answer->id[0]++;
	send_answer(fd, query, answer, "pyr:pyrite.nameserver@127.0.0.3:1");
}

Test(discovery, N10_several_name_servers_are_an_error_that_names_them)
{
	impostor i;
	char found[PYR_REFERENCE_MAX];
	pose(&i, answer_as_two);
	pyr_context *context = new_context(i.where, NULL);
	cr_assert(look_up(context, found, sizeof found) == PYR_FAILED_PRECONDITION);
	cr_assert(strstr(err.message, "2 name servers") && strstr(err.message, "@127.0.0.1:1,") &&
			  strstr(err.message, "@127.0.0.3:1."),
		"%s", err.message);
	pyr_context_free(context);
	unmask(&i);
}

/* The answers that are no good come first. */
static void answer_badly(int fd, const pyr__datagram *query, pyr__answer *answer)
{
	pyr__datagram_answer(fd, query, query->data, query->size);
	pyr__datagram_answer(fd, query, "x", 1);
	pyr__datagram_answer(fd, query, "", 0);
	send_answer(fd, query, answer, "pyr:pyrite.nameserver@localhost:1");
	answer->nonce[15] ^= 1;
	send_answer(fd, query, answer, "pyr:pyrite.nameserver@127.0.0.1:1");
	answer->nonce[15] ^= 1;
	strcpy(answer->group, "red");
	send_answer(fd, query, answer, "pyr:pyrite.nameserver@127.0.0.2:1");
}

Test(discovery, N10_bad_answers_and_those_to_others_are_not_believed)
{
	impostor i;
	char found[PYR_REFERENCE_MAX];
	pose(&i, answer_badly);
	pyr_context *context = new_context(i.where, NULL);
	cr_assert(look_up(context, found, sizeof found) == PYR_UNAVAILABLE);
	cr_assert(strstr(err.message, "no name server was discovered"), "%s", err.message);
	pyr_context_free(context);
	unmask(&i);
}

Test(discovery, N10_no_token_and_no_call_go_to_one_in_cleartext_where_there_is_a_token)
{
	server s;
	char found[PYR_REFERENCE_MAX];
	start(&s, "127.0.0.1:0", "127.0.0.1:0", NULL);
	setenv("PYRITE_TOKEN", "secret", 1);
	pyr_context *context = new_context(s.where, NULL);
	cr_assert(look_up(context, found, sizeof found) == PYR_UNAVAILABLE);
	cr_assert(strstr(err.message, "in cleartext"), "%s", err.message);
	pyr_context_free(context);
	unsetenv("PYRITE_TOKEN");
	char tls[96];
	snprintf(tls, sizeof tls, "pyrs:%s", s.where);
	context = new_context(tls, NULL);
	cr_assert(look_up(context, found, sizeof found) == PYR_UNAVAILABLE);
	pyr_context_free(context);
	stop(&s);
}

/* Asynchronously */

typedef struct outcome {
	struct event_base *base;
	unsigned done, ticks;
	pyr_status status;
} outcome;

static void on_reply(
	void *ctx, pyr_status status, const Pyrite__CountReply *reply, const pyr_error *why)
{
	(void)reply;
	(void)why;
	outcome *o = ctx;
	o->status = status;
	o->done++;
	event_base_loopbreak(o->base);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	outcome *o = arg;
	o->ticks++;
}

static pyrite_names *invoke(pyr_context *context, outcome *o)
{
	pyrite_names *names;
	Pyrite__CountRequest request = PYRITE__COUNT_REQUEST__INIT;
	assert_ok(pyrite_names__open(context, "name:pyrite.nameserver", NULL, &names, &err));
	assert_ok(pyrite_names_count__invoke(names, &request, on_reply, o, NULL, &err));
	return names;
}

Test(discovery, N10_an_asynchronous_call_finds_it)
{
	server s;
	outcome o = {.base = event_base_new()};
	start(&s, "127.0.0.1:0", "127.0.0.1:0", NULL);
	pyr_context *context = new_context(s.where, o.base);
	pyrite_names *names = invoke(context, &o);
	pyrite_names__close(invoke(context, &o));
	while (o.done < 2)
		event_base_dispatch(o.base);
	cr_assert_eq(o.status, PYR_OK);
	pyrite_names__close(names);
	pyr_context_free(context);
	event_base_free(o.base);
	stop(&s);
}

/* A timer of the loop goes on while nobody answers for a second. */
Test(discovery, N10_the_loop_is_not_held_up_by_a_search)
{
	int fd;
	uint16_t port;
	char where[80];
	outcome o = {.base = event_base_new()};
	struct timeval interval = {0, 10000};
	struct event *timer = event_new(o.base, -1, EV_PERSIST, on_tick, &o);
	assert_ok(pyr__datagram_listen(htonl(INADDR_LOOPBACK), 0, &fd, &port, &err));
	snprintf(where, sizeof where, "discover:127.0.0.1:%u", port);
	pyr_context *context = new_context(where, o.base);
	event_add(timer, &interval);
	pyrite_names *names = invoke(context, &o);
	while (!o.done)
		event_base_dispatch(o.base);
	cr_assert_eq(o.status, PYR_UNAVAILABLE);
	cr_assert_geq(o.ticks, 20);
	pyrite_names__close(names);
	pyr_context_free(context);
	event_free(timer);
	event_base_free(o.base);
	close(fd);
}

Test(discovery, N10_a_context_that_is_freed_ends_the_search)
{
	int fd;
	uint16_t port;
	char where[80];
	outcome o = {.base = event_base_new()};
	assert_ok(pyr__datagram_listen(htonl(INADDR_LOOPBACK), 0, &fd, &port, &err));
	snprintf(where, sizeof where, "discover:127.0.0.1:%u", port);
	for (int turns = 0; turns < 2; turns++) { /* before it has begun, and after */
		pyr_context *context = new_context(where, o.base);
		pyrite_names *names = invoke(context, &o);
		for (int i = 0; i < turns * 3; i++)
			event_base_loop(o.base, EVLOOP_NONBLOCK);
		pyr_context_free(context);
		cr_assert_eq(o.done, (unsigned)turns + 1);
		cr_assert_eq(o.status, PYR_CANCELLED);
		pyrite_names__close(names);
	}
	event_base_free(o.base);
	close(fd);
}

/* Daemons */

Test(discovery, N10_a_daemon_publishes_to_it_and_follows_it_elsewhere)
{
	server s;
	pyr_daemon *daemon;
	pyr_daemon_options options = PYR_DAEMON_OPTIONS_INIT;
	pyr_publish_options publish = PYR_PUBLISH_OPTIONS_INIT;
	static const pyrite_names_ops ops = {0};
	start(&s, "127.0.0.1:0", "127.0.0.1:0", NULL);
	pyr_context *context = new_context(s.where, NULL);
	options.context = context;
	publish.ttl_ms = 300;
	assert_ok(pyr_daemon_new(&options, &daemon, &err));
	assert_ok(pyr_daemon_listen(daemon, "127.0.0.1:0", NULL, &err));
	assert_ok(pyrite_names__serve(daemon, "calc", &ops, NULL, &err));
	assert_ok(pyr_daemon_start(daemon, &err));
	assert_ok(pyr_daemon_publish(daemon, "calc", "calc", &publish, &err));
	char at[80], own[PYR_REFERENCE_MAX];
	snprintf(at, sizeof at, "%.79s", s.where + strlen("discover:"));
	snprintf(own, sizeof own, "%s", s.own);
	stop(&s);
	start(&s, "127.0.0.1:0", at, NULL); /* at another port of TCP */
	cr_assert_str_neq(own, s.own);
	pyrite_names *names;
	Pyrite__LookupRequest request = PYRITE__LOOKUP_REQUEST__INIT;
	Pyrite__LookupReply *reply;
	request.name = (char *)"calc";
	request.wait_ms = 10000; /* until the daemon has found it */
	assert_ok(pyrite_names__open(context, s.own, NULL, &names, &err));
	assert_ok(pyrite_names_lookup(names, &request, &reply, &err));
	pyrite__lookup_reply__free_unpacked(reply, NULL);
	pyrite_names__close(names);
	pyr_daemon_free(daemon);
	pyr_context_free(context);
	stop(&s);
}

Test(discovery, N10_only_a_context_discovers)
{
	pyr_daemon *daemon;
	pyr_publish_options publish = PYR_PUBLISH_OPTIONS_INIT;
	static const pyrite_names_ops ops = {0};
	publish.name_server = "discover";
	assert_ok(pyr_daemon_new(NULL, &daemon, &err));
	assert_ok(pyr_daemon_listen(daemon, "127.0.0.1:0", NULL, &err));
	assert_ok(pyrite_names__serve(daemon, "calc", &ops, NULL, &err));
	cr_assert(
		pyr_daemon_publish(daemon, "calc", "calc", &publish, &err) == PYR_INVALID_ARGUMENT);
	cr_assert(strstr(err.message, "only a context"), "%s", err.message);
	pyr_daemon_free(daemon);
}
