/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON text (RFC 8259), read from left to right without building anything: numbers stay as they are
 * written, so that 64 bits keep their value, and every error knows its line and column.
 */
#ifndef PYR_DYNAMIC_JSON_TEXT_H
#define PYR_DYNAMIC_JSON_TEXT_H

#include <pyrite/status.h>
#include "base/text.h"

#define PYR__JSON_DEPTH_MAX 220 /* objects and arrays in each other */

typedef enum pyr__json_kind {
	PYR__JSON_END,
	PYR__JSON_OBJECT,
	PYR__JSON_ARRAY,
	PYR__JSON_STRING,
	PYR__JSON_NUMBER,
	PYR__JSON_TRUE,
	PYR__JSON_FALSE,
	PYR__JSON_NULL,
	PYR__JSON_BAD,
} pyr__json_kind;

/* Where in the message: "phones[2].number". The outermost part has up == NULL. */
typedef struct pyr__json_path {
	const struct pyr__json_path *up;
	const char *name; /* NULL: an element of an array */
	size_t index;
} pyr__json_path;

typedef struct pyr__json_in {
	const char *text;
	size_t size;
	size_t at;
	unsigned depth;
	const pyr__json_path *path;
	pyr_error *err;
} pyr__json_in;

/* A string that was read: NUL-terminated, and maybe with more NULs inside. */
typedef struct pyr__json_string {
	char *data;
	size_t size;
	size_t room;
} pyr__json_string;

void pyr__json_path_write(const pyr__json_path *path, char *to, size_t room);

/* Sets the error and returns false; `at` is an offset in the text. */
bool pyr__json_fail(const pyr__json_in *in, size_t at, const char *format, ...) PYR_PRINTF(3, 4);

/* Steps over white space; what comes then, of which only the first character has been looked at. */
pyr__json_kind pyr__json_peek(pyr__json_in *in);

/* "an object", "a string", ... */
const char *pyr__json_kind_name(pyr__json_kind kind);

/* Each reads one value of that kind, which pyr__json_peek() has seen. */
bool pyr__json_read_word(pyr__json_in *in); /* true, false, null */
bool pyr__json_read_string(pyr__json_in *in, pyr__json_string *string);
bool pyr__json_read_number(pyr__json_in *in, pyr__text *ret_number); /* lies in in->text */
bool pyr__json_skip(pyr__json_in *in);                               /* whatever it is */

/*
 * Objects and arrays:
 *
 *     for (bool more = pyr__json_open(in, ARRAY); more; more = pyr__json_next(in, ARRAY)) { read }
 *
 * Both return false at the end as well as for an error; in->depth is what it was before at the end,
 * one more after an error. Of an object the next thing is pyr__json_read_key().
 */
bool pyr__json_open(pyr__json_in *in, pyr__json_kind kind);
bool pyr__json_next(pyr__json_in *in, pyr__json_kind kind);
bool pyr__json_read_key(pyr__json_in *in, pyr__json_string *key); /* and the colon */

/* Nothing but white space is left. */
bool pyr__json_finish(pyr__json_in *in);

#endif
