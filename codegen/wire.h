/* SPDX-License-Identifier: Apache-2.0 */
/* Reading protobuf's encoding by hand, where protobuf-c's unpacker cannot be trusted or used. */
#ifndef PYR_CODEGEN_WIRE_H
#define PYR_CODEGEN_WIRE_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "text.h"

/* What is left to read. */
typedef struct gen_wire {
	const uint8_t *at;
	const uint8_t *end;
} gen_wire;

typedef enum gen_wire_type {
	GEN_WIRE_VARINT = 0,
	GEN_WIRE_FIXED64 = 1,
	GEN_WIRE_BYTES = 2,
	GEN_WIRE_GROUP = 3,
	GEN_WIRE_FIXED32 = 5,
} gen_wire_type;

/* One field. For a group, data is what stands between its tags. */
typedef struct gen_wire_field {
	uint32_t number;
	gen_wire_type type;
	uint64_t value; /* of a varint */
	const uint8_t *data;
	size_t size;
	const uint8_t *start; /* of its tag; the field ends where the reader stands now */
} gen_wire_field;

/* Reads one field. False at the end and, with *ret_bad set, where the encoding is broken. */
bool gen_wire_next(gen_wire *wire, gen_wire_field *ret_field, bool *ret_bad);

/* Reads the value behind a tag of this type. */
bool gen_wire_value(gen_wire *wire, gen_wire_type type, gen_wire_field *ret_field);

/*
 * Copies an encoded message without its groups: protobuf-c's unpacker, which refuses a whole
 * message for one unknown group, recurses without limit. False when the encoding is broken or
 * messages are nested deeper than GEN_WIRE_DEPTH_MAX.
 */
#define GEN_WIRE_DEPTH_MAX 100
bool gen_wire_clean(const ProtobufCMessageDescriptor *descriptor, const uint8_t *data, size_t size,
	gen_text *out);

/* Copies an encoded message without the fields of this number; data must be well formed. */
void gen_wire_without(const uint8_t *data, size_t size, uint32_t number, gen_text *out);

#endif
