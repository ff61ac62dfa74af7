/* SPDX-License-Identifier: Apache-2.0 */
/* How protobuf-c's types look on the wire and in memory. */
#ifndef PYR_CODEC_WIRE_H
#define PYR_CODEC_WIRE_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
	PYR__WIRE_VARINT = 0,
	PYR__WIRE_64 = 1,
	PYR__WIRE_BYTES = 2,
	PYR__WIRE_GROUP = 3,
	PYR__WIRE_GROUP_END = 4,
	PYR__WIRE_32 = 5,
};

typedef struct pyr__wire_type {
	uint8_t wire;
	uint8_t size; /* of a member, or of an array's element, in memory */
} pyr__wire_type;

/* By ProtobufCType. */
extern const pyr__wire_type pyr__wire_types[];

static inline unsigned pyr__wire_of(const ProtobufCFieldDescriptor *field)
{
	return pyr__wire_types[field->type].wire;
}

static inline size_t pyr__wire_size_of(const ProtobufCFieldDescriptor *field)
{
	return pyr__wire_types[field->type].size;
}

static inline bool pyr__wire_is_pointer(const ProtobufCFieldDescriptor *field)
{
	return field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE;
}

static inline bool pyr__wire_is_oneof(const ProtobufCFieldDescriptor *field)
{
	return (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
}

/* Bytes that a number takes as a varint: 1 to 10. */
static inline size_t pyr__varint_size(uint64_t value)
{
	/* 7 bits a byte: 9/64 is a little less than 1/7, and right for all of 1 to 64 bits */
	unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);
	return (bits * 9 + 64) / 64;
}

static inline uint32_t pyr__load_u32(const uint8_t *at)
{
	return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static inline uint64_t pyr__load_u64(const uint8_t *at)
{
	return pyr__load_u32(at) | (uint64_t)pyr__load_u32(at + 4) << 32;
}

static inline void pyr__store_u32(uint8_t *to, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		to[i] = (uint8_t)(value >> 8 * i);
}

static inline void pyr__store_u64(uint8_t *to, uint64_t value)
{
	for (unsigned i = 0; i < 8; i++)
		to[i] = (uint8_t)(value >> 8 * i);
}

/* A value of 8 or 4 bytes, to where a member is. */
static inline void pyr__load_fixed(const uint8_t *at, size_t size, void *member)
{
	uint64_t wide = size == 8 ? pyr__load_u64(at) : 0;
	uint32_t narrow = size == 4 ? pyr__load_u32(at) : 0;
	memcpy(member, size == 8 ? (void *)&wide : (void *)&narrow, size);
}

/* A varint of at most so many bytes, 10 or fewer; false, and *at as it was, if it is not one. */
static inline bool pyr__load_varint(
	const uint8_t **at, const uint8_t *end, unsigned most, uint64_t *ret_value)
{
	const uint8_t *p = *at;
	uint64_t value = 0;
	for (unsigned shift = 0; p < end && shift < 7 * most; shift += 7) {
		uint8_t byte = *p++;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80) {
			*at = p;
			*ret_value = value;
			return true;
		}
	}
	return false;
}

/* The varint that stands for a member of such a type. */
static inline uint64_t pyr__varint_of(ProtobufCType type, const void *member)
{
	int32_t narrow;
	int64_t wide;
	switch (type) {
	case PROTOBUF_C_TYPE_SINT64:
		memcpy(&wide, member, 8);
		return (uint64_t)wide << 1 ^ (wide < 0 ? UINT64_MAX : 0);
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_UINT64:
		memcpy(&wide, member, 8);
		return (uint64_t)wide;
	default:
		break;
	}
	memcpy(&narrow, member, 4);
	switch (type) {
	case PROTOBUF_C_TYPE_BOOL:
		return narrow != 0;
	case PROTOBUF_C_TYPE_SINT32:
		return (uint32_t)narrow << 1 ^ (narrow < 0 ? UINT32_MAX : 0);
	case PROTOBUF_C_TYPE_UINT32:
		return (uint32_t)narrow;
	default: /* int32 and enum: negative ones take 10 bytes */
		return (uint64_t)(int64_t)narrow;
	}
}

/* The other way round. */
static inline void pyr__varint_store(ProtobufCType type, uint64_t value, void *member)
{
	uint32_t low = (uint32_t)value;
	switch (type) {
	case PROTOBUF_C_TYPE_SINT64:
		value = value >> 1 ^ (0 - (value & 1));
		memcpy(member, &value, 8);
		return;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_UINT64:
		memcpy(member, &value, 8);
		return;
	case PROTOBUF_C_TYPE_BOOL:
		low = value != 0;
		break;
	case PROTOBUF_C_TYPE_SINT32:
		low = low >> 1 ^ (0 - (low & 1));
		break;
	default:
		break;
	}
	memcpy(member, &low, 4);
}

#endif
