/* SPDX-License-Identifier: Apache-2.0 */
/* The log, from the inside. */
#ifndef PYR_BASE_LOG_H
#define PYR_BASE_LOG_H

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <pyrite/log.h>

/* The last level that is shown; PYR__LOG_LEVEL_UNREAD until somebody has asked. */
extern atomic_int pyr__log_level_max;
#define PYR__LOG_LEVEL_UNREAD INT_MAX

/* The same question, once the environment has been read. */
bool pyr__log_wants_after_all(pyr_log_level level);

/* True if lines of this level are shown: to be asked before a line that costs something. */
static inline bool pyr__log_wants(pyr_log_level level)
{
	return (int)level <= atomic_load_explicit(&pyr__log_level_max, memory_order_relaxed) &&
	       pyr__log_wants_after_all(level);
}

/* One line. May be called with locks held: nothing calls back from there. */
void pyr__log(pyr_log_level level, const char *format, ...) PYR_PRINTF(2, 3) PYR_COLD;

/* Lines of one kind; zeroed at first. */
typedef struct pyr__log_kind {
	int64_t since_us; /* the first of `lines` */
	unsigned lines, left_out;
} pyr__log_kind;

/* The same, no more often than who runs the program can read. */
void pyr__log_limited(pyr__log_kind *kind, pyr_log_level level, const char *format, ...)
	PYR_PRINTF(3, 4) PYR_COLD;

/* For what peers can cause as often as they like. */
#define PYR__LOG_OF_PEER(level, ...)                                                               \
	do {                                                                                       \
		static pyr__log_kind kind_;                                                        \
		pyr__log_limited(&kind_, level, __VA_ARGS__);                                      \
	} while (0)

/* What travels. Nothing is evaluated unless that is wanted, and nothing is left out if it is. */
#define PYR__TRACE(...)                                                                            \
	do {                                                                                       \
		if (pyr__log_wants(PYR_LOG_TRACE))                                                 \
			pyr__log(PYR_LOG_TRACE, __VA_ARGS__);                                      \
	} while (0)

#endif
