/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Health and reflection under ThreadSanitizer: threads change what serves, watch, and ask what
 * there is, all at once and while interfaces are registered; then the daemon stops under them.
 */
#include <grpc/health/v1/health.pyr.h>
#include <pthread.h>
#include <pyrite/dynamic.h>
#include <pyrite/names.pyr.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tsan/tsan.h"

#define ROUNDS  100
#define THREADS 3

static pyr_context *context;
static pyr_daemon *subject;
static char reference[PYR_REFERENCE_MAX];
static sem_t heard; /* one for each watcher's first message */

static void *change(void *arg)
{
	for (int i = 0; i < ROUNDS; i++)
		MUST(pyr_daemon_set_serving(subject, "pyrite.Names", i % 2, NULL) == PYR_OK);
	return arg;
}

/* Until the daemon stops. */
static void *watch(void *arg)
{
	grpc_health_v1_health *proxy;
	pyr_stream *stream;
	const Grpc__Health__V1__HealthCheckResponse *message;
	Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
	request.service = "pyrite.Names";
	MUST(grpc_health_v1_health__open(context, reference, NULL, &proxy, NULL) == PYR_OK);
	MUST(grpc_health_v1_health_watch(proxy, &request, &stream, NULL) == PYR_OK);
	bool first = true;
	while (grpc_health_v1_health_watch__next(stream, &message, NULL) == PYR_OK && message) {
		if (first)
			sem_post(&heard);
		first = false;
	}
	pyr_stream_close(stream);
	grpc_health_v1_health__close(proxy);
	return arg;
}

static void *ask(void *arg)
{
	for (int i = 0; i < ROUNDS / 10; i++) {
		pyr_pool *pool = pyr_pool_new(NULL);
		MUST(pyr_pool_ask(pool, context, reference, NULL, NULL, NULL, NULL) == PYR_OK);
		MUST(pyr_pool_interface(pool, "grpc.health.v1.Health"));
		pyr_pool_free(pool);
	}
	return arg;
}

int main(void)
{
	static const pyrite_names_ops ops;
	char directory[] = "/tmp/pyrite-tsan-XXXXXX", endpoint[64];
	pthread_t changers[THREADS], watchers[THREADS], askers[THREADS];
	sem_init(&heard, 0, 0);
	MUST(mkdtemp(directory));
	snprintf(endpoint, sizeof endpoint, "unix:%s/socket", directory);
	MUST(pyr_context_new(NULL, &context, NULL) == PYR_OK);
	pyr_daemon_options options = PYR_DAEMON_OPTIONS_INIT;
	options.context = context;
	options.workers = 2;
	MUST(pyr_daemon_new(&options, &subject, NULL) == PYR_OK);
	MUST(pyr_daemon_listen(subject, endpoint, NULL, NULL) == PYR_OK);
	MUST(pyr_daemon_reference(subject, "any", 0, reference, sizeof reference, NULL) == PYR_OK);
	MUST(pyr_daemon_start(subject, NULL) == PYR_OK);
	for (int i = 0; i < THREADS; i++) {
		pthread_create(&watchers[i], NULL, watch, NULL);
		pthread_create(&changers[i], NULL, change, NULL);
		pthread_create(&askers[i], NULL, ask, NULL);
	}
	MUST(pyr_stub_serve(subject, "any", &pyrite_names__interface, &ops, NULL, NULL) == PYR_OK);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(changers[i], NULL);
		pthread_join(askers[i], NULL);
	}
	for (int i = 0; i < THREADS; i++)
		sem_wait(&heard);
	pyr_daemon_stop(subject, 10000);
	for (int i = 0; i < THREADS; i++)
		pthread_join(watchers[i], NULL);
	pyr_daemon_free(subject);
	pyr_context_free(context);
	rmdir(directory);
	puts("health: done");
	return 0;
}
