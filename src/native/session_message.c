/* SPDX-License-Identifier: Apache-2.0 */
/* What comes for a call that is open: MESSAGE, METADATA, FINAL and RESET. */
#include <pyrite/reference.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/apart.h"
#include "base/metadata.h"
#include "native/session_private.h"

static const char too_long[] = "the message is longer than this side takes";
static const char no_memory[] = "there is no memory for the message";

static bool malformed(pyr__session *s, const pyr__frame *frame)
{
	pyr__session_violation(s, "a malformed %s on the stream %08x", pyr__frame_name(frame->type),
		frame->stream);
	return false;
}

static bool out_of_turn(pyr__session *s, const pyr__frame *frame)
{
	pyr__session_violation(s, "%s on the stream %08x is out of turn",
		pyr__frame_name(frame->type), frame->stream);
	return false;
}

/* Messages in parts */

PYR__APART void pyr__partial_free(pyr__partial *partial)
{
	if (partial)
		pyr__block_unref(partial->block);
	free(partial);
}

static pyr__text keep(char **at, pyr__text text)
{
	char *to = *at;
	if (text.size)
		memcpy(to, text.data, text.size);
	*at += text.size;
	return (pyr__text){to, text.size};
}

bool pyr__session_begin_partial(pyr__session *s, pyr__stream *stream, const pyr__head *head,
	uint32_t method, const pyr__arrival *arrival)
{
	bool by_name = head && method == PYR__NO_METHOD;
	size_t texts = head ? head->object.size + head->metadata.size + head->correlation.size : 0;
	texts += by_name ? head->method.size : 0;
	if (arrival->bytes == 0) {
		pyr__session_violation(
			s, "a message in parts on the stream %08x is empty", stream->id);
		return false;
	}
	pyr__partial *partial = pyr__alloc(sizeof *partial + texts);
	*partial = (pyr__partial){
		.total = arrival->bytes,
		.cost = pyr__cost(arrival->size),
		.inflated_size = arrival->deflated ? arrival->size : 0,
		.opens = head,
		.method = method,
	};
	if (head) {
		char *at = partial->texts;
		partial->head = *head;
		partial->head.object = keep(&at, head->object);
		partial->head.metadata = keep(&at, head->metadata);
		partial->head.correlation = keep(&at, head->correlation);
		partial->head.method = by_name ? keep(&at, head->method) : (pyr__text){NULL, 0};
		partial->head.method_slot = NULL;
	}
	stream->partial = partial;
	return true;
}

/*
 * Room grows with what has really come, never beyond what was announced; but for a block that is
 * kept anyway a peer needs to have sent nothing. False: no memory.
 */
bool pyr__partial_make_room(pyr__partial *partial, size_t needed)
{
	if (partial->block && partial->block->size >= needed)
		return true;
	pyr__block *grown = pyr__block_spare(partial->total);
	if (!grown)
		grown = pyr__block_new(needed * 2 < partial->total ? needed * 2 : partial->total);
	if (!grown)
		return false;
	if (partial->size)
		memcpy(grown->data, partial->block->data, partial->size);
	pyr__block_unref(partial->block);
	partial->block = grown;
	return true;
}

/* A message that cannot be taken ends its call; we say so to both sides. */
static bool give_up(pyr__session *s, pyr__stream *stream, const char *why, pyr__event *event)
{
	event->user = stream->user;
	if (pyr__session_is_ours(s, stream->id)) {
		event->type = PYR__EVENT_FINAL;
		event->final.status = PYR_RESOURCE_EXHAUSTED;
		event->final.executed = PYR_EXECUTED_YES;
		event->final.message = (pyr__text){why, strlen(why)};
		pyr__session_return(s, stream->partial->cost);
		pyr__partial_free(stream->partial);
		stream->partial = NULL;
		pyr__session_reset(s, stream->id);
		return true;
	}
	bool told = !stream->partial->opens;
	if (!(stream->partial->opens && stream->partial->head.oneway))
		pyr__session_refuse(s, stream->id, PYR_RESOURCE_EXHAUSTED, why);
	event->type = PYR__EVENT_CANCEL;
	pyr__session_close(s, stream);
	return told;
}

