/* SPDX-License-Identifier: Apache-2.0 */
/* Plays the peer of a session by hand. */
#include "native/hand.h"

#include <stdlib.h>
#include <string.h>
#include "leaks.h"

#define BYTES_MAX (8u << 20)

const uint8_t *hand_bytes(size_t size)
{
	static uint8_t bytes[BYTES_MAX];
	cr_assert_leq(size, sizeof bytes);
	if (bytes[0] == 0)
		memset(bytes, 'x', sizeof bytes);
	return bytes;
}

hand hand_new(const pyr__session_config *config, bool greeted)
{
	hand h = {.session = pyr__session_new(config), .server = config->server};
	cr_assert(h.session);
	if (h.server)
		hand_give(&h, PYR__PREFACE, PYR__PREFACE_SIZE);
	if (!greeted)
		return h;
	hand_give_hello(&h);
	hand_event(&h, PYR__EVENT_READY);
	hand_skip_frames(&h);
	return h;
}

static hand with_defaults(bool server)
{
	pyr__session_config config;
	pyr__session_config_init(&config, server);
	return hand_new(&config, true);
}

hand hand_server(void)
{
	return with_defaults(true);
}

hand hand_client(void)
{
	return with_defaults(false);
}

void hand_end(hand *h)
{
	hand_no_event(h);
	hand_no_frame(h);
	pyr__session_free(h->session);
	free(h->sent);
	CHECK_LEAKS();
}

/* What the peer does */

void hand_give(hand *h, const void *data, size_t size)
{
	const uint8_t *at = data;
	while (size > 0) {
		void *room;
		size_t most;
		pyr__session_input(h->session, &room, &most);
		size_t part = size < most ? size : most;
		cr_assert_gt(part, 0, "the session gives no room");
		memcpy(room, at, part);
		pyr__session_received(h->session, part);
		at += part;
		size -= part;
	}
}

void hand_give_frame(
	hand *h, uint8_t type, uint8_t flags, uint32_t stream, const void *data, size_t size)
{
	uint8_t header[PYR__FRAME_HEADER];
	pyr__frame_store(header, (uint32_t)size, type, flags, stream);
	hand_give(h, header, sizeof header);
	hand_give(h, data, size);
}

static void give_hello(hand *h, const uint64_t *features)
{
	uint8_t fields[128], *at = fields;
	static const uint8_t id[16] = "hand of a server";
	at = pyr__put_u32(at, PYR__HELLO_VERSIONS | PYR__CRITICAL, 1u | 1u << 16);
	if (!h->server)
		at = pyr__put_field(at, PYR__HELLO_ID, id, sizeof id);
	if (features)
		at = pyr__put_u64(at, PYR__HELLO_FEATURES, *features);
	at = pyr__put_u32(at, PYR__HELLO_METHODS_MAX, 1024);
	at = pyr__put_u32(at, PYR__HELLO_STREAM_WINDOW, 256u << 10);
	at = pyr__put_u32(at, PYR__HELLO_CONNECTION_WINDOW, 4u << 20);
	hand_give_frame(h, PYR__FRAME_HELLO, 0, 0, fields, (size_t)(at - fields));
}

void hand_give_hello(hand *h)
{
	give_hello(h, NULL);
}

void hand_give_features(hand *h, uint64_t features)
{
	give_hello(h, &features);
}

void hand_call(hand *h, uint32_t stream, uint8_t flags, const char *method, const void *message,
	size_t size)
{
	static uint8_t frame[PYR__FRAME_MAX];
	uint8_t *at = pyr__put_text(
		frame + 2, PYR__CALL_NAME | PYR__CRITICAL, (pyr__text){method, strlen(method)});
	pyr__store16(frame, (uint16_t)(at - frame - 2));
	if (message && size)
		memcpy(at, message, size);
	at += message ? size : 0;
	hand_give_frame(h, PYR__FRAME_CALL, flags | (message ? PYR__MSG : 0), stream, frame,
		(size_t)(at - frame));
}

void hand_final(hand *h, uint32_t stream, pyr_status status, const void *message, size_t size)
{
	uint8_t frame[4096], *at = frame + 2;
	if (status)
		at = pyr__put_u8(at, PYR__FINAL_STATUS | PYR__CRITICAL, (uint8_t)status);
	pyr__store16(frame, (uint16_t)(at - frame - 2));
	if (message)
		memcpy(at, message, size);
	at += message ? size : 0;
	hand_give_frame(
		h, PYR__FRAME_FINAL, message ? PYR__MSG : 0, stream, frame, (size_t)(at - frame));
}

void hand_give_window(hand *h, uint32_t stream, uint32_t credit)
{
	uint8_t bytes[4];
	pyr__store32(bytes, credit);
	hand_give_frame(h, PYR__FRAME_WINDOW, 0, stream, bytes, sizeof bytes);
}

/* What the session does */

pyr__event hand_event(hand *h, pyr__event_type type)
{
	pyr__event event;
	cr_assert(pyr__session_next(h->session, &event), "there is no event, not %d", type);
	cr_assert_eq(event.type, type, "the event is %d, not %d: %.*s", event.type, type,
		(int)event.final.message.size, event.final.message.data);
	return event;
}

