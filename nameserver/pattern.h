/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A regular expression over names, anchored at their beginning: Perl's syntax, by PCRE2, which
 * says where a bad one is bad and gives up on one that takes too many steps (POSIX's does
 * neither).
 */
#ifndef NS_PATTERN_H
#define NS_PATTERN_H

#include <pyrite/status.h>

typedef struct ns_pattern ns_pattern;

#define NS_PATTERN_MAX 1024 /* bytes of a regular expression */

/* INVALID_ARGUMENT tells the byte, counted from 1, at which it is malformed. */
PYR_MUST_USE pyr_status ns_pattern_new(const char *regex, ns_pattern **ret_pattern, pyr_error *err);
void ns_pattern_free(ns_pattern *pattern); /* NULL is ignored */

/* Whether the beginning of name matches. RESOURCE_EXHAUSTED when that takes too many steps. */
PYR_MUST_USE pyr_status ns_pattern_match(
	ns_pattern *pattern, const char *name, bool *ret_matches, pyr_error *err);

/* What every name that matches begins with, as far as is easily seen; "" often. Borrowed. */
const char *ns_pattern_prefix(const ns_pattern *pattern);

#endif
