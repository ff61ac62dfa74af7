/* SPDX-License-Identifier: Apache-2.0 */
/* Reading UTF-8. */
#include "utf8.h"

/* How many bytes follow the first one of a character; 4 if it is none. */
static unsigned continuation_count(unsigned char first)
{
	if (first < 0x80)
		return 0;
	if (first < 0xc2)
		return 4;
	if (first < 0xe0)
		return 1;
	if (first < 0xf0)
		return 2;
	return first < 0xf5 ? 3 : 4;
}

size_t gen_utf8_next(const char *text, uint32_t *ret_character)
{
	const unsigned char *bytes = (const unsigned char *)text;
	unsigned more = continuation_count(bytes[0]);
	static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
	uint32_t c = more == 0 ? bytes[0] : bytes[0] & (0x3fu >> more);

	*ret_character = GEN_UTF8_BAD;
	if (more > 3)
		return 1;
	for (unsigned i = 1; i <= more; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 1;
		c = c << 6 | (bytes[i] & 0x3f);
	}
	if (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 1;
	*ret_character = c;
	return 1 + more;
}

size_t gen_utf8_width(const char *text, size_t size)
{
	size_t width = 0;

	for (size_t at = 0; at < size;) {
		uint32_t c;

		at += gen_utf8_next(text + at, &c);
		width += c < 0x300 ? 1 : 2;
	}
	return width;
}
