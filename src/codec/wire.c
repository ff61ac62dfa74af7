/* SPDX-License-Identifier: Apache-2.0 */
/* What each of protobuf-c's types is. */
#include "codec/wire.h"

_Static_assert(sizeof(protobuf_c_boolean) == 4, "a bool is handled as 4 bytes");

const pyr__wire_type pyr__wire_types[] = {
	[PROTOBUF_C_TYPE_INT32] = {PYR__WIRE_VARINT, 4},
	[PROTOBUF_C_TYPE_SINT32] = {PYR__WIRE_VARINT, 4},
	[PROTOBUF_C_TYPE_SFIXED32] = {PYR__WIRE_32, 4},
	[PROTOBUF_C_TYPE_INT64] = {PYR__WIRE_VARINT, 8},
	[PROTOBUF_C_TYPE_SINT64] = {PYR__WIRE_VARINT, 8},
	[PROTOBUF_C_TYPE_SFIXED64] = {PYR__WIRE_64, 8},
	[PROTOBUF_C_TYPE_UINT32] = {PYR__WIRE_VARINT, 4},
	[PROTOBUF_C_TYPE_FIXED32] = {PYR__WIRE_32, 4},
	[PROTOBUF_C_TYPE_UINT64] = {PYR__WIRE_VARINT, 8},
	[PROTOBUF_C_TYPE_FIXED64] = {PYR__WIRE_64, 8},
	[PROTOBUF_C_TYPE_FLOAT] = {PYR__WIRE_32, 4},
	[PROTOBUF_C_TYPE_DOUBLE] = {PYR__WIRE_64, 8},
	[PROTOBUF_C_TYPE_BOOL] = {PYR__WIRE_VARINT, 4},
	[PROTOBUF_C_TYPE_ENUM] = {PYR__WIRE_VARINT, 4},
	[PROTOBUF_C_TYPE_STRING] = {PYR__WIRE_BYTES, sizeof(char *)},
	[PROTOBUF_C_TYPE_BYTES] = {PYR__WIRE_BYTES, sizeof(ProtobufCBinaryData)},
	[PROTOBUF_C_TYPE_MESSAGE] = {PYR__WIRE_BYTES, sizeof(ProtobufCMessage *)},
};
