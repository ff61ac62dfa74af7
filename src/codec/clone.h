/* SPDX-License-Identifier: Apache-2.0 */
/* A copy of a message as its receiver would decode it, without encoding it. */
#ifndef PYR_CODEC_CLONE_H
#define PYR_CODEC_CLONE_H

#include "codec/decode.h"

/*
 * What pyr__decode() with these options makes of pyr__encode()'s bytes, but that no part of it lies
 * in the message: what is not sent has its default value, whatever the member holds. The message
 * has passed pyr__encoded_size(), unchanged since.
 *
 * NULL where only the bytes can tell, and they are to be taken: a message of another descriptor,
 * unknown fields, a map of several entries, or more memory than there is or options allow. Nothing
 * is left to free but the arena.
 */
ProtobufCMessage *pyr__clone(const ProtobufCMessage *message,
	const ProtobufCMessageDescriptor *descriptor, const pyr__decode_options *options);

#endif
