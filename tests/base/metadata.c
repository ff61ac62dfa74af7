/* SPDX-License-Identifier: Apache-2.0 */
/* Metadata: what it takes, what it refuses, and how it is encoded. */
#include "base/metadata.h"

#include <criterion/criterion.h>
#include <string.h>
#include "leaks.h"

static pyr_metadata *sample(void)
{
	pyr_metadata *m = pyr_metadata_new();
	cr_assert(pyr_metadata_add(m, "user", "ada", NULL) == PYR_OK);
	cr_assert(pyr_metadata_add_bytes(m, "trace-bin", "\0\xff\n", 3, NULL) == PYR_OK);
	cr_assert(pyr_metadata_add(m, "user", "grace", NULL) == PYR_OK);
	cr_assert(pyr_metadata_add(m, "empty", "", NULL) == PYR_OK);
	return m;
}

/* What sample() is on the wire. */
static const char sample_block[] = "\x04\x03\0userada"
				   "\x09\x03\0trace-bin\0\xff\n"
				   "\x04\x05\0usergrace"
				   "\x05\0\0empty";
#define SAMPLE_SIZE (sizeof sample_block - 1)

static void check_sample(const pyr_metadata *m)
{
	const char *key, *value;
	size_t size;
	cr_assert(pyr_metadata_count(m) == 4);
	cr_assert(pyr_metadata_at(m, 0, &key, &value, &size));
	cr_assert(strcmp(key, "user") == 0 && strcmp(value, "ada") == 0 && size == 3);
	cr_assert(pyr_metadata_at(m, 1, &key, &value, &size));
	cr_assert(strcmp(key, "trace-bin") == 0 && size == 3);
	cr_assert(memcmp(value, "\0\xff\n", 4) == 0);
	cr_assert(pyr_metadata_at(m, 2, &key, &value, NULL));
	cr_assert(strcmp(key, "user") == 0 && strcmp(value, "grace") == 0);
	cr_assert(pyr_metadata_at(m, 3, &key, &value, &size));
	cr_assert(strcmp(key, "empty") == 0 && strcmp(value, "") == 0 && size == 0);
	cr_assert(!pyr_metadata_at(m, 4, &key, &value, &size));
}

Test(metadata, keeps_order_and_repeated_keys)
{
	pyr_metadata *m = sample();
	check_sample(m);
	pyr_metadata_free(m);
	CHECK_LEAKS();
}

Test(metadata, gives_the_first_value_of_a_key)
{
	pyr_metadata *m = sample();
	cr_assert_str_eq(pyr_metadata_get(m, "user"), "ada");
	cr_assert_str_eq(pyr_metadata_get(m, "empty"), "");
	cr_assert(pyr_metadata_get(m, "use") == NULL);
	cr_assert(pyr_metadata_get(m, "ada") == NULL);
	pyr_metadata_free(m);
	CHECK_LEAKS();
}

Test(metadata, is_empty_at_first_and_after_clear)
{
	pyr_metadata *m = pyr_metadata_new();
	cr_assert(pyr_metadata_count(m) == 0 && pyr__metadata_text(m).size == 0);
	cr_assert(pyr_metadata_get(m, "user") == NULL);
	cr_assert(pyr_metadata_add(m, "a", "b", NULL) == PYR_OK);
	pyr_metadata_clear(m);
	cr_assert(pyr_metadata_count(m) == 0 && pyr__metadata_text(m).size == 0);
	cr_assert(pyr_metadata_get(m, "a") == NULL);
	pyr_metadata_free(m);
	pyr_metadata_free(NULL);
	CHECK_LEAKS();
}

Test(metadata, copies_a_value_that_is_its_own)
{
	pyr_metadata *m = sample();
	for (int i = 0; i < 1000; i++)
		cr_assert(
			pyr_metadata_add(m, "again", pyr_metadata_get(m, "user"), NULL) == PYR_OK);
	const char *key, *value;
	for (size_t i = 4; pyr_metadata_at(m, i, &key, &value, NULL); i++)
		cr_assert(strcmp(key, "again") == 0 && strcmp(value, "ada") == 0);
	pyr_metadata_free(m);
	CHECK_LEAKS();
}

static const struct {
	const char *key, *value, *message;
} refused[] = {
	{"", "v", "1 to 255 bytes, not 0"},
	{"User", "v", "byte 1 of the metadata key (0x55)"},
	{"user name", "v", "byte 5 of the metadata key (0x20)"},
	{"us\xc3\xa9r", "v", "byte 3 of the metadata key (0xc3)"},
	{"a:b", "v", "byte 2 of the metadata key (0x3a)"},
	{"grpc-timeout", "1S", "'grpc-timeout' is reserved"},
	{"pyrite-object", "calc", "'pyrite-object' is reserved"},
	{"grpc-\x01", "v", "byte 6 of the metadata key (0x01)"},
	{"user", "a\nb", "byte 2 of the value of 'user' (0x0a)"},
	{"user", "ad\xc3\xa0", "byte 3 of the value of 'user' (0xc3)"},
	{"user", "\x7f", "byte 1 of the value of 'user' (0x7f)"},
	{"-bi", "\x7f", "byte 1 of the value of '-bi' (0x7f)"},
};

