/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list of keys and values, kept twice: encoded, as it travels, and as NUL-terminated texts, as it
 * is asked for.
 */
#include "base/metadata.h"

#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/apart.h"

#define KEY_MAX     255u
#define HEADER_SIZE 3u /* key size, value size */

typedef struct bytes {
	char *data;
	size_t size;
	size_t room;
} bytes;

typedef struct entry {
	size_t key; /* where in texts; the value is behind the key's NUL */
	uint32_t key_size;
	uint32_t value_size;
} entry;

struct pyr_metadata {
	bytes block;
	bytes texts;
	entry *entries;
	size_t count;
	size_t entry_room;
};

/* One entry of a block, in place. */
typedef struct view {
	pyr__text key;
	pyr__text value;
} view;

static void reserve(bytes *b, size_t more)
{
	if (b->room - b->size >= more)
		return;
	b->room = b->room * 2 > b->size + more ? b->room * 2 : b->size + more + 32;
	b->data = pyr__realloc(b->data, b->room);
}

static void append(bytes *b, const void *data, size_t size)
{
	if (size > 0)
		memcpy(b->data + b->size, data, size);
	b->size += size;
}

static bool is_key_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

static bool is_binary(pyr__text key)
{
	return key.size >= 4 && memcmp(key.data + key.size - 4, "-bin", 4) == 0;
}

/* How many bytes from the start are as they must be; key.size if all are. */
static size_t valid_key_bytes(pyr__text key)
{
	size_t i = 0;
	while (i < key.size && is_key_char(key.data[i]))
		i++;
	return i;
}

static size_t valid_value_bytes(pyr__text key, pyr__text value)
{
	if (is_binary(key))
		return value.size;
	size_t i = 0;
	while (i < value.size && value.data[i] >= ' ' && value.data[i] <= '~')
		i++;
	return i;
}

/* Reads the entry at *at and steps behind it; false if it is malformed or cut off. */
static bool next_entry(pyr__text block, size_t *at, view *ret_view)
{
	if (block.size - *at < HEADER_SIZE)
		return false;
	const uint8_t *header = (const uint8_t *)block.data + *at;
	const char *key = block.data + *at + HEADER_SIZE;
	size_t key_size = header[0], value_size = header[1] | (size_t)header[2] << 8;
	if (key_size == 0 || block.size - *at - HEADER_SIZE < key_size + value_size)
		return false;
	ret_view->key = (pyr__text){key, key_size};
	ret_view->value = (pyr__text){key + key_size, value_size};
	*at += HEADER_SIZE + key_size + value_size;
	return valid_key_bytes(ret_view->key) == key_size &&
	       valid_value_bytes(ret_view->key, ret_view->value) == value_size;
}

PYR__APART bool pyr__metadata_check(const void *block, size_t size)
{
	view v;
	for (size_t at = 0; at < size;)
		if (!next_entry((pyr__text){block, size}, &at, &v))
			return false;
	return true;
}

pyr_metadata *pyr_metadata_new(void)
{
	return pyr__zalloc(sizeof(pyr_metadata));
}

void pyr_metadata_free(pyr_metadata *metadata)
{
	if (!metadata)
		return;
	free(metadata->block.data);
	free(metadata->texts.data);
	free(metadata->entries);
	free(metadata);
}

void pyr_metadata_clear(pyr_metadata *metadata)
{
	metadata->block.size = 0;
	metadata->texts.size = 0;
	metadata->count = 0;
}

/* Adds the readable form of an entry. */
static void add_texts(pyr_metadata *metadata, pyr__text key, pyr__text value)
{
	if (metadata->count == metadata->entry_room) {
		metadata->entry_room = metadata->entry_room * 2 + 4;
		metadata->entries = pyr__realloc(
			metadata->entries, metadata->entry_room * sizeof *metadata->entries);
	}
	bytes *texts = &metadata->texts;
	metadata->entries[metadata->count++] =
		(entry){texts->size, (uint32_t)key.size, (uint32_t)value.size};
	reserve(texts, key.size + value.size + 2);
	append(texts, key.data, key.size);
	append(texts, "", 1);
	append(texts, value.data, value.size);
	append(texts, "", 1);
}

/* Adds an entry whose key and value are valid. */
static void add(pyr_metadata *metadata, pyr__text key, pyr__text value)
{
	bytes *block = &metadata->block;
	size_t start = block->size;
	uint8_t header[HEADER_SIZE] = {
		(uint8_t)key.size, (uint8_t)value.size, (uint8_t)(value.size >> 8)};
	reserve(block, HEADER_SIZE + key.size + value.size);
	append(block, header, sizeof header);
	append(block, key.data, key.size);
	append(block, value.data, value.size);
	/* from the block: key and value may be texts of this very metadata, which move now */
	key.data = block->data + start + HEADER_SIZE;
	value.data = key.data + key.size;
	add_texts(metadata, key, value);
}

