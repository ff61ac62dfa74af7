/* SPDX-License-Identifier: Apache-2.0 */
/* Messages above a size are compressed: less goes over the wire, and the same comes out. */
#include <stdlib.h>
#include <string.h>
#include "transport/relay.h"
#include "transport/suite.h"

#define SIZE     100000u /* of a message, whose bytes are much alike */
#define LITTLE   10000u  /* it is less than that compressed */
#define TAG      4u      /* bytes more that it takes as a Blob */
#define FROM     1000u
#define NEVER    0u
#define MESSAGES 20u /* of a stream */

/* A daemon behind a relay, and a connection on which both ends know each other. */
typedef struct scene {
	suite *s;
	relay *relay;
	suite_suite *proxy;
	size_t before[RELAY_WAYS];
} scene;

static void note(scene *c)
{
	for (int way = 0; way < RELAY_WAYS; way++)
		c->before[way] = relay_carried(c->relay, (relay_way)way);
}

static size_t carried(const scene *c, relay_way way)
{
	return relay_carried(c->relay, way) - c->before[way];
}

static scene begin(uint32_t from, uint32_t workers)
{
	pyr_error err;
	char reference[PYR_REFERENCE_MAX];
	suite_config config = {
		.daemon.compress_from = from,
		.daemon.workers = workers,
		.context.compress_from = from,
	};
	scene c = {.s = suite_begin(&config)};
	c.relay = relay_new(c.s->reference, reference);
	CHECK_OK(suite_suite__open(c.s->context, reference, NULL, &c.proxy, &err));
	CHECK_OK(suite_echo(c.proxy, &err));
	note(&c);
	return c;
}

static void end(scene *c)
{
	suite_suite__close(c->proxy);
	relay_free(c->relay);
	suite_end(c->s);
}

static void check_echo(scene *c, const Suite__Blob *request)
{
	pyr_error err;
	Suite__Blob *reply;
	CHECK_OK(suite_suite_echo(c->proxy, request, &reply, &err));
	cr_assert_eq(reply->data.len, request->data.len);
	cr_assert(reply->data.len == 0 ||
		  memcmp(reply->data.data, request->data.data, reply->data.len) == 0);
	suite__blob__free_unpacked(reply, NULL);
}

static void echo(scene *c, size_t size)
{
	Suite__Blob request = suite_blob(size);
	check_echo(c, &request);
	free(request.data.data);
}

static void check_unary(uint32_t workers)
{
	scene c = begin(FROM, workers);
	echo(&c, SIZE);
	size_t up = carried(&c, RELAY_UP), down = carried(&c, RELAY_DOWN);
	cr_assert(up < LITTLE && down < LITTLE, "%zu bytes there, %zu back", up, down);
	end(&c);
}

Test(compress, C13_a_call_and_its_answer_take_less)
{
	check_unary(0);
}

Test(compress, C13_an_answer_of_a_pool_takes_less)
{
	check_unary(2);
}

Test(compress, C13_a_call_that_nobody_waits_for_takes_less)
{
	pyr_error err;
	scene c = begin(FROM, 0);
	suite_reply r = SUITE_REPLY_INIT;
	Suite__Blob request = suite_blob(SIZE);
	CHECK_OK(suite_suite_echo__invoke(c.proxy, &request, suite_on_blob, &r, NULL, &err));
	free(request.data.data);
	CHECK_AWAIT(&r.done, 1);
	cr_assert_eq(r.status, PYR_OK);
	cr_assert_eq(r.value, SIZE);
	cr_assert_lt(carried(&c, RELAY_UP), LITTLE);
	cr_assert_lt(carried(&c, RELAY_DOWN), LITTLE);
	end(&c);
}

Test(compress, C13_nothing_is_compressed_unasked)
{
	scene c = begin(NEVER, 0);
	echo(&c, SIZE);
	cr_assert_gt(carried(&c, RELAY_UP), SIZE);
	cr_assert_gt(carried(&c, RELAY_DOWN), SIZE);
	end(&c);
}

Test(compress, C13_messages_below_the_size_go_as_they_are)
{
	scene c = begin(SIZE + 1 + TAG, 0);
	echo(&c, SIZE);
	cr_assert_gt(carried(&c, RELAY_UP), SIZE);
	cr_assert_gt(carried(&c, RELAY_DOWN), SIZE);
	note(&c);
	echo(&c, SIZE + 1);
	cr_assert_lt(carried(&c, RELAY_UP), LITTLE);
	cr_assert_lt(carried(&c, RELAY_DOWN), LITTLE);
	end(&c);
}