Test(metadata, refuses_bad_keys_and_values_and_says_where)
{
	pyr_metadata *m = pyr_metadata_new();
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		pyr_error err;
		cr_assert(pyr_metadata_add(m, refused[i].key, refused[i].value, &err) ==
			  PYR_INVALID_ARGUMENT);
		cr_assert(strstr(err.message, refused[i].message), "%s", err.message);
	}
	cr_assert(pyr_metadata_count(m) == 0 && pyr__metadata_text(m).size == 0);
	pyr_metadata_free(m);
	CHECK_LEAKS();
}

Test(metadata, takes_keys_of_255_bytes_and_values_of_65535)
{
	char key[257], *value = calloc(1, 65537);
	memset(key, 'k', sizeof key - 1);
	memset(value, 'v', 65536);
	pyr_metadata *m = pyr_metadata_new();
	pyr_error err;
	key[256] = '\0';
	cr_assert(pyr_metadata_add(m, key, "v", &err) == PYR_INVALID_ARGUMENT);
	cr_assert(strstr(err.message, "not 256"), "%s", err.message);
	key[255] = '\0';
	cr_assert(pyr_metadata_add(m, key, value, &err) == PYR_INVALID_ARGUMENT);
	cr_assert(strstr(err.message, "65536 bytes"), "%s", err.message);
	value[65535] = '\0';
	cr_assert(pyr_metadata_add(m, key, value, NULL) == PYR_OK);
	cr_assert_str_eq(pyr_metadata_get(m, key), value);
	pyr__text block = pyr__metadata_text(m);
	cr_assert(block.size == 3 + 255 + 65535);
	cr_assert(pyr__metadata_check(block.data, block.size));
	pyr_metadata_free(m);
	free(value);
	CHECK_LEAKS();
}

Test(metadata, takes_reserved_keys_from_the_inside_only)
{
	pyr_metadata *m = pyr_metadata_new();
	cr_assert(pyr__metadata_add_reserved(m, "pyrite-object", "calc", 4, NULL) == PYR_OK);
	cr_assert_str_eq(pyr_metadata_get(m, "pyrite-object"), "calc");
	cr_assert(pyr__metadata_add_reserved(m, "grpc-x", "\n", 1, NULL) == PYR_INVALID_ARGUMENT);
	cr_assert(pyr_metadata_add(m, "grpcx", "v", NULL) == PYR_OK);
	pyr_metadata_free(m);
	CHECK_LEAKS();
}

Test(metadata, is_encoded_as_the_wire_wants_it)
{
	pyr_metadata *m = sample();
	pyr__text block = pyr__metadata_text(m);
	cr_assert(block.size == SAMPLE_SIZE);
	cr_assert(memcmp(block.data, sample_block, SAMPLE_SIZE) == 0);
	cr_assert(pyr__metadata_text(NULL).size == 0);
	pyr_metadata_free(m);
	CHECK_LEAKS();
}

Test(metadata, is_loaded_from_a_block_in_place_of_what_it_held)
{
	pyr_metadata *m = pyr_metadata_new();
	cr_assert(pyr_metadata_add(m, "old", "1", NULL) == PYR_OK);
	cr_assert(pyr__metadata_load(m, (pyr__text){sample_block, SAMPLE_SIZE}));
	check_sample(m);
	cr_assert(pyr__metadata_load(m, (pyr__text){NULL, 0}));
	cr_assert(pyr_metadata_count(m) == 0);
	pyr_metadata_free(m);
	CHECK_LEAKS();
}

Test(metadata, stays_as_it_is_when_a_block_is_malformed)
{
	pyr_metadata *m = sample();
	cr_assert(!pyr__metadata_load(m, (pyr__text){sample_block, SAMPLE_SIZE - 1}));
	check_sample(m);
	pyr_metadata_free(m);
	CHECK_LEAKS();
}

Test(metadata, is_copied_with_all_entries)
{
	pyr_metadata *m = sample(), *copy = pyr__metadata_copy(m);
	pyr_metadata_free(m);
	check_sample(copy);
	pyr_metadata_free(copy);
	cr_assert(pyr__metadata_copy(NULL) == NULL);
	CHECK_LEAKS();
}

Test(metadata, finds_every_cut_block_malformed)
{
	const size_t ends[] = {0, 10, 25, 37, 45};
	for (size_t size = 0, k = 0; size <= SAMPLE_SIZE; size++) {
		/* a copy of just this size, so that reading on is found out */
		char *block = malloc(size + !size);
		memcpy(block, sample_block, size);
		bool whole = k < 5 && ends[k] == size;
		k += whole;
		cr_assert(pyr__metadata_check(block, size) == whole, "at %zu", size);
		free(block);
	}
	CHECK_LEAKS();
}

Test(metadata, finds_bad_keys_and_values_in_a_block)
{
	const struct {
		const char *block;
		size_t size;
		bool valid;
	} blocks[] = {
		{"\x01\x01\0kv", 5, true},
		{"\0\x01\0v", 4, false},     /* no key */
		{"\x01\x01\0Kv", 5, false},  /* a capital letter */
		{"\x01\x01\0k\n", 5, false}, /* a control character */
		{"\x01\x01\0k\x80", 5, false},
		{"\x04\x01\0-bin\n", 8, true}, /* a binary value */
		{"\x01\0\xffk", 4, false},     /* 65,280 bytes that are not there */
		{"\x06\x01\0grpc-av", 10, true},
	};
	for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++)
		cr_assert(pyr__metadata_check(blocks[i].block, blocks[i].size) == blocks[i].valid,
			"block %zu", i);
}
