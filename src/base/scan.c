/* SPDX-License-Identifier: Apache-2.0 */
/* What references and endpoints have in common: positions in errors, and percent-encoding. */
#include "base/scan.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "base/utf8.h"

pyr_status pyr__scan_fail(const pyr__scan *scan, size_t at, const char *format, ...)
{
	char why[PYR_ERROR_MESSAGE_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(why, sizeof why, format, args);
	va_end(args);
	pyr_error_set(
		scan->err, PYR_INVALID_ARGUMENT, "byte %zu of the %s: %s", at + 1, scan->what, why);
	pyr__error_where(scan->err, "%s", scan->text);
	return PYR_INVALID_ARGUMENT;
}

pyr_status pyr__scan_init(pyr__scan *scan, const char *text, const char *what, pyr_error *err)
{
	*scan = (pyr__scan){text ? text : "", what, 0, err};
	size_t size = strlen(scan->text), good = pyr__utf8_printable_bytes(scan->text, size);
	if (size == 0)
		return pyr__scan_fail(scan, 0, "it is empty");
	if (good == size)
		return PYR_OK;
	/* without `where`: the text is not fit to be printed */
	return pyr_error_set(err, PYR_INVALID_ARGUMENT,
		"byte %zu of the %s: 0x%02x is a control character, or not UTF-8", good + 1, what,
		(unsigned char)scan->text[good]);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Reads one byte, as it stands or as %XX. */
static pyr_status decode_byte(pyr__scan *scan, char *ret_byte)
{
	const char *at = scan->text + scan->at;
	*ret_byte = *at;
	if (*at != '%') {
		scan->at++;
		return PYR_OK;
	}
	int high = hex_digit(at[1]), low = high < 0 ? -1 : hex_digit(at[2]);
	if (low < 0)
		return pyr__scan_fail(scan, scan->at,
			"'%%' is not followed by two hexadecimal digits; '%%' itself is "
			"written %%25");
	*ret_byte = (char)(high << 4 | low);
	scan->at += 3;
	return PYR_OK;
}

/* Where in the text, from start on, the byte number `index` after decoding comes from. */
static size_t source_of(const pyr__scan *scan, size_t start, size_t index)
{
	size_t at = start;
	while (index-- > 0)
		at += scan->text[at] == '%' ? 3 : 1;
	return at;
}

pyr_status pyr__scan_decode(pyr__scan *scan, const char *stops, const char *never, const char *noun,
	size_t max, char *ret_text)
{
	size_t start = scan->at, size = 0;
	for (; scan->text[scan->at] && !strchr(stops, scan->text[scan->at]); size++) {
		char c = scan->text[scan->at];
		if (size == max)
			return pyr__scan_fail(
				scan, scan->at, "%s has at most %zu bytes", noun, max);
		if (strchr(never, c))
			return pyr__scan_fail(scan, scan->at, "'%c' in %s is written %%%02X", c,
				noun, (unsigned char)c);
		pyr_status status = decode_byte(scan, &ret_text[size]);
		if (status)
			return status;
	}
	if (size == 0)
		return pyr__scan_fail(scan, start, "%s is missing", noun);
	size_t good = pyr__utf8_printable_bytes(ret_text, size);
	if (good < size)
		return pyr__scan_fail(scan, source_of(scan, start, good),
			"0x%02x in %s is a control character, or not UTF-8",
			(unsigned char)ret_text[good], noun);
	ret_text[size] = '\0';
	return PYR_OK;
}
