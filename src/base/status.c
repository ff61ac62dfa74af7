/* SPDX-License-Identifier: Apache-2.0 */
/* Status codes by number and name, and filling in an error. */
#include <pyrite/status.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/error.h"

static const struct {
	const char *name;
	const char *text;
} statuses[] = {
#define ROW(code, name, text) [code] = {#name, text},
	PYR_STATUS_TABLE(ROW)
#undef ROW
};

#define STATUS_COUNT (sizeof statuses / sizeof statuses[0])

const char *pyr_status_name(pyr_status status)
{
	return (unsigned)status < STATUS_COUNT ? statuses[status].name : "UNKNOWN";
}

const char *pyr_status_text(pyr_status status)
{
	return statuses[(unsigned)status < STATUS_COUNT ? status : PYR_UNKNOWN].text;
}

pyr_status pyr_status_parse(const char *name)
{
	for (unsigned i = 0; i < STATUS_COUNT; i++)
		if (strcmp(statuses[i].name, name) == 0)
			return (pyr_status)i;
	return PYR_UNKNOWN;
}

/* Cuts text at most `max` bytes long (without the NUL) at a whole UTF-8 character. */
static size_t whole_characters(const char *text, size_t max)
{
	size_t end = max;
	while (end > 0 && ((unsigned char)text[end] & 0xc0) == 0x80)
		end--;
	return end;
}

bool pyr__copy_text(char *to, size_t room, const char *from, size_t size)
{
	bool cut = size >= room;
	if (cut)
		size = whole_characters(from, room - 1);
	memcpy(to, from, size);
	to[size] = '\0';
	return cut;
}

void pyr__keep_reason(char **reason, const char *text, size_t size)
{
	char kept[PYR_ERROR_MESSAGE_MAX];
	pyr__copy_text(kept, sizeof kept, text, size);
	free(*reason);
	*reason = size ? pyr__strdup(kept) : NULL;
}

static bool format_text(char *to, size_t room, const char *format, va_list args)
{
	int size = vsnprintf(to, room, format, args);
	if (size >= 0 && (size_t)size < room)
		return false;
	/* vsnprintf cut in the middle; the last character may be half of one */
	size_t end = strlen(to), start = end;
	while (start > 0 && ((unsigned char)to[start - 1] & 0xc0) == 0x80)
		start--;
	if (start > 0 && (unsigned char)to[start - 1] >= 0xc0) {
		unsigned char lead = (unsigned char)to[start - 1];
		size_t need = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
		if (end - (start - 1) < need)
			to[start - 1] = '\0';
	}
	return true;
}

pyr_status pyr__error_setv(pyr_error *err, pyr_status status, const char *format, va_list args)
{
	if (!err)
		return status;
	err->status = status;
	err->executed = PYR_EXECUTED_MAYBE;
	err->would_block = false;
	err->details_size = 0;
	err->where[0] = '\0';
	err->truncated = format_text(err->message, sizeof err->message, format, args);
	return status;
}

pyr_status pyr_error_set(pyr_error *err, pyr_status status, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	pyr__error_setv(err, status, format, args);
	va_end(args);
	return status;
}

void pyr__error_where(pyr_error *err, const char *format, ...)
{
	if (!err)
		return;
	va_list args;
	va_start(args, format);
	if (format_text(err->where, sizeof err->where, format, args))
		err->truncated = true;
	va_end(args);
}

pyr_status pyr__error_copy(pyr_error *to, const pyr_error *from)
{
	if (to && to != from) {
		memcpy(to, from, offsetof(pyr_error, message));
		memcpy(to->message, from->message, strlen(from->message) + 1);
		memcpy(to->where, from->where, strlen(from->where) + 1);
		memcpy(to->details, from->details, from->details_size);
	}
	return from->status;
}
