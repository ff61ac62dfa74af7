/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as descriptors: as a set, and as a single file. Of what is taken, every type must work:
 * the same bytes are decoded as each, written as JSON and read back.
 */
#include <pyrite/dynamic.h>
#include <string.h>
#include "dynamic/pool.h"
#include "fuzz/fuzz.h"

#define TYPES_MAX 50

static void try_json(const pyr_pool *pool, const ProtobufCMessage *message)
{
	pyr_error err;
	char *text;
	ProtobufCMessage *back;
	pyr_json_options options = PYR_JSON_OPTIONS_INIT;
	options.bytes_max = 1 << 20;
	if (pyr_json_write(pool, message, &options, &text, &err)) {
		MUST(err.status == PYR_INVALID_ARGUMENT || err.status == PYR_RESOURCE_EXHAUSTED);
		return;
	}
	/* not everything that is written can be read: two fields may share a JSON name */
	if (pyr_json_read(pool, message->descriptor, text, strlen(text), &options, &back, &err) ==
		PYR_OK)
		protobuf_c_message_free_unpacked(back, NULL);
	free(text);
}

static void try_type(const pyr_pool *pool, const ProtobufCMessageDescriptor *type,
	const uint8_t *data, size_t size)
{
	pyr_error err;
	ProtobufCMessage *message;
	message = pyr_dynamic_new(type);
	MUST(message && message->descriptor == type);
	try_json(pool, message);
	protobuf_c_message_free_unpacked(message, NULL);
	if (pyr_dynamic_unpack(type, data, size, 1 << 20, &message, &err))
		return;
	MUST(protobuf_c_message_get_packed_size(message) <= 2 * size + 64 * type->n_fields + 64);
	try_json(pool, message);
	protobuf_c_message_free_unpacked(message, NULL);
}

static void try_pool(const pyr_pool *pool, const uint8_t *data, size_t size)
{
	unsigned tried = 0;
	for (uint32_t i = 0; i < pool->symbols.count && tried < TYPES_MAX; i++) {
		const pyr__symbol *symbol = pool->symbols.entries[i].value;
		const ProtobufCMessageDescriptor *type = pyr_pool_message(pool, symbol->name);
		MUST(pyr_pool_file_of(pool, symbol->name) == &symbol->file->file);
		if (!type)
			continue;
		try_type(pool, type, data, size);
		tried++;
	}
	const pyr_interface *interface;
	for (size_t i = 0; (interface = pyr_pool_interface_at(pool, i)) != NULL; i++)
		for (uint32_t m = 0; m < interface->method_count; m++)
			MUST(interface->methods[m].input && interface->methods[m].output);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	pyr_pool_options options = PYR_POOL_OPTIONS_INIT;
	options.definitions_max = 5000;
	for (int single = 0; single < 2; single++) {
		pyr_error err;
		pyr_pool *pool = pyr_pool_new(&options);
		pyr_status status = single ? pyr_pool_add_file(pool, data, size, &err)
					   : pyr_pool_add_set(pool, data, size, &err);
		MUST(status == PYR_OK || err.message[0]);
		try_pool(pool, data, size);
		pyr_pool_free(pool);
	}
	return 0;
}
