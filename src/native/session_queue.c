/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes that wait to be taken, and in which order long messages give theirs. */
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/apart.h"
#include "native/session_private.h"

#define FLAT_KEEP_BYTES   (2u << 20)   /* a larger buffer is not kept once it is empty */
#define COMMIT_BYTES      (256u << 10) /* fragments are added while less than this is queued */
#define SEGMENT_MIN_BYTES (8u << 10)   /* shorter fragments are copied */

void pyr__output_init(pyr__output *output)
{
	pyr__list_init(&output->ring);
	pyr__list_init(&output->waiting);
}

void pyr__output_drop(pyr__output *output)
{
	for (unsigned i = 0; i < output->segment_count; i++)
		pyr__block_unref(output->segments[i].block);
	output->segment_count = 0;
	output->in_segments = 0;
	output->at = output->size = 0;
}

void pyr__output_done(pyr__output *output)
{
	pyr__output_drop(output);
	free(output->segments);
	free(output->flat);
}

/* Frames */

PYR__APART static void make_room(pyr__output *out, size_t size)
{
	if (out->room - out->size < size && out->at > out->size / 2) {
		memmove(out->flat, out->flat + out->at, out->size - out->at);
		out->size -= out->at;
		out->at = 0;
	}
	if (out->room - out->size < size) {
		size_t room = out->room ? out->room : 256;
		while (room - out->size < size)
			room *= 2;
		out->flat = pyr__realloc(out->flat, room);
		out->room = room;
	}
}

uint8_t *pyr__session_room(pyr__session *s, size_t size)
{
	pyr__output *out = &s->output;
	if (out->at == out->size)
		out->at = out->size = 0;
	if (out->room - out->size < size)
		make_room(out, size);
	uint8_t *at = out->flat + out->size;
	out->size += size;
	return at;
}

void pyr__session_put_frame(pyr__session *s, uint8_t type, uint8_t flags, uint32_t stream,
	const uint8_t *data, size_t size)
{
	uint8_t *at = pyr__session_room(s, PYR__FRAME_HEADER + size);
	pyr__frame_store(at, (uint32_t)size, type, flags, stream);
	if (size)
		memcpy(at + PYR__FRAME_HEADER, data, size);
	pyr__session_trace_sent(s, at);
}

void pyr__session_put_segment(pyr__session *s, pyr__block *block, const uint8_t *data, size_t size)
{
	pyr__output *out = &s->output;
	if (!out->segments)
		out->segments = pyr__alloc(PYR__SEGMENTS_MAX * sizeof *out->segments);
	out->segments[out->segment_count++] = (pyr__segment){
		.position = out->flat_taken + (out->size - out->at),
		.block = block ? pyr__block_ref(block) : NULL,
		.data = data,
		.size = size,
	};
	out->in_segments += size;
	out->lends |= !block;
}

/* Parcels */

PYR__APART pyr__parcel *pyr__parcel_new(pyr__stream *stream, size_t head_size)
{
	pyr__parcel *parcel = pyr__alloc(sizeof *parcel + head_size);
	*parcel = (pyr__parcel){.stream = stream, .head_size = head_size};
	pyr__list_init(&parcel->link);
	return parcel;
}

static size_t payload_left(const pyr__parcel *parcel)
{
	return parcel->size - parcel->at;
}

/* Off the stream, and freed; what was queued of it stays queued. */
static void free_parcel(pyr__session *s, pyr__parcel *parcel)
{
	if (s->output.lent_parcel == parcel)
		s->output.lent_parcel = NULL;
	parcel->stream->parcel = NULL;
	pyr__list_remove(&parcel->link);
	pyr__block_unref(parcel->payload);
	free(parcel->tail);
	free(parcel);
}

void pyr__session_drop_parcel(pyr__session *s, pyr__stream *stream)
{
	pyr__parcel *parcel = stream->parcel;
	if (parcel->started)
		s->output.in_ring -= payload_left(parcel);
	else
		s->output.in_waiting -= parcel->head_size + payload_left(parcel);
	free_parcel(s, parcel);
}

