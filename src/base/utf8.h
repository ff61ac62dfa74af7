/* SPDX-License-Identifier: Apache-2.0 */
/* Checking that text is what it should be. */
#ifndef PYR_BASE_UTF8_H
#define PYR_BASE_UTF8_H

#include <stddef.h>

/*
 * How many bytes from the start are valid UTF-8 (RFC 3629: no surrogates, nothing longer than need
 * be); size if all are.
 */
size_t pyr__utf8_valid_bytes(const char *text, size_t size);

/* The same, and ends before the first control character: U+0000-001F and U+007F-009F. */
size_t pyr__utf8_printable_bytes(const char *text, size_t size);

#endif
