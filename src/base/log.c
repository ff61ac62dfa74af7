/* SPDX-License-Identifier: Apache-2.0 */
/* The log: one line at a time, to a function or to stderr. */
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/config.h"
#include "base/utf8.h"

#define LINE_BYTES_MAX 1001
#define LIMIT_LINES    10u
#define LIMIT_US       10000000

static pthread_once_t once = PTHREAD_ONCE_INIT;
atomic_int pyr__log_level_max = PYR__LOG_LEVEL_UNREAD;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards what follows, and kinds */
static pyr_log_fn function;
static void *function_ctx;

static const char *const names[] = {"none", "error", "warning", "info", "debug", "trace"};
#define LEVELS (sizeof names / sizeof names[0])

const char *pyr_log_level_name(pyr_log_level level)
{
	return (unsigned)level < LEVELS ? names[level] : "unknown";
}

static void read_environment(void)
{
	const char *wanted = pyr__config_text(PYR__CONFIG_LOG);
	atomic_store(&pyr__log_level_max, PYR_LOG_WARNING);
	for (size_t i = 0; i < LEVELS; i++) {
		if (strcmp(names[i], wanted) != 0)
			continue;
		atomic_store(&pyr__log_level_max, (int)i);
		return;
	}
	fprintf(stderr, "pyrite: warning: PYRITE_LOG is none of none, error, warning, info, "
			"debug, trace\n");
}

bool pyr__log_wants_after_all(pyr_log_level level)
{
	pthread_once(&once, read_environment);
	return (int)level <= atomic_load_explicit(&pyr__log_level_max, memory_order_relaxed);
}

void pyr_log_set(pyr_log_fn wanted, void *ctx, pyr_log_level level)
{
	pthread_once(&once, read_environment);
	pthread_mutex_lock(&lock);
	function = wanted;
	function_ctx = ctx;
	atomic_store(&pyr__log_level_max, (int)level);
	pthread_mutex_unlock(&lock);
}

/* What a peer has sent may be in it. */
static void make_printable(char *line)
{
	size_t size = strlen(line);
	for (size_t at = 0; at < size;) {
		at += pyr__utf8_valid_bytes(line + at, size - at);
		if (at < size)
			line[at++] = '?';
	}
	for (unsigned char *c = (unsigned char *)line; *c; c++) {
		if (*c < ' ' || *c == 0x7f)
			*c = '?';
		if (*c == 0xc2 && c[1] < 0xa0) /* U+0080 to U+009F are control characters too */
			c[0] = c[1] = '?';
	}
}

/* Lock held, for this and what follows. */
static void write_line(pyr_log_level level, const char *line)
{
	if (function)
		function(function_ctx, level, line);
	else
		fprintf(stderr, "pyrite: %s: %s\n", pyr_log_level_name(level), line);
}

static void write_formatted(pyr_log_level level, const char *format, va_list args)
{
	char line[LINE_BYTES_MAX];
	vsnprintf(line, sizeof line, format, args);
	make_printable(line);
	write_line(level, line);
}

static void write_left_out(pyr_log_level level, unsigned count)
{
	char line[80];
	snprintf(line, sizeof line, "%u lines like the one that follows were left out", count);
	write_line(level, line);
}

void pyr__log(pyr_log_level level, const char *format, ...)
{
	va_list args;
	if (!pyr__log_wants(level))
		return;
	va_start(args, format);
	pthread_mutex_lock(&lock);
	write_formatted(level, format, args);
	pthread_mutex_unlock(&lock);
	va_end(args);
}

/* False when there are enough of them for now. */
static bool may_write(pyr__log_kind *kind, pyr_log_level level)
{
	int64_t now_us = pyr__now_us();
	if (kind->lines > 0 && now_us - kind->since_us < LIMIT_US) {
		bool enough = kind->lines == LIMIT_LINES;
		*(enough ? &kind->left_out : &kind->lines) += 1;
		return !enough;
	}
	if (kind->left_out > 0)
		write_left_out(level, kind->left_out);
	*kind = (pyr__log_kind){.since_us = now_us, .lines = 1};
	return true;
}

void pyr__log_limited(pyr__log_kind *kind, pyr_log_level level, const char *format, ...)
{
	va_list args;
	if (!pyr__log_wants(level))
		return;
	va_start(args, format);
	pthread_mutex_lock(&lock);
	if (may_write(kind, level))
		write_formatted(level, format, args);
	pthread_mutex_unlock(&lock);
	va_end(args);
}
