/* SPDX-License-Identifier: Apache-2.0 */
/* Encoding: checks what protobuf-c would trust, and lets it do the work. */
#include "codec/encode.h"

#include "base/utf8.h"
#include "codec/decode.h"

#include <string.h>

static pyr_status bad(pyr_error *err, const ProtobufCMessage *message,
	const ProtobufCFieldDescriptor *field, const char *what)
{
	return pyr_error_set(err, PYR_INVALID_ARGUMENT, "%s.%s %s", message->descriptor->name,
		field->name, what);
}

static pyr_status check(const ProtobufCMessage *message, unsigned depth, pyr_error *err);

static pyr_status check_value(const ProtobufCMessage *message,
	const ProtobufCFieldDescriptor *field, const void *member, bool needed, unsigned depth,
	pyr_error *err)
{
	if (field->type == PROTOBUF_C_TYPE_BYTES) {
		const ProtobufCBinaryData *bytes = member;
		return bytes->len && !bytes->data
			       ? bad(err, message, field, "has bytes without data")
			       : PYR_OK;
	}
	const void *pointer = *(void *const *)member;
	if (!pointer)
		return needed ? bad(err, message, field, "is NULL") : PYR_OK;
	if (field->type == PROTOBUF_C_TYPE_MESSAGE)
		return check(pointer, depth + 1, err);
	size_t size = strlen(pointer);
	return pyr__utf8_valid_bytes(pointer, size) < size
		       ? bad(err, message, field, "is not UTF-8")
		       : PYR_OK;
}

static bool is_plain(ProtobufCType type)
{
	return type != PROTOBUF_C_TYPE_STRING && type != PROTOBUF_C_TYPE_BYTES &&
	       type != PROTOBUF_C_TYPE_MESSAGE;
}

static pyr_status check_repeated(const ProtobufCMessage *message,
	const ProtobufCFieldDescriptor *field, unsigned depth, pyr_error *err)
{
	const uint8_t *base = (const uint8_t *)message;
	size_t count = *(const size_t *)(base + field->quantifier_offset);
	const uint8_t *array = *(uint8_t *const *)(base + field->offset);
	size_t element =
		field->type == PROTOBUF_C_TYPE_BYTES ? sizeof(ProtobufCBinaryData) : sizeof(void *);
	if (count && !array)
		return bad(err, message, field, "has elements but no array");
	pyr_status status = PYR_OK;
	for (size_t i = 0; i < count && !status && !is_plain(field->type); i++)
		status = check_value(message, field, array + i * element, true, depth, err);
	return status;
}

static pyr_status check_field(const ProtobufCMessage *message,
	const ProtobufCFieldDescriptor *field, unsigned depth, pyr_error *err)
{
	const uint8_t *base = (const uint8_t *)message;
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return check_repeated(message, field, depth, err);
	if (is_plain(field->type))
		return PYR_OK;
	bool oneof = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
	if (oneof && *(const uint32_t *)(base + field->quantifier_offset) != field->id)
		return PYR_OK;
	return check_value(message, field, base + field->offset,
		field->label == PROTOBUF_C_LABEL_REQUIRED, depth, err);
}

static pyr_status check(const ProtobufCMessage *message, unsigned depth, pyr_error *err)
{
	const ProtobufCMessageDescriptor *descriptor = message->descriptor;
	if (!descriptor || descriptor->magic != PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"a message was not initialised: begin with its __INIT");
	if (depth > PYR__DECODE_DEPTH_MAX)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"%s is nested deeper than %d messages", descriptor->name,
			PYR__DECODE_DEPTH_MAX);
	pyr_status status = PYR_OK;
	for (unsigned i = 0; i < descriptor->n_fields && !status; i++)
		status = check_field(message, &descriptor->fields[i], depth, err);
	return status;
}

pyr_status pyr__encoded_size(const ProtobufCMessage *message, size_t *ret_size, pyr_error *err)
{
	pyr_status status = check(message, 1, err);
	if (status)
		return status;
	size_t size = protobuf_c_message_get_packed_size(message);
	if (size > INT32_MAX)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"%s takes %zu bytes; protobuf's limit is 2 GiB", message->descriptor->name,
			size);
	*ret_size = size;
	return PYR_OK;
}

uint8_t *pyr__encode(const ProtobufCMessage *message, uint8_t *to, size_t size)
{
	size_t wrote = protobuf_c_message_pack(message, to);
	(void)wrote; /* it is size: the message was measured, and has not changed */
	return to + size;
}
