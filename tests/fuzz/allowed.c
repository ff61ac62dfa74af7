/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text as hosts that are allowed, and as the place that a peer tells of: nothing of this host
 * is ever reached for a peer of another, unless it is named letter by letter.
 */
#include <string.h>
#include "client/allowed.h"
#include "fuzz/fuzz.h"

/* Hosts on the first line, a reference on the second. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const here[] = {"127.0.0.1", "127.9.9.9", "::1", "localhost", "0.0.0.0",
		"::ffff:127.0.0.1", "LOCALHOST"};
	char *text = malloc(size + 1);
	MUST(text);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	char *second = strchr(text, '\n');
	if (second)
		*second++ = '\0';
	pyr__allowed allowed = {NULL, 0};
	pyr_reference place;
	pyr_error err;
	pyr_status status = pyr__allowed_add(&allowed, text, &err);
	MUST(status == PYR_OK || status == PYR_INVALID_ARGUMENT ||
		status == PYR_RESOURCE_EXHAUSTED);
	for (size_t i = 0; i < sizeof here / sizeof here[0]; i++) {
		memset(&place, 0, sizeof place);
		strcpy(place.host, here[i]);
		status = pyr__allowed_check(&allowed, &place, "192.0.2.1:4711", &err);
		MUST(status == PYR_PERMISSION_DENIED || strcasestr(text, here[i]));
		MUST(pyr__allowed_check(&allowed, &place, "127.0.0.1:4711", &err) == PYR_OK);
	}
	place.is_unix = true;
	MUST(pyr__allowed_check(&allowed, &place, "192.0.2.1:4711", &err) == PYR_PERMISSION_DENIED);
	if (second && pyr_reference_parse(second, &place, NULL) == PYR_OK) {
		status = pyr__allowed_check(&allowed, &place, "192.0.2.1:4711", &err);
		MUST(status == PYR_OK || status == PYR_PERMISSION_DENIED);
	}
	pyr__allowed_done(&allowed);
	free(text);
	return 0;
}
