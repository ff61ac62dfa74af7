/* SPDX-License-Identifier: Apache-2.0 */
/* What a session receives: frames, taken apart and checked, become events. */
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/metadata.h"
#include "native/session_private.h"

#define RX_SMALL_BYTES   (16u << 10)
#define RX_LARGE_BYTES   (256u << 10)
#define RX_ROOM_MIN      4096u
#define QUEUED_PONGS_MAX (1u << 20)

/* The receive block */

static void replace_rx(pyr__session *s, size_t room)
{
	size_t left = s->rx ? s->rx_size - s->rx_at : 0;
	if (s->rx && atomic_load(&s->rx->refs) == 1 && s->rx->size >= room) {
		memmove(s->rx->data, s->rx->data + s->rx_at, left);
	} else {
		pyr__block *fresh = pyr__block_new(room);
		if (!fresh) {
			pyr__alloc(SIZE_MAX / 2); /* says so, and ends */
			return;
		}
		if (left)
			memcpy(fresh->data, s->rx->data + s->rx_at, left);
		pyr__block_unref(s->rx);
		s->rx = fresh;
	}
	s->rx_at = 0;
	s->rx_size = left;
}

void pyr__session_input(pyr__session *s, void **ret_data, size_t *ret_room)
{
	size_t left = s->rx ? s->rx_size - s->rx_at : 0;
	size_t room = s->rx_filled ? RX_LARGE_BYTES : RX_SMALL_BYTES;
	if (left >= PYR__FRAME_HEADER)
		room = RX_LARGE_BYTES; /* holds any frame, and more behind it */
	if (s->closing && s->rx)
		s->rx_at = s->rx_size = 0;
	if (s->rx && left == 0 && atomic_load(&s->rx->refs) == 1)
		s->rx_at = s->rx_size = 0;
	if (!s->rx || s->rx->size < room || s->rx->size - s->rx_size < RX_ROOM_MIN ||
		s->rx->size - s->rx_at < PYR__FRAME_MAX + PYR__FRAME_HEADER + RX_ROOM_MIN)
		if (!s->rx || left || s->rx_at || s->rx->size < room)
			replace_rx(s, room);
	*ret_data = s->rx->data + s->rx_size;
	*ret_room = s->rx->size - s->rx_size;
}

void pyr__session_received(pyr__session *s, size_t size)
{
	s->rx_size += size;
	s->rx_filled = s->rx_size == s->rx->size;
	if (s->rx_at == s->rx_size && size == 0) {
		pyr__block_unref(s->rx); /* an idle connection keeps no buffer */
		s->rx = NULL;
		s->rx_at = s->rx_size = 0;
	}
}

/* Messages */

static uint32_t cost_of(size_t size)
{
	return size < PYR__COST_MIN ? PYR__COST_MIN : (uint32_t)size;
}

static void begin_assembly(pyr__session *s, pyr__stream *stream, const uint8_t *data, size_t size)
{
	if (size != 4) {
		pyr__session_violation(s, "the first part of a message has %zu bytes, not 4", size);
		return;
	}
	stream->total = pyr__load32(data);
	stream->assembled = 0;
	stream->refused = stream->total > s->config.message_max;
	if (stream->total <= 4)
		pyr__session_violation(s, "a message of %zu bytes in parts", stream->total);
}

/* Room grows with what has really come, never beyond what was announced. */
static bool append(pyr__session *s, pyr__stream *stream, const uint8_t *data, size_t size)
{
	if (size > stream->total - stream->assembled) {
		pyr__session_violation(
			s, "a message is longer than its announced %zu bytes", stream->total);
		return false;
	}
	size_t needed = stream->assembled + size;
	if (!stream->refused && (!stream->message || stream->message->size < needed)) {
		size_t room = needed * 2 < stream->total ? needed * 2 : stream->total;
		pyr__block *grown = pyr__block_new(room);
		if (!grown) {
			stream->refused = true;
		} else {
			if (stream->assembled)
				memcpy(grown->data, stream->message->data, stream->assembled);
			pyr__block_unref(stream->message);
			stream->message = grown;
		}
	}
	if (!stream->refused && size)
		memcpy(stream->message->data + stream->assembled, data, size);
	stream->assembled = needed;
	return true;
}

