/* SPDX-License-Identifier: Apache-2.0 */
/* What JSON errors say, limits, options, and messages of generated code. judge.py has the rest. */
#include <criterion/criterion.h>
#include <google/protobuf/api.pyr.h>
#include <google/protobuf/struct.pyr.h>
#include <locale.h>
#include <pyrite/dynamic.h>
#include <pyrite/names.pyr.h>
#include <stdlib.h>
#include <string.h>
#include "leaks.h"

static pyr_pool *new_pool(void)
{
	pyr_error err;
	pyr_pool *pool = pyr_pool_new(NULL);
	cr_assert(pyr_pool_add_generated(pool, &pyr_file__pyrite_2fnames_2eproto, &err) == PYR_OK);
	cr_assert(pyr_pool_add_generated(pool, &pyr_file__google_2fprotobuf_2fapi_2eproto, &err) ==
		  PYR_OK);
	cr_assert(pyr_pool_add_generated(
			  pool, &pyr_file__google_2fprotobuf_2fstruct_2eproto, &err) == PYR_OK);
	return pool;
}

static void refuse(const pyr_pool *pool, const char *type, const char *text, const char *says)
{
	pyr_error err;
	ProtobufCMessage *message;
	cr_assert(pyr_json_read(pool, pyr_pool_message(pool, type), text, strlen(text), NULL,
			  &message, &err) == PYR_INVALID_ARGUMENT,
		"taken: %s", text);
	cr_expect_str_eq(err.message, says);
}

Test(json, says_where_and_what_would_be_right)
{
	pyr_pool *pool = new_pool();
	refuse(pool, "google.protobuf.Api", "{\"nam\": 1}",
		"line 1, column 2: there is no field 'nam' in google.protobuf.Api: did you mean "
		"'name'?");
	refuse(pool, "google.protobuf.Api", "{\n  \"methods\": [{}, {\"name\": 5}]}",
		"line 2, column 28: methods[1].name: there must be a string, not a number");
	refuse(pool, "google.protobuf.Api", "{\"syntax\": \"SYNTAX_PROTO4\"}",
		"line 1, column 12: syntax: google.protobuf.Syntax has no value 'SYNTAX_PROTO4'");
	refuse(pool, "google.protobuf.Api", "{\"zzzzzzzzzz\": 1}",
		"line 1, column 2: there is no field 'zzzzzzzzzz' in google.protobuf.Api");
	refuse(pool, "google.protobuf.Struct", "{\"a\": {\"b\": [1, x]}}",
		"line 1, column 17: a.b[1]: a value is missing, there is something "
		"that is no JSON");
	refuse(pool, "google.protobuf.Api", "",
		"line 1, column 1: there must be an object, not "
		"the end of the text");
	refuse(pool, "google.protobuf.Api", "{\"name\": \"a\\u0000b\"}",
		"line 1, column 10: name: a string with a NUL character (\\u0000) has no place in "
		"a C string");
	refuse(pool, "google.protobuf.Api", "{\"name\": \"\xff\"}",
		"line 1, column 11: name: the text is not UTF-8");
	pyr_pool_free(pool);
	CHECK_LEAKS();
}

/* Nested as deep as a peer likes, the stack stays small. */
Test(json, limits_depth)
{
	pyr_pool *pool = new_pool();
	pyr_error err;
	ProtobufCMessage *message;
	char *text = malloc(200001);
	memset(text, '[', 200000);
	text[200000] = '\0';
	const ProtobufCMessageDescriptor *value = pyr_pool_message(pool, "google.protobuf.Value");
	cr_assert(pyr_json_read(pool, value, text, 200000, NULL, &message, &err) ==
		  PYR_INVALID_ARGUMENT);
	cr_assert(strstr(err.message, "deeper than"), "%s", err.message);
	memcpy(text, "{\"x\":", 5);
	pyr_json_options options = PYR_JSON_OPTIONS_INIT;
	options.ignore_unknown = true;
	cr_assert(pyr_json_read(pool, pyr_pool_message(pool, "google.protobuf.Api"), text, 200000,
			  &options, &message, &err) == PYR_INVALID_ARGUMENT);
	cr_assert(strstr(err.message, "too deep"), "%s", err.message);
	free(text);
	pyr_pool_free(pool);
	CHECK_LEAKS();
}