/* MESSAGE */

/* Reads the arrival of a message that begins. */
static bool is_well_formed(
	const pyr__session *s, const pyr__frame *frame, pyr__arrival *ret_arrival)
{
	bool msg = (frame->flags & PYR__MSG) != 0, more = (frame->flags & PYR__MORE) != 0;
	bool cont = (frame->flags & PYR__CONT) != 0, end = (frame->flags & PYR__END) != 0;
	if (end && pyr__session_is_ours(s, frame->stream))
		return false; /* a callee's last word is FINAL */
	if (end ? more : !msg)
		return false;
	if (cont)
		return msg && !(frame->flags & PYR__DEFLATED);
	return pyr__arrival_read(ret_arrival, frame->flags, frame->data, frame->length);
}

/* A message that nobody will see still takes its part of the window, and gives it back. */
static bool drop_message(pyr__session *s, const pyr__frame *frame, const pyr__arrival *a)
{
	bool begins = (frame->flags & PYR__MSG) && !(frame->flags & PYR__CONT);
	if (begins && pyr__session_charge(s, NULL, pyr__cost(a->size)))
		pyr__session_return(s, pyr__cost(a->size));
	return false;
}

static bool begin_message(
	pyr__session *s, pyr__stream *stream, const pyr__arrival *a, pyr__event *event)
{
	const char *why = a->size > s->config.message_max ? too_long : NULL;
	event->payload = (pyr__payload){a->data, a->size, s->rx};
	event->cost = pyr__cost(a->size);
	if (!pyr__session_charge(s, stream, event->cost))
		return false;
	if (!why && a->deflated && !a->more) {
		pyr__unpacked unpacked = pyr__session_unpack(
			s, stream->id, a->data, a->bytes, a->size, &event->payload);
		if (unpacked == PYR__UNPACKED_VIOLATION)
			return false;
		why = unpacked == PYR__UNPACKED_NO_MEMORY ? no_memory : NULL;
	}
	if (a->more || why) {
		event->cost = 0;
		if (!pyr__session_begin_partial(s, stream, NULL, PYR__NO_METHOD, a))
			return false;
		return why && give_up(s, stream, why, event);
	}
	event->type = PYR__EVENT_MESSAGE;
	event->has_message = true;
	return true;
}

/* The bytes of a partial are there; those of a deflated one are not needed afterwards. */
static pyr__unpacked unpack_partial(
	pyr__session *s, uint32_t stream, pyr__partial *partial, pyr__payload *ret_payload)
{
	*ret_payload = (pyr__payload){partial->block->data, partial->total, partial->block};
	if (!partial->inflated_size)
		return PYR__UNPACKED;
	pyr__unpacked unpacked = pyr__session_unpack(s, stream, partial->block->data,
		partial->total, partial->inflated_size, ret_payload);
	pyr__block_unref(partial->block);
	partial->block = NULL;
	return unpacked;
}

/* The partial is whole. It, and with it the event's payload, lives until the next event. */
static bool deliver(
	pyr__session *s, pyr__stream *stream, const pyr__frame *frame, pyr__event *event)
{
	pyr__partial *partial = stream->partial;
	pyr__unpacked unpacked = unpack_partial(s, stream->id, partial, &event->payload);
	if (unpacked == PYR__UNPACKED_VIOLATION)
		return false;
	if (unpacked == PYR__UNPACKED_NO_MEMORY)
		return give_up(s, stream, no_memory, event);
	s->delivered = partial;
	stream->partial = NULL;
	event->type = PYR__EVENT_MESSAGE;
	event->has_message = true;
	event->cost = partial->cost;
	if (!partial->opens)
		return true;
	pyr__session_tell_call(s, partial, event);
	if (!partial->head.oneway)
		return true;
	if (!(frame->flags & PYR__END))
		return malformed(s, frame);
	pyr__session_close(s, stream);
	return true;
}