/* A whole frame, or the first of a message in parts. */
static void put_ready(pyr__session *s, const uint8_t *frame, size_t size)
{
	memcpy(pyr__session_room(s, size), frame, size);
	pyr__session_trace_sent(s, frame);
}

static void put_tail(pyr__session *s, const pyr__parcel *parcel)
{
	put_ready(s, parcel->tail, parcel->tail_size);
}

void pyr__session_cut_short(pyr__session *s, pyr__stream *stream)
{
	put_tail(s, stream->parcel);
	pyr__session_close(s, stream);
}

/* All of it is queued now. */
static void finish_parcel(pyr__session *s, pyr__parcel *parcel)
{
	pyr__stream *stream = parcel->stream;
	if (parcel->tail)
		put_tail(s, parcel);
	free_parcel(s, parcel);
	if (stream->sent_at == PYR__NOT_SENT)
		stream->sent_at = s->output.taken + pyr__output_committed(&s->output);
	if (stream->finished || stream->oneway)
		pyr__session_close(s, stream);
	else
		pyr__stream_unblocked(s, stream);
}

static void start_parcel(pyr__session *s, pyr__parcel *parcel)
{
	pyr__stream *stream = parcel->stream;
	pyr__list_remove(&parcel->link);
	parcel->started = true;
	s->send_left -= parcel->cost;
	stream->send_left -= parcel->cost;
	if (parcel->head[4] == PYR__FRAME_CALL)
		stream->order = ++s->calls_sent;
	put_ready(s, parcel->head, parcel->head_size);
	if (!parcel->payload) {
		finish_parcel(s, parcel);
		return;
	}
	s->output.in_ring += payload_left(parcel);
	pyr__list_append(&s->output.ring, &parcel->link);
}

static bool may_start(const pyr__session *s, const pyr__parcel *parcel)
{
	return s->hello_sent && (parcel->cost == 0 || s->send_left > 0);
}

void pyr__session_put_parcel(pyr__session *s, pyr__parcel *parcel)
{
	pyr__stream *stream = parcel->stream;
	stream->parcel = parcel;
	if (parcel->lent.field) {
		s->output.lends = true;
		s->output.lent_parcel = parcel;
	}
	if (pyr__list_empty(&s->output.waiting) && stream->send_left > 0 && may_start(s, parcel)) {
		start_parcel(s, parcel);
		return;
	}
	s->output.in_waiting += parcel->head_size + payload_left(parcel);
	pyr__stream_unblocked(s, stream);
}

static void start_waiting(pyr__session *s)
{
	pyr__output *out = &s->output;
	while (!pyr__list_empty(&out->waiting)) {
		pyr__parcel *parcel = PYR__OWNER(out->waiting.next, pyr__parcel, link);
		if (!may_start(s, parcel))
			return;
		out->in_waiting -= parcel->head_size + payload_left(parcel);
		start_parcel(s, parcel);
	}
}

const uint8_t *pyr__parcel_run(const pyr__parcel *parcel, size_t *ret_size, pyr__block **ret_block)
{
	const pyr__lent *lent = &parcel->lent;
	const uint8_t *packed = parcel->payload->data;
	size_t at = parcel->at, behind = lent->at + lent->size;
	*ret_block = parcel->payload;
	*ret_size = payload_left(parcel);
	if (!lent->field)
		return packed + at;
	if (at >= behind)
		return packed + (at - lent->size);
	if (at < lent->at) {
		*ret_size = lent->at - at;
		return packed + at;
	}
	*ret_block = NULL;
	*ret_size = behind - at;
	return lent->data + (at - lent->at);
}

