/* SPDX-License-Identifier: Apache-2.0 */
/* CALL: what the peer asks of us. */
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/apart.h"
#include "base/metadata.h"
#include "native/session_private.h"

#define KNOWN_METHODS_FIRST 4u /* room for so many is made at first */

/* A CALL while it is read, and why it is not taken if it is not. */
typedef struct call {
	pyr__head *head;
	uint32_t method; /* its number, or PYR__NO_METHOD */
	unsigned named;  /* how often a field has said what is called: it must be once */
	bool malformed;
	pyr_status status;
	const char *refusal;
} call;

void pyr__session_refuse(pyr__session *s, uint32_t id, pyr_status status, const char *why)
{
	uint8_t fields[PYR__REASON_LITTLE], *at = fields + 2;
	at = pyr__put_u8(at, PYR__FINAL_STATUS | PYR__CRITICAL, (uint8_t)status);
	at = pyr__put_u8(at, PYR__FINAL_EXECUTED, PYR_EXECUTED_NO);
	at = pyr__put_text(at, PYR__FINAL_MESSAGE, (pyr__text){why, strlen(why)});
	pyr__store16(fields, (uint16_t)(at - fields - 2));
	pyr__session_put_frame(s, PYR__FRAME_FINAL, 0, id, fields, (size_t)(at - fields));
}

/* Methods */

static bool use_method(pyr__session *s, uint32_t number, call *c)
{
	pyr__interned *method = &s->known_methods[number];
	c->head->method = (pyr__text){method->name, method->size};
	c->head->method_slot = &method->user;
	c->method = number;
	c->named++;
	return true;
}

PYR_COLD static bool define_method(pyr__session *s, const pyr__field *f, call *c)
{
	uint32_t number = f->size > 2 ? pyr__load16(f->data) : 0;
	if (f->size <= 2 || number != s->known_method_count || number >= s->config.methods_max ||
		f->size - 2u > PYR__METHOD_MAX) {
		pyr__session_violation(
			s, "method number %u is defined out of turn, or badly", number);
		return false;
	}
	if (number == s->known_method_room) {
		s->known_method_room = number ? number * 2 : KNOWN_METHODS_FIRST;
		s->known_methods = pyr__realloc(
			s->known_methods, s->known_method_room * sizeof *s->known_methods);
	}
	s->known_methods[s->known_method_count++] = (pyr__interned){
		.name = pyr__strndup((const char *)f->data + 2, f->size - 2u),
		.size = f->size - 2u,
	};
	return use_method(s, number, c);
}

static bool known_method(pyr__session *s, const pyr__field *f, call *c)
{
	uint32_t number = f->size == 2 ? pyr__load16(f->data) : UINT16_MAX;
	if (number >= s->known_method_count) {
		pyr__session_violation(s, "a CALL of the undefined method number %u", number);
		return false;
	}
	return use_method(s, number, c);
}

/* Fields */

PYR_COLD static void refuse(call *c, pyr_status status, const char *why)
{
	if (!c->refusal) {
		c->status = status;
		c->refusal = why;
	}
}

static void take_object(call *c, const pyr__field *f)
{
	c->head->object = pyr__field_text(f);
	if (f->size > PYR__OBJECT_MAX)
		refuse(c, PYR_INVALID_ARGUMENT, "the object id is longer than 255 bytes");
}

PYR__APART static void take_metadata(const pyr__session *s, call *c, const pyr__field *f)
{
	c->head->metadata = pyr__field_text(f);
	if (f->size > s->config.metadata_max)
		refuse(c, PYR_RESOURCE_EXHAUSTED,
			"the call's metadata is longer than this side takes");
	else if (!pyr__metadata_check(f->data, f->size))
		refuse(c, PYR_INVALID_ARGUMENT, "the call's metadata is malformed");
}

static bool read_field(pyr__session *s, const pyr__field *f, call *c)
{
	switch (f->number) {
	case PYR__CALL_METHOD:
		return known_method(s, f, c);
	case PYR__CALL_DEFINITION:
		return define_method(s, f, c);
	case PYR__CALL_NAME:
		c->head->method = pyr__field_text(f);
		c->malformed |= f->size == 0 || f->size > PYR__METHOD_MAX;
		c->named++;
		return true;
	case PYR__CALL_OBJECT:
		take_object(c, f);
		return true;
	case PYR__CALL_TIMEOUT:
		c->head->timeout_us = f->size == 8 ? pyr__load64(f->data) : 0;
		c->malformed |= f->size != 8;
		return true;
	case PYR__CALL_METADATA:
		take_metadata(s, c, f);
		return true;
	case PYR__CALL_CORRELATION:
		if (f->size <= PYR__CORRELATION_MAX)
			c->head->correlation = pyr__field_text(f);
		return true;
	default:
		if (f->critical)
			refuse(c, PYR_UNIMPLEMENTED,
				"the call has a critical field that is not known here");
		return true;
	}
}

static bool read_fields(pyr__session *s, const uint8_t *data, size_t size, call *c)
{
	pyr__fields fields;
	pyr__field f;
	pyr__fields_init(&fields, data, size);
	while (pyr__fields_next(&fields, &f))
		if (!read_field(s, &f, c))
			return false;
	if (fields.malformed || c->malformed || c->named != 1) {
		pyr__session_violation(s, "a CALL with malformed fields");
		return false;
	}
	return true;
}

