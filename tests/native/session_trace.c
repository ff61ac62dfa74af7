/* SPDX-License-Identifier: Apache-2.0 */
/* The trace of a session: a line for each frame, and what must never be in one. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "leaks.h"
#include "native/frame.h"
#include "native/hand.h"

#define SECRET "s3cret"

typedef struct seen {
	char text[64u << 10]; /* the lines, each with who has told it in front */
	size_t size;
} seen;

static seen lines;

static void see(void *who, const char *line)
{
	size_t room = sizeof lines.text - lines.size;
	int size = snprintf(lines.text + lines.size, room, "%s %s\n", (const char *)who, line);
	cr_assert((size_t)size < room);
	lines.size += (size_t)size;
}

static pyr__session_config traced(bool server)
{
	pyr__session_config config;
	pyr__session_config_init(&config, server);
	config.trace = see;
	config.trace_ctx = server ? "S" : "C";
	return config;
}

static void expect(const char *wanted)
{
	cr_assert_str_eq(lines.text, wanted);
	lines.size = 0;
	lines.text[0] = '\0';
}

/* Two sessions that talk */

typedef struct pair {
	pyr__session *client, *server;
} pair;

static void carry(pyr__session *from, pyr__session *to)
{
	struct iovec vector;
	while (pyr__session_output(from, &vector, 1) > 0) {
		void *room;
		size_t size;
		pyr__session_input(to, &room, &size);
		size_t part = size < vector.iov_len ? size : vector.iov_len;
		memcpy(room, vector.iov_base, part);
		pyr__session_received(to, part);
		pyr__session_sent(from, part);
	}
}

static pyr__event next(pyr__session *session, pyr__event_type type)
{
	pyr__event event;
	cr_assert(pyr__session_next(session, &event));
	cr_assert_eq(event.type, type, "an event of type %d", event.type);
	return event;
}

static void quiet(pyr__session *session)
{
	pyr__event event;
	cr_assert(!pyr__session_next(session, &event));
}

static pair met(const char *authorization)
{
	pyr__session_config client = traced(false), server = traced(true);
	client.authorization = authorization;
	pair p = {pyr__session_new(&client), pyr__session_new(&server)};
	carry(p.client, p.server);
	next(p.server, PYR__EVENT_READY);
	carry(p.server, p.client);
	next(p.client, PYR__EVENT_READY);
	return p;
}

static pair met_in_silence(void)
{
	pair p = met(NULL);
	expect(lines.text);
	return p;
}

static void part(pair *p)
{
	pyr__session_free(p->client);
	pyr__session_free(p->server);
	CHECK_LEAKS();
}

/* Calls "demo.Calculator/Add" of "calc". */
static uint32_t call(pyr__session *session, const char *metadata, size_t metadata_size, size_t size)
{
	static const char method[] = "demo.Calculator/Add";
	uint32_t stream;
	pyr__head head = {.method = {method, sizeof method - 1},
		.method_key = method,
		.object = {"calc", 4},
		.timeout_us = 1000000,
		.correlation = {"c-1", 3},
		.metadata = {metadata, metadata_size}};
	pyr__body body = {.raw = hand_bytes(size), .size = size};
	cr_assert_eq(pyr__session_call(session, &head, &body, true, NULL, &stream, NULL), PYR_OK);
	return stream;
}

static pyr__text text(const char *of)
{
	return (pyr__text){of, strlen(of)};
}

#define LIMITS                                                                                     \
	"message_max 4194304, metadata_max 8192, streams_max 16384, methods_max 1024, "            \
	"stream_window 262144, connection_window 4194304"

Test(session_trace, tells_the_limits_of_both_and_no_token)
{
	pair p = met("Bearer " SECRET);
	expect("C > HELLO, 76 bytes: versions 1 to 1, takes DEFLATED, " LIMITS
	       ", an authorization\n"
	       "S < HELLO, 76 bytes: versions 1 to 1, takes DEFLATED, " LIMITS
	       ", an authorization\n"
	       "S > HELLO, 79 bytes: versions 1 to 1, takes DEFLATED, " LIMITS "\n"
	       "C < HELLO, 79 bytes: versions 1 to 1, takes DEFLATED, " LIMITS "\n");
	part(&p);
}

