/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record: a name and all that it stands for at one revision. Records never change; a change of
 * the name makes a new one, and watches keep the old ones for a while.
 */
#ifndef NS_RECORD_H
#define NS_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One registration under a name: the references of one object, one a transport. */
typedef struct ns_holder {
	const char *owner; /* the principal that registered it; "" for nobody in particular */
	uint64_t lease_id; /* 0: none */
	const char *const *references;
	size_t reference_count; /* at least 1 */
} ns_holder;

typedef struct ns_record {
	const char *name;
	uint64_t create_revision; /* also tells this life of the name from earlier ones */
	uint64_t mod_revision;
	uint64_t version; /* 1 for the first record of a life */
	bool shared;      /* the holders are replicas; else there is exactly one */
	const ns_holder *holders;
	size_t holder_count;     /* at least 1 */
	const char *const *tags; /* sorted by strcmp(), each once */
	size_t tag_count;
} ns_record;

/*
 * A copy of draft, whose arrays and texts may lie anywhere, in one block. One reference, the
 * caller's. Counting is not atomic: one thread.
 */
ns_record *ns_record_new(const ns_record *draft);
ns_record *ns_record_ref(const ns_record *record); /* NULL stays NULL */
void ns_record_unref(const ns_record *record);     /* NULL is ignored */

/* Bytes of memory that the record takes. */
size_t ns_record_size(const ns_record *record);

bool ns_record_has_tag(const ns_record *record, const char *tag);

/* Same references in the same order. */
bool ns_holder_same_references(const ns_holder *a, const ns_holder *b);

/* Sorts texts by strcmp() and drops the second and later ones of a kind; returns how many stay. */
size_t ns_sort_unique(const char **texts, size_t count);

#endif
