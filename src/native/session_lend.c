/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Long messages are mostly one long field, of bytes, say. To pack those would be to copy them, only
 * for the kernel to copy them again. So they are lent to the session, from where the message's
 * owner has them:
 *
 *     call, send, finish        the rest is packed, and the long field referred to
 *     output, sent              as much of it goes as can be sent at once: usually all
 *     keep                      what is left is copied; the owner may do as he likes again
 *
 * All three happen within one function of the owner's, and so nobody else sees anything of it.
 */
#include <string.h>
#include "base/apart.h"
#include "native/session_private.h"

#define AROUND_MAX 512u /* bytes of the rest of a message in one frame */
#define QUEUED_MAX 512u /* with so little before it a frame still goes alone */

/*
 * What is lent is sent at once, and so alone. Frames of 64 KiB are better sent several at a time,
 * though they are copied for it, if so many calls are under way that there are several.
 */
#define DEPTH_MAX 3u

/* What of the body is lent in a frame. */
static pyr__lent lent_of(const pyr__session *s, const pyr__body *body)
{
	pyr__lent lent = {.field = NULL};
	if (pyr__session_depth(s) <= DEPTH_MAX && pyr__output_queued(&s->output) <= QUEUED_MAX)
		lent = pyr__body_lends(body);
	if (lent.field && body->size - lent.size > AROUND_MAX)
		lent.field = NULL;
	return lent;
}

PYR__APART bool pyr__session_put_around(pyr__session *s, uint8_t type, uint8_t flags,
	uint32_t stream, const uint8_t *fields, size_t fields_size, const pyr__body *body)
{
	pyr__lent lent = lent_of(s, body);
	if (!lent.field)
		return false;
	uint8_t around[AROUND_MAX];
	size_t rest = body->size - lent.size;
	pyr__body_write_around(body, &lent, around);
	uint8_t *at = pyr__session_room(s, PYR__FRAME_HEADER + fields_size + lent.at);
	memcpy(pyr__frame_begin(
		       at, type, flags | PYR__MSG, stream, fields, fields_size, body->size),
		around, lent.at);
	pyr__session_trace_sent(s, at);
	pyr__session_put_segment(s, NULL, lent.data, lent.size);
	if (rest > lent.at)
		memcpy(pyr__session_room(s, rest - lent.at), around + lent.at, rest - lent.at);
	return true;
}

/* What is left of a segment, or a parcel, in a block of our own. False: no memory. */

static bool keep_segment(pyr__segment *segment)
{
	pyr__block *block = pyr__block_new(segment->size);
	if (!block)
		return false;
	memcpy(block->data, segment->data, segment->size);
	segment->block = block;
	segment->data = block->data;
	return true;
}

static bool keep_parcel(pyr__parcel *parcel)
{
	size_t left = parcel->size - parcel->at, size;
	pyr__block *block = pyr__block_new(left), *of;
	if (!block)
		return false;
	for (uint8_t *to = block->data; parcel->at < parcel->size; to += size) {
		const uint8_t *data = pyr__parcel_run(parcel, &size, &of);
		memcpy(to, data, size);
		parcel->at += size;
	}
	pyr__block_unref(parcel->payload);
	parcel->payload = block;
	parcel->lent.field = NULL;
	parcel->size = left;
	parcel->at = 0;
	return true;
}

PYR__APART bool pyr__session_keep(pyr__session *s)
{
	pyr__output *out = &s->output;
	bool kept = true;
	for (unsigned i = 0; i < out->segment_count && kept; i++)
		kept = out->segments[i].block || keep_segment(&out->segments[i]);
	if (kept && out->lent_parcel)
		kept = keep_parcel(out->lent_parcel);
	if (!kept) {
		pyr__session_disconnect(s, PYR_RESOURCE_EXHAUSTED,
			"there is no memory for a message that was being sent");
		pyr__output_drop(out);
	}
	out->lent_parcel = NULL;
	out->lends = false;
	return kept;
}

bool pyr__session_is_lent(const pyr__session *s)
{
	return s->output.lends;
}