Test(session_trace, names_the_method_though_it_goes_by_number)
{
	pair p = met_in_silence();
	call(p.client, "", 0, 4);
	call(p.client, "", 0, 4);
	expect("C > CALL 00010000 MSG END, 54 bytes: demo.Calculator/Add as 0, object \"calc\", "
	       "1000000 us left, correlation \"c-1\"\n"
	       "C > CALL 00010001 MSG END, 35 bytes: demo.Calculator/Add, object \"calc\", "
	       "1000000 us left, correlation \"c-1\"\n");
	carry(p.client, p.server);
	next(p.server, PYR__EVENT_CALL);
	next(p.server, PYR__EVENT_CALL);
	expect("S < CALL 00010000 MSG END, 54 bytes: demo.Calculator/Add as 0, object \"calc\", "
	       "1000000 us left, correlation \"c-1\"\n"
	       "S < CALL 00010001 MSG END, 35 bytes: demo.Calculator/Add, object \"calc\", "
	       "1000000 us left, correlation \"c-1\"\n");
	part(&p);
}

Test(session_trace, shows_the_keys_of_metadata_and_no_value)
{
	static const char block[] = "\x0d\x0d\0authorizationBearer s3cret"
				    "\x01\x02\0kvv";
	pair p = met_in_silence();
	call(p.client, block, sizeof block - 1, 4);
	carry(p.client, p.server);
	uint32_t stream = next(p.server, PYR__EVENT_CALL).stream;
	cr_assert(strstr(lines.text, ", metadata authorization k, correlation \"c-1\"\n"));
	pyr__text metadata = {block, sizeof block - 1};
	cr_assert_eq(pyr__session_metadata(p.server, stream, metadata, NULL), PYR_OK);
	pyr__final final = {.status = PYR_OK, .metadata = metadata};
	cr_assert_eq(pyr__session_finish(p.server, stream, &final, NULL, NULL), PYR_OK);
	cr_assert(
		strstr(lines.text, "S > METADATA 00010000, 35 bytes, metadata authorization k\n"));
	cr_assert(
		strstr(lines.text, "S > FINAL 00010000, 40 bytes: OK, metadata authorization k\n"));
	cr_assert(!strstr(lines.text, SECRET) && !strstr(lines.text, "vv"));
	part(&p);
}

Test(session_trace, shows_status_and_message_of_an_answer)
{
	pair p = met_in_silence();
	call(p.client, "", 0, 4);
	call(p.client, "", 0, 4);
	carry(p.client, p.server);
	pyr__body body = {.raw = hand_bytes(7), .size = 7};
	pyr__final ok = {.status = PYR_OK};
	pyr__final not_found = {.status = PYR_NOT_FOUND,
		.executed = PYR_EXECUTED_NO,
		.message = text("no object 'calc'"),
		.where = text("calc")};
	uint32_t first = next(p.server, PYR__EVENT_CALL).stream;
	uint32_t second = next(p.server, PYR__EVENT_CALL).stream;
	expect(lines.text);
	cr_assert_eq(pyr__session_finish(p.server, first, &ok, &body, NULL), PYR_OK);
	cr_assert_eq(pyr__session_finish(p.server, second, &not_found, NULL, NULL), PYR_OK);
	expect("S > FINAL 00010000 MSG, 9 bytes: OK\n"
	       "S > FINAL 00010001, 36 bytes: NOT_FOUND, not executed \"no object 'calc'\", "
	       "where \"calc\"\n");
	part(&p);
}

#define IN_PARTS(who)                                                                              \
	who " CALL 00010000 MSG MORE, 54 bytes, of a message of 150000 bytes: "                    \
	    "demo.Calculator/Add as 0, object \"calc\", 1000000 us left, correlation "             \
	    "\"c-1\"\n" who " MESSAGE 00010000 MSG MORE CONT, 65536 bytes\n" who                   \
	    " MESSAGE 00010000 MSG MORE CONT, 65536 bytes\n" who                                   \
	    " MESSAGE 00010000 MSG CONT END, 18928 bytes\n"

Test(session_trace, shows_the_parts_of_a_long_message_and_what_is_given_back)
{
	pair p = met_in_silence();
	call(p.client, "", 0, 150000);
	carry(p.client, p.server);
	next(p.server, PYR__EVENT_CALL);
	cr_assert(pyr__session_consumed(p.server, 0, 2u << 20));
	expect(IN_PARTS("C >") IN_PARTS("S <") "S > WINDOW, 4 bytes: credit 2097152\n");
	part(&p);
}

