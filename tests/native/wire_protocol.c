/* SPDX-License-Identifier: Apache-2.0 */
/* The example in docs/wire-protocol.md is what two sessions say to each other, byte for byte. */
#include <criterion/criterion.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "leaks.h"
#include "native/session.h"

typedef struct bytes {
	uint8_t data[4096];
	size_t size;
} bytes;

typedef struct talk {
	pyr__session *client, *server;
	bytes said; /* a letter for who speaks before each byte */
} talk;

/* Lines "    C 01 02  comment" of the page, as a letter and a byte for each. */
static void read_page(bytes *ret)
{
	char line[512];
	FILE *page = fopen(WIRE_PROTOCOL_PAGE, "r");
	cr_assert(page, "no %s", WIRE_PROTOCOL_PAGE);
	ret->size = 0;
	while (fgets(line, sizeof line, page)) {
		if (strncmp(line, "    C ", 6) != 0 && strncmp(line, "    S ", 6) != 0)
			continue;
		const char *at = line + 5;
		while (at[0] == ' ' && isxdigit((unsigned char)at[1]) &&
			isxdigit((unsigned char)at[2]) && isspace((unsigned char)at[3])) {
			cr_assert_lt(ret->size + 2, sizeof ret->data);
			ret->data[ret->size++] = (uint8_t)line[4];
			ret->data[ret->size++] = (uint8_t)strtoul(at, NULL, 16);
			at += 3;
		}
	}
	fclose(page);
}

static void say(talk *t, char who)
{
	struct iovec vector;
	pyr__session *from = who == 'C' ? t->client : t->server;
	pyr__session *to = who == 'C' ? t->server : t->client;
	while (pyr__session_output(from, &vector, 1) > 0) {
		void *room;
		size_t size;
		pyr__session_input(to, &room, &size);
		cr_assert_geq(size, vector.iov_len);
		memcpy(room, vector.iov_base, vector.iov_len);
		for (size_t i = 0; i < vector.iov_len; i++) {
			t->said.data[t->said.size++] = (uint8_t)who;
			t->said.data[t->said.size++] = ((uint8_t *)vector.iov_base)[i];
		}
		pyr__session_received(to, vector.iov_len);
		pyr__session_sent(from, vector.iov_len);
	}
}

static pyr__event next(pyr__session *session, pyr__event_type type)
{
	pyr__event event;
	cr_assert(pyr__session_next(session, &event));
	cr_assert_eq(event.type, type);
	return event;
}

static void begin(talk *t)
{
	pyr__session_config config;
	pyr__session_config_init(&config, false);
	t->client = pyr__session_new(&config);
	pyr__session_config_init(&config, true);
	for (uint8_t i = 0; i < sizeof config.id; i++)
		config.id[i] = i;
	t->server = pyr__session_new(&config);
	t->said.size = 0;
}

static void call(talk *t, const char *object, uint64_t timeout_us, bool oneway)
{
	static const char method[] = "demo.Calculator/Add";
	static const uint8_t request[] = {0x08, 2, 0x10, 3};
	pyr__head head = {.method = {method, strlen(method)},
		.method_key = method,
		.object = {object, strlen(object)},
		.timeout_us = timeout_us,
		.oneway = oneway};
	pyr__body body = {.raw = request, .size = sizeof request};
	uint32_t stream;
	cr_assert_eq(pyr__session_call(t->client, &head, &body, true, NULL, &stream, NULL), PYR_OK);
}

static void talk_as_on_the_page(talk *t)
{
	static const uint8_t reply[] = {0x08, 5};
	static const char missing[] = "no object 'nobody'";
	pyr__body body = {.raw = reply, .size = sizeof reply};
	pyr__final ok = {.status = PYR_OK};
	pyr__final not_found = {.status = PYR_NOT_FOUND,
		.executed = PYR_EXECUTED_NO,
		.message = {missing, strlen(missing)}};
	call(t, "calc", 1000000, false);
	say(t, 'C');
	next(t->server, PYR__EVENT_READY);
	uint32_t stream = next(t->server, PYR__EVENT_CALL).stream;
	cr_assert_eq(pyr__session_finish(t->server, stream, &ok, &body, NULL), PYR_OK);
	say(t, 'S');
	next(t->client, PYR__EVENT_READY);
	next(t->client, PYR__EVENT_FINAL);
	call(t, "calc", PYR__TIMEOUT_NONE, true);
	call(t, "nobody", PYR__TIMEOUT_NONE, false);
	say(t, 'C');
	cr_assert(next(t->server, PYR__EVENT_CALL).head.oneway);
	stream = next(t->server, PYR__EVENT_CALL).stream;
	cr_assert_eq(pyr__session_finish(t->server, stream, &not_found, NULL, NULL), PYR_OK);
	say(t, 'S');
	next(t->client, PYR__EVENT_FINAL);
	pyr__session_ping(t->client, 1);
	say(t, 'C');
	pyr__event event;
	cr_assert(!pyr__session_next(t->server, &event));
	pyr__session_drain(t->server, PYR_UNAVAILABLE, "restarting");
	say(t, 'S');
	next(t->client, PYR__EVENT_PONG);
	next(t->client, PYR__EVENT_GOAWAY);
}

Test(wire_protocol, the_example_is_what_sessions_say)
{
	static bytes page;
	static talk t;
	read_page(&page);
	begin(&t);
	talk_as_on_the_page(&t);
	size_t least = page.size < t.said.size ? page.size : t.said.size;
	for (size_t i = 0; i < least; i += 2)
		cr_assert(page.data[i] == t.said.data[i] && page.data[i + 1] == t.said.data[i + 1],
			"byte %zu: the page has %c %02x, the sessions %c %02x", i / 2, page.data[i],
			page.data[i + 1], t.said.data[i], t.said.data[i + 1]);
	cr_assert_eq(page.size, t.said.size, "the page has %zu bytes, the sessions %zu",
		page.size / 2, t.said.size / 2);
	pyr__session_free(t.client);
	pyr__session_free(t.server);
	CHECK_LEAKS();
}
