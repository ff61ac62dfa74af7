/* SPDX-License-Identifier: Apache-2.0 */
/* Reading UTF-8. */
#ifndef PYR_CODEGEN_UTF8_H
#define PYR_CODEGEN_UTF8_H

#include <stddef.h>
#include <stdint.h>

#define GEN_UTF8_BAD UINT32_MAX

/* Reads one character of NUL-terminated text, or one byte that is none. Returns its size. */
size_t gen_utf8_next(const char *text, uint32_t *ret_character);

/* At least as many columns as the text takes on a screen. */
size_t gen_utf8_width(const char *text, size_t size);

#endif
