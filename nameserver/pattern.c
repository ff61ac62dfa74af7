/* SPDX-License-Identifier: Apache-2.0 */
/* Regular expressions over names. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "pattern.h"

#include <pcre2.h>
#include <stdlib.h>
#include <string.h>
#include "alloc.h"
#include "check.h"

/*
 * What matching one name may cost. 50,000 steps are about a millisecond, and are plenty for 255
 * bytes unless the pattern backtracks without end, like "(a*)*b".
 */
#define STEPS_MAX    50000
#define HEAP_KIB_MAX 1024
#define GROUPS_MAX   50 /* parentheses within parentheses */

struct ns_pattern {
	pcre2_code *code;
	pcre2_match_data *data;
	pcre2_match_context *context;
	char prefix[NS_NAME_MAX + 1];
};

/*
 * The literal beginning of a regex. Alternatives, options and verbs can take it away from anywhere,
 * so a regex that might have one gets no prefix; neither does the character that a quantifier
 * follows, which may occur 0 times.
 */
static void find_prefix(ns_pattern *pattern, const char *regex)
{
	size_t size = 0;
	if (*regex == '^')
		regex++;
	if (!strchr(regex, '|') && !strstr(regex, "(?") && !strstr(regex, "(*")) {
		size = strcspn(regex, "\\^$.[]()?*+{}|");
		if (size && regex[size] && strchr("?*+{", regex[size]))
			for (size--; size && (regex[size] & 0xc0) == 0x80;)
				size--;
		if (size > NS_NAME_MAX)
			size = NS_NAME_MAX;
	}
	memcpy(pattern->prefix, regex, size);
	pattern->prefix[size] = '\0';
}

static pcre2_code *compile(const char *regex, size_t size, int *ret_code, size_t *ret_at)
{
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	if (!context) {
		*ret_code = PCRE2_ERROR_NOMEMORY;
		return NULL;
	}
	pcre2_set_parens_nest_limit(context, GROUPS_MAX);
	pcre2_code *code = pcre2_compile((PCRE2_SPTR)regex, size,
		PCRE2_UTF | PCRE2_ANCHORED | PCRE2_NEVER_BACKSLASH_C, ret_code, ret_at, context);
	pcre2_compile_context_free(context);
	return code;
}

pyr_status ns_pattern_new(const char *regex, ns_pattern **ret_pattern, pyr_error *err)
{
	size_t size = strnlen(regex, NS_PATTERN_MAX + 1), at = 0;
	if (size > NS_PATTERN_MAX)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"the regular expression is longer than %d bytes", NS_PATTERN_MAX);
	int code = 0;
	pcre2_code *compiled = compile(regex, size, &code, &at);
	if (!compiled) {
		char why[160] = "";
		pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof why);
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"the regular expression \"%.200s\" is malformed at byte %zu: %s", regex,
			at + 1, why);
	}
	ns_pattern *pattern = ns_alloc(sizeof *pattern);
	pattern->code = compiled;
	pattern->data = pcre2_match_data_create(1, NULL);
	pattern->context = pcre2_match_context_create(NULL);
	if (!pattern->data || !pattern->context) {
		ns_pattern_free(pattern);
		return pyr_error_set(err, PYR_RESOURCE_EXHAUSTED, "no memory for a pattern");
	}
	pcre2_set_match_limit(pattern->context, STEPS_MAX);
	pcre2_set_heap_limit(pattern->context, HEAP_KIB_MAX);
	find_prefix(pattern, regex);
	*ret_pattern = pattern;
	return PYR_OK;
}

void ns_pattern_free(ns_pattern *pattern)
{
	if (!pattern)
		return;
	pcre2_match_context_free(pattern->context);
	pcre2_match_data_free(pattern->data);
	pcre2_code_free(pattern->code);
	free(pattern);
}

pyr_status ns_pattern_match(
	ns_pattern *pattern, const char *name, bool *ret_matches, pyr_error *err)
{
	int code = pcre2_match(pattern->code, (PCRE2_SPTR)name, strlen(name), 0, PCRE2_NO_UTF_CHECK,
		pattern->data, pattern->context);
	if (code >= 0 || code == PCRE2_ERROR_NOMATCH) {
		*ret_matches = code >= 0;
		return PYR_OK;
	}
	char why[160] = "";
	pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof why);
	return pyr_error_set(err, PYR_RESOURCE_EXHAUSTED,
		"the regular expression takes too long on the name \"%s\": %s", name, why);
}

const char *ns_pattern_prefix(const ns_pattern *pattern)
{
	return pattern->prefix;
}
