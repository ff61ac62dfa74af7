/* SPDX-License-Identifier: Apache-2.0 */
/* What happened in the server, in order, for tests that look or wait for it. */
#ifndef PYRITE_TESTS_PYRO_LOG_H
#define PYRITE_TESTS_PYRO_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All functions may be used from any thread. Past LOG_LINES_MAX lines the process ends. */
#define LOG_LINES_MAX 1000

/* The line is what and then text. */
void log_add(const char *what, const char *text);

/* Until the line is in the log (true), ms have passed, or *given_up becomes true; see log_wake().
 */
bool log_wait(const char *line, uint32_t ms, const bool *given_up);

/* Sets *given_up, and has those who wait look at it. */
void log_wake(bool *given_up);

/* The lines that begin with prefix; those never go. Returns how many. */
size_t log_find(const char *prefix, char *lines[LOG_LINES_MAX]);

#endif