/* The answer to a call that will not be taken; the session gives it by itself. */
static void refuse_call(
	pyr__session *s, uint32_t id, bool oneway, pyr_status status, const char *why)
{
	uint8_t fields[256], *at = fields + 2;
	if (oneway)
		return;
	at = pyr__put_u8(at, PYR__FINAL_STATUS | PYR__CRITICAL, (uint8_t)status);
	at = pyr__put_u8(at, PYR__FINAL_EXECUTED, PYR_EXECUTED_NO);
	at = pyr__put_text(at, PYR__FINAL_MESSAGE, (pyr__text){why, strlen(why)});
	pyr__store16(fields, (uint16_t)(at - fields - 2));
	pyr__session_put_frame(s, PYR__FRAME_FINAL, 0, id, fields, (size_t)(at - fields));
}

/* Connection frames */

static bool on_hello(pyr__session *s, const pyr__frame *frame, pyr__event *event)
{
	pyr__fields fields;
	pyr__field f;
	bool common = false;
	uint32_t versions = 0;
	pyr__fields_init(&fields, frame->data, frame->length);
	while (pyr__fields_next(&fields, &f)) {
		uint32_t value = f.size == 4 ? pyr__load32(f.data) : 0;
		if (f.number == PYR__HELLO_VERSIONS && f.size == 4) {
			versions = value;
			common = (value & 0xffff) <= PYR__VERSION_MAX &&
				 value >> 16 >= PYR__VERSION_MIN;
		} else if (f.number == PYR__HELLO_ID && f.size == sizeof s->peer_id) {
			memcpy(s->peer_id, f.data, f.size);
		} else if (f.number == PYR__HELLO_MESSAGE_MAX && value) {
			s->peer_message_max = value;
		} else if (f.number == PYR__HELLO_METADATA_MAX && value) {
			s->peer_metadata_max =
				value < PYR__METADATA_LIMIT ? value : PYR__METADATA_LIMIT;
		} else if (f.number == PYR__HELLO_STREAMS_MAX && value) {
			s->peer_streams_max = value < 65536 ? value : 65536;
		} else if (f.number == PYR__HELLO_METHODS_MAX && f.size == 4) {
			s->peer_methods_max = value;
		} else if (f.critical && f.number != PYR__HELLO_VERSIONS) {
			pyr__session_violation(
				s, "HELLO has the unknown critical field %u", f.number);
			return false;
		}
	}
	if (fields.malformed || s->hello_done) {
		pyr__session_violation(s, s->hello_done ? "a second HELLO" : "a malformed HELLO");
		return false;
	}
	if (!common) {
		pyr__session_violation(s,
			"no common version: the peer has %u to %u, this side %u to %u",
			versions & 0xffff, versions >> 16, PYR__VERSION_MIN, PYR__VERSION_MAX);
		return false;
	}
	s->hello_done = true;
	if (!s->hello_sent)
		pyr__session_put_hello(s);
	event->type = PYR__EVENT_READY;
	return true;
}

static bool on_ping(pyr__session *s, const pyr__frame *frame, pyr__event *event)
{
	if (frame->length != 8) {
		pyr__session_violation(
			s, "%s has %u bytes, not 8", pyr__frame_name(frame->type), frame->length);
		return false;
	}
	event->ping_value = pyr__load64(frame->data);
	if (frame->type == PYR__FRAME_PONG) {
		event->type = PYR__EVENT_PONG;
		return true;
	}
	if (pyr__session_queued(s) > (size_t)s->config.queue_max + QUEUED_PONGS_MAX)
		pyr__session_violation(s, "PINGs come faster than their answers are taken");
	else
		pyr__session_put_frame(s, PYR__FRAME_PONG, 0, 0, frame->data, 8);
	return false;
}

static bool on_goaway(pyr__session *s, const pyr__frame *frame, pyr__event *event)
{
	pyr__fields fields;
	pyr__field f;
	event->final.status = PYR_UNAVAILABLE;
	pyr__fields_init(&fields, frame->data, frame->length);
	while (pyr__fields_next(&fields, &f)) {
		if (f.number == PYR__GOAWAY_TAKEN && f.size == 4)
			s->peer_taken = pyr__load32(f.data);
		else if (f.number == PYR__GOAWAY_STATUS && f.size == 1 && f.data[0] <= 16)
			event->final.status = (pyr_status)f.data[0];
		else if (f.number == PYR__GOAWAY_REASON)
			event->final.message = pyr__field_text(&f);
	}
	s->going = true;
	event->type = PYR__EVENT_GOAWAY;
	if (frame->flags & PYR__END) {
		char reason[PYR_ERROR_MESSAGE_MAX];
		size_t size = event->final.message.size < sizeof reason - 1
				      ? event->final.message.size
				      : sizeof reason - 1;
		memcpy(reason, size ? event->final.message.data : "", size);
		reason[size] = '\0';
		pyr__session_disconnect(s,
			event->final.status == PYR_OK ? PYR_UNAVAILABLE : event->final.status,
			size ? reason : "the peer closed the connection");
	}
	return true;
}

