/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text as the JSON of several types: what is read is written, and read back the same. As JSON
 * alone, jansson takes and refuses the same texts.
 */
#include <google/protobuf/any.pyr.h>
#include <google/protobuf/api.pyr.h>
#include <google/protobuf/descriptor.pyr.h>
#include <google/protobuf/duration.pyr.h>
#include <google/protobuf/field_mask.pyr.h>
#include <google/protobuf/struct.pyr.h>
#include <google/protobuf/timestamp.pyr.h>
#include <google/protobuf/wrappers.pyr.h>
#include <jansson.h>
#include <pyrite/dynamic.h>
#include <string.h>
#include "dynamic/json_text.h"
#include "fuzz/fuzz.h"

static const char *const types[] = {
	"google.protobuf.Any",
	"google.protobuf.Api",
	"google.protobuf.BytesValue",
	"google.protobuf.DoubleValue",
	"google.protobuf.Duration",
	"google.protobuf.FieldMask",
	"google.protobuf.FileDescriptorProto",
	"google.protobuf.FloatValue",
	"google.protobuf.Int64Value",
	"google.protobuf.Struct",
	"google.protobuf.Timestamp",
	"google.protobuf.UInt64Value",
	"google.protobuf.Value",
};

static pyr_pool *the_pool(void)
{
	static const pyr_file *const files[] = {
		&pyr_file__google_2fprotobuf_2fany_2eproto,
		&pyr_file__google_2fprotobuf_2fapi_2eproto,
		&pyr_file__google_2fprotobuf_2fdescriptor_2eproto,
		&pyr_file__google_2fprotobuf_2fduration_2eproto,
		&pyr_file__google_2fprotobuf_2ffield_5fmask_2eproto,
		&pyr_file__google_2fprotobuf_2fstruct_2eproto,
		&pyr_file__google_2fprotobuf_2ftimestamp_2eproto,
		&pyr_file__google_2fprotobuf_2fwrappers_2eproto,
	};
	static pyr_pool *pool;
	if (pool)
		return pool;
	pool = pyr_pool_new(NULL);
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
		MUST(pyr_pool_add_generated(pool, files[i], NULL) == PYR_OK);
	return pool;
}

static void check_same(const ProtobufCMessage *a, const ProtobufCMessage *b)
{
	size_t size = protobuf_c_message_get_packed_size(a);
	MUST(size == protobuf_c_message_get_packed_size(b));
	uint8_t *left = malloc(size + 1), *right = malloc(size + 1);
	protobuf_c_message_pack(a, left);
	protobuf_c_message_pack(b, right);
	MUST(memcmp(left, right, size) == 0);
	free(left);
	free(right);
}

static void try_type(const char *name, const char *text, size_t size)
{
	pyr_error err;
	ProtobufCMessage *message, *back;
	char *json;
	const pyr_pool *pool = the_pool();
	const ProtobufCMessageDescriptor *type = pyr_pool_message(pool, name);
	if (pyr_json_read(pool, type, text, size, NULL, &message, &err)) {
		MUST(err.status == PYR_RESOURCE_EXHAUSTED ||
			strncmp(err.message, "line ", 5) == 0 || strstr(err.message, " is "));
		return;
	}
	MUST(pyr_json_write(pool, message, NULL, &json, &err) == PYR_OK);
	MUST(pyr_json_read(pool, type, json, strlen(json), NULL, &back, &err) == PYR_OK);
	check_same(message, back);
	free(json);
	protobuf_c_message_free_unpacked(message, NULL);
	protobuf_c_message_free_unpacked(back, NULL);
}

/* Too deep, or a number that no double holds: there jansson has limits of its own. */
static bool has_own_limit(const json_error_t *error)
{
	enum json_error_code code = json_error_code(error);
	return code == json_error_numeric_overflow || code == json_error_stack_overflow;
}

static void ask_jansson(const char *text, size_t size)
{
	pyr_error err;
	json_error_t error;
	pyr__json_in in = {.text = text, .size = size, .err = &err};
	json_t *value = json_loadb(
		text, size, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &error);
	bool theirs = value != NULL, ours = pyr__json_skip(&in) && pyr__json_finish(&in);
	json_decref(value);
	MUST(theirs == ours || (!theirs && has_own_limit(&error)) ||
		(!ours && strstr(err.message, "too deep")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		try_type(types[i], (const char *)data, size);
	/* of NUL bytes jansson lets some pass */
	if (size > 0 && !memchr(data, '\0', size))
		ask_jansson((const char *)data, size);
	return 0;
}
