/* SPDX-License-Identifier: Apache-2.0 */
/* base64, there and back. */
#include "dynamic/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void pyr__base64_write(const uint8_t *data, size_t size, char *to)
{
	for (size_t at = 0; at < size; at += 3) {
		size_t left = size - at;
		uint32_t three = (uint32_t)data[at] << 16;
		if (left > 1)
			three |= (uint32_t)data[at + 1] << 8;
		if (left > 2)
			three |= data[at + 2];
		*to++ = alphabet[three >> 18];
		*to++ = alphabet[three >> 12 & 63];
		*to++ = left > 1 ? alphabet[three >> 6 & 63] : '=';
		*to++ = left > 2 ? alphabet[three & 63] : '=';
	}
}

static int value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : -1;
}

bool pyr__base64_read(const char *text, size_t size, uint8_t *to, size_t *ret_size)
{
	size_t padding = 0;
	while (padding < 2 && size > 0 && text[size - 1] == '=') {
		size--;
		padding++;
	}
	if (size % 4 == 1 || (padding && (size + padding) % 4 != 0))
		return false;
	uint32_t bits = 0;
	unsigned count = 0;
	uint8_t *end = to;
	for (size_t i = 0; i < size; i++) {
		int value = value_of(text[i]);
		if (value < 0)
			return false;
		bits = bits << 6 | (uint32_t)value;
		count += 6;
		if (count >= 8) {
			count -= 8;
			*end++ = (uint8_t)(bits >> count);
		}
	}
	*ret_size = (size_t)(end - to);
	return true;
}