/* Calls of the peer */

static bool define_method(pyr__session *s, const pyr__field *f, pyr__event *event)
{
	uint32_t number = f->size >= 2 ? pyr__load16(f->data) : 0;
	if (f->size < 3 || f->size - 2u > PYR__METHOD_MAX || number >= s->config.methods_max ||
		number != s->known_method_count) {
		pyr__session_violation(
			s, "method number %u is defined out of turn, or badly", number);
		return false;
	}
	s->known_methods = pyr__realloc(s->known_methods, (number + 1) * sizeof *s->known_methods);
	s->known_methods[number] = (pyr__interned){
		.name = pyr__strndup((const char *)f->data + 2, f->size - 2u),
		.size = f->size - 2u,
	};
	s->known_method_count++;
	event->head.method = (pyr__text){s->known_methods[number].name, f->size - 2u};
	event->head.method_slot = &s->known_methods[number].user;
	return true;
}

static bool known_method(pyr__session *s, const pyr__field *f, pyr__event *event)
{
	uint32_t number = f->size == 2 ? pyr__load16(f->data) : UINT32_MAX;
	if (number >= s->known_method_count) {
		pyr__session_violation(s, "a CALL of the undefined method number %u", number);
		return false;
	}
	pyr__interned *method = &s->known_methods[number];
	event->head.method = (pyr__text){method->name, method->size};
	event->head.method_slot = &method->user;
	return true;
}

/* Reads a CALL's fields; false after a violation. *ret_refusal is a reason not to take the call. */
static bool read_call(pyr__session *s, const uint8_t *data, size_t size, pyr__event *event,
	pyr_status *ret_status, const char **ret_refusal)
{
	pyr__fields fields;
	pyr__field f;
	event->head.timeout_us = PYR__TIMEOUT_NONE;
	pyr__fields_init(&fields, data, size);
	while (pyr__fields_next(&fields, &f)) {
		switch (f.number) {
		case PYR__CALL_METHOD:
			if (!known_method(s, &f, event))
				return false;
			break;
		case PYR__CALL_DEFINITION:
			if (!define_method(s, &f, event))
				return false;
			break;
		case PYR__CALL_NAME:
			event->head.method = pyr__field_text(&f);
			break;
		case PYR__CALL_OBJECT:
			event->head.object = pyr__field_text(&f);
			break;
		case PYR__CALL_TIMEOUT:
			if (f.size == 8)
				event->head.timeout_us = pyr__load64(f.data);
			break;
		case PYR__CALL_METADATA:
			event->head.metadata = pyr__field_text(&f);
			break;
		default:
			if (f.critical) {
				*ret_status = PYR_UNIMPLEMENTED;
				*ret_refusal =
					"the call has a critical field that is not known here";
			}
		}
	}
	if (fields.malformed || !event->head.method.size) {
		pyr__session_violation(s, "a malformed CALL");
		return false;
	}
	pyr__text metadata = event->head.metadata;
	if (metadata.size > s->config.metadata_max) {
		*ret_status = PYR_RESOURCE_EXHAUSTED;
		*ret_refusal = "the call's metadata is longer than this side takes";
	} else if (!pyr__metadata_check(metadata.data, metadata.size)) {
		*ret_status = PYR_INVALID_ARGUMENT;
		*ret_refusal = "the call's metadata is malformed";
	} else if (event->head.object.size > PYR__OBJECT_MAX) {
		*ret_status = PYR_INVALID_ARGUMENT;
		*ret_refusal = "the object id is longer than 255 bytes";
	}
	return true;
}

