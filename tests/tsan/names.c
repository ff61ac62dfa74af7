/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The name server and its clients under ThreadSanitizer: registrations, waiting lookups, watches,
 * lists and leases from many threads, daemons that publish, proxies that share a context's names,
 * and a server that stops and comes back in the middle of it.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <pyrite/names.pyr.h>
#include <pyrite/pyrite.h>
#include "nameserver/service.h"

#define THREADS 6
#define ROUNDS  60

static char directory[] = "/tmp/pyrite-tsan-XXXXXX";
static char endpoint[96], file[96];
static atomic_uint done_calls;

static void check(pyr_status status, const pyr_error *err, const char *what)
{
	if (status == PYR_OK)
		return;
	fprintf(stderr, "names: %s: %s: %s\n", what, pyr_status_name(status), err->message);
	_exit(1);
}

/* The server */

typedef struct server {
	pyr_daemon *daemon;
	ns_service *service;
} server;

static void start_server(server *s, const char *kind)
{
	pyr_error err;
	ns_store *store;
	if (strcmp(kind, "memory") == 0)
		check(ns_store_open_memory(NULL, &store, &err), &err, "store");
	else
		check(ns_store_open_sqlite(file, NULL, 0, &store, &err), &err, "store");
	check(pyr_daemon_new(NULL, &s->daemon, &err), &err, "daemon");
	check(pyr_daemon_listen(s->daemon, endpoint, NULL, &err), &err, "listen");
	check(ns_service_new(s->daemon, store, NULL, &s->service, &err), &err, "service");
	check(pyr_daemon_start(s->daemon, &err), &err, "start");
}

static void stop_server(server *s)
{
	pyr_daemon_stop(s->daemon, 100);
	ns_service_free(s->service);
	pyr_daemon_free(s->daemon);
}

/* Clients. A server that is away is no error here: it is stopped in the middle. */

static void count_if_ok(pyr_status status)
{
	atomic_fetch_add(&done_calls, status == PYR_OK);
}

static void change(pyrite_names *names, int number, int round)
{
	char name[32], *references[] = {"pyr:x@127.0.0.1:1"};
	Pyrite__GrantRequest grant = PYRITE__GRANT_REQUEST__INIT;
	Pyrite__GrantReply *granted;
	Pyrite__RegisterRequest request = PYRITE__REGISTER_REQUEST__INIT;
	Pyrite__RegisterReply *reply;
	Pyrite__RevokeRequest revoke = PYRITE__REVOKE_REQUEST__INIT;
	Pyrite__RevokeReply *revoked;
	grant.ttl_ms = 100;
	if (pyrite_names_grant(names, &grant, &granted, NULL))
		return;
	snprintf(name, sizeof name, "n%d.%d", number, round);
	request.name = name;
	request.references = references;
	request.n_references = 1;
	request.lease_id = revoke.lease_id = granted->lease_id;
	pyrite__grant_reply__free_unpacked(granted, NULL);
	pyr_status status = pyrite_names_register(names, &request, &reply, NULL);
	count_if_ok(status);
	if (status == PYR_OK)
		pyrite__register_reply__free_unpacked(reply, NULL);
	if (round % 2 && pyrite_names_revoke(names, &revoke, &revoked, NULL) == PYR_OK)
		pyrite__revoke_reply__free_unpacked(revoked, NULL);
}

static void look(pyrite_names *names, int number, int round)
{
	char name[32];
	Pyrite__LookupRequest request = PYRITE__LOOKUP_REQUEST__INIT;
	Pyrite__LookupReply *reply;
	Pyrite__ListRequest list = PYRITE__LIST_REQUEST__INIT;
	Pyrite__ListReply *listed;
	snprintf(name, sizeof name, "n%d.%d", (number + 1) % THREADS, round);
	request.name = name;
	request.wait_ms = 5;
	pyr_status status = pyrite_names_lookup(names, &request, &reply, NULL);
	count_if_ok(status);
	if (status == PYR_OK)
		pyrite__lookup_reply__free_unpacked(reply, NULL);
	list.regex = "n[0-9]*";
	if (pyrite_names_list(names, &list, &listed, NULL) == PYR_OK)
		pyrite__list_reply__free_unpacked(listed, NULL);
}

static void *run_client(void *arg)
{
	int number = (int)(intptr_t)arg;
	pyr_context *context;
	pyr_error err;
	char reference[PYR_REFERENCE_MAX];
	pyrite_names *names;
	snprintf(reference, sizeof reference, "pyr:pyrite.nameserver@%s", endpoint);
	check(pyr_context_new(NULL, &context, &err), &err, "context");
	check(pyrite_names__open(context, reference, NULL, &names, &err), &err, "open");
	for (int round = 0; round < ROUNDS; round++) {
		change(names, number, round);
		look(names, number, round);
	}
	pyrite_names__close(names);
	pyr_context_free(context);
	return NULL;
}

