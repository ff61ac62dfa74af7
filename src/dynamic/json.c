/* SPDX-License-Identifier: Apache-2.0 */
/* Types for reading and writing JSON: what the pool knows beside how a message is laid out. */
#include "dynamic/json.h"

#include <string.h>

/* Generated code and the pool's file must have the same fields. */
static bool agree(const pyr__pool_message *info, const ProtobufCMessageDescriptor *layout)
{
	const ProtobufCMessageDescriptor *own = &info->descriptor;
	if (own == layout)
		return true;
	if (own->n_fields != layout->n_fields)
		return false;
	for (unsigned i = 0; i < own->n_fields; i++)
		if (own->fields[i].id != layout->fields[i].id ||
			own->fields[i].type != layout->fields[i].type ||
			(own->fields[i].label == PROTOBUF_C_LABEL_REPEATED) !=
				(layout->fields[i].label == PROTOBUF_C_LABEL_REPEATED))
			return false;
	return true;
}

pyr_status pyr__json_type_of(const pyr_pool *pool, const ProtobufCMessageDescriptor *layout,
	pyr__json_type *ret_type, pyr_error *err)
{
	const pyr__pool_message *info = pyr__pool_message_of(pool, layout);
	if (!info)
		return pyr_error_set(err, PYR_NOT_FOUND,
			"the pool does not have %s: add the file that defines it", layout->name);
	if (!agree(info, layout))
		return pyr_error_set(err, PYR_FAILED_PRECONDITION,
			"the pool has %s with other fields than the message", layout->name);
	ret_type->info = info;
	ret_type->layout = layout;
	return PYR_OK;
}

const pyr__pool_message *pyr__json_map_entry(
	const pyr_pool *pool, const ProtobufCFieldDescriptor *field)
{
	if (field->label != PROTOBUF_C_LABEL_REPEATED || field->type != PROTOBUF_C_TYPE_MESSAGE)
		return NULL;
	const pyr__pool_message *entry = pyr__pool_message_of(pool, field->descriptor);
	return entry && entry->map_entry && agree(entry, field->descriptor) ? entry : NULL;
}

void pyr__json_options_fill(pyr_json_options *options, const pyr_json_options *given)
{
	*options = (pyr_json_options)PYR_JSON_OPTIONS_INIT;
	if (given)
		memcpy(options, given,
			given->size < sizeof *options ? given->size : sizeof *options);
	if (!options->bytes_max)
		options->bytes_max = PYR__JSON_BYTES_MAX;
	if (options->indent > 16)
		options->indent = 16;
}

size_t pyr__json_size_of(ProtobufCType type)
{
	switch (type) {
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_MESSAGE:
		return sizeof(void *);
	case PROTOBUF_C_TYPE_BOOL:
		return sizeof(protobuf_c_boolean);
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return 8;
	default:
		return 4;
	}
}

void pyr__json_mark(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
		*(uint32_t *)pyr__json_quantifier(message, field) = field->id;
	else if (field->label == PROTOBUF_C_LABEL_OPTIONAL &&
		 field->type != PROTOBUF_C_TYPE_STRING && field->type != PROTOBUF_C_TYPE_MESSAGE)
		*(protobuf_c_boolean *)pyr__json_quantifier(message, field) = 1;
}

bool pyr__json_takes_null(const pyr_pool *pool, const ProtobufCFieldDescriptor *field)
{
	if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
		const pyr__pool_message *info = pyr__pool_message_of(pool, field->descriptor);
		return info && info->known == PYR__KNOWN_VALUE;
	}
	if (field->type != PROTOBUF_C_TYPE_ENUM)
		return false;
	const pyr__pool_enum *e = pyr__pool_enum_of(pool, field->descriptor);
	return e && e->null_value;
}
