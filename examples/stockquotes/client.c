/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two who watch prices: quotes are pushed to their callbacks, on the context's thread, while the
 * main thread does something else. Each cancels its subscription when it has seen enough.
 */
#include <semaphore.h>
#include <stdio.h>
#include "stockquotes.pyr.h"

#define ENOUGH 6

typedef struct watcher {
	const char *who;
	pyr_stream *stream;
	unsigned seen; /* the callback's alone until `ended` */
	pyr_status status;
	sem_t ended;
} watcher;

static void on_quote(void *ctx, pyr_status status, const Demo__Quote *quote, const pyr_error *err)
{
	watcher *w = ctx;
	if (!quote) { /* the last time: the end, and why */
		if (status != PYR_CANCELLED && status != PYR_OK)
			fprintf(stderr, "%s: %s\n", w->who, err->message);
		w->status = status;
		sem_post(&w->ended);
		return;
	}
	if (w->seen == ENOUGH)
		return; /* was on its way when we cancelled */
	printf("%s sees %s at %u.%02u\n", w->who, quote->symbol, quote->cents / 100,
		quote->cents % 100);
	if (++w->seen == ENOUGH)
		pyr_stream_cancel(w->stream); /* the server is told, and stops sending */
}

static pyr_status subscribe(
	demo_exchange *exchange, watcher *w, char **symbols, size_t count, pyr_error *err)
{
	Demo__Subscription subscription = DEMO__SUBSCRIPTION__INIT;
	subscription.symbols = symbols;
	subscription.n_symbols = count;
	pyr_status status = demo_exchange_subscribe(exchange, &subscription, &w->stream, err);
	return status ? status : demo_exchange_subscribe__observe(w->stream, on_quote, w, err);
}

static void wait_for(watcher *w)
{
	while (sem_wait(&w->ended))
		;
	printf("%s has seen %u quotes: %s\n", w->who, w->seen, pyr_status_name(w->status));
}

static pyr_status count(demo_exchange *exchange, pyr_error *err)
{
	Demo__StatusRequest request = DEMO__STATUS_REQUEST__INIT;
	Demo__StatusReply *reply;
	pyr_status status = demo_exchange_status(exchange, &request, &reply, err);
	if (status == PYR_OK) {
		printf("subscriptions: %u\n", reply->subscriptions);
		demo__status_reply__free_unpacked(reply, NULL);
	}
	return status;
}

static pyr_status watch(demo_exchange *exchange, watcher *anna, watcher *ben, pyr_error *err)
{
	watcher carla = {.who = "Carla"};
	pyr_status status = subscribe(exchange, anna, (char *[]){"AMBER", "COBALT"}, 2, err);
	if (status == PYR_OK)
		status = subscribe(exchange, ben, (char *[]){"DIAMOND"}, 1, err);
	if (status)
		return status;
	/* whatever becomes of a subscription comes to its callback */
	sem_init(&carla.ended, 0, 0);
	status = subscribe(exchange, &carla, (char *[]){"GRAVEL"}, 1, err);
	if (status == PYR_OK)
		wait_for(&carla);
	pyr_stream_close(carla.stream);
	if (status == PYR_OK) {
		wait_for(anna);
		wait_for(ben);
		status = count(exchange, err);
	}
	return status;
}

int main(void)
{
	watcher anna = {.who = "Anna"}, ben = {.who = "Ben"};
	demo_exchange *exchange;
	pyr_error err;
	sem_init(&anna.ended, 0, 0);
	sem_init(&ben.ended, 0, 0);
	pyr_status status = demo_exchange__open(NULL, "example.exchange", NULL, &exchange, &err);
	if (status == PYR_OK) {
		status = watch(exchange, &anna, &ben, &err);
		pyr_stream_close(anna.stream); /* afterwards its callback does not run any more */
		pyr_stream_close(ben.stream);
		demo_exchange__close(exchange);
	}
	if (status)
		fprintf(stderr, "%s: %s\n", pyr_status_name(err.status), err.message);
	return status != PYR_OK;
}
