/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A publisher and three subscribers: one that gets its messages pushed and keeps up, one that wants
 * another topic, and one that is busy with something else and reads when all is over.
 */
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include "messagebus.pyr.h"

#define MESSAGES 5000
#define ROUND    50 /* the publisher lets the quick one catch up after so many */
#define SIZE     1000

typedef struct quick {
	const char *who;
	pyr_stream *stream;
	unsigned seen;
	uint64_t dropped;
	bool disorder, ended;
	sem_t caught_up; /* once ready, then after each round */
} quick;

static uint32_t number_of(const Demo__Message *message)
{
	uint32_t number = 0;
	if (message->content.len >= sizeof number)
		memcpy(&number, message->content.data, sizeof number);
	return number;
}

static pyr_status subscribe(demo_bus *bus, char *prefix, pyr_stream **ret_stream, pyr_error *err)
{
	Demo__Subscription subscription = DEMO__SUBSCRIPTION__INIT;
	subscription.topic_prefix = prefix;
	return demo_bus_subscribe(bus, &subscription, ret_stream, err);
}

/* The quick: on the context's thread */

static void on_delivery(
	void *ctx, pyr_status status, const Demo__Delivery *delivery, const pyr_error *err)
{
	quick *q = ctx;
	if (!delivery) {
		if (status != PYR_CANCELLED)
			fprintf(stderr, "%s: %s\n", q->who, err->message);
		q->ended = true;
		sem_post(&q->caught_up); /* whoever waits for more waits in vain */
		return;
	}
	q->dropped += delivery->dropped;
	if (delivery->message) {
		q->disorder |= number_of(delivery->message) != q->seen + q->dropped;
		q->seen++;
	}
	if (q->seen % ROUND == 0)
		sem_post(&q->caught_up);
}

static pyr_status wait_for(quick *q, pyr_error *err)
{
	while (sem_wait(&q->caught_up))
		;
	return q->ended ? pyr_error_set(err, PYR_ABORTED, "%s: the stream has ended", q->who)
			: PYR_OK;
}

static pyr_status start(quick *q, demo_bus *bus, char *prefix, pyr_error *err)
{
	sem_init(&q->caught_up, 0, 0);
	pyr_status status = subscribe(bus, prefix, &q->stream, err);
	if (status == PYR_OK)
		status = demo_bus_subscribe__observe(q->stream, on_delivery, q, err);
	/* its first delivery: from here on it misses nothing */
	return status ? status : wait_for(q, err);
}

/* The slow: reads everything at the end */

static pyr_status read_late(pyr_stream *stream, pyr_error *err)
{
	const Demo__Delivery *delivery;
	unsigned seen = 0;
	uint64_t dropped = 0;
	bool last = false;
	while (!last) {
		pyr_status status = demo_bus_subscribe__next(stream, &delivery, err);
		if (status)
			return status;
		if (!delivery)
			return pyr_error_set(err, PYR_DATA_LOSS, "the bus has ended the stream");
		dropped += delivery->dropped;
		if (delivery->dropped)
			printf("the slow one is told: %llu dropped\n",
				(unsigned long long)delivery->dropped);
		seen += delivery->message != NULL;
		last = delivery->message && number_of(delivery->message) == MESSAGES - 1;
	}
	printf("the slow one: %u of %d, %llu dropped\n", seen, MESSAGES,
		(unsigned long long)dropped);
	return PYR_OK;
}

/* The publisher */

static pyr_status publish(demo_bus *bus, char *topic, uint32_t number, pyr_error *err)
{
	uint8_t content[SIZE] = {0};
	Demo__Message message = DEMO__MESSAGE__INIT;
	Demo__PublishReply *reply;
	memcpy(content, &number, sizeof number);
	message.topic = topic;
	message.content = (ProtobufCBinaryData){sizeof content, content};
	pyr_status status = demo_bus_publish(bus, &message, &reply, err);
	if (status == PYR_OK)
		demo__publish_reply__free_unpacked(reply, NULL);
	return status;
}

static pyr_status publish_all(demo_bus *bus, quick *oslo, pyr_error *err)
{
	for (uint32_t i = 0; i < MESSAGES; i++) {
		pyr_status status = publish(bus, "weather.oslo", i, err);
		if (status == PYR_OK && i % 100 == 0)
			status = publish(bus, "weather.rome", i / 100, err);
		if (status == PYR_OK && (i + 1) % ROUND == 0)
			status = wait_for(oslo, err);
		if (status)
			return status;
	}
	return PYR_OK;
}

static void report(const quick *q)
{
	printf("%s: %u messages, %llu dropped, %s\n", q->who, q->seen,
		(unsigned long long)q->dropped, q->disorder ? "out of order" : "in order");
}

static pyr_status run(demo_bus *bus, quick *oslo, quick *rome, pyr_error *err)
{
	const Demo__Delivery *first;
	pyr_stream *slow;
	pyr_status status = start(oslo, bus, "weather.oslo", err);
	if (status == PYR_OK)
		status = start(rome, bus, "weather.rome", err);
	if (status == PYR_OK)
		status = subscribe(bus, "weather.oslo", &slow, err);
	if (status)
		return status;
	status = demo_bus_subscribe__next(slow, &first, err);
	if (status == PYR_OK)
		status = publish_all(bus, oslo, err); /* nobody reads `slow` meanwhile */
	if (status == PYR_OK)
		status = wait_for(rome, err); /* all 50 of it */
	if (status == PYR_OK) {
		report(oslo);
		report(rome);
		status = read_late(slow, err);
	}
	pyr_stream_close(slow);
	return status;
}

int main(void)
{
	quick oslo = {.who = "the quick one"}, rome = {.who = "the one in Rome"};
	demo_bus *bus;
	pyr_error err;
	pyr_status status = demo_bus__open(NULL, "example.bus", NULL, &bus, &err);
	if (status == PYR_OK) {
		status = run(bus, &oslo, &rome, &err);
		pyr_stream_close(oslo.stream); /* afterwards no callback runs any more */
		pyr_stream_close(rome.stream);
		demo_bus__close(bus);
	}
	if (status)
		fprintf(stderr, "%s: %s\n", pyr_status_name(err.status), err.message);
	return status != PYR_OK;
}
