/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells the story of story.proto to whoever calls. usage: story_server [WORKERS [ENDPOINT
 * [FOLDER]]] With a FOLDER of certificates (certificates.sh) it speaks TLS, and with STORY_MUTUAL
 * set asks for the clients' too. STORY_COMPRESS: compresses messages of so many bytes.
 * STORY_WAITING: bytes that wait in the daemon, at most.
 */
#include <pthread.h>
#include <pyrite/pyrite.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "story.pyr.h"

static pyr_daemon *daemon_to_stop;

static void on_signal(int number)
{
	(void)number;
	pyr_daemon_stop_from_signal(daemon_to_stop, 500);
}

static void pause_ms(pyr_call *call, uint32_t ms)
{
	struct timespec tick = {0, 1000000};
	while (ms-- > 0 && !pyr_call_cancelled(call))
		nanosleep(&tick, NULL);
}

/* True if the call was to fail, and has. */
static bool fail(pyr_call *call, const Pyrite__Test__Story__Ask *ask)
{
	pyr_error err;
	if (ask->status == 0)
		return false;
	pyr_error_set(&err, (pyr_status)ask->status, "%s", ask->message);
	pyr_call_fail_error(
		call, &err, ask->details.len ? ask->details.data : NULL, ask->details.len);
	return true;
}

static void reply(
	pyr_call *call, const Pyrite__Test__Story__Ask *ask, const char *echo, pyr_status number)
{
	Pyrite__Test__Story__Item item = PYRITE__TEST__STORY__ITEM__INIT;
	item.number = number;
	item.data.data = calloc(1, ask->size + 1);
	item.data.len = ask->size;
	item.text = (char *)(echo ? echo : "");
	pyrite_test_story_story_one__reply(call, &item);
	free(item.data.data);
}

static void one(void *self, pyr_call *call, const Pyrite__Test__Story__Ask *ask)
{
	(void)self;
	const char *echo = pyr_metadata_get(pyr_call_metadata(call), "x-echo-bin");
	if (strcmp(ask->message, "who am I?") == 0)
		echo = pyr_call_principal(call);
	pause_ms(call, ask->delay_ms);
	pyr_status status = pyr_call_add_metadata(call, "x-echo", echo ? echo : "none", NULL);
	if (pyr_call_cancelled(call))
		pyr_call_fail(call, PYR_CANCELLED, "nobody waits");
	else if (!fail(call, ask))
		reply(call, ask, echo, status);
}

static void look(void *self, pyr_call *call, const Pyrite__Test__Story__Ask *ask)
{
	(void)self;
	Pyrite__Test__Story__Item item = PYRITE__TEST__STORY__ITEM__INIT;
	if (!fail(call, ask))
		pyrite_test_story_story_look__reply(call, &item);
}

static void many(void *self, pyr_call *call, const Pyrite__Test__Story__Ask *ask)
{
	(void)self;
	Pyrite__Test__Story__Item item = PYRITE__TEST__STORY__ITEM__INIT;
	item.data.data = calloc(1, ask->size + 1);
	item.data.len = ask->size;
	for (item.number = 1; item.number <= ask->count; item.number++)
		if (pyrite_test_story_story_many__send_reply(call, &item, NULL))
			break;
	free(item.data.data);
	pause_ms(call, ask->delay_ms);
	if (!fail(call, ask))
		pyr_call_end(call);
}

static void collect(void *self, pyr_call *call)
{
	(void)self;
	const Pyrite__Test__Story__Item *item;
	Pyrite__Test__Story__Item sum = PYRITE__TEST__STORY__ITEM__INIT;
	char count[24];
	unsigned items = 0;
	while (pyrite_test_story_story_collect__next_request(call, &item, NULL) == PYR_OK && item) {
		sum.number += item->number;
		items++;
	}
	snprintf(count, sizeof count, "%u", items);
	sum.text = count;
	pyrite_test_story_story_collect__reply(call, &sum);
}

