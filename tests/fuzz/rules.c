/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text as a file of access rules: what is taken judges without a mistake of its own, and what
 * is not says in which line.
 */
#include <string.h>
#include "base/utf8.h"
#include "fuzz/fuzz.h"
#include "server/rules.h"

#define NAME "fuzzed.rules"

static pyr__text text_of(const char *text)
{
	return (pyr__text){text, strlen(text)};
}

static void check_error(const pyr_error *err)
{
	MUST(err->status == PYR_INVALID_ARGUMENT || err->status == PYR_RESOURCE_EXHAUSTED);
	MUST(strstr(err->message, NAME) || strstr(err->where, NAME));
	MUST(pyr__utf8_printable_bytes(err->message, strlen(err->message)) == strlen(err->message));
}

/* The same is asked twice, and a rule that is for everything leaves no question. */
static void judge(const pyr__rules *rules)
{
	static const char *const principals[] = {"", "alice", "uid:0"};
	static const char *const methods[] = {"demo.Calculator/Add", "pyrite.Daemon/Info"};
	for (size_t i = 0; i < 3; i++)
		for (size_t j = 0; j < 2; j++) {
			pyr__access access = {
				text_of(principals[i]), text_of("calc"), text_of(methods[j])};
			MUST(pyr__rules_judge(rules, &access) == pyr__rules_judge(rules, &access));
		}
}

static void check_match(const char *text, size_t size)
{
	char pattern[64];
	size_t kept = size < sizeof pattern - 1 ? size : sizeof pattern - 1;
	memcpy(pattern, text, kept);
	pattern[kept] = '\0';
	MUST(pyr__rules_match("*", (pyr__text){text, size}));
	if (!strpbrk(pattern, "*?"))
		MUST(pyr__rules_match(pattern, text_of(pattern)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	pyr__rules *rules;
	pyr_error err;
	char *text = malloc(size + 1);
	MUST(text);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	if (pyr__rules_parse(text, size, NAME, &rules, &err) == PYR_OK) {
		judge(rules);
		pyr__rules_unref(rules);
	} else {
		check_error(&err);
	}
	if (strlen(text) == size && pyr__utf8_valid_bytes(text, size) == size)
		check_match(text, size);
	free(text);
	return 0;
}
