/* SPDX-License-Identifier: Apache-2.0 */
/* SHARE: how a connection's two ends agree that its bytes go another way. */
#include "native/session_private.h"

#define SHARE_BYTES 8u

/*
 *   client   OFFERED ------------------------------> SWITCHED, all the rest goes the other way
 *   server            REFUSED, or SWITCHED, likewise
 *
 *   of the client     NONE -offer-> OFFER -refused-> OVER
 *                                   OFFER -switched-> HALF -we switch-> OVER
 *   of the server     NONE -offer-> OFFER -we refuse-> OVER
 *                                   OFFER -we switch-> HALF -switched-> OVER
 */

bool pyr__session_may_offer(const pyr__session *s)
{
	return s->peer_shares && s->share == PYR__SHARING_NONE && !s->config.server && !s->closing;
}

uint32_t pyr__session_calls_sent(const pyr__session *s)
{
	return s->calls_sent;
}

size_t pyr__session_share(pyr__session *s, pyr__share share, uint32_t ring_bytes)
{
	uint8_t bytes[SHARE_BYTES];
	pyr__store32(bytes, share);
	pyr__store32(bytes + 4, ring_bytes);
	pyr__session_put_frame(s, PYR__FRAME_SHARE, 0, 0, bytes, sizeof bytes);
	if (share == PYR__SHARE_OFFERED)
		s->share = PYR__SHARING_OFFER;
	else if (share == PYR__SHARE_SWITCHED && s->config.server)
		s->share = PYR__SHARING_HALF;
	else
		s->share = PYR__SHARING_OVER;
	return pyr__output_committed(&s->output);
}

/* What the state becomes, or PYR__SHARING_NONE if the peer may not say that now. */
static pyr__sharing next_state(const pyr__session *s, uint32_t share)
{
	bool server = s->config.server;
	if (server && share == PYR__SHARE_OFFERED && s->share == PYR__SHARING_NONE)
		return PYR__SHARING_OFFER;
	if (server && share == PYR__SHARE_SWITCHED && s->share == PYR__SHARING_HALF)
		return PYR__SHARING_OVER;
	if (!server && share == PYR__SHARE_REFUSED && s->share == PYR__SHARING_OFFER)
		return PYR__SHARING_OVER;
	if (!server && share == PYR__SHARE_SWITCHED && s->share == PYR__SHARING_OFFER)
		return PYR__SHARING_HALF;
	return PYR__SHARING_NONE;
}

bool pyr__session_on_share(pyr__session *s, const pyr__frame *frame, pyr__event *event)
{
	if (frame->length != SHARE_BYTES) {
		pyr__session_violation(s, "SHARE has %u bytes, not %u", frame->length, SHARE_BYTES);
		return false;
	}
	uint32_t share = pyr__load32(frame->data);
	pyr__sharing next = next_state(s, share);
	if (next == PYR__SHARING_NONE) {
		pyr__session_violation(s, "SHARE says %u, which it may not say now", share);
		return false;
	}
	event->type = PYR__EVENT_SHARE;
	event->share = (pyr__share)share;
	event->share_bytes = pyr__load32(frame->data + 4);
	s->share = next;
	if (share == PYR__SHARE_SWITCHED)
		s->rx_at = s->rx_size; /* what came behind it only says that there is something */
	return true;
}
