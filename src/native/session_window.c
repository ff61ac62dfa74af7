/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Windows. A message may start while its stream's and the connection's window are above 0, and
 * then takes its cost from both at once, however long it is. The receiver gives the cost back when
 * the message is used up, in WINDOW frames of half a window or more. A message inside a FINAL is
 * free: there is one for each call, and the caller has asked for it.
 */
#include "native/session_private.h"

/* Receiving */

bool pyr__session_charge(pyr__session *s, pyr__stream *stream, uint32_t cost)
{
	if (s->recv_left <= 0) {
		pyr__session_violation(s, "a message that the connection's window does not admit");
		return false;
	}
	s->recv_left -= cost;
	if (!stream)
		return true;
	if (stream->recv_left <= 0) {
		pyr__session_violation(
			s, "a message that the window of stream %08x does not admit", stream->id);
		return false;
	}
	stream->recv_left -= cost;
	return true;
}

/* Gives all that is owed back, if it is half of the window or more. */
static bool give_back(
	pyr__session *s, uint32_t stream, uint32_t window, int64_t *left, uint64_t *owed)
{
	if (*owed < window / 2)
		return false;
	while (*owed > 0) {
		uint32_t credit = *owed < PYR__WINDOW_MAX ? (uint32_t)*owed : PYR__WINDOW_MAX;
		uint8_t bytes[4];
		pyr__store32(bytes, credit);
		pyr__session_put_frame(s, PYR__FRAME_WINDOW, 0, stream, bytes, sizeof bytes);
		*left += credit;
		*owed -= credit;
	}
	return true;
}

bool pyr__session_return(pyr__session *s, uint64_t cost)
{
	s->recv_owed += cost;
	return !s->closing &&
	       give_back(s, 0, s->config.connection_window, &s->recv_left, &s->recv_owed);
}

bool pyr__session_consumed(pyr__session *s, uint32_t id, uint64_t cost)
{
	if (cost == 0)
		return false;
	bool given = pyr__session_return(s, cost);
	pyr__stream *stream = id ? pyr__session_find(s, id) : NULL;
	if (!stream || stream->ended || stream->reset || stream->finished || s->closing)
		return given;
	stream->recv_owed += cost;
	return give_back(s, id, s->config.stream_window, &stream->recv_left, &stream->recv_owed) ||
	       given;
}

/* Sending */

void pyr__session_set_windows(pyr__session *s, uint32_t stream_window, uint32_t connection_window)
{
	int64_t more = (int64_t)stream_window - s->peer_stream_window;
	s->send_left += (int64_t)connection_window - PYR__INITIAL_CONNECTION_WINDOW;
	s->peer_stream_window = stream_window;
	for (uint32_t slot = 0; slot < s->ours.fresh; slot++) {
		pyr__stream *stream = pyr__streams_at(&s->ours, slot);
		if (!stream)
			continue;
		stream->send_left += more;
		pyr__stream_unblocked(s, stream);
	}
}

void pyr__stream_unblocked(pyr__session *s, pyr__stream *stream)
{
	pyr__parcel *parcel = stream->parcel;
	if (stream->send_left <= 0)
		return;
	if (parcel && !parcel->started && pyr__list_empty(&parcel->link))
		pyr__list_append(&s->output.waiting, &parcel->link);
	else if (!parcel && stream->blocked && pyr__list_empty(&stream->writable))
		pyr__list_append(&s->writable, &stream->writable);
}

bool pyr__session_on_window(pyr__session *s, const pyr__frame *frame, pyr__event *event)
{
	(void)event;
	uint32_t credit = frame->length == 4 ? pyr__load32(frame->data) : 0;
	if (credit == 0 || credit > PYR__WINDOW_MAX) {
		pyr__session_violation(s, "a malformed WINDOW for the stream %08x", frame->stream);
		return false;
	}
	pyr__stream *stream = frame->stream ? pyr__session_stream_of(s, frame) : NULL;
	if (frame->stream && !stream)
		return false;
	int64_t *left = stream ? &stream->send_left : &s->send_left;
	*left += credit;
	if (stream)
		stream->credited += credit;
	if (*left > PYR__WINDOW_MAX)
		pyr__session_violation(s, "the window of stream %08x overflows", frame->stream);
	else if (stream)
		pyr__stream_unblocked(s, stream);
	return false;
}

uint64_t pyr__session_consumed_by_peer(const pyr__session *s, uint32_t id)
{
	const pyr__stream *stream = pyr__session_find(s, id);
	return stream ? stream->credited : 0;
}

bool pyr__session_sendable(const pyr__session *s)
{
	return s->send_left > 0 && pyr__output_committed(&s->output) <= PYR__SEND_QUEUE &&
	       pyr__output_queued(&s->output) <= s->config.queue_max / 2;
}

/*
 * Streams in the list wait for the connection's window or for bytes to be taken. One that cannot
 * send for a reason of its own leaves the list, and comes back when that reason is gone.
 */
bool pyr__session_next_writable(pyr__session *s, pyr__event *event)
{
	while (!s->closing && !pyr__list_empty(&s->writable)) {
		if (!pyr__session_sendable(s) ||
			pyr__output_committed(&s->output) > PYR__SEND_QUEUE / 2)
			return false;
		pyr__stream *stream = PYR__OWNER(s->writable.next, pyr__stream, writable);
		pyr__list_remove(&stream->writable);
		if (!pyr__stream_sendable(stream))
			continue;
		stream->blocked = false;
		*event = (pyr__event){.type = PYR__EVENT_WRITABLE};
		event->stream = stream->id;
		event->user = stream->user;
		return true;
	}
	return false;
}