void hand_no_event(hand *h)
{
	pyr__event event;
	cr_assert(!pyr__session_next(h->session, &event), "there is an event: %d: %.*s", event.type,
		(int)event.final.message.size, event.final.message.data);
}

static void take_output(hand *h)
{
	struct iovec vectors[8];
	int count;
	while ((count = pyr__session_output(h->session, vectors, 8)) > 0) {
		size_t taken = 0;
		for (int i = 0; i < count; i++) {
			size_t size = vectors[i].iov_len;
			while (h->sent_room - h->sent_size < size) {
				h->sent_room = h->sent_room ? h->sent_room * 2 : 65536;
				h->sent = realloc(h->sent, h->sent_room);
				cr_assert(h->sent);
			}
			memcpy(h->sent + h->sent_size, vectors[i].iov_base, size);
			h->sent_size += size;
			taken += size;
		}
		pyr__session_sent(h->session, taken);
	}
}

pyr__frame hand_frame(hand *h, pyr__frame_type type)
{
	pyr__frame frame;
	take_output(h);
	cr_assert_geq(h->sent_size - h->sent_at, PYR__FRAME_HEADER, "no frame, not %s",
		pyr__frame_name(type));
	pyr__frame_load(&frame, h->sent + h->sent_at);
	cr_assert_eq(frame.type, type, "the frame is %s, not %s", pyr__frame_name(frame.type),
		pyr__frame_name(type));
	h->sent_at += PYR__FRAME_HEADER + frame.length;
	cr_assert_leq(h->sent_at, h->sent_size, "a frame is not whole");
	return frame;
}

void hand_no_frame(hand *h)
{
	take_output(h);
	if (h->sent_at == h->sent_size)
		return;
	pyr__frame frame;
	pyr__frame_load(&frame, h->sent + h->sent_at);
	cr_assert_fail("there is a frame: %s on %08x", pyr__frame_name(frame.type), frame.stream);
}

void hand_skip_frames(hand *h)
{
	take_output(h);
	h->sent_at = h->sent_size = 0;
}

void hand_skip(hand *h, size_t size)
{
	take_output(h);
	cr_assert_geq(h->sent_size - h->sent_at, size);
	h->sent_at += size;
}

static pyr__text find_field(const uint8_t *data, size_t size, uint8_t number)
{
	pyr__fields fields;
	pyr__field field;
	pyr__fields_init(&fields, data, size);
	while (pyr__fields_next(&fields, &field))
		if (field.number == number)
			return pyr__field_text(&field);
	cr_assert(!fields.malformed);
	return (pyr__text){NULL, 0};
}

pyr__text hand_field(const pyr__frame *frame, uint8_t number)
{
	return find_field(frame->data + 2, pyr__load16(frame->data), number);
}

pyr__text hand_message(const pyr__frame *frame)
{
	size_t head = 2u + pyr__load16(frame->data);
	return (pyr__text){(const char *)frame->data + head, frame->length - head};
}

void hand_expect_violation(hand *h, const char *reason)
{
	pyr__event event;
	do
		cr_assert(pyr__session_next(h->session, &event), "the session goes on: %s", reason);
	while (event.type != PYR__EVENT_CLOSED);
	char text[PYR_ERROR_MESSAGE_MAX + 1] = "";
	memcpy(text, event.final.message.data, event.final.message.size);
	cr_assert(strstr(text, reason), "the reason is '%s', not '%s'", text, reason);
	cr_assert_eq(event.final.status, PYR_INVALID_ARGUMENT);
	pyr__frame frame;
	do {
		take_output(h);
		cr_assert_lt(h->sent_at, h->sent_size, "no GOAWAY");
		pyr__frame_load(&frame, h->sent + h->sent_at);
		h->sent_at += PYR__FRAME_HEADER + frame.length;
	} while (frame.type != PYR__FRAME_GOAWAY);
	cr_assert_eq(frame.flags, PYR__END);
	pyr__text told = find_field(frame.data, frame.length, PYR__GOAWAY_REASON);
	cr_assert(told.size == strlen(text) && memcmp(told.data, text, told.size) == 0,
		"the peer is told '%.*s'", (int)told.size, told.data);
	hand_end(h);
}

static pyr__body body_of(size_t size)
{
	return (pyr__body){.raw = hand_bytes(size), .size = size};
}

uint32_t hand_make_call(hand *h, const char *method, size_t size, bool end, void *user)
{
	uint32_t stream = 0;
	pyr__head head = {.method = {method, strlen(method)}, .timeout_us = PYR__TIMEOUT_NONE};
	pyr__body body = body_of(size);
	pyr_error err;
	pyr_status status =
		pyr__session_call(h->session, &head, size ? &body : NULL, end, user, &stream, &err);
	cr_assert_eq(status, PYR_OK, "%s", status ? err.message : "");
	return stream;
}

pyr_status hand_send(hand *h, uint32_t stream, size_t size, bool end, pyr_error *err)
{
	pyr__body body = body_of(size);
	return pyr__session_send(h->session, stream, &body, end, err);
}

pyr_status hand_finish(hand *h, uint32_t stream, pyr_status status, size_t size)
{
	pyr__body body = body_of(size);
	pyr__final final = {.status = status};
	return pyr__session_finish(h->session, stream, &final, size ? &body : NULL, NULL);
}
