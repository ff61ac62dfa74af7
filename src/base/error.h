/* SPDX-License-Identifier: Apache-2.0 */
/* Filling in errors, beyond pyr_error_set(). Every function takes NULL for the error. */
#ifndef PYR_BASE_ERROR_H
#define PYR_BASE_ERROR_H

#include <stdarg.h>
#include <stdbool.h>
#include <pyrite/status.h>

pyr_status pyr__error_setv(pyr_error *err, pyr_status status, const char *format, va_list args)
	PYR_PRINTF(3, 0) PYR_COLD;

/* So that what a user's function forgets to fill in is nothing, and not what was there. */
static inline void pyr__error_clear(pyr_error *err)
{
	err->status = PYR_UNKNOWN;
	err->executed = PYR_EXECUTED_MAYBE;
	err->would_block = err->truncated = false;
	err->details_size = 0;
	err->message[0] = err->where[0] = '\0';
}

/* Sets `where`; call it after the message is set. */
void pyr__error_where(pyr_error *err, const char *format, ...) PYR_PRINTF(2, 3) PYR_COLD;

/* Copies what is used of *from, not all 1.8 KiB. Returns from->status. */
pyr_status pyr__error_copy(pyr_error *to, const pyr_error *from) PYR_COLD;

/* Copies size bytes and a NUL into room bytes, cut at a whole UTF-8 character; true if it was cut.
 */
bool pyr__copy_text(char *to, size_t room, const char *from, size_t size);

/*
 * Replaces *reason, which is malloc'ed, with as much of the text as an error's message holds. NULL
 * is no reason, as is an empty text: most of what may end some day has none, and no room for one.
 */
void pyr__keep_reason(char **reason, const char *text, size_t size);

#endif
