/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of names, tags and references. */
#include "check.h"

#include <string.h>
#include <pyrite/reference.h>

/*
 * Takes one character off text and returns how many bytes it has: 0 if they are not UTF-8
 * (RFC 3629: no surrogates, no longer form than needed, nothing above U+10FFFF).
 */
static size_t decode(const unsigned char *text, uint32_t *ret_character)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char lead = text[0];
	size_t size = 0;
	if (lead < 0x80)
		size = 1;
	else if (lead >= 0xc0 && lead < 0xf8)
		size = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	if (size == 0)
		return 0;
	uint32_t character = size == 1 ? lead : lead & (0x7fu >> size);
	for (size_t i = 1; i < size; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		character = character << 6 | (text[i] & 0x3f);
	}
	if (character < least[size] || character > 0x10ffff ||
		(character >= 0xd800 && character < 0xe000))
		return 0;
	*ret_character = character;
	return size;
}

static bool is_control(uint32_t character)
{
	return character < 0x20 || (character >= 0x7f && character < 0xa0);
}

static pyr_status check_text(const char *what, const char *text, size_t max, pyr_error *err)
{
	size_t size = strnlen(text, max + 1);
	if (size == 0)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT, "the %s is empty", what);
	if (size > max)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"the %s is longer than %zu bytes: \"%.32s...\"", what, max, text);
	for (size_t at = 0, step; at < size; at += step) {
		uint32_t character;
		step = decode((const unsigned char *)text + at, &character);
		if (step == 0)
			return pyr_error_set(err, PYR_INVALID_ARGUMENT,
				"the %s is not UTF-8 at byte %zu", what, at + 1);
		if (is_control(character))
			return pyr_error_set(err, PYR_INVALID_ARGUMENT,
				"the %s has the control character U+%04X at byte %zu", what,
				(unsigned)character, at + 1);
	}
	return PYR_OK;
}

pyr_status ns_check_name(const char *name, pyr_error *err)
{
	return check_text("name", name, NS_NAME_MAX, err);
}

pyr_status ns_check_tag(const char *tag, pyr_error *err)
{
	pyr_status status = check_text("tag", tag, NS_NAME_MAX, err);
	const char *comma = status ? NULL : strchr(tag, ',');
	if (comma)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"the tag \"%.64s\" has a ',' at byte %td", tag, comma - tag + 1);
	return status;
}

pyr_status ns_check_principal(const char *principal, pyr_error *err)
{
	return *principal ? check_text("principal", principal, NS_NAME_MAX, err) : PYR_OK;
}

pyr_status ns_check_reference_text(const char *reference, pyr_error *err)
{
	return check_text("reference", reference, PYR_REFERENCE_MAX - 1, err);
}