static bool continue_message(
	pyr__session *s, pyr__stream *stream, const pyr__frame *frame, pyr__event *event)
{
	pyr__partial *partial = stream->partial;
	bool more = (frame->flags & PYR__MORE) != 0;
	size_t size = partial->size + frame->length;
	if (size > partial->total) {
		pyr__session_violation(
			s, "a message is longer than its announced %zu bytes", partial->total);
		return false;
	}
	if (!more && size < partial->total) {
		pyr__session_violation(
			s, "a message ends after %zu of %zu bytes", size, partial->total);
		return false;
	}
	if (!pyr__partial_make_room(partial, size))
		return give_up(s, stream, no_memory, event);
	uint8_t *to = partial->block->data + partial->size;
	if (frame->length && frame->data != to) /* it is there if it came directly */
		memcpy(to, frame->data, frame->length);
	partial->size = size;
	return !more && deliver(s, stream, frame, event);
}

bool pyr__session_on_message(pyr__session *s, const pyr__frame *frame, pyr__event *event)
{
	pyr__arrival a;
	if (!is_well_formed(s, frame, &a))
		return malformed(s, frame);
	pyr__stream *stream = pyr__session_stream_of(s, frame);
	if (!stream)
		return !s->closing && drop_message(s, frame, &a);
	bool cont = (frame->flags & PYR__CONT) != 0, end = (frame->flags & PYR__END) != 0;
	if (stream->ended)
		return out_of_turn(s, frame);
	if (stream->reset || stream->finished)
		return drop_message(s, frame, &a);
	if (cont != (stream->partial != NULL))
		return out_of_turn(s, frame);
	event->user = stream->user;
	event->ended = stream->ended = end;
	stream->spoken |= pyr__session_is_ours(s, stream->id);
	if (cont)
		return continue_message(s, stream, frame, event);
	if (frame->flags & PYR__MSG)
		return begin_message(s, stream, &a, event);
	event->type = PYR__EVENT_END;
	return true;
}

/* METADATA */

bool pyr__session_on_metadata(pyr__session *s, const pyr__frame *frame, pyr__event *event)
{
	if (!pyr__session_is_ours(s, frame->stream) || frame->length > s->config.metadata_max ||
		!pyr__metadata_check(frame->data, frame->length))
		return malformed(s, frame);
	pyr__stream *stream = pyr__session_stream_of(s, frame);
	if (!stream)
		return false;
	if (stream->spoken)
		return out_of_turn(s, frame);
	stream->spoken = true;
	event->type = PYR__EVENT_METADATA;
	event->user = stream->user;
	event->final.metadata = (pyr__text){(const char *)frame->data, frame->length};
	return !stream->reset;
}

/* FINAL */

PYR__APART static bool read_final_field(
	const pyr__session *s, const pyr__field *f, pyr__final *final)
{
	switch (f->number) {
	case PYR__FINAL_STATUS:
		final->status = f->size == 1 && f->data[0] <= PYR_UNAUTHENTICATED
					? (pyr_status)f->data[0]
					: PYR_UNKNOWN;
		return f->size == 1;
	case PYR__FINAL_EXECUTED:
		final->executed = f->size == 1 && f->data[0] <= PYR_EXECUTED_YES
					  ? (pyr_executed)f->data[0]
					  : PYR_EXECUTED_MAYBE;
		return f->size == 1;
	case PYR__FINAL_MESSAGE:
		final->message = pyr__field_text(f);
		return true;
	case PYR__FINAL_WHERE:
		final->where = pyr__field_text(f);
		return true;
	case PYR__FINAL_MOVED:
		final->moved = pyr__field_text(f);
		return f->size < PYR_REFERENCE_MAX;
	case PYR__FINAL_DETAILS:
		final->details = pyr__field_text(f);
		return true;
	case PYR__FINAL_METADATA:
		final->metadata = pyr__field_text(f);
		return f->size <= s->config.metadata_max && pyr__metadata_check(f->data, f->size);
	default:
		return !f->critical;
	}
}

