/* SPDX-License-Identifier: Apache-2.0 */
/* Default values, from the descriptor. */
#include "codec/init.h"

#include <stdbool.h>
#include <string.h>

static size_t default_size(ProtobufCType type)
{
	switch (type) {
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return 8;
	case PROTOBUF_C_TYPE_BOOL:
		return sizeof(protobuf_c_boolean);
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	default:
		return 4;
	}
}

void pyr__message_init(const ProtobufCMessageDescriptor *descriptor, ProtobufCMessage *message)
{
	if (descriptor->message_init) {
		descriptor->message_init(message);
		return;
	}
	memset(message, 0, descriptor->sizeof_message);
	message->descriptor = descriptor;
	for (unsigned i = 0; i < descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
		void *member = (uint8_t *)message + field->offset;
		bool is_pointer = field->type == PROTOBUF_C_TYPE_STRING ||
				  field->type == PROTOBUF_C_TYPE_MESSAGE;
		if (!field->default_value || field->label == PROTOBUF_C_LABEL_REPEATED)
			continue;
		if (is_pointer)
			*(const void **)member = field->default_value;
		else
			memcpy(member, field->default_value, default_size(field->type));
	}
}
