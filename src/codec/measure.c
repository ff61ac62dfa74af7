/* SPDX-License-Identifier: Apache-2.0 */
/* How many bytes a message takes, and whether it can be sent at all: one walk for both. */
#include "base/utf8.h"
#include "codec/decode.h"
#include "codec/encoder.h"

static pyr_status bad(pyr_error *err, const ProtobufCMessage *message,
	const ProtobufCFieldDescriptor *field, const char *what)
{
	return pyr_error_set(err, PYR_INVALID_ARGUMENT, "%s.%s %s", message->descriptor->name,
		field->name, what);
}

typedef struct measuring {
	const ProtobufCMessage *message;
	const ProtobufCFieldDescriptor *field;
	unsigned depth;
	size_t size; /* so far */
	pyr_error *err;
} measuring;

static pyr_status measure(
	const ProtobufCMessage *message, unsigned depth, size_t *ret_size, pyr_error *err);

/* Past any limit it stays there, and does not run over. */
static void add(measuring *m, size_t size)
{
	m->size = size > SIZE_MAX / 2 ? SIZE_MAX / 2 : m->size + size;
}

/* One with a length before it. */
static void add_sized(measuring *m, size_t size)
{
	m->size += pyr__varint_size(size);
	add(m, size);
}

static pyr_status add_string(measuring *m, const char *text)
{
	if (!text)
		return bad(m->err, m->message, m->field, "is NULL");
	size_t size = strlen(text);
	if (pyr__utf8_valid_bytes(text, size) < size)
		return bad(m->err, m->message, m->field, "is not UTF-8");
	add_sized(m, size);
	return PYR_OK;
}

static pyr_status add_bytes(measuring *m, const ProtobufCBinaryData *bytes)
{
	if (bytes->len && !bytes->data)
		return bad(m->err, m->message, m->field, "has bytes without data");
	add_sized(m, bytes->len);
	return PYR_OK;
}

static pyr_status add_message(measuring *m, const ProtobufCMessage *message)
{
	size_t size;
	if (!message)
		return bad(m->err, m->message, m->field, "is NULL");
	if (message->descriptor && message->descriptor != m->field->descriptor)
		return bad(m->err, m->message, m->field, "is a message of another type");
	pyr_status status = measure(message, m->depth + 1, &size, m->err);
	if (status == PYR_OK)
		add_sized(m, size);
	return status;
}

static pyr_status add_value(measuring *m, const void *member)
{
	switch (m->field->type) {
	case PROTOBUF_C_TYPE_STRING:
		return add_string(m, pyr__encoder_pointer(member));
	case PROTOBUF_C_TYPE_BYTES:
		return add_bytes(m, member);
	case PROTOBUF_C_TYPE_MESSAGE:
		return add_message(m, pyr__encoder_pointer(member));
	default:
		m->size += pyr__wire_of(m->field) == PYR__WIRE_VARINT
				   ? pyr__varint_size(pyr__varint_of(m->field->type, member))
				   : pyr__wire_size_of(m->field);
		return PYR_OK;
	}
}

static pyr_status too_large(const ProtobufCMessage *message, pyr_error *err)
{
	return pyr_error_set(err, PYR_INVALID_ARGUMENT,
		"%s takes more than protobuf's limit of 2 GiB", message->descriptor->name);
}

static pyr_status add_repeated(measuring *m)
{
	size_t count = pyr__encoder_count(m->message, m->field);
	const uint8_t *array = pyr__encoder_pointer(pyr__encoder_member(m->message, m->field));
	size_t tag = pyr__varint_size((uint64_t)m->field->id << 3);
	size_t before = m->size, element = pyr__wire_size_of(m->field);
	bool packed = pyr__encoder_is_packed(m->field);
	pyr_status status = PYR_OK;
	if (count && !array)
		return bad(m->err, m->message, m->field, "has elements but no array");
	for (size_t i = 0; i < count && !status; i++) {
		m->size += packed ? 0 : tag;
		status = add_value(m, array + i * element);
		if (!status && m->size > INT32_MAX)
			return too_large(m->message, m->err);
	}
	if (packed && count)
		m->size += tag + pyr__varint_size(m->size - before);
	return status;
}

static pyr_status add_field(measuring *m)
{
	if (m->field->label == PROTOBUF_C_LABEL_REPEATED)
		return add_repeated(m);
	if (!pyr__encoder_is_sent(m->message, m->field))
		return PYR_OK;
	m->size += pyr__varint_size((uint64_t)m->field->id << 3);
	return add_value(m, pyr__encoder_member(m->message, m->field));
}

static pyr_status no_unknown(const ProtobufCMessage *message, pyr_error *err)
{
	return pyr_error_set(err, PYR_INVALID_ARGUMENT, "%s has unknown fields without data",
		message->descriptor->name);
}

static pyr_status add_unknown(measuring *m)
{
	const ProtobufCMessage *message = m->message;
	if (!message->unknown_fields)
		return no_unknown(message, m->err);
	for (unsigned i = 0; i < message->n_unknown_fields; i++) {
		const ProtobufCMessageUnknownField *field = &message->unknown_fields[i];
		if (field->len && !field->data)
			return no_unknown(message, m->err);
		m->size += pyr__varint_size((uint64_t)field->tag << 3);
		add(m, field->len);
		if (m->size > INT32_MAX)
			return too_large(message, m->err);
	}
	return PYR_OK;
}

static pyr_status measure(
	const ProtobufCMessage *message, unsigned depth, size_t *ret_size, pyr_error *err)
{
	const ProtobufCMessageDescriptor *descriptor = message->descriptor;
	if (!descriptor || descriptor->magic != PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"a message was not initialised: begin with its __INIT");
	if (depth > PYR__DECODE_DEPTH_MAX)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"%s is nested deeper than %d messages", descriptor->name,
			PYR__DECODE_DEPTH_MAX);
	measuring m = {.message = message, .depth = depth, .err = err};
	for (unsigned i = 0; i < descriptor->n_fields; i++) {
		m.field = &descriptor->fields[i];
		pyr_status status = add_field(&m);
		if (status)
			return status;
		if (m.size > INT32_MAX)
			return too_large(message, err);
	}
	*ret_size = m.size;
	if (!message->n_unknown_fields)
		return PYR_OK;
	pyr_status status = add_unknown(&m);
	*ret_size = m.size;
	return status;
}

pyr_status pyr__encoded_size(const ProtobufCMessage *message, size_t *ret_size, pyr_error *err)
{
	size_t size;
	if (!message)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT, "a message is NULL");
	pyr_status status = measure(message, 1, &size, err);
	if (status == PYR_OK)
		*ret_size = size;
	return status;
}
