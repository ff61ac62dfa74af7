/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as base64 (RFC 4648), as JSON carries them. */
#ifndef PYR_DYNAMIC_BASE64_H
#define PYR_DYNAMIC_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes (size + 2) / 3 * 4 characters of the standard alphabet, padded, and no NUL. */
void pyr__base64_write(const uint8_t *data, size_t size, char *to);

/*
 * Takes both alphabets, padded or not. to has room for size / 4 * 3 + 2 bytes. False if the text is
 * no base64.
 */
bool pyr__base64_read(const char *text, size_t size, uint8_t *to, size_t *ret_size);

#endif
