/* SPDX-License-Identifier: Apache-2.0 */
/* Our metadata, and what else of a call travels in HTTP/2 headers. */
#include "grpc/headers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/metadata.h"
#include "base/utf8.h"

#define ENTRY_HEADER 3u  /* of a metadata block: u8 key size, u16 value size */
#define HTTP2_ENTRY  32u /* what an entry is taken to need besides its texts */

void pyr__headers_init(pyr__headers *headers)
{
	headers->items = headers->own;
	headers->count = 0;
	headers->room = sizeof headers->own / sizeof headers->own[0];
}

void pyr__headers_done(pyr__headers *headers)
{
	for (size_t i = 0; i < headers->count; i++) {
		grpc_slice_unref(headers->items[i].key);
		grpc_slice_unref(headers->items[i].value);
	}
	if (headers->items != headers->own)
		free(headers->items);
}

void pyr__headers_move(pyr__headers *to, pyr__headers *from)
{
	*to = *from;
	if (from->items == from->own)
		to->items = to->own;
	pyr__headers_init(from);
}

size_t pyr__headers_size(const pyr__headers *headers)
{
	size_t size = 0;
	for (size_t i = 0; i < headers->count; i++)
		size += GRPC_SLICE_LENGTH(headers->items[i].key) +
			GRPC_SLICE_LENGTH(headers->items[i].value) + HTTP2_ENTRY;
	return size;
}

static void add(pyr__headers *headers, grpc_slice key, grpc_slice value)
{
	if (headers->count == headers->room) {
		headers->room *= 2;
		size_t size = headers->room * sizeof headers->items[0];
		if (headers->items == headers->own) {
			headers->items = pyr__alloc(size);
			memcpy(headers->items, headers->own, sizeof headers->own);
		} else {
			headers->items = pyr__realloc(headers->items, size);
		}
	}
	headers->items[headers->count++] = (grpc_metadata){.key = key, .value = value};
}

void pyr__headers_add(pyr__headers *headers, const char *key, pyr__text value)
{
	add(headers, grpc_slice_from_static_string(key),
		grpc_slice_from_copied_buffer(value.data, value.size));
}

static bool is_plain(unsigned char c)
{
	return c > ' ' && c < 0x7f && c != '%';
}

void pyr__headers_add_object(pyr__headers *headers, pyr__text object)
{
	static const char digits[] = "0123456789ABCDEF";
	char encoded[3 * PYR_OBJECT_ID_MAX];
	size_t size = 0;
	for (size_t i = 0; i < object.size && i < PYR_OBJECT_ID_MAX; i++) {
		unsigned char c = (unsigned char)object.data[i];
		if (is_plain(c)) {
			encoded[size++] = (char)c;
			continue;
		}
		encoded[size++] = '%';
		encoded[size++] = digits[c >> 4];
		encoded[size++] = digits[c & 15];
	}
	pyr__headers_add(headers, PYR__HEADER_OBJECT, (pyr__text){encoded, size});
}

static bool is(pyr__text text, const char *word)
{
	return strlen(word) == text.size && memcmp(text.data, word, text.size) == 0;
}

static bool begins(pyr__text text, const char *word)
{
	size_t size = strlen(word);
	return text.size >= size && memcmp(text.data, word, size) == 0;
}

/* Headers that HTTP/2 or core writes; an application's would break the call. */
static bool is_of_http(pyr__text key)
{
	static const char *const names[] = {"te", "content-type", "content-length", "user-agent",
		"host", "connection", "keep-alive", "transfer-encoding", "upgrade", "trailer"};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (is(key, names[i]))
			return true;
	return false;
}

/* What is in metadata on other transports as well comes to the application here, too. */
static bool is_our_own(pyr__text key)
{
	return begins(key, "pyrite-") && !is(key, PYR__METADATA_PASSED_ON);
}

/* The entry at *at of a valid block; steps behind it. */
static void next_entry(pyr__text block, size_t *at, pyr__text *ret_key, pyr__text *ret_value)
{
	const uint8_t *header = (const uint8_t *)block.data + *at;
	size_t key_size = header[0], value_size = header[1] | (size_t)header[2] << 8;
	*ret_key = (pyr__text){block.data + *at + ENTRY_HEADER, key_size};
	*ret_value = (pyr__text){ret_key->data + key_size, value_size};
	*at += ENTRY_HEADER + key_size + value_size;
}

pyr_status pyr__headers_add_block(pyr__headers *headers, pyr__text block, pyr_error *err)
{
	for (size_t at = 0; at < block.size;) {
		pyr__text key, value;
		next_entry(block, &at, &key, &value);
		if (is_of_http(key))
			return pyr_error_set(err, PYR_INVALID_ARGUMENT,
				"the metadata key '%.*s' is HTTP's own, which gRPC cannot send",
				(int)key.size, key.data);
		add(headers, grpc_slice_from_copied_buffer(key.data, key.size),
			grpc_slice_from_copied_buffer(value.data, value.size));
	}
	return PYR_OK;
}

void pyr__header_block_done(pyr__header_block *block)
{
	free(block->data);
}

static void append(pyr__header_block *block, pyr__text key, pyr__text value)
{
	size_t more = ENTRY_HEADER + key.size + value.size;
	if (block->room - block->size < more) {
		block->room = (block->size + more) * 2;
		block->data = pyr__realloc(block->data, block->room);
	}
	char *to = block->data + block->size;
	to[0] = (char)key.size;
	to[1] = (char)value.size;
	to[2] = (char)(value.size >> 8);
	memcpy(to + ENTRY_HEADER, key.data, key.size);
	memcpy(to + ENTRY_HEADER + key.size, value.data, value.size);
	if (pyr__metadata_check(to, more))
		block->size += more;
}

void pyr__header_block_append(pyr__header_block *block, const grpc_metadata_array *headers)
{
	for (size_t i = 0; i < headers->count; i++) {
		pyr__text key = pyr__slice_text(&headers->metadata[i].key);
		pyr__text value = pyr__slice_text(&headers->metadata[i].value);
		if (key.size == 0 || key.size > 255 || value.size > PYR__METADATA_VALUE_MAX)
			continue;
		if (key.data[0] == ':' || begins(key, "grpc-") || is_our_own(key) ||
			is_of_http(key) || is(key, PYR__HEADER_AUTHORIZATION))
			continue;
		append(block, key, value);
	}
}

bool pyr__headers_find(const grpc_metadata_array *headers, const char *key, pyr__text *ret_value)
{
	for (size_t i = 0; i < headers->count; i++) {
		if (!is(pyr__slice_text(&headers->metadata[i].key), key))
			continue;
		*ret_value = pyr__slice_text(&headers->metadata[i].value);
		return true;
	}
	return false;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool pyr__headers_object(pyr__text value, char *buf, size_t room, pyr__text *ret_object)
{
	size_t size = 0;
	for (size_t i = 0; i < value.size; i++) {
		char c = value.data[i];
		if (c == '%') {
			if (value.size - i < 3)
				return false;
			int high = hex_digit(value.data[i + 1]), low = hex_digit(value.data[i + 2]);
			if (high < 0 || low < 0)
				return false;
			c = (char)(high << 4 | low);
			i += 2;
		}
		if (size == room)
			return false;
		buf[size++] = c;
	}
	*ret_object = (pyr__text){buf, size};
	return pyr__utf8_valid_bytes(buf, size) == size;
}
