/* SPDX-License-Identifier: Apache-2.0 */
/* Takes UTF-8 apart, one character at a time. */
#include "base/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* The bytes of the character at text, of which size are there; 0 if there is no valid one. */
static size_t decode(const uint8_t *text, size_t size, uint32_t *ret_character)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	uint8_t lead = text[0];
	if (lead < 0x80) {
		*ret_character = lead;
		return 1;
	}
	size_t need = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
	if (lead < 0xc2 || lead > 0xf4 || size < need)
		return 0;
	uint32_t character = lead & (0x7fu >> need);
	for (size_t i = 1; i < need; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		character = character << 6 | (text[i] & 0x3f);
	}
	bool surrogate = character >= 0xd800 && character <= 0xdfff;
	if (character < least[need] || surrogate || character > 0x10ffff)
		return 0;
	*ret_character = character;
	return need;
}

static size_t scan(const char *text, size_t size, bool controls_too)
{
	size_t at = 0;
	while (at < size) {
		uint32_t c;
		size_t step = decode((const uint8_t *)text + at, size - at, &c);
		bool control = step > 0 && (c < 0x20 || (c >= 0x7f && c <= 0x9f));
		if (step == 0 || (control && !controls_too))
			break;
		at += step;
	}
	return at;
}

/* How many bytes from the start are ASCII, in whole words; most text is nothing else. */
static size_t ascii_bytes(const char *text, size_t size)
{
	size_t at = 0;
	for (uint64_t word; size - at >= sizeof word; at += sizeof word) {
		memcpy(&word, text + at, sizeof word);
		if (word & 0x8080808080808080)
			break;
	}
	return at;
}

size_t pyr__utf8_valid_bytes(const char *text, size_t size)
{
	size_t ascii = ascii_bytes(text, size);
	return ascii + scan(text + ascii, size - ascii, true);
}

size_t pyr__utf8_printable_bytes(const char *text, size_t size)
{
	return scan(text, size, false);
}