static pyr__stream *open_theirs(pyr__session *s, uint32_t id)
{
	pyr__streams *streams = &s->theirs;
	uint32_t slot = id & 0xffff;
	if (slot >= s->config.streams_max || !(id >> 16 & 0x7fff)) {
		pyr__session_violation(s, "a CALL on the stream %08x, which cannot be", id);
		return NULL;
	}
	if (slot >= streams->count) {
		uint32_t count = streams->count ? streams->count : 16;
		while (count <= slot)
			count *= 2;
		streams->at = pyr__realloc(streams->at, count * sizeof *streams->at);
		memset(streams->at + streams->count, 0,
			(count - streams->count) * sizeof *streams->at);
		streams->count = count;
	}
	pyr__stream *stream = &streams->at[slot];
	if (stream->open) {
		pyr__session_violation(s, "a CALL on the stream %08x, which is open", id);
		return NULL;
	}
	*stream = (pyr__stream){.id = id, .open = true};
	streams->open++;
	return stream;
}

static bool on_call(pyr__session *s, const pyr__frame *frame, pyr__event *event)
{
	uint32_t id = frame->stream;
	size_t head = frame->length >= 2 ? pyr__load16(frame->data) : SIZE_MAX;
	if (pyr__session_is_ours(s, id) || head > frame->length - 2u) {
		pyr__session_violation(s, "a malformed CALL on the stream %08x", id);
		return false;
	}
	pyr_status status = PYR_OK;
	const char *refusal = NULL;
	event->head.oneway = (frame->flags & PYR__ONEWAY) != 0;
	if (!read_call(s, frame->data + 2, head, event, &status, &refusal))
		return false;
	pyr__stream *stream = open_theirs(s, id);
	if (!stream)
		return false;
	const uint8_t *body = frame->data + 2 + head;
	size_t size = frame->length - 2 - head;
	bool more = (frame->flags & PYR__MORE) != 0;
	if (s->drained) {
		status = PYR_UNAVAILABLE;
		refusal = "this side takes no new calls";
	}
	if (!refusal && !more && size > s->config.message_max) {
		status = PYR_RESOURCE_EXHAUSTED;
		refusal = "the message is longer than this side takes";
	}
	if (refusal) {
		refuse_call(s, id, event->head.oneway, status, refusal);
		pyr__stream_close(&s->theirs, stream);
		return false;
	}
	s->calls_taken++;
	if (more) {
		begin_assembly(s, stream, body, size);
		stream->held = true;
		stream->flags = frame->flags;
		stream->head_size = head;
		stream->head = pyr__alloc(head);
		memcpy(stream->head, frame->data + 2, head);
		if (head > 0 && event->head.method_slot) {
			/* a definition must not be read twice: from now on it is a number */
			stream->user = event->head.method_slot;
		}
		return false;
	}
	stream->ended = (frame->flags & PYR__END) != 0;
	event->type = PYR__EVENT_CALL;
	event->ended = stream->ended;
	event->has_message = (frame->flags & PYR__MSG) != 0;
	event->payload = (pyr__payload){body, size, s->rx};
	event->cost = cost_of(size);
	if (event->head.oneway)
		pyr__stream_close(&s->theirs, stream);
	return true;
}

/* A held call's message is whole: the event that was due at its CALL. */
static bool release_held(pyr__session *s, pyr__stream *stream, pyr__event *event)
{
	pyr__fields fields;
	pyr__field f;
	void **slot = stream->user;
	stream->held = false;
	stream->user = NULL;
	event->type = PYR__EVENT_CALL;
	event->head.timeout_us = PYR__TIMEOUT_NONE;
	event->head.oneway = (stream->flags & PYR__ONEWAY) != 0;
	pyr__fields_init(&fields, stream->head, stream->head_size);
	while (pyr__fields_next(&fields, &f)) {
		if (f.number == PYR__CALL_OBJECT)
			event->head.object = pyr__field_text(&f);
		else if (f.number == PYR__CALL_NAME)
			event->head.method = pyr__field_text(&f);
		else if (f.number == PYR__CALL_TIMEOUT && f.size == 8)
			event->head.timeout_us = pyr__load64(f.data);
		else if (f.number == PYR__CALL_METADATA)
			event->head.metadata = pyr__field_text(&f);
	}
	for (uint32_t i = 0; slot && i < s->known_method_count; i++)
		if (stream->flags && &s->known_methods[i].user == slot) {
			event->head.method =
				(pyr__text){s->known_methods[i].name, s->known_methods[i].size};
			event->head.method_slot = slot;
		}
	return true;
}

/* Messages of open calls */

