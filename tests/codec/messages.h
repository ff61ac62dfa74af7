/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of any type by their descriptor: made at random, and compared. */
#ifndef TESTS_CODEC_MESSAGES_H
#define TESTS_CODEC_MESSAGES_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct roller {
	uint64_t state; /* the seed, not 0 */
} roller;

uint64_t dice_roll(roller *dice, uint64_t sides); /* 0 to sides - 1 */

/*
 * A message that can be sent, with no -0.0, no NaN and no two entries of a map with one key, and
 * submessages down to `depth`; freed by protobuf_c_message_free_unpacked(message, NULL).
 */
ProtobufCMessage *random_message(
	roller *dice, const ProtobufCMessageDescriptor *descriptor, unsigned depth);

/* Whether both say the same, unknown fields included; floating point numbers bit by bit. */
bool same_message(const ProtobufCMessage *a, const ProtobufCMessage *b);

/* Drops entries of maps, all the way down, behind which another one with the same key stands. */
void settle_maps_naively(ProtobufCMessage *message);

#endif
