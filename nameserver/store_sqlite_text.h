/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists as they lie in the columns of the store's file, readable in the sqlite3 program. Names,
 * tags and references have no control characters and tags no ',', so nothing needs quoting.
 *
 *   tags      TAG,TAG,...
 *   holders   one line each: LEASE <tab> OWNER <tab> REFERENCE <tab> REFERENCE ... <newline>
 */
#ifndef NS_STORE_SQLITE_TEXT_H
#define NS_STORE_SQLITE_TEXT_H

#include "record.h"

/* Memory that grows and is used again from record to record. All zero is empty. */
typedef struct ns_scratch {
	char *text;
	size_t size, room; /* of text */
	ns_holder *holders;
	size_t holder_room;
	const char **pointers;
	size_t pointer_room;
} ns_scratch;

void ns_scratch_done(ns_scratch *scratch);

/* Writes into scratch->text and scratch->size, instead of what was there. */
void ns_write_tags(ns_scratch *scratch, const ns_record *record);
void ns_write_holders(ns_scratch *scratch, const ns_record *record);

/*
 * Fills in draft's tags and holders, which lie in scratch until it is used again. False for texts
 * that ns_write_tags() and ns_write_holders() cannot have written.
 */
bool ns_read_lists(ns_scratch *scratch, const char *tags, const char *holders, ns_record *draft);

#endif
