/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of the connection itself: HELLO, PING, PONG and GOAWAY. */
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/error.h"
#include "base/utf8.h"
#include "native/session_private.h"

/* HELLO */

void pyr__session_put_hello(pyr__session *s)
{
	uint8_t fields[128 + PYR__AUTHORIZATION_MAX], *at = fields;
	const pyr__session_config *c = &s->config;
	at = pyr__put_u32(
		at, PYR__HELLO_VERSIONS | PYR__CRITICAL, PYR__VERSION_MIN | PYR__VERSION_MAX << 16);
	at = pyr__put_u64(at, PYR__HELLO_FEATURES,
		PYR__FEATURE_DEFLATED | (c->shares ? PYR__FEATURE_SHARED : 0));
	if (c->server)
		at = pyr__put_field(at, PYR__HELLO_ID, c->id, sizeof c->id);
	at = pyr__put_u32(at, PYR__HELLO_MESSAGE_MAX, c->message_max);
	at = pyr__put_u32(at, PYR__HELLO_METADATA_MAX, c->metadata_max);
	at = pyr__put_u32(at, PYR__HELLO_STREAMS_MAX, c->streams_max);
	at = pyr__put_u32(at, PYR__HELLO_METHODS_MAX, c->methods_max);
	at = pyr__put_u32(at, PYR__HELLO_STREAM_WINDOW, c->stream_window);
	at = pyr__put_u32(at, PYR__HELLO_CONNECTION_WINDOW, c->connection_window);
	if (c->authorization)
		at = pyr__put_text(at, PYR__HELLO_AUTHORIZATION,
			(pyr__text){c->authorization,
				strnlen(c->authorization, PYR__AUTHORIZATION_MAX)});
	pyr__session_put_frame(s, PYR__FRAME_HELLO, 0, 0, fields, (size_t)(at - fields));
	s->hello_sent = true;
}

typedef struct hello {
	uint32_t versions; /* the lowest, and shifted by 16 the highest */
	uint32_t message_max, metadata_max, streams_max, methods_max;
	uint32_t stream_window, connection_window;
	uint64_t features;
	uint8_t id[16];
	pyr__text authorization;
} hello;

/* The place of a field that is a number and has a floor; NULL for another field. */
static uint32_t *number_of(hello *h, uint8_t field, uint32_t *ret_least, uint32_t *ret_most)
{
	*ret_least = 1;
	*ret_most = UINT32_MAX;
	switch (field) {
	case PYR__HELLO_MESSAGE_MAX:
		return &h->message_max;
	case PYR__HELLO_METADATA_MAX:
		return &h->metadata_max;
	case PYR__HELLO_STREAMS_MAX:
		return &h->streams_max;
	case PYR__HELLO_METHODS_MAX:
		*ret_least = PYR__INITIAL_METHODS;
		return &h->methods_max;
	case PYR__HELLO_STREAM_WINDOW:
		*ret_least = PYR__INITIAL_STREAM_WINDOW;
		*ret_most = PYR__WINDOW_MAX;
		return &h->stream_window;
	case PYR__HELLO_CONNECTION_WINDOW:
		*ret_least = PYR__INITIAL_CONNECTION_WINDOW;
		*ret_most = PYR__WINDOW_MAX;
		return &h->connection_window;
	default:
		return NULL;
	}
}

static bool read_field(pyr__session *s, hello *h, const pyr__field *f)
{
	uint32_t least, most;
	uint32_t *number = number_of(h, f->number, &least, &most);
	if (number || f->number == PYR__HELLO_VERSIONS) {
		uint32_t value = f->size == 4 ? pyr__load32(f->data) : 0;
		if (f->size != 4 || (number && (value < least || value > most))) {
			pyr__session_violation(
				s, "HELLO: field %u may not be what it is", f->number);
			return false;
		}
		*(number ? number : &h->versions) = value;
		return true;
	}
	if (f->number == PYR__HELLO_FEATURES) {
		if (f->size != sizeof h->features) {
			pyr__session_violation(
				s, "HELLO: the features have %u bytes, not 8", f->size);
			return false;
		}
		h->features = pyr__load64(f->data);
		return true;
	}
	if (f->number == PYR__HELLO_ID) {
		if (f->size != sizeof h->id) {
			pyr__session_violation(s, "HELLO: the id has %u bytes, not 16", f->size);
			return false;
		}
		memcpy(h->id, f->data, f->size);
		return true;
	}
	if (f->number == PYR__HELLO_AUTHORIZATION) {
		h->authorization = pyr__field_text(f);
		if (f->size <= PYR__AUTHORIZATION_MAX && !memchr(f->data, '\0', f->size))
			return true;
		pyr__session_violation(s, "HELLO: an authorization that is none");
		return false;
	}
	if (f->critical)
		pyr__session_violation(s, "HELLO: the critical field %u is unknown", f->number);
	return !f->critical;
}

static bool read_hello(pyr__session *s, const pyr__frame *frame, hello *h)
{
	pyr__fields fields;
	pyr__field f;
	pyr__fields_init(&fields, frame->data, frame->length);
	while (pyr__fields_next(&fields, &f))
		if (!read_field(s, h, &f))
			return false;
	uint32_t lowest = h->versions & 0xffff, highest = h->versions >> 16;
	if (fields.malformed)
		pyr__session_violation(s, "HELLO: its fields are malformed");
	else if (lowest > PYR__VERSION_MAX || highest < PYR__VERSION_MIN || lowest > highest)
		pyr__session_violation(s,
			"no common version: the peer has %u to %u, this side %u to %u", lowest,
			highest, PYR__VERSION_MIN, PYR__VERSION_MAX);
	return !s->closing;
}