Test(json, limits_the_memory_of_a_message_and_of_a_text)
{
	pyr_pool *pool = new_pool();
	pyr_error err;
	ProtobufCMessage *message;
	pyr_json_options options = PYR_JSON_OPTIONS_INIT;
	options.bytes_max = 1000;
	const char *text = "[{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}]";
	const ProtobufCMessageDescriptor *list =
		pyr_pool_message(pool, "google.protobuf.ListValue");
	cr_assert(pyr_json_read(pool, list, text, strlen(text), &options, &message, &err) ==
		  PYR_RESOURCE_EXHAUSTED);
	cr_assert(pyr_json_read(pool, list, text, strlen(text), NULL, &message, &err) == PYR_OK);
	char *json;
	options.bytes_max = 50;
	cr_assert(pyr_json_write(pool, message, &options, &json, &err) == PYR_RESOURCE_EXHAUSTED);
	cr_assert(pyr_json_write(pool, message, NULL, &json, &err) == PYR_OK);
	free(json);
	protobuf_c_message_free_unpacked(message, NULL);
	pyr_pool_free(pool);
	CHECK_LEAKS();
}

Test(json, carries_messages_of_generated_code)
{
	pyr_pool *pool = new_pool();
	pyr_error err;
	char *json;
	Pyrite__ListRequest request = PYRITE__LIST_REQUEST__INIT;
	char *tags[] = {"a", "b"};
	request.prefix = "x\"y";
	request.n_tags_all = 2;
	request.tags_all = tags;
	cr_assert(pyr_json_write(pool, &request.base, NULL, &json, &err) == PYR_OK, "%s",
		err.message);
	cr_assert_str_eq(json, "{\"prefix\": \"x\\\"y\", \"tagsAll\": [\"a\", \"b\"]}");
	ProtobufCMessage *back;
	cr_assert(pyr_json_read(pool, &pyrite__list_request__descriptor, json, strlen(json), NULL,
			  &back, &err) == PYR_OK,
		"%s", err.message);
	Pyrite__ListRequest *list = (Pyrite__ListRequest *)back;
	cr_assert_str_eq(list->prefix, "x\"y");
	cr_assert(list->n_tags_all == 2 && strcmp(list->tags_all[1], "b") == 0);
	free(json);
	pyr_json_options options = PYR_JSON_OPTIONS_INIT;
	options.proto_names = true;
	options.indent = 2;
	cr_assert(pyr_json_write(pool, back, &options, &json, &err) == PYR_OK);
	cr_assert_str_eq(json, "{\n  \"prefix\": \"x\\\"y\",\n  \"tags_all\": [\n    \"a\",\n    "
			       "\"b\"\n  ]\n}");
	free(json);
	protobuf_c_message_free_unpacked(back, NULL);
	pyr_pool_free(pool);
	pool = pyr_pool_new(NULL);
	cr_assert(pyr_json_write(pool, &request.base, NULL, &json, &err) == PYR_NOT_FOUND);
	pyr_pool_free(pool);
	CHECK_LEAKS();
}

Test(json, shows_default_values_and_numbers_of_enums_when_asked)
{
	pyr_pool *pool = new_pool();
	char *json;
	pyr_json_options options = PYR_JSON_OPTIONS_INIT;
	options.defaults = options.enum_numbers = true;
	ProtobufCMessage *api = pyr_dynamic_new(pyr_pool_message(pool, "google.protobuf.Api"));
	cr_assert(pyr_json_write(pool, api, &options, &json, NULL) == PYR_OK);
	cr_assert_str_eq(json, "{\"name\": \"\", \"methods\": [], \"options\": [], \"version\": "
			       "\"\", \"mixins\": [], \"syntax\": 0}");
	free(json);
	protobuf_c_message_free_unpacked(api, NULL);
	pyr_pool_free(pool);
	CHECK_LEAKS();
}