static bool is_reserved(const char *key)
{
	return strncmp(key, "grpc-", 5) == 0 || strncmp(key, "pyrite-", 7) == 0;
}

static pyr_status check_key(pyr__text key, pyr_error *err)
{
	if (key.size == 0 || key.size > KEY_MAX)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"a metadata key has 1 to %u bytes, not %zu", KEY_MAX, key.size);
	size_t valid = valid_key_bytes(key);
	if (valid < key.size)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"byte %zu of the metadata key (0x%02x) is none of a-z, 0-9, '-', '_' and "
			"'.'",
			valid + 1, (unsigned char)key.data[valid]);
	return PYR_OK;
}

static pyr_status check_value(pyr__text key, pyr__text value, pyr_error *err)
{
	if (value.size > PYR__METADATA_VALUE_MAX)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"the value of '%s' has %zu bytes, more than %u", key.data, value.size,
			PYR__METADATA_VALUE_MAX);
	size_t valid = valid_value_bytes(key, value);
	if (valid < value.size)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"byte %zu of the value of '%s' (0x%02x) is not printable ASCII: a key that "
			"ends in '-bin' takes any bytes",
			valid + 1, key.data, (unsigned char)value.data[valid]);
	return PYR_OK;
}

static pyr_status check_and_add(
	pyr_metadata *metadata, pyr__text key, pyr__text value, bool reserved_too, pyr_error *err)
{
	pyr_status status = check_key(key, err);
	if (status == PYR_OK && !reserved_too && is_reserved(key.data))
		status = pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"the metadata key '%s' is reserved: 'grpc-' and 'pyrite-' are not for "
			"applications",
			key.data);
	if (status == PYR_OK)
		status = check_value(key, value, err);
	if (status == PYR_OK)
		add(metadata, key, value);
	return status;
}

pyr_status pyr__metadata_add_reserved(
	pyr_metadata *metadata, const char *key, const void *value, size_t size, pyr_error *err)
{
	return check_and_add(
		metadata, (pyr__text){key, strlen(key)}, (pyr__text){value, size}, true, err);
}

pyr_status pyr_metadata_add_bytes(
	pyr_metadata *metadata, const char *key, const void *value, size_t size, pyr_error *err)
{
	return check_and_add(
		metadata, (pyr__text){key, strlen(key)}, (pyr__text){value, size}, false, err);
}

pyr_status pyr_metadata_add(
	pyr_metadata *metadata, const char *key, const char *value, pyr_error *err)
{
	return pyr_metadata_add_bytes(metadata, key, value, strlen(value), err);
}

bool pyr_metadata_at(const pyr_metadata *metadata, size_t index, const char **ret_key,
	const char **ret_value, size_t *ret_size)
{
	if (index >= metadata->count)
		return false;
	const entry *e = &metadata->entries[index];
	*ret_key = metadata->texts.data + e->key;
	*ret_value = *ret_key + e->key_size + 1;
	if (ret_size)
		*ret_size = e->value_size;
	return true;
}

const char *pyr_metadata_get(const pyr_metadata *metadata, const char *key)
{
	const char *k, *value;
	for (size_t i = 0; pyr_metadata_at(metadata, i, &k, &value, NULL); i++)
		if (strcmp(k, key) == 0)
			return value;
	return NULL;
}

size_t pyr_metadata_count(const pyr_metadata *metadata)
{
	return metadata->count;
}

pyr__text pyr__metadata_text(const pyr_metadata *metadata)
{
	if (!metadata)
		return (pyr__text){NULL, 0};
	return (pyr__text){metadata->block.data, metadata->block.size};
}

bool pyr__metadata_load(pyr_metadata *metadata, pyr__text block)
{
	if (!pyr__metadata_check(block.data, block.size))
		return false;
	pyr_metadata_clear(metadata);
	view v;
	for (size_t at = 0; at < block.size && next_entry(block, &at, &v);)
		add(metadata, v.key, v.value);
	return true;
}

pyr_metadata *pyr__metadata_copy(const pyr_metadata *metadata)
{
	if (!metadata)
		return NULL;
	pyr_metadata *copy = pyr_metadata_new();
	pyr__metadata_load(copy, pyr__metadata_text(metadata));
	return copy;
}
