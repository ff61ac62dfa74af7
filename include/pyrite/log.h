/* SPDX-License-Identifier: Apache-2.0 */
/* What Pyrite has to say that is no answer to a call: lines for whoever runs the program. */
#ifndef PYRITE_LOG_H
#define PYRITE_LOG_H

#include <pyrite/export.h>

PYR_BEGIN_DECLS

/*
 * What goes wrong in a call is told to its caller, and not logged. The log is for what nobody else
 * hears of: a client that TLS refused, a peer that broke the protocol, a name that could not be
 * published again, a library that is not installed.
 */
typedef enum pyr_log_level {
	PYR_LOG_NONE = 0,
	PYR_LOG_ERROR = 1,   /* something does not work, and will not by itself */
	PYR_LOG_WARNING = 2, /* a peer, or the name server, gives trouble */
	PYR_LOG_INFO = 3,
	PYR_LOG_DEBUG = 4,
	PYR_LOG_TRACE = 5, /* what travels: a line for each frame, or call and message */
} pyr_log_level;

/* "none", "error", "warning", "info", "debug", "trace". */
PYR_API const char *pyr_log_level_name(pyr_log_level level);

/*
 * line: one line of printable UTF-8 without its end, at most 1,000 bytes; borrowed. Any thread, one
 * at a time. Must be quick, and must not call Pyrite.
 */
typedef void (*pyr_log_fn)(void *ctx, pyr_log_level level, const char *line);

/*
 * From now on function is called for lines of this level and below, and once this returns the one
 * before it is not running any more. NULL: lines go to stderr, as they do at first.
 *
 * The log belongs to the process. Until this is called the environment variable PYRITE_LOG gives
 * the level by its name, and without it errors and warnings are shown. Lines that a peer can cause
 * are limited to 10 in 10 seconds of each kind; one more says how many were left out.
 *
 * PYR_LOG_TRACE was asked for, and so has no such limit. It never shows what a message holds, nor
 * the value of any metadata, nor a token; texts of a peer's are shown cut short. A native
 * connection is traced if this is the level when it begins, and for as long as it is; anything else
 * is traced while this is the level.
 */
PYR_API void pyr_log_set(pyr_log_fn function, void *ctx, pyr_log_level level);

PYR_END_DECLS

#endif
