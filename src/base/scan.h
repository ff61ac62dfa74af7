/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a reference or an endpoint from left to right, with errors that say at which byte. */
#ifndef PYR_BASE_SCAN_H
#define PYR_BASE_SCAN_H

#include <stddef.h>
#include <pyrite/reference.h>

typedef struct pyr__scan {
	const char *text; /* printable UTF-8 once pyr__scan_init() has succeeded */
	const char *what; /* "reference" or "endpoint", for the errors */
	size_t at;
	pyr_error *err;
} pyr__scan;

/* Refuses text that is empty or not printable UTF-8. */
pyr_status pyr__scan_init(pyr__scan *scan, const char *text, const char *what, pyr_error *err);

/* INVALID_ARGUMENT with a message about the byte at offset `at`. */
pyr_status pyr__scan_fail(const pyr__scan *scan, size_t at, const char *format, ...)
	PYR_PRINTF(3, 4);

/*
 * Reads up to a byte of `stops` or the end, and decodes what is percent-encoded. A byte of `never`
 * must be percent-encoded. 1 to max bytes; `noun` is for the errors ("an object id").
 */
pyr_status pyr__scan_decode(pyr__scan *scan, const char *stops, const char *never, const char *noun,
	size_t max, char *ret_text);

/* Reads an endpoint to the end of the text. to_listen: also host "*" and port 0. */
pyr_status pyr__scan_endpoint(pyr__scan *scan, bool to_listen, pyr_reference *ret_reference);

#endif