static bool on_whole(
	pyr__session *s, pyr__stream *stream, const pyr__frame *frame, pyr__event *event)
{
	bool theirs = !pyr__session_is_ours(s, stream->id);
	event->user = stream->held ? NULL : stream->user;
	if (stream->refused) {
		static const char why[] = "the message is longer than this side takes";
		stream->refused = false;
		if (theirs) {
			bool held = stream->held;
			refuse_call(s, stream->id, (stream->flags & PYR__ONEWAY) && held,
				PYR_RESOURCE_EXHAUSTED, why);
			event->type = PYR__EVENT_CANCEL;
			pyr__stream_close(&s->theirs, stream);
			return !held;
		}
		event->type = PYR__EVENT_FINAL;
		event->final.status = PYR_RESOURCE_EXHAUSTED;
		event->final.executed = PYR_EXECUTED_YES;
		event->final.message = (pyr__text){why, sizeof why - 1};
		pyr__session_reset(s, stream->id);
		stream->user = NULL;
		return true;
	}
	if (theirs)
		stream->ended = (frame->flags & PYR__END) != 0;
	event->ended = (frame->flags & PYR__END) != 0;
	if (stream->held)
		return release_held(s, stream, event);
	event->type = event->has_message ? PYR__EVENT_MESSAGE : PYR__EVENT_END;
	return true;
}

static bool on_message(
	pyr__session *s, pyr__stream *stream, const pyr__frame *frame, pyr__event *event)
{
	bool cont = (frame->flags & PYR__CONT) != 0, more = (frame->flags & PYR__MORE) != 0;
	if (cont != (stream->total != 0) || stream->ended) {
		pyr__session_violation(s, "a MESSAGE on the stream %08x out of turn", stream->id);
		return false;
	}
	if (!cont && more) {
		begin_assembly(s, stream, frame->data, frame->length);
		return false;
	}
	event->has_message = (frame->flags & PYR__MSG) != 0;
	if (!cont) {
		stream->refused = frame->length > s->config.message_max;
		event->payload = (pyr__payload){frame->data, frame->length, s->rx};
		event->cost = cost_of(frame->length);
		return on_whole(s, stream, frame, event);
	}
	if (!append(s, stream, frame->data, frame->length) || more)
		return false;
	if (stream->assembled != stream->total) {
		pyr__session_violation(s, "a message ends after %zu of %zu bytes",
			stream->assembled, stream->total);
		return false;
	}
	s->delivered = stream->message;
	stream->message = NULL;
	event->payload = (pyr__payload){
		s->delivered ? s->delivered->data : NULL, stream->assembled, s->delivered};
	event->cost = cost_of(stream->assembled);
	stream->total = stream->assembled = 0;
	s->delivered_of = stream->held ? stream : NULL;
	return on_whole(s, stream, frame, event);
}

static bool on_final(
	pyr__session *s, pyr__stream *stream, const pyr__frame *frame, pyr__event *event)
{
	pyr__fields fields;
	pyr__field f;
	size_t head = frame->length >= 2 ? pyr__load16(frame->data) : SIZE_MAX;
	if (!pyr__session_is_ours(s, stream->id) || head > frame->length - 2u || stream->total) {
		pyr__session_violation(s, "a malformed FINAL on the stream %08x", stream->id);
		return false;
	}
	pyr__fields_init(&fields, frame->data + 2, head);
	while (pyr__fields_next(&fields, &f)) {
		if (f.number == PYR__FINAL_STATUS && f.size == 1)
			event->final.status = f.data[0] <= 16 ? (pyr_status)f.data[0] : PYR_UNKNOWN;
		else if (f.number == PYR__FINAL_EXECUTED && f.size == 1 && f.data[0] <= 2)
			event->final.executed = (pyr_executed)f.data[0];
		else if (f.number == PYR__FINAL_MESSAGE)
			event->final.message = pyr__field_text(&f);
		else if (f.number == PYR__FINAL_WHERE)
			event->final.where = pyr__field_text(&f);
		else if (f.number == PYR__FINAL_DETAILS)
			event->final.details = pyr__field_text(&f);
		else if (f.number == PYR__FINAL_METADATA)
			event->final.metadata = pyr__field_text(&f);
	}
	pyr__text metadata = event->final.metadata;
	if (fields.malformed || !pyr__metadata_check(metadata.data, metadata.size)) {
		pyr__session_violation(s, "a malformed FINAL on the stream %08x", stream->id);
		return false;
	}
	event->type = PYR__EVENT_FINAL;
	event->user = stream->user;
	event->has_message = (frame->flags & PYR__MSG) != 0;
	event->payload = (pyr__payload){frame->data + 2 + head, frame->length - 2 - head, s->rx};
	event->cost = cost_of(event->payload.size);
	pyr__stream_close(&s->ours, stream);
	return true;
}

