/* SPDX-License-Identifier: Apache-2.0 */
/* Text that grows. */
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"

/* Makes room for size more bytes and a NUL. */
static void reserve(gen_text *text, size_t size)
{
	size_t needed = text->size + size + 1;

	if (needed <= text->capacity)
		return;
	text->capacity = needed < 256 ? 256 : needed * 2;
	text->data = pyr__realloc(text->data, text->capacity);
}

void gen_text_add(gen_text *text, const void *data, size_t size)
{
	reserve(text, size);
	if (size)
		memcpy(text->data + text->size, data, size);
	text->size += size;
	text->data[text->size] = '\0';
}

void gen_text_add_string(gen_text *text, const char *string)
{
	gen_text_add(text, string, strlen(string));
}

void gen_text_vprintf(gen_text *text, const char *format, va_list args)
{
	va_list again;

	va_copy(again, args);
	int size = vsnprintf(NULL, 0, format, again);
	va_end(again);

	reserve(text, (size_t)size);
	vsnprintf(text->data + text->size, (size_t)size + 1, format, args);
	text->size += (size_t)size;
}

void gen_text_printf(gen_text *text, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	gen_text_vprintf(text, format, args);
	va_end(args);
}

void gen_text_insert(gen_text *text, size_t at, const char *string)
{
	size_t size = strlen(string);

	reserve(text, size);
	memmove(text->data + at + size, text->data + at, text->size - at);
	memcpy(text->data + at, string, size);
	text->size += size;
	text->data[text->size] = '\0';
}

void gen_text_done(gen_text *text)
{
	free(text->data);
	*text = (gen_text){NULL, 0, 0};
}
