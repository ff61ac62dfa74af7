/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A part of a long message, of which the first bytes are there, is read straight into the message
 * that it belongs to, and not by way of the receive block, from which it would be copied. When it
 * is whole it goes the way of every other frame (session_message.c), and is judged there: its bytes
 * are where they should be by then, which is all the difference.
 *
 *     nothing --begin--> left > 0 --received--> whole --take_frame--> nothing
 *
 * Meanwhile no other frame can come, and so nobody but ourselves can end the stream. The reference
 * to the block is for that: the bytes may be on their way into it.
 */
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/apart.h"
#include "native/session_private.h"

#define DIRECT_MIN 8192u /* bytes yet to come: for less it does not pay */

/* The message that the frame goes on with, if nothing is wrong with it; others are judged later. */
static pyr__partial *partial_of(const pyr__session *s, const pyr__frame *frame)
{
	const uint8_t wanted = PYR__MSG | PYR__CONT;
	if (frame->type != PYR__FRAME_MESSAGE || (frame->flags & wanted) != wanted)
		return NULL;
	const pyr__stream *stream = pyr__session_find(s, frame->stream);
	pyr__partial *partial = stream ? stream->partial : NULL;
	return partial && frame->length <= partial->total - partial->size ? partial : NULL;
}

PYR__APART void pyr__session_begin_direct(pyr__session *s, const pyr__frame *frame, size_t size)
{
	if (frame->length - size < DIRECT_MIN)
		return;
	pyr__partial *partial = partial_of(s, frame);
	if (!partial || !pyr__partial_make_room(partial, partial->size + frame->length))
		return;
	uint8_t *to = partial->block->data + partial->size;
	if (size)
		memcpy(to, frame->data, size);
	s->rx_at = s->rx_size;
	s->direct = pyr__alloc(sizeof *s->direct);
	*s->direct = (pyr__direct){
		.block = pyr__block_ref(partial->block),
		.frame = *frame,
		.at = (uint32_t)(partial->size + size),
		.left = frame->length - (uint32_t)size,
	};
	s->direct->frame.data = to;
}

PYR__APART size_t pyr__session_received_direct(pyr__session *s, size_t size)
{
	uint32_t part = size < s->direct->left ? (uint32_t)size : s->direct->left;
	s->direct->at += part;
	s->direct->left -= part;
	return size - part;
}

PYR__APART void pyr__session_end_direct(pyr__session *s)
{
	if (!s->direct)
		return;
	pyr__block_unref(s->direct->block);
	free(s->direct);
	s->direct = NULL;
}
