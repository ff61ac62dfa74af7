/* SPDX-License-Identifier: Apache-2.0 */
/* Deflated messages, by the hand that plays the peer. */
#include "native/hand_deflated.h"

#include <string.h>
#include <zlib.h>

#define STREAM_MAX (5u << 20)

/* Either side, whose peer takes deflated messages. */
hand hand_with_deflated(const pyr__session_config *config)
{
	hand h = hand_new(config, false);
	hand_give_features(&h, PYR__FEATURE_DEFLATED);
	hand_event(&h, PYR__EVENT_READY);
	hand_skip_frames(&h);
	return h;
}

hand hand_deflating(bool server)
{
	pyr__session_config config;
	pyr__session_config_init(&config, server);
	return hand_with_deflated(&config);
}

/* A server with a call whose messages come, and a client with one that it has made. */
hand hand_deflating_with_call(bool server)
{
	hand h = hand_deflating(server);
	if (server) {
		hand_call(&h, STREAM, 0, "a/b", NULL, 0);
		hand_event(&h, PYR__EVENT_CALL);
	} else {
		hand_make_call(&h, "a/b", 0, false, NULL);
		hand_skip_frames(&h);
	}
	return h;
}

const uint8_t *hand_long_bytes(void)
{
	static uint8_t bytes[HAND_LONG_BYTES];
	uint32_t state = 1;
	for (size_t i = 0; i < HAND_LONG_BYTES / 2; i++) {
		state = state * 1664525 + 1013904223;
		bytes[i] = (uint8_t)(state >> 24);
	}
	return bytes;
}

hand_deflated hand_deflate(const uint8_t *bytes, size_t size, uint32_t announced)
{
	static uint8_t data[STREAM_MAX];
	uLongf room = sizeof data - 4;
	cr_assert_eq(compress2(data + 4, &room, bytes, size, 6), Z_OK);
	pyr__store32(data, announced);
	return (hand_deflated){data, room + 4};
}

hand_deflated hand_deflate_x(size_t size)
{
	return hand_deflate(hand_bytes(size), size, (uint32_t)size);
}

void hand_expect_bytes(pyr__text message, const uint8_t *bytes, size_t size)
{
	cr_assert_eq(message.size, size);
	cr_assert_eq(memcmp(message.data, bytes, size), 0);
}

void hand_expect_x(const pyr__event *event, size_t size)
{
	cr_assert(event->has_message);
	hand_expect_bytes((pyr__text){(const char *)event->payload.data, event->payload.size},
		hand_bytes(size), size);
}

void hand_give_deflated_final(hand *h, uint32_t stream, const hand_deflated *d)
{
	static uint8_t frame[PYR__FRAME_MAX];
	memcpy(frame + 2, d->data, d->size);
	hand_give_frame(h, PYR__FRAME_FINAL, PYR__MSG | PYR__DEFLATED, stream, frame, d->size + 2);
}

/* What comes behind the frame with the sizes; the last part with these flags besides. */
void hand_give_parts(hand *h, const hand_deflated *d, uint8_t last)
{
	const uint8_t *at = d->data + 4;
	for (size_t left = d->size - 4, part; left > 0; left -= part, at += part) {
		part = left < PYR__FRAGMENT_MAX ? left : PYR__FRAGMENT_MAX;
		hand_give_frame(h, PYR__FRAME_MESSAGE,
			PYR__MSG | PYR__CONT | (part < left ? PYR__MORE : last), STREAM, at, part);
	}
}

void hand_announce_parts(uint8_t *sizes, const hand_deflated *d)
{
	pyr__store32(sizes, (uint32_t)(d->size - 4));
	memcpy(sizes + 4, d->data, 4);
}
