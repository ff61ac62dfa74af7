/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8: every character, and everything that is none. */
#include "base/utf8.h"

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static size_t encode(uint32_t c, char *to)
{
	size_t size = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const uint8_t leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
	for (size_t i = size; i-- > 1; c >>= 6)
		to[i] = (char)(0x80 | (c & 0x3f));
	to[0] = (char)(leads[size] | c);
	return size;
}

Test(utf8, takes_every_character_but_surrogates_and_nothing_past_the_last)
{
	for (uint32_t c = 0; c < 0x1fffff; c++) {
		char text[4];
		size_t size = encode(c, text);
		bool valid = c <= 0x10ffff && !(c >= 0xd800 && c <= 0xdfff);
		cr_assert(pyr__utf8_valid_bytes(text, size) == (valid ? size : 0), "U+%04X", c);
	}
}

/* All sequences of up to three bytes: just as many are valid as there are such characters. */
Test(utf8, takes_no_character_in_two_ways)
{
	size_t counts[4] = {0};
	for (uint32_t bits = 0; bits < 1u << 24; bits++) {
		const char text[3] = {(char)(bits >> 16), (char)(bits >> 8), (char)bits};
		/* count one character alone: its first bytes must not be valid by themselves */
		if (bits < 256)
			counts[1] += pyr__utf8_valid_bytes(text + 2, 1) == 1;
		if (bits < 65536 && (uint8_t)text[1] >= 0x80)
			counts[2] += pyr__utf8_valid_bytes(text + 1, 2) == 2;
		if ((uint8_t)text[0] >= 0x80 && pyr__utf8_valid_bytes(text, 2) == 0)
			counts[3] += pyr__utf8_valid_bytes(text, 3) == 3;
	}
	cr_assert(counts[1] == 0x80);
	cr_assert(counts[2] == 0x800 - 0x80);
	cr_assert(counts[3] == 0x10000 - 0x800 - 0x800);
}

Test(utf8, counts_the_bytes_before_the_first_bad_one)
{
	const struct {
		const char *text;
		size_t valid, printable;
	} texts[] = {
		{"", 0, 0},
		{"abc", 3, 3},
		{"ab\xff", 2, 2},
		{"a\xc3\xa9z\xc3", 4, 4},
		{"a\tb", 3, 1},
		{"a\x7f", 2, 1},
		{"\xc2\x9f", 2, 0},
		{"\xc2\xa0", 2, 2},
	};
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		size_t size = strlen(texts[i].text);
		cr_assert(pyr__utf8_valid_bytes(texts[i].text, size) == texts[i].valid);
		cr_assert(pyr__utf8_printable_bytes(texts[i].text, size) == texts[i].printable);
	}
	cr_assert(pyr__utf8_valid_bytes("a\0b", 3) == 3);
	cr_assert(pyr__utf8_printable_bytes("a\0b", 3) == 1);
}
