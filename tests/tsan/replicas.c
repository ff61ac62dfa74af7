/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Balanced proxies under ThreadSanitizer: threads share them, replicas die and come back, are asked
 * for their health, and the context goes last.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <pyrite/pyrite.h>
#include "nameserver/service.h"
#include "transport/servant.h"

#define HOSTS   3
#define THREADS 4
#define ROUNDS  6

static char directory[] = "/tmp/pyrite-tsan-XXXXXX";
static char endpoint[96];
static atomic_bool over;
static atomic_uint answered;

static void check(pyr_status status, const pyr_error *err, const char *what)
{
	if (status == PYR_OK)
		return;
	fprintf(stderr, "replicas: %s: %s: %s\n", what, pyr_status_name(status), err->message);
	_exit(1);
}

static pyr_context *new_context(void)
{
	pyr_error err;
	pyr_context *context;
	pyr_context_options options = PYR_CONTEXT_OPTIONS_INIT;
	options.name_server = endpoint;
	check(pyr_context_new(&options, &context, &err), &err, "context");
	return context;
}

typedef struct host {
	pyr_context *context;
	pyr_daemon *daemon;
	servant servant;
} host;

static void start(host *h)
{
	pyr_error err;
	pyr_daemon_options options = PYR_DAEMON_OPTIONS_INIT;
	pyr_publish_options publish = PYR_PUBLISH_OPTIONS_INIT;
	h->context = options.context = new_context();
	publish.replica = true;
	check(pyr_daemon_new(&options, &h->daemon, &err), &err, "daemon");
	check(suite_suite__serve(h->daemon, "suite", &servant_ops, &h->servant, &err), &err,
		"serve");
	check(pyr_daemon_listen(h->daemon, "127.0.0.1:0", NULL, &err), &err, "listen");
	check(pyr_daemon_start(h->daemon, &err), &err, "start");
	check(pyr_daemon_publish(h->daemon, "suite", "suite", &publish, &err), &err, "publish");
}

static void stop(host *h, uint32_t grace_ms)
{
	pyr_daemon_stop(h->daemon, grace_ms);
	pyr_daemon_free(h->daemon);
	pyr_context_free(h->context);
}

/* Callers: every call is idempotent, so none may fail. */

static void on_count(void *ctx, pyr_status status, const Suite__Number *reply, const pyr_error *err)
{
	(void)reply;
	check(status, err, "invoke");
	tally_add(ctx, 1);
}

static void *call(void *proxy)
{
	pyr_error err;
	unsigned invoked = 0;
	tally ended = TALLY_INIT;
	Suite__Nothing request = SUITE__NOTHING__INIT;
	while (!atomic_load(&over)) {
		Suite__Number *reply;
		check(suite_suite_count(proxy, &request, &reply, &err), &err, "call");
		suite__number__free_unpacked(reply, NULL);
		check(suite_suite_count__invoke(proxy, &request, on_count, &ended, NULL, &err),
			&err, "invoke");
		invoked++;
		atomic_fetch_add(&answered, 1);
	}
	if (!tally_await(&ended, invoked))
		check(PYR_DEADLINE_EXCEEDED, &(pyr_error){.message = "answers are missing"}, "end");
	return NULL;
}

static void await_more(unsigned count)
{
	unsigned until = atomic_load(&answered) + count;
	while (atomic_load(&answered) < until)
		sched_yield();
}

static void run(host *hosts)
{
	pyr_error err;
	pthread_t threads[THREADS];
	suite_suite *proxies[2];
	pyr_context *context = new_context();
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	for (int i = 0; i < 2; i++) {
		options.balance = i ? PYR_BALANCE_LEAST_RUNNING : PYR_BALANCE_ROUND_ROBIN;
		check(suite_suite__open(context, "suite", &options, &proxies[i], &err), &err,
			"open");
	}
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, call, proxies[i % 2]);
	for (int i = 0; i < ROUNDS; i++) {
		await_more(50);
		stop(&hosts[i % HOSTS], i % 2 ? 1000 : 0);
		start(&hosts[i % HOSTS]);
	}
	await_more(50);
	atomic_store(&over, true);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	suite_suite__close(proxies[0]);
	pyr_context_free(context);
	suite_suite__close(proxies[1]);
}

int main(void)
{
	pyr_error err;
	pyr_daemon *names;
	ns_store *store;
	ns_service *service;
	host hosts[HOSTS];
	if (!mkdtemp(directory))
		return 1;
	snprintf(endpoint, sizeof endpoint, "unix:%s/ns", directory);
	check(ns_store_open_memory(NULL, &store, &err), &err, "store");
	check(pyr_daemon_new(NULL, &names, &err), &err, "daemon");
	check(pyr_daemon_listen(names, endpoint, NULL, &err), &err, "listen");
	check(ns_service_new(names, store, NULL, &service, &err), &err, "service");
	check(pyr_daemon_start(names, &err), &err, "start");
	for (int i = 0; i < HOSTS; i++) {
		hosts[i] = (host){.servant = SERVANT_INIT};
		start(&hosts[i]);
	}
	run(hosts);
	for (int i = 0; i < HOSTS; i++)
		stop(&hosts[i], 0);
	pyr_daemon_stop(names, 0);
	ns_service_free(service);
	pyr_daemon_free(names);
	rmdir(directory);
	printf("replicas: %u rounds of calls\n", atomic_load(&answered));
	return 0;
}