Test(session_trace, shows_what_belongs_to_the_connection)
{
	pair p = met_in_silence();
	uint32_t stream = call(p.client, "", 0, 0);
	expect(lines.text);
	pyr__session_reset(p.client, stream);
	pyr__session_ping(p.client, 7);
	carry(p.client, p.server);
	next(p.server, PYR__EVENT_CALL);
	next(p.server, PYR__EVENT_CANCEL);
	quiet(p.server);
	pyr__session_drain(p.server, PYR_UNAVAILABLE, "restarting");
	carry(p.server, p.client);
	next(p.client, PYR__EVENT_PONG);
	next(p.client, PYR__EVENT_GOAWAY);
	char *behind = strchr(lines.text, '\n') + 1;
	cr_assert(strstr(behind, "S < CALL "));
	expect("C > RESET 00010000, 0 bytes\n"
	       "C > PING, 8 bytes\n"
	       "S < CALL 00010000 MSG END, 50 bytes: demo.Calculator/Add as 0, object \"calc\", "
	       "1000000 us left, correlation \"c-1\"\n"
	       "S < RESET 00010000, 0 bytes\n"
	       "S < PING, 8 bytes\n"
	       "S > PONG, 8 bytes\n"
	       "S > GOAWAY, 24 bytes: taken 1, UNAVAILABLE \"restarting\"\n"
	       "C < PONG, 8 bytes\n"
	       "C < GOAWAY, 24 bytes: taken 1, UNAVAILABLE \"restarting\"\n");
	part(&p);
}

/* A peer that is played by hand */

static hand watched(void)
{
	pyr__session_config config = traced(true);
	hand h = hand_new(&config, true);
	expect(lines.text);
	return h;
}

Test(session_trace, shows_what_breaks_the_protocol_and_the_answer)
{
	hand h = watched();
	uint8_t field[] = {5, 0, PYR__CALL_METHOD, 2, 0, 9, 0};
	hand_give_frame(&h, PYR__FRAME_CALL, PYR__END, STREAM, field, sizeof field);
	hand_expect_violation(&h, "a CALL of the undefined method number 9");
	expect("S < CALL 00010000 END, 7 bytes: the undefined method 9\n"
	       "S > GOAWAY END, 53 bytes: taken 0, INVALID_ARGUMENT \"a CALL of the undefined "
	       "method number 9\"\n");
}

Test(session_trace, reads_no_field_beyond_its_frame)
{
	static const uint8_t frames[][4] = {{0}, {9, 0}, {0xff, 0xff, 1}, {2, 0, 2, 1}};
	for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
		hand h = watched();
		hand_give_frame(&h, PYR__FRAME_CALL, PYR__END, STREAM, frames[i], i ? i + 1 : 0);
		hand_expect_violation(&h, "malformed");
		cr_assert(strstr(lines.text, "S < CALL 00010000 END"));
		expect(lines.text);
	}
}

Test(session_trace, reads_no_key_beyond_its_block)
{
	static const uint8_t block[] = {1, 0, 0, 'k', 9, 0, 0, 'o'};
	uint8_t frame[64], *at = frame + 2;
	hand h = watched();
	at = pyr__put_text(at, PYR__CALL_NAME, text("a.B/C"));
	at = pyr__put_field(at, PYR__CALL_METADATA, block, sizeof block);
	pyr__store16(frame, (uint16_t)(at - frame - 2));
	hand_give_frame(&h, PYR__FRAME_CALL, PYR__END, STREAM, frame, (size_t)(at - frame));
	hand_no_event(&h);
	hand_frame(&h, PYR__FRAME_FINAL);
	expect("S < CALL 00010000 END, 21 bytes: a.B/C, metadata k\n"
	       "S > FINAL 00010000, 45 bytes: INVALID_ARGUMENT, not executed \"the call's metadata "
	       "is malformed\"\n");
	hand_end(&h);
}

Test(session_trace, cuts_what_is_too_long_for_a_line)
{
	hand h = watched();
	char method[PYR__METHOD_MAX + 1];
	memset(method, 'm', sizeof method);
	method[PYR__METHOD_MAX] = '\0';
	hand_call(&h, STREAM, PYR__END, method, "", 0);
	hand_event(&h, PYR__EVENT_CALL);
	cr_assert(strlen(lines.text) < 320 && strstr(lines.text, "mmm...\n"));
	expect(lines.text);
	hand_give_frame(&h, 0x80, 0xff, 0, NULL, 0);
	hand_no_event(&h);
	expect("S < frame of the unknown type 128 MSG MORE CONT END ONEWAY DEFLATED, 0 bytes\n");
	hand_end(&h);
}
