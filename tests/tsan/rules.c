/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access rules and the log's level under ThreadSanitizer: threads call, over connections of their
 * own and from the same process, while another one replaces the rules and asks for a trace, or not.
 */
#include <pthread.h>
#include <pyrite/daemon.pyr.h>
#include <pyrite/log.h>
#include <stdatomic.h>
#include <stdio.h>
#include "tsan/tsan.h"

#define ROUNDS  300
#define THREADS 3

static pyr_daemon *subject;
static pyr_context *context; /* the daemon's */
static char reference[PYR_REFERENCE_MAX];
static atomic_uint allowed, refused, lines;
static atomic_uint callers; /* that still call */

static void count_line(void *ctx, pyr_log_level level, const char *line)
{
	(void)level;
	(void)line;
	atomic_fetch_add((atomic_uint *)ctx, 1);
}

static void ping_often(pyr_context *from, const char *whom)
{
	pyrite_daemon *proxy;
	MUST(pyrite_daemon__open(from, whom, NULL, &proxy, NULL) == PYR_OK);
	for (int i = 0; i < ROUNDS; i++) {
		Pyrite__PingRequest request = PYRITE__PING_REQUEST__INIT;
		Pyrite__PingReply *reply;
		pyr_status status = pyrite_daemon_ping(proxy, &request, &reply, NULL);
		MUST(status == PYR_OK || status == PYR_PERMISSION_DENIED);
		atomic_fetch_add(status ? &refused : &allowed, 1);
		if (status == PYR_OK)
			pyrite__ping_reply__free_unpacked(reply, NULL);
	}
	pyrite_daemon__close(proxy);
}

static void *call(void *arg)
{
	pyr_context *own;
	MUST(pyr_context_new(NULL, &own, NULL) == PYR_OK);
	ping_often(own, reference);
	pyr_context_free(own);
	ping_often(context, "local:pyr.daemon");
	atomic_fetch_sub(&callers, 1);
	return arg;
}

static void change_until_all_have_called(void)
{
	static const pyr_rule one[] = {{"uid:*", NULL, "pyrite.Daemon/*", true}};
	static const pyr_rule two[] = {{"?*", "pyr.daemon", NULL, false}, {NULL, NULL, NULL, true}};
	for (unsigned i = 0; atomic_load(&callers) > 0; i++) {
		pyr_log_set(count_line, &lines, i % 3 ? PYR_LOG_TRACE : PYR_LOG_DEBUG);
		if (i % 3 == 0)
			pyr_daemon_drop_rules(subject);
		else
			MUST(pyr_daemon_set_rules(subject, i % 3 == 1 ? one : two, i % 3, NULL) ==
				PYR_OK);
	}
}

int main(void)
{
	pthread_t threads[THREADS];
	char endpoint[64];
	pyr_daemon_options options = PYR_DAEMON_OPTIONS_INIT;
	snprintf(endpoint, sizeof endpoint, "unix:@pyrite-tsan-rules-%p", (void *)&endpoint);
	pyr_log_set(count_line, &lines, PYR_LOG_TRACE);
	MUST(pyr_context_new(NULL, &context, NULL) == PYR_OK);
	options.context = context;
	options.workers = 2;
	MUST(pyr_daemon_new(&options, &subject, NULL) == PYR_OK);
	MUST(pyr_daemon_listen(subject, endpoint, NULL, NULL) == PYR_OK);
	MUST(pyr_daemon_reference(subject, "pyr.daemon", 0, reference, sizeof reference, NULL) ==
		PYR_OK);
	MUST(pyr_daemon_start(subject, NULL) == PYR_OK);
	atomic_store(&callers, THREADS);
	for (int i = 0; i < THREADS; i++)
		MUST(pthread_create(&threads[i], NULL, call, NULL) == 0);
	change_until_all_have_called();
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	pyr_daemon_free(subject);
	pyr_context_free(context);
	pyr_log_set(NULL, NULL, PYR_LOG_NONE);
	MUST(atomic_load(&allowed) > 0 && atomic_load(&refused) > 0 && atomic_load(&lines) > 0);
	return 0;
}
