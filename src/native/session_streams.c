/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of open calls: an id's low half is a slot, and slots come in pages. */
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "native/session_private.h"

#define GENERATION_MAX 0x7fffu

#define DEPTH_MEMORY 64u   /* calls: what was before them counts for little */
#define DEPTH_MOST   4096u /* a slot that was not used for longer tells of another time */

static void forget(pyr__stream *stream)
{
	pyr__partial_free(stream->partial);
	if (stream->parcel) {
		pyr__block_unref(stream->parcel->payload);
		free(stream->parcel->tail);
		free(stream->parcel);
	}
}

static void free_page(pyr__stream *page, uint32_t count)
{
	for (uint32_t i = 0; page && i < count; i++)
		forget(&page[i]);
	free(page);
}

void pyr__streams_done(pyr__streams *streams)
{
	free_page(streams->first, PYR__FIRST_STREAMS);
	for (uint32_t page = 0; page < streams->page_count; page++)
		free_page(streams->pages[page], PYR__PAGE_STREAMS);
	free(streams->pages);
}

static pyr__stream *make_first(pyr__streams *streams)
{
	if (!streams->first)
		streams->first = pyr__zalloc(PYR__FIRST_STREAMS * sizeof *streams->first);
	return streams->first;
}

static pyr__stream *make_slot(pyr__streams *streams, uint32_t slot)
{
	if (slot < PYR__FIRST_STREAMS)
		return &make_first(streams)[slot];
	uint32_t number = slot / PYR__PAGE_STREAMS;
	if (number >= streams->page_count) {
		uint32_t count = streams->page_count ? streams->page_count * 2 : 4;
		while (count <= number)
			count *= 2;
		streams->pages = pyr__realloc(streams->pages, count * sizeof *streams->pages);
		memset(streams->pages + streams->page_count, 0,
			(count - streams->page_count) * sizeof *streams->pages);
		streams->page_count = count;
	}
	pyr__stream **page = &streams->pages[number];
	if (!*page)
		*page = pyr__zalloc(PYR__PAGE_STREAMS * sizeof **page);
	return &(*page)[slot % PYR__PAGE_STREAMS];
}

pyr__stream *pyr__session_stream_of(pyr__session *s, const pyr__frame *frame)
{
	bool ours = pyr__session_is_ours(s, frame->stream);
	pyr__stream *stream = pyr__session_last(s, frame->stream);
	if (stream && !ours && !stream->open)
		return NULL;
	if (!stream || !stream->open || pyr__stream_unsent(stream)) {
		pyr__session_violation(s, "%s for the stream %08x, which does not exist",
			pyr__frame_name(frame->type), frame->stream);
		return NULL;
	}
	return stream;
}

static void open_stream(pyr__session *s, pyr__stream *stream, uint32_t id)
{
	*stream = (pyr__stream){
		.id = id,
		.open = true,
		.nth = stream->nth,
		.send_left = s->peer_stream_window,
		.recv_left = s->config.stream_window,
		.sent_at = PYR__NOT_SENT,
	};
	pyr__list_init(&stream->writable);
}

pyr__stream *pyr__session_open_ours(pyr__session *s)
{
	pyr__streams *streams = &s->ours;
	pyr__stream *stream = streams->free_first;
	uint32_t id;
	if (stream) {
		streams->free_first = stream->next_free;
		uint32_t generation = stream->id >> 16 & GENERATION_MAX;
		generation = generation < GENERATION_MAX ? generation + 1 : 1;
		id = (stream->id & 0x8000ffffu) | generation << 16;
	} else {
		uint32_t slot = streams->fresh++;
		stream = make_slot(streams, slot);
		id = (s->config.server ? 0x80000000u : 0) | 1u << 16 | slot;
	}
	open_stream(s, stream, id);
	streams->open++;
	return stream;
}

pyr__stream *pyr__session_open_theirs(pyr__session *s, uint32_t id)
{
	pyr__stream *stream = make_slot(&s->theirs, id & 0xffff);
	open_stream(s, stream, id);
	s->theirs.open++;
	return stream;
}

/*
 * How many calls are under way at a time the other side cannot see, since some are still on the
 * way. But where n slots are used again and again, then n calls pass on average until one of them
 * comes again, whatever the order; this is that average.
 */
void pyr__streams_count(pyr__streams *streams, pyr__stream *stream)
{
	uint32_t passed = ++streams->called - stream->nth;
	if (stream->nth) /* the slot has been used before */
		streams->depths += (passed < DEPTH_MOST ? passed : DEPTH_MOST) -
				   streams->depths / DEPTH_MEMORY;
	stream->nth = streams->called;
}

unsigned pyr__session_depth(const pyr__session *s)
{
	uint32_t ours = s->ours.depths, theirs = s->theirs.depths;
	return (ours > theirs ? ours : theirs) / DEPTH_MEMORY;
}

void pyr__session_close(pyr__session *s, pyr__stream *stream)
{
	if (stream->parcel)
		pyr__session_drop_parcel(s, stream);
	if (stream->partial) {
		pyr__session_return(s, stream->partial->cost);
		pyr__partial_free(stream->partial);
		stream->partial = NULL;
	}
	if (stream->blocked)
		pyr__list_remove(&stream->writable);
	stream->open = stream->blocked = false;
	stream->user = NULL;
	if (pyr__session_is_ours(s, stream->id)) {
		s->ours.open--;
		stream->next_free = s->ours.free_first;
		s->ours.free_first = stream;
	} else {
		s->theirs.open--;
	}
}
