/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as a reference and as an endpoint: what is taken is written, and read back the same. */
#include <string.h>
#include <pyrite/reference.h>
#include "base/utf8.h"
#include "fuzz/fuzz.h"

static void check_position(const pyr_error *err, size_t size)
{
	/* "byte N of the ...", the byte behind the last one included */
	char *end;
	MUST(strncmp(err->message, "byte ", 5) == 0);
	unsigned long position = strtoul(err->message + 5, &end, 10);
	MUST(position >= 1 && position <= size + 1 && strncmp(end, " of the ", 8) == 0);
	MUST(pyr__utf8_printable_bytes(err->message, strlen(err->message)) == strlen(err->message));
	MUST(pyr__utf8_printable_bytes(err->where, strlen(err->where)) == strlen(err->where));
}

static void check_round_trip(const pyr_reference *parts)
{
	char text[PYR_REFERENCE_MAX], again[PYR_REFERENCE_MAX];
	pyr_reference back;
	MUST(pyr_reference_format(parts, text, sizeof text, NULL) == PYR_OK);
	MUST(pyr_reference_parse(text, &back, NULL) == PYR_OK);
	MUST(parts->scheme == back.scheme && parts->is_unix == back.is_unix);
	MUST(parts->port == back.port && strcmp(parts->host, back.host) == 0);
	MUST(strcmp(parts->target, back.target) == 0);
	MUST(pyr_reference_format(&back, again, sizeof again, NULL) == PYR_OK);
	MUST(strcmp(text, again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	MUST(text);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	size = strlen(text);
	pyr_reference parts;
	pyr_error err;
	if (pyr_reference_parse(text, &parts, &err) == PYR_OK)
		check_round_trip(&parts);
	else
		check_position(&err, size);
	if (pyr_endpoint_parse(text, &parts, &err) != PYR_OK)
		check_position(&err, size);
	free(text);
	return 0;
}
