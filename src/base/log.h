/* SPDX-License-Identifier: Apache-2.0 */
/* The log, from the inside. */
#ifndef PYR_BASE_LOG_H
#define PYR_BASE_LOG_H

#include <stdint.h>
#include <pyrite/log.h>

/* One line. May be called with locks held: nothing calls back from there. */
void pyr__log(pyr_log_level level, const char *format, ...) PYR_PRINTF(2, 3);

/* Lines of one kind; zeroed at first. */
typedef struct pyr__log_kind {
	int64_t since_us; /* the first of `lines` */
	unsigned lines, left_out;
} pyr__log_kind;

/* The same, no more often than who runs the program can read. */
void pyr__log_limited(pyr__log_kind *kind, pyr_log_level level, const char *format, ...)
	PYR_PRINTF(3, 4);

/* For what peers can cause as often as they like. */
#define PYR__LOG_OF_PEER(level, ...)                                                               \
	do {                                                                                       \
		static pyr__log_kind kind_;                                                        \
		pyr__log_limited(&kind_, level, __VA_ARGS__);                                      \
	} while (0)

#endif
