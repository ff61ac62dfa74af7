/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table of access rules: the first one that matches a call decides. A daemon's may be replaced
 * while calls are judged by it, which keep the old one until they are through.
 */
#ifndef PYR_SERVER_RULES_H
#define PYR_SERVER_RULES_H

#include <pthread.h>
#include <stdatomic.h>
#include <pyrite/daemon.h>
#include "base/text.h"

typedef struct pyr__rules pyr__rules;

/* Where a daemon has its table; NULL: none, and everybody may call. Written under the lock. */
typedef struct pyr__rules_slot {
	pthread_mutex_t lock;
	_Atomic(pyr__rules *) table;
} pyr__rules_slot;

/* What is asked of a table. Nothing in it is a pattern. */
typedef struct pyr__access {
	pyr__text principal; /* empty: nobody */
	pyr__text object;    /* the one that is called, which the caller need not have named */
	pyr__text method;
} pyr__access;

typedef enum pyr__verdict {
	PYR__VERDICT_NONE, /* no rule matches */
	PYR__VERDICT_DENY,
	PYR__VERDICT_ALLOW,
} pyr__verdict;

/* True if the whole text is what the pattern says. */
bool pyr__rules_match(const char *pattern, pyr__text text);

/* What is wrong with a rule, or NULL. */
const char *pyr__rule_fault(const pyr_rule *rule);

/* A copy of rules, which are faultless, with one reference. */
pyr__rules *pyr__rules_new(const pyr_rule *rules, size_t count);
void pyr__rules_unref(pyr__rules *rules);

pyr__verdict pyr__rules_judge(const pyr__rules *rules, const pyr__access *access);

/* rules_text.c: reads lines; name is the file's, for errors. */
pyr_status pyr__rules_parse(
	const char *text, size_t size, const char *name, pyr__rules **ret_rules, pyr_error *err);

void pyr__rules_slot_init(pyr__rules_slot *slot);
void pyr__rules_slot_done(pyr__rules_slot *slot);

/* Takes the reference over; NULL: no table. */
void pyr__rules_slot_put(pyr__rules_slot *slot, pyr__rules *rules);

/* True if there is a table. */
static inline bool pyr__rules_slot_filled(pyr__rules_slot *slot)
{
	return atomic_load_explicit(&slot->table, memory_order_acquire) != NULL;
}

/* A reference to the table, or NULL. */
pyr__rules *pyr__rules_slot_get(pyr__rules_slot *slot);

#endif