static void *run_watcher(void *arg)
{
	pyrite_names *names = arg;
	pyrite_names *hasty; /* there may come a time when nothing changes any more */
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	pyr_error err;
	options.timeout_ms = 300;
	check(pyrite_names__derive(names, &options, &hasty, &err), &err, "derive");
	for (int round = 0; round < 10; round++) {
		pyr_stream *stream;
		const Pyrite__WatchReply *reply;
		Pyrite__WatchRequest request = PYRITE__WATCH_REQUEST__INIT;
		request.prefix = round % 2 ? "n" : "";
		if (pyrite_names_watch(hasty, &request, &stream, NULL))
			continue;
		for (int i = 0; i < 5; i++)
			if (pyrite_names_watch__next(stream, &reply, NULL) || !reply)
				break;
		pyr_stream_close(stream);
	}
	pyrite_names__close(hasty);
	return NULL;
}

/* A daemon that publishes, and proxies that find it by its name */

static void tell_number(void *self, pyr_call *call, const Pyrite__CountRequest *request)
{
	(void)self;
	(void)request;
	Pyrite__CountReply reply = PYRITE__COUNT_REPLY__INIT;
	reply.count = 7;
	pyrite_names_count__reply(call, &reply);
}

static const pyrite_names_ops ops = {.count = tell_number};

static void *run_publisher(void *arg)
{
	pyr_daemon *daemon;
	pyr_error err;
	pyr_publish_options options = PYR_PUBLISH_OPTIONS_INIT;
	(void)arg;
	options.name_server = endpoint;
	options.ttl_ms = 100;
	options.replica = true;
	check(pyr_daemon_new(NULL, &daemon, &err), &err, "daemon");
	check(pyrite_names__serve(daemon, "object", &ops, NULL, &err), &err, "serve");
	check(pyr_daemon_listen(daemon, "127.0.0.1:0", NULL, &err), &err, "listen");
	check(pyr_daemon_start(daemon, &err), &err, "start");
	for (int round = 0; round < ROUNDS; round++) {
		count_if_ok(pyr_daemon_publish(daemon, "object", "shared", &options, &err));
		usleep(2000);
		if (round % 4 == 3)
			count_if_ok(pyr_daemon_withdraw(daemon, "shared", &err));
	}
	pyr_daemon_free(daemon);
	return NULL;
}

static void *run_caller(void *arg)
{
	pyr_context *context = arg;
	char reference[300];
	pyr_error err;
	snprintf(reference, sizeof reference, "name:shared@%s", endpoint);
	for (int round = 0; round < ROUNDS; round++) {
		pyrite_names *proxy;
		Pyrite__CountRequest request = PYRITE__COUNT_REQUEST__INIT;
		Pyrite__CountReply *reply;
		check(pyrite_names__open(context, reference, NULL, &proxy, &err), &err, "open");
		for (int i = 0; i < 3; i++) {
			pyr_status status = pyrite_names_count(proxy, &request, &reply, NULL);
			count_if_ok(status);
			if (status == PYR_OK)
				pyrite__count_reply__free_unpacked(reply, NULL);
		}
		pyrite_names__close(proxy);
	}
	return NULL;
}

static void run(const char *kind)
{
	server s;
	pyr_error err;
	pyr_context *context;
	pyrite_names *names;
	pthread_t threads[3 * THREADS];
	char reference[PYR_REFERENCE_MAX];
	size_t count = 0;
	start_server(&s, kind);
	snprintf(reference, sizeof reference, "pyr:pyrite.nameserver@%s", endpoint);
	check(pyr_context_new(NULL, &context, &err), &err, "context");
	check(pyrite_names__open(context, reference, NULL, &names, &err), &err, "open");
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[count++], NULL, run_client, (void *)(intptr_t)i);
	for (int i = 0; i < 2; i++) {
		pthread_create(&threads[count++], NULL, run_watcher, names);
		pthread_create(&threads[count++], NULL, run_publisher, NULL);
		pthread_create(&threads[count++], NULL, run_caller, context);
	}
	usleep(200000);
	stop_server(&s);
	start_server(&s, kind);
	for (size_t i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	pyrite_names__close(names);
	stop_server(&s);
	pyr_context_free(context);
}

int main(void)
{
	if (!mkdtemp(directory))
		return 1;
	snprintf(endpoint, sizeof endpoint, "unix:%s/socket", directory);
	snprintf(file, sizeof file, "%s/names.db", directory);
	run("memory");
	run("sqlite");
	unlink(file);
	rmdir(directory);
	printf("%u calls succeeded\n", atomic_load(&done_calls));
	return atomic_load(&done_calls) < 200;
}
