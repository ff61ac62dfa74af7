/* SPDX-License-Identifier: Apache-2.0 */
/* Text that grows. */
#ifndef PYR_CODEGEN_TEXT_H
#define PYR_CODEGEN_TEXT_H

#include <stdarg.h>
#include <stddef.h>

/* All zeros is an empty text. data is NUL-terminated once anything was added; may hold NULs. */
typedef struct gen_text {
	char *data;
	size_t size;
	size_t capacity;
} gen_text;

void gen_text_add(gen_text *text, const void *data, size_t size);
void gen_text_add_string(gen_text *text, const char *string);
void gen_text_printf(gen_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void gen_text_vprintf(gen_text *text, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

/* Puts string before the byte `at`. */
void gen_text_insert(gen_text *text, size_t at, const char *string);

/* Frees what it holds; text is empty again. */
void gen_text_done(gen_text *text);

#endif