PYR__APART static void put_fragment(pyr__session *s, pyr__parcel *parcel)
{
	pyr__output *out = &s->output;
	pyr__block *block;
	size_t left = payload_left(parcel), part;
	const uint8_t *data = pyr__parcel_run(parcel, &part, &block);
	part = part < PYR__FRAGMENT_MAX ? part : PYR__FRAGMENT_MAX;
	bool copy = part < SEGMENT_MIN_BYTES;
	uint8_t last = parcel->end ? PYR__END : 0;
	uint8_t *at = pyr__session_room(s, PYR__FRAME_HEADER + (copy ? part : 0));
	pyr__frame_store(at, (uint32_t)part, PYR__FRAME_MESSAGE,
		PYR__MSG | PYR__CONT | (part < left ? PYR__MORE : last), parcel->stream->id);
	if (copy)
		memcpy(at + PYR__FRAME_HEADER, data, part);
	else
		pyr__session_put_segment(s, block, data, part);
	pyr__session_trace_sent(s, at);
	parcel->at += part;
	out->in_ring -= part;
	pyr__list_remove(&parcel->link);
	if (part < left)
		pyr__list_append(&out->ring, &parcel->link);
	else
		finish_parcel(s, parcel);
}

PYR__APART static void refill(pyr__session *s)
{
	pyr__output *out = &s->output;
	if (s->closing)
		return;
	start_waiting(s);
	while (!pyr__list_empty(&out->ring) && pyr__output_committed(out) < COMMIT_BYTES &&
		out->segment_count < PYR__SEGMENTS_MAX)
		put_fragment(s, PYR__OWNER(out->ring.next, pyr__parcel, link));
}

/* Taking them away */

int pyr__session_output(pyr__session *s, struct iovec *vectors, int max)
{
	pyr__output *out = &s->output;
	if (pyr__output_queued(out) == 0)
		return 0;
	if (!pyr__list_empty(&out->waiting) || !pyr__list_empty(&out->ring))
		refill(s);
	size_t at = out->at;
	int count = 0;
	for (unsigned i = 0; i < out->segment_count; i++) {
		const pyr__segment *segment = &out->segments[i];
		size_t until = out->at + (size_t)(segment->position - out->flat_taken);
		if (until > at && count < max)
			vectors[count++] = (struct iovec){out->flat + at, until - at};
		if (count == max)
			return count;
		vectors[count++] = (struct iovec){(void *)segment->data, segment->size};
		at = until;
	}
	if (at < out->size && count < max)
		vectors[count++] = (struct iovec){out->flat + at, out->size - at};
	return count;
}

static void take_flat(pyr__output *out, size_t size)
{
	out->at += size;
	out->flat_taken += size;
	if (out->at < out->size)
		return;
	out->at = out->size = 0;
	if (out->room > FLAT_KEEP_BYTES) {
		free(out->flat);
		out->flat = NULL;
		out->room = 0;
	}
}

/* Takes what it can of the first segment and the flat bytes before it; returns how much. */
PYR__APART static size_t take_segment(pyr__output *out, size_t size)
{
	pyr__segment *segment = &out->segments[0];
	size_t before = (size_t)(segment->position - out->flat_taken);
	if (before >= size) {
		take_flat(out, size);
		return size;
	}
	if (before)
		take_flat(out, before);
	size_t part = size - before < segment->size ? size - before : segment->size;
	segment->data += part;
	segment->size -= part;
	out->in_segments -= part;
	if (segment->size == 0) {
		pyr__block_unref(segment->block);
		out->segment_count--;
		memmove(segment, segment + 1, out->segment_count * sizeof *segment);
	}
	return before + part;
}

void pyr__session_sent(pyr__session *s, size_t size)
{
	pyr__output *out = &s->output;
	out->taken += size;
	while (size > 0 && out->segment_count > 0)
		size -= take_segment(out, size);
	if (size > 0)
		take_flat(out, size);
}

size_t pyr__session_queued(const pyr__session *s)
{
	return pyr__output_queued(&s->output);
}

size_t pyr__session_held(const pyr__session *s)
{
	return s->output.in_waiting;
}
