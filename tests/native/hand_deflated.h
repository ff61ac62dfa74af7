/* SPDX-License-Identifier: Apache-2.0 */
/* A peer that deflates messages, and what it sends then. */
#ifndef TESTS_NATIVE_HAND_DEFLATED_H
#define TESTS_NATIVE_HAND_DEFLATED_H

#include "native/hand.h"

#define HAND_LONG_BYTES 300000u /* half noise, so that it is long when it is deflated too */

/* A size, and so many bytes deflated; static, until the next. */
typedef struct hand_deflated {
	uint8_t *data;
	size_t size;
} hand_deflated;

/* Either side, whose peer takes deflated messages. */
hand hand_with_deflated(const pyr__session_config *config);
hand hand_deflating(bool server);

/* A server with a call whose messages come, and a client with one that it has made. */
hand hand_deflating_with_call(bool server);

const uint8_t *hand_long_bytes(void);
hand_deflated hand_deflate(const uint8_t *bytes, size_t size, uint32_t announced);
hand_deflated hand_deflate_x(size_t size);

void hand_give_deflated_final(hand *h, uint32_t stream, const hand_deflated *d);

/* The two sizes that announce parts; and the parts, the last with these flags besides. */
void hand_announce_parts(uint8_t *sizes, const hand_deflated *d);
void hand_give_parts(hand *h, const hand_deflated *d, uint8_t last);

void hand_expect_bytes(pyr__text message, const uint8_t *bytes, size_t size);
void hand_expect_x(const pyr__event *event, size_t size);

#endif
