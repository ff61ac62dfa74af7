/* SPDX-License-Identifier: Apache-2.0 */
/* What comes for a call that is open: MESSAGE, METADATA, FINAL and RESET. */
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
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

void pyr__partial_free(pyr__partial *partial)
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
	uint32_t method, uint32_t total)
{
	bool by_name = head && method == PYR__NO_METHOD;
	size_t texts = head ? head->object.size + head->metadata.size + head->correlation.size : 0;
	texts += by_name ? head->method.size : 0;
	if (total == 0) {
		pyr__session_violation(
			s, "a message in parts on the stream %08x is empty", stream->id);
		return false;
	}
	pyr__partial *partial = pyr__alloc(sizeof *partial + texts);
	*partial = (pyr__partial){
		.total = total, .cost = pyr__cost(total), .opens = head, .method = method};
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

/* Room grows with what has really come, never beyond what was announced; false: no memory. */
static bool make_room(pyr__partial *partial, size_t needed)
{
	if (partial->block && partial->block->size >= needed)
		return true;
	size_t room = needed * 2 < partial->total ? needed * 2 : partial->total;
	pyr__block *grown = pyr__block_new(room);
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

static bool is_well_formed(const pyr__session *s, const pyr__frame *frame)
{
	bool msg = (frame->flags & PYR__MSG) != 0, more = (frame->flags & PYR__MORE) != 0;
	bool cont = (frame->flags & PYR__CONT) != 0, end = (frame->flags & PYR__END) != 0;
	if (end && pyr__session_is_ours(s, frame->stream))
		return false; /* a callee's last word is FINAL */
	if (!msg)
		return end && !more && !cont && frame->length == 0;
	return !more || (!end && (cont || frame->length == 4));
}

/* A message that nobody will see still takes its part of the window, and gives it back. */
static bool drop_message(pyr__session *s, const pyr__frame *frame)
{
	bool begins = (frame->flags & PYR__MSG) && !(frame->flags & PYR__CONT);
	uint32_t total =
		frame->flags & PYR__MORE && begins ? pyr__load32(frame->data) : frame->length;
	if (begins && pyr__session_charge(s, NULL, pyr__cost(total)))
		pyr__session_return(s, pyr__cost(total));
	return false;
}

static bool begin_message(
	pyr__session *s, pyr__stream *stream, const pyr__frame *frame, pyr__event *event)
{
	bool more = (frame->flags & PYR__MORE) != 0;
	uint32_t total = more ? pyr__load32(frame->data) : frame->length;
	uint32_t cost = pyr__cost(total);
	if (!pyr__session_charge(s, stream, cost))
		return false;
	if (more || total > s->config.message_max) {
		if (!pyr__session_begin_partial(s, stream, NULL, PYR__NO_METHOD, total))
			return false;
		return total > s->config.message_max && give_up(s, stream, too_long, event);
	}
	event->type = PYR__EVENT_MESSAGE;
	event->has_message = true;
	event->payload = (pyr__payload){frame->data, frame->length, s->rx};
	event->cost = cost;
	return true;
}

/* The partial is whole. It, and with it the event's payload, lives until the next event. */
static bool deliver(
	pyr__session *s, pyr__stream *stream, const pyr__frame *frame, pyr__event *event)
{
	pyr__partial *partial = s->delivered = stream->partial;
	stream->partial = NULL;
	event->type = PYR__EVENT_MESSAGE;
	event->has_message = true;
	event->payload = (pyr__payload){partial->block->data, partial->total, partial->block};
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
	if (!make_room(partial, size))
		return give_up(s, stream, no_memory, event);
	if (frame->length)
		memcpy(partial->block->data + partial->size, frame->data, frame->length);
	partial->size = size;
	return !more && deliver(s, stream, frame, event);
}

bool pyr__session_on_message(pyr__session *s, const pyr__frame *frame, pyr__event *event)
{
	if (!is_well_formed(s, frame))
		return malformed(s, frame);
	pyr__stream *stream = pyr__session_stream_of(s, frame);
	if (!stream)
		return !s->closing && drop_message(s, frame);
	bool cont = (frame->flags & PYR__CONT) != 0, end = (frame->flags & PYR__END) != 0;
	if (stream->ended)
		return out_of_turn(s, frame);
	if (stream->reset || stream->finished)
		return drop_message(s, frame);
	if (cont != (stream->partial != NULL))
		return out_of_turn(s, frame);
	event->user = stream->user;
	event->ended = stream->ended = end;
	stream->spoken |= pyr__session_is_ours(s, stream->id);
	if (cont)
		return continue_message(s, stream, frame, event);
	if (frame->flags & PYR__MSG)
		return begin_message(s, stream, frame, event);
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

static bool read_final_field(const pyr__session *s, const pyr__field *f, pyr__final *final)
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

bool pyr__session_on_final(pyr__session *s, const pyr__frame *frame, pyr__event *event)
{
	size_t fields = frame->length >= 2 ? pyr__load16(frame->data) : SIZE_MAX;
	bool has_message = (frame->flags & PYR__MSG) != 0;
	if (!pyr__session_is_ours(s, frame->stream) || fields > frame->length - 2u ||
		(!has_message && fields != frame->length - 2u) ||
		!read_final(s, frame, fields, &event->final))
		return malformed(s, frame);
	pyr__stream *stream = pyr__session_stream_of(s, frame);
	if (!stream)
		return false;
	bool silent = stream->reset;
	if (stream->partial && !silent)
		return out_of_turn(s, frame);
	event->user = stream->user;
	pyr__session_close(s, stream);
	size_t size = frame->length - 2 - fields;
	if (size > s->config.message_max) {
		event->type = PYR__EVENT_FINAL;
		event->final = (pyr__final){.status = PYR_RESOURCE_EXHAUSTED,
			.executed = PYR_EXECUTED_YES,
			.message = {too_long, sizeof too_long - 1}};
		return !silent;
	}
	event->type = PYR__EVENT_FINAL;
	event->has_message = has_message;
	event->payload = (pyr__payload){frame->data + 2 + fields, size, s->rx};
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