static bool read_final(
	const pyr__session *s, const pyr__frame *frame, size_t size, pyr__final *final)
{
	pyr__fields fields;
	pyr__field f;
	pyr__fields_init(&fields, frame->data + 2, size);
	while (pyr__fields_next(&fields, &f))
		if (!read_final_field(s, &f, final))
			return false;
	return !fields.malformed;
}

/* What is in a FINAL is free, and so no longer than a frame, however it is sent. */
static bool read_answer(const pyr__frame *frame, size_t fields, pyr__arrival *ret_arrival)
{
	return pyr__arrival_read(ret_arrival, frame->flags, frame->data + 2 + fields,
		       frame->length - 2 - fields) &&
	       ret_arrival->size <= PYR__FRAME_MAX;
}

/* The answer's message for the event; a reason if it cannot be taken, also after a violation. */
static const char *take_answer(
	pyr__session *s, uint32_t stream, const pyr__arrival *a, pyr__payload *ret_payload)
{
	*ret_payload = (pyr__payload){a->data, a->size, s->rx};
	if (a->size > s->config.message_max)
		return too_long;
	if (a->deflated && pyr__session_unpack(s, stream, a->data, a->bytes, a->size,
				   ret_payload) != PYR__UNPACKED)
		return no_memory;
	return NULL;
}

bool pyr__session_on_final(pyr__session *s, const pyr__frame *frame, pyr__event *event)
{
	pyr__arrival a;
	size_t fields = frame->length >= 2 ? pyr__load16(frame->data) : SIZE_MAX;
	if (!pyr__session_is_ours(s, frame->stream) || fields > frame->length - 2u ||
		!read_answer(frame, fields, &a) || !read_final(s, frame, fields, &event->final))
		return malformed(s, frame);
	pyr__stream *stream = pyr__session_stream_of(s, frame);
	if (!stream)
		return false;
	bool silent = stream->reset;
	if (stream->partial && !silent)
		return out_of_turn(s, frame);
	const char *why = silent ? NULL : take_answer(s, stream->id, &a, &event->payload);
	if (s->closing)
		return false;
	event->type = PYR__EVENT_FINAL;
	event->user = stream->user;
	event->has_message = !why && (frame->flags & PYR__MSG);
	if (why)
		event->final = (pyr__final){.status = PYR_RESOURCE_EXHAUSTED,
			.executed = PYR_EXECUTED_YES,
			.message = {why, strlen(why)}};
	pyr__session_close(s, stream);
	return !silent;
}

/* RESET */

bool pyr__session_on_reset(pyr__session *s, const pyr__frame *frame, pyr__event *event)
{
	if (pyr__session_is_ours(s, frame->stream) || frame->length)
		return malformed(s, frame);
	pyr__stream *stream = pyr__session_stream_of(s, frame);
	if (!stream)
		return false;
	if (stream->reset)
		return out_of_turn(s, frame);
	stream->reset = stream->ended = true;
	event->user = stream->user;
	if (stream->finished) {
		pyr__session_cut_short(s, stream);
		return false;
	}
	bool held = stream->partial && stream->partial->opens;
	if (held) {
		pyr__session_refuse(s, stream->id, PYR_CANCELLED, "the caller gave up");
		pyr__session_close(s, stream);
		return false;
	}
	if (stream->parcel)
		pyr__session_drop_parcel(s, stream);
	if (stream->partial) {
		pyr__session_return(s, stream->partial->cost);
		pyr__partial_free(stream->partial);
		stream->partial = NULL;
	}
	event->type = PYR__EVENT_CANCEL;
	return true;
}
