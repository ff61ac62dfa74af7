/* SPDX-License-Identifier: Apache-2.0 */
/* What a session receives: bytes are cut into frames, and frames become events. */
#include <stdlib.h>
#include <string.h>
#include "native/session_private.h"

#define RX_SMALL_BYTES  (16u << 10)
#define RX_LARGE_BYTES  (256u << 10) /* holds any frame, and more behind it */
#define RX_ROOM_MIN     4096u
#define RX_BEHIND_BYTES 2048u
#define RX_LARGE_READS  16u /* after what was large, so often more of it is expected */

/* The receive block */

static size_t received_left(const pyr__session *s)
{
	return s->rx_size - s->rx_at;
}

/* What is left moves to the front of a block with room; false: there is no memory. */
static bool replace_rx(pyr__session *s, size_t room)
{
	size_t left = received_left(s);
	if (s->rx && atomic_load(&s->rx->refs) == 1 && s->rx->size >= room) {
		memmove(s->rx->data, s->rx->data + s->rx_at, left);
	} else {
		pyr__block *fresh = pyr__block_new(room);
		if (!fresh)
			return false;
		if (left)
			memcpy(fresh->data, s->rx->data + s->rx_at, left);
		pyr__block_unref(s->rx);
		s->rx = fresh;
	}
	s->rx_at = 0;
	s->rx_size = left;
	return true;
}

static bool has_room(const pyr__session *s, size_t room)
{
	if (!s->rx || s->rx->size < room)
		return false;
	if (s->rx_size == 0)
		return true;
	/* a frame that has begun must fit behind rx_at, with room to read on */
	return s->rx->size - s->rx_size >= RX_ROOM_MIN &&
	       s->rx->size - s->rx_at >= PYR__FRAME_HEADER + PYR__FRAME_MAX + RX_ROOM_MIN;
}

/* Room in the receive block behind what is there; false: there is no memory. */
static bool make_room(pyr__session *s, size_t room)
{
	if (s->rx && received_left(s) == 0 && atomic_load(&s->rx->refs) == 1)
		s->rx_at = s->rx_size = 0;
	return has_room(s, room) || replace_rx(s, room);
}

void pyr__session_input(pyr__session *s, void **ret_data, size_t *ret_room)
{
	*ret_data = NULL;
	*ret_room = 0;
	if (s->closing)
		s->rx_at = s->rx_size;
	if (pyr__session_is_direct(s)) {
		*ret_data = s->direct->block->data + s->direct->at;
		*ret_room = s->direct->left;
		return;
	}
	bool large = s->rx_filled || received_left(s) >= PYR__FRAME_HEADER || s->rx_large > 0;
	if (!make_room(s, large ? RX_LARGE_BYTES : RX_SMALL_BYTES)) {
		pyr__session_disconnect(
			s, PYR_RESOURCE_EXHAUSTED, "there is no memory to receive into");
		return;
	}
	*ret_data = s->rx->data + s->rx_size;
	*ret_room = s->rx->size - s->rx_size;
}

/* Not much: what follows are a few bytes of the next frame, and the rest of it directly. */
void pyr__session_input_behind(pyr__session *s, void **ret_data, size_t *ret_room)
{
	*ret_room = 0;
	if (!pyr__session_is_direct(s) || !make_room(s, RX_SMALL_BYTES))
		return;
	*ret_data = s->rx->data + s->rx_size;
	*ret_room = RX_BEHIND_BYTES;
}

/* While nothing is half received the session keeps no block; the thread has one at hand. */
static void release_rx(pyr__session *s)
{
	if (received_left(s) > 0)
		return;
	pyr__block_unref(s->rx);
	s->rx = NULL;
	s->rx_at = s->rx_size = 0;
}

void pyr__session_received(pyr__session *s, size_t size)
{
	if (pyr__session_is_direct(s)) {
		size = pyr__session_received_direct(s, size);
		s->rx_large = 0; /* so that most of the next one comes directly, too */
	} else if (size >= RX_SMALL_BYTES) {
		s->rx_large = RX_LARGE_READS;
	} else if (s->rx_large > 0) {
		s->rx_large--;
	}
	s->rx_size += size;
	s->rx_filled = s->rx && s->rx_size == s->rx->size;
	if (size == 0)
		release_rx(s);
}

/* Frames */