Test(compress, C13_what_gets_no_shorter_arrives_too)
{
	scene c = begin(FROM, 0);
	Suite__Blob request = suite_blob(SIZE);
	uint32_t state = 1;
	for (size_t i = 0; i < SIZE; i++) {
		state = state * 1664525 + 1013904223;
		request.data.data[i] = (uint8_t)(state >> 24);
	}
	check_echo(&c, &request);
	cr_assert_gt(carried(&c, RELAY_UP), SIZE);
	memset(request.data.data, 0, SIZE / 3); /* too long for a frame even so */
	note(&c);
	check_echo(&c, &request);
	cr_assert_lt(carried(&c, RELAY_UP), SIZE * 3 / 4);
	cr_assert_lt(carried(&c, RELAY_DOWN), SIZE * 3 / 4);
	free(request.data.data);
	end(&c);
}

Test(compress, C13_every_size_comes_back)
{
	scene c = begin(1, 0);
	for (size_t size = 0; size < 100; size++)
		echo(&c, size);
	for (size_t size = 65000; size < 68000; size += 37) /* about what fits a frame */
		echo(&c, size);
	echo(&c, (4u << 20) - 100);
	end(&c);
}

static void converse(scene *c)
{
	pyr_error err;
	pyr_stream *stream;
	const Suite__Blob *message;
	Suite__Blob blob = suite_blob(SIZE);
	CHECK_OK(suite_suite_both(c->proxy, &stream, &err));
	for (unsigned i = 0; i < MESSAGES; i++) {
		CHECK_OK(suite_suite_both__send(stream, &blob, &err));
		CHECK_OK(suite_suite_both__next(stream, &message, &err));
		cr_assert(message && message->data.len == SIZE);
		cr_assert_eq(memcmp(message->data.data, blob.data.data, SIZE), 0);
	}
	CHECK_OK(pyr_stream_end(stream, &err));
	CHECK_OK(suite_suite_both__next(stream, &message, &err));
	cr_assert_null(message);
	pyr_stream_close(stream);
	free(blob.data.data);
}

Test(compress, C13_a_conversation_takes_less)
{
	for (uint32_t workers = 0; workers <= 2; workers += 2) {
		scene c = begin(FROM, workers);
		converse(&c);
		cr_assert_lt(carried(&c, RELAY_UP), MESSAGES * LITTLE);
		cr_assert_lt(carried(&c, RELAY_DOWN), MESSAGES * LITTLE);
		end(&c);
	}
}

/* Far more than a window, so that each side has to wait for the other. */
Test(compress, C13_a_stream_takes_less_each_way)
{
	scene c = begin(FROM, 2);
	pyr_error err;
	pyr_stream *stream;
	const Suite__Blob *message;
	const Suite__Number *sum;
	Suite__Blob blob = suite_blob(SIZE);
	CHECK_OK(suite_suite_up(c.proxy, &stream, &err));
	for (unsigned i = 0; i < MESSAGES; i++)
		CHECK_OK(suite_suite_up__send(stream, &blob, &err));
	CHECK_OK(pyr_stream_end(stream, &err));
	CHECK_OK(suite_suite_up__next(stream, &sum, &err));
	cr_assert(sum && sum->value == MESSAGES * SIZE);
	pyr_stream_close(stream);
	free(blob.data.data);
	cr_assert_lt(carried(&c, RELAY_UP), MESSAGES * LITTLE);

	Suite__Flood flood = SUITE__FLOOD__INIT;
	flood.count = MESSAGES;
	flood.size = SIZE;
	unsigned came = 0;
	CHECK_OK(suite_suite_down(c.proxy, &flood, &stream, &err));
	while (suite_suite_down__next(stream, &message, &err) == PYR_OK && message) {
		cr_assert_eq(message->data.len, SIZE);
		came++;
	}
	cr_assert_eq(came, MESSAGES);
	pyr_stream_close(stream);
	cr_assert_lt(carried(&c, RELAY_DOWN), MESSAGES * LITTLE);
	end(&c);
}