bool pyr__session_on_hello(pyr__session *s, const pyr__frame *frame, pyr__event *event)
{
	hello h = {
		.message_max = PYR__INITIAL_MESSAGE_MAX,
		.metadata_max = PYR__INITIAL_METADATA_MAX,
		.streams_max = PYR__INITIAL_STREAMS,
		.methods_max = PYR__INITIAL_METHODS,
		.stream_window = PYR__INITIAL_STREAM_WINDOW,
		.connection_window = PYR__INITIAL_CONNECTION_WINDOW,
	};
	if (s->hello_done) {
		pyr__session_violation(s, "a second HELLO");
		return false;
	}
	if (!read_hello(s, frame, &h))
		return false;
	memcpy(s->peer_id, h.id, sizeof h.id);
	if (s->config.server && h.authorization.size)
		s->authorization = pyr__strndup(h.authorization.data, h.authorization.size);
	s->peer_message_max = h.message_max;
	s->peer_metadata_max =
		h.metadata_max < PYR__METADATA_LIMIT ? h.metadata_max : PYR__METADATA_LIMIT;
	s->peer_streams_max = h.streams_max < PYR__STREAMS_MOST ? h.streams_max : PYR__STREAMS_MOST;
	s->peer_methods_max = h.methods_max;
	s->peer_takes_deflated = (h.features & PYR__FEATURE_DEFLATED) != 0;
	s->peer_shares = s->config.shares && (h.features & PYR__FEATURE_SHARED) != 0;
	pyr__session_set_windows(s, h.stream_window, h.connection_window);
	s->hello_done = true;
	if (!s->hello_sent)
		pyr__session_put_hello(s);
	event->type = PYR__EVENT_READY;
	return true;
}

/* PING and PONG */

static bool has_value(pyr__session *s, const pyr__frame *frame)
{
	if (frame->length != 8)
		pyr__session_violation(
			s, "%s has %u bytes, not 8", pyr__frame_name(frame->type), frame->length);
	return frame->length == 8;
}

bool pyr__session_on_ping(pyr__session *s, const pyr__frame *frame, pyr__event *event)
{
	(void)event;
	if (has_value(s, frame))
		pyr__session_put_frame(s, PYR__FRAME_PONG, 0, 0, frame->data, frame->length);
	return false;
}

bool pyr__session_on_pong(pyr__session *s, const pyr__frame *frame, pyr__event *event)
{
	if (!has_value(s, frame))
		return false;
	event->type = PYR__EVENT_PONG;
	event->ping_value = pyr__load64(frame->data);
	return true;
}

void pyr__session_ping(pyr__session *s, uint64_t value)
{
	uint8_t bytes[8];
	pyr__store64(bytes, value);
	if (!s->closing && s->hello_sent)
		pyr__session_put_frame(s, PYR__FRAME_PING, 0, 0, bytes, sizeof bytes);
}

/* GOAWAY */

void pyr__session_put_goaway(pyr__session *s, uint8_t flags, pyr_status status, const char *reason)
{
	uint8_t fields[32 + PYR_ERROR_MESSAGE_MAX], *at = fields;
	size_t size = strlen(reason);
	if (size > PYR_ERROR_MESSAGE_MAX - 1)
		size = PYR_ERROR_MESSAGE_MAX - 1;
	at = pyr__put_u32(at, PYR__GOAWAY_TAKEN, s->calls_taken);
	at = pyr__put_u8(at, PYR__GOAWAY_STATUS, (uint8_t)status);
	at = pyr__put_text(at, PYR__GOAWAY_REASON, (pyr__text){reason, size});
	pyr__session_put_frame(s, PYR__FRAME_GOAWAY, flags, 0, fields, (size_t)(at - fields));
}

static bool read_goaway(pyr__session *s, const pyr__frame *frame, pyr__final *final)
{
	pyr__fields fields;
	pyr__field f;
	pyr__fields_init(&fields, frame->data, frame->length);
	while (pyr__fields_next(&fields, &f)) {
		if (f.number == PYR__GOAWAY_TAKEN && f.size == 4) {
			s->peer_took = pyr__load32(f.data);
			s->peer_took_known = true;
		} else if (f.number == PYR__GOAWAY_STATUS && f.size == 1) {
			final->status = f.data[0] <= PYR_UNAUTHENTICATED ? (pyr_status)f.data[0]
									 : PYR_UNKNOWN;
		} else if (f.number == PYR__GOAWAY_REASON) {
			final->message = pyr__field_text(&f);
		} else if (f.number <= PYR__GOAWAY_REASON) {
			return false;
		}
	}
	return !fields.malformed;
}

/* What the peer calls the reason may be shown to people. */
static void clean(pyr__text *text)
{
	text->size = text->size ? pyr__utf8_printable_bytes(text->data, text->size) : 0;
}

bool pyr__session_on_goaway(pyr__session *s, const pyr__frame *frame, pyr__event *event)
{
	static const char no_reason[] = "the peer closed the connection";
	pyr__final *final = &event->final;
	final->status = PYR_UNAVAILABLE;
	if (!read_goaway(s, frame, final)) {
		pyr__session_violation(s, "GOAWAY: its fields are malformed");
		return false;
	}
	clean(&final->message);
	if (!final->message.size)
		final->message = (pyr__text){no_reason, sizeof no_reason - 1};
	if (final->status == PYR_OK)
		final->status = PYR_UNAVAILABLE;
	s->going = true;
	event->type = PYR__EVENT_GOAWAY;
	if (frame->flags & PYR__END) {
		char reason[PYR_ERROR_MESSAGE_MAX];
		pyr__copy_text(reason, sizeof reason, final->message.data, final->message.size);
		pyr__session_disconnect(s, final->status, reason);
	} else {
		pyr__keep_reason(&s->reason, final->message.data, final->message.size);
	}
	return true;
}
