/* SPDX-License-Identifier: Apache-2.0 */
/* Access rules: the table, and what a daemon does with it. */
#include "server/rules.h"

#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/refs.h"
#include "base/utf8.h"
#include "server/daemon_private.h"

struct pyr__rules {
	atomic_uint refs;
	size_t count;
	char *texts; /* of all rules */
	pyr_rule rules[];
};

/* Patterns */

/* The byte behind the character at `at`; what is no UTF-8 is a character a byte. */
static size_t behind(pyr__text text, size_t at)
{
	at++;
	while (at < text.size && ((unsigned char)text.data[at] & 0xc0) == 0x80)
		at++;
	return at;
}

/* Only the last * is ever gone back to: what an earlier one takes more, the last can take too. */
bool pyr__rules_match(const char *pattern, pyr__text text)
{
	const char *star = NULL; /* behind the last * */
	size_t at = 0, taken = 0;
	for (;;) {
		if (*pattern == '*') {
			star = ++pattern;
			taken = at;
		} else if (at == text.size && *pattern == '\0') {
			return true;
		} else if (at < text.size && *pattern == '?') {
			at = behind(text, at);
			pattern++;
		} else if (at < text.size && *pattern && *pattern == text.data[at]) {
			at++;
			pattern++;
		} else if (star && taken < text.size) {
			at = taken = behind(text, taken);
			pattern = star;
		} else {
			return false;
		}
	}
}

static bool is_good_text(const char *text)
{
	size_t size = text ? strnlen(text, PYR_RULE_TEXT_MAX) : 0;
	return size < PYR_RULE_TEXT_MAX &&
	       (size == 0 || pyr__utf8_printable_bytes(text, size) == size);
}

const char *pyr__rule_fault(const pyr_rule *rule)
{
	if (!is_good_text(rule->principal))
		return "the principal is longer than 1,023 bytes, or not printable UTF-8";
	if (!is_good_text(rule->object))
		return "the object is longer than 1,023 bytes, or not printable UTF-8";
	if (!is_good_text(rule->method))
		return "the method is longer than 1,023 bytes, or not printable UTF-8";
	/* a rule that denies, and never matches, would be found out too late */
	if (rule->method && !strpbrk(rule->method, "/*"))
		return "the method is not of the form package.Service/Method, so no call matches";
	return NULL;
}

/* The table */

static size_t text_size(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

/* Copies to *at, and moves that on. NULL is any text. */
static const char *copy_text(char **at, const char *text)
{
	size_t size = text_size(text);
	if (!text)
		return "*";
	char *copy = memcpy(*at, text, size);
	*at += size;
	return copy;
}

pyr__rules *pyr__rules_new(const pyr_rule *rules, size_t count)
{
	size_t size = 0;
	for (size_t i = 0; i < count; i++)
		size += text_size(rules[i].principal) + text_size(rules[i].object) +
			text_size(rules[i].method);
	pyr__rules *table = pyr__alloc(sizeof *table + count * sizeof *rules);
	atomic_init(&table->refs, 1);
	table->count = count;
	table->texts = pyr__alloc(size + 1);
	char *at = table->texts;
	for (size_t i = 0; i < count; i++)
		table->rules[i] = (pyr_rule){
			.principal = copy_text(&at, rules[i].principal),
			.object = copy_text(&at, rules[i].object),
			.method = copy_text(&at, rules[i].method),
			.allow = rules[i].allow,
		};
	return table;
}

void pyr__rules_unref(pyr__rules *table)
{
	if (!table || !pyr__refs_drop(&table->refs))
		return;
	free(table->texts);
	free(table);
}

pyr__verdict pyr__rules_judge(const pyr__rules *table, const pyr__access *access)
{
	for (size_t i = 0; i < table->count; i++) {
		const pyr_rule *rule = &table->rules[i];
		if (pyr__rules_match(rule->principal, access->principal) &&
			pyr__rules_match(rule->object, access->object) &&
			pyr__rules_match(rule->method, access->method))
			return rule->allow ? PYR__VERDICT_ALLOW : PYR__VERDICT_DENY;
	}
	return PYR__VERDICT_NONE;
}

/* A daemon's */

void pyr__rules_slot_init(pyr__rules_slot *slot)
{
	pthread_mutex_init(&slot->lock, NULL);
	atomic_init(&slot->table, NULL);
}

void pyr__rules_slot_done(pyr__rules_slot *slot)
{
	pyr__rules_unref(atomic_load(&slot->table));
	pthread_mutex_destroy(&slot->lock);
}

void pyr__rules_slot_put(pyr__rules_slot *slot, pyr__rules *table)
{
	pthread_mutex_lock(&slot->lock);
	pyr__rules *old = atomic_exchange(&slot->table, table);
	pthread_mutex_unlock(&slot->lock);
	pyr__rules_unref(old);
}

pyr__rules *pyr__rules_slot_get(pyr__rules_slot *slot)
{
	pthread_mutex_lock(&slot->lock);
	pyr__rules *table = atomic_load(&slot->table);
	if (table)
		pyr__refs_take(&table->refs);
	pthread_mutex_unlock(&slot->lock);
	return table;
}

pyr_status pyr_daemon_set_rules(
	pyr_daemon *daemon, const pyr_rule *rules, size_t count, pyr_error *err)
{
	pyr_status status = pyr__daemon_check_process(daemon, err);
	if (status)
		return status;
	if (count > PYR_RULES_MAX)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT, "%zu rules; the most is %d", count,
			PYR_RULES_MAX);
	for (size_t i = 0; i < count; i++) {
		const char *fault = pyr__rule_fault(&rules[i]);
		if (fault)
			return pyr_error_set(
				err, PYR_INVALID_ARGUMENT, "rule number %zu: %s", i, fault);
	}
	pyr__rules_slot_put(&daemon->rules, pyr__rules_new(rules, count));
	return PYR_OK;
}

void pyr_daemon_drop_rules(pyr_daemon *daemon)
{
	if (!pyr__daemon_is_forked(daemon))
		pyr__rules_slot_put(&daemon->rules, NULL);
}