static bool take_preface(pyr__session *s)
{
	if (s->preface_done)
		return true;
	size_t size = received_left(s);
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

/* SHARE is for those who have said that they know it. */
static bool is_known(const pyr__session *s, uint8_t type)
{
	return type > 0 && type < PYR__FRAME_TYPES &&
	       (type != PYR__FRAME_SHARE || s->config.shares);
}

/* What is wrong with a header. */
static void refuse_header(pyr__session *s, const pyr__frame *frame)
{
	const char *name = pyr__frame_name(frame->type);
	if (frame->length > PYR__FRAME_MAX)
		pyr__session_violation(
			s, "a frame of %u bytes; the most is %u", frame->length, PYR__FRAME_MAX);
	else if (frame->zero)
		pyr__session_violation(s, "%s with reserved bytes that are not 0", name);
	else if (!is_known(s, frame->type))
		pyr__session_violation(s, "an unknown frame of type %u", frame->type);
	else if (frame->flags & ~pyr__frame_flags[frame->type])
		pyr__session_violation(s, "%s with unknown flags: %02x", name, frame->flags);
	else
		pyr__session_violation(s, "%s before HELLO", name);
}

/* What can be told from a header alone. */
static bool check_header(const pyr__session *s, const pyr__frame *frame)
{
	if (frame->length > PYR__FRAME_MAX || frame->zero)
		return false;
	if (frame->type >= PYR__FRAME_IGNORABLE)
		return s->hello_done;
	if (!is_known(s, frame->type) || (frame->flags & ~pyr__frame_flags[frame->type]))
		return false;
	return s->hello_done || frame->type == PYR__FRAME_HELLO || frame->type == PYR__FRAME_GOAWAY;
}

/* Takes one frame off the input; false when it is not all there. */
static bool take_frame(pyr__session *s, pyr__frame *ret_frame)
{
	size_t size = received_left(s);
	if (pyr__session_direct_is_whole(s)) {
		*ret_frame = s->direct->frame;
		return true;
	}
	if (s->direct || size < PYR__FRAME_HEADER)
		return false;
	pyr__frame_load(ret_frame, s->rx->data + s->rx_at);
	if (!check_header(s, ret_frame)) {
		refuse_header(s, ret_frame);
		return false;
	}
	size -= PYR__FRAME_HEADER;
	if (size < ret_frame->length) {
		pyr__session_begin_direct(s, ret_frame, size);
		return false;
	}
	s->rx_at += PYR__FRAME_HEADER + ret_frame->length;
	return true;
}

typedef bool on_frame(pyr__session *s, const pyr__frame *frame, pyr__event *event);

static on_frame *const of_connection[PYR__FRAME_TYPES] = {
	[PYR__FRAME_HELLO] = pyr__session_on_hello,
	[PYR__FRAME_WINDOW] = pyr__session_on_window,
	[PYR__FRAME_PING] = pyr__session_on_ping,
	[PYR__FRAME_PONG] = pyr__session_on_pong,
	[PYR__FRAME_GOAWAY] = pyr__session_on_goaway,
	[PYR__FRAME_SHARE] = pyr__session_on_share,
};

static on_frame *const of_stream[PYR__FRAME_TYPES] = {
	[PYR__FRAME_CALL] = pyr__session_on_call,
	[PYR__FRAME_MESSAGE] = pyr__session_on_message,
	[PYR__FRAME_METADATA] = pyr__session_on_metadata,
	[PYR__FRAME_FINAL] = pyr__session_on_final,
	[PYR__FRAME_RESET] = pyr__session_on_reset,
	[PYR__FRAME_WINDOW] = pyr__session_on_window,
};

static bool read_frame(pyr__session *s, const pyr__frame *frame, pyr__event *event)
{
	if (frame->type >= PYR__FRAME_IGNORABLE)
		return false;
	on_frame *handler = (frame->stream ? of_stream : of_connection)[frame->type];
	if (!handler) {
		pyr__session_violation(
			s, "%s on the stream %08x", pyr__frame_name(frame->type), frame->stream);
		return false;
	}
	*event = (pyr__event){.stream = frame->stream};
	return handler(s, frame, event);
}

_Static_assert(sizeof(pyr__head) >= sizeof(pyr__final), "see pyr__event");

static bool take_event(pyr__session *s, const pyr__frame *frame, pyr__event *event)
{
	if (s->config.trace)
		pyr__session_trace_frame(s, '<', frame);
	bool told = read_frame(s, frame, event);
	if (pyr__session_direct_is_whole(s))
		pyr__session_end_direct(s);
	return told;
}

/* What we answer by ourselves must not pile up for a peer that does not read. */
static void check_queue(pyr__session *s)
{
	if (pyr__output_queued(&s->output) > (size_t)s->config.queue_max + PYR__QUEUE_SLACK)
		pyr__session_disconnect(
			s, PYR_RESOURCE_EXHAUSTED, "the peer takes none of its answers");
}

bool pyr__session_next(pyr__session *s, pyr__event *event)
{
	if (s->delivered)
		pyr__partial_free(s->delivered);
	s->delivered = NULL;
	pyr__block_unref(s->inflated);
	s->inflated = NULL;
	for (;;) {
		pyr__frame frame;
		if (s->closing) {
			pyr__session_end_direct(s);
			return pyr__session_next_closing(s, event);
		}
		if (!pyr__list_empty(&s->writable) && pyr__session_next_writable(s, event))
			return true;
		bool taken = take_preface(s) && take_frame(s, &frame);
		if (!taken && !s->closing) {
			release_rx(s);
			return false;
		}
		if (taken && take_event(s, &frame, event))
			return true;
		check_queue(s);
	}
}