static bool on_metadata(
	pyr__session *s, pyr__stream *stream, const pyr__frame *frame, pyr__event *event)
{
	if (!pyr__session_is_ours(s, stream->id) ||
		!pyr__metadata_check(frame->data, frame->length)) {
		pyr__session_violation(s, "malformed METADATA on the stream %08x", stream->id);
		return false;
	}
	event->type = PYR__EVENT_METADATA;
	event->user = stream->user;
	event->final.metadata = (pyr__text){(const char *)frame->data, frame->length};
	return true;
}

static bool on_reset(
	pyr__session *s, pyr__stream *stream, const pyr__frame *frame, pyr__event *event)
{
	(void)frame;
	if (pyr__session_is_ours(s, stream->id)) {
		pyr__session_violation(s, "a RESET of a call that this side makes");
		return false;
	}
	if (stream->held) {
		refuse_call(s, stream->id, false, PYR_CANCELLED, "the caller gave up");
		pyr__stream_close(&s->theirs, stream);
		return false;
	}
	stream->ended = true;
	event->type = PYR__EVENT_CANCEL;
	event->user = stream->user;
	return true;
}

/* Frames */

/* An answered call's late frames are ignored; what never was open is not. */
static bool is_late(const pyr__session *s, uint32_t id)
{
	const pyr__streams *streams = pyr__session_is_ours(s, id) ? &s->ours : &s->theirs;
	uint32_t slot = id & 0xffff;
	return slot < streams->count && streams->at[slot].id == id;
}

static bool on_stream_frame(pyr__session *s, const pyr__frame *frame, pyr__event *event)
{
	if (frame->type == PYR__FRAME_CALL)
		return on_call(s, frame, event);
	pyr__stream *stream = pyr__session_find(s, frame->stream);
	if (!stream) {
		if (!is_late(s, frame->stream))
			pyr__session_violation(s, "%s for the stream %08x, which does not exist",
				pyr__frame_name(frame->type), frame->stream);
		return false;
	}
	switch (frame->type) {
	case PYR__FRAME_MESSAGE:
		return on_message(s, stream, frame, event);
	case PYR__FRAME_METADATA:
		return on_metadata(s, stream, frame, event);
	case PYR__FRAME_FINAL:
		return on_final(s, stream, frame, event);
	case PYR__FRAME_RESET:
		return on_reset(s, stream, frame, event);
	default:
		return false; /* WINDOW: no windows are enforced yet */
	}
}

static bool on_connection_frame(pyr__session *s, const pyr__frame *frame, pyr__event *event)
{
	switch (frame->type) {
	case PYR__FRAME_HELLO:
		return on_hello(s, frame, event);
	case PYR__FRAME_PING:
	case PYR__FRAME_PONG:
		return on_ping(s, frame, event);
	case PYR__FRAME_GOAWAY:
		return on_goaway(s, frame, event);
	case PYR__FRAME_WINDOW:
		return false;
	default:
		pyr__session_violation(s, "%s on the stream 0", pyr__frame_name(frame->type));
		return false;
	}
}

static bool on_frame(pyr__session *s, const pyr__frame *frame, pyr__event *event)
{
	if (frame->type >= PYR__FRAME_IGNORABLE)
		return false;
	if (frame->type == 0 || frame->type >= PYR__FRAME_TYPES || frame->zero) {
		pyr__session_violation(s, "an unknown frame of type %u", frame->type);
		return false;
	}
	if (!s->hello_done && frame->type != PYR__FRAME_HELLO && frame->type != PYR__FRAME_GOAWAY) {
		pyr__session_violation(s, "%s before HELLO", pyr__frame_name(frame->type));
		return false;
	}
	event->stream = frame->stream;
	return frame->stream ? on_stream_frame(s, frame, event)
			     : on_connection_frame(s, frame, event);
}