static void chat(void *self, pyr_call *call)
{
	(void)self;
	const Pyrite__Test__Story__Item *item;
	while (pyrite_test_story_story_chat__next_request(call, &item, NULL) == PYR_OK && item) {
		if (item->number < 0) {
			pyr_call_fail(call, PYR_ABORTED, "item %lld", (long long)item->number);
			return;
		}
		if (pyrite_test_story_story_chat__send_reply(call, item, NULL))
			break;
	}
	if (pyr_call_cancelled(call)) {
		printf("cancelled\n");
		fflush(stdout);
	}
	pyr_call_end(call);
}

static const pyrite_test_story_story_ops ops = {
	.look = look,
	.one = one,
	.many = many,
	.collect = collect,
	.chat = chat,
};

static pyr_status make_credentials(
	const char *folder, pyr_credentials **ret_credentials, pyr_error *err)
{
	char authorities[256], certificate[256], key[256];
	pyr_tls_options options = PYR_TLS_OPTIONS_INIT;
	snprintf(authorities, sizeof authorities, "%s/ca.pem", folder);
	snprintf(certificate, sizeof certificate, "%s/server.pem", folder);
	snprintf(key, sizeof key, "%s/server.key", folder);
	options.authorities_file = getenv("STORY_MUTUAL") ? authorities : NULL;
	options.certificate_file = certificate;
	options.key_file = key;
	return pyr_credentials_new_tls(&options, ret_credentials, err);
}

/* SIGHUP has the certificates read again. */
static void *reload(void *arg)
{
	sigset_t hup;
	int number;
	pyr_error err;
	sigemptyset(&hup);
	sigaddset(&hup, SIGHUP);
	while (sigwait(&hup, &number) == 0) {
		puts(pyr_credentials_reload(arg, &err) ? err.message : "reloaded");
		fflush(stdout);
	}
	return NULL;
}

static void reload_on_signals(pyr_credentials *credentials)
{
	pthread_t thread;
	sigset_t hup;
	sigemptyset(&hup);
	sigaddset(&hup, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &hup, NULL);
	pthread_create(&thread, NULL, reload, pyr_credentials_ref(credentials));
	pthread_detach(thread);
}

int main(int argc, char **argv)
{
	pyr_error err;
	pyr_listen_options listen = PYR_LISTEN_OPTIONS_INIT;
	pyr_daemon_options options = PYR_DAEMON_OPTIONS_INIT;
	char reference[PYR_REFERENCE_MAX];
	options.workers = argc > 1 ? (uint32_t)atoi(argv[1]) : 8;
	options.handshake_timeout_ms = 3000;
	options.stall_timeout_ms = 2000;
	if (getenv("STORY_COMPRESS"))
		options.compress_from = (uint32_t)atoi(getenv("STORY_COMPRESS"));
	if (getenv("STORY_WAITING"))
		options.queue_bytes_total_max = (uint64_t)atoll(getenv("STORY_WAITING"));
	if (argc > 3 && make_credentials(argv[3], &listen.credentials, &err)) {
		fprintf(stderr, "story_server: %s\n", err.message);
		return 1;
	}
	if (listen.credentials)
		reload_on_signals(listen.credentials);
	if (pyr_daemon_new(&options, &daemon_to_stop, &err) ||
		pyrite_test_story_story__serve(daemon_to_stop, "story", &ops, NULL, &err) ||
		pyr_daemon_listen(
			daemon_to_stop, argc > 2 ? argv[2] : "127.0.0.1:0", &listen, &err) ||
		pyr_daemon_reference(
			daemon_to_stop, "story", 0, reference, sizeof reference, &err)) {
		fprintf(stderr, "story_server: %s\n", err.message);
		return 1;
	}
	signal(SIGTERM, on_signal);
	puts(strchr(reference, '@') + 1);
	fflush(stdout);
	int result = pyr_daemon_run(daemon_to_stop, &err) != PYR_OK;
	pyr_daemon_free(daemon_to_stop);
	pyr_credentials_unref(listen.credentials);
	return result;
}
