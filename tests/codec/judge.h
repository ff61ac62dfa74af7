/* SPDX-License-Identifier: Apache-2.0 */
/* One encoding tried in all ways, with protobuf-c's unpacker as the judge. */
#ifndef TESTS_CODEC_JUDGE_H
#define TESTS_CODEC_JUDGE_H

#include "codec/decode.h"

/*
 * Decodes data, which may be anything, into malloc'ed memory, into an arena, and into one with
 * `bytes` in place. All three must agree with each other; with protobuf-c, but where the rules
 * differ; and what came out, encoded and decoded again, must be the same. Ends the process if not.
 */
pyr_status judge(const ProtobufCMessageDescriptor *descriptor, const uint8_t *data, size_t size);

#endif