/* The frame */

static bool check_id(pyr__session *s, uint32_t id)
{
	bool possible = !pyr__session_is_ours(s, id) && (id >> 16 & 0x7fff) &&
			(id & 0xffff) < s->theirs.slots_max;
	if (possible && !pyr__streams_at(&s->theirs, id & 0xffff))
		return true;
	pyr__session_violation(s,
		possible ? "a CALL on the stream %08x, which is in use"
			 : "a malformed CALL: there can be no stream %08x",
		id);
	return false;
}

/* The fields' size, and the frame's flags, are in keeping with its length. */
static bool check_shape(
	pyr__session *s, const pyr__frame *frame, size_t *ret_fields, pyr__arrival *ret_arrival)
{
	bool has_fields = frame->length >= 2;
	size_t fields = has_fields ? pyr__load16(frame->data) : 0;
	bool whole = !(frame->flags & PYR__MORE);
	if (!has_fields || fields > frame->length - 2 ||
		!pyr__arrival_read(ret_arrival, frame->flags, frame->data + 2 + fields,
			frame->length - 2 - fields) ||
		((frame->flags & PYR__ONEWAY) && !(frame->flags & PYR__END) && whole) ||
		(!whole && (frame->flags & PYR__END))) {
		pyr__session_violation(s, "a malformed CALL on the stream %08x", frame->stream);
		return false;
	}
	*ret_fields = fields;
	return true;
}

static void check_limits(const pyr__session *s, call *c, size_t message)
{
	if (s->drained)
		refuse(c, PYR_UNAVAILABLE, "this side takes no new calls");
	else if (!c->head->oneway && s->theirs.open > s->config.streams_max)
		refuse(c, PYR_RESOURCE_EXHAUSTED,
			"as many calls are open as this side takes at once");
	else if (message > s->config.message_max)
		refuse(c, PYR_RESOURCE_EXHAUSTED, "the message is longer than this side takes");
}

/* Its stream is closed at once; what still comes for it is then late, and ignored. */
PYR_COLD static bool turn_down(pyr__session *s, pyr__stream *stream, const call *c, uint32_t cost)
{
	if (!c->head->oneway)
		pyr__session_refuse(s, stream->id, c->status, c->refusal);
	pyr__session_close(s, stream);
	if (cost)
		pyr__session_return(s, cost);
	return false;
}

/* The message is there, or, refused, is not for want of memory; false after a violation. */
static bool take_body(pyr__session *s, call *c, const pyr__stream *stream, const pyr__arrival *a,
	pyr__payload *ret_payload)
{
	*ret_payload = (pyr__payload){a->data, a->size, s->rx};
	if (!a->deflated)
		return true;
	pyr__unpacked unpacked =
		pyr__session_unpack(s, stream->id, a->data, a->bytes, a->size, ret_payload);
	if (unpacked == PYR__UNPACKED_NO_MEMORY)
		refuse(c, PYR_RESOURCE_EXHAUSTED, "there is no memory for the message");
	return unpacked != PYR__UNPACKED_VIOLATION;
}

bool pyr__session_on_call(pyr__session *s, const pyr__frame *frame, pyr__event *event)
{
	size_t fields;
	pyr__arrival a;
	if (!check_id(s, frame->stream) || !check_shape(s, frame, &fields, &a))
		return false;
	call c = {.head = &event->head, .method = PYR__NO_METHOD};
	c.head->timeout_us = PYR__TIMEOUT_NONE;
	c.head->oneway = (frame->flags & PYR__ONEWAY) != 0;
	if (!read_fields(s, frame->data + 2, fields, &c))
		return false;
	bool has_message = (frame->flags & PYR__MSG) != 0;
	uint32_t cost = has_message ? pyr__cost(a.size) : 0;
	pyr__stream *stream = pyr__session_open_theirs(s, frame->stream);
	if (!c.head->oneway)
		pyr__streams_count(&s->theirs, stream);
	if (has_message && !pyr__session_charge(s, stream, cost))
		return false;
	check_limits(s, &c, a.size);
	s->calls_taken += !s->drained;
	if (!c.refusal && !a.more && !take_body(s, &c, stream, &a, &event->payload))
		return false;
	if (c.refusal)
		return turn_down(s, stream, &c, cost);
	if (a.more) {
		pyr__session_begin_partial(s, stream, c.head, c.method, &a);
		return false;
	}
	event->type = PYR__EVENT_CALL;
	event->ended = stream->ended = (frame->flags & PYR__END) != 0;
	event->has_message = has_message;
	event->cost = cost;
	if (c.head->oneway)
		pyr__session_close(s, stream);
	return true;
}

void pyr__session_tell_call(pyr__session *s, pyr__partial *partial, pyr__event *event)
{
	event->type = PYR__EVENT_CALL;
	event->head = partial->head;
	if (partial->method != PYR__NO_METHOD) {
		pyr__interned *method = &s->known_methods[partial->method];
		event->head.method = (pyr__text){method->name, method->size};
		event->head.method_slot = &method->user;
	}
}