static bool take_preface(pyr__session *s)
{
	if (s->preface_done)
		return true;
	size_t size = s->rx ? s->rx_size - s->rx_at : 0;
	size_t compared = size < PYR__PREFACE_SIZE ? size : PYR__PREFACE_SIZE;
	if (compared && memcmp(s->rx->data + s->rx_at, PYR__PREFACE, compared) != 0) {
		pyr__session_violation(s, "this is not Pyrite's native protocol");
		return false;
	}
	if (compared < PYR__PREFACE_SIZE)
		return false;
	s->rx_at += PYR__PREFACE_SIZE;
	return s->preface_done = true;
}

/* Takes one frame off the input; false when it is not all there. */
static bool take_frame(pyr__session *s, pyr__frame *ret_frame)
{
	size_t size = s->rx ? s->rx_size - s->rx_at : 0;
	if (size < PYR__FRAME_HEADER)
		return false;
	pyr__frame_load(ret_frame, s->rx->data + s->rx_at);
	if (ret_frame->length > PYR__FRAME_MAX) {
		pyr__session_violation(s, "a frame of %u bytes; the most is %u", ret_frame->length,
			PYR__FRAME_MAX);
		return false;
	}
	if (size - PYR__FRAME_HEADER < ret_frame->length)
		return false;
	s->rx_at += PYR__FRAME_HEADER + ret_frame->length;
	return true;
}

/* Events that no frame brings */

static bool next_of_ours(pyr__session *s, pyr__event *event)
{
	for (; s->close_ours < s->ours.count; s->close_ours++) {
		pyr__stream *stream = &s->ours.at[s->close_ours];
		if (!stream->open)
			continue;
		event->type = PYR__EVENT_FINAL;
		event->stream = stream->id;
		event->user = stream->user;
		event->final.status = s->why;
		bool unsent = stream->sent_at > s->out_sent;
		event->final.executed =
			unsent || s->peer_taken == 0 ? PYR_EXECUTED_NO : PYR_EXECUTED_MAYBE;
		event->final.message = (pyr__text){s->reason, strlen(s->reason)};
		pyr__stream_close(&s->ours, stream);
		return true;
	}
	return false;
}

static bool next_of_theirs(pyr__session *s, pyr__event *event)
{
	for (; s->close_theirs < s->theirs.count; s->close_theirs++) {
		pyr__stream *stream = &s->theirs.at[s->close_theirs];
		if (!stream->open)
			continue;
		bool held = stream->held;
		event->type = PYR__EVENT_CANCEL;
		event->stream = stream->id;
		event->user = stream->user;
		pyr__stream_close(&s->theirs, stream);
		if (!held)
			return true;
	}
	return false;
}

static bool next_closing(pyr__session *s, pyr__event *event)
{
	if (next_of_ours(s, event) || next_of_theirs(s, event))
		return true;
	if (s->closed)
		return false;
	s->closed = true;
	*event = (pyr__event){.type = PYR__EVENT_CLOSED};
	event->final.status = s->why;
	event->final.message = (pyr__text){s->reason, strlen(s->reason)};
	return true;
}

static bool next_writable(pyr__session *s, pyr__event *event)
{
	if (!s->any_blocked || pyr__session_queued(s) > s->config.stream_window / 2)
		return false;
	pyr__streams *both[2] = {&s->ours, &s->theirs};
	for (int i = 0; i < 2; i++) {
		for (uint32_t at = 0; at < both[i]->count; at++) {
			pyr__stream *stream = &both[i]->at[at];
			if (!stream->open || !stream->blocked)
				continue;
			stream->blocked = false;
			event->type = PYR__EVENT_WRITABLE;
			event->stream = stream->id;
			event->user = stream->user;
			return true;
		}
	}
	s->any_blocked = false;
	return false;
}

bool pyr__session_next(pyr__session *s, pyr__event *event)
{
	pyr__block_unref(s->delivered);
	s->delivered = NULL;
	if (s->delivered_of) {
		pyr__stream *stream = s->delivered_of;
		s->delivered_of = NULL;
		free(stream->head);
		stream->head = NULL;
		if (stream->open && (stream->flags & PYR__ONEWAY))
			pyr__stream_close(&s->theirs, stream);
	}
	for (;;) {
		pyr__frame frame;
		*event = (pyr__event){.type = PYR__EVENT_NONE};
		if (s->closing)
			return next_closing(s, event);
		if (next_writable(s, event))
			return true;
		if (!take_preface(s) || !take_frame(s, &frame)) {
			if (s->closing)
				continue;
			return false;
		}
		if (on_frame(s, &frame, event))
			return true;
	}
}
